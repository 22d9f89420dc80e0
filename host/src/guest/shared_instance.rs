//! One connection's instance behind a mutex, shared by its runs, and replaced when it has trapped
//! or grown too large.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use tokio::runtime::{Handle, RuntimeFlavor};

use super::{Guest, GuestError, Instance, RunHandle, SettingsHandle};
use crate::contract::runs::{Demand, HistoryEntry, OpenError, Outcome, StepError, Task};
use crate::contract::types::Problem;

/// How often a call gives way to the one under way before it waits aside: about the time of a
/// usual call, since handing a thread of the runtime over costs as much.
const YIELDS_MAX: u32 = 100;

/// Why a call into a shared instance failed.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// The instance was replaced; open the run again with its history.
    #[error("the component's instance was replaced")]
    Replaced,
    /// The call trapped; the instance has been replaced.
    #[error(transparent)]
    Guest(#[from] GuestError),
    /// The settings of this version are not accepted by the component any more.
    #[error("the settings that the run began with are no longer accepted: {}", first(.0))]
    Settings(Vec<Problem>),
    /// The run cannot be opened.
    #[error("the run cannot be opened")]
    Open(OpenError),
    /// The step was refused, which a host that follows the contract never sees.
    #[error("the component refused a step: {}", .0.detail)]
    Step(StepError),
}

/// A version of a connection's settings as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsText {
    /// The name of the connection, the first argument of `settings.load`.
    pub connection: Arc<str>,
    /// What `settings.version` of the component returned for it.
    pub version: String,
    /// The text for the component's `settings.load`.
    pub json: Arc<str>,
}

/// A run that is open in some instance.
#[derive(Clone, Copy)]
pub struct OpenRun {
    generation: u64,
    handle: RunHandle,
}

/// A run that was just opened, and what it wants.
pub struct Opened {
    /// To be passed to [`SharedInstance::step`].
    pub run: OpenRun,
    /// The demand at which it stopped.
    pub demand: Demand,
}

/// An instance behind a mutex. Each call holds it: the component is quick and never waits.
///
/// # Examples
///
/// What a host has to do when an instance was replaced under a run: open it again with its history.
///
/// ```no_run
/// use ml_connector::contract::runs::{Demand, HistoryEntry, Outcome, Task};
/// use ml_connector::guest::{InstanceError, OpenRun, SettingsText, SharedInstance};
///
/// /// The next demand; `history` ends with `outcome`.
/// fn next_demand(
///     instance: &SharedInstance,
///     run: &mut OpenRun,
///     outcome: &Outcome,
///     (task, settings, history): (&Task, &SettingsText, &[HistoryEntry]),
/// ) -> Result<Demand, InstanceError> {
///     match instance.step(*run, outcome) {
///         Err(InstanceError::Replaced) => {
///             let opened = instance.open(task, settings, history)?;
///             *run = opened.run;
///             Ok(opened.demand)
///         }
///         stepped => stepped,
///     }
/// }
/// ```
pub struct SharedInstance {
    guest: Arc<Guest>,
    state: Mutex<State>,
}

struct State {
    instance: Instance,
    generation: u64,
    /// By connection and version; a handful, since runs end.
    settings: BTreeMap<(Arc<str>, String), SettingsHandle>,
}

impl SharedInstance {
    /// Makes the first instance.
    ///
    /// # Errors
    ///
    /// If it cannot be made within its limits.
    pub fn new(guest: Arc<Guest>) -> Result<Self, GuestError> {
        let state = Mutex::new(State {
            instance: guest.instance()?,
            generation: 0,
            settings: BTreeMap::new(),
        });
        Ok(Self { guest, state })
    }

    /// Opens a run. An instance near its memory bound is replaced first.
    ///
    /// # Errors
    ///
    /// [`InstanceError`] but `Replaced` and `Step`.
    pub fn open(
        &self,
        task: &Task,
        settings: &SettingsText,
        history: &[HistoryEntry],
    ) -> Result<Opened, InstanceError> {
        let mut state = self.lock();
        if state.instance.is_near_memory_bound() {
            self.replace(&mut state)?;
        }
        let opened = state.open(task, settings, history);
        self.replace_if_trapped(&mut state, opened)
    }

