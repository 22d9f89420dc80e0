//! SAP Concur's events, from the subscription to the run: real sockets, mutual TLS, the built component.

#[allow(dead_code, reason = "what the tests of the service need besides")]
mod bench;

use std::net::SocketAddr;

use bench::{Bench, ended, until};
use ml_connector::admin::{AdminReply, AdminRequest};
use ml_connector::config::{Events, EventsListen, Purpose, SignatureRule, TlsFiles};
use ml_connector::contract::credentials::Grant;
use ml_connector::contract::runs::EndingKind;
use ml_connector::contract::types::System;
use ml_connector::receive::events::seen_certificates;
use ml_connector::serve::Running;
use ml_connector::store::Inbox;
use ml_connector_sandbox::concur::{ClientCertificate, EventSignature, EventSwitches, Fate};
use ml_connector_sandbox::skin;
use serde_json::{Value, json};

const READY: &str = "invoice.readyForIntegration";

/// A bench whose service wants events.
async fn bench(change: impl FnOnce(&mut Events)) -> Bench {
    let mut bench = Bench::new().await;
    let listen = free_address().await;
    let directory = bench
        .config
        .store
        .parent()
        .expect("a directory")
        .to_path_buf();
    let authority = &bench.sandbox.authority;
    let server = authority.server(&["127.0.0.1"], skin::now());
    let server = server.expect("a certificate");
    let write = |name: &str, content: &str| {
        let file = directory.join(name);
        std::fs::write(&file, content).expect("is written");
        file
    };
    let mut events = Events {
        listen: EventsListen::Network {
            address: listen,
            tls: TlsFiles {
                certificate: write("events.pem", &server.chain_pem),
                key: write("events.key", &server.key_pem),
            },
            proxy_anchors: None,
        },
        public_url: format!("https://{listen}"),
        trust_anchors: write("anchors.pem", &authority.root_pem()),
        identity: "webhook.api.concursolutions.com".into(),
        purpose: Purpose::ClientAuth,
        signature: SignatureRule::Required,
    };
    change(&mut events);
    bench.config.events = Some(events);
    let connection = &mut bench.config.connections[0];
    let mut settings: Value = serde_json::from_str(&connection.json).expect("is JSON");
    settings["events"] = json!({"enabled": true});
    connection.json = settings.to_string();
    bench
}

async fn free_address() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    listener.local_addr().expect("an address")
}

/// Has the switches of the sandbox changed.
fn switch(bench: &Bench, change: impl FnOnce(&mut EventSwitches)) {
    let mut sandbox = bench.sandbox.shared.lock();
    change(&mut sandbox.concur.config_mut().events);
}

async fn connect(bench: &Bench) -> AdminReply {
    let token = bench
        .sandbox
        .shared
        .lock()
        .concur
        .company_request_token(skin::now());
    let connect = AdminRequest::Connect {
        connection: "main".into(),
        grant: Grant::CompanyRequestToken,
        secret: token.into(),
    };
    bench.ask(connect).await
}

fn is_in_order(reply: &AdminReply) -> bool {
    matches!(reply, AdminReply::Connected { note: None, .. })
}

fn publish(bench: &Bench, event_type: &str) -> String {
    let id =
        bench
            .sandbox
            .shared
            .lock()
            .concur
            .publish(event_type, "4B1F0A9C77D24E0E8E21", skin::now());
    bench.sandbox.shared.wake();
    id
}

fn fates(bench: &Bench, id: &str) -> Vec<Fate> {
    let events = bench.sandbox.shared.lock().concur.events();
    let own = events.into_iter().filter(|event| event.event_id == id);
    own.map(|event| event.fate).collect()
}

async fn until_delivered(bench: &Bench, id: &str) {
    until("the event is delivered", async || {
        let fates = fates(bench, id);
        !fates.is_empty() && fates.iter().all(|fate| *fate == Fate::Delivered)
    })
    .await;
}

