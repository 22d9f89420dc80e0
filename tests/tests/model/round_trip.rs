//! All flows at once, in both directions: what goes out comes back, and nothing goes in circles.
//!
//! People work in both systems on invoices, bills, expenses, payments, reports and suppliers'
//! invoices. In the end:
//!
//! - each document and expense has at most one record in SAP Concur, and the other way round;
//! - journal entry and the expenses that a confirmation names come to the document's total, to the
//!   cent, and they are the ones that we brought there, whatever else costs the same;
//! - what we made in FreshBooks has not gone out, and what went out is not posted again;
//! - a payment is confirmed once, and never what was paid in SAP Concur;
//! - every history replays to the same completion.

mod checks;
mod people;

use ml_connector_component::contract::runs::StartReason;
use ml_connector_sandbox::concur::DocStatus;
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_sandbox::{FaultRule, SandboxConfig, System};
use ml_connector_tests::books::Books;
use ml_connector_tests::fixtures::{documents, settings};
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::{Sim, object};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::shared::{self, Model, check_replay, fault_rule, settle_and_connect};

const REGRESSIONS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/model/regressions/round_trip.txt"
);
/// Few, so that what is ours costs the same as what is not.
const AMOUNTS: [&str; 3] = ["40.00", "40.01", "7.35"];
/// In two months, so in two reports.
const DAYS: [&str; 2] = ["2026-02-11", "2026-01-20"];

#[derive(Debug, Clone)]
enum Step {
    Invoice,
    Bill,
    /// An expense of this day and amount.
    Expense(usize, usize),
    ChangeExpense(usize, usize),
    DeleteExpense(usize),
    /// An employee types an entry into a report of ours; whether the company pays it.
    TypeEntry(usize, usize, bool),
    /// Submitted by its owner, and approved or sent back.
    Report(usize, bool),
    /// A report that has nothing of ours.
    OtherReport,
    Supplier,
    ApproveRequest(usize),
    Extract(usize),
    /// Paid in FreshBooks: an invoice or bill.
    Pay(usize),
    TakeBack(usize),
    PayInConcur(usize),
    Poll,
    Sweep,
    Pass(u64),
    Fault(FaultRule),
    Heal,
    Crash,
    CrashAt(u64),
}

fn rule() -> impl Strategy<Value = FaultRule> {
    let place = prop_oneof![
        3 => Just((System::FreshBooks, "/accounting/")),
        2 => Just((System::Concur, "/api/")),
        2 => Just((System::Concur, "/expensereports/")),
        2 => Just((System::Concur, "/financialintegration/")),
        1 => Just((System::Concur, "/payment-confirmation/")),
        1 => Just((System::Concur, "/profile/")),
    ];
    let method = prop_oneof![Just("POST"), Just("GET")];
    fault_rule(place, 1..4, 0..3, method)
}

fn step() -> impl Strategy<Value = Step> {
    let which = || 0..5_usize;
    let amount = || 0..AMOUNTS.len();
    prop_oneof![
        2 => Just(Step::Invoice),
        1 => Just(Step::Bill),
        6 => (0..DAYS.len(), amount()).prop_map(|(day, amount)| Step::Expense(day, amount)),
        2 => (which(), amount()).prop_map(|(which, amount)| Step::ChangeExpense(which, amount)),
        1 => which().prop_map(Step::DeleteExpense),
        3 => (0..3_usize, amount(), any::<bool>())
            .prop_map(|(report, amount, paid)| Step::TypeEntry(report, amount, paid)),
        4 => (0..3_usize, prop::bool::weighted(0.8))
            .prop_map(|(report, approve)| Step::Report(report, approve)),
        1 => Just(Step::OtherReport),
        2 => Just(Step::Supplier),
        2 => which().prop_map(Step::ApproveRequest),
        2 => which().prop_map(Step::Extract),
        2 => which().prop_map(Step::Pay),
        1 => which().prop_map(Step::TakeBack),
        1 => which().prop_map(Step::PayInConcur),
        3 => Just(Step::Poll),
        2 => Just(Step::Sweep),
        6 => (0..4_000_000_u64).prop_map(Step::Pass),
        4 => rule().prop_map(Step::Fault),
        1 => Just(Step::Heal),
        2 => Just(Step::Crash),
        3 => (0..60_u64).prop_map(Step::CrashAt),
    ]
}

/// A simulator, and what people have made in FreshBooks.
struct RoundTrip {
    sim: Sim,
    client: u64,
    vendor: u64,
    /// Invoices and bills: kind and id.
    documents: Vec<(&'static str, u64)>,
    expenses: Vec<u64>,
    /// Payments, with their kind.
    payments: Vec<(RecordKind, u64)>,
}

/// Every flow that there is, in both directions; a new one is switched on here.
fn every_flow(ambiguity: &str) -> Value {
    let mut settings = settings::with_bills(ambiguity);
    settings["expense"] = settings::expense(ambiguity);
    settings["payments"] = json!({"confirm": true});
    settings
}

fn expense(day: usize, amount: usize) -> Value {
    json!({"staffid": 2, "categoryid": 3344, "date": DAYS[day], "vendor": "City Cabs",
        "amount": {"amount": AMOUNTS[amount], "code": "CAD"}})
}

impl Model for RoundTrip {
    type Step = Step;

