//! Wake-ups of the last moments, for runs that are about to wait for just that.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::contract::types::ObjectRef;

/// Older ones are forgotten; a run that misses one wakes at its instant all the same.
const KEPT_MAX: usize = 1_024;

/// Something that a run may wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WakeEvent {
    /// A run of this object has ended, or is about to.
    Ended(ObjectRef),
    /// A webhook handshake has arrived.
    Handshake,
}

/// The latest wake-ups of a connection, numbered.
#[derive(Default)]
pub struct RecentWakes(Mutex<State>);

#[derive(Default)]
struct State {
    next: u64,
    events: VecDeque<WakeEvent>,
}

impl RecentWakes {
    /// The number of the next event.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.lock().next
    }

    /// Adds an event. To be called before what it tells of is committed: then anyone who commits a
    /// wait and looks here afterwards has either been woken by the store or finds it here.
    pub fn add(&self, event: WakeEvent) {
        let mut state = self.lock();
        state.next += 1;
        if state.events.len() == KEPT_MAX {
            state.events.pop_front();
        }
        state.events.push_back(event);
    }

    /// Whether an event has happened since number `since`.
    #[must_use]
    pub fn has_happened_since(&self, since: u64, event: &WakeEvent) -> bool {
        let state = self.lock();
        let fresh = usize::try_from(state.next - since).unwrap_or(usize::MAX);
        state
            .events
            .iter()
            .rev()
            .take(fresh)
            .any(|kept| kept == event)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::types::System;

    fn ended(id: &str) -> WakeEvent {
        WakeEvent::Ended(ObjectRef {
            system: System::Freshbooks,
            kind: "invoice".into(),
            id: id.into(),
        })
    }

    #[test]
    fn only_news_counts_and_only_so_much_is_kept() {
        let recent_wakes = RecentWakes::default();
        recent_wakes.add(ended("1"));
        let since = recent_wakes.next();
        assert!(!recent_wakes.has_happened_since(since, &ended("1")));
        recent_wakes.add(ended("2"));
        assert!(recent_wakes.has_happened_since(since, &ended("2")));
        assert!(!recent_wakes.has_happened_since(since, &WakeEvent::Handshake));
        for id in 0..KEPT_MAX {
            recent_wakes.add(ended(&id.to_string()));
        }
        assert!(!recent_wakes.has_happened_since(0, &WakeEvent::Handshake));
        assert_eq!(recent_wakes.lock().events.len(), KEPT_MAX);
    }
}
