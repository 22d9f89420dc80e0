//! Records of events for test oracles.

use serde::Serialize;

use super::envelope::PublishedEvent;
use crate::http::Millis;

/// What has become of an event at one subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It waits or is under way.
    Pending,
    /// It was answered with 2xx.
    Delivered,
    /// It was answered with this status, which ends all attempts.
    Dropped(u16),
    /// It was not delivered within 72 hours.
    Expired,
    /// Its subscription is gone.
    Withdrawn,
}

/// An event at one subscription, and what has become of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventRecord {
    /// The event's id. Copies that are sent twice share it.
    pub event_id: String,
    /// The id of the subscription, such as `acme.fis`.
    pub subscription: String,
    /// Its type, such as `invoice.readyForIntegration`.
    pub event_type: String,
    /// What it is about.
    pub document_id: String,
    /// When it was published.
    pub published: Millis,
    /// When it was last sent.
    pub last_attempt: Option<Millis>,
    /// How often it was sent.
    pub attempts: u64,
    /// Whether it was delivered, and if not, why.
    pub fate: Fate,
}

/// How many events were published, delivered and lost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EventCounts {
    /// Events that at least one subscription was to get, copies not counted.
    pub published: u64,
    /// Events that no subscription was to get.
    pub unheard: u64,
    /// Events that were swallowed by the switch.
    pub swallowed: u64,
    /// Deliveries handed out to be sent, retries included.
    pub sent: u64,
    /// Deliveries answered with 2xx.
    pub ok: u64,
    /// Deliveries answered otherwise or not at all.
    pub failed: u64,
    /// Events dropped for ever.
    pub dropped: u64,
    /// Events skipped after 72 hours.
    pub expired: u64,
}

impl EventRecord {
    /// An event that nothing has happened to yet.
    pub(crate) fn new(event: &PublishedEvent, subscription: &str) -> Self {
        Self {
            event_id: event.id.clone(),
            subscription: subscription.to_owned(),
            event_type: event.event_type.clone(),
            document_id: event.document_id.clone(),
            published: event.published,
            last_attempt: None,
            attempts: 0,
            fate: Fate::Pending,
        }
    }
}
