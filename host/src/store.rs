//! What must survive the process, behind one trait.
//!
//! A [`Store`] makes four promises, which the suite in `conformance` checks for every
//! implementation:
//!
//! 1. **A batch is all or nothing, and durable.** When [`Store::commit`] returns `Ok`, every write
//!    of the batch is on the disk; when it returns an error, none is. A batch that breaks a rule
//!    (such as a second active run of one object) fails alone and harms no batch that is committed
//!    together with it.
//! 2. **Reads see every batch whose commit has returned.**
//! 3. **One run of an object at a time.** At most one run of an object of a connection has not
//!    ended.
//! 4. **What was changed is found.** Each history is a chain of hashes, and so are the endings of
//!    each connection; both grow in the transaction that stores what they are about.
//!
//! Implementations know nothing of the business: they store what they are given.

mod commit_watch;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod integrity;
mod links;
mod records;
pub mod sqlite;
mod write;

use std::future::Future;
use std::pin::Pin;

pub use self::commit_watch::CommitWatch;
pub use self::integrity::{ChainHash, ChainHead, CheckExtent, Checkpoint, DAMAGE_MAX, Damage};
pub use self::links::{
    LinkAct, LinkAuthor, LinkChange, LinkChangeFilter, LinkChangeId, LinkFilter, StoredLink,
};
pub use self::records::{
    Attempt, EventCount, HistoryRow, Inbox, Notice, ODDITY_BYTES_MAX, Run, RunCount, RunFilter,
    RunState, StoredCallback, StoredCredential, StoredEvent, StoredOddity,
};
pub use self::write::{Decision, LinkEdit, NewRun, Receipt, Write};
use crate::contract::pacing::Gate;
use crate::contract::runs::ObjectStatus;
use crate::contract::types::{Instant, ObjectRef, System};
use crate::private::Exposed;

/// Numbers runs from 1, in the order in which they were started.
pub type RunId = u64;

/// Numbers notices from 1, in the order in which they were stored.
pub type NoticeId = u64;

/// Authentic deliveries that could not be read, at most; one more pushes out the oldest. With
/// [`ODDITY_BYTES_MAX`] they take at most 64 MiB, and a person has not looked for long.
pub const ODDITIES_MAX: u64 = 4_096;

/// Events that forgetting leaves, at most: the newest. Of an older one a repetition is not
/// recognised any more, and leads to one more look. SAP Concur repeats for 72 hours.
pub const EVENTS_MAX: u64 = 200_000;

/// Histories that are kept of one object and ending, at most: those of its latest runs. What looks
/// at the same thing every few minutes, such as a sweep, would else fill the store for months.
pub const HISTORIES_OF_OBJECT_MAX: u32 = 200;

/// What a store call returns: resolved when the answer is there, for a commit when it is durable.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Why a store call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The batch breaks a rule of the store; trying again does not help.
    #[error("the store refused the change: {0}")]
    Refused(String),
    /// The disk is full or failing; nothing of the batch was stored.
    #[error("the store cannot write: {0}")]
    Unavailable(String),
    /// What is stored cannot be read.
    #[error("the store holds something unreadable: {0}")]
    Corrupt(String),
    /// The row of one run cannot be read; the others can.
    #[error("run {run} cannot be read ({why})")]
    UnreadableRun {
        /// The number of the run.
        run: RunId,
        /// What is wrong with it.
        why: String,
    },
    /// Something else has it open for writing.
    #[error("{0}")]
    InUse(String),
    /// It, or a part of it, is not where it was: removed, replaced, cut short or an older copy. A
    /// commit that fails so may be in a file that is gone.
    #[error("{0}")]
    Lost(String),
    /// Others can read or change one of its files.
    #[error(transparent)]
    Exposed(#[from] Exposed),
}

