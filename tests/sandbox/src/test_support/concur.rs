//! What tests of Concur share: a company with a company token and a clock that only tests move.

use serde_json::{Value, json};

use crate::concur::{Concur, ConcurConfig};
use crate::http::{Millis, Request, Response};

/// 2026-03-04T10:22:31Z, a Wednesday, when every test begins.
pub(crate) const NOW: Millis = 1_772_619_751_000;

pub(crate) struct ConcurHarness {
    pub(crate) machine: Concur,
    pub(crate) host: String,
    pub(crate) accept: Option<&'static str>,
    pub(crate) token: String,
    pub(crate) now: Millis,
}

impl ConcurHarness {
    pub(crate) fn new() -> Self {
        let machine = Concur::new(7, ConcurConfig::default());
        let (host, accept) = (
            "us2.api.concursolutions.com".to_owned(),
            Some("application/json"),
        );
        let mut harness = Self {
            machine,
            host,
            accept,
            token: String::new(),
            now: NOW,
        };
        harness.sign_in();
        harness
    }

    /// Exchanges a fresh company request token and keeps the access token.
    pub(crate) fn sign_in(&mut self) -> Value {
        let request_token = self.machine.company_request_token(self.now);
        let reply = self.token(&[
            ("grant_type", "password"),
            ("credtype", "authtoken"),
            ("username", "7c0b6d5e-8f3a-4c21-9f6b-2d1e0a9b8c7d"),
            ("password", &request_token),
        ]);
        assert_eq!(reply.status, 200, "{}", reply.value());
        let body = reply.value();
        self.token = body["access_token"].as_str().expect("a token").to_owned();
        body
    }

    /// Asks the token endpoint with the app's credentials and the given fields.
    pub(crate) fn token(&mut self, fields: &[(&str, &str)]) -> Response {
        let app = &self.machine.config.apps[0];
        let (id, secret) = (app.client_id.clone(), app.client_secrets[0].clone());
        let mut all: Vec<(&str, &str)> = vec![("client_id", &id), ("client_secret", &secret)];
        all.extend_from_slice(fields);
        self.token_as(&all)
    }

    /// Asks the token endpoint with exactly the given fields.
    pub(crate) fn token_as(&mut self, fields: &[(&str, &str)]) -> Response {
        let request = Request::new(&self.host, "POST", "/oauth2/v0/token").with_form(fields);
        self.machine.handle(&request, self.now, 0)
    }

    pub(crate) fn request(&self, method: &str, path: &str, body: Option<Value>) -> Request {
        let mut request = Request::new(&self.host, method, path).with_bearer(&self.token);
        if let Some(accept) = self.accept {
            request = request.with_header("Accept", accept);
        }
        match body {
            Some(body) => request.with_json(&body),
            None => request,
        }
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, body: Option<Value>) -> Response {
        let request = self.request(method, path, body);
        self.machine.handle(&request, self.now, 0)
    }

    /// Calls Financial Integration: `rest` follows the document type and `/transactions`.
    pub(crate) fn financial(
        &mut self,
        doc_type: &str,
        rest: &str,
        body: Option<Value>,
    ) -> Response {
        let path = format!(
            "{}{doc_type}/transactions{rest}",
            crate::concur::financial::PREFIX
        );
        let method = if body.is_some() { "POST" } else { "GET" };
        self.send(method, &path, body)
    }

    /// The documents of a list of expense documents.
    pub(crate) fn expenses(&mut self, query: &str) -> Vec<Value> {
        let body = self.financial("expense", query, None).value();
        body["content"]
            .as_array()
            .unwrap_or_else(|| panic!("{body}"))
            .clone()
    }

    /// Acknowledges expense documents; returns the codes.
    pub(crate) fn acknowledge(&mut self, ids: &[&str], system_id: &str) -> Vec<u64> {
        let body = json!({"ids": ids, "systemId": system_id});
        codes(&self.financial("expense", "/acknowledgements", Some(body)))
    }

