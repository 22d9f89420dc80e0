//! Scheduled runs: those that the settings want again and again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::connection::Connection;
use crate::contract::runs::{NewTask, StartReason};
use crate::contract::settings::Schedule;
use crate::contract::types::{Instant, ObjectRef};
use crate::store::{StoreError, Write};

/// Between tries while the store fails: long enough not to fill the log.
const FAILURE_PAUSE: Duration = Duration::from_secs(5);

/// Starts a connection's scheduled runs, those that are overdue at once, until `stop`.
pub(super) async fn start_scheduled(connection: Arc<Connection>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let next = match start_overdue(&connection).await {
            Ok(next) => next,
            Err(error) => {
                if !connection.services.health.is_failing() {
                    tracing::error!(
                        connection = connection.name, %error,
                        "scheduled runs were not started"
                    );
                }
                tokio::time::sleep(FAILURE_PAUSE).await;
                continue;
            }
        };
        tokio::select! {
            () = connection.services.clock.sleep_until(next) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Starts what is overdue, and returns when the next one is due.
async fn start_overdue(connection: &Connection) -> Result<Option<Instant>, StoreError> {
    let mut next: Option<Instant> = None;
    for schedule in &connection.schedules {
        let due = start_if_due(connection, schedule).await?;
        next = Some(next.map_or(due, |earlier| earlier.min(due)));
    }
    Ok(next)
}

/// Starts the scheduled run if it is due, and returns when it is due next.
async fn start_if_due(connection: &Connection, schedule: &Schedule) -> Result<Instant, StoreError> {
    let (store, now) = (&connection.services.store, connection.services.clock.now());
    let name = last_start_mark(&connection.name, &schedule.object);
    let last: Option<Instant> = store.mark(&name).await?.and_then(|last| last.parse().ok());
    // A last start in the future is one of a clock that has been set back.
    if let Some(last) = last.filter(|last| *last <= now) {
        let next = next_start(connection, schedule, last);
        if next > now {
            return Ok(next);
        }
    }
    let task = NewTask {
        object: schedule.object.clone(),
        reason: StartReason::Schedule,
    };
    let start = Write::StartOrMarkDirty(connection.new_run(task, now));
    let mark = Write::Mark {
        name,
        value: now.to_string(),
    };
    store.commit(vec![start, mark]).await?;
    connection.runs_due.notify_one();
    Ok(next_start(connection, schedule, now))
}

/// When the component wants the run to be started next; its interval later where the component
/// fails.
fn next_start(connection: &Connection, schedule: &Schedule, last: Instant) -> Instant {
    let asked = connection
        .instance
        .call_with(&connection.settings, |instance, settings| {
            instance.next_start(settings, schedule, last)
        });
    asked.unwrap_or_else(|error| {
        tracing::error!(connection = connection.name, %error, "the next start is not known");
        last.saturating_add(schedule.interval_s.max(1).saturating_mul(1_000))
    })
}

/// The name of the mark that holds the last start of the schedule of an object, in milliseconds.
#[must_use]
pub fn last_start_mark(connection: &str, object: &ObjectRef) -> String {
    let (system, kind, id) = (object.system.as_str(), &object.kind, &object.id);
    format!("schedule/{connection}/{system}/{kind}/{id}")
}
