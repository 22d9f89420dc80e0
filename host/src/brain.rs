//! The component, loaded: compiled once, instantiated as often as needed, bounded in time and
//! memory.
//!
//! Time is bounded by fuel, which is exact and repeatable; memory by a limit on each instance. An
//! instance that has trapped is never called again: its owner makes a new one.

mod cache;
mod mind;

use std::path::{Path, PathBuf};

use wasmtime::component::{Component, Linker, ResourceAny};
use wasmtime::{Config, Engine, ResourceLimiter, Store, StoreLimits, StoreLimitsBuilder, Trap};

use crate::config::Limits;
use crate::contract::admission::{Activity, Admission};
use crate::contract::credentials::{
    Credential, Forecast, Grant, TokenAnswer, TokenFailure, TokenRequest,
};
use crate::contract::events::Reading as EventReading;
use crate::contract::http::{Response, SendOutcome};
use crate::contract::mapping::{AccountCheck, Schedule, Translation};
use crate::contract::pacing::Gate;
use crate::contract::retry::Policy;
use crate::contract::runs::{Demand, Entry, OpenError, Outcome, StepError, Task};
use crate::contract::types::{Instant, Problem, System};
use crate::contract::webhooks::{Delivery, Notice, Reading, Receiver, Refusal};
use crate::contract::{Connector, ConnectorPre};

use cache::CodeCache;
pub use mind::{Mind, MindError, OpenRun, Opened, SettingsText};

/// Why the component cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BrainError {
    /// There is no file, or it cannot be read.
    #[error(
        "the component {path} cannot be read ({source}): run `cargo build-component`, or correct the setting \
         `component.path`"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file is not a component that can be compiled.
    #[error("{path} is not a WebAssembly component ({detail}): run `cargo build-component`")]
    NotAComponent {
        /// The file.
        path: PathBuf,
        /// What the compiler says.
        detail: String,
    },
    /// A component, but not of the contract that this program was built with.
    #[error(
        "{path} does not fit this program ({detail}): build both from the same sources with `cargo build-component`"
    )]
    OtherContract {
        /// The file.
        path: PathBuf,
        /// What is missing or different.
        detail: String,
    },
    /// A call ended in a trap: out of fuel, out of memory, or a defect. The instance is used up.
    #[error("the component trapped: {0}")]
    Trapped(String),
}

/// The component, compiled. Cheap to share, and to make instances of.
pub struct Brain {
    engine: Engine,
    template: ConnectorPre<Bounds>,
    bytes_max: usize,
    fuel_max: u64,
}

impl Brain {
    /// Compiles the component in a file and checks that it is one of this contract and imports
    /// nothing.
    ///
    /// # Errors
    ///
    /// Every [`BrainError`] but `Trapped`; each names the command that helps.
    pub fn load(path: &Path, limits: &Limits) -> Result<Self, BrainError> {
        Self::made(path, limits, engine_config())
    }

    /// The same, with the compiled code kept in a directory: from the second time on it is not
    /// compiled again. Where the directory cannot be used, or what lies there is not as it was
    /// left, it is.
    ///
    /// # Errors
    ///
    /// As [`Brain::load`].
    pub fn load_kept(path: &Path, limits: &Limits, directory: &Path) -> Result<Self, BrainError> {
        let kept = CodeCache::open(directory);
        let cache = kept.as_ref().and_then(CodeCache::for_wasmtime);
        let mut config = engine_config();
        config.cache(cache.clone());
        let brain = Self::made(path, limits, config)?;
        if let (Some(kept), Some(cache)) = (kept, cache)
            && cache.cache_misses() > 0
        {
            kept.seal();
        }
        Ok(brain)
    }

    fn made(path: &Path, limits: &Limits, config: Config) -> Result<Self, BrainError> {
        let bytes = std::fs::read(path).map_err(|source| BrainError::Unreadable {
            path: path.into(),
            source,
        })?;
        let unusable = |error: wasmtime::Error| BrainError::NotAComponent {
            path: path.into(),
            detail: format!("{error:#}"),
        };
        let engine = Engine::new(&config).map_err(unusable)?;
        let component = Component::from_binary(&engine, &bytes).map_err(unusable)?;
        let template =
            template(&engine, &component).map_err(|error| BrainError::OtherContract {
                path: path.into(),
                detail: format!("{error:#}"),
            })?;
        Ok(Self {
            engine,
            template,
            bytes_max: limits.component_bytes_max,
            fuel_max: limits.component_fuel_max,
        })
    }

    /// Makes an instance.
    ///
    /// # Errors
    ///
    /// [`BrainError::Trapped`] if it cannot be made within its limits.
    pub fn instance(&self) -> Result<Instance, BrainError> {
        let mut store = Store::new(&self.engine, Bounds::new(self.bytes_max));
        store.limiter(|bounds| bounds);
        store
            .set_fuel(self.fuel_max)
            .map_err(|error| trapped(&error))?;
        let api = self
            .template
            .instantiate(&mut store)
            .map_err(|error| trapped(&error))?;
        Ok(Instance {
            store,
            api,
            fuel_max: self.fuel_max,
            bytes_max: self.bytes_max,
            trapped: false,
        })
    }
}

