//! Change stamps that can be trusted.
//!
//! FreshBooks stamps changes to the second. Anyone who reads an object in the second of its change,
//! or with a clock that is off by a little, cannot know whether it changed once more under the same
//! stamp. Such a stamp is marked as fresh, and a marked stamp equals none that a list shows: the
//! next sweep looks once more.

use alloc::format;
use alloc::string::{String, ToString};

use crate::contract::types::{Duration, Instant};

/// A stamp is fresh for a minute, in milliseconds. The second of the change itself would do if all
/// clocks agreed; this leaves room for one that is off by almost as much.
const FRESH: Duration = 60_000;
const HOUR: Duration = 3_600_000;

/// The stamp, marked if an object that was read at `now` may have changed again under it.
///
/// Stamps are US Eastern time without saying so, some are UTC (source: freshbooks-time-zones); both
/// differ from UTC by whole hours, so only minutes and seconds are compared. Once in a while an old
/// stamp is taken for a fresh one, which costs one more look.
pub(super) fn mark_if_fresh(stamp: &str, now: Instant) -> String {
    match minutes_and_seconds(stamp) {
        Some(past) if is_near(past, now % HOUR) => format!("{stamp} (fresh)"),
        _ => stamp.to_string(),
    }
}

fn is_near(past: Duration, now: Duration) -> bool {
    let ago = (now + HOUR - past) % HOUR;
    ago <= FRESH || HOUR - ago <= FRESH
}

/// Milliseconds past the hour of `YYYY-MM-DD HH:MM:SS`, with a space or a `T`.
fn minutes_and_seconds(stamp: &str) -> Option<Duration> {
    let number = |from: usize| stamp.get(from..from + 2)?.parse::<Duration>().ok();
    Some((number(14)? * 60 + number(17)?) * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-02-27T15:04:05Z, which is 10:04:05 in New York.
    const NOW: Instant = 1_772_204_645_000;

    #[test]
    fn a_stamp_of_this_minute_is_fresh_in_either_zone() {
        for stamp in [
            "2026-02-27 10:04:05",
            "2026-02-27 15:03:30",
            "2026-02-27T15:04:40Z",
        ] {
            assert_ne!(mark_if_fresh(stamp, NOW), stamp, "{stamp}");
        }
    }

    #[test]
    fn an_older_stamp_is_settled() {
        for stamp in [
            "2026-02-27 10:02:05",
            "2026-02-27 10:06:05",
            "",
            "soon",
            "2026-02-27 10:xx:00",
        ] {
            assert_eq!(mark_if_fresh(stamp, NOW), stamp);
        }
    }

    #[test]
    fn the_hour_s_end_is_near_the_hour_s_beginning() {
        assert!(is_near(3_599_000, 1_000) && is_near(1_000, 3_599_000));
        assert!(!is_near(1_000, 120_000));
    }
}
