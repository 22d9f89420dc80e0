//! The way back: what SAP Concur approved becomes journal entries in FreshBooks.
//!
//! People approve, recall and correct. The queues are read as their schedule would. In the end:
//!
//! 2. "confirmed" means that the entry is in FreshBooks, with our marker;
//! 4. there is at most one entry of a document;
//! 5. every entry balances, in one currency, and comes to what was approved;
//! 6. no document is acknowledged that is not stored, and none is confirmed that is not posted;
//! 7. every history replays to the same completion.

use ml_connector_component::contract::http::{Body, SendOutcome};
use ml_connector_component::contract::runs::{Ending, Report, StartReason};
use ml_connector_sandbox::concur::{
    AdvanceOptions, Change, DocStatus, DocType, DocumentRecord, Filed, Filing, InvoiceOptions,
    Oddity, ReportOptions, Resubmission, Shape,
};
use ml_connector_sandbox::{FaultRule, System};
use ml_connector_tests::books::{self, Books, marker_of};
use ml_connector_tests::fixtures::settings;
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::Sim;
use ml_connector_tests::sim::store::ending_name;
use ml_connector_tests::switches;
use proptest::prelude::*;

use crate::shared::{Model, check_replay, fault_rule, promises, settle_and_connect, story};

#[derive(Debug, Clone)]
enum Step {
    Report(usize, Option<Oddity>),
    Invoice(bool),
    Advance,
    Recall(usize),
    Resubmit(usize, bool),
    Poll,
    Pass(u64),
    Fault(FaultRule),
    Heal,
    Crash,
    CrashAt(u64),
    ExpireTokens,
}

fn rule() -> impl Strategy<Value = FaultRule> {
    let place = prop_oneof![
        Just((System::FreshBooks, "/accounting/")),
        Just((System::Concur, "/financialintegration/")),
        Just((System::Concur, "/acknowledgements")),
        Just((System::Concur, "/postingconfirmations")),
    ];
    let method = prop_oneof![Just("POST"), Just("GET")];
    fault_rule(place, 1..4, 0..3, method)
}

fn oddity() -> impl Strategy<Value = Option<Oddity>> {
    prop_oneof![
        6 => Just(None),
        1 => Just(Some(Oddity::Unbalanced)),
        1 => Just(Some(Oddity::EmptyAccount)),
        1 => Just(Some(Oddity::NotJson)),
        1 => Just(Some(Oddity::Text)),
        1 => Just(Some(Oddity::MissingBlocks)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..Shape::ALL.len(), oddity()).prop_map(|(shape, oddity)| Step::Report(shape,
            oddity)),
        2 => any::<bool>().prop_map(Step::Invoice),
        1 => Just(Step::Advance),
        2 => (0..6_usize).prop_map(Step::Recall),
        3 => (0..6_usize, any::<bool>()).prop_map(|(which, same)| Step::Resubmit(which, same)),
        4 => Just(Step::Poll),
        4 => (0..4_000_000_u64).prop_map(Step::Pass),
        5 => rule().prop_map(Step::Fault),
        1 => Just(Step::Heal),
        2 => Just(Step::Crash),
        4 => (0..40_u64).prop_map(Step::CrashAt),
        1 => Just(Step::ExpireTokens),
    ]
}

/// A simulator and the documents that people have filed in it.
struct WayBack {
    sim: Sim,
    filed: Vec<Filed>,
}

impl Model for WayBack {
    type Step = Step;

    fn new(backend: Backend, ambiguity: &str, seed: u64) -> Self {
        let mut sim = Sim::with_settings(backend, &settings::both_ways(ambiguity));
        sim.interleave(seed);
        Self {
            sim,
            filed: Vec::new(),
        }
    }

