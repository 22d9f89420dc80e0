//! Receives webhooks: authenticated over the raw bytes, stored durably, answered, and only then
//! worked on.
//!
//! The order is fixed: path, size, signature, store, answer. Nothing of a delivery that is not
//! authentic is stored, and its sender learns nothing but the status. When the store cannot take a
//! notice the answer is 503, so that the sender comes again.

mod consent_page;
mod consents;
mod handshakes;
mod routes;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::ServerConfig;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio_rustls::TlsAcceptor;

pub use self::consent_page::{RedirectFault, read_redirect};
pub use self::consents::{Consent, Consents, Redirect};
use crate::backlog::Backlog;
use crate::callbacks::Callbacks;
use crate::clock::Clock;
use crate::config::TlsFiles;
use crate::contract::http::Body;
use crate::contract::types::{Note, ObjectRef};
use crate::contract::webhooks::{Delivery, Notice, Receiver as Registered, Refusal, Verified};
use crate::engine::Gauges;
use crate::guest::{Guest, GuestError, Instance};
use crate::health::{Health, Unready};
use crate::listener::{
    self, HeadBounds, ListenError, Listener, Policy, Refusal as Refused, Source, server_config,
};
use crate::metrics::Metrics;
use crate::rate_limit::DeliveryRates;
use crate::store::{Receipt, Store, StoreError, StoredOddity, Write};

/// Bytes of a webhook's body that are read; a longer one is answered with 413. FreshBooks' forms
/// have a few hundred (source: freshbooks-webhooks).
pub const BODY_BYTES_MAX: usize = 8 * 1024;

/// The name of this listener in the log and in metrics.
const LISTENER: &str = "webhooks";

/// FreshBooks' webhooks and redirects have about a dozen headers of less than 4 KiB; proxies add a
/// few.
const HEAD_BOUNDS: HeadBounds = HeadBounds {
    headers_max: 64,
    bytes_max: 16 * 1024,
};

/// Peers that look after the service at once, where it has an address of its own for them.
const MONITORING_CONNECTIONS_MAX: usize = 32;

/// Receives until `stopped` turns true, then finishes what is under way.
///
/// # Errors
///
/// [`ListenError::Tls`] if certificate or key cannot be used.
pub async fn serve(
    listener: TcpListener,
    tls: Option<&TlsFiles>,
    receiver: Arc<WebhookReceiver>,
    stopped: watch::Receiver<bool>,
) -> Result<(), ListenError> {
    let listener = match tls {
        None => Listener::Plain(listener),
        Some(files) => Listener::Tls(listener, acceptor(files)?),
    };
    let policy = receiver.policy.clone();
    let answer = move |request, arrival| {
        let receiver = Arc::clone(&receiver);
        async move { routes::answer(&receiver, request, arrival).await }
    };
    listener::answer_all(listener, LISTENER, policy, HEAD_BOUNDS, stopped, answer).await;
    Ok(())
}

/// Answers health checks and metrics alone, until `stopped` turns true.
pub async fn serve_monitoring(
    listener: TcpListener,
    receiver: Arc<WebhookReceiver>,
    stopped: watch::Receiver<bool>,
) {
    let policy = Policy {
        connections_max: MONITORING_CONNECTIONS_MAX,
        ..receiver.policy.clone()
    };
    let answer = move |request, arrival| {
        let receiver = Arc::clone(&receiver);
        async move { routes::monitor(&receiver, request, arrival).await }
    };
    let listener = Listener::Plain(listener);
    listener::answer_all(listener, "monitoring", policy, HEAD_BOUNDS, stopped, answer).await;
}

fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, ListenError> {
    let config: ServerConfig =
        server_config(files, "receiver", |builder| builder.with_no_client_auth())?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A connection's webhook address: `/hooks/freshbooks/CONNECTION/TOKEN`.
#[derive(Debug, Clone)]
pub struct WebhookAddress {
    /// The name of the connection.
    pub connection: String,
    /// The FreshBooks account that its webhooks must name.
    pub account_id: String,
    /// The last segment of its address: 128 random bits in hex.
    pub token: String,
    /// The objects whose runs register its webhooks.
    pub registrations: Vec<ObjectRef>,
}

/// The receiver of FreshBooks' webhooks. It also answers OAuth redirects, health checks and
/// `/metrics`.
pub struct WebhookReceiver {
    /// Where notices are stored before they are answered.
    pub store: Arc<dyn Store>,
    /// Makes the instances that verify.
    pub guest: Arc<Guest>,
    /// The registrations and their verifiers.
    pub callbacks: Arc<Callbacks>,
    /// By the name of the connection.
    pub addresses: BTreeMap<String, WebhookAddress>,
    /// People who are on their way back from the consent page.
    pub consents: Arc<Consents>,
    /// Counts by what became of each webhook; shown at `/metrics`.
    pub metrics: Arc<Metrics>,
    /// A notice that is stored counts here.
    pub backlog: Arc<Backlog>,
    /// With more undecided notices webhooks are answered with 503.
    pub backlog_max: i64,
    /// With more at once webhooks are answered with 503.
    pub rates: Arc<DeliveryRates>,
    /// How many may connect, and how long they may take.
    pub policy: Policy,
    /// Whether health and metrics are answered at another address.
    pub is_monitored_elsewhere: bool,
    /// Notified when a notice was stored, or a handshake has made a run due.
    pub notices_stored: Arc<Notify>,
    /// Stamps what is stored.
    pub clock: Clock,
    /// Whether what arrives can be stored.
    pub health: Arc<Health>,
    /// The gauges of `/metrics` that are read when somebody looks.
    pub gauges: Gauges,
    /// Whether the receiver of events runs; nothing where none is configured.
    pub events_running: Option<Arc<AtomicBool>>,
    /// Instances for verification, so that it does not queue behind runs.
    pub instances: Mutex<Vec<Instance>>,
}

impl WebhookReceiver {
    /// Verifies and stores a webhook, and returns the HTTP status to answer.
    pub async fn receive(
        &self,
        connection: &str,
        token: &str,
        delivery: Delivery,
        source: Source,
    ) -> u16 {
        let Some(address) = self.find_address(connection, token) else {
            return 404;
        };
        if self.backlog.count() >= self.backlog_max {
            self.metrics.webhook(connection, "unavailable");
            return 503;
        }
        match self.read_delivery(address, &delivery).await {
            Ok(Ok(Verified::Notice(notice))) => self.store_notice(connection, notice).await,
            Ok(Ok(Verified::Handshake(handshake))) => {
                self.take_handshake(address, handshake, &delivery).await
            }
            Ok(Ok(Verified::Unreadable(note))) => {
                self.store_oddity(connection, note, &delivery).await
            }
            Ok(Err(refusal)) => {
                self.metrics.webhook(connection, refusal.code.as_str());
                self.log_refusal(Some(connection), refusal.code.as_str(), source);
                refusal.status
            }
            Err(error) => {
                self.metrics.traps.inc();
                tracing::error!(connection, %error, "a webhook could not be verified");
                503
            }
        }
    }

    /// Whether everything that is to be received is received and can be stored.
    ///
    /// # Errors
    ///
    /// [`Unready`].
    pub async fn readiness(&self) -> Result<(), Unready> {
        let running = self.events_running.as_ref();
        if running.is_some_and(|running| !running.load(Ordering::Acquire)) {
            return Err(Unready::NoEvents);
        }
        self.health.readiness().await
    }

    /// Counts and logs what was refused to anyone.
    fn log_refusal(&self, connection: Option<&str>, what: &'static str, source: Source) {
        self.policy.refusals.note(&Refused {
            listener: LISTENER,
            what,
            source,
            connection,
            detail: "",
        });
    }

    fn find_address(&self, connection: &str, token: &str) -> Option<&WebhookAddress> {
        let address = self.addresses.get(connection)?;
        let same = address.token.as_bytes().ct_eq(token.as_bytes());
        bool::from(same).then_some(address)
    }

    async fn read_delivery(
        &self,
        address: &WebhookAddress,
        delivery: &Delivery,
    ) -> Result<Result<Verified, Refusal>, GuestError> {
        let registered = self
            .callbacks
            .receiver(&address.connection, &address.account_id, false);
        let read = self.verify(delivery, &registered)?;
        if !is_unexpected_handshake(delivery, &read)
            || self.active_registrations(address).await.is_empty()
        {
            return Ok(read);
        }
        // A registration is on its way: its handshake may come before the answer that has its id.
        self.verify(
            delivery,
            &Registered {
                registering: true,
                ..registered
            },
        )
    }

    fn verify(
        &self,
        delivery: &Delivery,
        registered: &Registered,
    ) -> Result<Result<Verified, Refusal>, GuestError> {
        let pooled = self.pool().pop();
        let mut instance = match pooled {
            Some(instance) => instance,
            None => self.guest.instance()?,
        };
        let read = instance.verify(delivery, registered)?;
        if !instance.is_near_memory_bound() {
            self.pool().push(instance);
        }
        Ok(read)
    }

    async fn store_notice(&self, connection: &str, notice: Notice) -> u16 {
        if self.backlog.held.covers(connection, &notice.object) {
            self.metrics.webhook(connection, "coalesced");
            return 200;
        }
        if !self.rates.take_read(connection, &notice.event) {
            self.metrics.webhook(connection, "too-many");
            return 503;
        }
        let write = Write::Notice {
            connection: connection.to_string(),
            object: notice.object,
            event: notice.event,
            received: self.clock.now(),
        };
        let Some(receipt) = self.commit(connection, "notice", vec![write]).await else {
            return 503;
        };
        // One that was folded into another adds none.
        self.backlog.add(receipt.notices.len() as i64);
        self.metrics.backlog.set(self.backlog.count());
        self.notices_stored.notify_one();
        200
    }

    async fn store_oddity(&self, connection: &str, note: Note, delivery: &Delivery) -> u16 {
        if !self.rates.take_unreadable(connection) {
            self.metrics.webhook(connection, "too-many");
            return 503;
        }
        tracing::warn!(
            connection,
            code = note.code,
            "an authentic webhook could not be read"
        );
        let stored = StoredOddity {
            connection: connection.to_string(),
            received: self.clock.now(),
            code: note.code,
            message: note.message,
            body: without_verifier(&delivery.body),
        };
        let write = Write::Oddity(stored.cut());
        let Some(receipt) = self.commit(connection, "oddity", vec![write]).await else {
            return 503;
        };
        self.metrics.oddities_dropped(&receipt);
        200
    }

    /// Nothing if it could not be stored; that is counted and logged.
    async fn commit(&self, connection: &str, label: &str, batch: Vec<Write>) -> Option<Receipt> {
        match self.store.commit(batch).await {
            Ok(receipt) => {
                self.metrics.webhook(connection, label);
                Some(receipt)
            }
            Err(error) => {
                self.metrics.webhook(connection, "unavailable");
                // The store logs that it fails, once and not for each webhook.
                if let StoreError::Refused(_) = error {
                    tracing::error!(connection, %error, "a webhook could not be stored");
                }
                None
            }
        }
    }

    fn pool(&self) -> MutexGuard<'_, Vec<Instance>> {
        self.instances
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body as it may be stored in the clear: without the value of a verifier, which is a secret.
fn without_verifier(body: &Body) -> Vec<u8> {
    let text = match body {
        Body::Text(text) => text.clone(),
        Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    };
    let mut pairs: Vec<&str> = text.split('&').collect();
    for pair in &mut pairs {
        if pair.starts_with("verifier=") {
            *pair = "verifier=(not stored)";
        }
    }
    pairs.join("&").into_bytes()
}

/// Whether it looks like a handshake that the registrations known so far do not expect.
fn is_unexpected_handshake(delivery: &Delivery, read: &Result<Verified, Refusal>) -> bool {
    let names_verifier = match &delivery.body {
        Body::Text(text) => text.contains("verifier="),
        Body::Bytes(_) => false,
    };
    let is_taken = matches!(read, Ok(Verified::Notice(_) | Verified::Handshake(_)));
    names_verifier && !is_taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_is_not_stored_in_the_clear() {
        let body = Body::Text("name=callback.verify&object_id=7&verifier=s3cret&user_id=1".into());
        assert_eq!(
            without_verifier(&body),
            b"name=callback.verify&object_id=7&verifier=(not stored)&user_id=1"
        );
    }
}
