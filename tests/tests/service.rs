//! The real service against the sandbox: real sockets, a real store, the built component, the wall
//! clock.

mod bench;

use std::time::Duration;

use bench::{Bench, confirmed, ended, http, until, until_registered};
use ml_connector::admin::{AdminReply, AdminRequest};
use ml_connector::contract::http::{SendErrorCode, SendOutcome};
use ml_connector::contract::runs::{
    Action, Demand, Effect, EndingKind, Intent, Outcome, Report, WaitReason,
};
use ml_connector::service::Running;
use ml_connector::store::{HistoryRow, Run, RunFilter, RunState, Write};
use ml_connector_sandbox::{Fault, FaultRule, System};

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_becomes_a_payment_request_and_stays_one_through_restarts() {
    let bench = Bench::new().await;
    let service = bench.start().await;
    bench.connect().await;
    until_registered(&service).await;
    bench.invoice(bench.client(), "INV-1");
    bench.until_payment_requests(1).await;
    until_all_ended(&service).await;
    service.shutdown().await;

    let service = bench.start().await;
    let ended = invoices(&service, EndingKind::Confirmed).await;
    assert_eq!(ended.len(), 1);
    bench.ask(AdminRequest::Replay { run: ended[0].id }).await;
    until_ended(&service, EndingKind::Unchanged, 1).await;
    assert_eq!(bench.payment_requests().len(), 1);
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_before_the_systems_are_connected_waits_for_them() {
    let bench = Bench::new().await;
    let service = bench.start().await;
    until("registrations wait for a person", async || {
        waiting(&service).await.len() == 4
    })
    .await;
    assert_eq!(
        bench.sandbox.shared.lock().stats().total,
        0,
        "nothing was sent"
    );
    bench.connect().await;
    until_registered(&service).await;
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_renewed_and_costs_nothing() {
    let bench = Bench::new().await;
    let service = bench.start().await;
    bench.connect().await;
    until_registered(&service).await;
    let rule = FaultRule::new(System::FreshBooks, Fault::ExpiredToken)
        .method("GET")
        .times(1);
    bench.sandbox.shared.lock().add_fault(rule);
    bench.invoice(bench.client(), "INV-1");
    bench.until_payment_requests(1).await;
    let credential = service
        .parts()
        .services
        .credentials
        .credential("main", ml_connector::contract::types::System::Freshbooks);
    assert_eq!(credential.generation, 2, "renewed once");
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_on_its_way_doubles_nothing() {
    let bench = Bench::new().await;
    let service = bench.start().await;
    bench.connect().await;
    until_registered(&service).await;
    let rule = FaultRule::new(System::Concur, Fault::ResponseLost)
        .method("POST")
        .path("paymentrequest")
        .times(1);
    bench.sandbox.shared.lock().add_fault(rule);
    bench.invoice(bench.client(), "INV-1");
    bench.until_payment_requests(1).await;
    until_ended(&service, EndingKind::Confirmed, 1).await;
    assert_eq!(bench.payment_requests().len(), 1);
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_on_record_before_it_leaves_and_is_looked_up_when_it_was_cut_off() {
    let mut bench = Bench::new().await;
    bench.config.limits.shutdown_grace = Duration::ZERO;
    let service = bench.start().await;
    bench.connect().await;
    until_registered(&service).await;
    let rule = FaultRule::new(System::Concur, Fault::Slow { delay: 20_000 })
        .method("POST")
        .path("paymentrequest")
        .times(1);
    bench.sandbox.shared.lock().add_fault(rule);
    bench.invoice(bench.client(), "INV-1");
    bench.until_payment_requests(1).await;
    let under_way = active_invoice(&service).await;
    let history = service
        .parts()
        .services
        .store
        .history(under_way.id)
        .await
        .expect("rows");
    let last = history.last().expect("a row");
    assert!(
        last.outcome.is_none(),
        "the intent stands without an outcome"
    );
    assert!(
        matches!(&last.demand, Demand::Perform(Effect { action: Action::Send(send), .. })
        if send.intent != Intent::Read)
    );
    service.shutdown().await;

    let service = bench.start().await;
    until_ended(&service, EndingKind::Confirmed, 1).await;
    assert_eq!(bench.payment_requests().len(), 1);
    let history = service
        .parts()
        .services
        .store
        .history(under_way.id)
        .await
        .expect("rows");
    let interrupted = history
        .iter()
        .filter_map(|row| row.outcome.as_ref())
        .any(|outcome| {
            matches!(&outcome.report, Report::Sent(SendOutcome::MaybeSent(error))
            if error.code == SendErrorCode::Interrupted)
        });
    assert!(interrupted, "the cut is part of the history");
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_started_over_does_not_forget_that_it_may_have_written() {
    for (ambiguity, ending, posts) in [
        ("park", EndingKind::Parked, 1),
        ("resend", EndingKind::Confirmed, 2),
    ] {
        let mut bench = Bench::new().await;
        change_policy(&mut bench, ambiguity);
        let service = bench.start().await;
        bench.connect().await;
        until_registered(&service).await;
        let rule = FaultRule::new(System::Concur, Fault::RequestLost)
            .method("POST")
            .path("paymentrequest")
            .times(1);
        bench.sandbox.shared.lock().add_fault(rule);
        bench.invoice(bench.client(), "INV-1");
        until("the invoice is in its settle time", async || {
            settling(&service).await.is_some()
        })
        .await;
        let run = settling(&service).await.expect("waits");
        spoil(&service, &run).await;
        service.shutdown().await;

        let service = bench.start().await;
        until_ended(&service, ending, 1).await;
        assert_eq!(posts_of(&service, run.id).await, posts, "{ambiguity}");
        let ended = invoices(&service, ending).await.remove(0);
        assert_eq!(ended.epoch, 1, "started over once");
        if ending == EndingKind::Parked {
            assert_eq!(ended.completion.expect("ended").code(), "ambiguous");
        }
        service.shutdown().await;
    }
}

/// Look-up-then-park or -resend, with a settle time that a test can wait for and a slow machine
/// does not miss.
fn change_policy(bench: &mut Bench, ambiguity: &str) {
    let connection = &mut bench.config.connections[0];
    let mut settings: serde_json::Value = serde_json::from_str(&connection.json).expect("is JSON");
    settings["payment_request"]["ambiguity"] = ambiguity.into();
    settings["payment_request"]["settle_s"] = 10.into();
    connection.json = settings.to_string();
}

async fn settling(service: &Running) -> Option<Run> {
    let runs = waiting(service).await;
    runs.into_iter()
        .find(|run| run.wait_reason == Some(WaitReason::Settle))
}

/// Adds a step to the history that the component does not take, as if other code had recorded it.
async fn spoil(service: &Running, run: &Run) {
    let store = &service.parts().services.store;
    let history = store.history(run.id).await.expect("rows");
    let last = history.last().expect("a row");
    let outcome = Outcome {
        id: u32::MAX,
        report: Report::Saved(0),
        at: last.at,
    };
    let row = HistoryRow {
        index: last.index + 1,
        outcome: Some(outcome),
        ..last.clone()
    };
    let append = Write::Append {
        run: run.id,
        rows: vec![row],
    };
    store.commit(vec![append]).await.expect("is kept");
}

/// How many times the run has created something in SAP Concur, in all its epochs.
async fn posts_of(service: &Running, run: u64) -> usize {
    let history = service
        .parts()
        .services
        .store
        .history(run)
        .await
        .expect("rows");
    let is_post = |row: &&HistoryRow| {
        let was_sent = row.outcome.as_ref().map(|outcome| &outcome.report);
        matches!(was_sent, Some(Report::Sent(_)))
            && matches!(&row.demand, Demand::Perform(Effect { action: Action::Send(send), .. })
                if send.intent != Intent::Read)
    };
    history.iter().filter(is_post).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_loses_and_doubles_nothing() {
    let mut bench = Bench::new().await;
    // Requests are cut off wherever they are.
    bench.config.limits.shutdown_grace = Duration::ZERO;
    let mut service = bench.start().await;
    bench.connect().await;
    until_registered(&service).await;
    let client = bench.client();
    for round in 0..4 {
        for number in 0..10 {
            bench.invoice(client, &format!("INV-{round}-{number}"));
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
        service.shutdown().await;
        service = bench.start().await;
    }
    // Deliveries that met no listener come again only after a minute, so a sweep stands in for
    // them.
    until_swept(&service, &bench, 40).await;
    until_all_ended(&service).await;
    let numbers: std::collections::BTreeSet<String> = bench
        .payment_requests()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(numbers.len(), 40);
    assert_eq!(bench.payment_requests().len(), 40);
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_learn_nothing_and_operators_everything() {
    let bench = Bench::new().await;
    let service = bench.start().await;
    let listen = bench.config.listen;
    let stranger = http(
        listen,
        "POST",
        "/hooks/freshbooks/main/0123",
        "name=invoice.create",
    )
    .await;
    assert!(stranger.starts_with("HTTP/1.1 404"), "{stranger}");
    let ready = http(listen, "GET", "/readyz", "").await;
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    let metrics = http(listen, "GET", "/metrics", "").await;
    assert!(metrics.contains("ml_connector_runs_in_flight"), "{metrics}");
    let AdminReply::Status(status) = bench.ask(AdminRequest::Status).await else {
        panic!("no status");
    };
    assert_eq!(status.connections.len(), 1);
    assert_eq!(status.connections[0].credentials.len(), 2);
    service.shutdown().await;
}

async fn until_swept(service: &Running, bench: &Bench, count: usize) {
    until(&format!("{count} payment requests"), async || {
        for run in confirmed(service, "sweep").await {
            bench.ask(AdminRequest::Replay { run: run.id }).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        bench.payment_requests().len() == count
    })
    .await;
}

async fn until_all_ended(service: &Running) {
    until("all runs have ended", async || {
        let counts = service
            .parts()
            .services
            .store
            .run_counts()
            .await
            .expect("counts");
        counts.iter().all(|count| count.state == RunState::Ended)
    })
    .await;
}

async fn until_ended(service: &Running, ending: EndingKind, count: usize) {
    until(&format!("{count} x {ending:?}"), async || {
        invoices(service, ending).await.len() == count
    })
    .await;
}

async fn invoices(service: &Running, ending: EndingKind) -> Vec<Run> {
    let runs = ended(service, ending).await;
    runs.into_iter()
        .filter(|run| run.object.kind == "invoice")
        .collect()
}

async fn active_invoice(service: &Running) -> Run {
    let store = &service.parts().services.store;
    let runs = store.runs(RunFilter::default()).await.expect("runs");
    let invoice = runs.into_iter().find(|run| run.object.kind == "invoice");
    let run = invoice.expect("a run");
    assert_eq!(run.state, RunState::Due);
    run
}

async fn waiting(service: &Running) -> Vec<Run> {
    let filter = RunFilter {
        state: Some(RunState::Waiting),
        ..RunFilter::default()
    };
    service
        .parts()
        .services
        .store
        .runs(filter)
        .await
        .expect("runs")
}
