//! Reports that expense entries go into: one for each employee and period, and the next one where
//! an earlier one was submitted.
//!
//! They are runs of their own, so that two expenses of one employee never create two.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::dependency;
use super::employees::{Employee, require_employee};
use crate::concur::{self, NewReport, Report};
use crate::contract::runs::{Change, Confirmation, Ending, Link, WaitReason};
use crate::contract::types::{Duration, ObjectRef, System};
use crate::error_bodies::Refusal;
use crate::expense_entry::period::{ReportKey, days_of};
use crate::flow::{EarlyEnd, Flow, remote_refused, unchanged};
use crate::remedy::{Replay, after_settings};
use crate::settings::expense::PERIOD;

/// The kind of a report, here as there.
pub(super) const EXPENSE_REPORT: &str = "expense-report";
/// Reports of an employee and period. One follows when the one before it is submitted, and nobody
/// submits more often than daily in a month without stopping to wonder.
const REPORTS_MAX: u32 = 32;
/// Of these, so many are looked up at once: there is hardly ever a second one, and what is looked
/// up stays in the history.
const REPORTS_AT_ONCE: usize = 4;
/// How often and after how long a creation is asked for again that SAP Concur is still carrying
/// out (source: concur-expense-reports), in milliseconds.
const STILL_RUNNING_WAIT: Duration = 15_000;
const STILL_RUNNING_MAX: u32 = 40;

/// Creates the report that the object's id names, and links them.
pub(super) async fn sync_report(flow: &Flow) -> Result<Ending, EarlyEnd> {
    if let Some(link) = flow.find_own().await.link {
        let message = format!("it is report {} already", link.target.id);
        return Ok(unchanged("linked", message));
    }
    let id = &flow.task.object.id;
    let named = ReportKey::from_id(id).and_then(|key| Some((days_of(&key.period)?, key)));
    let Some(([first_day, last_day], key)) = named else {
        let message = format!("\"{id}\" names no report");
        return Err(flow.parked("unknown-report", message, "report this as a bug"));
    };
    let employee = require_employee(flow, &key.staff).await?;
    let settings = &flow.settings.expense.report;
    let purpose = settings.purpose.as_deref().unwrap_or_default();
    let report = NewReport {
        name: &name(&settings.name, &key),
        policy_id: &settings.policy_id,
        purpose: &purpose.replace(PERIOD, &key.period),
        days: [&first_day, &last_day],
    };
    let report_id = create(flow, &employee, &report).await?;
    let target = ObjectRef::concur(EXPENSE_REPORT, report_id);
    let link = |source: &ObjectRef, target: &ObjectRef| Link {
        source: source.clone(),
        target: target.clone(),
        version: None,
        content_hash: None,
    };
    let own = &flow.task.object;
    flow.save_links(vec![link(own, &target), link(&target, own)])
        .await;
    Ok(Ending::Confirmed(Confirmation {
        message: format!("created report {} \"{}\"", target.id, report.name),
        target,
        change: Change::Created,
    }))
}

/// Creates the report; SAP Concur does so once for our key, and says so while it is at it
/// (source: concur-expense-reports).
async fn create(
    flow: &Flow,
    employee: &Employee,
    report: &NewReport<'_>,
) -> Result<String, EarlyEnd> {
    const STILL_RUNNING: u16 = 409;
    let request = concur::create_report(&employee.id, report, &flow.marker(EXPENSE_REPORT));
    for _ in 0..STILL_RUNNING_MAX {
        let sent = flow.send_idempotent(request.clone(), concur::read_created_report);
        match sent.await? {
            Ok(id) => return Ok(id),
            Err(refusal) if refusal.status == STILL_RUNNING => {
                let message = "SAP Concur is still creating the report".into();
                flow.wait(STILL_RUNNING_WAIT, WaitReason::Retry, message)
                    .await;
            }
            Err(refusal) => return Err(refused(flow, &refusal)),
        }
    }
    let message = "SAP Concur has been creating the report for ten minutes".into();
    let remedy = "look for it in SAP Concur, then `ml-connector replay RUN`";
    Err(flow.parked("retries-used-up", message, remedy))
}

fn refused(flow: &Flow, refusal: &Refusal) -> EarlyEnd {
    remote_refused(flow, System::Concur, "the report", refusal)
}

/// A second report of a period has its number after the name.
fn name(pattern: &str, key: &ReportKey) -> String {
    let period = match key.number {
        1 => key.period.clone(),
        number => format!("{} ({number})", key.period),
    };
    pattern.replace(PERIOD, &period)
}

/// The ids of the reports of an employee and period that are there, in order.
pub(super) async fn reports_of(flow: &Flow, staff: &str, period: &str) -> ReportsOf {
    let numbers: Vec<u32> = (1..=REPORTS_MAX).collect();
    let mut reports = ReportsOf {
        ids: Vec::new(),
        last: 1,
    };
    for numbers in numbers.chunks(REPORTS_AT_ONCE) {
        let objects = numbers
            .iter()
            .map(|number| object_of(staff, period, *number));
        let statuses = flow.find(objects.collect()).await;
        for (number, status) in numbers.iter().zip(statuses) {
            let Some(link) = status.link else {
                return reports;
            };
            reports.ids.push(link.target.id);
            reports.last = *number;
        }
    }
    reports
}

/// Reports of an employee and period.
pub(super) struct ReportsOf {
    pub(super) ids: Vec<String>,
    /// The number of the last one; 1 if there is none.
    pub(super) last: u32,
}

/// The report that takes the next entry: never one that was ever submitted.
pub(super) async fn require_open_report(
    flow: &Flow,
    employee: &Employee,
    staff: &str,
    period: &str,
    first: u32,
) -> Result<Report, EarlyEnd> {
    for number in first..=REPORTS_MAX {
        let object = object_of(staff, period, number);
        let id = dependency::require_link(flow, object).await?.target.id;
        let report = read_report(flow, employee, &id).await?;
        if let Some(report) = report.filter(|report| report.open) {
            return Ok(report);
        }
    }
    let message = format!(
        "{REPORTS_MAX} reports of {period} were submitted, and none of them takes another entry"
    );
    let change = "enter the expense in SAP Concur by hand and leave this one as it is, or choose \
                  `expense.report.period = \"week\"`";
    let remedy = after_settings(change, Replay::Parked);
    Err(flow.parked("reports-used-up", message, &remedy))
}

/// A report; none if it is not there.
pub(super) async fn read_report(
    flow: &Flow,
    employee: &Employee,
    id: &str,
) -> Result<Option<Report>, EarlyEnd> {
    let request = concur::get_report(&employee.id, id);
    match flow.read(request, concur::read_report).await? {
        Ok(report) => Ok(Some(report)),
        Err(refusal) if refusal.is_missing() => Ok(None),
        Err(refusal) => Err(refused(flow, &refusal)),
    }
}

fn object_of(staff: &str, period: &str, number: u32) -> ObjectRef {
    let key = ReportKey {
        staff: staff.into(),
        period: period.into(),
        number,
    };
    ObjectRef::freshbooks(EXPENSE_REPORT, key.to_id())
}
