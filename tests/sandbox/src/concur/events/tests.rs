//! The protocol of the Event Subscription Service, rule by rule.

mod api;
mod delivering;
mod fates;
mod signing;

use serde_json::{Value, json};

use crate::concur::config::App;
use crate::delivery::{Delivery, DeliveryResult};
use crate::http::{Millis, Response};
use crate::test_support::concur::ConcurHarness;

const COMPANY: &str = "7c0b6d5e-8f3a-4c21-9f6b-2d1e0a9b8c7d";
const READY: &str = "invoice.readyForIntegration";
const TOPIC: &str = "public.concur.financialintegration";
const ENDPOINT: &str = "https://hooks.example.test/concur/us2/fis";

/// A company with an app token at hand. Events are not signed unless a test asks for it: that takes
/// time.
struct Bench {
    harness: ConcurHarness,
}

impl Bench {
    fn new() -> Self {
        let mut harness = ConcurHarness::new();
        harness.machine.config.events.signature =
            crate::concur::events::config::EventSignature::Missing;
        harness.host = "www-us2.api.concursolutions.com".into();
        let mut bench = Self { harness };
        bench.take_app_token();
        bench
    }

    /// A bench with a subscription to everything that a company is connected to.
    fn listening() -> Self {
        let mut bench = Self::new();
        assert_eq!(bench.put("acme.fis", json!({})).status, 200);
        bench.connect();
        bench
    }

    /// Exchanges the app's credentials at the host in use.
    fn take_app_token(&mut self) -> Value {
        let body = self
            .harness
            .token(&[("grant_type", "client_credentials")])
            .value();
        self.harness.token = body["access_token"].as_str().expect("a token").to_owned();
        body
    }

    /// Exchanges a company request token.
    fn connect(&mut self) {
        let app_token = self.harness.token.clone();
        self.harness.sign_in();
        self.harness.token = app_token;
    }

    /// Works on as an app of that name.
    fn as_app(&mut self, client_id: &str) {
        let app = App {
            client_id: client_id.to_owned(),
            ..App::default()
        };
        self.harness.machine.config.apps.insert(0, app);
        self.take_app_token();
    }

    fn grant(&mut self, scopes: &[&str]) {
        self.harness.machine.config.apps[0].scopes =
            scopes.iter().map(|scope| scope.to_string()).collect();
        self.take_app_token();
    }

    fn send(&mut self, method: &str, path: &str) -> Response {
        self.harness
            .send(method, &format!("/events/v4/{path}"), None)
    }

    fn put(&mut self, id: &str, changes: Value) -> Response {
        let mut body = json!({"id": id, "filter": ".*", "topic": TOPIC,
            "webHookConfig": {"endpoint": ENDPOINT}});
        for (name, value) in changes.as_object().cloned().unwrap_or_default() {
            body[name] = value;
        }
        self.harness
            .send("PUT", "/events/v4/subscriptions/webhook", Some(body))
    }

    /// The only subscription, as it is read back.
    fn shown(&mut self, id: &str) -> Value {
        self.send("GET", &format!("subscriptions/{id}")).value()[0].clone()
    }

    fn publish(&mut self, document_id: &str) -> String {
        let now = self.harness.now;
        self.harness.machine.publish(READY, document_id, now)
    }

    fn due(&mut self) -> Vec<Delivery> {
        self.harness.machine.take_due(self.harness.now)
    }

    fn wait(&mut self, long: Millis) {
        self.harness.now += long;
    }

    fn answer(&mut self, delivery: &Delivery, status: u16) {
        let now = self.harness.now;
        let result = DeliveryResult::Status(status);
        self.harness.machine.delivered(delivery.id, result, now);
    }
}

/// Which document a delivery is about.
fn document(delivery: &Delivery) -> String {
    let body: Value = serde_json::from_slice(&delivery.body).expect("JSON");
    let id = body["facts"]["documentId"].as_str().expect("a document");
    id.to_owned()
}

fn documents(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(document).collect()
}
