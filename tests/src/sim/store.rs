//! The simulator's store, in memory: what survives a crash. Runs with their histories, links, and
//! the status of each object.

mod endings;

use std::collections::BTreeMap;

use ml_connector_component::contract::admission::Activity;
use ml_connector_component::contract::runs::{
    Changes, Completion, Demand, Ending, HistoryEntry, Link, NewTask, ObjectStatus, Outcome,
    StartReason, Task, Wait, WaitReason, Wake,
};
use ml_connector_component::contract::types::ObjectRef;
use ml_connector_sandbox::Millis;

pub use self::endings::{ending_name, last_ending};
use super::{WEBHOOK_URL, activity, wake};

/// An object's kind and id; every object in the simulator belongs to one connection.
type Key = (String, String);

/// The state of a run.
#[derive(Debug, Clone)]
pub enum RunState {
    /// It may go on at this instant.
    Due(Millis),
    /// It waits for an instant, and perhaps for another object.
    Waiting {
        /// The instant at which it goes on whatever happens.
        until: Millis,
        /// Why it waits, as the component said.
        reason: WaitReason,
        /// The object whose end wakes it earlier.
        on: Option<ObjectRef>,
        /// Whether a run of that object has ended since.
        by_object: bool,
    },
    /// It has ended, and no other step of it is taken.
    Ended(Box<Ended>),
}

/// How and when a run ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// What the component returned with `done`.
    pub completion: Completion,
    /// The instant at which it was stored.
    pub at: Millis,
}

/// A run with its history.
#[derive(Debug, Clone)]
pub struct StoredRun {
    /// The object and the reason, as the component is told.
    pub task: Task,
    /// Demands with their outcomes, oldest first. A write is recorded before it is sent; after a
    /// crash it may be left without an outcome.
    pub history: Vec<HistoryEntry>,
    /// Due, waiting or ended.
    pub state: RunState,
    /// How many entries of the history survive a crash.
    durable: usize,
}

/// A store in memory that forgets at a crash exactly what a real store may forget.
#[derive(Debug, Default)]
pub struct MemoryStore {
    /// All runs, numbered from 1 in the order of their start.
    pub runs: BTreeMap<u64, StoredRun>,
    /// All links, by the kind and id of their source.
    pub links: BTreeMap<Key, Link>,
    /// Every object that an acknowledged notice named, in the order of arrival.
    pub acknowledged: Vec<ObjectRef>,
    /// The objects whose runs register the address that webhooks are sent to.
    pub(super) webhook_objects: Vec<ObjectRef>,
    active: BTreeMap<Key, u64>,
    latest: BTreeMap<Key, u64>,
    dirty: BTreeMap<Key, StartReason>,
    look_again: BTreeMap<Key, (Millis, ObjectRef)>,
}

impl MemoryStore {
    pub(super) fn new(webhook_objects: Vec<ObjectRef>) -> Self {
        Self {
            webhook_objects,
            ..Self::default()
        }
    }

    /// The latest ended run of each object, by kind and id.
    #[must_use]
    pub fn endings(&self) -> BTreeMap<(String, String), Ending> {
        let latest = self
            .latest
            .iter()
            .filter_map(|(key, id)| match &self.runs.get(id)?.state {
                RunState::Ended(ended) => Some((key.clone(), ended.completion.ending.clone())),
                _ => None,
            });
        latest.collect()
    }

    /// How the latest run of an object ended.
    #[must_use]
    pub fn ending(&self, kind: &str, id: &str) -> Option<Ending> {
        self.endings().remove(&(kind.to_string(), id.to_string()))
    }

    /// Runs that have not ended.
    #[must_use]
    pub fn unfinished(&self) -> Vec<u64> {
        self.active.values().copied().collect()
    }

    pub(super) fn start(&mut self, object: ObjectRef, reason: StartReason, now: Millis) {
        let key = key(&object);
        if self.active.contains_key(&key) {
            self.dirty.entry(key).or_insert(reason);
            return;
        }
        self.look_again.remove(&key);
        let id = self.runs.len() as u64 + 1;
        let run = StoredRun {
            task: self.task(object, reason, now),
            history: Vec::new(),
            state: RunState::Due(now),
            durable: 0,
        };
        self.runs.insert(id, run);
        self.active.insert(key, id);
    }

    pub(super) fn activity(&self, object: &ObjectRef) -> Activity {
        let key = key(object);
        activity(
            self.active.contains_key(&key),
            self.dirty.contains_key(&key),
        )
    }

    pub(super) fn next_due(&self) -> Option<Millis> {
        let runs = self
            .active
            .values()
            .filter_map(|id| match &self.runs[id].state {
                RunState::Due(due) => Some(*due),
                RunState::Waiting { until, .. } => Some(*until),
                RunState::Ended(_) => None,
            });
        runs.chain(self.look_again.values().map(|(due, _)| *due))
            .min()
    }

    pub(super) fn due(&mut self, now: Millis) -> Vec<u64> {
        let again: Vec<_> = self
            .look_again
            .values()
            .filter(|(due, _)| *due <= now)
            .cloned()
            .collect();
        for (_, object) in again {
            self.start(object, StartReason::LookAgain, now);
        }
        let is_due = |id: &&u64| match &self.runs[*id].state {
            RunState::Due(due) => *due <= now,
            RunState::Waiting { until, .. } => *until <= now,
            RunState::Ended(_) => false,
        };
        self.active.values().filter(is_due).copied().collect()
    }

    pub(super) fn woken(&self, id: u64) -> Option<Wake> {
        match &self.runs[&id].state {
            RunState::Waiting { by_object, .. } => Some(wake(*by_object)),
            _ => None,
        }
    }

