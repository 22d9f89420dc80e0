//! The parts of a completion that are stored and shown whatever the ending is.

use super::runs::{Completion, Ending, EndingKind, Stop};
use super::types::Instant;

impl Completion {
    /// How the run ended, without the details.
    pub fn kind(&self) -> EndingKind {
        match self.ending {
            Ending::Confirmed(_) => EndingKind::Confirmed,
            Ending::Unchanged(_) => EndingKind::Unchanged,
            Ending::Rejected(_) => EndingKind::Rejected,
            Ending::Parked(_) => EndingKind::Parked,
            Ending::Conflict(_) => EndingKind::Conflict,
        }
    }

    /// The stable code of the ending; empty where it has none.
    pub fn code(&self) -> &str {
        match &self.ending {
            Ending::Unchanged(note) => &note.code,
            Ending::Rejected(stop) | Ending::Parked(stop) => &stop.code,
            Ending::Confirmed(_) | Ending::Conflict(_) => "",
        }
    }

    /// The sentence of the ending.
    pub fn sentence(&self) -> &str {
        match &self.ending {
            Ending::Confirmed(confirmation) => &confirmation.sentence,
            Ending::Unchanged(note) => &note.sentence,
            Ending::Rejected(stop) | Ending::Parked(stop) => &stop.sentence,
            Ending::Conflict(conflict) => &conflict.sentence,
        }
    }

    /// When the matter first stopped; 0 where it did not.
    pub fn since(&self) -> Instant {
        self.stop().map_or(0, |stop| stop.since)
    }

    /// When to look again without a person.
    pub fn look_again(&self) -> Option<Instant> {
        self.stop().and_then(|stop| stop.look_again)
    }

    fn stop(&self) -> Option<&Stop> {
        match &self.ending {
            Ending::Rejected(stop) | Ending::Parked(stop) => Some(stop),
            _ => None,
        }
    }
}