/// One instance of the component. Its methods are those of the WIT; each call gets its full fuel.
///
/// Each method fails with [`BrainError::Trapped`] if the call traps, and from then on always.
pub struct Instance {
    store: Store<Bounds>,
    api: Connector,
    fuel_max: u64,
    bytes_max: usize,
    trapped: bool,
}

/// Settings that live in an instance.
#[derive(Clone, Copy)]
pub struct Settings(ResourceAny);

/// A run that lives in an instance.
#[derive(Clone, Copy)]
pub struct RunHandle(ResourceAny);

type Called<T> = Result<T, BrainError>;

impl Instance {
    /// True when the instance has grown so large that it should be replaced: a WebAssembly memory
    /// never shrinks.
    #[must_use]
    pub fn is_near_memory_bound(&self) -> bool {
        self.store.data().bytes > self.bytes_max / 4 * 3
    }

    /// `webhooks.verify`.
    ///
    /// # Errors
    ///
    /// A trap; the refusal is inside.
    pub fn verify(
        &mut self,
        delivery: &Delivery,
        receiver: &Receiver,
    ) -> Called<Result<Reading, Refusal>> {
        self.call(|store, api| {
            api.ml_connector_sync_webhooks()
                .call_verify(store, delivery, receiver)
        })
    }

    /// `events.read`.
    ///
    /// # Errors
    ///
    /// A trap; what cannot be read is inside.
    pub fn read_event(&mut self, body: &str, company_id: &str) -> Called<EventReading> {
        self.call(|store, api| {
            api.ml_connector_sync_events()
                .call_read(store, body, company_id)
        })
    }

    /// `admission.admit`.
    ///
    /// # Errors
    ///
    /// A trap.
    pub fn admit(&mut self, notice: &Notice, activity: Activity) -> Called<Admission> {
        self.call(|store, api| {
            api.ml_connector_sync_admission()
                .call_admit(store, notice, activity)
        })
    }

    /// `settings.load`.
    ///
    /// # Errors
    ///
    /// A trap; the problems are inside.
    pub fn load_settings(&mut self, json: &str) -> Called<Result<Settings, Vec<Problem>>> {
        let loaded = self.call(|store, api| {
            api.ml_connector_sync_mapping()
                .settings()
                .call_load(store, json)
        })?;
        Ok(loaded.map(Settings))
    }

    /// `settings.version`.
    ///
    /// # Errors
    ///
    /// A trap.
    pub fn settings_version(&mut self, settings: Settings) -> Called<String> {
        self.call(|store, api| {
            api.ml_connector_sync_mapping()
                .settings()
                .call_version(store, settings.0)
        })
    }

    /// `settings.schedules`.
    ///
    /// # Errors
    ///
    /// A trap.
    pub fn schedules(&mut self, settings: Settings) -> Called<Vec<Schedule>> {
        self.call(|store, api| {
            api.ml_connector_sync_mapping()
                .settings()
                .call_schedules(store, settings.0)
        })
    }

    /// `mapping.preview`: what a document of this kind would be sent as.
    ///
    /// # Errors
    ///
    /// A trap; the problems are inside.
    pub fn preview(
        &mut self,
        settings: Settings,
        kind: &str,
        document: &str,
    ) -> Called<Result<Vec<Translation>, Vec<Problem>>> {
        self.call(|store, api| {
            api.ml_connector_sync_mapping()
                .call_preview(store, settings.0, kind, document)
        })
    }

    /// `mapping.check-accounts`: how the accounts that the settings name compare with FreshBooks'
    /// own.
    ///
    /// # Errors
    ///
    /// A trap.
    pub fn check_accounts(
        &mut self,
        settings: Settings,
        answers: &[Response],
    ) -> Called<AccountCheck> {
        self.call(|store, api| {
            api.ml_connector_sync_mapping()
                .call_check_accounts(store, settings.0, answers)
        })
    }

    /// `run.open`.
    ///
    /// # Errors
    ///
    /// A trap; why the run cannot be opened is inside.
    pub fn open_run(
        &mut self,
        task: &Task,
        settings: Settings,
        history: &[Entry],
    ) -> Called<Result<(RunHandle, Demand), OpenError>> {
        let opened = self.call(|store, api| {
            api.ml_connector_sync_runs()
                .run()
                .call_open(store, task, settings.0, history)
        })?;
        Ok(opened.map(|(run, demand)| (RunHandle(run), demand)))
    }

