//! Instants and lengths of time as a person reads them.

use jiff::Timestamp;
use ml_connector::contract::types::{Duration, Instant};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Date and time in UTC, such as `2026-11-23 20:45:52`.
pub(super) fn date_time(at: Instant) -> String {
    format(at, "%Y-%m-%d %H:%M:%S")
}

/// Time of day in UTC with milliseconds, such as `20:45:52.123`.
pub(super) fn time_of_day(at: Instant) -> String {
    format(at, "%H:%M:%S%.3f")
}

/// The day in UTC, such as `2026-11-23`.
pub(super) fn day(at: Instant) -> String {
    format(at, "%Y-%m-%d")
}

/// A length of time in its largest unit, such as `3 h`.
pub(super) fn largest_unit(duration: Duration) -> String {
    let (unit, name) = match duration {
        ..SECOND => return format!("{duration} ms"),
        SECOND..MINUTE => (SECOND, "s"),
        MINUTE..HOUR => (MINUTE, "min"),
        HOUR..DAY => (HOUR, "h"),
        DAY.. => (DAY, "days"),
    };
    match (duration / unit, name) {
        (1, "days") => "1 day".to_string(),
        (count, name) => format!("{count} {name}"),
    }
}

/// How far an instant is from now, such as `in 3 h` or `2 days ago`. What is nearer than a second
/// is `now`.
pub(super) fn relative(at: Instant, now: Instant) -> String {
    if at.abs_diff(now) < SECOND {
        "now".to_string()
    } else if at > now {
        format!("in {}", largest_unit(at - now))
    } else {
        format!("{} ago", largest_unit(now - at))
    }
}

fn format(at: Instant, pattern: &str) -> String {
    let timestamp = i64::try_from(at)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    match timestamp {
        Some(timestamp) => timestamp.strftime(pattern).to_string(),
        None => format!("{at} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Instant = 1_795_466_752_123;

    #[test]
    fn instants_are_utc() {
        assert_eq!(date_time(AT), "2026-11-23 20:45:52");
        assert_eq!(time_of_day(AT), "20:45:52.123");
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(date_time(u64::MAX), "18446744073709551615 ms");
    }

    #[test]
    fn lengths_use_their_largest_unit() {
        let lengths = [
            999,
            1_000,
            59_999,
            60_000,
            7_200_000,
            86_400_000,
            200_000_000,
        ]
        .map(largest_unit);
        assert_eq!(
            lengths,
            ["999 ms", "1 s", "59 s", "1 min", "2 h", "1 day", "2 days"]
        );
    }

    #[test]
    fn distances_have_a_direction() {
        assert_eq!(relative(AT + 60_000, AT), "in 1 min");
        assert_eq!(relative(AT - 60_000, AT), "1 min ago");
        assert_eq!(
            [AT - 999, AT, AT + 999].map(|at| relative(at, AT)),
            ["now"; 3]
        );
    }
}
