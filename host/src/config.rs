//! The settings file: [`Config`] is what the host understands of it, checked; [`load`] reads it.
//!
//! What is inside a connection's own table is the component's business, and is passed to it as JSON
//! text.

mod connection;
mod events;
mod fault;
mod file;
mod json;
mod limits;
mod receiver;
mod reconcile;
mod secret_key;
mod table;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

pub use self::fault::{Fault, SettingsError};
pub use self::file::{Check, Draft, FILE_BYTES_MAX, Log, LogFormat, LogLevel, Settings, load};

/// Everything that the host needs to know, checked.
///
/// # Examples
///
/// ```
/// use std::path::Path;
///
/// use ml_connector::config::Draft;
///
/// let text = r#"
/// [receiver]
/// public_url = "https://sync.example.test"
/// [connections.acme.freshbooks]
/// account_id = "AbC123"
/// "#;
/// // The component would check the table of `acme`; here nothing is wrong with it.
/// let draft = Draft::parse(Path::new("etc/ml-connector.toml"), text)?;
/// let config = draft.finish(&|_connection, _json| Vec::new())?.config;
/// assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
/// assert_eq!(config.store, Path::new("etc/ml-connector.sqlite"));
/// assert_eq!(config.connections[0].name, "acme");
/// # Ok::<(), ml_connector::config::SettingsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the receiver listens: webhooks, OAuth redirects, and unless they have an address of
    /// their own, health and metrics.
    pub listen: SocketAddr,
    /// Proxies that are believed when they name the client for which they ask, in
    /// `X-Forwarded-For`.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether a proxy speaks TLS for a receiver that others can reach and that does not.
    pub tls_at_proxy: bool,
    /// Where health, readiness and metrics are answered instead, over plain HTTP; nothing to answer
    /// them at `listen`.
    pub monitoring_listen: Option<SocketAddr>,
    /// Certificate chain and key for the receiver, PEM; without it the receiver speaks plain HTTP
    /// (behind a proxy).
    pub tls: Option<TlsFiles>,
    /// Where SAP Concur's events are received; nothing where they are not.
    pub events: Option<EventsConfig>,
    /// The public base URL of the receiver, without a trailing slash, such as
    /// `https://sync.example.test`.
    pub public_url: String,
    /// The SQLite file, default `ml-connector.sqlite`.
    pub store: PathBuf,
    /// Where client secrets and the seal keys are kept as files, for those that the environment
    /// does not give.
    pub secrets_dir: PathBuf,
    /// The WebAssembly file, default `ml_connector_component.wasm`.
    pub component: PathBuf,
    /// The SHA-256 that the file must have, 64 characters of lower-case hex; any without it.
    pub component_sha256: Option<String>,
    /// The bounds of `[limits]`.
    pub limits: Limits,
    /// When the service compares both systems by itself; nothing where it does not.
    pub reconcile: Option<ReconcileSchedule>,
    /// At least one, in the order of their names.
    pub connections: Vec<ConnectionConfig>,
}

/// The receiver of SAP Concur's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventsConfig {
    /// `receiver.events.listen`: a TCP address, or `unix:` and a path.
    pub listen: EventsListen,
    /// Its public base URL, without a trailing slash, such as `https://events.example.test`.
    pub public_url: String,
    /// The roots of SAP Concur's client certificate, PEM.
    pub trust_anchors: PathBuf,
    /// The name in that certificate, default `webhook.api.concursolutions.com`.
    pub identity: String,
    /// What that certificate must be made for.
    pub purpose: Purpose,
    /// When the signature of an event must hold.
    pub signature: SignatureRule,
}

/// Where events are received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventsListen {
    /// On a network, with TLS.
    Network {
        /// Address and port, such as `0.0.0.0:8443`.
        address: SocketAddr,
        /// The certificate that SAP Concur or the proxy sees.
        tls: TlsFiles,
        /// The roots of the certificates of proxies, which tell of the certificate that they were
        /// shown; without it nobody is believed to be one.
        proxy_anchors: Option<PathBuf>,
    },
    /// On a Unix socket, which only a proxy can open.
    Socket(PathBuf),
}

/// What a client certificate must be made for (extended key usage).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// For clients, or for anything.
    ClientAuth,
    /// For servers only is enough too, if what its holder says is signed.
    ServerAuthWithSignature,
}

/// When the signature of an event must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureRule {
    /// Never; what it proves is only counted.
    Off,
    /// When there is one.
    WhenPresent,
    /// Always; an event without one is refused.
    Required,
}

/// Files for TLS, PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate chain, leaf first.
    pub certificate: PathBuf,
    /// Private key: PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}

/// One FreshBooks account joined to one Concur company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionConfig {
    /// 1 to 64 of a-z, 0-9 and hyphen.
    pub name: String,
    /// Its table as JSON text for the component's `settings.load`.
    pub json: String,
}

/// When both systems are compared without being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconcileSchedule {
    /// Days between two comparisons, 1 to 366.
    pub every_days: u32,
    /// Days back from today that are compared, 1 to 3,660. Default 35.
    pub lookback_days: u32,
}

/// Bounds. Every queue, body and count has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Runs of one connection under way at once. Default 32.
    pub runs_in_flight_max: u32,
    /// Requests to one remote host at once. Default 32.
    pub requests_in_flight_max: u32,
    /// Bytes of an answer from a remote. Default 4 MiB.
    pub answer_bytes_max: usize,
    /// Connections to the receiver at once. Default 512.
    pub connections_max: usize,
    /// How long a peer may take for each thing that it has to do: the TLS handshake, the head of a
    /// request, its body, taking the answer, and asking for more. Default 10 s.
    pub peer_timeout: Duration,
    /// Undecided notices; more are answered with 503. Default 100,000.
    pub notices_max: u64,
    /// Memory of one component instance. Default 64 MiB.
    pub component_bytes_max: usize,
    /// Fuel of one call into the component. Default 2,000,000,000.
    pub component_fuel_max: u64,
    /// How long a shutdown waits for runs under way. Default 20 s.
    pub shutdown_grace: Duration,
    /// How long histories of ended runs are kept. Default 400 days.
    pub history_retention: Duration,
}

impl Default for Limits {
    /// The defaults of the settings file.
    fn default() -> Self {
        Self {
            runs_in_flight_max: 32,
            requests_in_flight_max: 32,
            answer_bytes_max: 4 << 20,
            connections_max: 512,
            peer_timeout: Duration::from_secs(10),
            notices_max: 100_000,
            component_bytes_max: 64 << 20,
            component_fuel_max: 2_000_000_000,
            shutdown_grace: Duration::from_secs(20),
            history_retention: Duration::from_secs(400 * 86_400),
        }
    }
}
