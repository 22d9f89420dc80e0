//! When tokens are renewed: before they end, and at once when a remote refuses one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, Notify, watch};

use super::connection::Connection;
use super::gates::{GateClosed, index};
use crate::contract::credentials::{Life, Mend};
use crate::contract::types::{Instant, System};
use crate::credentials::{Access, CredentialError, Credentials};

/// How long to wait after a renewal that failed without saying when to come again.
const PAUSE_MS: u64 = 60_000;

/// After this time the forecast is looked at anew, whatever it said.
const LOOK_AGAIN_MS: u64 = 15 * 60_000;

/// Why there is no access to a system now.
pub(super) enum NoAccess {
    /// Not before this instant.
    Later(GateClosed),
    /// Not before a person has connected again; why, in one plain sentence.
    Reconnect(String),
}

/// The renewal of one connection's tokens.
pub struct TokenRefresh {
    credentials: Arc<Credentials>,
    slots: [Slot; 2],
    wake: Notify,
}

/// What is known of one system's token.
#[derive(Default)]
struct Slot {
    /// One more than the generation that the remote has refused; 0 for none.
    refused: AtomicU64,
    /// No renewal before this instant.
    not_before: AtomicU64,
    /// GateClosed by whoever renews: the others wait and look again.
    turn: Mutex<()>,
}

impl TokenRefresh {
    /// Of these credentials.
    #[must_use]
    pub fn new(credentials: Arc<Credentials>) -> Self {
        Self {
            credentials,
            slots: Default::default(),
            wake: Notify::new(),
        }
    }

    /// What a request needs. A token that the remote has refused is renewed first; whoever comes
    /// meanwhile waits.
    pub(super) async fn access(
        &self,
        connection: &Connection,
        system: System,
    ) -> Result<Access, NoAccess> {
        let slot = &self.slots[index(system)];
        let access = self.current(connection, system)?;
        if !slot.is_refused(access.generation) {
            return Ok(access);
        }
        let _turn = slot.turn.lock().await;
        let access = self.current(connection, system)?;
        if !slot.is_refused(access.generation) {
            return Ok(access);
        }
        let until = slot.not_before.load(Ordering::Acquire);
        if until > connection.services.clock.now() {
            let sentence = format!(
                "the access token of {} could not be renewed yet",
                system.display_name()
            );
            return Err(NoAccess::Later(GateClosed { until, sentence }));
        }
        self.renew(connection, system, access.generation).await?;
        self.current(connection, system)
    }

    /// Takes note that the remote has refused the token of this generation.
    pub(super) fn refused(&self, system: System, generation: u32) {
        let slot = &self.slots[index(system)];
        slot.refused
            .store(u64::from(generation) + 1, Ordering::Release);
    }

    /// Takes note that a person has connected.
    pub(super) fn connected(&self, system: System) {
        let slot = &self.slots[index(system)];
        slot.refused.store(0, Ordering::Release);
        slot.not_before.store(0, Ordering::Release);
        self.wake.notify_one();
    }

    fn current(&self, connection: &Connection, system: System) -> Result<Access, NoAccess> {
        let access = self.credentials.access(&connection.name, system);
        access.ok_or_else(|| NoAccess::Reconnect(self.why_not(connection, system)))
    }

    fn why_not(&self, connection: &Connection, system: System) -> String {
        match self.credentials.forecast(&connection.name, system) {
            Ok(forecast) => forecast.sentence,
            Err(error) => error.to_string(),
        }
    }

    /// Renews. A failure keeps the next try away for as long as the remote wants.
    async fn renew(
        &self,
        connection: &Connection,
        system: System,
        generation: u32,
    ) -> Result<(), NoAccess> {
        let renewed = self
            .credentials
            .refresh(&connection.name, system, generation)
            .await;
        let Err(error) = renewed else {
            return Ok(());
        };
        tracing::warn!(connection = connection.name, ?system, %error, "a token was not renewed");
        let until = retry_at(&error, connection.services.clock.now());
        let slot = &self.slots[index(system)];
        slot.not_before.store(until, Ordering::Release);
        let is_dead = self.credentials.credential(&connection.name, system).life != Life::Live;
        Err(match is_dead {
            true => NoAccess::Reconnect(self.why_not(connection, system)),
            false => NoAccess::Later(GateClosed {
                until,
                sentence: format!(
                    "the access token of {} cannot be renewed: {error}",
                    system.display_name()
                ),
            }),
        })
    }

    /// Renews what is due, and tells when the next one is.
    async fn renew_due(&self, connection: &Connection) -> Instant {
        let mut next = connection
            .services
            .clock
            .now()
            .saturating_add(LOOK_AGAIN_MS);
        for system in System::ALL {
            let forecast = self.credentials.forecast(&connection.name, system);
            let Some(due) = forecast.ok().and_then(|forecast| forecast.refresh_at) else {
                continue;
            };
            let slot = &self.slots[index(system)];
            let due = due.max(slot.not_before.load(Ordering::Acquire));
            if due > connection.services.clock.now() {
                next = next.min(due);
                continue;
            }
            let _turn = slot.turn.lock().await;
            let generation = self
                .credentials
                .credential(&connection.name, system)
                .generation;
            if self.renew(connection, system, generation).await.is_err() {
                next = next.min(slot.not_before.load(Ordering::Acquire));
            } else {
                next = 0;
            }
        }
        next
    }
}

impl Slot {
    fn is_refused(&self, generation: u32) -> bool {
        self.refused.load(Ordering::Acquire) == u64::from(generation) + 1
    }
}

/// Renews a connection's tokens before they end, until `stop`.
pub(super) async fn keep_fresh(connection: Arc<Connection>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let next = connection.token_refresh.renew_due(&connection).await;
        tokio::select! {
            () = connection.services.clock.sleep_until(Some(next)) => {}
            () = connection.token_refresh.wake.notified() => {}
            _ = stop.changed() => {}
        }
    }
}

/// When a renewal that failed may be tried again.
pub(super) fn retry_at(error: &CredentialError, now: Instant) -> Instant {
    let pause = now.saturating_add(PAUSE_MS);
    match error {
        CredentialError::Refused(refused) if refused.mend == Mend::TryAgain => {
            refused.retry_at.max(now.saturating_add(1_000))
        }
        CredentialError::Refused(_) => now.saturating_add(LOOK_AGAIN_MS),
        _ => pause,
    }
}
