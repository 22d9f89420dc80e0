//! Entries of a report that are expenses which we brought to SAP Concur: FreshBooks has booked
//! them, so they stay out of the journal entry, and the confirmation names them beside it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::confirming::Confirmed;
use super::run::FinancialRun;
use crate::concur::DocumentType;
use crate::contract::runs::{Change, Changes, Ending};
use crate::contract::types::{ObjectRef, System};
use crate::financial::{self, LeftOut, NOTHING_TO_POST, PaidBy, ReportEntry, Translated};
use crate::flow::{EarlyEnd, remote_refused, unchanged};
use crate::freshbooks::{self, Expense};
use crate::money;
use crate::remedy::{Replay, after_settings};
use crate::settings::financial::OwnExpenses;

/// Entries that are looked up at once, by two objects each; a host takes a thousand.
const ENTRIES_MAX: usize = 500;

/// An entry of a document that came from FreshBooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnExpense {
    pub(super) entry: ReportEntry,
    /// The expense in FreshBooks.
    pub(super) expense: ObjectRef,
}

impl FinancialRun<'_> {
    /// The entries of the document that are ours by the link of their id, and that the company has
    /// paid. What the employee is reimbursed is posted like any other: the settings have said so.
    pub(super) async fn own_expenses(&self) -> &[OwnExpense] {
        if let Some(known) = self.own_expenses.get() {
            return known;
        }
        let found = self.find_own_expenses().await;
        self.own_expenses.get_or_init(|| found)
    }

    async fn find_own_expenses(&self) -> Vec<OwnExpense> {
        let policy = self.flow.settings.financial.own_expenses;
        if self.kind != DocumentType::Expense || policy == OwnExpenses::Post {
            return Vec::new();
        }
        // What cannot be read is said by the translation.
        let entries = financial::report_entries(&self.row.document).unwrap_or_default();
        let mut own = Vec::new();
        for chunk in entries.chunks(ENTRIES_MAX) {
            let objects = chunk.iter().flat_map(ReportEntry::objects).collect();
            let statuses = self.flow.find(objects).await;
            for (entry, statuses) in chunk.iter().zip(statuses.chunks_exact(2)) {
                let links = statuses.iter().filter_map(|status| status.link.as_ref());
                let expense = links.map(|link| link.target.clone()).next();
                own.extend(expense.map(|expense| OwnExpense {
                    entry: entry.clone(),
                    expense,
                }));
            }
        }
        own.retain(|own| own.entry.paid_by != PaidBy::Employee);
        own
    }

    /// Checks that FreshBooks has booked each of them as the document has it: else what is posted
    /// and what is booked do not come to the document's total.
    pub(super) async fn check_own_expenses(&self, own: &[OwnExpense]) -> Result<(), EarlyEnd> {
        for OwnExpense { entry, expense } in own {
            if entry.paid_by == PaidBy::Unclear {
                let message = "it is not the company alone that has paid it".to_string();
                return Err(self.own_expense_differs(expense, &message));
            }
            if let Some(why) = difference(entry, self.booked(expense).await?.as_ref()) {
                return Err(self.own_expense_differs(expense, &why));
            }
        }
        Ok(())
    }

    /// The expense as FreshBooks has it; none if it is not there any more.
    pub(super) async fn booked(&self, expense: &ObjectRef) -> Result<Option<Expense>, EarlyEnd> {
        let account_id = &self.flow.settings.freshbooks.account_id;
        let request = freshbooks::get_expense(account_id, &expense.id);
        match self.flow.read(request, freshbooks::read_expense).await? {
            Ok(booked) => Ok(Some(booked).filter(|booked| !booked.deleted)),
            Err(refusal) if refusal.is_missing() => Ok(None),
            Err(refusal) => {
                let what = format!("to show expense {}", expense.id);
                Err(remote_refused(
                    self.flow,
                    System::Freshbooks,
                    &what,
                    &refusal,
                ))
            }
        }
    }

    fn own_expense_differs(&self, expense: &ObjectRef, why: &str) -> EarlyEnd {
        let message = format!(
            "an entry of it came from FreshBooks as expense {}, and {why}",
            expense.id
        );
        self.failure(
            "own-expense-differs",
            message,
            after_settings(
                "make FreshBooks and SAP Concur say the same of it, or set \
                 `financial.own_expenses = \"post\"` and take the expense out of FreshBooks",
                Replay::Run,
            ),
        )
    }

    /// Whether the document holds nothing but expenses of ours.
    pub(super) async fn is_all_own(&self) -> bool {
        let own = self.own_expenses().await;
        let (kind, document) = (self.kind, &self.row.document);
        let settings = &self.flow.settings;
        let rest = financial::translate_with_head(kind, document, settings, &left_out(own));
        !own.is_empty() && matches!(rest, Ok((Translated::NotPosted { .. }, _)))
    }

    /// Confirms a document that holds nothing but expenses of ours. What an earlier document of its
    /// source has posted does not stand any more.
    pub(super) async fn confirm_own_expenses(&self) -> Result<Ending, EarlyEnd> {
        let own = self.own_expenses().await;
        let Some(first) = own.first() else {
            return Ok(unchanged(NOTHING_TO_POST, "it has no amounts".to_string()));
        };
        let date = self.date_again();
        if let Some(link) = &self.own.link {
            self.undo_link(link, &date).await?;
            self.flow
                .save(Changes {
                    links: Vec::new(),
                    unlinks: vec![self.flow.task.object.clone()],
                    tasks: Vec::new(),
                })
                .await;
        }
        if self.confirm(&numbers(&expenses_of(own)), &date).await? == Confirmed::Recalled {
            let message = "it was recalled in SAP Concur".to_string();
            return Ok(unchanged("recalled", message));
        }
        let message = format!(
            "it holds nothing but {} of FreshBooks: confirmed, and not posted again",
            listed(&expenses_of(own))
        );
        Ok(self.confirmed(&first.expense, Change::Adopted, message))
    }
}

