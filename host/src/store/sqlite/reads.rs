//! The queries that are not about runs.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row};
use serde::de::DeserializeOwned;

use super::{body, collect, instant, known_word};
use crate::contract::pacing::Gate;
use crate::contract::portable;
use crate::contract::runs::{Completion, Facts, Link, ObjectStatus};
use crate::contract::types::{ObjectRef, System};
use crate::store::{Notice, NoticeId, StoreError, StoredCallback, StoredCredential, StoredOddity};

/// The link of an object, whether a run of it is active, and how its last run ended.
pub(super) const OBJECT_STATUS: &str = "SELECT target_system, target_kind, target_name, version, \
                                        content_hash, \
     EXISTS (SELECT 1 FROM runs WHERE runs.object = objects.id AND ended IS NULL), \
     (SELECT completion FROM runs WHERE runs.object = objects.id AND ended IS NOT NULL \
      ORDER BY runs.id DESC LIMIT 1) \
     FROM objects LEFT JOIN links ON source = objects.id \
     WHERE connection = ? AND name = ? AND kind = ? AND system = ?";

/// Notices without a decision, oldest first.
pub(super) fn undecided_notices(
    database: &Connection,
    limit: u32,
    except: &[NoticeId],
) -> Result<Vec<Notice>, StoreError> {
    let sql = "SELECT notices.id, connection, system, kind, name, event, \
               coalesce(latest, received), arrivals \
               FROM notices JOIN objects ON objects.id = object WHERE decided = 0 \
               ORDER BY notices.id";
    let except: BTreeSet<&NoticeId> = except.iter().collect();
    let mut statement = database.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut notices = Vec::new();
    while notices.len() < limit as usize
        && let Some(row) = rows.next()?
    {
        if except.contains(&instant(row, 0)?) {
            continue;
        }
        match notice(row) {
            Ok(notice) => notices.push(notice),
            // One row must not keep the notices of every connection waiting.
            Err(StoreError::Corrupt(why)) => {
                let notice = instant(row, 0).unwrap_or_default();
                tracing::error!(notice, why, "a notice cannot be read and is left out");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(notices)
}

fn notice(row: &Row) -> Result<Notice, StoreError> {
    Ok(Notice {
        id: instant(row, 0)?,
        connection: row.get(1)?,
        object: object(row, 2)?,
        event: row.get(5)?,
        received: instant(row, 6)?,
        arrivals: row.get(7)?,
    })
}

/// What is known of each object.
pub(super) fn object_statuses(
    database: &Connection,
    connection: &str,
    objects: Vec<ObjectRef>,
) -> Result<Vec<ObjectStatus>, StoreError> {
    objects
        .into_iter()
        .map(|object| object_status(database, connection, object))
        .collect()
}

/// The text of a version of a connection's settings.
pub(super) fn settings(
    database: &Connection,
    connection: &str,
    version: &str,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT json FROM settings WHERE connection = ? AND version = ?";
    first(database, sql, (connection, version), |row| Ok(row.get(0)?))
}

/// A connection's credential for a system.
pub(super) fn credential(
    database: &Connection,
    connection: &str,
    system: System,
) -> Result<Option<StoredCredential>, StoreError> {
    let sql = "SELECT visible, sealed_tokens, refreshing, sealed_answer FROM credentials \
               WHERE connection = ? AND system = ?";
    first(database, sql, (connection, system.as_str()), |row| {
        Ok(StoredCredential {
            connection: connection.to_owned(),
            credential: json(row, 0)?,
            sealed_tokens: row.get(1)?,
            requests_unanswered: row.get(2)?,
            sealed_answer: row.get(3)?,
        })
    })
}

/// A connection's webhook registrations, by id.
pub(super) fn callbacks(
    database: &Connection,
    connection: &str,
) -> Result<Vec<StoredCallback>, StoreError> {
    let sql = "SELECT id, sealed_verifier FROM callbacks WHERE connection = ? ORDER BY id";
    collect(database, sql, [connection], |row| {
        Ok(StoredCallback {
            connection: connection.to_owned(),
            id: row.get(0)?,
            sealed_verifier: row.get(1)?,
        })
    })
}

/// The names of connections that sealed texts are stored of, in order.
pub(super) fn connections_with_secrets(database: &Connection) -> Result<Vec<String>, StoreError> {
    let sql =
        "SELECT connection FROM credentials UNION SELECT connection FROM callbacks ORDER BY 1";
    collect(database, sql, [], |row| Ok(row.get(0)?))
}

/// A connection's gates, by the name of the system.
pub(super) fn gates(database: &Connection, connection: &str) -> Result<Vec<Gate>, StoreError> {
    let sql = "SELECT gate FROM gates WHERE connection = ? ORDER BY system";
    collect(database, sql, [connection], |row| json(row, 0))
}

/// A small value under a name.
pub(super) fn mark(database: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    first(
        database,
        "SELECT value FROM marks WHERE name = ?",
        [name],
        |row| Ok(row.get(0)?),
    )
}

/// Deliveries that could not be read, newest first.
pub(super) fn oddities(database: &Connection, limit: u32) -> Result<Vec<StoredOddity>, StoreError> {
    let sql =
        "SELECT connection, received, code, message, body FROM oddities ORDER BY id DESC LIMIT ?";
    collect(database, sql, [limit], |row| {
        Ok(StoredOddity {
            connection: row.get(0)?,
            received: instant(row, 1)?,
            code: row.get(2)?,
            message: row.get(3)?,
            body: row.get(4)?,
        })
    })
}

/// The object reference in three columns: system, kind, name.
pub(super) fn object(row: &Row, column: usize) -> Result<ObjectRef, StoreError> {
    Ok(ObjectRef {
        system: known_word(System::from_word, row.get_ref(column)?.as_str()?)?,
        kind: row.get(column + 1)?,
        id: row.get(column + 2)?,
    })
}

/// The facts in five columns.
pub(super) fn facts(row: &Row, column: usize) -> Result<Facts, StoreError> {
    Ok(Facts {
        number: row.get(column)?,
        party: row.get(column + 1)?,
        amount: row.get(column + 2)?,
        currency: row.get(column + 3)?,
        date: row.get(column + 4)?,
    })
}

/// The completion in a column.
pub(super) fn completion(row: &Row, column: usize) -> Result<Option<Completion>, StoreError> {
    row.get_ref(column)?
        .as_blob_or_null()?
        .map(body::decode)
        .transpose()
}

/// The only row of a query, if there is one.
pub(super) fn first<T>(
    database: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
    read: impl FnOnce(&Row) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut statement = database.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    rows.next()?.map(read).transpose()
}

fn object_status(
    database: &Connection,
    connection: &str,
    of: ObjectRef,
) -> Result<ObjectStatus, StoreError> {
    let values = (connection, &of.id, &of.kind, of.system.as_str());
    let known = first(database, OBJECT_STATUS, values, |row| {
        Ok((link(row, &of)?, row.get::<_, bool>(5)?, completion(row, 6)?))
    })?;
    let (link, active, completion) = known.unwrap_or_default();
    Ok(ObjectStatus {
        object: of,
        link,
        active,
        last: completion.as_ref().map(Completion::to_last_ending),
    })
}

fn link(row: &Row, source: &ObjectRef) -> Result<Option<Link>, StoreError> {
    if row.get_ref(0)? == rusqlite::types::ValueRef::Null {
        return Ok(None);
    }
    Ok(Some(Link {
        source: source.clone(),
        target: object(row, 0)?,
        version: row.get(3)?,
        content_hash: row.get(4)?,
    }))
}

fn json<T: DeserializeOwned>(row: &Row, column: usize) -> Result<T, StoreError> {
    portable::from_slice(row.get_ref(column)?.as_str()?.as_bytes())
        .map_err(|error| StoreError::Corrupt(format!("a stored value: {error}")))
}