    pub(super) fn latest(&self, id: u64) -> Millis {
        let run = &self.runs[&id];
        let reported = run.history.iter().rev().find_map(|e| e.outcome.as_ref());
        reported.map_or(run.task.started, |outcome| outcome.at)
    }

    /// Records a write, durably, before it is sent.
    pub(super) fn record_intent(&mut self, id: u64, demand: Demand) {
        self.change(id, |run| {
            run.history.push(HistoryEntry {
                demand,
                outcome: None,
            });
            run.durable = run.history.len();
        });
    }

    pub(super) fn record(&mut self, id: u64, demand: Demand, outcome: Outcome, durable: bool) {
        let at = outcome.at;
        self.change(id, |run| {
            let intent = run.history.last_mut();
            match intent.filter(|entry| entry.outcome.is_none() && entry.demand == demand) {
                Some(entry) => entry.outcome = Some(outcome),
                None => run.history.push(HistoryEntry {
                    demand,
                    outcome: Some(outcome),
                }),
            }
            if durable {
                run.durable = run.history.len();
            }
            run.state = RunState::Due(at);
        });
    }

    pub(super) fn start_over(&mut self, id: u64, unknown_since: Option<Millis>, now: Millis) {
        let started = now.max(self.latest(id));
        self.change(id, |run| {
            run.history.clear();
            run.durable = 0;
            run.task.started = started;
            run.task.unknown_since = run.task.unknown_since.or(unknown_since);
            run.state = RunState::Due(started);
        });
    }

    pub(super) fn forget_undurable(&mut self, now: Millis) {
        for id in self.unfinished() {
            self.change(id, |run| {
                run.history.truncate(run.durable);
                if matches!(run.state, RunState::Due(_)) {
                    run.state = RunState::Due(now);
                }
            });
        }
    }

    pub(super) fn defer(&mut self, id: u64, until: Millis) {
        self.change(id, |run| {
            run.durable = run.history.len();
            run.state = RunState::Due(until);
        });
    }

    pub(super) fn wait(&mut self, id: u64, wait: Wait) {
        self.change(id, |run| {
            run.durable = run.history.len();
            run.state = RunState::Waiting {
                until: wait.until,
                reason: wait.reason,
                on: wait.on,
                by_object: false,
            };
        });
        // What it waits for may have ended before it began to wait.
        let on = match &self.runs[&id].state {
            RunState::Waiting { on: Some(on), .. } => key(on),
            _ => return,
        };
        if !self.active.contains_key(&on) {
            self.wake_those_waiting_for(&on, 0);
        }
    }

    pub(super) fn wake_handshakes(&mut self, now: Millis) {
        for run in self.runs.values_mut() {
            if let RunState::Waiting {
                until,
                reason: WaitReason::Handshake,
                ..
            } = &mut run.state
            {
                *until = now;
            }
        }
    }

    pub(super) fn end(&mut self, id: u64, completion: Completion, now: Millis) {
        let again = match &completion.ending {
            Ending::Parked(failure) | Ending::Rejected(failure) => failure.look_again,
            _ => None,
        };
        self.change(id, |run| {
            run.durable = run.history.len();
            run.state = RunState::Ended(Box::new(Ended {
                completion,
                at: now,
            }));
        });
        let object = self.runs[&id].task.object.clone();
        let key = key(&object);
        self.active.remove(&key);
        self.latest.insert(key.clone(), id);
        self.wake_those_waiting_for(&key, now);
        match (self.dirty.remove(&key), again) {
            (Some(reason), _) => self.start(object, reason, now),
            (None, Some(due)) => {
                self.look_again.insert(key, (due, object));
            }
            (None, None) => {}
        }
    }

    pub(super) fn save(&mut self, changes: &Changes, now: Millis) {
        for link in &changes.links {
            self.links.insert(key(&link.source), link.clone());
        }
        for source in &changes.unlinks {
            self.links.remove(&key(source));
        }
        for NewTask { object, reason } in &changes.tasks {
            self.start(object.clone(), *reason, now);
        }
    }

    pub(super) fn statuses(&self, objects: &[ObjectRef]) -> Vec<ObjectStatus> {
        objects.iter().map(|object| self.status(object)).collect()
    }

    fn status(&self, object: &ObjectRef) -> ObjectStatus {
        let key = key(object);
        let latest = self.latest.get(&key).and_then(|id| self.runs.get(id));
        ObjectStatus {
            object: object.clone(),
            link: self.links.get(&key).cloned(),
            active: self.active.contains_key(&key),
            last: latest.and_then(|run| match &run.state {
                RunState::Ended(ended) => Some(last_ending(&ended.completion)),
                RunState::Due(_) | RunState::Waiting { .. } => None,
            }),
        }
    }

    fn task(&self, object: ObjectRef, reason: StartReason, started: Millis) -> Task {
        let receive_url = self.webhook_objects.contains(&object);
        Task {
            object,
            reason,
            started,
            receive_url: receive_url.then(|| WEBHOOK_URL.to_string()),
            unknown_since: None,
        }
    }

    fn wake_those_waiting_for(&mut self, ended: &Key, now: Millis) {
        for run in self.runs.values_mut() {
            if let RunState::Waiting {
                until,
                on: Some(on),
                by_object,
                ..
            } = &mut run.state
                && key(on) == *ended
            {
                *until = now;
                *by_object = true;
            }
        }
    }

    fn change(&mut self, id: u64, change: impl FnOnce(&mut StoredRun)) {
        if let Some(run) = self.runs.get_mut(&id) {
            change(run);
        }
    }
}

fn key(object: &ObjectRef) -> Key {
    (object.kind.clone(), object.id.clone())
}
