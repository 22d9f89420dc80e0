//! The service put together: store, component, engine, receiver and administration in one process.
//!
//! [`Core`] is everything but the loops: what a command needs that has the store to itself.
//! [`serve`] starts the loops on top of it.

mod core;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use self::core::random_hex;
pub use self::core::{Core, ServeError};
use crate::admin;
use crate::config::{self, Config, EventsListen, Purpose};
use crate::engine::{Clock, Engine};
use crate::receive::client_certificate::Trust;
use crate::receive::events;
use crate::receive::signature::Told;
use crate::receive::{self, ListenError, Receiver};
use crate::secrets::Secrets;

/// A service at work.
pub struct Running {
    core: Arc<Core>,
    engine: Engine,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    events_address: Option<SocketAddr>,
    receiver: JoinHandle<Result<(), ListenError>>,
    events: Option<JoinHandle<Result<(), ListenError>>>,
    admin: JoinHandle<()>,
}

/// Starts the service and returns when it receives.
///
/// # Errors
///
/// [`ServeError`]; each names the setting or the command that helps.
pub async fn serve(config: &Config, secrets: &Secrets) -> Result<Running, ServeError> {
    // Before all else, so that a taken address is told at once.
    let listener = bind(config).await?;
    let bound = bind_events(config).await?;
    let core = Core::open(config, secrets, Clock::system()).await?;
    start(config, core, listener, bound).await
}

/// Starts the service on a core that was made otherwise, such as with another store.
///
/// # Errors
///
/// [`ServeError`]; each names the setting or the command that helps.
pub async fn serve_core(config: &Config, core: Core) -> Result<Running, ServeError> {
    let listener = bind(config).await?;
    let bound = bind_events(config).await?;
    start(config, core, listener, bound).await
}

async fn start(
    config: &Config,
    core: Core,
    listener: TcpListener,
    bound: Option<events::Bound>,
) -> Result<Running, ServeError> {
    let core = Arc::new(core);
    let attentive = match &config.events {
        Some(settings) => Some(Arc::new(attentive(&core, config, settings).await?)),
        None => None,
    };
    let address = listener
        .local_addr()
        .map_err(|error| no_address(config, error))?;
    let socket = admin::listen(&config.store)?;
    let (stop, stopped) = watch::channel(false);
    let engine = Engine::start(
        Arc::clone(&core.instance),
        Arc::clone(&core.services),
        Arc::clone(&core.connections),
        Arc::clone(&core.notices_stored),
        Arc::clone(&core.backlog),
    );
    let admin = tokio::spawn(admin::answer_all(
        socket,
        Arc::clone(&core),
        stopped.clone(),
    ));
    let at_work = Arc::new(AtomicBool::new(true));
    let receiver = Arc::new(Receiver {
        events_at_work: attentive.as_ref().map(|_| Arc::clone(&at_work)),
        ..receiver(&core, config)
    });
    let tls = config.tls.clone();
    let events_address = bound.as_ref().and_then(events::Bound::address);
    let listening = bound.zip(attentive);
    let events = listening.map(|(bound, attentive)| {
        let serving = events::serve(bound, attentive, stopped.clone());
        tokio::spawn(async move {
            let ended = serving.await;
            at_work.store(false, Ordering::Release);
            ended
        })
    });
    let receiver =
        tokio::spawn(
            async move { receive::serve(listener, tls.as_ref(), receiver, stopped).await },
        );
    tracing::info!(%address, connections = core.connections.len(), "receiving");
    Ok(Running {
        core,
        engine,
        address,
        events_address,
        stop,
        receiver,
        events,
        admin,
    })
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for events, if it does so on a network.
    #[must_use]
    pub fn events_address(&self) -> Option<SocketAddr> {
        self.events_address
    }

    /// What it works with.
    #[must_use]
    pub fn core(&self) -> &Arc<Core> {
        &self.core
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
    /// durable point. Everything that was answered with 200 is in the store.
    pub async fn shutdown(self) {
        let grace = self.core.services.limits.shutdown_grace;
        self.stop.send_replace(true);
        let drained = async {
            for receiver in std::iter::once(self.receiver).chain(self.events) {
                if !receiver.is_finished() {
                    let _ = receiver.await;
                }
            }
        };
        let administered = tokio::time::timeout(grace, self.admin);
        let _ = tokio::join!(drained, self.engine.stop(grace), administered);
    }
}

async fn bind(config: &Config) -> Result<TcpListener, ServeError> {
    let bound = TcpListener::bind(config.listen).await;
    bound.map_err(|source| no_address(config, source))
}

async fn bind_events(config: &Config) -> Result<Option<events::Bound>, ServeError> {
    match &config.events {
        Some(settings) => Ok(Some(events::bind(settings).await?)),
        None => Ok(None),
    }
}

fn no_address(config: &Config, source: std::io::Error) -> ServeError {
    ServeError::Listen(ListenError::Address {
        address: config.listen.to_string(),
        source,
    })
}

fn receiver(core: &Core, config: &Config) -> Receiver {
    Receiver {
        store: Arc::clone(&core.services.store),
        guest: Arc::clone(&core.guest),
        callbacks: Arc::clone(&core.services.callbacks),
        hooks: core.hooks.clone(),
        consents: Arc::clone(&core.consents),
        metrics: Arc::clone(&core.services.metrics),
        backlog: Arc::clone(&core.backlog),
        backlog_max: i64::try_from(config.limits.notices_max).unwrap_or(i64::MAX),
        connections_max: config.limits.connections_max,
        notices_stored: Arc::clone(&core.notices_stored),
        clock: core::wall_clock,
        events_at_work: None,
        instances: Mutex::default(),
    }
}

/// The receiver of events.
async fn attentive(
    core: &Core,
    config: &Config,
    settings: &config::Events,
) -> Result<events::Events, ServeError> {
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
    let seen = events::seen_certificates(&*core.services.store).await?;
    let instance = Arc::clone(&core.instance);
    let attentive = events::Events {
        store: Arc::clone(&core.services.store),
        read: Box::new(move |body, company_id| {
            instance.call(|instance| instance.read_event(body, company_id))
        }),
        hooks: core.event_hooks.clone(),
        trust: Arc::new(trust.map_err(ListenError::from)?),
        proxies: proxies.map(Arc::new),
        signature: settings.signature,
        watch: events::Watch::new(seen),
        metrics: Arc::clone(&core.services.metrics),
        backlog: Arc::clone(&core.backlog),
        backlog_max: i64::try_from(config.limits.notices_max).unwrap_or(i64::MAX),
        connections_max: config.limits.connections_max,
        notices_stored: Arc::clone(&core.notices_stored),
        clock: core::wall_clock,
        oddities: AtomicU64::default(),
        told: Told::default(),
    };
    attentive.count().await?;
    Ok(attentive)
}
