//! `check`, and what every command says about wrong settings.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use ml_connector::seal::Keyring;
use ml_connector_tests::fixtures::Installation;
use ml_connector_tests::fixtures::command::run;
use ml_connector_tests::fixtures::settings::{EVENTS, MINIMAL};

use super::morning::live;

fn files(installation: &Installation) -> Vec<String> {
    let entries = fs::read_dir(installation.path("")).expect("directory");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn errors_of_host_and_component_come_together_with_their_lines() {
    let settings = MINIMAL
        .replace("public_url", "publik_url")
        .replace("business_id = 4711", "business_id = 0\nbuisness = 1");
    let installation = Installation::with_settings(&settings);
    let output = installation.run(&["check"]);
    let expected = "\
error: ml-connector.toml has 4 errors:
ml-connector.toml:2: receiver.public_url: must be set
ml-connector.toml:4: receiver.publik_url: unknown key; did you mean public_url?
ml-connector.toml:14: connections.acme.freshbooks.business_id: expected a whole number from 1 to \
18446744073709551615
ml-connector.toml:15: connections.acme.freshbooks.buisness: unknown key; known here: account_id, \
base, business_id, client_id, consent_base, redirect_uri, scopes
";
    assert_eq!((output.code, output.err.as_str()), (3, expected));
}

#[test]
fn what_is_missing_is_reported_with_its_remedy_and_nothing_is_written() {
    let installation = Installation::new();
    let before = files(&installation);
    let output = installation.run(&["check"]);
    assert_eq!(output.code, 3, "{}", output.out);
    for part in [
        "ok     settings: 1 connection without an error",
        "wrong  freshbooks-client-secret of acme: set the environment variable \
         ML_CONNECTOR_ACME_FRESHBOOKS_CLIENT_SECRET",
        "later  seal keys: ",
        "ok     redirect_uri of acme: leads to this receiver",
        "later  store: ",
        "wrong  SAP Concur credential of acme: ",
    ] {
        assert!(
            output.out.contains(part),
            "{part} is missing:\n{}",
            output.out
        );
    }
    assert_eq!(files(&installation), before);
}

#[test]
fn only_credentials_are_left_once_the_secrets_are_there() {
    let installation = Installation::new();
    installation.write_secret("acme.freshbooks-client-secret", "s3cr3t-value");
    let concur = [("ML_CONNECTOR_ACME_CONCUR_CLIENT_SECRET", "s3cr3t-value")];
    let output = installation.run_with(&["check", "--json"], &concur, "");
    assert_eq!(output.code, 4, "{}", output.out);
    let findings: serde_json::Value = serde_json::from_str(&output.out).expect("JSON");
    let wrong: Vec<_> = findings
        .as_array()
        .expect("array")
        .iter()
        .filter(|finding| finding["verdict"] == "wrong")
        .map(|finding| finding["subject"].as_str().expect("subject"))
        .collect();
    assert_eq!(
        wrong,
        [
            "FreshBooks credential of acme",
            "SAP Concur credential of acme"
        ]
    );
    assert!(!output.out.contains("s3cr3t-value"));
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let installation = Installation::new();
    installation.write_secret("acme.concur-client-secret", "s3cr3t-value");
    let file = installation
        .path("secrets")
        .join("acme.concur-client-secret");
    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).expect("mode");
    let output = installation.run(&["check"]);
    assert!(
        output.out.contains("can be read by others; run `chmod 600"),
        "{}",
        output.out
    );
}

#[test]
fn online_names_the_remote_that_does_not_answer() {
    let installation = Installation::new();
    let secrets = [
        ("ML_CONNECTOR_ACME_CONCUR_CLIENT_SECRET", "x"),
        ("ML_CONNECTOR_ACME_FRESHBOOKS_CLIENT_SECRET", "x"),
    ];
    let output = installation.run_with(&["check", "--online"], &secrets, "");
    assert!(
        output
            .out
            .contains("wrong  FreshBooks at http://127.0.0.1:1: unreachable"),
        "{}",
        output.out
    );
    let offline = installation.run_with(&["check"], &secrets, "");
    assert!(!offline.out.contains("127.0.0.1"), "{}", offline.out);
}

