//! The real service against the sandbox: real sockets, a real store, the built component, the wall
//! clock.

mod health;
mod reconcile;
mod strangers;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ml_connector::admin::{AdminReply, AdminRequest};
use ml_connector::clock::Clock;
use ml_connector::contract;
use ml_connector::contract::runs::{
    Action, Demand, Effect, EndingKind, Intent, Outcome, Report, WaitReason,
};
use ml_connector::service::Running;
use ml_connector::store::{HistoryRow, Run, RunFilter, RunState, Write};
use ml_connector_sandbox::{Fault, FaultRule, System};
use ml_connector_tests::fixtures::service::{InProcess, confirmed, ended, runs, until_registered};
use ml_connector_tests::fixtures::waiting::until;
use ml_connector_tests::fixtures::{Options, http};

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_becomes_a_payment_request_and_stays_one_through_restarts() {
    let fixture = InProcess::new(&Options::default()).await;
    let service = fixture.start_connected().await;
    fixture.create_invoice(fixture.create_client(), "INV-1");
    fixture.until_payment_requests(1).await;
    until_all_ended(&service).await;
    service.shutdown().await;

    let service = fixture.start().await;
    let ended = invoices(&service, EndingKind::Confirmed).await;
    assert_eq!(ended.len(), 1);
    fixture.ask(AdminRequest::Replay { run: ended[0].id }).await;
    until_ended(&service, EndingKind::Unchanged, 1).await;
    assert_eq!(fixture.payment_requests().len(), 1);
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_before_the_systems_are_connected_waits_for_them() {
    let fixture = InProcess::new(&Options::default()).await;
    let service = fixture.start().await;
    until("registrations wait for a person", async || {
        waiting(&service).await.len() == 4
    })
    .await;
    assert_eq!(
        fixture.deployment.sandbox.shared.lock().stats().total,
        0,
        "nothing was sent"
    );
    fixture.deployment.connect().await.expect("connects");
    until_registered(&service).await;
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_renewed_without_a_retry() {
    let fixture = InProcess::new(&Options::default()).await;
    let service = fixture.start_connected().await;
    let rule = FaultRule::new(System::FreshBooks, Fault::ExpiredToken)
        .method("GET")
        .times(1);
    fixture.deployment.sandbox.shared.lock().add_fault(rule);
    fixture.create_invoice(fixture.create_client(), "INV-1");
    fixture.until_payment_requests(1).await;
    let credential = service
        .parts()
        .services
        .credentials
        .credential("acme", contract::types::System::Freshbooks);
    let generation = credential.map(|credential| credential.generation);
    assert_eq!(generation, Some(2), "renewed once");
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_duplicates_nothing() {
    let fixture = InProcess::new(&Options::default()).await;
    let service = fixture.start_connected().await;
    let rule = FaultRule::new(System::Concur, Fault::ResponseLost)
        .method("POST")
        .path("paymentrequest")
        .times(1);
    fixture.deployment.sandbox.shared.lock().add_fault(rule);
    fixture.create_invoice(fixture.create_client(), "INV-1");
    fixture.until_payment_requests(1).await;
    until_ended(&service, EndingKind::Confirmed, 1).await;
    assert_eq!(fixture.payment_requests().len(), 1);
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_recorded_before_it_is_sent_and_looked_up_when_it_was_interrupted() {
    let mut fixture = InProcess::new(&Options::default()).await;
    fixture.config.limits.shutdown_grace = Duration::ZERO;
    let service = fixture.start_connected().await;
    let rule = FaultRule::new(System::Concur, Fault::Slow { delay: 60_000 })
        .method("POST")
        .path("paymentrequest")
        .times(1);
    fixture.deployment.sandbox.shared.lock().add_fault(rule);
    fixture.create_invoice(fixture.create_client(), "INV-1");
    fixture.until_payment_requests(1).await;
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
        "the write is recorded without an outcome"
    );
    assert!(
        matches!(&last.demand, Demand::Perform(Effect { action: Action::Send(outbound), .. })
        if outbound.intent != Intent::Read)
    );
    service.shutdown().await;

    let service = fixture.start().await;
    until_ended(&service, EndingKind::Confirmed, 1).await;
    assert_eq!(fixture.payment_requests().len(), 1);
    let history = service
        .parts()
        .services
        .store
        .history(under_way.id)
        .await
        .expect("rows");
    let unanswered = history.iter().filter(|row| row.outcome.is_none());
    assert_eq!(unanswered.count(), 1, "nobody makes up an outcome for it");
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_starts_over_remembers_that_it_may_have_written() {
    for (ambiguity, ending, posts) in [
        ("park", EndingKind::Parked, 1),
        ("resend", EndingKind::Confirmed, 2),
    ] {
        // Long enough for a slow machine to spoil the history in time.
        let options = Options::default().after_ambiguity(10, ambiguity);
        let fixture = InProcess::new(&options).await;
        let service = fixture.start_connected().await;
        let rule = FaultRule::new(System::Concur, Fault::RequestLost)
            .method("POST")
            .path("paymentrequest")
            .times(1);
        fixture.deployment.sandbox.shared.lock().add_fault(rule);
        fixture.create_invoice(fixture.create_client(), "INV-1");
        until("the invoice is in its settle time", async || {
            settling(&service).await.is_some()
        })
        .await;
        let run = settling(&service).await.expect("waits");
        spoil(&service, &run).await;
        service.shutdown().await;

        let service = fixture.start().await;
        let ended = until_run_ended(&service, run.id).await;
        assert_eq!(posts_of(&service, run.id).await, posts, "{ambiguity}");
        assert_eq!(ended.epoch, 1, "started over once");
        let completion = ended.completion.expect("ended");
        assert_eq!(completion.kind(), ending, "{completion:?}");
        if ending == EndingKind::Parked {
            assert_eq!(completion.code(), Some("ambiguous"));
        }
        service.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_a_year_ahead_holds_nothing_up() {
    const HOUR_MS: u64 = 3_600_000;
    let ahead_ms = Arc::new(AtomicU64::new(365 * 24 * HOUR_MS));
    let (read, system) = (Arc::clone(&ahead_ms), Clock::system());
    let clock = Clock::from_fn(move || system.now() + read.load(Ordering::Acquire));
    let fixture = InProcess::new(&Options::default()).await;
    let service = fixture.start_by(clock.clone()).await;
    fixture.deployment.connect().await.expect("connects");
    until_registered(&service).await;
    let rule = FaultRule::new(System::Concur, Fault::Maintenance).times(1);
    fixture.deployment.sandbox.shared.lock().add_fault(rule);
    fixture.create_invoice(fixture.create_client(), "INV-1");
    until("requests to SAP Concur are held back", async || {
        let gates = service.parts().services.store.gates("acme").await;
        gates.expect("gates").iter().any(|gate| gate.hold.is_some())
    })
    .await;
    service.shutdown().await;

    ahead_ms.store(0, Ordering::Release);
    let service = fixture.start_by(clock.clone()).await;
    let gates = &service.parts().connections["acme"].gates;
    let hold = gates.get(contract::types::System::Concur).hold;
    let soonest = clock.now() + HOUR_MS;
    assert!(hold.expect("is held").until <= soonest, "{hold:?}");
    for run in waiting(&service).await {
        let is_remote = run.wait_reason == Some(WaitReason::Remote);
        assert!(!is_remote || run.due <= soonest, "{run:?}");
    }
    let opened = fixture.ask(AdminRequest::OpenGate {
        connection: "acme".into(),
        system: contract::types::System::Concur,
    });
    assert_eq!(opened.await, AdminReply::GateOpened { was_held: true });
    fixture.until_payment_requests(1).await;
    until_ended(&service, EndingKind::Confirmed, 1).await;
    let ended = invoices(&service, EndingKind::Confirmed).await.remove(0);
    assert!(ended.ended.expect("has ended") <= soonest, "{ended:?}");
    service.shutdown().await;
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
        report: Report::Saved,
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
    store.commit(vec![append]).await.expect("is committed");
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
            && matches!(&row.demand, Demand::Perform(Effect { action: Action::Send(outbound), .. })
                if outbound.intent != Intent::Read)
    };
    history.iter().filter(is_post).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_loses_and_doubles_nothing() {
    let mut fixture = InProcess::new(&Options::default()).await;
    // Requests are cut off wherever they are.
    fixture.config.limits.shutdown_grace = Duration::ZERO;
    let mut service = fixture.start_connected().await;
    let client = fixture.create_client();
    for round in 0..4 {
        for number in 0..10 {
            fixture.create_invoice(client, &format!("INV-{round}-{number}"));
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
        service.shutdown().await;
        service = fixture.start().await;
    }
    // Deliveries that met no listener come again only after a minute, so a sweep stands in for
    // them.
    until_swept(&service, &fixture, 40).await;
    until_all_ended(&service).await;
    let numbers: std::collections::BTreeSet<String> = fixture
        .payment_requests()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(numbers.len(), 40);
    assert_eq!(fixture.payment_requests().len(), 40);
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_learn_nothing_and_operators_everything() {
    let fixture = InProcess::new(&Options::default()).await;
    let service = fixture.start().await;
    let url = |path: &str| format!("http://{}/{path}", fixture.config.listen);
    let hook = url("hooks/freshbooks/main/0123");
    let stranger = http::request("POST", &hook, "name=invoice.create").await;
    assert_eq!(stranger.expect("an answer").status, 404);
    let ready = http::get(&url("readyz")).await.expect("an answer");
    assert_eq!(ready.status, 200, "{ready:?}");
    let metrics = http::get(&url("metrics")).await.expect("an answer");
    let gauge = "ml_connector_runs_in_flight";
    assert!(metrics.body.contains(gauge), "{metrics:?}");
    let AdminReply::Status(status) = fixture.ask(AdminRequest::Status).await else {
        panic!("no status");
    };
    assert_eq!(status.connections.len(), 1);
    assert_eq!(status.connections[0].credentials.len(), 2);
    service.shutdown().await;
}

async fn until_swept(service: &Running, fixture: &InProcess, count: usize) {
    until(&format!("{count} payment requests"), async || {
        for run in confirmed(service, "sweep").await {
            fixture.ask(AdminRequest::Replay { run: run.id }).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        fixture.payment_requests().len() == count
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

/// That very run: a sweep may have looked at its object once more by then.
async fn until_run_ended(service: &Running, id: u64) -> Run {
    until(&format!("run {id} has ended"), async || {
        find_run(service, id).await.state == RunState::Ended
    })
    .await;
    find_run(service, id).await
}

async fn find_run(service: &Running, id: u64) -> Run {
    let all = runs(service, RunFilter::default()).await;
    all.into_iter().find(|run| run.id == id).expect("a run")
}

async fn invoices(service: &Running, ending: EndingKind) -> Vec<Run> {
    let runs = ended(service, ending).await;
    runs.into_iter()
        .filter(|run| run.object.kind == "invoice")
        .collect()
}

async fn active_invoice(service: &Running) -> Run {
    let runs = runs(service, RunFilter::default()).await;
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
    runs(service, filter).await
}
