//! Calendar days of instants.

use alloc::string::{String, ToString};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::contract::types::{Duration, Instant};

/// Milliseconds of a calendar day in UTC, which has no leap seconds here.
pub(super) const DAY: Duration = 86_400_000;

/// The calendar day in UTC so many days before an instant, `YYYY-MM-DD`.
pub(super) fn day_before(now: Instant, days: u64) -> String {
    day_in(&TimeZone::UTC, now.saturating_sub(days.saturating_mul(DAY)))
}

/// The calendar day of an instant in a time zone, `YYYY-MM-DD`.
pub(super) fn day_in(zone: &TimeZone, now: Instant) -> String {
    let milliseconds = i64::try_from(now).unwrap_or(i64::MAX);
    let now = Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    zone.to_datetime(now).date().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_calendar_days_in_utc() {
        assert_eq!(day_before(1_772_323_200_000, 0), "2026-03-01");
        assert_eq!(day_before(1_772_323_200_000, 1), "2026-02-28");
        assert_eq!(day_before(5, 3), "1970-01-01");
    }
}
