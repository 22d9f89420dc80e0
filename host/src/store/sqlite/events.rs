//! Events: stored once, counted when they are repeated, deleted when they are old. And what could
//! not be read: the latest are kept.

use rusqlite::Connection;

use super::{collect, execute, instant, integer, reads};
use crate::contract::types::Instant;
use crate::store::{
    EVENTS_MAX, EventCount, Inbox, ODDITIES_MAX, StoreError, StoredEvent, StoredOddity,
};

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

/// Stores an unreadable delivery, and returns how many were deleted to make room.
pub(super) fn insert_oddity(
    database: &Connection,
    oddity: &StoredOddity,
) -> Result<u32, StoreError> {
    let StoredOddity {
        connection,
        received,
        code,
        message,
        body,
    } = oddity;
    let sql =
        "INSERT INTO oddities (connection, received, code, message, body) VALUES (?, ?, ?, ?, ?)";
    let values = (connection, integer(*received)?, code, message, body);
    let number = database.prepare_cached(sql)?.insert(values)?;
    // Numbers are given in order, so that this leaves at most so many without counting them.
    let last_to_go = number.saturating_sub(integer(ODDITIES_MAX)?);
    let dropped = execute(database, "DELETE FROM oddities WHERE id <= ?", [last_to_go])?;
    Ok(u32::try_from(dropped).unwrap_or(u32::MAX))
}

/// Forgets events and oddities that arrived before an instant, and events beyond their bound.
pub(super) fn forget(database: &Connection, received_before: Instant) -> Result<(), StoreError> {
    let before = [integer(received_before)?];
    execute(database, "DELETE FROM events WHERE received < ?", before)?;
    let sql = "DELETE FROM events WHERE received <= \
               (SELECT received FROM events ORDER BY received DESC LIMIT 1 OFFSET ?)";
    execute(database, sql, [integer(EVENTS_MAX)?])?;
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
