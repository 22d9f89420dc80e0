//! Starts a connection's runs as they fall due, so many at once, and drives each to its rest or
//! end.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::drive::{DriveError, drive};
use super::lane::Lane;
use crate::contract::types::Instant;
use crate::store::{Run, RunId, StoreError, Write};

/// How long a run is left alone that could not be driven.
const AILING_REST_MS: u64 = 60_000;

/// How long to wait before the store is asked again after it failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// How long to wait for more runs to fall due before the store is asked again, so that a flood
/// costs few queries.
const LINGER_MS: u64 = 4;

/// Runs that are fetched ahead, as a multiple of those that may be under way.
const FETCH_FACTOR: u32 = 4;

/// Drives a connection's runs until `stop`, then waits until those under way have come to rest, or
/// cuts them off at `cut`. When it returns, none of them holds anything any more.
pub(super) async fn drive_due(
    lane: Arc<Lane>,
    mut stop: watch::Receiver<bool>,
    mut cut: watch::Receiver<bool>,
) {
    let mut line = Line::new(lane);
    while !*stop.borrow() {
        let next = line.start_due().await;
        let lane = Arc::clone(&line.lane);
        tokio::select! {
            Some(done) = line.under_way.join_next() => line.ended(done.ok()),
            () = lane.bell.notified() => line.look = true,
            () = lane.host.clock.sleep_until(next) => line.look = true,
            _ = stop.changed() => {}
        }
    }
    let rest = async {
        while let Some(done) = line.under_way.join_next().await {
            line.ended(done.ok());
        }
    };
    tokio::select! {
        () = rest => {}
        _ = cut.wait_for(|cut| *cut) => {}
    }
    line.under_way.shutdown().await;
}

struct Line {
    lane: Arc<Lane>,
    in_flight_max: usize,
    under_way: JoinSet<RunId>,
    numbers: BTreeSet<RunId>,
    fetched: VecDeque<Run>,
    /// Whether the store may have runs that are due.
    look: bool,
    /// Not to be asked again before this instant.
    look_from: Instant,
    /// When the next run is due, as far as is known.
    next: Option<Instant>,
}

impl Line {
    fn new(lane: Arc<Lane>) -> Self {
        Self {
            in_flight_max: lane.host.limits.runs_in_flight_max.max(1) as usize,
            lane,
            under_way: JoinSet::new(),
            numbers: BTreeSet::new(),
            fetched: VecDeque::new(),
            look: true,
            look_from: 0,
            next: None,
        }
    }

    /// Starts as many runs as there is room for, and tells when to look again.
    async fn start_due(&mut self) -> Option<Instant> {
        while self.under_way.len() < self.in_flight_max {
            if self.fetched.is_empty() && self.look {
                let early = self.look_from.saturating_sub(self.lane.host.clock.now());
                // More than that is a clock that was set back.
                if (1..=LINGER_MS).contains(&early) {
                    return Some(self.look_from);
                }
                if let Err(error) = self.fetch().await {
                    tracing::error!(connection = self.lane.name, %error, "due runs cannot be read");
                    tokio::time::sleep(STORE_PAUSE).await;
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

    async fn fetch(&mut self) -> Result<(), StoreError> {
        let (lane, store) = (&self.lane, &self.lane.host.store);
        let limit = lane.host.limits.runs_in_flight_max.max(1) * FETCH_FACTOR;
        let except = || self.numbers.iter().copied().collect();
        let due = store
            .due_runs(&lane.name, lane.host.clock.now(), limit, except())
            .await?;
        if due.is_empty() {
            self.look = false;
            self.next = store.next_due(&lane.name, except()).await?;
        }
        self.fetched = due.into();
        self.look_from = self.lane.host.clock.now() + LINGER_MS;
        Ok(())
    }

    fn start(&mut self, run: Run) {
        let lane = Arc::clone(&self.lane);
        self.numbers.insert(run.id);
        self.lane.host.metrics.runs_in_flight.inc();
        self.under_way.spawn(async move {
            let id = run.id;
            if let Err(error) = drive(&lane, run).await {
                set_aside(&lane, id, &error).await;
            }
            id
        });
    }

    fn ended(&mut self, id: Option<RunId>) {
        self.lane.host.metrics.runs_in_flight.dec();
        // What a run that has ended was holding up may be due now.
        self.look = true;
        match id {
            Some(id) => drop(self.numbers.remove(&id)),
            // A task that panicked does not tell its number; those under way are left out by their
            // rows.
            None => tracing::error!(
                connection = self.lane.name,
                "a run was cut short by a defect"
            ),
        }
    }
}

/// Leaves a run alone for a while that cannot be driven, so that it does not keep others waiting.
async fn set_aside(lane: &Lane, run: RunId, error: &DriveError) {
    tracing::error!(connection = lane.name, run, %error, "a run cannot go on now");
    let rest = Write::Wait {
        run,
        due: lane.host.clock.now().saturating_add(AILING_REST_MS),
        reason: Some(crate::contract::runs::WaitReason::Remote),
        on: None,
        sentence: format!("it cannot go on now ({error}); it is tried again in a minute"),
    };
    if lane.host.store.commit(vec![rest]).await.is_err() {
        tokio::time::sleep(STORE_PAUSE).await;
    }
}
