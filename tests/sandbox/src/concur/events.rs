//! The Event Subscription Service: subscriptions are managed here, events are published here, and
//! both end in deliveries (source: concur-event-subscription).

mod api;
pub(crate) mod config;
mod envelope;
mod outbox;
mod records;
mod signature;
mod subscriptions;
mod topics;

use std::sync::Arc;

pub(crate) use api::PREFIX;
pub use records::{EventCounts, EventRecord, Fate};
pub use signature::EventKey;
pub use subscriptions::SubscriptionRecord;

use envelope::{EventSubject, PublishedEvent};
use outbox::{EVENT_TIMEOUT_MS, EventAttempt, Outbox};
use signature::SIGNATURE_HEADER;
use subscriptions::Subscriptions;

use super::Concur;
use crate::delivery::{Delivery, DeliveryResult};
use crate::http::{Millis, System};
use crate::random::Random;

/// Subscriptions, events on their way, and the key that signs them.
#[derive(Debug)]
pub(crate) struct Events {
    envelopes: Random,
    signatures: Random,
    subscriptions: Subscriptions,
    outbox: Outbox,
    certificate: CertificateState,
}

/// Which client certificate is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CertificateState {
    /// Counts the certificates: it goes up with every rotation.
    pub issue: u32,
    /// The number of its key, for [`EventKey::numbered`].
    pub key: u32,
}

impl Events {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            envelopes: Random::new(seed, "concur/events"),
            signatures: Random::new(seed, "concur/event-signatures"),
            subscriptions: Subscriptions::default(),
            outbox: Outbox::new(seed),
            certificate: CertificateState::default(),
        }
    }

    /// A company token was given out to an app: the company is added to the subscriptions that the
    /// app has already.
    pub(crate) fn connect(&mut self, application_id: &str, company_id: &str, datacenter: &str) {
        self.subscriptions
            .connect(application_id, company_id, datacenter);
    }

    /// A company is disconnected: nothing is delivered for it any more.
    pub(crate) fn disconnect(&mut self, company_id: &str) {
        self.subscriptions.disconnect(company_id);
    }
}

impl Concur {
    /// Publishes an event of the company and returns its id. Unknown types are published under the
    /// topic of financial documents.
    pub fn publish(&mut self, event_type: &str, document_id: &str, now: Millis) -> String {
        self.clean_up_subscriptions(now);
        let base_url = self.home_url();
        let switches = &self.config.events;
        let news = EventSubject {
            event_type,
            document_id,
            company_id: &self.config.company_uuid,
            entity_id: &self.config.financial.entity_id,
            base_url: &base_url,
            now,
        };
        let event = PublishedEvent::new(&news, &switches.envelope, &mut self.events.envelopes);
        let id = event.id.clone();
        if switches.delivery.silent {
            self.events.outbox.counts.swallowed += 1;
        } else {
            self.distribute(event);
        }
        id
    }

    /// Event deliveries due now.
    pub fn take_due(&mut self, now: Millis) -> Vec<Delivery> {
        self.clean_up_subscriptions(now);
        let switches = &self.config.events.delivery;
        let attempts = self.events.outbox.take_due(switches, now);
        attempts
            .into_iter()
            .filter_map(|attempt| self.signed_delivery(attempt))
            .collect()
    }

    /// When there is something to do about event deliveries next.
    pub fn next_wake(&self) -> Option<Millis> {
        self.events.outbox.next_due()
    }

    /// Records what became of an event delivery.
    pub fn delivered(&mut self, id: u64, result: DeliveryResult, now: Millis) {
        let switches = &self.config.events.delivery;
        let accepting = self.events.outbox.record_result(id, result, switches, now);
        if let Some(subscription) = accepting {
            self.events.subscriptions.delivered(&subscription, now);
        }
    }

    /// Every event at every subscription, in the order of publication.
    pub fn events(&self) -> Vec<EventRecord> {
        self.events.outbox.records().cloned().collect()
    }

    /// How many events were published, delivered and lost so far.
    pub fn event_counts(&self) -> EventCounts {
        self.events.outbox.counts
    }

    /// How many events wait or are under way.
    pub fn events_pending(&self) -> usize {
        self.events.outbox.pending()
    }

    /// All subscriptions, those that are marked for deletion too.
    pub fn subscriptions(&self) -> Vec<SubscriptionRecord> {
        self.events.subscriptions.records()
    }

    /// Replaces the client certificate, with a new key or with the one it has; deliveries from now
    /// on are made with it.
    pub fn rotate_certificate(&mut self, new_key: bool) -> CertificateState {
        let certificate = &mut self.events.certificate;
        certificate.issue += 1;
        certificate.key += u32::from(new_key);
        *certificate
    }

    /// Which client certificate is in use.
    pub fn certificate(&self) -> CertificateState {
        self.events.certificate
    }

    fn distribute(&mut self, event: PublishedEvent) {
        let config = &self.config;
        let event = Arc::new(event);
        let events = &mut self.events;
        let hearing = events.subscriptions.subscribers_of(
            event.topic,
            &event.event_type,
            &config.company_uuid,
            &config.datacenter,
            config.events.api.filter_finds,
        );
        if hearing.is_empty() {
            events.outbox.counts.unheard += 1;
            return;
        }
        events.outbox.counts.published += 1;
        for subscription in hearing {
            let switches = &config.events.delivery;
            events.outbox.plan_event(&event, &subscription, switches);
        }
    }

    fn signed_delivery(&mut self, attempt: EventAttempt) -> Option<Delivery> {
        let url = self.events.subscriptions.endpoint(&attempt.subscription)?;
        let (body, correlation_id) = (attempt.event.body.clone(), &attempt.event.correlation_id);
        let mut headers = vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("Concur-Correlationid".to_owned(), correlation_id.clone()),
        ];
        if let Some(signature) = self.sign_body(&body) {
            headers.push((SIGNATURE_HEADER.to_owned(), signature));
        }
        Some(Delivery {
            system: System::Concur,
            id: attempt.id,
            url,
            headers,
            body,
            timeout_ms: EVENT_TIMEOUT_MS,
        })
    }

    fn sign_body(&mut self, body: &[u8]) -> Option<String> {
        let switches = &self.config.events;
        if switches.signature == config::EventSignature::Missing {
            return None;
        }
        let key = EventKey::numbered(self.events.certificate.key);
        let random = &mut self.events.signatures;
        let signature = key.sign(body, switches.signature, random);
        signature
            .map(|signature| signature::encode_signature(&signature, switches.signature_url_safe))
    }

    fn clean_up_subscriptions(&mut self, now: Millis) {
        let gone = self
            .events
            .subscriptions
            .remove_expired(self.config.events.api.clean_up, now);
        for subscription in gone {
            self.events.outbox.withdraw(&subscription);
        }
    }
}

#[cfg(test)]
mod tests;
