//! The dates of a document, in every spelling that SAP Concur has for them
//! (source: concur-financial-schema, concur-financial-samples; the schema and its examples differ).
//!
//! Some fields hold a calendar day, others a moment, and both may be written with a time and a `Z`.
//! A day is never shifted by a time zone: it is written as midnight, of UTC in the samples of 2019
//! and of US Pacific time in those of 2016. A moment is a day only in a time zone.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use serde::de::{Deserialize, Deserializer};

use super::scalars::Code;

/// What stands where a date is expected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum When<'a> {
    /// Nothing.
    #[default]
    Missing,
    /// A text that is no date.
    Unreadable(Cow<'a, str>),
    /// A calendar day.
    Day(Date),
    /// A point in time.
    Moment(Timestamp),
}

impl<'a> When<'a> {
    /// The calendar day in a time zone; nothing if there is none.
    ///
    /// # Errors
    ///
    /// What stands there, if it cannot be read.
    pub(crate) fn day_in(&self, zone: &TimeZone) -> Result<Option<Date>, &Cow<'a, str>> {
        match self {
            Self::Missing => Ok(None),
            Self::Unreadable(text) => Err(text),
            Self::Day(day) => Ok(Some(*day)),
            Self::Moment(moment) => Ok(Some(zone.to_datetime(*moment).date())),
        }
    }

    fn read(code: Code<'a>, with_time: impl FnOnce(Date, Timestamp) -> Self) -> Self {
        let Some(text) = code.text() else {
            return Self::Missing;
        };
        match Spelled::read(&text) {
            None => Self::Unreadable(text),
            Some(Spelled { day, moment: None }) => Self::Day(day),
            Some(Spelled {
                day,
                moment: Some(moment),
            }) => with_time(day, moment),
        }
    }
}

/// A field that holds a calendar day.
#[derive(Debug, Clone, Default)]
pub(crate) struct Day<'a>(When<'a>);

impl<'a> Day<'a> {
    /// Never a moment.
    pub(crate) fn when(&self) -> When<'a> {
        self.0.clone()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Day<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = Code::deserialize(deserializer)?;
        Ok(Self(When::read(code, |written, moment| {
            When::Day(day_of_midnight(moment).unwrap_or(written))
        })))
    }
}

/// A field that holds a moment, unless only its day is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moment<'a>(When<'a>);

impl<'a> Moment<'a> {
    /// A moment, or a day where nothing else is written.
    pub(crate) fn when(&self) -> When<'a> {
        self.0.clone()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Moment<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = Code::deserialize(deserializer)?;
        Ok(Self(When::read(code, |_, moment| When::Moment(moment))))
    }
}

/// The day whose midnight, somewhere, a moment is: the nearest one by UTC. Nothing where the moment
/// is no midnight of any time zone, all of which are whole quarters of an hour from UTC. The few
/// islands that are more than twelve hours ahead would be a day behind; SAP has no datacenter
/// there.
fn day_of_midnight(moment: Timestamp) -> Option<Date> {
    const NOON_HOUR: i8 = 12;
    let written = Offset::UTC.to_datetime(moment);
    let is_quarter = written.minute() % 15 == 0 && written.second() == 0;
    if !is_quarter || written.subsec_nanosecond() != 0 {
        return None;
    }
    let is_west = (written.hour(), written.minute()) <= (NOON_HOUR, 0);
    let day = written.date();
    if is_west {
        Some(day)
    } else {
        day.tomorrow().ok()
    }
}

/// A date as it is written.
struct Spelled {
    day: Date,
    /// Where a time and its distance from UTC are written too.
    moment: Option<Timestamp>,
}

impl Spelled {
    /// Reads `YYYY-MM-DD`, `YYYY/MM/DD`, `MM/DD/YYYY` and `YYYYMMDD`, each with or without a time
    /// after `T` or a space, and the time with or without a zone.
    fn read(text: &str) -> Option<Self> {
        let at = text.find(['T', 't', ' ']).unwrap_or(text.len());
        let (day, rest) = text.split_at_checked(at)?;
        let day = day_of(day)?;
        let time = rest.get(1..).unwrap_or_default().trim();
        if time.is_empty() {
            return Some(Self { day, moment: None });
        }
        let iso = format!("{day}T{time}");
        if let Ok(moment) = iso.parse::<Timestamp>() {
            return Some(Self {
                day,
                moment: Some(moment),
            });
        }
        let is_local = iso.parse::<DateTime>().is_ok() || is_half_day_clock(time);
        is_local.then_some(Self { day, moment: None })
    }
}

