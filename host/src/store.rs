//! What the host keeps, behind one trait.
//!
//! A [`Store`] makes three promises, which the suite in `conformance` checks for every
//! implementation:
//!
//! 1. **A batch is all or nothing, and durable.** When [`Store::commit`] returns `Ok`, every write
//!    of the batch
//!    is on the disk; when it returns an error, none is. A batch that breaks a rule (such as a second active run
//!    of one object) fails alone and harms no batch that is committed together with it.
//! 2. **Reads see every batch whose commit has returned.**
//! 3. **One run of an object at a time.** At most one run of an object of a connection has not
//!    ended.
//!
//! Implementations know nothing of the business: they keep what they are given.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod sqlite;

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

use crate::contract::credentials::Credential;
use crate::contract::pacing::Gate;
use crate::contract::runs::{
    Completion, Demand, EndingKind, Link, NewTask, Outcome, Reason, Standing, WaitReason,
};
use crate::contract::types::{Instant, ObjectRef, System};
use crate::contract::words::words;

/// Numbers runs from 1, in the order in which they were started.
pub type RunId = u64;

/// Numbers notices from 1, in the order in which they were stored.
pub type NoticeId = u64;

/// What a store call returns: resolved when the answer is there, for a commit when it is durable.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Why a store call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The batch breaks a rule of the store; trying again does not help.
    #[error("the store refused the change: {0}")]
    Refused(String),
    /// The disk is full or failing; nothing of the batch was kept.
    #[error("the store cannot write: {0}")]
    Unavailable(String),
    /// What is stored cannot be read.
    #[error("the store holds something unreadable: {0}")]
    Corrupt(String),
}

/// Keeps everything that must survive the process.
pub trait Store: Send + Sync + 'static {
    /// Applies the writes in order, all or none, and resolves when they are durable.
    fn commit(&self, batch: Vec<Write>) -> Pending<'_, Receipt>;

    /// Notices that have no decision yet, oldest first, at most `limit`.
    fn undecided_notices(&self, limit: u32) -> Pending<'_, Vec<Notice>>;

    /// Runs of a connection that have not ended and are due at `now`, soonest first and of those
    /// due together the oldest first, at most `limit`, leaving out those in `except` (the ones
    /// under way). Asked for by connection, so that the backlog of one never stands before the runs
    /// of another.
    fn due_runs(
        &self,
        connection: &str,
        now: Instant,
        limit: u32,
        except: Vec<RunId>,
    ) -> Pending<'_, Vec<Run>>;

    /// When the next run of a connection that has not ended is due, leaving out those in `except`.
    fn next_due(&self, connection: &str, except: Vec<RunId>) -> Pending<'_, Option<Instant>>;

    /// One run.
    fn run(&self, id: RunId) -> Pending<'_, Option<Run>>;

    /// The run of an object that has not ended.
    fn active_run(&self, connection: &str, object: &ObjectRef) -> Pending<'_, Option<Run>>;

    /// Runs that match, newest first.
    fn runs(&self, filter: RunFilter) -> Pending<'_, Vec<Run>>;

    /// How many runs there are by connection and state.
    fn run_counts(&self) -> Pending<'_, Vec<RunCount>>;

    /// A run's history in order: all epochs, oldest first.
    fn history(&self, id: RunId) -> Pending<'_, Vec<HistoryRow>>;

    /// What is known of each object, in the order asked. An object never heard of has an empty
    /// standing.
    fn standings(&self, connection: &str, objects: &[ObjectRef]) -> Pending<'_, Vec<Standing>>;

    /// The text of a version of a connection's settings.
    fn settings(&self, connection: &str, version: &str) -> Pending<'_, Option<String>>;

    /// A connection's credential for a system.
    fn credential(&self, connection: &str, system: System)
    -> Pending<'_, Option<StoredCredential>>;

    /// A connection's webhook registrations.
    fn callbacks(&self, connection: &str) -> Pending<'_, Vec<StoredCallback>>;

    /// A connection's gates.
    fn gates(&self, connection: &str) -> Pending<'_, Vec<Gate>>;

    /// A small value that the host keeps under a name, such as the last start of a schedule.
    fn mark(&self, name: &str) -> Pending<'_, Option<String>>;

    /// Authentic deliveries that could not be read, newest first, at most `limit`.
    fn oddities(&self, limit: u32) -> Pending<'_, Vec<StoredOddity>>;

    /// How many events and unreadable deliveries are kept, the events by connection and in its
    /// order.
    fn inbox(&self) -> Pending<'_, Inbox>;
}

