//! A report that holds nothing but our entries is submitted, and approved if the settings say so.
//!
//! Its own runs, since nothing of the report or its entries waits for it. What people have
//! submitted, sent back or recalled is left to them.

mod own_entries;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use own_entries::{entries_again, require_own_entries};

use super::ambiguity;
use super::day::day_before;
use super::employees::{Employee, require_employee};
use super::expense_reports::{EXPENSE_REPORT, read_report};
use crate::concur::{self, ExpenseEntry, Report, Stage};
use crate::contract::runs::{
    Change, Changes, Confirmation, Ending, Intent, Link, NewTask, ObjectStatus, StartReason,
    WaitReason,
};
use crate::contract::types::{Duration, ObjectRef, System};
use crate::error_bodies::{Cause, Refusal};
use crate::expense_entry::period::{ReportKey, days_of};
use crate::flow::{EARLIER, EarlyEnd, Flow, LookUp, remote_refused, unchanged};
use crate::remedy::{Replay, after_settings};
use crate::settings::expense::Workflow;

/// The kind of such an object; its id is that of the report.
pub(super) const KIND: &str = "expense-report-submission";
/// The code of an ending that leaves the report to people for good.
pub(super) const LEFT_TO_PEOPLE: &str = "left-to-people";
/// Steps of one report that are approved; companies have up to a handful.
const STEPS_MAX: u32 = 10;
/// How long SAP Concur is given to show a step that it has answered for, before each look but the
/// first, in milliseconds.
const STEP_DELAYS: [Duration; 3] = [2_000, 15_000, 60_000];
/// What its employee reads beside the approval.
const COMMENT: &str = "Approved by ml-connector: every entry is an expense of FreshBooks";

/// The object about a report's submission.
pub(super) fn object(key: &ReportKey) -> ObjectRef {
    ObjectRef::freshbooks(KIND, key.to_id())
}

/// Whether the settings have reports submitted.
pub(super) fn is_wanted(flow: &Flow) -> bool {
    let policy = &flow.settings.expense;
    policy.enabled && policy.workflow > Workflow::Leave
}

/// What is said where they do not.
pub(super) fn leaves() -> String {
    "the settings leave reports to their employees".to_string()
}

/// Whether so many days have passed since a report's period that it is submitted.
pub(super) fn is_due(flow: &Flow, key: &ReportKey) -> bool {
    let days = u64::from(flow.settings.expense.workflow_after_days);
    days_of(&key.period).is_some_and(|[_, last]| last < day_before(flow.now(), days))
}

/// Brings the report that the object's id names as far as the settings say.
pub(super) async fn sync_submission(flow: &Flow) -> Result<Ending, EarlyEnd> {
    let own = flow.find_own().await;
    let intent = Intent::LookUpThenPark;
    let is_new = moved_to(&own) != Some(Moved::Approved);
    let since = ambiguity::ambiguous_since(flow, &own, intent, is_new);
    let ended = read_and_bring_on(flow, &own, since.is_some()).await;
    match since {
        Some(since) => ambiguity::stay_ambiguous(flow, since, ended),
        None => ended,
    }
}

async fn read_and_bring_on(
    flow: &Flow,
    own: &ObjectStatus,
    is_unknown: bool,
) -> Result<Ending, EarlyEnd> {
    if !is_wanted(flow) {
        return Ok(unchanged("not-enabled", leaves()));
    }
    let id = &flow.task.object.id;
    let Some(key) = ReportKey::from_id(id) else {
        let message = format!("\"{id}\" names no report");
        return Err(flow.parked("unknown-report", message, "report this as a bug"));
    };
    let report = ObjectRef::freshbooks(EXPENSE_REPORT, id.clone());
    let Some(link) = flow.find_one(report).await.link else {
        let message = "it is no report of ours".to_string();
        return Ok(unchanged("not-carried", message));
    };
    let employee = require_employee(flow, &key.staff).await?;
    let run = SubmissionRun {
        flow,
        own,
        key,
        employee,
        report: link.target,
        is_unknown,
    };
    run.bring_on().await
}

/// How far we have brought a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moved {
    Submitted,
    Approved,
}

impl Moved {
    fn word(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Approved => "approved",
        }
    }
}

fn moved_to(own: &ObjectStatus) -> Option<Moved> {
    let noted = own.link.as_ref()?.content_hash.as_deref()?;
    let moved = [Moved::Submitted, Moved::Approved];
    moved.into_iter().find(|moved| moved.word() == noted)
}

