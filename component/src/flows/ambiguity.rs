//! What an earlier attempt left unknown is not forgotten over anything else.

use crate::contract::runs::{Ending, EndingKind, Intent, Reason, Standing, Stop};
use crate::contract::types::{Instant, System};
use crate::runs::{AMBIGUOUS, EARLIER, Flow, Halt, next_look};

/// Since when nobody can know whether the record was created; none if a person has looked since, or if the settings
/// have it sent again.
pub(super) fn since(flow: &Flow, own: &Standing, intent: Intent) -> Option<Instant> {
    let is_ambiguous = own.ending == EndingKind::Parked && own.code == AMBIGUOUS;
    if is_ambiguous && flow.task.reason != Reason::Replay {
        return Some(own.since);
    }
    let _ = intent;
    None
}

/// An earlier run, or this one before it was started over, could not know whether it created the record. Whatever
/// stops this one, only a record with our marker, or a person, ends that.
pub(super) fn still(
    flow: &Flow,
    system: System,
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
        halt => flow.ambiguous_after(system, EARLIER, halt),
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
