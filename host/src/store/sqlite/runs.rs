//! Starts runs, lets them wait, and starts them over.

use rusqlite::{Connection, OptionalExtension, Row};

use super::{execute, history, integer, notices, objects};
use crate::contract::runs::{NewTask, StartReason, WaitReason};
use crate::contract::types::{Instant, ObjectRef};
use crate::store::{Decision, NewRun, RunId, RunState, StoreError};

/// A run as it is inserted.
pub(super) struct Beginning<'a> {
    pub(super) connection: &'a str,
    pub(super) object: i64,
    pub(super) reason: StartReason,
    pub(super) settings_version: &'a str,
    pub(super) started: Instant,
    pub(super) state: RunState,
}

/// Starts a run; refused while a run of the object has not ended.
pub(super) fn start(database: &Connection, new: &NewRun) -> Result<RunId, StoreError> {
    let NewTask { object, reason } = &new.task;
    let number = objects::number(database, &new.connection, object)?;
    if let Some(Active { id, .. }) = active(database, number)? {
        return Err(StoreError::Refused(format!(
            "run {id} of {} has not ended",
            object.id
        )));
    }
    start_numbered(database, new, number, *reason)
}

/// Starts a run and returns its number, or sees to it that the active one is followed by another
/// look.
pub(super) fn start_or_mark_dirty(
    database: &Connection,
    new: &NewRun,
) -> Result<Option<RunId>, StoreError> {
    let NewTask { object, reason } = &new.task;
    let number = objects::number(database, &new.connection, object)?;
    let Some(active) = active(database, number)? else {
        return start_numbered(database, new, number, *reason).map(Some);
    };
    if active.only_looks_again_after(integer(new.started)?) {
        take_over(database, active.id, new)?;
    } else {
        mark_dirty(database, &active, new)?;
    }
    decide(database, new, active.id.cast_unsigned())?;
    Ok(None)
}

/// Inserts a run. The index of active runs refuses a second one of an object.
pub(super) fn insert(database: &Connection, run: &Beginning) -> Result<RunId, StoreError> {
    let sql = "INSERT INTO runs (object, connection, reason, started, settings_version, epoch, \
               state, due, \
               woken_by_object, message, retired) VALUES (?, ?, ?, ?4, ?5, 0, ?6, ?4, 0, '', 0)";
    let values = (
        run.object,
        run.connection,
        run.reason.as_str(),
        integer(run.started)?,
        run.settings_version,
        run.state.as_str(),
    );
    Ok(database
        .prepare_cached(sql)?
        .insert(values)?
        .cast_unsigned())
}

/// Sets when a run is due again, and why it waits.
pub(super) fn wait(
    database: &Connection,
    run: RunId,
    due: Instant,
    reason: Option<WaitReason>,
    on: Option<&ObjectRef>,
    message: &str,
) -> Result<(), StoreError> {
    let waits_on = on
        .map(|object| awaited(database, run, object))
        .transpose()?;
    let is_over = match waits_on {
        Some(object) => !is_active(database, object)?,
        None => false,
    };
    let (state, due) = match reason {
        _ if is_over => (RunState::Due, 0),
        Some(_) => (RunState::Waiting, due),
        None => (RunState::Due, due),
    };
    let sql = "UPDATE runs SET state = ?, due = ?, wait_reason = ?, waits_on = ?, \
               woken_by_object = ?, message = ? WHERE id = ? AND ended IS NULL";
    let values = (
        state.as_str(),
        integer(due)?,
        reason.filter(|_| !is_over).map(WaitReason::as_str),
        waits_on.filter(|_| !is_over),
        is_over,
        if is_over { "" } else { message },
        integer(run)?,
    );
    expect_active(run, execute(database, sql, values)?)
}

/// Brings forward the runs of this state and reason that are due too late.
pub(super) fn bound_due(
    database: &Connection,
    state: RunState,
    reason: Option<WaitReason>,
    due_max: Instant,
) -> Result<(), StoreError> {
    let sql = "UPDATE runs SET due = ?1 WHERE ended IS NULL AND due > ?1 AND state = ?2 \
               AND wait_reason IS ?3";
    let values = (
        integer(due_max)?,
        state.as_str(),
        reason.map(WaitReason::as_str),
    );
    execute(database, sql, values).map(drop)
}

