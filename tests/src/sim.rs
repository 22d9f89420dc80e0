//! Another host, in virtual time: one connection, a store in memory, a clock that jumps, both
//! vendors as machines, and crashes wherever a test wants them.
//!
//! It does a host's duties to the letter: a write is recorded before it is sent and its outcome
//! before anything else is done; a read's outcome may be lost with the process; a gate holds
//! requests back; a run that waits is dropped and opened again from its history, which it gets as
//! it was stored.

mod credentials;
mod driving;
pub mod network;
pub mod store;
mod verifiers;

use std::collections::BTreeMap;

use ml_connector_component::contract::admission::{Activity, Admission};
use ml_connector_component::contract::http::{Body, Header, SendError, SendErrorCode};
use ml_connector_component::contract::pacing::Gate;
use ml_connector_component::contract::runs::{Demand, StartReason, Wake};
use ml_connector_component::contract::settings::ReceiverNeed;
use ml_connector_component::contract::types::{ObjectRef, System};
use ml_connector_component::contract::webhooks::{Delivery, Receiver, Verified};
use ml_connector_sandbox::{DeliveryResult, Millis, Sandbox, SandboxConfig, System as Sender};
use serde_json::Value;

use self::credentials::Credentials;
use self::store::MemoryStore;
use crate::fixtures::settings;
use crate::logic::{ActiveRun, Backend, Logic};
use crate::switches;

/// Where the vendors send webhooks to; in the simulator nothing listens there.
pub const WEBHOOK_URL: &str = "https://connector.example.test/hooks";
/// When virtual time begins: 2026-03-02T00:00:00Z.
pub const START: Millis = 1_772_409_600_000;

/// A run that this process has open, and what it demands next.
struct OpenedRun {
    run: Box<dyn ActiveRun>,
    demand: Demand,
}

/// One connection with both vendors, in virtual time.
pub struct Sim {
    /// The virtual clock, in milliseconds since 1970.
    pub now: Millis,
    /// Both vendors as machines.
    pub sandbox: Sandbox,
    /// What survives a crash.
    pub store: MemoryStore,
    /// How many crashes there were.
    pub crashes: u32,
    /// How many histories did not replay, so that their runs started over.
    pub divergences: u32,
    /// Whether time stops at a crash, so that a test can look at what survived.
    pub stop_at_crash: bool,
    /// Webhooks that arrive at these moments (see [`Sim::moments`]) without the vendors having sent
    /// them.
    pub strangers: BTreeMap<u64, Vec<Delivery>>,
    /// How many requests were sent, by method and the last part of the path, such as
    /// `POST paymentrequest`.
    pub sent: BTreeMap<String, u32>,
    logic: Box<dyn Logic>,
    opened: BTreeMap<u64, OpenedRun>,
    gates: BTreeMap<&'static str, Gate>,
    credentials: Credentials,
    crash_at: Vec<u64>,
    moments: u64,
    picks: u64,
}

impl Sim {
    /// Everything connected, under the usual settings; `ambiguity` is `park` or `resend`.
    #[must_use]
    pub fn connected(backend: Backend, ambiguity: &str) -> Self {
        Self::with_settings(backend, &settings::connection(ambiguity))
    }

    /// Everything connected, under these settings of the connection.
    #[must_use]
    pub fn with_settings(backend: Backend, settings: &Value) -> Self {
        Self::new(switches::config(), backend.logic(&settings.to_string()))
    }

    /// Both vendors empty, both credentials connected, both webhook registrations made and
    /// verified.
    #[must_use]
    pub fn new(config: SandboxConfig, logic: Box<dyn Logic>) -> Self {
        let mut sim = Self::unconnected(config, logic);
        sim.connect();
        for noun in ["invoice", "bill"] {
            sim.start(object("callback", noun), StartReason::Schedule);
        }
        sim.settle();
        sim
    }

