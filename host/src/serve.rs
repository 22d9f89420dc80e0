//! The service put together: store, component, engine, receiver and administration in one process.
//!
//! [`Core`] is everything but the loops: what a command needs that has the store to itself. [`serve`] starts the
//! loops on top of it.

mod core;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use self::core::random_hex;
pub use self::core::{Core, ServeError};
use crate::admin;
use crate::config::Config;
use crate::engine::{Clock, Engine};
use crate::receive::{self, ListenError, Receiver};
use crate::secrets::Secrets;

/// A service at work.
pub struct Running {
    core: Arc<Core>,
    engine: Engine,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    receiver: JoinHandle<Result<(), ListenError>>,
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
    let core = Core::open(config, secrets, Clock::system()).await?;
    start(config, core, listener)
}

/// Starts the service on a core that was made otherwise, such as with another store.
///
/// # Errors
///
/// [`ServeError`]; each names the setting or the command that helps.
pub async fn serve_core(config: &Config, core: Core) -> Result<Running, ServeError> {
    let listener = bind(config).await?;
    start(config, core, listener)
}

fn start(config: &Config, core: Core, listener: TcpListener) -> Result<Running, ServeError> {
    let core = Arc::new(core);
    let address = listener
        .local_addr()
        .map_err(|error| no_address(config, error))?;
    let socket = admin::listen(&config.store)?;
    let (stop, stopped) = watch::channel(false);
    let engine = Engine::start(
        Arc::clone(&core.mind),
        Arc::clone(&core.host),
        Arc::clone(&core.lanes),
        Arc::clone(&core.work),
        Arc::clone(&core.backlog),
    );
    let admin = tokio::spawn(admin::answer_all(
        socket,
        Arc::clone(&core),
        stopped.clone(),
    ));
    let receiver = Arc::new(receiver(&core, config));
    let tls = config.tls.clone();
    let receiver =
        tokio::spawn(
            async move { receive::serve(listener, tls.as_ref(), receiver, stopped).await },
        );
    tracing::info!(%address, connections = core.lanes.len(), "receiving");
    Ok(Running {
        core,
        engine,
        address,
        stop,
        receiver,
        admin,
    })
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it works with.
    #[must_use]
    pub fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Resolves when the receiver has ended by itself, which only happens if its certificate cannot be used.
    ///
    /// # Errors
    ///
    /// [`ServeError::Listen`].
    pub async fn failed(&mut self) -> Result<(), ServeError> {
        match (&mut self.receiver).await {
            Ok(ended) => Ok(ended?),
            Err(_) => Ok(()),
        }
    }

    /// Stops: takes no more requests, finishes those under way, and lets runs reach their next durable point.
    /// Everything that was answered with 200 is in the store.
    pub async fn shutdown(self) {
        let grace = self.core.host.limits.shutdown_grace;
        self.stop.send_replace(true);
        let drained = async {
            if !self.receiver.is_finished() {
                let _ = self.receiver.await;
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

fn no_address(config: &Config, source: std::io::Error) -> ServeError {
    ServeError::Listen(ListenError::Address {
        address: config.listen.to_string(),
        source,
    })
}

fn receiver(core: &Core, config: &Config) -> Receiver {
    Receiver {
        store: Arc::clone(&core.host.store),
        brain: Arc::clone(&core.brain),
        callbacks: Arc::clone(&core.host.callbacks),
        hooks: core.hooks.clone(),
        consents: Arc::clone(&core.consents),
        metrics: Arc::clone(&core.host.metrics),
        backlog: Arc::clone(&core.backlog),
        backlog_max: i64::try_from(config.limits.notices_max).unwrap_or(i64::MAX),
        connections_max: config.limits.connections_max,
        work: Arc::clone(&core.work),
        clock: core::wall_clock,
        instances: Mutex::default(),
    }
}
