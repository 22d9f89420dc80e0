//! The one connection that writes, with its write-ahead log: every commit is counted, and the log
//! is emptied into the database file whenever there is time, so that the file alone is nearly
//! always all there is.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::commit_count::CommitCount;
use super::file::Watch;
use super::schema;
use crate::store::StoreError;

/// How long a stop waits for others that read an older state, such as a backup.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// The connection that writes.
pub(super) struct Log {
    database: Connection,
    commits: CommitCount,
    watch: Watch,
    has_commits: bool,
    is_reported: bool,
    has_reported_names: bool,
}

impl Log {
    /// Opens the database for writing, unless it lacks something that was stored in it.
    pub(super) fn open(database: Connection, path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            commits: CommitCount::open(&database, path)?,
            watch: Watch::start(path),
            database,
            has_commits: true, // perhaps, from before a crash
            is_reported: false,
            has_reported_names: false,
        })
    }

    /// Tells for anyone who asks whether the files are where they were.
    pub(super) fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// Commits what `work` does, all or nothing.
    pub(super) fn commit<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.has_commits = true;
        let behavior = TransactionBehavior::Immediate;
        let transaction = Transaction::new_unchecked(&self.database, behavior)?;
        let done = work(&transaction)?;
        self.commits.raise(&transaction)?;
        transaction.commit()?;
        self.commits.raised();
        Ok(done)
    }

    /// Fails if the database or its log is no longer where it was; said in the log lines once.
    pub(super) fn check(&mut self) -> Result<(), StoreError> {
        let checked = self.watch.check();
        match &checked {
            Err(error) if !self.is_reported => tracing::error!(%error, "the store is lost"),
            Ok(()) if self.is_reported => tracing::info!("the store is back in its place"),
            _ => {}
        }
        self.is_reported = checked.is_err();
        let names = self.watch.check_names();
        if let (Err(error), false) = (&names, self.has_reported_names) {
            tracing::error!(%error, "the next start would refuse the store");
        }
        self.has_reported_names = names.is_err();
        checked
    }

    /// Empties the log; said in the log lines if something that reads prevents it.
    pub(super) fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.check()?;
        self.has_commits = !schema::checkpoint(&self.database, STOP_PATIENCE)?;
        self.commits.sync();
        if self.has_commits {
            tracing::warn!("something reads the store: a copy needs its -wal file too");
        }
        Ok(())
    }

    /// What is done when nothing is to be written. Nobody waits for it, and it waits for nobody.
    pub(super) fn rest(&mut self) {
        if self.check().is_ok() && self.has_commits {
            let emptied = schema::checkpoint(&self.database, Duration::ZERO);
            self.has_commits = !emptied.unwrap_or(false);
            self.commits.sync();
        }
    }

    /// Empties the log and closes the connection. If it is the last one, SQLite removes the log.
    pub(super) fn close(mut self) {
        if let Err(error) = self.checkpoint() {
            tracing::warn!(%error, "the log was not emptied: a copy needs the -wal file too");
        }
    }
}
