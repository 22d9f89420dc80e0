//! Events over real TLS, received the way a careful receiver would: with rustls' own client
//! verifier.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::concur::EventSignature;
use crate::server::{Ports, Running, start};
use crate::{SandboxConfig, System};

const ANSWER: &str = "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// What a receiver got: the request and the client's certificate.
struct Received {
    request: String,
    certificate: Vec<u8>,
}

impl Received {
    fn header(&self, name: &str) -> Option<&str> {
        let head = self.request.split("\r\n\r\n").next()?;
        let start = format!("{name}: ");
        head.lines().find_map(|line| line.strip_prefix(&start))
    }

    fn body(&self) -> &[u8] {
        let body = self.request.split_once("\r\n\r\n");
        body.map(|(_, body)| body.as_bytes()).unwrap_or_default()
    }

    /// Whether the client's certificate holds the key of that number.
    fn has_key(&self, number: u32) -> bool {
        let key = EventKey::numbered(number).public_pkcs1();
        self.certificate.windows(key.len()).any(|part| part == key)
    }
}

/// An HTTPS receiver that insists on a client certificate under a root.
struct Receiver {
    listener: TcpListener,
    tls: TlsAcceptor,
    answer: &'static str,
}

impl Receiver {
    /// A receiver with a certificate for these names of an authority, which trusts clients of the
    /// same.
    async fn new(authority: &Authority, names: &[&str]) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let trusted = Arc::new(parse_roots(&authority.root_pem()).expect("a root"));
        let verifier = WebPkiClientVerifier::builder_with_provider(trusted, provider.clone());
        let identity = authority.server(names, now()).expect("a certificate");
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_client_cert_verifier(verifier.build().expect("a verifier"))
            .with_single_cert(identity.chain(), identity.key())
            .expect("a server");
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.expect("a port"),
            tls: TlsAcceptor::from(Arc::new(config)),
            answer: ANSWER,
        }
    }

    fn url(&self) -> String {
        let address = self.listener.local_addr().expect("an address");
        format!("https://{address}/concur")
    }

    /// Accepts one connection, reads a request and answers; none if TLS fails.
    async fn receive(&self) -> Option<Received> {
        let (stream, _) = self.listener.accept().await.expect("a connection");
        let mut stream = self.tls.accept(stream).await.ok()?;
        let certificates = stream.get_ref().1.peer_certificates()?;
        let certificate = certificates.first()?.to_vec();
        let mut request = Vec::new();
        while !is_complete(&request) {
            let read = stream.read_buf(&mut request).await.ok()?;
            assert_ne!(read, 0, "the request breaks off");
        }
        stream.write_all(self.answer.as_bytes()).await.ok()?;
        let _ = stream.shutdown().await;
        let request = String::from_utf8(request).expect("text");
        Some(Received {
            request,
            certificate,
        })
    }
}

fn is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    length.is_some_and(|length| length.parse() == Ok(body.len()))
}

fn authority() -> Authority {
    Authority::new(now()).expect("an authority")
}

fn delivery(url: &str) -> Delivery {
    Delivery {
        system: System::Concur,
        id: 1,
        url: url.to_owned(),
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: b"{}".to_vec(),
        timeout_ms: 60_000,
    }
}

/// Delivers one event and tells both sides of it.
async fn deliver(
    authority: &Authority,
    receiver: &Receiver,
    certificate: ClientCertificate,
) -> (io::Result<u16>, Option<Received>) {
    let key = EventKey::numbered(0);
    let identity = authority.client(certificate, &key, now());
    let identity = identity.expect("a certificate");
    let client = EventClient::new(identity.as_ref(), &authority.root_pem()).expect("a client");
    let delivery = delivery(&receiver.url());
    tokio::join!(client.deliver(&delivery), receiver.receive())
}

