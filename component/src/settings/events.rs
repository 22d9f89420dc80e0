//! SAP Concur's events: which are subscribed to, and under which name.

use alloc::string::{String, ToString};

use super::checks::subscription_id;
use super::reader::Reader;
use crate::contract::settings::{ReceiverNeed, Schedule};
use crate::contract::types::ObjectRef;

/// The topic of what is ready to be carried over, without `public.concur.`
const TOPIC: &str = "financialintegration";
/// Seconds between two looks at the subscription: one that has no success for 30 days is deleted
/// (source: concur-event-subscription).
const INTERVAL_S: u64 = 86_400;

/// The subscription to SAP Concur's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    /// Whether they are subscribed to.
    pub enabled: bool,
    /// The subscription's id; without it one is derived.
    pub subscription_id: Option<String>,
    /// Which types of events are delivered: a regular expression.
    pub filter: String,
}

impl Events {
    pub(super) fn read(table: &mut Reader) -> Self {
        Self {
            enabled: table.flag("enabled", false),
            subscription_id: table.optional_checked("subscription_id", subscription_id),
            filter: table.text_or("filter", ".*"),
        }
    }

    /// The check of the subscription, if there is to be one.
    pub(super) fn schedule(&self) -> Option<Schedule> {
        self.enabled.then(|| Schedule {
            object: ObjectRef::concur("event-subscription", TOPIC),
            interval_s: INTERVAL_S,
            needs: Some(ReceiverNeed::Events),
            purpose: "checks that SAP Concur announces to us what is ready".to_string(),
        })
    }
}
