//! How a run ended, as it is stored and as it is called.

use ml_connector_component::contract::runs::{Completion, Ending, EndingKind, LastEnding};

/// What is stored of a completion as long as its object is known.
#[must_use]
pub fn last_ending(completion: &Completion) -> LastEnding {
    let (kind, code, message, since) = match &completion.ending {
        Ending::Confirmed(confirmed) => (EndingKind::Confirmed, None, &confirmed.message, None),
        Ending::Unchanged(note) => (
            EndingKind::Unchanged,
            Some(note.code.clone()),
            &note.message,
            None,
        ),
        Ending::Rejected(failure) => (
            EndingKind::Rejected,
            Some(failure.code.clone()),
            &failure.message,
            Some(failure.since),
        ),
        Ending::Parked(failure) => (
            EndingKind::Parked,
            Some(failure.code.clone()),
            &failure.message,
            Some(failure.since),
        ),
        Ending::Conflict(conflict) => (EndingKind::Conflict, None, &conflict.message, None),
    };
    LastEnding {
        kind,
        code,
        message: message.clone(),
        version: completion.version.clone(),
        since,
    }
}

/// The name of an ending, as the command line shows it: `confirmed`, `parked` and so on.
#[must_use]
pub fn ending_name(ending: &Ending) -> &'static str {
    match ending {
        Ending::Confirmed(_) => "confirmed",
        Ending::Unchanged(_) => "unchanged",
        Ending::Rejected(_) => "rejected",
        Ending::Parked(_) => "parked",
        Ending::Conflict(_) => "conflict",
    }
}
