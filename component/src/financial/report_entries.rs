//! The entries of an expense document, as far as it takes to know those that came from FreshBooks.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use rust_decimal::Decimal;

use super::account::{EMPLOYEE, Party};
use crate::concur::document_schema::{ExpenseDocument, ExpenseEntry, Row};
use crate::contract::types::{ObjectRef, Problem};

/// Ids of entries that stay out of a journal entry.
pub(crate) type LeftOut = BTreeSet<String>;

/// An entry of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportEntry {
    /// Its id, as the document writes it.
    pub(crate) id: String,
    /// Who paid.
    pub(crate) paid_by: PaidBy,
    /// What was spent, in the currency that it was spent in; none where the document lacks it.
    pub(crate) spent: Option<(Decimal, String)>,
    /// What its rows come to, in the currency of the report; none where one cannot be read.
    pub(crate) gross: Option<Decimal>,
    /// The currency of the report.
    pub(crate) currency: String,
}

impl ReportEntry {
    /// What it may be linked as: by its id as it stands there, or in capitals, since nothing is
    /// said of the case of v4 ids.
    pub(crate) fn objects(&self) -> [ObjectRef; 2] {
        let ids = [self.id.clone(), self.id.to_ascii_uppercase()];
        ids.map(|id| ObjectRef::concur("expense-entry", id))
    }
}

/// Who paid for an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaidBy {
    /// The company, with a card or otherwise.
    Company,
    /// The employee, who is reimbursed.
    Employee,
    /// Both, as with personal items on a card of the company; or it cannot be read.
    Unclear,
}

/// The entries of an expense document that have an id.
///
/// # Errors
///
/// If the document cannot be read.
pub(crate) fn report_entries(document: &str) -> Result<Vec<ReportEntry>, Problem> {
    let text = super::inner(document)?;
    let document: ExpenseDocument = super::parse(&text)?;
    let currency = document.report.currency.text().unwrap_or_default();
    let entries = document.entries.0.iter();
    let read = entries.filter_map(|entry| {
        Some(ReportEntry {
            id: entry.id.text()?.into_owned(),
            paid_by: paid_by(entry),
            spent: entry
                .spent
                .number()
                .zip(entry.currency.text().map(|code| code.to_ascii_uppercase())),
            gross: rows(entry).map(|row| row.gross.number()).sum(),
            currency: currency.to_ascii_uppercase(),
        })
    });
    Ok(read.collect())
}

/// Whether an entry stays out.
pub(super) fn is_left_out(entry: &ExpenseEntry, left_out: &LeftOut) -> bool {
    !left_out.is_empty() && entry.id.text().is_some_and(|id| left_out.contains(&*id))
}

fn paid_by(entry: &ExpenseEntry) -> PaidBy {
    let parties = rows(entry).map(|row| Party::other_than_company(&row.payer, &row.payee));
    let is_employee = parties.map(|party| party.map(|party| party == EMPLOYEE));
    let seen: BTreeSet<Option<bool>> = is_employee.collect();
    match seen.into_iter().collect::<Vec<_>>().as_slice() {
        [Some(true)] => PaidBy::Employee,
        [Some(false)] => PaidBy::Company,
        _ => PaidBy::Unclear,
    }
}

fn rows<'e, 'a>(entry: &'e ExpenseEntry<'a>) -> impl Iterator<Item = &'e Row<'a>> {
    let allocations = entry.allocations.0.iter();
    allocations.flat_map(|allocation| allocation.rows.0.iter())
}
