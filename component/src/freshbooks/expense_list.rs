//! Lists of expenses by their own dates, with whatever a list shows of each.

use alloc::format;
use alloc::vec::Vec;

use jiff::civil::Date;

use super::dated_documents::date_filter;
use super::envelope::{page_count, result_members};
use super::expense::Expense;
use super::requests::{PAGE_ROWS_MAX, accounting_path, get};
use crate::contract::http::{Request, Response};
use crate::error_bodies::{self, Unread};
use crate::lax_json::rows;

/// A page of a list of expenses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ExpensePage {
    pub(crate) expenses: Vec<Expense>,
    pub(crate) pages: u64,
}

/// A page of the live expenses with a date of their own from `from` to `to`, both included
/// (source: freshbooks-expenses).
pub(crate) fn list_dated_expenses(
    account_id: &str,
    page: u32,
    from: Date,
    to: Option<Date>,
) -> Request {
    let path = accounting_path(account_id, "expenses/expenses");
    let dates = date_filter(from, to);
    get(format!(
        "{path}?page={page}&per_page={PAGE_ROWS_MAX}{dates}"
    ))
}

/// Reads a page of expenses with all that it shows.
pub(crate) fn read_dated_expenses(response: &Response) -> Result<ExpensePage, Unread> {
    let members = result_members(error_bodies::text(response)?, response)?;
    let Some(rows) = members.get("expenses").and_then(rows) else {
        let why = "the answer has no list `expenses`";
        return Err(Unread::Garbled(why.into()));
    };
    let expenses = rows.into_iter().map(Expense::read);
    Ok(ExpensePage {
        expenses: expenses.collect::<Result<_, _>>()?,
        pages: page_count(&members),
    })
}
