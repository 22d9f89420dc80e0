//! Retention: what is older than the settings allow is deleted: histories of ended runs with what
//! led to them, events, and deliveries that could not be read.

use std::sync::Arc;

use tokio::sync::watch;

use super::Services;
use crate::contract::types::Duration;
use crate::store::Write;

/// How long the id of an event is kept, so that a repetition is recognised, and what could not be
/// read, so that a person can look: 30 days. SAP Concur repeats for 72 hours.
const RECEIVED_RETENTION: Duration = 30 * 86_400_000;

/// How often old histories are looked for. They are kept for days or years, so that an hour more
/// does not matter, and each pass deletes little.
const RETIRE_INTERVAL_MS: u64 = 3_600_000;

/// Deletes what is older than `history_retention` or was received too long ago, until `stop`.
pub(super) async fn delete_old(services: Arc<Services>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let now = services.clock.now();
        let retention =
            u64::try_from(services.limits.history_retention.as_millis()).unwrap_or(u64::MAX);
        let retire = Write::Retire {
            ended_before: now.saturating_sub(retention),
        };
        let forget = Write::Forget {
            received_before: now.saturating_sub(RECEIVED_RETENTION),
        };
        if let Err(error) = services.store.commit(vec![retire, forget]).await {
            tracing::error!(%error, "what is old could not be deleted");
        }
        let next = Some(now.saturating_add(RETIRE_INTERVAL_MS));
        tokio::select! {
            () = services.clock.sleep_until(next) => {}
            _ = stop.changed() => {}
        }
    }
}
