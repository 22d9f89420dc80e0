//! Events: stored once, counted when they are repeated, deleted when they are old.

use rusqlite::Connection;

use super::{collect, execute, instant, integer, reads};
use crate::contract::types::Instant;
use crate::store::{EventCount, Inbox, StoreError, StoredEvent};

/// Stores an event; false if it was stored already and is only counted.
pub(super) fn insert_or_count(
    database: &Connection,
    event: &StoredEvent,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO events (connection, id, event_type, received, repeats) \
               VALUES (?, ?, ?, ?, 0) \
               ON CONFLICT DO NOTHING";
    let StoredEvent {
        connection,
        id,
        event_type,
        received,
        ..
    } = event;
    let values = (connection, id, event_type, integer(*received)?);
    if execute(database, sql, values)? > 0 {
        return Ok(true);
    }
    let sql = "UPDATE events SET repeats = repeats + 1 WHERE connection = ? AND id = ?";
    execute(database, sql, (connection, id))?;
    Ok(false)
}

/// Forgets events and oddities that arrived before an instant.
pub(super) fn forget(database: &Connection, received_before: Instant) -> Result<(), StoreError> {
    let before = [integer(received_before)?];
    execute(database, "DELETE FROM events WHERE received < ?", before)?;
    execute(database, "DELETE FROM oddities WHERE received < ?", before).map(drop)
}

/// What has arrived and is not forgotten.
pub(super) fn inbox(database: &Connection) -> Result<Inbox, StoreError> {
    let sql = "SELECT connection, count(*), sum(repeats), max(received) FROM events \
               GROUP BY connection ORDER BY connection";
    let events = collect(database, sql, [], |row| {
        Ok(EventCount {
            connection: row.get(0)?,
            events: instant(row, 1)?,
            repeats: instant(row, 2)?,
            latest: instant(row, 3)?,
        })
    })?;
    let oddities = reads::first(database, "SELECT count(*) FROM oddities", [], |row| {
        instant(row, 0)
    })?;
    Ok(Inbox {
        events,
        oddities: oddities.unwrap_or_default(),
    })
}
