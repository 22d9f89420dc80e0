//! What came of a demand.

use serde::Deserialize;

use super::demand::Link;
use super::{some, some_instant};
use crate::contract::http::SendOutcome;
use crate::contract::runs::{self, Wake};
use crate::contract::types::{Instant, ObjectRef};

#[derive(Deserialize)]
enum EndingKind {
    None,
    Confirmed,
    Unchanged,
    Rejected,
    Parked,
    Conflict,
}

#[derive(Deserialize)]
struct Standing {
    object: ObjectRef,
    link: Option<Link>,
    active: bool,
    ending: EndingKind,
    code: String,
    sentence: String,
    version: String,
    since: Instant,
}

impl From<Standing> for runs::ObjectStatus {
    fn from(old: Standing) -> Self {
        let kind = match old.ending {
            EndingKind::None => None,
            EndingKind::Confirmed => Some(runs::EndingKind::Confirmed),
            EndingKind::Unchanged => Some(runs::EndingKind::Unchanged),
            EndingKind::Rejected => Some(runs::EndingKind::Rejected),
            EndingKind::Parked => Some(runs::EndingKind::Parked),
            EndingKind::Conflict => Some(runs::EndingKind::Conflict),
        };
        Self {
            object: old.object,
            link: old.link.map(Into::into),
            active: old.active,
            last: kind.map(|kind| runs::LastEnding {
                kind,
                code: some(old.code),
                message: old.sentence,
                version: some(old.version),
                since: some_instant(old.since),
            }),
        }
    }
}

#[derive(Deserialize)]
enum Report {
    Sent(SendOutcome),
    Found(Vec<Standing>),
    /// How many rows were stored; of a `trust-verifier` whether there was one.
    Saved(u32),
    Woken(Wake),
}

#[derive(Deserialize)]
pub(in super::super) struct Outcome {
    id: u32,
    report: Report,
    at: Instant,
}

impl From<Outcome> for runs::Outcome {
    /// As of any demand but a `trust-verifier`, which is for [`outcome_of_trust`].
    fn from(old: Outcome) -> Self {
        let report = match old.report {
            Report::Sent(outcome) => runs::Report::Sent(outcome),
            Report::Found(statuses) => {
                runs::Report::Found(statuses.into_iter().map(Into::into).collect())
            }
            Report::Saved(_) => runs::Report::Saved,
            Report::Woken(wake) => runs::Report::Woken(wake),
        };
        Self {
            id: old.id,
            report,
            at: old.at,
        }
    }
}

/// The outcome of a `trust-verifier`, which reported a count.
pub(in super::super) fn outcome_of_trust(old: Outcome) -> runs::Outcome {
    let trusted = matches!(old.report, Report::Saved(1..));
    runs::Outcome {
        id: old.id,
        report: runs::Report::Trusted(trusted),
        at: old.at,
    }
}
