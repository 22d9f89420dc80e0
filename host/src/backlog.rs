//! The notices that have no decision yet: how many, so that receivers can refuse more before the
//! store is full, and those that are held back.

mod held;

use std::sync::atomic::{AtomicI64, Ordering};

pub use self::held::HeldNotices;

/// Undecided notices: receivers add those that they stored, the dispatcher takes away those that it
/// decided.
///
/// Signed, since a decision may be counted a moment before the notice that it is about.
#[derive(Debug, Default)]
pub struct Backlog {
    undecided: AtomicI64,
    /// Those that wait for their turn, since their objects were looked at again and again.
    pub held: HeldNotices,
}

impl Backlog {
    /// Adds notices that were stored or, with a negative number, decided.
    pub fn add(&self, notices: i64) {
        self.undecided.fetch_add(notices, Ordering::Relaxed);
    }

    /// How many notices wait for a decision.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.undecided.load(Ordering::Relaxed)
    }
}
