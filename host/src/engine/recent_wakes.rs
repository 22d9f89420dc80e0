//! Objects whose runs have ended in the last moments, for runs that are about to wait for just
//! that.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::contract::types::ObjectRef;

/// Older ones are forgotten; a run that misses one wakes at its instant all the same.
const KEPT_MAX: usize = 1_024;

/// The latest endings of a connection, numbered.
#[derive(Default)]
pub struct RecentWakes(Mutex<State>);

#[derive(Default)]
struct State {
    next: u64,
    ended: VecDeque<ObjectRef>,
}

impl RecentWakes {
    /// The number of the next ending.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.lock().next
    }

    /// Adds the object of a run that is about to end. To be called before its ending is committed:
    /// then anyone who commits a wait and looks here afterwards has either been woken by the store
    /// or finds it here.
    pub fn add(&self, object: ObjectRef) {
        let mut state = self.lock();
        state.next += 1;
        if state.ended.len() == KEPT_MAX {
            state.ended.pop_front();
        }
        state.ended.push_back(object);
    }

    /// Whether a run of this object has ended since number `since`, or is about to.
    #[must_use]
    pub fn has_ended_since(&self, since: u64, object: &ObjectRef) -> bool {
        let state = self.lock();
        let fresh = usize::try_from(state.next - since).unwrap_or(usize::MAX);
        state
            .ended
            .iter()
            .rev()
            .take(fresh)
            .any(|ended| ended == object)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::types::System;

    fn invoice(id: &str) -> ObjectRef {
        ObjectRef {
            system: System::Freshbooks,
            kind: "invoice".into(),
            id: id.into(),
        }
    }

    #[test]
    fn only_news_counts_and_only_so_much_is_kept() {
        let recent_wakes = RecentWakes::default();
        recent_wakes.add(invoice("1"));
        let since = recent_wakes.next();
        assert!(!recent_wakes.has_ended_since(since, &invoice("1")));
        recent_wakes.add(invoice("2"));
        assert!(recent_wakes.has_ended_since(since, &invoice("2")));
        assert!(!recent_wakes.has_ended_since(since, &invoice("never")));
        for id in 0..KEPT_MAX {
            recent_wakes.add(invoice(&id.to_string()));
        }
        assert!(!recent_wakes.has_ended_since(0, &invoice("never")));
        assert_eq!(recent_wakes.lock().ended.len(), KEPT_MAX);
    }
}
