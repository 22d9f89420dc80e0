//! The way back of suppliers' invoices as bills, while the settings change their mind.
//!
//! In the end:
//!
//! 2. "confirmed" means that the bill or entry is in FreshBooks;
//! 4. there is at most one bill or entry of a document;
//! 5. bills and entries together come to what was approved;
//! 7. every history replays to the same completion;
//!
//! and no bill that we made went back to SAP Concur.

use ml_connector_component::contract::runs::Ending;
use ml_connector_component::marker;
use ml_connector_sandbox::concur::{
    Change, DocStatus, DocType, DocumentRecord, Filed, InvoiceOptions, Resubmission,
};
use ml_connector_sandbox::freshbooks::{RecordKind, TaxRounding};
use ml_connector_sandbox::{FaultRule, SandboxConfig, System};
use ml_connector_tests::books::{self, Books};
use ml_connector_tests::fixtures::settings;
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::Sim;
use ml_connector_tests::sim::store::ending_name;
use ml_connector_tests::switches;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::shared::{Model, check_replay, fault_rule, promises};

#[derive(Debug, Clone)]
enum Step {
    Invoice(bool),
    Recall(usize),
    Resubmit(usize, bool),
    /// Invoices become bills from now on, or journal entries.
    Switch(bool),
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
        3 => Just((System::FreshBooks, "/bills/")),
        1 => Just((System::FreshBooks, "/bill_vendors/")),
        1 => Just((System::FreshBooks, "/journal_entries/")),
        1 => Just((System::Concur, "/financialintegration/")),
    ];
    let method = prop_oneof![Just("POST"), Just("GET"), Just("PUT")];
    fault_rule(place, 1..3, 0..2, method)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => prop::bool::weighted(0.1).prop_map(Step::Invoice),
        2 => (0..6_usize).prop_map(Step::Recall),
        3 => (0..6_usize, any::<bool>()).prop_map(|(which, same)| Step::Resubmit(which, same)),
        2 => any::<bool>().prop_map(Step::Switch),
        5 => Just(Step::Poll),
        1 => Just(Step::Sweep),
        4 => (0..4_000_000_u64).prop_map(Step::Pass),
        5 => rule().prop_map(Step::Fault),
        1 => Just(Step::Heal),
        2 => Just(Step::Crash),
        4 => (0..40_u64).prop_map(Step::CrashAt),
    ]
}

/// A simulator and the invoices that were filed in it.
struct AsBills {
    sim: Sim,
    filed: Vec<Filed>,
    backend: Backend,
    ambiguity: String,
    /// Whether the settings are still those of the beginning.
    is_as_begun: bool,
}

fn choose_readings(config: &mut SandboxConfig, seed: u64) {
    config.freshbooks.bill_lists_are_full = seed & 1 == 0;
    if seed & 2 == 0 {
        config.freshbooks.bill_tax_rounding = TaxRounding::Document;
    }
    config.concur.financial.recall_acknowledged = seed & 4 == 0;
}

impl Model for AsBills {
    type Step = Step;

    fn new(backend: Backend, ambiguity: &str, seed: u64) -> Self {
        let mut config = switches::config();
        if switches::are_default() {
            choose_readings(&mut config, seed);
        }
        let logic = backend.logic(&settings::with_bills(ambiguity).to_string());
        let mut sim = Sim::new(config, logic);
        sim.interleave(seed);
        Self {
            sim,
            filed: Vec::new(),
            backend,
            ambiguity: ambiguity.to_string(),
            is_as_begun: true,
        }
    }

    fn play(&mut self, step: &Step) {
        let now = self.sim.now;
        let concur = &mut self.sim.sandbox.concur;
        match step {
            Step::Invoice(credit_memo) => {
                let options = InvoiceOptions {
                    credit_memo: *credit_memo,
                    currency: Some("CAD".to_string()),
                    ..InvoiceOptions::default()
                };
                self.filed.push(concur.approve_invoice(&options, now));
            }
            Step::Recall(which) => {
                if let Some(filed) = self.filed.get(*which) {
                    let _ = concur.recall(&filed.source_id.clone(), now);
                }
            }
            Step::Resubmit(which, same) => {
                if let Some(filed) = self.filed.get(*which) {
                    let change = if *same { Change::Same } else { Change::Amounts };
                    let resubmission = Resubmission {
                        change,
                        ..Resubmission::default()
                    };
                    let _ = concur.resubmit(&filed.source_id.clone(), &resubmission, now);
                }
            }
            Step::Switch(to_bills) => {
                let settings = match to_bills {
                    true => settings::with_bills(&self.ambiguity),
                    false => settings::both_ways(&self.ambiguity),
                };
                self.is_as_begun = false;
                self.sim.upgrade(self.backend.logic(&settings.to_string()));
            }
            Step::Poll => self.sim.poll(),
            Step::Sweep => self.sim.sweep(),
            Step::Pass(duration) => self.sim.run_for(*duration),
            Step::Fault(rule) => self.sim.sandbox.add_fault(rule.clone()),
            Step::Heal => self.sim.sandbox.clear_faults(),
            Step::Crash => self.sim.crash(),
            Step::CrashAt(moment) => self.sim.crash_at([*moment]),
        }
    }

