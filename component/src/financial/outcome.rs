//! What a translation comes to: an entry, nothing to post, or problems and where to fix them.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::entry::Entry;
use crate::contract::types::Problem;

/// The code of a document in order that moves nothing.
pub(crate) const NOTHING_TO_POST: &str = "nothing-to-post";

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
    /// Where the most serious of them can be fixed.
    pub fix_in: FixIn,
}

/// Where problems can be fixed, the more serious the later: whatever one problem needs, the
/// document needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FixIn {
    /// In the settings of this connection.
    Settings,
    /// Neither in our settings nor in SAP Concur: nobody there can change what is wrong.
    Nowhere,
    /// In SAP Concur, where a person can change what is wrong.
    Document,
}

impl FixIn {
    /// Where a problem with this code can be fixed. A code that is not listed is nobody's to fix:
    /// a document that is reported as failed has to be recalled, corrected and approved again by
    /// people, so that only what they can correct is worth it.
    pub(crate) fn of(code: &str) -> Self {
        match code {
            "account-unmapped"
            | "account-code-missing"
            | "category-unmapped"
            | "currency-unmapped"
            | "date-missing"
            | "not-a-date"
            | "project-unmapped"
            | "tax-unmapped"
            | "wage-type-unmapped" => Self::Settings,
            // Amounts, taxes and expense types are what a processor changes; wage types are set
            // up by the company.
            "unbalanced"
            | "reclaim-unclear"
            | "tax-unclear"
            | "expense-type-missing"
            | "wage-type-missing" => Self::Document,
            _ => Self::Nowhere,
        }
    }
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
            fix_in: FixIn::of(&problem.code),
            problems: vec![problem],
        }
    }
}