/// One change. Writes of a batch are applied in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Keeps a notice.
    Notice {
        /// The connection that it arrived at.
        connection: String,
        /// The object that it names.
        object: ObjectRef,
        /// The event's full name.
        event: String,
        /// When it arrived.
        received: Instant,
    },
    /// Records what a notice led to. A decision is made once; a second one is refused.
    Decide {
        /// The notice.
        notice: NoticeId,
        /// What it led to.
        decision: Decision,
    },
    /// Keeps an authentic delivery that could not be read.
    Oddity(StoredOddity),
    /// Keeps an event, by connection and id, together with a notice of the object that it names, if
    /// it names one. An event that is kept already leads to no notice: it is counted there, and in
    /// [`Receipt::repeated_events`].
    Event(StoredEvent),
    /// Forgets events and unreadable deliveries that arrived before this instant.
    Forget {
        /// The instant.
        received_before: Instant,
    },
    /// Starts a run; refused while a run of the object has not ended.
    Start(NewRun),
    /// Starts a run, or, where one has not ended, marks its object dirty so that another run starts
    /// (with this reason; of several marks the last counts, but `replay` stays) when that one ends.
    /// A run that has not begun because it only waits for its time to look again is taken instead:
    /// it gets this reason, settings and start, and is due at once.
    StartOrMarkDirty(NewRun),
    /// Appends to a run's history. Refused if the run has ended or is in another epoch, and if
    /// `index` is taken already, unless it holds the same demand without an outcome, which this
    /// completes.
    Append {
        /// The run.
        run: RunId,
        /// The rows.
        rows: Vec<HistoryRow>,
    },
    /// Keeps and forgets links of a connection.
    Links {
        /// The connection.
        connection: String,
        /// Links to insert or replace, by source.
        links: Vec<Link>,
        /// Links to forget, by source.
        unlinks: Vec<ObjectRef>,
    },
    /// Sets when a run is due again, and why it waits.
    Wait {
        /// The run.
        run: RunId,
        /// Due at this instant.
        due: Instant,
        /// Why; nothing when it is simply due.
        reason: Option<WaitReason>,
        /// Woken earlier when a run of this object of the same connection ends; at once, as if one
        /// had just ended, when none is there that could.
        on: Option<ObjectRef>,
        /// One plain sentence for the timeline.
        sentence: String,
    },
    /// Starts a run over under the next epoch: its old history stays for the audit and is not
    /// replayed.
    StartOver {
        /// The run.
        run: RunId,
        /// The version of the settings that it runs under from here on.
        settings_version: String,
        /// The instant that stands for its start.
        started: Instant,
        /// Why, one plain sentence.
        sentence: String,
    },
    /// Ends a run. In the same transaction: wakes the runs that wait for its object (due at `at`,
    /// with [`Run::woken_by_object`] set) and, if the object was marked dirty or the completion
    /// names a time to look again, starts the next run of the object: at once, or waiting (without
    /// a reason) for that time, which then is its start too.
    End {
        /// The run.
        run: RunId,
        /// How it ended.
        completion: Completion,
        /// When it ended.
        at: Instant,
    },
    /// Keeps a version of a connection's settings; keeping the same one again changes nothing.
    Settings {
        /// The connection.
        connection: String,
        /// `settings.version()` of the component.
        version: String,
        /// The JSON text.
        json: String,
    },
    /// Keeps a credential. Refused if the stored generation is already higher.
    Credential(StoredCredential),
    /// Keeps a webhook registration, by its callback id.
    Callback(StoredCallback),
    /// Keeps a gate.
    Gate {
        /// The connection.
        connection: String,
        /// The gate.
        gate: Gate,
    },
    /// Keeps a small value under a name.
    Mark {
        /// The name.
        name: String,
        /// The value.
        value: String,
    },
    /// Forgets histories of runs that ended before this instant; the runs themselves stay.
    Retire {
        /// The instant.
        ended_before: Instant,
    },
}

/// What a commit gave rise to: the numbers of the notices and runs that its writes made, in order.
/// The run that follows an ended one is among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Numbers of notices.
    pub notices: Vec<NoticeId>,
    /// Numbers of runs that were started (an object that was only marked dirty has none).
    pub runs: Vec<RunId>,
    /// How many events were kept already.
    pub repeated_events: u32,
}

/// A stored notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its number.
    pub id: NoticeId,
    /// The connection that it arrived at.
    pub connection: String,
    /// The object that it names.
    pub object: ObjectRef,
    /// The event's full name.
    pub event: String,
    /// When it arrived.
    pub received: Instant,
}

/// What a notice led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The run that was started, or that will look again.
    Run(RunId),
    /// Nothing, for this reason.
    NothingNew(String),
}

