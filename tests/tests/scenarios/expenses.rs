//! Expenses become entries on their employees' reports, and what comes back approved is not booked
//! twice.

use ml_connector_component::contract::runs::{Change, Ending, StartReason};
use ml_connector_sandbox::concur::{DocStatus, DocumentRecord, EntryByHand, Filing, ReportRecord};
use ml_connector_sandbox::freshbooks::{BankMark, RecordKind};
use ml_connector_sandbox::{Fault, FaultRule, System};
use ml_connector_tests::fixtures::settings;
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::{Sim, object};
use ml_connector_tests::switches;
use serde_json::{Value, json};

use crate::documents::{ending, stop_code};
use crate::financial::poll;
use crate::scenarios;

scenarios!(
    an_expense_becomes_an_entry_on_its_employee_s_report,
    an_entry_follows_its_expense_until_the_report_is_submitted,
    expenses_that_start_together_share_one_report,
    what_comes_back_approved_is_not_booked_twice,
    a_report_of_nothing_but_ours_is_confirmed_with_the_expenses,
    a_lost_answer_makes_one_entry,
    an_imported_expense_waits_for_a_person,
    an_employee_who_has_left_stops_before_the_first_write,
    an_employee_may_be_named_by_uuid,
    a_quick_expense_is_made_once_whatever_becomes_of_the_answer,
    a_quick_expense_is_made_once_through_crashes,
    an_entry_is_made_once_through_crashes,
    what_cannot_be_carried_over_stops_before_the_first_write,
);

/// Everything connected both ways, with expenses.
pub(crate) fn connected(backend: Backend, ambiguity: &str) -> Sim {
    connected_with(backend, ambiguity, &json!({}))
}

/// The same with more settings of expenses.
pub(crate) fn connected_with(backend: Backend, ambiguity: &str, more: &Value) -> Sim {
    let mut settings = settings::both_ways(ambiguity);
    settings["expense"] = settings::expense(ambiguity);
    for (name, value) in more.as_object().into_iter().flatten() {
        settings["expense"][name] = value.clone();
    }
    let mut sim = Sim::with_settings(backend, &settings);
    sim.start(object("callback", "expense"), StartReason::Schedule);
    sim.settle();
    let registered = ending(&sim, "callback", "expense");
    assert!(matches!(registered, Ending::Confirmed(_)), "{registered:?}");
    sim
}

/// A taxi of Sam Doe's, with members that differ.
fn taxi(members: &[(&str, Value)]) -> Value {
    let mut expense = json!({
        "staffid": 2, "categoryid": 3344, "date": "2026-02-11", "vendor": "City Cabs",
        "notes": "To the client", "amount": {"amount": "40.00", "code": "CAD"},
    });
    for (name, value) in members {
        expense[*name] = value.clone();
    }
    expense
}

pub(crate) fn an_expense(sim: &mut Sim, members: &[(&str, Value)]) -> u64 {
    let created = sim
        .sandbox
        .freshbooks
        .create_expense(&taxi(members), sim.now);
    created.expect("is created")
}

/// The reports that are there.
pub(crate) fn reports(sim: &Sim) -> Vec<ReportRecord> {
    let reports = sim.sandbox.concur.expense_reports().into_iter();
    reports.filter(|report| !report.deleted).collect()
}

/// How the latest run of an expense ended. Under some switches a webhook comes twice, and the
/// second run has nothing to do.
fn assert_change(sim: &Sim, id: u64, change: Change) {
    match ending(sim, "expense", &id.to_string()) {
        Ending::Confirmed(confirmation) => assert_eq!(confirmation.change, change),
        Ending::Unchanged(_) if !switches::are_default() => {}
        other => panic!("is not confirmed: {other:?}"),
    }
}

