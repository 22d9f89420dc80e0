//! A schedule of days and times, for approvals that come in cycles.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;

use super::zone;
use crate::contract::types::{Duration, Instant};
use crate::settings::checks::Check;
use crate::settings::reader::Reader;

/// More times than this of one day are an interval.
const TIMES_MAX: usize = 48;
/// Every choice of days has one in so many days: the longest month, and what a time zone can add.
const DAYS_MAX: usize = 35;
/// A day in milliseconds.
const DAY: Duration = 86_400_000;

/// Days and times in a time zone. A time that the clocks skip is as much later as they are put
/// forward; of one that they show twice, the first counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Every day if empty.
    days: Vec<CalendarDay>,
    times: BTreeSet<Time>,
    zone: TimeZone,
}

/// A day of a week or of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CalendarDay {
    Of(Weekday),
    /// 1 to 31: in a month that is shorter, its last one.
    OfMonth(i8),
}

impl Calendar {
    /// Reads it; `zone` is the time zone where it names none.
    pub(super) fn read(table: &mut Reader, default_zone: &TimeZone) -> Self {
        let days = table.texts_or_numbers("days", |text| {
            day(text).map(drop).ok_or(
                "a weekday such as \"mon\", a day of the month from \"1\" to \"31\", or \"last\"",
            )
        });
        let times = table.texts("times", is_time);
        let count = times.len();
        if !(1..=TIMES_MAX).contains(&count) && !table.has_problems() {
            let message = "set `times`, 1 to 48 of them such as \"07:00\"";
            table.problem("missing", message.into());
        }
        Self {
            days: days.iter().filter_map(|text| day(text)).collect(),
            times: times.iter().filter_map(|text| time(text)).collect(),
            zone: zone::read(table, "zone", default_zone),
        }
    }

    /// The first of its instants that is later than `last`.
    pub(crate) fn next_after(&self, last: Instant) -> Instant {
        let after = i64::try_from(last)
            .ok()
            .and_then(|last| Timestamp::from_millisecond(last).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH);
        // A time that was skipped may have moved into the next day.
        let first = self.zone.to_datetime(after).date().yesterday().ok();
        let days = first
            .into_iter()
            .flat_map(|first| first.series(jiff::Span::new().days(1)));
        let days = days.take(DAYS_MAX).filter(|day| self.has(*day));
        let mut later = days.filter_map(|day| {
            let instants = self
                .times
                .iter()
                .filter_map(|time| self.instant(day, *time));
            instants.filter(|instant| *instant > last).min()
        });
        later.next().unwrap_or_else(|| last.saturating_add(DAY))
    }

    fn has(&self, date: Date) -> bool {
        let is_on = |day: &CalendarDay| match *day {
            CalendarDay::Of(weekday) => date.weekday() == weekday,
            CalendarDay::OfMonth(day) => date.day() == day.min(date.days_in_month()),
        };
        self.days.is_empty() || self.days.iter().any(is_on)
    }

    fn instant(&self, date: Date, time: Time) -> Option<Instant> {
        let local = self
            .zone
            .to_ambiguous_timestamp(DateTime::from_parts(date, time));
        Instant::try_from(local.compatible().ok()?.as_millisecond()).ok()
    }
}

fn day(text: &str) -> Option<CalendarDay> {
    const LAST: i8 = 31;
    let weekday = match text.to_ascii_lowercase().as_str() {
        "mon" => Weekday::Monday,
        "tue" => Weekday::Tuesday,
        "wed" => Weekday::Wednesday,
        "thu" => Weekday::Thursday,
        "fri" => Weekday::Friday,
        "sat" => Weekday::Saturday,
        "sun" => Weekday::Sunday,
        "last" => return Some(CalendarDay::OfMonth(LAST)),
        number => {
            let number = number.parse::<i8>().ok()?;
            return (1..=LAST)
                .contains(&number)
                .then_some(CalendarDay::OfMonth(number));
        }
    };
    Some(CalendarDay::Of(weekday))
}

