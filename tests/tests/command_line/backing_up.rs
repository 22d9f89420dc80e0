//! `backup` and `restore`, with a service at work and without one.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use ml_connector::contract::types::System;
use ml_connector::store::{RunFilter, Store};
use ml_connector_sandbox::server;
use ml_connector_tests::fixtures::installation::{SETTINGS_FILE, STORE_FILE};
use ml_connector_tests::fixtures::waiting::until;
use ml_connector_tests::fixtures::{Deployment, Installation, Options, documents};
use serde_json::Value;

/// The invoices that a store knows of: those with a run, and those with a notice that waits.
async fn invoices(installation: &Installation) -> BTreeSet<String> {
    let store = installation.store().expect("opens");
    let runs = store.runs(RunFilter::default()).await.expect("are read");
    let notices = store
        .undecided_notices(100_000, Vec::new())
        .await
        .expect("are read");
    let objects = runs.into_iter().map(|run| run.object);
    objects
        .chain(notices.into_iter().map(|notice| notice.object))
        .filter(|object| object.kind == "invoice")
        .map(|object| object.id)
        .collect()
}

/// Tells the sender to stop when it is dropped, so that a test that fails ends too.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Sends invoices one after the other until it is told to stop.
fn send_invoices(deployment: &Deployment, stop: &AtomicBool) {
    let client = {
        let mut sandbox = deployment.sandbox.shared.lock();
        let client = sandbox
            .freshbooks
            .create_client(&documents::client(), server::now());
        client.expect("a client")
    };
    for number in 1_000.. {
        if stop.load(Ordering::Acquire) {
            return;
        }
        let invoice = documents::invoice(client, &number.to_string());
        let mut sandbox = deployment.sandbox.shared.lock();
        let sent = sandbox.freshbooks.create_invoice(&invoice, server::now());
        sent.expect("an invoice");
        drop(sandbox);
        deployment.sandbox.shared.wake();
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// The same settings and secrets in another place, without a store.
fn elsewhere(deployment: &Deployment) -> Installation {
    let (here, there) = (
        &deployment.installation,
        Installation::temporary().expect("a place"),
    );
    there.write(SETTINGS_FILE, &here.read(SETTINGS_FILE));
    let secrets = fs::read_dir(here.path("secrets")).expect("is there");
    for secret in secrets.flatten() {
        let name = secret.file_name().to_string_lossy().into_owned();
        there.write_secret(&name, &here.read(&format!("secrets/{name}")));
    }
    there
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_is_restored_elsewhere_and_lacks_nothing_that_was_acknowledged() {
    let deployment = Deployment::connected(&Options::default()).await;
    let mut deployment = deployment.expect("is at work");
    let there = elsewhere(&deployment);
    let file = there.path("backup.sqlite").display().to_string();
    let stop = AtomicBool::new(false);
    let (before, output) = tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            scope.spawn(|| send_invoices(&deployment, &stop));
            let _stop = Stop(&stop);
            let before = tokio::runtime::Handle::current().block_on(async {
                until("some invoices have arrived", async || {
                    invoices(&deployment.installation).await.len() >= 30
                })
                .await;
                invoices(&deployment.installation).await
            });
            let output = deployment.installation.run(&["backup", &file, "--json"]);
            (before, output)
        })
    });
    assert_eq!(output.code, 0, "{output:?}");
    let made: Value = serde_json::from_str(&output.out).expect("JSON");
    assert!(made["runs"].as_u64() >= Some(2), "{made}");
    assert!(
        output.err.is_empty(),
        "no bar but on a terminal: {output:?}"
    );
    let again = deployment.installation.run(&["backup", &file]);
    assert_eq!(again.code, 2, "{again:?}");
    assert!(again.err.contains("there already"), "{again:?}");
    let log = deployment.log();
    assert!(log.contains("the store was backed up"), "{log}");
    deployment.stop().expect("stops");

    let restored = there.run(&["restore", &file]);
    assert_eq!(restored.code, 0, "{restored:?}");
    for said in ["refresh token works once", "SAP Concur's queue", "check"] {
        assert!(restored.out.contains(said), "{restored:?}");
    }
    let after = invoices(&there).await;
    let missing: Vec<_> = before.difference(&after).collect();
    assert!(missing.is_empty(), "{missing:?} of {}", before.len());
    let first = deployment.installation.path(STORE_FILE).canonicalize();
    let first = first.expect("is there").display().to_string();
    let warning = format!("The seal keys here were used with {first} too");
    assert!(restored.out.contains(&warning), "{restored:?}");
    let check = there.run(&["check"]);
    assert_eq!(check.code, 0, "{}", check.out);

    // The service that the copy was made of has stopped, so that this one may work on it.
    let _first = std::mem::replace(&mut deployment.installation, there);
    deployment.start().await.expect("starts on the copy");
    deployment.registered().await.expect("is registered");
    let invoice = before.iter().next().expect("some");
    let run = deployment.ended(&format!("freshbooks/invoice/{invoice}"), "confirmed");
    assert_eq!(run["connection"], "acme", "{run}");
    assert!(deployment.log().contains("used with another store"));
    deployment.stop().expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_orderly_stop_a_copy_of_the_one_file_holds_everything() {
    let deployment = Deployment::connected(&Options::default()).await;
    let mut deployment = deployment.expect("is at work");
    deployment.stop().expect("stops");
    let here = &deployment.installation;
    assert!(!here.path("ml-connector.sqlite-wal").exists());
    let there = elsewhere(&deployment);
    fs::copy(here.path(STORE_FILE), there.path(STORE_FILE)).expect("is copied");
    let (left, right) = (
        here.run(&["runs", "--json"]),
        there.run(&["runs", "--json"]),
    );
    assert_eq!((left.code, left.out), (right.code, right.out));
    let store = there.store().expect("opens");
    let credential = store.credential("acme", System::Freshbooks).await;
    assert!(credential.expect("is read").is_some());
}

#[test]
fn without_a_store_there_is_nothing_to_back_up() {
    let installation = Installation::new();
    let output = installation.run(&["backup", "copy.sqlite"]);
    assert_eq!(output.code, 6, "{output:?}");
    assert!(output.err.contains("store.path"), "{output:?}");
    let output = installation.run(&["restore", "copy.sqlite"]);
    assert_eq!(output.code, 6, "{output:?}");
    assert!(
        output.err.contains("copy.sqlite: No such file"),
        "{output:?}"
    );
    assert!(!installation.path(STORE_FILE).exists());
}
