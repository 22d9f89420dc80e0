//! The queue of expense reports: lists what is not submitted, and starts a run of each report of
//! ours that is due.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::expense_reports::EXPENSE_REPORT;
use super::report_submission::{self, LEFT_TO_PEOPLE, is_due, is_wanted};
use crate::concur;
use crate::contract::runs::{
    Change, Confirmation, Ending, EndingKind, NewTask, ObjectStatus, StartReason,
};
use crate::contract::types::{ObjectRef, System};
use crate::expense_entry::period::ReportKey;
use crate::flow::{EarlyEnd, Flow, remote_refused, unchanged};

/// Pages of 100 reports that a run reads, of all employees; the bound ends a list whose cursor
/// never does.
const PAGES_MAX: u32 = 50;

/// Reads the queue to its end.
pub(super) async fn read_report_queue(flow: &Flow) -> Result<Ending, EarlyEnd> {
    if !is_wanted(flow) {
        return Ok(unchanged("not-enabled", report_submission::leaves()));
    }
    let (mut listed, mut started, mut offset) = (0, 0, None);
    for _ in 0..PAGES_MAX {
        let request = concur::list_unsubmitted(offset.as_deref());
        let page = match flow.read(request, concur::read_unsubmitted).await? {
            Ok(page) => page,
            Err(refusal) => {
                let what = "the list of reports";
                return Err(remote_refused(flow, System::Concur, what, &refusal));
            }
        };
        listed += page.reports.len();
        let tasks = due(flow, page.reports).await;
        started += tasks.len();
        if !tasks.is_empty() {
            flow.start(tasks).await;
        }
        if page.next.is_none() || page.next == offset {
            return Ok(checked(flow, listed, started));
        }
        offset = page.next;
    }
    let message = format!("SAP Concur lists more than {listed} reports that are not submitted");
    let remedy = "submit those of FreshBooks in SAP Concur by hand, or have old reports deleted \
                  there; then `ml-connector replay RUN`";
    Err(flow.parked("too-many-candidates", message, remedy))
}

fn checked(flow: &Flow, listed: usize, started: usize) -> Ending {
    Ending::Confirmed(Confirmation {
        target: flow.task.object.clone(),
        change: Change::Checked,
        message: format!("{listed} reports are not submitted, and {started} of ours are due"),
    })
}

/// The runs of those that are ours and due, and that no person is to look at.
async fn due(flow: &Flow, ids: Vec<String>) -> Vec<NewTask> {
    if ids.is_empty() {
        return Vec::new();
    }
    let reports = ids
        .into_iter()
        .map(|id| ObjectRef::concur(EXPENSE_REPORT, id));
    let reports = flow.find(reports.collect()).await;
    let keys = reports.into_iter().filter_map(|status| {
        let ours = status.link?.target;
        ReportKey::from_id(&ours.id).filter(|key| is_due(flow, key))
    });
    let objects: Vec<ObjectRef> = keys.map(|key| report_submission::object(&key)).collect();
    if objects.is_empty() {
        return Vec::new();
    }
    let statuses = flow.find(objects).await.into_iter();
    let open = statuses.filter(|status| !status.active && !is_over(status));
    open.map(|status| NewTask {
        object: status.object,
        reason: StartReason::Schedule,
    })
    .collect()
}

/// Whether an earlier run has done what there is to do, or has stopped: a stop names its own time
/// to look again, or waits for a person.
fn is_over(status: &ObjectStatus) -> bool {
    status.last.as_ref().is_some_and(|last| {
        last.kind != EndingKind::Unchanged || last.code.as_deref() == Some(LEFT_TO_PEOPLE)
    })
}
