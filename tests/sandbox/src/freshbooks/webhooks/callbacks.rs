//! Callbacks: registered, proven, listed, deleted (source: freshbooks-webhooks).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::deliveries::{DeliveryOutcome, WebhookContent};
use crate::calendar::{eastern_stamp, zulu_stamp};
use crate::delivery::DeliveryResult;
use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::call::ApiCall;
use crate::freshbooks::api::errors::{ApiError, ErrorDetail};
use crate::freshbooks::api::listing::{Page, SearchFilters, object_page, one_object};
use crate::freshbooks::config::WebhookConfig;
use crate::http::{Millis, Response};
use crate::random::Random;

/// Nouns that raise events, each with the object whose read scope a callback needs.
const NOUNS: [(&str, &str); 15] = [
    ("bill", "bills"),
    ("bill_vendor", "bill_vendors"),
    ("category", "expenses"),
    ("client", "clients"),
    ("credit_note", "credit_notes"),
    ("estimate", "estimates"),
    ("expense", "expenses"),
    ("invoice", "invoices"),
    ("item", "billable_items"),
    ("payment", "payments"),
    ("project", "projects"),
    ("recurring", "invoices"),
    ("service", "billable_items"),
    ("tax", "taxes"),
    ("time_entry", "time_entries"),
];

/// A callback that an app registered, verified or not.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub(crate) id: u64,
    pub(crate) event: String,
    pub(crate) uri: String,
    pub(crate) verifier: String,
    pub(crate) verified: bool,
    pub(crate) updated: Millis,
    pub(crate) drops_in_a_row: u32,
}

/// All callbacks of the account.
#[derive(Debug)]
pub(crate) struct Callbacks {
    random: Random,
    next_id: u64,
    pub(crate) rows: BTreeMap<u64, Callback>,
}

impl Callbacks {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed, "freshbooks/callbacks"),
            next_id: 2001,
            rows: BTreeMap::new(),
        }
    }

    fn new_verifier(&mut self) -> String {
        self.random.alphanumeric(33)
    }
}

impl Callback {
    fn view(&self, switches: &WebhookConfig) -> Value {
        let updated = if switches.callback_stamps_eastern {
            eastern_stamp(self.updated)
        } else {
            zulu_stamp(self.updated)
        };
        let mut view = json!({"callbackid": self.id, "event": self.event, "uri": self.uri,
               "verified": self.verified, "updated_at": updated});
        if !switches.callbacks_without_id {
            view["id"] = json!(self.id);
        }
        view
    }

    fn listens_to(&self, noun: &str, name: &str) -> bool {
        self.verified && (self.event == name || self.event == noun)
    }
}

impl FreshBooks {
    /// Routes a request on `/events/account/{account_id}/events/callbacks[/{id}]`.
    pub(crate) fn handle_callbacks(
        &mut self,
        call: &ApiCall,
        id: Option<&str>,
    ) -> Result<Response, ApiError> {
        match (call.method, id) {
            ("POST", None) => self.register_callback(call),
            ("GET", None) => self.list_callbacks(call),
            (method, Some(id)) => {
                let missing = || ApiError::not_found("callback", "callbackid", id);
                let id: u64 = id.parse().map_err(|_| missing())?;
                let callback = self.callbacks.rows.get(&id).ok_or_else(missing)?;
                match method {
                    "GET" => Ok(one_object(
                        "callback",
                        &callback.view(&self.config.webhooks),
                    )),
                    "PUT" => self.change_callback(call, id),
                    "DELETE" => Ok(self.delete_callback(id)),
                    _ => Err(ApiError::no_route()),
                }
            }
            _ => Err(ApiError::no_route()),
        }
    }

    /// Plans a delivery to every callback that listens for a change.
    pub(crate) fn emit(&mut self, noun: &str, verb: &str, object_id: u64, now: Millis) {
        let name = format!("{noun}.{verb}");
        let listening = self
            .callbacks
            .rows
            .values()
            .filter(|callback| callback.listens_to(noun, &name));
        let ids: Vec<u64> = listening.map(|callback| callback.id).collect();
        for id in ids {
            let news = WebhookContent::Event {
                name: name.clone(),
                object_id,
                identity_id: self.config.identity_id,
            };
            self.webhooks.plan_delivery(id, news, &self.config, now);
        }
    }

