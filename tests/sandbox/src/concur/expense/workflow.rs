//! Workflows v4: submit, approve, send back and recall, with their documented guards
//! (source: concur-expense-workflows).

use serde_json::{Map, Value};

use super::config::SystemApproval;
use super::report::{Comment, Entry, Report, Step};
use super::schema::{APPROVE, NO_MEMBERS, SEND_BACK};
use super::v4::{V4Call, V4Error, V4Reply, V4Result, check_context};
use crate::concur::{CannotDo, Concur, Filing};
use crate::http::Millis;

const NO_ENTRIES: &str = "The expense report has no expenses. You must create at least one expense \
    in order to submit the report";
const ALREADY: &str = "The report has already been submitted and cannot be submitted again";
const MISSING: &str = "At least one required field in this report is empty. Please provide a value \
    and then submit the report";
const UNDEFINED: &str = "The expense report contains one or more expenses with an expense type of \
    Undefined. You must select an expense type for each expense before you can submit the report";
const INVALID: &str =
    "The action cannot be executed because it is not valid for the report workflow";
const REJECTED: &str = "Some of the expenses were rejected on this report and \
    expenseRejectedComment is required to approve this report.";

impl Concur {
    /// Submits a report.
    pub(super) fn submit_report_by_call(&mut self, call: &V4Call, id: &str) -> V4Result {
        call.optional_body(&NO_MEMBERS, self.config.expense.unknown_fields)?;
        self.submit(id, call.now).map(|()| V4Reply::NoContent)
    }

    /// Submits a report, whoever does it.
    pub(super) fn submit(&mut self, id: &str, now: Millis) -> Result<(), V4Error> {
        let report = self.report_of(id, None, "PROCESSOR")?;
        if report.step != Step::Open {
            return Err(V4Error::rule("error.submit.alreadySubmitted", ALREADY));
        }
        if report.entries.is_empty() {
            return Err(V4Error::rule("error.submit.no_entries", NO_ENTRIES));
        }
        let is_undefined = |entry: &Entry| {
            self.config
                .expense
                .expense_type(&entry.expense_type)
                .is_none()
        };
        if report.entries.iter().any(is_undefined) {
            return Err(V4Error::rule(
                "error.submit.undefined_expense_type",
                UNDEFINED,
            ));
        }
        if self.lacks_required_field(report) {
            return Err(V4Error::rule("error.submit.missing_reqd_fields", MISSING));
        }
        let first = self.step_after(None);
        let Some(report) = self.expense.report_mut(id) else {
            return Err(V4Error::not_found("reportId"));
        };
        report.step = first;
        (report.ever_submitted, report.sent_back) = (true, false);
        report.submitted = Some(now);
        report.touch(now);
        if first == Step::Approved {
            self.file_report(id, &Filing::default(), now);
        }
        Ok(())
    }

    fn lacks_required_field(&self, report: &Report) -> bool {
        let config = &self.config.expense;
        let report_fields = config.report_fields.iter();
        let mut report_fields = report_fields.filter(|(_, field)| field.required);
        let of_report = report_fields.any(|(name, _)| !report.customs.contains_key(name));
        let entry_fields = config.entry_fields.iter();
        let mut entry_fields = entry_fields.filter(|(_, field)| field.required);
        let of_entries = entry_fields.any(|(name, _)| {
            let mut entries = report.entries.iter();
            entries.any(|entry| !entry.customs.contains_key(name))
        });
        of_report || of_entries
    }

    fn step_after(&self, at: Option<usize>) -> Step {
        let next = at.map_or(0, |at| at + 1);
        if next < self.config.expense.approval_steps.len() {
            Step::Pending(next)
        } else {
            Step::Approved
        }
    }

    /// Approves the step at which a report is; the last approval files its document. `context` is
    /// none for a company token.
    pub(super) fn approve_by_call(
        &mut self,
        call: &V4Call,
        id: &str,
        context: Option<&str>,
    ) -> V4Result {
        self.check_actor(call, id, context)?;
        let body = call.optional_body(&APPROVE, self.config.expense.unknown_fields)?;
        let at = self.pending_step(id)?;
        self.check_expected_step(&body, at)?;
        let code = self.config.expense.approval_steps.get(at);
        let is_system = code.is_some_and(|code| matches!(code.as_str(), "A_EXTV" | "A_PVAL"));
        let system_only = self.config.expense.system_approval == SystemApproval::SystemStep;
        if context.is_none() && system_only && !is_system {
            return Err(V4Error::rule("error.workflow.invalid_action", INVALID));
        }
        let rejected = self.report_of(id, None, "PROCESSOR")?.entries.iter();
        let mut rejected = rejected.filter(|entry| entry.rejected);
        if rejected.next().is_some() && !body.contains_key("expenseRejectedComment") {
            let id = "error.workflow.rejectedExpenseMissingComments";
            return Err(V4Error::rule(id, REJECTED));
        }
        self.add_comment_of(&body, id, call.now);
        self.approve_step(id, &Filing::default(), call.now)?;
        Ok(V4Reply::NoContent)
    }

