//! Expenses of FreshBooks, in whatever they came wrapped.

use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::{json_in, one_problem};
use crate::contract::mapping::{TranslatedRecord, Translation};
use crate::contract::types::{Note, ObjectRef, Problem};
use crate::expense_entry::quick::quick_expense;
use crate::freshbooks::Expense;
use crate::lax_json::Object;
use crate::settings::Settings;
use crate::settings::expense::ExpenseForm;
use crate::{expense_entry, marker};

/// The kind of such a document.
pub(super) const KIND: &str = "expense";

pub(super) fn preview(settings: &Settings, text: &str) -> Result<Vec<Translation>, Vec<Problem>> {
    // `response`, `result` and the object's own key: the whole envelope.
    const WRAPPERS_MAX: usize = 3;
    let mut raw = json_in(text)?;
    for _ in 0..WRAPPERS_MAX {
        let wrapped = Object::read(raw).unwrap_or_default();
        let inner = ["response", "result", KIND].map(|name| wrapped.get(name));
        match inner.into_iter().flatten().next() {
            Some(inner) => raw = inner,
            None => break,
        }
    }
    let is_expense = |object: &Object| object.has("categoryid") || object.has("staffid");
    let expense = Object::read(raw).filter(is_expense);
    let expense = expense.and_then(|_| Expense::read(raw).ok());
    let Some(expense) = expense else {
        let message = "this is no expense as FreshBooks shows one: it has neither `categoryid` nor \
                       `staffid`";
        return Err(one_problem("not-a-document", message.to_string()));
    };
    if expense.deleted {
        return Ok(vec![Translation::Nothing(Note {
            code: "deleted".to_string(),
            message: "the expense is deleted in FreshBooks; a run takes its entry out of the \
                      report, while that is open"
                .to_string(),
        })]);
    }
    let source = ObjectRef::freshbooks(KIND, expense.id.clone());
    let target_kind = match settings.expense.form {
        ExpenseForm::Entry => "expense-entry",
        ExpenseForm::QuickExpense => "quick-expense",
    };
    let marker = marker::marker_for(&settings.connection, &source, target_kind);
    let entry = expense_entry::translate(&expense, settings, &BTreeMap::new(), None, &marker)?;
    Ok(vec![Translation::Record(TranslatedRecord {
        target_kind: target_kind.to_string(),
        json: match settings.expense.form {
            ExpenseForm::Entry => entry.to_create("-"),
            ExpenseForm::QuickExpense => quick_expense(&expense, &entry, &marker),
        },
        postings: Vec::new(),
    })])
}