#[tokio::test]
async fn certificates_pass_or_fail_a_stock_verifier() {
    let authority = authority();
    let receiver = Receiver::new(&authority, &["127.0.0.1"]).await;
    for (certificate, passes) in [
        (ClientCertificate::Current, true),
        (ClientCertificate::Former, true),
        (ClientCertificate::ClientOnly, true),
        (ClientCertificate::NoUsage, true),
        (ClientCertificate::OtherName, true),
        (ClientCertificate::OtherDnsName, true),
        (ClientCertificate::CommonNameOnly, true),
        (ClientCertificate::ServerOnly, false),
        (ClientCertificate::Expired, false),
        (ClientCertificate::ForeignAuthority, false),
        (ClientCertificate::LeafOnly, false),
        (ClientCertificate::Missing, false),
    ] {
        let (status, received) = deliver(&authority, &receiver, certificate).await;
        let expected = passes.then_some(202);
        assert_eq!(status.ok(), expected, "{certificate:?}");
        let right_key = received.map(|received| received.has_key(0));
        assert_eq!(right_key, passes.then_some(true), "{certificate:?}");
    }
}

#[tokio::test]
async fn receivers_are_trusted_under_the_given_roots_and_their_own_name_only() {
    let authority = authority();
    let elsewhere = Receiver::new(&authority, &["else.example.test"]).await;
    let (status, received) = deliver(&authority, &elsewhere, ClientCertificate::Current).await;
    assert!(status.is_err() && received.is_none());
    let receiver = Receiver::new(&authority, &["127.0.0.1"]).await;
    let other_root = self::authority().root_pem();
    let client = EventClient::new(None, &other_root).expect("a client");
    let delivery = delivery(&receiver.url());
    let (status, _) = tokio::join!(client.deliver(&delivery), receiver.receive());
    assert!(status.is_err());
    assert!(EventClient::new(None, "-----BEGIN CERTIFICATE-----\nx").is_err());
}

#[tokio::test]
async fn redirects_are_not_followed_and_broken_answers_are_none() {
    let authority = authority();
    let mut receiver = Receiver::new(&authority, &["127.0.0.1"]).await;
    receiver.answer =
        "HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (status, _) = deliver(&authority, &receiver, ClientCertificate::Current).await;
    assert_eq!(status.ok(), Some(302));
    receiver.answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhal";
    let (status, _) = deliver(&authority, &receiver, ClientCertificate::Current).await;
    assert!(status.is_err());
    receiver.answer = "";
    let (status, _) = deliver(&authority, &receiver, ClientCertificate::Current).await;
    assert!(status.is_err());
}

#[tokio::test]
async fn nobody_listening_is_an_error() {
    let client = EventClient::new(None, &authority().root_pem()).expect("a client");
    let delivery = delivery("https://127.0.0.1:9/");
    assert!(client.deliver(&delivery).await.is_err());
}

/// A running sandbox with a subscription of the company at a receiver.
async fn listening() -> (Running, Receiver) {
    let mut config = SandboxConfig::default();
    config.concur.events.signature = EventSignature::Pkcs1;
    config.concur.events.api.single_company = true;
    config.concur.events.delivery.retry_after_s = vec![1];
    let running = start(config, Ports::default()).await.expect("free ports");
    let receiver = Receiver::new(&running.authority, &["127.0.0.1"]).await;
    subscribe(&running, &receiver.url());
    (running, receiver)
}

fn subscribe(running: &Running, endpoint: &str) {
    let host = running.urls.concur["us2"].replace("http://", "");
    let mut sandbox = running.shared.lock();
    let form = [
        ("client_id", "5b1c9c0e-3c57-4a15-9d9e-0f0b7c1e2a33"),
        ("client_secret", "sandbox-concur-secret"),
        ("grant_type", "client_credentials"),
    ];
    let request = crate::Request::new(&host, "POST", "/oauth2/v0/token").with_form(&form);
    let token = sandbox.concur.handle(&request, now(), 0).value()["access_token"].clone();
    let body = json!({"id": "acme.fis", "topic": "public.concur.financialintegration",
        "webHookConfig": {"endpoint": endpoint}});
    let request = crate::Request::new(&host, "PUT", "/events/v4/subscriptions/webhook")
        .with_bearer(token.as_str().expect("a token"))
        .with_json(&body);
    assert_eq!(sandbox.concur.handle(&request, now(), 0).status, 200);
}

