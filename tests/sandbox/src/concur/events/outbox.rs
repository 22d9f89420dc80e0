//! Events on their way: due, under way, delivered, dropped or skipped
//! (source: concur-event-subscription).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::config::EventDeliveryConfig;
use super::envelope::PublishedEvent;
use super::records::{EventCounts, EventRecord, Fate};
use crate::delivery::DeliveryResult;
use crate::http::Millis;
use crate::random::Random;

/// SAP waits this long for an answer. The driver of the sandbox must keep this time; the outbox
/// keeps it too, in case an answer is reported late (source: concur-event-subscription).
pub(crate) const EVENT_TIMEOUT_MS: Millis = 60_000;

/// Events of all subscriptions. Items are numbered in the order of publication.
#[derive(Debug)]
pub(crate) struct Outbox {
    random: Random,
    next_item: u64,
    next_attempt: u64,
    items: BTreeMap<u64, PendingEvent>,
    /// Items that wait, by the instant when they are due.
    due: BTreeSet<(Millis, u64)>,
    /// Items whose turn has not come although they are due.
    held: BTreeMap<PartitionKey, BTreeSet<u64>>,
    /// All items that are pending.
    lanes: BTreeMap<PartitionKey, BTreeSet<u64>>,
    under_way: BTreeMap<u64, InFlight>,
    records: BTreeMap<u64, EventRecord>,
    pub(crate) counts: EventCounts,
}

/// A partition of a subscription.
type PartitionKey = (String, u64);

/// An event that one subscription is still to get.
#[derive(Debug)]
struct PendingEvent {
    event: Arc<PublishedEvent>,
    lane: PartitionKey,
    expires: Millis,
    failures: usize,
}

#[derive(Debug)]
struct InFlight {
    item: u64,
    subscription: String,
    deadline: Millis,
}

/// An attempt to make.
#[derive(Clone, Debug)]
pub(crate) struct EventAttempt {
    pub(crate) id: u64,
    pub(crate) event: Arc<PublishedEvent>,
    pub(crate) subscription: String,
}

/// What a result leads to.
enum AttemptOutcome {
    Accepted,
    Dropped(u16),
    Retry,
}