async fn inbox(service: &Running) -> Inbox {
    service.core().host.store.inbox().await.expect("reads")
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_subscribes_first_and_events_arrive() {
    let bench = bench(|_| ()).await;
    let service = bench.start().await;
    let reply = connect(&bench).await;
    assert!(is_in_order(&reply), "{reply:?}");
    let subscriptions = bench.sandbox.shared.lock().concur.subscriptions();
    assert_eq!(subscriptions.len(), 1, "{subscriptions:?}");
    assert_eq!(subscriptions[0].company_ids.len(), 1);

    let id = publish(&bench, READY);
    until_delivered(&bench, &id).await;
    until("the event has led to a run", async || {
        let undecided = service.core().host.store.undecided_notices(9).await;
        undecided.expect("reads").is_empty() && !queue_runs(&service).await.is_empty()
    })
    .await;
    let kept = inbox(&service).await;
    assert_eq!((kept.events[0].events, kept.oddities), (1, 0));
    let credential = &service.core().host.credentials;
    assert_eq!(credential.credential("main", System::Concur).generation, 1);
    service.shutdown().await;
}

async fn queue_runs(service: &Running) -> Vec<String> {
    let runs = service.core().host.store.runs(Default::default()).await;
    let runs = runs.expect("runs").into_iter();
    runs.filter(|run| run.object.kind == "financial-queue")
        .map(|run| run.object.id)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_of_the_application_serves_many_requests_and_is_renewed_when_it_is_refused() {
    let bench = bench(|_| ()).await;
    let service = bench.start().await;
    assert!(is_in_order(&connect(&bench).await));
    let asked = |service: &Running| {
        let text = service.core().host.metrics.text();
        let count = text.lines().find_map(|line| {
            let line = line.strip_prefix("ml_connector_token_requests_total")?;
            line.contains("application")
                .then(|| line.rsplit(' ').next())?
        });
        count.and_then(|count| count.parse::<u64>().ok())
    };
    let before = asked(&service).expect("was asked for");
    bench.sandbox.shared.lock().concur.expire_access_tokens();
    let checked = async || {
        let runs = ended(&service, EndingKind::Confirmed).await;
        let runs = runs.into_iter();
        let runs = runs.filter(|run| run.object.kind == "event-subscription");
        runs.map(|run| run.id).collect::<Vec<_>>()
    };
    let known = checked().await;
    bench.ask(AdminRequest::Replay { run: known[0] }).await;
    until("it is checked again", async || {
        checked().await.len() > known.len()
    })
    .await;
    assert_eq!(asked(&service), Some(before + 1));
    let credentials = &service.core().host.credentials;
    let company = credentials.credential("main", System::Concur);
    assert!(company.generation <= 2, "the company's own is another one");
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_can_be_connected_before_the_service_runs() {
    let bench = bench(|_| ()).await;
    let reply = connect(&bench).await;
    assert!(is_in_order(&reply), "{reply:?}");
    let service = bench.start().await;
    let id = publish(&bench, READY);
    until_delivered(&bench, &id).await;
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_that_was_connected_without_events_has_to_be_connected_again() {
    let mut bench = bench(|_| ()).await;
    let (events, json) = (
        bench.config.events.take(),
        bench.config.connections[0].json.clone(),
    );
    assert!(is_in_order(&connect(&bench).await));
    bench.config.events = events;
    bench.config.connections[0].json = json;

    let service = bench.start().await;
    until("the check tells a person", async || {
        let parked = ended(&service, EndingKind::Parked).await;
        parked
            .iter()
            .any(|run| run.object.kind == "event-subscription")
    })
    .await;
    let reply = connect(&bench).await;
    assert!(is_in_order(&reply), "{reply:?}");
    let id = publish(&bench, READY);
    until_delivered(&bench, &id).await;
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_documentation_contradicts_itself_in_is_let_pass() {
    let bench = bench(|_| ()).await;
    let service = bench.start().await;
    assert!(is_in_order(&connect(&bench).await));
    switch(&bench, |events| {
        events.delivery.duplicate_per_mille = 1_000;
        events.envelope.json_in_strings = true;
        events.envelope.string_booleans = true;
        events.envelope.unknown_fields = true;
        events.envelope.zulu = true;
        events.envelope.short_fraction = true;
        events.signature_url_safe = true;
    });
    for event_type in [READY, "payroll.readyForIntegration", "statusChanged"] {
        let id = publish(&bench, event_type);
        if event_type != "statusChanged" {
            until_delivered(&bench, &id).await;
        }
    }
    let kept = inbox(&service).await;
    assert_eq!((kept.events[0].events, kept.oddities), (2, 0));
    assert_eq!(kept.events[0].repeats, 2, "each came twice");
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_with_a_new_key_loses_nothing() {
    let bench = bench(|_| ()).await;
    let service = bench.start().await;
    assert!(is_in_order(&connect(&bench).await));
    for signature in [
        EventSignature::PssSalt222,
        EventSignature::PssSalt32,
        EventSignature::Pkcs1,
    ] {
        switch(&bench, |events| events.signature = signature);
        let id = publish(&bench, READY);
        until_delivered(&bench, &id).await;
        bench.sandbox.shared.lock().concur.rotate_certificate(true);
    }
    let seen = seen_certificates(&*service.core().host.store).await;
    assert_eq!(seen.expect("reads").len(), 3);
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_peer_its_events_are_not_lost() {
    let bench = bench(|_| ()).await;
    let service = bench.start().await;
    assert!(is_in_order(&connect(&bench).await));
    switch(&bench, |events| events.delivery.retry_after_s = vec![1]);
    let mut waiting = Vec::new();
    for certificate in [
        ClientCertificate::ServerOnly,
        ClientCertificate::Expired,
        ClientCertificate::OtherName,
        ClientCertificate::OtherDnsName,
        ClientCertificate::ForeignAuthority,
        ClientCertificate::LeafOnly,
        ClientCertificate::Missing,
    ] {
        switch(&bench, |events| events.certificate = certificate);
        let id = publish(&bench, READY);
        until("it was tried", async || attempts(&bench, &id) > 0).await;
        assert_eq!(fates(&bench, &id), [Fate::Pending], "{certificate:?}");
        waiting.push(id);
    }
    switch(&bench, |events| {
        events.certificate = ClientCertificate::Current;
        events.signature = EventSignature::OtherKey;
    });
    let id = publish(&bench, READY);
    until("it was tried", async || attempts(&bench, &id) > 0).await;
    assert_eq!(fates(&bench, &id), [Fate::Pending], "signed by others");
    assert_eq!(inbox(&service).await, Inbox::default());

    switch(&bench, |events| {
        events.signature = EventSignature::PssSalt222
    });
    waiting.push(id);
    for id in &waiting {
        until_delivered(&bench, id).await;
    }
    for certificate in [
        ClientCertificate::Former,
        ClientCertificate::ClientOnly,
        ClientCertificate::NoUsage,
        ClientCertificate::CommonNameOnly,
    ] {
        switch(&bench, |events| events.certificate = certificate);
        let id = publish(&bench, READY);
        until_delivered(&bench, &id).await;
    }
    service.shutdown().await;
}

fn attempts(bench: &Bench, id: &str) -> u64 {
    let events = bench.sandbox.shared.lock().concur.events();
    let own = events.into_iter().filter(|event| event.event_id == id);
    own.map(|event| event.attempts).sum()
}
