//! The service put together: store, component, engine, receiver and administration in one process.
//!
//! [`Parts`] is everything but the loops: what a command needs that has the store to itself.
//! [`serve`] starts the loops on top of it.

mod addresses;
mod connections;
mod error;
pub mod exposures;
mod known_stores;
mod orphans;
pub mod overlaps;
mod parts;
mod sockets;
mod take_up;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use self::addresses::random_hex;
pub use self::error::ServeError;
pub use self::known_stores::{check as check_store_is_not_lost, others as other_stores};
pub use self::orphans::{Orphan, orphans};
pub use self::parts::{Parts, load_component};
use self::sockets::Sockets;
use crate::admin;
use crate::clock::Clock;
use crate::config::{Config, EventsConfig, EventsListen, Purpose};
use crate::engine::{Engine, Gauges};
use crate::events::client_certificate::Trust;
use crate::events::signature::ReportOnce;
use crate::events::{self, CertificateLog, EventReceiver};
use crate::listener::{ListenError, Policy};
use crate::reconcile::schedule::compare_regularly;
use crate::secrets::Secrets;
use crate::store::StoreError;
use crate::store::sqlite::SqliteStore;
use crate::webhooks::{self, WebhookReceiver};

/// Threads of the runtime, though there be fewer cores: a call into the component that is about to
/// run out of its fuel holds one for most of a second, and each connection can have one such call.
const RUNTIME_THREADS_MIN: usize = 4;

/// The runtime that a service needs.
///
/// # Errors
///
/// If the operating system refuses threads or timers.
pub fn runtime() -> std::io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.max(RUNTIME_THREADS_MIN))
        .enable_all()
        .build()
}

/// A service that receives and drives runs; [`Running::shutdown`] ends it.
pub struct Running {
    parts: Arc<Parts>,
    engine: Engine,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    events_address: Option<SocketAddr>,
    receiver: JoinHandle<Result<(), ListenError>>,
    events: Option<JoinHandle<Result<(), ListenError>>>,
    monitoring: Option<JoinHandle<()>>,
    admin: JoinHandle<()>,
    resealing: JoinHandle<()>,
    comparing: Vec<JoinHandle<()>>,
}

/// Starts the service and returns when it receives.
///
/// # Errors
///
/// [`ServeError`]; each names the setting or the command that helps.
///
/// # Examples
///
/// ```no_run
/// use std::path::Path;
///
/// use ml_connector::config;
/// use ml_connector::secrets::Secrets;
/// use ml_connector::service::serve;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // The service has the component check the connections' tables too.
/// let settings = config::load(Path::new("ml-connector.toml"), &|_, _| Vec::new())?;
/// let secrets = Secrets::new(settings.config.secrets_dir.clone());
/// let running = serve(&settings.config, &secrets).await?;
/// tokio::signal::ctrl_c().await?;
/// running.shutdown().await;
/// # Ok(())
/// # }
/// ```
pub async fn serve(config: &Config, secrets: &Secrets) -> Result<Running, ServeError> {
    serve_by_clock(config, secrets, Clock::system()).await
}

/// The same by a clock that the caller sets.
///
/// # Errors
///
/// As [`serve`].
pub async fn serve_by_clock(
    config: &Config,
    secrets: &Secrets,
    clock: Clock,
) -> Result<Running, ServeError> {
    parts::refuse_exposed_settings(config)?;
    let bound = Sockets::bind(config).await;
    let sockets = bound.map_err(|error| first_cause(config, error))?;
    let parts = Parts::open(config, secrets, clock).await?;
    let names = config.connections.iter().map(|one| one.name.as_str());
    for problem in secrets.client_secret_problems(names) {
        tracing::error!(connection = problem.connection, "{problem}");
    }
    for store in other_stores(config) {
        tracing::warn!(
            store = %store.display(),
            "these seal keys were used with another store, which is still there: if one is a copy \
             of the other, let no service run on that one, or both spend the same refresh token"
        );
    }
    for orphan in orphans(config, &*parts.services.store).await? {
        tracing::warn!(connection = orphan.connection, "{orphan}");
    }
    start(config, parts, sockets).await
}

/// Why an address cannot be listened at: the same service runs already, most of the time.
fn first_cause(config: &Config, error: ServeError) -> ServeError {
    match SqliteStore::exists(&config.store).and_then(|exists| match exists {
        true => SqliteStore::lock(&config.store).map(drop),
        false => Ok(()),
    }) {
        Err(error @ StoreError::InUse(_)) => error.into(),
        _ => error,
    }
}

