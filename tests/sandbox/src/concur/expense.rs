//! Expense: reports and their entries, from creation to approval, and quick expenses.
//!
//! v3 writes entries (`entries`), v4 writes reports (`reports`) and reads both; a report that is
//! approved becomes a financial document (`documents`). `schema` holds the bodies as published.

mod comments;
pub(crate) mod config;
mod configuration;
mod custom_fields;
mod documents;
mod entries;
mod entry_body;
mod entry_view;
mod expenses;
mod group_configurations;
mod inspect;
mod quick_expenses;
mod report;
mod report_lists;
mod report_view;
mod reports;
mod routes;
mod schema;
#[cfg(test)]
mod tests;
mod user_actions;
mod v4;
mod workflow;

pub use inspect::{EntryRecord, QuickExpenseRecord, ReportRecord};
pub use user_actions::EntryByHand;

pub(crate) use v4::PREFIXES;

use std::collections::{BTreeMap, VecDeque};

use quick_expenses::QuickExpense;
use report::Report;

use crate::http::Millis;
use crate::random::Random;

/// Everything that Expense holds.
#[derive(Debug)]
pub(crate) struct Expense {
    random: Random,
    reports: Vec<Report>,
    by_id: BTreeMap<String, usize>,
    /// The report of an entry, by the entry's v3 id.
    by_entry: BTreeMap<String, usize>,
    /// What an `idempotency-id` led to.
    creations: BTreeMap<String, Creation>,
    quick: Vec<QuickExpense>,
    /// When users created quick expenses within the last five minutes.
    quick_calls: BTreeMap<String, VecDeque<Millis>>,
}

/// A report that was created under an `idempotency-id`.
#[derive(Debug)]
struct Creation {
    at: Millis,
    uri: String,
}

impl Expense {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed, "concur/expense"),
            reports: Vec::new(),
            by_id: BTreeMap::new(),
            by_entry: BTreeMap::new(),
            creations: BTreeMap::new(),
            quick: Vec::new(),
            quick_calls: BTreeMap::new(),
        }
    }

    /// The report of that id; deleted ones are gone.
    fn report(&self, id: &str) -> Option<&Report> {
        let report = self.reports.get(*self.by_id.get(id)?)?;
        (!report.deleted).then_some(report)
    }

    /// The same, to be changed.
    fn report_mut(&mut self, id: &str) -> Option<&mut Report> {
        let report = self.reports.get_mut(*self.by_id.get(id)?)?;
        (!report.deleted).then_some(report)
    }

    /// The report that has the entry with that v3 id, and the place of the entry in it.
    fn entry_place(&self, id: &str) -> Option<(usize, usize)> {
        let at = *self.by_entry.get(id)?;
        let report = self.reports.get(at).filter(|report| !report.deleted)?;
        let entry = report.entries.iter().position(|entry| entry.id == id)?;
        Some((at, entry))
    }

    fn add_report(&mut self, report: Report) {
        self.by_id.insert(report.id.clone(), self.reports.len());
        self.reports.push(report);
    }

    fn upper_hex(&mut self, length: usize) -> String {
        self.random.hex(length).to_uppercase()
    }
}
