//! The embedded store: one SQLite file.
//!
//! One thread writes, and commits what is waiting as one group with one sync of the disk; a few
//! threads read. A lock on the file itself keeps a second process from writing to it. The
//! write-ahead log is synced with every group, so a commit that has returned survives the loss of
//! power; it is emptied into the file when there is nothing to write, and at an orderly stop.

mod backup;
mod body;
mod chain;
mod commit_count;
mod ending;
mod endings;
mod events;
mod file;
mod history;
mod integrity;
mod log;
mod notices;
mod objects;
mod prepared;
mod readers;
mod reads;
mod retention;
mod run_reads;
mod runs;
mod schema;
mod trimming;
mod version_2;
mod writer;
mod writes;

use std::fs;
use std::path::Path;

use rusqlite::types::FromSqlError;
use rusqlite::{Connection, ErrorCode, Row};

use super::{
    Attempt, ChainHash, ChainHead, CheckExtent, CommitWatch, Damage, HistoryRow, Inbox, Notice,
    NoticeId, Pending, Receipt, Run, RunCount, RunFilter, RunId, Store, StoreError, StoredCallback,
    StoredCredential, StoredOddity, Write,
};
use crate::contract::pacing::Gate;
use crate::contract::portable;
use crate::contract::runs::ObjectStatus;
use crate::contract::types::{Instant, ObjectRef, System};
use log::Log;
use readers::Readers;
use writer::Writer;

pub use backup::{Backup, BackupError, BackupProgress, Restored, backup, restore};
pub use file::check_names;
pub(crate) use file::{StoreFile, resolve, with_suffix};

/// A [`Store`] in one SQLite file. Dropping it finishes the batches that are queued and empties the
/// write-ahead log, so that the file alone can be copied.
pub struct SqliteStore {
    // Dropped in this order: the writer can put its log away when nothing else is open, and the
    // file must outlive all connections.
    readers: Readers,
    writer: Option<Writer>,
    _file: StoreFile,
    commits: CommitWatch,
}

impl SqliteStore {
    /// Opens the store for reading and writing; makes the file, for its owner alone, if it is
    /// missing, and brings an older one up to date.
    ///
    /// # Errors
    ///
    /// [`StoreError::InUse`] while another process (or another store of this one) has it open for
    /// writing, under whatever name; [`StoreError::Lost`] if it lacks something that was stored in
    /// it; [`StoreError::Exposed`] if others can read it; and [`StoreError::Refused`] if the file
    /// is not one of this version's stores.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_locked(Self::lock(path.as_ref())?)
    }

    /// Takes the store for this process alone, and makes its file if it is missing.
    pub(crate) fn lock(path: &Path) -> Result<StoreFile, StoreError> {
        Self::exists(path)?;
        StoreFile::lock(path)
    }

    /// The same as [`SqliteStore::open`] with a file that was locked before.
    pub(crate) fn open_locked(file: StoreFile) -> Result<Self, StoreError> {
        let path = file.path();
        file.check_length()?;
        let opened = || {
            let recorded = commit_count::recorded(path);
            let database = schema::open_writer(path)?;
            commit_count::check(&database, recorded, path)?;
            let log = Log::open(database, path)?;
            Ok((Readers::start(path)?, Writer::start(log)?))
        };
        let (readers, writer) = opened().map_err(|error| naming(path, error))?;
        Ok(Self {
            readers,
            writer: Some(writer),
            _file: file,
            commits: CommitWatch::default(),
        })
    }

    /// Opens an existing store for reading, beside a process that has it open for writing. Commits
    /// are refused.
    ///
    /// # Errors
    ///
    /// As [`SqliteStore::open`], but it may be in use, and is not brought up to date.
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::exists(path.as_ref())?;
        let file = StoreFile::open_read_only(path.as_ref())?;
        let path = file.path();
        file.check_length()?;
        let opened = || {
            let database = schema::open_reader(path)?;
            // Twice, since a number that is being written may be read half.
            let check = || commit_count::check(&database, commit_count::recorded(path), path);
            check().or_else(|_| check())?;
            Readers::start(path)
        };
        Ok(Self {
            readers: opened().map_err(|error| naming(path, error))?,
            writer: None,
            _file: file,
            commits: CommitWatch::default(),
        })
    }

    /// How many bytes each table and index takes, the largest first. It reads the whole file.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn table_bytes(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let sql = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC";
        let read = self
            .read(|database| collect(database, sql, [], |row| Ok((row.get(0)?, instant(row, 1)?))));
        read.await
    }

    /// Whether there is a store at `path` that something was ever stored in.
    ///
    /// # Errors
    ///
    /// [`StoreError::Lost`] if there is none any more: the file that counts its commits is there.
    pub fn exists(path: &Path) -> Result<bool, StoreError> {
        let path = resolve(path);
        if fs::metadata(&path).is_ok_and(|found| found.len() > 0) {
            return Ok(true);
        }
        match commit_count::recorded(&path) {
            0 => Ok(false),
            commits => Err(StoreError::Lost(format!(
                "the store {0} is gone or empty, and {commits} commits were made in it. A service \
                 that runs still has them: do not stop it, and see \"When the store was removed\" \
                 in docs/operating.md. Without one put the file back, or a backup with \
                 `ml-connector restore FILE`; to begin anew, delete {0}.commits",
                path.display()
            ))),
        }
    }

    fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Pending<'_, T> {
        Box::pin(self.readers.read(query))
    }
}

