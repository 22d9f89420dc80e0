//! The way there: invoices and bills of FreshBooks become payment requests in SAP Concur.
//!
//! People create, change and delete documents. In the end:
//!
//! 1. every acknowledged notice has ended and can be seen;
//! 2. "confirmed" means that the payment request is there, with our marker and the document's
//!    amount;
//! 3. two under one marker are a conflict that names both;
//! 4. there is at most one wherever ambiguity parks, and elsewhere within the stated bounds;
//! 5. every history replays to the same completion.

use ml_connector_component::contract::runs::{Ending, StartReason};
use ml_connector_component::marker;
use ml_connector_sandbox::concur::CustomSpelling;
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_sandbox::{FaultRule, SandboxConfig, System};
use ml_connector_tests::fixtures::{documents, settings};
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::store::ending_name;
use ml_connector_tests::sim::{Sim, object};
use ml_connector_tests::switches;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::shared::{Model, check_replay, fault_rule, promises, settle_and_connect, story};

/// A project of FreshBooks, on the first line of each new invoice.
const PROJECT: u64 = 60_001;

#[derive(Debug, Clone)]
enum Step {
    CreateInvoice,
    CreateBill,
    ChangeInvoice(usize, u8),
    DeleteInvoice(usize),
    Pass(u64),
    Sweep,
    Fault(FaultRule),
    Heal,
    Crash,
    CrashAt(u64),
    ExpireTokens,
    Silence(bool),
}

fn rule() -> impl Strategy<Value = FaultRule> {
    // A lost token answer of FreshBooks ends the connection: a person's business, not the model's.
    let place = prop_oneof![
        Just((System::FreshBooks, "/accounting/")),
        Just((System::Concur, "/api/")),
        Just((System::Concur, "/api/")),
    ];
    let method = prop_oneof![Just("POST"), Just("GET"), Just("PUT")];
    fault_rule(place, 1..4, 0..3, method)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::CreateInvoice),
        2 => Just(Step::CreateBill),
        3 => (0..8_usize, 1..9_u8).prop_map(|(which, quantity)| Step::ChangeInvoice(which,
            quantity)),
        1 => (0..8_usize).prop_map(Step::DeleteInvoice),
        4 => (0..4_000_000_u64).prop_map(Step::Pass),
        1 => Just(Step::Sweep),
        5 => rule().prop_map(Step::Fault),
        1 => Just(Step::Heal),
        2 => Just(Step::Crash),
        3 => (0..60_u64).prop_map(Step::CrashAt),
        1 => Just(Step::ExpireTokens),
        1 => any::<bool>().prop_map(Step::Silence),
    ]
}

/// Everything connected, under the row's reading of SAP Concur's documentation, or under one that
/// the seed chooses; the settings fit it.
fn connected(backend: Backend, ambiguity: &str, seed: u64) -> Sim {
    let mut settings = settings::connection(ambiguity);
    settings["projects"] = json!({PROJECT.to_string(): "PRJ_A"});
    let mut config = switches::config();
    if switches::are_default() {
        choose_readings(&mut config, seed);
    }
    if config.concur.payment_requests.custom_spelling == CustomSpelling::Padded {
        settings["payment_request"]["cost_code_field"] = "Custom01".into();
    }
    Sim::new(config, backend.logic(&settings.to_string()))
}

fn choose_readings(config: &mut SandboxConfig, seed: u64) {
    let switches = &mut config.concur.payment_requests;
    if seed & 1 == 1 {
        switches.custom_spelling = CustomSpelling::Padded;
    }
    switches.remit_address_without_codes = seed & 2 == 2;
    switches.digests_without_vendor_code = seed & 4 == 4;
    switches.digest_number_ignored = seed & 8 == 8;
    config.concur.vendors.filters_ignored = seed & 16 == 16;
}

/// A simulator and what people have made in it.
struct WayThere {
    sim: Sim,
    client: u64,
    vendor: u64,
    invoices: Vec<u64>,
    bills: Vec<u64>,
}

impl Model for WayThere {
    type Step = Step;

    fn new(backend: Backend, ambiguity: &str, seed: u64) -> Self {
        let mut sim = connected(backend, ambiguity, seed);
        sim.interleave(seed);
        let webhooks = &mut sim.sandbox.freshbooks.config_mut().webhooks;
        webhooks.duplicate_per_mille = 100;
        webhooks.disorder_per_mille = 100;
        webhooks.drop_per_mille = 50;
        let freshbooks = &mut sim.sandbox.freshbooks;
        let client = freshbooks.create_client(&documents::client(), sim.now);
        let vendor = freshbooks.create_bill_vendor(&documents::bill_vendor(), sim.now);
        Self {
            client: client.expect("is created"),
            vendor: vendor.expect("is created"),
            sim,
            invoices: Vec::new(),
            bills: Vec::new(),
        }
    }

