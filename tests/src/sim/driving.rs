//! One effect at a time: the duties of a host, and the moments at which it may crash.

use std::slice;

use ml_connector_component::contract::http::{Authorization, SendOutcome};
use ml_connector_component::contract::pacing::Gate;
use ml_connector_component::contract::runs::{
    Action, Completion, Demand, Effect, Intent, OpenError, Outcome, Report,
};
use ml_connector_component::contract::types::{ObjectRef, System};
use ml_connector_component::pacing;
use ml_connector_sandbox::Millis;

use super::{OpenedRun, Sim, system_name};
use crate::logic::ActiveRun;

impl Sim {
    /// Picks one of the runs that are due, by the seed, and performs its demand.
    pub(super) fn drive_one(&mut self) {
        let due = self.store.due(self.now);
        if due.is_empty() {
            return;
        }
        self.picks = self
            .picks
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let pick = usize::try_from(self.picks >> 33).unwrap_or(0) % due.len();
        let id = due[pick];
        match self.demand_of(id) {
            Demand::Perform(effect) => self.perform(id, effect),
            Demand::Wait(wait) => {
                self.opened.remove(&id);
                self.store.wait(id, wait);
            }
            Demand::Done(completion) => self.done(id, completion),
        }
    }

    fn demand_of(&mut self, id: u64) -> Demand {
        if let Some(opened) = self.opened.get(&id) {
            return opened.demand.clone();
        }
        let (run, mut demand) = self.open(id);
        let mut opened = OpenedRun {
            run,
            demand: demand.clone(),
        };
        // A wait that is over is reported at once.
        if let Demand::Wait(wait) = &demand
            && let Some(wake) = self.store.woken(id)
        {
            let outcome = self.outcome(id, wait.id, Report::Woken(wake));
            self.store.record(id, demand, outcome.clone(), true);
            demand = step(&mut opened, outcome);
        }
        self.opened.insert(id, opened);
        demand
    }

    /// Opens a run with its history, or starts it over if that does not replay.
    fn open(&mut self, id: u64) -> (Box<dyn ActiveRun>, Demand) {
        let run = &self.store.runs[&id];
        match self.logic.open(run.task.clone(), run.history.clone()) {
            Ok(opened) => return opened,
            Err(OpenError::Diverged(_)) => {}
            Err(error) => panic!("run {id} does not open: {error:?}"),
        }
        self.divergences += 1;
        let unknown_since = self.logic.unknown_since(&run.history);
        self.store.start_over(id, unknown_since, self.now);
        let run = &self.store.runs[&id];
        self.logic
            .open(run.task.clone(), Vec::new())
            .unwrap_or_else(|error| panic!("run {id} does not start over: {error:?}"))
    }

    fn perform(&mut self, id: u64, effect: Effect) {
        let report = match &effect.action {
            Action::Send(outbound) => {
                let request = &outbound.request;
                let system = request.system;
                if let Some(until) = self.held_until(system) {
                    self.opened.remove(&id);
                    self.store.defer(id, until);
                    return;
                }
                if outbound.intent != Intent::Read {
                    self.store
                        .record_intent(id, Demand::Perform(effect.clone()));
                }
                // The write is recorded, nothing is sent.
                if self.crashes_here() {
                    return;
                }
                let outcome = self.send(request);
                // It was sent, the outcome is not stored.
                if self.crashes_here() {
                    return;
                }
                let crashes = self.crashes;
                self.observe(system, request.authorization, &outcome);
                // In the middle of a renewal.
                if self.crashes > crashes {
                    return;
                }
                Report::Sent(outcome)
            }
            Action::FindObjects(objects) => Report::Found(self.store.statuses(objects)),
            Action::Save(changes) => {
                self.store.save(changes, self.now);
                Report::Saved
            }
            Action::TrustVerifier(callback_id) => {
                Report::Trusted(self.credentials.trust(callback_id))
            }
        };
        let durable = is_durable(&effect.action);
        let outcome = self.outcome(id, effect.id, report);
        self.store
            .record(id, Demand::Perform(effect), outcome.clone(), durable);
        // The outcome is stored, the run has not gone on.
        if self.crashes_here() {
            return;
        }
        if let Some(opened) = self.opened.get_mut(&id) {
            step(opened, outcome);
        }
    }

    /// Gives the run of an object up that has not ended, as a host does whose component traps over
    /// it again and again.
    ///
    /// # Panics
    ///
    /// If no run of the object is open, or it was started over: the earlier histories are not kept.
    pub fn give_up(&mut self, object: &ObjectRef) {
        let mut unfinished = self.store.unfinished().into_iter();
        let id = unfinished.find(|id| self.store.runs[id].task.object == *object);
        let id = id.expect("a run of it is open");
        let run = &self.store.runs[&id];
        assert_eq!(run.task.unknown_since, None, "was not started over");
        let history = run.history.clone();
        let last = self.store.statuses(slice::from_ref(object)).remove(0).last;
        let why = "the component failed";
        let completion = self.logic.abandon(&history, last.as_ref(), why, self.now);
        self.done(id, completion);
    }

    fn outcome(&self, id: u64, effect: u32, report: Report) -> Outcome {
        let at = self.now.max(self.store.latest(id));
        Outcome {
            id: effect,
            report,
            at,
        }
    }

    fn done(&mut self, id: u64, completion: Completion) {
        self.opened.remove(&id);
        self.store.end(id, completion, self.now);
    }

    /// Counts a moment at which a crash could strike, has the strangers' webhooks of this moment
    /// arrive, and crashes if that was ordered for it.
    pub(super) fn crashes_here(&mut self) -> bool {
        let moment = self.moments;
        self.moments += 1;
        for delivery in self.strangers.remove(&moment).into_iter().flatten() {
            self.receive(&delivery);
        }
        let crash = self.crash_at.contains(&moment);
        if crash {
            self.crash();
        }
        crash
    }

    fn held_until(&mut self, system: System) -> Option<Millis> {
        if !self.credentials.is_live(system) {
            let gate = self.take_gate(system);
            let gate = pacing::hold_for_reconnect(gate, self.now);
            self.gates.insert(system_name(system), gate);
        }
        let hold = self.gates.get(system_name(system))?.hold.as_ref();
        let held_until = hold.map(|hold| hold.until);
        let refresh_at = self.credentials.refresh_at(system);
        held_until.max(refresh_at).filter(|until| *until > self.now)
    }

    fn observe(&mut self, system: System, authorization: Authorization, outcome: &SendOutcome) {
        let gate = self.take_gate(system);
        let seen = self.logic.observe(gate, authorization, outcome, self.now);
        self.gates.insert(system_name(system), seen.gate);
        if seen.token_refused {
            self.refresh(system);
        }
    }

    fn take_gate(&mut self, system: System) -> Gate {
        let gate = self.gates.remove(system_name(system));
        gate.unwrap_or_else(|| pacing::initial_gate(system))
    }
}

fn step(opened: &mut OpenedRun, outcome: Outcome) -> Demand {
    let demand = opened
        .run
        .step(outcome)
        .unwrap_or_else(|error| panic!("a step is refused: {error:?}"));
    opened.demand = demand.clone();
    demand
}

fn is_durable(action: &Action) -> bool {
    match action {
        Action::Send(outbound) => outbound.intent != Intent::Read,
        Action::FindObjects(_) => false,
        Action::Save(_) | Action::TrustVerifier(_) => true,
    }
}
