//! Expense played from the outside: calls of a connector, and what people do between them.

mod documents;
mod entries;
mod expenses;
mod quick_expenses;
mod reports;
mod workflow;

use serde_json::{Value, json};

use crate::http::Response;
use crate::test_support::concur::ConcurHarness;

/// The UUID of Sam Doe, who is paid in Canadian dollars.
const SAM: &str = "4f2c1007-7b7e-4a3e-93a1-55b1c2b7f001";

/// Sam's login.
const LOGIN: &str = "sam.doe@example.test";

const POLICY: &str = "0A1B2C3D4E5F60718293A4B5C6D7E8F9";

/// The encrypted id of what the company pays.
const COMPANY_PAID: &str = "gWqA7sT0y$pCompanyPaidTypeIdTwo";

/// The encrypted id of what the employee pays.
const CASH: &str = "gWqA7sT0y$pCashPaymentTypeIdOne";

/// The call answers with that status, and what it answers.
fn expect(answer: &Response, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.value());
    answer.value()
}

fn new_report(changes: Value) -> Value {
    merged(
        json!({"name": "FreshBooks 2026-02", "policyId": POLICY}),
        changes,
    )
}

fn new_entry(report: &str, changes: Value) -> Value {
    let body = json!({"ReportID": report, "ExpenseTypeCode": "TAXIX",
        "TransactionDate": "2026-02-11", "PaymentTypeID": COMPANY_PAID,
        "TransactionAmount": 40.00, "TransactionCurrencyCode": "CAD",
        "Description": "Taxi to client"});
    merged(body, changes)
}

fn merged(mut body: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().cloned().unwrap_or_default() {
        body[name] = value;
    }
    body
}

impl ConcurHarness {
    fn post_report(&mut self, changes: Value) -> Response {
        let path = format!("/expensereports/v4/users/{SAM}/context/TRAVELER/reports");
        self.send("POST", &path, Some(new_report(changes)))
    }

    /// Creates a report of Sam's; returns its id.
    fn report(&mut self) -> String {
        let answer = self.post_report(json!({}));
        let uri = expect(&answer, 201)["uri"]
            .as_str()
            .expect("a URI")
            .to_owned();
        uri.rsplit('/').next().expect("an id").to_owned()
    }

    fn post_entry(&mut self, report: &str, changes: Value) -> Response {
        let path = format!("/api/v3.0/expense/entries?user={LOGIN}");
        self.send("POST", &path, Some(new_entry(report, changes)))
    }

    /// Adds an entry; returns its v3 id.
    fn entry(&mut self, report: &str, changes: Value) -> String {
        let answer = self.post_entry(report, changes);
        expect(&answer, 200)["ID"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    fn entry_call(&mut self, method: &str, id: &str, body: Option<Value>) -> Response {
        let path = format!("/api/v3.0/expense/entries/{id}?user={LOGIN}");
        self.send(method, &path, body)
    }

    /// An entry as GET shows it.
    fn shown_entry(&mut self, id: &str) -> Value {
        let answer = self.entry_call("GET", id, None);
        expect(&answer, 200)
    }

    /// Calls below a report of Sam's, as a traveller.
    fn of_sam(&mut self, method: &str, rest: &str, body: Option<Value>) -> Response {
        let path = format!("/expensereports/v4/users/{SAM}/context/TRAVELER/reports/{rest}");
        self.send(method, &path, body)
    }

    /// Calls below a report, as the company.
    fn of_company(&mut self, method: &str, rest: &str, body: Option<Value>) -> Response {
        let path = format!("/expensereports/v4/reports/{rest}");
        self.send(method, &path, body)
    }

    fn submit(&mut self, report: &str) -> Response {
        let path = format!("/expensereports/v4/users/{SAM}/reports/{report}/submit");
        self.send("PATCH", &path, None)
    }

    /// A token of a user with those names on the token endpoint.
    fn sign_in_as(&mut self, login: &str) {
        self.machine.config.employees[0].login_id = login.to_owned();
        let reply = self.token(&[
            ("grant_type", "password"),
            ("username", login),
            ("password", "sandbox-password"),
        ]);
        let body = expect(&reply, 200);
        self.token = body["access_token"].as_str().expect("a token").to_owned();
    }

    fn switch(&mut self, change: impl FnOnce(&mut crate::concur::ExpenseConfig)) {
        change(&mut self.machine.config.expense);
    }
}
