//! One instance of the component, called as the WIT says.

mod reconciliation;

use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::bounds::Bounds;
use super::{GuestError, trapped};
use crate::contract::Connector;
use crate::contract::admission::{Activity, Admission};
use crate::contract::credentials::{
    Credential, Grant, RefreshPlan, TokenFailure, TokenRequest, TokenResponse,
};
use crate::contract::crosswalk::Paired;
use crate::contract::events::Event;
use crate::contract::http::{Authorization, Response, SendOutcome};
use crate::contract::mapping::{AccountCheck, Translation};
use crate::contract::pacing::{Gate, Observation};
use crate::contract::runs::{
    Completion, Demand, HistoryEntry, LastEnding, Link, ObjectStatus, OpenError, Outcome,
    StepError, Task,
};
use crate::contract::settings::{Endpoints, Identity, Schedule};
use crate::contract::types::{Instant, ObjectRef, Problem, System};
use crate::contract::webhooks::{Delivery, Receiver, Refusal, Verified};

/// One instance of the component. Its methods are those of the WIT; each call gets its full fuel.
///
/// # Errors
///
/// Every method fails with [`GuestError::Trapped`] if the call traps, and from then on always. What
/// the component itself refuses is inside the value.
pub struct Instance {
    pub(super) store: Store<Bounds>,
    pub(super) api: Connector,
    pub(super) fuel_max: u64,
    pub(super) bytes_max: usize,
    pub(super) trapped: bool,
}

/// Settings that live in an instance.
#[derive(Clone, Copy)]
pub struct SettingsHandle(ResourceAny);

/// A run opened in an instance; means nothing to another one.
#[derive(Clone, Copy)]
pub struct RunHandle(ResourceAny);

type CallResult<T> = Result<T, GuestError>;

impl Instance {
    /// True when the instance has grown so large that it should be replaced: a WebAssembly memory
    /// never shrinks.
    #[must_use]
    pub fn is_near_memory_bound(&self) -> bool {
        self.store.data().bytes > self.bytes_max / 4 * 3
    }

    /// `webhooks.verify`: what an authentic webhook announces, or why it is refused.
    pub fn verify(
        &mut self,
        delivery: &Delivery,
        receiver: &Receiver,
    ) -> CallResult<Result<Verified, Refusal>> {
        self.call(|store, api| {
            api.ml_connector_sync_webhooks()
                .call_verify(store, delivery, receiver)
        })
    }

    /// `events.read`: what an event of SAP Concur, a JSON body, is a hint of.
    pub fn read_event(&mut self, body: &str, company_id: &str) -> CallResult<Event> {
        self.call(|store, api| {
            api.ml_connector_sync_events()
                .call_read(store, body, company_id)
        })
    }

    /// `admission.admit`: whether a notice of this object starts a run.
    pub fn admit(&mut self, object: &ObjectRef, activity: Activity) -> CallResult<Admission> {
        self.call(|store, api| {
            api.ml_connector_sync_admission()
                .call_admit(store, object, activity)
        })
    }

    /// `settings.load`: a connection's settings, checked; all problems if any.
    pub fn load_settings(
        &mut self,
        connection: &str,
        json: &str,
    ) -> CallResult<Result<SettingsHandle, Vec<Problem>>> {
        let loaded = self.call(|store, api| {
            api.ml_connector_sync_settings()
                .settings()
                .call_load(store, connection, json)
        })?;
        Ok(loaded.map(SettingsHandle))
    }

    /// `settings.version`: 20 characters that change when the meaning of the settings does.
    pub fn settings_version(&mut self, settings: SettingsHandle) -> CallResult<String> {
        self.call(|store, api| {
            api.ml_connector_sync_settings()
                .settings()
                .call_version(store, settings.0)
        })
    }

    /// `settings.schedules`: the runs to start again and again, and how often.
    pub fn schedules(&mut self, settings: SettingsHandle) -> CallResult<Vec<Schedule>> {
        self.call(|store, api| {
            api.ml_connector_sync_settings()
                .settings()
                .call_schedules(store, settings.0)
        })
    }

