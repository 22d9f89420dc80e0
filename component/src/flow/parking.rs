//! How a run ends early: parked until a person has acted, rejected, or in conflict.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::effects::Flow;
use crate::contract::runs::{Completion, Conflict, Ending, Note, Stop};
use crate::contract::types::{Duration, Instant, Problem, System};
use crate::error_bodies::Refusal;
use crate::marker;

/// Why nobody can know, when it was not this attempt.
pub(crate) const EARLIER: &str = "an earlier attempt was never answered";

/// The code of a stop after a write that may or may not have happened.
pub(crate) const AMBIGUOUS: &str = "ambiguous";

/// Why a flow ends early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EarlyEnd {
    /// A person is needed.
    Parked(Stop),
    /// The remote refused the record itself.
    Rejected(Stop),
    /// More than one record under our marker.
    Conflict(Conflict),
}

/// When to look once more for a write that may still turn up: 1 h, 6 h, 1 d, 3 d and 7 d after it.
/// Each look is a few reads, so they get rarer the less they can be expected to find; after a week
/// only a person can know.
pub(crate) fn next_look(since: Instant, now: Instant) -> Option<Instant> {
    const HOUR: Duration = 3_600_000;
    [1, 6, 24, 72, 168]
        .into_iter()
        .map(|hours| since.saturating_add(hours * HOUR))
        .find(|look| *look > now)
}

impl Flow {
    /// A stop that begins now.
    pub(crate) fn stop(&self, code: &str, sentence: String, remedy: &str) -> Stop {
        Stop {
            code: String::from(code),
            sentence,
            remedy: String::from(remedy),
            problems: Vec::new(),
            since: self.now(),
            look_again: None,
        }
    }

    /// An end that waits for a person; `remedy` says what that person does.
    pub(crate) fn parked(&self, code: &str, sentence: String, remedy: &str) -> EarlyEnd {
        EarlyEnd::Parked(self.stop(code, sentence, remedy))
    }

    /// The marker under which this run creates a record of `target_kind`.
    pub(crate) fn marker(&self, target_kind: &str) -> String {
        marker::marker_for(&self.task.connection, &self.task.object, target_kind)
    }

    /// The stop of a write that may or may not have happened.
    pub(crate) fn ambiguous(&self, why: &str) -> Stop {
        let remote = self.target().display_name();
        let mut stop = self.stop(
            AMBIGUOUS,
            format!("{remote} may or may not have carried this out: {why}"),
            &format!(
                "check in {remote}; if it is not there, `ml-connector replay RUN` sends it again"
            ),
        );
        stop.look_again = next_look(stop.since, self.now());
        stop
    }

    /// The same when something else stopped the run meanwhile: what cannot be known must not be
    /// forgotten over it.
    pub(crate) fn ambiguous_after(&self, why: &str, end: EarlyEnd) -> EarlyEnd {
        let other = match end {
            EarlyEnd::Parked(stop) | EarlyEnd::Rejected(stop) => stop,
            EarlyEnd::Conflict(_) => return end,
        };
        EarlyEnd::Parked(Stop {
            problems: other.problems,
            ..self.ambiguous(&format!("{why}; and now {}", other.sentence))
        })
    }

    /// The completion of a story that ended like this.
    pub(crate) fn completion(&self, ended: Result<Ending, EarlyEnd>) -> Completion {
        let ending = ended.unwrap_or_else(|end| match end {
            EarlyEnd::Parked(stop) => Ending::Parked(self.since_first_stop(stop)),
            EarlyEnd::Rejected(stop) => Ending::Rejected(self.since_first_stop(stop)),
            EarlyEnd::Conflict(conflict) => Ending::Conflict(conflict),
        });
        Completion {
            ending,
            version: self.version(),
        }
    }

    /// The stop, begun in the first of the runs in a row that stopped for the same reason. When an
    /// ambiguous write was sent is known better by those who park it.
    fn since_first_stop(&self, stop: Stop) -> Stop {
        let (code, since) = self.last_stop();
        let is_same = since > 0 && code == stop.code && stop.code != AMBIGUOUS;
        let since = if is_same { since } else { stop.since };
        Stop { since, ..stop }
    }
}

/// An ending of a run that found nothing to do.
pub(crate) fn unchanged(code: &str, sentence: String) -> Ending {
    Ending::Unchanged(Note {
        code: code.to_string(),
        sentence,
    })
}

/// A definite refusal by a remote, in its own words. `what` continues "FreshBooks refused ...".
pub(crate) fn remote_refused(
    flow: &Flow,
    system: System,
    what: &str,
    refusal: &Refusal,
) -> EarlyEnd {
    let sentence = format!(
        "{} refused {what} (HTTP {}): \"{}\"",
        system.display_name(),
        refusal.status,
        refusal.words
    );
    let remedy = "correct the record or the settings, then `ml-connector replay RUN`";
    EarlyEnd::Rejected(flow.stop("refused", sentence, remedy))
}

/// A document that cannot be translated; the stop has the first problem's code.
pub(crate) fn cannot_translate(flow: &Flow, what: &str, problems: Vec<Problem>) -> EarlyEnd {
    let code = problems
        .first()
        .map_or("unmapped", |problem| problem.code.as_str())
        .to_string();
    let sentence = format!("the {what} cannot be translated: {}", summary(&problems));
    let remedy = "fix what is named, then `ml-connector replay --parked`";
    EarlyEnd::Parked(Stop {
        problems,
        ..flow.stop(&code, sentence, remedy)
    })
}

/// What is wrong, each thing once; the first five of many, which is as much as anyone reads in one
/// sentence.
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
