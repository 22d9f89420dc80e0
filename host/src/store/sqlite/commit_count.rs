//! How many commits the store must hold at least: a number in the store that each group of commits
//! raises, and the same number in a small file beside it.
//!
//! The file is written after each group, so it never promises too much. A store that holds fewer
//! than it says has lost some: its write-ahead log was removed, or an older copy was put in its
//! place. Writing without waiting for the disk is enough to notice that after a crash of the
//! process; after a loss of power the number may be the one of the last sync, at most a moment
//! older.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};

use super::execute;
use super::file::with_suffix;
use crate::private;
use crate::store::StoreError;

const SUFFIX: &str = ".commits";

/// The name under which the store holds the number.
const MARK: &str = "store/commits";

/// The count of the store that this process writes to.
pub(super) struct CommitCount {
    count: u64,
    file: Option<File>,
}

impl CommitCount {
    /// The count of a store that [`check`] was content with, and its file, made if it is missing.
    pub(super) fn open(database: &Connection, store: &Path) -> Result<Self, StoreError> {
        let count = stored(database)?;
        let path = path(store);
        let file = open_file(&path)
            .inspect_err(|error| {
                let path = path.display();
                tracing::warn!(%path, %error, "a store that is lost later would not be noticed");
            })
            .ok();
        let opened = Self { count, file };
        opened.write();
        opened.sync();
        Ok(opened)
    }

    /// Raises the number within the transaction of a group.
    pub(super) fn raise(&self, transaction: &Connection) -> Result<(), StoreError> {
        let sql = "INSERT INTO marks (name, value) VALUES (?, ?) \
                   ON CONFLICT DO UPDATE SET value = excluded.value";
        execute(transaction, sql, (MARK, text(self.count + 1))).map(drop)
    }

    /// The group is on the disk.
    pub(super) fn raised(&mut self) {
        self.count += 1;
        self.write();
    }

    /// Waits until the file is on the disk.
    pub(super) fn sync(&self) {
        if let Some(file) = &self.file {
            let _ = file.sync_data();
        }
    }

    fn write(&self) {
        if let Some(file) = &self.file {
            let _ = file.write_all_at(format!("{}\n", text(self.count)).as_bytes(), 0);
        }
    }
}

/// Fails if the store holds fewer commits than the file beside it says.
pub(super) fn check(database: &Connection, recorded: u64, store: &Path) -> Result<(), StoreError> {
    let stored = stored(database)?;
    if stored >= recorded {
        return Ok(());
    }
    let (store, file) = (store.display(), path(store));
    let file = file.display();
    Err(StoreError::Lost(format!(
        "{store} lacks {} of {recorded} commits that were made here: its write-ahead log \
         {store}-wal was removed, or an older copy was put in its place. Put back what was there, \
         or a backup with `ml-connector restore FILE`; to go on with what is there, delete {file}",
        recorded - stored
    )))
}

/// What the file beside the store says; 0 where there is none that can be read.
pub(super) fn recorded(store: &Path) -> u64 {
    let text = fs::read_to_string(path(store)).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

/// Makes the file say what a store holds that was put in place on purpose.
pub(super) fn record(database: &Connection, store: &Path) -> Result<u64, StoreError> {
    Ok(CommitCount::open(database, store)?.count)
}

/// The number in the store; 0 in one that never had it.
pub(super) fn stored(database: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT value FROM marks WHERE name = ?";
    let value: Option<String> = database
        .query_row(sql, [MARK], |row| row.get(0))
        .optional()?;
    match value {
        None => Ok(0),
        Some(value) => {
            let damaged = |_| StoreError::Corrupt(format!("the number of commits {value:?}"));
            value.parse().map_err(damaged)
        }
    }
}

/// As long as any other, so that it is always written over in place.
fn text(count: u64) -> String {
    format!("{count:020}")
}

fn open_file(path: &Path) -> io::Result<File> {
    let is_missing = !path.exists();
    let mut options = private::options();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    if is_missing {
        let directory = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(file)
}

fn path(store: &Path) -> PathBuf {
    with_suffix(store, SUFFIX)
}
