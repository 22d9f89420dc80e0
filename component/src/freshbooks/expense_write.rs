//! Expenses that we make of a document's rows: their body, and the calls that make, list and delete
//! them (source: freshbooks-expenses, freshbooks-active-deleted).
//!
//! The marker stands in the notes, with the number of the row behind it: all expenses of a document
//! are found by one look at the list.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::json;

use super::envelope::{page_count, result_member, result_rows};
use super::expense::{Expense, expense_id};
use super::requests::{PAGE_ROWS_MAX, accounting_path, get, segment, with_body};
use crate::contract::http::{BodyPart, Method, Request, Response};
use crate::contract::types::ObjectRef;
use crate::error_bodies::{self, Unread};
use crate::financial::ProjectExpense;
use crate::money;
use crate::settings::Settings;
use crate::text::shortened;

/// The resource's path in the accounting family.
const RESOURCE: &str = "expenses/expenses";

/// The longest text before the marker in the notes. FreshBooks documents no bound; 255 is the
/// smallest that a text column usually has.
const WORDS_CHARS_MAX: usize = 215;

/// An expense of the list, as far as the one that made it needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedExpense {
    /// FreshBooks' id of it.
    pub(crate) id: String,
    /// What people and we wrote about it; empty for nothing.
    pub(crate) notes: String,
}

/// A page of expenses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExpensePage {
    pub(crate) expenses: Vec<ListedExpense>,
    pub(crate) pages: u64,
}

/// What an expense has of its document.
pub(crate) struct OfDocument<'a> {
    /// The currency, ISO 4217.
    pub(crate) currency: &'a str,
    /// The day of its entry, `YYYY-MM-DD`.
    pub(crate) date: &'a str,
    /// What the document is, for people.
    pub(crate) description: &'a str,
    /// The marker of the document's expenses.
    pub(crate) marker: &'a str,
}

/// An expense as an object.
pub(crate) fn expense_object(id: &str) -> ObjectRef {
    ObjectRef::freshbooks("expense", id)
}

/// The end of the notes of a row's expense.
pub(crate) fn row_mark(marker: &str, row: usize) -> String {
    format!("{marker}/{row}")
}

/// Creates the expense of a row. No tax is written: what is reclaimed stays in the journal entry,
/// and nothing is published of the account that FreshBooks books taxes of expenses to.
pub(crate) fn create_expense(
    settings: &Settings,
    expense: &ProjectExpense,
    of: &OfDocument,
) -> Request {
    let path = accounting_path(&settings.freshbooks.account_id, RESOURCE);
    let body = expense_body(settings, expense, of);
    with_body(Method::Post, path, vec![BodyPart::Text(body)])
}

/// The body that creates it, as JSON.
pub(crate) fn expense_body(
    settings: &Settings,
    expense: &ProjectExpense,
    of: &OfDocument,
) -> String {
    let policy = &settings.financial.project_expenses;
    let number = |id: &str| id.parse::<u64>().unwrap_or_default();
    let digits = money::minor_units(of.currency).unwrap_or(money::WRITTEN_DECIMALS);
    let words = shortened(
        &format!("{}: {}", expense.label, of.description),
        WORDS_CHARS_MAX,
    );
    let mut body = json!({
        "amount": {"amount": money::wire(expense.amount, digits), "code": of.currency},
        "categoryid": number(&expense.category),
        "staffid": number(&policy.staff),
        "date": of.date,
        "notes": format!("{words} {}", row_mark(of.marker, expense.row)),
        "billable": expense.billable,
    });
    body[policy.project_field.member()] = json!(number(&expense.project));
    if let Some(client) = &expense.client {
        body["clientid"] = json!(number(client));
    }
    json!({ "expense": body }).to_string()
}

/// A page of the expenses that are not deleted. Page 1 is the first. No filter by day: a person may
/// have changed the day of one.
pub(crate) fn list_expenses(account_id: &str, page: u32) -> Request {
    let path = accounting_path(account_id, RESOURCE);
    get(format!("{path}?page={page}&per_page={PAGE_ROWS_MAX}"))
}

/// Deletes an expense. It stays readable by its id.
pub(crate) fn delete_expense(account_id: &str, id: &str) -> Request {
    let path = accounting_path(account_id, RESOURCE);
    let body = json!({"expense": {"vis_state": 1}}).to_string();
    let path = format!("{path}/{}", segment(id));
    with_body(Method::Put, path, vec![BodyPart::Text(body)])
}

/// Reads the expense that was created, as an object.
pub(crate) fn read_created_expense(response: &Response) -> Result<ObjectRef, Unread> {
    let text = error_bodies::text(response)?;
    let expense = Expense::read(result_member(text, "expense", response)?)?;
    match expense.id.as_str() {
        "" => Err(Unread::Garbled("the answer names no expense".to_string())),
        id => Ok(expense_object(id)),
    }
}

/// Reads the answer to a deletion: it must show the expense as deleted.
pub(crate) fn read_deleted_expense(response: &Response) -> Result<(), Unread> {
    let text = error_bodies::text(response)?;
    let expense = Expense::read(result_member(text, "expense", response)?)?;
    if expense.deleted {
        return Ok(());
    }
    let why = format!("FreshBooks still shows expense {}", expense.id);
    Err(Unread::Garbled(why))
}

/// Reads a page of expenses; one without an id, or that is deleted, is left out.
pub(crate) fn read_expenses(response: &Response) -> Result<ExpensePage, Unread> {
    let (rows, members) = result_rows(response, "expenses")?;
    let listed = rows.iter().filter_map(|row| {
        let is_deleted = row.text("vis_state").as_deref() == Some("1");
        let id = expense_id(row).filter(|_| !is_deleted)?;
        let notes = row.text("notes").unwrap_or_default();
        Some(ListedExpense { id, notes })
    });
    Ok(ExpensePage {
        expenses: listed.collect(),
        pages: page_count(&members),
    })
}
