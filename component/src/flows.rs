//! The flows: what is to be done for each kind of object, as async functions that read like the
//! story they tell.

mod ambiguity;
mod backfill;
mod change_stamp;
mod day;
mod dependency;
mod documents;
mod employees;
mod expense_reports;
mod expenses;
mod financial_document;
mod financial_queue;
mod from_concur;
mod parties;
mod payment_request_form;
mod payment_state;
mod reference;
mod registration;
mod report_queue;
mod report_submission;
mod subscription;
mod suppliers;
mod sweep;
mod vendor_changes;
mod vendors;

pub(crate) use from_concur::made_of_invoice;

use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::contract::runs::{Ending, EndingKind, HistoryEntry, ObjectStatus, OpenError, Task};
use crate::contract::types::System;
use crate::flow::{EarlyEnd, Flow};
use crate::freshbooks::Kind;
use crate::runs::{EffectChannel, FlowFuture, Run};
use crate::settings::Settings;
use crate::settings::expense::REPORT_QUEUE;
use crate::settings::reference::{REFERENCE_LIST, ReferenceKind};

/// The longest id of an object in bytes; those of both systems are numbers and UUIDs.
const ID_BYTES_MAX: usize = 200;

impl Run {
    /// Opens a run, replays its history, and returns it; [`Run::demand`] is what it wants next.
    ///
    /// # Errors
    ///
    /// `invalid-task` if the object has no id or one over 200 bytes, `unknown-kind` if no flow
    /// brings such objects across, `diverged` if the flow does not demand what the history says,
    /// `broken-history` if an outcome does not answer its demand or is missing where it must not
    /// be.
    ///
    /// ```
    /// use ml_connector_component::contract::runs::{
    ///     Action, Demand, ObjectStatus, Outcome, Report, StartReason, StepErrorCode, Task,
    /// };
    /// use ml_connector_component::contract::types::ObjectRef;
    /// use ml_connector_component::{runs::Run, settings::Settings};
    ///
    /// # const SETTINGS: &str =
    /// #     include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/settings/minimal.json"));
    /// let settings = std::rc::Rc::new(Settings::load("acme", SETTINGS).expect("is right"));
    /// let object = ObjectRef::freshbooks("invoice", "778120");
    /// let task = Task {
    ///     object: object.clone(),
    ///     reason: StartReason::Notice,
    ///     started: 1_000,
    ///     receive_url: None,
    ///     unknown_since: None,
    /// };
    /// let mut run = Run::open(task, settings, Vec::new()).expect("opens");
    /// let Demand::Perform(effect) = run.demand() else { panic!("asks first") };
    /// assert!(matches!(&effect.action, Action::FindObjects(asked) if *asked == [object.clone()]));
    /// let status = ObjectStatus { object, link: None, active: true, last: None };
    /// let outcome = Outcome { id: 0, report: Report::Found(vec![status]), at: 2_000 };
    /// // A refused step changes nothing.
    /// let early = Outcome { at: 999, ..outcome.clone() };
    /// assert_eq!(run.step(early).expect_err("is older").code, StepErrorCode::ClockWentBack);
    /// let Ok(Demand::Perform(effect)) = run.step(outcome) else { panic!("goes on") };
    /// assert!(matches!(&effect.action, Action::Send(_)));
    /// ```
    pub fn open(
        task: Task,
        settings: Rc<Settings>,
        history: Vec<HistoryEntry>,
    ) -> Result<Self, OpenError> {
        check(&task).map_err(OpenError::InvalidTask)?;
        let channel = Rc::new(EffectChannel::new(task.started));
        let flow = start(Flow::new(Rc::clone(&channel), task, settings))?;
        Self::new(flow, channel).replayed(history)
    }
}

/// The bounds of a task's fields; what breaks one.
fn check(task: &Task) -> Result<(), String> {
    let length = task.object.id.len();
    if !(1..=ID_BYTES_MAX).contains(&length) {
        return Err(format!(
            "the object's id has {length} bytes; 1 to {ID_BYTES_MAX} are allowed"
        ));
    }
    if task.receive_url.as_deref() == Some("") {
        return Err("`receive-url` is empty; leave it out instead".to_string());
    }
    Ok(())
}

