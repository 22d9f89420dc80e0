//! FreshBooks' expenses beside the expense entries that they became.
//!
//! SAP Concur lists entries by report and owner, and reports by owner, so that the reports are
//! listed and then the entries of each. An entry that no list has shown is read as its owner, whom
//! the link back from it names.

mod reports;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::cursor::Cursor;
use super::{
    Unanswered, answered, before_cut_over, field, first_problem, is_within, note, unknown_kind,
};
use crate::concur::{self, ExpenseEntry};
use crate::contract::http::{Request, Response};
use crate::contract::reconciliation::{
    Content, Field, FieldValue, Flow, Page, Period, Reading, Row, Side,
};
use crate::contract::runs::{Facts, ObjectStatus};
use crate::contract::types::{Note, ObjectRef, System};
use crate::expense_entry::{
    self, AMOUNT, CURRENCY, DATE, DESCRIPTION, EXPENSE_TYPE, PAYMENT_TYPE, TAX_RECEIPT,
    expense_type_of, names_categories,
};
use crate::freshbooks::{self, Expense};
use crate::marker;
use crate::money;
use crate::reference;
use crate::settings::Settings;
use crate::settings::expense::BankImported;
use crate::text::non_empty;

/// The flow's name in commands and reports.
pub(super) const NAME: &str = "expenses";
const SOURCE: &str = "expense";
const TARGET: &str = "expense-entry";
/// What an expense is linked to until its entry is known (`flows::expenses`).
const PASSING: &str = "expense-report";
/// The member of staff whose it is, on both sides.
const STAFF: &str = "Staff";

/// The flow, if the settings carry expenses over.
pub(super) fn flow(settings: &Settings) -> Option<Flow> {
    settings.expense.enabled.then(|| Flow {
        name: NAME.to_string(),
        sources: "FreshBooks expenses".to_string(),
        targets: "SAP Concur expense entries".to_string(),
        source_kinds: [SOURCE.to_string()].into(),
        target_kinds: [TARGET.to_string()].into(),
        passing_kinds: [PASSING.to_string()].into(),
        lists_sources: true,
    })
}

pub(super) fn list_request(
    settings: &Settings,
    side: Side,
    period: &Period,
    cursor: Option<&str>,
) -> Option<Request> {
    let (from, to) = (period.from.parse().ok()?, period.to.parse().ok()?);
    match side {
        Side::Source => {
            let page = Cursor::read(cursor, &[SOURCE])?.page;
            let account_id = &settings.freshbooks.account_id;
            Some(freshbooks::list_dated_expenses(
                account_id,
                page,
                from,
                Some(to),
            ))
        }
        Side::Target => reports::list_request(cursor),
    }
}

pub(super) fn read_list(
    settings: &Settings,
    side: Side,
    period: &Period,
    cursor: Option<&str>,
    answer: &Response,
) -> Result<Page, Note> {
    let mut page = match side {
        Side::Source => read_listed_expenses(settings, cursor, answer)?,
        Side::Target => reports::read_list(settings, period, cursor, answer)?,
    };
    // Filters may be ignored silently, and the entries of a report have days of their own.
    let is_within = |row: &Row| is_within(period, row.facts.date.as_deref());
    page.rows.retain(is_within);
    Ok(page)
}

fn read_listed_expenses(
    settings: &Settings,
    cursor: Option<&str>,
    answer: &Response,
) -> Result<Page, Note> {
    let Some(cursor) = Cursor::read(cursor, &[SOURCE]) else {
        return Err(note("unknown-cursor", "this page was not asked for".into()));
    };
    let listed = answered(answer, freshbooks::read_dated_expenses).map_err(|why| match why {
        Unanswered::Unreadable(why) => why,
        Unanswered::Missing => note("refused", "FreshBooks has no list of expenses".into()),
    })?;
    let (next, cut) = cursor.next_of_pages(listed.pages, &[SOURCE], "expenses");
    let rows = listed.expenses.into_iter();
    Ok(Page {
        rows: rows.map(|expense| listed_row(settings, &expense)).collect(),
        next,
        cut,
    })
}

fn listed_row(settings: &Settings, expense: &Expense) -> Row {
    let row = source_row(settings, &expense.id, expense, &Known::default());
    if needs_category(settings, expense) || !projects_to_find(settings, expense).is_empty() {
        return Row {
            content: Content::Partial,
            ..row
        };
    }
    row
}

