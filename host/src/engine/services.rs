//! What all connections share: the bottom of the engine, which uses nothing else of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::callbacks::Callbacks;
use crate::clock::Clock;
use crate::config::Limits;
use crate::credentials::Credentials;
use crate::health::Health;
use crate::http_client::HttpClient;
use crate::metrics::Metrics;
use crate::seal::Keyring;
use crate::store::Store;

/// What every part of the engine works with; one for all connections.
pub struct Services {
    /// Notices, runs, histories, gates and credentials.
    pub store: Arc<dyn Store>,
    /// The one way to a remote.
    pub http_client: Arc<HttpClient>,
    /// Tokens of all connections.
    pub credentials: Arc<Credentials>,
    /// Webhook registrations and their verifiers.
    pub callbacks: Arc<Callbacks>,
    /// Makes checkpoints of the chains of endings.
    pub keyring: Arc<Keyring>,
    /// Whether the store takes commits and is whole.
    pub health: Arc<Health>,
    /// The counters that `GET /metrics` reads.
    pub metrics: Arc<Metrics>,
    /// Every instant that the component is given comes from here.
    pub clock: Clock,
    /// Bounds from the settings file.
    pub limits: Limits,
    /// Set when no more requests are to be sent.
    pub stopping: AtomicBool,
}

impl Services {
    /// True when the service is about to stop: what is under way is brought to its next durable
    /// point, and nothing new is sent.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}