#[test]
fn online_accepts_any_answer() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
    let base = format!("http://{}", server.local_addr().expect("address"));
    let answering = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = server.accept().expect("connection");
        let mut request = [0; 1_024];
        let length = stream.read(&mut request).expect("request");
        stream
            .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            .expect("answer");
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let installation =
        Installation::with_settings(&MINIMAL.replacen("http://127.0.0.1:1", &base, 1));
    let output = installation.run(&["check", "--online"]);
    assert!(
        output.out.contains(&format!(
            "ok     FreshBooks at {base}: answers (status 404)"
        )),
        "{}",
        output.out
    );
    let request = answering.join().expect("server");
    assert!(request.starts_with("GET / HTTP/1.1"), "{request}");
    assert!(
        !request.to_lowercase().contains("authorization"),
        "{request}"
    );
}

#[test]
fn a_missing_component_is_reported_with_the_command_that_builds_it() {
    let installation = Installation::with_settings(&MINIMAL.replace("COMPONENT", "gone.wasm"));
    let output = installation.run(&["check"]);
    assert_eq!(output.code, 3);
    assert!(
        output.out.contains("gone.wasm") && output.out.contains("cargo build-component"),
        "{}",
        output.out
    );
    // Everything else is found all the same, and a program can read it.
    let output = installation.run(&["check", "--json"]);
    let findings: serde_json::Value = serde_json::from_str(&output.out).expect("JSON");
    let findings = findings.as_array().expect("an array").iter();
    let wrong = findings.filter(|one| one["verdict"] == "wrong");
    let subjects: Vec<_> = wrong.map(|one| one["subject"].as_str()).collect();
    for subject in ["component", "concur-client-secret of acme"] {
        assert!(subjects.contains(&Some(subject)), "{}", output.out);
    }
}

#[test]
fn errors_of_the_settings_are_findings_for_a_program() {
    let installation = Installation::with_settings(&MINIMAL.replace("public_url", "publik_url"));
    let output = installation.run(&["check", "--json"]);
    assert_eq!(output.code, 3, "{output:?}");
    let findings: serde_json::Value = serde_json::from_str(&output.out).expect("JSON");
    let message = findings[1]["message"].as_str().expect("text");
    assert_eq!(findings[1]["subject"], "settings");
    assert!(
        message.starts_with("ml-connector.toml:4: receiver.publik_url: "),
        "{message}"
    );
    let missing = installation.run(&["check", "--json", "--config", "gone.toml"]);
    let findings: serde_json::Value = serde_json::from_str(&missing.out).expect("JSON");
    assert_eq!(findings[0]["verdict"], "wrong");
}

#[test]
fn the_settings_file_is_found_by_flag_or_variable() {
    let missing = run(&["status", "--config", "/nowhere/x.toml"]);
    assert_eq!(missing.code, 3);
    assert!(missing.err.contains("/nowhere/x.toml"), "{}", missing.err);
    let installation = Installation::new();
    let named = installation.run_with(&["runs"], &[("ML_CONNECTOR_CONFIG", "other.toml")], "");
    assert!(named.err.contains("other.toml"), "{}", named.err);
}

/// FreshBooks' accounts behind a socket: every request is answered with the same, and the requests
/// are given back.
fn freshbooks(
    accounts: &'static str,
    requests: usize,
) -> (String, std::thread::JoinHandle<Vec<String>>) {
    use std::io::{Read, Write};
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
    let base = format!("http://{}", server.local_addr().expect("address"));
    let serving = std::thread::spawn(move || {
        let answer = |_| {
            let (mut stream, _) = server.accept().expect("connection");
            let mut request = [0; 4_096];
            let length = stream.read(&mut request).expect("request");
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json";
            write!(
                stream,
                "{head}\r\ncontent-length: {}\r\n\r\n{accounts}",
                accounts.len()
            )
            .expect("answer");
            String::from_utf8_lossy(&request[..length]).into_owned()
        };
        (0..requests).map(answer).collect()
    });
    (base, serving)
}

