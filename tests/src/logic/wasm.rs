//! The built component behind [`Logic`]. The host's and the library's types come from the same WIT
//! but are different Rust types, so values are converted through JSON.

use std::sync::Arc;

use ml_connector::config::Limits;
use ml_connector::guest::{
    Guest, GuestError, Instance, InstanceError, OpenRun, SettingsHandle, SettingsText,
    SharedInstance,
};
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
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ActiveRun, CONNECTION, Logic};
use crate::built;

/// The component, compiled once per process with the limits of production.
///
/// # Panics
///
/// If it cannot be built or loaded.
#[must_use]
pub fn compiled() -> Arc<Guest> {
    static COMPILED: std::sync::OnceLock<Arc<Guest>> = std::sync::OnceLock::new();
    let load = || {
        Guest::load(built::component(), &Limits::default())
            .unwrap_or_else(|error| panic!("{error}"))
    };
    Arc::clone(COMPILED.get_or_init(|| Arc::new(load())))
}

/// The logic as the built component, under one connection's settings.
pub struct Wasm {
    instance: Arc<SharedInstance>,
    settings: SettingsText,
}

impl Wasm {
    /// Makes an instance; the settings, given as JSON text, are checked when a run is opened.
    ///
    /// # Panics
    ///
    /// If the component cannot be built or instantiated.
    #[must_use]
    pub fn new(settings_json: &str) -> Self {
        let instance = SharedInstance::new(compiled()).unwrap_or_else(|error| panic!("{error}"));
        let settings = SettingsText {
            connection: CONNECTION.into(),
            version: "test".to_string(),
            json: settings_json.into(),
        };
        Self {
            instance: Arc::new(instance),
            settings,
        }
    }
}

impl Wasm {
    fn with_settings<T>(
        &self,
        work: impl FnOnce(&mut Instance, SettingsHandle) -> Result<T, GuestError>,
    ) -> T {
        let done = self.instance.call_with(&self.settings, work);
        done.unwrap_or_else(|error| panic!("{error}"))
    }
}

struct WasmRun {
    instance: Arc<SharedInstance>,
    run: OpenRun,
}

impl Drop for WasmRun {
    fn drop(&mut self) {
        self.instance.close(self.run);
    }
}

impl ActiveRun for WasmRun {
    fn step(&mut self, outcome: Outcome) -> Result<Demand, StepError> {
        match self.instance.step(self.run, &convert(&outcome)) {
            Ok(demand) => Ok(convert(&demand)),
            Err(InstanceError::Step(error)) => Err(convert(&error)),
            Err(error) => panic!("{error}"),
        }
    }
}

impl Logic for Wasm {
    fn open(
        &mut self,
        task: Task,
        history: Vec<HistoryEntry>,
    ) -> Result<(Box<dyn ActiveRun>, Demand), OpenError> {
        let history: Vec<_> = history.iter().map(convert).collect();
        match self
            .instance
            .open(&convert(&task), &self.settings, &history)
        {
            Ok(opened) => {
                let run = WasmRun {
                    instance: Arc::clone(&self.instance),
                    run: opened.run,
                };
                Ok((Box::new(run), convert(&opened.demand)))
            }
            Err(InstanceError::Open(error)) => Err(convert(&error)),
            Err(error) => panic!("{error}"),
        }
    }

    fn unknown_since(&mut self, history: &[HistoryEntry]) -> Option<Instant> {
        let history: Vec<_> = history.iter().map(convert).collect();
        let asked = self
            .instance
            .call(|instance| instance.unknown_since(&history));
        asked.unwrap_or_else(|error| panic!("{error}"))
    }

    fn abandon(
        &mut self,
        history: &[HistoryEntry],
        last: Option<&LastEnding>,
        why: &str,
        now: Instant,
    ) -> Completion {
        let history: Vec<_> = history.iter().map(convert).collect();
        let last = last.map(convert);
        let abandoned = self
            .instance
            .call(|instance| instance.abandon(&history, last.as_ref(), why, now));
        convert(&abandoned.unwrap_or_else(|error| panic!("{error}")))
    }

    fn verify(&mut self, delivery: &Delivery, receiver: &Receiver) -> Result<Verified, Refusal> {
        let (delivery, receiver) = (convert(delivery), convert(receiver));
        let read = self
            .instance
            .call(|instance| instance.verify(&delivery, &receiver));
        let read = read.unwrap_or_else(|error| panic!("{error}"));
        read.map(|verified| convert(&verified))
            .map_err(|refusal| convert(&refusal))
    }

    fn admit(&mut self, object: &ObjectRef, activity: Activity) -> Admission {
        let (object, activity) = (convert(object), convert(&activity));
        let admitted = self
            .instance
            .call(|instance| instance.admit(&object, activity));
        convert(&admitted.unwrap_or_else(|error| panic!("{error}")))
    }

    fn observe(
        &mut self,
        gate: Gate,
        authorization: Authorization,
        outcome: &SendOutcome,
        now: Instant,
    ) -> Observation {
        let (gate, outcome) = (convert(&gate), convert(outcome));
        let authorization = convert(&authorization);
        let seen = self
            .instance
            .call(|instance| instance.observe(gate, authorization, &outcome, now));
        convert(&seen.unwrap_or_else(|error| panic!("{error}")))
    }

    fn build_token_request(&mut self, credential: &Credential, grant: Grant) -> TokenRequest {
        let (credential, grant) = (convert(credential), convert(&grant));
        convert(&self.with_settings(|instance, settings| {
            instance.build_token_request(settings, &credential, grant)
        }))
    }

    fn read_token_response(
        &mut self,
        credential: &Credential,
        grant: Grant,
        response: &TokenResponse,
        now: Instant,
    ) -> Result<Credential, TokenFailure> {
        let (credential, grant) = (convert(credential), convert(&grant));
        let response = convert(response);
        let read = self.with_settings(|instance, settings| {
            instance.read_token_response(settings, &credential, grant, &response, now)
        });
        read.map(|credential| convert(&credential))
            .map_err(|failure| convert(&failure))
    }

    fn schedules(&mut self) -> Vec<Schedule> {
        let schedules = self.with_settings(Instance::schedules);
        schedules.iter().map(convert).collect()
    }

    fn next_start(&mut self, schedule: &Schedule, last: Instant) -> Instant {
        let schedule = convert(schedule);
        self.with_settings(|instance, settings| instance.next_start(settings, &schedule, last))
    }

    fn endpoints(&mut self) -> Endpoints {
        convert(&self.with_settings(Instance::endpoints))
    }

    fn identity(&mut self) -> Identity {
        convert(&self.with_settings(Instance::identity))
    }
}

/// The same value in the other crate's type, such as a `Task` of the library for the host.
///
/// # Panics
///
/// If the two types are not generated from the same WIT item.
#[must_use]
pub fn convert<A: Serialize, B: DeserializeOwned>(value: &A) -> B {
    let json = serde_json::to_vec(value).unwrap_or_else(|error| panic!("{error}"));
    serde_json::from_slice(&json)
        .unwrap_or_else(|error| panic!("both sides have the same types: {error}"))
}