    fn play(&mut self, step: &Step) {
        let now = self.sim.now;
        let sim = &mut self.sim;
        match step {
            Step::CreateInvoice => {
                let number = format!("I-{}", self.invoices.len());
                let mut invoice = documents::invoice(self.client, &number);
                invoice["lines"][0]["modern_project_id"] = PROJECT.into();
                let created = sim.sandbox.freshbooks.create_invoice(&invoice, now);
                self.invoices.push(created.expect("is created"));
            }
            Step::CreateBill => {
                let bill = documents::bill(self.vendor, &format!("B-{}", self.bills.len()));
                let created = sim.sandbox.freshbooks.create_bill(&bill, now);
                self.bills.push(created.expect("is created"));
            }
            Step::ChangeInvoice(which, quantity) => self.change(*which, *quantity),
            Step::DeleteInvoice(which) => {
                if let Some(id) = self.invoices.get(*which) {
                    sim.sandbox.freshbooks.delete(RecordKind::Invoice, *id, now);
                }
            }
            Step::Pass(duration) => sim.run_for(*duration),
            Step::Sweep => sim.sweep(),
            Step::Fault(rule) => sim.sandbox.add_fault(rule.clone()),
            Step::Heal => sim.sandbox.clear_faults(),
            Step::Crash => sim.crash(),
            Step::CrashAt(moment) => sim.crash_at([*moment]),
            Step::ExpireTokens => sim.sandbox.concur.expire_access_tokens(),
            Step::Silence(on) => sim.sandbox.freshbooks.config_mut().webhooks.silent = *on,
        }
    }

    /// Everything works again; a sweep finds what was missed; time passes.
    fn heal(&mut self) {
        self.sim.crash_at([]);
        self.sim.sandbox.clear_faults();
        let webhooks = &mut self.sim.sandbox.freshbooks.config_mut().webhooks;
        webhooks.silent = false;
        webhooks.drop_per_mille = 0;
        self.sim.sweep();
        settle_and_connect(&mut self.sim);
        self.sim.settle();
    }

    fn check(&mut self) {
        check_replay(&mut self.sim);
        let endings = self.sim.store.endings();
        for object in &self.sim.store.acknowledged {
            let key = (object.kind.clone(), object.id.clone());
            let is_followed = object.kind == "invoice" || object.kind == "bill";
            assert!(
                !is_followed || endings.contains_key(&key),
                "{key:?} was acknowledged and lost"
            );
        }
        for id in &self.invoices {
            let invoice = self.sim.sandbox.freshbooks.invoice(*id, self.sim.now);
            let invoice = invoice.expect("is there");
            let amount = &invoice["amount"]["amount"];
            self.check_document("invoice", *id, amount, &invoice["vis_state"]);
        }
        for id in &self.bills {
            let bill = self.sim.sandbox.freshbooks.bill(*id, self.sim.now);
            let bill = bill.expect("is there");
            let amount = &bill["total_amount"]["amount"];
            self.check_document("bill", *id, amount, &bill["vis_state"]);
        }
    }
}

impl WayThere {
    fn change(&mut self, which: usize, quantity: u8) {
        let Some(id) = self.invoices.get(which) else {
            return;
        };
        let line = json!({"type": 0, "name": "Copy paper", "qty": quantity.to_string(),
            "unit_cost": {"amount": "60.00", "code": "CAD"}, "taxName1": "HST",
                "taxAmount1": "13"});
        let lines = json!({"lines": vec![line; usize::from(quantity % 3) + 1]});
        let now = self.sim.now;
        let freshbooks = &mut self.sim.sandbox.freshbooks;
        // A deleted invoice cannot be changed.
        let _ = freshbooks.update(RecordKind::Invoice, *id, &lines, now);
    }

