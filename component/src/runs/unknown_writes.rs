//! Writes that may have been carried out: what a history knows of them when it is given up.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::classify;
use crate::contract::runs::{
    Action, Completion, Demand, Ending, EndingKind, Facts, Failure, HistoryEntry, Intent,
    LastEnding, OutboundRequest, Report,
};
use crate::contract::types::{Duration, Instant};

/// The code of a failure after a write that may or may not have been carried out.
pub(crate) const AMBIGUOUS: &str = "ambiguous";
/// The code of a run that the host gives up, and that wrote nothing.
const COMPONENT_FAILED: &str = "component-failed";

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

/// When a history first reports on a write that may have been carried out: because it was answered
/// so, because nobody can know, or because its outcome was never recorded. For the last, the
/// instant is that of the outcome before it.
#[must_use]
pub fn unknown_since(history: &[HistoryEntry]) -> Option<Instant> {
    let mut latest = Instant::MIN;
    for entry in history {
        latest = entry.outcome.as_ref().map_or(latest, |outcome| outcome.at);
        if may_be_done(entry) {
            return Some(latest);
        }
    }
    None
}

/// The completion of a run that the host gives up; `why` is one plain sentence, and `last` how the
/// run of the object before it ended. Parked as `ambiguous` if a write of the history may have been
/// carried out, or one of the run before it; else as `component-failed`.
///
/// ```
/// use ml_connector_component::contract::runs::Ending;
/// use ml_connector_component::runs::abandon;
///
/// let completion = abandon(&[], None, "the component stopped three times", 1_000);
/// let Ending::Parked(failure) = completion.ending else { panic!("is parked") };
/// assert_eq!((failure.code.as_str(), failure.since), ("component-failed", 1_000));
/// ```
#[must_use]
pub fn abandon(
    history: &[HistoryEntry],
    last: Option<&LastEnding>,
    why: &str,
    now: Instant,
) -> Completion {
    let ambiguous_since = ambiguous_since(history, last, now);
    let (code, message, remedy) = match ambiguous_since {
        Some(_) => (
            AMBIGUOUS,
            format!(
                "a write may or may not have been carried out, and the run was given up: {why}"
            ),
            "check in the other system; if it is not there, `ml-connector replay RUN` sends it \
             again",
        ),
        None => (
            COMPONENT_FAILED,
            format!("the run was given up: {why}"),
            "report this as a bug; after a fix, `ml-connector replay RUN`",
        ),
    };
    let failure = Failure {
        code: String::from(code),
        message,
        remedy: String::from(remedy),
        problems: Vec::new(),
        since: ambiguous_since.unwrap_or(now),
        look_again: ambiguous_since.and_then(|since| next_look(since, now)),
        reconnect: None,
    };
    Completion {
        ending: Ending::Parked(failure),
        version: None,
        facts: Facts::default(),
    }
}

/// From when the settle time of a run that is given up counts. A write of its own may have left at
/// any time until now; one of the run before it is as old as that run said.
fn ambiguous_since(
    history: &[HistoryEntry],
    last: Option<&LastEnding>,
    now: Instant,
) -> Option<Instant> {
    let own = unknown_since(history).map(|_| now);
    own.or_else(|| last.and_then(LastEnding::ambiguous_since))
}

impl LastEnding {
    /// Since when nobody can know whether a write was carried out, if the run ended so.
    pub(crate) fn ambiguous_since(&self) -> Option<Instant> {
        let is_ambiguous =
            self.kind == EndingKind::Parked && self.code.as_deref() == Some(AMBIGUOUS);
        // A failure has an instant; if the host lost it, nobody knows a later one.
        is_ambiguous.then(|| self.since.unwrap_or_default())
    }
}

fn may_be_done(entry: &HistoryEntry) -> bool {
    let Demand::Perform(effect) = &entry.demand else {
        return false;
    };
    let Action::Send(OutboundRequest { request, intent }) = &effect.action else {
        return false;
    };
    if matches!(intent, Intent::Read | Intent::ServerDeduplicated) {
        return false;
    }
    match entry.outcome.as_ref().map(|outcome| &outcome.report) {
        None => true,
        Some(Report::Sent(outcome)) => classify::may_be_done(request.system, outcome),
        Some(_) => false,
    }
}
