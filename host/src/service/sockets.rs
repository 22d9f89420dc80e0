//! The sockets of the service, taken before anything else is started, so that an address that is
//! taken is reported at once.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::ServeError;
use crate::config::Config;
use crate::events;
use crate::listener::{ListenError, Policy, RefusalLog};
use crate::metrics::Metrics;

/// What the service listens at.
pub(super) struct Sockets {
    pub(super) webhooks: TcpListener,
    pub(super) address: SocketAddr,
    pub(super) monitoring: Option<TcpListener>,
    pub(super) events: Option<events::Bound>,
}

impl Sockets {
    /// Takes the addresses of the settings.
    pub(super) async fn bind(config: &Config) -> Result<Self, ServeError> {
        let (webhooks, address) = bind(config.listen, "receiver.listen").await?;
        let monitoring = match config.monitoring_listen {
            Some(address) => Some(bind(address, "receiver.monitoring_listen").await?.0),
            None => None,
        };
        let events = match &config.events {
            Some(settings) => Some(events::bind(settings).await?),
            None => None,
        };
        Ok(Self {
            webhooks,
            address,
            monitoring,
            events,
        })
    }
}

/// What all listeners are held to.
pub(super) fn policy(config: &Config, metrics: Arc<Metrics>) -> Policy {
    Policy {
        connections_max: config.limits.connections_max,
        peer_timeout: config.limits.peer_timeout,
        shutdown_grace: config.limits.shutdown_grace,
        trusted_proxies: config.trusted_proxies.clone(),
        refusals: Arc::new(RefusalLog::new(metrics)),
    }
}

async fn bind(
    address: SocketAddr,
    setting: &'static str,
) -> Result<(TcpListener, SocketAddr), ServeError> {
    let error = |source| ListenError::Address {
        address: address.to_string(),
        setting,
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(error)?;
    let chosen = listener.local_addr().map_err(error)?;
    Ok((listener, chosen))
}
