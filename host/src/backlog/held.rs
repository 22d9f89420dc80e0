//! Notices that are held back: an object is looked at often for a short time and seldom for long,
//! so that a notice that is sent again and again, by whoever has caught it, costs a few looks.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::contract::types::ObjectRef;
use crate::rate_limit::{Rate, TokenBuckets};
use crate::store::{Notice, NoticeId};

/// Notices of one object that are decided: the changes of a person who corrects an invoice at once,
/// and no more than a look in half a minute for as long as they go on.
const RATE: Rate = Rate {
    burst: 10,
    refill: Duration::from_secs(30),
};

/// Objects whose rate is watched, and notices that are held back, at most. What does not fit in is
/// decided at once; then the rate of the whole connection is the bound.
const OBJECTS_MAX: usize = 4_096;

/// An object of a connection.
type Key = (String, &'static str, String, String);

/// The notices that are stored without a decision, and wait for their turn.
///
/// The dispatcher alone holds and releases, and it releases before it reads what it decides. So a
/// delivery that finds its object held may be answered without being stored: the look that its
/// notice will lead to is yet to come.
#[derive(Debug)]
pub struct HeldNotices(Mutex<State>);

#[derive(Debug)]
struct State {
    rates: TokenBuckets<Key>,
    held: BTreeMap<Key, (NoticeId, Instant)>,
}

impl Default for HeldNotices {
    fn default() -> Self {
        Self(Mutex::new(State {
            rates: TokenBuckets::new(RATE, OBJECTS_MAX),
            held: BTreeMap::new(),
        }))
    }
}

impl HeldNotices {
    /// Whether a notice of this object is stored and held back, so that another one says nothing
    /// new.
    #[must_use]
    pub fn covers(&self, connection: &str, object: &ObjectRef) -> bool {
        self.lock().held.contains_key(&key(connection, object))
    }

    /// Holds a notice back if its object's rate is exceeded; true if it may be decided now.
    pub fn may_decide(&self, notice: &Notice, now: Instant) -> bool {
        let mut state = self.lock();
        let key = key(&notice.connection, &notice.object);
        let wait = state.rates.wait(&key, now);
        if wait.is_zero() || state.held.len() >= OBJECTS_MAX {
            return true;
        }
        state.held.insert(key, (notice.id, now + wait));
        false
    }

    /// Counts a notice that was decided.
    pub fn count_decided(&self, notice: &Notice, now: Instant) {
        let key = key(&notice.connection, &notice.object);
        self.lock().rates.take(&key, now);
    }

    /// Releases the notices whose time has come, and returns the numbers of the others.
    pub fn release(&self, now: Instant) -> Vec<NoticeId> {
        let mut state = self.lock();
        state.held.retain(|_, (_, until)| *until > now);
        state.held.values().map(|(id, _)| *id).collect()
    }

    /// When the next notice is to be released; nothing while none is held.
    #[must_use]
    pub fn next_release(&self) -> Option<Instant> {
        self.lock().held.values().map(|(_, until)| *until).min()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(connection: &str, object: &ObjectRef) -> Key {
    let ObjectRef { system, kind, id } = object;
    (connection.into(), system.as_str(), kind.clone(), id.clone())
}

#[cfg(test)]
mod interleavings;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::types::System;

    fn notice(id: NoticeId, object: &str) -> Notice {
        Notice {
            id,
            connection: "acme".into(),
            object: ObjectRef {
                system: System::Freshbooks,
                kind: "invoice".into(),
                id: object.into(),
            },
            event: "invoice.update".into(),
            received: 0,
            arrivals: 1,
        }
    }

    #[test]
    fn an_object_is_held_back_beyond_its_rate_and_released_in_time() {
        let (held, start) = (HeldNotices::default(), Instant::now());
        for id in 0..10 {
            assert!(held.may_decide(&notice(id, "1"), start));
            held.count_decided(&notice(id, "1"), start);
        }
        let hot = notice(10, "1");
        assert!(
            !held.covers("acme", &hot.object),
            "nothing undecided is stored"
        );
        assert!(!held.may_decide(&hot, start));
        assert!(held.covers("acme", &hot.object));
        assert!(!held.covers("bolt", &hot.object));
        assert!(held.may_decide(&notice(11, "2"), start), "another object");
        assert_eq!(held.release(start), [10]);
        let then = held.next_release().expect("is held");
        assert_eq!(then, start + RATE.refill);
        assert!(held.release(then).is_empty());
        assert!(!held.covers("acme", &hot.object));
        assert!(held.may_decide(&hot, then));
    }

    #[test]
    fn what_was_not_decided_does_not_count() {
        let (held, start) = (HeldNotices::default(), Instant::now());
        let often = (0..100).all(|id| held.may_decide(&notice(id, "1"), start));
        assert!(often, "the store may have failed a hundred times");
    }

    #[test]
    fn the_held_are_bounded() {
        let (held, start) = (HeldNotices::default(), Instant::now());
        let objects = 0..OBJECTS_MAX as u64 + 9;
        for number in objects.clone() {
            let one = notice(number, &number.to_string());
            (0..10).for_each(|_| held.count_decided(&one, start));
            held.may_decide(&one, start);
        }
        let state = held.lock();
        assert!(state.held.len() <= OBJECTS_MAX);
    }
}