async fn start(config: &Config, parts: Parts, sockets: Sockets) -> Result<Running, ServeError> {
    let parts = Arc::new(parts);
    let policy = sockets::policy(config, Arc::clone(&parts.services.metrics));
    let event_receiver = match &config.events {
        Some(events) => Some(event_receiver(&parts, config, events, &policy).await?),
        None => None,
    };
    take_up::take_up(&parts).await?;
    let socket = admin::listen(&config.store)?;
    let (stop, stopped) = watch::channel(false);
    let events_address = sockets.events.as_ref().and_then(events::Bound::address);
    let events_running = event_receiver.is_some().then(Arc::<AtomicBool>::default);
    let resealing = tokio::spawn({
        let (services, stopped) = (Arc::clone(&parts.services), stopped.clone());
        async move { admin::reseal_at_start(&services, stopped).await }
    });
    let webhooks = webhook_receiver(&parts, config, &policy, events_running.clone());
    let webhooks = Arc::new(webhooks);
    let running = Running {
        engine: start_engine(&parts),
        comparing: start_comparing(config, &parts, &stopped),
        resealing,
        admin: tokio::spawn(admin::answer_all(
            socket,
            policy,
            Arc::clone(&parts),
            stopped.clone(),
        )),
        monitoring: sockets.monitoring.map(|listener| {
            let receiver = Arc::clone(&webhooks);
            tokio::spawn(webhooks::serve_monitoring(
                listener,
                receiver,
                stopped.clone(),
            ))
        }),
        events: sockets.events.zip(event_receiver).map(|(bound, receiver)| {
            let running = events_running.unwrap_or_default();
            spawn_events(bound, receiver, running, stopped.clone())
        }),
        receiver: spawn_webhooks(config, sockets.webhooks, webhooks, stopped),
        parts,
        address: sockets.address,
        events_address,
        stop,
    };
    tracing::info!(
        path = %config.component.display(),
        sha256 = running.parts.guest.sha256_hex(),
        contract_version = running.parts.guest.contract_version(),
        program_version = env!("CARGO_PKG_VERSION"),
        pinned = config.component_sha256.is_some(),
        "component"
    );
    let address = sockets.address;
    tracing::info!(%address, connections = running.parts.connections.len(), "receiving");
    Ok(running)
}

fn start_engine(parts: &Parts) -> Engine {
    Engine::start(
        Arc::clone(&parts.instance),
        Arc::clone(&parts.services),
        Arc::clone(&parts.connections),
        Arc::clone(&parts.notices_stored),
        Arc::clone(&parts.backlog),
    )
}

/// What compares both systems by itself; the store is up to date after each, so that they are cut
/// off at a stop.
fn start_comparing(
    config: &Config,
    parts: &Parts,
    stopped: &watch::Receiver<bool>,
) -> Vec<JoinHandle<()>> {
    let schedule = config.reconcile.into_iter();
    let all = schedule.flat_map(|schedule| {
        let connections = parts.connections.values().cloned();
        connections.map(move |connection| (connection, schedule))
    });
    all.map(|(connection, schedule)| {
        tokio::spawn(compare_regularly(connection, schedule, stopped.clone()))
    })
    .collect()
}

fn spawn_webhooks(
    config: &Config,
    listener: TcpListener,
    receiver: Arc<WebhookReceiver>,
    stopped: watch::Receiver<bool>,
) -> JoinHandle<Result<(), ListenError>> {
    let tls = config.tls.clone();
    tokio::spawn(async move { webhooks::serve(listener, tls.as_ref(), receiver, stopped).await })
}

/// `running` is true until the receiver has ended, which `/readyz` reports.
fn spawn_events(
    bound: events::Bound,
    receiver: EventReceiver,
    running: Arc<AtomicBool>,
    stopped: watch::Receiver<bool>,
) -> JoinHandle<Result<(), ListenError>> {
    running.store(true, Ordering::Release);
    tokio::spawn(async move {
        let ended = events::serve(bound, Arc::new(receiver), stopped).await;
        running.store(false, Ordering::Release);
        ended
    })
}

impl Running {
    /// Where it listens for webhooks, with the port that the system chose.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for events, if it does so on a network.
    #[must_use]
    pub fn events_address(&self) -> Option<SocketAddr> {
        self.events_address
    }