/// Stores everything that must survive the process.
///
/// # Examples
///
/// ```
/// use ml_connector::contract::runs::{NewTask, StartReason};
/// use ml_connector::contract::types::{ObjectRef, System};
/// use ml_connector::store::sqlite::SqliteStore;
/// use ml_connector::store::{NewRun, RunState, Store, Write};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let directory = tempfile::tempdir()?;
/// let store = SqliteStore::open(directory.path().join("ml-connector.sqlite"))?;
/// let run = NewRun {
///     connection: "acme".into(),
///     task: NewTask {
///         object: ObjectRef {
///             system: System::Freshbooks,
///             kind: "invoice".into(),
///             id: "1234".into(),
///         },
///         reason: StartReason::Notice,
///     },
///     settings_version: "1".into(),
///     started: 1_800_000_000_000,
///     notice: None,
/// };
/// // On the disk when this returns.
/// let receipt = store.commit(vec![Write::Start(run.clone())]).await?;
/// let stored = store.run(receipt.runs[0]).await?.expect("was started");
/// assert_eq!(stored.state, RunState::Due);
/// // One run of an object at a time: the batch fails, and changes nothing.
/// assert!(store.commit(vec![Write::Start(run)]).await.is_err());
/// # Ok(())
/// # }
/// ```
pub trait Store: Send + Sync + 'static {
    /// Applies the writes in order, all or none, and resolves when they are durable.
    fn commit(&self, batch: Vec<Write>) -> Pending<'_, Receipt>;

    /// Notices that have no decision yet, oldest first, at most `limit`, leaving out those in
    /// `except`. There is at most one of each object.
    fn undecided_notices(&self, limit: u32, except: Vec<NoticeId>) -> Pending<'_, Vec<Notice>>;

    /// Brings all that was committed into the form in which the store is copied, such as the one
    /// file of a database that also has a log. Called at an orderly stop, when nothing is committed
    /// any more. Nothing to do unless an implementation says otherwise.
    fn checkpoint(&self) -> Pending<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Whether what was committed is still where it was put: a file that was removed or replaced
    /// fails the next commit too, which may be long in coming. Cheap, since health asks each time.
    ///
    /// # Errors
    ///
    /// [`StoreError::Lost`].
    fn check_place(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Runs of a connection that have not ended and are due at `now`, soonest first and of those
    /// due together the oldest first, at most `limit`, leaving out those in `except` (the ones
    /// under way). Asked for by connection, so that the backlog of one never stands before the runs
    /// of another. [`StoreError::UnreadableRun`] names a run that is in the way; leave it out.
    fn due_runs(
        &self,
        connection: &str,
        now: Instant,
        limit: u32,
        except: Vec<RunId>,
    ) -> Pending<'_, Vec<Run>>;

    /// When the next run of a connection that has not ended is due, leaving out those in `except`.
    fn next_due(&self, connection: &str, except: Vec<RunId>) -> Pending<'_, Option<Instant>>;

    /// A run by its number.
    fn run(&self, id: RunId) -> Pending<'_, Option<Run>>;

    /// The run of an object that has not ended.
    fn active_run(&self, connection: &str, object: &ObjectRef) -> Pending<'_, Option<Run>>;

    /// Runs that match, newest first.
    fn runs(&self, filter: RunFilter) -> Pending<'_, Vec<Run>>;

    /// How many runs there are by connection and state.
    fn run_counts(&self) -> Pending<'_, Vec<RunCount>>;

    /// A run's history in order: all epochs, oldest first.
    fn history(&self, id: RunId) -> Pending<'_, Vec<HistoryRow>>;

    /// What the epochs of a run that are over began with, oldest first. None of those in which a
    /// version that did not store it was running, and none once the history was retired.
    fn attempts(&self, id: RunId) -> Pending<'_, Vec<Attempt>>;

    /// What is known of each object, in the order asked. Of an object never heard of nothing is.
    fn object_statuses(
        &self,
        connection: &str,
        objects: &[ObjectRef],
    ) -> Pending<'_, Vec<ObjectStatus>>;

    /// Links that match, in the order of [`StoredLink`].
    fn links(&self, filter: LinkFilter) -> Pending<'_, Vec<StoredLink>>;

    /// Changes of links by people, newest first. They stay.
    fn link_changes(&self, filter: LinkChangeFilter) -> Pending<'_, Vec<LinkChange>>;

    /// The text of a version of a connection's settings.
    fn settings(&self, connection: &str, version: &str) -> Pending<'_, Option<String>>;

    /// A connection's credential for a system.
    fn credential(&self, connection: &str, system: System)
    -> Pending<'_, Option<StoredCredential>>;

    /// The names of the connections that a credential or a webhook registration is stored of, in
    /// order, whether or not the settings still have them.
    fn connections_with_secrets(&self) -> Pending<'_, Vec<String>>;

    /// A connection's webhook registrations.
    fn callbacks(&self, connection: &str) -> Pending<'_, Vec<StoredCallback>>;

    /// The gates of a connection that are stored, at most one for each system.
    fn gates(&self, connection: &str) -> Pending<'_, Vec<Gate>>;

    /// A small value that was stored under a name, such as the last start of a schedule.
    fn mark(&self, name: &str) -> Pending<'_, Option<String>>;

    /// Authentic deliveries that could not be read, newest first, at most `limit`.
    fn oddities(&self, limit: u32) -> Pending<'_, Vec<StoredOddity>>;

    /// How many events and unreadable deliveries are stored, the events by connection and in its
    /// order.
    fn inbox(&self) -> Pending<'_, Inbox>;

    /// What the last commit came to; implementations note every one there.
    fn commits(&self) -> &CommitWatch;

    /// The hash before each row of a run's history, in the order of [`Store::history`], and last
    /// that of the whole history.
    fn history_hashes(&self, connection: &str, id: RunId) -> Pending<'_, Vec<ChainHash>>;

    /// The end of the chain of endings of each connection that has one, in the order of the names.
    fn chain_heads(&self) -> Pending<'_, Vec<ChainHead>>;

    /// The hash of a link of a connection's chain, counted from 1; none unless it is there. Links
    /// at the front may have gone with the runs that they are about; never that of the checkpoint.
    fn chain_hash(&self, connection: &str, number: u64) -> Pending<'_, Option<ChainHash>>;

    /// What in the store was changed, deleted or damaged: nothing if it is as it was stored. Reads
    /// everything, so that it takes as long as the store is large.
    fn find_damage(&self, extent: CheckExtent) -> Pending<'_, Vec<Damage>>;
}
