//! Deliveries: what is under way to whom, when it is due, and what becomes of failures
//! (source: freshbooks-webhooks).

use std::collections::{BTreeMap, BTreeSet};

use super::callbacks::Callback;
use super::signature::{SIGNATURE_HEADER, sign};
use crate::delivery::{Delivery, DeliveryResult};
use crate::freshbooks::config::{FieldOrder, FreshBooksConfig};
use crate::http::{Millis, System, encode_form};
use crate::random::Random;

/// A delivery that takes longer counts as failed. FreshBooks does not publish its own time.
const DELIVERY_TIMEOUT_MS: Millis = 10_000;

/// Counts of deliveries so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct DeliveryCounts {
    /// Handed out to be sent, retries included.
    pub sent: u64,
    /// Answered with 2xx in time.
    pub ok: u64,
    /// Answered otherwise or not at all.
    pub failed: u64,
    /// Given up after the last retry.
    pub dropped: u64,
    /// Never sent, because the configuration drops them.
    pub swallowed: u64,
}

/// Deliveries waiting, and deliveries handed out.
#[derive(Debug)]
pub(crate) struct Webhooks {
    random: Random,
    next_id: u64,
    waiting: BTreeMap<u64, WebhookAttempt>,
    due: BTreeSet<(Millis, u64)>,
    handed_out: BTreeMap<u64, WebhookAttempt>,
    pub(crate) counts: DeliveryCounts,
}

/// One attempt to bring one piece of news to one callback.
#[derive(Clone, Debug)]
struct WebhookAttempt {
    callback: u64,
    news: WebhookContent,
    failures: usize,
}

/// What a delivery carries.
#[derive(Clone, Debug)]
pub(crate) enum WebhookContent {
    /// A change to an object.
    Event {
        name: String,
        object_id: u64,
        identity_id: u64,
    },
    /// The verifier, to a callback that is to prove it listens.
    Handshake,
}

/// What the result of a delivery leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeliveryOutcome {
    /// The receiver accepted it.
    Accepted,
    /// It is tried again later.
    Retry,
    /// It was the last attempt.
    Dropped,
}

impl Webhooks {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed, "freshbooks/webhooks"),
            next_id: 1,
            waiting: BTreeMap::new(),
            due: BTreeSet::new(),
            handed_out: BTreeMap::new(),
            counts: DeliveryCounts::default(),
        }
    }

    /// Plans a delivery to a callback: never, once or twice, at once or later, as configured.
    pub(crate) fn plan_delivery(
        &mut self,
        callback: u64,
        news: WebhookContent,
        config: &FreshBooksConfig,
        now: Millis,
    ) {
        let knobs = &config.webhooks;
        let event = matches!(news, WebhookContent::Event { .. });
        if event && (knobs.silent || self.random.per_mille(knobs.drop_per_mille)) {
            self.counts.swallowed += 1;
            return;
        }
        let copies = if event && self.random.per_mille(knobs.duplicate_per_mille) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let held = event && self.random.per_mille(knobs.disorder_per_mille);
            let hold = if held {
                self.random.below(knobs.disorder_ms + 1)
            } else {
                0
            };
            let attempt = WebhookAttempt {
                callback,
                news: news.clone(),
                failures: 0,
            };
            self.schedule(attempt, now + knobs.delay_ms + hold);
        }
    }

    /// The instant at which the next delivery is due.
    pub(crate) fn next_due(&self) -> Option<Millis> {
        self.due.first().map(|(at, _)| *at)
    }

    /// How many deliveries wait or are handed out.
    pub(crate) fn pending(&self) -> usize {
        self.waiting.len() + self.handed_out.len()
    }

    /// Takes the deliveries due now. Those of deleted or disabled callbacks are dropped.
    pub(crate) fn take_due(
        &mut self,
        callbacks: &BTreeMap<u64, Callback>,
        config: &FreshBooksConfig,
        now: Millis,
    ) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        while let Some((at, id)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, id));
            let Some(attempt) = self.waiting.remove(&id) else {
                continue;
            };
            let handshake = matches!(attempt.news, WebhookContent::Handshake);
            let callback = callbacks
                .get(&attempt.callback)
                .filter(|callback| callback.verified || handshake);
            let Some(callback) = callback else { continue };
            deliveries.push(write_delivery(id, callback, &attempt.news, config));
            self.handed_out.insert(id, attempt);
            self.counts.sent += 1;
        }
        deliveries
    }

    /// Records a result and plans the retry. Returns the callback and what follows for it.
    pub(crate) fn record_result(
        &mut self,
        id: u64,
        result: DeliveryResult,
        config: &FreshBooksConfig,
        now: Millis,
    ) -> Option<(u64, DeliveryOutcome)> {
        let mut attempt = self.handed_out.remove(&id)?;
        let callback = attempt.callback;
        if matches!(result, DeliveryResult::Status(200..=299)) {
            self.counts.ok += 1;
            return Some((callback, DeliveryOutcome::Accepted));
        }
        self.counts.failed += 1;
        let Some(pause_s) = config.webhooks.retry_after_s.get(attempt.failures) else {
            self.counts.dropped += 1;
            return Some((callback, DeliveryOutcome::Dropped));
        };
        attempt.failures += 1;
        self.schedule(attempt, now + pause_s * 1000);
        Some((callback, DeliveryOutcome::Retry))
    }

    fn schedule(&mut self, attempt: WebhookAttempt, at: Millis) {
        let id = self.next_id;
        self.next_id += 1;
        self.waiting.insert(id, attempt);
        self.due.insert((at, id));
    }
}