fn an_expense_becomes_an_entry_on_its_employee_s_report(backend: Backend) {
    let mut sim = connected(backend, "park");
    let id = an_expense(&mut sim, &[]);
    sim.settle();
    assert_change(&sim, id, Change::Created);
    let [report] = reports(&sim).try_into().expect("one report");
    assert_eq!(report.name, "FreshBooks 2026-02");
    assert!(!report.submitted);
    assert_eq!(report.owner, "sam.doe@example.test");
    let [entry] = report.entries.try_into().expect("one entry");
    assert_eq!(
        (
            entry.expense_type.as_str(),
            entry.payment_type.as_str(),
            entry.day.as_str()
        ),
        ("TAXIX", "COPD", "2026-02-11")
    );
    assert!(entry.amount.starts_with("40"), "{}", entry.amount);
    assert_eq!(entry.description, "City Cabs: To the client");
    assert!(entry.customs["Custom3"].starts_with("mlc-"));
}

fn an_entry_follows_its_expense_until_the_report_is_submitted(backend: Backend) {
    let mut sim = connected(backend, "park");
    let changed = an_expense(&mut sim, &[]);
    let deleted = an_expense(&mut sim, &[("vendor", json!("Other Cabs"))]);
    sim.settle();
    let amount = json!({"amount": {"amount": "41.50", "code": "CAD"}});
    let kind = RecordKind::Expense;
    let update = |sim: &mut Sim, fields: &Value| {
        sim.now += 120_000;
        let freshbooks = &mut sim.sandbox.freshbooks;
        let updated = freshbooks.update(kind, changed, fields, sim.now);
        updated.expect("is changed");
    };
    update(&mut sim, &amount);
    sim.sandbox.freshbooks.delete(kind, deleted, sim.now);
    sim.settle();
    assert_change(&sim, changed, Change::Updated);
    assert_change(&sim, deleted, Change::Withdrawn);
    let [report] = reports(&sim).try_into().expect("one report");
    let amounts: Vec<&str> = report
        .entries
        .iter()
        .map(|entry| entry.amount.as_str())
        .collect();
    assert_eq!(amounts, ["41.5"]);
    assert!(
        sim.sandbox
            .concur
            .submit_expense_report(&report.id, sim.now)
    );
    update(&mut sim, &json!({"vendor": "Third Cabs"}));
    let next = an_expense(&mut sim, &[]);
    sim.settle();
    let stopped = ending(&sim, "expense", &changed.to_string());
    assert_eq!(stop_code(&stopped), "update-refused");
    assert_change(&sim, next, Change::Created);
    let names: Vec<String> = reports(&sim)
        .into_iter()
        .map(|report| report.name)
        .collect();
    assert!(
        names.contains(&"FreshBooks 2026-02 (2)".to_string()),
        "{names:?}"
    );
}

fn expenses_that_start_together_share_one_report(backend: Backend) {
    let mut sim = connected(backend, "park");
    for number in 0..5 {
        let vendor = json!(format!("Cab {number}"));
        an_expense(&mut sim, &[("vendor", vendor)]);
    }
    sim.settle();
    let [report] = reports(&sim).try_into().expect("one report");
    assert_eq!(report.entries.len(), 5);
}

/// Submits and approves the only report; its document.
fn approved(sim: &mut Sim) -> DocumentRecord {
    let [report] = reports(sim).try_into().expect("one report");
    let now = sim.now;
    let concur = &mut sim.sandbox.concur;
    assert!(concur.submit_expense_report(&report.id, now));
    assert!(concur.approve_expense_report(&report.id, &Filing::default(), now));
    poll(sim);
    let documents = sim.sandbox.concur.documents().into_iter();
    let mut own = documents.filter(|document| document.source_id == report.id);
    own.next().expect("has a document")
}

fn numbers(document: &DocumentRecord) -> Vec<String> {
    let postings = document.postings.iter();
    postings
        .map(|posting| posting.document_number.clone())
        .collect()
}

