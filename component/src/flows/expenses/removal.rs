//! An expense that is no longer there: its entry is taken out of its report while that is open.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::look_up::{in_documents, marked_in, noted_report, owner_of, show_entry};
use super::quick::{cannot_withdraw, quick_expense_of};
use super::{EXPENSE_ENTRY, entry_of};
use crate::concur;
use crate::contract::runs::{Change, Changes, Confirmation, Ending, Intent, Link, ObjectStatus};
use crate::contract::types::{ObjectRef, System};
use crate::error_bodies::Cause;
use crate::flow::{EarlyEnd, Flow, LookUp, remote_refused, unchanged};
use crate::flows::employees::{Employee, require_employee};
use crate::flows::expense_reports::read_report;

/// Takes the entry of an expense away that `how` says is gone. `staff` is whose it was, where
/// FreshBooks still says so.
pub(super) async fn withdraw(
    flow: &Flow,
    own: &ObjectStatus,
    staff: Option<&str>,
    how: &str,
) -> Result<Ending, EarlyEnd> {
    if let Some(link) = quick_expense_of(own) {
        return Err(cannot_withdraw(flow, link, how));
    }
    let Some(link) = entry_of(own).cloned() else {
        if let Some(ended) = withdraw_unlinked(flow, own, how).await? {
            return Ok(ended);
        }
        let message = format!("the expense {how} in FreshBooks and was never carried over");
        return Ok(unchanged("not-carried", message));
    };
    let id = link.target.id.as_str();
    let Some(employee) = employee_of(flow, &link, staff).await? else {
        let message =
            format!("the expense {how} in FreshBooks, and nothing says whose entry {id} is");
        return Err(by_hand(flow, message));
    };
    remove_and_unlink(flow, &employee, id, how).await
}

/// Takes away what an attempt that was never answered has put into a report; nothing if there is
/// no such entry.
async fn withdraw_unlinked(
    flow: &Flow,
    own: &ObjectStatus,
    how: &str,
) -> Result<Option<Ending>, EarlyEnd> {
    let Some(report_id) = noted_report(own) else {
        return Ok(None);
    };
    let Some(owner) = owner_of(flow, report_id).await else {
        return Ok(None);
    };
    let employee = require_employee(flow, &owner).await?;
    let marker = flow.marker(EXPENSE_ENTRY);
    let found = marked_in(flow, &employee.login, report_id, &marker).await?;
    let mut ended = None;
    for id in &found {
        ended = Some(remove_and_unlink(flow, &employee, id, how).await?);
    }
    Ok(ended)
}

async fn remove_and_unlink(
    flow: &Flow,
    employee: &Employee,
    id: &str,
    how: &str,
) -> Result<Ending, EarlyEnd> {
    let unlinks = remove(flow, employee, id, &format!("{how} in FreshBooks")).await?;
    flow.save(Changes {
        links: Vec::new(),
        unlinks,
        tasks: Vec::new(),
    })
    .await;
    Ok(Ending::Confirmed(Confirmation {
        message: format!("deleted here, and expense entry {id} is deleted there"),
        target: ObjectRef::concur(EXPENSE_ENTRY, id),
        change: Change::Withdrawn,
    }))
}

/// Whose entry it is: as its link back says, else as FreshBooks still says.
async fn employee_of(
    flow: &Flow,
    link: &Link,
    staff: Option<&str>,
) -> Result<Option<Employee>, EarlyEnd> {
    let back = flow.find_one(link.target.clone()).await.link;
    let staff = back
        .and_then(|back| back.version)
        .or_else(|| staff.map(ToString::to_string));
    match staff {
        Some(staff) => Ok(Some(require_employee(flow, &staff).await?)),
        None => Ok(None),
    }
}

/// Takes an entry out of its report, which `why` says; the links that end with it.
pub(super) async fn remove(
    flow: &Flow,
    employee: &Employee,
    id: &str,
    why: &str,
) -> Result<Vec<ObjectRef>, EarlyEnd> {
    let entry = ObjectRef::concur(EXPENSE_ENTRY, id);
    let mut unlinks = vec![flow.task.object.clone(), entry];
    let Some(entry) = show_entry(flow, &employee.login, id).await? else {
        return Ok(unlinks);
    };
    let report = read_report(flow, employee, &entry.report_id).await?;
    if report.is_some_and(|report| report.submitted) {
        let message = format!(
            "the expense {why}, and its expense entry {id} is in report {}, which is submitted",
            entry.report_id
        );
        return Err(by_hand(flow, message));
    }
    let Some(in_documents) = in_documents(&entry) else {
        let message = format!(
            "the expense {why}, and SAP Concur does not show the id by which expense entry {id} is \
             deleted"
        );
        return Err(by_hand(flow, message));
    };
    unlinks.push(in_documents);
    let look_up = async || {
        Ok(match show_entry(flow, &employee.login, id).await? {
            None => LookUp::Found(()),
            Some(entry) => {
                LookUp::Missing(concur::delete_expense(&entry.report_id, &entry.expense_id))
            }
        })
    };
    let intent = Intent::LookUpThenResend;
    match flow
        .write(intent, concur::read_entry_changed, look_up)
        .await?
    {
        Ok(_) => Ok(unlinks),
        Err(refusal) if refusal.cause(System::Concur) == Cause::Record => {
            let message = format!(
                "the expense {why}, and SAP Concur does not let expense entry {id} be deleted {}",
                refusal.said()
            );
            Err(by_hand(flow, message))
        }
        Err(refusal) => Err(remote_refused(
            flow,
            System::Concur,
            "to delete the expense entry",
            &refusal,
        )),
    }
}

fn by_hand(flow: &Flow, message: String) -> EarlyEnd {
    let remedy = "delete the entry in SAP Concur by hand, or undo it in FreshBooks; then \
                  `ml-connector replay RUN`";
    flow.parked("deleted-in-freshbooks", message, remedy)
}