impl Outbox {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed, "concur/outbox"),
            next_item: 1,
            next_attempt: 1,
            items: BTreeMap::new(),
            due: BTreeSet::new(),
            held: BTreeMap::new(),
            lanes: BTreeMap::new(),
            under_way: BTreeMap::new(),
            records: BTreeMap::new(),
            counts: EventCounts::default(),
        }
    }

    /// Plans an event for a subscription: once or twice, at once or later, as configured.
    pub(crate) fn plan_event(
        &mut self,
        event: &Arc<PublishedEvent>,
        subscription: &str,
        switches: &EventDeliveryConfig,
    ) {
        let twice = self.random.per_mille(switches.duplicate_per_mille);
        for _ in 0..1 + u8::from(twice) {
            let pause = switches.delay_ms + self.draw_delay(switches);
            self.add_event(event, subscription, switches, pause);
        }
    }

    /// Takes the attempts that are due now.
    pub(crate) fn take_due(
        &mut self,
        switches: &EventDeliveryConfig,
        now: Millis,
    ) -> Vec<EventAttempt> {
        self.fail_overdue_attempts(switches, now);
        let mut attempts = Vec::new();
        while let Some((at, item)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, item));
            attempts.extend(self.attempt(item, switches, now));
        }
        attempts
    }

    /// The instant at which something is to be done next.
    pub(crate) fn next_due(&self) -> Option<Millis> {
        let waiting = self.due.first().map(|(at, _)| *at);
        // Attempts are numbered in the order of their deadlines.
        let deadline = self.under_way.values().next().map(|under| under.deadline);
        [waiting, deadline].into_iter().flatten().min()
    }

    /// Records the result of an attempt. Returns the subscription if it accepted its event.
    pub(crate) fn record_result(
        &mut self,
        attempt: u64,
        result: DeliveryResult,
        switches: &EventDeliveryConfig,
        now: Millis,
    ) -> Option<String> {
        let under_way = self.under_way.remove(&attempt)?;
        let late = now >= under_way.deadline;
        let result = if late { DeliveryResult::Failed } else { result };
        let verdict = outcome_of(result, switches.redirect_drops);
        let accepted = matches!(verdict, AttemptOutcome::Accepted);
        match verdict {
            AttemptOutcome::Accepted => {
                self.counts.ok += 1;
                self.finish(under_way.item, Fate::Delivered);
            }
            AttemptOutcome::Dropped(status) => {
                self.counts.failed += 1;
                self.counts.dropped += 1;
                self.finish(under_way.item, Fate::Dropped(status));
            }
            AttemptOutcome::Retry => {
                self.counts.failed += 1;
                self.retry(under_way.item, switches, now.min(under_way.deadline));
            }
        }
        self.release_held(&under_way.subscription, now);
        accepted.then_some(under_way.subscription)
    }

    /// Forgets what a subscription was still to get.
    pub(crate) fn withdraw(&mut self, subscription: &str) {
        let pending = self.items.iter();
        let pending: Vec<u64> = pending
            .filter(|(_, item)| item.lane.0 == subscription)
            .map(|(id, _)| *id)
            .collect();
        for item in pending {
            self.finish(item, Fate::Withdrawn);
        }
        self.held.retain(|lane, _| lane.0 != subscription);
        self.under_way
            .retain(|_, under_way| under_way.subscription != subscription);
    }

    /// How many events wait or are under way.
    pub(crate) fn pending(&self) -> usize {
        self.items.len()
    }

    /// Every event at every subscription, in the order of publication.
    pub(crate) fn records(&self) -> impl Iterator<Item = &EventRecord> {
        self.records.values()
    }

    fn draw_delay(&mut self, switches: &EventDeliveryConfig) -> Millis {
        let mut hold = 0;
        if self.random.per_mille(switches.disorder_per_mille) {
            hold += self.random.below(switches.disorder_ms + 1);
        }
        if self.random.per_mille(switches.late_per_mille) {
            hold += switches.late_ms;
        }
        hold
    }

    fn add_event(
        &mut self,
        event: &Arc<PublishedEvent>,
        subscription: &str,
        switches: &EventDeliveryConfig,
        pause: Millis,
    ) {
        let id = self.next_item;
        self.next_item += 1;
        let partition = partition(&event.document_id, switches.blocking_partitions);
        let lane = (subscription.to_owned(), partition);
        let expires = event.published + switches.window_s * 1000;
        self.lanes.entry(lane.clone()).or_default().insert(id);
        self.due
            .insert(((event.published + pause).min(expires), id));
        self.records
            .insert(id, EventRecord::new(event, subscription));
        let event = Arc::clone(event);
        let item = PendingEvent {
            event,
            lane,
            expires,
            failures: 0,
        };
        self.items.insert(id, item);
    }

    /// Attempts that were not answered in time count as failed at that time.
    fn fail_overdue_attempts(&mut self, switches: &EventDeliveryConfig, now: Millis) {
        while let Some((id, under_way)) = self.under_way.first_key_value() {
            let (id, deadline) = (*id, under_way.deadline);
            if deadline > now {
                return;
            }
            self.record_result(id, DeliveryResult::Failed, switches, deadline);
        }
    }

    /// Makes an attempt, unless it is too late or not the item's turn.
    fn attempt(
        &mut self,
        id: u64,
        switches: &EventDeliveryConfig,
        now: Millis,
    ) -> Option<EventAttempt> {
        let item = self.items.get(&id)?;
        let (lane, event) = (item.lane.clone(), Arc::clone(&item.event));
        if now >= item.expires {
            self.counts.expired += 1;
            self.finish(id, Fate::Expired);
            self.release_held(&lane.0, now);
            return None;
        }
        if !self.is_sendable(id, &lane, switches) {
            self.held.entry(lane).or_default().insert(id);
            return None;
        }
        self.count_attempt(id, now);
        Some(self.start_attempt(id, event, lane.0, now))
    }

    fn count_attempt(&mut self, item: u64, now: Millis) {
        self.counts.sent += 1;
        if let Some(record) = self.records.get_mut(&item) {
            record.attempts += 1;
            record.last_attempt = Some(now);
        }
    }

    fn start_attempt(
        &mut self,
        item: u64,
        event: Arc<PublishedEvent>,
        subscription: String,
        now: Millis,
    ) -> EventAttempt {
        let id = self.next_attempt;
        self.next_attempt += 1;
        let under_way = InFlight {
            item,
            subscription: subscription.clone(),
            deadline: now + EVENT_TIMEOUT_MS,
        };
        self.under_way.insert(id, under_way);
        EventAttempt {
            id,
            event,
            subscription,
        }
    }

    fn is_sendable(&self, item: u64, lane: &PartitionKey, switches: &EventDeliveryConfig) -> bool {
        let of_same = |under_way: &&InFlight| under_way.subscription == lane.0;
        let under_way = self.under_way.values().filter(of_same).count();
        let first = self.lanes.get(lane).and_then(|lane| lane.first());
        let first = switches.blocking_partitions == 0 || first == Some(&item);
        first && under_way < switches.in_flight_max.max(1)
    }

    fn retry(&mut self, id: u64, switches: &EventDeliveryConfig, now: Millis) {
        let Some(item) = self.items.get_mut(&id) else {
            return;
        };
        let pauses = &switches.retry_after_s;
        let pause_s = pauses.get(item.failures).or(pauses.last());
        item.failures += 1;
        // Without this second, a schedule that is empty or of zeros would retry forever in the same
        // instant.
        let pause = pause_s.copied().unwrap_or_default().max(1) * 1000;
        self.due.insert(((now + pause).min(item.expires), id));
    }

    fn finish(&mut self, id: u64, fate: Fate) {
        let Some(item) = self.items.remove(&id) else {
            return;
        };
        if let Some(lane) = self.lanes.get_mut(&item.lane) {
            lane.remove(&id);
            if lane.is_empty() {
                self.lanes.remove(&item.lane);
            }
        }
        if let Some(record) = self.records.get_mut(&id) {
            record.fate = fate;
        }
    }

    /// Lets the next of each of a subscription's lanes have its turn.
    fn release_held(&mut self, subscription: &str, now: Millis) {
        let lanes = self.held.range_mut((subscription.to_owned(), 0)..);
        for (_, held) in lanes.take_while(|(lane, _)| lane.0 == subscription) {
            if let Some(id) = held.pop_first() {
                self.due.insert((now, id));
            }
        }
        self.held.retain(|_, held| !held.is_empty());
    }
}

fn outcome_of(result: DeliveryResult, redirect_drops: bool) -> AttemptOutcome {
    match result {
        DeliveryResult::Status(200..=299) => AttemptOutcome::Accepted,
        DeliveryResult::Status(401 | 403 | 429) => AttemptOutcome::Retry,
        DeliveryResult::Status(status @ 400..=499) => AttemptOutcome::Dropped(status),
        DeliveryResult::Status(status @ (0..=199 | 300..=399)) if redirect_drops => {
            AttemptOutcome::Dropped(status)
        }
        DeliveryResult::Status(_) | DeliveryResult::Failed => AttemptOutcome::Retry,
    }
}

/// Events about the same document share a partition; any stable hash will do.
fn partition(document_id: &str, partitions: u64) -> u64 {
    let step = |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte));
    document_id.bytes().fold(7, step) % partitions.max(1)
}