fn what_comes_back_approved_is_not_booked_twice(backend: Backend) {
    let mut sim = connected(backend, "park");
    let id = an_expense(&mut sim, &[]);
    sim.settle();
    let [report] = reports(&sim).try_into().expect("one report");
    // The same, and typed by the employee: no amount decides what is ours.
    let by_hand = EntryByHand {
        payment_type: Some("COPD".to_string()),
        amount: Some("40.00".to_string()),
        day: Some("2026-02-11".to_string()),
        ..EntryByHand::default()
    };
    let added = sim
        .sandbox
        .concur
        .add_entry_by_hand(&report.id, &by_hand, sim.now);
    assert!(added.is_some());
    let document = approved(&mut sim);
    assert_eq!(document.status, DocStatus::PostingConfirmedSuccess);
    let [entry] = sim
        .sandbox
        .freshbooks
        .journal_entries()
        .try_into()
        .expect("one entry");
    assert_eq!(
        numbers(&document),
        [entry.id.to_string(), format!("expense-{id}")]
    );
    let debits: Vec<String> = entry
        .lines
        .iter()
        .filter(|line| !line.debit.is_zero())
        .map(|line| line.debit.normalize().to_string())
        .collect();
    assert_eq!(debits, ["40"]);
}

fn a_report_of_nothing_but_ours_is_confirmed_with_the_expenses(backend: Backend) {
    let mut sim = connected(backend, "park");
    let ids = [(); 2].map(|()| an_expense(&mut sim, &[]));
    sim.settle();
    let document = approved(&mut sim);
    assert_eq!(document.status, DocStatus::PostingConfirmedSuccess);
    let mut named = numbers(&document);
    named.sort();
    let mut expected = ids.map(|id| format!("expense-{id}"));
    expected.sort();
    assert_eq!(named, expected);
    assert_eq!(sim.sandbox.freshbooks.journal_entry_count(), 0);
}

fn a_lost_answer_makes_one_entry(backend: Backend) {
    let mut sim = connected(backend, "park");
    for path in ["/TRAVELER/reports", "/expense/entries"] {
        let fault = FaultRule::new(System::Concur, Fault::ResponseLost);
        sim.sandbox
            .add_fault(fault.method("POST").path(path).times(1));
    }
    let id = an_expense(&mut sim, &[]);
    sim.settle();
    assert_change(&sim, id, Change::Adopted);
    let [report] = reports(&sim).try_into().expect("one report");
    assert_eq!(report.entries.len(), 1);
}

fn an_imported_expense_waits_for_a_person(backend: Backend) {
    let config = switches::config();
    if config.freshbooks.expenses.bank_mark == BankMark::None {
        return; // Nothing tells it from others.
    }
    let mut sim = connected(backend, "park");
    let freshbooks = &mut sim.sandbox.freshbooks;
    let imported = freshbooks.import_expense(&taxi(&[]), "First Bank", sim.now);
    let id = imported.expect("is imported").to_string();
    sim.start(object("expense", &id), StartReason::Sweep);
    sim.settle();
    assert_eq!(stop_code(&ending(&sim, "expense", &id)), "bank-imported");
    assert!(reports(&sim).is_empty());
    sim.start(object("expense", &id), StartReason::Replay);
    sim.settle();
    assert!(matches!(ending(&sim, "expense", &id), Ending::Confirmed(_)));
}

fn an_employee_who_has_left_stops_before_the_first_write(backend: Backend) {
    let mut sim = connected(backend, "park");
    let id = an_expense(&mut sim, &[("staffid", json!(6))]).to_string();
    sim.settle();
    // Under one of the switches Identity does not even list them.
    let stopped = ending(&sim, "expense", &id);
    assert!(stop_code(&stopped).starts_with("employee-"), "{stopped:?}");
    assert!(reports(&sim).is_empty());
}

fn an_employee_may_be_named_by_uuid(backend: Backend) {
    let mut settings = settings::both_ways("park");
    settings["expense"] = settings::expense("park");
    let users = switches::config().concur.users;
    let alex = &users[0];
    settings["expense"]["staff"] = json!({"2": alex.id});
    let mut sim = Sim::with_settings(backend, &settings);
    let id = an_expense(&mut sim, &[]).to_string();
    sim.start(object("expense", &id), StartReason::Sweep);
    sim.settle();
    let [report] = reports(&sim).try_into().expect("one report");
    assert_eq!(report.owner, alex.user_name);
}

