//! How a run says that it needs a person.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::sending::{Flow, Halt, name};
use crate::contract::runs::Stop;
use crate::contract::types::{Duration, Instant};
use crate::marker;

/// Why nobody can know, when it was not this attempt.
pub(crate) const EARLIER: &str = "an earlier attempt was never answered";

/// The code of a stop after a write that may or may not have happened.
pub(crate) const AMBIGUOUS: &str = "ambiguous";

/// When to look once more for a write that may still turn up: 1 h, 6 h, 1 d, 3 d and 7 d after it.
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

    /// The marker under which this run creates a record of `target_kind`.
    pub(crate) fn marker(&self, target_kind: &str) -> String {
        marker::of(&self.task.connection, &self.task.object, target_kind)
    }

    /// The stop of a write that may or may not have happened.
    pub(crate) fn ambiguous(&self, why: &str) -> Stop {
        let remote = name(self.target());
        let mut stop = self.stop(
            AMBIGUOUS,
            format!("nobody can know whether {remote} carried this out: {why}"),
            &format!(
                "look in {remote}; if it is not there, `ml-connector replay RUN` sends it again"
            ),
        );
        stop.look_again = next_look(stop.since, self.now());
        stop
    }

    /// The same when something else stopped the run meanwhile: what cannot be known must not be
    /// forgotten over it.
    pub(crate) fn ambiguous_after(&self, why: &str, halt: Halt) -> Halt {
        let other = match halt {
            Halt::Parked(stop) | Halt::Rejected(stop) => stop,
            Halt::Conflict(_) => return halt,
        };
        Halt::Parked(Stop {
            problems: other.problems,
            ..self.ambiguous(&format!("{why}; and now {}", other.sentence))
        })
    }
}
