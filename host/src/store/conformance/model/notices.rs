//! Notices, events, and what could not be read, on the model.

use super::apply::refused;
use super::{KeptNotice, State, key};
use crate::contract::types::{Instant, ObjectRef};
use crate::store::{
    Decision, NewRun, Notice, NoticeId, ODDITIES_MAX, Receipt, RunId, StoreError, StoredEvent,
    StoredOddity,
};

impl State {
    pub(super) fn notice(
        &mut self,
        connection: String,
        object: ObjectRef,
        event: String,
        received: Instant,
    ) -> Option<NoticeId> {
        let mut undecided = self
            .notices
            .iter_mut()
            .filter(|kept| kept.decision.is_none());
        let same = undecided
            .find(|kept| kept.notice.connection == connection && kept.notice.object == object);
        if let Some(KeptNotice { notice, .. }) = same {
            notice.arrivals += 1;
            notice.received = notice.received.max(received);
            return None;
        }
        let id = self.notices.last().map_or(0, |last| last.notice.id) + 1;
        let notice = Notice {
            id,
            connection,
            object,
            event,
            received,
            arrivals: 1,
        };
        self.notices.push(KeptNotice {
            notice,
            first: received,
            decision: None,
        });
        Some(id)
    }

    pub(super) fn event(&mut self, event: StoredEvent, receipt: &mut Receipt) {
        let key = key(&event.connection, &event.id);
        if let Some((_, repeats)) = self.events.get_mut(&key) {
            *repeats += 1;
            receipt.repeated_events += 1;
            return;
        }
        self.events.insert(key, (event.clone(), 0));
        if let Some(object) = event.object {
            let notice = self.notice(event.connection, object, event.event_type, event.received);
            receipt.notices.extend(notice);
        }
    }

    pub(super) fn decide(
        &mut self,
        notice: NoticeId,
        arrivals: Option<u32>,
        decision: Decision,
    ) -> Result<bool, StoreError> {
        let runs: Vec<RunId> = self.runs().map(|run| run.id).collect();
        let mut undecided = self
            .notices
            .iter_mut()
            .filter(|kept| kept.decision.is_none());
        let kept = undecided
            .find(|kept| kept.notice.id == notice)
            .ok_or_else(refused)?;
        if arrivals.is_some_and(|arrivals| arrivals != kept.notice.arrivals) {
            return Ok(false);
        }
        if let Decision::Run(run) = decision
            && !runs.contains(&run)
        {
            return Err(refused());
        }
        kept.decision = Some(decision);
        Ok(true)
    }

    pub(super) fn decide_for(&mut self, new: &NewRun, run: RunId) -> Result<(), StoreError> {
        new.notice.map_or(Ok(()), |notice| {
            self.decide(notice, None, Decision::Run(run)).map(drop)
        })
    }

    pub(super) fn oddity(&mut self, oddity: StoredOddity, receipt: &mut Receipt) {
        self.oddities.push(oddity);
        let beyond = self.oddities.len().saturating_sub(ODDITIES_MAX as usize);
        self.oddities.drain(..beyond);
        receipt.dropped_oddities += beyond as u32;
    }
}
