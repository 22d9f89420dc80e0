//! How a run ends early: parked until a person has acted, rejected, or in conflict.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::effects::Flow;
use crate::contract::runs::{Completion, Conflict, Ending, Failure};
use crate::contract::types::{Instant, Note, Problem, System};
use crate::error_bodies::{Cause, Refusal};
use crate::marker;
use crate::remedy::{Replay, after_settings};
use crate::runs::{AMBIGUOUS, next_look};

/// Why nobody can know, when it was not this attempt.
pub(crate) const EARLIER: &str = "an earlier attempt was never answered";

/// The code of a refusal.
const REFUSED: &str = "refused";

/// The code of a record that was written and does not show what was written into it: it is there,
/// and linked.
pub(crate) const NOT_SHOWN: &str = "not-shown";

/// Why a flow ends early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EarlyEnd {
    /// A person is needed.
    Parked(Box<Failure>),
    /// The remote refused the record itself.
    Rejected(Box<Failure>),
    /// More than one record under our marker.
    Conflict(Conflict),
}

impl EarlyEnd {
    /// The end that waits for a person.
    pub(crate) fn park(failure: Failure) -> Self {
        Self::Parked(Box::new(failure))
    }
}

impl Flow {
    /// A failure that begins now.
    pub(crate) fn failure(
        &self,
        code: &str,
        message: String,
        remedy: impl Into<String>,
    ) -> Failure {
        Failure {
            code: String::from(code),
            message: self.without_address(message),
            remedy: remedy.into(),
            problems: Vec::new(),
            since: self.now(),
            look_again: None,
            reconnect: None,
        }
    }

    /// An end that waits for a person; `remedy` says what that person does.
    pub(crate) fn parked(
        &self,
        code: &str,
        message: String,
        remedy: impl Into<String>,
    ) -> EarlyEnd {
        EarlyEnd::park(self.failure(code, message, remedy))
    }

    /// An end that waits for a person, or for what another run of the same connection brings, and
    /// is looked at again in case the remote changes its mind: as often as an ambiguous write.
    pub(crate) fn parked_for_now(
        &self,
        code: &str,
        message: String,
        remedy: impl Into<String>,
    ) -> EarlyEnd {
        let since = self.first_since(code).unwrap_or(self.now());
        EarlyEnd::park(Failure {
            look_again: next_look(since, self.now()),
            ..self.failure(code, message, remedy)
        })
    }

    /// The marker under which this run creates a record of `target_kind`.
    pub(crate) fn marker(&self, target_kind: &str) -> String {
        marker::marker_for(&self.settings.connection, &self.task.object, target_kind)
    }

    /// The failure of a write that may or may not have happened.
    pub(crate) fn ambiguous(&self, why: &str) -> Failure {
        let remote = self.target().display_name();
        let mut failure = self.failure(
            AMBIGUOUS,
            format!("{remote} may or may not have carried this out: {why}"),
            format!(
                "check in {remote}; if it is not there, `ml-connector replay RUN` sends it again"
            ),
        );
        failure.look_again = next_look(failure.since, self.now());
        failure
    }

    /// The same when something else stopped the run meanwhile: what cannot be known must not be
    /// forgotten over it.
    pub(crate) fn ambiguous_after(&self, why: &str, end: EarlyEnd) -> EarlyEnd {
        let other = match end {
            EarlyEnd::Parked(failure) | EarlyEnd::Rejected(failure) => *failure,
            EarlyEnd::Conflict(_) => return end,
        };
        EarlyEnd::park(Failure {
            problems: other.problems,
            ..self.ambiguous(&format!("{why}; and now {}", other.message))
        })
    }

    /// An ambiguous end counted from when it became so, and not from when it was looked up in vain.
    pub(crate) fn ambiguous_from(&self, since: Instant, end: EarlyEnd) -> EarlyEnd {
        match end {
            EarlyEnd::Parked(failure) => EarlyEnd::park(Failure {
                since,
                look_again: next_look(since, self.now()),
                ..*failure
            }),
            end => end,
        }
    }

