//! SAP Concur's events, from the subscription to the run: the program, real sockets, mutual TLS,
//! the built component.

use ml_connector_sandbox::concur::{ClientCertificate, EventConfig, EventSignature, Fate};
use ml_connector_sandbox::server;
use ml_connector_tests::fixtures::waiting::eventually;
use ml_connector_tests::fixtures::{Deployment, Options, http};
use serde_json::Value;

const READY: &str = "invoice.readyForIntegration";
const SUBSCRIPTION: &str = "concur/event-subscription/financialintegration";

/// Both vendors and a connection that wants events, each of them signed.
async fn deployment() -> Deployment {
    let deployment = Deployment::new(&Options::with_events()).await;
    deployment.expect("a deployment")
}

/// The same, at work and connected to SAP Concur.
async fn connected() -> Deployment {
    let mut deployment = deployment().await;
    deployment.start().await.expect("starts");
    connect(&deployment);
    deployment
}

fn connect(deployment: &Deployment) {
    let token = deployment.company_request_token();
    let installation = &deployment.installation;
    let output = installation.run_with(&["connect", "concur"], &[], &format!("{token}\n"));
    assert_eq!(output.code, 0, "{output:?}");
    assert!(!output.out.contains("do not arrive yet"), "{output:?}");
}

/// Changes the switches of the sandbox.
fn switch(deployment: &Deployment, change: impl FnOnce(&mut EventConfig)) {
    let mut sandbox = deployment.sandbox.shared.lock();
    change(&mut sandbox.concur.config_mut().events);
}

fn publish(deployment: &Deployment, event_type: &str) -> String {
    let mut sandbox = deployment.sandbox.shared.lock();
    let id = sandbox
        .concur
        .publish(event_type, "4B1F0A9C77D24E0E8E21", server::now());
    drop(sandbox);
    deployment.sandbox.shared.wake();
    id
}

/// What has become of an event, and how often it was sent.
fn fates(deployment: &Deployment, id: &str) -> (Vec<Fate>, u64) {
    let events = deployment.sandbox.shared.lock().concur.events();
    let own: Vec<_> = events
        .into_iter()
        .filter(|event| event.event_id == id)
        .collect();
    let attempts = own.iter().map(|event| event.attempts).sum();
    (own.into_iter().map(|event| event.fate).collect(), attempts)
}

fn wait_for_delivery(deployment: &Deployment, id: &str) {
    eventually(|| {
        let (fates, _) = fates(deployment, id);
        let is_done = !fates.is_empty() && fates.iter().all(|fate| *fate == Fate::Delivered);
        is_done.then_some(()).ok_or_else(|| format!("{fates:?}"))
    });
}

/// Waits until an event was sent so many times, without success.
fn wait_for_attempts(deployment: &Deployment, id: &str, count: u64, what: &str) {
    eventually(|| match fates(deployment, id) {
        (_, attempts) if attempts < count => Err(format!("{what}: {attempts} attempts")),
        (fates, _) => {
            assert_eq!(fates, [Fate::Pending], "{what}");
            Ok(())
        }
    });
}

/// What `status` shows of the connection's events.
fn events_status(deployment: &Deployment) -> Value {
    let output = deployment.installation.run(&["status", "--json"]);
    let all: Value = serde_json::from_str(&output.out).expect("JSON");
    all[0]["events"].clone()
}

