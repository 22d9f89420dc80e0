//! Another host, in virtual time: one connection, a store in memory, a clock that jumps, both
//! vendors as machines, and crashes wherever a test wants them.
//!
//! It keeps the host's duties to the letter: a write's intent is kept before it is sent and its
//! outcome before anything else is done; a read's outcome may be lost with the process; a gate
//! holds requests back; a run that waits is dropped and opened again from its history.

mod account;
mod kept;
mod network;

use std::collections::BTreeMap;

use ml_connector_component::contract::admission::{Activity, Admission};
use ml_connector_component::contract::http::{Body, Header, SendError, SendErrorCode, SendOutcome};
use ml_connector_component::contract::pacing::{Gate, HoldReason};
use ml_connector_component::contract::runs::{
    Action, Completion, Demand, Effect, Entry, Intent, OpenError, Outcome, Reason, Report, Task,
    Wake,
};
use ml_connector_component::contract::types::{ObjectRef, System};
use ml_connector_component::contract::webhooks::{Delivery, Reading};
use ml_connector_component::pacing;
use ml_connector_sandbox::{DeliveryResult, Millis, Sandbox, SandboxConfig, System as Sender};

use crate::mind::{Mind, Open};
pub use kept::{Ended, Kept, Life};

/// The path token of the webhook address; the address is `https://connector.example.test/hooks`.
pub const WEBHOOK_URL: &str = "https://connector.example.test/hooks";
/// Virtual midnight: 2026-03-02T00:00:00Z.
pub const START: Millis = 1_772_409_600_000;

/// A run that this process has open.
struct Live {
    open: Box<dyn Open>,
    demand: Demand,
}

/// Where to crash: before, between and after the parts of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The intent is kept, nothing is sent.
    BeforeSending,
    /// It was sent, the outcome is not kept.
    BeforeRecording,
    /// The outcome is kept, the run has not gone on.
    AfterRecording,
}

/// The simulator.
pub struct Sim {
    /// The virtual clock.
    pub now: Millis,
    /// Both vendors.
    pub sandbox: Sandbox,
    /// What survives a crash.
    pub kept: Kept,
    /// How many crashes there were.
    pub crashes: u32,
    /// How many histories did not replay.
    pub divergences: u32,
    /// Whether nothing goes on by itself after a crash, so that what survived can be looked at.
    pub stop_at_crash: bool,
    /// Requests sent, by system, method and path without ids.
    pub sent: BTreeMap<String, u32>,
    mind: Box<dyn Mind>,
    live: BTreeMap<u64, Live>,
    gates: BTreeMap<&'static str, Gate>,
    account: account::Account,
    crash_at: Vec<u64>,
    moments: u64,
    picks: u64,
}

impl Sim {
    /// Both vendors empty, both credentials connected, both webhook registrations made and
    /// verified.
    #[must_use]
    pub fn new(config: SandboxConfig, mind: Box<dyn Mind>) -> Self {
        let mut sim = Self::unconnected(config, mind);
        sim.connect();
        for noun in ["invoice", "bill"] {
            sim.start(object("callback", noun), Reason::Schedule);
        }
        sim.settle();
        sim
    }

    /// Both vendors empty, nothing connected.
    #[must_use]
    pub fn unconnected(config: SandboxConfig, mind: Box<dyn Mind>) -> Self {
        Self {
            now: START,
            sandbox: Sandbox::new(config, START),
            kept: Kept::default(),
            crashes: 0,
            stop_at_crash: false,
            divergences: 0,
            sent: BTreeMap::new(),
            mind,
            live: BTreeMap::new(),
            gates: BTreeMap::new(),
            account: account::Account::default(),
            crash_at: Vec::new(),
            moments: 0,
            picks: 0x9e37_79b9,
        }
    }

    /// Crashes at these moments, counted from now on over all effects; see [`Sim::moments`].
    pub fn crash_at(&mut self, moments: impl IntoIterator<Item = u64>) {
        let from = self.moments;
        self.crash_at = moments.into_iter().map(|moment| from + moment).collect();
    }

    /// How many moments at which a crash could be there have been.
    #[must_use]
    pub fn moments(&self) -> u64 {
        self.moments
    }

    /// Seeds the order in which runs that are due at once go on.
    pub fn interleave(&mut self, seed: u64) {
        self.picks = seed | 1;
    }

    /// Starts a run of an object, or marks it dirty.
    pub fn start(&mut self, object: ObjectRef, reason: Reason) {
        self.kept.start(object, reason, self.now);
    }

    /// Starts the sweeps, as their schedule would.
    pub fn sweep(&mut self) {
        for schedule in self.mind.schedules() {
            if schedule.object.kind == "sweep" {
                self.start(schedule.object, Reason::Schedule);
            }
        }
    }

    /// Reads the queues of financial documents, as their schedule would.
    pub fn poll(&mut self) {
        for schedule in self.mind.schedules() {
            if schedule.object.kind == "financial-queue" {
                self.start(schedule.object, Reason::Schedule);
            }
        }
    }