    /// `settings.concur-scopes`: the scopes of SAP Concur that only some settings need.
    pub fn concur_scopes(&mut self, settings: SettingsHandle) -> CallResult<Vec<String>> {
        self.call(|store, api| {
            api.ml_connector_sync_settings()
                .settings()
                .call_concur_scopes(store, settings.0)
        })
    }

    /// `settings.next_start`: when a schedule's run is to be started next.
    pub fn next_start(
        &mut self,
        settings: SettingsHandle,
        schedule: &Schedule,
        last: Instant,
    ) -> CallResult<Instant> {
        self.call(|store, api| {
            api.ml_connector_sync_settings()
                .settings()
                .call_next_start(store, settings.0, schedule, last)
        })
    }

    /// `settings.endpoints`: the base URLs that requests may go to.
    pub fn endpoints(&mut self, settings: SettingsHandle) -> CallResult<Endpoints> {
        self.call(|store, api| {
            api.ml_connector_sync_settings()
                .settings()
                .call_endpoints(store, settings.0)
        })
    }

    /// `settings.identity`: the account and company that the settings name.
    pub fn identity(&mut self, settings: SettingsHandle) -> CallResult<Identity> {
        self.call(|store, api| {
            api.ml_connector_sync_settings()
                .settings()
                .call_identity(store, settings.0)
        })
    }

    /// `mapping.preview`: what a document of this kind would be sent as.
    pub fn preview(
        &mut self,
        settings: SettingsHandle,
        kind: &str,
        document: &str,
    ) -> CallResult<Result<Vec<Translation>, Vec<Problem>>> {
        self.call(|store, api| {
            api.ml_connector_sync_mapping()
                .call_preview(store, settings.0, kind, document)
        })
    }

    /// `mapping.check-accounts`: how the accounts that the settings name compare with FreshBooks'
    /// own.
    pub fn check_accounts(
        &mut self,
        settings: SettingsHandle,
        answers: &[Response],
    ) -> CallResult<AccountCheck> {
        self.call(|store, api| {
            api.ml_connector_sync_mapping()
                .call_check_accounts(store, settings.0, answers)
        })
    }

    /// `crosswalk.pair`: the links of two objects that a person says are one, or why not.
    pub fn pair(
        &mut self,
        one: &ObjectStatus,
        other: &ObjectStatus,
    ) -> CallResult<Result<Paired, String>> {
        self.call(|store, api| {
            api.ml_connector_sync_crosswalk()
                .call_pair(store, one, other)
        })
    }

    /// `crosswalk.unpair`: the sources of the links that go with this one, or why it stays.
    pub fn unpair(&mut self, link: &Link) -> CallResult<Result<Vec<ObjectRef>, String>> {
        self.call(|store, api| api.ml_connector_sync_crosswalk().call_unpair(store, link))
    }

    /// `run.open`: replays the history, and returns the demand after it.
    pub fn open_run(
        &mut self,
        task: &Task,
        settings: SettingsHandle,
        history: &[HistoryEntry],
    ) -> CallResult<Result<(RunHandle, Demand), OpenError>> {
        let opened = self.call(|store, api| {
            api.ml_connector_sync_runs()
                .run()
                .call_open(store, task, settings.0, history)
        })?;
        Ok(opened.map(|(run, demand)| (RunHandle(run), demand)))
    }

    /// `run.step`: hands over the outcome of a demand, and returns the next one.
    pub fn step_run(
        &mut self,
        run: RunHandle,
        outcome: &Outcome,
    ) -> CallResult<Result<Demand, StepError>> {
        self.call(|store, api| {
            api.ml_connector_sync_runs()
                .run()
                .call_step(store, run.0, outcome)
        })
    }

    /// `runs.unknown-since`: since when a write of this history has no known outcome.
    pub fn unknown_since(&mut self, history: &[HistoryEntry]) -> CallResult<Option<Instant>> {
        self.call(|store, api| {
            api.ml_connector_sync_runs()
                .call_unknown_since(store, history)
        })
    }