    /// Records what became of a delivery; too many drops in a row disable the callback.
    pub fn delivered(&mut self, id: u64, result: DeliveryResult, now: Millis) {
        let Some((callback, aftermath)) =
            self.webhooks.record_result(id, result, &self.config, now)
        else {
            return;
        };
        let Some(callback) = self.callbacks.rows.get_mut(&callback) else {
            return;
        };
        match aftermath {
            DeliveryOutcome::Accepted => callback.drops_in_a_row = 0,
            DeliveryOutcome::Retry => {}
            DeliveryOutcome::Dropped => {
                callback.drops_in_a_row += 1;
                let limit = self.config.webhooks.disable_after_drops;
                if limit > 0 && callback.drops_in_a_row >= limit {
                    callback.verified = false;
                    callback.updated = now;
                }
            }
        }
    }

    fn register_callback(&mut self, call: &ApiCall) -> Result<Response, ApiError> {
        let body = call.body("callback")?;
        let (event, uri) = (text_field(&body, "event"), text_field(&body, "uri"));
        check_event_and_uri(event, uri)?;
        let noun = event.split('.').next().unwrap_or_default();
        let object = NOUNS
            .iter()
            .find(|(known, _)| *known == noun)
            .map(|(_, object)| *object);
        if !object.is_some_and(|object| call.access.scopes.allow(object, "read")) {
            return Err(ApiError::forbidden());
        }
        let id = self.callbacks.next_id;
        self.callbacks.next_id += 1;
        let verifier = self.callbacks.new_verifier();
        let (event, uri) = (event.to_owned(), uri.to_owned());
        let callback = Callback {
            id,
            event,
            uri,
            verifier,
            verified: false,
            updated: call.now,
            drops_in_a_row: 0,
        };
        let response = one_object("callback", &callback.view(&self.config.webhooks));
        self.callbacks.rows.insert(id, callback);
        self.webhooks
            .plan_delivery(id, WebhookContent::Handshake, &self.config, call.now);
        Ok(response)
    }

    fn list_callbacks(&self, call: &ApiCall) -> Result<Response, ApiError> {
        let page = Page::read(&call.query, 15)?;
        let event = SearchFilters(&call.query).value("event");
        let noun = event.and_then(|event| event.split('.').next());
        let wanted = |callback: &&Callback| {
            event.is_none_or(|event| {
                callback.event == event || Some(callback.event.as_str()) == noun
            })
        };
        let (rows, total) = page.select(self.callbacks.rows.values().filter(wanted));
        let rows: Vec<Value> = rows
            .into_iter()
            .map(|row| row.view(&self.config.webhooks))
            .collect();
        Ok(object_page("callbacks", &rows, page, total, &self.config))
    }

    fn change_callback(&mut self, call: &ApiCall, id: u64) -> Result<Response, ApiError> {
        let body = call.body("callback")?;
        if body.get("resend") == Some(&Value::Bool(true)) {
            return self.resend_handshake(id, call.now);
        }
        let missing = || ApiError::not_found("callback", "callbackid", &id.to_string());
        let callback = self.callbacks.rows.get_mut(&id).ok_or_else(missing)?;
        if let Some(verifier) = body.get("verifier") {
            if verifier.as_str() != Some(callback.verifier.as_str()) {
                return Err(ApiError::field(
                    400,
                    422,
                    "callback",
                    "verifier",
                    "the verifier does not match",
                ));
            }
            callback.verified = true;
            callback.drops_in_a_row = 0;
        }
        let event = body
            .get("event")
            .and_then(Value::as_str)
            .unwrap_or(&callback.event)
            .to_owned();
        let uri = body
            .get("uri")
            .and_then(Value::as_str)
            .unwrap_or(&callback.uri)
            .to_owned();
        check_event_and_uri(&event, &uri)?;
        callback.event = event;
        callback.uri = uri;
        callback.updated = call.now;
        Ok(one_object(
            "callback",
            &callback.view(&self.config.webhooks),
        ))
    }

