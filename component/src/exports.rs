//! The component's exports: the pure library behind the interfaces of `wit/`.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use crate::contract::credentials::{
    Credential, Forecast, Grant, TokenAnswer, TokenFailure, TokenRequest,
};
use crate::contract::http::{Response, SendOutcome};
use crate::contract::mapping::{AccountCheck, Schedule, SettingsBorrow, Translation};
use crate::contract::runs::{Demand, Entry, OpenError, Outcome, StepError, Task};
use crate::contract::types::{Duration, Instant, Problem, System};
use crate::contract::webhooks::{Delivery, Notice, Reading, Receiver, Refusal};
use crate::contract::{
    admission, credentials, events, export, mapping, pacing, retry, runs, webhooks,
};
use crate::runs::Run;
use crate::settings::Settings;

struct Component;

export!(Component with_types_in crate::contract::bindings);

impl webhooks::Guest for Component {
    fn verify(delivery: Delivery, receiver: Receiver) -> Result<Reading, Refusal> {
        crate::webhooks::verify(&delivery, &receiver)
    }
}

impl events::Guest for Component {
    fn read(body: String, company_id: String) -> events::Reading {
        crate::events::read(&body, &company_id)
    }
}

impl admission::Guest for Component {
    fn admit(notice: Notice, activity: admission::Activity) -> admission::Admission {
        crate::admission::admit(&notice, activity)
    }
}

impl retry::Guest for Component {
    fn default_policy() -> retry::Policy {
        crate::retry::default_policy()
    }

    fn delay_after(policy: retry::Policy, failures: u32, key: String) -> Option<Duration> {
        crate::retry::delay_after(policy, failures, &key)
    }
}

impl pacing::Guest for Component {
    fn open_gate(system: System) -> pacing::Gate {
        crate::pacing::open_gate(system)
    }

    fn observe(gate: pacing::Gate, outcome: SendOutcome, now: Instant) -> pacing::Gate {
        crate::pacing::observe(gate, &outcome, now)
    }
}

impl credentials::Guest for Component {
    fn consent_path(settings: SettingsBorrow<'_>, state: String) -> String {
        let settings = settings.get::<SettingsHandle>();
        crate::credentials::consent_path(&settings.app(System::Freshbooks), &state)
    }

    fn ask(settings: SettingsBorrow<'_>, credential: Credential, grant: Grant) -> TokenRequest {
        let settings = settings.get::<SettingsHandle>();
        crate::credentials::ask(&settings.app(credential.system), &credential, grant)
    }

    fn read(
        settings: SettingsBorrow<'_>,
        credential: Credential,
        grant: Grant,
        answer: TokenAnswer,
        now: Instant,
    ) -> Result<Credential, TokenFailure> {
        let settings = settings.get::<SettingsHandle>();
        let app = settings.app(credential.system);
        crate::credentials::read(&app, &credential, grant, &answer, now)
    }

    fn foresee(credential: Credential, now: Instant) -> Forecast {
        crate::credentials::foresee(&credential, now)
    }
}

impl mapping::Guest for Component {
    type Settings = SettingsHandle;

    fn preview(
        settings: SettingsBorrow<'_>,
        kind: String,
        document: String,
    ) -> Result<Vec<Translation>, Vec<Problem>> {
        crate::mapping::preview(&settings.get::<SettingsHandle>().0, &kind, &document)
    }

    fn check_accounts(settings: SettingsBorrow<'_>, answers: Vec<Response>) -> AccountCheck {
        crate::mapping::check_accounts(&settings.get::<SettingsHandle>().0, &answers)
    }
}

impl runs::Guest for Component {
    type Run = RunHandle;

    fn unknown_since(history: Vec<Entry>) -> Option<Instant> {
        crate::runs::unknown_since(&history)
    }
}

/// Settings behind a handle.
struct SettingsHandle(Rc<Settings>);

impl core::ops::Deref for SettingsHandle {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.0
    }
}

impl mapping::GuestSettings for SettingsHandle {
    fn load(json: String) -> Result<mapping::Settings, Vec<Problem>> {
        let settings = Settings::load(&json)?;
        Ok(mapping::Settings::new(Self(Rc::new(settings))))
    }

    fn version(&self) -> String {
        self.0.version.clone()
    }

    fn schedules(&self) -> Vec<Schedule> {
        self.0.schedules()
    }
}

/// A run behind a handle.
struct RunHandle(RefCell<Run>);

impl runs::GuestRun for RunHandle {
    fn open(
        task: Task,
        settings: SettingsBorrow<'_>,
        history: Vec<Entry>,
    ) -> Result<(runs::Run, Demand), OpenError> {
        let settings = Rc::clone(&settings.get::<SettingsHandle>().0);
        let run = Run::open(task, settings, history)?;
        let demand = run.demand().clone();
        Ok((runs::Run::new(Self(RefCell::new(run))), demand))
    }

    fn step(&self, outcome: Outcome) -> Result<Demand, StepError> {
        self.0.borrow_mut().step(outcome).cloned()
    }
}
