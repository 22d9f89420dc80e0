//! `serve`, `connect` and `replay` against both vendors behind sockets.

use ml_connector::contract::runs::{Completion, Ending, Facts, Failure, NewTask, StartReason};
use ml_connector::contract::types::{ObjectRef, System};
use ml_connector::seal::Keyring;
use ml_connector::store::{NewRun, Write};
use serde_json::Value;

use super::firm::{Firm, Going, get};
use super::office::{Office, SETTINGS};

#[test]
fn a_firm_is_connected_and_its_invoices_arrive() {
    let firm = Firm::new();
    let service = firm.serve();
    connect_freshbooks(&firm);
    connect_concur(&firm);
    firm.wait_for("freshbooks/callback/invoice", "confirmed");
    let id = firm.send_invoice("2093", "CAD");
    let run = firm.wait_for(&format!("freshbooks/invoice/{id}"), "confirmed");
    assert_eq!(run["reason"], "Notice", "{run}");
    assert_eq!(firm.vendors.shared.lock().concur.payment_request_count(), 1);

    let shown = firm.office.run(&["show", &run["run"].to_string()]);
    assert!(shown.out.contains("SAP Concur POST"), "{}", shown.out);
    let status = firm.office.run(&["status", "--check"]);
    assert_eq!(status.code, 0, "{}", status.out);

    let (ended, log) = service.stop();
    assert!(ended.success(), "{ended}: {log}");
    let check = firm.office.run(&["check", "--online"]);
    assert_eq!(check.code, 0, "{}", check.out);
}

fn connect_freshbooks(firm: &Firm) {
    let mut connecting = Going::start(&firm.office, &["connect", "freshbooks"]);
    let url = connecting.line_with("/oauth/authorize");
    connecting.line_with("Waiting for FreshBooks");
    let page = firm.agree(&url);
    assert!(page.contains("You can close this page"), "{page}");
    let (code, said) = connecting.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("FreshBooks is connected for acme."), "{said}");
}

fn connect_concur(firm: &Firm) {
    let token = firm.company_request_token();
    let said = firm
        .office
        .run_with(&["connect", "concur"], &[], &format!("{token}\n"));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.out.contains("SAP Concur is connected for acme."),
        "{}",
        said.out
    );
    assert!(!said.out.contains(&token));
}

#[test]
fn what_was_parked_arrives_after_the_mend_and_a_replay() {
    let firm = Firm::new();
    let service = firm.serve();
    connect_freshbooks(&firm);
    connect_concur(&firm);
    firm.wait_for("freshbooks/callback/invoice", "confirmed");
    let id = firm.send_invoice("2094", "EUR");
    let object = format!("freshbooks/invoice/{id}");
    firm.wait_for(&object, "parked");
    assert_eq!(firm.office.run(&["status", "--check"]).code, 5);
    let (ended, log) = service.stop();
    assert!(ended.success(), "{log}");

    let file = firm.office.path("ml-connector.toml");
    let settings = std::fs::read_to_string(&file).expect("settings");
    firm.office.write(
        "ml-connector.toml",
        &settings.replace("[\"CAD\"]", "[\"CAD\", \"EUR\"]"),
    );
    let service = firm.serve();
    let said = firm.office.run(&["replay", "--parked"]);
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "1 object runs again; see `ml-connector runs`.\n")
    );
    let run = firm.wait_for(&object, "confirmed");
    assert_eq!(run["reason"], "Replay");
    assert!(service.stop().0.success());
}

#[test]
fn the_service_tells_that_it_is_well_and_holds_the_store_alone() {
    let firm = Firm::new();
    let service = firm.serve();
    let health = get(&format!("http://{}/healthz", firm.address));
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    let metrics = get(&format!("http://{}/metrics", firm.address));
    assert!(metrics.contains("ml_connector_"), "{metrics}");

    let settings =
        std::fs::read_to_string(firm.office.path("ml-connector.toml")).expect("settings");
    firm.office.write(
        "second.toml",
        &settings.replace(&firm.address, "127.0.0.1:0"),
    );
    let second = firm.office.run(&["serve", "--config", "second.toml"]);
    assert_eq!(second.code, 6, "{}", second.err);
    assert!(second.err.contains("ml-connector.sqlite"), "{}", second.err);
    let (ended, log) = service.stop();
    assert!(ended.success() && log.contains("stopped"), "{log}");
}

#[test]
fn a_service_with_wrong_settings_does_not_start_and_says_where_they_are_wrong() {
    let office = Office::with_settings(&SETTINGS.replace("[\"CAD\"]", "[\"C\"]"));
    for arguments in [&["serve"][..], &["connect", "freshbooks"]] {
        let said = office.run(arguments);
        assert_eq!(said.code, 3, "{}", said.err);
        let place = "ml-connector.toml:9: connections.acme.currencies";
        assert!(said.err.contains(place), "{}", said.err);
    }
}

