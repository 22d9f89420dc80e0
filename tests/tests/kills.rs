//! The real host as a process, the sandbox over real sockets, faults on every path, and SIGKILL in
//! the middle.

use ml_connector::store::{RunFilter, Store};
use ml_connector_sandbox::concur::{DocStatus, ReportOptions};
use ml_connector_sandbox::{Fault, FaultRule, System, server};
use ml_connector_tests::books::Books;
use ml_connector_tests::demo;
use ml_connector_tests::fixtures::deployment::LOG_FILE;
use ml_connector_tests::fixtures::installation::STORE_FILE;
use ml_connector_tests::fixtures::{Deployment, Options, documents};
use serde_json::{Value, json};

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

/// Invoices that were there before: of February, one from before the cut-over, and one with a tax
/// that the settings do not map.
fn invoices_of_before(deployment: &Deployment, count: usize) {
    let mut sandbox = deployment.sandbox.shared.lock();
    let freshbooks = &mut sandbox.freshbooks;
    freshbooks.config_mut().webhooks.silent = true;
    let now = server::now();
    let client = freshbooks.create_client(&documents::client(), now);
    let client = client.expect("is created");
    let mut all: Vec<Value> = (0..count)
        .map(|number| documents::invoice(client, &format!("B-{number}")))
        .collect();
    all[0]["create_date"] = "2026-01-02".into();
    all[1]["lines"][0]["taxName1"] = "Levy".into();
    for invoice in &all {
        freshbooks.create_invoice(invoice, now).expect("is created");
    }
}

/// What the command `backfill` prints, and its exit code.
fn back_fill(deployment: &Deployment, more: &[&str]) -> (Value, i32) {
    let command = [
        "backfill",
        "--from",
        "2026-01-01",
        "--kind",
        "invoice",
        "--json",
    ];
    let output = tokio::task::block_in_place(|| {
        let arguments = [&command[..], more].concat();
        deployment.installation.run(&arguments)
    });
    let printed = serde_json::from_str(&output.out);
    (
        printed.unwrap_or_else(|_| panic!("{output:?}")),
        output.code,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_fill_goes_on_after_a_kill_and_its_dry_run_only_reads() {
    const INVOICES: usize = 40;
    let mut options = Options::default();
    options.connection["cut_over"] = "2026-02-01".into();
    options.connection["sweep"]["interval_s"] = 86_400.into();
    let deployment = Deployment::connected(&options).await;
    let mut deployment = deployment.expect("is at work");
    invoices_of_before(&deployment, INVOICES);
    let runs = deployment.progress().await.expect("is read");
    let (pages, code) = back_fill(&deployment, &["--dry-run"]);
    assert_eq!(code, 1, "a document would stop for a person: {pages}");
    let documents = pages[0]["documents"].as_array().expect("are listed");
    let outcomes = |wanted: &str| {
        let documents = documents.iter();
        documents
            .filter(|document| document["outcome"] == wanted)
            .map(|document| document["message"].as_str().unwrap_or_default())
            .collect::<Vec<_>>()
    };
    assert_eq!(outcomes("carried").len(), INVOICES - 2, "{pages}");
    assert!(
        outcomes("unchanged")[0].contains("before-cut-over"),
        "{pages}"
    );
    assert!(outcomes("stopped")[0].contains("tax-unmapped"), "{pages}");
    assert_eq!(deployment.progress().await.expect("is read"), runs);
    assert_eq!(payment_requests(&deployment), (0, 0));

    let slow = FaultRule::new(System::Concur, Fault::Slow { delay: 60_000 });
    let slow = slow
        .method("POST")
        .path("/paymentrequest")
        .skip(20)
        .times(1);
    deployment.sandbox.shared.lock().add_fault(slow);
    let command = ["backfill", "--from", "2026-01-01", "--kind", "invoice"];
    let mut shown = deployment.installation.command(&command);
    let mut shown = shown.spawn().expect("starts");
    let struck = || deployment.sandbox.shared.lock().faults_struck() > 0;
    let came = deployment.until("a write is under way", struck).await;
    came.expect("comes");
    deployment.kill();
    shown.kill().and_then(|()| shown.wait()).expect("ends");
    deployment.sandbox.shared.lock().clear_faults();
    deployment.start().await.expect("starts");
    let (done, code) = back_fill(&deployment, &[]);
    assert_eq!(code, 5, "one needs a person: {done}");
    assert_eq!(
        (&done[0]["state"], &done[0]["listed"], &done[0]["carried"]),
        (&json!("complete"), &json!(INVOICES), &json!(INVOICES - 2)),
        "{done}"
    );
    assert_eq!(
        (&done[0]["before_cut_over"], &done[0]["stopped"]),
        (&json!(1), &json!(1)),
        "{done}"
    );
    assert_eq!(payment_requests(&deployment), (INVOICES - 2, INVOICES - 2));
}

/// How many payment requests there are, and of how many numbers.
fn payment_requests(deployment: &Deployment) -> (usize, usize) {
    let all = deployment.sandbox.shared.lock().concur.payment_requests();
    let numbers: std::collections::BTreeSet<_> = all.iter().map(|one| &one.number).collect();
    (all.len(), numbers.len())
}
