//! Random histories and crashes at every effect, against what must be true afterwards.
//!
//! First chaos: people create, change and delete documents while calls fail, webhooks come twice,
//! late or not at all, and the process dies. Then everything is healed, a sweep is made, and the
//! promises are checked:
//!
//! 1. every acknowledged notice has ended and can be seen;
//! 2. "confirmed" means that the payment request is there, with our marker and the document's
//!    amount;
//! 3. two under one marker are a conflict that names both;
//! 4. there is at most one wherever ambiguity parks, and elsewhere within the stated bounds;
//! 5. every history replays to the same completion.

use std::collections::BTreeMap;

use ml_connector_component::contract::runs::{Demand, Ending, Reason};
use ml_connector_component::marker;
use ml_connector_sandbox::freshbooks::person::Kind;
use ml_connector_sandbox::{Fault, FaultRule, System};
use ml_connector_tests::mind::Through;
use ml_connector_tests::sim::{Life, Sim, object};
use ml_connector_tests::world::{self, word};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::json;

/// The same cases every time, so that a change is judged by what it changes; `MODEL_SEED` and
/// `MODEL_CASES` look further.
fn config(cases: u32) -> ProptestConfig {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: number("MODEL_CASES")
            .map_or(cases, |cases: u64| u32::try_from(cases).unwrap_or(u32::MAX)),
        rng_seed: RngSeed::Fixed(number("MODEL_SEED").unwrap_or(1)),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Shorter than the settle time of 30 minutes: the stated bound of late execution.
const LATE_MAX: u64 = 20 * 60_000;

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

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Refuse),
        Just(Fault::RateLimited {
            retry_after_s: Some(0)
        }),
        Just(Fault::RateLimited {
            retry_after_s: Some(30)
        }),
        Just(Fault::ThrottledAs400),
        Just(Fault::Maintenance),
        Just(Fault::ServerError),
        Just(Fault::ServerErrorAfterCommit),
        Just(Fault::ResponseLost),
        Just(Fault::RequestLost),
        (1..LATE_MAX).prop_map(|delay| Fault::LateExecution { delay }),
        (1..120_000_u64).prop_map(|delay| Fault::Slow { delay }),
        Just(Fault::Truncated),
        (1..60_000_u64).prop_map(|lag| Fault::StaleLookUp { lag }),
        Just(Fault::ExpiredToken),
        Just(Fault::Garbage),
    ]
}

fn rule() -> impl Strategy<Value = FaultRule> {
    let system = prop_oneof![
        Just(System::FreshBooks),
        Just(System::Concur),
        Just(System::Concur)
    ];
    (
        system,
        fault(),
        1..4_u32,
        0..3_u32,
        prop::option::of(prop_oneof![Just("POST"), Just("GET"), Just("PUT")]),
    )
        .prop_map(|(system, fault, times, skip, method)| {
            let rule = FaultRule::new(system, fault).times(times).skip(skip);
            // A lost token answer of FreshBooks ends the connection: a person's business, not the
            // model's.
            let rule = if system == System::FreshBooks {
                rule.path("/accounting/")
            } else {
                rule.path("/api/")
            };
            method.map_or(rule.clone(), |method| rule.method(method))
        })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::CreateInvoice),
        2 => Just(Step::CreateBill),
        3 => (0..8_usize, 1..9_u8).prop_map(|(which, quantity)| Step::ChangeInvoice(which, quantity)),
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

/// A simulator and what people have made in it.
struct World {
    sim: Sim,
    client: u64,
    vendor: u64,
    invoices: Vec<u64>,
    bills: Vec<u64>,
}

impl World {
    fn new(through: Through, ambiguity: &str, seed: u64) -> Self {
        let mut sim = world::sim(through, ambiguity);
        sim.interleave(seed);
        let webhooks = &mut sim.sandbox.freshbooks.config_mut().webhooks;
        webhooks.duplicate_per_mille = 100;
        webhooks.disorder_per_mille = 100;
        webhooks.drop_per_mille = 50;
        let client = sim
            .sandbox
            .freshbooks
            .create_client(&world::client(), sim.now)
            .expect("is created");
        let vendor = sim
            .sandbox
            .freshbooks
            .create_bill_vendor(&world::bill_vendor(), sim.now)
            .expect("is created");
        Self {
            sim,
            client,
            vendor,
            invoices: Vec::new(),
            bills: Vec::new(),
        }
    }

