//! Opening the database file: its settings, its schema, and the way from older schemas.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::version_2;
use crate::store::StoreError;

/// One script for each version of the schema; `user_version` counts those that were applied.
const MIGRATIONS: [&str; 4] = [
    include_str!("1.sql"),
    include_str!("2.sql"),
    include_str!("3.sql"),
    include_str!("5.sql"),
];

/// How long a statement waits for another process, such as a command that reads or a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// More than the statements that this store has, so that none is ever prepared twice.
const STATEMENTS_CACHED: usize = 64;

/// Makes the file if it is missing, readable by its owner only; SQLite gives the log beside it the
/// same mode.
pub(super) fn make_private(path: &Path) -> Result<(), StoreError> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path);
    file.map(drop)
        .map_err(|error| StoreError::Unavailable(error.to_string()))
}

/// Opens the file for writing, makes it if it is missing, and brings its schema up to date.
pub(super) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut connection = connect(path, flags)?;
    configure_writer(&connection)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Opens a file whose schema is up to date for reading.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    match version(&connection)?.cmp(&MIGRATIONS.len()) {
        std::cmp::Ordering::Equal => Ok(connection),
        std::cmp::Ordering::Greater => Err(newer()),
        std::cmp::Ordering::Less => Err(StoreError::Refused(
            "it was made by an older ml-connector; start the server once to bring it up to date"
                .into(),
        )),
    }
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
    // A commit that has returned survives a loss of power; "normal" would lose the last ones.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // 16 MiB, negative since it is in KiB: the indexes of some hundred thousand runs.
    connection.pragma_update(None, "cache_size", -16_384)?;
    // In pages, 16 MiB: four times the default, so that a flood of notices pays for fewer
    // checkpoints, while the log stays small enough to be read quickly after a crash.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    // In bytes: a log that once grew larger behind a long read gives its space back.
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    Ok(())
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let applied = version(connection)?;
    if applied > MIGRATIONS.len() {
        return Err(newer());
    }
    if applied == 0 && !is_empty(connection)? {
        return Err(StoreError::Refused(
            "it is a database of another program".into(),
        ));
    }
    for (index, script) in MIGRATIONS.iter().enumerate().skip(applied) {
        apply(connection, script, index + 1)?;
    }
    Ok(())
}

fn apply(connection: &mut Connection, script: &str, version: usize) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(script)?;
    if version == 3 {
        version_2::rewrite_small_values(&transaction)?;
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

fn newer() -> StoreError {
    StoreError::Refused("it was made by a newer ml-connector; use that version".into())
}
