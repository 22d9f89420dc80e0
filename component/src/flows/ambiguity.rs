//! What an earlier attempt left unknown is not forgotten over anything else.

use crate::contract::runs::{Ending, EndingKind, Intent, Reason, Standing, Stop};
use crate::contract::types::Instant;
use crate::runs::{AMBIGUOUS, EARLIER, Flow, Halt, next_look};

/// Since when nobody can know whether the record was created; none if a person has looked since, or
/// if the settings have it sent again. `is_new`: the record has not been created for sure.
pub(super) fn since(flow: &Flow, own: &Standing, intent: Intent, is_new: bool) -> Option<Instant> {
    let is_ambiguous = own.ending == EndingKind::Parked && own.code == AMBIGUOUS;
    if is_ambiguous && flow.task.reason != Reason::Replay {
        return Some(own.since);
    }
    let parks = intent == Intent::LookUpThenPark;
    flow.task.unknown_since.filter(|_| parks && is_new)
}

/// An earlier run, or this one before it was started over, could not know whether it created the
/// record. Whatever stops this one, only a record with our marker, or a person, ends that.
pub(super) fn still(
    flow: &Flow,
    since: Instant,
    ended: Result<Ending, Halt>,
) -> Result<Ending, Halt> {
    let halt = match ended {
        Ok(Ending::Unchanged(note)) => Halt::Parked(flow.stop(&note.code, note.sentence, "")),
        Ok(ending) => return Ok(ending),
        Err(halt) => halt,
    };
    let halt = match halt {
        Halt::Parked(stop) if stop.code == AMBIGUOUS => Halt::Parked(stop),
        halt => flow.ambiguous_after(EARLIER, halt),
    };
    let Halt::Parked(stop) = halt else {
        return Err(halt);
    };
    Err(Halt::Parked(Stop {
        since,
        look_again: next_look(since, flow.now()),
        ..stop
    }))
}
