//! A receiver of events behind real sockets, and SAP Concur in front of it.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch as signal;
use tokio_rustls::TlsConnector;

use super::*;
use crate::config::{EventsConfig, EventsListen, TlsFiles};
use crate::contract::types::System;
use crate::events::test_certificates::Issued;
use crate::listener::{ListenError, RefusalLog};
use crate::private;
use crate::store::Notice;
use crate::store::conformance::ModelStore;

/// How long an answer may take before it counts as none; a busy machine is slow.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

pub(super) const PATH: &str = "/hooks/concur/acme/t0ken";
pub(super) const EVENT: &str = r#"{"id":"e1","eventType":"invoice.readyForIntegration"}"#;

pub(super) fn body(id: &str, event_type: &str) -> String {
    format!(r#"{{"id":"{id}","eventType":"{event_type}"}}"#)
}

pub(super) struct Fixture {
    pub(super) directory: TempDir,
    pub(super) root: Authority,
    pub(super) authority: Authority,
    /// The client certificate that SAP Concur shows, valid at `NOW`.
    pub(super) sap: Issued,
    pub(super) store: Arc<ModelStore>,
    pub(super) events: Arc<EventReceiver>,
    pub(super) listen: EventsListen,
    port: u16,
    stop: signal::Sender<bool>,
    serving: Option<tokio::task::JoinHandle<Result<(), ListenError>>>,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        Self::with_certificate(Wanted {
            key: Some(rsa_key(0)),
            ..Wanted::default()
        })
        .await
    }

    pub(super) async fn with_certificate(wanted: Wanted) -> Self {
        let directory = TempDir::new().expect("a directory");
        let root = Authority::new("Root");
        let authority = root.below("Issuing");
        let file = |name: &str| directory.path().join(name);
        std::fs::write(file("anchors.pem"), root.pem()).expect("is written");
        let ours = root.issue(Wanted {
            names: vec!["localhost"],
            ..Wanted::default()
        });
        std::fs::write(file("certificate.pem"), ours.pem()).expect("is written");
        let mut options = private::options();
        let key = options.write(true).create_new(true).open(file("key.pem"));
        let key = key.and_then(|mut key| key.write_all(ours.key.serialize_pem().as_bytes()));
        key.expect("is written");
        let store = Arc::new(ModelStore::default());
        let listen = EventsListen::Network {
            address: "127.0.0.1:0".parse().expect("an address"),
            tls: TlsFiles {
                certificate: file("certificate.pem"),
                key: file("key.pem"),
            },
            proxy_anchors: None,
        };
        let fixture = Self {
            events: Arc::new(events(&file("anchors.pem"), &store)),
            sap: authority.issue(wanted),
            directory,
            root,
            authority,
            store,
            listen,
            port: 0,
            stop: signal::channel(false).0,
            serving: None,
        };
        fixture.with(|_| ()).await
    }

    /// The same with other settings: stops what listens and listens anew.
    pub(super) async fn with(mut self, change: impl FnOnce(&mut EventReceiver)) -> Self {
        self.stop.send_replace(true);
        if let Some(serving) = self.serving.take() {
            // A socket that still listens is not taken over.
            let _ = serving.await;
        }
        let mut events = events(&self.anchors(), &self.store);
        change(&mut events);
        self.events = Arc::new(events);
        let settings = EventsConfig {
            listen: self.listen.clone(),
            public_url: String::new(),
            trust_anchors: self.anchors(),
            identity: SAP.into(),
            purpose: Purpose::ClientAuth,
            signature: SignatureRule::Off,
        };
        let bound = bind(&settings).await.expect("is bound");
        self.port = bound.address().map_or(0, |address| address.port());
        let (stop, stopped) = signal::channel(false);
        self.stop = stop;
        self.serving = Some(tokio::spawn(serve(
            bound,
            Arc::clone(&self.events),
            stopped,
        )));
        self
    }

    pub(super) fn anchors(&self) -> PathBuf {
        self.directory.path().join("anchors.pem")
    }

    /// Sends an event as SAP Concur does.
    pub(super) async fn post(&self, body: &str) -> Result<u16, String> {
        self.post_as(Some(&self.sap), &[], body).await
    }

    pub(super) async fn post_as(
        &self,
        client: Option<&Issued>,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<u16, String> {
        let mut peer = self.connect(client).await?;
        peer.exchange(&request("POST", PATH, headers, body.as_bytes()))
            .await
    }

    /// A connection on which nothing is said, not even a handshake.
    pub(super) async fn connect_silently(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await;
        stream.expect("connects")
    }

    /// Waits until so many strangers were refused for this reason.
    pub(super) async fn until_refused(&self, what: &'static str, count: u64) {
        let labels = crate::metrics::Refused {
            listener: LISTENER,
            what,
        };
        let refused = || {
            let refusals = &self.events.metrics.refusals;
            refusals.get_or_create(&labels).get()
        };
        let began = std::time::Instant::now();
        while refused() != count {
            assert!(began.elapsed() < PATIENCE, "{what}: {}", refused());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<u16, String> {
        self.raw(&request(method, path, headers, body)).await
    }

    pub(super) async fn raw(&self, request: &[u8]) -> Result<u16, String> {
        let mut peer = self.connect(Some(&self.sap)).await?;
        peer.exchange(request).await
    }

    pub(super) async fn connect(&self, client: Option<&Issued>) -> Result<PeerConnection, String> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await;
        let stream = stream.map_err(|error| error.to_string())?;
        let name = ServerName::try_from("localhost").expect("a name");
        let connected = self.connector(client).connect(name, stream).await;
        Ok(PeerConnection(Box::new(
            connected.map_err(|error| error.to_string())?,
        )))
    }

    fn connector(&self, client: Option<&Issued>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        let own: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(self.root.pem().as_bytes()).collect();
        roots.add_parsable_certificates(own.expect("is PEM"));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let config = match client {
            None => builder.with_no_client_auth(),
            Some(issued) => builder
                .with_client_auth_cert(issued.chain.clone(), issued.private_key())
                .expect("a certificate"),
        };
        TlsConnector::from(Arc::new(config))
    }

    pub(super) async fn notices(&self) -> Vec<Notice> {
        self.store
            .undecided_notices(99, Vec::new())
            .await
            .expect("reads")
    }

    /// The codes of what could not be read, the latest first.
    pub(super) async fn oddities(&self) -> Vec<String> {
        let oddities = self.store.oddities(99).await.expect("reads");
        oddities.into_iter().map(|oddity| oddity.code).collect()
    }

    pub(super) fn counted(&self, connection: &str, what: &str) -> u64 {
        let label =
            format!(r#"ml_connector_events_total{{connection="{connection}",what="{what}"}} "#);
        let text = self.events.metrics.text();
        let line = text.lines().find_map(|line| line.strip_prefix(&label));
        line.map_or(0, |count| count.parse().expect("a count"))
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// An open connection of a peer to the receiver.
pub(super) struct PeerConnection(Box<dyn Stream>);

impl PeerConnection {
    pub(super) async fn over_socket(path: &std::path::Path) -> Self {
        let stream = tokio::net::UnixStream::connect(path).await;
        Self(Box::new(stream.expect("connects")))
    }

    pub(super) async fn post(&mut self, body: &str) -> Result<u16, String> {
        self.exchange(&request("POST", PATH, &[], body.as_bytes()))
            .await
    }

    /// The status of the answer; an error if there is none.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Result<u16, String> {
        // What is not read to its end is answered all the same.
        let _ = self.0.write_all(request).await;
        let _ = self.0.flush().await;
        let read = tokio::time::timeout(PATIENCE, self.read_head()).await;
        let head = read.map_err(|_| "no answer in time".to_string())??;
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        status.ok_or_else(|| format!("no status in {head:?}"))
    }

    async fn read_head(&mut self) -> Result<String, String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.0.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(String::from_utf8_lossy(&head).into_owned())
    }
}

pub(super) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let mut request = request.into_bytes();
    request.extend_from_slice(body);
    request
}

fn events(anchors: &std::path::Path, store: &Arc<ModelStore>) -> EventReceiver {
    let address = EventAddress {
        company_id: "c1".into(),
        token: "t0ken".into(),
    };
    let trust = Trust::open(anchors, Some(SAP), Purpose::ClientAuth).expect("opens");
    let metrics = Arc::<Metrics>::default();
    EventReceiver {
        store: Arc::<ModelStore>::clone(store),
        read: Box::new(|body, company_id| Ok(read(body, company_id))),
        addresses: [("acme".to_string(), address)].into(),
        trust: Arc::new(trust),
        proxies: None,
        signature: SignatureRule::Off,
        certificates: CertificateLog::default(),
        policy: policy(&metrics),
        metrics,
        backlog: Arc::default(),
        backlog_max: 100,
        notices_stored: Arc::default(),
        clock: Clock::from_fn(|| NOW),
        rates: Arc::default(),
        signature_reports: ReportOnce::default(),
    }
}

/// What the component says, as far as these tests need it.
fn read(body: &str, company_id: &str) -> Event {
    assert_eq!(company_id, "c1");
    let value: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let text = |member: &str| value[member].as_str().map(str::to_string);
    let (Some(id), Some(event_type)) = (text("id"), text("eventType")) else {
        return Event::Unreadable(Note {
            code: "not-json".into(),
            message: "It is no event.".into(),
        });
    };
    let name = EventName { id, event_type };
    match name.event_type.strip_suffix(".readyForIntegration") {
        Some(queue) => Event::Hint(Hint {
            object: crate::contract::types::ObjectRef {
                system: System::Concur,
                kind: "financial-queue".into(),
                id: queue.into(),
            },
            name,
        }),
        None => Event::Ignored(name),
    }
}

/// Few connections, and the time that a busy machine needs.
fn policy(metrics: &Arc<Metrics>) -> Policy {
    Policy {
        connections_max: 8,
        peer_timeout: Duration::from_secs(10),
        shutdown_grace: Duration::from_secs(20),
        trusted_proxies: Vec::new(),
        refusals: Arc::new(RefusalLog::new(Arc::clone(metrics))),
    }
}
