//! The sandbox behind real sockets: one port for FreshBooks, one for each Concur host, and one for
//! the control plane.
//!
//! Servers listen on 127.0.0.1. Webhooks and events are delivered by clients of their own, many at
//! once, without following redirects; events over TLS under a client certificate that a local
//! authority issues.

pub mod certificates;
mod control;
mod deliveries;
mod event_client;
mod listener;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

use crate::{Millis, Request, Sandbox, SandboxConfig, System, WireOutcome};

pub use event_client::EventClient;

use certificates::Authority;
use event_client::EventSender;

/// How often due deliveries are looked for at least, in milliseconds: the clock alone makes some
/// due, and nothing wakes the task for them.
const POLL_INTERVAL_MS: Millis = 1_000;

/// Which ports to listen on; 0 lets the system choose.
#[derive(Clone, Debug, Default)]
pub struct Ports {
    /// FreshBooks, API and consent page.
    pub freshbooks: u16,
    /// Concur hosts by name; those not named get any port.
    pub concur: BTreeMap<String, u16>,
    /// The control plane, which steers both vendors.
    pub control: u16,
}

/// Base URLs, such as `http://127.0.0.1:4010`. `serve` prints them as one line of JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Urls {
    /// FreshBooks, API and consent page.
    pub freshbooks: String,
    /// Concur hosts by name: `glz` and the datacenters.
    pub concur: BTreeMap<String, String>,
    /// The control plane, which steers both vendors.
    pub control: String,
}

/// A sandbox that is running.
pub struct Running {
    /// The base URLs that it listens under.
    pub urls: Urls,
    /// Both vendors; see [`Running::shared`] for changes that webhooks follow from.
    pub sandbox: Arc<Mutex<Sandbox>>,
    /// The same sandbox, with a way to deliver webhooks at once.
    pub shared: Shared,
    /// Who issues the client certificates of event deliveries; receivers may get theirs from it
    /// too.
    pub authority: Arc<Authority>,
    stop: watch::Sender<bool>,
}

