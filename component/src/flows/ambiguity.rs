//! What an earlier attempt left unknown is not forgotten over anything else.

use crate::contract::runs::{Ending, EndingKind, Intent, Reason, Standing, Stop};
use crate::contract::types::Instant;
use crate::flow::{AMBIGUOUS, EARLIER, EarlyEnd, Flow, next_look};

/// Since when nobody can know whether the record was created; none if a person has looked since, or
/// if the settings have it sent again. `is_new`: the record has not been created for sure.
pub(super) fn ambiguous_since(
    flow: &Flow,
    own: &Standing,
    intent: Intent,
    is_new: bool,
) -> Option<Instant> {
    let is_ambiguous = own.ending == EndingKind::Parked && own.code == AMBIGUOUS;
    if is_ambiguous && flow.task.reason != Reason::Replay {
        return Some(own.since);
    }
    let parks = intent == Intent::LookUpThenPark;
    flow.task.unknown_since.filter(|_| parks && is_new)
}

/// An earlier run, or this one before it was started over, could not know whether it created the
/// record. Whatever stops this one, only a record with our marker, or a person, ends that.
pub(super) fn stay_ambiguous(
    flow: &Flow,
    since: Instant,
    ended: Result<Ending, EarlyEnd>,
) -> Result<Ending, EarlyEnd> {
    let end = match ended {
        Ok(Ending::Unchanged(note)) => flow.parked(&note.code, note.sentence, ""),
        Ok(ending) => return Ok(ending),
        Err(end) => end,
    };
    let end = match end {
        EarlyEnd::Parked(stop) if stop.code == AMBIGUOUS => EarlyEnd::Parked(stop),
        end => flow.ambiguous_after(EARLIER, end),
    };
    let EarlyEnd::Parked(stop) = end else {
        return Err(end);
    };
    Err(EarlyEnd::Parked(Stop {
        since,
        look_again: next_look(since, flow.now()),
        ..stop
    }))
}
