//! How a run ended.

use serde::Deserialize;

use super::some;
use crate::contract::runs::{self, Change};
use crate::contract::types::{Instant, Note as PresentNote, ObjectRef, Problem};

#[derive(Deserialize)]
struct Confirmation {
    target: ObjectRef,
    how: Change,
    sentence: String,
}

#[derive(Deserialize)]
struct Note {
    code: String,
    sentence: String,
}

#[derive(Deserialize)]
struct Stop {
    code: String,
    sentence: String,
    remedy: String,
    problems: Vec<Problem>,
    since: Instant,
    look_again: Option<Instant>,
}

impl From<Stop> for runs::Failure {
    fn from(old: Stop) -> Self {
        Self {
            code: old.code,
            message: old.sentence,
            remedy: old.remedy,
            problems: old.problems,
            since: old.since,
            look_again: old.look_again,
            reconnect: None,
        }
    }
}

#[derive(Deserialize)]
struct Conflict {
    targets: Vec<ObjectRef>,
    sentence: String,
    remedy: String,
}

#[derive(Deserialize)]
enum Ending {
    Confirmed(Confirmation),
    Unchanged(Note),
    Rejected(Stop),
    Parked(Stop),
    Conflict(Conflict),
}

impl From<Ending> for runs::Ending {
    fn from(old: Ending) -> Self {
        match old {
            Ending::Confirmed(confirmation) => Self::Confirmed(runs::Confirmation {
                target: confirmation.target,
                change: confirmation.how,
                message: confirmation.sentence,
            }),
            Ending::Unchanged(note) => Self::Unchanged(PresentNote {
                code: note.code,
                message: note.sentence,
            }),
            Ending::Rejected(stop) => Self::Rejected(stop.into()),
            Ending::Parked(stop) => Self::Parked(stop.into()),
            Ending::Conflict(conflict) => Self::Conflict(runs::Conflict {
                targets: conflict.targets,
                message: conflict.sentence,
                remedy: conflict.remedy,
            }),
        }
    }
}

#[derive(Deserialize)]
pub(in super::super) struct Completion {
    ending: Ending,
    version: String,
}

impl From<Completion> for runs::Completion {
    fn from(old: Completion) -> Self {
        Self {
            ending: old.ending.into(),
            version: some(old.version),
            facts: runs::Facts::NONE,
        }
    }
}
