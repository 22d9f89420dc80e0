//! The store as plain maps in memory: what every other store is compared with. It keeps nothing on
//! a disk.

mod apply;
mod chains;
mod notices;
mod retention;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use self::chains::Chains;
use crate::contract::pacing::Gate;
use crate::contract::runs::{Completion, EndingKind, Facts, Link, ObjectStatus, StartReason};
use crate::contract::types::{Instant, ObjectRef, System};
use crate::store::{
    Attempt, ChainHash, ChainHead, CheckExtent, CommitWatch, Damage, Decision, EventCount,
    HistoryRow, Inbox, Notice, NoticeId, Pending, Receipt, Run, RunCount, RunFilter, RunId,
    RunState, Store, StoreError, StoredCallback, StoredCredential, StoredEvent, StoredOddity,
    Write,
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
    links: BTreeMap<Key, Link>,
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
struct KeptSettings {
    json: String,
    stored: Instant,
}

#[derive(Clone)]
struct KeptRun {
    run: Run,
    retired: bool,
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

impl State {
    fn inbox(&self) -> Inbox {
        let mut counts: BTreeMap<&str, EventCount> = BTreeMap::new();
        for (event, repeats) in self.events.values() {
            let count = counts.entry(&event.connection).or_insert(EventCount {
                connection: event.connection.clone(),
                events: 0,
                repeats: 0,
                latest: 0,
            });
            count.events += 1;
            count.repeats += repeats;
            count.latest = count.latest.max(event.received);
        }
        Inbox {
            events: counts.into_values().collect(),
            oddities: self.oddities.len() as u64,
        }
    }

    fn runs(&self) -> impl DoubleEndedIterator<Item = &Run> {
        self.runs.iter().map(|kept| &kept.run)
    }

    fn of_object(
        &self,
        connection: &str,
        object: &ObjectRef,
    ) -> impl DoubleEndedIterator<Item = &Run> {
        self.runs()
            .filter(move |run| run.connection == connection && run.object == *object)
    }

    fn active_of(&self, connection: &str, except: &[RunId]) -> Vec<Run> {
        let active = self.runs().filter(|run| {
            run.connection == connection
                && run.state != RunState::Ended
                && !except.contains(&run.id)
        });
        let mut active: Vec<_> = active.cloned().collect();
        active.sort_by_key(|run| (run.due, run.id));
        active
    }

    fn matching(&self, filter: &RunFilter) -> Vec<Run> {
        let limit = if filter.limit == 0 {
            usize::MAX
        } else {
            filter.limit as usize
        };
        self.runs()
            .rev()
            .filter(|run| self.matches(run, filter))
            .take(limit)
            .cloned()
            .collect()
    }

    fn matches(&self, run: &Run, filter: &RunFilter) -> bool {
        let ended_only = !filter.endings.is_empty();
        filter
            .connection
            .as_ref()
            .is_none_or(|connection| run.connection == *connection)
            && filter
                .object
                .as_ref()
                .is_none_or(|object| run.object == *object)
            && filter.find.as_ref().is_none_or(|text| is_found(run, text))
            && filter.state.is_none_or(|state| run.state == state)
            && (!ended_only || ending(run).is_some_and(|kind| filter.endings.contains(&kind)))
            && (!filter.latest_only || self.is_latest(run, ended_only))
            && filter.before.is_none_or(|before| run.id < before)
    }

    fn is_latest(&self, run: &Run, ended_only: bool) -> bool {
        let mut later = self
            .of_object(&run.connection, &run.object)
            .filter(|later| later.id > run.id);
        !later.any(|later| !ended_only || later.state == RunState::Ended)
    }

    fn counts(&self) -> Vec<RunCount> {
        let mut counts: Vec<RunCount> = Vec::new();
        for run in self.runs().filter(|run| run.state != RunState::Ended) {
            let fits =
                |count: &RunCount| (&count.connection, count.state) == (&run.connection, run.state);
            let at = counts.iter().position(fits).unwrap_or_else(|| {
                counts.push(RunCount {
                    connection: run.connection.clone(),
                    state: run.state,
                    ending: None,
                    objects: 0,
                    runs: 0,
                    oldest_started: None,
                });
                counts.len() - 1
            });
            counts[at].runs += 1;
            counts[at].objects += 1;
            let oldest = &mut counts[at].oldest_started;
            *oldest = Some(oldest.map_or(run.started, |oldest| oldest.min(run.started)));
        }
        let ended = self.ended.iter();
        counts.extend(ended.map(|((connection, word), runs)| RunCount {
            connection: connection.clone(),
            state: RunState::Ended,
            ending: EndingKind::from_word(word),
            objects: self.latest_ended(connection, word),
            runs: *runs,
            oldest_started: None,
        }));
        counts
    }

    fn latest_ended(&self, connection: &str, word: &str) -> u64 {
        let latest = self.runs().filter(|run| {
            let how = ending(run).map(EndingKind::as_str);
            run.connection == connection && how == Some(word) && self.is_latest(run, true)
        });
        latest.count() as u64
    }

    fn object_status(&self, connection: &str, object: &ObjectRef) -> ObjectStatus {
        let mut runs = self.of_object(connection, object);
        let active = runs.any(|run| run.state != RunState::Ended);
        let last = self
            .of_object(connection, object)
            .rev()
            .find_map(|run| run.completion.as_ref());
        ObjectStatus {
            object: object.clone(),
            link: self.links.get(&object_key(connection, object)).cloned(),
            active,
            last: last.map(Completion::to_last_ending),
        }
    }
}

fn ending(run: &Run) -> Option<EndingKind> {
    run.completion.as_ref().map(Completion::kind)
}

fn is_found(run: &Run, text: &str) -> bool {
    let Facts {
        number,
        party,
        amount,
        ..
    } = &run.facts;
    let fields = [
        Some(&run.object.id),
        number.as_ref(),
        party.as_ref(),
        amount.as_ref(),
    ];
    let text = text.to_ascii_lowercase();
    let mut fields = fields.into_iter().flatten();
    fields.any(|field| field.to_ascii_lowercase().contains(&text))
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