/// An installation that fetches financial documents, with a FreshBooks token if it is connected.
fn with_accounts(base: &str, connected: bool) -> Installation {
    let accounts = "
[connections.acme.financial]
enabled = true

[connections.acme.financial.accounts]
by_code = { \"6100\" = \"635\", \"6200\" = \"999\" }
";
    let settings = MINIMAL.replacen("http://127.0.0.1:1", base, 1);
    let installation = Installation::with_settings(&format!("{settings}{accounts}"));
    if connected {
        let keys = Keyring::generate().expect("keys");
        installation.write_secret("seal.keys", keys.reveal());
        let keyring = Keyring::parse(&keys).expect("keys");
        installation.commit(vec![live("acme", &keyring)]);
    }
    installation
}

const ACCOUNTS: &str = r#"{"response": {"result": {"pages": 1, "journal_entry_accounts": [
    {"accountid": 1, "sub_accounts": [{"sub_accountid": 635}]}]}}}"#;

#[test]
fn online_names_the_setting_of_an_account_that_freshbooks_does_not_have() {
    let (base, serving) = freshbooks(ACCOUNTS, 2);
    let output = with_accounts(&base, true).run(&["check", "--online"]);
    let finding = "wrong  FreshBooks accounts of acme: FreshBooks has no account 999; correct \
                   `financial.accounts.by_code.\"6200\"`";
    assert!(output.out.contains(finding), "{}", output.out);
    assert!(!output.out.contains("account 635"), "{}", output.out);
    let requests = serving.join().expect("server");
    let path =
        "GET /accounting/account/AbC123/journal_entry_accounts/journal_entry_accounts?page=1";
    assert!(requests[1].starts_with(path), "{}", requests[1]);
    assert!(
        requests[1]
            .to_lowercase()
            .contains("authorization: bearer the-token")
    );
}

#[test]
fn online_reports_what_prevents_the_comparison_of_accounts() {
    let (base, serving) = freshbooks(
        r#"{"response": {"errors": [{"message": "Not allowed"}]}}"#,
        2,
    );
    let output = with_accounts(&base, true).run(&["check", "--online"]);
    let finding = "wrong  FreshBooks accounts of acme: FreshBooks does not return them: it refused \
                   (HTTP 200): \"Not allowed\"";
    assert!(output.out.contains(finding), "{}", output.out);
    serving.join().expect("server");
    let output = with_accounts("http://127.0.0.1:1", false).run(&["check", "--online"]);
    let finding = "later  FreshBooks accounts of acme: are compared once FreshBooks is connected";
    assert!(output.out.contains(finding), "{}", output.out);
    let output = Installation::new().run(&["check", "--online"]);
    assert!(
        !output.out.contains("FreshBooks accounts"),
        "{}",
        output.out
    );
}

#[test]
fn what_events_need_is_reported() {
    let wanted = format!("{MINIMAL}\n[connections.acme.events]\nenabled = true\n");
    let output = Installation::with_settings(&wanted).run(&["check"]);
    let finding = "later  events: are wanted by acme and not received: set [receiver.events]";
    assert!(output.out.contains(finding), "{}", output.out);

    let installation = Installation::with_settings(&format!("{MINIMAL}{EVENTS}"));
    installation.write("c.pem", "");
    let output = installation.run(&["check"]);
    for part in [
        "wrong  events.trust_anchors: anchors.pem cannot be used as trust anchors",
        "wrong  events TLS: k.pem cannot be read",
        "ok     events: are received for acme",
    ] {
        assert!(
            output.out.contains(part),
            "{part} is missing:\n{}",
            output.out
        );
    }
    assert!(!output.out.contains("c.pem cannot"), "{}", output.out);

    let output = Installation::new().run(&["check"]);
    assert!(!output.out.contains("  events"), "{}", output.out);
}