fn write_delivery(
    id: u64,
    callback: &Callback,
    news: &WebhookContent,
    config: &FreshBooksConfig,
) -> Delivery {
    let (name, object_id, identity_id) = match news {
        WebhookContent::Event {
            name,
            object_id,
            identity_id,
        } => (name.as_str(), *object_id, *identity_id),
        WebhookContent::Handshake if config.webhooks.handshake_names_event => {
            (callback.event.as_str(), callback.id, config.identity_id)
        }
        WebhookContent::Handshake => ("callback.verify", callback.id, config.identity_id),
    };
    let (object, business, identity) = (
        object_id.to_string(),
        config.business_id.to_string(),
        identity_id.to_string(),
    );
    let mut fields = match config.webhooks.field_order {
        FieldOrder::Current => vec![
            ("name", name),
            ("object_id", &object),
            ("account_id", &config.account_id),
            ("business_id", &business),
            ("identity_id", &identity),
            ("user_id", "1"),
        ],
        FieldOrder::Older => {
            vec![
                ("name", name),
                ("object_id", &object),
                ("user_id", "1"),
                ("account_id", &config.account_id),
            ]
        }
    };
    if matches!(news, WebhookContent::Handshake) {
        fields.push(("verifier", &callback.verifier));
    }
    let mut headers = vec![(
        "Content-Type".to_owned(),
        "application/x-www-form-urlencoded".to_owned(),
    )];
    let is_handshake = matches!(news, WebhookContent::Handshake);
    if !(is_handshake && config.webhooks.unsigned_handshakes) {
        let signature = sign(&fields, &callback.verifier);
        headers.push((SIGNATURE_HEADER.to_owned(), signature));
    }
    Delivery {
        system: System::FreshBooks,
        id,
        url: callback.uri.clone(),
        headers,
        body: encode_form(fields).into_bytes(),
        timeout_ms: DELIVERY_TIMEOUT_MS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::decode_form;

    fn callbacks() -> BTreeMap<u64, Callback> {
        let callback = Callback {
            id: 2001,
            event: "invoice".into(),
            uri: "http://sync.example.test/fb".into(),
            verifier: "kT3mVq9RzL2bXw7HsN4cYd8PfG6jA5eUu".into(),
            verified: true,
            updated: 0,
            drops_in_a_row: 0,
        };
        BTreeMap::from([(2001, callback)])
    }

    fn event(object_id: u64) -> WebhookContent {
        WebhookContent::Event {
            name: "invoice.update".into(),
            object_id,
            identity_id: 5_520_071,
        }
    }

    #[test]
    fn current_and_older_field_order() {
        let mut config = FreshBooksConfig::default();
        let delivery = write_delivery(1, &callbacks()[&2001], &event(7), &config);
        let current = "name=invoice.update&object_id=7&account_id=zQ7pLm&business_id=8812345&ident\
            ity_id=5520071&user_id=1";
        assert_eq!(String::from_utf8_lossy(&delivery.body), current);
        config.webhooks.field_order = FieldOrder::Older;
        let delivery = write_delivery(1, &callbacks()[&2001], &event(7), &config);
        assert_eq!(
            String::from_utf8_lossy(&delivery.body),
            "name=invoice.update&object_id=7&user_id=1&account_id=zQ7pLm"
        );
    }

    #[test]
    fn the_handshake_is_test_vector_v5() {
        let delivery = write_delivery(
            1,
            &callbacks()[&2001],
            &WebhookContent::Handshake,
            &FreshBooksConfig::default(),
        );
        assert_eq!(
            delivery.headers[1].1,
            "rnN3zNJZc6U0maHqdq4uq9Ea8SuVuYq4zrJ+h7q4lxo="
        );
        assert_eq!(decode_form(&delivery.body)[6].0, "verifier");
    }

    #[test]
    fn failures_are_retried_after_1_5_and_25_minutes_then_dropped() {
        let (mut webhooks, config, callbacks) =
            (Webhooks::new(1), FreshBooksConfig::default(), callbacks());
        webhooks.plan_delivery(2001, event(7), &config, 0);
        let mut now = 0;
        for pause in [60_000, 300_000, 1_500_000] {
            let id = webhooks.take_due(&callbacks, &config, now)[0].id;
            let settled = webhooks.record_result(id, DeliveryResult::Status(302), &config, now);
            assert_eq!(settled, Some((2001, DeliveryOutcome::Retry)));
            now += pause;
            assert_eq!(webhooks.next_due(), Some(now));
            assert!(webhooks.take_due(&callbacks, &config, now - 1).is_empty());
        }
        let id = webhooks.take_due(&callbacks, &config, now)[0].id;
        assert_eq!(
            webhooks.record_result(id, DeliveryResult::Failed, &config, now),
            Some((2001, DeliveryOutcome::Dropped))
        );
        assert_eq!(webhooks.pending(), 0);
        assert_eq!(
            webhooks.counts,
            DeliveryCounts {
                sent: 4,
                ok: 0,
                failed: 4,
                dropped: 1,
                swallowed: 0
            }
        );
    }

    #[test]
    fn knobs_swallow_double_and_hold_back() {
        let (mut webhooks, mut config) = (Webhooks::new(1), FreshBooksConfig::default());
        config.webhooks.silent = true;
        webhooks.plan_delivery(2001, event(1), &config, 0);
        webhooks.plan_delivery(2001, WebhookContent::Handshake, &config, 0);
        assert_eq!((webhooks.pending(), webhooks.counts.swallowed), (1, 1));
        config.webhooks.silent = false;
        config.webhooks.duplicate_per_mille = 1000;
        config.webhooks.disorder_per_mille = 1000;
        webhooks.plan_delivery(2001, event(2), &config, 0);
        assert_eq!(webhooks.pending(), 3);
        let held = webhooks.take_due(&callbacks(), &config, 0).len();
        let all = held + webhooks.take_due(&callbacks(), &config, 30_000).len();
        assert_eq!(all, 3);
        assert!(held < 3);
    }

    #[test]
    fn a_disabled_callback_gets_handshakes_only() {
        let (mut webhooks, config, mut callbacks) =
            (Webhooks::new(1), FreshBooksConfig::default(), callbacks());
        callbacks.get_mut(&2001).expect("the callback").verified = false;
        webhooks.plan_delivery(2001, event(1), &config, 0);
        webhooks.plan_delivery(2001, WebhookContent::Handshake, &config, 0);
        let sent = webhooks.take_due(&callbacks, &config, 0);
        assert_eq!(sent.len(), 1);
        assert!(String::from_utf8_lossy(&sent[0].body).starts_with("name=callback.verify"));
    }

    #[test]
    fn a_handshake_is_signed_unless_the_switch_says_otherwise() {
        let (mut webhooks, mut config) = (Webhooks::new(1), FreshBooksConfig::default());
        let mut is_signed = |config: &FreshBooksConfig, news| {
            webhooks.plan_delivery(2001, news, config, 0);
            let sent = webhooks.take_due(&callbacks(), config, 0);
            let mut names = sent[0].headers.iter().map(|(name, _)| name.as_str());
            names.any(|name| name == SIGNATURE_HEADER)
        };
        assert!(is_signed(&config, WebhookContent::Handshake));
        config.webhooks.unsigned_handshakes = true;
        assert!(!is_signed(&config, WebhookContent::Handshake));
        assert!(is_signed(&config, event(1)));
    }

    #[test]
    fn unknown_ids_settle_nothing() {
        let mut webhooks = Webhooks::new(1);
        assert_eq!(
            webhooks.record_result(9, DeliveryResult::Failed, &FreshBooksConfig::default(), 0),
            None
        );
    }
}
