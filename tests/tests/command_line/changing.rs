//! `serve`, `connect` and `replay` against both vendors behind sockets.

use std::os::unix::fs::PermissionsExt;

use ml_connector::contract::runs::{Completion, Ending, Facts, Failure, NewTask, StartReason};
use ml_connector::contract::types::{ObjectRef, System};
use ml_connector::seal::Keyring;
use ml_connector::store::{NewRun, Write};
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_sandbox::server;
use ml_connector_tests::fixtures::command::RunningCommand;
use ml_connector_tests::fixtures::installation::SETTINGS_FILE;
use ml_connector_tests::fixtures::settings::MINIMAL;
use ml_connector_tests::fixtures::{Deployment, Installation, Options, documents, http};
use serde_json::{Value, json};

/// Both vendors, and a connection that accepts Canadian dollars only.
async fn deployment() -> Deployment {
    let mut options = Options::default();
    options.connection["currencies"] = json!(["CAD"]);
    let deployment = Deployment::new(&options).await;
    deployment.expect("a deployment")
}

async fn started() -> Deployment {
    let mut deployment = deployment().await;
    deployment.start().await.expect("starts");
    deployment
}

/// A person sends an invoice over paper to a client; returns its id.
fn send_invoice(deployment: &Deployment, number: &str, currency: &str) -> u64 {
    let (mut client, now) = (documents::client(), server::now());
    client["currency_code"] = currency.into();
    let mut sandbox = deployment.sandbox.shared.lock();
    let client = sandbox.freshbooks.create(RecordKind::Client, &client, now);
    let invoice = json!({"customerid": client.expect("client"), "create_date": "2026-02-27",
        "due_offset_days": 30, "currency_code": currency, "invoice_number": number, "status": 2,
        "lines": [{"type": 0, "name": "Copy paper", "description": "A4", "qty": "3",
            "unit_cost": {"amount": "30.00", "code": currency}}]});
    let id = sandbox
        .freshbooks
        .create(RecordKind::Invoice, &invoice, now);
    drop(sandbox);
    deployment.sandbox.shared.wake();
    id.expect("invoice")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_is_connected_and_its_invoices_arrive() {
    let mut deployment = started().await;
    connect_freshbooks(&deployment).await;
    connect_concur(&deployment);
    deployment.registered().await.expect("registers");
    let id = send_invoice(&deployment, "2093", "CAD");
    let run = deployment.ended(&format!("freshbooks/invoice/{id}"), "confirmed");
    assert_eq!(run["reason"], "notice", "{run}");
    let count = deployment
        .sandbox
        .shared
        .lock()
        .concur
        .payment_request_count();
    assert_eq!(count, 1);

    let installation = &deployment.installation;
    let shown = installation.run(&["show", &run["run"].to_string()]);
    assert!(shown.out.contains("SAP Concur POST"), "{}", shown.out);
    let status = installation.run(&["status", "--check"]);
    assert_eq!(status.code, 0, "{}", status.out);

    deployment.stop().expect("stops");
    let log = deployment.log();
    assert!(!log.contains("ERROR"), "nothing went wrong: {log}");
    let check = deployment.installation.run(&["check", "--online"]);
    assert_eq!(check.code, 0, "{}", check.out);
}

async fn connect_freshbooks(deployment: &Deployment) {
    let command = deployment.installation.command(&["connect", "freshbooks"]);
    let mut connecting = RunningCommand::start(command);
    let url = connecting.line_with("/oauth/authorize").expect("a link");
    let waiting = connecting.line_with("Waiting for FreshBooks");
    waiting.expect("it waits");
    let page = deployment.consent(&url).await.expect("a page");
    assert!(page.body.contains("You can close this page"), "{page:?}");
    let output = connecting.end();
    assert_eq!(output.code, 0, "{output:?}");
    let done = "FreshBooks is connected for acme.";
    assert!(output.out.contains(done), "{output:?}");
}

fn connect_concur(deployment: &Deployment) {
    let token = deployment.company_request_token();
    let installation = &deployment.installation;
    let output = installation.run_with(&["connect", "concur"], &[], &format!("{token}\n"));
    assert_eq!(output.code, 0, "{output:?}");
    let done = "SAP Concur is connected for acme.";
    assert!(output.out.contains(done), "{output:?}");
    assert!(!output.out.contains(&token));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_secret_that_is_missing_or_exposed_is_said_everywhere_alike() {
    let mut deployment = deployment().await;
    let installation = &deployment.installation;
    let concur = installation.path("secrets/acme.concur-client-secret");
    std::fs::remove_file(&concur).expect("is there");
    let freshbooks = installation.path("secrets/acme.freshbooks-client-secret");
    let exposed = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(&freshbooks, exposed).expect("is set");
    let said = [
        "concur-client-secret of acme: set the environment variable ML_CONNECTOR_ACME_CONCUR",
        "freshbooks-client-secret of acme: ",
        "can be read by others; run `chmod 600 ",
    ];
    let says = |text: &str| {
        for part in said {
            assert!(text.contains(part), "{part} is missing: {text}");
        }
    };
    says(&installation.run(&["check"]).out);
    deployment.start().await.expect("starts all the same");
    says(&deployment.log());
    says(&deployment.installation.run(&["status"]).out);
    let token = deployment.company_request_token();
    let connect = ["connect", "concur"];
    let output = deployment
        .installation
        .run_with(&connect, &[], &format!("{token}\n"));
    assert_eq!(output.code, 3, "{output:?}");
    assert!(
        output
            .err
            .contains("ML_CONNECTOR_ACME_CONCUR_CLIENT_SECRET"),
        "{output:?}"
    );
    deployment.stop().expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_ends_with_the_service_that_awaits_it() {
    let mut deployment = deployment().await;
    let ours = format!("{}/oauth/freshbooks/callback", deployment.receiver_url);
    let elsewhere = ours.replace("/oauth/", "/other/");
    deployment.installation.change_settings(&ours, &elsewhere);
    deployment.start().await.expect("starts");
    let command = deployment.installation.command(&["connect", "freshbooks"]);
    let mut connecting = RunningCommand::start(command);
    let warning = format!("freshbooks.redirect_uri is not {ours}.");
    connecting.line_with(&warning).expect("it warns at once");
    connecting
        .line_with("Waiting for FreshBooks")
        .expect("it waits");
    deployment.stop().expect("stops");
    let output = connecting.end();
    assert_eq!(output.code, 4, "{output:?}");
    assert!(output.err.contains("the service has stopped"), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_get_a_new_address_which_is_registered_by_itself() {
    let mut deployment = started().await;
    deployment.connect().await.expect("connects");
    deployment.registered().await.expect("registers");
    let addresses = |deployment: &Deployment| {
        let sandbox = deployment.sandbox.shared.lock();
        let states = sandbox.freshbooks.callback_states();
        let verified = states.into_iter().filter(|(_, _, verified)| *verified);
        verified.map(|(id, _, _)| id).collect::<Vec<_>>()
    };
    let before = addresses(&deployment);
    let changed = deployment.installation.run(&["webhooks", "new-address"]);
    assert_eq!(changed.code, 0, "{changed:?}");
    assert!(
        changed.out.contains("Restart the service now"),
        "{changed:?}"
    );
    deployment.stop().expect("stops");
    deployment.start().await.expect("starts");
    let registered = deployment.until("new ones are registered", || {
        let after = addresses(&deployment);
        after.iter().filter(|id| !before.contains(id)).count() == 2
    });
    registered.await.expect("comes");
    let id = send_invoice(&deployment, "2096", "CAD");
    let run = deployment.ended(&format!("freshbooks/invoice/{id}"), "confirmed");
    assert_eq!(run["reason"], "notice", "{run}");
    deployment.stop().expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_parked_arrives_after_the_fix_and_a_replay() {
    let mut deployment = started().await;
    deployment.connect().await.expect("connects");
    deployment.registered().await.expect("registers");
    let id = send_invoice(&deployment, "2094", "EUR");
    let object = format!("freshbooks/invoice/{id}");
    let _ = deployment.ended(&object, "parked");
    let status = deployment.installation.run(&["status", "--check"]);
    assert_eq!(status.code, 5);
    deployment.stop().expect("stops");
    let log = deployment.log();
    let parked = log.lines().find(|line| line.contains("needs a person"));
    let parked = parked.expect("is a line of the log");
    for part in ["WARN", "currency-unmapped", "remedy=", &id.to_string()] {
        assert!(parked.contains(part), "{part} is missing: {parked}");
    }

    let installation = &deployment.installation;
    installation.change_settings("[\"CAD\"]", "[\"CAD\", \"EUR\"]");
    deployment.start().await.expect("starts");
    let output = deployment.installation.run(&["replay", "--parked"]);
    let expected = "1 object runs again; see `ml-connector runs`.\n";
    assert_eq!((output.code, output.out.as_str()), (0, expected));
    let run = deployment.ended(&object, "confirmed");
    assert_eq!(run["reason"], "replay");
    deployment.stop().expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_reports_its_health_and_holds_the_store_alone() {
    let mut deployment = started().await;
    let url = |path: &str| format!("{}/{path}", deployment.receiver_url);
    let health = http::get(&url("healthz")).await.expect("an answer");
    assert_eq!(health.status, 200, "{health:?}");
    let metrics = http::get(&url("metrics")).await.expect("an answer");
    assert!(metrics.body.contains("ml_connector_"), "{metrics:?}");

    let installation = &deployment.installation;
    let address = deployment.receiver_url.trim_start_matches("http://");
    let settings = installation.read(SETTINGS_FILE);
    let elsewhere = settings.replace(address, "127.0.0.1:0");
    installation.write("second.toml", &elsewhere);
    let second = installation.run(&["serve", "--config", "second.toml"]);
    assert_eq!(second.code, 6, "{}", second.err);
    assert!(second.err.contains("ml-connector.sqlite"), "{}", second.err);
    deployment.stop().expect("stops");
    let log = deployment.log();
    assert!(log.contains("Listening at "), "{log}");
    assert!(log.contains("stopped"), "{log}");
}

#[test]
fn a_service_with_wrong_settings_does_not_start_and_says_where_they_are_wrong() {
    let installation = Installation::with_settings(&MINIMAL.replace("[\"CAD\"]", "[\"C\"]"));
    for arguments in [&["serve"][..], &["connect", "freshbooks"]] {
        let output = installation.run(arguments);
        assert_eq!(output.code, 3, "{}", output.err);
        let place = "ml-connector.toml:10: connections.acme.currencies";
        assert!(output.err.contains(place), "{}", output.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_service_the_redirect_is_pasted() {
    let deployment = deployment().await;
    let installation = &deployment.installation;
    let arguments = ["connect", "freshbooks", "--connection", "acme"];
    let mut connecting = RunningCommand::start(installation.command(&arguments));
    let url = connecting.line_with("/oauth/authorize").expect("a link");
    let alone = connecting.line_with("No service runs here");
    alone.expect("it is alone");
    let asked = connecting.line_with("Paste the address");
    asked.expect("it asks");
    let redirect = deployment.consent_redirect(&url).await;
    connecting.type_in(&format!("{}\n", redirect.expect("a redirect")));
    let output = connecting.end();
    assert_eq!(output.code, 0, "{output:?}");
    let status = installation.run(&["status", "--json"]);
    let status: Value = serde_json::from_str(&status.out).expect("JSON");
    assert_eq!(status[0]["credentials"][0]["credential"]["status"], "live");
    assert_eq!(
        status[0]["credentials"][1]["credential"]["status"],
        "absent"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_needs_a_person() {
    let deployment = deployment().await;
    let installation = &deployment.installation;
    let variable = [("ML_CONNECTOR_COMPANY_REQUEST_TOKEN", "n0t-a-token")];
    let output = installation.run_with(&["connect", "concur"], &variable, "");
    assert_eq!(output.code, 4, "{output:?}");
    assert!(!output.err.contains("n0t-a-token"), "{}", output.err);
    let arguments = ["connect", "freshbooks", "--pasted"];
    let pasted = installation.run_with(&arguments, &[], "no-such-code\n");
    assert_eq!(pasted.code, 4, "{pasted:?}");
    assert!(!pasted.err.contains("no-such-code"), "{}", pasted.err);
}

#[test]
fn an_empty_token_is_refused() {
    let installation = Installation::new();
    let output = installation.run_with(&["connect", "concur"], &[], "\n");
    assert_eq!(output.code, 2);
    let why = "no company request token";
    assert!(output.err.contains(why), "{}", output.err);
    let as_argument = installation.run(&["connect", "concur", "t0ken"]);
    assert_eq!(as_argument.code, 2);
}

fn start(id: &str) -> Write {
    let object = ObjectRef {
        system: System::Freshbooks,
        kind: "invoice".to_string(),
        id: id.to_string(),
    };
    Write::Start(NewRun {
        connection: "acme".to_string(),
        task: NewTask {
            object,
            reason: StartReason::Notice,
        },
        settings_version: "sv-0001".to_string(),
        started: 1_772_355_600_000,
        notice: None,
    })
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

fn installation_with_two_parked() -> Installation {
    let installation = Installation::new();
    let keys = Keyring::generate().expect("keys");
    installation.write_secret("seal.keys", keys.reveal());
    installation.write_secret("acme.freshbooks-client-secret", "x");
    installation.write_secret("acme.concur-client-secret", "x");
    for (run, id) in [(1, "778120"), (2, "778121")] {
        installation.commit(vec![start(id)]);
        installation.commit(vec![Write::End {
            run,
            completion: Completion {
                ending: parked(),
                version: None,
                facts: Facts::NONE,
            },
            at: 1_772_355_601_000,
        }]);
    }
    installation
}

fn due_reasons(installation: &Installation) -> Vec<Value> {
    let output = installation.run(&["runs", "--state", "due", "--json"]);
    let runs: Vec<Value> = serde_json::from_str(&output.out).expect("JSON");
    runs.iter().map(|run| run["reason"].clone()).collect()
}

#[test]
fn without_a_service_replays_wait_for_the_next_one() {
    let installation = installation_with_two_parked();
    let one = installation.run(&["replay", "1", "--json"]);
    assert_eq!(one.code, 0, "{}", one.err);
    assert_eq!(one.out, "{\"objects\":1}\n");
    assert_eq!(due_reasons(&installation), ["replay"]);
    let installation = installation_with_two_parked();
    let all = installation.run(&["replay", "--parked", "--connection", "acme"]);
    let expected = "2 objects run again; see `ml-connector runs`.\nNo service is running: nothing \
                    goes on. Start it with `ml-connector serve`.\n";
    assert_eq!((all.code, all.out.as_str()), (0, expected));
    assert_eq!(due_reasons(&installation), ["replay", "replay"]);
}

#[test]
fn replay_says_what_it_cannot_find() {
    let installation = installation_with_two_parked();
    for (arguments, part) in [
        (&["replay", "99"][..], "there is no run 99"),
        (
            &["replay", "--parked", "--connection", "other"],
            "there is no connection \"other\"",
        ),
        (&["replay"], "<RUN|--parked>"),
        (&["replay", "1", "--parked"], "cannot be used with"),
    ] {
        let output = installation.run(arguments);
        assert_eq!(output.code, 2, "{arguments:?}: {}", output.err);
        assert!(output.err.contains(part), "{arguments:?}: {}", output.err);
    }
}