fn projects_to_find(settings: &Settings, expense: &Expense) -> Vec<ObjectRef> {
    let is_written = settings.expense.project_field.is_some() && !expense.deleted;
    reference::unnamed_projects(settings, expense.project.iter().filter(|_| is_written))
}

/// What the expense itself does not show.
#[derive(Default)]
struct Known {
    /// The name of its category, where that decides.
    category: Option<String>,
    /// The codes of projects that are list items.
    projects: BTreeMap<String, String>,
}

/// Whether the name of its category decides, which no list shows.
fn needs_category(settings: &Settings, expense: &Expense) -> bool {
    let policy = &settings.expense;
    let unknown = |id: &String| expense_type_of(policy, id, None).is_none();
    !expense.deleted && expense.category.as_ref().is_some_and(unknown) && names_categories(policy)
}

fn source_row(settings: &Settings, id: &str, expense: &Expense, known: &Known) -> Row {
    let object = ObjectRef::freshbooks(SOURCE, id);
    let marker = marker::marker_for(&settings.connection, &object, TARGET);
    Row {
        facts: expense.facts(),
        left_out: left_out(settings, expense),
        content: match expense.deleted {
            true => Content::Gone(note(
                "deleted",
                "the expense is deleted in FreshBooks".into(),
            )),
            false => wanted(settings, expense, known, &marker),
        },
        object,
        marker: Some(marker),
    }
}

/// What a run would write.
fn wanted(settings: &Settings, expense: &Expense, known: &Known, marker: &str) -> Content {
    let (projects, category) = (&known.projects, known.category.as_deref());
    let translated = match expense_entry::translate(expense, settings, projects, category, marker) {
        Ok(translated) => translated,
        Err(problems) => return Content::Unreadable(first_problem(problems)),
    };
    let members = translated.members.iter();
    let mut fields: Vec<Field> = members
        .map(|(name, text)| text_field(name, spelt(name, text)))
        .collect();
    fields.push(text_field(STAFF, expense.staff.clone().unwrap_or_default()));
    Content::Fields(fields)
}

/// Why no run carries an expense over that is not there yet.
fn left_out(settings: &Settings, expense: &Expense) -> Option<Note> {
    let notes = expense.notes.as_deref().unwrap_or_default();
    if marker::holds_marker(notes) {
        let message = "it was made of a document of SAP Concur".to_string();
        return Some(note("made-by-us", message));
    }
    if expense.imported && settings.expense.bank_imported == BankImported::Leave {
        let message = "it may have been imported from a bank, and the settings leave it";
        return Some(note("bank-imported", message.to_string()));
    }
    before_cut_over(settings, expense.date.as_deref())
}

/// A member in one spelling: what `expense_entry::unseen` takes for the same is the same.
fn spelt(name: &str, text: &str) -> String {
    let text = text.trim();
    match name {
        AMOUNT => money::parse(text).map_or_else(|| text.to_string(), money::plain),
        // A day may be shown as a moment (source: concur-v3-conventions).
        DATE => text.get(..10).unwrap_or(text).to_string(),
        CURRENCY | EXPENSE_TYPE => text.to_ascii_uppercase(),
        _ => text.to_string(),
    }
}

fn text_field(name: &str, text: String) -> Field {
    field(name, FieldValue::Text(text))
}

pub(super) fn read_one(
    settings: &Settings,
    object: &ObjectRef,
    answers: &[Response],
    known: &[ObjectStatus],
) -> Reading {
    let read = match (object.system, object.kind.as_str()) {
        (System::Freshbooks, SOURCE) => read_expense(settings, object, answers, known),
        (System::Concur, TARGET) => read_entry(settings, object, answers, known),
        _ => return unknown_kind(object),
    };
    read.unwrap_or_else(Reading::from)
}