/// Whether a time is written as `1:05:00 PM`; its day is all that counts.
fn is_half_day_clock(time: &str) -> bool {
    let Some((clock, half)) = time.split_once(' ') else {
        return false;
    };
    let is_half = half.eq_ignore_ascii_case("AM") || half.eq_ignore_ascii_case("PM");
    is_half
        && clock
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b':')
}

fn day_of(text: &str) -> Option<Date> {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if text.len() == 8 && is_digits(text) {
        return text.parse().ok();
    }
    let Some((first, rest)) = text.split_once('/') else {
        return text
            .parse()
            .ok()
            .filter(|day: &Date| day.to_string() == text);
    };
    let (second, third) = rest.split_once('/')?;
    if ![first, second, third].into_iter().all(is_digits) {
        return None;
    }
    let (year, month, day) = match (first.len(), third.len()) {
        (4, _) => (first, second, third),
        (_, 4) => (third, first, second),
        _ => return None,
    };
    let written: String = format!("{year}-{month:0>2}-{day:0>2}");
    written.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn day(text: &str) -> Option<String> {
        let json = serde_json::to_string(text).expect("is text");
        let day: Day = serde_json::from_str(&json).expect("is read");
        match day.when() {
            When::Day(day) => Some(day.to_string()),
            When::Unreadable(_) => None,
            other => panic!("is no day: {other:?}"),
        }
    }

    fn moment(text: &str, zone: &str) -> String {
        let json = serde_json::to_string(text).expect("is text");
        let moment: Moment = serde_json::from_str(&json).expect("is read");
        let zone = TimeZone::get(zone).expect("is a zone");
        let when = moment.when();
        let day = when.day_in(&zone).expect("is read").expect("is there");
        day.to_string()
    }

    #[test]
    fn every_spelling_of_a_day_is_read() {
        for written in [
            "2026-02-27",
            "2026/02/27",
            "2026/2/27",
            "02/27/2026",
            "2/27/2026",
            "20260227",
            "2026-02-27T00:00:00.000Z",
            "2026-02-27T00:00:00Z",
            "2026-02-27T00:00:00",
            "2026-02-27 00:00:00.0",
            "02/27/2026 12:00:00 AM",
            "2026/02/27 00:00:00",
            "2026-02-27T23:59:59.999Z",
            "2026-02-27T00:00:00+02:00",
            "2026-02-27T00:00:00-0500",
        ] {
            assert_eq!(day(written).as_deref(), Some("2026-02-27"), "{written}");
        }
    }

    #[test]
    fn a_day_that_is_written_as_midnight_of_any_zone_is_that_day() {
        // US Pacific in summer and winter, as SAP's samples of 2016 have it; Central Europe.
        for written in [
            "2016-09-30T07:00:00.000Z",
            "2016-09-30T08:00:00.000Z",
            "2016-09-29T22:00:00.000Z",
            "2016-09-29T23:00:00.000Z",
            "2016-09-29T18:30:00.000Z",
        ] {
            assert_eq!(day(written).as_deref(), Some("2016-09-30"), "{written}");
        }
    }

    #[test]
    fn what_is_no_date_is_not_guessed() {
        for written in [
            "27/02/2026",
            "2026-02-30",
            "2026/02/30",
            "lately",
            "2026-02-271",
            "02/27/20261",
            "2/27/26",
            "2026-2-27",
            "202602271",
            "2026-02-27Tlately",
            "2026-02-27 25:00:00",
            "27.02.2026",
            "1772409600000",
        ] {
            assert_eq!(day(written), None, "{written}");
        }
    }

    #[test]
    fn a_moment_is_a_day_in_a_time_zone() {
        let processed = "2026-04-01T03:30:00.000Z";
        for (zone, expected) in [
            ("UTC", "2026-04-01"),
            ("America/Toronto", "2026-03-31"),
            ("Asia/Tokyo", "2026-04-01"),
        ] {
            assert_eq!(moment(processed, zone), expected, "{zone}");
        }
        assert_eq!(moment("2026-03-31T20:00:00Z", "Asia/Tokyo"), "2026-04-01");
        // A day in a field of moments has no zone to be shifted by.
        assert_eq!(moment("2026-04-01", "America/Toronto"), "2026-04-01");
        // The hour before and after the clocks go back in Toronto on 1 November 2026.
        assert_eq!(
            moment("2026-11-01T03:59:00Z", "America/Toronto"),
            "2026-10-31"
        );
        assert_eq!(
            moment("2026-11-02T04:59:00Z", "America/Toronto"),
            "2026-11-01"
        );
    }
}