fn is_time(text: &str) -> Check {
    time(text)
        .map(drop)
        .ok_or("a time of the day from \"00:00\" to \"23:59\"")
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |part: &str| -> Option<i8> {
        let is_pair = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        is_pair.then(|| part.parse().ok()).flatten()
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::{String, ToString};

    fn calendar(days: &str, times: &str, zone: &str) -> Calendar {
        let json = format!(r#"{{"days": {days}, "times": {times}, "zone": "{zone}"}}"#);
        let mut reader = Reader::new(&json).expect("is a table");
        let calendar = Calendar::read(&mut reader, &TimeZone::UTC);
        assert_eq!(reader.finish(), []);
        calendar
    }

    fn instant(text: &str) -> Instant {
        let timestamp: Timestamp = text.parse().expect("is an instant");
        Instant::try_from(timestamp.as_millisecond()).expect("is after 1970")
    }

    /// The next instants, one after the other.
    fn next(calendar: &Calendar, from: &str, count: usize) -> Vec<String> {
        let mut last = instant(from);
        let mut found = Vec::new();
        for _ in 0..count {
            last = calendar.next_after(last);
            let milliseconds = i64::try_from(last).expect("is small");
            let timestamp = Timestamp::from_millisecond(milliseconds).expect("is in range");
            found.push(timestamp.to_string());
        }
        found
    }

    #[test]
    fn weekdays_come_at_their_local_time() {
        let cycle = calendar(r#"["mon", "Thu"]"#, r#"["07:00"]"#, "America/Toronto");
        // A Friday; the clocks go forward on 8 March.
        assert_eq!(
            next(&cycle, "2026-03-06T12:00:00Z", 3),
            [
                "2026-03-09T11:00:00Z",
                "2026-03-12T11:00:00Z",
                "2026-03-16T11:00:00Z"
            ]
        );
        // A start at that very instant is not due again.
        assert_eq!(
            next(&cycle, "2026-03-05T12:00:00Z", 1),
            ["2026-03-09T11:00:00Z"]
        );
        assert_eq!(
            next(&cycle, "2026-03-05T11:59:59.999Z", 1),
            ["2026-03-05T12:00:00Z"]
        );
    }

    #[test]
    fn days_of_a_month_that_is_shorter_are_its_last() {
        let cycle = calendar(r#"[15, "last"]"#, r#"["18:30", "06:00"]"#, "UTC");
        assert_eq!(
            next(&cycle, "2026-02-15T06:00:00Z", 4),
            [
                "2026-02-15T18:30:00Z",
                "2026-02-28T06:00:00Z",
                "2026-02-28T18:30:00Z",
                "2026-03-15T06:00:00Z"
            ]
        );
        let thirtieth = calendar(r#"["30"]"#, r#"["06:00"]"#, "UTC");
        assert_eq!(
            next(&thirtieth, "2026-02-01T00:00:00Z", 2),
            ["2026-02-28T06:00:00Z", "2026-03-30T06:00:00Z"]
        );
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_later_and_not_lost() {
        let night = calendar("[]", r#"["02:30"]"#, "America/Toronto");
        assert_eq!(
            next(&night, "2026-03-07T08:00:00Z", 2),
            ["2026-03-08T07:30:00Z", "2026-03-09T06:30:00Z"]
        );
        // Skipped and the next one meet: once, not twice.
        let both = calendar("[]", r#"["02:30", "03:30"]"#, "America/Toronto");
        assert_eq!(
            next(&both, "2026-03-08T05:00:00Z", 2),
            ["2026-03-08T07:30:00Z", "2026-03-09T06:30:00Z"]
        );
    }

    #[test]
    fn a_time_that_the_clocks_show_twice_comes_once() {
        let night = calendar("[]", r#"["01:30"]"#, "America/Toronto");
        assert_eq!(
            next(&night, "2026-11-01T00:00:00Z", 2),
            ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]
        );
        let berlin = calendar(r#"["sun"]"#, r#"["02:00"]"#, "Europe/Berlin");
        assert_eq!(
            next(&berlin, "2026-10-24T00:00:00Z", 2),
            ["2026-10-25T00:00:00Z", "2026-11-01T01:00:00Z"]
        );
    }

    #[test]
    fn what_is_no_schedule_is_said() {
        for (json, pointer) in [
            (r#"{"days": ["monday"], "times": ["07:00"]}"#, "/days/0"),
            (r#"{"days": ["0"], "times": ["07:00"]}"#, "/days/0"),
            (r#"{"days": [32], "times": ["07:00"]}"#, "/days/0"),
            (r#"{"times": ["7:00"]}"#, "/times/0"),
            (r#"{"times": ["24:00"]}"#, "/times/0"),
            (r#"{"times": []}"#, ""),
            (r#"{"days": ["mon"]}"#, ""),
            (r#"{"times": ["07:00"], "zone": "Toronto"}"#, "/zone"),
        ] {
            let mut reader = Reader::new(json).expect("is a table");
            Calendar::read(&mut reader, &TimeZone::UTC);
            let problems = reader.finish();
            let pointers: Vec<_> = problems.iter().map(|one| one.pointer.as_str()).collect();
            assert_eq!(pointers, [pointer], "{json}");
        }
    }
}