    fn resend_handshake(&mut self, id: u64, now: Millis) -> Result<Response, ApiError> {
        let fresh = self
            .config
            .webhooks
            .resend_makes_new_verifier
            .then(|| self.callbacks.new_verifier());
        let missing = || ApiError::not_found("callback", "callbackid", &id.to_string());
        let callback = self.callbacks.rows.get_mut(&id).ok_or_else(missing)?;
        if let Some(verifier) = fresh {
            callback.verifier = verifier;
            callback.verified = false;
        }
        let response = one_object("callback", &callback.view(&self.config.webhooks));
        self.webhooks
            .plan_delivery(id, WebhookContent::Handshake, &self.config, now);
        Ok(response)
    }

    fn delete_callback(&mut self, id: u64) -> Response {
        self.callbacks.rows.remove(&id);
        Response::empty(204)
    }
}

fn text_field<'a>(body: &'a serde_json::Map<String, Value>, key: &str) -> &'a str {
    body.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn check_event_and_uri(event: &str, uri: &str) -> Result<(), ApiError> {
    let mut details = Vec::new();
    let mut object = |field: &str, message: &str| {
        details.push(ErrorDetail {
            field: field.into(),
            message: message.into(),
            value: None,
        });
    };
    if !known_event(event) {
        object("event", "unrecognized event");
    }
    let rest = uri
        .strip_prefix("https://")
        .or_else(|| uri.strip_prefix("http://"));
    if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) {
        object("uri", "not a valid URL");
    }
    if details.is_empty() {
        Ok(())
    } else {
        Err(ApiError {
            status: 400,
            errno: 422,
            object: "callback",
            details,
        })
    }
}

