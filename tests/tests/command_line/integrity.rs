//! `check --store`: what was changed behind the program's back.

use ml_connector::contract::credentials::CredentialStatus;
use ml_connector::contract::types::System;
use ml_connector_tests::fixtures::Installation;
use ml_connector_tests::fixtures::installation::STORE_FILE;
use serde_json::Value;

use super::morning::{after_a_morning, credential};

/// The findings of `check --store` with these arguments.
fn findings(installation: &Installation, arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["check", "--store", "--json"][..], arguments].concat();
    let output = installation.run(&arguments);
    let findings: Value = serde_json::from_str(&output.out).expect("JSON");
    findings.as_array().expect("an array").clone()
}

/// Verdict and message of the findings about a subject.
fn about(findings: &[Value], subject: &str) -> Vec<(String, String)> {
    let text = |finding: &Value, name: &str| finding[name].as_str().expect("text").to_owned();
    let found = findings.iter().filter(|one| one["subject"] == subject);
    found
        .map(|one| (text(one, "verdict"), text(one, "message")))
        .collect()
}

fn change(installation: &Installation, sql: &str) {
    let database = rusqlite::Connection::open(installation.path(STORE_FILE)).expect("opens");
    let sql = format!("PRAGMA foreign_keys = off; {sql}");
    database.execute_batch(&sql).expect("is changed");
}

#[test]
fn a_head_that_was_written_down_shows_what_was_changed_since() {
    let installation = after_a_morning();
    let found = findings(&installation, &[]);
    let [(verdict, message)]: [_; 1] = about(&found, "store integrity").try_into().expect("one");
    assert_eq!(verdict, "ok", "{message}");
    let head = found.iter().find(|one| one["subject"] == "head of acme");
    let head = &head.expect("is printed")["head"];
    assert_eq!(
        (&head["connection"], head["number"].as_u64()),
        (&"acme".into(), Some(2))
    );
    let hash = head["hash"].as_str().expect("text");
    assert_eq!(hash.len(), 64);

    let written_down = ["--head", &format!("acme:2:{hash}")];
    let compared = about(&findings(&installation, &written_down), "head 2 of acme");
    assert_eq!(compared[0].0, "ok", "{compared:?}");

    // Whoever can write to the store can also make the chain agree with itself again.
    let cut = "DELETE FROM runs WHERE id = 2; DELETE FROM ending_chain WHERE number = 2";
    change(&installation, cut);
    let found = findings(&installation, &written_down);
    let whole = about(&found, "store integrity");
    assert_eq!(whole[0].0, "ok", "nothing in the store shows it: {whole:?}");
    let compared = about(&found, "head 2 of acme");
    assert_eq!(compared[0].0, "wrong", "{compared:?}");
    assert!(compared[0].1.starts_with("is not there"), "{compared:?}");
}

#[test]
fn a_changed_ending_is_named_by_connection_and_run() {
    let installation = after_a_morning();
    change(
        &installation,
        "UPDATE runs SET ended = ended - 86400000 WHERE id = 1",
    );
    let output = installation.run(&["check", "--store"]);
    let expected = "wrong  store integrity: acme: run 1: how or when it ended was changed";
    assert!(output.out.contains(expected), "{}", output.out);
}

#[test]
fn a_run_that_cannot_be_read_does_not_hide_the_others() {
    let installation = after_a_morning();
    change(
        &installation,
        "UPDATE runs SET reason = 'whim' WHERE id = 2",
    );
    let output = installation.run(&["status"]);
    assert_eq!(output.code, 0, "{}", output.err);
    assert!(
        output.out.contains("Damaged: run 2 cannot be read"),
        "{}",
        output.out
    );
    assert!(
        output.out.contains("Oldest that has not ended: run 3"),
        "{}",
        output.out
    );
}

#[test]
fn a_run_that_cannot_be_read_does_not_keep_a_gate_closed() {
    let installation = after_a_morning();
    let keys = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
    installation.write_secret("seal.keys", keys);
    let unreadable = "UPDATE runs SET reason = 'whim' WHERE id = 3";
    change(&installation, unreadable);
    let output = installation.run(&["gate", "open", "acme", "freshbooks"]);
    assert_eq!(output.code, 0, "{}", output.err);
}

#[test]
fn a_credential_that_cannot_be_read_is_dead_and_does_not_hide_the_rest() {
    let installation = after_a_morning();
    installation.commit(vec![credential(System::Freshbooks, CredentialStatus::Live)]);
    change(&installation, "UPDATE credentials SET visible = '{}'");
    let said = "the stored credential of FreshBooks cannot be read";
    let check = installation.run(&["check", "--json"]);
    let found: Vec<Value> = serde_json::from_str(&check.out).expect("findings");
    let found = about(&found, "FreshBooks credential of acme");
    assert_eq!(found.len(), 1, "{}", check.out);
    assert!(found[0].0 == "wrong" && found[0].1.starts_with(said));
    let status = installation.run(&["status"]);
    assert_eq!(status.code, 0, "{}", status.err);
    for part in ["FreshBooks  dead", said, "SAP Concur  never connected"] {
        assert!(status.out.contains(part), "{part}: {}", status.out);
    }
}

#[test]
fn a_head_that_is_none_is_refused() {
    for head in ["acme", "acme:x:00", "acme:1:abc", "acme:1"] {
        let output = Installation::new().run(&["check", "--store", "--head", head]);
        assert_eq!(output.code, 2, "{}", output.out);
    }
}
