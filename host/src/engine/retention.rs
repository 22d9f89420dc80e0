//! Retention: histories of ended runs are deleted when they are older than the settings allow.

use std::sync::Arc;

use tokio::sync::watch;

use super::Services;
use crate::store::Write;

/// How often old histories are looked for. They are kept for days or years, so that an hour more
/// does not matter, and each pass deletes little.
const RETIRE_INTERVAL_MS: u64 = 3_600_000;

/// Deletes histories that are older than `history_retention`, until `stop`.
pub(super) async fn retire_histories(services: Arc<Services>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let now = services.clock.now();
        let retention =
            u64::try_from(services.limits.history_retention.as_millis()).unwrap_or(u64::MAX);
        let retire = Write::Retire {
            ended_before: now.saturating_sub(retention),
        };
        if let Err(error) = services.store.commit(vec![retire]).await {
            tracing::error!(%error, "old histories could not be deleted");
        }
        let next = Some(now.saturating_add(RETIRE_INTERVAL_MS));
        tokio::select! {
            () = services.clock.sleep_until(next) => {}
            _ = stop.changed() => {}
        }
    }
}
