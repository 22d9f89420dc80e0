//! Whether an expense's entry is in SAP Concur already: by our marker, in every report that may
//! hold it. Entries have no other key: two taxis of one price on one day are two expenses.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::EXPENSE_ENTRY;
use super::entry_run::EntryRun;
use super::removal::remove;
use crate::concur::{self, ExpenseEntry};
use crate::contract::runs::{Conflict, ObjectStatus};
use crate::contract::types::{ObjectRef, System};
use crate::expense_entry::period::ReportKey;
use crate::flow::{EarlyEnd, Flow, remote_refused};
use crate::flows::employees::require_employee;
use crate::flows::expense_reports::{EXPENSE_REPORT, ReportsOf};
use crate::text::non_empty;

/// Pages of one report's entries, of 100 each; the bound ends a list whose cursor never does.
const PAGES_MAX: u32 = 20;

impl EntryRun<'_> {
    /// The entry that carries our marker, in whichever report may hold it.
    pub(super) async fn find_ours(
        &self,
        own: &ObjectStatus,
        reports: &ReportsOf,
    ) -> Result<Option<String>, EarlyEnd> {
        let mut found: BTreeSet<String> = BTreeSet::new();
        for id in &reports.ids {
            found.extend(self.marked_in(&self.employee.login, id).await?);
        }
        if let Some(id) = noted_report(own).filter(|id| !reports.ids.contains(id)) {
            found.extend(self.marked_in(&self.employee.login, id).await?);
        }
        if found.len() > 1 {
            return Err(self.conflict(&found));
        }
        Ok(found.into_iter().next())
    }

    async fn marked_in(&self, login: &str, report_id: &str) -> Result<Vec<String>, EarlyEnd> {
        marked_in(self.flow, login, report_id, &self.marker).await
    }

    /// Takes out what an earlier attempt has put into a report of another employee, whose the
    /// expense was then; whether there was anything.
    pub(super) async fn leave_other_report(&self, own: &ObjectStatus) -> Result<bool, EarlyEnd> {
        let Some(report_id) = noted_report(own) else {
            return Ok(false);
        };
        let owner = owner_of(self.flow, report_id).await;
        let Some(owner) = owner.filter(|owner| *owner != self.staff) else {
            return Ok(false);
        };
        let employee = require_employee(self.flow, &owner).await?;
        let found = self.marked_in(&employee.login, report_id).await?;
        for id in &found {
            remove(self.flow, &employee, id, "is another employee's now").await?;
        }
        Ok(!found.is_empty())
    }

    fn conflict(&self, ids: &BTreeSet<String>) -> EarlyEnd {
        let listed: Vec<&str> = ids.iter().map(String::as_str).collect();
        EarlyEnd::Conflict(Conflict {
            targets: ids
                .iter()
                .map(|id| ObjectRef::concur(EXPENSE_ENTRY, id.clone()))
                .collect(),
            message: format!(
                "{} expense entries carry our marker {}: {}",
                ids.len(),
                self.marker,
                listed.join(", ")
            ),
            remedy: "they are one expense twice: keep one, take the others away in SAP Concur, \
                     then `ml-connector replay RUN`"
                .to_string(),
        })
    }
}

/// The report that may hold an entry of the expense, while nobody knows.
pub(super) fn noted_report(own: &ObjectStatus) -> Option<&String> {
    let link = own.link.as_ref();
    let noted = link.filter(|link| link.target.kind == EXPENSE_REPORT);
    noted.map(|link| &link.target.id)
}

/// FreshBooks' number of the member of staff whose report this is; none if it is none of ours.
pub(super) async fn owner_of(flow: &Flow, report_id: &str) -> Option<String> {
    let report = ObjectRef::concur(EXPENSE_REPORT, report_id);
    let back = flow.find_one(report).await.link?;
    ReportKey::from_id(&back.target.id).map(|key| key.staff)
}

/// The entries of a report that carry a marker; none if the report is gone.
pub(super) async fn marked_in(
    flow: &Flow,
    login: &str,
    report_id: &str,
    marker: &str,
) -> Result<Vec<String>, EarlyEnd> {
    let entries = entries_of(flow, login, report_id).await?.into_iter();
    let marked = entries.filter(|entry| entry.has_marker(marker));
    Ok(marked.map(|entry| entry.id).collect())
}

/// The entries of a report of this employee; none if the report is gone.
pub(in crate::flows) async fn entries_of(
    flow: &Flow,
    login: &str,
    report_id: &str,
) -> Result<Vec<ExpenseEntry>, EarlyEnd> {
    let mut found = Vec::new();
    let mut offset: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let request = concur::list_entries(login, report_id, offset.as_deref());
        let page = match flow.read(request, concur::read_entries).await? {
            Ok(page) => page,
            Err(refusal) if refusal.is_missing() => return Ok(found),
            Err(refusal) => {
                return Err(remote_refused(
                    flow,
                    System::Concur,
                    "the look-up",
                    &refusal,
                ));
            }
        };
        found.extend(page.entries);
        // A cursor that repeats would go round for ever.
        if page.next.is_none() || page.next == offset {
            return Ok(found);
        }
        offset = page.next;
    }
    let message = format!("report {report_id} has more than {PAGES_MAX} pages of entries");
    let remedy = "look for the marker in SAP Concur by hand; `ml-connector show RUN` shows it";
    Err(flow.parked("too-many-candidates", message, remedy))
}

/// An entry of this employee; none if it is not there.
pub(super) async fn show_entry(
    flow: &Flow,
    login: &str,
    id: &str,
) -> Result<Option<ExpenseEntry>, EarlyEnd> {
    let request = concur::get_entry(login, id);
    match flow.read(request, concur::read_entry).await? {
        Ok(entry) => Ok(Some(entry)),
        Err(refusal) if refusal.is_missing() => Ok(None),
        Err(refusal) => {
            let what = format!("to show expense entry {id}");
            Err(remote_refused(flow, System::Concur, &what, &refusal))
        }
    }
}

/// An entry as financial documents name it: by its v4 id, of whose case nothing is said.
pub(super) fn in_documents(entry: &ExpenseEntry) -> Option<ObjectRef> {
    let id = non_empty(entry.expense_id.to_ascii_uppercase())?;
    Some(ObjectRef::concur(EXPENSE_ENTRY, id))
}
