//! Comparisons that the service makes by itself, and what the last one came to.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::jobs::{Asked, reconcile};
use super::progress::Progress;
use super::report::{FindingKind, Report};
use crate::config::ReconcileSchedule;
use crate::contract::reconciliation::Period;
use crate::contract::types::Instant;
use crate::engine::Connection;
use crate::store::{Store, StoreError, Write};

const DAY_MS: u64 = 86_400_000;
/// After one that failed: what stopped it is often over by then.
const RETRY_MS: u64 = 3_600_000;

/// What the last comparison on the schedule came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastComparison {
    /// When it ended, in milliseconds since 1970.
    pub at_ms: Instant,
    /// The first day that was compared, `YYYY-MM-DD`.
    pub from: String,
    /// The last day that was compared, `YYYY-MM-DD`.
    pub to: String,
    /// How many findings there are of each kind; none of a kind is left out.
    pub found: BTreeMap<FindingKind, u64>,
    /// Why it failed, one sentence; none where it did not.
    pub failure: Option<String>,
}

impl LastComparison {
    fn of(asked: &Asked, at_ms: Instant) -> Self {
        Self {
            at_ms,
            from: asked.period.from.clone(),
            to: asked.period.to.clone(),
            found: BTreeMap::new(),
            failure: None,
        }
    }

    /// How many records do not agree.
    #[must_use]
    pub fn differences(&self) -> u64 {
        let found = self.found.iter();
        found
            .filter(|(kind, _)| kind.is_difference())
            .map(|(_, count)| count)
            .sum()
    }
}

/// What the last comparison of a connection on the schedule came to; none where none was made.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn last_comparison(
    store: &dyn Store,
    connection: &str,
) -> Result<Option<LastComparison>, StoreError> {
    let text = store.mark(&mark_name(connection)).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

fn mark_name(connection: &str) -> String {
    format!("reconcile/{connection}")
}

/// Compares the two systems of a connection every so many days, until `stop`.
pub(crate) async fn compare_regularly(
    connection: Arc<Connection>,
    schedule: ReconcileSchedule,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        let clock = &connection.services.clock;
        let last = last_comparison(&*connection.services.store, &connection.name).await;
        let last = last.ok().flatten();
        if let Some(last) = &last {
            show(&connection, last);
        }
        let due = next(last.as_ref(), &schedule, clock.now());
        tokio::select! {
            () = clock.sleep_until(Some(due)) => {}
            _ = stop.changed() => continue,
        }
        let compared = tokio::select! {
            compared = compare(&connection, &schedule) => compared,
            _ = stop.changed() => continue,
        };
        remember(&connection, &compared).await;
    }
}

/// When the next one is due. A last one in the future is one of a clock that has been set back.
fn next(last: Option<&LastComparison>, schedule: &ReconcileSchedule, now: Instant) -> Instant {
    let Some(last) = last.filter(|last| last.at_ms <= now) else {
        return now;
    };
    let pause = match last.failure {
        Some(_) => RETRY_MS,
        None => u64::from(schedule.every_days).saturating_mul(DAY_MS),
    };
    last.at_ms.saturating_add(pause)
}

async fn compare(connection: &Connection, schedule: &ReconcileSchedule) -> LastComparison {
    let asked = Asked {
        period: period(connection.services.clock.now(), schedule.lookback_days),
        flows: Vec::new(),
    };
    let compared = reconcile(connection, &asked, &Progress::default()).await;
    let now = connection.services.clock.now();
    match compared {
        Ok(report) => LastComparison {
            found: found(&report),
            ..LastComparison::of(&asked, now)
        },
        Err(error) => LastComparison {
            failure: Some(error.to_string()),
            ..LastComparison::of(&asked, now)
        },
    }
}

fn found(report: &Report) -> BTreeMap<FindingKind, u64> {
    let counts = FindingKind::ALL.map(|kind| (kind, report.count(kind)));
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

/// So many days back from today, in UTC.
fn period(now: Instant, lookback_days: u32) -> Period {
    let milliseconds = i64::try_from(now).unwrap_or(i64::MAX);
    let today = Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    let today = TimeZone::UTC.to_datetime(today).date();
    let first = today.checked_sub(Span::new().days(lookback_days));
    Period {
        from: first.unwrap_or(today).to_string(),
        to: today.to_string(),
    }
}

async fn remember(connection: &Connection, last: &LastComparison) {
    let name = &connection.name;
    match &last.failure {
        Some(why) => tracing::warn!(connection = name, why, "both systems could not be compared"),
        None => {
            let differences = last.differences();
            tracing::info!(connection = name, differences, "both systems were compared");
        }
    }
    let value = serde_json::to_string(last).unwrap_or_default();
    let name = mark_name(name);
    let stored = connection
        .services
        .store
        .commit(vec![Write::Mark { name, value }]);
    if let Err(error) = stored.await {
        tracing::warn!(connection = connection.name, %error, "a comparison was not stored");
        // It would begin anew at once.
        tokio::time::sleep(std::time::Duration::from_millis(RETRY_MS)).await;
    }
}

fn show(connection: &Connection, last: &LastComparison) {
    let metrics = &connection.services.metrics;
    for kind in FindingKind::ALL {
        let count = last.found.get(&kind).copied().unwrap_or_default();
        metrics.set_compared(&connection.name, kind.as_str(), count);
    }
    let failed = u64::from(last.failure.is_some());
    metrics.set_compared(&connection.name, "failed", failed);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = 1_772_323_200_000;

    fn last(at_ms: Instant, failure: Option<&str>) -> LastComparison {
        LastComparison {
            at_ms,
            from: String::new(),
            to: String::new(),
            found: BTreeMap::from([(FindingKind::Missing, 2), (FindingKind::Foreign, 3)]),
            failure: failure.map(str::to_owned),
        }
    }

    #[test]
    fn the_next_one_is_due_after_so_many_days_or_soon_after_a_failure() {
        let schedule = ReconcileSchedule {
            every_days: 7,
            lookback_days: 35,
        };
        assert_eq!(next(None, &schedule, NOW), NOW);
        let week = NOW + 7 * DAY_MS;
        assert_eq!(next(Some(&last(NOW, None)), &schedule, NOW), week);
        let soon = next(Some(&last(NOW, Some("down"))), &schedule, NOW);
        assert_eq!(soon, NOW + RETRY_MS);
        assert_eq!(next(Some(&last(week, None)), &schedule, NOW), NOW);
        assert_eq!(last(NOW, None).differences(), 2);
    }

    #[test]
    fn the_days_end_today() {
        let days = period(NOW, 35);
        assert_eq!(
            (days.from.as_str(), days.to.as_str()),
            ("2026-01-25", "2026-03-01")
        );
    }
}
