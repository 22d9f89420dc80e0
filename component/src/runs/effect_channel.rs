//! Where a flow and its driver meet: one demand out, one report in.

use core::cell::{Cell, RefCell};
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::contract::runs::{Action, Demand, Effect, Report, Wait};
use crate::contract::types::Instant;

/// The channel of one run: the flow asks for an effect, the driver takes the demand and reports on
/// it. At most one demand is open.
pub(crate) struct EffectChannel {
    now: Cell<Instant>,
    next_id: Cell<u32>,
    demand: RefCell<Option<Demand>>,
    report: RefCell<Option<Report>>,
}

impl EffectChannel {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            now: Cell::new(now),
            next_id: Cell::new(0),
            demand: RefCell::new(None),
            report: RefCell::new(None),
        }
    }

    /// The instant of the last report; at first that of the task's start.
    pub(crate) fn now(&self) -> Instant {
        self.now.get()
    }

    /// Asks for an effect and waits for its report.
    pub(crate) fn perform(&self, action: Action) -> impl Future<Output = Report> + '_ {
        let id = self.take_id();
        self.demand(Demand::Perform(Effect { id, action }))
    }

    /// Asks to be woken later; `id` of the wait is filled in.
    pub(crate) fn wait(&self, mut wait: Wait) -> impl Future<Output = Report> + '_ {
        wait.id = self.take_id();
        self.demand(Demand::Wait(wait))
    }

    /// Hands in the report on the open demand.
    pub(super) fn report(&self, report: Report, now: Instant) {
        self.now.set(now);
        self.report.replace(Some(report));
    }

    /// Takes the open demand.
    pub(super) fn take_demand(&self) -> Demand {
        self.demand
            .take()
            .expect("a flow only waits for what it has asked for")
    }

    fn take_id(&self) -> u32 {
        let id = self.next_id.get();
        self.next_id.set(id.saturating_add(1));
        id
    }

    fn demand(&self, demand: Demand) -> NextReport<'_> {
        self.demand.replace(Some(demand));
        NextReport { channel: self }
    }
}

struct NextReport<'a> {
    channel: &'a EffectChannel,
}

impl Future for NextReport<'_> {
    type Output = Report;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Report> {
        match self.channel.report.take() {
            Some(report) => Poll::Ready(report),
            None => Poll::Pending,
        }
    }
}
