//! What a translation comes to: an entry, nothing to post, or problems and where to fix them.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::entry::Entry;
use crate::contract::types::Problem;

/// What a financial document becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Translated {
    /// The journal entry that it becomes.
    Entry(Entry),
    /// It is in order and becomes none.
    NotPosted {
        /// Why, stable: `test-document`, `payroll-acknowledged` or `nothing-to-post`.
        code: &'static str,
        /// Why, as a message for people.
        message: String,
    },
}

/// Why a document becomes no entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Untranslatable {
    /// Every problem found, with its pointer into the document; never empty.
    pub problems: Vec<Problem>,
    /// Who can fix them all.
    pub fix_in: FixIn,
}

/// Where problems can be fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FixIn {
    /// All of them in our settings.
    Settings,
    /// At least one only in SAP Concur.
    Document,
}

pub(super) fn problem(pointer: &str, code: &str, message: String) -> Problem {
    Problem {
        pointer: pointer.to_string(),
        code: code.to_string(),
        message,
    }
}

impl From<Problem> for Untranslatable {
    fn from(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
            fix_in: FixIn::Document,
        }
    }
}