/// Moves a run to its next epoch, due at once.
pub(super) fn start_over(
    database: &Connection,
    run: RunId,
    settings_version: &str,
    started: Instant,
    message: &str,
) -> Result<(), StoreError> {
    history::start_over(database, run)?;
    let sql = "INSERT INTO attempts (run, epoch, settings_version, started) \
               SELECT id, epoch, settings_version, started FROM runs WHERE id = ? \
               AND ended IS NULL";
    execute(database, sql, [integer(run)?])?;
    let sql = "UPDATE runs SET epoch = epoch + 1, settings_version = ?, started = ?2, due = ?2, \
               state = 'due', \
               wait_reason = NULL, waits_on = NULL, woken_by_object = 0, message = ? \
               WHERE id = ? AND ended IS NULL";
    let values = (settings_version, integer(started)?, message, integer(run)?);
    expect_active(run, execute(database, sql, values)?)
}

/// Refuses a change of a run that has ended or never was.
pub(super) fn expect_active(run: RunId, rows: usize) -> Result<(), StoreError> {
    match rows {
        0 => Err(StoreError::Refused(format!(
            "run {run} has ended or is unknown"
        ))),
        _ => Ok(()),
    }
}

struct Active {
    id: i64,
    due: i64,
    state: String,
    waits_for_nothing: bool,
    next_reason: Option<String>,
}

impl Active {
    /// Not begun, and not to be begun before this instant: it waits only for its time to look
    /// again.
    fn only_looks_again_after(&self, instant: i64) -> bool {
        self.state == RunState::Waiting.as_str() && self.waits_for_nothing && self.due > instant
    }
}

/// The run of an object that has begun, or may at any time, and has not ended: one that only waits
/// for its time to look again after `now` is none.
pub(super) fn under_way(
    database: &Connection,
    object: i64,
    now: Instant,
) -> Result<Option<RunId>, StoreError> {
    let now = integer(now)?;
    let active = active(database, object)?.filter(|run| !run.only_looks_again_after(now));
    Ok(active.map(|run| run.id.cast_unsigned()))
}

fn active(database: &Connection, object: i64) -> Result<Option<Active>, StoreError> {
    let sql = "SELECT id, due, state, wait_reason IS NULL, next_reason FROM runs \
               WHERE object = ? AND ended IS NULL";
    let read = |row: &Row| {
        Ok(Active {
            id: row.get(0)?,
            due: row.get(1)?,
            state: row.get(2)?,
            waits_for_nothing: row.get(3)?,
            next_reason: row.get(4)?,
        })
    };
    Ok(database
        .prepare_cached(sql)?
        .query_row([object], read)
        .optional()?)
}

fn start_numbered(
    database: &Connection,
    new: &NewRun,
    object: i64,
    reason: StartReason,
) -> Result<RunId, StoreError> {
    let run = insert(
        database,
        &Beginning {
            connection: &new.connection,
            object,
            reason,
            settings_version: &new.settings_version,
            started: new.started,
            state: RunState::Due,
        },
    )?;
    decide(database, new, run)?;
    Ok(run)
}

fn take_over(database: &Connection, run: i64, new: &NewRun) -> Result<(), StoreError> {
    let sql = "UPDATE runs SET reason = ?, settings_version = ?, started = ?3, due = ?3, \
               state = 'due' WHERE id = ?";
    let values = (
        new.task.reason.as_str(),
        &new.settings_version,
        integer(new.started)?,
        run,
    );
    execute(database, sql, values).map(drop)
}

fn mark_dirty(database: &Connection, active: &Active, new: &NewRun) -> Result<(), StoreError> {
    let replay = StartReason::Replay.as_str();
    let reason = match active.next_reason.as_deref() {
        Some(next) if next == replay => replay,
        _ => new.task.reason.as_str(),
    };
    let sql = "UPDATE runs SET next_reason = ?, next_settings_version = ? WHERE id = ?";
    execute(database, sql, (reason, &new.settings_version, active.id)).map(drop)
}

fn decide(database: &Connection, new: &NewRun, run: RunId) -> Result<(), StoreError> {
    match new.notice {
        // Whatever has been folded into it was there before this run looks.
        Some(notice) => notices::decide(database, notice, None, &Decision::Run(run)).map(drop),
        None => Ok(()),
    }
}

fn is_active(database: &Connection, object: i64) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM runs WHERE object = ? AND ended IS NULL)";
    let mut statement = database.prepare_cached(sql)?;
    Ok(statement.query_row([object], |row| row.get(0))?)
}

fn awaited(database: &Connection, run: RunId, object: &ObjectRef) -> Result<i64, StoreError> {
    let sql = "SELECT connection FROM runs WHERE id = ?";
    let connection: Option<String> = database
        .prepare_cached(sql)?
        .query_row([integer(run)?], |row| row.get(0))
        .optional()?;
    match connection {
        Some(connection) => objects::number(database, &connection, object),
        None => expect_active(run, 0).map(|()| 0),
    }
}
