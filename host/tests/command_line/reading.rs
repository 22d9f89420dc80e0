//! `runs`, `show` and `status` over a store that a server has left behind.

use std::time::{SystemTime, UNIX_EPOCH};

use ml_connector::contract::credentials::{AccessSpan, Credential, CredentialStatus};
use ml_connector::contract::http::{
    Authorization, Body, BodyPart, Header, Method, Request, Response, Secret,
};
use ml_connector::contract::http::{SendError, SendErrorCode, SendOutcome};
use ml_connector::contract::pacing::{Gate, Hold, HoldReason};
use ml_connector::contract::runs::{
    Action, Change, Completion, Confirmation, Demand, Effect, Ending, Facts, Failure, Intent,
    NewTask, OutboundRequest, Outcome, Report, StartReason, Wait, WaitReason, Wake,
};
use ml_connector::contract::types::{Instant, ObjectRef, Problem, System};
use ml_connector::store::{HistoryRow, NewRun, RunId, StoredCredential, StoredEvent, Write};
use serde_json::Value;

use super::office::{Office, SETTINGS};

/// 2026-03-01 09:00:00 UTC.
const NINE: Instant = 1_772_355_600_000;

fn object(system: System, kind: &str, id: &str) -> ObjectRef {
    ObjectRef {
        system,
        kind: kind.to_string(),
        id: id.to_string(),
    }
}

fn invoice(id: &str) -> ObjectRef {
    object(System::Freshbooks, "invoice", id)
}

fn start(id: &str, reason: StartReason) -> Write {
    Write::Start(NewRun {
        connection: "acme".to_string(),
        task: NewTask {
            object: invoice(id),
            reason,
        },
        settings_version: "sv-0001".to_string(),
        started: NINE,
        notice: None,
    })
}

fn effect(id: u32, action: Action) -> Demand {
    Demand::Perform(Effect { id, action })
}

fn send(
    id: u32,
    system: System,
    method: Method,
    path: &str,
    intent: Intent,
    body: Vec<BodyPart>,
) -> Demand {
    let request = Request {
        system,
        authorization: Authorization::Connection,
        method,
        path_with_query: path.to_string(),
        headers: Vec::new(),
        body,
        timeout: 30_000,
    };
    effect(id, Action::Send(OutboundRequest { request, intent }))
}

fn row(index: u32, after_ms: u64, demand: Demand, report: Option<Report>) -> HistoryRow {
    let at = NINE + after_ms;
    HistoryRow {
        epoch: 0,
        index,
        at,
        demand,
        outcome: report.map(|report| Outcome {
            id: index,
            report,
            at: at + 250,
        }),
    }
}

fn answered(status: u16, body: &str) -> Option<Report> {
    Some(Report::Sent(SendOutcome::Response(Response {
        status,
        headers: vec![Header {
            name: "content-type".to_string(),
            value: "application/json".to_string(),
        }],
        body: Body::Text(body.to_string()),
    })))
}

/// Reads the invoice, loses the answer to a write, waits for it to settle.
fn uncertain_history() -> Vec<HistoryRow> {
    let read = send(
        0,
        System::Freshbooks,
        Method::Get,
        "/invoices/778120",
        Intent::Read,
        Vec::new(),
    );
    let body = vec![
        BodyPart::Text("{\"Name\":\"2093 Northwind\",\"Key\":\"".to_string()),
        BodyPart::JsonSecret(Secret::ClientSecret),
        BodyPart::Text("\"}".to_string()),
    ];
    let write = send(
        1,
        System::Concur,
        Method::Post,
        "/paymentrequests",
        Intent::LookUpThenPark,
        body,
    );
    let lost = Some(Report::Sent(SendOutcome::MaybeSent(SendError {
        code: SendErrorCode::Timeout,
        detail: "after 30 s".to_string(),
    })));
    let settle = Demand::Wait(Wait {
        id: 2,
        until: NINE + 1_800_000,
        reason: WaitReason::Settle,
        on: None,
        message: "the payment request may still appear".to_string(),
    });
    vec![
        row(
            0,
            1_000,
            read,
            answered(200, "{\"invoice\":{\"organization\":\"Northwind Paper\"}}"),
        ),
        row(1, 2_000, write, lost),
        row(2, 33_000, settle, Some(Report::Woken(Wake::Due))),
    ]
}