fn read_expense(
    settings: &Settings,
    object: &ObjectRef,
    answers: &[Response],
    known: &[ObjectStatus],
) -> Result<Reading, Unanswered> {
    let account_id = &settings.freshbooks.account_id;
    let Some(shown) = answers.first() else {
        let request = freshbooks::get_expense(account_id, &object.id);
        return Ok(Reading::Send(request));
    };
    let expense = answered(shown, freshbooks::read_expense)?;
    let projects = projects_to_find(settings, &expense);
    if known.is_empty() && !projects.is_empty() {
        return Ok(Reading::Find(projects));
    }
    let unnamed = expense
        .category
        .as_ref()
        .filter(|_| needs_category(settings, &expense));
    let category = match (unnamed, answers.get(1)) {
        (None, _) => None,
        (Some(category), None) => {
            let request = freshbooks::get_category(account_id, category);
            return Ok(Reading::Send(request));
        }
        (Some(_), Some(named)) => match answered(named, freshbooks::read_category_name) {
            Ok(name) => Some(name),
            Err(Unanswered::Missing) => None,
            Err(why) => return Err(why),
        },
    };
    let projects = reference::linked_codes(known.iter().cloned());
    let known = Known { category, projects };
    Ok(Reading::Record(source_row(
        settings, &object.id, &expense, &known,
    )))
}

/// An entry is shown to nobody but its owner: the link back from it has the member of staff as its
/// version, and the link of that one the login.
fn read_entry(
    settings: &Settings,
    object: &ObjectRef,
    answers: &[Response],
    known: &[ObjectStatus],
) -> Result<Reading, Unanswered> {
    let Some(back) = known.first() else {
        return Ok(Reading::Find([object.clone()].into()));
    };
    let version = |status: &ObjectStatus| status.link.as_ref()?.version.clone();
    let Some(staff) = version(back) else {
        return Ok(Reading::Unreadable(unknown_owner(object)));
    };
    let Some(employee) = known.get(1) else {
        let staff = ObjectRef::freshbooks("staff", staff);
        return Ok(Reading::Find([staff].into()));
    };
    let Some(login) = version(employee) else {
        return Ok(Reading::Unreadable(unknown_owner(object)));
    };
    let Some(shown) = answers.first() else {
        return Ok(Reading::Send(concur::get_entry(&login, &object.id)));
    };
    let entry = answered(shown, concur::read_entry)?;
    let mut row = target_row(settings, &entry);
    if let Content::Fields(fields) = &mut row.content {
        fields.push(text_field(STAFF, staff));
    }
    Ok(Reading::Record(row))
}

fn unknown_owner(object: &ObjectRef) -> Note {
    let message = format!(
        "no link says whose expense entry {} is, and SAP Concur shows it to nobody else",
        object.id
    );
    note("unknown-owner", message)
}

fn target_row(settings: &Settings, entry: &ExpenseEntry) -> Row {
    let currency = entry.text(CURRENCY).to_ascii_uppercase();
    let decimals = money::minor_units(&currency).unwrap_or(money::WRITTEN_DECIMALS);
    let members = entry.members.iter();
    let mut markers = members.filter_map(|(_, text)| marker::find_marker(text));
    Row {
        object: ObjectRef::concur(TARGET, entry.id.clone()),
        marker: markers.next().map(String::from),
        facts: Facts {
            number: None,
            party: non_empty(entry.text("VendorDescription").to_string()),
            amount: entry.amount.map(|amount| money::wire(amount, decimals)),
            currency: non_empty(currency),
            date: non_empty(spelt(DATE, entry.text(DATE))),
        },
        left_out: None,
        content: Content::Fields(there(settings, entry)),
    }
}

/// What an entry shows of the members that runs write. The payment type and the tax receipt are
/// compared where they are shown.
fn there(settings: &Settings, entry: &ExpenseEntry) -> Vec<Field> {
    let policy = &settings.expense;
    let own = [AMOUNT, CURRENCY, DATE, DESCRIPTION, EXPENSE_TYPE].into_iter();
    let shown = [PAYMENT_TYPE, TAX_RECEIPT].into_iter();
    let shown = shown.filter(|name| !entry.text(name).trim().is_empty());
    let fields = [
        &policy.marker_field,
        &policy.project_field,
        &policy.cost_code_field,
        &policy.tax.amount_field,
    ];
    let customs = fields.into_iter().filter_map(|name| name.as_deref());
    let names = own.chain(shown).chain(customs);
    names
        .map(|name| text_field(name, spelt(name, entry.text(name))))
        .collect()
}

#[cfg(test)]
mod tests;
