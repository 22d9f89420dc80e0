//! Receives SAP Concur's events: the peer is authenticated by its client certificate, what it says
//! is stored durably, and only then it is answered.
//!
//! SAP Concur drops an event for good when it is answered with a 4xx other than 401, 403 and 429,
//! and delivers it again for 72 hours after anything else that is no success. So whoever is not
//! believed gets no handshake or 401; what an authentic peer sends is never refused: what cannot be
//! read is kept for a person and answered 200, and what cannot be kept is answered 503. (Concur
//! docs, event subscription service.)

mod answers;
mod courtesy;
mod forwarded;
mod listen;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use subtle::ConstantTimeEq;
use tokio::sync::Notify;

pub use listen::{Bound, bind, serve};
pub use watch::{SeenCertificate, Watch, seen_certificates, warning};

use super::Backlog;
use super::client_certificate::{Peer, Trust};
use super::signature::{Proof, Told};
use crate::config::SignatureRule;
use crate::contract::events::{Hint, Name, Oddity, Reading};
use crate::contract::types::{Duration, Instant};
use crate::guest::GuestError;
use crate::metrics::Metrics;
use crate::store::{Receipt, Store, StoreError, StoredEvent, StoredOddity, Write};

/// Bytes of an event's body that are kept; of a longer one the beginning is kept for a person.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// How long events are known again. SAP Concur delivers for 72 hours.
pub const RETENTION: Duration = 30 * 86_400_000;

/// Unreadable deliveries that are kept; more are answered with 503.
const ODDITIES_MAX: u64 = 10_000;

/// The address at which a connection's events arrive.
#[derive(Debug, Clone)]
pub struct EventHook {
    /// The company that its events must name.
    pub company_id: String,
    /// The last segment of its path: 128 random bits in hex.
    pub token: String,
}

/// Reads an event from its body, given the id of the company that it must name.
pub type ReadEvent = Box<dyn Fn(&str, &str) -> Result<Reading, GuestError> + Send + Sync>;

/// Everything that the receiver of events needs.
pub struct Events {
    /// Where events are kept.
    pub store: Arc<dyn Store>,
    /// The component: what a body says, for the company of this id.
    pub read: ReadEvent,
    /// The addresses, by connection.
    pub hooks: BTreeMap<String, EventHook>,
    /// Who is SAP Concur.
    pub trust: Arc<Trust>,
    /// Who is a proxy that may tell of the certificate that it was shown.
    pub proxies: Option<Arc<Trust>>,
    /// When signatures must hold.
    pub signature: SignatureRule,
    /// The certificates that were seen.
    pub watch: Watch,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// Notices without a decision.
    pub backlog: Arc<Backlog>,
    /// More of them are answered with 503.
    pub backlog_max: i64,
    /// Connections at once.
    pub connections_max: usize,
    /// Rung when there is something to do.
    pub notices_stored: Arc<Notify>,
    /// The wall clock.
    pub clock: fn() -> Instant,
    /// Unreadable deliveries that are kept.
    pub oddities: AtomicU64,
    /// What signatures proved last.
    pub told: Told,
}

/// What an authentic peer sent.
pub(super) struct Delivery {
    /// The path of the request.
    pub(super) path: String,
    /// The body, or as much of it as is kept.
    pub(super) body: Vec<u8>,
    /// What is wrong with the request as such.
    pub(super) fault: Option<Fault>,
}

/// What is wrong with a request, whatever is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Method,
    Head,
    Length,
}

impl Events {
    /// Takes note of what a signature proved, and tells whether the event may be taken.
    pub(super) fn is_proven(&self, peer: &Peer, proof: Proof) -> bool {
        self.metrics.event("", proof.word());
        if self.told.is_new(proof) {
            tell(proof);
        }
        proof.suffices(self.signature, peer.must_sign)
    }

    /// Receives what an authentic peer sent, and tells the HTTP status to answer: 200 or 503.
    pub(super) async fn receive(&self, peer: &Peer, delivery: Delivery) -> u16 {
        if self.backlog.count() >= self.backlog_max {
            self.metrics.event("", "unavailable");
            return 503;
        }
        let now = (self.clock)();
        let seen = self.watch.see(&peer.leaf, now);
        self.metrics
            .event_certificate_ends
            .set(peer.leaf.ends / 1_000);
        let (connection, read) = self.read(&delivery);
        let read = match read {
            Ok(read) => read,
            Err(why) => return self.unavailable(connection, &why),
        };
        let is_odd = matches!(read, Reading::Unreadable(_));
        if is_odd && self.oddities.load(Ordering::Relaxed) >= ODDITIES_MAX {
            return self.unavailable(connection, "too much is kept that cannot be read");
        }
        let (what, write) = write(connection, read, delivery.body, now);
        let batch = std::iter::once(write).chain(seen).collect();
        match self.store.commit(batch).await {
            Ok(_) if is_odd => self.odd(connection, &what),
            Ok(receipt) => self.kept(connection, &what, now, &receipt),
            Err(error) => self.unavailable(connection, &error.to_string()),
        }
    }