fn stop(code: &str, message: &str) -> Failure {
    Failure {
        code: code.to_string(),
        message: message.to_string(),
        remedy: "add it under connections.acme.taxes".to_string(),
        problems: vec![Problem {
            pointer: "/lines/0/taxName1".to_string(),
            code: "tax-unmapped".to_string(),
            message: "the tax HST has no code".to_string(),
        }],
        since: NINE,
        look_again: None,
        reconnect: None,
    }
}

fn end(run: RunId, ending: Ending) -> Write {
    Write::End {
        run,
        completion: Completion {
            ending,
            version: Some("v1".to_string()),
            facts: facts(),
        },
        at: NINE + 3_600_000,
    }
}

fn facts() -> Facts {
    Facts {
        number: Some("2093".to_string()),
        party: Some("Northwind Paper".to_string()),
        amount: Some("90.00".to_string()),
        currency: Some("CAD".to_string()),
        date: Some("2026-02-27".to_string()),
    }
}

fn confirmed() -> Ending {
    Ending::Confirmed(Confirmation {
        target: object(System::Concur, "payment-request", "PR-1"),
        change: Change::Created,
        message: "Payment request PR-1 is there.".to_string(),
    })
}

/// Run 1 confirmed after an uncertain write, run 2 parked, run 3 waiting.
fn after_a_morning() -> Office {
    let office = Office::new();
    let begun = ["778120", "778121", "778122"].map(|id| start(id, StartReason::Notice));
    let receipt = office.keep(begun.to_vec());
    assert_eq!(receipt.runs, [1, 2, 3]);
    office.keep(vec![
        Write::Append {
            run: 1,
            rows: uncertain_history(),
        },
        end(1, confirmed()),
        end(
            2,
            Ending::Parked(stop("tax-unmapped", "A tax is not mapped.")),
        ),
        Write::Wait {
            run: 3,
            due: NINE + 7_200_000,
            reason: Some(WaitReason::Retry),
            on: None,
            message: "SAP Concur answered 500.".to_string(),
        },
    ]);
    office
}

fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("clock");
    u64::try_from(since.as_millis()).expect("fits")
}

fn credential(system: System, status: CredentialStatus) -> Write {
    Write::Credential(StoredCredential {
        connection: "acme".to_string(),
        credential: Credential {
            system,
            status,
            generation: 3,
            base: None,
            access: Some(AccessSpan {
                issued: now() - 1_000,
                expires: now() + 3_600_000,
            }),
            refresh_expires: Some(now() + 30 * 86_400_000),
            scope: None,
        },
        sealed_tokens: vec![1],
        refreshing: false,
        sealed_answer: Vec::new(),
    })
}

#[test]
fn without_a_store_the_command_that_makes_it_is_named() {
    let office = Office::new();
    for arguments in [&["status"][..], &["runs"], &["show", "1"]] {
        let said = office.run(arguments);
        assert_eq!(said.code, 6, "{}", said.err);
        assert!(said.err.contains("ml-connector serve"), "{}", said.err);
    }
    assert!(!office.path("ml-connector.sqlite").exists());
}

#[test]
fn runs_are_listed_newest_first() {
    let said = after_a_morning().run(&["runs"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let rows: Vec<Vec<&str>> = said
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
            "STANDING",
            "SINCE",
            "SENTENCE"
        ]
    );
    let heads: Vec<_> = rows[1..].iter().map(|row| row[..4].join(" ")).collect();
    assert_eq!(
        heads,
        [
            "3 acme freshbooks/invoice/778122 waiting",
            "2 acme freshbooks/invoice/778121 parked",
            "1 acme freshbooks/invoice/778120 confirmed",
        ]
    );
    assert!(said.out.contains("A tax is not mapped."), "{}", said.out);
    assert!(!said.out.contains('\x1b'), "colour without a terminal");
}

