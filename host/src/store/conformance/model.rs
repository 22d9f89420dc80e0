//! The store as plain maps in memory: what every other store is compared with. It keeps nothing on
//! a disk.

mod apply;
mod chains;
mod links;
mod notices;
mod reads;
mod retention;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use self::chains::Chains;
use crate::contract::pacing::Gate;
use crate::contract::runs::{Link, ObjectStatus, StartReason};
use crate::contract::types::{Instant, ObjectRef, System};
use crate::store::{
    Attempt, ChainHash, ChainHead, CheckExtent, CommitWatch, Damage, Decision, HistoryRow, Inbox,
    LinkChange, LinkChangeFilter, LinkFilter, Notice, NoticeId, Pending, Receipt, Run, RunCount,
    RunFilter, RunId, RunState, Store, StoreError, StoredCallback, StoredCredential, StoredEvent,
    StoredLink, StoredOddity, Write,
};

/// A store in memory, for tests. Clones share what is kept.
#[derive(Clone, Default)]
pub struct ModelStore {
    state: Arc<Mutex<State>>,
    commits: Arc<CommitWatch>,
    is_full: Arc<AtomicBool>,
}

/// A connection and a name of some kind.
type Key = (String, String);

#[derive(Clone, Default)]
struct State {
    notices: Vec<KeptNotice>,
    runs: Vec<KeptRun>,
    /// How many runs of a connection have ended in a way.
    ended: BTreeMap<Key, u64>,
    links: BTreeMap<Key, KeptLink>,
    /// With the name of the connection.
    link_changes: Vec<(String, LinkChange)>,
    settings: BTreeMap<Key, KeptSettings>,
    credentials: BTreeMap<Key, StoredCredential>,
    callbacks: BTreeMap<Key, StoredCallback>,
    gates: BTreeMap<Key, Gate>,
    marks: BTreeMap<String, String>,
    oddities: Vec<StoredOddity>,
    events: BTreeMap<Key, (StoredEvent, u64)>,
    chains: Chains,
}

#[derive(Clone)]
struct KeptNotice {
    notice: Notice,
    /// When the first of those in it arrived.
    first: Instant,
    decision: Option<Decision>,
}

#[derive(Clone)]
struct KeptLink {
    link: Link,
    run: Option<RunId>,
    stored: Instant,
}

#[derive(Clone)]
struct KeptSettings {
    json: String,
    stored: Instant,
}

#[derive(Clone)]
struct KeptRun {
    run: Run,
    retired: bool,
    /// Retired when a later run of the object had ended.
    superseded: bool,
    next: Option<(StartReason, String)>,
    waits_on: Option<ObjectRef>,
    history: Vec<HistoryRow>,
    attempts: Vec<Attempt>,
}

impl ModelStore {
    /// Has every commit fail from here on, as on a full disk, or none any more.
    pub fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Release);
    }

    fn read<T: Send + 'static>(&self, query: impl FnOnce(&State) -> T) -> Pending<'_, T> {
        let answer = query(&self.state.lock().unwrap_or_else(PoisonError::into_inner));
        Box::pin(std::future::ready(Ok(answer)))
    }

    fn apply(&self, batch: Vec<Write>) -> Result<Receipt, StoreError> {
        if self.is_full.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable("the model is full".into()));
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = state.clone();
        let receipt = changed.apply_all(batch)?;
        *state = changed;
        Ok(receipt)
    }
}

