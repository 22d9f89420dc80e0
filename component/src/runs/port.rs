//! Where a flow and its driver meet: one demand out, one report in.

use core::cell::{Cell, RefCell};
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::contract::runs::{Action, Demand, Effect, Report, Wait};
use crate::contract::types::Instant;

/// The meeting point of one run.
pub(crate) struct Port {
    now: Cell<Instant>,
    next_id: Cell<u32>,
    asked: RefCell<Option<Demand>>,
    answer: RefCell<Option<Report>>,
}

impl Port {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            now: Cell::new(now),
            next_id: Cell::new(0),
            asked: RefCell::new(None),
            answer: RefCell::new(None),
        }
    }

    /// The instant of the last report; at first that of the task's start.
    pub(crate) fn now(&self) -> Instant {
        self.now.get()
    }

    /// Asks for an effect and waits for its report.
    pub(crate) fn perform(&self, action: Action) -> impl Future<Output = Report> + '_ {
        let id = self.take_id();
        self.ask(Demand::Perform(Effect { id, action }))
    }

    /// Asks to be woken later; `id` of the wait is filled in.
    pub(crate) fn wait(&self, mut wait: Wait) -> impl Future<Output = Report> + '_ {
        wait.id = self.take_id();
        self.ask(Demand::Wait(wait))
    }

    /// Hands in the report on the open demand.
    pub(crate) fn answer(&self, report: Report, now: Instant) {
        self.now.set(now);
        self.answer.replace(Some(report));
    }

    /// Takes the open demand.
    pub(crate) fn asked(&self) -> Demand {
        self.asked
            .take()
            .expect("a flow only waits for what it has asked for")
    }

    fn take_id(&self) -> u32 {
        let id = self.next_id.get();
        self.next_id.set(id.saturating_add(1));
        id
    }

    fn ask(&self, demand: Demand) -> Answer<'_> {
        self.asked.replace(Some(demand));
        Answer { port: self }
    }
}

struct Answer<'a> {
    port: &'a Port,
}

impl Future for Answer<'_> {
    type Output = Report;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Report> {
        match self.port.answer.take() {
            Some(report) => Poll::Ready(report),
            None => Poll::Pending,
        }
    }
}
