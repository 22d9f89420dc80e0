//! The parts of a completion that are stored and shown whatever the ending is.

use super::runs::{Completion, Ending, EndingKind, Facts, Failure, LastEnding};
use super::types::{Instant, System};

impl Completion {
    /// How the run ended, without the details.
    #[must_use]
    pub fn kind(&self) -> EndingKind {
        match self.ending {
            Ending::Confirmed(_) => EndingKind::Confirmed,
            Ending::Unchanged(_) => EndingKind::Unchanged,
            Ending::Rejected(_) => EndingKind::Rejected,
            Ending::Parked(_) => EndingKind::Parked,
            Ending::Conflict(_) => EndingKind::Conflict,
        }
    }

    /// The stable code of the ending; none for `confirmed` and `conflict`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match &self.ending {
            Ending::Unchanged(note) => Some(&note.code),
            Ending::Rejected(failure) | Ending::Parked(failure) => Some(&failure.code),
            Ending::Confirmed(_) | Ending::Conflict(_) => None,
        }
    }

    /// The message of the ending, one plain sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        match &self.ending {
            Ending::Confirmed(confirmation) => &confirmation.message,
            Ending::Unchanged(note) => &note.message,
            Ending::Rejected(failure) | Ending::Parked(failure) => &failure.message,
            Ending::Conflict(conflict) => &conflict.message,
        }
    }

    /// When the matter first stopped a run; none where it did not.
    #[must_use]
    pub fn since(&self) -> Option<Instant> {
        self.failure().map(|failure| failure.since)
    }

    /// When to look again without a person.
    #[must_use]
    pub fn look_again(&self) -> Option<Instant> {
        self.failure().and_then(|failure| failure.look_again)
    }

    /// The system whose new connection fixes the failure.
    #[must_use]
    pub fn reconnect(&self) -> Option<System> {
        self.failure().and_then(|failure| failure.reconnect)
    }

    /// What `find-objects` reports of the run's object.
    #[must_use]
    pub fn to_last_ending(&self) -> LastEnding {
        LastEnding {
            kind: self.kind(),
            code: self.code().map(str::to_owned),
            message: self.message().to_owned(),
            version: self.version.clone(),
            since: self.since(),
        }
    }

    fn failure(&self) -> Option<&Failure> {
        match &self.ending {
            Ending::Rejected(failure) | Ending::Parked(failure) => Some(failure),
            _ => None,
        }
    }
}

impl Facts {
    /// Facts of an object that nothing is known of.
    pub const NONE: Self = Self {
        number: None,
        party: None,
        amount: None,
        currency: None,
        date: None,
    };

    /// These facts, and where there is none the earlier one. An amount and its currency stay
    /// together.
    #[must_use]
    pub fn or_earlier(self, earlier: &Self) -> Self {
        let (amount, currency) = match self.amount {
            Some(amount) => (Some(amount), self.currency),
            None => (earlier.amount.clone(), earlier.currency.clone()),
        };
        Self {
            number: self.number.or_else(|| earlier.number.clone()),
            party: self.party.or_else(|| earlier.party.clone()),
            amount,
            currency,
            date: self.date.or_else(|| earlier.date.clone()),
        }
    }
}
