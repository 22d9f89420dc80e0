//! The simulator's webhook keys, and what arrived that may become one.

use std::collections::{BTreeMap, VecDeque};

use ml_connector_component::contract::http::{BodyPart, Request, Secret};
use ml_connector_component::contract::webhooks::Callback;

use super::credentials::Credentials;

/// Verifiers of one callback id that are held at once.
const CANDIDATES_MAX: usize = 64;

impl Credentials {
    /// Every callback with a key.
    pub(super) fn callbacks(&self) -> Vec<Callback> {
        let trusted = self.trusted.iter().map(|(id, verifier)| Callback {
            id: id.clone(),
            verifier: Some(verifier.clone()),
        });
        trusted.collect()
    }

    /// The key of each callback, by its id.
    pub(super) fn keys(&self) -> &BTreeMap<String, String> {
        &self.trusted
    }

    /// Takes in a verifier, which may be anyone's; false if there are too many of its callback.
    pub(super) fn receive_verifier(&mut self, callback_id: &str, verifier: &str) -> bool {
        let candidates = self.candidates.entry(callback_id.to_string()).or_default();
        let is_known = candidates.iter().any(|known| known == verifier);
        if !is_known && candidates.len() < CANDIDATES_MAX {
            candidates.push_back(verifier.to_string());
            return true;
        }
        is_known
    }

    /// Looks up the verifier that a request is to send back: the key, once, then each that arrived.
    pub(super) fn prepare(&mut self, request: &Request) {
        let named = request.body.iter().find_map(|part| match part {
            BodyPart::JsonSecret(Secret::Verifier(id)) => Some(id),
            _ => None,
        });
        let Some(id) = named else { return };
        let is_first = self.keys_tried.insert(id.clone());
        let key = self.trusted.get(id).filter(|_| is_first).cloned();
        let candidates = self.candidates.get_mut(id);
        let next = key.or_else(|| candidates.and_then(VecDeque::pop_front));
        self.sent.insert(id.clone(), next);
    }

    /// Makes the verifier that was sent back last the key of the callback; false if it was
    /// forgotten.
    pub(super) fn trust(&mut self, callback_id: &str) -> bool {
        let Some(verifier) = self.sent.remove(callback_id).flatten() else {
            return false;
        };
        self.trusted.insert(callback_id.to_string(), verifier);
        self.keys_tried.remove(callback_id);
        true
    }

    /// Forgets what is in memory only.
    pub(super) fn crash(&mut self) {
        self.candidates.clear();
        self.sent.clear();
        self.keys_tried.clear();
    }
}
