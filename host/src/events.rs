//! Receives SAP Concur's events: the peer is authenticated by its client certificate, what it says
//! is stored durably, and only then it is answered.
//!
//! SAP Concur drops an event for good when it is answered with a 4xx other than 401, 403 and 429,
//! and delivers it again for 72 hours after anything else that is no success. So anyone who is not
//! believed gets no handshake or 401; what an authentic peer sends is never refused: what cannot be
//! read is stored for a person and answered 200, and what cannot be stored is answered 503
//! (source: concur-event-subscription).

mod abort_on_4xx;
mod certificate_log;
pub mod client_certificate;
mod exchange;
mod forwarded;
mod listen;
mod maintenance;
pub mod signature;
#[cfg(test)]
mod test_certificates;

use std::collections::BTreeMap;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use tokio::sync::Notify;

pub use self::certificate_log::{CertificateLog, SeenCertificate, days_to_warn, seen_certificates};
use self::client_certificate::{Peer, Trust};
pub use self::listen::{Bound, bind, serve};
use self::signature::{ReportOnce, SignatureCheck};
use crate::backlog::Backlog;
use crate::clock::Clock;
use crate::config::SignatureRule;
use crate::contract::events::{Event, EventName, Hint};
use crate::contract::types::{Instant, Note};
use crate::guest::GuestError;
use crate::listener::{Policy, Refusal, Source};
use crate::metrics::Metrics;
use crate::rate_limit::DeliveryRates;
use crate::store::{Receipt, Store, StoreError, StoredEvent, StoredOddity, Write};

/// Bytes of an event's body that are read: 256 KiB. Of a longer one the beginning is stored for a
/// person. Documented events have less than 1 KiB.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// The name of this listener in the log and in metrics.
const LISTENER: &str = "events";

/// The address at which a connection's events arrive: `/hooks/concur/CONNECTION/TOKEN`.
#[derive(Debug, Clone)]
pub struct EventAddress {
    /// The company that its events must name.
    pub company_id: String,
    /// The last segment of its path: 128 random bits in hex.
    pub token: String,
}

/// Reads an event from its body, given the id of the company that it must name.
pub type ReadEvent = Box<dyn Fn(&str, &str) -> Result<Event, GuestError> + Send + Sync>;

/// The receiver of SAP Concur's events.
pub struct EventReceiver {
    /// Where events are stored before they are answered.
    pub store: Arc<dyn Store>,
    /// The component: what a body says, for the company of this id.
    pub read: ReadEvent,
    /// By the name of the connection.
    pub addresses: BTreeMap<String, EventAddress>,
    /// Recognises SAP Concur by its certificate.
    pub trust: Arc<Trust>,
    /// Recognises proxies that may forward the certificate that they were shown.
    pub proxies: Option<Arc<Trust>>,
    /// When signatures must hold.
    pub signature: SignatureRule,
    /// The certificates that SAP Concur has shown.
    pub certificates: CertificateLog,
    /// Counts by what became of each event.
    pub metrics: Arc<Metrics>,
    /// An event that is stored as a notice counts here.
    pub backlog: Arc<Backlog>,
    /// With more undecided notices events are answered with 503.
    pub backlog_max: i64,
    /// How many may connect, and how long they may take.
    pub policy: Policy,
    /// Notified when an event was stored as a notice.
    pub notices_stored: Arc<Notify>,
    /// Stamps what is stored, and says which certificates are valid.
    pub clock: Clock,
    /// With more at once events are answered with 503.
    pub rates: Arc<DeliveryRates>,
    /// The last finding about signatures, so that a new one is logged once.
    pub signature_reports: ReportOnce,
}

/// What an authentic peer sent.
struct EventRequest {
    path: String,
    /// The body, or its first [`BODY_BYTES_MAX`].
    body: Vec<u8>,
    fault: Option<RequestFault>,
}

/// What is wrong with a request, whatever its body says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RequestFault {
    /// The request was not a POST; stored as `wrong-method`.
    Method,
    /// Too many or too long headers.
    Head,
    /// A body longer than [`BODY_BYTES_MAX`].
    Length,
}

impl EventReceiver {
    /// Counts what the check of a signature found, and returns whether the event may be accepted.
    fn is_proven(&self, peer: &Peer, check: SignatureCheck) -> bool {
        self.metrics.event("", check.label());
        if self.signature_reports.is_new(check) {
            log_signature_check(check);
        }
        check.suffices(self.signature, peer.must_sign)
    }

    /// Logs that a request was answered 401.
    fn log_refusal(&self, what: &'static str, source: Source) {
        self.policy.refusals.note(&Refusal {
            listener: LISTENER,
            what,
            source,
            connection: None,
            detail: "",
        });
    }

