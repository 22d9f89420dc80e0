//! What a person has done is in the log: who, what, and no secret.

use std::os::unix::fs::MetadataExt;

use ml_connector_tests::fixtures::{Deployment, Installation, Options};

use super::morning::after_a_morning;

/// The lines about what persons have done.
fn lines(log: &str) -> Vec<&str> {
    let all = log.lines();
    all.filter(|line| line.contains("ml_connector::audit"))
        .collect()
}

fn own_uid(installation: &Installation) -> u32 {
    let directory = std::fs::metadata(installation.directory());
    directory.expect("is there").uid()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_logs_what_persons_ask_of_it() {
    let deployment = Deployment::started(&Options::default()).await;
    let mut deployment = deployment.expect("starts");
    deployment.connect_freshbooks().await.expect("connects");
    let token = deployment.company_request_token();
    let variable = [("ML_CONNECTOR_COMPANY_REQUEST_TOKEN", token.as_str())];
    let installation = &deployment.installation;
    let connected = installation.run_with(&["connect", "concur"], &variable, "");
    connected.success().expect("connects");
    deployment.registered().await.expect("is registered");
    for arguments in [
        &["replay", "1"][..],
        &["replay", "--parked", "--connection", "acme"],
        &["gate", "open", "acme", "concur"],
        &["backfill", "--from", "2026-01-01", "--kind", "invoice"],
        &["keys", "reseal"],
        &["keys", "forget-checkpoints"],
        &["webhooks", "new-address"],
        &["keys", "add"],
        &["status"],
    ] {
        installation.run(arguments).success().expect("is done");
    }
    let refused = [("ML_CONNECTOR_COMPANY_REQUEST_TOKEN", "n0t-a-token")];
    let output = installation.run_with(&["connect", "concur"], &refused, "");
    assert_eq!(output.code, 4, "{output:?}");
    deployment.stop().expect("stops");
    let log = deployment.log();
    let who = format!(" uid={} pid=", own_uid(&deployment.installation));
    let expected = [
        "command=\"connect\" connection=\"acme\" about=\"freshbooks: asked for consent\" done=true",
        "command=\"connect\" connection=\"acme\" about=\"freshbooks\" done=true",
        "command=\"connect\" connection=\"acme\" about=\"concur\" done=true",
        "command=\"replay\" about=\"1\" done=true",
        "command=\"replay\" connection=\"acme\" about=\"--parked\" done=true",
        "command=\"gate open\" connection=\"acme\" about=\"concur\" done=true",
        "command=\"backfill\" connection=\"acme\" about=\"invoice/2026-01-01..\" done=true",
        "command=\"keys reseal\" about=\"\" done=true",
        "command=\"keys forget-checkpoints\" about=\"\" done=true",
        "command=\"webhooks new-address\" connection=\"acme\" about=\"\" done=true",
        "command=\"keys add\" about=\"2\" done=true",
        "command=\"connect\" connection=\"acme\" about=\"concur\" done=false why=",
    ];
    let lines = lines(&log);
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, part) in lines.iter().zip(expected) {
        assert!(line.contains(&who) && line.contains(part), "{part}: {line}");
    }
    for secret in [token.as_str(), "n0t-a-token"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn a_command_that_does_the_work_itself_logs_it_too() {
    let installation = after_a_morning();
    let keys = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
    installation.write_secret("seal.keys", keys);
    let output = installation.run(&["gate", "open", "acme", "freshbooks"]);
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.out.contains("acme to FreshBooks"), "{}", output.out);
    let lines = lines(&output.err);
    assert_eq!(lines.len(), 1, "{}", output.err);
    let who = format!(" uid={} pid=", own_uid(&installation));
    assert!(lines[0].contains(&who), "{}", lines[0]);
    assert!(lines[0].contains("command=\"gate open\""), "{}", lines[0]);
    let wrong = installation.run(&["gate", "open", "other", "freshbooks"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
}
