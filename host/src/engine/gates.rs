//! The gates in front of a connection's two systems: circuit breakers. A gate closes for a while
//! when the remote is down, asks for fewer requests or refuses our token; then one request at a
//! time probes it until one succeeds. When it closes and for how long, the component's `pacing`
//! decides.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::stored_instants::bounded_gate;
use crate::clock;
use crate::contract::http::{Authorization, SendOutcome};
use crate::contract::pacing::{Gate, Hold, HoldReason};
use crate::contract::types::{Instant, System};
use crate::guest::{GuestError, SharedInstance};

/// A connection's two gates, by system.
pub struct Gates {
    /// The connection's name, for the log.
    connection: String,
    gates: Mutex<[Gate; 2]>,
    probes: [Semaphore; 2],
}

/// What an outcome meant for a gate and a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Observed {
    /// The gate if it has changed, to be stored.
    pub changed: Option<Gate>,
    /// The remote refused the token that the request went with.
    pub token_refused: bool,
}

/// Nothing may be sent to this system now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateClosed {
    /// When to try again, in milliseconds since 1970.
    pub until: Instant,
    /// Why, one plain sentence such as "FreshBooks cannot be reached; it is tried again".
    pub message: String,
}

impl Gates {
    /// Gates as the store has them, open where it has none. No hold is believed that ends later
    /// than the longest one from `now`.
    ///
    /// # Errors
    ///
    /// If the component traps.
    pub fn new(
        connection: &str,
        instance: &SharedInstance,
        stored: &[Gate],
        now: Instant,
    ) -> Result<Self, GuestError> {
        let load = |system| match stored.iter().find(|gate| gate.system == system) {
            Some(gate) => Ok(bounded_gate(*gate, now)),
            None => instance.call(|instance| instance.initial_gate(system)),
        };
        Ok(Self {
            connection: connection.to_owned(),
            gates: Mutex::new([load(System::Freshbooks)?, load(System::Concur)?]),
            probes: [Semaphore::new(1), Semaphore::new(1)],
        })
    }

    /// A copy of the gate of a system.
    #[must_use]
    pub fn get(&self, system: System) -> Gate {
        self.lock()[index(system)]
    }

    /// Passes the gate. After a failure of the remote, one request at a time passes until one is
    /// answered; it holds the permit that is returned.
    ///
    /// # Errors
    ///
    /// [`GateClosed`] with the instant at which it opens.
    pub async fn pass(
        &self,
        system: System,
        now: impl Fn() -> Instant,
    ) -> Result<Option<SemaphorePermit<'_>>, GateClosed> {
        let gate = self.bound(system, now());
        ensure_open(&gate, now())?;
        if gate.failures == 0 {
            return Ok(None);
        }
        let permit = self.probes[index(system)].acquire().await.ok();
        let gate = self.bound(system, now());
        ensure_open(&gate, now())?;
        Ok(permit.filter(|_| gate.failures > 0))
    }

    /// The gate of a system, whose hold is shortened for good if it is longer than any hold: then
    /// the clock was set back meanwhile.
    fn bound(&self, system: System, now: Instant) -> Gate {
        let mut gates = self.lock();
        let gate = &mut gates[index(system)];
        *gate = bounded_gate(*gate, now);
        *gate
    }

    /// Has the component say what an outcome means for the gate. It is not asked about a success
    /// while nothing has failed.
    pub fn observe(
        &self,
        instance: &SharedInstance,
        system: System,
        authorization: Authorization,
        outcome: &SendOutcome,
        now: Instant,
    ) -> Observed {
        let mut gates = self.lock();
        let gate = bounded_gate(gates[index(system)], now);
        if is_success(outcome) && gate.failures == 0 {
            return Observed::default();
        }
        let call = instance.call(|instance| instance.observe(gate, authorization, outcome, now));
        match call {
            Ok(observation) => {
                gates[index(system)] = observation.gate;
                log_change(&self.connection, &gate, &observation.gate);
                Observed {
                    changed: (observation.gate != gate).then_some(observation.gate),
                    token_refused: observation.token_refused,
                }
            }
            Err(error) => {
                tracing::error!(
                    %error,
                    "the component could not judge an outcome; its gate stays as it is"
                );
                Observed::default()
            }
        }
    }

    /// Holds the gate of a system that has no usable credential, for as long as the component
    /// says. Returns the gate, to be stored.
    ///
    /// # Errors
    ///
    /// If the component traps.
    pub fn hold_for_reconnect(
        &self,
        instance: &SharedInstance,
        system: System,
        now: Instant,
    ) -> Result<Gate, GuestError> {
        let mut gates = self.lock();
        let gate = gates[index(system)];
        let held = instance.call(|instance| instance.hold_for_reconnect(gate, now))?;
        gates[index(system)] = held;
        log_change(&self.connection, &gate, &held);
        Ok(held)
    }

    /// Replaces a gate. Returns it if that changed anything, to be stored.
    pub fn set(&self, gate: Gate) -> Option<Gate> {
        let mut gates = self.lock();
        let place = &mut gates[index(gate.system)];
        let changed = *place != gate;
        log_change(&self.connection, place, &gate);
        *place = gate;
        changed.then_some(gate)
    }

    fn lock(&self) -> MutexGuard<'_, [Gate; 2]> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn index(system: System) -> usize {
    match system {
        System::Freshbooks => 0,
        System::Concur => 1,
    }
}