#[test]
fn filters_of_runs_add_up() {
    let office = after_a_morning();
    let numbers = |arguments: &[&str]| {
        let said = office.run(&[&["runs", "--json"], arguments].concat());
        assert_eq!(said.code, 0, "{}", said.err);
        let list: Value = serde_json::from_str(&said.out).expect("JSON");
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
    assert_eq!(office.run(&["runs", "--connection", "other"]).code, 2);
    assert_eq!(
        office.run(&["runs", "--ending", "conflict"]).out,
        "No run matches.\n"
    );
    assert!(
        office
            .run(&["runs", "--limit", "1"])
            .out
            .contains("--before 3")
    );
}

#[test]
fn a_run_is_told_from_start_to_end() {
    let said = after_a_morning().run(&["show", "1"]);
    let expected = "\
Run 1: freshbooks/invoice/778120 of connection acme, confirmed
Started 2026-03-01 09:00:00 because a webhook named it.
Settings version sv-0001.

2026-03-01
09:00:01.000  read: FreshBooks GET /invoices/778120
              answered 200, 46 bytes (250 ms)
09:00:02.000  write (if in doubt: look up, then ask a person): SAP Concur POST /paymentrequests
              maybe sent, the outcome is unknown: no complete answer in time (after 30 s) (250 ms)
09:00:33.000  wait for an uncertain write to settle until 2026-03-01 09:30:00: the payment request may still appear
              woken when it was due (250 ms)

Ended 2026-03-01 10:00:00: confirmed. Payment request PR-1 is there.
concur/payment-request/PR-1 was created.
";
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, expected),
        "{}",
        said.err
    );
}

#[test]
fn bodies_are_shown_on_request_only_and_never_secrets() {
    let office = after_a_morning();
    let said = office.run(&["show", "1", "--bodies"]);
    assert!(
        said.out.contains("|   \"Key\": \"[secret client-secret]\""),
        "{}",
        said.out
    );
    assert!(said.out.contains("Northwind Paper"), "{}", said.out);
    let without = office.run(&["show", "1", "--json"]);
    assert!(!without.out.contains("Northwind"), "{}", without.out);
    let with = office.run(&["show", "1", "--json", "--bodies"]);
    let answer: Value = serde_json::from_str(&with.out).expect("JSON");
    assert_eq!(answer["history"].as_array().map(Vec::len), Some(3));
    assert!(with.out.contains("Northwind Paper"), "{}", with.out);
}

#[test]
fn a_parked_run_says_what_to_do() {
    let said = after_a_morning().run(&["show", "2"]);
    for part in [
        "parked. A tax is not mapped.",
        "/lines/0/taxName1: the tax HST has no code (tax-unmapped)",
        "What to do: add it under connections.acme.taxes",
        "Then: ml-connector replay 2",
    ] {
        assert!(said.out.contains(part), "{part} is missing:\n{}", said.out);
    }
}

