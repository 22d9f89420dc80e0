//! `runs`, `show` and `status` over a store that a service has left behind.

use ml_connector::contract::credentials::CredentialStatus;
use ml_connector::contract::pacing::{Gate, Hold, HoldReason};
use ml_connector::contract::runs::{Ending, StartReason};
use ml_connector::contract::types::System;
use ml_connector::store::{StoredEvent, Write};
use ml_connector_tests::fixtures::Installation;
use ml_connector_tests::fixtures::settings::{EVENTS, MINIMAL};
use serde_json::Value;

use super::morning::{
    after_a_morning, confirmed, credential, end, failure, now, registration, start,
};

#[test]
fn without_a_store_the_command_that_creates_it_is_named() {
    let installation = Installation::new();
    for arguments in [&["status"][..], &["runs"], &["show", "1"]] {
        let output = installation.run(arguments);
        assert_eq!(output.code, 6, "{}", output.err);
        assert!(output.err.contains("ml-connector serve"), "{}", output.err);
    }
    assert!(!installation.path("ml-connector.sqlite").exists());
}

#[test]
fn runs_are_listed_newest_first() {
    let output = after_a_morning().run(&["runs"]);
    assert_eq!(output.code, 0, "{}", output.err);
    let rows: Vec<Vec<&str>> = output
        .out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[0],
        [
            "RUN",
            "CONNECTION",
            "OBJECT",
            "NUMBER",
            "PARTY",
            "AMOUNT",
            "DATE",
            "STANDING",
            "SINCE",
            "MESSAGE"
        ]
    );
    let heads = [
        "3 acme freshbooks/invoice/778122 waiting ",
        "2 acme freshbooks/invoice/778121 2093 Northwind Paper 90.00 CAD 2026-02-27 parked ",
        "1 acme freshbooks/invoice/778120 2093 Northwind Paper 90.00 CAD 2026-02-27 confirmed ",
    ];
    // One of them waits, and the last line says that no service runs.
    assert_eq!(rows.len(), heads.len() + 2);
    for (row, head) in rows[1..].iter().zip(heads) {
        assert!(row.join(" ").starts_with(head), "{row:?}");
    }
    assert!(
        output.out.contains("A tax is not mapped."),
        "{}",
        output.out
    );
    assert!(!output.out.contains('\x1b'), "colour without a terminal");
}

#[test]
fn filters_of_runs_combine() {
    let installation = after_a_morning();
    let numbers = |arguments: &[&str]| {
        let output = installation.run(&[&["runs", "--json"], arguments].concat());
        assert_eq!(output.code, 0, "{}", output.err);
        let list: Value = serde_json::from_str(&output.out).expect("JSON");
        let runs = list.as_array().expect("array").iter();
        runs.map(|run| run["run"].as_u64().expect("number"))
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(&["--state", "waiting"]), [3]);
    assert_eq!(numbers(&["--ending", "parked,confirmed"]), [2, 1]);
    assert_eq!(
        numbers(&["--ending", "parked,confirmed", "--before", "2"]),
        [1]
    );
    assert_eq!(numbers(&["--object", "freshbooks/invoice/778121"]), [2]);
    assert_eq!(numbers(&["--limit", "1"]), [3]);
    assert_eq!(
        numbers(&["--connection", "acme", "--ending", "conflict"]),
        [0; 0]
    );
    assert_eq!(installation.run(&["runs", "--connection", "other"]).code, 2);
    assert_eq!(
        installation.run(&["runs", "--ending", "conflict"]).out,
        "No run matches.\n"
    );
    assert!(
        installation
            .run(&["runs", "--limit", "1"])
            .out
            .contains("--before 3")
    );
}

#[test]
fn a_run_is_shown_from_start_to_end() {
    let output = after_a_morning().run(&["show", "1"]);
    let expected = "\
Run 1: freshbooks/invoice/778120 of connection acme, confirmed
2093, Northwind Paper, 90.00 CAD, 2026-02-27
Started 2026-03-01 09:00:00 because a webhook or event named it.
Settings version sv-0001.

2026-03-01
09:00:01.000  read: FreshBooks GET /invoices/778120
              answered 200, 46 bytes (250 ms)
09:00:02.000  write (if in doubt: look up, then ask a person): SAP Concur POST /paymentrequests
              maybe sent, the outcome is unknown: no complete answer in time (after 30 s) (250 ms)
09:00:33.000  wait for an uncertain write to settle until 2026-03-01 09:30:00: the payment \
request may still appear
              woken when it was due (250 ms)

Ended 2026-03-01 10:00:00: confirmed. Payment request PR-1 is there.
concur/payment-request/PR-1 was created.
";
    assert_eq!(
        (output.code, output.out.as_str()),
        (0, expected),
        "{}",
        output.err
    );
}