    fn play(&mut self, step: &Step) {
        match step {
            Step::CreateInvoice => {
                let number = format!("I-{}", self.invoices.len());
                let invoice = world::invoice(self.client, &number);
                let created = self
                    .sim
                    .sandbox
                    .freshbooks
                    .create_invoice(&invoice, self.sim.now);
                self.invoices.push(created.expect("is created"));
            }
            Step::CreateBill => {
                let bill = world::bill(self.vendor, &format!("B-{}", self.bills.len()));
                let created = self.sim.sandbox.freshbooks.create_bill(&bill, self.sim.now);
                self.bills.push(created.expect("is created"));
            }
            Step::ChangeInvoice(which, quantity) => self.change(*which, *quantity),
            Step::DeleteInvoice(which) => {
                if let Some(id) = self.invoices.get(*which) {
                    self.sim
                        .sandbox
                        .freshbooks
                        .delete(Kind::Invoice, *id, self.sim.now);
                }
            }
            Step::Pass(long) => self.sim.run_for(*long),
            Step::Sweep => self.sim.sweep(),
            Step::Fault(rule) => self.sim.sandbox.add_fault(rule.clone()),
            Step::Heal => self.sim.sandbox.clear_faults(),
            Step::Crash => self.sim.crash(),
            Step::CrashAt(moment) => self.sim.crash_at([*moment]),
            Step::ExpireTokens => self.sim.sandbox.concur.expire_access_tokens(),
            Step::Silence(on) => self.sim.sandbox.freshbooks.config_mut().webhooks.silent = *on,
        }
    }

    fn change(&mut self, which: usize, quantity: u8) {
        let Some(id) = self.invoices.get(which) else {
            return;
        };
        let line = json!({"type": 0, "name": "Copy paper", "qty": quantity.to_string(),
            "unit_cost": {"amount": "60.00", "code": "CAD"}, "taxName1": "HST", "taxAmount1": "13"});
        let lines = vec![line; usize::from(quantity % 3) + 1];
        // A deleted invoice cannot be changed.
        let _ = self.sim.sandbox.freshbooks.update(
            Kind::Invoice,
            *id,
            &json!({"lines": lines}),
            self.sim.now,
        );
    }

    /// Everything works again; a sweep finds what was missed; time passes.
    fn heal(&mut self) {
        self.sim.crash_at([]);
        self.sim.sandbox.clear_faults();
        let webhooks = &mut self.sim.sandbox.freshbooks.config_mut().webhooks;
        webhooks.silent = false;
        webhooks.drop_per_mille = 0;
        self.sim.sweep();
        self.sim.settle();
    }

    fn check(&mut self) {
        assert_eq!(
            self.sim.kept.unfinished(),
            Vec::<u64>::new(),
            "these have not ended"
        );
        let endings = self.sim.kept.endings();
        for object in &self.sim.kept.acknowledged {
            let key = (object.kind.clone(), object.id.clone());
            let followed = object.kind == "invoice" || object.kind == "bill";
            assert!(
                !followed || endings.contains_key(&key),
                "{key:?} was acknowledged and lost"
            );
        }
        for id in self.invoices.clone() {
            let now = self.sim.now;
            let invoice = self
                .sim
                .sandbox
                .freshbooks
                .invoice(id, now)
                .expect("is there");
            self.check_document(
                "invoice",
                id,
                &invoice["amount"]["amount"],
                &invoice["vis_state"],
            );
        }
        for id in self.bills.clone() {
            let bill = self
                .sim
                .sandbox
                .freshbooks
                .bill(id, self.sim.now)
                .expect("is there");
            self.check_document(
                "bill",
                id,
                &bill["total_amount"]["amount"],
                &bill["vis_state"],
            );
        }
        self.check_replay();
    }