#[test]
fn a_waiting_run_says_until_when_and_why() {
    let said = after_a_morning().run(&["show", "3"]);
    assert!(
        said.out
            .contains("Waits before it tries again until 2026-03-01 11:00:00"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("SAP Concur answered 500."),
        "{}",
        said.out
    );
}

#[test]
fn a_run_that_is_not_there_is_a_usage_error() {
    let said = after_a_morning().run(&["show", "99"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("there is no run 99"), "{}", said.err);
}

#[test]
fn status_tells_who_is_needed_for_what() {
    let office = after_a_morning();
    office.keep(vec![
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
    let said = office.run(&["status"]);
    assert_eq!(said.code, 0, "{}", said.err);
    for part in [
        "FreshBooks  live, needs you by ",
        "SAP Concur  dead",
        "Run: ml-connector connect concur --connection acme",
        "requests to SAP Concur are held back until ",
        "it is down for maintenance",
        "Oldest that has not ended: run 3 of freshbooks/invoice/778122",
        "1 object needs a person:",
        "run 2 freshbooks/invoice/778121 parked: A tax is not mapped.",
        "ml-connector replay --parked --connection acme",
    ] {
        assert!(said.out.contains(part), "{part} is missing:\n{}", said.out);
    }
}

#[test]
fn status_check_tells_scripts_who_is_needed() {
    let office = after_a_morning();
    assert_eq!(office.run(&["status", "--check"]).code, 4);
    office.keep(vec![
        credential(System::Freshbooks, CredentialStatus::Live),
        credential(System::Concur, CredentialStatus::Live),
    ]);
    assert_eq!(office.run(&["status", "--check"]).code, 5);
    office.keep(vec![start("778121", StartReason::Replay)]);
    office.keep(vec![end(4, confirmed())]);
    assert_eq!(office.run(&["status", "--check"]).code, 0);
}

#[test]
fn status_as_json_holds_what_a_script_needs() {
    let said = after_a_morning().run(&["status", "--json"]);
    let answer: Value = serde_json::from_str(&said.out).expect("JSON");
    let acme = &answer[0];
    assert_eq!(acme["connection"], "acme");
    assert_eq!(acme["needs_person_count"], 1);
    assert_eq!(acme["needs_person"][0]["run"], 2);
    assert_eq!(acme["oldest_open"]["run"], 3);
    assert_eq!(acme["credentials"][0]["credential"]["life"], "Absent");
}

#[test]
fn reading_needs_no_component_and_no_mapping() {
    let office = after_a_morning();
    let settings = SETTINGS.replace("COMPONENT", "gone.wasm").replace(
        "[connections.acme.expense_types]",
        "[connections.acme.nonsense]",
    );
    office.write("ml-connector.toml", &settings);
    for arguments in [&["status"][..], &["runs"], &["show", "1"]] {
        let said = office.run(arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {}", said.err);
    }
}

#[test]
fn status_tells_how_events_stand() {
    const DAY: u64 = 86_400_000;
    let settings = format!("{SETTINGS}{}", super::checking::EVENTS);
    let office = Office::with_settings(&settings);
    let certificate = |ends: u64| Write::Mark {
        name: "event-certificates".to_string(),
        value: format!(r#"[{{"fingerprint":"aa","ends":{ends},"seen":1}}]"#),
    };
    office.keep(vec![certificate(now() + 90 * DAY)]);
    let said = office.run(&["status"]);
    assert!(
        said.out.contains("Events      none has arrived yet"),
        "{}",
        said.out
    );
    assert!(!said.out.contains("trust_anchors"), "{}", said.out);

    let event = StoredEvent {
        connection: "acme".to_string(),
        id: "e1".to_string(),
        event_type: "invoice.readyForIntegration".to_string(),
        received: now(),
        object: None,
    };
    office.keep(vec![Write::Event(event), certificate(now() + 20 * DAY)]);
    let said = office.run(&["status"]);
    for part in [
        "Events      the last arrived ",
        "SAP Concur's certificate ends on ",
        "see that trust_anchors holds the root of the next one",
    ] {
        assert!(said.out.contains(part), "{part} is missing:\n{}", said.out);
    }
    let said = office.run(&["status", "--json"]);
    let answer: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(answer[0]["events"]["count"]["events"], 1);
    assert_eq!(answer[0]["events"]["certificates"][0]["fingerprint"], "aa");
    let said = Office::with_settings(SETTINGS);
    said.keep(vec![certificate(now())]);
    assert!(!said.run(&["status"]).out.contains("Events"));
}
