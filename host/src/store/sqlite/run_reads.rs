//! The queries about runs.

use rusqlite::types::Value;
use rusqlite::{Connection, Row};

use super::reads::{completion, facts, first, object};
use super::{collect, instant, integer, known_word, objects};
use crate::contract::runs::{EndingKind, StartReason, WaitReason};
use crate::contract::types::{Instant, ObjectRef};
use crate::store::{Run, RunCount, RunFilter, RunId, RunState, StoreError};

const SELECT: &str = "SELECT runs.id, runs.connection, system, kind, name, reason, started, \
                      settings_version, \
                      epoch, state, due, wait_reason, woken_by_object, next_reason IS NOT NULL, \
                      message, completion, ended, number, party, amount, currency, date FROM runs \
                      JOIN objects ON objects.id = runs.object";

pub(super) const NEXT_DUE: &str =
    "SELECT id, due FROM runs WHERE connection = ? AND ended IS NULL ORDER BY due";

/// Runs that are due, soonest first.
pub(super) fn due(
    database: &Connection,
    connection: &str,
    now: Instant,
    limit: u32,
    except: &[RunId],
) -> Result<Vec<Run>, StoreError> {
    let mut statement = database.prepare_cached(&due_sql())?;
    let mut rows = statement.query((connection, integer(now)?))?;
    let mut runs = Vec::new();
    while runs.len() < limit as usize
        && let Some(row) = rows.next()?
    {
        if !except.contains(&instant(row, 0)?) {
            runs.push(read_run(row)?);
        }
    }
    Ok(runs)
}

/// When the next run is due.
pub(super) fn next_due(
    database: &Connection,
    connection: &str,
    except: &[RunId],
) -> Result<Option<Instant>, StoreError> {
    let mut statement = database.prepare_cached(NEXT_DUE)?;
    let mut rows = statement.query([connection])?;
    while let Some(row) = rows.next()? {
        if !except.contains(&instant(row, 0)?) {
            return instant(row, 1).map(Some);
        }
    }
    Ok(None)
}

/// A run by its number.
pub(super) fn run_by_id(database: &Connection, id: RunId) -> Result<Option<Run>, StoreError> {
    first(
        database,
        &format!("{SELECT} WHERE runs.id = ?"),
        [integer(id)?],
        read_run,
    )
}

/// The run of an object that has not ended.
pub(super) fn active(
    database: &Connection,
    connection: &str,
    object: &ObjectRef,
) -> Result<Option<Run>, StoreError> {
    let Some(number) = objects::find(database, connection, object)? else {
        return Ok(None);
    };
    let sql = format!("{SELECT} WHERE runs.object = ? AND ended IS NULL");
    first(database, &sql, [number], read_run)
}

/// Runs that match, newest first.
pub(super) fn matching(database: &Connection, filter: &RunFilter) -> Result<Vec<Run>, StoreError> {
    let (sql, values) = matching_sql(filter)?;
    collect(database, &sql, rusqlite::params_from_iter(values), read_run)
}

/// How many runs there are by connection, state and ending.
pub(super) fn counts(database: &Connection) -> Result<Vec<RunCount>, StoreError> {
    let sql = "SELECT connection, state, NULL, count(*), count(*), min(started), \
               sum(state = 'waiting' AND wait_reason IS NULL AND due = started) FROM runs \
               WHERE ended IS NULL GROUP BY connection, state \
               UNION ALL SELECT connection, 'ended', ending, objects, runs, NULL, 0 FROM endings \
               ORDER BY 1, 2, 3";
    collect(database, sql, [], |row| {
        Ok(RunCount {
            connection: row.get(0)?,
            state: known_word(RunState::from_word, row.get_ref(1)?.as_str()?)?,
            ending: row
                .get_ref(2)?
                .as_str_or_null()?
                .map(|word| known_word(EndingKind::from_word, word))
                .transpose()?,
            objects: instant(row, 3)?,
            planned: instant(row, 6)?,
            runs: instant(row, 4)?,
            oldest_started: row.get::<_, Option<i64>>(5)?.map(i64::cast_unsigned),
        })
    })
}

pub(super) fn due_sql() -> String {
    format!(
        "{SELECT} WHERE runs.connection = ? AND ended IS NULL AND due <= ? ORDER BY due, runs.id"
    )
}