    /// Lets everything happen until nothing is due any more within the next eight days.
    pub fn settle(&mut self) {
        self.run_for(8 * 86_400_000);
    }

    /// Lets everything happen that happens within so long.
    ///
    /// # Panics
    ///
    /// If it does not come to an end.
    pub fn run_for(&mut self, long: Millis) {
        let end = self.now + long;
        for _ in 0..2_000_000 {
            let due = [self.sandbox.next_wake(), self.kept.next_due()];
            let Some(next) = due.into_iter().flatten().min().filter(|due| *due <= end) else {
                return;
            };
            self.now = self.now.max(next);
            self.deliver();
            let crashes = self.crashes;
            self.drive_one();
            if self.stop_at_crash && self.crashes > crashes {
                return;
            }
        }
        panic!("the simulation does not come to an end");
    }

    /// The process ends here and now; another one begins.
    pub fn crash(&mut self) {
        self.crashes += 1;
        self.live.clear();
        self.kept.forget_what_was_not_durable(self.now);
    }

    /// The process ends here and now; another one begins, with other logic.
    pub fn upgrade(&mut self, mind: Box<dyn Mind>) {
        self.crash();
        self.mind = mind;
    }

    /// Opens a run that has ended with its whole history and tells what it arrives at.
    ///
    /// # Panics
    ///
    /// If the run is unknown or its history does not replay.
    pub fn replay(&mut self, run: u64) -> Demand {
        let run = &self.kept.runs[&run];
        let opened = self.mind.open(run.task.clone(), run.history.clone());
        opened
            .unwrap_or_else(|error| panic!("the history does not replay: {error:?}"))
            .1
    }

    fn deliver(&mut self) {
        for delivery in self.sandbox.advance(self.now) {
            let (sender, id) = (delivery.system, delivery.id);
            let read = Delivery {
                headers: headers(&delivery.headers),
                body: body(delivery.body),
            };
            let status = match sender {
                Sender::FreshBooks => self.receive(&read),
                // Nobody here receives events: "not now" loses none of them.
                Sender::Concur => 503,
            };
            let result = DeliveryResult::Status(status);
            self.sandbox.delivered(sender, id, result, self.now);
        }
    }

    /// Receives a webhook and tells the HTTP status that is answered.
    pub fn receive(&mut self, delivery: &Delivery) -> u16 {
        match self.mind.verify(delivery, &self.account.receiver()) {
            Err(refusal) => refusal.status,
            Ok(Reading::Handshake(handshake)) => {
                self.account
                    .candidate(&handshake.callback_id, &handshake.verifier);
                self.kept.wake_handshakes(self.now);
                200
            }
            Ok(Reading::Notice(notice)) => {
                self.kept.acknowledged.push(notice.object.clone());
                let activity = self.kept.activity(&notice.object);
                match self.mind.admit(&notice, activity) {
                    Admission::Start(object) | Admission::MarkDirty(object) => {
                        self.start(object, Reason::Notice);
                    }
                    Admission::NothingNew(_) => {}
                }
                200
            }
            Ok(Reading::Unreadable(_)) => 200,
        }
    }

