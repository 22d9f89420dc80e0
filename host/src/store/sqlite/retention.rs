//! Deletes what is old: histories, and then all that runs have left but what stands for their
//! objects.

use rusqlite::Connection;

use super::{collect, endings, execute, integer, trimming};
use crate::contract::runs::EndingKind;
use crate::contract::types::Instant;
use crate::store::{HISTORIES_OF_OBJECT_MAX, StoreError};

/// Histories that one end of a run deletes at most: one is enough to keep the bound, and more make
/// up for a store that was above it.
const RETIRED_AT_ONCE_MAX: u32 = 8;

/// The runs that are retired now; the index of runs with a history finds them.
const OLD: &str = "SELECT id FROM runs WHERE ended IS NOT NULL AND retired = 0 AND ended < ?1";

/// The runs that a later one of their object has succeeded, of objects with a run that is retired
/// now, and those that were retired as such before. The latest that has ended stays, since it says
/// how its object stands, and what follows one that stays stays with it: after a clock that was set
/// back, later runs are what shows that the bound took its history.
const SUPERSEDED: &str = "SELECT id FROM runs WHERE id IN \
     (SELECT id FROM runs WHERE retired = 2 AND ended < ?1 \
      UNION SELECT id FROM runs WHERE ended < ?1 AND object IN (SELECT object \
       FROM runs WHERE ended IS NOT NULL AND retired = 0 AND ended < ?1)) \
     AND id < (SELECT max(id) FROM runs later \
      WHERE later.object = runs.object AND later.ended IS NOT NULL) \
     AND NOT EXISTS (SELECT 1 FROM runs earlier WHERE earlier.object = runs.object \
      AND earlier.id < runs.id AND earlier.ended >= ?1)";

/// Retires what is old: as superseded (2) if a later run of the object has ended, else at rest (1).
const RETIRE: &str = "UPDATE runs SET retired = 1 + EXISTS (SELECT 1 FROM runs later \
     WHERE later.object = runs.object AND later.id > runs.id AND later.ended IS NOT NULL)";

/// Settings that were replaced before an instant, and that no run names of which a history is there
/// or will be.
const UNUSED_SETTINGS: &str = "DELETE FROM settings WHERE stored < (SELECT max(stored) \
     FROM settings later WHERE later.connection = settings.connection AND later.stored < ?1) \
     AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.connection = settings.connection \
      AND retired = 0 AND version IN (settings_version, next_settings_version)) \
     AND NOT EXISTS (SELECT 1 FROM attempts JOIN runs ON runs.id = run \
      WHERE runs.connection = settings.connection AND attempts.settings_version = version)";

/// Forgets what runs have left that ended before this instant.
pub(super) fn retire(database: &Connection, ended_before: Instant) -> Result<(), StoreError> {
    let before = [integer(ended_before)?];
    // The hashes of the histories stay with the runs, and each deletion is a link of a chain.
    let sql = format!(
        "SELECT connection FROM runs WHERE id IN ({OLD}) \
         UNION SELECT connection FROM runs WHERE id IN ({SUPERSEDED})"
    );
    for connection in collect(database, &sql, before, |row| Ok(row.get::<_, String>(0)?))? {
        endings::add_deletion(database, &connection, ended_before)?;
    }
    for sql in [
        format!("DELETE FROM history WHERE run IN ({OLD})"),
        format!("DELETE FROM attempts WHERE run IN ({OLD})"),
        format!("DELETE FROM notices WHERE run IN ({OLD})"),
        format!("DELETE FROM notices WHERE run IN ({SUPERSEDED})"),
        "DELETE FROM notices WHERE run IS NULL AND decided = 1 AND received < ?1".into(),
        format!("DELETE FROM runs WHERE id IN ({SUPERSEDED})"),
        format!("{RETIRE} WHERE id IN ({OLD})"),
        UNUSED_SETTINGS.into(),
    ] {
        execute(database, &sql, before)?;
    }
    trimming::trim(database, ended_before)
}

/// Forgets the oldest histories of an object's runs with this ending, beyond their bound. The runs
/// themselves stay.
pub(super) fn retire_oldest_of_object(
    database: &Connection,
    object: i64,
    ending: EndingKind,
) -> Result<(), StoreError> {
    let sql = "SELECT id FROM runs WHERE object = ? AND ending = ? AND ended IS NOT NULL \
               AND retired = 0 ORDER BY id DESC LIMIT ? OFFSET ?";
    let values = (
        object,
        ending.as_str(),
        RETIRED_AT_ONCE_MAX,
        HISTORIES_OF_OBJECT_MAX,
    );
    let mut statement = database.prepare_cached(sql)?;
    let beyond = statement.query_map(values, |row| row.get(0))?;
    for run in beyond.collect::<Result<Vec<i64>, _>>()? {
        for sql in [
            "DELETE FROM history WHERE run = ?",
            "DELETE FROM attempts WHERE run = ?",
            "DELETE FROM notices WHERE run = ?",
            "UPDATE runs SET retired = 2 WHERE id = ?",
        ] {
            execute(database, sql, [run])?;
        }
    }
    Ok(())
}
