//! Histories: the rows of a run in order, each with its demand and, once it is known, its outcome.

use rusqlite::{Connection, Row};

use super::prepared::{PreparedBody, PreparedRow};
use super::{body, chain, collect, execute, instant, integer, reads, version_2};
use crate::contract::runs::{Action, Demand, Effect, Outcome};
use crate::store::{Attempt, ChainHash, HistoryRow, RunId, StoreError};

/// Appends rows, or completes the last row if it had no outcome.
pub(super) fn append(
    database: &Connection,
    run: RunId,
    rows: &[PreparedRow],
) -> Result<(), StoreError> {
    let mut end = HistoryEnd::of(database, run)?;
    for row in rows {
        if row.epoch != end.epoch {
            let told = format!("run {run} is in epoch {}, not {}", end.epoch, row.epoch);
            return Err(StoreError::Refused(told));
        }
        end.append(database, row)?;
    }
    end.store(database)
}

/// Takes up into the chain of a history what the epoch began with that is about to be over.
pub(super) fn start_over(database: &Connection, run: RunId) -> Result<(), StoreError> {
    let mut end = HistoryEnd::of(database, run)?;
    let sql = "SELECT settings_version, started FROM runs WHERE id = ?";
    let began = reads::first(database, sql, [end.run], |row| {
        Ok((row.get::<_, String>(0)?, instant(row, 1)?))
    })?;
    let (settings_version, started) = began.unwrap_or_default();
    end.hash = chain::started_over(&end.hash, end.epoch, &settings_version, started);
    end.before_open = None;
    end.store(database)
}

