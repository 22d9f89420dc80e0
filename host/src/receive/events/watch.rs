//! The certificates that SAP Concur has shown: the last three, and when the latest one ends. It is
//! replaced at least once a year, and a receiver that does not expect the next one loses events
//! without any error of its own.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::super::client_certificate::Leaf;
use crate::contract::types::{Duration, Instant};
use crate::store::{Store, StoreError, Write};

/// Under which name they are kept.
const MARK: &str = "event-certificates";

const KEPT_MAX: usize = 3;

const DAY: Duration = 86_400_000;

/// Days before the end at which a person is told.
const WARN_AT_DAYS: [u64; 3] = [7, 14, 30];

/// A certificate that was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenCertificate {
    /// SHA-256, lower-case hex.
    pub fingerprint: String,
    /// When it ends.
    pub ends: Instant,
    /// When it was shown for the first time since another one.
    pub seen: Instant,
}

/// Watches certificates.
#[derive(Debug, Default)]
pub struct Watch {
    seen: Mutex<Vec<SeenCertificate>>,
    /// The fingerprint and the days that a person was told of last.
    told: Mutex<Option<(String, u64)>>,
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

/// The days before the end of a certificate that have begun, of those at which a person is told; 0
/// when it has ended.
#[must_use]
pub fn warning(ends: Instant, now: Instant) -> Option<u64> {
    if ends <= now {
        return Some(0);
    }
    let left = ends - now;
    WARN_AT_DAYS.into_iter().find(|days| left <= days * DAY)
}

impl Watch {
    /// Goes on from what is kept.
    #[must_use]
    pub fn new(seen: Vec<SeenCertificate>) -> Self {
        Self {
            seen: Mutex::new(seen),
            told: Mutex::default(),
        }
    }

    /// Takes note of a certificate; a new one is to be kept.
    pub fn see(&self, leaf: &Leaf, now: Instant) -> Option<Write> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen
            .first()
            .is_some_and(|last| last.fingerprint == leaf.fingerprint)
        {
            return None;
        }
        seen.retain(|earlier| earlier.fingerprint != leaf.fingerprint);
        seen.truncate(KEPT_MAX - 1);
        let new = SeenCertificate {
            fingerprint: leaf.fingerprint.clone(),
            ends: leaf.ends,
            seen: now,
        };
        seen.insert(0, new);
        let fingerprint = leaf.fingerprint.as_str();
        tracing::info!(
            fingerprint,
            "SAP Concur shows a client certificate for the first time"
        );
        let value = serde_json::to_string(&*seen).ok()?;
        Some(Write::Mark {
            name: MARK.to_string(),
            value,
        })
    }

    /// The one that was shown last.
    #[must_use]
    pub fn latest(&self) -> Option<SeenCertificate> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.first().cloned()
    }

    /// Tells a person in time, once for each certificate and each of the days. Returns the days
    /// that were told.
    pub fn remind(&self, now: Instant) -> Option<u64> {
        let latest = self.latest()?;
        let days = warning(latest.ends, now)?;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let what = Some((latest.fingerprint, days));
        if *told == what {
            return None;
        }
        *told = what;
        tracing::warn!(
            days,
            "the client certificate that SAP Concur showed last ends soon; check that `trust_anchors` holds the root of \
             the next one"
        );
        Some(days)
    }
}
