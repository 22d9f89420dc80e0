//! Connects SAP Concur where its events are wanted, in the one order in which they come: SAP adds a
//! company to the subscriptions that are there when its company request token is exchanged, and
//! never later. So the subscription is made first, with the application's own token
//! (source: concur-event-subscription).

use std::time::Duration;

use super::AdminReply;
use super::handle::{AdminRefusal, connect_credential};
use crate::contract::credentials::Grant;
use crate::contract::runs::{Completion, EndingKind, NewTask, StartReason};
use crate::contract::types::{Instant, ObjectRef, System};
use crate::engine::{Connection, drive};
use crate::secrets::Secret;
use crate::store::{RunFilter, RunState, Write};

/// How long a subscription may take: the client waits 150 s for all of it.
const SUBSCRIBE_TIMEOUT_MS: u64 = 90_000;

/// Between looks at a run that the service drives.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// How a check of the subscription ended.
enum Subscription {
    /// Everything is in order.
    Subscribed,
    /// The company is not among those that events come from.
    CompanyMissing(String),
    /// It is not there; why, one plain sentence.
    Failed(String),
}

/// Subscribes, connects, and looks whether the company was added.
pub(super) async fn connect(
    connection: &Connection,
    subscription: &ObjectRef,
    secret: Secret,
    is_service: bool,
) -> Result<AdminReply, AdminRefusal> {
    let credentials = &connection.services.credentials;
    // A refusal that is remembered may be what the person has just fixed.
    credentials.forget_application(&connection.name).await;
    if let Subscription::Failed(why) = check(connection, subscription, is_service).await? {
        return Err(AdminRefusal::NotSubscribed(why));
    }
    let base = || {
        credentials
            .credential(&connection.name, System::Concur)
            .and_then(|credential| credential.base)
    };
    let before = base();
    let mut reply =
        connect_credential(connection, Grant::CompanyRequestToken, secret.clone()).await?;
    let mut checked = check(connection, subscription, is_service).await?;
    if matches!(checked, Subscription::CompanyMissing(_)) && base() != before {
        // The company lives at another datacenter than was known; only now is there a subscription
        // too. The token is good for several exchanges within its 24 hours
        // (source: concur-company-authentication).
        reply = connect_credential(connection, Grant::CompanyRequestToken, secret).await?;
        checked = check(connection, subscription, is_service).await?;
    }
    if let AdminReply::Connected { note, .. } = &mut reply {
        *note = match checked {
            Subscription::Subscribed => None,
            Subscription::CompanyMissing(why) | Subscription::Failed(why) => Some(why),
        };
    }
    Ok(reply)
}

/// Has the subscription checked by a run, as it is checked every day.
async fn check(
    connection: &Connection,
    subscription: &ObjectRef,
    is_service: bool,
) -> Result<Subscription, AdminRefusal> {
    let store = &connection.services.store;
    let started = connection.services.clock.now();
    let task = NewTask {
        object: subscription.clone(),
        reason: StartReason::Replay,
    };
    let start = Write::StartOrMarkDirty(connection.new_run(task, started));
    store.commit(vec![start]).await?;
    connection.runs_due.notify_one();
    let until = started.saturating_add(SUBSCRIBE_TIMEOUT_MS);
    if let Some(why) = await_runs(connection, subscription, is_service, until).await? {
        return Ok(Subscription::Failed(why));
    }
    let filter = RunFilter {
        connection: Some(connection.name.clone()),
        object: Some(subscription.clone()),
        state: Some(RunState::Ended),
        limit: 1,
        ..RunFilter::default()
    };
    let last = store.runs(filter).await?.into_iter().next();
    Ok(last.and_then(|run| run.completion).map_or_else(
        || Subscription::Failed("the subscription was not checked".to_string()),
        |completion| how_it_ended(&completion),
    ))
}

/// Waits until the runs of an object have ended, driving them where no service does. Tells why if
/// they rest instead.
async fn await_runs(
    connection: &Connection,
    object: &ObjectRef,
    is_service: bool,
    until: Instant,
) -> Result<Option<String>, AdminRefusal> {
    let store = &connection.services.store;
    while let Some(run) = store.active_run(&connection.name, object).await? {
        let now = connection.services.clock.now();
        if now >= until || run.due > until {
            return Ok(Some(run.message));
        }
        if is_service || run.due > now {
            tokio::time::sleep(LOOK_INTERVAL).await;
        } else {
            drive(connection, run)
                .await
                .map_err(|error| AdminRefusal::NotSubscribed(error.to_string()))?;
        }
    }
    Ok(None)
}

fn how_it_ended(completion: &Completion) -> Subscription {
    let message = completion.message().to_owned();
    match completion.kind() {
        EndingKind::Confirmed | EndingKind::Unchanged => Subscription::Subscribed,
        _ if completion.reconnect() == Some(System::Concur) => {
            Subscription::CompanyMissing(message)
        }
        _ => Subscription::Failed(message),
    }
}
