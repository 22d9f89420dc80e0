//! The run mechanism: a flow is an async function, its effects are returned, recovery is replay.
//!
//! [`Run::open`] starts the flow for a task and feeds it the outcomes of its history; [`Run::step`]
//! feeds it one more. Each returns the next [`Demand`]. A run asks for one thing at a time, and a
//! refused step changes nothing. The flow is polled with a waker that does nothing: it can only
//! wait for an outcome, so when it does not go on, it has asked for something.

mod port;
mod sending;
mod stops;
mod trouble;
mod verdict;

use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Debug;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use crate::contract::runs::{
    Action, Completion, Demand, Divergence, Entry, Intent, OpenError, Outcome, Report, StepError,
    StepErrorCode, Task,
};
use crate::contract::types::Instant;
use crate::flows;
use crate::settings::Settings;

pub(crate) use port::Port;
pub(crate) use sending::{Flow, Halt, LookUp, Written, name};
pub(crate) use stops::{AMBIGUOUS, EARLIER, next_look};

/// The most characters of a demand that a [`Divergence`] shows.
const SHOWN_CHARS_MAX: usize = 400;

/// A run under way. See `wit/runs.wit`.
pub struct Run {
    future: Pin<Box<dyn Future<Output = Completion>>>,
    port: Rc<Port>,
    open: Demand,
    at: Instant,
}

impl Run {
    /// Opens a run, replays its history, and returns it; [`Run::demand`] is what it wants next.
    ///
    /// # Errors
    ///
    /// `unknown-kind` if no flow brings such objects across, `diverged` if the flow does not demand
    /// what the history says, `broken-history` if an outcome does not answer its demand.
    pub fn open(
        task: Task,
        settings: Rc<Settings>,
        history: Vec<Entry>,
    ) -> Result<Self, OpenError> {
        let at = task.started;
        let port = Rc::new(Port::new(at));
        let future = flows::start(Rc::clone(&port), task, settings)?;
        let mut run = Self::of(future, port, at);
        for (index, entry) in (0..).zip(history) {
            run.replay(index, entry)?;
        }
        Ok(run)
    }

    fn of(future: Pin<Box<dyn Future<Output = Completion>>>, port: Rc<Port>, at: Instant) -> Self {
        let mut run = Self {
            future,
            port,
            open: Demand::Done(flows::nothing_done()),
            at,
        };
        run.open = run.poll();
        run
    }

    /// What the run wants next.
    #[must_use]
    pub fn demand(&self) -> &Demand {
        &self.open
    }

    /// Reports on the open demand and returns the next one.
    ///
    /// # Errors
    ///
    /// See `step-error-code` in `wit/runs.wit`; the run is then as it was before.
    pub fn step(&mut self, outcome: Outcome) -> Result<&Demand, StepError> {
        self.check(&outcome)?;
        self.at = outcome.at;
        self.port.answer(outcome.report, outcome.at);
        self.open = self.poll();
        Ok(&self.open)
    }

    fn replay(&mut self, index: u32, entry: Entry) -> Result<(), OpenError> {
        if entry.demand != self.open {
            return Err(OpenError::Diverged(Divergence {
                index,
                recorded: shown(&entry.demand),
                demanded: shown(&self.open),
            }));
        }
        self.step(entry.outcome)
            .map(drop)
            .map_err(|error| OpenError::BrokenHistory(format!("entry {index}: {}", error.detail)))
    }

    fn check(&self, outcome: &Outcome) -> Result<(), StepError> {
        let refused = |code, detail: &str| {
            Err(StepError {
                code,
                detail: String::from(detail),
            })
        };
        let id = match &self.open {
            Demand::Perform(effect) => effect.id,
            Demand::Wait(wait) => wait.id,
            Demand::Done(_) => return refused(StepErrorCode::Finished, "the run has ended"),
        };
        if outcome.id != id {
            let detail = format!("the open demand is number {id}, not {}", outcome.id);
            return refused(StepErrorCode::WrongId, &detail);
        }
        if !answers(&self.open, &outcome.report) {
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
        Ok(())
    }

    fn poll(&mut self) -> Demand {
        let mut context = Context::from_waker(Waker::noop());
        match self.future.as_mut().poll(&mut context) {
            Poll::Ready(completion) => Demand::Done(completion),
            Poll::Pending => self.port.asked(),
        }
    }
}

/// When a history first reports on a write that may have been carried out. See `unknown-since` in
/// `wit/runs.wit`.
#[must_use]
pub fn unknown_since(history: &[Entry]) -> Option<Instant> {
    history
        .iter()
        .find(|entry| may_be_done(entry))
        .map(|entry| entry.outcome.at)
}

fn may_be_done(entry: &Entry) -> bool {
    let (Demand::Perform(effect), Report::Sent(outcome)) = (&entry.demand, &entry.outcome.report)
    else {
        return false;
    };
    let Action::Send(send) = &effect.action else {
        return false;
    };
    match send.intent {
        Intent::Read | Intent::ServerDeduplicated => false,
        Intent::LookUpThenResend | Intent::LookUpThenPark => {
            verdict::may_be_done(send.request.system, outcome)
        }
    }
}

fn answers(demand: &Demand, report: &Report) -> bool {
    match (demand, report) {
        (Demand::Wait(_), Report::Woken(_)) => true,
        (Demand::Perform(effect), report) => match (&effect.action, report) {
            (Action::Send(_), Report::Sent(_)) => true,
            (Action::FindObjects(asked), Report::Found(found)) => {
                asked.len() == found.len() && asked.iter().zip(found).all(|(a, f)| *a == f.object)
            }
            (Action::Save(_) | Action::TrustVerifier(_), Report::Saved(_)) => true,
            _ => false,
        },
        _ => false,
    }
}

fn shown(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

#[cfg(test)]
pub(crate) mod tests;
