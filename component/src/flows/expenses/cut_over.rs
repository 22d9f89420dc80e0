//! Expenses that are dated before the cut-over and not linked: nothing is posted of them. What was
//! typed into SAP Concur by hand in those days is shown beside its expense, for a person to adopt;
//! and what a person has adopted is left as it is once it was submitted.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::EXPENSE_ENTRY;
use super::entry_run::EntryRun;
use crate::concur::{self, ExpenseEntry};
use crate::contract::runs::{Change, Confirmation, Ending, Link};
use crate::contract::types::{ObjectRef, System};
use crate::expense_entry::{CURRENCY, DATE};
use crate::flow::{EarlyEnd, Flow, remote_refused, unchanged};
use crate::flows::documents::cut_over::{BEFORE_CUT_OVER, TYPED_BY_HAND, first_day};
use crate::flows::documents::turn::Turn;
use crate::flows::employees::{Employee, require_employee};
use crate::flows::expense_reports::read_report;
use crate::freshbooks::Expense;
use crate::marker;

/// Pages of an employee's entries that are looked through, of 100 each. They cannot be filtered by
/// day (source: concur-expense-entries).
const PAGES_MAX: u32 = 20;

/// What SAP Concur has of an expense that is dated before the cut-over.
pub(super) enum Found {
    /// An entry that carries our marker.
    Ours(String),
    /// The run ends like this.
    Ended(Ending),
}

/// Looks for the entry of an expense before the cut-over: by our marker, else by employee, day and
/// amount, which show it to a person.
pub(super) async fn look_up(flow: &Flow, expense: &Expense) -> Result<Found, EarlyEnd> {
    let own_marker = flow.marker(EXPENSE_ENTRY);
    let Some(employee) = employee_of(flow, expense).await else {
        let why = "it has no employee there";
        return Ok(Found::Ended(nothing_there(flow, expense, why)));
    };
    let entries = entries_of(flow, &employee).await?;
    if let Some(ours) = entries.iter().find(|entry| entry.has_marker(&own_marker)) {
        return Ok(Found::Ours(ours.id.clone()));
    }
    let mut typed: Vec<String> = Vec::new();
    for entry in entries.iter().filter(|entry| is_alike(entry, expense)) {
        let object = ObjectRef::concur(EXPENSE_ENTRY, entry.id.clone());
        if flow.find_one(object).await.link.is_none() {
            typed.push(entry.id.clone());
        }
    }
    match typed.is_empty() {
        true => {
            let why = "SAP Concur has no entry of that day and amount";
            Ok(Found::Ended(nothing_there(flow, expense, why)))
        }
        false => Err(typed_by_hand(flow, expense, &typed)),
    }
}

/// Whose it is; none where nobody knows. Whoever has left is no employee any more, and nothing is
/// asked of a person for that.
async fn employee_of(flow: &Flow, expense: &Expense) -> Option<Employee> {
    let staff = expense.staff.as_deref()?;
    require_employee(flow, staff).await.ok()
}

/// The entries of an employee, up to a bound: what is beyond is not recognised, and not posted
/// either.
async fn entries_of(flow: &Flow, employee: &Employee) -> Result<Vec<ExpenseEntry>, EarlyEnd> {
    let (mut entries, mut offset) = (Vec::new(), None::<String>);
    for _ in 0..PAGES_MAX {
        let request = concur::list_entries_of_user(&employee.login, offset.as_deref());
        let page = flow.read(request, concur::read_entries).await?;
        let page =
            page.map_err(|refusal| remote_refused(flow, System::Concur, "the look-up", &refusal))?;
        entries.extend(page.entries);
        // A cursor that repeats would go round for ever.
        if page.next.is_none() || page.next == offset {
            break;
        }
        offset = page.next;
    }
    Ok(entries)
}

/// Whether an entry that carries no marker is of the day and amount of an expense.
fn is_alike(entry: &ExpenseEntry, expense: &Expense) -> bool {
    let mut texts = entry.members.iter().map(|(_, text)| text);
    let day = expense.date.as_deref();
    entry.amount == Some(expense.amount)
        && entry.text(CURRENCY).eq_ignore_ascii_case(&expense.currency)
        && day.is_some_and(|day| entry.text(DATE).starts_with(day))
        && !texts.any(|text| marker::holds_marker(text))
}

fn nothing_there(flow: &Flow, expense: &Expense, why: &str) -> Ending {
    let message = format!(
        "it is dated {}, before the cut-over on {}, and {why}: nothing is posted of it",
        expense.date.as_deref().unwrap_or_default(),
        first_day(flow)
    );
    unchanged(BEFORE_CUT_OVER, message)
}

fn typed_by_hand(flow: &Flow, expense: &Expense, ids: &[String]) -> EarlyEnd {
    let id = &flow.task.object.id;
    let message = format!(
        "expense {id} is dated {}, before the cut-over on {}, and SAP Concur has expense entry {} \
         of that employee, day and amount, which was typed in by hand: nothing is posted of it",
        expense.date.as_deref().unwrap_or_default(),
        first_day(flow),
        ids.join(", ")
    );
    let target = match ids {
        [only] => only.as_str(),
        _ => "ID",
    };
    let remedy = format!(
        "if they are the same, `ml-connector links adopt freshbooks/expense/{id} \
         concur/{EXPENSE_ENTRY}/{target}`; if not, leave this run parked"
    );
    flow.parked(TYPED_BY_HAND, message, &remedy)
}

impl EntryRun<'_> {
    /// Links the expense to an entry that carries its marker.
    pub(super) async fn adopt(&self, id: String) -> Result<Ending, EarlyEnd> {
        self.link_seen(id, Change::Adopted, Turn::Proven).await
    }

    /// Leaves an entry as it is that a person has said is the expense's, once its report is
    /// submitted: nothing of it can be changed, and nobody has asked for that. Nothing for any
    /// other.
    pub(super) async fn keep_as_adopted(
        &self,
        link: &Link,
        entry: &ExpenseEntry,
    ) -> Result<Option<Ending>, EarlyEnd> {
        if link.version.is_some() || link.content_hash.is_some() {
            return Ok(None);
        }
        let report = read_report(self.flow, &self.employee, &entry.report_id).await?;
        if !report.is_some_and(|report| report.submitted) {
            return Ok(None);
        }
        self.store(&entry.id, Some(entry), true, None).await;
        Ok(Some(Ending::Confirmed(Confirmation {
            target: ObjectRef::concur(EXPENSE_ENTRY, entry.id.clone()),
            change: Change::Adopted,
            message: format!(
                "expense entry {} was linked by a person; its report is submitted, and nothing of \
                 it is changed",
                entry.id
            ),
        })))
    }
}
