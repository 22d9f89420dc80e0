//! How many notices have no decision yet, so that receivers can refuse more before the store is
//! full.

use std::sync::atomic::{AtomicI64, Ordering};

/// Counts undecided notices: receivers add those that they stored, the dispatcher takes away those
/// that it decided.
///
/// Signed, since a decision may be counted a moment before the notice that it is about.
#[derive(Debug, Default)]
pub struct Backlog {
    undecided: AtomicI64,
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
