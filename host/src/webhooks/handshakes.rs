//! FreshBooks' handshakes, and the runs that wait for them.

use super::{WebhookAddress, WebhookReceiver};
use crate::callbacks::Arrival;
use crate::contract::runs::WaitReason;
use crate::contract::types::Instant;
use crate::contract::webhooks::{Delivery, Handshake};
use crate::secrets::Secret;
use crate::store::{Run, RunId, RunState, Write};

impl WebhookReceiver {
    pub(super) async fn take_handshake(
        &self,
        address: &WebhookAddress,
        handshake: Handshake,
        delivery: &Delivery,
    ) -> u16 {
        let connection = address.connection.as_str();
        let Handshake {
            callback_id: id,
            verifier,
        } = handshake;
        let (verifier, now) = (Secret::new(verifier), self.clock.now());
        let arrival = self.callbacks.add_candidate(connection, &id, verifier, now);
        // One without a signature is no worse: only what FreshBooks confirms is trusted.
        let label = match arrival {
            Arrival::Awaited(_) | Arrival::Early if is_unsigned(delivery) => "handshake-unsigned",
            arrival => arrival.label(),
        };
        self.metrics.webhook(connection, label);
        match arrival {
            Arrival::Full => return 503,
            Arrival::Awaited(run) => self.wake_registration(run, now).await,
            Arrival::Early | Arrival::Known => {}
        }
        200
    }

    /// Wakes a run that waits for a handshake. It may have ended just now, and if the store fails
    /// it wakes by itself within a minute: neither is worth an error, or an answer other than 200.
    async fn wake_registration(&self, run: RunId, now: Instant) {
        let waiting = self.store.run(run).await.ok().flatten();
        let waiting = waiting.filter(|run| {
            run.wait_reason == Some(WaitReason::Handshake)
                && run.state == RunState::Waiting
                && run.due > now
        });
        let Some(run) = waiting else { return };
        let wake = Write::Wait {
            run: run.id,
            due: now,
            reason: run.wait_reason,
            on: None,
            message: run.message,
        };
        if let Err(error) = self.store.commit(vec![wake]).await {
            tracing::debug!(run = run.id, %error, "a registration was not woken early");
        }
        self.notices_stored.notify_one();
    }

    /// The runs under way or waiting that register webhooks.
    pub(super) async fn active_registrations(&self, address: &WebhookAddress) -> Vec<Run> {
        let mut runs = Vec::new();
        for object in &address.registrations {
            let active = self.store.active_run(&address.connection, object).await;
            runs.extend(active.ok().flatten());
        }
        runs
    }
}

fn is_unsigned(delivery: &Delivery) -> bool {
    let mut names = delivery.headers.iter().map(|header| &header.name);
    !names.any(|name| name.eq_ignore_ascii_case("x-freshbooks-hmac-sha256"))
}