    fn heal(&mut self) {
        self.sim.crash_at([]);
        self.sim.sandbox.clear_faults();
        for _ in 0..2 {
            self.sim.poll();
            self.sim.sweep();
            self.sim.settle();
        }
    }

    fn check(&mut self) {
        // Histories replay under the settings that they were recorded under.
        if self.is_as_begun {
            check_replay(&mut self.sim);
        }
        assert!(self.sim.store.unfinished().is_empty());
        let books = Books::of(&self.sim.sandbox);
        let bills = self.bills();
        let mut expected = Decimal::ZERO;
        for document in self.sim.sandbox.concur.documents() {
            if self.check_document(&books, &bills, &document) {
                expected += document.approved;
            }
        }
        let owed: Decimal = bills.iter().map(total).sum();
        let booked = books.costs().get("CAD").copied().unwrap_or_default();
        assert_eq!(owed + booked, expected);
        assert_eq!(self.sim.sandbox.concur.payment_request_count(), 0);
        assert_eq!(self.sim.sandbox.concur.vendors().len(), 0);
    }
}

impl AsBills {
    /// The bills that are not deleted.
    fn bills(&self) -> Vec<Value> {
        let freshbooks = &self.sim.sandbox.freshbooks;
        let ids = freshbooks.ids(RecordKind::Bill).into_iter();
        let shown = ids.filter_map(|id| freshbooks.bill(id, self.sim.now));
        shown.filter(|bill| bill["vis_state"] == 0).collect()
    }

    /// Whether the document stands in the books.
    fn check_document(&self, books: &Books, bills: &[Value], document: &DocumentRecord) -> bool {
        let entries = books.marked(document).len();
        let marked = bills
            .iter()
            .filter(|bill| carries_marker(bill, document))
            .count();
        let ending = self.ending(document);
        let story = || format!("{document:?}, {entries} entries, {marked} bills, {ending:?}");
        assert!(entries <= 1 && marked <= 1, "{}", story());
        match document.status {
            DocStatus::PostingConfirmedSuccess => {
                let number = &document.postings[0].document_number;
                let is_entry = books
                    .entries
                    .iter()
                    .any(|entry| entry.id.to_string() == *number);
                let id = number.parse::<u64>().ok();
                let is_bill = bills.iter().any(|bill| bill["id"].as_u64() == id);
                assert!(is_entry || is_bill, "{}", story());
                true
            }
            DocStatus::Ready => {
                assert_eq!(
                    ending_name(ending.as_ref().expect("was looked at")),
                    "parked"
                );
                false
            }
            DocStatus::Acknowledged => {
                let ending = ending.as_ref().expect("has a run");
                assert_eq!(ending_name(ending), "parked", "{}", story());
                entries + marked > 0
            }
            DocStatus::PostingConfirmedFailure => {
                assert_eq!(entries + marked, 0, "{}", story());
                false
            }
            _ => false,
        }
    }

    fn ending(&self, document: &DocumentRecord) -> Option<Ending> {
        let object = books::source(DocType::Invoice, &document.source_id);
        self.sim.store.ending(&object.kind, &object.id)
    }
}

fn total(bill: &Value) -> Decimal {
    let text = bill["total_amount"]["amount"].as_str().expect("is money");
    text.parse().expect("is a number")
}

fn carries_marker(bill: &Value, document: &DocumentRecord) -> bool {
    let object = books::source(DocType::Invoice, &document.source_id);
    let target = format!("bill {}/{}", document.id, document.revision);
    let marker = marker::marker_for("acme", &object, &target);
    let description = bill["lines"][0]["description"].as_str();
    description.is_some_and(|description| description.contains(&marker))
}

promises!(AsBills, step, native_cases: 60, wasm_cases: 3, "bills.txt");
