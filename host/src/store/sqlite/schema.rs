//! Opening the database file: its settings, its schema, and the way from older schemas.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{integrity, version_2};
use crate::store::StoreError;

/// One script for each version of the schema; `user_version` counts those that were applied.
const MIGRATIONS: [&str; 7] = [
    include_str!("1.sql"),
    include_str!("2.sql"),
    include_str!("3.sql"),
    include_str!("4.sql"),
    include_str!("5.sql"),
    include_str!("6.sql"),
    include_str!("7.sql"),
];

/// How long a statement waits for another process, such as a command that reads or a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// More than the statements that this store has, so that none is ever prepared twice.
const STATEMENTS_CACHED: usize = 96;

/// Opens the file for writing, makes it if it is missing, and brings its schema up to date.
pub(super) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut connection = connect(path, flags)?;
    // A commit that has returned survives a loss of power; "normal" would lose the last ones.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A new store gets its tables before it gets a log, so that no file of it is ever without them.
    migrate(&mut connection, path)?;
    configure_writer(&connection)?;
    Ok(connection)
}

/// Moves what the log holds into the database file, and empties the log. False if something still
/// reads an older state after `patience`; then the log keeps the rest.
pub(super) fn checkpoint(connection: &Connection, patience: Duration) -> Result<bool, StoreError> {
    connection.busy_timeout(patience)?;
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    let is_busy = connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(is_busy? == 0)
}

/// Opens a file whose schema is up to date for reading.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    match known_version(&connection, path)?.cmp(&MIGRATIONS.len()) {
        std::cmp::Ordering::Less => Err(StoreError::Refused(
            "it was made by an older ml-connector; start the server once to bring it up to date"
                .into(),
        )),
        _ => Ok(connection),
    }
}

/// Opens a file that may be of an older version for reading, such as a backup.
pub(super) fn open_copy(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    known_version(&connection, path)?;
    Ok(connection)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Else SQLite plans a statement anew whenever other values are bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    Ok(connection)
}

fn configure_writer(connection: &Connection) -> Result<(), StoreError> {
    // Readers go on while a commit is written.
    connection.pragma_update(None, "journal_mode", "wal")?;
    // 16 MiB, negative since it is in KiB: the indexes of some hundred thousand runs.
    connection.pragma_update(None, "cache_size", -16_384)?;
    // In pages, 16 MiB: four times the default, so that a flood of notices pays for fewer
    // checkpoints, while the log stays small enough to be read quickly after a crash.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    // In bytes: a log that once grew larger behind a long read gives its space back.
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    Ok(())
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let is_new = fs::metadata(path).is_ok_and(|found| found.len() == 0);
    let applied = if is_new {
        0
    } else {
        known_version(connection, path)?
    };
    for (index, script) in MIGRATIONS.iter().enumerate().skip(applied) {
        apply(connection, script, index + 1)?;
    }
    Ok(())
}

/// The version of a file that is not new: at least 1, and not above this program's.
fn known_version(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    match version(connection)? {
        0 if is_empty(connection)? => Err(StoreError::Lost(format!(
            "{0} holds nothing: it is a copy that was made without the write-ahead log {0}-wal, or \
             was emptied. Put the log back beside it, or a backup in its place with `ml-connector \
             restore FILE`; to begin anew, delete it",
            path.display()
        ))),
        0 => Err(StoreError::Refused(
            "it is a database of another program".into(),
        )),
        version if version > MIGRATIONS.len() => Err(StoreError::Refused(
            "it was made by a newer ml-connector; use that version".into(),
        )),
        version => Ok(version),
    }
}

fn apply(connection: &mut Connection, script: &str, version: usize) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(script)?;
    match version {
        3 => version_2::rewrite_small_values(&transaction)?,
        4 => integrity::adopt(&transaction)?,
        _ => {}
    }
    transaction.pragma_update(None, "user_version", version as i64)?;
    Ok(transaction.commit()?)
}

fn version(connection: &Connection) -> Result<usize, StoreError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    usize::try_from(version).map_err(|_| StoreError::Corrupt(format!("schema version {version}")))
}

fn is_empty(connection: &Connection) -> Result<bool, StoreError> {
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(tables == 0)
}
