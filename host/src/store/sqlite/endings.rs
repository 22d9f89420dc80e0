//! The chain of a connection's endings: a link for each run that ended and each deletion of old
//! histories, in the order in which they happened.

use rusqlite::{Connection, Row};

use super::chain::{self, Link, Parts};
use super::trimming::{self, Base};
use super::{collect, execute, instant, integer, reads};
use crate::contract::types::Instant;
use crate::store::{ChainHash, ChainHead, Checkpoint, RunId, StoreError};

/// The digest of a link that is no ending and covers no base.
pub(super) const NO_ENDING: ChainHash = [0; 32];

/// Reads links, in the order in which [`StoredLink::read`] has their columns.
pub(super) const LINKS: &str = "SELECT number, run, instant, digest, hash FROM ending_chain";

/// A link as it is stored.
pub(super) struct StoredLink {
    pub(super) number: u64,
    /// None for a deletion of old histories.
    pub(super) run: Option<RunId>,
    /// When the run ended; of a deletion, the first instant whose histories stayed.
    pub(super) instant: Instant,
    pub(super) digest: ChainHash,
    pub(super) hash: ChainHash,
}

impl StoredLink {
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            number: instant(row, 0)?,
            run: row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned),
            instant: instant(row, 2)?,
            digest: row.get(3)?,
            hash: row.get(4)?,
        })
    }

    /// Whether it is the link that was made after the one with this hash.
    pub(super) fn follows(&self, connection: &str, before: &ChainHash) -> bool {
        let link = Link {
            connection,
            number: self.number,
            run: self.run,
            instant: self.instant,
            digest: &self.digest,
        };
        chain::link(before, &link) == self.hash
    }
}

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

/// Adds the link of a run once more, which is about to go from the front.
pub(super) fn add_again(
    database: &Connection,
    connection: &str,
    run: RunId,
    link: &StoredLink,
) -> Result<(), StoreError> {
    add_link(database, connection, Some(run), link.instant, &link.digest)
}

/// Adds that links have gone from the front of the chain, which stands on this base from now on.
pub(super) fn add_base(
    database: &Connection,
    connection: &str,
    ended_before: Instant,
    base: &Base,
) -> Result<(), StoreError> {
    add_link(database, connection, None, ended_before, &base.digest())
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
    let with_checkpoint = |(connection, number, hash): (String, _, _)| {
        Ok(ChainHead {
            checkpoint: checkpoint(database, &connection)?,
            connection,
            number,
            hash,
        })
    };
    let links = last_links(database)?.into_iter();
    links.map(with_checkpoint).collect()
}

/// The last link of every chain, with its connection, number and hash.
pub(super) fn last_links(
    database: &Connection,
) -> Result<Vec<(String, u64, ChainHash)>, StoreError> {
    // The counts of endings name the connections, so that the whole chain need not be read.
    let sql = "SELECT DISTINCT connection FROM endings ORDER BY connection";
    let connections = collect(database, sql, [], |row| Ok(row.get::<_, String>(0)?))?;
    let mut links = Vec::new();
    for connection in connections {
        if let Some((number, hash)) = last(database, &connection)? {
            links.push((connection, number, hash));
        }
    }
    Ok(links)
}

/// The hash at a link; none unless it is there, or is the last that has gone from the front.
pub(super) fn hash_at(
    database: &Connection,
    connection: &str,
    number: u64,
) -> Result<Option<ChainHash>, StoreError> {
    let sql = "SELECT hash FROM ending_chain WHERE connection = ? AND number = ?";
    let hash = reads::first(database, sql, (connection, integer(number)?), |row| {
        Ok(row.get(0)?)
    })?;
    if hash.is_some() {
        return Ok(hash);
    }
    let base = trimming::base(database, connection)?;
    Ok(base
        .filter(|base| base.number == number)
        .map(|base| base.hash))
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
