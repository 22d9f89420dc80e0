//! The chain of a connection's endings: a link for each run that ended and each deletion of old
//! histories, in the order in which they happened.

use rusqlite::Connection;

use super::chain::{self, Link, Parts};
use super::{collect, execute, instant, integer, reads};
use crate::contract::types::Instant;
use crate::store::{ChainHash, ChainHead, Checkpoint, RunId, StoreError};

/// The digest of a link that is no ending.
const NO_ENDING: ChainHash = [0; 32];

/// Adds a run that has just ended.
pub(super) fn add(
    database: &Connection,
    connection: &str,
    run: RunId,
    at: Instant,
) -> Result<(), StoreError> {
    let digest = digest(database, run)?
        .ok_or_else(|| StoreError::Corrupt(format!("run {run}, which has just ended")))?;
    add_link(database, connection, Some(run), at, &digest)
}

/// Adds that histories of runs were deleted which ended before this instant.
pub(super) fn add_deletion(
    database: &Connection,
    connection: &str,
    ended_before: Instant,
) -> Result<(), StoreError> {
    add_link(database, connection, None, ended_before, &NO_ENDING)
}

/// The hash over what a run that has ended has in the store; none unless there is one.
pub(super) fn digest(database: &Connection, run: RunId) -> Result<Option<ChainHash>, StoreError> {
    let sql = "SELECT runs.connection, system, kind, name, reason, started, settings_version, \
               epoch, ending, ended, completion, history_hash FROM runs \
               JOIN objects ON objects.id = runs.object WHERE runs.id = ? AND ended IS NOT NULL";
    reads::first(database, sql, [integer(run)?], |row| {
        let text = |column| -> Result<&str, StoreError> { Ok(row.get_ref(column)?.as_str()?) };
        let parts = Parts::of("run")
            .number(run)
            .text(text(0)?)
            .text(text(1)?)
            .text(text(2)?)
            .text(text(3)?)
            .text(text(4)?)
            .number(instant(row, 5)?)
            .text(text(6)?)
            .number(instant(row, 7)?)
            .text(text(8)?)
            .number(instant(row, 9)?)
            .optional(row.get_ref(10)?.as_blob_or_null()?)
            .optional(row.get_ref(11)?.as_blob_or_null()?);
        Ok(parts.hash())
    })
}

/// The end of every chain, and how far a checkpoint vouches for it.
pub(super) fn heads(database: &Connection) -> Result<Vec<ChainHead>, StoreError> {
    // The counts of endings name the connections, so that the whole chain need not be read.
    let sql = "SELECT DISTINCT connection FROM endings ORDER BY connection";
    let connections = collect(database, sql, [], |row| Ok(row.get::<_, String>(0)?))?;
    let mut heads = Vec::new();
    for connection in connections {
        if let Some((number, hash)) = last(database, &connection)? {
            heads.push(ChainHead {
                checkpoint: checkpoint(database, &connection)?,
                connection,
                number,
                hash,
            });
        }
    }
    Ok(heads)
}

/// The hash at a link; none unless it is there.
pub(super) fn hash_at(
    database: &Connection,
    connection: &str,
    number: u64,
) -> Result<Option<ChainHash>, StoreError> {
    let sql = "SELECT hash FROM ending_chain WHERE connection = ? AND number = ?";
    reads::first(database, sql, (connection, integer(number)?), |row| {
        Ok(row.get(0)?)
    })
}

/// Replaces the checkpoint of a connection.
pub(super) fn keep_checkpoint(
    database: &Connection,
    connection: &str,
    checkpoint: &Checkpoint,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO checkpoints (connection, number, hash, key_id, mac) \
               VALUES (?, ?, ?, ?, ?)";
    let Checkpoint {
        number,
        hash,
        key_id,
        mac,
    } = checkpoint;
    execute(
        database,
        sql,
        (connection, integer(*number)?, hash, key_id, mac),
    )
    .map(drop)
}

/// The checkpoint of a connection, if it has one.
pub(super) fn checkpoint(
    database: &Connection,
    connection: &str,
) -> Result<Option<Checkpoint>, StoreError> {
    let sql = "SELECT number, hash, key_id, mac FROM checkpoints WHERE connection = ?";
    reads::first(database, sql, [connection], |row| {
        Ok(Checkpoint {
            number: instant(row, 0)?,
            hash: row.get(1)?,
            key_id: row.get(2)?,
            mac: row.get(3)?,
        })
    })
}

fn add_link(
    database: &Connection,
    connection: &str,
    run: Option<RunId>,
    instant: Instant,
    digest: &ChainHash,
) -> Result<(), StoreError> {
    let (last, before) = last(database, connection)?.unwrap_or((0, chain::FIRST));
    let number = last + 1;
    let link = Link {
        connection,
        number,
        run,
        instant,
        digest,
    };
    let hash = chain::link(&before, &link);
    let sql = "INSERT INTO ending_chain (connection, number, run, instant, digest, hash) \
               VALUES (?, ?, ?, ?, ?, ?)";
    let run = run.map(integer).transpose()?;
    let values = (
        connection,
        integer(number)?,
        run,
        integer(instant)?,
        digest,
        hash,
    );
    execute(database, sql, values).map(drop)
}

fn last(database: &Connection, connection: &str) -> Result<Option<(u64, ChainHash)>, StoreError> {
    let sql = "SELECT number, hash FROM ending_chain WHERE connection = ? \
               ORDER BY number DESC LIMIT 1";
    reads::first(database, sql, [connection], |row| {
        Ok((instant(row, 0)?, row.get(1)?))
    })
}