fn publish(running: &Running, document_id: &str) -> String {
    let mut sandbox = running.shared.lock();
    let id = sandbox
        .concur
        .publish("expense.readyForIntegration", document_id, now());
    drop(sandbox);
    running.shared.wake();
    id
}

fn is_signed_by(received: &Received, key: u32) -> bool {
    let header = received.header("concur-signature").expect("a signature");
    let signature = STANDARD.decode(header).expect("base64");
    let algorithm = &ring::signature::RSA_PKCS1_2048_8192_SHA256;
    let public = EventKey::numbered(key).public_pkcs1();
    ring::signature::UnparsedPublicKey::new(algorithm, public)
        .verify(received.body(), &signature)
        .is_ok()
}

async fn until_delivered(running: &Running, count: u64) {
    while running.shared.lock().concur.event_counts().ok < count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn published_events_arrive_signed_with_the_certificates_key() {
    let (running, receiver) = listening().await;
    let id = publish(&running, "4B1F");
    let received = receiver.receive().await.expect("an event");
    assert!(received.request.starts_with("POST /concur HTTP/1.1"));
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert!(received.header("concur-correlationid").is_some());
    let body: Value = serde_json::from_slice(received.body()).expect("JSON");
    assert_eq!(body["id"], json!(id));
    assert!(received.has_key(0) && is_signed_by(&received, 0));
    until_delivered(&running, 1).await;
}

#[tokio::test]
async fn certificate_and_key_change_while_it_runs() {
    let (running, receiver) = listening().await;
    publish(&running, "1");
    let before = receiver.receive().await.expect("an event");
    running.shared.lock().concur.rotate_certificate(false);
    publish(&running, "2");
    let reissued = receiver.receive().await.expect("an event");
    assert!(reissued.has_key(0) && reissued.certificate != before.certificate);
    running.shared.lock().concur.rotate_certificate(true);
    publish(&running, "3");
    let after = receiver.receive().await.expect("an event");
    assert!(after.has_key(1) && !after.has_key(0) && is_signed_by(&after, 1));
    until_delivered(&running, 3).await;
}

#[tokio::test]
async fn what_fails_at_the_handshake_is_delivered_once_the_certificate_is_right() {
    let (running, receiver) = listening().await;
    let certificate = |certificate| {
        let mut sandbox = running.shared.lock();
        sandbox.concur.config_mut().events.certificate = certificate;
    };
    certificate(ClientCertificate::ServerOnly);
    publish(&running, "1");
    assert!(receiver.receive().await.is_none());
    certificate(ClientCertificate::Current);
    assert!(receiver.receive().await.is_some());
    until_delivered(&running, 1).await;
    assert_eq!(running.shared.lock().concur.event_counts().failed, 1);
}

#[tokio::test]
async fn receivers_under_other_roots_are_trusted_by_configuration() {
    let (running, _) = listening().await;
    let other = authority();
    let identity = other.server(&["127.0.0.1"], now()).expect("a certificate");
    let config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(identity.chain(), identity.key())
            .expect("a server");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}/", listener.local_addr().expect("an address"));
    subscribe(&running, &url);
    running
        .shared
        .lock()
        .concur
        .config_mut()
        .events
        .receiver_roots_pem = other.root_pem();
    publish(&running, "1");
    let (stream, _) = listener.accept().await.expect("a connection");
    let tls = TlsAcceptor::from(Arc::new(config));
    assert!(tls.accept(stream).await.is_ok());
}
