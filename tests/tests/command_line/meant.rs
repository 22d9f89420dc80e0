//! Settings that are legal and that nobody means, and which component runs.

use std::process::Command;

use ml_connector::contract::credentials::CredentialStatus;
use ml_connector::contract::runs::{NewTask, StartReason};
use ml_connector::contract::types::{ObjectRef, System};
use ml_connector::store::sqlite::SqliteStore;
use ml_connector::store::{NewRun, Store, Write};
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
            "public_url = \"https://",
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
    for arguments in [&["serve"][..], &["connect", "freshbooks"]] {
        let output = installation.run(arguments);
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

#[test]
fn connections_that_are_doubled_are_found() {
    let table = MINIMAL.split_once("[connections.acme]").expect("a table").1;
    let second = format!("[connections.acme]{table}").replace(".acme", ".bolt");
    let installation = Installation::with_settings(&format!("{MINIMAL}{second}"));
    let check = installation.run(&["check"]);
    let account = "wrong  connections: acme and bolt carry the same FreshBooks account AbC123";
    assert!(check.out.contains(account), "{}", check.out);
    assert!(
        check
            .out
            .contains("warn   connections: acme and bolt lead into the same SAP Concur company"),
        "{}",
        check.out
    );
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
    for arguments in [&["check"][..], &["serve"], &["connect", "freshbooks"]] {
        let output = installation.run(arguments);
        assert_eq!(output.code, 3, "{output:?}");
        let wants = format!("has the SHA-256 {hash}, and the setting `component.sha256` wants ");
        assert!(output.err.contains(&wants), "{output:?}");
    }
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
    assert!(output.err.contains(told), "{output:?}");
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
