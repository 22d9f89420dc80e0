//! Settings that are legal and that nobody means, and which component runs.

use std::process::Command;

use ml_connector::contract::credentials::CredentialStatus;
use ml_connector::contract::runs::{NewTask, StartReason};
use ml_connector::contract::types::{ObjectRef, System};
use ml_connector::store::sqlite::SqliteStore;
use ml_connector::store::{NewRun, Store, Write};
use ml_connector_tests::built;
use ml_connector_tests::fixtures::command::finish;
use ml_connector_tests::fixtures::installation::STORE_FILE;
use ml_connector_tests::fixtures::settings::MINIMAL;
use ml_connector_tests::fixtures::{Deployment, Installation, Options, http};
use serde_json::Value;

use super::morning::{after_a_morning, credential};

#[test]
fn secrets_in_the_clear_are_found_by_check_and_refused_by_everything_that_sends() {
    let mut settings = MINIMAL.to_string();
    for (safe, exposed) in [
        (
            "base = \"http://127.0.0.1:1\"\n\n[connections.acme.concur]",
            "base = \"http://api.freshbooks.com\"\n\n[connections.acme.concur]",
        ),
        (
            "token_base = \"http://127.0.0.1:1\"",
            "extra_bases = [\"http://10.0.0.1\"]",
        ),
        (
            "listen = \"127.0.0.1:0\"\npublic_url = \"https://",
            "listen = \"0.0.0.0:0\"\npublic_url = \"http://",
        ),
    ] {
        assert!(settings.contains(safe), "{safe}");
        settings = settings.replacen(safe, exposed, 1);
    }
    let installation = Installation::with_settings(&settings);
    let exposed = [
        "receiver.public_url: http://sync.example.test sends tokens",
        "receiver.listen: others can reach this address",
        "connections.acme.freshbooks.base: http://api.freshbooks.com sends tokens",
        "connections.acme.concur.extra_bases: http://10.0.0.1 sends tokens",
    ];
    let check = installation.run(&["check"]);
    assert_eq!(check.code, 3, "{}", check.out);
    for setting in exposed {
        let finding = format!("wrong  {setting}");
        assert!(check.out.contains(&finding), "{setting}: {}", check.out);
    }
    let connect = ["connect", "freshbooks"];
    for output in [
        installation.refused_service(&[]),
        installation.run(&connect),
    ] {
        assert_eq!(output.code, 3, "{output:?}");
        for setting in exposed {
            assert!(output.err.contains(setting), "{setting}: {output:?}");
        }
    }
}

#[test]
fn a_connection_that_is_gone_is_told_with_what_is_left_of_it() {
    let installation = after_a_morning();
    installation.commit(vec![credential(System::Freshbooks, CredentialStatus::Live)]);
    let gone = "the settings have no connection acme any more, and the store holds 3 of its runs \
                (1 waiting, 1 that need a person), its links, and its tokens";
    assert!(!installation.run(&["status"]).out.contains("any more"));
    installation.change_settings("connections.acme", "connections.main");
    for command in ["check", "status"] {
        let output = installation.run(&[command]);
        assert!(output.out.contains(gone), "{command}: {}", output.out);
    }
    let status = installation.run(&["status", "--json"]);
    let status: Value = serde_json::from_str(&status.out).expect("JSON");
    assert_eq!(status[1]["connection"], "acme");
    assert_eq!(status[1]["in_settings"], false);
    assert_eq!(status[1]["waiting"], 1);
}

/// The second connection of one account, with a part of its table replaced.
fn doubled(from: &str, to: &str) -> Installation {
    let table = MINIMAL.split_once("[connections.acme]").expect("a table").1;
    let second = format!("[connections.acme]{table}").replace(".acme", ".bolt");
    assert!(second.contains(from), "{from}");
    let second = second.replace(from, to);
    Installation::with_settings(&format!("{MINIMAL}{second}"))
}

#[test]
fn connections_that_would_make_every_record_twice_are_refused() {
    const DOUBLED: &str = "acme and bolt take the same documents of the FreshBooks account AbC123 \
                           into the same SAP Concur company \
                           5d1b6d0e-0000-4000-8000-000000000001: every record would be made twice";
    let installation = doubled("AbC123", "AbC123");
    let check = installation.run(&["check"]);
    let finding = format!("wrong  connections: {DOUBLED}");
    assert!(check.out.contains(&finding), "{}", check.out);
    let connect = ["connect", "freshbooks", "--connection", "acme"];
    for output in [
        installation.refused_service(&[]),
        installation.run(&connect),
    ] {
        assert_eq!(output.code, 3, "{output:?}");
        assert!(output.err.contains(DOUBLED), "{output:?}");
    }
}