#[test]
fn without_a_service_the_redirect_is_pasted() {
    let firm = Firm::new();
    let mut connecting = Going::start(
        &firm.office,
        &["connect", "freshbooks", "--connection", "acme"],
    );
    let url = connecting.line_with("/oauth/authorize");
    connecting.line_with("No service runs here");
    connecting.line_with("Paste the address");
    connecting.type_in(&format!("{}\n", firm.redirect(&url)));
    let (code, said) = connecting.end();
    assert_eq!(code, Some(0), "{said}");
    let status: Value =
        serde_json::from_str(&firm.office.run(&["status", "--json"]).out).expect("JSON");
    assert_eq!(status[0]["credentials"][0]["credential"]["life"], "Live");
    assert_eq!(status[0]["credentials"][1]["credential"]["life"], "Absent");
}

#[test]
fn a_token_that_is_refused_needs_a_person() {
    let firm = Firm::new();
    let variable = [("ML_CONNECTOR_COMPANY_REQUEST_TOKEN", "n0t-a-token")];
    let said = firm.office.run_with(&["connect", "concur"], &variable, "");
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    assert!(!said.err.contains("n0t-a-token"), "{}", said.err);
    let pasted = firm.office.run_with(
        &["connect", "freshbooks", "--pasted"],
        &[],
        "no-such-code\n",
    );
    assert_eq!(pasted.code, 4, "{}{}", pasted.out, pasted.err);
    assert!(!pasted.err.contains("no-such-code"), "{}", pasted.err);
}

#[test]
fn an_empty_token_is_asked_for_again() {
    let office = Office::new();
    let said = office.run_with(&["connect", "concur"], &[], "\n");
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("no company request token"),
        "{}",
        said.err
    );
    assert_eq!(office.run(&["connect", "concur", "t0ken"]).code, 2);
}

fn park(id: &str) -> Vec<Write> {
    let object = ObjectRef {
        system: System::Freshbooks,
        kind: "invoice".to_string(),
        id: id.to_string(),
    };
    vec![Write::Start(NewRun {
        connection: "acme".to_string(),
        task: NewTask {
            object,
            reason: StartReason::Notice,
        },
        settings_version: "sv-0001".to_string(),
        started: 1_772_355_600_000,
        notice: None,
    })]
}

fn parked() -> Ending {
    Ending::Parked(Failure {
        code: "tax-unmapped".to_string(),
        message: "A tax is not mapped.".to_string(),
        remedy: "add it".to_string(),
        problems: Vec::new(),
        since: 1_772_355_600_000,
        look_again: None,
        reconnect: None,
    })
}

fn office_with_two_parked() -> Office {
    let office = Office::new();
    office.keep_secret("seal.keys", Keyring::generate().expect("keys").reveal());
    office.keep_secret("acme.freshbooks-client-secret", "x");
    office.keep_secret("acme.concur-client-secret", "x");
    for (run, id) in [(1, "778120"), (2, "778121")] {
        office.keep(park(id));
        office.keep(vec![Write::End {
            run,
            completion: Completion {
                ending: parked(),
                version: None,
                facts: Facts::NONE,
            },
            at: 1_772_355_601_000,
        }]);
    }
    office
}

fn due_reasons(office: &Office) -> Vec<Value> {
    let said = office.run(&["runs", "--state", "due", "--json"]);
    let runs: Vec<Value> = serde_json::from_str(&said.out).expect("JSON");
    runs.iter().map(|run| run["reason"].clone()).collect()
}

#[test]
fn without_a_service_replays_wait_for_the_next_one() {
    let office = office_with_two_parked();
    let one = office.run(&["replay", "1", "--json"]);
    assert_eq!(
        (one.code, one.out.as_str()),
        (0, "{\"objects\":1}\n"),
        "{}",
        one.err
    );
    assert_eq!(due_reasons(&office), ["Replay"]);
    let office = office_with_two_parked();
    let all = office.run(&["replay", "--parked", "--connection", "acme"]);
    assert_eq!(
        (all.code, all.out.as_str()),
        (0, "2 objects run again; see `ml-connector runs`.\n")
    );
    assert_eq!(due_reasons(&office), ["Replay", "Replay"]);
}

#[test]
fn replay_says_what_it_cannot_find() {
    let office = office_with_two_parked();
    for (arguments, part) in [
        (&["replay", "99"][..], "there is no run 99"),
        (
            &["replay", "--parked", "--connection", "other"],
            "there is no connection \"other\"",
        ),
        (&["replay"], "<RUN|--parked>"),
        (&["replay", "1", "--parked"], "cannot be used with"),
    ] {
        let said = office.run(arguments);
        assert_eq!(said.code, 2, "{arguments:?}: {}", said.err);
        assert!(said.err.contains(part), "{arguments:?}: {}", said.err);
    }
}
