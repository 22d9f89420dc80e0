//! `[reconcile]`: whether the service compares both systems by itself.

use super::table::Table;
use crate::config::ReconcileSchedule;

/// Days back that are compared by default: a month, and what is entered late.
const LOOKBACK_DAYS: u64 = 35;

pub(super) fn read(table: &mut Table<'_, '_>) -> Option<ReconcileSchedule> {
    let every_days = table.whole("every_days", 0, 0..=366);
    let lookback_days = table.whole("lookback_days", LOOKBACK_DAYS, 1..=3_660);
    let days = |days: u64| u32::try_from(days).unwrap_or(u32::MAX);
    (every_days > 0).then(|| ReconcileSchedule {
        every_days: days(every_days),
        lookback_days: days(lookback_days),
    })
}
