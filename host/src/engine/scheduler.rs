//! Starts a connection's runs as they fall due, so many at once, and drives each to its rest or
//! end.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection::Connection;
use super::drive::{DriveError, drive};
use crate::contract::types::Instant;
use crate::store::{Damage, Run, RunId, StoreError, Write};

/// How long a run is left alone that could not be driven, so that a lasting defect of one run costs
/// little.
const FAILED_PAUSE_MS: u64 = 60_000;

/// How long to wait before the store is asked again after it failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// How long to wait for more runs to fall due before the store is asked again, so that a flood
/// costs few queries.
const LINGER_MS: u64 = 4;

/// Runs that are fetched at once, as a multiple of those that may be under way: one query for
/// several rounds, while what is fetched cannot be old, since only this scheduler starts them.
const FETCH_FACTOR: u32 = 4;

/// Drives a connection's runs until `stop`, then waits until those under way have come to rest, or
/// cuts them off at `cut`. When it returns, none of them holds anything any more.
pub(super) async fn run_due(
    connection: Arc<Connection>,
    mut stop: watch::Receiver<bool>,
    mut cut: watch::Receiver<bool>,
) {
    let mut scheduler = Scheduler::new(connection);
    while !*stop.borrow() {
        let next = scheduler.start_due().await;
        let connection = Arc::clone(&scheduler.connection);
        tokio::select! {
            Some(done) = scheduler.under_way.join_next() => scheduler.note_ended(done.ok()),
            () = connection.runs_due.notified() => scheduler.may_be_due = true,
            () = connection.services.clock.sleep_until(next) => scheduler.may_be_due = true,
            _ = stop.changed() => {}
        }
    }
    let rest = async {
        while let Some(done) = scheduler.under_way.join_next().await {
            scheduler.note_ended(done.ok());
        }
    };
    tokio::select! {
        () = rest => {}
        _ = cut.wait_for(|cut| *cut) => {}
    }
    scheduler.under_way.shutdown().await;
}

struct Scheduler {
    connection: Arc<Connection>,
    in_flight_max: usize,
    under_way: JoinSet<RunId>,
    in_flight: BTreeSet<RunId>,
    /// Runs whose rows cannot be read: left out, so that the others go on.
    unreadable: BTreeSet<RunId>,
    fetched: VecDeque<Run>,
    /// Whether the store may have runs that are due.
    may_be_due: bool,
    /// Not to be asked again before this instant.
    query_from: Instant,
    /// When the next run is due, as far as is known.
    next: Option<Instant>,
}

impl Scheduler {
    fn new(connection: Arc<Connection>) -> Self {
        Self {
            in_flight_max: connection.services.limits.runs_in_flight_max.max(1) as usize,
            connection,
            under_way: JoinSet::new(),
            in_flight: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            fetched: VecDeque::new(),
            may_be_due: true,
            query_from: 0,
            next: None,
        }
    }

    /// Starts as many runs as there is room for, and returns when to query the store again.
    async fn start_due(&mut self) -> Option<Instant> {
        while self.under_way.len() < self.in_flight_max {
            if self.fetched.is_empty() && self.may_be_due {
                let early = self
                    .query_from
                    .saturating_sub(self.connection.services.clock.now());
                // More than that is a clock that was set back.
                if (1..=LINGER_MS).contains(&early) {
                    return Some(self.query_from);
                }
                if let Err(error) = self.fetch().await {
                    self.note_unread(error).await;
                    return Some(0);
                }
            }
            let Some(run) = self.fetched.pop_front() else {
                return self.next;
            };
            self.start(run);
        }
        // Full: the end of a run is what to wait for.
        None
    }

    /// Says of what the store cannot read whom it concerns: one run, or the connection.
    async fn note_unread(&mut self, error: StoreError) {
        let connection = &self.connection;
        let (run, message) = match &error {
            StoreError::UnreadableRun { run, why } => {
                let message = format!("its row cannot be read and is left out ({why})");
                (Some(*run), message)
            }
            StoreError::Corrupt(why) => (None, format!("its runs cannot be read ({why})")),
            _ => {
                tracing::error!(connection = connection.name, %error, "due runs cannot be read");
                return tokio::time::sleep(STORE_PAUSE).await;
            }
        };
        let damage = Damage {
            connection: Some(connection.name.clone()),
            run,
            message,
        };
        connection.services.health.note_damage(&damage).await;
        match run {
            Some(run) => drop(self.unreadable.insert(run)),
            None => tokio::time::sleep(STORE_PAUSE).await,
        }
    }

    async fn fetch(&mut self) -> Result<(), StoreError> {
        let (connection, store) = (&self.connection, &self.connection.services.store);
        let limit = connection.services.limits.runs_in_flight_max.max(1) * FETCH_FACTOR;
        let except = || self.in_flight.union(&self.unreadable).copied().collect();
        let due = store
            .due_runs(
                &connection.name,
                connection.services.clock.now(),
                limit,
                except(),
            )
            .await?;
        if due.is_empty() {
            self.may_be_due = false;
            self.next = store.next_due(&connection.name, except()).await?;
        }
        self.fetched = due.into();
        self.query_from = self.connection.services.clock.now() + LINGER_MS;
        Ok(())
    }

    fn start(&mut self, run: Run) {
        let connection = Arc::clone(&self.connection);
        self.in_flight.insert(run.id);
        self.connection.services.metrics.runs_in_flight.inc();
        self.under_way.spawn(async move {
            let id = run.id;
            if let Err(error) = drive(&connection, run).await {
                postpone(&connection, id, &error).await;
            }
            id
        });
    }

    fn note_ended(&mut self, id: Option<RunId>) {
        self.connection.services.metrics.runs_in_flight.dec();
        // What a run that has ended was holding up may be due now.
        self.may_be_due = true;
        match id {
            Some(id) => drop(self.in_flight.remove(&id)),
            // A task that panicked does not tell its number; those under way are left out by their
            // rows.
            None => tracing::error!(
                connection = self.connection.name,
                "a run was cut short by a defect"
            ),
        }
    }
}

/// Leaves a run alone for a while that cannot be driven, so that it does not keep others waiting.
async fn postpone(connection: &Connection, run: RunId, error: &DriveError) {
    // That the store fails is said once, and not for each run.
    if !connection.services.health.is_failing() {
        tracing::error!(connection = connection.name, run, %error, "a run cannot continue now");
    }
    let rest = Write::Wait {
        run,
        due: connection
            .services
            .clock
            .now()
            .saturating_add(FAILED_PAUSE_MS),
        reason: Some(crate::contract::runs::WaitReason::Remote),
        on: None,
        message: format!("it cannot continue now ({error}); it is tried again in a minute"),
    };
    if connection.services.store.commit(vec![rest]).await.is_err() {
        tokio::time::sleep(STORE_PAUSE).await;
    }
}
