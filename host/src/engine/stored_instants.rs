//! Bounds on instants that were stored: a clock that was wrong for a while, or a store that came
//! from elsewhere, must not stop anything for a year. What lies further ahead than anything that is
//! waited for can lie is brought forward to the longest such wait from now.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::{Connection, Services};
use crate::contract::pacing::Gate;
use crate::contract::runs::WaitReason;
use crate::contract::types::Instant;
use crate::store::{RunState, Write};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// The longest hold: the component takes no `Retry-After` beyond an hour, and every hold of its own
/// is shorter.
pub(super) const HOLD_MAX_MS: u64 = HOUR_MS;

/// The longest that a refusal of a token is taken for granted: the component backs off for at most
/// an hour.
pub(crate) const TOKEN_PAUSE_MAX_MS: u64 = HOUR_MS;

/// How far ahead of the clock what a run has recorded may be. A clock that is set back by an hour
/// or less costs so long at most; beyond that, what was recorded is taken for the work of a wrong
/// clock.
pub(super) const AHEAD_MAX_MS: u64 = HOUR_MS;

/// The longest wait of a run by its state and reason.
const WAITS_MAX_MS: [(RunState, Option<WaitReason>, u64); 7] = [
    // It is due when it is started, by a clock that may be ahead by so much.
    (RunState::Due, None, AHEAD_MAX_MS),
    // The last look for a write that may still turn up is a week after it.
    (RunState::Waiting, None, 7 * DAY_MS),
    // `retry.delay_max_s` is a week at most, and `retry.jitter_permille` may double it.
    (RunState::Waiting, Some(WaitReason::Retry), 14 * DAY_MS),
    // `settle_s` is a day at most. A run that is woken earlier waits for the rest.
    (RunState::Waiting, Some(WaitReason::Settle), DAY_MS),
    // Behind a gate, so no longer than a hold.
    (RunState::Waiting, Some(WaitReason::Remote), HOLD_MAX_MS),
    // A vendor that another run makes is looked at after an hour.
    (RunState::Waiting, Some(WaitReason::Dependency), HOUR_MS),
    // FreshBooks sends its handshake within a minute.
    (RunState::Waiting, Some(WaitReason::Handshake), MINUTE_MS),
];

/// How often the store is looked through, beside the start and whenever the clock is set back.
const LOOK_INTERVAL_MS: u64 = HOUR_MS;

/// A gate whose hold ends no later than the longest hold from now.
#[must_use]
pub fn bounded_gate(mut gate: Gate, now: Instant) -> Gate {
    let until_max = now.saturating_add(HOLD_MAX_MS);
    if let Some(hold) = gate.hold.as_mut().filter(|hold| hold.until > until_max) {
        hold.until = until_max;
    }
    gate
}

/// Whether an instant that was recorded lies further ahead than a clock can be wrong by.
pub(super) fn is_ahead(recorded: Instant, now: Instant) -> bool {
    recorded > now.saturating_add(AHEAD_MAX_MS)
}

/// The time, but never before what was recorded, unless that was recorded by a wrong clock.
pub(super) fn not_before(recorded: Instant, now: Instant) -> Instant {
    match is_ahead(recorded, now) {
        true => now,
        false => now.max(recorded),
    }
}

/// The writes that bring every run forward that is due later than the longest wait from now.
pub(crate) fn bound_due(now: Instant) -> Vec<Write> {
    let bounds = WAITS_MAX_MS.into_iter();
    bounds
        .map(|(state, reason, wait_max)| Write::BoundDue {
            state,
            reason,
            due_max: now.saturating_add(wait_max),
        })
        .collect()
}

/// Brings such runs forward every hour, and at once when the clock is set back, until `stop`. The
/// start of the service has done it before.
pub(super) async fn keep_bounded(
    services: Arc<Services>,
    connections: Arc<BTreeMap<String, Arc<Connection>>>,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        let next = services.clock.now().saturating_add(LOOK_INTERVAL_MS);
        tokio::select! {
            () = services.clock.sleep_until(Some(next)) => {}
            _ = stop.changed() => return,
        }
        if let Err(error) = services.store.commit(bound_due(services.clock.now())).await {
            tracing::error!(%error, "runs could not be looked through for instants too far ahead");
        }
        for connection in connections.values() {
            connection.runs_due.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::pacing::{Hold, HoldReason};
    use crate::contract::types::System;

    const NOW: Instant = 1_800_000_000_000;

    fn held_for(length_ms: u64) -> Gate {
        Gate {
            system: System::Concur,
            hold: Some(Hold {
                until: NOW + length_ms,
                reason: HoldReason::Maintenance,
            }),
            failures: 1,
            failing_since: Some(NOW),
        }
    }

    #[test]
    fn a_hold_is_never_longer_than_the_longest() {
        let until = |gate: Gate| bounded_gate(gate, NOW).hold.map(|hold| hold.until);
        assert_eq!(until(held_for(365 * DAY_MS)), Some(NOW + HOUR_MS));
        assert_eq!(until(held_for(HOUR_MS)), Some(NOW + HOUR_MS));
        assert_eq!(until(held_for(1)), Some(NOW + 1));
    }

    #[test]
    fn what_a_wrong_clock_recorded_is_not_believed() {
        assert_eq!(not_before(NOW + HOUR_MS, NOW), NOW + HOUR_MS);
        assert_eq!(not_before(NOW + HOUR_MS + 1, NOW), NOW);
        assert_eq!(not_before(NOW - 1, NOW), NOW);
        assert_eq!(not_before(u64::MAX, NOW), NOW);
    }

    #[test]
    fn every_reason_to_wait_has_its_longest() {
        let reasons = [
            WaitReason::Retry,
            WaitReason::Settle,
            WaitReason::Remote,
            WaitReason::Dependency,
            WaitReason::Handshake,
        ];
        for reason in reasons {
            let mut waits = WAITS_MAX_MS.iter();
            assert!(
                waits.any(|(_, known, _)| *known == Some(reason)),
                "{reason:?}"
            );
        }
    }
}
