//! Carries out the writes of a batch, inside the transaction that the writer opened.

use rusqlite::Connection;

use super::prepared::Prepared;
use super::{
    ending, endings, events, execute, history, integer, json, links, notices, retention, runs,
};
use crate::contract::pacing::Gate;
use crate::store::{Receipt, StoreError, StoredCallback, StoredCredential, StoredEvent, Write};

/// Applies a batch in order; the first error ends it.
pub(super) fn apply_all(database: &Connection, batch: &[Prepared]) -> Result<Receipt, StoreError> {
    let mut receipt = Receipt::default();
    for write in batch {
        apply(database, write, &mut receipt)?;
    }
    Ok(receipt)
}

fn apply(database: &Connection, write: &Prepared, receipt: &mut Receipt) -> Result<(), StoreError> {
    match write {
        Prepared::Append { run, rows } => history::append(database, *run, rows),
        Prepared::End {
            run,
            completion,
            body,
            at,
        } => {
            receipt
                .runs
                .extend(ending::end(database, *run, completion, body, *at)?);
            Ok(())
        }
        Prepared::Other(write) => apply_other(database, write, receipt),
    }
}

fn apply_other(
    database: &Connection,
    write: &Write,
    receipt: &mut Receipt,
) -> Result<(), StoreError> {
    match write {
        Write::Notice {
            connection,
            object,
            event,
            received,
        } => {
            let notice = notices::insert_or_fold(database, connection, object, event, *received)?;
            receipt.notices.extend(notice);
            Ok(())
        }
        Write::Decide {
            notice,
            arrivals,
            decision,
        } => {
            let is_decided = notices::decide(database, *notice, Some(*arrivals), decision)?;
            receipt.left_undecided += u32::from(!is_decided);
            Ok(())
        }
        Write::Oddity(oddity) => {
            receipt.dropped_oddities += events::insert_oddity(database, oddity)?;
            Ok(())
        }
        Write::Event(event) => insert_event(database, event, receipt),
        Write::Start(new) => {
            receipt.runs.push(runs::start(database, new)?);
            Ok(())
        }
        Write::StartOrMarkDirty(new) => {
            receipt
                .runs
                .extend(runs::start_or_mark_dirty(database, new)?);
            Ok(())
        }
        Write::Wait {
            run,
            due,
            reason,
            on,
            message,
        } => runs::wait(database, *run, *due, *reason, on.as_ref(), message),
        Write::BoundDue {
            state,
            reason,
            due_max,
        } => runs::bound_due(database, *state, *reason, *due_max),
        Write::StartOver {
            run,
            settings_version,
            started,
            message,
        } => runs::start_over(database, *run, settings_version, *started, message),
        Write::Append { .. } | Write::End { .. } => {
            Err(StoreError::Refused("a write that was not prepared".into()))
        }
        other => upsert(database, other),
    }
}

fn insert_event(
    database: &Connection,
    event: &StoredEvent,
    receipt: &mut Receipt,
) -> Result<(), StoreError> {
    if !events::insert_or_count(database, event)? {
        receipt.repeated_events += 1;
        return Ok(());
    }
    let StoredEvent {
        connection,
        event_type,
        received,
        ..
    } = event;
    if let Some(object) = &event.object {
        let notice = notices::insert_or_fold(database, connection, object, event_type, *received)?;
        receipt.notices.extend(notice);
    }
    Ok(())
}

fn upsert(database: &Connection, write: &Write) -> Result<(), StoreError> {
    match write {
        Write::Links {
            connection,
            links,
            unlinks,
            run,
            at,
        } => {
            links
                .iter()
                .try_for_each(|link| links::store(database, connection, link, (*run, *at)))?;
            unlinks
                .iter()
                .try_for_each(|source| links::forget(database, connection, source))
        }
        Write::EditLinks(edit) => links::edit(database, edit),
        Write::Settings {
            connection,
            version,
            json,
            at,
        } => {
            let sql = "INSERT INTO settings (connection, version, json, stored) \
                       VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET stored = excluded.stored";
            execute(database, sql, (connection, version, json, integer(*at)?)).map(drop)
        }
        Write::Credential(credential) => keep_credential(database, credential),
        Write::Callback(callback) => keep_callback(database, callback),
        Write::Gate { connection, gate } => keep_gate(database, connection, gate),
        Write::Mark { name, value } => {
            let sql = "INSERT INTO marks (name, value) VALUES (?, ?) \
                       ON CONFLICT DO UPDATE SET value = excluded.value";
            execute(database, sql, (name, value)).map(drop)
        }
        Write::Checkpoint {
            connection,
            checkpoint,
        } => endings::keep_checkpoint(database, connection, checkpoint),
        Write::Retire { ended_before } => retention::retire(database, *ended_before),
        Write::Forget { received_before } => events::forget(database, *received_before),
        _ => Err(StoreError::Refused("a write that is not known here".into())),
    }
}

fn keep_credential(database: &Connection, stored: &StoredCredential) -> Result<(), StoreError> {
    let StoredCredential {
        connection,
        credential,
        sealed_tokens,
        requests_unanswered,
        sealed_answer,
    } = stored;
    let sql = "INSERT INTO credentials \
               (connection, system, generation, visible, sealed_tokens, refreshing, sealed_answer) \
               VALUES (?, ?, ?, ?, ?, ?, ?) \
               ON CONFLICT DO UPDATE SET generation = excluded.generation, \
               visible = excluded.visible, \
               sealed_tokens = excluded.sealed_tokens, refreshing = excluded.refreshing, \
               sealed_answer = excluded.sealed_answer WHERE generation <= excluded.generation";
    let (system, generation) = (credential.system.as_str(), credential.generation);
    let visible = json(credential)?;
    let values = (
        connection,
        system,
        generation,
        visible,
        sealed_tokens,
        requests_unanswered,
        sealed_answer,
    );
    match execute(database, sql, values)? {
        0 => Err(StoreError::Refused(format!(
            "a {system} credential of {connection} newer than generation {generation} is stored"
        ))),
        _ => Ok(()),
    }
}

fn keep_callback(database: &Connection, callback: &StoredCallback) -> Result<(), StoreError> {
    let StoredCallback {
        connection,
        id,
        sealed_verifier,
    } = callback;
    let sql = "INSERT OR REPLACE INTO callbacks (connection, id, sealed_verifier) VALUES (?, ?, ?)";
    execute(database, sql, (connection, id, sealed_verifier)).map(drop)
}

fn keep_gate(database: &Connection, connection: &str, gate: &Gate) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO gates (connection, system, gate) VALUES (?, ?, ?)";
    execute(
        database,
        sql,
        (connection, gate.system.as_str(), json(gate)?),
    )
    .map(drop)
}
