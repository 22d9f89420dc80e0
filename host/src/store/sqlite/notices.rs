//! Notices: at most one of each object waits for its decision; those that come meanwhile are folded
//! into it.

use rusqlite::{Connection, OptionalExtension};

use super::{execute, integer, objects};
use crate::contract::types::{Instant, ObjectRef};
use crate::store::{Decision, NoticeId, StoreError};

/// Stores a notice and returns its number; nothing if it was folded into one that is there.
pub(super) fn insert_or_fold(
    database: &Connection,
    connection: &str,
    object: &ObjectRef,
    event: &str,
    received: Instant,
) -> Result<Option<NoticeId>, StoreError> {
    let object = objects::number(database, connection, object)?;
    let received = integer(received)?;
    let sql = "UPDATE notices SET arrivals = arrivals + 1, \
               latest = max(coalesce(latest, received), ?) WHERE object = ? AND decided = 0";
    if execute(database, sql, (received, object))? > 0 {
        return Ok(None);
    }
    let sql = "INSERT INTO notices (object, event, received, decided) VALUES (?, ?, ?, 0)";
    let number = database
        .prepare_cached(sql)?
        .insert((object, event, received))?;
    Ok(Some(number.cast_unsigned()))
}

/// Records what a notice led to, once. False if it stays undecided, since more have been folded
/// into it than these arrivals.
pub(super) fn decide(
    database: &Connection,
    notice: NoticeId,
    arrivals: Option<u32>,
    decision: &Decision,
) -> Result<bool, StoreError> {
    let (run, nothing_new) = match decision {
        Decision::Run(run) => (Some(integer(*run)?), None),
        Decision::NothingNew(message) => (None, Some(message)),
    };
    let sql = "UPDATE notices SET decided = 1, run = ?, nothing_new = ? \
               WHERE id = ? AND decided = 0 AND arrivals = coalesce(?, arrivals)";
    let values = (run, nothing_new, integer(notice)?, arrivals);
    if execute(database, sql, values)? > 0 {
        return Ok(true);
    }
    let sql = "SELECT 1 FROM notices WHERE id = ? AND decided = 0";
    let is_undecided = database
        .prepare_cached(sql)?
        .query_row([integer(notice)?], |_| Ok(()))
        .optional()?;
    match is_undecided {
        Some(()) => Ok(false),
        None => Err(StoreError::Refused(format!(
            "notice {notice} is decided already or unknown"
        ))),
    }
}
