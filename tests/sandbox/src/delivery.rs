//! What the vendors send: webhooks of FreshBooks and events of Concur, and the results.

use crate::http::{Millis, System};

/// One request to make: a POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The vendor that sends it.
    pub system: System,
    /// Names the delivery among those of its system in [`crate::Sandbox::delivered`]. A retry is a
    /// delivery of its own.
    pub id: u64,
    /// Where it goes: the callback's URI, or the subscription's endpoint.
    pub url: String,
    /// Content type, signature and, from Concur, the correlation id.
    pub headers: Vec<(String, String)>,
    /// The form or the event, exactly the bytes that were signed.
    pub body: Vec<u8>,
    /// Milliseconds after which the vendor counts the delivery as failed. The driver of the sandbox
    /// must keep this time.
    pub timeout_ms: Millis,
}

impl Delivery {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryResult {
    /// An answer came in time.
    Status(u16),
    /// No answer: refused, broken off, no TLS, or not within [`Delivery::timeout_ms`].
    Failed,
}
