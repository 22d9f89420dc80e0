//! Expenses become expense entries on their employee's report: created, changed while the report
//! is open, and taken out with it.

mod cut_over;
mod entry_run;
mod look_up;
mod quick;
mod removal;

use alloc::format;
use alloc::string::{String, ToString};

use cut_over::Found;
use entry_run::{EntryRun, form_of};
pub(super) use look_up::entries_of;
use quick::{quick_expense_of, sync_quick_expense};
use removal::withdraw;

use super::documents::cut_over::is_dated_before;
use super::{ambiguity, change_stamp, employees, from_concur, reference};
use crate::contract::runs::{Ending, Link, ObjectStatus, StartReason};
use crate::contract::types::System;
use crate::expense_entry::{self, expense_type_of, names_categories, period::period_of};
use crate::flow::{EarlyEnd, Flow, cannot_translate, remote_refused, unchanged};
use crate::freshbooks::{self, Expense};
use crate::marker;
use crate::remedy::{Replay, after_settings};
use crate::settings::expense::{BankImported, ExpenseForm};

/// The kind of what an expense becomes.
pub(super) const EXPENSE_ENTRY: &str = "expense-entry";

/// Reads the expense, and creates or changes its entry if its content is not there yet.
pub(super) async fn sync_expense(flow: &Flow) -> Result<Ending, EarlyEnd> {
    let own = flow.find_own().await;
    let ended = read_and_sync(flow, &own).await;
    let is_new = entry_of(&own).or(quick_expense_of(&own)).is_none();
    let intent = flow.settings.expense.ambiguity;
    match ambiguity::ambiguous_since(flow, &own, intent, is_new) {
        Some(since) => ambiguity::stay_ambiguous(flow, since, ended),
        None => ended,
    }
}

/// The link to the entry; none while the expense is linked to nothing, or to the report that may
/// hold an entry of it.
fn entry_of(own: &ObjectStatus) -> Option<&Link> {
    let link = own.link.as_ref();
    link.filter(|link| link.target.kind == EXPENSE_ENTRY)
}

async fn read_and_sync(flow: &Flow, own: &ObjectStatus) -> Result<Ending, EarlyEnd> {
    if !flow.settings.expense.enabled {
        let message = "the settings do not carry over expenses".to_string();
        return Ok(unchanged("not-enabled", message));
    }
    let id = &flow.task.object.id;
    let request = freshbooks::get_expense(&flow.settings.freshbooks.account_id, id);
    let expense = match flow.read(request, freshbooks::read_expense).await? {
        Ok(expense) => expense,
        Err(refusal) if refusal.is_missing() => {
            if let Some(ended) = from_concur::by_link(own) {
                return Ok(ended);
            }
            return withdraw(flow, own, None, "is not there").await;
        }
        Err(refusal) => {
            return Err(remote_refused(
                flow,
                System::Freshbooks,
                "to show it",
                &refusal,
            ));
        }
    };
    if !expense.id.is_empty() && expense.id != *id {
        return Err(other_expense(flow, &expense));
    }
    flow.note_version(&change_stamp::mark_if_fresh(&expense.version, flow.now()));
    flow.note_facts(expense.facts());
    let notes = expense.notes.as_deref();
    if let Some(ended) = from_concur::by_link(own).or_else(|| from_concur::by_notes(notes)) {
        return Ok(ended);
    }
    if expense.deleted {
        return withdraw(flow, own, expense.staff.as_deref(), "was deleted").await;
    }
    let date = expense.date.as_deref().and_then(|date| date.parse().ok());
    if own.link.is_none() && is_dated_before(flow, date) {
        return match cut_over::look_up(flow, &expense).await? {
            Found::Ours(id) => sync_content(flow, &expense, own, Some(id)).await,
            Found::Ended(ended) => Ok(ended),
        };
    }
    match imported(flow, own, &expense) {
        Some(ended) => ended,
        None => sync_content(flow, &expense, own, None).await,
    }
}

