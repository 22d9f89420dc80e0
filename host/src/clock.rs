//! The clock, as a value, so that tests can set the time.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::contract::types::Instant;

/// The wall clock, and sleeping until an instant on it.
///
/// # Examples
///
/// A clock that a test sets:
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use ml_connector::clock::Clock;
///
/// let time = Arc::new(AtomicU64::new(1_800_000_000_000));
/// let read = Arc::clone(&time);
/// let clock = Clock::from_fn(move || read.load(Ordering::Relaxed));
/// time.fetch_add(60_000, Ordering::Relaxed);
/// assert_eq!(clock.now(), 1_800_000_060_000);
/// ```
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Instant + Send + Sync>);

/// An instant as logs have it: UTC to the second, such as `2026-11-23T20:45:52Z` (RFC 3339); one
/// beyond the year 9999 as milliseconds.
#[must_use]
pub fn written(at: Instant) -> String {
    let ms = i64::try_from(at).ok();
    let timestamp = ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    timestamp.map_or_else(
        || format!("{at} ms"),
        |timestamp| timestamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

/// A sleep is cut into pieces of this length, so that a clock that is set does not make it endless.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// A clock that goes back by less is being corrected, and nothing has to be looked at again.
const SET_BACK_MIN_MS: u64 = 60_000;

impl Clock {
    /// The operating system's wall clock; 0 while it is set before 1970.
    #[must_use]
    pub fn system() -> Self {
        Self::from_fn(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            since.map_or(0, |since| {
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            })
        })
    }

    /// A clock that calls this function for the time.
    pub fn from_fn(now: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time: milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn now(&self) -> Instant {
        (self.0)()
    }

    /// Sleeps until an instant; for ever without one. Returns early, within a minute, when the
    /// clock is set back by more than a minute, so that the caller looks again what is due when.
    pub async fn sleep_until(&self, until: Option<Instant>) {
        let Some(until) = until else {
            return std::future::pending().await;
        };
        self.sleep_in_pieces(until, SLEEP_MAX).await;
    }

    async fn sleep_in_pieces(&self, until: Instant, piece: Duration) {
        let mut latest = self.now();
        loop {
            let now = self.now();
            let left = Duration::from_millis(until.saturating_sub(now));
            if left.is_zero() || now.saturating_add(SET_BACK_MIN_MS) < latest {
                return;
            }
            latest = now;
            tokio::time::sleep(left.min(piece)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_clock_that_is_set_back_ends_a_sleep() {
        const YEAR_MS: u64 = 365 * 86_400_000;
        let time = Arc::new(AtomicU64::new(2 * YEAR_MS));
        let read = Arc::clone(&time);
        let clock = Clock::from_fn(move || read.load(Ordering::Acquire));
        let sleeping = clock.clone();
        let asleep = tokio::spawn(async move {
            let piece = Duration::from_millis(5);
            sleeping.sleep_in_pieces(2 * YEAR_MS + 60_000, piece).await;
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!asleep.is_finished());
        time.store(YEAR_MS, Ordering::Release);
        let patience = Duration::from_secs(30);
        let woken = tokio::time::timeout(patience, asleep).await;
        woken
            .expect("wakes instead of sleeping for a year")
            .expect("ends");
    }
}