impl Store for SqliteStore {
    fn commit(&self, batch: Vec<Write>) -> Pending<'_, Receipt> {
        Box::pin(async move {
            let writer = self.writer.as_ref().ok_or_else(opened_read_only)?;
            let committed = writer.commit(prepared::prepare(batch)?).await;
            self.commits.note(&committed);
            committed
        })
    }

    fn commits(&self) -> &CommitWatch {
        &self.commits
    }

    fn undecided_notices(&self, limit: u32, except: Vec<NoticeId>) -> Pending<'_, Vec<Notice>> {
        self.read(move |database| reads::undecided_notices(database, limit, &except))
    }

    fn check_place(&self) -> Result<(), StoreError> {
        self.writer.as_ref().map_or(Ok(()), Writer::check_place)
    }

    fn checkpoint(&self) -> Pending<'_, ()> {
        Box::pin(async move {
            match &self.writer {
                Some(writer) => writer.checkpoint().await,
                None => Ok(()),
            }
        })
    }

    fn due_runs(
        &self,
        connection: &str,
        now: Instant,
        limit: u32,
        except: Vec<RunId>,
    ) -> Pending<'_, Vec<Run>> {
        let connection = connection.to_owned();
        self.read(move |database| run_reads::due(database, &connection, now, limit, &except))
    }

    fn next_due(&self, connection: &str, except: Vec<RunId>) -> Pending<'_, Option<Instant>> {
        let connection = connection.to_owned();
        self.read(move |database| run_reads::next_due(database, &connection, &except))
    }

    fn run(&self, id: RunId) -> Pending<'_, Option<Run>> {
        self.read(move |database| run_reads::run_by_id(database, id))
    }

    fn active_run(&self, connection: &str, object: &ObjectRef) -> Pending<'_, Option<Run>> {
        let (connection, object) = (connection.to_owned(), object.clone());
        self.read(move |database| run_reads::active(database, &connection, &object))
    }

    fn runs(&self, filter: RunFilter) -> Pending<'_, Vec<Run>> {
        self.read(move |database| run_reads::matching(database, &filter))
    }

    fn run_counts(&self) -> Pending<'_, Vec<RunCount>> {
        self.read(run_reads::counts)
    }

    fn history(&self, id: RunId) -> Pending<'_, Vec<HistoryRow>> {
        self.read(move |database| history::read(database, id))
    }

    fn attempts(&self, id: RunId) -> Pending<'_, Vec<Attempt>> {
        self.read(move |database| history::attempts(database, id))
    }

    fn connections_with_secrets(&self) -> Pending<'_, Vec<String>> {
        self.read(reads::connections_with_secrets)
    }

    fn object_statuses(
        &self,
        connection: &str,
        objects: &[ObjectRef],
    ) -> Pending<'_, Vec<ObjectStatus>> {
        let (connection, objects) = (connection.to_owned(), objects.to_vec());
        self.read(move |database| reads::object_statuses(database, &connection, objects))
    }

    fn settings(&self, connection: &str, version: &str) -> Pending<'_, Option<String>> {
        let (connection, version) = (connection.to_owned(), version.to_owned());
        self.read(move |database| reads::settings(database, &connection, &version))
    }

    fn credential(
        &self,
        connection: &str,
        system: System,
    ) -> Pending<'_, Option<StoredCredential>> {
        let connection = connection.to_owned();
        self.read(move |database| reads::credential(database, &connection, system))
    }

    fn callbacks(&self, connection: &str) -> Pending<'_, Vec<StoredCallback>> {
        let connection = connection.to_owned();
        self.read(move |database| reads::callbacks(database, &connection))
    }

    fn gates(&self, connection: &str) -> Pending<'_, Vec<Gate>> {
        let connection = connection.to_owned();
        self.read(move |database| reads::gates(database, &connection))
    }

    fn mark(&self, name: &str) -> Pending<'_, Option<String>> {
        let name = name.to_owned();
        self.read(move |database| reads::mark(database, &name))
    }

    fn oddities(&self, limit: u32) -> Pending<'_, Vec<StoredOddity>> {
        self.read(move |database| reads::oddities(database, limit))
    }

    fn inbox(&self) -> Pending<'_, Inbox> {
        self.read(events::inbox)
    }

    fn history_hashes(&self, connection: &str, id: RunId) -> Pending<'_, Vec<ChainHash>> {
        let connection = connection.to_owned();
        self.read(move |database| history::hashes(database, &connection, id))
    }

    fn chain_heads(&self) -> Pending<'_, Vec<ChainHead>> {
        self.read(endings::heads)
    }

    fn chain_hash(&self, connection: &str, number: u64) -> Pending<'_, Option<ChainHash>> {
        let connection = connection.to_owned();
        self.read(move |database| endings::hash_at(database, &connection, number))
    }

    fn find_damage(&self, extent: CheckExtent) -> Pending<'_, Vec<Damage>> {
        self.read(move |database| integrity::find_damage(database, extent))
    }
}

