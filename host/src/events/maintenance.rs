//! What the receiver of events does beside receiving.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::client_certificate::{Reloaded, Trust};
use super::{EventReceiver, RETENTION};
use crate::store::Write;

/// How often the files with the roots are compared. Seconds, so that anyone who replaces one sees
/// the effect at once; the files are small.
const RELOAD_INTERVAL: Duration = Duration::from_secs(5);

/// Old events are forgotten every so many rounds: once an hour.
const FORGET_EVERY: u32 = 720;

/// Reads the roots again when they change, warns of certificates that end, and forgets old events,
/// until `stopped`.
pub(super) async fn maintain(receiver: Arc<EventReceiver>, mut stopped: watch::Receiver<bool>) {
    let mut round = 0_u32;
    while !*stopped.borrow() {
        for trust in std::iter::once(&receiver.trust).chain(&receiver.proxies) {
            reload_roots(trust);
        }
        if round.is_multiple_of(FORGET_EVERY) {
            forget_old_events(&receiver).await;
        }
        round = round.wrapping_add(1);
        receiver.certificates.remind(receiver.clock.now());
        tokio::select! {
            () = tokio::time::sleep(RELOAD_INTERVAL) => {}
            _ = stopped.changed() => {}
        }
    }
}

fn reload_roots(trust: &Trust) {
    match trust.reload() {
        Reloaded::Same => {}
        Reloaded::Changed(count) => tracing::info!(count, "trust anchors were read again"),
        Reloaded::Refused(error) => {
            tracing::error!(%error, "trust anchors were not changed; those from before stay");
        }
    }
}

async fn forget_old_events(receiver: &EventReceiver) {
    let forget = Write::Forget {
        received_before: receiver.clock.now().saturating_sub(RETENTION),
    };
    let forgotten = receiver.store.commit(vec![forget]).await;
    let counted = match forgotten {
        Ok(_) => receiver.count_stored().await,
        Err(error) => Err(error),
    };
    if let Err(error) = counted {
        tracing::error!(%error, "old events were not forgotten");
    }
}