    /// Approves one step, whoever does it.
    pub(super) fn approve_step(
        &mut self,
        id: &str,
        filing: &Filing,
        now: Millis,
    ) -> Result<(), V4Error> {
        let next = self.step_after(Some(self.pending_step(id)?));
        if let Some(report) = self.expense.report_mut(id) {
            report.step = next;
            report.touch(now);
        }
        if next == Step::Approved {
            self.file_report(id, filing, now);
        }
        Ok(())
    }

    /// Sends a report back to its owner.
    pub(super) fn send_back_by_call(
        &mut self,
        call: &V4Call,
        id: &str,
        context: Option<&str>,
    ) -> V4Result {
        self.check_actor(call, id, context)?;
        let body = call.body(&SEND_BACK, self.config.expense.unknown_fields)?;
        if body["comment"]
            .as_str()
            .is_none_or(|text| text.trim().is_empty())
        {
            let message = "Cannot send report back without providing comments. Add a comment to \
                explain why you are returning the report";
            return Err(V4Error::rule("error.workflow.noComments", message));
        }
        let at = self.pending_step(id)?;
        self.check_expected_step(&body, at)?;
        self.add_comment_of(&body, id, call.now);
        self.reopen(id, true, call.now);
        Ok(V4Reply::NoContent)
    }

    /// The owner takes a report back, with a token of their own.
    pub(super) fn recall_by_call(&mut self, call: &V4Call, id: &str, context: &str) -> V4Result {
        check_context(context, &["TRAVELER", "PROXY"])?;
        if call.login.is_none() {
            let message = "Caller does not have permission to submit the report";
            return Err(V4Error::new(403, message));
        }
        call.optional_body(&NO_MEMBERS, self.config.expense.unknown_fields)?;
        if self.pending_step(id).is_err() {
            let message = "Expense report cannot be recalled";
            return Err(V4Error::rule("error.recall.cannotRecall", message));
        }
        self.reopen(id, false, call.now);
        Ok(V4Reply::NoContent)
    }

    /// Puts a report back to its owner.
    pub(crate) fn reopen(&mut self, id: &str, sent_back: bool, now: Millis) {
        let Some(report) = self.expense.report_mut(id) else {
            return;
        };
        report.step = Step::Open;
        (report.sent_back, report.submitted) = (sent_back, None);
        report.ever_sent_back |= sent_back;
        report.touch(now);
    }

    /// A report is recalled by a person: while it is pending, or as its document allows.
    pub(super) fn recall_report(&mut self, id: &str, now: Millis) -> Result<(), CannotDo> {
        match self.expense.report(id).map(|report| report.step) {
            None | Some(Step::Open) => Err(CannotDo::Unknown),
            Some(Step::Pending(_)) => {
                self.reopen(id, false, now);
                Ok(())
            }
            Some(Step::Approved) => self.recall(id, now),
        }
    }

    /// Who may approve and send back: a company token, or another user than the owner.
    fn check_actor(&self, call: &V4Call, id: &str, context: Option<&str>) -> Result<(), V4Error> {
        let Some(context) = context else {
            return call.company_only();
        };
        check_context(context, &["MANAGER"])?;
        let owner = &self.report_of(id, None, "PROCESSOR")?.owner;
        let path = call.request.path().to_ascii_lowercase();
        if path.contains(&format!("/users/{}/", owner.to_ascii_lowercase())) {
            let message = "This expense report was created by you. You cannot approve your own \
                report";
            return Err(V4Error::rule("cannot_approve_your_own_report", message));
        }
        Ok(())
    }

    fn pending_step(&self, id: &str) -> Result<usize, V4Error> {
        match self.report_of(id, None, "PROCESSOR")?.step {
            Step::Pending(at) => Ok(at),
            _ => Err(V4Error::rule("error.workflow.invalid_action", INVALID)),
        }
    }

    /// Refuses a call that expects the report at another step. A step has no instance here but its
    /// sequence.
    fn check_expected_step(&self, body: &Map<String, Value>, at: usize) -> Result<(), V4Error> {
        let code = self.config.expense.approval_steps.get(at);
        let expected = body.get("expectedStepCode").and_then(Value::as_str);
        let sequence = body.get("expectedStepSequence").and_then(Value::as_u64);
        let differs = expected.is_some_and(|expected| code.is_none_or(|code| code != expected))
            || sequence.is_some_and(|sequence| sequence != at as u64 + 1);
        if differs {
            return Err(V4Error::rule("error.workflow.invalid_action", INVALID));
        }
        Ok(())
    }

    fn add_comment_of(&mut self, body: &Map<String, Value>, id: &str, now: Millis) {
        let text = body.get("comment").and_then(Value::as_str);
        if let (Some(text), Some(report)) = (text, self.expense.report_mut(id)) {
            report.comments.push(Comment {
                text: text.to_owned(),
                at: now,
            });
        }
    }
}