/// The ids of their entries.
pub(super) fn left_out(own: &[OwnExpense]) -> LeftOut {
    own.iter().map(|own| own.entry.id.clone()).collect()
}

/// They in FreshBooks.
pub(super) fn expenses_of(own: &[OwnExpense]) -> Vec<ObjectRef> {
    own.iter().map(|own| own.expense.clone()).collect()
}

/// What confirmations call expenses.
pub(super) fn numbers(expenses: &[ObjectRef]) -> Vec<String> {
    let expenses = expenses.iter();
    expenses
        .map(|expense| format!("expense-{}", expense.id))
        .collect()
}

/// Expenses for people: such as `expenses 7, 8`.
pub(super) fn listed(expenses: &[ObjectRef]) -> String {
    const SHOWN_MAX: usize = 10;
    let ids: Vec<&str> = expenses
        .iter()
        .take(SHOWN_MAX)
        .map(|expense| expense.id.as_str())
        .collect();
    let noun = if expenses.len() == 1 {
        "expense"
    } else {
        "expenses"
    };
    let more = expenses.len().saturating_sub(SHOWN_MAX);
    match more {
        0 => format!("{noun} {}", ids.join(", ")),
        more => format!("{noun} {} and {more} more", ids.join(", ")),
    }
}

/// Where the document and FreshBooks do not agree; none if they do.
fn difference(entry: &ReportEntry, booked: Option<&Expense>) -> Option<String> {
    let Some(booked) = booked else {
        return Some("FreshBooks does not have it any more".to_string());
    };
    let shown = |amount, currency: &str| {
        let decimals = money::minor_units(currency).unwrap_or(money::WRITTEN_DECIMALS);
        format!("{} {currency}", money::wire(amount, decimals))
    };
    let there = (booked.amount, booked.currency.clone());
    let gross = entry.gross.map(|gross| (gross, entry.currency.clone()));
    // Converted amounts cannot be compared; what was spent can.
    let of_report = gross.filter(|(_, currency)| *currency == there.1);
    let stated = [entry.spent.clone(), of_report];
    let mut different = stated
        .into_iter()
        .flatten()
        .filter(|stated| *stated != there);
    let (amount, currency) = different.next()?;
    Some(format!(
        "it is {} in SAP Concur and {} in FreshBooks",
        shown(amount, &currency),
        shown(there.0, &there.1)
    ))
}
