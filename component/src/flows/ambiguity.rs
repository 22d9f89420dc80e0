//! What an earlier attempt left unknown is not forgotten over anything else.

use crate::contract::runs::{Ending, Intent, ObjectStatus, StartReason};
use crate::contract::types::Instant;
use crate::flow::{EARLIER, EarlyEnd, Flow, NOT_SHOWN};
use crate::runs::AMBIGUOUS;

/// Since when nobody can know whether the record was created; none if a person has looked since, or
/// if the settings have it sent again. `is_new`: the record has not been created for sure.
pub(super) fn ambiguous_since(
    flow: &Flow,
    own: &ObjectStatus,
    intent: Intent,
    is_new: bool,
) -> Option<Instant> {
    let parks = intent == Intent::LookUpThenPark;
    // The first write that may be there is not the last one that was sent; all were sent before the
    // start.
    let started_over = flow.task.unknown_since.map(|_| flow.task.started);
    left_by_earlier_run(flow, own).or_else(|| started_over.filter(|_| parks && is_new))
}

/// Since when an earlier run has left it unknown whether the record was created; none if a person
/// has looked since. Such a run was over its settle time: this one only looks. A run that was
/// started over is not: its write waits for the settle time first.
pub(super) fn left_by_earlier_run(flow: &Flow, own: &ObjectStatus) -> Option<Instant> {
    if flow.task.reason == StartReason::Replay {
        return None;
    }
    own.last.as_ref()?.ambiguous_since()
}

/// An earlier run, or this one before it was started over, could not know whether it created the
/// record. Whatever stops this one, only a record with our marker, or a person, ends that.
pub(super) fn stay_ambiguous(
    flow: &Flow,
    since: Instant,
    ended: Result<Ending, EarlyEnd>,
) -> Result<Ending, EarlyEnd> {
    let end = match ended {
        Ok(Ending::Unchanged(note)) => flow.parked(&note.code, note.message, ""),
        Ok(ending) => return Ok(ending),
        // It is there.
        Err(EarlyEnd::Parked(failure)) if failure.code == NOT_SHOWN => {
            return Err(EarlyEnd::Parked(failure));
        }
        Err(end) => end,
    };
    let end = match end {
        EarlyEnd::Parked(failure) if failure.code == AMBIGUOUS => EarlyEnd::Parked(failure),
        end => flow.ambiguous_after(EARLIER, end),
    };
    Err(flow.ambiguous_from(since, end))
}