    /// What the loops run on.
    #[must_use]
    pub fn parts(&self) -> &Arc<Parts> {
        &self.parts
    }

    /// Resolves when a receiver has ended by itself, which only happens if its certificate cannot
    /// be used.
    ///
    /// # Errors
    ///
    /// [`ServeError::Listen`].
    pub async fn failed(&mut self) -> Result<(), ServeError> {
        let events = async {
            match &mut self.events {
                Some(events) => events.await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            ended = &mut self.receiver => ended,
            ended = events => ended,
        };
        match ended {
            Ok(ended) => Ok(ended?),
            Err(_) => Ok(()),
        }
    }

    /// Stops: takes no more requests, finishes those under way, and lets runs reach their next
    /// durable point, all within `limits.shutdown_grace_s`. Everything that was answered with 200
    /// is in the store.
    pub async fn shutdown(self) {
        let grace = self.parts.services.limits.shutdown_grace;
        self.stop.send_replace(true);
        for comparing in self.comparing {
            comparing.abort();
        }
        let drained = async {
            for receiver in std::iter::once(self.receiver).chain(self.events) {
                if !receiver.is_finished() {
                    let _ = receiver.await;
                }
            }
            for other in std::iter::once(self.admin).chain(self.monitoring) {
                let _ = other.await;
            }
        };
        let resealed = tokio::time::timeout(grace, self.resealing);
        let _ = tokio::join!(drained, self.engine.stop(grace), resealed);
        if let Err(error) = self.parts.services.store.checkpoint().await {
            tracing::warn!(%error, "a copy of the store needs its -wal file too");
        }
    }
}

fn webhook_receiver(
    parts: &Parts,
    config: &Config,
    policy: &Policy,
    events_running: Option<Arc<AtomicBool>>,
) -> WebhookReceiver {
    WebhookReceiver {
        store: Arc::clone(&parts.services.store),
        guest: Arc::clone(&parts.guest),
        callbacks: Arc::clone(&parts.services.callbacks),
        addresses: parts.webhook_addresses.clone(),
        consents: Arc::clone(&parts.consents),
        metrics: Arc::clone(&parts.services.metrics),
        backlog: Arc::clone(&parts.backlog),
        backlog_max: i64::try_from(config.limits.notices_max).unwrap_or(i64::MAX),
        rates: Arc::clone(&parts.rates),
        policy: policy.clone(),
        is_monitored_elsewhere: config.monitoring_listen.is_some(),
        notices_stored: Arc::clone(&parts.notices_stored),
        clock: parts.services.clock.clone(),
        health: Arc::clone(&parts.services.health),
        gauges: Gauges::new(Arc::clone(&parts.services), Arc::clone(&parts.connections)),
        events_running,
        instances: Mutex::default(),
    }
}

async fn event_receiver(
    parts: &Parts,
    config: &Config,
    settings: &EventsConfig,
    policy: &Policy,
) -> Result<EventReceiver, ServeError> {
    let trust = Trust::open(
        &settings.trust_anchors,
        Some(&settings.identity),
        settings.purpose,
    );
    let proxies = match &settings.listen {
        EventsListen::Network {
            proxy_anchors: Some(file),
            ..
        } => Some(Trust::open(file, None, Purpose::ClientAuth).map_err(ListenError::from)?),
        _ => None,
    };
    let seen = events::seen_certificates(&*parts.services.store).await?;
    let instance = Arc::clone(&parts.instance);
    let receiver = EventReceiver {
        store: Arc::clone(&parts.services.store),
        read: Box::new(move |body, company_id| {
            instance.call(|instance| instance.read_event(body, company_id))
        }),
        addresses: parts.event_addresses.clone(),
        trust: Arc::new(trust.map_err(ListenError::from)?),
        proxies: proxies.map(Arc::new),
        signature: settings.signature,
        certificates: CertificateLog::new(seen),
        metrics: Arc::clone(&parts.services.metrics),
        backlog: Arc::clone(&parts.backlog),
        backlog_max: i64::try_from(config.limits.notices_max).unwrap_or(i64::MAX),
        policy: policy.clone(),
        notices_stored: Arc::clone(&parts.notices_stored),
        clock: parts.services.clock.clone(),
        rates: Arc::clone(&parts.rates),
        signature_reports: ReportOnce::default(),
    };
    receiver.count_stored().await?;
    Ok(receiver)
}
