//! Documents that become READY as time passes, each of them a reason for an event.

use super::records::Ready;
use crate::concur::Concur;
use crate::http::Millis;

impl Concur {
    /// Makes delayed documents READY that are due.
    pub fn settle_documents(&mut self, now: Millis) {
        self.queue.release_delayed(now);
    }

    /// Publishes an event for each document that became READY.
    pub fn announce_documents(&mut self) {
        for ready in self.take_ready() {
            let event_type = format!("{}.readyForIntegration", ready.doc_type.as_str());
            self.publish(&event_type, &ready.source_id, ready.at);
        }
    }

    /// When the next delayed document becomes READY, or the next one is to be announced.
    pub fn next_document_ready(&self) -> Option<Millis> {
        [self.queue.next_ready(), self.queue.next_announcement()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Documents that became READY since the last call: each is a reason for an event.
    pub fn take_ready(&mut self) -> Vec<Ready> {
        self.queue.take_newly_ready()
    }
}
