//! The built component behind [`Logic`]. The host's and the library's types come from the same WIT
//! but are different Rust types, so values are converted through JSON.

use std::sync::Arc;

use ml_connector::config::Limits;
use ml_connector::guest::{Guest, InstanceError, OpenRun, SettingsText, SharedInstance};
use ml_connector_component::contract::admission::{Activity, Admission};
use ml_connector_component::contract::credentials::{
    Credential, Grant, TokenAnswer, TokenFailure, TokenRequest,
};
use ml_connector_component::contract::http::SendOutcome;
use ml_connector_component::contract::mapping::Schedule;
use ml_connector_component::contract::pacing::Gate;
use ml_connector_component::contract::runs::{Demand, Entry, OpenError, Outcome, StepError, Task};
use ml_connector_component::contract::types::Instant;
use ml_connector_component::contract::webhooks::{Delivery, Notice, Reading, Receiver, Refusal};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ActiveRun, Logic};
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
            version: "test".to_string(),
            json: settings_json.into(),
        };
        Self {
            instance: Arc::new(instance),
            settings,
        }
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
        history: Vec<Entry>,
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

    fn unknown_since(&mut self, history: &[Entry]) -> Option<Instant> {
        let history: Vec<_> = history.iter().map(convert).collect();
        let asked = self
            .instance
            .call(|instance| instance.unknown_since(&history));
        asked.unwrap_or_else(|error| panic!("{error}"))
    }

    fn verify(&mut self, delivery: &Delivery, receiver: &Receiver) -> Result<Reading, Refusal> {
        let (delivery, receiver) = (convert(delivery), convert(receiver));
        let read = self
            .instance
            .call(|instance| instance.verify(&delivery, &receiver));
        let read = read.unwrap_or_else(|error| panic!("{error}"));
        read.map(|reading| convert(&reading))
            .map_err(|refusal| convert(&refusal))
    }

    fn admit(&mut self, notice: &Notice, activity: Activity) -> Admission {
        let (notice, activity) = (convert(notice), convert(&activity));
        let admitted = self
            .instance
            .call(|instance| instance.admit(&notice, activity));
        convert(&admitted.unwrap_or_else(|error| panic!("{error}")))
    }

    fn observe(&mut self, gate: Gate, outcome: &SendOutcome, now: Instant) -> Gate {
        let (gate, outcome) = (convert(&gate), convert(outcome));
        let gate = self
            .instance
            .call(|instance| instance.observe(gate, &outcome, now));
        convert(&gate.unwrap_or_else(|error| panic!("{error}")))
    }

    fn ask(&mut self, credential: &Credential, grant: Grant) -> TokenRequest {
        let (credential, grant) = (convert(credential), convert(&grant));
        let asked = self
            .instance
            .call_with(&self.settings, |instance, settings| {
                instance.ask_token(settings, &credential, grant)
            });
        convert(&asked.unwrap_or_else(|error| panic!("{error}")))
    }

    fn read(
        &mut self,
        credential: &Credential,
        grant: Grant,
        answer: &TokenAnswer,
        now: Instant,
    ) -> Result<Credential, TokenFailure> {
        let (credential, grant, answer) = (convert(credential), convert(&grant), convert(answer));
        let read = self
            .instance
            .call_with(&self.settings, |instance, settings| {
                instance.read_token(settings, &credential, grant, &answer, now)
            });
        let read = read.unwrap_or_else(|error| panic!("{error}"));
        read.map(|credential| convert(&credential))
            .map_err(|failure| convert(&failure))
    }

    fn schedules(&mut self) -> Vec<Schedule> {
        let asked = self
            .instance
            .call_with(&self.settings, |instance, settings| {
                instance.schedules(settings)
            });
        asked
            .unwrap_or_else(|error| panic!("{error}"))
            .iter()
            .map(convert)
            .collect()
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