    /// Both vendors empty, nothing connected.
    #[must_use]
    pub fn unconnected(config: SandboxConfig, mut logic: Box<dyn Logic>) -> Self {
        let store = MemoryStore::new(webhook_objects(&mut *logic));
        Self {
            now: START,
            sandbox: Sandbox::new(config, START),
            store,
            crashes: 0,
            stop_at_crash: false,
            divergences: 0,
            strangers: BTreeMap::new(),
            sent: BTreeMap::new(),
            logic,
            opened: BTreeMap::new(),
            gates: BTreeMap::new(),
            credentials: Credentials::default(),
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

    /// How many moments there have been so far at which a crash could strike.
    #[must_use]
    pub fn moments(&self) -> u64 {
        self.moments
    }

    /// Seeds the order in which runs that are due at once go on.
    pub fn interleave(&mut self, seed: u64) {
        self.picks = seed | 1;
    }

    /// Starts a run of an object, or marks it dirty.
    pub fn start(&mut self, object: ObjectRef, reason: StartReason) {
        self.store.start(object, reason, self.now);
    }

    /// Starts the sweeps, as their schedule would.
    pub fn sweep(&mut self) {
        for schedule in self.logic.schedules() {
            if schedule.object.kind == "sweep" {
                self.start(schedule.object, StartReason::Schedule);
            }
        }
    }

    /// Reads the queues of financial documents, as their schedule would.
    pub fn poll(&mut self) {
        for schedule in self.logic.schedules() {
            if schedule.object.kind == "financial-queue" {
                self.start(schedule.object, StartReason::Schedule);
            }
        }
    }

    /// Lets everything happen until nothing is due any more within the next eight days.
    pub fn settle(&mut self) {
        self.run_for(8 * 86_400_000);
    }

    /// Lets this much virtual time pass, with everything that happens in it.
    ///
    /// # Panics
    ///
    /// If something happens again and again without time passing.
    pub fn run_for(&mut self, duration: Millis) {
        let end = self.now + duration;
        for _ in 0..2_000_000 {
            let due = [self.sandbox.next_wake(), self.store.next_due()];
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
        self.opened.clear();
        self.credentials.crash();
        self.store.forget_undurable(self.now);
        self.resume_renewals();
    }

    /// The process ends here and now; another one begins, with other logic.
    pub fn upgrade(&mut self, logic: Box<dyn Logic>) {
        self.crash();
        self.logic = logic;
        self.store.webhook_objects = webhook_objects(&mut *self.logic);
    }

    /// The keys that webhooks are checked with, by callback id.
    #[must_use]
    pub fn webhook_keys(&self) -> &BTreeMap<String, String> {
        self.credentials.keys()
    }

    /// Opens a run that has ended with its whole history and returns the demand it arrives at.
    ///
    /// # Panics
    ///
    /// If the run is unknown or its history does not replay.
    pub fn replay(&mut self, run: u64) -> Demand {
        let run = &self.store.runs[&run];
        let opened = self.logic.open(run.task.clone(), run.history.clone());
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

    fn receiver(&mut self) -> Receiver {
        let registrations = &self.store.webhook_objects;
        let is_registering = |object| self.store.activity(object) != Activity::Idle;
        Receiver {
            account_id: self.logic.identity().freshbooks_account_id,
            callbacks: self.credentials.callbacks(),
            registering: registrations.iter().any(is_registering),
        }
    }

    /// Receives a webhook and returns the HTTP status to answer.
    pub fn receive(&mut self, delivery: &Delivery) -> u16 {
        let receiver = self.receiver();
        match self.logic.verify(delivery, &receiver) {
            Err(refusal) => refusal.status,
            Ok(Verified::Handshake(handshake)) => {
                let (id, verifier) = (&handshake.callback_id, &handshake.verifier);
                if !self.credentials.receive_verifier(id, verifier) {
                    return 503;
                }
                self.store.wake_handshakes(self.now);
                200
            }
            Ok(Verified::Notice(notice)) => {
                self.store.acknowledged.push(notice.object.clone());
                let activity = self.store.activity(&notice.object);
                match self.logic.admit(&notice.object, activity) {
                    Admission::Start(object) | Admission::MarkDirty(object) => {
                        self.start(object, StartReason::Notice);
                    }
                    Admission::NothingNew(_) => {}
                }
                200
            }
            Ok(Verified::Unreadable(_)) => 200,
        }
    }
}

/// The objects whose runs register the address that webhooks are sent to.
fn webhook_objects(logic: &mut dyn Logic) -> Vec<ObjectRef> {
    let schedules = logic.schedules().into_iter();
    schedules
        .filter(|schedule| schedule.needs == Some(ReceiverNeed::Webhooks))
        .map(|schedule| schedule.object)
        .collect()
}

/// The reference to an object of FreshBooks.
#[must_use]
pub fn object(kind: &str, id: &str) -> ObjectRef {
    ObjectRef {
        system: System::Freshbooks,
        kind: kind.to_string(),
        id: id.to_string(),
    }
}

fn system_name(system: System) -> &'static str {
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
