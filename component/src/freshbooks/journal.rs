//! Journal entries on the wire, both generations
//! (source: freshbooks-journal-entries, freshbooks-sdks for the older).
//!
//! Neither can show, change or delete one entry, and neither can search: entries are found by
//! listing all of them.

mod new_endpoint;
mod read;
mod write;

pub(crate) use read::{
    JournalLine, JournalPage, journal_lines, read_journal_entry, read_journal_lines,
    read_new_journal_entry, read_new_journal_lines,
};
pub(crate) use write::create_journal_entry;