/// A run to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// The connection.
    pub connection: String,
    /// What is to be done.
    pub task: NewTask,
    /// The version of the settings to begin with.
    pub settings_version: String,
    /// Now; the run is due at once.
    pub started: Instant,
    /// The notice that led to it, if one did: decided in the same write.
    pub notice: Option<NoticeId>,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// Due at once, or under way.
    Due,
    /// Waiting for its instant.
    Waiting,
    /// Over, with a completion.
    Ended,
}

words!(RunState { Due = "due", Waiting = "waiting", Ended = "ended" });

/// A stored run, without its history.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// The connection.
    pub connection: String,
    /// The object.
    pub object: ObjectRef,
    /// Why it was started.
    pub reason: Reason,
    /// The instant of its (last) start: an input of the run.
    pub started: Instant,
    /// The version of the settings that it runs under: an input of the run.
    pub settings_version: String,
    /// Counts how often it was started over, from 0.
    pub epoch: u32,
    /// Where it stands.
    pub state: RunState,
    /// When it is due, unless it has ended.
    pub due: Instant,
    /// Why it waits.
    pub wait_reason: Option<WaitReason>,
    /// True when it was woken by the end of the object that it waited for.
    pub woken_by_object: bool,
    /// True when another run of the object is due after it.
    pub dirty: bool,
    /// What it waits for, or why it was started over, or empty.
    pub sentence: String,
    /// How it ended.
    pub completion: Option<Completion>,
    /// When it ended.
    pub ended: Option<Instant>,
}

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this connection only.
    pub connection: Option<String>,
    /// Of this object only.
    pub object: Option<ObjectRef>,
    /// In this state only.
    pub state: Option<RunState>,
    /// That ended in one of these ways only; empty for any.
    pub endings: Vec<EndingKind>,
    /// Only the latest run of each object; together with `endings`, the latest that has ended, so
    /// that an object stays parked while it waits to be looked at again.
    pub latest_only: bool,
    /// Only runs with a smaller number, for paging.
    pub before: Option<RunId>,
    /// At most so many; 0 for no bound.
    pub limit: u32,
}

/// A count of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCount {
    /// The connection.
    pub connection: String,
    /// The state.
    pub state: RunState,
    /// How they ended; `None` kind unless the state is `Ended`.
    pub ending: EndingKind,
    /// How many there are, counting the run of each object that has not ended, and the latest that
    /// has.
    pub objects: u64,
    /// How many there are in all.
    pub runs: u64,
}

/// One row of a history. Its bodies are stored compressed.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryRow {
    /// The epoch that it belongs to.
    pub epoch: u32,
    /// Its number in the epoch, from 0.
    pub index: u32,
    /// When the demand was recorded.
    pub at: Instant,
    /// What was demanded; never `done`.
    pub demand: Demand,
    /// What came of it; nothing for a write whose outcome is not known yet.
    pub outcome: Option<Outcome>,
}

/// A credential as it is kept: the visible part, and the secrets sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCredential {
    /// The connection.
    pub connection: String,
    /// The visible part.
    pub credential: Credential,
    /// The sealed tokens; empty for none.
    pub sealed_tokens: Vec<u8>,
    /// True between the recorded intent to refresh and its outcome.
    pub refreshing: bool,
    /// The sealed raw answer of a refresh that has not been read yet; empty for none.
    pub sealed_answer: Vec<u8>,
}

/// A webhook registration as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCallback {
    /// The connection.
    pub connection: String,
    /// FreshBooks' callback id.
    pub id: String,
    /// The sealed verifier that is trusted; empty while pending.
    pub sealed_verifier: Vec<u8>,
    /// The sealed verifier that was received and is not confirmed; empty for none.
    pub sealed_candidate: Vec<u8>,
}

/// An event of SAP Concur as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// The connection that it arrived at.
    pub connection: String,
    /// Its id, as the sender named it.
    pub id: String,
    /// Its full type.
    pub event_type: String,
    /// When it arrived.
    pub received: Instant,
    /// The object that it is a reason to look at; nothing if it leads to none.
    pub object: Option<ObjectRef>,
}

/// What has arrived and is not forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inbox {
    /// Events, by connection.
    pub events: Vec<EventCount>,
    /// Authentic deliveries that could not be read.
    pub oddities: u64,
}

/// A connection's events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventCount {
    /// The connection.
    pub connection: String,
    /// How many there are.
    pub events: u64,
    /// How often one of them came again.
    pub repeats: u64,
    /// When the latest of them arrived for the first time.
    pub latest: Instant,
}

/// An authentic delivery that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOddity {
    /// The connection that it arrived at.
    pub connection: String,
    /// When it arrived.
    pub received: Instant,
    /// Stable code.
    pub code: String,
    /// One plain sentence.
    pub sentence: String,
    /// The raw body, at most 8 KiB; of an event at most 256 KiB.
    pub body: Vec<u8>,
}
