//! The real host as a process, the sandbox over real sockets, faults on every path, and SIGKILL in
//! the middle.

use ml_connector::store::{RunFilter, Store};
use ml_connector_sandbox::concur::{DocStatus, ReportOptions};
use ml_connector_sandbox::{Fault, FaultRule, System, server};
use ml_connector_tests::books::Books;
use ml_connector_tests::demo;
use ml_connector_tests::fixtures::deployment::LOG_FILE;
use ml_connector_tests::fixtures::installation::STORE_FILE;
use ml_connector_tests::fixtures::{Deployment, Options};

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_synchronized_through_faults_and_kills() {
    let deployment = Deployment::connected(&Options::default()).await;
    let mut deployment = deployment.expect("is at work");
    let summary = demo::synchronize(&mut deployment).await.expect("ends");
    assert!(summary.is_in_order(), "{summary:?}");
    assert_eq!(summary.seen, summary.documents, "{summary:?}");
    deployment.stop().expect("ends with success on SIGTERM");
    assert_no_secret_is_told(&deployment).await;
}

/// Every token, code, verifier and client secret that either vendor ever gave out is a canary: it
/// is in no log, no history, no output and no file but the one it is stored in.
async fn assert_no_secret_is_told(deployment: &Deployment) {
    let secrets: Vec<String> = {
        let sandbox = deployment.sandbox.shared.lock();
        let all = sandbox
            .freshbooks
            .secrets()
            .into_iter()
            .chain(sandbox.concur.secrets());
        all.filter(|secret| !secret.is_empty()).collect()
    };
    assert!(secrets.len() > 8, "there is something to look for");
    for (place, told) in told(deployment).await {
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

async fn told(deployment: &Deployment) -> Vec<(String, Vec<u8>)> {
    let file = |name: &str| {
        (
            name.to_string(),
            std::fs::read(deployment.installation.path(name)).expect("is there"),
        )
    };
    let mut told = vec![file(LOG_FILE), file(STORE_FILE)];
    for arguments in [["status", "--json"], ["runs", "--json"]] {
        let output = deployment.installation.run(&arguments);
        told.push((arguments.join(" "), output.out.into_bytes()));
    }
    // Histories are compressed in the store, so they are read through it.
    let store = deployment.installation.store().expect("opens");
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
async fn a_kill_between_store_acknowledge_post_and_confirm_makes_one_entry_and_one_confirmation() {
    let deployment = Deployment::connected(&Options::both_ways(1)).await;
    let mut deployment = deployment.expect("is at work");
    for (system, method, path) in POINTS {
        let answered_late = FaultRule::new(system, Fault::Slow { delay: 60_000 })
            .method(method)
            .path(path)
            .times(1);
        let (filed, before) = {
            let mut sandbox = deployment.sandbox.shared.lock();
            let before = sandbox.faults_struck();
            sandbox.add_fault(answered_late);
            let filed = sandbox
                .concur
                .approve_report(&ReportOptions::default(), server::now());
            (filed, before)
        };
        deployment.sandbox.shared.wake();
        let struck = || deployment.sandbox.shared.lock().faults_struck() > before;
        deployment
            .until("the call is under way", struck)
            .await
            .expect("comes");
        deployment.kill();
        deployment.sandbox.shared.lock().clear_faults();
        deployment.start().await.expect("starts");
        let is_posted = || {
            let sandbox = deployment.sandbox.shared.lock();
            let document = sandbox.concur.document(&filed.document_id);
            document.is_some_and(|document| document.status == DocStatus::PostingConfirmedSuccess)
        };
        let what = format!("the document is posted after a kill during {method} {path}");
        deployment.until(&what, is_posted).await.expect("comes");
        let sandbox = deployment.sandbox.shared.lock();
        let document = sandbox
            .concur
            .document(&filed.document_id)
            .expect("is there");
        let books = Books::of(&sandbox);
        assert_eq!(books.marked(&document).len(), 1, "{path}: {document:?}");
        assert_eq!(document.postings.len(), 1, "{path}: {document:?}");
    }
    let entries = Books::of(&deployment.sandbox.shared.lock()).entries.len();
    assert_eq!(entries, POINTS.len());
    assert_no_secret_is_told(&deployment).await;
}
