//! Ends runs: counts the ending, wakes those who wait for the object, and starts the next look at
//! it.

use rusqlite::{Connection, OptionalExtension, Row};

use super::runs::{Beginning, expect_active, insert};
use super::{endings, execute, history, integer, known_word, reads, retention};
use crate::contract::runs::{Completion, EndingKind, Facts, StartReason};
use crate::contract::types::Instant;
use crate::store::{RunId, RunState, StoreError};

/// Ends a run and returns the number of the one that follows it, if one does.
pub(super) fn end(
    database: &Connection,
    run: RunId,
    completion: &Completion,
    body: &[u8],
    at: Instant,
) -> Result<Option<RunId>, StoreError> {
    let Some(ended) = find(database, run)? else {
        return expect_active(run, 0).map(|()| None);
    };
    count(database, &ended, completion.kind())?;
    record(database, run, completion.kind(), body, at)?;
    endings::add(database, &ended.connection, run, at)?;
    retention::retire_oldest_of_object(database, ended.object, completion.kind())?;
    update_facts(database, ended.object, completion)?;
    wake(database, ended.object, at)?;
    follow(database, &ended, completion.look_again(), at)
}

struct EndedRun {
    object: i64,
    connection: String,
    settings_version: String,
    next_reason: Option<String>,
    next_settings_version: Option<String>,
}

fn find(database: &Connection, run: RunId) -> Result<Option<EndedRun>, StoreError> {
    let sql = "SELECT object, connection, settings_version, next_reason, next_settings_version \
               FROM runs WHERE id = ? AND ended IS NULL";
    let read = |row: &Row| {
        Ok(EndedRun {
            object: row.get(0)?,
            connection: row.get(1)?,
            settings_version: row.get(2)?,
            next_reason: row.get(3)?,
            next_settings_version: row.get(4)?,
        })
    };
    Ok(database
        .prepare_cached(sql)?
        .query_row([integer(run)?], read)
        .optional()?)
}

fn count(database: &Connection, run: &EndedRun, kind: EndingKind) -> Result<(), StoreError> {
    let sql =
        "SELECT ending FROM runs WHERE object = ? AND ended IS NOT NULL ORDER BY id DESC LIMIT 1";
    let before: Option<String> = database
        .prepare_cached(sql)?
        .query_row([run.object], |row| row.get(0))
        .optional()?;
    if let Some(before) = before {
        let sql = "UPDATE endings SET objects = objects - 1 WHERE connection = ? AND ending = ?";
        execute(database, sql, (&run.connection, before))?;
    }
    let sql = "INSERT INTO endings (connection, ending, runs, objects) VALUES (?, ?, 1, 1) \
               ON CONFLICT DO UPDATE SET runs = runs + 1, objects = objects + 1";
    execute(database, sql, (&run.connection, kind.as_str())).map(drop)
}

fn record(
    database: &Connection,
    run: RunId,
    kind: EndingKind,
    body: &[u8],
    at: Instant,
) -> Result<(), StoreError> {
    let history_hash = history::hash(database, run)?;
    let sql = "UPDATE runs SET state = 'ended', ending = ?, completion = ?, ended = ?, \
               history_hash = ?, history_hash_before_open = NULL, \
               wait_reason = NULL, waits_on = NULL, woken_by_object = 0, message = '' WHERE id = ?";
    let values = (
        kind.as_str(),
        body,
        integer(at)?,
        history_hash,
        integer(run)?,
    );
    execute(database, sql, values).map(drop)
}

/// What this completion does not know stays as it was known before.
fn update_facts(
    database: &Connection,
    object: i64,
    completion: &Completion,
) -> Result<(), StoreError> {
    if completion.facts == Facts::NONE {
        return Ok(());
    }
    let sql = "SELECT number, party, amount, currency, date FROM objects WHERE id = ?";
    let earlier = reads::first(database, sql, [object], |row| reads::facts(row, 0))?;
    let facts = completion.facts.clone();
    let facts = facts.or_earlier(&earlier.unwrap_or(Facts::NONE));
    let sql = "UPDATE objects SET number = ?, party = ?, amount = ?, currency = ?, date = ? \
               WHERE id = ?";
    let Facts {
        number,
        party,
        amount,
        currency,
        date,
    } = facts;
    execute(
        database,
        sql,
        (number, party, amount, currency, date, object),
    )
    .map(drop)
}

fn wake(database: &Connection, object: i64, at: Instant) -> Result<(), StoreError> {
    let sql = "UPDATE runs SET state = 'due', due = ?, wait_reason = NULL, waits_on = NULL, \
               woken_by_object = 1, message = '' WHERE waits_on = ?";
    execute(database, sql, (integer(at)?, object)).map(drop)
}

fn follow(
    database: &Connection,
    run: &EndedRun,
    look_again: Option<Instant>,
    at: Instant,
) -> Result<Option<RunId>, StoreError> {
    let next = Beginning {
        connection: &run.connection,
        object: run.object,
        reason: StartReason::LookAgain,
        settings_version: &run.settings_version,
        started: at,
        state: RunState::Due,
    };
    if let (Some(reason), Some(settings_version)) = (&run.next_reason, &run.next_settings_version) {
        let reason = known_word(StartReason::from_word, reason)?;
        return insert(
            database,
            &Beginning {
                reason,
                settings_version,
                ..next
            },
        )
        .map(Some);
    }
    match look_again {
        Some(started) => insert(
            database,
            &Beginning {
                started,
                state: RunState::Waiting,
                ..next
            },
        )
        .map(Some),
        None => Ok(None),
    }
}