/// Everything connected, and expenses become quick expenses; nothing comes back.
fn with_quick_expenses(backend: Backend) -> Sim {
    let mut settings = settings::connection("park");
    settings["expense"] = json!({
        "enabled": true, "kind": "quick-expense", "payment_type": "CPAID",
        "currencies": ["CAD"], "categories": {"3344": "TAXIX"},
    });
    let mut sim = Sim::with_settings(backend, &settings);
    sim.start(object("callback", "expense"), StartReason::Schedule);
    sim.settle();
    sim
}

fn a_quick_expense_is_made_once_whatever_becomes_of_the_answer(backend: Backend) {
    let mut sim = with_quick_expenses(backend);
    let id = an_expense(&mut sim, &[]);
    sim.settle();
    assert_change(&sim, id, Change::Created);
    let [quick] = sim.sandbox.concur.quick_expenses().try_into().expect("one");
    assert_eq!(quick.body["paymentTypeId"], "CPAID");
    let fault = FaultRule::new(System::Concur, Fault::ResponseLost);
    let fault = fault.method("POST").path("/quickexpenses").times(1);
    sim.sandbox.add_fault(fault);
    let lost = an_expense(&mut sim, &[]);
    sim.settle();
    let stopped = ending(&sim, "expense", &lost.to_string());
    assert_eq!(stop_code(&stopped), "ambiguous");
    assert_eq!(sim.sandbox.concur.quick_expenses().len(), 2);
    assert!(reports(&sim).is_empty());
}

fn a_quick_expense_is_made_once_through_crashes(backend: Backend) {
    let mut sim = with_quick_expenses(backend);
    let before = sim.moments();
    an_expense(&mut sim, &[]);
    sim.settle();
    let moments = sim.moments() - before;
    // Elsewhere a few will do: each is a firm of its own.
    let is_whole = backend == Backend::Native && switches::are_default();
    for moment in (0..moments).step_by(if is_whole { 1 } else { 5 }) {
        let mut sim = with_quick_expenses(backend);
        sim.crash_at([moment]);
        let id = an_expense(&mut sim, &[]).to_string();
        sim.settle();
        let made = sim.sandbox.concur.quick_expenses().len();
        let ended = ending(&sim, "expense", &id);
        let is_done = matches!(ended, Ending::Confirmed(_) | Ending::Unchanged(_));
        assert!(
            is_done && made == 1 || made <= 1 && stop_code(&ended) == "ambiguous",
            "{moment}: {made} made, {ended:?}"
        );
    }
}

/// A crash before or after every effect of the run, one at a time. What may be there is looked for
/// by its marker, and sent again where it is not.
fn an_entry_is_made_once_through_crashes(backend: Backend) {
    let mut sim = connected(backend, "resend");
    let before = sim.moments();
    an_expense(&mut sim, &[]);
    sim.settle();
    let moments = sim.moments() - before;
    // Elsewhere a few will do: each is a firm of its own.
    let is_whole = backend == Backend::Native && switches::are_default();
    for moment in (0..moments).step_by(if is_whole { 1 } else { 9 }) {
        let mut sim = connected(backend, "resend");
        sim.crash_at([moment]);
        let id = an_expense(&mut sim, &[]).to_string();
        sim.settle();
        let [report] = reports(&sim).try_into().expect("one report");
        assert_eq!(report.entries.len(), 1, "{moment}");
        let ended = ending(&sim, "expense", &id);
        let is_done = matches!(ended, Ending::Confirmed(_) | Ending::Unchanged(_));
        assert!(is_done, "{moment}: {ended:?}");
    }
}

fn what_cannot_be_carried_over_stops_before_the_first_write(backend: Backend) {
    let mut sim = connected(backend, "park");
    let pounds = json!({"amount": "40.00", "code": "GBP"});
    for (name, value, code) in [
        ("categoryid", json!(3341), "expense-type-unmapped"),
        ("amount", pounds, "rate-missing"),
    ] {
        let id = an_expense(&mut sim, &[(name, value)]).to_string();
        sim.settle();
        let stopped = ending(&sim, "expense", &id);
        assert_eq!(stop_code(&stopped), code);
    }
    assert!(reports(&sim).is_empty());
}
