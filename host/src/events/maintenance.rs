//! What the receiver of events does beside receiving.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::EventReceiver;
use super::client_certificate::{Reloaded, Trust};

/// How often the files with the roots are compared. Seconds, so that anyone who replaces one sees
/// the effect at once; the files are small.
const RELOAD_INTERVAL: Duration = Duration::from_secs(5);

/// Reads the roots again when they change and warns of certificates that end, until `stopped`.
pub(super) async fn maintain(receiver: Arc<EventReceiver>, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        for trust in std::iter::once(&receiver.trust).chain(&receiver.proxies) {
            reload_roots(trust);
        }
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
