//! Strangers' handshakes against the real service, over sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ml_connector::contract::runs::WaitReason;
use ml_connector::service::Running;
use ml_connector::store::{Run, RunFilter, RunState};
use ml_connector_component::contract::http::Body;
use ml_connector_component::contract::webhooks::Delivery;
use ml_connector_sandbox::{Fault, FaultRule, System};
use ml_connector_tests::fixtures::Options;
use ml_connector_tests::fixtures::handshakes::{handshake, notice, unsigned_handshake};
use ml_connector_tests::fixtures::service::{InProcess, runs, until_registered};
use ml_connector_tests::fixtures::waiting::until;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The ids that the sandbox gives to the two registrations.
const OURS: [u64; 2] = [2_001, 2_002];

/// A stranger who knows the webhook address, with a connection that stays open.
struct Stranger {
    stream: TcpStream,
    path: String,
}

impl Stranger {
    async fn connect(service: &Running) -> Self {
        let url = service.parts().connections["acme"].webhook_url.clone();
        let url = url.expect("webhooks are received");
        let rest = url.strip_prefix("http://").expect("no TLS");
        let (host, path) = rest.split_once('/').expect("a path");
        Self {
            stream: TcpStream::connect(host).await.expect("connects"),
            path: format!("/{path}"),
        }
    }

    /// Posts a webhook and returns the status of the answer, which has no body.
    async fn post(&mut self, delivery: &Delivery) -> u16 {
        let Body::Text(body) = &delivery.body else {
            panic!("is text");
        };
        let (path, length) = (&self.path, body.len());
        let mut request =
            format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n");
        for header in &delivery.headers {
            request += &format!("{}: {}\r\n", header.name, header.value);
        }
        request += "\r\n";
        request += body;
        let written = self.stream.write_all(request.as_bytes()).await;
        written.expect("is sent");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(self.stream.read_u8().await.expect("is answered"));
        }
        let text = String::from_utf8(answer).expect("a head");
        let status = text.split(' ').nth(1).and_then(|code| code.parse().ok());
        status.expect("a status")
    }
}

/// The verifier under which each callback's webhooks are taken.
fn trusted(service: &Running) -> Vec<(String, Option<String>)> {
    let callbacks = &service.parts().services.callbacks;
    let known = callbacks.receiver("acme", "zQ7pLm", false).callbacks;
    let pairs = known.into_iter().map(|one| (one.id, one.verifier));
    pairs.collect()
}

/// What it has to be.
fn genuine(fixture: &InProcess) -> Vec<(String, Option<String>)> {
    let sandbox = fixture.deployment.sandbox.shared.lock();
    let verifiers = sandbox.freshbooks.verifiers().into_iter();
    verifiers
        .map(|(id, verifier)| (id.to_string(), Some(verifier)))
        .collect()
}

/// Registrations and sweeps wait until a person connects.
async fn until_registrations_wait(service: &Running) {
    until("registrations wait for a person", async || {
        let waiting = RunFilter {
            state: Some(RunState::Waiting),
            ..RunFilter::default()
        };
        runs(service, waiting).await.len() == 4
    })
    .await;
}

