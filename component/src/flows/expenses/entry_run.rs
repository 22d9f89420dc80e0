//! A translated expense becomes an entry: found by our marker in the reports that may hold it,
//! created or changed, and read back.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::EXPENSE_ENTRY;
use super::look_up::{in_documents, show_entry};
use super::removal::remove;
use crate::concur::{self, ExpenseEntry, Report};
use crate::contract::http::Request;
use crate::contract::runs::{
    Change, Changes, Confirmation, Ending, Intent, Link, ObjectStatus, WaitReason,
};
use crate::contract::types::{Duration, ObjectRef, System};
use crate::error_bodies::{Cause, Refusal};
use crate::expense_entry::unseen::{differences, in_words, lacks_rate};
use crate::expense_entry::{EXCHANGE_RATE, EXPENSE_TYPE, Translated};
use crate::flow::{EARLIER, EarlyEnd, Flow, LookUp, NOT_SHOWN, remote_refused};
use crate::flows::ambiguity;
use crate::flows::documents::turn::{self, Turn};
use crate::flows::employees::{Employee, require_employee};
use crate::flows::expense_reports::{EXPENSE_REPORT, read_report, reports_of, require_open_report};
use crate::freshbooks::Expense;
use crate::marker;
use crate::remedy::{Replay, after_settings};
use crate::text::non_empty;

/// The kind of the forms that entries use.
const FORM: &str = "expense-entry-form";
/// How often another report is taken because the one before it was submitted between our look and
/// our write.
const CLOSED_MAX: u32 = 5;
/// How long SAP Concur is given to show what it has taken, before each look but the first, in
/// milliseconds.
const READ_BACK_DELAYS: [Duration; 3] = [2_000, 15_000, 60_000];

/// A run that brings a translated expense to its entry.
pub(super) struct EntryRun<'a> {
    pub(super) flow: &'a Flow,
    pub(super) expense: &'a Expense,
    pub(super) translated: Translated,
    /// FreshBooks' number of the member of staff, and the employee.
    pub(super) staff: String,
    pub(super) employee: Employee,
    /// The month or week of the expense.
    pub(super) period: String,
    pub(super) marker: String,
    pub(super) hash: String,
    /// The object of the form that it uses; none if it uses no custom field.
    pub(super) form: Option<ObjectRef>,
    /// The report that was written to last.
    pub(super) report: RefCell<Option<Report>>,
}

/// The form that an entry uses: the custom fields that are written, and what decides in SAP Concur
/// which form they must be on. Other settings make another form.
pub(super) fn form_of(flow: &Flow, translated: &Translated) -> Option<ObjectRef> {
    let fields: Vec<&str> = translated.filled_fields().collect();
    if fields.is_empty() {
        return None;
    }
    let settings = &flow.settings;
    let mut parts = vec![
        FORM,
        settings.concur.company_id.as_str(),
        settings.expense.report.policy_id.as_str(),
        translated.text(EXPENSE_TYPE),
    ];
    parts.extend(fields);
    Some(ObjectRef::concur(FORM, marker::short_hash(&parts)))
}

