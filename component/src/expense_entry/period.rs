//! What a report is for: an employee's expenses of a month or a week.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jiff::civil::{Date, ISOWeekDate, Weekday};

use crate::settings::expense::Period;

/// A report of an employee and period: the first, or a later one where an earlier one was
/// submitted. As an object's id it is such as `1/2026-02/1` or `1/2026-W07/2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportKey {
    /// The number of the member of staff in FreshBooks.
    pub(crate) staff: String,
    /// Such as `2026-02` or `2026-W07`.
    pub(crate) period: String,
    /// From 1.
    pub(crate) number: u32,
}

impl ReportKey {
    /// The key of an id.
    pub(crate) fn from_id(id: &str) -> Option<Self> {
        let parts: Vec<&str> = id.split('/').collect();
        let [staff, period, number] = parts.as_slice() else {
            return None;
        };
        days_of(period)?;
        let number = number.parse().ok().filter(|number| *number > 0)?;
        Some(Self {
            staff: Some(staff.to_string()).filter(|staff| !staff.is_empty())?,
            period: period.to_string(),
            number,
        })
    }

    /// Its id.
    pub(crate) fn to_id(&self) -> String {
        format!("{}/{}/{}", self.staff, self.period, self.number)
    }
}

/// The period of a day, `YYYY-MM-DD`; nothing if it is none.
pub(crate) fn period_of(day: &str, period: Period) -> Option<String> {
    let day: Date = day.parse().ok()?;
    Some(match period {
        Period::Month => format!("{:04}-{:02}", day.year(), day.month()),
        Period::Week => {
            let week = day.iso_week_date();
            format!("{:04}-W{:02}", week.year(), week.week())
        }
    })
}

/// The first and last day of a period, `YYYY-MM-DD`; nothing if it is none.
pub(crate) fn days_of(period: &str) -> Option<[String; 2]> {
    let (year, rest) = period.split_once('-')?;
    let year: i16 = year.parse().ok()?;
    let [first, last] = match rest.strip_prefix('W') {
        Some(week) => {
            let first = ISOWeekDate::new(year, week.parse().ok()?, Weekday::Monday).ok()?;
            let last = ISOWeekDate::new(year, week.parse().ok()?, Weekday::Sunday).ok()?;
            [first.date(), last.date()]
        }
        None => {
            let first = Date::new(year, rest.parse().ok()?, 1).ok()?;
            [first, first.last_of_month()]
        }
    };
    Some([first.to_string(), last.to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_year_s_end_is_in_the_next_year_s_week() {
        assert_eq!(
            period_of("2026-12-31", Period::Month).as_deref(),
            Some("2026-12")
        );
        assert_eq!(
            period_of("2024-12-31", Period::Week).as_deref(),
            Some("2025-W01")
        );
        assert_eq!(
            days_of("2024-02"),
            Some(["2024-02-01".into(), "2024-02-29".into()])
        );
        assert_eq!(
            days_of("2025-W01"),
            Some(["2024-12-30".into(), "2025-01-05".into()])
        );
    }

    #[test]
    fn what_is_no_key_is_said() {
        for id in [
            "",
            "1",
            "1/2026-02",
            "1/2026-13/1",
            "/2026-02/1",
            "1/2026-02/0",
            "1/x/1",
        ] {
            assert_eq!(ReportKey::from_id(id), None, "{id}");
        }
    }

    proptest! {
        #[test]
        fn every_day_is_in_its_period(days in 0_i32..40_000, week in any::<bool>()) {
            let start = Date::new(2000, 1, 1).expect("is a day");
            let day = start.checked_add(jiff::Span::new().days(days)).expect("is a day");
            let day = day.to_string();
            let kind = if week { Period::Week } else { Period::Month };
            let period = period_of(&day, kind).expect("is a day");
            let [first, last] = days_of(&period).expect("is a period");
            prop_assert!(first <= day && day <= last);
            let key = ReportKey { staff: "1".into(), period, number: 3 };
            prop_assert_eq!(ReportKey::from_id(&key.to_id()), Some(key));
        }
    }
}