    fn play(&mut self, step: &Step) {
        let now = self.sim.now;
        let concur = &mut self.sim.sandbox.concur;
        match step {
            Step::Report(shape, oddity) => {
                let options = ReportOptions {
                    currency: Some("CAD".to_string()),
                    entries: vec![Shape::ALL[*shape]],
                    filing: Filing {
                        oddities: oddity.iter().copied().collect(),
                        ..Filing::default()
                    },
                    ..ReportOptions::default()
                };
                self.filed.push(concur.approve_report(&options, now));
            }
            Step::Invoice(credit_memo) => {
                let options = InvoiceOptions {
                    credit_memo: *credit_memo,
                    ..InvoiceOptions::default()
                };
                self.filed.push(concur.approve_invoice(&options, now));
            }
            Step::Advance => self
                .filed
                .push(concur.issue_cash_advance(&AdvanceOptions::default(), now)),
            Step::Recall(which) => {
                if let Some(filed) = self.filed.get(*which) {
                    // Only what is ready or failed can be recalled.
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
            Step::Poll => self.sim.poll(),
            Step::Pass(duration) => self.sim.run_for(*duration),
            Step::Fault(rule) => self.sim.sandbox.add_fault(rule.clone()),
            Step::Heal => self.sim.sandbox.clear_faults(),
            Step::Crash => self.sim.crash(),
            Step::CrashAt(moment) => self.sim.crash_at([*moment]),
            Step::ExpireTokens => self.sim.sandbox.concur.expire_access_tokens(),
        }
    }

    fn heal(&mut self) {
        self.sim.crash_at([]);
        self.sim.sandbox.clear_faults();
        // A document that comes while an earlier one of its source is worked on is found by the
        // next poll.
        for _ in 0..2 {
            self.sim.poll();
            settle_and_connect(&mut self.sim);
        }
        self.sim.settle();
    }

    fn check(&mut self) {
        check_replay(&mut self.sim);
        let books = Books::of(&self.sim.sandbox);
        let documents = self.sim.sandbox.concur.documents();
        for document in &documents {
            self.check_document(&books, document);
        }
        self.check_ledger(&books, &documents);
    }
}

impl WayBack {
    fn check_document(&self, books: &Books, document: &DocumentRecord) {
        let entries = books.marked(document);
        assert!(entries.len() <= 1, "{document:?} is doubled: {entries:?}");
        let ending = self.ending(document);
        match document.status {
            DocStatus::PostingConfirmedSuccess => {
                let [posting] = &document.postings[..] else {
                    panic!("not one posting: {document:?}");
                };
                let number = &posting.document_number;
                let is_there = books
                    .entries
                    .iter()
                    .any(|entry| entry.id.to_string() == *number);
                assert!(is_there, "confirmed and not posted: {document:?}");
            }
            DocStatus::Ready => {
                let ending = ending.expect("a document on the list was looked at");
                assert_eq!(
                    ending_name(&ending),
                    "parked",
                    "{document:?} is left on the list: {ending:?}"
                );
            }
            DocStatus::Acknowledged => {
                let ending = ending.expect("what is acknowledged has a run");
                assert_eq!(
                    ending_name(&ending),
                    "parked",
                    "{document:?} is forgotten: {ending:?}\n{}",
                    self.story(document)
                );
            }
            DocStatus::PostingConfirmedFailure => {
                assert!(entries.is_empty(), "{document:?} is posted");
            }
            _ => {}
        }
        if let Some(Ending::Parked(stop) | Ending::Rejected(stop)) = self.ending(document) {
            assert!(
                !stop.message.is_empty() && !stop.remedy.is_empty(),
                "{stop:?}"
            );
        }
        if let Some(Ending::Conflict(conflict)) = self.ending(document) {
            panic!("{document:?}: {conflict:?}");
        }
    }

    /// What stands on the accounts of costs is what is posted, plus what waits for its
    /// confirmation.
    fn check_ledger(&self, books: &Books, documents: &[DocumentRecord]) {
        let costly = [DocType::Expense, DocType::Invoice];
        let mut expected = books::approved(&self.sim.sandbox, &costly);
        for document in documents
            .iter()
            .filter(|document| costly.contains(&document.doc_type))
        {
            if document.status == DocStatus::Acknowledged && !books.marked(document).is_empty() {
                *expected.entry(document.currency.clone()).or_default() += document.approved;
            }
        }
        expected.retain(|_, sum| !sum.is_zero());
        assert_eq!(books.costs(), expected);
    }

    fn ending(&self, document: &DocumentRecord) -> Option<Ending> {
        let object = books::source(document.doc_type, &document.source_id);
        let unread = format!("{}/document/{}", document.doc_type.as_str(), document.id);
        let ending = self.sim.store.ending(&object.kind, &unread);
        ending.or_else(|| self.sim.store.ending(&object.kind, &object.id))
    }

    fn story(&self, document: &DocumentRecord) -> String {
        let object = books::source(document.doc_type, &document.source_id);
        story(&self.sim, |run| run.task.object == object)
    }

    /// Promise 6: whatever is off the list is in a history that survives.
    fn check_stored(&self) {
        for document in self.sim.sandbox.concur.documents() {
            let is_off_the_list = document.system_id.is_some();
            assert!(
                !is_off_the_list || self.is_in_a_history(&document.id),
                "{document:?} is acknowledged and not stored"
            );
            if document.status == DocStatus::PostingConfirmedSuccess {
                assert_eq!(
                    Books::of(&self.sim.sandbox).marked(&document).len(),
                    1,
                    "{document:?}"
                );
            }
        }
    }

    fn is_in_a_history(&self, id: &str) -> bool {
        let runs = self.sim.store.runs.values();
        let mut entries = runs.flat_map(|run| &run.history);
        entries.any(|entry| match entry.outcome.as_ref().map(|o| &o.report) {
            Some(Report::Sent(SendOutcome::Response(response))) => match &response.body {
                Body::Text(text) => text.contains(id) && text.contains("\"document\""),
                Body::Bytes(_) => false,
            },
            _ => false,
        })
    }
}

promises!(WayBack, step, native_cases: 200, wasm_cases: 8, "way_back.txt");

/// A report and a cash advance on the list, and these crashes.
fn small(ambiguity: &str, crashes: &[u64]) -> WayBack {
    let mut model = WayBack::new(Backend::Native, ambiguity, 7);
    model.sim.crash_at(crashes.iter().copied());
    model.play(&Step::Report(0, None));
    model.play(&Step::Advance);
    model.sim.poll();
    model
}

#[test]
fn a_crash_at_every_moment_ends_with_one_entry_and_one_confirmation() {
    for ambiguity in ["park", "resend"] {
        let mut quiet = small(ambiguity, &[]);
        let before = quiet.sim.moments();
        quiet.sim.settle();
        let moments = quiet.sim.moments() - before;
        assert!(moments > 20, "{moments}");
        for first in 0..moments {
            for second in [None, Some(first + 1), Some(first + 2), Some(first + 4)] {
                let crashes: Vec<u64> = [Some(first), second].into_iter().flatten().collect();
                let mut model = small(ambiguity, &crashes);
                model.sim.stop_at_crash = true;
                model.sim.settle();
                assert!(model.sim.crashes > 0);
                model.check_stored();
                model.sim.stop_at_crash = false;
                model.sim.settle();
                model.heal();
                model.check();
                if ambiguity == "resend" {
                    for filed in &model.filed {
                        Books::of(&model.sim.sandbox).assert_posted(&model.sim, filed);
                    }
                }
            }
        }
    }
}

#[test]
fn a_person_s_replay_ends_what_was_parked_under_each_row_of_switches() {
    let name = "a_person_s_replay_ends_what_was_parked_under_each_row_of_switches";
    switches::under_each_row(
        &format!("{}::{name}", module_path!()),
        a_crash_at_every_moment_is_healed,
    );
}

#[test]
fn a_person_s_replay_ends_what_was_parked() {
    switches::under_one_row(a_crash_at_every_moment_is_healed);
}

fn a_crash_at_every_moment_is_healed() {
    let mut quiet = small("park", &[]);
    let before = quiet.sim.moments();
    quiet.sim.settle();
    let moments = quiet.sim.moments() - before;
    for crash in switches::moments(moments) {
        let mut model = small("park", &[crash]);
        model.sim.settle();
        model.heal();
        for filed in model.filed.clone() {
            let object = books::object(&filed);
            if ending_name(&books::ending(&model.sim, &filed)) == "parked" {
                model.sim.start(object, StartReason::Replay);
            }
        }
        model.sim.settle();
        model.check();
        for filed in &model.filed {
            Books::of(&model.sim.sandbox).assert_posted(&model.sim, filed);
        }
    }
}

#[test]
fn markers_tell_documents_apart() {
    let model = small("park", &[]);
    let documents = model.sim.sandbox.concur.documents();
    assert_ne!(marker_of(&documents[0]), marker_of(&documents[1]));
}
