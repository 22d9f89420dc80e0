//! How far a comparison is, for whoever waits for it.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// How far a comparison is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stand {
    /// The flow that is read.
    pub flow: String,
    /// Requests that were answered so far.
    pub calls: u64,
    /// Records that were read so far, of both sides.
    pub records: u64,
    /// Why nothing is sent at present; empty where something is.
    pub waits: String,
}

/// How far a comparison is, told by the one and looked at by others.
#[derive(Debug, Default)]
pub struct Progress(Mutex<Stand>);

impl Progress {
    /// How far it is now.
    #[must_use]
    pub fn stand(&self) -> Stand {
        self.lock().clone()
    }

    pub(super) fn begin_flow(&self, flow: &str) {
        flow.clone_into(&mut self.lock().flow);
    }

    pub(super) fn note_call(&self) {
        let mut stand = self.lock();
        stand.calls += 1;
        stand.waits.clear();
    }

    pub(super) fn note_record(&self) {
        self.lock().records += 1;
    }

    pub(super) fn note_wait(&self, why: &str) {
        why.clone_into(&mut self.lock().waits);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Stand> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
