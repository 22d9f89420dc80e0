//! SAP Concur's events: which are subscribed to, and under which name.

use alloc::format;
use alloc::string::{String, ToString};

use super::reader::Reader;
use super::{Check, Concur, Settings};
use crate::contract::mapping::Schedule;
use crate::contract::types::{ObjectRef, System};
use crate::marker;

/// The topic of what is ready to be carried over, without `public.concur.`
const TOPIC: &str = "financialintegration";
/// Seconds between two looks at the subscription: one that has no success for 30 days is deleted.
/// (Concur docs, event subscription service.)
const INTERVAL_S: u64 = 86_400;

/// Events.
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
            object: ObjectRef {
                system: System::Concur,
                kind: "event-subscription".to_string(),
                id: TOPIC.to_string(),
            },
            interval_s: INTERVAL_S,
            purpose: "checks that SAP Concur announces to us what is ready".to_string(),
        })
    }
}

impl Settings {
    /// The id of the event subscription of a connection: the setting's, or one that nobody else
    /// has, since it must be unique over all customers of SAP. (Concur docs, event subscription
    /// service.)
    #[must_use]
    pub fn subscription_id(&self, connection: &str, topic: &str) -> String {
        let own = || {
            let Concur {
                company_id,
                client_id,
                ..
            } = &self.concur;
            let hash = marker::short_hash(&["subscription", connection, company_id, client_id]);
            format!("ml-connector.{connection}.{hash}.{topic}")
        };
        self.events.subscription_id.clone().unwrap_or_else(own)
    }
}

fn subscription_id(id: &str) -> Check {
    let is_allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    ((1..=100).contains(&id.len()) && id.bytes().all(is_allowed))
        .then_some(())
        .ok_or("1 to 100 of a-z, 0-9, dot and hyphen")
}