/// Brings the expense to its entry; to `ours`, if that was found to be it.
async fn sync_content(
    flow: &Flow,
    expense: &Expense,
    own: &ObjectStatus,
    ours: Option<String>,
) -> Result<Ending, EarlyEnd> {
    let category = category_name(flow, expense).await?;
    let marker = flow.marker(EXPENSE_ENTRY);
    let has_field = flow.settings.expense.project_field.is_some();
    let named = expense.project.iter().filter(|_| has_field);
    let projects = reference::project_codes(flow, named).await;
    let category = category.as_deref();
    let translated =
        expense_entry::translate(expense, &flow.settings, &projects, category, &marker)
            .map_err(|problems| cannot_translate(flow, "expense", problems))?;
    let is_quick = flow.settings.expense.form == ExpenseForm::QuickExpense;
    if is_quick || quick_expense_of(own).is_some() {
        return sync_quick_expense(flow, own, expense, &translated).await;
    }
    let staff = expense.staff.clone().unwrap_or_default();
    let content = format!("{staff} {}", translated.to_create(""));
    let hash = marker::content_hash(content.as_bytes());
    if let Some(link) = entry_of(own).filter(|link| link.content_hash.as_ref() == Some(&hash)) {
        let message = format!("its content is already there as {}", link.target.id);
        return Ok(unchanged("same-content", message));
    }
    let date = expense.date.as_deref().unwrap_or_default();
    let period = period_of(date, flow.settings.expense.report.period);
    let run = EntryRun {
        flow,
        expense,
        form: form_of(flow, &translated),
        employee: employees::require_employee(flow, &staff).await?,
        translated,
        staff,
        period: period.unwrap_or_default(),
        marker,
        hash,
        report: core::cell::RefCell::default(),
    };
    match (entry_of(own), ours) {
        (Some(link), _) => run.update(own, link).await,
        (None, Some(ours)) => run.adopt(ours).await,
        (None, None) => run.create(own).await,
    }
}

/// What is done with an expense that may have been imported and was not carried over; nothing if
/// it is treated like any other. A person who replays it has looked at it.
fn imported(
    flow: &Flow,
    own: &ObjectStatus,
    expense: &Expense,
) -> Option<Result<Ending, EarlyEnd>> {
    if !expense.imported || own.link.is_some() {
        return None;
    }
    const CODE: &str = "bank-imported";
    match flow.settings.expense.bank_imported {
        BankImported::Send => None,
        BankImported::Ask if flow.task.reason == StartReason::Replay => None,
        BankImported::Leave => {
            let message = "it may have been imported from a bank, and the settings leave it";
            Some(Ok(unchanged(CODE, message.to_string())))
        }
        BankImported::Ask => {
            let message = "it may have been imported from a bank, so that SAP Concur may have it \
                           already or reimburse it"
                .to_string();
            let change = "if this one is to go to SAP Concur, change nothing; for all of them, set \
                          `expense.bank_imported` to \"send\" or \"leave\"";
            let remedy = after_settings(change, Replay::Run);
            Some(Err(flow.parked(CODE, message, &remedy)))
        }
    }
}

/// The name of the expense's category, read where the settings do not know its id and name some
/// categories in words.
async fn category_name(flow: &Flow, expense: &Expense) -> Result<Option<String>, EarlyEnd> {
    let policy = &flow.settings.expense;
    let Some(id) = &expense.category else {
        return Ok(None);
    };
    if expense_type_of(policy, id, None).is_some() || !names_categories(policy) {
        return Ok(None);
    }
    let request = freshbooks::get_category(&flow.settings.freshbooks.account_id, id);
    match flow.read(request, freshbooks::read_category_name).await? {
        Ok(name) => Ok(Some(name)),
        Err(refusal) if refusal.is_missing() => Ok(None),
        Err(refusal) => Err(remote_refused(
            flow,
            System::Freshbooks,
            "to show its category",
            &refusal,
        )),
    }
}

fn other_expense(flow: &Flow, expense: &Expense) -> EarlyEnd {
    let message = format!(
        "FreshBooks was asked for expense {} and showed {}",
        flow.task.object.id, expense.id
    );
    let remedy = &after_settings("check `freshbooks.account_id`", Replay::Run);
    flow.parked("other-document", message, remedy)
}
