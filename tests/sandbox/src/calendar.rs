//! The ways the two vendors write an instant or a day.

use std::sync::OnceLock;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::http::Millis;

/// US Eastern time by the rules in force since 2007: UTC-5, and UTC-4 from the second Sunday of
/// March to the first Sunday of November, both at two in the morning. It is the only local time of
/// either vendor, and nothing here is older, so this line does what a time-zone database would.
const EASTERN: &str = "EST5EDT,M3.2.0,M11.1.0";

/// `YYYY-MM-DD HH:MM:SS` in US Eastern time with daylight saving: most FreshBooks accounting stamps
/// (source: freshbooks-time-zones).
pub(crate) fn eastern_stamp(at: Millis) -> String {
    space_form(eastern(at))
}

/// The same form in UTC: the documented exceptions.
pub(crate) fn utc_stamp(at: Millis) -> String {
    space_form(utc(at))
}

/// `YYYY-MM-DDTHH:MM:SS`, in UTC and without saying so: FreshBooks projects.
pub(crate) fn bare_stamp(at: Millis) -> String {
    utc_stamp(at).replace(' ', "T")
}

/// RFC 3339 in UTC with a `Z`.
pub(crate) fn zulu_stamp(at: Millis) -> String {
    bare_stamp(at) + "Z"
}

/// The calendar day in US Eastern time.
pub(crate) fn eastern_day(at: Millis) -> Date {
    eastern(at).date()
}

/// The calendar day in UTC.
pub(crate) fn utc_day(at: Millis) -> Date {
    utc(at).date()
}

/// Reads `YYYY-MM-DD` and nothing else: jiff alone would also take `20260228` and instants.
pub(crate) fn parse_day(text: &str) -> Option<Date> {
    (text.len() == 10).then(|| text.parse().ok()).flatten()
}

/// The day that many days later, or the last day there is.
pub(crate) fn plus_days(day: Date, days: u16) -> Date {
    day.checked_add(i64::from(days).days()).unwrap_or(Date::MAX)
}

fn space_form(at: DateTime) -> String {
    let (date, time) = (at.date(), at.time());
    format!(
        "{date} {:02}:{:02}:{:02}",
        time.hour(),
        time.minute(),
        time.second()
    )
}

fn eastern(at: Millis) -> DateTime {
    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    let zone = ZONE.get_or_init(|| TimeZone::posix(EASTERN).unwrap_or(TimeZone::UTC));
    zone.to_datetime(timestamp(at))
}

fn utc(at: Millis) -> DateTime {
    TimeZone::UTC.to_datetime(timestamp(at))
}

fn timestamp(at: Millis) -> Timestamp {
    let millis = i64::try_from(at).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Millis {
        let at: Timestamp = text.parse().expect("a timestamp");
        at.as_millisecond() as Millis
    }

    #[test]
    fn eastern_follows_daylight_saving() {
        assert_eq!(
            eastern_stamp(millis("2026-07-01T18:42:04Z")),
            "2026-07-01 14:42:04"
        );
        assert_eq!(
            eastern_stamp(millis("2026-01-01T18:42:04Z")),
            "2026-01-01 13:42:04"
        );
    }

    #[test]
    fn november_says_one_hour_twice() {
        assert_eq!(
            eastern_stamp(millis("2026-11-01T05:30:00Z")),
            "2026-11-01 01:30:00"
        );
        assert_eq!(
            eastern_stamp(millis("2026-11-01T06:30:00Z")),
            "2026-11-01 01:30:00"
        );
    }

    #[test]
    fn march_skips_an_hour() {
        assert_eq!(
            eastern_stamp(millis("2026-03-08T06:59:59Z")),
            "2026-03-08 01:59:59"
        );
        assert_eq!(
            eastern_stamp(millis("2026-03-08T07:00:00Z")),
            "2026-03-08 03:00:00"
        );
    }

    #[test]
    fn days_differ_around_midnight() {
        let at = millis("2026-03-01T02:00:00Z");
        assert_eq!(eastern_day(at).to_string(), "2026-02-28");
        assert_eq!(utc_day(at).to_string(), "2026-03-01");
    }

    #[test]
    fn other_forms() {
        let at = millis("2026-03-01T02:03:04.567Z");
        assert_eq!(utc_stamp(at), "2026-03-01 02:03:04");
        assert_eq!(bare_stamp(at), "2026-03-01T02:03:04");
        assert_eq!(zulu_stamp(at), "2026-03-01T02:03:04Z");
    }

    #[test]
    fn only_whole_days_are_days() {
        assert!(parse_day("2026-02-28").is_some());
        for wrong in [
            "2026-02-30",
            "2026-2-3",
            "20260228",
            "2026-02-28T00:00:00",
            "",
        ] {
            assert!(parse_day(wrong).is_none(), "{wrong}");
        }
    }
}
