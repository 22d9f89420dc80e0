//! Reports that hold nothing but our entries are submitted and approved, once, and no others.

use ml_connector_component::contract::runs::{Ending, StartReason};
use ml_connector_component::contract::types::{ObjectRef, System};
use ml_connector_sandbox::concur::{DocStatus, EntryByHand, ReportRecord, SystemApproval};
use ml_connector_sandbox::{Fault, FaultRule, System as Vendor};
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::{Sim, object};
use ml_connector_tests::switches;
use serde_json::json;

use crate::documents::{ending, stop_code};
use crate::expenses::{an_expense, connected_with, reports};
use crate::financial::poll;
use crate::scenarios;

scenarios!(
    a_report_of_nothing_but_ours_is_approved_and_confirmed_with_the_expenses,
    an_entry_of_the_employee_s_keeps_a_report_from_being_submitted,
    lost_answers_submit_and_approve_once,
    a_step_that_only_people_may_approve_is_left_to_them,
    a_report_is_brought_on_once_through_crashes,
);

const SUBMISSION: &str = "expense-report-submission";
const FIRST: &str = "2/2026-02/1";

/// Everything connected, and one expense carried over; reports of a month that is over are due.
fn firm(backend: Backend, workflow: &str) -> Sim {
    switches::keep(
        "concur.expense.system_approval",
        "any_step",
        "under the other one only people approve, which a scenario of its own is about",
    );
    let settings = json!({"workflow": workflow, "workflow_after_days": 0});
    let mut sim = connected_with(backend, "park", &settings);
    an_expense(&mut sim, &[]);
    sim.settle();
    sim
}

fn look(sim: &mut Sim) {
    let queue = ObjectRef {
        system: System::Concur,
        kind: "expense-report-queue".to_string(),
        id: "unsubmitted".to_string(),
    };
    sim.start(queue, StartReason::Schedule);
    sim.settle();
}

fn the_report(sim: &Sim) -> ReportRecord {
    let [report] = reports(sim).try_into().expect("one report");
    report
}

/// How often the steps were sent.
fn steps(sim: &Sim) -> [u32; 2] {
    ["PATCH submit", "PATCH approve"].map(|step| sim.sent.get(step).copied().unwrap_or_default())
}

/// How many steps of a report there are to approve.
fn approvals(sim: &mut Sim) -> u32 {
    let steps = &sim.sandbox.concur.config_mut().expense.approval_steps;
    u32::try_from(steps.len()).expect("are a few")
}

fn a_report_of_nothing_but_ours_is_approved_and_confirmed_with_the_expenses(backend: Backend) {
    let mut sim = firm(backend, "approve");
    look(&mut sim);
    let report = the_report(&sim);
    assert_eq!(report.approval_status, "A_APPR");
    assert!(report.comments[0].contains("ml-connector"), "{report:?}");
    let each = approvals(&mut sim);
    assert_eq!(steps(&sim), [1, each]);
    poll(&mut sim);
    let documents = sim.sandbox.concur.documents().into_iter();
    let mut own = documents.filter(|document| document.source_id == report.id);
    let document = own.next().expect("has a document");
    assert_eq!(document.status, DocStatus::PostingConfirmedSuccess);
    assert_eq!(sim.sandbox.freshbooks.journal_entry_count(), 0);
    // What comes later goes into the next report, which is submitted too.
    an_expense(&mut sim, &[]);
    sim.settle();
    look(&mut sim);
    let statuses = reports(&sim).into_iter().map(|one| one.approval_status);
    assert_eq!(statuses.collect::<Vec<_>>(), ["A_APPR", "A_APPR"]);
    look(&mut sim);
    assert_eq!(steps(&sim), [2, 2 * each]);
}

fn an_entry_of_the_employee_s_keeps_a_report_from_being_submitted(backend: Backend) {
    let mut sim = firm(backend, "submit");
    let report = the_report(&sim);
    let typed = EntryByHand::default();
    let concur = &mut sim.sandbox.concur;
    let typed = concur.add_entry_by_hand(&report.id, &typed, sim.now);
    look(&mut sim);
    assert_eq!(stop_code(&ending(&sim, SUBMISSION, FIRST)), "foreign-entry");
    assert_eq!(steps(&sim), [0, 0]);
    // Once it is gone, the report may go.
    let concur = &mut sim.sandbox.concur;
    assert!(concur.delete_entry_by_hand(&typed.expect("is added"), sim.now));
    sim.start(object(SUBMISSION, FIRST), StartReason::LookAgain);
    sim.settle();
    assert!(the_report(&sim).submitted);
    assert_eq!(steps(&sim), [1, 0]);
}

fn lost_answers_submit_and_approve_once(backend: Backend) {
    let mut sim = firm(backend, "approve");
    for path in ["/submit", "/approve"] {
        let fault = FaultRule::new(Vendor::Concur, Fault::ResponseLost);
        sim.sandbox
            .add_fault(fault.method("PATCH").path(path).times(1));
    }
    look(&mut sim);
    assert_eq!(the_report(&sim).approval_status, "A_APPR");
    let each = approvals(&mut sim);
    assert_eq!(steps(&sim), [1, each]);
}

fn a_step_that_only_people_may_approve_is_left_to_them(backend: Backend) {
    let mut sim = firm(backend, "approve");
    let config = &mut sim.sandbox.concur.config_mut().expense;
    config.system_approval = SystemApproval::SystemStep;
    look(&mut sim);
    assert_eq!(stop_code(&ending(&sim, SUBMISSION, FIRST)), "step-refused");
    assert_eq!(the_report(&sim).approval_status, "A_PEND");
}

/// A crash before or after every effect of the run, one at a time.
fn a_report_is_brought_on_once_through_crashes(backend: Backend) {
    let mut sim = firm(backend, "approve");
    let before = sim.moments();
    look(&mut sim);
    let moments = sim.moments() - before;
    let each = approvals(&mut sim);
    // Elsewhere a few will do: each is a firm of its own.
    let is_whole = backend == Backend::Native && switches::are_default();
    let stride = if is_whole { 1 } else { 7 };
    for moment in (0..moments).step_by(stride) {
        let mut sim = firm(backend, "approve");
        sim.crash_at([moment]);
        look(&mut sim);
        let [submitted, approved] = steps(&sim);
        assert!(
            submitted <= 1 && approved <= each,
            "{moment}: {:?}",
            steps(&sim)
        );
        let ended = ending(&sim, SUBMISSION, FIRST);
        let is_done = the_report(&sim).approval_status == "A_APPR";
        let is_known = matches!(ended, Ending::Confirmed(_) | Ending::Unchanged(_));
        assert!(
            is_done && is_known || stop_code(&ended) == "ambiguous",
            "{moment}: {ended:?}"
        );
    }
}
