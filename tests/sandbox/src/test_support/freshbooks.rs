//! What tests of FreshBooks share: an account, a person's token and a clock that only tests move.

use serde_json::{Value, json};

use crate::delivery::Delivery;
use crate::freshbooks::{FreshBooks, FreshBooksConfig};
use crate::http::{Millis, Request, Response, decode_form};

/// 2026-03-02T15:00:00Z, a Monday morning in the East.
pub(crate) const NOW: Millis = 1_772_463_600_000;

pub(crate) struct FreshBooksHarness {
    pub(crate) machine: FreshBooks,
    pub(crate) token: String,
    pub(crate) now: Millis,
}

impl FreshBooksHarness {
    pub(crate) fn new() -> Self {
        Self::with(FreshBooksConfig::default())
    }

    pub(crate) fn with(config: FreshBooksConfig) -> Self {
        let mut machine = FreshBooks::new(7, config);
        let token = machine.person_token(NOW);
        Self {
            machine,
            token,
            now: NOW,
        }
    }

    pub(crate) fn request(&self, method: &str, path: &str, body: Option<Value>) -> Request {
        let request = Request::new("api.freshbooks.com", method, path).with_bearer(&self.token);
        match body {
            Some(body) => request.with_json(&body),
            None => request,
        }
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, body: Option<Value>) -> Response {
        let request = self.request(method, path, body);
        self.machine.handle(&request, self.now, 0)
    }

    /// Sends a request to a path below the account's, `/accounting/account/zQ7pLm/`.
    pub(crate) fn accounting(&mut self, method: &str, path: &str, body: Option<Value>) -> Response {
        self.send(method, &format!("/accounting/account/zQ7pLm/{path}"), body)
    }

    /// The errno and status of a refusal in shape E1.
    pub(crate) fn refused(&mut self, method: &str, path: &str, body: Value) -> (u16, u64) {
        let response = self.accounting(method, path, Some(body));
        let errno = response.value()["response"]["errors"][0]["errno"].as_u64();
        (
            response.status,
            errno.unwrap_or_else(|| panic!("no refusal: {}", response.value())),
        )
    }

    /// The objects of a list.
    pub(crate) fn listed(&mut self, path: &str, key: &str) -> Vec<Value> {
        let response = self.accounting("GET", path, None);
        response.value()["response"]["result"][key]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    pub(crate) fn client(&mut self) -> u64 {
        let body = json!({"client": {"organization": "Roe GmbH", "email": "ida@example.test",
            "currency_code": "EUR"}});
        let response = self.accounting("POST", "users/clients", Some(body));
        object(&response, "client")["id"].as_u64().expect("an id")
    }

    pub(crate) fn vendor(&mut self) -> u64 {
        let body = json!({"bill_vendor": {"vendor_name": "Northwind Paper", "language": "en",
            "currency_code": "CAD"}});
        let response = self.accounting("POST", "bill_vendors/bill_vendors", Some(body));
        object(&response, "bill_vendor")["vendorid"]
            .as_u64()
            .expect("an id")
    }

    /// From here on calls come from an app with these scopes and no more.
    pub(crate) fn hold(&mut self, scopes: &str) {
        let machine = &mut self.machine;
        self.token = machine.oauth.app_token(scopes, &machine.config, self.now);
    }

    pub(crate) fn deliveries(&mut self) -> Vec<Delivery> {
        self.machine.take_due(self.now)
    }

    /// The names of the events due now.
    pub(crate) fn names(&mut self) -> Vec<String> {
        let name = |delivery: Delivery| decode_form(&delivery.body).swap_remove(0).1;
        self.deliveries().into_iter().map(name).collect()
    }
}

/// The object of a successful answer.
pub(crate) fn object(response: &Response, key: &str) -> Value {
    let body = response.value();
    let found = body["response"]["result"].get(key).cloned();
    found.unwrap_or_else(|| panic!("{} {body}", response.status))
}