/// The flow for a task.
fn start(flow: Flow) -> Result<FlowFuture, OpenError> {
    let object = &flow.task.object;
    match (object.system, object.kind.as_str()) {
        (System::Freshbooks, "invoice") => Ok(boxed(flow, async |flow| {
            documents::sync_document(flow, Kind::Invoice).await
        })),
        (System::Freshbooks, "bill") => Ok(boxed(flow, async |flow| {
            documents::sync_document(flow, Kind::Bill).await
        })),
        (System::Freshbooks, "client" | "bill-vendor") => Ok(boxed(flow, vendors::sync_vendor)),
        (System::Freshbooks, "payment") => Ok(boxed(flow, payment_state::read_payment)),
        (System::Freshbooks, payment_state::KIND) => {
            Ok(boxed(flow, payment_state::sync_payment_state))
        }
        (System::Freshbooks, "expense") => Ok(boxed(flow, expenses::sync_expense)),
        (System::Freshbooks, "staff") => Ok(boxed(flow, employees::sync_staff)),
        (System::Freshbooks, "expense-report") => Ok(boxed(flow, expense_reports::sync_report)),
        (System::Freshbooks, report_submission::KIND) => {
            Ok(boxed(flow, report_submission::sync_submission))
        }
        (System::Concur, REPORT_QUEUE) => Ok(boxed(flow, report_queue::read_report_queue)),
        (System::Freshbooks, "callback") => Ok(boxed(flow, registration::check_registration)),
        (System::Freshbooks, "backfill") => Ok(boxed(flow, backfill::back_fill)),
        (System::Freshbooks, "sweep") => Ok(boxed(flow, sweep::sweep_page)),
        (System::Freshbooks, REFERENCE_LIST) => Ok(boxed(flow, reference::compare_records_page)),
        (System::Concur, REFERENCE_LIST) => Ok(boxed(flow, reference::compare_items_page)),
        (System::Concur, "vendor") => Ok(boxed(flow, vendor_changes::sync_changed_vendor)),
        (System::Concur, "list-item") => Ok(boxed(flow, reference::sync_item)),
        (System::Freshbooks, "project") => Ok(boxed(flow, async |flow| {
            reference::sync_record(flow, ReferenceKind::Project).await
        })),
        (System::Freshbooks, "service") => Ok(boxed(flow, async |flow| {
            reference::sync_record(flow, ReferenceKind::Service).await
        })),
        (System::Freshbooks, "account") => Ok(boxed(flow, async |flow| {
            reference::sync_record(flow, ReferenceKind::Account).await
        })),
        (System::Concur, "financial-queue") => Ok(boxed(flow, financial_queue::read_queue)),
        (System::Concur, "financial-document") => {
            Ok(boxed(flow, financial_document::sync_financial_document))
        }
        (System::Concur, "supplier") => Ok(boxed(flow, suppliers::sync_supplier)),
        (System::Concur, "payment-request-form" | "expense-entry-form") => {
            Ok(boxed(flow, payment_request_form::give_first_place))
        }
        (System::Concur, "event-subscription") => Ok(boxed(flow, subscription::check_subscription)),
        (system, kind) => Err(OpenError::UnknownKind(format!(
            "{} {kind}",
            system.display_name()
        ))),
    }
}

/// Whether a version that a list shows is another than the one that the last run of its object
/// looked at. A run that stopped before it got as far as a version waits for a person.
fn looks_changed(status: &ObjectStatus, version: &str) -> bool {
    let Some(last) = &status.last else {
        return true;
    };
    let is_stopped = matches!(
        last.kind,
        EndingKind::Parked | EndingKind::Rejected | EndingKind::Conflict
    );
    match &last.version {
        None if is_stopped => false,
        seen => seen.as_deref().unwrap_or_default() != version,
    }
}

/// A story as a future that owns its flow.
fn boxed(
    flow: Flow,
    story: impl AsyncFnOnce(&Flow) -> Result<Ending, EarlyEnd> + 'static,
) -> FlowFuture {
    Box::pin(async move {
        let ended = story(&flow).await;
        flow.completion(ended)
    })
}

#[cfg(test)]
mod tests;
