//! SAP Concur's events, from the subscription to the run: the program, real sockets, mutual TLS,
//! the built component.

use std::net::TcpListener;

use ml_connector_sandbox::concur::{ClientCertificate, EventSignature, EventSwitches, Fate};
use ml_connector_sandbox::skin;
use serde_json::Value;

use super::firm::{Firm, eventually, get};
use super::office::Said;

const READY: &str = "invoice.readyForIntegration";

/// A firm that wants events, each of them signed.
fn firm() -> Firm {
    let firm = Firm::new();
    let authority = &firm.vendors.authority;
    let server = authority.server(&["127.0.0.1"], skin::now());
    let server = server.expect("a certificate");
    for (name, text) in [
        ("events.pem", &server.chain_pem),
        ("events.key", &server.key_pem),
        ("anchors.pem", &authority.root_pem()),
    ] {
        firm.office.write(name, text);
    }
    let file = firm.office.path("ml-connector.toml");
    let settings = std::fs::read_to_string(file).expect("settings");
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    let address = listener.local_addr().expect("address");
    let events = format!(
        "
[connections.acme.events]
enabled = true
[receiver.events]
listen = \"{address}\"
public_url = \"https://{address}\"
trust_anchors = \"anchors.pem\"
tls_certificate = \"events.pem\"
tls_key = \"events.key\"
signature = \"required\"
"
    );
    firm.office
        .write("ml-connector.toml", &format!("{settings}{events}"));
    firm
}

fn connect(firm: &Firm) -> Said {
    let token = firm.company_request_token();
    let said = firm
        .office
        .run_with(&["connect", "concur"], &[], &format!("{token}\n"));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(!said.out.contains("do not come yet"), "{}", said.out);
    said
}

/// Has the switches of the sandbox changed.
fn switch(firm: &Firm, change: impl FnOnce(&mut EventSwitches)) {
    let mut sandbox = firm.vendors.shared.lock();
    change(&mut sandbox.concur.config_mut().events);
}

fn publish(firm: &Firm, event_type: &str) -> String {
    let mut sandbox = firm.vendors.shared.lock();
    let id = sandbox
        .concur
        .publish(event_type, "4B1F0A9C77D24E0E8E21", skin::now());
    drop(sandbox);
    firm.vendors.shared.wake();
    id
}

/// What has become of an event, and how often it was sent.
fn fates(firm: &Firm, id: &str) -> (Vec<Fate>, u64) {
    let events = firm.vendors.shared.lock().concur.events();
    let own: Vec<_> = events
        .into_iter()
        .filter(|event| event.event_id == id)
        .collect();
    let attempts = own.iter().map(|event| event.attempts).sum();
    (own.into_iter().map(|event| event.fate).collect(), attempts)
}

fn wait_for_delivery(firm: &Firm, id: &str) {
    eventually(|| {
        let (fates, _) = fates(firm, id);
        let is_done = !fates.is_empty() && fates.iter().all(|fate| *fate == Fate::Delivered);
        is_done.then_some(()).ok_or_else(|| format!("{fates:?}"))
    });
}

/// What `status` says of the events of the connection.
fn standing(firm: &Firm) -> Value {
    let said = firm.office.run(&["status", "--json"]);
    let all: Value = serde_json::from_str(&said.out).expect("JSON");
    all[0]["events"].clone()
}

fn tokens_of_the_application(firm: &Firm) -> u64 {
    let text = get(&format!("http://{}/metrics", firm.address));
    let line = text
        .lines()
        .find(|line| line.contains("token_requests") && line.contains("application"));
    let count = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    count.unwrap_or_default()
}

#[test]
fn connecting_subscribes_first_and_events_arrive() {
    let firm = firm();
    let service = firm.serve();
    connect(&firm);
    let subscriptions = firm.vendors.shared.lock().concur.subscriptions();
    assert_eq!(subscriptions.len(), 1, "{subscriptions:?}");
    assert_eq!(subscriptions[0].company_ids.len(), 1, "{subscriptions:?}");

    let id = publish(&firm, READY);
    wait_for_delivery(&firm, &id);
    eventually(|| {
        let arguments = ["runs", "--latest", "--json"];
        let runs = firm.office.run(&arguments).out;
        let is_there = runs.contains("financial-queue");
        is_there.then_some(()).ok_or(runs)
    });
    let standing = standing(&firm);
    assert_eq!(standing["count"]["events"], 1, "{standing}");
    assert_eq!(standing["unreadable"], 0);
    let (ended, log) = service.stop();
    assert!(ended.success(), "{log}");
    assert!(log.contains("signed-pss-longest-salt"), "{log}");
}

#[test]
fn one_token_of_the_application_is_renewed_when_it_is_refused() {
    let firm = firm();
    let service = firm.serve();
    connect(&firm);
    let object = "concur/event-subscription/financialintegration";
    let run = firm.wait_for(object, "confirmed")["run"].to_string();
    let before = tokens_of_the_application(&firm);
    assert!((1..=3).contains(&before), "{before}");
    firm.vendors.shared.lock().concur.expire_access_tokens();
    assert_eq!(firm.office.run(&["replay", &run]).code, 0);
    eventually(|| {
        let latest = firm.wait_for(object, "confirmed")["run"].to_string();
        (latest != run).then_some(()).ok_or(latest)
    });
    assert_eq!(tokens_of_the_application(&firm), before + 1);
    assert!(service.stop().0.success());
}

