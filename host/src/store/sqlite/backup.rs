//! Copies of the store: made beside a running service, and put in its place again.
//!
//! Either way the pages are copied by SQLite's online backup within one read transaction, so that
//! they are of one moment whatever is written meanwhile; into a file under another name, which is
//! checked, synced and only then given its name.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup as PageCopy, StepResult};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use tempfile::NamedTempFile;

use super::file::{INDEX_SUFFIX, LOG_SUFFIX, StoreFile, resolve, with_suffix};
use super::{SqliteStore, commit_count, execute, schema};
use crate::contract::types::Instant;
use crate::store::StoreError;

/// Pages copied between two reports of progress: 1 MiB.
const STEP_PAGES: i32 = 256;

/// The source is being locked by something else.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// The name under which a copy says when it was made.
const MARK: &str = "store/backed-up";

/// Why a copy was not made or not put in place. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is a file of that name.
    #[error("{0} is there already; a backup never replaces a file: name another one")]
    Exists(PathBuf),
    /// There is no store to copy.
    #[error("there is no store at {0}; the setting store.path names it")]
    NoStore(PathBuf),
    /// A file or directory cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The store, or the file to restore, is damaged or no store.
    #[error("{path}: {source}")]
    Store {
        /// The store or the file.
        path: PathBuf,
        /// What is wrong with it.
        source: StoreError,
    },
}

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupProgress {
    /// Copying.
    Copying {
        /// Bytes that are copied.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// Reading the copy from end to end.
    Checking,
}

/// What a copy holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Bytes of the file.
    pub bytes: u64,
    /// Groups of commits that it holds.
    pub commits: u64,
    /// Runs that it holds.
    pub runs: u64,
    /// When it was made; nothing if it was made in another way.
    pub made: Option<Instant>,
    /// The connections that it holds credentials or webhook registrations of.
    pub connections: Vec<String>,
}

/// What was put in place of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What was put in place.
    pub backup: Backup,
    /// Where the store is that was there before, if there was one.
    pub before: Option<PathBuf>,
}

/// Copies the store at `store` into the new file `file`, which only its owner can read, beside a
/// process that writes to it or without one. Everything is in the copy that was committed before.
///
/// # Errors
///
/// [`BackupError`]; no file is left then.
pub fn backup(
    store: &Path,
    file: &Path,
    now: Instant,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<Backup, BackupError> {
    if fs::symlink_metadata(file).is_ok() {
        return Err(BackupError::Exists(file.to_path_buf()));
    }
    if !SqliteStore::exists(store).map_err(of(store))? {
        return Err(BackupError::NoStore(store.to_path_buf()));
    }
    let recorded = commit_count::recorded(&resolve(store));
    let opened = StoreFile::open_read_only(store).map_err(of(store))?;
    let source = schema::open_copy(opened.path()).map_err(of(store))?;
    let copy = copy(&source, file, Some(now), progress).map_err(of(store))?;
    let held = check(copy.path(), recorded, progress).map_err(of(store))?;
    let placed = copy.persist_noclobber(file);
    placed.map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(file.to_path_buf()),
        _ => unusable(file)(error.error),
    })?;
    sync_directory(file)?;
    Ok(held)
}