#[test]
fn one_account_for_two_companies_and_two_accounts_for_one_are_findings() {
    let apart = doubled("000000000001", "000000000002").run(&["check"]);
    let account = "warn   connections: acme and bolt carry the same FreshBooks account AbC123";
    assert!(apart.out.contains(account), "{}", apart.out);
    let joined = doubled("AbC123", "DeF456").run(&["check"]);
    let company = "warn   connections: acme and bolt lead into the same SAP Concur company";
    assert!(joined.out.contains(company), "{}", joined.out);
    for output in [apart, joined] {
        assert!(!output.out.contains("twice"), "{}", output.out);
    }
}

#[test]
fn what_the_example_settings_leave_open_is_found() {
    let example = std::fs::read_to_string(built::root().join("ml-connector.example.toml"));
    let example = example.expect("is there");
    let component = "#path = \"ml_connector_component.wasm\"";
    assert!(example.contains(component));
    let settings = example.replace(component, "path = \"COMPONENT\"");
    let check = Installation::with_settings(&settings).run(&["check"]);
    assert_eq!(check.code, 3, "{}", check.out);
    let acme = "connections.acme";
    for finding in [
        "warn   receiver.public_url: \"https://sync.example.test\" is in a domain that is reserved",
        &format!("warn   {acme}.freshbooks.account_id: \"AbC123\" is the one of the example"),
        &format!("warn   {acme}.freshbooks.business_id: 1234567 is the one of the example"),
        &format!("wrong  {acme}.freshbooks.client_id: \"your-freshbooks-client-id\" is to be"),
        &format!("wrong  {acme}.concur.client_id: \"your-concur-client-id\" is to be filled in"),
        &format!("wrong  {acme}.concur.company_id: \"00000000-0000-0000-0000-000000000000\""),
        &format!("warn   {acme}.payment_request.employee_login_id: \"ap.clerk@example.test\""),
        &format!("warn   {acme}.expense_types: is empty, so that every invoice and bill will park"),
    ] {
        assert!(check.out.contains(finding), "{finding}: {}", check.out);
    }
}

#[test]
fn secrets_in_the_clear_are_refused_before_anything_is_made_or_loaded() {
    let settings = MINIMAL
        .replace("COMPONENT", "gone.wasm")
        .replace("public_url = \"https://", "public_url = \"http://");
    let installation = Installation::with_settings(&settings);
    let output = installation.refused_service(&[]);
    assert_eq!(output.code, 3, "{output:?}");
    let exposed = "receiver.public_url: http://sync.example.test sends tokens";
    assert!(output.err.contains(exposed), "{output:?}");
    assert!(!installation.path(STORE_FILE).exists());
}

/// Two connections of one company, each with these ledgers.
fn two_of_one_company(ledgers: [&str; 2]) -> Installation {
    let [first, second] = ledgers.map(|ledgers| {
        format!("\n[connections.acme.financial]\nenabled = true\nledgers = {ledgers}\n")
    });
    let table = MINIMAL.split_once("[connections.acme]").expect("a table").1;
    let bolt = format!("[connections.acme]{table}{second}")
        .replace(".acme", ".bolt")
        .replace("AbC123", "XyZ789");
    Installation::with_settings(&format!("{MINIMAL}{first}{bolt}"))
}

#[test]
fn documents_that_two_connections_take_or_none_are_found() {
    let both = "warn   connections: acme and bolt can both take the same financial document";
    let none = "warn   connections: none of acme, bolt takes financial documents that name no";
    for (ledgers, expected) in [
        (["{}", "{}"], [true, false]),
        (
            ["{ codes = [\"GP\"] }", "{ codes = [\"gp\", \"SAP\"] }"],
            [true, true],
        ),
        (
            ["{ codes = [\"GP\"] }", "{ codes = [\"SAP\"] }"],
            [false, true],
        ),
        (
            [
                "{ codes = [\"GP\"], unnamed = true }",
                "{ codes = [\"SAP\"] }",
            ],
            [false, false],
        ),
    ] {
        let check = two_of_one_company(ledgers).run(&["check"]).out;
        let found = [both, none].map(|finding| check.contains(finding));
        assert_eq!(found, expected, "{ledgers:?}: {check}");
    }
}

