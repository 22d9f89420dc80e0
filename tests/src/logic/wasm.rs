//! The built component behind the same trait. Values cross as JSON: both sides are made of the same
//! WIT.

use std::sync::Arc;
use std::time::Duration;

use ml_connector::brain::{Brain, Mind as HostMind, MindError, OpenRun, SettingsText};
use ml_connector::config::Limits;
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

use super::{Mind, Open};
use crate::built;

/// The limits of production.
#[must_use]
pub fn limits() -> Limits {
    Limits {
        runs_in_flight_max: 32,
        requests_in_flight_max: 32,
        answer_bytes_max: 4 << 20,
        connections_max: 512,
        notices_max: 100_000,
        component_bytes_max: 64 << 20,
        component_fuel_max: 2_000_000_000,
        shutdown_grace: Duration::from_secs(20),
        history_retention: Duration::from_secs(400 * 86_400),
    }
}

/// The component, compiled once per process.
///
/// # Panics
///
/// If it cannot be built or loaded.
#[must_use]
pub fn brain() -> Arc<Brain> {
    static BRAIN: std::sync::OnceLock<Arc<Brain>> = std::sync::OnceLock::new();
    let load =
        || Brain::load(built::component(), &limits()).unwrap_or_else(|error| panic!("{error}"));
    Arc::clone(BRAIN.get_or_init(|| Arc::new(load())))
}

/// The built component with settings.
pub struct Component {
    mind: Arc<HostMind>,
    settings: SettingsText,
}

impl Component {
    /// With these settings.
    ///
    /// # Panics
    ///
    /// If they are wrong.
    #[must_use]
    pub fn new(settings_json: &str) -> Self {
        let mind = HostMind::new(brain()).unwrap_or_else(|error| panic!("{error}"));
        let settings = SettingsText {
            version: "test".to_string(),
            json: settings_json.into(),
        };
        Self {
            mind: Arc::new(mind),
            settings,
        }
    }
}

struct UnderWay {
    mind: Arc<HostMind>,
    run: OpenRun,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.mind.close(self.run);
    }
}

impl Open for UnderWay {
    fn step(&mut self, outcome: Outcome) -> Result<Demand, StepError> {
        match self.mind.step(self.run, &same(&outcome)) {
            Ok(demand) => Ok(same(&demand)),
            Err(MindError::Step(error)) => Err(same(&error)),
            Err(error) => panic!("{error}"),
        }
    }
}

impl Mind for Component {
    fn open(
        &mut self,
        task: Task,
        history: Vec<Entry>,
    ) -> Result<(Box<dyn Open>, Demand), OpenError> {
        let history: Vec<_> = history.iter().map(same).collect();
        match self.mind.open(&same(&task), &self.settings, &history) {
            Ok(opened) => {
                let run = UnderWay {
                    mind: Arc::clone(&self.mind),
                    run: opened.run,
                };
                Ok((Box::new(run), same(&opened.demand)))
            }
            Err(MindError::Open(error)) => Err(same(&error)),
            Err(error) => panic!("{error}"),
        }
    }

    fn unknown_since(&mut self, history: &[Entry]) -> Option<Instant> {
        let history: Vec<_> = history.iter().map(same).collect();
        let asked = self.mind.call(|instance| instance.unknown_since(&history));
        asked.unwrap_or_else(|error| panic!("{error}"))
    }

    fn verify(&mut self, delivery: &Delivery, receiver: &Receiver) -> Result<Reading, Refusal> {
        let (delivery, receiver) = (same(delivery), same(receiver));
        let read = self
            .mind
            .call(|instance| instance.verify(&delivery, &receiver));
        let read = read.unwrap_or_else(|error| panic!("{error}"));
        read.map(|reading| same(&reading))
            .map_err(|refusal| same(&refusal))
    }

    fn admit(&mut self, notice: &Notice, activity: Activity) -> Admission {
        let (notice, activity) = (same(notice), same(&activity));
        let admitted = self.mind.call(|instance| instance.admit(&notice, activity));
        same(&admitted.unwrap_or_else(|error| panic!("{error}")))
    }

    fn observe(&mut self, gate: Gate, outcome: &SendOutcome, now: Instant) -> Gate {
        let (gate, outcome) = (same(&gate), same(outcome));
        let gate = self
            .mind
            .call(|instance| instance.observe(gate, &outcome, now));
        same(&gate.unwrap_or_else(|error| panic!("{error}")))
    }

    fn ask(&mut self, credential: &Credential, grant: Grant) -> TokenRequest {
        let (credential, grant) = (same(credential), same(&grant));
        let asked = self.mind.call_with(&self.settings, |instance, settings| {
            instance.ask_token(settings, &credential, grant)
        });
        same(&asked.unwrap_or_else(|error| panic!("{error}")))
    }

    fn read(
        &mut self,
        credential: &Credential,
        grant: Grant,
        answer: &TokenAnswer,
        now: Instant,
    ) -> Result<Credential, TokenFailure> {
        let (credential, grant, answer) = (same(credential), same(&grant), same(answer));
        let read = self.mind.call_with(&self.settings, |instance, settings| {
            instance.read_token(settings, &credential, grant, &answer, now)
        });
        let read = read.unwrap_or_else(|error| panic!("{error}"));
        read.map(|credential| same(&credential))
            .map_err(|failure| same(&failure))
    }

    fn schedules(&mut self) -> Vec<Schedule> {
        let asked = self.mind.call_with(&self.settings, |instance, settings| {
            instance.schedules(settings)
        });
        asked
            .unwrap_or_else(|error| panic!("{error}"))
            .iter()
            .map(same)
            .collect()
    }
}

/// The same value on the other side.
///
/// # Panics
///
/// Never: both sides are made of the same WIT.
#[must_use]
pub fn same<A: Serialize, B: DeserializeOwned>(value: &A) -> B {
    let json = serde_json::to_vec(value).unwrap_or_else(|error| panic!("{error}"));
    serde_json::from_slice(&json)
        .unwrap_or_else(|error| panic!("both sides have the same types: {error}"))
}