/// Whose fault an error of SQLite is.
impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig) => Self::Refused(text),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(text),
            Some(_) => Self::Unavailable(text),
            None => Self::Corrupt(text),
        }
    }
}

impl From<FromSqlError> for StoreError {
    fn from(error: FromSqlError) -> Self {
        Self::Corrupt(error.to_string())
    }
}

/// Runs a statement that is kept prepared, and returns how many rows it changed.
fn execute(
    database: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<usize, StoreError> {
    Ok(database.prepare_cached(sql)?.execute(values)?)
}

/// All rows of a query whose statement is kept prepared.
fn collect<T>(
    database: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
    read: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = database.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut answer = Vec::new();
    while let Some(row) = rows.next()? {
        answer.push(read(row)?);
    }
    Ok(answer)
}

/// SQLite's integers are signed; instants and numbers beyond 2^63 do not occur.
fn integer(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Refused(format!("{value} is too large a number")))
}

/// The instant or number in a column.
fn instant(row: &Row, column: usize) -> Result<u64, StoreError> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}

/// What a word in a column stands for; the words are those of `contract::words`.
fn known_word<T>(read: fn(&str) -> Option<T>, word: &str) -> Result<T, StoreError> {
    read(word).ok_or_else(|| StoreError::Corrupt(format!("the word {word:?}")))
}

/// The portable JSON of a small value that has a column of its own.
fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    portable::to_value(value)
        .map(|value| value.to_string())
        .map_err(|error| StoreError::Refused(format!("a value has no JSON form: {error}")))
}

fn opened_read_only() -> StoreError {
    StoreError::Refused("it was opened for reading only".into())
}

fn naming(path: &Path, error: StoreError) -> StoreError {
    let path = path.display();
    match error {
        StoreError::Refused(text) => StoreError::Refused(format!("{path}: {text}")),
        StoreError::Unavailable(text) => StoreError::Unavailable(format!("{path}: {text}")),
        StoreError::Corrupt(text) => StoreError::Corrupt(format!("{path}: {text}")),
        named => named,
    }
}

#[cfg(test)]
mod tests;
