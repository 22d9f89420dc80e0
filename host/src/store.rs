//! What must survive the process, behind one trait.
//!
//! A [`Store`] makes three promises, which the suite in `conformance` checks for every
//! implementation:
//!
//! 1. **A batch is all or nothing, and durable.** When [`Store::commit`] returns `Ok`, every write
//!    of the batch is on the disk; when it returns an error, none is. A batch that breaks a rule
//!    (such as a second active run of one object) fails alone and harms no batch that is committed
//!    together with it.
//! 2. **Reads see every batch whose commit has returned.**
//! 3. **One run of an object at a time.** At most one run of an object of a connection has not
//!    ended.
//!
//! Implementations know nothing of the business: they store what they are given.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod records;
pub mod sqlite;
mod write;

use std::future::Future;
use std::pin::Pin;

pub use self::records::{
    Attempt, EventCount, HistoryRow, Inbox, Notice, Run, RunCount, RunFilter, RunState,
    StoredCallback, StoredCredential, StoredEvent, StoredOddity,
};
pub use self::write::{Decision, NewRun, Receipt, Write};
use crate::contract::pacing::Gate;
use crate::contract::runs::ObjectStatus;
use crate::contract::types::{Instant, ObjectRef, System};
use crate::private::Exposed;

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
    /// The disk is full or failing; nothing of the batch was stored.
    #[error("the store cannot write: {0}")]
    Unavailable(String),
    /// What is stored cannot be read.
    #[error("the store holds something unreadable: {0}")]
    Corrupt(String),
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

    /// Brings all that was committed into the form in which the store is copied, such as the one
    /// file of a database that also has a log. Called at an orderly stop, when nothing is committed
    /// any more. Nothing to do unless an implementation says otherwise.
    fn checkpoint(&self) -> Pending<'_, ()> {
        Box::pin(async { Ok(()) })
    }

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
}
