//! A balanced journal entry. How FreshBooks takes one is in `freshbooks::journal`.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use rust_decimal::Decimal;

use super::project_expense::ProjectExpense;
use crate::{marker, money};

/// A journal entry: its lines add up to zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What it says of the document, for people.
    pub description: String,
    /// The day of the document, `YYYY-MM-DD`.
    pub date: String,
    /// The currency of every amount, ISO 4217.
    pub currency: String,
    /// At least two; an account has one for each code, cost code and side.
    pub lines: Vec<Line>,
    /// What rows of projects become beside it; the lines offset them.
    pub expenses: Vec<ProjectExpense>,
}

/// One side of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// FreshBooks' sub-account id, or account UUID, as the settings name it.
    pub account: String,
    /// What SAP Concur calls it, for people: a code or a party, and a name.
    pub label: String,
    /// The cost centre or project of the amount.
    pub cost_code: Option<String>,
    /// A debit if positive, a credit if negative; never zero.
    pub amount: Decimal,
}

impl Line {
    /// The amount without its sign, and which side it is on.
    pub(crate) fn side(&self) -> (Decimal, bool) {
        (self.amount.abs(), self.amount.is_sign_positive())
    }
}

impl Entry {
    /// The entry that takes this one back: the same lines on the other side.
    #[must_use]
    pub(crate) fn reversed(&self) -> Self {
        let mut reversed = self.clone();
        for line in &mut reversed.lines {
            line.amount = -line.amount;
        }
        reversed
    }

    /// The entry with one line for each account and side: FreshBooks stores nothing that would tell
    /// more of them apart.
    #[must_use]
    pub(crate) fn merged(&self) -> Self {
        let mut places: BTreeMap<(&str, bool), usize> = BTreeMap::new();
        let mut lines: Vec<Line> = Vec::new();
        for line in &self.lines {
            let place = *places
                .entry((&line.account, line.side().1))
                .or_insert(lines.len());
            match lines.get_mut(place) {
                Some(same) => same.amount += line.amount,
                None => lines.push(line.clone()),
            }
        }
        Self {
            lines,
            ..self.clone()
        }
    }

    /// A hash of what FreshBooks stores of the amounts: the currency, the debits and credits of
    /// each account, and the expenses beside it. Description, day and the order of the lines do not
    /// count.
    #[must_use]
    pub(crate) fn content_hash(&self) -> String {
        let mut sums: BTreeMap<(&str, bool), Decimal> = BTreeMap::new();
        for line in &self.lines {
            let (amount, debit) = line.side();
            *sums.entry((&line.account, debit)).or_default() += amount;
        }
        let mut content = self.currency.clone();
        for ((account, debit), amount) in sums {
            let side = if debit { "DR" } else { "CR" };
            content.push_str(&format!("\n{account} {side} {}", money::plain(amount)));
        }
        for expense in &self.expenses {
            content.push_str(&format!("\nexpense {}", expense.content()));
        }
        marker::content_hash(content.as_bytes())
    }
}