async fn application_tokens(deployment: &Deployment) -> u64 {
    let metrics = http::get(&format!("{}/metrics", deployment.receiver_url)).await;
    let text = metrics.expect("metrics").body;
    let line = text
        .lines()
        .find(|line| line.contains("token_requests") && line.contains("application"));
    let count = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    count.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_subscribes_first_and_events_arrive() {
    let mut deployment = connected().await;
    let subscriptions = deployment.sandbox.shared.lock().concur.subscriptions();
    assert_eq!(subscriptions.len(), 1, "{subscriptions:?}");
    assert_eq!(subscriptions[0].company_ids.len(), 1, "{subscriptions:?}");

    let id = publish(&deployment, READY);
    wait_for_delivery(&deployment, &id);
    eventually(|| {
        let arguments = ["runs", "--latest", "--json"];
        let runs = deployment.installation.run(&arguments).out;
        let is_there = runs.contains("financial-queue");
        is_there.then_some(()).ok_or(runs)
    });
    let status = events_status(&deployment);
    assert_eq!(status["count"]["events"], 1, "{status}");
    assert_eq!(status["unreadable"], 0);
    deployment.stop().expect("stops");
    let log = deployment.log();
    assert!(log.contains("signed-pss-longest-salt"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_application_token_is_renewed_when_it_is_refused() {
    let mut deployment = connected().await;
    let run = deployment.ended(SUBSCRIPTION, "confirmed")["run"].to_string();
    let before = application_tokens(&deployment).await;
    assert!((1..=3).contains(&before), "{before}");
    let sandbox = &deployment.sandbox.shared;
    sandbox.lock().concur.expire_access_tokens();
    let replayed = deployment.installation.run(&["replay", &run]);
    assert_eq!(replayed.code, 0);
    eventually(|| {
        let latest = deployment.ended(SUBSCRIPTION, "confirmed")["run"].to_string();
        (latest != run).then_some(()).ok_or(latest)
    });
    assert_eq!(application_tokens(&deployment).await, before + 1);
    deployment.stop().expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_can_be_connected_before_the_service_runs() {
    let mut deployment = deployment().await;
    connect(&deployment);
    deployment.start().await.expect("starts");
    let id = publish(&deployment, READY);
    wait_for_delivery(&deployment, &id);
    deployment.stop().expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_that_was_connected_without_events_has_to_be_connected_again() {
    let mut deployment = deployment().await;
    let installation = &deployment.installation;
    installation.change_settings("enabled = true", "enabled = false");
    connect(&deployment);
    installation.change_settings("enabled = false", "enabled = true");

    deployment.start().await.expect("starts");
    let run = deployment.ended(SUBSCRIPTION, "parked");
    assert!(run.to_string().contains("connect concur"), "{run}");
    connect(&deployment);
    let id = publish(&deployment, READY);
    wait_for_delivery(&deployment, &id);
    deployment.stop().expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn contradictions_in_the_documentation_are_accepted_in_every_reading() {
    let mut deployment = connected().await;
    switch(&deployment, |events| {
        events.delivery.duplicate_per_mille = 1_000;
        events.envelope.json_in_strings = true;
        events.envelope.string_booleans = true;
        events.envelope.unknown_fields = true;
        events.envelope.zulu = true;
        events.envelope.short_fraction = true;
        events.signature_url_safe = true;
    });
    for event_type in [READY, "payroll.readyForIntegration"] {
        let id = publish(&deployment, event_type);
        wait_for_delivery(&deployment, &id);
    }
    let status = events_status(&deployment);
    assert_eq!(status["count"]["events"], 2, "{status}");
    assert_eq!(status["count"]["repeats"], 2, "each came twice");
    assert_eq!(status["unreadable"], 0);
    deployment.stop().expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_with_a_new_key_loses_nothing() {
    let mut deployment = connected().await;
    for signature in [
        EventSignature::PssSalt222,
        EventSignature::PssSalt32,
        EventSignature::Pkcs1,
    ] {
        switch(&deployment, |events| events.signature = signature);
        let id = publish(&deployment, READY);
        wait_for_delivery(&deployment, &id);
        let sandbox = &deployment.sandbox.shared;
        sandbox.lock().concur.rotate_certificate(true);
    }
    let status = events_status(&deployment);
    let certificates = status["certificates"].as_array();
    assert_eq!(certificates.map(Vec::len), Some(3), "{status}");
    deployment.stop().expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_peer_its_events_are_not_lost() {
    let mut deployment = connected().await;
    switch(&deployment, |events| {
        events.delivery.retry_after_s = vec![1];
    });
    let mut waiting = Vec::new();
    for certificate in [
        ClientCertificate::ServerOnly,
        ClientCertificate::Expired,
        ClientCertificate::OtherName,
        ClientCertificate::OtherDnsName,
        ClientCertificate::CommonNameOnly,
        ClientCertificate::ForeignAuthority,
        ClientCertificate::LeafOnly,
        ClientCertificate::Missing,
    ] {
        switch(&deployment, |events| events.certificate = certificate);
        let id = publish(&deployment, READY);
        wait_for_attempts(&deployment, &id, 1, &format!("{certificate:?}"));
        waiting.push(id);
    }
    switch(&deployment, |events| {
        events.certificate = ClientCertificate::Current;
        events.signature = EventSignature::OtherKey;
    });
    let id = publish(&deployment, READY);
    // The second attempt begins after the first one has failed.
    wait_for_attempts(&deployment, &id, 2, "another key");
    waiting.push(id);
    let status = events_status(&deployment);
    assert_eq!(status["count"], Value::Null, "nothing is stored: {status}");

    switch(&deployment, |events| {
        events.signature = EventSignature::PssSalt222;
    });
    for id in &waiting {
        wait_for_delivery(&deployment, id);
    }
    for certificate in [
        ClientCertificate::Former,
        ClientCertificate::ClientOnly,
        ClientCertificate::NoUsage,
    ] {
        switch(&deployment, |events| events.certificate = certificate);
        let id = publish(&deployment, READY);
        wait_for_delivery(&deployment, &id);
    }
    deployment.stop().expect("stops");
}