/// FreshBooks answers after `delay`, and a stranger sends handshakes for the right ids, one for
/// each every `interval`, from before the first connect until both registrations have ended.
async fn race(delay: u64, interval: u64) {
    let fixture = InProcess::new(&Options::default()).await;
    if delay > 0 {
        let slow = FaultRule::new(System::FreshBooks, Fault::Slow { delay }).path("callbacks");
        fixture.deployment.sandbox.shared.lock().add_fault(slow);
    }
    let service = fixture.start().await;
    let mut stranger = Stranger::connect(&service).await;
    let stopped = Arc::new(AtomicBool::new(false));
    let is_stopped = Arc::clone(&stopped);
    let attack = tokio::spawn(async move {
        let mut sent = 0;
        while !is_stopped.load(Ordering::Acquire) {
            for id in OURS {
                sent += 1;
                let forged = handshake(&id.to_string(), &format!("stranger{sent}"));
                stranger.post(&forged).await;
            }
            tokio::time::sleep(Duration::from_millis(interval)).await;
        }
        (stranger, sent)
    });
    fixture.deployment.connect().await.expect("connects");
    let began = Instant::now();
    until_registered(&service).await;
    let took = began.elapsed();
    stopped.store(true, Ordering::Release);
    let (mut stranger, sent) = attack.await.expect("ends");
    println!("{delay} ms of delay: {sent} forged handshakes, registered {took:?} after connect");

    assert!(sent > 4, "there was an attack");
    assert_eq!(trusted(&service), genuine(&fixture));
    for number in [1, 2, sent] {
        let forged = notice("invoice.update", "7", &format!("stranger{number}"));
        assert_eq!(stranger.post(&forged).await, 401);
    }
    fixture.create_invoice(fixture.create_client(), "INV-1");
    until("FreshBooks' own webhooks are taken", async || {
        let metrics = service.parts().services.metrics.text();
        metrics.contains(r#"ml_connector_webhooks_total{connection="acme",what="notice"}"#)
    })
    .await;
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_never_trusted_where_freshbooks_answers_at_once() {
    race(0, 25).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_never_trusted_where_freshbooks_takes_150_ms() {
    race(150, 25).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_never_trusted_where_freshbooks_takes_a_second() {
    race(1_000, 250).await;
}

/// Thousands of handshakes of invented ids, and some of the right one, before the first connect.
/// More than are kept; `FORGED_HANDSHAKES=10000` sends so many.
#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_forged_handshakes_keep_no_genuine_one_out() {
    let fixture = InProcess::new(&Options::default()).await;
    let service = fixture.start().await;
    until_registrations_wait(&service).await;
    let wanted = std::env::var("FORGED_HANDSHAKES").ok();
    let wanted: u64 = wanted.and_then(|text| text.parse().ok()).unwrap_or(1_500);
    let mut stranger = Stranger::connect(&service).await;
    let began = Instant::now();
    for number in 0..wanted {
        let id = if number % 200 == 0 { 2_001 } else { number };
        let forged = handshake(&id.to_string(), &format!("stranger{number}"));
        assert_eq!(stranger.post(&forged).await, 200);
    }
    let took = began.elapsed();
    let store = &service.parts().services.store;
    let stored = store.callbacks("acme").await.expect("are read");
    assert!(stored.is_empty(), "nothing of strangers is stored");

    let began = Instant::now();
    fixture.deployment.connect().await.expect("connects");
    until_registered(&service).await;
    println!(
        "{wanted} forged handshakes in {took:?}, then connected and registered in {:?}",
        began.elapsed()
    );
    assert_eq!(trusted(&service), genuine(&fixture));
    let metrics = service.parts().services.metrics.text();
    let unconfirmed =
        r#"ml_connector_webhooks_total{connection="acme",what="handshake-unconfirmed"}"#;
    assert!(metrics.contains(unconfirmed), "{metrics}");
    service.shutdown().await;

    let service = fixture.start().await;
    assert_eq!(trusted(&service), genuine(&fixture), "after a restart");
    service.shutdown().await;
}

/// What is trusted is what FreshBooks has confirmed, signed or not.
#[tokio::test(flavor = "multi_thread")]
async fn handshakes_without_a_signature_lead_to_freshbooks_own_verifier_alone() {
    let fixture = InProcess::new(&Options::default()).await;
    {
        let mut sandbox = fixture.deployment.sandbox.shared.lock();
        sandbox.freshbooks.config_mut().webhooks.unsigned_handshakes = true;
    }
    let service = fixture.start().await;
    until_registrations_wait(&service).await;
    let mut stranger = Stranger::connect(&service).await;
    for id in OURS {
        let forged = unsigned_handshake(&id.to_string(), "stranger");
        assert_eq!(stranger.post(&forged).await, 200);
    }
    fixture.deployment.connect().await.expect("connects");
    until_registered(&service).await;
    assert_eq!(trusted(&service), genuine(&fixture));
    let metrics = service.parts().services.metrics.text();
    let unsigned = r#"ml_connector_webhooks_total{connection="acme",what="handshake-unsigned"}"#;
    assert!(metrics.contains(unsigned), "{metrics}");
    let forged = unsigned_handshake("2001", "stranger");
    assert_eq!(stranger.post(&forged).await, 401);
    assert_eq!(trusted(&service), genuine(&fixture));
    service.shutdown().await;
}

/// A handshake that comes for a run that has just ended is nothing to be alarmed about.
#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_for_a_run_that_has_ended_is_answered_and_changes_nothing() {
    let fixture = InProcess::new(&Options::default()).await;
    let service = fixture.start_connected().await;
    let mut stranger = Stranger::connect(&service).await;
    // FreshBooks did not see our answer, and sends its handshake again.
    for (id, verifier) in genuine(&fixture) {
        let repeated = handshake(&id, &verifier.expect("is trusted"));
        assert_eq!(stranger.post(&repeated).await, 200);
    }
    let forged = handshake("2001", "stranger");
    assert_eq!(stranger.post(&forged).await, 401);
    let waiting = RunFilter {
        state: Some(RunState::Waiting),
        ..RunFilter::default()
    };
    let waiting = runs(&service, waiting).await;
    let is_awaited = |run: &Run| run.wait_reason == Some(WaitReason::Handshake);
    assert!(!waiting.iter().any(is_awaited));
    assert_eq!(trusted(&service), genuine(&fixture));
    service.shutdown().await;
}
