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

use std::collections::{BTreeMap, BTreeSet};

use ml_connector_component::contract::runs::{Change, Ending, StartReason};
use ml_connector_component::marker;
use ml_connector_sandbox::concur::{
    DocStatus, DocType, DocumentRecord, EntryByHand, Filing, InvoiceOptions, ReportOptions, Shape,
};
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_sandbox::{FaultRule, SandboxConfig, System};
use ml_connector_tests::books::{self, Books};
use ml_connector_tests::fixtures::{documents, settings};
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::{Sim, object};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::shared::{self, Model, check_replay, fault, settle_and_connect, story};

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
    let method = prop::option::of(prop_oneof![Just("POST"), Just("GET")]);
    (place, fault(), 1..4_u32, 0..3_u32, method).prop_map(
        |((system, path), fault, times, skip, method)| {
            let rule = FaultRule::new(system, fault).times(times).skip(skip);
            let rule = rule.path(path);
            method.map_or(rule.clone(), |method| rule.method(method))
        },
    )
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

/// What people do.
impl RoundTrip {
    fn bill(&mut self, step: &Step) {
        let now = self.sim.now;
        let freshbooks = &mut self.sim.sandbox.freshbooks;
        let number = format!("N-{}", self.documents.len());
        match step {
            Step::Invoice => {
                let invoice = documents::invoice(self.client, &number);
                let created = freshbooks.create_invoice(&invoice, now);
                self.documents
                    .push(("invoice", created.expect("is created")));
            }
            Step::Bill => {
                let created = freshbooks.create_bill(&documents::bill(self.vendor, &number), now);
                self.documents.push(("bill", created.expect("is created")));
            }
            Step::Pay(which) => {
                let paid = match self.documents.get(*which) {
                    Some(("invoice", id)) => freshbooks
                        .pay_invoice(*id, None, now)
                        .map(|id| (RecordKind::Payment, id)),
                    Some((_, id)) => freshbooks
                        .pay_bill(*id, None, now)
                        .map(|id| (RecordKind::BillPayment, id)),
                    None => return,
                };
                // What is paid already is declined.
                self.payments.extend(paid);
            }
            Step::TakeBack(which) => {
                if let Some((kind, id)) = self.payments.get(*which) {
                    freshbooks.delete(*kind, *id, now);
                }
            }
            _ => {}
        }
    }

    fn spend(&mut self, step: &Step) {
        let now = self.sim.now;
        let freshbooks = &mut self.sim.sandbox.freshbooks;
        let kind = RecordKind::Expense;
        match step {
            Step::Expense(day, amount) => {
                let created = freshbooks.create_expense(&expense(*day, *amount), now);
                self.expenses.push(created.expect("is created"));
            }
            Step::ChangeExpense(which, amount) => {
                if let Some(id) = self.expenses.get(*which) {
                    let amount = expense(0, *amount)["amount"].clone();
                    let _ = freshbooks.update(kind, *id, &json!({"amount": amount}), now);
                }
            }
            Step::DeleteExpense(which) => {
                if let Some(id) = self.expenses.get(*which) {
                    freshbooks.delete(kind, *id, now);
                }
            }
            _ => {}
        }
    }

