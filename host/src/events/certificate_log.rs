//! The certificates that SAP Concur has shown: the last three, and when the latest one ends. It is
//! replaced at least once a year, and a receiver that does not expect the next one loses events
//! without any error of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::client_certificate::Leaf;
use crate::contract::types::{Duration, Instant};
use crate::store::{Store, StoreError, Write};

/// The name under which the store keeps them.
const MARK: &str = "event-certificates";

/// The present one, the one before, and one that was shown by mistake.
const KEPT_MAX: usize = 3;

const DAY: Duration = 86_400_000;

/// Days before the end at which a warning is logged.
const WARN_AT_DAYS: [u64; 3] = [7, 14, 30];

/// A certificate that was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenCertificate {
    /// SHA-256 of the certificate, lower-case hex.
    pub fingerprint: String,
    /// The last instant at which it is valid.
    pub ends: Instant,
    /// When it was shown for the first time since another one.
    pub seen: Instant,
}

/// Remembers the last certificates, and warns before the latest one ends.
#[derive(Debug, Default)]
pub struct CertificateLog {
    seen: Mutex<Vec<SeenCertificate>>,
    /// Whether the store refused the last that was to be stored.
    is_unstored: AtomicBool,
    /// The fingerprint and the days of the last warning.
    reminded: Mutex<Option<(String, u64)>>,
}

/// The certificates that were shown, the latest first.
///
/// # Errors
///
/// If the store fails.
pub async fn seen_certificates(store: &dyn Store) -> Result<Vec<SeenCertificate>, StoreError> {
    let kept = store.mark(MARK).await?;
    // What cannot be read is from another version, and is seen anew.
    Ok(kept
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default())
}

/// The days before the end of a certificate that have begun, of those at which a warning is logged;
/// 0 when it has ended.
#[must_use]
pub fn days_to_warn(ends: Instant, now: Instant) -> Option<u64> {
    if ends <= now {
        return Some(0);
    }
    let left = ends - now;
    WARN_AT_DAYS.into_iter().find(|days| left <= days * DAY)
}

impl CertificateLog {
    /// Continues with what was stored.
    #[must_use]
    pub fn new(seen: Vec<SeenCertificate>) -> Self {
        Self {
            seen: Mutex::new(seen),
            ..Self::default()
        }
    }

    /// Notes that a certificate was shown; returns what is to be stored if it is a new one, or the
    /// last one could not be stored.
    pub fn note_shown(&self, leaf: &Leaf, now: Instant) -> Option<Write> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let last = seen.first();
        let is_new = last.is_none_or(|last| last.fingerprint != leaf.fingerprint);
        let is_unstored = self.is_unstored.swap(false, Ordering::Relaxed);
        if !is_new && !is_unstored {
            return None;
        }
        if is_new {
            add(&mut seen, leaf, now);
        }
        let value = serde_json::to_string(&*seen).ok()?;
        Some(Write::Mark {
            name: MARK.to_string(),
            value,
        })
    }

    /// Has what was to be stored stored with the next certificate that is shown, since the store
    /// did not take it.
    pub fn note_unstored(&self) {
        self.is_unstored.store(true, Ordering::Relaxed);
    }

    /// The one that was shown last.
    #[must_use]
    pub fn latest(&self) -> Option<SeenCertificate> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.first().cloned()
    }

    /// Logs a warning in time, once for each certificate and each of the days. Returns the days
    /// left.
    pub fn remind(&self, now: Instant) -> Option<u64> {
        let latest = self.latest()?;
        let days = days_to_warn(latest.ends, now)?;
        let mut reminded = self.reminded.lock().unwrap_or_else(PoisonError::into_inner);
        let what = Some((latest.fingerprint, days));
        if *reminded == what {
            return None;
        }
        *reminded = what;
        tracing::warn!(
            days,
            "the client certificate that SAP Concur showed last ends soon; check that \
             `trust_anchors` holds the root of the next one"
        );
        Some(days)
    }
}

fn add(seen: &mut Vec<SeenCertificate>, leaf: &Leaf, now: Instant) {
    let fingerprint = leaf.fingerprint.as_str();
    seen.retain(|earlier| earlier.fingerprint != fingerprint);
    seen.truncate(KEPT_MAX - 1);
    let new = SeenCertificate {
        fingerprint: fingerprint.to_owned(),
        ends: leaf.ends,
        seen: now,
    };
    seen.insert(0, new);
    tracing::info!(
        fingerprint,
        "SAP Concur uses a client certificate that was not seen before"
    );
}
