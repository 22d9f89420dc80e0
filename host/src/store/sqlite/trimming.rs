//! Trims the chain of a connection's endings: links of runs that retention has deleted leave its
//! front, so that a chain holds a link for each run that is stored and a window of others.
//!
//! A link in the middle cannot go, since the next one covers its hash. So whatever is old leaves
//! from the front, and a run that is still stored, the latest of its object, is linked again at the
//! end. The hash of the last link that went stays as the base on which the rest of the chain
//! stands. A link of its own covers the base: whoever takes more links away, and the runs with
//! them, would have to rewrite the chain from there on, which its checkpoint shows.

use rusqlite::Connection;

use super::chain::{self, Parts};
use super::endings::{self, StoredLink};
use super::{collect, execute, instant, integer, reads};
use crate::contract::types::Instant;
use crate::store::{ChainHash, RunId, StoreError};

/// Links that go at once at least: fewer are not worth the link that covers the base.
const TRIMMED_MIN: usize = 64;

/// Links that go at once at most, which keeps the writer busy for about a second.
const TRIMMED_MAX: u64 = 100_000;

/// Links that may go for each one that was added. A run that is still stored is linked again, so
/// that one pass over a chain of such runs frees nothing; at two for one, a chain is never longer
/// than twice the runs that are stored and the window of retention, and a store at rest is left
/// alone.
const TRIMMED_FOR_EACH: u64 = 2;

/// What a chain stands on: the last link that went, 0 and the first hash of all if none has.
pub(super) struct Base {
    pub(super) number: u64,
    pub(super) hash: ChainHash,
    /// Links of the chain, counted from its start, that have paid for one that went.
    paid: u64,
}

impl Base {
    /// What the link that covers this base has in the place of a run's digest.
    pub(super) fn digest(&self) -> ChainHash {
        Parts::of("chain base")
            .number(self.number)
            .bytes(&self.hash)
            .hash()
    }
}

/// What the chain of a connection stands on; none unless links of it have gone.
pub(super) fn base(database: &Connection, connection: &str) -> Result<Option<Base>, StoreError> {
    let sql = "SELECT number, hash, paid FROM ending_chain_bases WHERE connection = ?";
    reads::first(database, sql, [connection], |row| {
        Ok(Base {
            number: instant(row, 0)?,
            hash: row.get(1)?,
            paid: instant(row, 2)?,
        })
    })
}

/// Trims every chain of links of runs that ended before this instant.
pub(super) fn trim(database: &Connection, ended_before: Instant) -> Result<(), StoreError> {
    for (connection, head, _) in endings::last_links(database)? {
        let base = base(database, &connection)?.unwrap_or(Base {
            number: 0,
            hash: chain::FIRST,
            paid: 0,
        });
        let links = trimmable(database, &connection, &base, head, ended_before)?;
        if links.len() >= TRIMMED_MIN {
            trim_chain(database, &connection, &base, &links, ended_before)?;
        }
    }
    Ok(())
}

/// The links at the front that may go, up to the first that is too young or was changed: that one
/// stays where a check finds it. The link of the checkpoint stays or becomes the base, so that it
/// can be compared.
fn trimmable(
    database: &Connection,
    connection: &str,
    base: &Base,
    head: u64,
    ended_before: Instant,
) -> Result<Vec<StoredLink>, StoreError> {
    let paid_for = head.saturating_sub(base.paid) * TRIMMED_FOR_EACH;
    let last = endings::checkpoint(database, connection)?.map_or(head, |held| held.number);
    let values = (
        connection,
        integer(last)?,
        integer(paid_for.min(TRIMMED_MAX))?,
    );
    let sql = format!(
        "{} WHERE connection = ? AND number <= ? ORDER BY number LIMIT ?",
        endings::LINKS
    );
    let links = collect(database, &sql, values, StoredLink::read)?;
    let mut before = base.hash;
    let may_go = |link: &StoredLink| {
        let is_old = link.run.is_none() || link.instant < ended_before;
        let is_unchanged = link.follows(connection, &before);
        before = link.hash;
        is_old && is_unchanged
    };
    Ok(links.into_iter().take_while(may_go).collect())
}

fn trim_chain(
    database: &Connection,
    connection: &str,
    base: &Base,
    links: &[StoredLink],
    ended_before: Instant,
) -> Result<(), StoreError> {
    let Some(last) = links.last() else {
        return Ok(());
    };
    let mut added = 0;
    for link in links {
        if let Some(run) = link.run
            && is_stored(database, run)?
        {
            endings::add_again(database, connection, run, link)?;
            added += 1;
        }
    }
    let trimmed = Base {
        number: last.number,
        hash: last.hash,
        paid: base.paid + (links.len() as u64).div_ceil(TRIMMED_FOR_EACH) + added + 1,
    };
    // What a link that goes says of deleted histories is said again.
    let deletions = links.iter().filter(|link| link.run.is_none());
    let deleted_before = deletions.map(|link| link.instant).max();
    let deleted_before = ended_before.max(deleted_before.unwrap_or_default());
    endings::add_base(database, connection, deleted_before, &trimmed)?;
    store(database, connection, &trimmed)?;
    let sql = "DELETE FROM ending_chain WHERE connection = ? AND number <= ?";
    execute(database, sql, (connection, integer(trimmed.number)?)).map(drop)
}

fn is_stored(database: &Connection, run: RunId) -> Result<bool, StoreError> {
    let found = reads::first(
        database,
        "SELECT 1 FROM runs WHERE id = ?",
        [integer(run)?],
        |row| Ok(row.get::<_, i64>(0)?),
    );
    Ok(found?.is_some())
}

fn store(database: &Connection, connection: &str, base: &Base) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO ending_chain_bases (connection, number, hash, paid) \
               VALUES (?, ?, ?, ?)";
    let Base { number, hash, paid } = base;
    let values = (connection, integer(*number)?, hash, integer(*paid)?);
    execute(database, sql, values).map(drop)
}
