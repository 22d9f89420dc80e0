//! The run mechanism: a flow is an async function, its effects are returned, recovery is replay.
//!
//! [`Run::open`] starts the flow for a task and feeds it the outcomes of its history; [`Run::step`]
//! feeds it one more. Each returns the next [`Demand`]. A run asks for one thing at a time, and a
//! refused step changes nothing. The flow is polled with a waker that does nothing: it can only
//! wait for an outcome, so when it does not go on, it has asked for something.
//!
//! Nothing here knows a flow. [`Run::open`] is in `flows`, which chooses the flow for a task.

mod effect_channel;
mod unknown_writes;

use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Debug;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use crate::contract::http::{SendError, SendErrorCode, SendOutcome};
use crate::contract::runs::{
    Action, Completion, Demand, Divergence, HistoryEntry, Intent, OpenError, Outcome, Report,
    StepError, StepErrorCode, Wait, WaitReason, Wake,
};
use crate::contract::types::Instant;

pub(crate) use effect_channel::EffectChannel;
pub(crate) use unknown_writes::{AMBIGUOUS, next_look};
pub use unknown_writes::{abandon, unknown_since};

/// The most characters of a demand that a [`Divergence`] shows: enough to name the request, and
/// short enough for a log line.
const SHOWN_CHARS_MAX: usize = 400;

/// A flow under way.
pub(crate) type FlowFuture = Pin<Box<dyn Future<Output = Completion>>>;

/// A run under way. See `wit/runs.wit`.
pub struct Run {
    flow: FlowFuture,
    channel: Rc<EffectChannel>,
    demand: Demand,
    at: Instant,
}

impl Run {
    /// A run of a flow that asks through `channel`, up to its first demand.
    pub(crate) fn new(mut flow: FlowFuture, channel: Rc<EffectChannel>) -> Self {
        let demand = next_demand(&mut flow, &channel);
        Self {
            flow,
            demand,
            at: channel.now(),
            channel,
        }
    }

    /// The run after its history.
    ///
    /// # Errors
    ///
    /// `diverged` if the flow does not demand what the history says, `broken-history` if an outcome
    /// does not answer its demand or is missing where it must not be.
    pub(crate) fn replayed(mut self, history: Vec<HistoryEntry>) -> Result<Self, OpenError> {
        let length = history.len();
        for (index, entry) in history.into_iter().enumerate() {
            self.replay(index, entry, index + 1 == length)?;
        }
        Ok(self)
    }

    /// What the run wants next.
    #[must_use]
    pub fn demand(&self) -> &Demand {
        &self.demand
    }

    /// Reports on the open demand and returns the next one.
    ///
    /// # Errors
    ///
    /// See `step-error-code` in `wit/runs.wit`; the run is then as it was before.
    pub fn step(&mut self, outcome: Outcome) -> Result<&Demand, StepError> {
        self.check(&outcome)?;
        self.at = outcome.at;
        self.channel.report(outcome.report, outcome.at);
        self.demand = next_demand(&mut self.flow, &self.channel);
        Ok(&self.demand)
    }

    fn replay(
        &mut self,
        index: usize,
        entry: HistoryEntry,
        is_last: bool,
    ) -> Result<(), OpenError> {
        if entry.demand != self.demand {
            return Err(OpenError::Diverged(Divergence {
                index: u32::try_from(index).unwrap_or(u32::MAX),
                recorded: shown(&entry.demand),
                demanded: shown(&self.demand),
            }));
        }
        let Some(outcome) = entry.outcome.or_else(|| self.interrupted()) else {
            // Recorded before it was done, and nothing is lost by doing it again.
            return match is_last {
                true => Ok(()),
                false => Err(broken(
                    index,
                    "its outcome is missing, and it is not a write",
                )),
            };
        };
        self.step(outcome)
            .map(drop)
            .map_err(|error| broken(index, &error.detail))
    }

    /// The outcome of a write that the host recorded and never reported on. It is given the last
    /// instant that is known, so that the history replays to the same demands.
    fn interrupted(&self) -> Option<Outcome> {
        let Demand::Perform(effect) = &self.demand else {
            return None;
        };
        let is_write = matches!(&effect.action, Action::Send(send) if send.intent != Intent::Read);
        is_write.then(|| Outcome {
            id: effect.id,
            report: Report::Sent(SendOutcome::MaybeSent(SendError {
                code: SendErrorCode::Interrupted,
                detail: String::new(),
            })),
            at: self.at,
        })
    }

    fn check(&self, outcome: &Outcome) -> Result<(), StepError> {
        let refused = |code, detail: &str| {
            Err(StepError {
                code,
                detail: String::from(detail),
            })
        };
        let id = match &self.demand {
            Demand::Perform(effect) => effect.id,
            Demand::Wait(wait) => wait.id,
            Demand::Done(_) => return refused(StepErrorCode::Finished, "the run has ended"),
        };
        if outcome.id != id {
            let detail = format!("the open demand is number {id}, not {}", outcome.id);
            return refused(StepErrorCode::WrongId, &detail);
        }
        if !answers(&self.demand, &outcome.report) {
            return refused(
                StepErrorCode::WrongReport,
                "the report is of another kind than the demand",
            );
        }
        if outcome.at < self.at {
            return refused(
                StepErrorCode::ClockWentBack,
                "the outcome is older than the one before it",
            );
        }
        if is_too_early(&self.demand, outcome) {
            return refused(
                StepErrorCode::TooEarly,
                "the settle time must not be cut short",
            );
        }
        Ok(())
    }
}

fn next_demand(flow: &mut FlowFuture, channel: &EffectChannel) -> Demand {
    let mut context = Context::from_waker(Waker::noop());
    match flow.as_mut().poll(&mut context) {
        Poll::Ready(completion) => Demand::Done(completion),
        Poll::Pending => channel.take_demand(),
    }
}

fn answers(demand: &Demand, report: &Report) -> bool {
    match (demand, report) {
        (Demand::Wait(_), Report::Woken(Wake::Due)) => true,
        (Demand::Wait(wait), Report::Woken(Wake::ObjectEnded)) => wait.on.is_some(),
        (Demand::Perform(effect), report) => match (&effect.action, report) {
            (Action::Send(_), Report::Sent(_)) => true,
            (Action::FindObjects(asked), Report::Found(found)) => {
                asked.len() == found.len() && asked.iter().zip(found).all(|(a, f)| *a == f.object)
            }
            (Action::Save(_), Report::Saved) | (Action::TrustVerifier(_), Report::Trusted(_)) => {
                true
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether a wait is ended that may not be cut short: what was sent may still be carried out.
fn is_too_early(demand: &Demand, outcome: &Outcome) -> bool {
    matches!(
        demand,
        Demand::Wait(Wait { reason: WaitReason::Settle, until, .. }) if outcome.at < *until
    )
}

fn broken(index: usize, why: &str) -> OpenError {
    OpenError::BrokenHistory(format!("entry {index}: {why}"))
}

fn shown(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

#[cfg(test)]
pub(crate) mod tests;