    fn work_in_concur(&mut self, step: &Step) {
        let now = self.sim.now;
        let concur = &mut self.sim.sandbox.concur;
        let report = |which: usize| {
            let reports = concur.expense_reports().into_iter();
            let mut open = reports.filter(|report| !report.deleted);
            open.nth(which).map(|report| report.id)
        };
        let request = |which: usize| {
            let requests = concur.payment_requests();
            requests.get(which).map(|request| request.id.clone())
        };
        match step {
            Step::TypeEntry(which, amount, is_company_paid) => {
                let typed = EntryByHand {
                    payment_type: is_company_paid.then(|| "COPD".to_string()),
                    amount: Some(AMOUNTS[*amount].to_string()),
                    day: Some(DAYS[0].to_string()),
                    ..EntryByHand::default()
                };
                if let Some(id) = report(*which) {
                    concur.add_entry_by_hand(&id, &typed, now);
                }
            }
            Step::Report(which, approves) => {
                if let Some(id) = report(*which) {
                    concur.submit_expense_report(&id, now);
                    let _ = match approves {
                        true => concur.approve_expense_report(&id, &Filing::default(), now),
                        false => concur.send_back_expense_report(&id, now),
                    };
                }
            }
            Step::OtherReport => {
                let options = ReportOptions {
                    currency: Some("CAD".to_string()),
                    entries: vec![Shape::CompanyPaid, Shape::Cash],
                    ..ReportOptions::default()
                };
                concur.approve_report(&options, now);
            }
            Step::Supplier => {
                let options = InvoiceOptions {
                    currency: Some("CAD".to_string()),
                    ..InvoiceOptions::default()
                };
                concur.approve_invoice(&options, now);
            }
            Step::ApproveRequest(which) => {
                if let Some(id) = request(*which) {
                    concur.approve_payment_request(&id, now);
                }
            }
            Step::Extract(which) => {
                if let Some(id) = request(*which) {
                    concur.extract_payment_request(&id, now);
                }
            }
            Step::PayInConcur(which) => {
                if let Some(id) = request(*which) {
                    concur.pay_in_concur(&id, "CHECK", now);
                }
            }
            _ => {}
        }
    }
}

/// What must be true.
impl RoundTrip {
    fn marker(kind: &str, id: u64, target: &str) -> String {
        marker::marker_for("acme", &object(kind, &id.to_string()), target)
    }

    /// Each document has at most one payment request, and each payment request with a marker is of
    /// a document that a person made.
    fn check_outgoing(&self) {
        let mut there: BTreeMap<String, usize> = BTreeMap::new();
        for request in self.sim.sandbox.concur.payment_requests() {
            let marker = request.customs.get("Custom24").cloned();
            *there.entry(marker.expect("is ours")).or_default() += 1;
        }
        let of = |(kind, id): &(&str, u64)| Self::marker(kind, *id, "payment-request");
        let known: BTreeSet<String> = self.documents.iter().map(of).collect();
        for (marker, count) in there {
            assert!(known.contains(&marker), "{marker} went in a circle");
            assert_eq!(count, 1, "{marker} is doubled");
        }
    }

    /// The entries of SAP Concur that carry a marker: the marker, the report, who paid, the amount.
    fn entries(&self) -> Vec<(String, String, Decimal)> {
        let reports = self.sim.sandbox.concur.expense_reports().into_iter();
        let open = reports.filter(|report| !report.deleted);
        let entries = open.flat_map(|report| {
            let id = report.id.clone();
            report
                .entries
                .into_iter()
                .map(move |entry| (id.clone(), entry))
        });
        let marked = entries.filter_map(|(report, entry)| {
            let marker = entry.customs.get("Custom3")?.clone();
            Some((marker, report, entry.posted.parse().expect("is money")))
        });
        marked.collect()
    }

    /// The marker of each expense, with its id.
    fn expense_markers(&self) -> BTreeMap<String, u64> {
        let markers = self.expenses.iter();
        markers
            .map(|id| (Self::marker("expense", *id, "expense-entry"), *id))
            .collect()
    }

