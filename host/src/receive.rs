//! Receives webhooks: authenticated over the raw bytes, stored durably, answered, and only then
//! worked on.
//!
//! The order is fixed: path, size, signature, store, answer. Nothing of a delivery that is not
//! authentic is stored, and its sender is told nothing but the status. When the store cannot take a
//! notice the answer is 503, so that the sender comes again.

mod answers;
#[cfg(test)]
mod certificates;
pub mod client_certificate;
mod consents;
pub mod events;
mod listen;
pub mod signature;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use subtle::ConstantTimeEq;
use tokio::sync::Notify;

use crate::callbacks::Callbacks;
use crate::contract::http::Body;
use crate::contract::runs::WaitReason;
use crate::contract::types::{Instant, ObjectRef};
use crate::contract::webhooks::{
    Delivery, Handshake, Notice, Oddity, Reading, Receiver as Registered, Refusal,
};
use crate::guest::{Guest, GuestError, Instance};
use crate::metrics::Metrics;
use crate::secrets::Secret;
use crate::store::{Run, Store, StoredOddity, Write};

pub use consents::Consents;
pub use listen::{ListenError, serve};

/// Bytes of a webhook's body that are read; a longer one is refused.
pub const BODY_BYTES_MAX: usize = 8 * 1024;

/// Notices that have no decision yet: the receiver adds, the dispatcher takes away.
#[derive(Debug, Default)]
pub struct Backlog {
    count: AtomicI64,
}

impl Backlog {
    /// Counts notices that were stored or, with a negative number, decided.
    pub fn add(&self, notices: i64) {
        self.count.fetch_add(notices, Ordering::Relaxed);
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.count.load(Ordering::Relaxed)
    }
}

/// A connection's webhook address.
#[derive(Debug, Clone)]
pub struct Hook {
    /// The connection.
    pub connection: String,
    /// The FreshBooks account that its webhooks must name.
    pub account_id: String,
    /// The last segment of its address: 128 random bits in hex.
    pub token: String,
    /// The objects whose runs register its webhooks.
    pub registrations: Vec<ObjectRef>,
}

/// Everything that the receiver needs.
pub struct Receiver {
    /// Where notices are kept.
    pub store: Arc<dyn Store>,
    /// The component.
    pub guest: Arc<Guest>,
    /// The registrations.
    pub callbacks: Arc<Callbacks>,
    /// The addresses, by connection.
    pub hooks: BTreeMap<String, Hook>,
    /// People who are on their way back from the consent page.
    pub consents: Arc<Consents>,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// Notices without a decision.
    pub backlog: Arc<Backlog>,
    /// More of them are refused with 503.
    pub backlog_max: i64,
    /// Connections at once.
    pub connections_max: usize,
    /// Woken when there is something to do.
    pub notices_stored: Arc<Notify>,
    /// The wall clock.
    pub clock: fn() -> Instant,
    /// Whether events are received as they should be; nothing where they are not to be.
    pub events_at_work: Option<Arc<AtomicBool>>,
    /// Instances for verification, so that it does not queue behind runs.
    pub instances: Mutex<Vec<Instance>>,
}

impl Receiver {
    /// Receives a webhook and tells the HTTP status to answer.
    pub async fn webhook(&self, connection: &str, token: &str, delivery: Delivery) -> u16 {
        let Some(hook) = self.hook(connection, token) else {
            return 404;
        };
        if self.backlog.count() >= self.backlog_max {
            self.metrics.webhook(connection, "unavailable");
            return 503;
        }
        match self.read(hook, &delivery).await {
            Ok(Ok(Reading::Notice(notice))) => self.notice(connection, notice).await,
            Ok(Ok(Reading::Handshake(handshake))) => self.handshake(hook, handshake).await,
            Ok(Ok(Reading::Unreadable(oddity))) => self.oddity(connection, oddity, &delivery).await,
            Ok(Err(refusal)) => {
                self.metrics.webhook(connection, refusal.code.as_str());
                refusal.status
            }
            Err(error) => {
                self.metrics.traps.inc();
                tracing::error!(connection, %error, "a webhook could not be verified");
                503
            }
        }
    }

    /// Whether notices can be stored.
    pub async fn is_ready(&self) -> bool {
        self.store.mark("ready").await.is_ok()
    }

