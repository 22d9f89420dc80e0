//! The real host as a process, the sandbox over real sockets, faults on every path, and SIGKILL in the middle.

use ml_connector::store::sqlite::SqliteStore;
use ml_connector::store::{RunFilter, Store};
use ml_connector_tests::office::{Office, Pace};
use ml_connector_tests::{built, demo};

/// The connector's program, built by whoever runs the tests of the whole workspace.
fn binary() -> std::path::PathBuf {
    let here = std::env::current_exe().expect("has a path");
    let directory = here.ancestors().nth(2).expect("target/debug");
    let binary = directory.join("ml-connector");
    assert!(
        binary.is_file(),
        "{} is missing; run the tests with `cargo test --workspace`",
        binary.display()
    );
    binary
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_carried_over_through_faults_and_kills() {
    let directory = tempfile::tempdir().expect("a directory");
    let component = built::component();
    let office = Office::open(directory.path(), &binary(), component, &Pace::default()).await;
    let mut office = office.expect("opens");
    office.start().await.expect("starts");
    office.connect().await.expect("connects");
    office.registered().await.expect("registers");
    let bill = demo::carry(&mut office).await.expect("ends");
    assert_eq!((bill.lost, bill.duplicates), (0, 0), "{bill:?}");
    assert_eq!(bill.seen, bill.documents, "{bill:?}");
    assert!(bill.parked.is_empty(), "{bill:?}");
    office.stop().expect("ends with success on SIGTERM");
    no_secret_is_told(&office).await;
}

/// Every token, code, verifier and client secret that either vendor ever gave out is a canary: it stands in no log, no
/// history, no output and no file but the one it is kept in.
async fn no_secret_is_told(office: &Office) {
    let secrets: Vec<String> = {
        let sandbox = office.sandbox.shared.lock();
        let all = sandbox
            .freshbooks
            .secrets()
            .into_iter()
            .chain(sandbox.concur.secrets());
        all.filter(|secret| !secret.is_empty()).collect()
    };
    assert!(secrets.len() > 8, "there is something to look for");
    for (place, told) in told(office).await {
        assert!(!told.is_empty(), "{place} is empty");
        for secret in &secrets {
            let quoted = secret.as_bytes();
            assert!(
                !told.windows(quoted.len()).any(|window| window == quoted),
                "{place} tells a secret"
            );
        }
    }
}

async fn told(office: &Office) -> Vec<(String, Vec<u8>)> {
    let file = |name: &str| {
        (
            name.to_string(),
            std::fs::read(office.directory.join(name)).expect("is there"),
        )
    };
    let mut told = vec![file("service.log"), file("ml-connector.sqlite")];
    for arguments in [["status", "--json"], ["runs", "--json"]] {
        let output = office.command(&arguments).output().expect("runs");
        told.push((arguments.join(" "), output.stdout));
    }
    // Histories are compressed in the store, so they are read through it.
    let store =
        SqliteStore::open_read_only(office.directory.join("ml-connector.sqlite")).expect("opens");
    let mut histories = String::new();
    for run in store.runs(RunFilter::default()).await.expect("are read") {
        let history = store.history(run.id).await.expect("is read");
        histories.push_str(&format!("{run:?} {history:?}"));
    }
    told.push(("the histories".to_string(), histories.into_bytes()));
    told
}
