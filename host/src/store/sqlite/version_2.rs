//! What stores of schema version 2 hold as JSON: the contract's types as they were then, under
//! their Rust names, and their form now. Types that have not changed are the present ones.
//!
//! Bodies of histories and completions are converted when they are read, so that no large store is
//! rewritten before it can be used. Credentials and gates are few, and are rewritten once.

mod completion;
mod credential;
mod demand;
mod outcome;
mod request;

use rusqlite::Connection;
use serde::Deserialize;

pub(super) use self::completion::Completion;
use self::credential::{Credential, Gate};
pub(super) use self::demand::Demand;
pub(super) use self::outcome::{Outcome, outcome_of_trust};
use super::json;
use crate::contract::types::Instant;
use crate::contract::{credentials, pacing};
use crate::store::StoreError;

/// Rewrites the values that have no byte to name their form.
pub(super) fn rewrite_small_values(database: &Connection) -> Result<(), StoreError> {
    rewrite::<Credential, credentials::Credential>(database, "credentials", "visible")?;
    rewrite::<Gate, pacing::Gate>(database, "gates", "gate")
}

fn rewrite<Old, New>(database: &Connection, table: &str, column: &str) -> Result<(), StoreError>
where
    Old: for<'de> Deserialize<'de> + Into<New>,
    New: serde::Serialize,
{
    let sql = format!("SELECT connection, system, {column} FROM {table}");
    let mut statement = database.prepare(&sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let rows: Vec<(String, String, String)> = rows.collect::<Result<_, _>>()?;
    let sql = format!("UPDATE {table} SET {column} = ? WHERE connection = ? AND system = ?");
    for (connection, system, text) in rows {
        let old: Old = serde_json::from_str(&text)
            .map_err(|error| StoreError::Corrupt(format!("a row of {table}: {error}")))?;
        database.execute(&sql, (json(&old.into())?, connection, system))?;
    }
    Ok(())
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn some_instant(instant: Instant) -> Option<Instant> {
    Some(instant).filter(|instant| *instant != 0)
}
