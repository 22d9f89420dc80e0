//! Makes the expenses of one document, one after the other, each at most once.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use rust_decimal::Decimal;

use super::{Found, find_marked};
use crate::contract::runs::{Conflict, Link};
use crate::contract::types::{ObjectRef, System};
use crate::financial::{Entry, ProjectExpense};
use crate::flow::{EARLIER, EarlyEnd, LookUp, remote_refused};
use crate::flows::financial_document::run::FinancialRun;
use crate::freshbooks::{self, Expense, OfDocument};
use crate::money;

/// Rows that are looked up at once; a host takes a thousand.
const ROWS_MAX: usize = 500;
/// The kind of a row of a version of a document.
const ROW_KIND: &str = "project-expense-row";

/// Makes the expenses of one document.
pub(super) struct Maker<'a> {
    pub(super) run: &'a FinancialRun<'a>,
    pub(super) entry: &'a Entry,
    pub(super) of: OfDocument<'a>,
    /// Whether the next one may have been made already.
    pub(super) doubt: Cell<bool>,
    /// What the last look-up has shown.
    pub(super) found: RefCell<Found>,
}

impl Maker<'_> {
    /// Makes those that are not there, and checks all. In the order of the rows.
    pub(super) async fn make_all(&self) -> Result<Vec<ObjectRef>, EarlyEnd> {
        let mut made = Vec::new();
        for rows in self.entry.expenses.chunks(ROWS_MAX) {
            let objects = rows.iter().map(|row| self.row_object(row.row)).collect();
            let statuses = self.run.flow.find(objects).await;
            for (row, status) in rows.iter().zip(statuses) {
                made.push(match status.link {
                    Some(link) => link.target,
                    None => self.make(row).await?,
                });
            }
        }
        for (row, expense) in self.entry.expenses.iter().zip(&made) {
            self.check(row, expense).await?;
        }
        Ok(made)
    }

    /// Makes the expense of a row, or finds it, and links it both ways: its webhook may arrive any
    /// time.
    async fn make(&self, row: &ProjectExpense) -> Result<ObjectRef, EarlyEnd> {
        let expense = match self.found_already(row.row)? {
            Some(expense) => expense,
            None => self.write(row).await?,
        };
        self.doubt.set(false);
        let run = self.run;
        let link = |source: ObjectRef, target: ObjectRef| Link {
            source,
            target,
            version: Some(run.version.clone()),
            content_hash: None,
        };
        let of_row = link(self.row_object(row.row), expense.clone());
        let of_expense = link(expense.clone(), run.flow.task.object.clone());
        run.flow.save_links([of_row, of_expense].into()).await;
        Ok(expense)
    }

    async fn write(&self, row: &ProjectExpense) -> Result<ObjectRef, EarlyEnd> {
        let flow = self.run.flow;
        // Expenses are made one after the other, so that only the first that is not linked can be
        // what an earlier run was never answered about.
        if self.doubt.get() && self.run.linked().is_some() && self.run.is_left_unknown() {
            self.look(self.of.marker).await?;
            let found = self.found_already(row.row)?;
            return found.ok_or_else(|| EarlyEnd::park(flow.ambiguous(EARLIER)));
        }
        let look_up = async || {
            if self.doubt.replace(true) {
                self.look(self.of.marker).await?;
                if let Some(found) = self.found_already(row.row)? {
                    return Ok(LookUp::Found(found));
                }
            }
            let request = freshbooks::create_expense(&flow.settings, row, &self.of);
            Ok(LookUp::Missing(request))
        };
        let intent = flow.settings.financial.ambiguity;
        let reader = freshbooks::read_created_expense;
        match flow.write(intent, reader, look_up).await? {
            Ok(written) => Ok(written.record),
            Err(refusal) => Err(remote_refused(
                flow,
                System::Freshbooks,
                "the expense of a row",
                &refusal,
            )),
        }
    }

    async fn look(&self, marker: &str) -> Result<(), EarlyEnd> {
        let found = find_marked(self.run.flow, marker).await?;
        self.found.replace(found);
        Ok(())
    }

    /// The expense of a row that the last look-up has shown.
    fn found_already(&self, row: usize) -> Result<Option<ObjectRef>, EarlyEnd> {
        let found = self.found.borrow();
        match found.get(&row).map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([id]) => Ok(Some(freshbooks::expense_object(id))),
            Some(ids) => Err(conflict(self.of.marker, row, ids)),
        }
    }

    /// Reads an expense and compares it with what was wanted: what FreshBooks works out otherwise
    /// is not confirmed.
    async fn check(&self, row: &ProjectExpense, made: &ObjectRef) -> Result<(), EarlyEnd> {
        let why = match self.run.booked(made).await? {
            None => "FreshBooks does not have it any more".to_string(),
            Some(shown) => match self.difference(row, &shown) {
                Some(why) => why,
                None => return Ok(()),
            },
        };
        let message = format!("expense {} of one of its rows differs: {why}", made.id);
        let remedy = "correct that expense in FreshBooks, then `ml-connector replay RUN`";
        Err(self.run.failure("project-expense-differs", message, remedy))
    }

    fn difference(&self, row: &ProjectExpense, shown: &Expense) -> Option<String> {
        let digits = money::minor_units(self.of.currency).unwrap_or(money::WRITTEN_DECIMALS);
        let amount = |amount, code: &str| format!("{} {code}", money::wire(amount, digits));
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let wanted = [
            ("amount", amount(row.amount, self.of.currency)),
            ("tax", amount(Decimal::ZERO, self.of.currency)),
            ("date", self.of.date.to_string()),
            ("category", row.category.clone()),
            ("project", row.project.clone()),
            ("client", text(&row.client)),
        ];
        let there = [
            amount(shown.amount, &shown.currency),
            amount(shown.tax, self.of.currency),
            text(&shown.date),
            text(&shown.category),
            text(&shown.project),
            text(&shown.client),
        ];
        let mut pairs = wanted.into_iter().zip(there);
        let ((name, wanted), there) = pairs.find(|((_, wanted), there)| wanted != there)?;
        Some(format!("{name} \"{there}\" instead of \"{wanted}\""))
    }

    fn row_object(&self, row: usize) -> ObjectRef {
        ObjectRef::concur(ROW_KIND, format!("{}/{row}", self.run.version))
    }
}

fn conflict(marker: &str, row: usize, ids: &[String]) -> EarlyEnd {
    EarlyEnd::Conflict(Conflict {
        targets: ids
            .iter()
            .map(|id| freshbooks::expense_object(id))
            .collect(),
        message: format!(
            "{} expenses carry our marker {}: {}",
            ids.len(),
            freshbooks::row_mark(marker, row),
            ids.join(", ")
        ),
        remedy: "they are one row twice: keep one, delete the others in FreshBooks, then \
                 `ml-connector replay RUN`"
            .to_string(),
    })
}