fn known_event(event: &str) -> bool {
    let (noun, verb) = match event.split_once('.') {
        Some((noun, verb)) => (noun, Some(verb)),
        None => (event, None),
    };
    let known = NOUNS.iter().any(|(known, _)| *known == noun);
    known
        && match verb {
            None | Some("create" | "update" | "delete") => true,
            Some("sendByEmail") => matches!(noun, "invoice" | "estimate"),
            Some(_) => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{decode_form, first_value};
    use crate::test_support::freshbooks::{FreshBooksHarness, object};

    const PATH: &str = "/events/account/zQ7pLm/events/callbacks";

    fn register(harness: &mut FreshBooksHarness, event: &str) -> u64 {
        let body = json!({"callback": {"event": event, "uri": "http://sync.example.test/fb"}});
        let response = harness.send("POST", PATH, Some(body));
        assert_eq!(response.status, 200);
        let callback = object(&response, "callback");
        assert_eq!(callback["verified"], false);
        callback["callbackid"].as_u64().expect("an id")
    }

    fn verify(harness: &mut FreshBooksHarness, id: u64) -> Response {
        let handshake = harness.deliveries().pop().expect("a handshake");
        let fields = decode_form(&handshake.body);
        assert_eq!(
            first_value(&fields, "object_id"),
            Some(id.to_string().as_str())
        );
        let verifier = first_value(&fields, "verifier")
            .expect("a verifier")
            .to_owned();
        assert_eq!(verifier.len(), 33);
        harness.send(
            "PUT",
            &format!("{PATH}/{id}"),
            Some(json!({"callback": {"verifier": verifier}})),
        )
    }

    #[test]
    fn a_callback_is_silent_until_verified() {
        let mut harness = FreshBooksHarness::new();
        let id = register(&mut harness, "client.create");
        let handshake = harness.deliveries();
        assert_eq!(handshake.len(), 1);
        harness.client();
        assert!(harness.deliveries().is_empty());
        harness.send(
            "PUT",
            &format!("{PATH}/{id}"),
            Some(json!({"callback": {"resend": true}})),
        );
        let verified = verify(&mut harness, id);
        assert_eq!(object(&verified, "callback")["verified"], true);
        harness.client();
        assert_eq!(harness.deliveries().len(), 1);
    }

    #[test]
    fn a_noun_hears_all_its_verbs_and_an_event_only_itself() {
        let mut harness = FreshBooksHarness::new();
        for event in ["client", "client.delete"] {
            let id = register(&mut harness, event);
            verify(&mut harness, id);
        }
        let client = harness.client();
        assert_eq!(harness.names(), ["client.create"]);
        let path = format!("/accounting/account/zQ7pLm/users/clients/{client}");
        harness.send("PUT", &path, Some(json!({"client": {"vis_state": 1}})));
        assert_eq!(harness.names(), ["client.delete", "client.delete"]);
    }

    #[test]
    fn unknown_events_and_uris_are_listed_together() {
        let mut harness = FreshBooksHarness::new();
        let body = json!({"callback": {"event": "staff.create", "uri": "nonsense"}});
        let refused = harness.send("POST", PATH, Some(body));
        assert_eq!(refused.status, 400);
        let details = json!(["event: unrecognized event", "uri: not a valid URL"]);
        assert_eq!(refused.value()["details"], details);
    }

    #[test]
    fn the_path_takes_the_account_id_only() {
        let mut harness = FreshBooksHarness::new();
        assert_eq!(
            harness
                .send("GET", "/events/account/8812345/events/callbacks", None)
                .status,
            404
        );
        let missing = harness.send("GET", &format!("{PATH}/1"), None);
        assert_eq!(
            (missing.status, &missing.value()["errno"]),
            (404, &json!(404))
        );
    }

    #[test]
    fn a_wrong_verifier_is_refused() {
        let mut harness = FreshBooksHarness::new();
        let id = register(&mut harness, "bill");
        let refused = harness.send(
            "PUT",
            &format!("{PATH}/{id}"),
            Some(json!({"callback": {"verifier": "x"}})),
        );
        assert_eq!(refused.status, 400);
    }

    #[test]
    fn lists_filter_by_event_and_match_its_noun() {
        let mut harness = FreshBooksHarness::new();
        for event in ["invoice", "invoice.create", "bill"] {
            register(&mut harness, event);
        }
        let listed = harness.send("GET", &format!("{PATH}?search[event]=invoice.create"), None);
        let result = &listed.value()["response"]["result"];
        assert_eq!(result["total"], 2);
        assert!(result["callbacks"][0].get("verifier").is_none());
    }

    #[test]
    fn delete_answers_204_and_is_final() {
        let mut harness = FreshBooksHarness::new();
        let id = register(&mut harness, "bill");
        let path = format!("{PATH}/{id}");
        let deleted = harness.send("DELETE", &path, None);
        assert_eq!((deleted.status, deleted.body.len()), (204, 0));
        assert_eq!(harness.send("GET", &path, None).status, 404);
        assert!(harness.deliveries().is_empty());
    }

    #[test]
    fn too_many_drops_disable_a_callback() {
        let mut harness = FreshBooksHarness::new();
        harness.machine.config.webhooks.retry_after_s = Vec::new();
        harness.machine.config.webhooks.disable_after_drops = 2;
        let id = register(&mut harness, "client");
        verify(&mut harness, id);
        for _ in 0..2 {
            harness.client();
            let delivery = harness.deliveries().pop().expect("a delivery");
            harness
                .machine
                .delivered(delivery.id, DeliveryResult::Status(500), 0);
        }
        let shown = harness.send("GET", &format!("{PATH}/{id}"), None);
        assert_eq!(object(&shown, "callback")["verified"], false);
    }

    #[test]
    fn a_resend_may_make_a_new_verifier() {
        let mut harness = FreshBooksHarness::new();
        harness.machine.config.webhooks.resend_makes_new_verifier = true;
        let id = register(&mut harness, "client");
        let verifier = |harness: &mut FreshBooksHarness| {
            let fields = decode_form(&harness.deliveries().pop().expect("a handshake").body);
            first_value(&fields, "verifier")
                .expect("a verifier")
                .to_owned()
        };
        let first = verifier(&mut harness);
        harness.send(
            "PUT",
            &format!("{PATH}/{id}"),
            Some(json!({"callback": {"resend": true}})),
        );
        assert_ne!(verifier(&mut harness), first);
    }
}