impl Store for ModelStore {
    fn commit(&self, batch: Vec<Write>) -> Pending<'_, Receipt> {
        Box::pin(async move {
            let committed = self.apply(batch);
            self.commits.note(&committed);
            committed
        })
    }

    fn commits(&self) -> &CommitWatch {
        &self.commits
    }

    fn undecided_notices(&self, limit: u32, except: Vec<NoticeId>) -> Pending<'_, Vec<Notice>> {
        self.read(|state| {
            let undecided = state.notices.iter().filter(|kept| kept.decision.is_none());
            undecided
                .map(|kept| kept.notice.clone())
                .filter(|notice| !except.contains(&notice.id))
                .take(limit as usize)
                .collect()
        })
    }

    fn due_runs(
        &self,
        connection: &str,
        now: Instant,
        limit: u32,
        except: Vec<RunId>,
    ) -> Pending<'_, Vec<Run>> {
        self.read(|state| {
            let mut due = state.active_of(connection, &except);
            due.retain(|run| run.due <= now);
            due.truncate(limit as usize);
            due
        })
    }

    fn next_due(&self, connection: &str, except: Vec<RunId>) -> Pending<'_, Option<Instant>> {
        self.read(|state| {
            state
                .active_of(connection, &except)
                .first()
                .map(|run| run.due)
        })
    }

    fn run(&self, id: RunId) -> Pending<'_, Option<Run>> {
        self.read(|state| state.runs().find(|run| run.id == id).cloned())
    }

    fn active_run(&self, connection: &str, object: &ObjectRef) -> Pending<'_, Option<Run>> {
        self.read(|state| {
            state
                .of_object(connection, object)
                .find(|run| run.state != RunState::Ended)
                .cloned()
        })
    }

    fn runs(&self, filter: RunFilter) -> Pending<'_, Vec<Run>> {
        self.read(|state| state.matching(&filter))
    }

    fn run_counts(&self) -> Pending<'_, Vec<RunCount>> {
        self.read(State::counts)
    }

    fn history(&self, id: RunId) -> Pending<'_, Vec<HistoryRow>> {
        self.read(|state| {
            let kept = state.runs.iter().find(|kept| kept.run.id == id);
            kept.map(|kept| kept.history.clone()).unwrap_or_default()
        })
    }

    fn attempts(&self, id: RunId) -> Pending<'_, Vec<Attempt>> {
        self.read(|state| {
            let kept = state.runs.iter().find(|kept| kept.run.id == id);
            kept.map(|kept| kept.attempts.clone()).unwrap_or_default()
        })
    }

    fn connections_with_secrets(&self) -> Pending<'_, Vec<String>> {
        self.read(|state| {
            let keys = state.credentials.keys().chain(state.callbacks.keys());
            let names: BTreeSet<String> = keys.map(|(connection, _)| connection.clone()).collect();
            names.into_iter().collect()
        })
    }

    fn object_statuses(
        &self,
        connection: &str,
        objects: &[ObjectRef],
    ) -> Pending<'_, Vec<ObjectStatus>> {
        self.read(|state| {
            objects
                .iter()
                .map(|object| state.object_status(connection, object))
                .collect()
        })
    }

    fn links(&self, filter: LinkFilter) -> Pending<'_, Vec<StoredLink>> {
        self.read(|state| state.matching_links(&filter))
    }

    fn link_changes(&self, filter: LinkChangeFilter) -> Pending<'_, Vec<LinkChange>> {
        self.read(|state| state.matching_changes(&filter))
    }

    fn settings(&self, connection: &str, version: &str) -> Pending<'_, Option<String>> {
        self.read(|state| {
            let kept = state.settings.get(&key(connection, version));
            kept.map(|kept| kept.json.clone())
        })
    }

    fn credential(
        &self,
        connection: &str,
        system: System,
    ) -> Pending<'_, Option<StoredCredential>> {
        self.read(|state| {
            state
                .credentials
                .get(&key(connection, system.as_str()))
                .cloned()
        })
    }

    fn callbacks(&self, connection: &str) -> Pending<'_, Vec<StoredCallback>> {
        self.read(|state| of_connection(&state.callbacks, connection))
    }

    fn gates(&self, connection: &str) -> Pending<'_, Vec<Gate>> {
        self.read(|state| of_connection(&state.gates, connection))
    }

    fn mark(&self, name: &str) -> Pending<'_, Option<String>> {
        self.read(|state| state.marks.get(name).cloned())
    }

    fn oddities(&self, limit: u32) -> Pending<'_, Vec<StoredOddity>> {
        self.read(|state| {
            state
                .oddities
                .iter()
                .rev()
                .take(limit as usize)
                .cloned()
                .collect()
        })
    }

    fn inbox(&self) -> Pending<'_, Inbox> {
        self.read(State::inbox)
    }

    fn history_hashes(&self, connection: &str, id: RunId) -> Pending<'_, Vec<ChainHash>> {
        self.read(|state| {
            let kept = state.runs.iter().find(|kept| kept.run.id == id);
            chains::history_hashes(connection, id, kept.map_or(&[], |kept| &kept.history))
        })
    }

    fn chain_heads(&self) -> Pending<'_, Vec<ChainHead>> {
        self.read(|state| state.chains.heads())
    }

    fn chain_hash(&self, connection: &str, number: u64) -> Pending<'_, Option<ChainHash>> {
        self.read(|state| state.chains.hash(connection, number))
    }

    /// Memory is taken to be without fault.
    fn find_damage(&self, _extent: CheckExtent) -> Pending<'_, Vec<Damage>> {
        self.read(|_| Vec::new())
    }
}

fn key(connection: &str, name: &str) -> Key {
    (connection.into(), name.into())
}

fn object_key(connection: &str, object: &ObjectRef) -> Key {
    key(
        connection,
        &format!("{} {} {}", object.system.as_str(), object.kind, object.id),
    )
}

fn of_connection<T: Clone>(kept: &BTreeMap<Key, T>, connection: &str) -> Vec<T> {
    kept.iter()
        .filter(|((of, _), _)| of == connection)
        .map(|(_, value)| value.clone())
        .collect()
}