/// The hash of a run's history, to be stored with its ending; refused if it has ended.
pub(super) fn hash(database: &Connection, run: RunId) -> Result<ChainHash, StoreError> {
    Ok(HistoryEnd::of(database, run)?.hash)
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

/// The hash of a whole history.
pub(super) struct Folded {
    pub(super) hash: ChainHash,
    /// The hash before the last row, if that has no outcome.
    pub(super) before_open: Option<ChainHash>,
}

/// Hashes the history of a run as it is in the store, row by row.
pub(super) fn fold(
    database: &Connection,
    connection: &str,
    run: RunId,
) -> Result<Folded, StoreError> {
    fold_each(database, connection, run, |_| {})
}

/// The hash before each row of a run, in the order of [`read`], and last that of the whole history.
pub(super) fn hashes(
    database: &Connection,
    connection: &str,
    run: RunId,
) -> Result<Vec<ChainHash>, StoreError> {
    let mut hashes = Vec::new();
    let folded = fold_each(database, connection, run, |before| hashes.push(*before))?;
    hashes.push(folded.hash);
    Ok(hashes)
}

fn fold_each(
    database: &Connection,
    connection: &str,
    run: RunId,
    mut before_row: impl FnMut(&ChainHash),
) -> Result<Folded, StoreError> {
    let mut attempts = attempts(database, run)?.into_iter().peekable();
    let mut folded = Folded {
        hash: chain::history(connection, run),
        before_open: None,
    };
    let sql = "SELECT epoch, position, at, demand, outcome FROM history WHERE run = ? \
               ORDER BY epoch, position";
    let mut statement = database.prepare_cached(sql)?;
    let mut rows = statement.query([integer(run)?])?;
    while let Some(row) = rows.next()? {
        let epoch: u32 = row.get(0)?;
        while let Some(attempt) = attempts.next_if(|attempt| attempt.epoch < epoch) {
            folded.start_over(&attempt);
        }
        before_row(&folded.hash);
        folded.add(row)?;
    }
    attempts.for_each(|attempt| folded.start_over(&attempt));
    Ok(folded)
}

impl Folded {
    fn add(&mut self, row: &Row) -> Result<(), StoreError> {
        let demand = chain::body(row.get_ref(3)?.as_blob()?);
        let outcome = row.get_ref(4)?.as_blob_or_null()?.map(chain::body);
        let entry = chain::Entry {
            epoch: row.get(0)?,
            position: row.get(1)?,
            at: instant(row, 2)?,
            demand: &demand,
            outcome: outcome.as_ref(),
        };
        self.before_open = outcome.is_none().then_some(self.hash);
        self.hash = chain::entry(&self.hash, &entry);
        Ok(())
    }

    fn start_over(&mut self, attempt: &Attempt) {
        let Attempt {
            epoch,
            settings_version,
            started,
        } = attempt;
        self.hash = chain::started_over(&self.hash, *epoch, settings_version, *started);
        self.before_open = None;
    }
}

/// Where a history ends, for the next row.
struct HistoryEnd {
    run: i64,
    epoch: u32,
    /// The position of the next row.
    next: u32,
    hash: ChainHash,
    /// The hash before the last row, while that has no outcome.
    before_open: Option<ChainHash>,
}

impl HistoryEnd {
    /// Of a run that has not ended.
    fn of(database: &Connection, run: RunId) -> Result<Self, StoreError> {
        let number = integer(run)?;
        let sql = "SELECT epoch, connection, history_hash, history_hash_before_open, \
                   (SELECT max(position) FROM history \
                    WHERE run = runs.id AND history.epoch = runs.epoch) \
                   FROM runs WHERE id = ? AND ended IS NULL";
        let end = reads::first(database, sql, [number], |row| {
            let last: Option<u32> = row.get(4)?;
            let hash: Option<ChainHash> = row.get(2)?;
            let connection = row.get_ref(1)?.as_str()?;
            Ok(Self {
                run: number,
                epoch: row.get(0)?,
                next: last.map_or(0, |last| last.saturating_add(1)),
                hash: hash.unwrap_or_else(|| chain::history(connection, run)),
                before_open: row.get(3)?,
            })
        })?;
        end.ok_or_else(|| StoreError::Refused(format!("run {run} has ended or is unknown")))
    }

    fn append(&mut self, database: &Connection, row: &PreparedRow) -> Result<(), StoreError> {
        if row.index == self.next {
            return self.insert(database, row);
        }
        let is_last = row.index.checked_add(1) == Some(self.next);
        match (&row.outcome, self.before_open) {
            (Some(outcome), Some(before)) if is_last => {
                self.complete(database, row, outcome, &before)
            }
            _ => Err(self.refused(row)),
        }
    }

    fn insert(&mut self, database: &Connection, row: &PreparedRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO history (run, epoch, position, at, demand, outcome) \
                   VALUES (?, ?, ?, ?, ?, ?)";
        let values = (
            self.run,
            row.epoch,
            row.index,
            integer(row.at)?,
            &row.demand.stored,
            row.outcome.as_ref().map(|outcome| &outcome.stored),
        );
        execute(database, sql, values)?;
        self.before_open = row.outcome.is_none().then_some(self.hash);
        let entry = chain::Entry {
            epoch: row.epoch,
            position: row.index,
            at: row.at,
            demand: &row.demand.hash,
            outcome: row.outcome.as_ref().map(|outcome| &outcome.hash),
        };
        self.hash = chain::entry(&self.hash, &entry);
        self.next = self.next.saturating_add(1);
        Ok(())
    }

    /// The instant of the demand stays, and so do its bytes.
    fn complete(
        &mut self,
        database: &Connection,
        row: &PreparedRow,
        outcome: &PreparedBody,
        before: &ChainHash,
    ) -> Result<(), StoreError> {
        let sql = "SELECT at, demand FROM history WHERE run = ? AND epoch = ? AND position = ?";
        let place = (self.run, row.epoch, row.index);
        let open = reads::first(database, sql, place, |row| {
            Ok((instant(row, 0)?, row.get::<_, Vec<u8>>(1)?))
        })?;
        let Some((at, demand)) = open else {
            return Err(self.refused(row));
        };
        if !is_same_demand(&demand, &row.demand.stored)? {
            return Err(self.refused(row));
        }
        let sql = "UPDATE history SET outcome = ? WHERE run = ? AND epoch = ? AND position = ?";
        execute(
            database,
            sql,
            (&outcome.stored, self.run, row.epoch, row.index),
        )?;
        let entry = chain::Entry {
            epoch: row.epoch,
            position: row.index,
            at,
            demand: &chain::body(&demand),
            outcome: Some(&outcome.hash),
        };
        self.hash = chain::entry(before, &entry);
        self.before_open = None;
        Ok(())
    }

    fn store(&self, database: &Connection) -> Result<(), StoreError> {
        let sql = "UPDATE runs SET history_hash = ?, history_hash_before_open = ? WHERE id = ?";
        execute(database, sql, (self.hash, self.before_open, self.run)).map(drop)
    }

    fn refused(&self, row: &PreparedRow) -> StoreError {
        StoreError::Refused(format!(
            "row {} of epoch {} of run {} is taken already, or is not the next",
            row.index, row.epoch, self.run
        ))
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