/// Puts a copy of `file` in the place of the store at `store`, which nothing may be using. What is
/// there is moved aside and never deleted.
///
/// # Errors
///
/// [`BackupError`]; the store is as it was, or is moved aside and the next try goes on.
pub fn restore(
    file: &Path,
    store: &Path,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<Restored, BackupError> {
    fs::metadata(file).map_err(unusable(file))?;
    let source = schema::open_copy(file).map_err(of(file))?;
    let held = StoreFile::lock(store).map_err(of(store))?;
    let store = held.path();
    let copy = copy(&source, store, None, progress).map_err(of(file))?;
    let backup = check(copy.path(), 0, progress).map_err(of(file))?;
    let before = move_aside(&held)?;
    let placed = match before {
        Some(_) => copy.persist_noclobber(store),
        None => copy.persist(store),
    };
    placed.map_err(|error| unusable(store)(error.error))?;
    sync_directory(store)?;
    let recorded = schema::open_copy(store).and_then(|placed| commit_count::record(&placed, store));
    recorded.map_err(of(store))?;
    Ok(Restored { backup, before })
}

/// The pages of `source` in a file of a passing name beside `target`, without a log.
fn copy(
    source: &Connection,
    target: &Path,
    made: Option<Instant>,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<NamedTempFile, StoreError> {
    let file = tempfile::Builder::new()
        .prefix(".ml-connector-")
        .suffix(".partial")
        .tempfile_in(directory(target))
        .map_err(|error| StoreError::Unavailable(format!("{}: {error}", target.display())))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut copy = Connection::open_with_flags(file.path(), flags)?;
    copy.pragma_update(None, "synchronous", "off")?; // it is synced as a whole
    copy_pages(source, &mut copy, progress)?;
    // A log belongs to a store that is in use; this is one file.
    copy.pragma_update(None, "journal_mode", "delete")?;
    if let Some(made) = made {
        let sql = "INSERT OR REPLACE INTO marks (name, value) VALUES (?, ?)";
        execute(&copy, sql, (MARK, made.to_string()))?;
    }
    copy.close().map_err(|(_, error)| error)?;
    let synced = file.as_file().sync_all();
    synced.map_err(|error| StoreError::Unavailable(format!("{}: {error}", target.display())))?;
    Ok(file)
}

fn copy_pages(
    source: &Connection,
    copy: &mut Connection,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<(), StoreError> {
    // Within a transaction, else the copy would begin again whenever something is written.
    let transaction = source.unchecked_transaction()?;
    let page_bytes: u64 = count(&transaction, "PRAGMA page_size")?;
    count(&transaction, "SELECT count(*) FROM sqlite_schema")?; // the moment that is copied
    let pages = PageCopy::new(&transaction, copy)?;
    loop {
        let step = pages.step(STEP_PAGES)?;
        let at = pages.progress();
        let bytes = |pages: i32| u64::try_from(pages).unwrap_or(0) * page_bytes;
        progress(BackupProgress::Copying {
            done: bytes(at.pagecount - at.remaining),
            total: bytes(at.pagecount),
        });
        match step {
            StepResult::Done => return Ok(()),
            StepResult::Busy | StepResult::Locked => std::thread::sleep(BUSY_PAUSE),
            _ => {}
        }
    }
}

/// Reads a copy from end to end, and tells what it holds.
fn check(
    copy: &Path,
    recorded: u64,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<Backup, StoreError> {
    progress(BackupProgress::Checking);
    let database = schema::open_copy(copy)?;
    let said: String = database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if said != "ok" {
        return Err(StoreError::Corrupt(said));
    }
    let commits = commit_count::stored(&database)?;
    if commits < recorded {
        return Err(StoreError::Corrupt(format!(
            "the copy holds {commits} of {recorded} commits"
        )));
    }
    let sql = "SELECT value FROM marks WHERE name = ?";
    let made: Option<String> = database
        .query_row(sql, [MARK], |row| row.get(0))
        .optional()?;
    Ok(Backup {
        bytes: fs::metadata(copy).map_or(0, |found| found.len()),
        commits,
        runs: count(&database, "SELECT count(*) FROM runs")?,
        made: made.and_then(|made| made.parse().ok()),
        connections: super::reads::connections_with_secrets(&database)?,
    })
}

fn count(database: &Connection, sql: &str) -> Result<u64, StoreError> {
    let count: i64 = database.query_row(sql, [], |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

/// Moves store and log aside together. A log that stayed would be taken for the next store's.
fn move_aside(store: &StoreFile) -> Result<Option<PathBuf>, BackupError> {
    let path = store.path();
    let log = with_suffix(path, LOG_SUFFIX);
    if store.is_new() && !log.exists() {
        return Ok(None);
    }
    let mut names = (1..).map(|number| with_suffix(path, &format!(".before-restore-{number}")));
    let is_free = |name: &PathBuf| {
        let names = [name.clone(), with_suffix(name, LOG_SUFFIX)];
        names.iter().all(|name| fs::symlink_metadata(name).is_err())
    };
    let Some(aside) = names.find(is_free) else {
        return Ok(None);
    };
    fs::rename(path, &aside).map_err(unusable(path))?;
    for (from, to) in [
        (log, Some(with_suffix(&aside, LOG_SUFFIX))),
        (with_suffix(path, INDEX_SUFFIX), None),
    ] {
        let moved = match to {
            Some(to) => fs::rename(&from, to),
            None => fs::remove_file(&from),
        };
        match moved {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(unusable(&from)(error));
            }
            _ => {}
        }
    }
    sync_directory(path)?;
    Ok(Some(aside))
}

fn directory(file: &Path) -> &Path {
    let parent = file.parent();
    let parent = parent.filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

fn sync_directory(file: &Path) -> Result<(), BackupError> {
    let directory = directory(file);
    let synced = File::open(directory).and_then(|opened| opened.sync_all());
    synced.map_err(unusable(directory))
}

fn unusable(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_path_buf();
    move |source| BackupError::File { path, source }
}

fn of(path: &Path) -> impl FnOnce(StoreError) -> BackupError {
    let path = path.to_path_buf();
    move |source| BackupError::Store { path, source }
}
