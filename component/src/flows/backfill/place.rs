//! Where a back-fill stands, as the ids of its objects say.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use jiff::civil::Date;

use crate::contract::types::ObjectRef;
use crate::freshbooks::{Listed, Row};

/// The kind of a back-fill's objects.
const BACKFILL: &str = "backfill";

/// Which documents a back-fill is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) kind: Listed,
    pub(super) from: Date,
    /// The last day; none where there is no end.
    pub(super) to: Option<Date>,
}

/// What a run of a back-fill does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Begins, or goes on where it stands.
    Start,
    /// Stops it before the next documents.
    Cancel,
    /// Does a page of a pass over the list; both count from 1.
    Page { pass: u32, page: u32 },
}

impl Step {
    /// The page that a back-fill begins with.
    pub(super) const FIRST: Self = Self::Page { pass: 1, page: 1 };
}

impl Range {
    /// The object of a step of this back-fill.
    pub(super) fn object(self, step: Step) -> ObjectRef {
        let Self { kind, from, to } = self;
        let to = to.map(|to| format!("{to}")).unwrap_or_default();
        let head = format!("{}/{from}..{to}", kind.name());
        let id = match step {
            Step::Start => head,
            Step::Cancel => format!("{head}/cancel"),
            Step::Page { pass, page } => format!("{head}/{pass}/{page}"),
        };
        ObjectRef::freshbooks(BACKFILL, id)
    }

    /// Whether a document is in it. One whose date cannot be read is: its run says so.
    pub(super) fn contains(self, row: &Row) -> bool {
        row.issued.is_none_or(|issued| {
            issued >= self.from && self.to.is_none_or(|last_day| issued <= last_day)
        })
    }

    /// Its days in a sentence.
    pub(super) fn days(self) -> String {
        match self.to {
            Some(to) => format!("dated from {} to {to}", self.from),
            None => format!("dated from {} on", self.from),
        }
    }
}

/// The back-fill and the step that an object's id names; none if it names none.
pub(super) fn read(id: &str) -> Option<(Range, Step)> {
    let parts: Vec<&str> = id.split('/').collect();
    let (kind, days, step) = match parts.as_slice() {
        [kind, days] => (kind, days, Step::Start),
        [kind, days, "cancel"] => (kind, days, Step::Cancel),
        [kind, days, pass, page] => {
            let (pass, page) = (pass.parse().ok()?, page.parse().ok()?);
            (kind, days, Step::Page { pass, page })
        }
        _ => return None,
    };
    let (from, to) = days.split_once("..")?;
    let range = Range {
        kind: Listed::named(kind)?,
        from: from.parse().ok()?,
        to: match to {
            "" => None,
            to => Some(to.parse().ok()?),
        },
    };
    // One back-fill has one id, however its days may be written.
    (range.object(step).id == id && range.to.is_none_or(|to| range.from <= to))
        .then_some((range, step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_places_are_the_same() {
        for id in [
            "invoice/2026-01-01..2026-06-30",
            "bill/2026-01-01..",
            "invoice/2026-01-01..2026-01-01/cancel",
            "bill/2025-12-31../2/17",
            "expense/2025-12-31../1/3",
        ] {
            let (range, step) = read(id).expect("is a place");
            assert_eq!(range.object(step).id, id);
        }
    }

    #[test]
    fn what_is_no_place_is_said() {
        for id in [
            "",
            "invoice",
            "client/2026-01-01..",
            "invoice/2026-01-01",
            "invoice/2026-1-1..",
            "invoice/2026-02-30..",
            "invoice/20260101..",
            "invoice/2026-02-01..2026-01-31",
            "invoice/2026-01-01../cancel/1",
            "invoice/2026-01-01../x/1",
            "invoice/2026-01-01../+1/1",
        ] {
            assert_eq!(read(id), None, "{id}");
        }
    }
}
