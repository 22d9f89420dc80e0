//! What those who may look at everything see of events.

use serde::Serialize;

use super::envelope::Event;
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

/// An event at one subscription, and how it has fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventRecord {
    /// The event's id. Copies that are sent twice share it.
    pub event_id: String,
    /// The subscription.
    pub subscription: String,
    /// Its type.
    pub event_type: String,
    /// What it is about.
    pub document_id: String,
    /// When it was published.
    pub published: Millis,
    /// When it was last sent.
    pub last_attempt: Option<Millis>,
    /// How often it was sent.
    pub attempts: u64,
    /// What became of it.
    pub fate: Fate,
}

/// How events have fared so far.
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
    pub(super) fn new(event: &Event, subscription: &str) -> Self {
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