impl Running {
    /// Stops listening and delivering.
    pub fn shutdown(&self) {
        self.stop.send_replace(true);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// The sandbox, shared by all sockets.
#[derive(Clone)]
pub struct Shared {
    sandbox: Arc<Mutex<Sandbox>>,
    changed: Arc<Notify>,
}

impl Shared {
    /// Locks the sandbox. Call [`Shared::wake`] afterwards if webhooks may be due.
    pub fn lock(&self) -> MutexGuard<'_, Sandbox> {
        self.sandbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request to the sandbox, and wakes the delivery task if webhooks are due soon.
    fn exchange(&self, system: System, request: &Request, now: Millis) -> WireOutcome {
        let mut sandbox = self.lock();
        let answer = sandbox.exchange(system, request, now);
        let soon = sandbox
            .next_wake()
            .is_some_and(|due| due <= now + POLL_INTERVAL_MS);
        drop(sandbox);
        if soon {
            self.wake();
        }
        answer
    }

    /// Makes the delivery task check at once for webhooks and events that are due.
    pub fn wake(&self) {
        self.changed.notify_one();
    }
}

/// The wall clock in milliseconds since the Unix epoch.
pub fn now() -> Millis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Starts a sandbox; the Concur hosts of `config` get the ports' addresses.
///
/// # Errors
///
/// If a port or a key cannot be had.
pub async fn start(mut config: SandboxConfig, ports: Ports) -> io::Result<Running> {
    let freshbooks = listen(ports.freshbooks).await?;
    let control = listen(ports.control).await?;
    let mut concur = Vec::new();
    for (name, host) in &mut config.concur.hosts {
        let listener = listen(ports.concur.get(name).copied().unwrap_or_default()).await?;
        let address = listener.local_addr()?;
        host.authority = address.to_string();
        host.base_url = url(address);
        concur.push(listener);
    }
    let urls = Urls {
        freshbooks: url(freshbooks.local_addr()?),
        concur: config
            .concur
            .hosts
            .iter()
            .map(|(name, host)| (name.clone(), host.base_url.clone()))
            .collect(),
        control: url(control.local_addr()?),
    };
    let authority = Arc::new(Authority::new(now())?);
    let sandbox = Arc::new(Mutex::new(Sandbox::new(config, now())));
    let changed = Arc::new(Notify::new());
    let shared = Shared {
        sandbox: sandbox.clone(),
        changed,
    };
    let (stop, stopped) = watch::channel(false);
    let listeners = concur
        .into_iter()
        .map(|listener| (listener, System::Concur));
    for (listener, system) in listeners.chain([(freshbooks, System::FreshBooks)]) {
        tokio::spawn(listener::serve(
            listener,
            system,
            shared.clone(),
            stopped.clone(),
        ));
    }
    tokio::spawn(control::serve(control, shared.clone(), stopped.clone()));
    let events = Arc::new(EventSender::new(Arc::clone(&authority)));
    tokio::spawn(deliveries::deliver_until_stopped(
        shared.clone(),
        events,
        stopped,
    ));
    Ok(Running {
        urls,
        sandbox,
        shared,
        authority,
        stop,
    })
}

async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;
    use crate::{Fault, FaultRule};

    const CLIENTS: &str = "/accounting/account/zQ7pLm/users/clients";

    async fn running() -> Running {
        start(SandboxConfig::default(), Ports::default())
            .await
            .expect("free ports")
    }

    /// What comes back for a request that is sent as bytes; the connection is closed afterwards.
    async fn send(url: &str, head: &str, body: &str) -> String {
        let authority = url.strip_prefix("http://").expect("a URL");
        let mut stream = TcpStream::connect(authority).await.expect("a listener");
        let length = body.len();
        let request = format!(
            "{head}\r\nHost: {authority}\r\nContent-Length: {length}\r\nConnection: \
             close\r\n\r\n{body}"
        );
        let mut answer = Vec::new();
        if stream.write_all(request.as_bytes()).await.is_ok() {
            let _ = stream.read_to_end(&mut answer).await;
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn post_client(running: &Running) -> String {
        let token = running.shared.lock().freshbooks.person_token(now());
        let head = format!("POST {CLIENTS} HTTP/1.1\r\nAuthorization: Bearer {token}");
        send(
            &running.urls.freshbooks,
            &head,
            r#"{"client":{"email":"a@example.test"}}"#,
        )
        .await
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

    /// Accepts one webhook, answers 200 and returns its request.
    async fn receive(listener: &TcpListener) -> String {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = Vec::new();
        while !is_complete(&request) {
            let mut some = [0; 4096];
            let read = stream.read(&mut some).await.expect("bytes");
            request.extend_from_slice(&some[..read]);
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(answer).await.expect("sent");
        String::from_utf8_lossy(&request).into_owned()
    }

    #[tokio::test]
    async fn every_host_answers_on_its_own_port() {
        let running = running().await;
        assert!(post_client(&running).await.starts_with("HTTP/1.1 200"));
        for url in running.urls.concur.values() {
            let answer = send(url, "POST /oauth2/v0/token HTTP/1.1", "").await;
            assert!(answer.contains("\"code\":135"), "{answer}");
        }
        let stats = send(&running.urls.control, "GET /stats HTTP/1.1", "").await;
        assert!(stats.contains("freshbooks POST"), "{stats}");
    }

    #[tokio::test]
    async fn geolocation_is_the_port_of_the_datacenter() {
        let running = running().await;
        let (token, uuid) = {
            let mut sandbox = running.shared.lock();
            let token = sandbox.concur.company_request_token(now());
            (token, sandbox.concur.company_uuid().to_owned())
        };
        let form = [
            ("client_id", "5b1c9c0e-3c57-4a15-9d9e-0f0b7c1e2a33"),
            ("client_secret", "sandbox-concur-secret"),
            ("grant_type", "password"),
            ("credtype", "authtoken"),
            ("username", &uuid),
            ("password", &token),
        ];
        let head =
            "POST /oauth2/v0/token HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded";
        let answer = send(
            &running.urls.concur["glz"],
            head,
            &crate::http::encode_form(form),
        )
        .await;
        let expected = format!("\"geolocation\":\"{}\"", running.urls.concur["us2"]);
        assert!(answer.contains(&expected), "{answer}");
    }

    #[tokio::test]
    async fn broken_answers_are_broken_on_the_wire() {
        let running = running().await;
        for (fault, begins) in [
            (Fault::Refuse, ""),
            (Fault::RequestLost, ""),
            (Fault::ResponseLost, ""),
            (Fault::Truncated, "HTTP/1.1 200"),
            (Fault::Garbage, "HTTP/1.1 200"),
        ] {
            let rule = FaultRule::new(System::FreshBooks, fault).times(1);
            running.shared.lock().add_fault(rule);
            let answer = post_client(&running).await;
            let complete = answer.ends_with('}');
            assert!(
                answer.starts_with(begins) && !complete,
                "{fault:?}: {answer}"
            );
            assert_eq!(answer.is_empty(), begins.is_empty(), "{fault:?}: {answer}");
        }
        assert!(post_client(&running).await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn webhooks_are_delivered_and_counted() {
        let running = running().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let uri = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let token = running.shared.lock().freshbooks.person_token(now());
        let head = format!(
            "POST /events/account/zQ7pLm/events/callbacks HTTP/1.1\r\nAuthorization: Bearer {token}"
        );
        let body = json!({"callback": {"event": "client", "uri": uri}}).to_string();
        send(&running.urls.freshbooks, &head, &body).await;
        let handshake = receive(&listener).await;
        let verifier = handshake
            .split("verifier=")
            .nth(1)
            .expect("a verifier")
            .to_owned();
        let head = format!(
            "PUT /events/account/zQ7pLm/events/callbacks/2001 HTTP/1.1\r\nAuthorization: Bearer \
             {token}"
        );
        let body = json!({"callback": {"verifier": verifier}}).to_string();
        assert!(
            send(&running.urls.freshbooks, &head, &body)
                .await
                .contains("\"verified\":true")
        );
        post_client(&running).await;
        let event = receive(&listener).await;
        assert!(
            event.contains("x-freshbooks-hmac-sha256") && event.contains("name=client.create"),
            "{event}"
        );
        let counts: Value = loop {
            let counts = json!(running.shared.lock().freshbooks.delivery_counts());
            if counts["ok"] == 2 {
                break counts;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        };
        assert_eq!(counts["failed"], 0);
    }

    #[tokio::test]
    async fn shutdown_frees_the_ports() {
        let running = running().await;
        let url = running.urls.freshbooks.clone();
        running.shutdown();
        let address = url.strip_prefix("http://").expect("a URL").to_owned();
        for _ in 0..6_000 {
            if TcpListener::bind(&address).await.is_ok() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("{url} is still taken");
    }
}
