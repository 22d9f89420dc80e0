//! Histories: the rows of a run in order, each with its demand and, once it is known, its outcome.

use rusqlite::{Connection, OptionalExtension, Row};

use super::prepared::PreparedRow;
use super::{body, collect, execute, instant, integer, version_2};
use crate::contract::runs::{Action, Demand, Effect, Outcome};
use crate::store::{Attempt, HistoryRow, RunId, StoreError};

/// Appends rows, or completes rows that had no outcome.
pub(super) fn append(
    database: &Connection,
    run: RunId,
    rows: &[PreparedRow],
) -> Result<(), StoreError> {
    let epoch = active_epoch(database, run)?;
    for row in rows {
        if row.epoch != epoch {
            let told = format!("run {run} is in epoch {epoch}, not {}", row.epoch);
            return Err(StoreError::Refused(told));
        }
        append_row(database, integer(run)?, row)?;
    }
    Ok(())
}

/// All rows of a run, oldest first.
pub(super) fn read(database: &Connection, run: RunId) -> Result<Vec<HistoryRow>, StoreError> {
    let sql = "SELECT epoch, position, at, demand, outcome FROM history WHERE run = ? \
               ORDER BY epoch, position";
    let mut statement = database.prepare_cached(sql)?;
    let mut rows = statement.query([integer(run)?])?;
    let mut history = Vec::new();
    while let Some(row) = rows.next()? {
        history.push(read_row(row)?);
    }
    Ok(history)
}

fn active_epoch(database: &Connection, run: RunId) -> Result<u32, StoreError> {
    let sql = "SELECT epoch FROM runs WHERE id = ? AND ended IS NULL";
    database
        .prepare_cached(sql)?
        .query_row([integer(run)?], |row| row.get(0))
        .optional()?
        .ok_or_else(|| StoreError::Refused(format!("run {run} has ended or is unknown")))
}

fn append_row(database: &Connection, run: i64, row: &PreparedRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO history (run, epoch, position, at, demand, outcome) \
               VALUES (?, ?, ?, ?, ?, ?) \
               ON CONFLICT DO NOTHING";
    let values = (
        run,
        row.epoch,
        row.index,
        integer(row.at)?,
        &row.demand,
        &row.outcome,
    );
    match execute(database, sql, values)? {
        0 => complete_row(database, run, row),
        _ => Ok(()),
    }
}

fn complete_row(database: &Connection, run: i64, row: &PreparedRow) -> Result<(), StoreError> {
    let place = (run, row.epoch, row.index);
    let sql = "SELECT demand FROM history WHERE run = ? AND epoch = ? AND position = ? \
               AND outcome IS NULL";
    let open: Option<Vec<u8>> = database
        .prepare_cached(sql)?
        .query_row(place, |row| row.get(0))
        .optional()?;
    match (open, &row.outcome) {
        (Some(open), Some(outcome)) if is_same_demand(&open, &row.demand)? => {
            let sql = "UPDATE history SET outcome = ? WHERE run = ? AND epoch = ? AND position = ?";
            execute(database, sql, (outcome, run, row.epoch, row.index)).map(drop)
        }
        _ => Err(StoreError::Refused(format!(
            "row {} of epoch {} of run {run} is taken already",
            row.index, row.epoch
        ))),
    }
}

/// An older release may have compressed the same demand to other bytes.
fn is_same_demand(stored: &[u8], new: &[u8]) -> Result<bool, StoreError> {
    Ok(stored == new || body::decode::<Demand>(stored)? == body::decode::<Demand>(new)?)
}

fn read_row(row: &Row) -> Result<HistoryRow, StoreError> {
    let demand: Demand = body::decode(row.get_ref(3)?.as_blob()?)?;
    let outcome = row.get_ref(4)?.as_blob_or_null()?;
    let outcome = outcome
        .map(|outcome| decode_outcome(&demand, outcome))
        .transpose()?;
    Ok(HistoryRow {
        epoch: row.get(0)?,
        index: row.get(1)?,
        at: row.get::<_, i64>(2)?.cast_unsigned(),
        demand,
        outcome,
    })
}

/// In stores of schema version 2 a verifier that was trusted was reported like something saved.
fn decode_outcome(demand: &Demand, stored: &[u8]) -> Result<Outcome, StoreError> {
    let trusts = matches!(
        demand,
        Demand::Perform(Effect {
            action: Action::TrustVerifier(_),
            ..
        })
    );
    match body::decode_version_2(stored)? {
        Some(old) if trusts => Ok(version_2::outcome_of_trust(old)),
        _ => body::decode(stored),
    }
}

/// What the earlier epochs of a run began with, oldest first.
pub(super) fn attempts(database: &Connection, run: RunId) -> Result<Vec<Attempt>, StoreError> {
    let sql = "SELECT epoch, settings_version, started FROM attempts WHERE run = ? ORDER BY epoch";
    collect(database, sql, [integer(run)?], |row| {
        Ok(Attempt {
            epoch: row.get(0)?,
            settings_version: row.get(1)?,
            started: instant(row, 2)?,
        })
    })
}