#[test]
fn status_shows_when_a_queue_is_looked_into_next() {
    let schedule = "schedule = { days = [\"mon\"], times = [\"07:00\"], zone = \"UTC\" }";
    let financial = format!(
        "\n[connections.acme.financial]\nenabled = true\ndocuments = [\"expense\"]\n{schedule}\n"
    );
    let installation = Installation::with_settings(&format!("{MINIMAL}{financial}"));
    installation.commit(Vec::new());
    let status = installation.run(&["status"]).out;
    assert!(
        status.contains("Queue of expense documents: looked into at the start"),
        "{status}"
    );
    // Friday, 27 November 2026, at noon.
    installation.commit(vec![Write::Mark {
        name: "schedule/acme/concur/financial-queue/expense".to_string(),
        value: "1795780800000".to_string(),
    }]);
    let status = installation.run(&["status"]).out;
    assert!(status.contains("next look 2026-11-30 07:00"), "{status}");
}

#[test]
fn another_component_than_the_pinned_one_is_refused() {
    let installation = Installation::new();
    let check = installation.run(&["check"]).out;
    let hash = check.split_once("SHA-256 ").expect("a hash").1[..64].to_string();
    installation.change_settings("path = ", &format!("sha256 = \"{hash}\"\npath = "));
    let check = installation.run(&["check"]);
    assert!(
        check.out.contains("as component.sha256 wants"),
        "{}",
        check.out
    );
    installation.change_settings(&hash, &hash.chars().rev().collect::<String>());
    let wants = format!("has the SHA-256 {hash}, and the setting `component.sha256` wants ");
    let connect = ["connect", "freshbooks"];
    for output in [
        installation.refused_service(&[]),
        installation.run(&connect),
    ] {
        assert_eq!(output.code, 3, "{output:?}");
        assert!(output.err.contains(&wants), "{output:?}");
    }
    let check = installation.run(&["check"]);
    assert_eq!(check.code, 3, "{check:?}");
    assert!(check.out.contains(&wants), "{check:?}");
    let others = "wrong  freshbooks-client-secret of acme: set";
    assert!(
        check.out.contains(others),
        "it hides nothing else: {check:?}"
    );
}

#[test]
fn an_address_space_that_is_too_small_is_named() {
    let installation = Installation::new();
    let program = installation.command(&["check"]);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -v 1000000; exec \"$0\" check"])
        .arg(program.get_program())
        .current_dir(installation.directory());
    let output = finish(limited, "");
    assert_eq!(output.code, 3, "{output:?}");
    let told = "there is no memory for the component (Cannot allocate memory";
    assert!(output.out.contains(told), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn which_component_runs_is_in_log_metrics_status_and_histories() {
    let deployment = Deployment::new(&Options::default()).await;
    let mut deployment = deployment.expect("a deployment");
    let gone = NewRun {
        connection: "gone".into(),
        task: NewTask {
            object: ObjectRef {
                system: System::Freshbooks,
                kind: "invoice".into(),
                id: "1".into(),
            },
            reason: StartReason::Notice,
        },
        settings_version: "1".into(),
        started: 1,
        notice: None,
    };
    let keys = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
    deployment.installation.write_secret("seal.keys", keys);
    let store = SqliteStore::open(deployment.installation.path(STORE_FILE)).expect("store");
    let committed = store.commit(vec![Write::Start(gone)]).await;
    committed.expect("is committed");
    drop(store);
    deployment.start().await.expect("starts");
    deployment.connect().await.expect("connects");
    deployment.registered().await.expect("is registered");
    let installation = &deployment.installation;
    let check = installation.run(&["check"]).out;
    let hash = &check.split_once("SHA-256 ").expect("a hash").1[..64];
    let metrics = http::get(&format!("{}/metrics", deployment.receiver_url)).await;
    let gauge = format!("ml_connector_component_info{{sha256=\"{hash}\"");
    assert!(metrics.expect("an answer").body.contains(&gauge));
    let told = format!("Component {hash} since ");
    let status = installation.run(&["status"]).out;
    assert!(status.contains(&told), "{status}");
    let run = deployment.ended("freshbooks/callback/invoice", "confirmed");
    let run = run["run"].to_string();
    let shown = installation.run(&["show", &run]).out;
    assert!(shown.contains(&told), "{shown}");
    let history = installation.run(&["history", "export", &run]).out;
    let history: Value = serde_json::from_str(&history).expect("JSON");
    assert_eq!(history["component-hash"], hash);
    assert_eq!(history["run"]["components"][0]["sha256"], hash);
    deployment.stop().expect("stops");
    let log = deployment.log();
    assert!(log.contains(&format!("sha256=\"{hash}\"")), "{log}");
    assert!(
        log.contains("the settings have no connection gone any more"),
        "{log}"
    );
}
