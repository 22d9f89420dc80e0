//! Whether a report holds nothing but our entries: linked both ways, seen as they were written, and
//! still what FreshBooks says. Never by amount or marker alone.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::concur::ExpenseEntry;
use crate::contract::runs::{Link, ObjectStatus};
use crate::contract::types::{ObjectRef, System};
use crate::expense_entry::CURRENCY;
use crate::flow::{EarlyEnd, Flow, remote_refused};
use crate::flows::employees::Employee;
use crate::flows::expenses::{EXPENSE_ENTRY, entries_of};
use crate::freshbooks;

/// Objects that are looked up at once; a host takes a thousand.
const OBJECTS_MAX: usize = 500;

/// The entries of a report, each of which is ours.
pub(super) async fn require_own_entries(
    flow: &Flow,
    employee: &Employee,
    report_id: &str,
) -> Result<Vec<ExpenseEntry>, EarlyEnd> {
    let entries = entries_of(flow, &employee.login, report_id).await?;
    for chunk in entries.chunks(OBJECTS_MAX) {
        let sources = require_sources(flow, report_id, chunk).await?;
        let expenses = flow.find(sources).await;
        for (entry, expense) in chunk.iter().zip(expenses) {
            check_settled(flow, report_id, entry, &expense)?;
            check_same_as_booked(flow, report_id, entry, &expense.object).await?;
        }
    }
    Ok(entries)
}

/// The same entries once more, just before a write.
pub(super) async fn entries_again(
    flow: &Flow,
    employee: &Employee,
    report_id: &str,
    before: &[ExpenseEntry],
) -> Result<(), EarlyEnd> {
    if entries_of(flow, &employee.login, report_id).await? == before {
        return Ok(());
    }
    let message = format!("report {report_id} has changed while it was looked at");
    let remedy = "nothing: it is looked at again by itself";
    Err(flow.parked_for_now("entry-unsettled", message, remedy))
}

/// The expenses that the entries came from, in their order.
async fn require_sources(
    flow: &Flow,
    report_id: &str,
    entries: &[ExpenseEntry],
) -> Result<Vec<ObjectRef>, EarlyEnd> {
    let objects = entries
        .iter()
        .map(|entry| ObjectRef::concur(EXPENSE_ENTRY, entry.id.clone()));
    let statuses = if entries.is_empty() {
        Vec::new()
    } else {
        flow.find(objects.collect()).await
    };
    let pairs = entries.iter().zip(statuses);
    let sources = pairs.map(|(entry, status)| {
        let link = status.link.map(|link| link.target);
        link.ok_or_else(|| foreign(flow, report_id, entry))
    });
    sources.collect()
}

fn foreign(flow: &Flow, report_id: &str, entry: &ExpenseEntry) -> EarlyEnd {
    let amount = entry.amount.map(|amount| amount.normalize().to_string());
    let message = format!(
        "report {report_id} has an entry that did not come from FreshBooks: {}, {} {}",
        entry.id,
        amount.unwrap_or_default(),
        entry.text(CURRENCY)
    );
    let remedy = "have its employee submit the report, or move the entry to another one; it is \
                  looked at again by itself";
    flow.parked_for_now("foreign-entry", message, remedy)
}

/// Its expense is linked to this very entry, which has shown what was written into it, and no run
/// is about to change it.
fn check_settled(
    flow: &Flow,
    report_id: &str,
    entry: &ExpenseEntry,
    expense: &ObjectStatus,
) -> Result<(), EarlyEnd> {
    let is_seen = |link: &Link| link.target.id == entry.id && link.content_hash.is_some();
    if expense.link.as_ref().is_some_and(is_seen) && !expense.active {
        return Ok(());
    }
    let message = format!(
        "report {report_id} has entry {} of expense {}, which is not carried over for good yet",
        entry.id, expense.object.id
    );
    let remedy = "see what the run of that expense waits for; it is looked at again by itself";
    Err(flow.parked_for_now("entry-unsettled", message, remedy))
}

async fn check_same_as_booked(
    flow: &Flow,
    report_id: &str,
    entry: &ExpenseEntry,
    expense: &ObjectRef,
) -> Result<(), EarlyEnd> {
    let account_id = &flow.settings.freshbooks.account_id;
    let request = freshbooks::get_expense(account_id, &expense.id);
    let booked = match flow.read(request, freshbooks::read_expense).await? {
        Ok(booked) => Some(booked).filter(|booked| !booked.deleted),
        Err(refusal) if refusal.is_missing() => None,
        Err(refusal) => {
            let what = format!("to show expense {}", expense.id);
            return Err(remote_refused(flow, System::Freshbooks, &what, &refusal));
        }
    };
    let is_same = |booked: &freshbooks::Expense| {
        entry.amount == Some(booked.amount) && entry.text(CURRENCY) == booked.currency
    };
    if booked.as_ref().is_some_and(is_same) {
        return Ok(());
    }
    let in_freshbooks = match booked {
        Some(booked) => format!("{} {}", booked.amount, booked.currency),
        None => "not there any more".to_string(),
    };
    Err(differs(flow, report_id, entry, &in_freshbooks))
}

fn differs(flow: &Flow, report_id: &str, entry: &ExpenseEntry, in_freshbooks: &str) -> EarlyEnd {
    let amount: Option<String> = entry.amount.map(|amount| amount.normalize().to_string());
    let message = format!(
        "entry {} of report {report_id} is {} {} in SAP Concur, and its expense is {in_freshbooks} \
         in FreshBooks",
        entry.id,
        amount.unwrap_or_default(),
        entry.text(CURRENCY)
    );
    let remedy = "make both say the same; it is looked at again by itself";
    flow.parked_for_now("own-expense-differs", message, remedy)
}
