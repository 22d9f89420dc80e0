//! The gates in front of a connection's two systems: circuit breakers. A gate closes for a while
//! when the remote is down, asks for fewer requests or refuses our token; then one request at a
//! time probes it until one succeeds. When it closes and for how long, the component's `pacing`
//! decides.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::contract::http::SendOutcome;
use crate::contract::pacing::{Gate, HoldReason};
use crate::contract::types::{Instant, System};
use crate::guest::{GuestError, SharedInstance};

/// A connection's two gates, by system.
pub struct Gates {
    gates: Mutex<[Gate; 2]>,
    probes: [Semaphore; 2],
}

/// Nothing may be sent to this system now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateClosed {
    /// When to try again, in milliseconds since 1970.
    pub until: Instant,
    /// Why, one plain sentence such as "FreshBooks cannot be reached; it is tried again".
    pub sentence: String,
}

impl Gates {
    /// Gates as the store has them, open where it has none.
    ///
    /// # Errors
    ///
    /// If the component traps.
    pub fn new(instance: &SharedInstance, stored: &[Gate]) -> Result<Self, GuestError> {
        let load = |system| match stored.iter().find(|gate| gate.system == system) {
            Some(gate) => Ok(*gate),
            None => instance.call(|instance| instance.open_gate(system)),
        };
        Ok(Self {
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
        let gate = self.get(system);
        ensure_open(&gate, now())?;
        if gate.failures == 0 {
            return Ok(None);
        }
        let permit = self.probes[index(system)].acquire().await.ok();
        let gate = self.get(system);
        ensure_open(&gate, now())?;
        Ok(permit.filter(|_| gate.failures > 0))
    }

    /// Lets the component judge an outcome. Returns the gate if it has changed, to be stored.
    pub fn observe(
        &self,
        instance: &SharedInstance,
        system: System,
        outcome: &SendOutcome,
        now: Instant,
    ) -> Option<Gate> {
        let mut gates = self.lock();
        let gate = gates[index(system)];
        if is_success(outcome) && gate.failures == 0 {
            return None;
        }
        match instance.call(|instance| instance.observe(gate, outcome, now)) {
            Ok(changed) if changed != gate => {
                gates[index(system)] = changed;
                Some(changed)
            }
            Ok(_) => None,
            Err(error) => {
                tracing::error!(%error, "the component could not judge an outcome; its gate stays as it is");
                None
            }
        }
    }

    /// Replaces a gate. Returns it if that changed anything, to be stored.
    pub fn set(&self, gate: Gate) -> Option<Gate> {
        let mut gates = self.lock();
        let place = &mut gates[index(gate.system)];
        let changed = *place != gate;
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

fn is_success(outcome: &SendOutcome) -> bool {
    matches!(outcome, SendOutcome::Response(response) if (200..300).contains(&response.status))
}

fn ensure_open(gate: &Gate, now: Instant) -> Result<(), GateClosed> {
    if gate.held_until <= now {
        return Ok(());
    }
    let name = gate.system.display_name();
    let sentence = match gate.reason {
        HoldReason::RateLimited => format!("{name} asks for fewer requests; they continue soon"),
        HoldReason::Maintenance => format!("{name} is down for maintenance; it is tried again"),
        HoldReason::Unreachable => format!("{name} cannot be reached; it is tried again"),
        HoldReason::TokenExpired => format!("the access token of {name} is being refreshed"),
        HoldReason::NeedsReconnect => {
            format!("{name} is not connected: run `ml-connector connect`")
        }
        HoldReason::None => format!("requests to {name} are held back"),
    };
    Err(GateClosed {
        until: gate.held_until,
        sentence,
    })
}