    /// Reports to a run and returns what it wants next.
    ///
    /// # Errors
    ///
    /// `Replaced`, a trap, or `Step`.
    pub fn step(&self, run: OpenRun, outcome: &Outcome) -> Result<Demand, InstanceError> {
        let mut state = self.lock();
        if run.generation != state.generation {
            return Err(InstanceError::Replaced);
        }
        let stepped = state.instance.step_run(run.handle, outcome);
        let stepped = stepped
            .map_err(InstanceError::from)
            .and_then(|step| step.map_err(InstanceError::Step));
        self.replace_if_trapped(&mut state, stepped)
    }

    /// Drops a run, unless its instance is gone.
    pub fn close(&self, run: OpenRun) {
        let mut state = self.lock();
        if run.generation == state.generation {
            let dropped = state
                .instance
                .drop_run(run.handle)
                .map_err(InstanceError::from);
            if let Err(error) = self.replace_if_trapped(&mut state, dropped) {
                tracing::warn!(%error, "a run could not be dropped");
            }
        }
    }

    /// Makes a call that has to do with no settings.
    ///
    /// # Errors
    ///
    /// A trap; the instance has been replaced then.
    pub fn call<T>(
        &self,
        work: impl FnOnce(&mut Instance) -> Result<T, GuestError>,
    ) -> Result<T, GuestError> {
        let mut state = self.lock();
        let done = work(&mut state.instance);
        if done.is_err() {
            self.replace(&mut state)?;
        }
        done
    }

    /// Makes a call with settings.
    ///
    /// # Errors
    ///
    /// A trap, or `SettingsHandle`.
    pub fn call_with<T>(
        &self,
        settings: &SettingsText,
        work: impl FnOnce(&mut Instance, SettingsHandle) -> Result<T, GuestError>,
    ) -> Result<T, InstanceError> {
        let mut state = self.lock();
        let done = state
            .settings(settings)
            .and_then(|loaded| Ok(work(&mut state.instance, loaded)?));
        self.replace_if_trapped(&mut state, done)
    }

    /// After a trap the instance is replaced, whatever the call was for.
    fn replace_if_trapped<T>(
        &self,
        state: &mut State,
        done: Result<T, InstanceError>,
    ) -> Result<T, InstanceError> {
        if matches!(done, Err(InstanceError::Guest(_))) {
            self.replace(state)?;
        }
        done
    }

    fn replace(&self, state: &mut State) -> Result<(), GuestError> {
        state.instance = self.guest.instance()?;
        state.generation += 1;
        state.settings.clear();
        Ok(())
    }

    /// A call takes microseconds, so the next one waits for it here. One that is about to run out
    /// of its fuel takes most of a second: who waits for that must not hold a thread of the
    /// runtime, or all other connections wait too.
    fn lock(&self) -> MutexGuard<'_, State> {
        for _ in 0..YIELDS_MAX {
            match self.state.try_lock() {
                Ok(state) => return state,
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => std::thread::yield_now(),
            }
        }
        // A panic while it was held leaves an instance that at worst traps, and is replaced then.
        let wait = || self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
            _ => wait(),
        }
    }
}

impl State {
    fn open(
        &mut self,
        task: &Task,
        settings: &SettingsText,
        history: &[HistoryEntry],
    ) -> Result<Opened, InstanceError> {
        let settings = self.settings(settings)?;
        let opened = self.instance.open_run(task, settings, history)?;
        let (handle, demand) = opened.map_err(InstanceError::Open)?;
        let run = OpenRun {
            generation: self.generation,
            handle,
        };
        Ok(Opened { run, demand })
    }

    fn settings(&mut self, text: &SettingsText) -> Result<SettingsHandle, InstanceError> {
        let key = (Arc::clone(&text.connection), text.version.clone());
        if let Some(loaded) = self.settings.get(&key) {
            return Ok(*loaded);
        }
        let loaded = self.instance.load_settings(&text.connection, &text.json)?;
        let loaded = loaded.map_err(InstanceError::Settings)?;
        self.settings.insert(key, loaded);
        Ok(loaded)
    }
}

fn first(problems: &[Problem]) -> &str {
    problems.first().map_or("", |problem| &problem.message)
}