#[test]
fn bodies_are_shown_on_request_only_and_never_secrets() {
    let installation = after_a_morning();
    let output = installation.run(&["show", "1", "--bodies"]);
    assert!(
        output
            .out
            .contains("|   \"Key\": \"[secret: client-secret]\""),
        "{}",
        output.out
    );
    assert!(output.out.contains("Northwind Paper"), "{}", output.out);
    let without = installation.run(&["show", "1"]);
    assert!(!without.out.contains("organization"), "{}", without.out);
    let json = installation.run(&["show", "1", "--json"]);
    let history: Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(history["format"], "ml-connector-history");
    assert_eq!(history["entries"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_parked_run_shows_what_to_do() {
    let output = after_a_morning().run(&["show", "2"]);
    for part in [
        "parked. A tax is not mapped.",
        "/lines/0/taxName1: the tax HST has no code (tax-unmapped)",
        "What to do: add it under connections.acme.taxes",
        "Then: ml-connector replay 2",
    ] {
        assert!(
            output.out.contains(part),
            "{part} is missing:\n{}",
            output.out
        );
    }
}

#[test]
fn a_waiting_run_shows_until_when_and_why() {
    let output = after_a_morning().run(&["show", "3"]);
    assert!(
        output
            .out
            .contains("Waits before it tries again until 2026-03-01 11:00:00"),
        "{}",
        output.out
    );
    assert!(
        output.out.contains("SAP Concur answered 500."),
        "{}",
        output.out
    );
}

#[test]
fn a_run_that_is_not_there_is_a_usage_error() {
    let output = after_a_morning().run(&["show", "99"]);
    assert_eq!(output.code, 2);
    assert!(output.err.contains("there is no run 99"), "{}", output.err);
}

#[test]
fn status_shows_who_is_needed_for_what() {
    let installation = after_a_morning();
    installation.commit(vec![
        credential(System::Freshbooks, CredentialStatus::Live),
        credential(
            System::Concur,
            CredentialStatus::Dead("the refresh token was refused".to_string()),
        ),
        Write::Gate {
            connection: "acme".to_string(),
            gate: Gate {
                system: System::Concur,
                hold: Some(Hold {
                    until: now() + 600_000,
                    reason: HoldReason::Maintenance,
                }),
                failures: 2,
                failing_since: Some(now()),
            },
        },
    ]);
    let output = installation.run(&["status"]);
    assert_eq!(output.code, 0, "{}", output.err);
    for part in [
        "FreshBooks  live, needs you by ",
        "SAP Concur  dead",
        "Run: ml-connector connect concur --connection acme",
        "requests to SAP Concur are held back until ",
        "it is down for maintenance",
        "Oldest that has not ended: run 3 of freshbooks/invoice/778122",
        "1 object needs a person:",
        "run 2 freshbooks/invoice/778121 (2093, Northwind Paper, 90.00 CAD, 2026-02-27) parked: A \
         tax is not mapped.",
        "ml-connector replay --parked --connection acme",
    ] {
        assert!(
            output.out.contains(part),
            "{part} is missing:\n{}",
            output.out
        );
    }
}

#[test]
fn that_nothing_goes_on_without_a_service_is_said() {
    let installation = after_a_morning();
    for arguments in [&["status"][..], &["runs"]] {
        let output = installation.run(arguments);
        let said = "No service is running: nothing goes on. Start it with `ml-connector serve`.";
        assert!(output.out.contains(said), "{}", output.out);
    }
    let ended = installation.run(&["runs", "--ending", "parked"]);
    assert!(!ended.out.contains("No service"), "{}", ended.out);
    let status = installation.run(&["status", "--json"]);
    let status: Value = serde_json::from_str(&status.out).expect("JSON");
    assert_eq!(status[0]["service_running"], false);
}

#[test]
fn a_look_that_is_only_planned_is_neither_waiting_nor_old() {
    let installation = Installation::new();
    let started = installation.commit(vec![start("778121", StartReason::Notice)]);
    let mut parked = failure("ambiguous", "Nobody knows.");
    parked.remedy = "check there, or `ml-connector replay RUN` sends it again".to_string();
    parked.look_again = Some(now() + 3_600_000);
    installation.commit(vec![end(started.runs[0], Ending::Parked(parked))]);
    let status = installation.run(&["status"]);
    let standing = |word: &str| {
        let mut lines = status.out.lines();
        lines.any(|line| line.split_whitespace().eq([word, "1", "1"]))
    };
    assert!(standing("parked") && standing("planned"), "{}", status.out);
    assert!(!standing("waiting"), "{}", status.out);
    assert!(!status.out.contains("Oldest"), "{}", status.out);
    for output in [status, installation.run(&["show", "1"])] {
        let numbered = "What to do: check there, or `ml-connector replay 1` sends it again";
        assert!(output.out.contains(numbered), "{}", output.out);
    }
}

#[test]
fn the_address_of_a_registration_is_shown_without_its_secret_part() {
    let installation = after_a_morning();
    let secret = "00112233445566778899aabbccddeeff";
    let uri = format!("https://sync.example.test/hooks/freshbooks/acme/{secret}");
    installation.commit(vec![Write::Append {
        run: 3,
        rows: vec![registration(&uri)],
    }]);
    for arguments in [
        &["show", "3", "--bodies"][..],
        &["show", "3", "--json"],
        &["history", "export", "3"],
    ] {
        let output = installation.run(arguments);
        assert!(
            output.out.contains("/hooks/freshbooks/acme/redacted-"),
            "{}",
            output.out
        );
        assert!(!output.out.contains(secret), "{}", output.out);
    }
}

#[test]
fn status_check_exits_with_who_is_needed() {
    let installation = after_a_morning();
    assert_eq!(installation.run(&["status", "--check"]).code, 4);
    installation.commit(vec![
        credential(System::Freshbooks, CredentialStatus::Live),
        credential(System::Concur, CredentialStatus::Live),
    ]);
    assert_eq!(installation.run(&["status", "--check"]).code, 5);
    installation.commit(vec![start("778121", StartReason::Replay)]);
    installation.commit(vec![end(4, confirmed())]);
    assert_eq!(installation.run(&["status", "--check"]).code, 0);
}

#[test]
fn status_as_json_holds_what_a_script_needs() {
    let output = after_a_morning().run(&["status", "--json"]);
    let answer: Value = serde_json::from_str(&output.out).expect("JSON");
    let acme = &answer[0];
    assert_eq!(acme["connection"], "acme");
    assert_eq!(acme["needs_person_count"], 1);
    assert_eq!(acme["needs_person"][0]["run"], 2);
    assert_eq!(acme["oldest_open"]["run"], 3);
    assert_eq!(acme["credentials"][0]["credential"]["status"], "absent");
}

#[test]
fn reading_needs_no_component_and_no_mapping() {
    let installation = after_a_morning();
    let settings = MINIMAL.replace("COMPONENT", "gone.wasm").replace(
        "[connections.acme.expense_types]",
        "[connections.acme.nonsense]",
    );
    installation.write("ml-connector.toml", &settings);
    for arguments in [&["status"][..], &["runs"], &["show", "1"]] {
        let output = installation.run(arguments);
        assert_eq!(output.code, 0, "{arguments:?}: {}", output.err);
    }
}

#[test]
fn status_shows_the_state_of_events() {
    const DAY: u64 = 86_400_000;
    let settings = format!("{MINIMAL}{}", EVENTS);
    let installation = Installation::with_settings(&settings);
    let certificate = |ends: u64| Write::Mark {
        name: "event-certificates".to_string(),
        value: format!(r#"[{{"fingerprint":"aa","ends":{ends},"seen":1}}]"#),
    };
    installation.commit(vec![certificate(now() + 90 * DAY)]);
    let output = installation.run(&["status"]);
    assert!(
        output.out.contains("Events      none has arrived yet"),
        "{}",
        output.out
    );
    assert!(!output.out.contains("trust_anchors"), "{}", output.out);

    let event = StoredEvent {
        connection: "acme".to_string(),
        id: "e1".to_string(),
        event_type: "invoice.readyForIntegration".to_string(),
        received: now(),
        object: None,
    };
    installation.commit(vec![Write::Event(event), certificate(now() + 20 * DAY)]);
    let output = installation.run(&["status"]);
    for part in [
        "Events      the last arrived ",
        "SAP Concur's certificate ends on ",
        "see that trust_anchors holds the root of the next one",
    ] {
        assert!(
            output.out.contains(part),
            "{part} is missing:\n{}",
            output.out
        );
    }
    let output = installation.run(&["status", "--json"]);
    let answer: Value = serde_json::from_str(&output.out).expect("JSON");
    assert_eq!(answer[0]["events"]["count"]["events"], 1);
    assert_eq!(answer[0]["events"]["certificates"][0]["fingerprint"], "aa");
    let without_events = Installation::new();
    without_events.commit(vec![certificate(now())]);
    let output = without_events.run(&["status"]);
    assert!(!output.out.contains("Events"), "{}", output.out);
}
