//! What is done by the clock: the runs that the settings want again and again, and forgetting old
//! histories.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Host;
use super::connection::Connection;
use crate::contract::mapping::Schedule;
use crate::contract::runs::{NewTask, Reason};
use crate::contract::types::Instant;
use crate::credentials::word;
use crate::store::{StoreError, Write};

const RETIRE_INTERVAL_MS: u64 = 3_600_000;

const FAILURE_PAUSE: Duration = Duration::from_secs(5);

/// Starts a connection's scheduled runs, those that are overdue at once, until `stop`.
pub(super) async fn keep(connection: Arc<Connection>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let next = match start_overdue(&connection).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(connection = connection.name, %error, "scheduled runs were not started");
                tokio::time::sleep(FAILURE_PAUSE).await;
                continue;
            }
        };
        tokio::select! {
            () = connection.host.clock.sleep_until(next) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Forgets histories that are older than the settings want them kept, until `stop`.
pub(super) async fn retire(host: Arc<Host>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let now = host.clock.now();
        let retention =
            u64::try_from(host.limits.history_retention.as_millis()).unwrap_or(u64::MAX);
        let retire = Write::Retire {
            ended_before: now.saturating_sub(retention),
        };
        if let Err(error) = host.store.commit(vec![retire]).await {
            tracing::error!(%error, "old histories were not forgotten");
        }
        let next = Some(now.saturating_add(RETIRE_INTERVAL_MS));
        tokio::select! {
            () = host.clock.sleep_until(next) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Starts what is overdue, and tells when the next one is due.
async fn start_overdue(connection: &Connection) -> Result<Option<Instant>, StoreError> {
    let mut next: Option<Instant> = None;
    for schedule in &connection.schedules {
        let due = due(connection, schedule).await?;
        next = Some(next.map_or(due, |earlier| earlier.min(due)));
    }
    Ok(next)
}

/// Starts the scheduled run if it is due, and tells when it is due next.
async fn due(connection: &Connection, schedule: &Schedule) -> Result<Instant, StoreError> {
    let (store, now) = (&connection.host.store, connection.host.clock.now());
    let interval = schedule.interval_s.max(1).saturating_mul(1_000);
    let name = mark(connection, schedule);
    let last: Option<Instant> = store.mark(&name).await?.and_then(|last| last.parse().ok());
    // A last start in the future is one of a clock that has been set back.
    if let Some(last) = last.filter(|last| *last <= now)
        && last.saturating_add(interval) > now
    {
        return Ok(last.saturating_add(interval));
    }
    let task = NewTask {
        object: schedule.object.clone(),
        reason: Reason::Schedule,
    };
    let start = Write::StartOrMarkDirty(connection.new_run(task, now));
    let mark = Write::Mark {
        name,
        value: now.to_string(),
    };
    store.commit(vec![start, mark]).await?;
    connection.bell.notify_one();
    Ok(now.saturating_add(interval))
}

fn mark(connection: &Connection, schedule: &Schedule) -> String {
    let object = &schedule.object;
    format!(
        "schedule/{}/{}/{}/{}",
        connection.name,
        word(object.system),
        object.kind,
        object.id
    )
}
