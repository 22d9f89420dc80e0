//! The entries of all reports: a page of reports, then the entries of each, and so on.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::super::cursor::PAGES_MAX;
use super::target_row;
use crate::concur;
use crate::contract::http::{Request, Response};
use crate::contract::reconciliation::{Page, Period};
use crate::contract::types::Note;
use crate::reconciliation::{Unanswered, answered, note};
use crate::settings::Settings;

/// Where the list stands, as a cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// Pages of reports that were read.
    pages: u32,
    /// The offset of the next page of reports; none for the first page, or after the last one.
    reports: Option<String>,
    /// Reports of the last page whose entries are still to be read, by login and id.
    open: VecDeque<(String, String)>,
    /// Pages that were read of the first of them.
    entry_pages: u32,
    /// The offset of the next one.
    entries: Option<String>,
}

impl Place {
    fn read(cursor: Option<&str>) -> Option<Self> {
        match cursor {
            None => Some(Self::default()),
            Some(text) => serde_json::from_str(text).ok(),
        }
    }

    /// The cursor of this place; none at the end.
    fn to_cursor(&self) -> Option<String> {
        let is_end = self.open.is_empty() && self.reports.is_none();
        if is_end {
            return None;
        }
        serde_json::to_string(self).ok()
    }
}

pub(super) fn list_request(cursor: Option<&str>) -> Option<Request> {
    let place = Place::read(cursor)?;
    Some(match place.open.front() {
        None => concur::list_reports(place.reports.as_deref()),
        Some((login, id)) => concur::list_entries(login, id, place.entries.as_deref()),
    })
}

pub(super) fn read_list(
    settings: &Settings,
    period: &Period,
    cursor: Option<&str>,
    answer: &Response,
) -> Result<Page, Note> {
    let Some(place) = Place::read(cursor) else {
        return Err(note("unknown-cursor", "this page was not asked for".into()));
    };
    match place.open.is_empty() {
        true => read_reports(period, place, answer),
        false => read_entries(settings, place, answer),
    }
}

fn read_reports(period: &Period, mut place: Place, answer: &Response) -> Result<Page, Note> {
    let listed = answered(answer, concur::read_reports).map_err(|why| match why {
        Unanswered::Unreadable(why) => why,
        Unanswered::Missing => note("refused", "SAP Concur has no list of reports".into()),
    })?;
    place.pages = place.pages.saturating_add(1);
    // A cursor that repeats would go round for ever.
    let next = listed
        .next
        .filter(|next| place.reports.as_ref() != Some(next));
    let is_cut = next.is_some() && place.pages >= PAGES_MAX;
    place.reports = next.filter(|_| !is_cut);
    let may_hold = listed.reports.into_iter();
    let may_hold = may_hold.filter(|report| may_hold_any(period, report.modified.as_deref()));
    place.open = may_hold.map(|report| (report.login, report.id)).collect();
    let cut = is_cut.then(|| {
        let message = format!(
            "SAP Concur lists more than {PAGES_MAX} pages of reports; those beyond were not read"
        );
        note("list-too-long", message)
    });
    Ok(Page {
        rows: Default::default(),
        next: place.to_cursor(),
        cut,
    })
}

/// Whether a report may hold entries of these days: none is typed before its day. A day is left for
/// the time zones.
fn may_hold_any(period: &Period, modified: Option<&str>) -> bool {
    let day = |text: &str| text.parse::<Date>().ok();
    let modified = modified.and_then(day);
    let first = day(&period.from).and_then(|first| first.yesterday().ok());
    modified
        .zip(first)
        .is_none_or(|(modified, first)| modified >= first)
}

fn read_entries(settings: &Settings, mut place: Place, answer: &Response) -> Result<Page, Note> {
    let listed = match answered(answer, concur::read_entries) {
        Ok(listed) => Some(listed),
        // The report has gone since.
        Err(Unanswered::Missing) => None,
        Err(Unanswered::Unreadable(why)) => return Err(why),
    };
    let (entries, next) = listed.map_or_else(Default::default, |page| (page.entries, page.next));
    place.entry_pages = place.entry_pages.saturating_add(1);
    let next = next.filter(|next| place.entries.as_ref() != Some(next));
    let is_cut = next.is_some() && place.entry_pages >= PAGES_MAX;
    place.entries = next.filter(|_| !is_cut);
    let cut = is_cut.then(|| {
        let message = format!(
            "a report has more than {PAGES_MAX} pages of entries; those beyond were not read"
        );
        note("list-too-long", message)
    });
    if place.entries.is_none() {
        place.open.pop_front();
        place.entry_pages = 0;
    }
    let rows = entries.iter();
    Ok(Page {
        rows: rows.map(|entry| target_row(settings, entry)).collect(),
        next: place.to_cursor(),
        cut,
    })
}