    /// Whether events are received, where they are to be.
    #[must_use]
    pub fn hears_events(&self) -> bool {
        let at_work = self.events_at_work.as_ref();
        at_work.is_none_or(|at_work| at_work.load(Ordering::Acquire))
    }

    fn hook(&self, connection: &str, token: &str) -> Option<&Hook> {
        let hook = self.hooks.get(connection)?;
        let same = hook.token.as_bytes().ct_eq(token.as_bytes());
        bool::from(same).then_some(hook)
    }

    async fn read(
        &self,
        hook: &Hook,
        delivery: &Delivery,
    ) -> Result<Result<Reading, Refusal>, GuestError> {
        let registered = self
            .callbacks
            .receiver(&hook.connection, &hook.account_id, false);
        let read = self.verify(delivery, &registered)?;
        if !is_unexpected_handshake(delivery, &read) || self.registrations(hook).await.is_empty() {
            return Ok(read);
        }
        // A registration is on its way: its handshake may come before the answer that tells its id.
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
    ) -> Result<Result<Reading, Refusal>, GuestError> {
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

    async fn notice(&self, connection: &str, notice: Notice) -> u16 {
        let write = Write::Notice {
            connection: connection.to_string(),
            object: notice.object,
            event: notice.event,
            received: (self.clock)(),
        };
        let status = self.keep(connection, "notice", vec![write]).await;
        if status == 200 {
            self.backlog.add(1);
            self.metrics.backlog.set(self.backlog.count());
            self.notices_stored.notify_one();
        }
        status
    }

    async fn handshake(&self, hook: &Hook, handshake: Handshake) -> u16 {
        let connection = hook.connection.as_str();
        let verifier = Secret::new(handshake.verifier);
        let kept = self
            .callbacks
            .keep_candidate(connection, &handshake.callback_id, &verifier);
        let mut batch = match kept {
            Ok(Some(write)) => vec![write],
            Ok(None) | Err(_) => return 503,
        };
        let now = (self.clock)();
        let registrations = self.registrations(hook).await.into_iter();
        for run in registrations.filter(|run| run.wait_reason == Some(WaitReason::Handshake)) {
            batch.push(Write::Wait {
                run: run.id,
                due: now,
                reason: run.wait_reason,
                on: None,
                sentence: run.sentence,
            });
        }
        let status = self.keep(connection, "handshake", batch).await;
        self.notices_stored.notify_one();
        status
    }

    async fn oddity(&self, connection: &str, oddity: Oddity, delivery: &Delivery) -> u16 {
        tracing::warn!(
            connection,
            code = oddity.code,
            "an authentic webhook could not be read"
        );
        let body = match &delivery.body {
            Body::Text(text) => text.clone().into_bytes(),
            Body::Bytes(bytes) => bytes.clone(),
        };
        let stored = StoredOddity {
            connection: connection.to_string(),
            received: (self.clock)(),
            code: oddity.code,
            sentence: oddity.sentence,
            body,
        };
        self.keep(connection, "oddity", vec![Write::Oddity(stored)])
            .await
    }

    async fn keep(&self, connection: &str, what: &str, batch: Vec<Write>) -> u16 {
        match self.store.commit(batch).await {
            Ok(_) => {
                self.metrics.webhook(connection, what);
                200
            }
            Err(error) => {
                self.metrics.webhook(connection, "unavailable");
                tracing::error!(connection, %error, "a webhook could not be stored");
                503
            }
        }
    }

    /// The runs under way or waiting that register webhooks.
    async fn registrations(&self, hook: &Hook) -> Vec<Run> {
        let mut runs = Vec::new();
        for object in &hook.registrations {
            let active = self.store.active_run(&hook.connection, object).await;
            runs.extend(active.ok().flatten());
        }
        runs
    }

    fn pool(&self) -> std::sync::MutexGuard<'_, Vec<Instance>> {
        self.instances
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it looks like a handshake that the registrations known so far do not expect.
fn is_unexpected_handshake(delivery: &Delivery, read: &Result<Reading, Refusal>) -> bool {
    let names_verifier = match &delivery.body {
        Body::Text(text) => text.contains("verifier="),
        Body::Bytes(_) => false,
    };
    let is_taken = matches!(read, Ok(Reading::Notice(_) | Reading::Handshake(_)));
    names_verifier && !is_taken
}
