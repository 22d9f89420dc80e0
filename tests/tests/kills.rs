//! The real host as a process, the sandbox over real sockets, faults on every path, and SIGKILL in
//! the middle.

use ml_connector::store::sqlite::SqliteStore;
use ml_connector::store::{RunFilter, Store};
use ml_connector_sandbox::concur::{DocStatus, ReportOptions};
use ml_connector_sandbox::{Fault, FaultRule, System, server};
use ml_connector_tests::books::Books;
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

/// Every token, code, verifier and client secret that either vendor ever gave out is a canary: it
/// stands in no log, no history, no output and no file but the one it is kept in.
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

/// Where the connector is killed: while SAP Concur or FreshBooks has carried out a call, and its
/// answer is on the way.
const POINTS: [(System, &str, &str); 4] = [
    (System::Concur, "GET", "/transactions"),
    (System::Concur, "POST", "/acknowledgements"),
    (
        System::FreshBooks,
        "POST",
        "/journal_entries/journal_entries",
    ),
    (System::Concur, "POST", "/postingconfirmations"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_store_acknowledge_post_and_confirm_ends_with_one_entry_and_one_confirmation()
 {
    let directory = tempfile::tempdir().expect("a directory");
    let pace = Pace {
        both_ways: true,
        queue_s: 1,
        ..Pace::default()
    };
    let office = Office::open(directory.path(), &binary(), built::component(), &pace).await;
    let mut office = office.expect("opens");
    office.start().await.expect("starts");
    office.connect().await.expect("connects");
    office.registered().await.expect("registers");
    for (system, method, path) in POINTS {
        let answered_late = FaultRule::new(system, Fault::Slow { delay: 60_000 })
            .method(method)
            .path(path)
            .times(1);
        let (filed, before) = {
            let mut sandbox = office.sandbox.shared.lock();
            let before = sandbox.faults_struck();
            sandbox.add_fault(answered_late);
            let filed = sandbox
                .concur
                .approve_report(&ReportOptions::default(), server::now());
            (filed, before)
        };
        office.sandbox.shared.wake();
        let struck = || office.sandbox.shared.lock().faults_struck() > before;
        office
            .until("the call is under way", struck)
            .await
            .expect("comes");
        office.kill();
        office.sandbox.shared.lock().clear_faults();
        office.start().await.expect("starts");
        let is_posted = || {
            let sandbox = office.sandbox.shared.lock();
            let document = sandbox.concur.document(&filed.document_id);
            document.is_some_and(|document| document.status == DocStatus::PostingConfirmedSuccess)
        };
        let what = format!("the document is posted after a kill during {method} {path}");
        office.until(&what, is_posted).await.expect("comes");
        let sandbox = office.sandbox.shared.lock();
        let document = sandbox
            .concur
            .document(&filed.document_id)
            .expect("is there");
        let books = Books::of(&sandbox);
        assert_eq!(books.marked(&document).len(), 1, "{path}: {document:?}");
        assert_eq!(document.postings.len(), 1, "{path}: {document:?}");
    }
    let entries = Books::of(&office.sandbox.shared.lock()).entries.len();
    assert_eq!(entries, POINTS.len());
    no_secret_is_told(&office).await;
}