    /// What it says; the error is one of ours.
    fn read(&self, delivery: &Delivery) -> (&str, Result<Reading, String>) {
        let Some((connection, hook)) = self.hook(&delivery.path) else {
            return (
                "",
                Ok(unreadable(
                    "wrong-path",
                    "an address that is none of a connection",
                )),
            );
        };
        if let Some(fault) = delivery.fault {
            return (connection, Ok(fault.reading()));
        }
        let Ok(text) = std::str::from_utf8(&delivery.body) else {
            return (
                connection,
                Ok(unreadable("not-text", "a body that is no text")),
            );
        };
        let read = (self.read)(text, &hook.company_id);
        if read.is_err() {
            self.metrics.traps.inc();
        }
        (connection, read.map_err(|error| error.to_string()))
    }

    fn hook(&self, path: &str) -> Option<(&str, &EventHook)> {
        let mut parts = path.strip_prefix("/hooks/concur/")?.split('/');
        let (connection, token) = (parts.next()?, parts.next()?);
        let (connection, hook) = self.hooks.get_key_value(connection)?;
        let same = hook.token.as_bytes().ct_eq(token.as_bytes());
        (bool::from(same) && parts.next().is_none()).then_some((connection.as_str(), hook))
    }

    fn kept(&self, connection: &str, what: &str, now: Instant, receipt: &Receipt) -> u16 {
        self.metrics.event_at(connection, now);
        if receipt.repeated_events > 0 {
            self.metrics.event(connection, "repeated");
            return 200;
        }
        self.metrics.event(connection, what);
        if !receipt.notices.is_empty() {
            self.backlog.add(1);
            self.metrics.backlog.set(self.backlog.count());
            self.notices_stored.notify_one();
        }
        200
    }

    fn odd(&self, connection: &str, code: &str) -> u16 {
        self.oddities.fetch_add(1, Ordering::Relaxed);
        self.metrics.event(connection, code);
        tracing::warn!(connection, code, "an authentic event could not be read");
        200
    }

    fn unavailable(&self, connection: &str, why: &str) -> u16 {
        self.metrics.event(connection, "unavailable");
        tracing::error!(connection, why, "an event could not be kept");
        503
    }

    /// Counts again what is kept.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn count(&self) -> Result<(), StoreError> {
        let inbox = self.store.inbox().await?;
        self.oddities.store(inbox.oddities, Ordering::Relaxed);
        for count in inbox.events {
            self.metrics.event_at(&count.connection, count.latest);
        }
        Ok(())
    }
}

impl Fault {
    fn reading(self) -> Reading {
        match self {
            Self::Method => unreadable("wrong-method", "a request that is no POST"),
            Self::Head => unreadable(
                "head-too-long",
                "a request with too many or too long headers",
            ),
            Self::Length => unreadable("too-long", "a body that is longer than 256 KiB"),
        }
    }
}

fn unreadable(code: &str, what: &str) -> Reading {
    Reading::Unreadable(Oddity {
        code: code.to_string(),
        sentence: format!(
            "SAP Concur sent {what}; it was kept and answered as if it were an event."
        ),
    })
}

/// What is to be kept, and a word for it.
fn write(connection: &str, read: Reading, body: Vec<u8>, received: Instant) -> (String, Write) {
    let event = |name: Name, object| {
        Write::Event(StoredEvent {
            connection: connection.to_string(),
            id: name.id,
            event_type: name.event_type,
            received,
            object,
        })
    };
    match read {
        Reading::Hint(Hint { name, object }) => ("hint".to_string(), event(name, Some(object))),
        Reading::Ignored(name) => ("ignored".to_string(), event(name, None)),
        Reading::Unreadable(Oddity { code, sentence }) => {
            let oddity = StoredOddity {
                connection: connection.to_string(),
                received,
                code: code.clone(),
                sentence,
                body,
            };
            (code, Write::Oddity(oddity))
        }
    }
}

fn tell(proof: Proof) {
    let what = proof.word();
    match proof {
        Proof::Made(_) => tracing::info!(what, "the signatures of events hold"),
        Proof::Missing => tracing::warn!(what, "events come without a signature"),
        Proof::Wrong => tracing::warn!(
            what,
            "the signature of an event does not fit its body and the sender's key"
        ),
    }
}

#[cfg(test)]
mod tests;