/// One line when an outage begins, when its reason changes, and when it is over; what goes on
/// during it is not news.
fn log_change(connection: &str, before: &Gate, after: &Gate) {
    let system = after.system.as_str();
    let is_closed = |gate: &Gate| gate.failures > 0 || gate.hold.is_some();
    let reason = |gate: &Gate| gate.hold.map(|hold| hold.reason);
    match (is_closed(before), is_closed(after)) {
        (true, false) => tracing::info!(connection, system, "requests go on"),
        (false, true) => log_closed(connection, after),
        (true, true) if reason(after).is_some_and(|now| reason(before) != Some(now)) => {
            log_closed(connection, after);
        }
        _ => {}
    }
}

fn log_closed(connection: &str, gate: &Gate) {
    let Some(hold) = gate.hold else { return };
    let (system, why, until) = (
        gate.system.as_str(),
        hold_message(gate.system, &hold),
        clock::written(hold.until),
    );
    match hold.reason {
        // Both are over by themselves within moments, and may come often.
        HoldReason::RateLimited | HoldReason::TokenExpired => {
            tracing::info!(connection, system, why, until, "requests are held back");
        }
        HoldReason::Maintenance | HoldReason::Unreachable | HoldReason::NeedsReconnect => {
            tracing::warn!(connection, system, why, until, "requests are held back");
        }
    }
}

fn is_success(outcome: &SendOutcome) -> bool {
    matches!(outcome, SendOutcome::Response(response) if (200..300).contains(&response.status))
}

fn ensure_open(gate: &Gate, now: Instant) -> Result<(), GateClosed> {
    let Some(hold) = gate.hold.filter(|hold| hold.until > now) else {
        return Ok(());
    };
    Err(GateClosed {
        until: hold.until,
        message: hold_message(gate.system, &hold),
    })
}

fn hold_message(system: System, hold: &Hold) -> String {
    let name = system.display_name();
    match hold.reason {
        HoldReason::RateLimited => format!("{name} asks for fewer requests; they continue soon"),
        HoldReason::Maintenance => format!("{name} is down for maintenance; it is tried again"),
        HoldReason::Unreachable => format!("{name} cannot be reached; it is tried again"),
        HoldReason::TokenExpired => format!("the access token of {name} is being refreshed"),
        HoldReason::NeedsReconnect => {
            format!("{name} is not connected: run `ml-connector connect`")
        }
    }
}