    /// `runs.abandon`: the completion of a run that cannot go on, because of `why`.
    pub fn abandon(
        &mut self,
        history: &[HistoryEntry],
        last: Option<&LastEnding>,
        why: &str,
        now: Instant,
    ) -> CallResult<Completion> {
        self.call(|store, api| {
            api.ml_connector_sync_runs()
                .call_abandon(store, history, last, why, now)
        })
    }

    /// Drops a run, which frees its memory in the component.
    pub fn drop_run(&mut self, run: RunHandle) -> CallResult<()> {
        self.call(|store, _| run.0.resource_drop(store))
    }

    /// `pacing.initial-gate`: the open gate of a system that was never called.
    pub fn initial_gate(&mut self, system: System) -> CallResult<Gate> {
        self.call(|store, api| {
            api.ml_connector_sync_pacing()
                .call_initial_gate(store, system)
        })
    }

    /// `pacing.observe`: the gate after the outcome of a request.
    pub fn observe(
        &mut self,
        gate: Gate,
        authorization: Authorization,
        outcome: &SendOutcome,
        now: Instant,
    ) -> CallResult<Observation> {
        self.call(|store, api| {
            api.ml_connector_sync_pacing()
                .call_observe(store, gate, authorization, outcome, now)
        })
    }

    /// `pacing.hold-for-reconnect`: the gate, closed until a person connects again.
    pub fn hold_for_reconnect(&mut self, gate: Gate, now: Instant) -> CallResult<Gate> {
        self.call(|store, api| {
            api.ml_connector_sync_pacing()
                .call_hold_for_reconnect(store, gate, now)
        })
    }

    /// `credentials.absent-credential`: the credential of a system never connected.
    pub fn absent_credential(&mut self, system: System) -> CallResult<Credential> {
        self.call(|store, api| {
            api.ml_connector_sync_credentials()
                .call_absent_credential(store, system)
        })
    }

    /// `credentials.consent-path`: path and query of FreshBooks' consent page.
    pub fn consent_path(&mut self, settings: SettingsHandle, state: &str) -> CallResult<String> {
        self.call(|store, api| {
            api.ml_connector_sync_credentials()
                .call_consent_path(store, settings.0, state)
        })
    }

    /// `credentials.build-token-request`: the request with which tokens are asked for.
    pub fn build_token_request(
        &mut self,
        settings: SettingsHandle,
        credential: &Credential,
        grant: Grant,
    ) -> CallResult<TokenRequest> {
        self.call(|store, api| {
            api.ml_connector_sync_credentials()
                .call_build_token_request(store, settings.0, credential, grant)
        })
    }

    /// `credentials.read-token-response`: the new credential, or why there is none.
    pub fn read_token_response(
        &mut self,
        settings: SettingsHandle,
        credential: &Credential,
        grant: Grant,
        response: &TokenResponse,
        now: Instant,
    ) -> CallResult<Result<Credential, TokenFailure>> {
        self.call(|store, api| {
            api.ml_connector_sync_credentials()
                .call_read_token_response(store, settings.0, credential, grant, response, now)
        })
    }

    /// `credentials.plan-refresh`: when to refresh, and when a person is needed.
    pub fn plan_refresh(
        &mut self,
        credential: &Credential,
        now: Instant,
    ) -> CallResult<RefreshPlan> {
        self.call(|store, api| {
            api.ml_connector_sync_credentials()
                .call_plan_refresh(store, credential, now)
        })
    }

    fn call<T>(
        &mut self,
        work: impl FnOnce(&mut Store<Bounds>, &Connector) -> wasmtime::Result<T>,
    ) -> CallResult<T> {
        if self.trapped {
            return Err(GuestError::Trapped("it trapped earlier".into()));
        }
        let done = self
            .store
            .set_fuel(self.fuel_max)
            .and_then(|()| work(&mut self.store, &self.api));
        done.map_err(|error| {
            self.trapped = true;
            trapped(&error)
        })
    }
}