    /// Lets one of the runs that are due do one thing.
    fn drive_one(&mut self) {
        let due = self.kept.due(self.now);
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
                self.live.remove(&id);
                self.kept.wait(id, wait);
            }
            Demand::Done(completion) => self.done(id, completion),
        }
    }

    fn demand_of(&mut self, id: u64) -> Demand {
        if let Some(live) = self.live.get(&id) {
            return live.demand.clone();
        }
        self.kept.settle_intent(id, self.now);
        let (open, mut demand) = self.open(id);
        let mut live = Live {
            open,
            demand: demand.clone(),
        };
        // A wait that is over is reported at once.
        if let Demand::Wait(wait) = &demand
            && let Some(wake) = self.kept.woken(id)
        {
            let outcome = self.outcome(id, wait.id, Report::Woken(wake));
            self.kept.record(id, demand, outcome.clone(), true);
            demand = step(&mut live, outcome);
        }
        self.live.insert(id, live);
        demand
    }

    /// Opens a run with its history, or starts it over if that does not replay.
    fn open(&mut self, id: u64) -> (Box<dyn Open>, Demand) {
        let run = &self.kept.runs[&id];
        match self.mind.open(run.task.clone(), run.history.clone()) {
            Ok(opened) => return opened,
            Err(OpenError::Diverged(_)) => {}
            Err(error) => panic!("run {id} does not open: {error:?}"),
        }
        self.divergences += 1;
        let unknown_since = self.mind.unknown_since(&run.history);
        self.kept.start_over(id, unknown_since, self.now);
        let run = &self.kept.runs[&id];
        self.mind
            .open(run.task.clone(), Vec::new())
            .unwrap_or_else(|error| panic!("run {id} does not start over: {error:?}"))
    }

    fn perform(&mut self, id: u64, effect: Effect) {
        let report = match &effect.action {
            Action::Send(send) => {
                let system = send.request.system;
                if let Some(until) = self.held(system) {
                    self.live.remove(&id);
                    self.kept.defer(id, until);
                    return;
                }
                let is_write = send.intent != Intent::Read;
                if is_write {
                    self.kept.intend(id, Demand::Perform(effect.clone()));
                }
                if self.is_crash(Moment::BeforeSending) {
                    return;
                }
                let outcome = self.send(&send.request);
                if self.is_crash(Moment::BeforeRecording) {
                    return;
                }
                self.observe(system, &outcome);
                Report::Sent(outcome)
            }
            Action::FindObjects(objects) => Report::Found(self.kept.standings(objects)),
            Action::Save(save) => Report::Saved(self.kept.save(save, self.now)),
            Action::TrustVerifier(callback) => {
                self.account.trust(callback);
                Report::Saved(1)
            }
        };
        let durable = is_durable(&effect.action);
        let outcome = self.outcome(id, effect.id, report);
        self.kept
            .record(id, Demand::Perform(effect), outcome.clone(), durable);
        if self.is_crash(Moment::AfterRecording) {
            return;
        }
        if let Some(live) = self.live.get_mut(&id) {
            step(live, outcome);
        }
    }

    fn outcome(&self, id: u64, effect: u32, report: Report) -> Outcome {
        let at = self.now.max(self.kept.latest(id));
        Outcome {
            id: effect,
            report,
            at,
        }
    }

    fn done(&mut self, id: u64, completion: Completion) {
        self.live.remove(&id);
        self.kept.end(id, completion, self.now);
    }

    fn is_crash(&mut self, _: Moment) -> bool {
        let moment = self.moments;
        self.moments += 1;
        let crash = self.crash_at.contains(&moment);
        if crash {
            self.crash();
        }
        crash
    }

    fn held(&mut self, system: System) -> Option<Millis> {
        if !self.account.is_live(system) {
            return Some(self.now + 60_000);
        }
        let gate = self.gates.get(key(system))?;
        (gate.held_until > self.now).then_some(gate.held_until)
    }

    fn observe(&mut self, system: System, outcome: &SendOutcome) {
        let gate = self
            .gates
            .remove(key(system))
            .unwrap_or_else(|| pacing::open_gate(system));
        let mut gate = self.mind.observe(gate, outcome, self.now);
        if gate.reason == HoldReason::TokenExpired {
            self.refresh(system);
            gate = pacing::open_gate(system);
        }
        self.gates.insert(key(system), gate);
    }
}

fn step(live: &mut Live, outcome: Outcome) -> Demand {
    let demand = live
        .open
        .step(outcome)
        .unwrap_or_else(|error| panic!("a step is refused: {error:?}"));
    live.demand = demand.clone();
    demand
}

fn is_durable(action: &Action) -> bool {
    match action {
        Action::Send(send) => send.intent != Intent::Read,
        Action::FindObjects(_) => false,
        Action::Save(_) | Action::TrustVerifier(_) => true,
    }
}

/// An object of FreshBooks.
#[must_use]
pub fn object(kind: &str, id: &str) -> ObjectRef {
    ObjectRef {
        system: System::Freshbooks,
        kind: kind.to_string(),
        id: id.to_string(),
    }
}

fn key(system: System) -> &'static str {
    match system {
        System::Freshbooks => "freshbooks",
        System::Concur => "concur",
    }
}

fn headers(pairs: &[(String, String)]) -> Vec<Header> {
    let header = |(name, value): &(String, String)| Header {
        name: name.clone(),
        value: value.clone(),
    };
    pairs.iter().map(header).collect()
}

fn body(bytes: Vec<u8>) -> Body {
    match String::from_utf8(bytes) {
        Ok(text) => Body::Text(text),
        Err(error) => Body::Bytes(error.into_bytes()),
    }
}

fn error(code: SendErrorCode) -> SendError {
    SendError {
        code,
        detail: String::new(),
    }
}

/// What the host does with an intent that a crash left without an outcome.
fn interrupted() -> Report {
    Report::Sent(SendOutcome::MaybeSent(error(SendErrorCode::Interrupted)))
}

fn entry(demand: Demand, outcome: Outcome) -> Entry {
    Entry { demand, outcome }
}

fn task(object: ObjectRef, reason: Reason, started: Millis) -> Task {
    Task {
        connection: "acme".to_string(),
        object,
        reason,
        started,
        webhook_url: WEBHOOK_URL.to_string(),
        unknown_since: None,
    }
}

fn wake(by_object: bool) -> Wake {
    if by_object {
        Wake::ObjectEnded
    } else {
        Wake::Due
    }
}

fn activity(running: bool, dirty: bool) -> Activity {
    match (running, dirty) {
        (false, _) => Activity::Idle,
        (true, false) => Activity::Running,
        (true, true) => Activity::Dirty,
    }
}
