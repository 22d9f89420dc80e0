//! When tokens are refreshed: before they expire, and at once when a remote refuses one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, Notify, watch};

use super::connection::Connection;
use super::gates::{GateClosed, index};
use super::stored_instants::TOKEN_PAUSE_MAX_MS;
use crate::contract::credentials::{CredentialStatus, TokenRemedy};
use crate::contract::types::{Instant, System};
use crate::credentials::{Access, CredentialError, Credentials, Refused};

/// How long to wait after a refresh that failed without saying when to try again.
pub(super) const PAUSE_MS: u64 = 60_000;

/// After this time the plan is asked for again, whatever it said: clocks and settings change.
const PLAN_AGE_MAX_MS: u64 = 15 * 60_000;

/// Why there is no access to a system now.
pub(super) enum NoAccess {
    /// Not before this instant.
    Later(GateClosed),
    /// Not before a person has connected again; why, in one plain sentence.
    Reconnect(String),
}

/// Refreshes the tokens of one connection.
pub struct TokenRefresh {
    credentials: Arc<Credentials>,
    slots: [RefreshSlot; 2],
    wake: Notify,
}

/// What is known of one system's token.
#[derive(Default)]
struct RefreshSlot {
    /// One more than the generation that the remote has refused; 0 for none.
    refused: AtomicU64,
    /// No refresh before this instant.
    not_before: AtomicU64,
    /// Held during a refresh: others wait, and then check again.
    turn: Mutex<()>,
}

impl TokenRefresh {
    /// Nothing is refreshed until `keep_fresh` runs or a request needs it.
    #[must_use]
    pub fn new(credentials: Arc<Credentials>) -> Self {
        Self {
            credentials,
            slots: Default::default(),
            wake: Notify::new(),
        }
    }

    /// What a request needs. A token that the remote has refused is refreshed first; calls
    /// at the same time wait.
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
        let until = slot.not_before(connection.services.clock.now());
        if until > connection.services.clock.now() {
            let message = format!(
                "the access token of {} could not be refreshed yet",
                system.display_name()
            );
            return Err(NoAccess::Later(GateClosed { until, message }));
        }
        self.refresh(connection, system, access.generation).await?;
        self.current(connection, system)
    }

    /// To be called when the remote has refused the token of this generation.
    pub(super) fn note_refused(&self, system: System, generation: u32) {
        let slot = &self.slots[index(system)];
        slot.refused
            .store(u64::from(generation) + 1, Ordering::Release);
    }

    /// To be called when a person has connected.
    pub(super) fn note_connected(&self, system: System) {
        let slot = &self.slots[index(system)];
        slot.refused.store(0, Ordering::Release);
        slot.not_before.store(0, Ordering::Release);
        self.wake.notify_one();
    }

    fn current(&self, connection: &Connection, system: System) -> Result<Access, NoAccess> {
        let access = self.credentials.access(&connection.name, system);
        access.ok_or_else(|| NoAccess::Reconnect(self.why_no_access(connection, system)))
    }

    fn why_no_access(&self, connection: &Connection, system: System) -> String {
        match self.credentials.plan_refresh(&connection.name, system) {
            Ok(refresh_plan) => refresh_plan.message,
            Err(error) => error.to_string(),
        }
    }

    /// Refreshes. After a failure the next try waits for as long as the remote wants.
    async fn refresh(
        &self,
        connection: &Connection,
        system: System,
        generation: u32,
    ) -> Result<(), NoAccess> {
        let refreshed = self
            .credentials
            .refresh(&connection.name, system, generation)
            .await;
        let Err(error) = refreshed else {
            return Ok(());
        };
        tracing::warn!(
            connection = connection.name, system = system.as_str(), %error,
            "a token was not refreshed"
        );
        let until = retry_at(&error, connection.services.clock.now());
        let slot = &self.slots[index(system)];
        slot.not_before.store(until, Ordering::Release);
        let credential = self.credentials.credential(&connection.name, system);
        let is_dead = credential.is_none_or(|one| one.status != CredentialStatus::Live);
        Err(match is_dead {
            true => NoAccess::Reconnect(self.why_no_access(connection, system)),
            false => NoAccess::Later(GateClosed {
                until,
                message: format!(
                    "the access token of {} cannot be refreshed: {error}",
                    system.display_name()
                ),
            }),
        })
    }

    /// Refreshes what is due, and returns when the next one is.
    async fn refresh_due(&self, connection: &Connection) -> Instant {
        let mut next = connection
            .services
            .clock
            .now()
            .saturating_add(PLAN_AGE_MAX_MS);
        for system in System::ALL {
            let refresh_plan = self.credentials.plan_refresh(&connection.name, system).ok();
            let reconnect_by = refresh_plan.as_ref().and_then(|plan| plan.reconnect_by);
            let metrics = &connection.services.metrics;
            metrics.set_reconnect_by(&connection.name, system.as_str(), reconnect_by);
            let Some(due) = refresh_plan.and_then(|plan| plan.refresh_at) else {
                continue;
            };
            let slot = &self.slots[index(system)];
            let due = due.max(slot.not_before(connection.services.clock.now()));
            if due > connection.services.clock.now() {
                next = next.min(due);
                continue;
            }
            let _turn = slot.turn.lock().await;
            let Some(credential) = self.credentials.credential(&connection.name, system) else {
                continue;
            };
            let generation = credential.generation;
            if self.refresh(connection, system, generation).await.is_err() {
                next = next.min(slot.not_before(connection.services.clock.now()));
            } else {
                next = 0;
            }
        }
        next
    }
}

impl RefreshSlot {
    /// No refresh before this instant. One that is further ahead than any pause was set before the
    /// clock was set back, and is forgotten.
    fn not_before(&self, now: Instant) -> Instant {
        let until = self.not_before.load(Ordering::Acquire);
        if until <= now.saturating_add(TOKEN_PAUSE_MAX_MS) {
            return until;
        }
        self.not_before.store(0, Ordering::Release);
        0
    }

    fn is_refused(&self, generation: u32) -> bool {
        self.refused.load(Ordering::Acquire) == u64::from(generation) + 1
    }
}

/// Refreshes a connection's tokens before they expire, until `stop`.
pub(super) async fn keep_fresh(connection: Arc<Connection>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let next = connection.token_refresh.refresh_due(&connection).await;
        tokio::select! {
            () = connection.services.clock.sleep_until(Some(next)) => {}
            () = connection.token_refresh.wake.notified() => {}
            _ = stop.changed() => {}
        }
    }
}

/// When a refresh that failed may be tried again.
pub(super) fn retry_at(error: &CredentialError, now: Instant) -> Instant {
    let pause = now.saturating_add(PAUSE_MS);
    match error {
        CredentialError::Refused(Refused {
            remedy: TokenRemedy::TryAgain(at),
            ..
        }) => (*at).max(now.saturating_add(1_000)),
        CredentialError::Refused(_) => now.saturating_add(PLAN_AGE_MAX_MS),
        _ => pause,
    }
}
