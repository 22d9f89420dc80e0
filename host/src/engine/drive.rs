//! Drives one run: performs its demands one after the other until it ends or waits.
//!
//! What has been done is committed as seldom as the promises allow: a write's intent before it
//! leaves, its outcome before anything else is sent, and everything else when the run waits or
//! ends.

mod ending;
mod perform;

use std::sync::Arc;

pub use self::ending::numbered_remedy;
use self::perform::Performed;
use super::connection::Connection;
use super::history_buffer::HistoryBuffer;
use super::stored_instants::{is_ahead, not_before};
use crate::contract::runs::{
    Action, Demand, HistoryEntry, Intent, OpenError, Outcome, Report, Task,
};
use crate::contract::types::Instant;
use crate::guest::{GuestError, InstanceError, OpenRun, SettingsText};
use crate::seal::SealError;
use crate::secrets::Secret;
use crate::store::{Run, StoreError, Write};

/// Traps in a row after which a run is parked. One may be a transient lack of memory; a run that
/// traps three times traps always.
const TRAPS_MAX: u32 = 3;

/// Why a run cannot be driven now. What is in the store stays; it is driven again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DriveError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The component fails even over ending the run.
    #[error("the run cannot be ended, since the component failed over that too: {0}")]
    Abandon(GuestError),
    /// A verifier could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The component gave no instance, or refused a step.
    #[error(transparent)]
    Instance(InstanceError),
}

/// Drives a run that is due, until it ends or waits.
///
/// # Errors
///
/// [`DriveError`]; the run is due again as it is in the store.
pub(crate) async fn drive(connection: &Connection, run: Run) -> Result<(), DriveError> {
    let mut driver = Driver::new(connection, run);
    driver.recover().await?;
    driver.run_to_rest().await
}

struct Driver<'c> {
    connection: &'c Connection,
    run: Run,
    history: HistoryBuffer,
    open: Option<OpenRun>,
    /// The histories of earlier epochs.
    given_up: Vec<HistoryEntry>,
    /// What the component says of the histories of earlier epochs.
    unknown_since: Option<Instant>,
    /// Traps and refusals in a row.
    traps: u32,
    /// True until the first demand after opening has been performed.
    is_waking: bool,
    /// RecentWakes from this number on is news to this run.
    wakes_since: u64,
    /// The verifier that was sent last, and of which callback it is to be the key.
    sent_verifier: Option<(String, Secret)>,
    /// Where the last write went, for the log.
    written_to: &'static str,
}

impl<'c> Driver<'c> {
    fn new(connection: &'c Connection, run: Run) -> Self {
        Self {
            history: HistoryBuffer::new(run.id, run.epoch, run.started),
            open: None,
            given_up: Vec::new(),
            unknown_since: None,
            traps: 0,
            is_waking: true,
            wakes_since: connection.recent_wakes.next(),
            sent_verifier: None,
            written_to: "",
            connection,
            run,
        }
    }

    /// Takes up the history as it was stored, writes without an outcome included: the component
    /// acts on those.
    async fn recover(&mut self) -> Result<(), DriveError> {
        let rows = self.connection.services.store.history(self.run.id).await?;
        let epoch = self.history.epoch();
        for row in rows {
            let is_given_up = row.epoch < epoch;
            let entry = row.into_entry();
            match is_given_up {
                true => self.given_up.push(entry),
                false => self.history.add_stored(entry),
            }
        }
        // Nothing was sent later than this attempt was started, whatever a wrong clock recorded.
        let since = self.ask_unknown_since(&self.given_up);
        self.unknown_since = since.map(|since| since.min(self.run.started));
        Ok(())
    }

    fn earliest_unknown_since(&self) -> Option<Instant> {
        self.unknown_since
            .or_else(|| self.ask_unknown_since(self.history.entries()))
    }

    /// When the history first reports on a write that may have been carried out; the start of the
    /// run if the component fails over it.
    fn ask_unknown_since(&self, history: &[HistoryEntry]) -> Option<Instant> {
        if history.is_empty() {
            return None;
        }
        let asked = self
            .connection
            .instance
            .call(|instance| instance.unknown_since(history));
        asked.unwrap_or(Some(self.run.started))
    }

    async fn run_to_rest(&mut self) -> Result<(), DriveError> {
        if self.leave_history_ahead().await? {
            return Ok(());
        }
        let Some(mut demand) = self.open().await? else {
            return Ok(());
        };
        loop {
            let report = match self.perform(&demand).await? {
                Performed::Report(report) => report,
                Performed::Suspended => return Ok(()),
            };
            self.is_waking = false;
            let Some(next) = self.advance(demand, report).await? else {
                return Ok(());
            };
            demand = next;
        }
    }

    /// Starts a run over that was recorded while the clock was ahead: its waits would end as late
    /// as that clock said. What it may have sent is looked up, as whenever a run is started over.
    /// True if that has ended it.
    async fn leave_history_ahead(&mut self) -> Result<bool, DriveError> {
        let now = self.connection.services.clock.now();
        if !is_ahead(self.history.latest(), now) {
            return Ok(false);
        }
        self.start_over("it was recorded while the clock was ahead".into())
            .await
    }

    /// Opens the run with its history. Nothing if that has ended it.
    async fn open(&mut self) -> Result<Option<Demand>, DriveError> {
        loop {
            self.close();
            let why = match self.settings_of_run().await? {
                Some(settings) => {
                    let task = self.task();
                    match self
                        .connection
                        .instance
                        .open(&task, &settings, self.history.entries())
                    {
                        Ok(opened) => {
                            self.open = Some(opened.run);
                            return Ok(Some(opened.demand));
                        }
                        Err(error) => error,
                    }
                }
                None => InstanceError::Settings(Vec::new()),
            };
            if self.resolve_failed_open(why).await? {
                return Ok(None);
            }
        }
    }