    /// Stores what an authentic peer sent, and returns the HTTP status to answer: 200 or 503.
    async fn receive(&self, peer: &Peer, request: EventRequest) -> u16 {
        if self.backlog.count() >= self.backlog_max {
            self.metrics.event("", "unavailable");
            return 503;
        }
        let now = self.clock.now();
        self.metrics
            .event_certificate_ends
            .set(peer.leaf.ends / 1_000);
        let (connection, read) = self.read_request(&request);
        let read = match read {
            Ok(read) => read,
            Err(why) => return self.unavailable(connection, &why),
        };
        let is_odd = matches!(read, Event::Unreadable(_));
        if !self.is_within_rate(connection, &read) {
            self.metrics.event(connection, "too-many");
            return 503;
        }
        let (what, write) = reading_to_write(connection, read, request.body, now);
        let seen = self.certificates.note_shown(&peer.leaf, now);
        let is_seen_anew = seen.is_some();
        let batch = std::iter::once(write).chain(seen).collect();
        let committed = self.store.commit(batch).await;
        if is_seen_anew && committed.is_err() {
            self.certificates.note_unstored();
        }
        match committed {
            Ok(receipt) if is_odd => self.count_unreadable(connection, &what, &receipt),
            Ok(receipt) => self.count_stored_event(connection, &what, now, &receipt),
            Err(StoreError::Refused(why)) => self.unavailable(connection, &why),
            Err(_) => {
                // The store logs that it fails, once and not for each event.
                self.metrics.event(connection, "unavailable");
                503
            }
        }
    }

    /// The connection that it is for, empty if unknown, and what it says; an error is one of ours.
    fn read_request(&self, request: &EventRequest) -> (&str, Result<Event, String>) {
        let Some((connection, address)) = self.find_address(&request.path) else {
            return (
                "",
                Ok(unreadable(
                    "wrong-path",
                    "an address that is none of a connection",
                )),
            );
        };
        if let Some(fault) = request.fault {
            return (connection, Ok(fault.reading()));
        }
        let Ok(text) = std::str::from_utf8(&request.body) else {
            return (
                connection,
                Ok(unreadable("not-text", "a body that is no text")),
            );
        };
        let read = (self.read)(text, &address.company_id);
        if read.is_err() {
            self.metrics.traps.inc();
        }
        (connection, read.map_err(|error| error.to_string()))
    }

    fn is_within_rate(&self, connection: &str, read: &Event) -> bool {
        match read {
            Event::Hint(Hint { name, .. }) | Event::Ignored(name) => {
                self.rates.take_read(connection, &name.event_type)
            }
            Event::Unreadable(_) => self.rates.take_unreadable(connection),
        }
    }

    fn find_address(&self, path: &str) -> Option<(&str, &EventAddress)> {
        let mut parts = path.strip_prefix("/hooks/concur/")?.split('/');
        let (connection, token) = (parts.next()?, parts.next()?);
        let (connection, address) = self.addresses.get_key_value(connection)?;
        let same = address.token.as_bytes().ct_eq(token.as_bytes());
        (bool::from(same) && parts.next().is_none()).then_some((connection.as_str(), address))
    }

    fn count_stored_event(
        &self,
        connection: &str,
        what: &str,
        now: Instant,
        receipt: &Receipt,
    ) -> u16 {
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

    fn count_unreadable(&self, connection: &str, code: &str, receipt: &Receipt) -> u16 {
        self.metrics.event(connection, code);
        self.metrics.oddities_dropped(receipt);
        tracing::warn!(connection, code, "an authentic event could not be read");
        200
    }

    fn unavailable(&self, connection: &str, why: &str) -> u16 {
        self.metrics.event(connection, "unavailable");
        tracing::error!(connection, why, "an event could not be stored");
        503
    }

    /// Counts again what is stored: the latest event of each connection.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn count_stored(&self) -> Result<(), StoreError> {
        let inbox = self.store.inbox().await?;
        for count in inbox.events {
            self.metrics.event_at(&count.connection, count.latest);
        }
        Ok(())
    }
}

impl RequestFault {
    fn reading(self) -> Event {
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

fn unreadable(code: &str, what: &str) -> Event {
    Event::Unreadable(Note {
        code: code.to_string(),
        message: format!(
            "SAP Concur sent {what}; it was stored for a person and answered with 200."
        ),
    })
}

/// What is to be stored, and the label under which it is counted.
fn reading_to_write(
    connection: &str,
    read: Event,
    body: Vec<u8>,
    received: Instant,
) -> (String, Write) {
    let event = |name: EventName, object| {
        Write::Event(StoredEvent {
            connection: connection.to_string(),
            id: name.id,
            event_type: name.event_type,
            received,
            object,
        })
    };
    match read {
        Event::Hint(Hint { name, object }) => ("hint".to_string(), event(name, Some(object))),
        Event::Ignored(name) => ("ignored".to_string(), event(name, None)),
        Event::Unreadable(Note { code, message }) => {
            let oddity = StoredOddity {
                connection: connection.to_string(),
                received,
                code: code.clone(),
                message,
                body,
            };
            (code, Write::Oddity(oddity.cut()))
        }
    }
}

fn log_signature_check(check: SignatureCheck) {
    let what = check.label();
    match check {
        SignatureCheck::Valid(_) => tracing::info!(what, "the signatures of events are valid"),
        SignatureCheck::Missing => tracing::warn!(what, "events arrive without a signature"),
        SignatureCheck::Wrong => tracing::warn!(
            what,
            "the signature of an event does not match its body and the sender's key"
        ),
    }
}

#[cfg(test)]
mod tests;
