//! The connector's logic behind one trait, run as the native library or as the built component, so
//! that one scenario tests both.

mod wasm;

use std::rc::Rc;

use ml_connector_component::contract::admission::{Activity, Admission};
use ml_connector_component::contract::credentials::{
    Credential, Grant, TokenFailure, TokenRequest, TokenResponse,
};
use ml_connector_component::contract::http::{Authorization, SendOutcome};
use ml_connector_component::contract::pacing::{Gate, Observation};
use ml_connector_component::contract::runs::{
    Completion, Demand, HistoryEntry, LastEnding, OpenError, Outcome, StepError, Task,
};
use ml_connector_component::contract::settings::{Endpoints, Identity, Schedule};
use ml_connector_component::contract::types::{Instant, ObjectRef};
use ml_connector_component::contract::webhooks::{Delivery, Receiver, Refusal, Verified};
use ml_connector_component::runs::Run;
use ml_connector_component::settings::Settings;
use ml_connector_component::{admission, credentials, pacing, runs, webhooks};

pub use wasm::{Wasm, compiled, convert};

/// The name of the connection that the logic works for.
pub const CONNECTION: &str = "acme";

/// How the logic is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// As a Rust library in this process: fast, and easy to debug.
    Native,
    /// As the component that ships, in wasmtime.
    Wasm,
}

impl Backend {
    /// The logic under a connection's settings, given as the JSON text that a host passes on.
    #[must_use]
    pub fn logic(self, settings_json: &str) -> Box<dyn Logic> {
        match self {
            Self::Native => Box::new(Native::new(settings_json)),
            Self::Wasm => Box::new(Wasm::new(settings_json)),
        }
    }
}

/// What a host asks of the logic: the exports of the contract that the simulator needs.
pub trait Logic {
    /// Opens a run with its history, which may be empty, and returns its first demand: `run.open`.
    fn open(
        &mut self,
        task: Task,
        history: Vec<HistoryEntry>,
    ) -> Result<(Box<dyn ActiveRun>, Demand), OpenError>;
    /// When a history first reports on a write that may have happened: `runs.unknown-since`.
    fn unknown_since(&mut self, history: &[HistoryEntry]) -> Option<Instant>;
    /// The completion of a run that is given up: `runs.abandon`.
    fn abandon(
        &mut self,
        history: &[HistoryEntry],
        last: Option<&LastEnding>,
        why: &str,
        now: Instant,
    ) -> Completion;
    /// Checks the signature of a webhook and reads it: `webhooks.verify`.
    fn verify(&mut self, delivery: &Delivery, receiver: &Receiver) -> Result<Verified, Refusal>;
    /// What a notice leads to: `admission.admit`.
    fn admit(&mut self, object: &ObjectRef, activity: Activity) -> Admission;
    /// What an outcome says about the remote: `pacing.observe`.
    fn observe(
        &mut self,
        gate: Gate,
        authorization: Authorization,
        outcome: &SendOutcome,
        now: Instant,
    ) -> Observation;
    /// The token request to send: `credentials.build-token-request`.
    fn build_token_request(&mut self, credential: &Credential, grant: Grant) -> TokenRequest;
    /// The credential after the answer to a token request: `credentials.read-token-response`.
    fn read_token_response(
        &mut self,
        credential: &Credential,
        grant: Grant,
        response: &TokenResponse,
        now: Instant,
    ) -> Result<Credential, TokenFailure>;
    /// What is to be run at intervals: `settings.schedules`.
    fn schedules(&mut self) -> Vec<Schedule>;
    /// When a schedule's run is to be started next: `settings.next-start`.
    fn next_start(&mut self, schedule: &Schedule, last: Instant) -> Instant;
    /// Where requests go: `settings.endpoints`.
    fn endpoints(&mut self) -> Endpoints;
    /// Which account and company are joined: `settings.identity`.
    fn identity(&mut self) -> Identity;
}

/// A run that has been opened and has not ended.
pub trait ActiveRun {
    /// Reports an outcome and returns the next demand: `run.step`.
    fn step(&mut self, outcome: Outcome) -> Result<Demand, StepError>;
}

/// The logic as a native library, under one connection's settings.
pub struct Native {
    settings: Rc<Settings>,
}

impl Native {
    /// Checks the settings, given as JSON text.
    ///
    /// # Panics
    ///
    /// If the settings are wrong; the message lists every problem.
    #[must_use]
    pub fn new(settings_json: &str) -> Self {
        let settings = Settings::load(CONNECTION, settings_json)
            .unwrap_or_else(|problems| panic!("the settings are wrong: {problems:?}"));
        Self {
            settings: Rc::new(settings),
        }
    }
}

impl Logic for Native {
    fn open(
        &mut self,
        task: Task,
        history: Vec<HistoryEntry>,
    ) -> Result<(Box<dyn ActiveRun>, Demand), OpenError> {
        let run = Run::open(task, Rc::clone(&self.settings), history)?;
        let demand = run.demand().clone();
        Ok((Box::new(run), demand))
    }

    fn unknown_since(&mut self, history: &[HistoryEntry]) -> Option<Instant> {
        runs::unknown_since(history)
    }

    fn abandon(
        &mut self,
        history: &[HistoryEntry],
        last: Option<&LastEnding>,
        why: &str,
        now: Instant,
    ) -> Completion {
        runs::abandon(history, last, why, now)
    }

    fn verify(&mut self, delivery: &Delivery, receiver: &Receiver) -> Result<Verified, Refusal> {
        webhooks::verify(delivery, receiver)
    }

    fn admit(&mut self, object: &ObjectRef, activity: Activity) -> Admission {
        admission::admit(object, activity)
    }

    fn observe(
        &mut self,
        gate: Gate,
        authorization: Authorization,
        outcome: &SendOutcome,
        now: Instant,
    ) -> Observation {
        pacing::observe(gate, authorization, outcome, now)
    }

    fn build_token_request(&mut self, credential: &Credential, grant: Grant) -> TokenRequest {
        let app = self.settings.app(credential.system);
        credentials::build_token_request(&app, credential, grant)
    }

    fn read_token_response(
        &mut self,
        credential: &Credential,
        grant: Grant,
        response: &TokenResponse,
        now: Instant,
    ) -> Result<Credential, TokenFailure> {
        let app = self.settings.app(credential.system);
        credentials::read_token_response(&app, credential, grant, response, now)
    }

    fn schedules(&mut self) -> Vec<Schedule> {
        self.settings.schedules()
    }

    fn next_start(&mut self, schedule: &Schedule, last: Instant) -> Instant {
        self.settings.next_start(schedule, last)
    }

    fn endpoints(&mut self) -> Endpoints {
        self.settings.endpoints()
    }

    fn identity(&mut self) -> Identity {
        self.settings.identity()
    }
}

impl ActiveRun for Run {
    fn step(&mut self, outcome: Outcome) -> Result<Demand, StepError> {
        Self::step(self, outcome).cloned()
    }
}
