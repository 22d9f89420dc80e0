//! Where the reading of several lists stands, one after the other: `invoice/3`.

use alloc::format;
use alloc::string::String;

use super::note;
use crate::contract::types::Note;

/// Pages that are read of a list, of 100 rows each.
pub(super) const PAGES_MAX: u32 = 500;

/// A page of a list of records of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor<'k> {
    /// The kind of the records in the list.
    pub(super) kind: &'k str,
    /// Its page, from 1.
    pub(super) page: u32,
}

impl<'k> Cursor<'k> {
    /// The cursor in a text; without a text the first page of the first list. Nothing for a text
    /// that none of these lists has made.
    pub(super) fn read(text: Option<&str>, kinds: &[&'k str]) -> Option<Self> {
        let Some(text) = text else {
            let kind = kinds.first()?;
            return Some(Self { kind, page: 1 });
        };
        let (name, page) = text.split_once('/')?;
        let kind = kinds.iter().find(|kind| **kind == name)?;
        let page = page.parse().ok()?;
        Some(Self { kind, page })
    }

    /// The next page of this list, else the first of the next list; nothing at the end.
    pub(super) fn next(self, is_last_page: bool, kinds: &[&'k str]) -> Option<String> {
        if !is_last_page {
            return Some(format!("{}/{}", self.kind, self.page.saturating_add(1)));
        }
        let at = kinds.iter().position(|kind| *kind == self.kind)?;
        let next = kinds.get(at.saturating_add(1))?;
        Some(format!("{next}/1"))
    }

    /// What follows in lists of FreshBooks of which this one has so many pages, and why this list
    /// goes no further, if it does not; `listed` is what is in it, in the plural.
    pub(super) fn next_of_pages(
        self,
        pages: u64,
        kinds: &[&'k str],
        listed: &str,
    ) -> (Option<String>, Option<Note>) {
        let is_last = u64::from(self.page) >= pages;
        let is_cut = !is_last && self.page >= PAGES_MAX;
        let cut = is_cut.then(|| {
            let message = format!(
                "FreshBooks lists more than {PAGES_MAX} pages of {listed}; those beyond were not \
                 read"
            );
            note("list-too-long", message)
        });
        (self.next(is_last || is_cut, kinds), cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_cursor_walks_through_every_page_of_every_list() {
        let kinds = ["invoice", "bill"];
        let mut cursor = Cursor::read(None, &kinds).expect("is the first");
        let mut seen = vec![format!("{}/{}", cursor.kind, cursor.page)];
        while let Some(next) = cursor.next(cursor.page == 2, &kinds) {
            cursor = Cursor::read(Some(&next), &kinds).expect("was made here");
            seen.push(next);
        }
        assert_eq!(seen, ["invoice/1", "invoice/2", "bill/1", "bill/2"]);
        for text in ["", "invoice", "client/1", "bill/x"] {
            assert_eq!(Cursor::read(Some(text), &kinds), None, "{text}");
        }
        assert_eq!(Cursor::read(None, &[]), None);
    }
}