/// A run that brings a report on.
struct SubmissionRun<'a> {
    flow: &'a Flow,
    own: &'a ObjectStatus,
    key: ReportKey,
    employee: Employee,
    /// The report in SAP Concur.
    report: ObjectRef,
    /// Whether an earlier attempt may have been carried out.
    is_unknown: bool,
}

impl SubmissionRun<'_> {
    async fn bring_on(&self) -> Result<Ending, EarlyEnd> {
        let Some(report) = self.show().await? else {
            let message = format!("report {} was deleted in SAP Concur", self.report.id);
            return Ok(unchanged("not-there", message));
        };
        let moved = moved_to(self.own);
        match (report.stage(), moved) {
            (Stage::New, None) => self.submit(&report).await,
            (Stage::New, Some(_)) => Err(self.not_shown()),
            (Stage::Back, _) => Ok(self.left("was sent back or recalled")),
            (_, None) if !self.is_unknown => Ok(self.left("was submitted by a person")),
            (stage, None) => Ok(self.adopt(stage).await),
            (Stage::Approved, Some(Moved::Approved)) => {
                let message = format!("report {} is approved already", self.report.id);
                Ok(unchanged("already-approved", message))
            }
            (Stage::Approved, _) => Ok(self.end(Moved::Approved, Change::Adopted, 0).await),
            _ if !self.approves() => {
                let message = format!("report {} is submitted already", self.report.id);
                Ok(unchanged("already-submitted", message))
            }
            _ if ambiguity::left_by_earlier_run(self.flow, self.own).is_some() => {
                Err(EarlyEnd::park(self.flow.ambiguous(EARLIER)))
            }
            _ => self.approve(report, &self.own_entries().await?).await,
        }
    }

    fn approves(&self) -> bool {
        self.flow.settings.expense.workflow == Workflow::Approve
    }

    async fn submit(&self, report: &Report) -> Result<Ending, EarlyEnd> {
        let flow = self.flow;
        if !is_due(flow, &self.key) {
            let days = flow.settings.expense.workflow_after_days;
            let message = format!(
                "{} has not been over for {days} days (`expense.workflow_after_days`)",
                self.key.period
            );
            return Ok(unchanged("not-due", message));
        }
        if ambiguity::left_by_earlier_run(flow, self.own).is_some() {
            return Err(EarlyEnd::park(flow.ambiguous(EARLIER)));
        }
        let entries = self.own_entries().await?;
        if entries.is_empty() {
            let message = format!("report {} has no entries", self.report.id);
            return Ok(unchanged("nothing-to-submit", message));
        }
        let look_up = async || {
            if self.require().await?.stage() != Stage::New {
                return Ok(LookUp::Found(()));
            }
            self.check_again(&entries).await?;
            let request = concur::submit_report(&self.employee.id, &self.report.id);
            Ok(LookUp::Missing(request))
        };
        let intent = Intent::LookUpThenPark;
        let written = flow.write(intent, concur::read_moved_on, look_up).await?;
        written.map_err(|refusal| self.refused("submitted", &refusal))?;
        if !self.approves() {
            let count = entries.len();
            return Ok(self.end(Moved::Submitted, Change::Updated, count).await);
        }
        self.store(Moved::Submitted, Vec::new()).await;
        let report = self.shown_after(&report.status).await?;
        self.approve(report, &entries).await
    }

    /// Approves step after step. A step that may have been approved is never approved again: a
    /// second approval would be that of the next one.
    async fn approve(
        &self,
        mut report: Report,
        entries: &[ExpenseEntry],
    ) -> Result<Ending, EarlyEnd> {
        for _ in 0..STEPS_MAX {
            match report.stage() {
                Stage::Pending => {}
                Stage::Approved => {
                    let count = entries.len();
                    return Ok(self.end(Moved::Approved, Change::Updated, count).await);
                }
                Stage::New => return Err(self.not_shown()),
                Stage::Back => return Ok(self.left("was sent back or recalled")),
                Stage::Held => return Err(self.held(&report)),
            }
            let look_up = async || {
                if self.require().await?.status != report.status {
                    return Ok(LookUp::Found(()));
                }
                self.check_again(entries).await?;
                Ok(LookUp::Missing(concur::approve_report(
                    &self.report.id,
                    COMMENT,
                )))
            };
            let intent = Intent::LookUpThenPark;
            let written = self.flow.write(intent, concur::read_moved_on, look_up);
            let written = written.await?;
            written.map_err(|refusal| self.refused("approved", &refusal))?;
            report = self.shown_after(&report.status).await?;
        }
        let message = format!(
            "report {} still waits for an approval after {STEPS_MAX} of them",
            self.report.id
        );
        Err(self.by_hand("step-refused", message))
    }

    /// An earlier attempt was never answered, and has submitted it.
    async fn adopt(&self, stage: Stage) -> Ending {
        if stage == Stage::Approved {
            return self.end(Moved::Approved, Change::Adopted, 0).await;
        }
        let again = NewTask {
            object: self.flow.task.object.clone(),
            reason: StartReason::Schedule,
        };
        let tasks = if self.approves() { vec![again] } else { vec![] };
        self.store(Moved::Submitted, tasks).await;
        self.confirmed(Moved::Submitted, Change::Adopted, 0)
    }

    async fn show(&self) -> Result<Option<Report>, EarlyEnd> {
        read_report(self.flow, &self.employee, &self.report.id).await
    }

    async fn require(&self) -> Result<Report, EarlyEnd> {
        match self.show().await? {
            Some(report) => Ok(report),
            None => {
                let message = format!("report {} was deleted in SAP Concur", self.report.id);
                let remedy = "nothing if its expenses are not wanted there";
                Err(self.flow.parked("deleted-in-concur", message, remedy))
            }
        }
    }

    /// The report once it shows another status than before, or when it has been given the time.
    async fn shown_after(&self, before: &str) -> Result<Report, EarlyEnd> {
        for delay in STEP_DELAYS {
            let report = self.require().await?;
            if report.status != before {
                return Ok(report);
            }
            let message = format!("report {} does not show its next step yet", report.id);
            self.flow.wait(delay, WaitReason::Retry, message).await;
        }
        self.require().await
    }

    async fn own_entries(&self) -> Result<Vec<ExpenseEntry>, EarlyEnd> {
        require_own_entries(self.flow, &self.employee, &self.report.id).await
    }

    /// Just before a write, the report holds what it held when it was looked at.
    async fn check_again(&self, entries: &[ExpenseEntry]) -> Result<(), EarlyEnd> {
        entries_again(self.flow, &self.employee, &self.report.id, entries).await
    }

    async fn end(&self, moved: Moved, change: Change, entries: usize) -> Ending {
        self.store(moved, Vec::new()).await;
        self.confirmed(moved, change, entries)
    }

    async fn store(&self, moved: Moved, tasks: Vec<NewTask>) {
        let link = Link {
            source: self.flow.task.object.clone(),
            target: self.report.clone(),
            version: None,
            content_hash: Some(moved.word().to_string()),
        };
        let changes = Changes {
            links: vec![link],
            unlinks: Vec::new(),
            tasks,
        };
        self.flow.save(changes).await;
    }

    fn confirmed(&self, moved: Moved, change: Change, entries: usize) -> Ending {
        let (id, word) = (&self.report.id, moved.word());
        let message = match (change, entries) {
            (Change::Updated, 1) => format!("{word} report {id}: its one entry is ours"),
            (Change::Updated, entries) => {
                format!("{word} report {id}: all of its {entries} entries are ours")
            }
            _ => format!("report {id} is {word}"),
        };
        Ending::Confirmed(Confirmation {
            target: self.report.clone(),
            change,
            message,
        })
    }

    fn left(&self, how: &str) -> Ending {
        let message = format!("report {} {how}, and is left to people", self.report.id);
        unchanged(LEFT_TO_PEOPLE, message)
    }

    fn held(&self, report: &Report) -> EarlyEnd {
        let message = format!(
            "SAP Concur holds report {} (approval status {})",
            report.id, report.status
        );
        let remedy = "see in SAP Concur what it waits for; it is looked at again by itself";
        self.flow.parked_for_now("report-held", message, remedy)
    }

    fn not_shown(&self) -> EarlyEnd {
        let message = format!(
            "SAP Concur answered that report {} is submitted, and does not show it so",
            self.report.id
        );
        let remedy = "it is looked at again by itself; if this lasts, submit it in SAP Concur by \
                      hand";
        self.flow
            .parked_for_now("report-not-shown", message, remedy)
    }

    fn refused(&self, what: &str, refusal: &Refusal) -> EarlyEnd {
        if refusal.cause(System::Concur) != Cause::Record {
            let what = format!("that the report is {what}");
            return remote_refused(self.flow, System::Concur, &what, refusal);
        }
        let message = format!(
            "SAP Concur does not let report {} be {what} {}",
            self.report.id,
            refusal.said()
        );
        self.by_hand("step-refused", message)
    }

    fn by_hand(&self, code: &str, message: String) -> EarlyEnd {
        let change = "do it in SAP Concur by hand, complete the report there, or change how far \
                      `expense.workflow` brings reports";
        let remedy = after_settings(change, Replay::Run);
        self.flow.parked(code, message, remedy)
    }
}