#[test]
fn a_company_can_be_connected_before_the_service_runs() {
    let firm = firm();
    connect(&firm);
    let service = firm.serve();
    let id = publish(&firm, READY);
    wait_for_delivery(&firm, &id);
    assert!(service.stop().0.success());
}

#[test]
fn a_company_that_was_connected_without_events_has_to_be_connected_again() {
    let firm = firm();
    let file = firm.office.path("ml-connector.toml");
    let settings = std::fs::read_to_string(file).expect("settings");
    let without = settings.replace("enabled = true", "enabled = false");
    firm.office.write("ml-connector.toml", &without);
    connect(&firm);
    firm.office.write("ml-connector.toml", &settings);

    let service = firm.serve();
    let object = "concur/event-subscription/financialintegration";
    let run = firm.wait_for(object, "parked");
    assert!(run.to_string().contains("connect concur"), "{run}");
    connect(&firm);
    let id = publish(&firm, READY);
    wait_for_delivery(&firm, &id);
    assert!(service.stop().0.success());
}

#[test]
fn what_the_documentation_contradicts_itself_in_is_let_pass() {
    let firm = firm();
    let service = firm.serve();
    connect(&firm);
    switch(&firm, |events| {
        events.delivery.duplicate_per_mille = 1_000;
        events.envelope.json_in_strings = true;
        events.envelope.string_booleans = true;
        events.envelope.unknown_fields = true;
        events.envelope.zulu = true;
        events.envelope.short_fraction = true;
        events.signature_url_safe = true;
    });
    for event_type in [READY, "payroll.readyForIntegration"] {
        let id = publish(&firm, event_type);
        wait_for_delivery(&firm, &id);
    }
    let standing = standing(&firm);
    assert_eq!(standing["count"]["events"], 2, "{standing}");
    assert_eq!(standing["count"]["repeats"], 2, "each came twice");
    assert_eq!(standing["unreadable"], 0);
    assert!(service.stop().0.success());
}

#[test]
fn a_new_certificate_with_a_new_key_loses_nothing() {
    let firm = firm();
    let service = firm.serve();
    connect(&firm);
    for signature in [
        EventSignature::PssSalt222,
        EventSignature::PssSalt32,
        EventSignature::Pkcs1,
    ] {
        switch(&firm, |events| events.signature = signature);
        let id = publish(&firm, READY);
        wait_for_delivery(&firm, &id);
        firm.vendors.shared.lock().concur.rotate_certificate(true);
    }
    let standing = standing(&firm);
    let certificates = standing["certificates"].as_array();
    assert_eq!(certificates.map(Vec::len), Some(3), "{standing}");
    assert!(service.stop().0.success());
}

#[test]
fn whatever_is_wrong_with_a_peer_its_events_are_not_lost() {
    let firm = firm();
    let service = firm.serve();
    connect(&firm);
    switch(&firm, |events| events.delivery.retry_after_s = vec![1]);
    let mut waiting = Vec::new();
    let mut publish_in_vain = |what: &str| {
        let id = publish(&firm, READY);
        eventually(|| match fates(&firm, &id) {
            (_, 0) => Err(format!("{what} was not tried")),
            (fates, _) => {
                assert_eq!(fates, [Fate::Pending], "{what}");
                Ok(())
            }
        });
        waiting.push(id);
    };
    for certificate in [
        ClientCertificate::ServerOnly,
        ClientCertificate::Expired,
        ClientCertificate::OtherName,
        ClientCertificate::OtherDnsName,
        ClientCertificate::ForeignAuthority,
        ClientCertificate::LeafOnly,
        ClientCertificate::Missing,
    ] {
        switch(&firm, |events| events.certificate = certificate);
        publish_in_vain(&format!("{certificate:?}"));
    }
    switch(&firm, |events| {
        events.certificate = ClientCertificate::Current;
        events.signature = EventSignature::OtherKey;
    });
    publish_in_vain("another key");
    // The second attempt begins after the first one has failed.
    let last = waiting.last().expect("an event");
    eventually(|| match fates(&firm, last) {
        (_, attempts) if attempts < 2 => Err(format!("{attempts} attempts")),
        _ => Ok(()),
    });
    assert_eq!(standing(&firm)["count"], Value::Null, "nothing is kept");

    switch(&firm, |events| {
        events.signature = EventSignature::PssSalt222
    });
    for id in &waiting {
        wait_for_delivery(&firm, id);
    }
    for certificate in [
        ClientCertificate::Former,
        ClientCertificate::ClientOnly,
        ClientCertificate::NoUsage,
        ClientCertificate::CommonNameOnly,
    ] {
        switch(&firm, |events| events.certificate = certificate);
        let id = publish(&firm, READY);
        wait_for_delivery(&firm, &id);
    }
    assert!(service.stop().0.success());
}
