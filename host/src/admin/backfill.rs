//! Starts back-fills, and says what runs would do.

use super::AdminReply;
use super::handle::{AdminRefusal, find_connection};
use crate::contract::runs::{NewTask, StartReason};
use crate::contract::types::{ObjectRef, System};
use crate::engine::{self, AssumedLink};
use crate::service::Parts;
use crate::store::Write;

/// Starts the run of a back-fill's object; what it does, the component knows by its id.
pub(super) async fn start(
    parts: &Parts,
    connection: &str,
    id: String,
) -> Result<AdminReply, AdminRefusal> {
    let connection = find_connection(parts, connection)?;
    let task = NewTask {
        object: ObjectRef {
            system: System::Freshbooks,
            kind: "backfill".to_owned(),
            id,
        },
        reason: StartReason::Backfill,
    };
    let new = connection.new_run(task, parts.services.clock.now());
    let start = Write::StartOrMarkDirty(new);
    parts.services.store.commit(vec![start]).await?;
    connection.runs_due.notify_one();
    Ok(AdminReply::BackfillStarted)
}

pub(super) async fn rehearse(
    parts: &Parts,
    connection: &str,
    task: NewTask,
    assumed: Vec<AssumedLink>,
    goes_on: bool,
) -> Result<AdminReply, AdminRefusal> {
    let connection = find_connection(parts, connection)?;
    let rehearsed = engine::rehearse(connection, task, assumed, goes_on).await?;
    Ok(AdminReply::Rehearsed(Box::new(rehearsed)))
}