    /// `run.step`.
    ///
    /// # Errors
    ///
    /// A trap; why the step is refused is inside.
    pub fn step_run(
        &mut self,
        run: RunHandle,
        outcome: &Outcome,
    ) -> Called<Result<Demand, StepError>> {
        self.call(|store, api| {
            api.ml_connector_sync_runs()
                .run()
                .call_step(store, run.0, outcome)
        })
    }

    /// `runs.unknown-since`.
    ///
    /// # Errors
    ///
    /// A trap.
    pub fn unknown_since(&mut self, history: &[Entry]) -> Called<Option<Instant>> {
        self.call(|store, api| {
            api.ml_connector_sync_runs()
                .call_unknown_since(store, history)
        })
    }

    /// Drops a run.
    ///
    /// # Errors
    ///
    /// A trap.
    pub fn drop_run(&mut self, run: RunHandle) -> Called<()> {
        self.call(|store, _| run.0.resource_drop(store))
    }

    /// `retry.default-policy`.
    ///
    /// # Errors
    ///
    /// A trap.
    pub fn default_retry_policy(&mut self) -> Called<Policy> {
        self.call(|store, api| api.ml_connector_sync_retry().call_default_policy(store))
    }

    /// `pacing.open-gate`.
    ///
    /// # Errors
    ///
    /// A trap.
    pub fn open_gate(&mut self, system: System) -> Called<Gate> {
        self.call(|store, api| api.ml_connector_sync_pacing().call_open_gate(store, system))
    }

    /// `pacing.observe`.
    ///
    /// # Errors
    ///
    /// A trap.
    pub fn observe(&mut self, gate: Gate, outcome: &SendOutcome, now: Instant) -> Called<Gate> {
        self.call(|store, api| {
            api.ml_connector_sync_pacing()
                .call_observe(store, gate, outcome, now)
        })
    }

    /// `credentials.consent-path`.
    ///
    /// # Errors
    ///
    /// A trap.
    pub fn consent_path(&mut self, settings: Settings, state: &str) -> Called<String> {
        self.call(|store, api| {
            api.ml_connector_sync_credentials()
                .call_consent_path(store, settings.0, state)
        })
    }

    /// `credentials.ask`.
    ///
    /// # Errors
    ///
    /// A trap.
    pub fn ask_token(
        &mut self,
        settings: Settings,
        credential: &Credential,
        grant: Grant,
    ) -> Called<TokenRequest> {
        self.call(|store, api| {
            api.ml_connector_sync_credentials()
                .call_ask(store, settings.0, credential, grant)
        })
    }

    /// `credentials.read`.
    ///
    /// # Errors
    ///
    /// A trap; the refusal is inside.
    pub fn read_token(
        &mut self,
        settings: Settings,
        credential: &Credential,
        grant: Grant,
        answer: &TokenAnswer,
        now: Instant,
    ) -> Called<Result<Credential, TokenFailure>> {
        self.call(|store, api| {
            api.ml_connector_sync_credentials()
                .call_read(store, settings.0, credential, grant, answer, now)
        })
    }

    /// `credentials.foresee`.
    ///
    /// # Errors
    ///
    /// A trap.
    pub fn foresee(&mut self, credential: &Credential, now: Instant) -> Called<Forecast> {
        self.call(|store, api| {
            api.ml_connector_sync_credentials()
                .call_foresee(store, credential, now)
        })
    }

    fn call<T>(
        &mut self,
        work: impl FnOnce(&mut Store<Bounds>, &Connector) -> wasmtime::Result<T>,
    ) -> Called<T> {
        if self.trapped {
            return Err(BrainError::Trapped("it trapped earlier".into()));
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

fn engine_config() -> Config {
    let mut config = Config::new();
    config.wasm_component_model(true).consume_fuel(true);
    config
}

fn template(engine: &Engine, component: &Component) -> wasmtime::Result<ConnectorPre<Bounds>> {
    // An empty linker: a component with an import is refused here.
    let linker = Linker::new(engine);
    ConnectorPre::new(linker.instantiate_pre(component)?)
}

/// The trap alone: the frames above it name functions of the component, which help nobody who runs
/// it.
fn trapped(error: &wasmtime::Error) -> BrainError {
    let said = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    BrainError::Trapped(said)
}

/// The bounds of an instance, and how large it has become.
struct Bounds {
    limits: StoreLimits,
    bytes: usize,
}

impl Bounds {
    fn new(bytes_max: usize) -> Self {
        let limits = StoreLimitsBuilder::new()
            .memory_size(bytes_max)
            .memories(1)
            .tables(2)
            .table_elements(10_000)
            .instances(16)
            .build();
        Self { limits, bytes: 0 }
    }
}

impl ResourceLimiter for Bounds {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = self.limits.memory_growing(current, desired, maximum)?;
        if granted {
            self.bytes = desired;
        }
        Ok(granted)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.limits.table_growing(current, desired, maximum)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
}