impl EntryRun<'_> {
    pub(super) async fn create(&self, own: &ObjectStatus) -> Result<Ending, EarlyEnd> {
        let is_known = self.leave_other_report(own).await?;
        if !is_known && ambiguity::left_by_earlier_run(self.flow, own).is_some() {
            let reports = reports_of(self.flow, &self.staff, &self.period).await;
            return match self.find_ours(own, &reports).await? {
                Some(id) => self.link_seen(id, Change::Adopted, Turn::Proven).await,
                None => Err(EarlyEnd::park(self.flow.ambiguous(EARLIER))),
            };
        }
        let turn = self.await_turn().await?;
        let intent = self.flow.settings.expense.ambiguity;
        let look_up = async || {
            let reports = reports_of(self.flow, &self.staff, &self.period).await;
            Ok(match self.find_ours(own, &reports).await? {
                Some(id) => LookUp::Found(id),
                None => LookUp::Missing(self.creation(reports.last).await?),
            })
        };
        let mut closed = 0;
        loop {
            let written = self.flow.write(intent, concur::read_written_id, look_up);
            match written.await? {
                Ok(written) if written.found => {
                    return self.link_seen(written.record, Change::Adopted, turn).await;
                }
                Ok(written) => {
                    return self.link_seen(written.record, Change::Created, turn).await;
                }
                Err(refusal) if closed < CLOSED_MAX && self.has_closed().await? => {
                    closed += 1;
                    drop(refusal);
                }
                Err(refusal) => return Err(self.refused("the expense entry", &refusal)),
            }
        }
    }

    /// What creates the entry, in the report that takes it: the last one, or the next.
    async fn creation(&self, last: u32) -> Result<Request, EarlyEnd> {
        let (flow, employee) = (self.flow, &self.employee);
        let report = require_open_report(flow, employee, &self.staff, &self.period, last).await?;
        let body = self.translated.to_create(&report.id);
        self.note_report(report).await;
        Ok(concur::create_entry(&employee.login, body))
    }

    /// Stores which report is written to, so that whatever becomes of this run, the next one knows
    /// where its entry may be: the date, and so the report, may have changed by then.
    async fn note_report(&self, report: Report) {
        let noted = self.report.replace(Some(report.clone()));
        if noted.is_some_and(|noted| noted.id == report.id) {
            return;
        }
        let link = Link {
            source: self.flow.task.object.clone(),
            target: ObjectRef::concur(EXPENSE_REPORT, report.id),
            version: None,
            content_hash: None,
        };
        self.flow.save_links(vec![link]).await;
    }

    /// Whether the report that was written to takes no more entries.
    async fn has_closed(&self) -> Result<bool, EarlyEnd> {
        let id = self
            .report
            .borrow()
            .as_ref()
            .map(|report| report.id.clone());
        let Some(id) = id else { return Ok(false) };
        let report = read_report(self.flow, &self.employee, &id).await?;
        Ok(report.is_none_or(|report| !report.open))
    }

    /// Changes the entry that the expense is linked to until it says what the expense says; puts it
    /// into a report of the other employee if the expense is another one's now.
    pub(super) async fn update(&self, own: &ObjectStatus, link: &Link) -> Result<Ending, EarlyEnd> {
        let id = link.target.id.as_str();
        let back = self.flow.find_one(link.target.clone()).await.link;
        let before = back.and_then(|back| back.version);
        if let Some(before) = before.filter(|before| *before != self.staff) {
            return self.hand_over(own, id, &before).await;
        }
        let Some(entry) = self.show(id).await? else {
            // One that did not show what was written into it may be taken away and made anew.
            return match &link.content_hash {
                None => self.create(own).await,
                Some(_) => Err(self.withdrawn(id)),
            };
        };
        if let Some(ended) = self.keep_as_adopted(link, &entry).await? {
            return Ok(ended);
        }
        self.check_not_submitted(&entry).await?;
        let turn = self.await_turn().await?;
        let look_up = async || {
            let Some(entry) = self.show(id).await? else {
                return Err(self.withdrawn(id));
            };
            let names = differences(&entry, &self.translated);
            if names.is_empty() {
                return Ok(LookUp::Found(()));
            }
            let body = self.translated.to_update(&entry.report_id, &names);
            let login = &self.employee.login;
            Ok(LookUp::Missing(concur::update_entry(login, id, body)))
        };
        let intent = Intent::LookUpThenResend;
        match self
            .flow
            .write(intent, concur::read_entry_changed, look_up)
            .await?
        {
            Ok(_) => self.link_seen(id.to_string(), Change::Updated, turn).await,
            Err(refusal) if refusal.cause(System::Concur) != Cause::Record => {
                Err(self.refused("the change of the expense entry", &refusal))
            }
            Err(refusal) => {
                let message = format!(
                    "SAP Concur does not let expense entry {id} be changed {}",
                    refusal.said()
                );
                Err(self.update_refused(message))
            }
        }
    }

    /// The expense is another employee's now: its entry leaves the old report first.
    async fn hand_over(
        &self,
        own: &ObjectStatus,
        id: &str,
        before: &str,
    ) -> Result<Ending, EarlyEnd> {
        let employee = require_employee(self.flow, before).await?;
        let unlinks = remove(self.flow, &employee, id, "is another employee's now").await?;
        self.flow
            .save(Changes {
                links: Vec::new(),
                unlinks,
                tasks: Vec::new(),
            })
            .await;
        let own = ObjectStatus {
            link: None,
            ..own.clone()
        };
        self.create(&own).await
    }

    async fn check_not_submitted(&self, entry: &ExpenseEntry) -> Result<(), EarlyEnd> {
        let report = read_report(self.flow, &self.employee, &entry.report_id).await?;
        if !report.is_some_and(|report| report.submitted) {
            return Ok(());
        }
        let message = format!(
            "the expense has changed, and expense entry {} is in report {}, which is submitted",
            entry.id, entry.report_id
        );
        Err(self.update_refused(message))
    }

    fn update_refused(&self, message: String) -> EarlyEnd {
        let remedy = "have the report sent back in SAP Concur, or change the entry there by hand; \
                      then `ml-connector replay RUN`";
        self.flow.parked("update-refused", message, remedy)
    }

    fn withdrawn(&self, id: &str) -> EarlyEnd {
        let message = format!(
            "expense entry {id} was deleted in SAP Concur, and the expense has changed since"
        );
        let remedy = "delete the expense in FreshBooks too, or enter it there once more";
        self.flow.parked("deleted-in-concur", message, remedy)
    }

    async fn await_turn(&self) -> Result<Turn, EarlyEnd> {
        match &self.form {
            Some(form) => turn::await_turn(self.flow, form).await,
            None => Ok(Turn::Proven),
        }
    }

    async fn show(&self, id: &str) -> Result<Option<ExpenseEntry>, EarlyEnd> {
        show_entry(self.flow, &self.employee.login, id).await
    }

    /// Confirms what a read shows. What was written and cannot be seen is linked all the same, so
    /// that it is changed and never made twice, but not confirmed.
    pub(super) async fn link_seen(
        &self,
        id: String,
        change: Change,
        turn: Turn,
    ) -> Result<Ending, EarlyEnd> {
        let is_first = turn == Turn::First;
        let (end, entry, form) = match self.read_back(&id).await {
            Ok((Some(entry), names)) if names.is_empty() => {
                self.store(&id, Some(&entry), true, is_first.then_some(true))
                    .await;
                return Ok(self.confirmed(id, change));
            }
            Ok((Some(entry), names)) => {
                let lacks_marker = names.contains(&self.translated.marker_member.as_str());
                // A rate is the currency's, and says nothing of the form: its fields did come back.
                let is_form_seen = names == [EXCHANGE_RATE];
                let form = (is_first || lacks_marker).then_some(is_form_seen);
                (self.not_shown(&id, &names), Some(entry), form)
            }
            Ok((None, _)) => (self.not_there(&id), None, is_first.then_some(false)),
            Err(end) => (end, None, is_first.then_some(false)),
        };
        self.store(&id, entry.as_ref(), false, form).await;
        Err(end)
    }

    /// The entry, and which members it does not show as they were written.
    async fn read_back(&self, id: &str) -> Result<(Option<ExpenseEntry>, Vec<&str>), EarlyEnd> {
        let mut delays = READ_BACK_DELAYS.into_iter();
        loop {
            let shown = self.show(id).await?;
            let names = match &shown {
                Some(entry) => self.unseen(entry),
                None => Vec::new(),
            };
            let is_seen = shown.is_some() && names.is_empty();
            let delay = delays.next().filter(|_| !is_seen);
            let Some(delay) = delay else {
                return Ok((shown, names));
            };
            let message = format!("expense entry {id} does not show all of it yet");
            self.flow.wait(delay, WaitReason::Retry, message).await;
        }
    }

    fn unseen(&self, entry: &ExpenseEntry) -> Vec<&str> {
        let mut names = differences(entry, &self.translated);
        let report = self.report.borrow();
        let currency = report.as_ref().map_or("", |report| &report.currency);
        if lacks_rate(entry, &self.translated, currency) {
            names.push(EXCHANGE_RATE);
        }
        names
    }

    fn not_shown(&self, id: &str, names: &[&str]) -> EarlyEnd {
        let message = format!(
            "SAP Concur took expense entry {id}, but does not show all that was written into it: \
             {} did not come back",
            in_words(names)
        );
        let change = match names {
            [EXCHANGE_RATE] => {
                "SAP Concur has no rate for the currency and took the amount one to one: correct \
                 the entry there, set a rate up, and take the currency out of `expense.currencies` \
                 until then"
            }
            _ => "check that the entry form in SAP Concur has the fields that `expense` names",
        };
        let remedy = after_settings(change, Replay::Run);
        self.flow.parked(NOT_SHOWN, message, &remedy)
    }

    fn not_there(&self, id: &str) -> EarlyEnd {
        let message = format!("SAP Concur took expense entry {id}, but does not show it");
        let remedy = "look for it in SAP Concur, then `ml-connector replay RUN`";
        self.flow.parked(NOT_SHOWN, message, remedy)
    }

    fn confirmed(&self, id: String, change: Change) -> Ending {
        let message = match change {
            Change::Created => format!("created expense entry {id}"),
            Change::Adopted => {
                format!("expense entry {id} was there already, with our marker")
            }
            _ => format!("brought expense entry {id} up to date"),
        };
        Ending::Confirmed(Confirmation {
            target: ObjectRef::concur(EXPENSE_ENTRY, id),
            change,
            message,
        })
    }

    /// Stores the links both ways, and whether the fields of the form were seen, where this run
    /// says so. The way back finds by the v4 id what it must not post again; the links from there
    /// have the member of staff as their version, who may be another one when the entry is to go.
    pub(super) async fn store(
        &self,
        id: &str,
        entry: Option<&ExpenseEntry>,
        is_seen: bool,
        form_seen: Option<bool>,
    ) {
        let source = &self.flow.task.object;
        let target = ObjectRef::concur(EXPENSE_ENTRY, id);
        let back = |entry: ObjectRef| Link {
            source: entry,
            target: source.clone(),
            version: Some(self.staff.clone()),
            content_hash: None,
        };
        let mut links = vec![
            Link {
                source: source.clone(),
                target: target.clone(),
                version: non_empty(self.expense.version.clone()),
                content_hash: is_seen.then(|| self.hash.clone()),
            },
            back(target.clone()),
        ];
        links.extend(entry.and_then(in_documents).map(back));
        let form = self.form.as_ref().zip(form_seen);
        links.extend(form.map(|(form, seen)| turn::seen_link(form, &target, seen)));
        self.flow.save_links(links).await;
    }

    fn refused(&self, what: &str, refusal: &Refusal) -> EarlyEnd {
        remote_refused(self.flow, System::Concur, what, refusal)
    }
}
