//! What a store returns.

use serde::{Deserialize, Serialize};

use super::{NoticeId, RunId};
use crate::contract::credentials::Credential;
use crate::contract::runs::{
    Completion, Demand, EndingKind, Facts, HistoryEntry, Outcome, StartReason, WaitReason,
};
use crate::contract::types::{Instant, ObjectRef};
use crate::contract::words::words;

/// A webhook or event as it is stored, until it is decided what it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its number, counted from 1.
    pub id: NoticeId,
    /// The connection that it arrived at.
    pub connection: String,
    /// The object that it names.
    pub object: ObjectRef,
    /// The event's full name.
    pub event: String,
    /// When it arrived, in milliseconds since 1970; the latest of those that were folded into it.
    pub received: Instant,
    /// How many arrived, itself included: one that comes while another of its object waits for its
    /// decision is folded into that one.
    pub arrivals: u32,
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
    /// Its number, counted from 1.
    pub id: RunId,
    /// The name of the connection.
    pub connection: String,
    /// What the run carries over; one run of it at a time.
    pub object: ObjectRef,
    /// Why it was started.
    pub reason: StartReason,
    /// The instant of its (last) start: an input of the run.
    pub started: Instant,
    /// The version of the settings that it runs under: an input of the run.
    pub settings_version: String,
    /// Counts how often it was started over, from 0.
    pub epoch: u32,
    /// Due, waiting or ended.
    pub state: RunState,
    /// When it is due, unless it has ended.
    pub due: Instant,
    /// Why it waits; nothing unless it does.
    pub wait_reason: Option<WaitReason>,
    /// True when it was woken by the end of the object that it waited for.
    pub woken_by_object: bool,
    /// True when another run of the object is due after it.
    pub dirty: bool,
    /// What it waits for, or why it was started over, or empty.
    pub message: String,
    /// How it ended; nothing before that.
    pub completion: Option<Completion>,
    /// When it ended; nothing before that.
    pub ended: Option<Instant>,
    /// What people call the object, as far as a completion of any of its runs has known it.
    pub facts: Facts,
}

/// What a run began with in an epoch that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The number of the epoch, counted from 0.
    pub epoch: u32,
    /// The version of the settings that it ran under.
    pub settings_version: String,
    /// `task.started` of that epoch.
    pub started: Instant,
}

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this connection only.
    pub connection: Option<String>,
    /// Of this object only.
    pub object: Option<ObjectRef>,
    /// Only of objects whose id, number, party or amount contains this text; ASCII letters of
    /// either case count as the same.
    pub find: Option<String>,
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

/// How many runs of a connection are in a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCount {
    /// The name of the connection.
    pub connection: String,
    /// The state that these runs have.
    pub state: RunState,
    /// How they ended; none unless the state is `Ended`.
    pub ending: Option<EndingKind>,
    /// How many there are, counting the run of each object that has not ended, and the latest that
    /// has.
    pub objects: u64,
    /// Of these, those that wait for a look that an ending has asked for: the look has not begun,
    /// and the object stands as it ended.
    #[serde(default)]
    pub planned: u64,
    /// How many there are in all; of ended ones how many have ended, also those that were
    /// forgotten.
    pub runs: u64,
    /// When the first of them was started; none if they have ended.
    pub oldest_started: Option<Instant>,
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

impl HistoryRow {
    /// The entry as the component has it.
    #[must_use]
    pub fn into_entry(self) -> HistoryEntry {
        HistoryEntry {
            demand: self.demand,
            outcome: self.outcome,
        }
    }
}

/// A credential as it is stored: the visible part, and the secrets sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCredential {
    /// The name of the connection.
    pub connection: String,
    /// What is no secret, as the component has it.
    pub credential: Credential,
    /// The sealed tokens; empty for none.
    pub sealed_tokens: Vec<u8>,
    /// Requests for new tokens that were recorded before they left, and of which this host does not
    /// know what came of them: 1 while one is under way, more only after kills in the middle.
    pub requests_unanswered: u32,
    /// The sealed raw answer of a refresh that has not been read yet; empty for none.
    pub sealed_answer: Vec<u8>,
}

/// A webhook registration as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCallback {
    /// The name of the connection.
    pub connection: String,
    /// The id that FreshBooks gave the registration, such as `2001`.
    pub id: String,
    /// The sealed verifier that FreshBooks has confirmed.
    pub sealed_verifier: Vec<u8>,
}

/// An event of SAP Concur as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// The connection that it arrived at.
    pub connection: String,
    /// Its id, as the sender named it.
    pub id: String,
    /// The sender's name for its kind, such as `concur.expense.report.finalApproval`.
    pub event_type: String,
    /// When it arrived, in milliseconds since 1970.
    pub received: Instant,
    /// The object that it is a reason to look at; nothing if it leads to none.
    pub object: Option<ObjectRef>,
}

/// What has arrived and is not forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inbox {
    /// How many events are stored, by connection, in the order of the names.
    pub events: Vec<EventCount>,
    /// Authentic deliveries that could not be read.
    pub oddities: u64,
}

/// How many events of a connection are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventCount {
    /// The name of the connection.
    pub connection: String,
    /// Events that are stored.
    pub events: u64,
    /// How often one of them was repeated.
    pub repeats: u64,
    /// When the latest of them arrived for the first time.
    pub latest: Instant,
}

/// The bytes of a delivery that are stored for a person. Longer ones are cut: nearly all are
/// shorter than 1 KiB, and what is wrong with one shows at its beginning.
pub const ODDITY_BYTES_MAX: usize = 16 * 1024;

/// An authentic delivery that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOddity {
    /// The connection that it arrived at.
    pub connection: String,
    /// When it arrived, in milliseconds since 1970.
    pub received: Instant,
    /// A stable kebab-case code.
    pub code: String,
    /// What is wrong with it, one plain sentence.
    pub message: String,
    /// The raw body, at most [`ODDITY_BYTES_MAX`] of it.
    pub body: Vec<u8>,
}

impl StoredOddity {
    /// The same with its body cut to what is stored.
    #[must_use]
    pub fn cut(mut self) -> Self {
        let bytes = self.body.len();
        if bytes > ODDITY_BYTES_MAX {
            self.body.truncate(ODDITY_BYTES_MAX);
            self.message = format!(
                "{} Its first {ODDITY_BYTES_MAX} of {bytes} bytes are stored.",
                self.message
            );
        }
        self
    }
}