    /// Starts a run that cannot be opened over, or parks it. True if that has ended it.
    async fn resolve_failed_open(&mut self, why: InstanceError) -> Result<bool, DriveError> {
        match why {
            InstanceError::Guest(error) => self.count_trap(&error.to_string()).await,
            InstanceError::Open(OpenError::UnknownKind(kind)) => {
                let why = format!("the component has no flow for objects of kind {kind}");
                self.abandon(&why).await?;
                Ok(true)
            }
            InstanceError::Open(OpenError::InvalidTask(detail)) => {
                let why = format!("the component does not accept its task ({detail})");
                self.abandon(&why).await?;
                Ok(true)
            }
            InstanceError::Open(OpenError::Diverged(divergence)) => {
                let index = divergence.index;
                tracing::warn!(run = self.run.id, index, "a history does not replay");
                let message = format!(
                    "the component now makes another demand at step {index} of the history"
                );
                self.start_over(message).await
            }
            InstanceError::Open(OpenError::BrokenHistory(_)) => {
                self.start_over("the history does not fit together".into())
                    .await
            }
            InstanceError::Settings(_) => {
                self.start_over("the settings that it began with are no longer accepted".into())
                    .await
            }
            other => Err(DriveError::Instance(other)),
        }
    }

    async fn count_trap(&mut self, detail: &str) -> Result<bool, DriveError> {
        self.traps += 1;
        self.connection.services.metrics.traps.inc();
        tracing::error!(run = self.run.id, detail, "the component trapped");
        if self.traps < TRAPS_MAX {
            return Ok(false);
        }
        let why = format!("the component failed {TRAPS_MAX} times in a row ({detail})");
        self.abandon(&why).await?;
        Ok(true)
    }

    /// Starts over under the present settings. Counts like a trap, so that it cannot go on for
    /// ever.
    async fn start_over(&mut self, why: String) -> Result<bool, DriveError> {
        self.connection.services.metrics.divergences.inc();
        let now = self.connection.services.clock.now();
        let started = not_before(self.history.latest(), now);
        let settings_version = self.connection.settings.version.clone();
        let write = Write::StartOver {
            run: self.run.id,
            settings_version: settings_version.clone(),
            started,
            message: format!("started over: {why}"),
        };
        self.commit(None, vec![write]).await?;
        self.unknown_since = self
            .earliest_unknown_since()
            .map(|since| since.min(started));
        self.given_up.extend(self.history.start_over(started));
        self.run.settings_version = settings_version;
        self.run.started = started;
        self.is_waking = false;
        self.count_trap(&why).await
    }

    /// Reports on a demand and returns the next one. Nothing if the run has ended by it.
    async fn advance(
        &mut self,
        demand: Demand,
        report: Report,
    ) -> Result<Option<Demand>, DriveError> {
        let id = demand_id(&demand);
        let at = self.connection.now_after(self.history.latest());
        let outcome = Outcome { id, report, at };
        let stepped = match self.open {
            Some(run) => self.connection.instance.step(run, &outcome),
            None => Err(InstanceError::Replaced),
        };
        let is_write = is_write(&demand);
        match stepped {
            Ok(next) => {
                self.traps = 0;
                self.history.add(demand, outcome, is_write);
                return Ok(Some(next));
            }
            Err(InstanceError::Replaced) => {}
            Err(InstanceError::Guest(error)) => {
                self.history.add(demand, outcome, is_write);
                return match self.count_trap(&error.to_string()).await? {
                    true => Ok(None),
                    false => self.open().await,
                };
            }
            Err(other) => return Err(DriveError::Instance(other)),
        }
        self.history.add(demand, outcome, is_write);
        self.open().await
    }

    async fn commit(
        &mut self,
        intent: Option<&Demand>,
        last: Vec<Write>,
    ) -> Result<(), DriveError> {
        let batch = self.history.batch(intent, last);
        if batch.is_empty() {
            return Ok(());
        }
        let receipt = self.connection.services.store.commit(batch).await?;
        self.history.mark_stored();
        if !receipt.runs.is_empty() {
            self.connection.runs_due.notify_one();
        }
        Ok(())
    }

    async fn settings_of_run(&self) -> Result<Option<SettingsText>, DriveError> {
        let present = &self.connection.settings;
        let version = &self.run.settings_version;
        if *version == present.version {
            return Ok(Some(present.clone()));
        }
        let json = self
            .connection
            .services
            .store
            .settings(&self.connection.name, version)
            .await?;
        Ok(json.map(|json| SettingsText {
            connection: Arc::clone(&present.connection),
            version: version.clone(),
            json: Arc::from(json),
        }))
    }

    fn task(&self) -> Task {
        Task {
            object: self.run.object.clone(),
            reason: self.run.reason,
            started: self.run.started,
            receive_url: self.connection.receive_url(&self.run.object),
            unknown_since: self.unknown_since,
        }
    }

    fn close(&mut self) {
        if let Some(run) = self.open.take() {
            self.connection.instance.close(run);
        }
    }
}

impl Drop for Driver<'_> {
    fn drop(&mut self) {
        self.close();
    }
}

fn demand_id(demand: &Demand) -> u32 {
    match demand {
        Demand::Perform(effect) => effect.id,
        Demand::Wait(wait) => wait.id,
        Demand::Done(_) => u32::MAX,
    }
}

fn is_write(demand: &Demand) -> bool {
    let Demand::Perform(effect) = demand else {
        return false;
    };
    matches!(&effect.action, Action::Send(send) if send.intent != Intent::Read)
}
