//! Objects are named by a number inside the store, so that their names are written once.

use rusqlite::{Connection, OptionalExtension};

use crate::contract::types::ObjectRef;
use crate::store::StoreError;

/// The number of an object, if it was ever heard of.
pub(super) fn find(
    database: &Connection,
    connection: &str,
    object: &ObjectRef,
) -> Result<Option<i64>, StoreError> {
    let sql =
        "SELECT id FROM objects WHERE connection = ? AND name = ? AND kind = ? AND system = ?";
    let values = (connection, &object.id, &object.kind, object.system.as_str());
    Ok(database
        .prepare_cached(sql)?
        .query_row(values, |row| row.get(0))
        .optional()?)
}

/// The number of an object, which it is given if it has none.
pub(super) fn number(
    database: &Connection,
    connection: &str,
    object: &ObjectRef,
) -> Result<i64, StoreError> {
    if let Some(number) = find(database, connection, object)? {
        return Ok(number);
    }
    let sql = "INSERT INTO objects (connection, name, kind, system) VALUES (?, ?, ?, ?)";
    let values = (connection, &object.id, &object.kind, object.system.as_str());
    Ok(database.prepare_cached(sql)?.insert(values)?)
}