    /// Confirms the posting of an expense document; returns the reply's item.
    pub(crate) fn confirm(&mut self, id: &str, success: bool, changes: Value) -> Value {
        let posting = json!({"companyId": "FB-ACME", "documentNumber": "JE-1", "fiscalYear": 2026,
            "paymentRelevantLineItems": [], "postingDate": "2026-03-04"});
        let message = json!({"messageId": "FB-MAP", "messageLanguage": "EN",
            "messageShortText": "Not mapped.",
            "messageLongText": "", "concurTransactionLineItemId": ""});
        let mut item = json!({"docId": id,
            "overallPostingStatusCode": if success { "success" } else { "error" },
            "postingDocs": if success { json!([posting]) } else { json!([]) },
            "systemMessages": if success { json!([]) } else { json!([message]) }});
        for (name, value) in changes.as_object().cloned().unwrap_or_default() {
            item[name] = value;
        }
        let body = json!({"systemId": "FRESHBOOKS-01", "postingConfirmations": [item]});
        self.financial("expense", "/postingconfirmations", Some(body))
            .value()[0]
            .clone()
    }

    /// Creates a vendor at address MAIN.
    pub(crate) fn vendor(&mut self, code: &str) {
        let body = json!({"Vendor": [vendor(code)]});
        let reply = self
            .send("POST", "/api/v3.1/invoice/vendors", Some(body))
            .value();
        assert_eq!(
            reply["Vendor"][0]["StatusList"][0]["Type"], "SUCCESS",
            "{reply}"
        );
    }

    /// Posts a payment request and returns the answer.
    pub(crate) fn post(&mut self, body: Value) -> Response {
        self.send("POST", "/api/v3.0/invoice/paymentrequest", Some(body))
    }

    /// Posts an acceptable payment request with changes; returns its id.
    pub(crate) fn posted(&mut self, changes: Value) -> String {
        let reply = self.post(payment_request(changes));
        let body = reply.value();
        body["ID"]
            .as_str()
            .unwrap_or_else(|| panic!("{body}"))
            .to_owned()
    }

    /// A payment request as GET shows it.
    pub(crate) fn shown(&mut self, id: &str) -> Value {
        self.send(
            "GET",
            &format!("/api/v3.0/invoice/paymentrequest/{id}"),
            None,
        )
        .value()
    }
}

/// The codes of a reply's items.
pub(crate) fn codes(reply: &Response) -> Vec<u64> {
    let body = reply.value();
    let items = body
        .as_array()
        .unwrap_or_else(|| panic!("{} {body}", reply.status));
    items
        .iter()
        .filter_map(|item| item["code"].as_u64())
        .collect()
}

/// An acceptable vendor record.
pub(crate) fn vendor(code: &str) -> Value {
    json!({"VendorCode": code, "AddressCode": "MAIN", "VendorName": "Northwind Paper Ltd",
        "Address1": "12 Mill Lane",
        "City": "Toronto", "State": "ON", "PostalCode": "M5V 2T6", "CountryCode": "CA",
        "CurrencyCode": "CAD",
        "PaymentTerms": "30", "Approved": "Y"})
}

/// An acceptable payment request for vendor FB-1, with changes.
pub(crate) fn payment_request(changes: Value) -> Value {
    let mut body = json!({"Name": "INV-2093 Northwind Paper", "InvoiceNumber": "2093",
        "InvoiceDate": "2026-02-27",
        "InvoiceAmount": "1130.00", "CurrencyCode": "CAD", "CountryCode": "CA",
        "TaxAmount": "130.00",
        "PaymentDueDate": "2026-03-29", "EmployeeLoginId": "ap.clerk@example.test",
        "Custom5": "FB:778120",
        "VendorRemitToIdentifier": {"VendorCode": "FB-1", "AddressCode": "MAIN"},
        "LineItems": [
            {"Description": "Copy paper", "ExpenseTypeCode": "OFFSP", "Quantity": "10",
                "UnitPrice": "60.00",
             "TotalPrice": "600.00", "Tax": "78.00",
             "Allocations": [{"Percentage": "60", "Custom1": "PRJ_A"}, {"Percentage": "40",
             "Custom1": "PRJ_B"}]},
            {"Description": "Toner", "ExpenseTypeCode": "OFFSP", "Quantity": "4",
                "UnitPrice": "100.00",
             "Tax": "52.00", "Allocations": [{"Percentage": "100", "Custom1": "PRJ_A"}]}]});
    for (name, value) in changes.as_object().cloned().unwrap_or_default() {
        body[name] = value;
    }
    body
}