    fn check_document(&self, kind: &str, id: u64, amount: &Value, state: &Value) {
        let name = id.to_string();
        let marker = marker::marker_for("acme", &object(kind, &name), "payment-request");
        let all = self.sim.sandbox.concur.payment_requests();
        let there: Vec<_> = all
            .iter()
            .filter(|request| !request.deleted && request.customs.get("Custom24") == Some(&marker))
            .collect();
        let is_deleted = *state == 1;
        let Some(ending) = self.sim.store.ending(kind, &name) else {
            assert!(
                is_deleted && there.is_empty(),
                "{kind} {id} was never looked at"
            );
            return;
        };
        assert!(
            there.len() <= 1,
            "{kind} {id} is doubled: {there:?}, it ended as {ending:?}"
        );
        let assert_same_amount = || {
            let found = there.first().map(|request| request.amount.as_str());
            let story = story(&self.sim, |run| {
                let of = &run.task.object;
                of.kind == "sweep" || *of == object(kind, &name)
            });
            assert_eq!(found, amount.as_str(), "{kind} {id}\n{story}");
        };
        match &ending {
            Ending::Confirmed(confirmed) => {
                assert!(!is_deleted, "{kind} {id} is deleted: {confirmed:?}");
                assert_eq!(there.len(), 1, "{kind} {id} is confirmed and not there");
                assert_eq!(there[0].id, confirmed.target.id);
                assert_same_amount();
            }
            Ending::Unchanged(note) if note.code == "same-content" => assert_same_amount(),
            Ending::Unchanged(note) => assert_eq!(note.code, "not-carried"),
            Ending::Parked(stop) => {
                let expected = [
                    "ambiguous",
                    "deleted-in-freshbooks",
                    "retries-used-up",
                    "access-denied",
                    "refused",
                    "form-unseen",
                ];
                let by_vendor = stop.code.starts_with("vendor-");
                assert!(
                    by_vendor || expected.contains(&stop.code.as_str()),
                    "{kind} {id}: {stop:?}"
                );
                assert!(!stop.message.is_empty() && !stop.remedy.is_empty());
            }
            Ending::Rejected(stop) => assert!(!stop.remedy.is_empty(), "{stop:?}"),
            Ending::Conflict(conflict) => panic!("{kind} {id}: {conflict:?}"),
        }
    }
}

promises!(WayThere, step, native_cases: 300, wasm_cases: 12, "way_there.txt");

/// One invoice and one bill, with these crashes.
fn small(ambiguity: &str, crashes: &[u64]) -> WayThere {
    let mut model = WayThere::new(Backend::Native, ambiguity, 7);
    model.sim.crash_at(crashes.iter().copied());
    model.play(&Step::CreateInvoice);
    model.play(&Step::CreateBill);
    model.sim.settle();
    model
}

/// How many moments there are in [`small`] at which a crash could strike.
fn moments(ambiguity: &str) -> u64 {
    let before = WayThere::new(Backend::Native, ambiguity, 7).sim.moments();
    let moments = small(ambiguity, &[]).sim.moments() - before;
    assert!(moments > 20, "{moments}");
    moments
}

#[test]
fn a_crash_at_every_moment_of_every_effect_loses_and_doubles_nothing() {
    for ambiguity in ["park", "resend"] {
        for first in 0..moments(ambiguity) {
            for second in [None, Some(first + 1), Some(first + 2), Some(first + 5)] {
                let crashes: Vec<u64> = [Some(first), second].into_iter().flatten().collect();
                let mut model = small(ambiguity, &crashes);
                assert!(model.sim.crashes > 0);
                model.heal();
                model.check();
                if ambiguity == "resend" {
                    check_both_arrived(&model, &crashes);
                }
            }
        }
    }
}

fn check_both_arrived(model: &WayThere, crashes: &[u64]) {
    for (kind, id) in [("invoice", model.invoices[0]), ("bill", model.bills[0])] {
        let ending = model.sim.store.ending(kind, &id.to_string());
        let ending = ending.expect("has ended");
        let has_arrived = ["confirmed", "unchanged"].contains(&ending_name(&ending));
        assert!(has_arrived, "{kind} after {crashes:?}: {ending:?}");
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
    let parked = |model: &WayThere| {
        let endings = model.sim.store.endings().into_iter();
        let parked = endings.filter(|(_, ending)| ending_name(ending) == "parked");
        parked.map(|(key, _)| key).collect::<Vec<_>>()
    };
    for crash in switches::moments(moments("park")) {
        let mut model = small("park", &[crash]);
        model.heal();
        for (kind, id) in parked(&model) {
            model.sim.start(object(&kind, &id), StartReason::Replay);
        }
        model.sim.settle();
        model.check();
        assert!(parked(&model).is_empty(), "crash at {crash}");
    }
}
