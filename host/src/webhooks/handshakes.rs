//! FreshBooks' handshakes, and the runs that wait for them.

use super::{WebhookAddress, WebhookReceiver};
use crate::callbacks::Arrival;
use crate::contract::runs::WaitReason;
use crate::contract::types::Instant;
use crate::contract::webhooks::{Delivery, Handshake};
use crate::secrets::Secret;
use crate::store::{Run, RunId, RunState, Store, Write};

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
            Arrival::Awaited(run) => {
                wake_registration(&*self.store, run, now).await;
                self.notices_stored.notify_one();
            }
            Arrival::Early | Arrival::Known => {}
        }
        200
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

/// Wakes a run that waits for a handshake. It may have ended just now, and if the store fails it
/// wakes by itself within a minute: neither is worth an error, or an answer other than 200.
async fn wake_registration(store: &dyn Store, run: RunId, now: Instant) {
    let waiting = store.run(run).await.ok().flatten();
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
    if let Err(error) = store.commit(vec![wake]).await {
        tracing::debug!(run = run.id, %error, "a registration was not woken early");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::runs::{
        Change, Completion, Confirmation, Ending, Facts, NewTask, StartReason,
    };
    use crate::contract::types::{ObjectRef, System};
    use crate::store::NewRun;
    use crate::store::conformance::ModelStore;

    fn object(id: &str) -> ObjectRef {
        ObjectRef {
            system: System::Freshbooks,
            kind: "callback".into(),
            id: id.into(),
        }
    }

    async fn start(store: &ModelStore, id: &str) -> RunId {
        let task = NewTask {
            object: object(id),
            reason: StartReason::Schedule,
        };
        let started = Write::Start(NewRun {
            connection: "acme".into(),
            task,
            settings_version: "1".into(),
            started: 1,
            notice: None,
        });
        store.commit(vec![started]).await.expect("is started").runs[0]
    }

    fn wait(run: RunId, reason: WaitReason) -> Write {
        Write::Wait {
            run,
            due: 60_000,
            reason: Some(reason),
            on: None,
            message: String::new(),
        }
    }

    fn end(run: RunId) -> Write {
        let confirmation = Confirmation {
            target: object("7"),
            change: Change::Checked,
            message: String::new(),
        };
        Write::End {
            run,
            completion: Completion {
                ending: Ending::Confirmed(confirmation),
                version: None,
                facts: Facts::NONE,
            },
            at: 2,
        }
    }

    #[tokio::test]
    async fn only_a_run_that_waits_for_a_handshake_is_woken() {
        let store = ModelStore::default();
        let [waiting, other, ended] = [
            start(&store, "invoice").await,
            start(&store, "bill").await,
            start(&store, "payment").await,
        ];
        let changes = vec![
            wait(waiting, WaitReason::Handshake),
            wait(other, WaitReason::Retry),
            wait(ended, WaitReason::Handshake),
            end(ended),
        ];
        store.commit(changes).await.expect("is stored");
        // From here on a commit fails, and is seen to.
        store.set_full(true);
        for run in [other, ended, 99] {
            wake_registration(&store, run, 1_000).await;
        }
        assert!(store.commits().failure().is_none(), "nothing was written");
        store.set_full(false);
        wake_registration(&store, waiting, 1_000).await;
        let woken = store
            .run(waiting)
            .await
            .expect("is read")
            .expect("is there");
        assert_eq!(woken.due, 1_000);
    }
}
