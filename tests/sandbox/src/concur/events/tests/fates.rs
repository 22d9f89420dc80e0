//! Whatever receivers do, every event comes to an end that can be seen (property test in virtual
//! time).

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::{Bench, document};
use crate::concur::events::{EventRecord, Fate};
use crate::delivery::{Delivery, DeliveryResult};
use crate::http::Millis;

const HOUR_MS: Millis = 3_600_000;
const WINDOW_MS: Millis = 72 * HOUR_MS;

/// What a receiver does with a delivery.
#[derive(Clone, Copy, Debug)]
enum Behaviour {
    Answer(u16, Millis),
    Break,
    /// It never reports back at all.
    Silence,
}

/// Switches, when events are published, and how receivers behave in turn.
#[derive(Clone, Debug)]
struct Story {
    partitions: u64,
    in_flight_max: usize,
    duplicate_per_mille: u16,
    disorder_per_mille: u16,
    late_per_mille: u16,
    subscriptions: u8,
    pauses: Vec<Millis>,
    behaviours: Vec<Behaviour>,
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    let status = prop::sample::select(vec![
        200, 204, 302, 400, 401, 403, 404, 413, 429, 500, 503, 503, 503,
    ]);
    prop_oneof![
        6 => (status, 0..70_000u64).prop_map(|(status, after)| Behaviour::Answer(status, after)),
        1 => Just(Behaviour::Break),
        1 => Just(Behaviour::Silence),
    ]
}

fn story() -> impl Strategy<Value = Story> {
    let shares = (0..=1000u16, 0..=1000u16, 0..=300u16);
    let pauses = prop::collection::vec(0..2 * HOUR_MS, 1..12);
    let behaviours = prop::collection::vec(behaviour(), 1..30);
    (0..4u64, 1..5usize, shares, 1..4u8, pauses, behaviours).prop_map(
        |(partitions, in_flight_max, shares, subscriptions, pauses, behaviours)| Story {
            partitions,
            in_flight_max,
            duplicate_per_mille: shares.0,
            disorder_per_mille: shares.1,
            late_per_mille: shares.2,
            subscriptions,
            pauses,
            behaviours,
        },
    )
}

/// A run of the sandbox with its receivers.
struct Run {
    bench: Bench,
    story: Story,
    answers: BTreeMap<(Millis, u64), DeliveryResult>,
    sent: u64,
    accepted: Vec<(String, String)>,
    refused: Vec<(String, String)>,
}

impl Run {
    fn new(story: Story) -> Self {
        let mut bench = Bench::new();
        for at in 0..story.subscriptions {
            let url = format!("https://{at}.example.test/");
            bench.put(
                &format!("acme.{at}"),
                json!({"webHookConfig": {"endpoint": url}}),
            );
        }
        bench.connect();
        let switches = &mut bench.harness.machine.config.events.delivery;
        switches.blocking_partitions = story.partitions;
        switches.in_flight_max = story.in_flight_max;
        switches.duplicate_per_mille = story.duplicate_per_mille;
        switches.disorder_per_mille = story.disorder_per_mille;
        switches.late_per_mille = story.late_per_mille;
        Self {
            bench,
            story,
            answers: BTreeMap::new(),
            sent: 0,
            accepted: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Publishes everything at its time and lets time pass until nothing is left to do.
    fn play(&mut self) -> Vec<EventRecord> {
        for (at, pause) in self.story.pauses.clone().into_iter().enumerate() {
            self.run_until(self.bench.harness.now + pause);
            self.bench.publish(&at.to_string());
        }
        self.run_until(self.bench.harness.now + 2 * WINDOW_MS);
        assert_eq!(self.bench.harness.machine.next_wake(), None);
        self.bench.harness.machine.events()
    }

    fn run_until(&mut self, end: Millis) {
        for delivery in self.bench.due() {
            self.receive(&delivery);
        }
        while let Some(next) = self.next().filter(|next| *next <= end) {
            assert!(next >= self.bench.harness.now, "nothing is due in the past");
            self.bench.harness.now = next;
            self.report();
            for delivery in self.bench.due() {
                self.receive(&delivery);
            }
        }
        self.bench.harness.now = end;
    }

    fn next(&self) -> Option<Millis> {
        let answer = self.answers.keys().next().map(|(at, _)| *at);
        let machine = self.bench.harness.machine.next_wake();
        [answer, machine].into_iter().flatten().min()
    }

    fn receive(&mut self, delivery: &Delivery) {
        let behaviours = &self.story.behaviours;
        let behaviour = behaviours[self.sent as usize % behaviours.len()];
        self.sent += 1;
        let now = self.bench.harness.now;
        let (result, after) = match behaviour {
            Behaviour::Answer(status, after) => (DeliveryResult::Status(status), after),
            Behaviour::Break => (DeliveryResult::Failed, 0),
            Behaviour::Silence => return,
        };
        let key = (delivery.url.clone(), document(delivery));
        match result {
            DeliveryResult::Status(200..=299) if after < 60_000 => self.accepted.push(key),
            DeliveryResult::Status(400 | 404 | 413) if after < 60_000 => self.refused.push(key),
            _ => {}
        }
        self.answers.insert((now + after, delivery.id), result);
    }

    fn report(&mut self) {
        let now = self.bench.harness.now;
        while let Some(entry) = self
            .answers
            .first_entry()
            .filter(|entry| entry.key().0 <= now)
        {
            let ((_, id), result) = entry.remove_entry();
            self.bench.harness.machine.delivered(id, result, now);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_event_is_delivered_dropped_by_its_receiver_or_expired(story in story()) {
        let mut run = Run::new(story);
        let records = run.play();
        let fates = |wanted: fn(Fate) -> bool| {
            let with = records.iter().filter(|record| wanted(record.fate));
            let mut with: Vec<(String, String)> = with
                .map(|record| {
                    let at = record.subscription.trim_start_matches("acme.");
                    (format!("https://{at}.example.test/"), record.document_id.clone())
                })
                .collect();
            with.sort();
            with
        };
        run.accepted.sort();
        run.refused.sort();
        prop_assert_eq!(fates(|fate| fate == Fate::Delivered), run.accepted);
        prop_assert_eq!(fates(|fate| matches!(fate, Fate::Dropped(_))), run.refused);
        prop_assert!(fates(|fate| matches!(fate, Fate::Pending | Fate::Withdrawn)).is_empty());
        let counts = run.bench.harness.machine.event_counts();
        let (events, receivers) = (run.story.pauses.len() as u64,
            u64::from(run.story.subscriptions));
        prop_assert_eq!((counts.published, counts.sent), (events, run.sent));
        prop_assert!(records.len() as u64 >= events * receivers);
        prop_assert_eq!(counts.ok + counts.dropped + counts.expired, records.len() as u64);
        for record in &records {
            let last = record.last_attempt.unwrap_or(record.published);
            prop_assert!(last < record.published + WINDOW_MS);
            prop_assert!(record.attempts > 0 || record.fate == Fate::Expired);
        }
    }
}