    /// The completion of a story that ended like this.
    pub(crate) fn completion(&self, ended: Result<Ending, EarlyEnd>) -> Completion {
        let ending = ended.unwrap_or_else(|end| match end {
            EarlyEnd::Parked(failure) => Ending::Parked(self.since_first_failure(*failure)),
            EarlyEnd::Rejected(failure) => Ending::Rejected(self.since_first_failure(*failure)),
            EarlyEnd::Conflict(conflict) => Ending::Conflict(conflict),
        });
        Completion {
            ending,
            version: self.version(),
            facts: self.facts(),
        }
    }

    /// The failure, begun in the first of the runs in a row that stopped for the same reason. When
    /// an ambiguous write was sent is known better by those who park it.
    fn since_first_failure(&self, failure: Failure) -> Failure {
        let same = (failure.code != AMBIGUOUS).then(|| self.first_since(&failure.code));
        let since = same.flatten().unwrap_or(failure.since);
        Failure { since, ..failure }
    }

    /// Since when the object's runs have stopped with this code, if the last one did.
    fn first_since(&self, code: &str) -> Option<Instant> {
        let last = self.last_ending();
        let same = last.filter(|last| last.code.as_deref() == Some(code));
        same.and_then(|last| last.since)
    }
}

/// An ending of a run that found nothing to do.
pub(crate) fn unchanged(code: &str, message: String) -> Ending {
    Ending::Unchanged(Note {
        code: code.to_string(),
        message,
    })
}

/// A definite refusal by a remote, in its own words: of the record, or of something that the record
/// has no part in. `what` continues "FreshBooks refused ...".
pub(crate) fn remote_refused(
    flow: &Flow,
    system: System,
    what: &str,
    refusal: &Refusal,
) -> EarlyEnd {
    let name = system.display_name();
    let message = format!("{name} refused {what} {}", refusal.said());
    match refusal.cause(system) {
        Cause::Record => {
            let remedy = after_settings("correct the record or the settings", Replay::Run);
            EarlyEnd::Rejected(Box::new(flow.failure(REFUSED, message, &remedy)))
        }
        Cause::Permission(lacking) => {
            let message = format!("{message}; {}", lacking.message(system));
            flow.parked("access-denied", message, lacking.remedy(system))
        }
        Cause::Remote => flow.parked_for_now(
            REFUSED,
            format!("{message}; that says nothing about the record"),
            "it is looked at again by itself; if this lasts, see what \
             `ml-connector check --online` says, then `ml-connector replay RUN`",
        ),
        Cause::Unclear => flow.parked_for_now(
            REFUSED,
            format!("{message}; that is hardly the record's fault"),
            "it is looked at again by itself; if this lasts, show their support what \
             `ml-connector show RUN` says, then `ml-connector replay RUN`",
        ),
    }
}

/// A document that cannot be translated; the failure has the first problem's code.
pub(crate) fn cannot_translate(flow: &Flow, what: &str, problems: Vec<Problem>) -> EarlyEnd {
    let code = problems
        .first()
        .map_or("unmapped", |problem| problem.code.as_str())
        .to_string();
    let message = format!("the {what} cannot be translated: {}", summary(&problems));
    let remedy = after_settings("fix what is named", Replay::Parked);
    EarlyEnd::park(Failure {
        problems,
        ..flow.failure(&code, message, &remedy)
    })
}

/// What is wrong, each thing once; the first five of many, which is as much as anyone reads in one
/// message.
pub(crate) fn summary(problems: &[Problem]) -> String {
    const MESSAGES_MAX: usize = 5;
    let mut messages: Vec<&str> = Vec::new();
    for problem in problems {
        if !messages.contains(&problem.message.as_str()) {
            messages.push(&problem.message);
        }
    }
    let more = messages.len().saturating_sub(MESSAGES_MAX);
    messages.truncate(MESSAGES_MAX);
    let listed = messages.join("; ");
    if more == 0 {
        listed
    } else {
        format!("{listed}; and {more} more")
    }
}