    fn check_document(
        &self,
        kind: &str,
        id: u64,
        amount: &serde_json::Value,
        state: &serde_json::Value,
    ) {
        let marker = marker::of("acme", &object(kind, &id.to_string()), "payment-request");
        let all = self.sim.sandbox.concur.payment_requests();
        let there: Vec<_> = all
            .iter()
            .filter(|request| !request.deleted && request.customs.get("Custom24") == Some(&marker))
            .collect();
        let is_deleted = *state == 1;
        let Some(ending) = self.sim.kept.ending(kind, &id.to_string()) else {
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
        match &ending {
            Ending::Confirmed(confirmed) => {
                assert!(
                    !is_deleted,
                    "{kind} {id} is deleted and confirmed: {confirmed:?}"
                );
                assert_eq!(there.len(), 1, "{kind} {id} is confirmed and not there");
                assert_eq!(there[0].id, confirmed.target.id);
                assert_eq!(
                    Some(there[0].amount.as_str()),
                    amount.as_str(),
                    "{kind} {id} has another amount\n{}",
                    self.story(kind, id)
                );
            }
            Ending::Unchanged(note) if note.code == "same-content" => {
                assert_eq!(
                    Some(there[0].amount.as_str()),
                    amount.as_str(),
                    "{kind} {id} has another amount\n{}",
                    self.story(kind, id)
                );
            }
            Ending::Unchanged(note) => assert_eq!(note.code, "not-carried"),
            Ending::Parked(stop) => {
                let expected = [
                    "ambiguous",
                    "deleted-in-freshbooks",
                    "retries-used-up",
                    "access-denied",
                ];
                let by_vendor = stop.code.starts_with("vendor-");
                assert!(
                    by_vendor || expected.contains(&stop.code.as_str()),
                    "{kind} {id}: {stop:?}"
                );
                assert!(!stop.sentence.is_empty() && !stop.remedy.is_empty());
            }
            Ending::Rejected(stop) => assert!(!stop.remedy.is_empty(), "{stop:?}"),
            Ending::Conflict(conflict) => panic!("{kind} {id}: {conflict:?}"),
        }
    }

    /// What happened to a document, for messages.
    fn story(&self, kind: &str, id: u64) -> String {
        let ours = self.sim.kept.runs.iter().filter(|(_, run)| {
            run.task.object.kind == "sweep" || run.task.object == object(kind, &id.to_string())
        });
        let told = ours.map(|(number, run)| match &run.life {
            Life::Ended(ended) => format!(
                "{number} {} {:?} {} -> {} {:?}\n",
                run.task.object.id, run.task.reason, run.task.started, ended.at, ended.completion
            ),
            life => format!("{number} {life:?}\n"),
        });
        told.collect()
    }

    fn check_replay(&mut self) {
        let ended: BTreeMap<u64, _> = self
            .sim
            .kept
            .runs
            .iter()
            .filter_map(|(id, run)| match &run.life {
                Life::Ended(ended) => Some((*id, ended.completion.clone())),
                _ => None,
            })
            .collect();
        for (id, completion) in ended {
            assert_eq!(
                self.sim.replay(id),
                Demand::Done(completion),
                "run {id} does not replay"
            );
        }
    }
}

fn play(through: Through, ambiguity: &str, seed: u64, steps: &[Step]) {
    let mut world = World::new(through, ambiguity, seed);
    for step in steps {
        world.play(step);
    }
    world.heal();
    world.check();
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn the_promises_hold_where_ambiguity_parks(seed in any::<u64>(), steps in prop::collection::vec(step(), 1..40)) {
        play(Through::Native, "park", seed, &steps);
    }

    #[test]
    fn the_promises_hold_where_ambiguity_resends(seed in any::<u64>(), steps in prop::collection::vec(step(), 1..40)) {
        play(Through::Native, "resend", seed, &steps);
    }
}

proptest! {
    #![proptest_config(config(12))]

    #[test]
    fn the_promises_hold_through_the_component(seed in any::<u64>(), steps in prop::collection::vec(step(), 1..30)) {
        play(Through::Component, "resend", seed, &steps);
    }
}

/// One invoice and one bill, with these crashes.
fn small(ambiguity: &str, crashes: &[u64]) -> World {
    let mut world = World::new(Through::Native, ambiguity, 7);
    world.sim.crash_at(crashes.iter().copied());
    world.play(&Step::CreateInvoice);
    world.play(&Step::CreateBill);
    world.sim.settle();
    world
}

#[test]
fn a_crash_at_every_moment_of_every_effect_loses_and_doubles_nothing() {
    for ambiguity in ["park", "resend"] {
        let before = World::new(Through::Native, ambiguity, 7).sim.moments();
        let moments = small(ambiguity, &[]).sim.moments() - before;
        assert!(moments > 20, "{moments}");
        for first in 0..moments {
            for second in [None, Some(first + 1), Some(first + 2), Some(first + 5)] {
                let crashes: Vec<u64> = [Some(first), second].into_iter().flatten().collect();
                let mut world = small(ambiguity, &crashes);
                assert!(world.sim.crashes > 0);
                world.heal();
                world.check();
                if ambiguity == "resend" {
                    for (kind, id) in [("invoice", world.invoices[0]), ("bill", world.bills[0])] {
                        let ending = world
                            .sim
                            .kept
                            .ending(kind, &id.to_string())
                            .expect("has ended");
                        let good = ["confirmed", "unchanged"].contains(&word(&ending));
                        assert!(good, "{kind} after crashes at {crashes:?}: {ending:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_person_s_replay_ends_what_was_parked() {
    let before = World::new(Through::Native, "park", 7).sim.moments();
    let moments = small("park", &[]).sim.moments() - before;
    for crash in 0..moments {
        let mut world = small("park", &[crash]);
        world.heal();
        for ((kind, id), ending) in world.sim.kept.endings() {
            if word(&ending) == "parked" {
                world.sim.start(object(&kind, &id), Reason::Replay);
            }
        }
        world.sim.settle();
        world.check();
        assert!(
            world
                .sim
                .kept
                .endings()
                .values()
                .all(|ending| word(ending) != "parked"),
            "crash at {crash}"
        );
    }
}
