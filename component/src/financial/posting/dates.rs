//! The day of a document.

use alloc::format;
use alloc::string::{String, ToString};

use jiff::civil::Date;

use super::Posting;
use crate::financial::Basis;
use crate::financial::wire::text;

impl Posting<'_> {
    /// The first day that can be read. A calendar day is never shifted by a time zone.
    pub(super) fn day(&mut self, basis: &Basis) -> String {
        let days = basis.dates.iter().filter_map(|raw| text(*raw));
        let day = days.filter_map(|text| day(&text)).next();
        day.unwrap_or_else(|| {
            let message = "the document has no date that can be read".to_string();
            self.report(format_args!("{}", basis.date_at), "date-missing", message);
            String::new()
        })
    }
}

/// `YYYY-MM-DD` out of that, of a date and time that begin with it, or of `MM/DD/YYYY`.
/// (Concur docs, financial documents: the schema and its examples differ.)
pub(super) fn day(text: &str) -> Option<String> {
    let american = |text: &str| {
        let (month, rest) = text.split_once('/')?;
        let (day, year) = rest.split_once('/')?;
        let year = year
            .get(..4)
            .filter(|_| !year[4..].starts_with(|next: char| next.is_ascii_digit()))?;
        Some(format!("{year}-{month:0>2}-{day:0>2}"))
    };
    let written = american(text).or_else(|| Some(text.get(..10)?.to_string()))?;
    let rest = text.get(10..).unwrap_or_default();
    let ends = rest.is_empty() || rest.starts_with(['T', ' ']);
    let date = written.parse::<Date>().ok().filter(|_| ends)?;
    Some(date.to_string())
}