    fn check_expenses(&self) {
        let markers = self.expense_markers();
        let mut of_expense: BTreeMap<u64, Vec<Decimal>> = BTreeMap::new();
        for (marker, _, amount) in self.entries() {
            let id = markers.get(&marker);
            let id = id.unwrap_or_else(|| panic!("{marker} is of no expense that a person made"));
            of_expense.entry(*id).or_default().push(amount);
        }
        for id in &self.expenses {
            let there = of_expense.remove(id).unwrap_or_default();
            let story = || story(&self.sim, |run| run.task.object.id == id.to_string());
            assert!(
                there.len() <= 1,
                "expense {id} is doubled: {there:?}\n{}",
                story()
            );
            let ending = self.sim.store.ending("expense", &id.to_string());
            match ending.expect("was looked at") {
                Ending::Confirmed(confirmed) if confirmed.change == Change::Withdrawn => {
                    assert_eq!(there, [], "expense {id} is not withdrawn\n{}", story());
                }
                Ending::Confirmed(_) => {
                    let shown = self.sim.sandbox.freshbooks.expense(*id, self.sim.now);
                    let shown = shown.expect("is there");
                    let amount = shown["amount"]["amount"].as_str().expect("is text");
                    let amount: Decimal = amount.parse().expect("is money");
                    assert_eq!(there, [amount], "expense {id}\n{}", story());
                }
                Ending::Parked(stop) | Ending::Rejected(stop) => {
                    assert!(!stop.remedy.is_empty(), "{stop:?}");
                }
                Ending::Unchanged(_) => {}
                Ending::Conflict(conflict) => panic!("expense {id}: {conflict:?}"),
            }
        }
    }

    /// What was posted of a document and the expenses that its confirmation names come to its
    /// total; what is ours is named, and nothing else.
    fn check_document(&self, books: &Books, document: &DocumentRecord) {
        let posted = books.marked(document);
        assert!(posted.len() <= 1, "{document:?} is doubled: {posted:?}");
        let is_own_request = self.is_own_request(&document.source_id);
        assert!(
            !is_own_request || posted.is_empty(),
            "{document:?} came back: {posted:?}"
        );
        if document.status != DocStatus::PostingConfirmedSuccess || is_own_request {
            return;
        }
        if document.doc_type != DocType::Expense {
            return;
        }
        let named = document.postings.iter();
        let named: BTreeSet<u64> = named
            .filter_map(|posting| posting.document_number.strip_prefix("expense-"))
            .map(|id| id.parse().expect("is an id"))
            .collect();
        let markers = self.expense_markers();
        let entries = self.entries().into_iter();
        let own: BTreeMap<u64, Decimal> = entries
            .filter(|(_, report, _)| *report == document.source_id)
            .map(|(marker, _, amount)| (markers[&marker], amount))
            .collect();
        assert_eq!(named, own.keys().copied().collect(), "{document:?}");
        let costs: Decimal = posted.iter().map(|entry| books::costs(entry)).sum();
        let total = costs + own.values().sum::<Decimal>();
        assert_eq!(total, document.approved, "{document:?} {posted:?} {own:?}");
        assert_eq!(
            document.postings.len(),
            named.len() + posted.len(),
            "{document:?}"
        );
    }

    fn is_own_request(&self, id: &str) -> bool {
        let requests = self.sim.sandbox.concur.payment_requests();
        requests.iter().any(|request| request.id == id)
    }

    /// Suppliers' invoices have one bill or entry each, and no other bill was made.
    fn check_bills(&self, documents: &[DocumentRecord]) {
        let bills = self
            .sim
            .sandbox
            .freshbooks
            .ids(RecordKind::Bill)
            .into_iter();
        let by_people = |id: &u64| self.documents.contains(&("bill", *id));
        let made = bills.filter(|id| {
            let bill = self.sim.sandbox.freshbooks.bill(*id, self.sim.now);
            !by_people(id) && bill.is_some_and(|bill| bill["vis_state"] == 0)
        });
        let suppliers = documents.iter().filter(|document| {
            document.doc_type == DocType::Invoice && !self.is_own_request(&document.source_id)
        });
        let (made, suppliers) = (made.count(), suppliers.count());
        assert!(made <= suppliers, "{made} bills of {suppliers} invoices");
    }

    /// Paid and taken back by turns, and nothing that was paid in SAP Concur.
    fn check_payments(&self) {
        let mut paid: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
        for payment in self.sim.sandbox.concur.invoice_payments() {
            let (ours, theirs) = paid.entry(&payment.request_id).or_default();
            let is_paid = payment.status == "PAID";
            if payment.made_in_concur {
                *theirs = is_paid;
                continue;
            }
            assert!(!is_paid || !(*ours || *theirs), "paid twice: {payment:?}");
            *ours = is_paid;
        }
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