    fn new(backend: Backend, ambiguity: &str, seed: u64) -> Self {
        let logic = backend.logic(&every_flow(ambiguity).to_string());
        let mut sim = Sim::new(SandboxConfig::default(), logic);
        for noun in ["expense", "payment"] {
            sim.start(object("callback", noun), StartReason::Schedule);
        }
        sim.settle();
        sim.interleave(seed);
        let freshbooks = &mut sim.sandbox.freshbooks;
        freshbooks.config_mut().webhooks.duplicate_per_mille = 100;
        let client = freshbooks.create_client(&documents::client(), sim.now);
        let vendor = freshbooks.create_bill_vendor(&documents::bill_vendor(), sim.now);
        Self {
            client: client.expect("is created"),
            vendor: vendor.expect("is created"),
            sim,
            documents: Vec::new(),
            expenses: Vec::new(),
            payments: Vec::new(),
        }
    }

    fn play(&mut self, step: &Step) {
        match step {
            Step::Poll => self.sim.poll(),
            Step::Sweep => self.sim.sweep(),
            Step::Pass(duration) => self.sim.run_for(*duration),
            Step::Fault(rule) => self.sim.sandbox.add_fault(rule.clone()),
            Step::Heal => self.sim.sandbox.clear_faults(),
            Step::Crash => self.sim.crash(),
            Step::CrashAt(moment) => self.sim.crash_at([*moment]),
            Step::Invoice | Step::Bill | Step::Pay(_) | Step::TakeBack(_) => self.bill(step),
            Step::Expense(..) | Step::ChangeExpense(..) | Step::DeleteExpense(_) => {
                self.spend(step);
            }
            _ => self.work_in_concur(step),
        }
    }

    fn heal(&mut self) {
        self.sim.crash_at([]);
        self.sim.sandbox.clear_faults();
        for _ in 0..2 {
            self.sim.poll();
            self.sim.sweep();
            settle_and_connect(&mut self.sim);
        }
        self.sim.settle();
    }

    fn check(&mut self) {
        check_replay(&mut self.sim);
        self.check_outgoing();
        self.check_expenses();
        let books = Books::of(&self.sim.sandbox);
        let documents = self.sim.sandbox.concur.documents();
        for document in &documents {
            self.check_document(&books, document);
        }
        self.check_bills(&documents);
        self.check_payments();
    }
}

fn play(backend: Backend, ambiguity: &str, seed: u64, steps: &[Step]) {
    shared::play::<RoundTrip>(backend, ambiguity, seed, steps);
}

proptest! {
    #![proptest_config(shared::config(60, REGRESSIONS))]

    #[test]
    fn nothing_goes_in_circles(
        seed in any::<u64>(),
        resends in any::<bool>(),
        steps in prop::collection::vec(step(), 1..60)
    ) {
        play(Backend::Native, if resends { "resend" } else { "park" }, seed, &steps);
    }
}

proptest! {
    #![proptest_config(shared::config(2, REGRESSIONS))]

    #[test]
    fn nothing_goes_in_circles_in_the_component(
        seed in any::<u64>(), steps in prop::collection::vec(step(), 1..40)
    ) {
        play(Backend::Wasm, "resend", seed, &steps);
    }
}

/// An expense of ours in a report with one of the employee's that costs the same, approved, and
/// these crashes.
fn small(ambiguity: &str, crashes: &[u64]) -> RoundTrip {
    let mut model = RoundTrip::new(Backend::Native, ambiguity, 7);
    model.play(&Step::Expense(0, 0));
    model.sim.settle();
    model.play(&Step::TypeEntry(0, 0, true));
    model.play(&Step::Report(0, true));
    model.sim.crash_at(crashes.iter().copied());
    model.sim.poll();
    model.sim.settle();
    model
}

#[test]
fn a_crash_at_every_moment_of_the_way_back_books_nothing_twice() {
    for ambiguity in ["park", "resend"] {
        for crash in 0..60 {
            let mut model = small(ambiguity, &[crash]);
            model.heal();
            model.check();
            let documents = model.sim.sandbox.concur.documents();
            let [document] = &documents[..] else {
                panic!("not one document: {documents:?}");
            };
            if ambiguity == "resend" {
                assert_eq!(document.status, DocStatus::PostingConfirmedSuccess);
                assert_eq!(document.postings.len(), 2, "{document:?}");
            }
        }
    }
}
