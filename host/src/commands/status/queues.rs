//! How the looks into SAP Concur's queues stand: what the last one found and left there, and when
//! the next one is.

use std::io::Write;

use ml_connector::config::Settings;
use ml_connector::contract::settings::Schedule;
use ml_connector::contract::types::Instant;
use ml_connector::engine::last_start_mark;
use ml_connector::guest::{Instance, SettingsHandle};
use ml_connector::store::sqlite::SqliteStore;
use ml_connector::store::{RunFilter, Store, StoreError};
use serde::Serialize;

use super::super::failure::Failure;
use super::super::{runs, time_format};

/// How the queue of one type of document stands.
#[derive(Debug, Serialize)]
pub(super) struct QueueStanding {
    /// The type, such as `expense`.
    documents: String,
    /// When it was last to be looked into; none before the first time.
    last_look: Option<Instant>,
    /// When it is to be looked into next; none before the first time, which is at the start.
    next_look: Option<Instant>,
    /// What the last look that has ended found.
    message: Option<String>,
}

/// The queues of a connection; none without the component.
pub(super) async fn gather(
    store: &SqliteStore,
    instance: &mut Option<Instance>,
    settings: &Settings,
    name: &str,
) -> Result<Vec<QueueStanding>, StoreError> {
    let mut standings = Vec::new();
    let Some((instance, loaded)) = loaded(instance, settings, name) else {
        return Ok(standings);
    };
    for schedule in instance.schedules(loaded).unwrap_or_default() {
        if schedule.object.kind != "financial-queue" {
            continue;
        }
        let mark = store.mark(&last_start_mark(name, &schedule.object)).await?;
        let last_look: Option<Instant> = mark.and_then(|last| last.parse().ok());
        let next = |last| instance.next_start(loaded, &schedule, last).ok();
        standings.push(QueueStanding {
            next_look: last_look.and_then(next),
            message: last_message(store, name, &schedule).await?,
            documents: schedule.object.id,
            last_look,
        });
    }
    Ok(standings)
}

fn loaded<'i>(
    instance: &'i mut Option<Instance>,
    settings: &Settings,
    name: &str,
) -> Option<(&'i mut Instance, SettingsHandle)> {
    let mut connections = settings.config.connections.iter();
    let connection = connections.find(|connection| connection.name == name)?;
    let instance = instance.as_mut()?;
    let loaded = instance.load_settings(&connection.name, &connection.json);
    Some((instance, loaded.ok()?.ok()?))
}

async fn last_message(
    store: &SqliteStore,
    name: &str,
    schedule: &Schedule,
) -> Result<Option<String>, StoreError> {
    let filter = RunFilter {
        connection: Some(name.to_string()),
        object: Some(schedule.object.clone()),
        state: Some(ml_connector::store::RunState::Ended),
        latest_only: true,
        limit: 1,
        ..RunFilter::default()
    };
    let found = match store.runs(filter).await {
        // Said already, as damage of the connection.
        Err(StoreError::UnreadableRun { .. } | StoreError::Corrupt(_)) => Vec::new(),
        found => found?,
    };
    Ok(found.first().map(|run| runs::message(run).to_string()))
}

pub(super) fn print(
    standings: &[QueueStanding],
    now: Instant,
    out: &mut impl Write,
) -> Result<(), Failure> {
    for standing in standings {
        let next = match standing.next_look {
            None => "looked into at the start".to_string(),
            Some(next) => format!(
                "next look {} ({})",
                time_format::date_time(next),
                time_format::relative(next, now)
            ),
        };
        let found = standing.message.as_ref();
        let found = found.map_or_else(String::new, |found| format!("; the last: {found}"));
        writeln!(
            out,
            "  Queue of {} documents: {next}{found}",
            standing.documents
        )?;
    }
    Ok(())
}