pub(super) fn matching_sql(filter: &RunFilter) -> Result<(String, Vec<Value>), StoreError> {
    let (conditions, mut values) = conditions(filter)?;
    let limit = if filter.limit == 0 {
        -1
    } else {
        i64::from(filter.limit)
    };
    values.push(limit.into());
    Ok((
        format!("{SELECT} WHERE {conditions} ORDER BY runs.id DESC LIMIT ?"),
        values,
    ))
}

fn conditions(filter: &RunFilter) -> Result<(String, Vec<Value>), StoreError> {
    let mut conditions = vec!["1".to_owned()];
    let mut values: Vec<Value> = Vec::new();
    if let Some(connection) = &filter.connection {
        conditions.push("runs.connection = ?".into());
        values.push(connection.clone().into());
    }
    if let Some(object) = &filter.object {
        conditions.push("(name, kind, system) = (?, ?, ?)".into());
        values.extend(
            [
                object.id.clone(),
                object.kind.clone(),
                object.system.as_str().into(),
            ]
            .map(Value::from),
        );
    }
    if let Some(state) = filter.state {
        conditions.push(state_condition(state).into());
    }
    if !filter.endings.is_empty() {
        conditions.push(endings_condition(&filter.endings));
    }
    if filter.latest_only {
        conditions.push(latest_condition(filter).into());
    }
    if let Some(text) = &filter.find {
        conditions.push(format!(
            "runs.object IN (SELECT id FROM objects WHERE {})",
            ["name", "number", "party", "amount"]
                .map(|column| format!("{column} LIKE ? ESCAPE '\\'"))
                .join(" OR ")
        ));
        values.extend(std::iter::repeat_n(Value::from(like_pattern(text)), 4));
    }
    if let Some(before) = filter.before {
        conditions.push("runs.id < ?".into());
        values.push(integer(before)?.into());
    }
    Ok((conditions.join(" AND "), values))
}

/// A pattern for what contains a text. LIKE takes ASCII letters of either case for the same.
pub(super) fn like_pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

fn state_condition(state: RunState) -> &'static str {
    match state {
        RunState::Due => "ended IS NULL AND state = 'due'",
        RunState::Waiting => "ended IS NULL AND state = 'waiting'",
        RunState::Ended => "ended IS NOT NULL",
    }
}

/// Written out, so that SQLite sees where its partial index serves.
fn endings_condition(endings: &[EndingKind]) -> String {
    let words: Vec<_> = endings
        .iter()
        .map(|ending| format!("'{}'", ending.as_str()))
        .collect();
    let condition = format!("ending IN ({})", words.join(", "));
    let stopped = [
        EndingKind::Rejected,
        EndingKind::Parked,
        EndingKind::Conflict,
    ];
    if endings.iter().all(|ending| stopped.contains(ending)) {
        return format!("ending IN ('rejected', 'parked', 'conflict') AND {condition}");
    }
    condition
}

fn latest_condition(filter: &RunFilter) -> &'static str {
    if filter.endings.is_empty() {
        "NOT EXISTS (SELECT 1 FROM runs later WHERE later.object = runs.object \
         AND later.id > runs.id)"
    } else {
        "NOT EXISTS (SELECT 1 FROM runs later WHERE later.object = runs.object \
         AND later.id > runs.id \
         AND later.ended IS NOT NULL)"
    }
}

/// The run in a row; an error names it, so that one damaged row does not hide the others.
fn read_run(row: &Row) -> Result<Run, StoreError> {
    read_columns(row).map_err(|error| match (error, instant(row, 0)) {
        (StoreError::Corrupt(why), Ok(run)) => StoreError::UnreadableRun { run, why },
        (error, _) => error,
    })
}

fn read_columns(row: &Row) -> Result<Run, StoreError> {
    let wait_reason = row
        .get_ref(11)?
        .as_str_or_null()?
        .map(|word| known_word(WaitReason::from_word, word))
        .transpose()?;
    Ok(Run {
        id: instant(row, 0)?,
        connection: row.get(1)?,
        object: object(row, 2)?,
        reason: known_word(StartReason::from_word, row.get_ref(5)?.as_str()?)?,
        started: instant(row, 6)?,
        settings_version: row.get(7)?,
        epoch: row.get(8)?,
        state: known_word(RunState::from_word, row.get_ref(9)?.as_str()?)?,
        due: instant(row, 10)?,
        wait_reason,
        woken_by_object: row.get(12)?,
        dirty: row.get(13)?,
        message: row.get(14)?,
        completion: completion(row, 15)?,
        ended: row.get::<_, Option<i64>>(16)?.map(i64::cast_unsigned),
        facts: facts(row, 17)?,
    })
}
