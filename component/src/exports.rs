//! The component's exports: the pure library behind the interfaces of `wit/`.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use crate::contract::credentials::{
    Credential, Grant, RefreshPlan, TokenFailure, TokenRequest, TokenResponse,
};
use crate::contract::crosswalk::Paired;
use crate::contract::http::{Authorization, Request, Response, SendOutcome};
use crate::contract::mapping::{AccountCheck, Translation};
use crate::contract::pacing::{Gate, Observation};
use crate::contract::reconciliation::{Period, Side};
use crate::contract::runs::{
    Completion, Demand, HistoryEntry, LastEnding, Link, ObjectStatus, OpenError, Outcome,
    StepError, Task,
};
use crate::contract::settings::{Endpoints, Identity, Schedule, SettingsBorrow};
use crate::contract::types::{Instant, Note, ObjectRef, Problem, System};
use crate::contract::webhooks::{Delivery, Receiver, Refusal, Verified};
use crate::contract::{
    admission, credentials, crosswalk, events, export, mapping, pacing, reconciliation, runs,
    settings, webhooks,
};
use crate::runs::Run;
use crate::settings::Settings;

struct Component;

export!(Component with_types_in crate::contract::bindings);

impl webhooks::Guest for Component {
    fn verify(delivery: Delivery, receiver: Receiver) -> Result<Verified, Refusal> {
        crate::webhooks::verify(&delivery, &receiver)
    }
}

impl events::Guest for Component {
    fn read(body: String, company_id: String) -> events::Event {
        crate::events::read(&body, &company_id)
    }
}

impl admission::Guest for Component {
    fn admit(object: ObjectRef, activity: admission::Activity) -> admission::Admission {
        crate::admission::admit(&object, activity)
    }
}

impl pacing::Guest for Component {
    fn initial_gate(system: System) -> Gate {
        crate::pacing::initial_gate(system)
    }

    fn observe(
        gate: Gate,
        authorization: Authorization,
        outcome: SendOutcome,
        now: Instant,
    ) -> Observation {
        crate::pacing::observe(gate, authorization, &outcome, now)
    }

    fn hold_for_reconnect(gate: Gate, now: Instant) -> Gate {
        crate::pacing::hold_for_reconnect(gate, now)
    }
}

impl credentials::Guest for Component {
    fn absent_credential(system: System) -> Credential {
        crate::credentials::absent_credential(system)
    }

    fn consent_path(settings: SettingsBorrow<'_>, state: String) -> String {
        let settings = settings.get::<SettingsHandle>();
        crate::credentials::consent_path(&settings.app(System::Freshbooks), &state)
    }

    fn build_token_request(
        settings: SettingsBorrow<'_>,
        credential: Credential,
        grant: Grant,
    ) -> TokenRequest {
        let settings = settings.get::<SettingsHandle>();
        let app = settings.app(credential.system);
        crate::credentials::build_token_request(&app, &credential, grant)
    }

    fn read_token_response(
        settings: SettingsBorrow<'_>,
        credential: Credential,
        grant: Grant,
        response: TokenResponse,
        now: Instant,
    ) -> Result<Credential, TokenFailure> {
        let settings = settings.get::<SettingsHandle>();
        let app = settings.app(credential.system);
        crate::credentials::read_token_response(&app, &credential, grant, &response, now)
    }

    fn plan_refresh(credential: Credential, now: Instant) -> RefreshPlan {
        crate::credentials::plan_refresh(&credential, now)
    }
}

impl mapping::Guest for Component {
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

impl crosswalk::Guest for Component {
    fn pair(one: ObjectStatus, other: ObjectStatus) -> Result<Paired, String> {
        crate::crosswalk::pair(&one, &other)
    }

    fn unpair(link: Link) -> Result<Vec<ObjectRef>, String> {
        crate::crosswalk::unpair(&link)
    }
}

impl reconciliation::Guest for Component {
    fn flows(settings: SettingsBorrow<'_>) -> Vec<reconciliation::Flow> {
        crate::reconciliation::flows(&settings.get::<SettingsHandle>().0)
    }

    fn list_request(
        settings: SettingsBorrow<'_>,
        flow: String,
        side: Side,
        period: Period,
        cursor: Option<String>,
    ) -> Option<Request> {
        let settings = &settings.get::<SettingsHandle>().0;
        crate::reconciliation::list_request(settings, &flow, side, &period, cursor.as_deref())
    }

    fn read_list(
        settings: SettingsBorrow<'_>,
        flow: String,
        side: Side,
        period: Period,
        cursor: Option<String>,
        answer: Response,
    ) -> Result<reconciliation::Page, Note> {
        let settings = &settings.get::<SettingsHandle>().0;
        let cursor = cursor.as_deref();
        crate::reconciliation::read_list(settings, &flow, side, &period, cursor, &answer)
    }

    fn read_one(
        settings: SettingsBorrow<'_>,
        flow: String,
        object: ObjectRef,
        answers: Vec<Response>,
        known: Vec<ObjectStatus>,
    ) -> reconciliation::Reading {
        let settings = &settings.get::<SettingsHandle>().0;
        crate::reconciliation::read_one(settings, &flow, &object, &answers, &known)
    }
}

impl runs::Guest for Component {
    type Run = RunHandle;

    fn unknown_since(history: Vec<HistoryEntry>) -> Option<Instant> {
        crate::runs::unknown_since(&history)
    }

    fn abandon(
        history: Vec<HistoryEntry>,
        last: Option<LastEnding>,
        why: String,
        now: Instant,
    ) -> Completion {
        crate::runs::abandon(&history, last.as_ref(), &why, now)
    }
}

impl settings::Guest for Component {
    type Settings = SettingsHandle;
}

/// Settings behind a handle.
struct SettingsHandle(Rc<Settings>);

impl core::ops::Deref for SettingsHandle {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.0
    }
}

impl settings::GuestSettings for SettingsHandle {
    fn load(connection: String, json: String) -> Result<settings::Settings, Vec<Problem>> {
        let loaded = Settings::load(&connection, &json)?;
        Ok(settings::Settings::new(Self(Rc::new(loaded))))
    }

    fn version(&self) -> String {
        self.0.version.clone()
    }

    fn schedules(&self) -> Vec<Schedule> {
        self.0.schedules()
    }

    fn next_start(&self, schedule: Schedule, last: Instant) -> Instant {
        self.0.next_start(&schedule, last)
    }

    fn endpoints(&self) -> Endpoints {
        self.0.endpoints()
    }

    fn concur_scopes(&self) -> Vec<String> {
        let scopes = self.0.concur_scopes();
        scopes.into_iter().map(String::from).collect()
    }

    fn identity(&self) -> Identity {
        self.0.identity()
    }
}

/// A run behind a handle.
struct RunHandle(RefCell<Run>);

impl runs::GuestRun for RunHandle {
    fn open(
        task: Task,
        settings: SettingsBorrow<'_>,
        history: Vec<HistoryEntry>,
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
