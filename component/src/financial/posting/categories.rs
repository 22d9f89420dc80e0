//! What bills need of a posting: expense categories instead of accounts, and its head.

use alloc::format;
use alloc::string::String;
use core::fmt::Arguments;

use super::{Posting, SHOWN_CHARS_MAX};
use crate::financial::outcome::Untranslatable;
use crate::text::shortened;

/// What a bill has of its document as a whole.
pub(in crate::financial) struct BillHead {
    /// The day of the document, `YYYY-MM-DD`.
    pub(in crate::financial) date: String,
    /// The currency of every amount, ISO 4217.
    pub(in crate::financial) currency: String,
}

impl<'a> Posting<'a> {
    /// The expense category of a row: by account code and cost code, by account code alone, or by
    /// expense type for a row without an account code.
    pub(in crate::financial) fn category(
        &mut self,
        at: Arguments,
        code: Option<&str>,
        expense_type: Option<&str>,
        cost_code: Option<&str>,
    ) -> Option<&'a str> {
        let categories = &self.settings.financial.bills.categories;
        let Some(key) = code.or(expense_type) else {
            let message = "the row has neither an account code nor an expense type; give it an \
                           expense type in SAP Concur";
            self.report(at, "expense-type-missing", message.into());
            return None;
        };
        let exact = cost_code.and_then(|cost_code| categories.get(&format!("{key}/{cost_code}")));
        let found = exact.or_else(|| categories.get(key));
        if found.is_none() {
            let noun = if code.is_some() {
                "account code"
            } else {
                "expense type"
            };
            let message = format!(
                "{noun} \"{}\" has no FreshBooks expense category; add it to \
                 `financial.bills.categories`",
                shortened(key, SHOWN_CHARS_MAX)
            );
            self.report_missing(at, "category-unmapped", message);
        }
        found.map(String::as_str)
    }

    /// The head of the bill, or everything that is wrong with the document.
    pub(in crate::financial) fn finish_bill(self) -> Result<BillHead, Untranslatable> {
        if self.problems.is_empty() {
            return Ok(BillHead {
                date: self.date,
                currency: self.currency.into_owned(),
            });
        }
        Err(Untranslatable {
            problems: self.problems,
            fix_in: self.fix_in,
        })
    }

    /// Whether anything was found wrong so far.
    pub(in crate::financial) fn has_problems(&self) -> bool {
        !self.problems.is_empty()
    }
}
