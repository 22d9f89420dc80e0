//! What payment confirmations promise and refuse, and each switch.

use serde_json::{Value, json};

use super::PREFIX;
use crate::test_support::concur::ConcurHarness;

impl ConcurHarness {
    fn confirm_paid(&mut self, items: Value) -> (u16, Value) {
        let answer = self.send("POST", &format!("{PREFIX}/bulkUpdate"), Some(items));
        (answer.status, answer.value())
    }

    fn payments(&mut self, method: &str, query: &str) -> Vec<Value> {
        let answer = self.send(method, &format!("{PREFIX}?{query}"), None);
        let body = answer.value();
        let rows = body["payments"].as_array();
        rows.unwrap_or_else(|| panic!("{body}")).clone()
    }

    /// A payment request that was extracted.
    fn extracted(&mut self) -> String {
        let id = self.posted(json!({}));
        self.machine.approve_payment_request(&id, self.now);
        assert!(self.machine.extract_payment_request(&id, self.now));
        id
    }
}

fn harness() -> ConcurHarness {
    let mut harness = ConcurHarness::new();
    harness.vendor("FB-1");
    harness
}

fn paid(id: &str) -> Value {
    json!({"requestId": id, "paymentStatus": "PAID", "paymentMethodType": "CLIENT",
        "paymentStatusDate": "2026-03-04", "invoiceAmount": 1130.00, "paymentAmount": 1130.00})
}

fn void(id: &str) -> Value {
    json!({"requestId": id, "paymentStatus": "VOID"})
}

#[test]
fn only_what_was_extracted_is_confirmed() {
    let mut harness = harness();
    let id = harness.posted(json!({}));
    let (status, body) = harness.confirm_paid(json!([paid(&id)]));
    assert_eq!((status, &body["status"]), (400, &json!("BAD_REQUEST")));
    let message = body["failedPayments"][0]["errorMessage"].as_str();
    assert!(
        message.is_some_and(|text| text.contains("Extracted")),
        "{body}"
    );
    harness.machine.extract_payment_request(&id, harness.now);
    let (status, body) = harness.confirm_paid(json!([paid(&id)]));
    assert_eq!(
        (status, &body["status"], &body["successCount"]),
        (200, &json!("OK"), &json!(1))
    );
    let record = harness.machine.payment_request(&id).expect("a record");
    assert_eq!(record.payment_status, "R_PAID");
    let rows = harness.payments("GET", "invoiceNumber=2093&vendorCode=FB-1");
    assert_eq!(
        (&rows[0]["requestId"], &rows[0]["paymentStatus"]),
        (&json!(id), &json!("PAID"))
    );
}

#[test]
fn a_posted_document_makes_its_request_extracted() {
    let mut harness = harness();
    let id = harness.posted(json!({}));
    harness.machine.approve_payment_request(&id, harness.now);
    let document = harness.financial("invoice", "", None).value()["content"][0].clone();
    let fis_id = document["id"].as_str().unwrap_or_default().to_owned();
    let shown = harness.shown(&id);
    assert_eq!(shown["ExtractDate"], Value::Null);
    let body = json!({"ids": [fis_id], "systemId": "X"});
    harness.financial("invoice", "/acknowledgements", Some(body));
    let posting = json!({"companyId": "A", "documentNumber": "1", "fiscalYear": 2026,
        "paymentRelevantLineItems": [], "postingDate": "2026-03-04"});
    let body = json!({"systemId": "X", "postingConfirmations": [{"docId": fis_id,
        "overallPostingStatusCode": "success", "postingDocs": [posting],
        "systemMessages": []}]});
    let confirmed = harness
        .financial("invoice", "/postingconfirmations", Some(body))
        .value();
    assert_eq!(confirmed[0]["code"], 0, "{confirmed}");
    assert!(harness.shown(&id)["ExtractDate"].is_string());
    let digest = format!("/api/v3.0/invoice/paymentrequestdigests/{id}");
    assert!(harness.send("GET", &digest, None).value()["ExtractedDate"].is_string());
}

#[test]
fn items_fail_one_by_one() {
    let mut harness = harness();
    let id = harness.extracted();
    let other_amount = json!({"requestId": id, "invoiceAmount": "1.00"});
    let items = json!([paid("unknown"), other_amount, paid(&id)]);
    let (status, body) = harness.confirm_paid(items);
    assert_eq!((status, &body["status"]), (207, &json!("MULTI_STATUS")));
    assert_eq!(
        (&body["successCount"], &body["failureCount"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(body["failedPayments"][0]["requestId"], "unknown");
    assert_eq!(body["failedPayments"][0]["paymentStatus"], "PAID");
    harness.machine.config.payment_confirmations.short_failures = true;
    let (_, body) = harness.confirm_paid(json!([paid("unknown")]));
    assert_eq!(body["failedPayments"][0]["paymentStatus"], Value::Null);
}

#[test]
fn wrong_items_and_bodies_are_refused() {
    let mut harness = harness();
    let id = harness.extracted();
    for wrong in [
        json!({"paymentStatus": "PAID"}),
        json!({"invoiceNumber": "2093"}),
        json!({"requestId": id, "paymentStatus": "PAYED"}),
        json!({"requestId": id, "paymentMethodType": "CASH"}),
        json!({"requestId": id, "paymentStatusDate": "04.03.2026"}),
        json!({"requestId": id, "paymentAmount": "much"}),
        json!({"requestId": id, "paymentstatus": "PAID"}),
        json!({"requestId": id, "notesToSupplier": "x".repeat(501)}),
        json!({"requestId": id, "customFields": {"custom25": "x"}}),
        json!({"requestId": id, "checkNumbers": "1"}),
        json!("x"),
    ] {
        let (status, body) = harness.confirm_paid(json!([wrong.clone()]));
        assert_eq!((status, &body["failureCount"]), (400, &json!(1)), "{wrong}");
    }
    assert_eq!(harness.confirm_paid(json!({"payments": []})).0, 400);
    assert_eq!(harness.send("PUT", PREFIX, None).status, 405);
    assert_eq!(
        harness.send("GET", &format!("{PREFIX}/x"), None).status,
        404
    );
    assert!(harness.machine.invoice_payments().is_empty());
}

#[test]
fn number_and_vendor_must_name_one_request() {
    let mut harness = harness();
    let id = harness.extracted();
    let by_number = json!([{"invoiceNumber": "2093", "vendorCode": "fb-1",
        "vendorAddressCode": "MAIN"}]);
    assert_eq!(harness.confirm_paid(by_number.clone()).0, 200);
    assert_eq!(harness.machine.invoice_payments()[0].request_id, id);
    harness.extracted();
    let (_, body) = harness.confirm_paid(by_number);
    let message = body["failedPayments"][0]["errorMessage"].as_str();
    assert!(
        message.is_some_and(|text| text.contains("More than one")),
        "{body}"
    );
}

#[test]
fn payments_are_taken_back() {
    for is_a_row in [false, true] {
        let mut harness = harness();
        harness.machine.config.payment_confirmations.void_is_a_row = is_a_row;
        let id = harness.extracted();
        assert_eq!(harness.confirm_paid(json!([void(&id)])).0, 400);
        harness.confirm_paid(json!([paid(&id)]));
        assert_eq!(harness.confirm_paid(json!([void(&id)])).0, 200);
        let record = harness.machine.payment_request(&id).expect("a record");
        assert_eq!(record.payment_status, "R_NOTP");
        let rows = harness.payments("GET", "");
        let expected: &[&str] = if is_a_row {
            &["PAID", "VOID"]
        } else {
            &["VOID"]
        };
        let statuses: Vec<&Value> = rows.iter().map(|row| &row["paymentStatus"]).collect();
        assert_eq!(statuses, expected);
        harness.machine.config.payment_confirmations.void_of_unpaid = true;
        assert_eq!(harness.confirm_paid(json!([void(&id)])).0, 200);
    }
}

#[test]
fn a_second_confirmation_pays_twice_or_fails() {
    let mut harness = harness();
    let id = harness.extracted();
    harness.confirm_paid(json!([paid(&id)]));
    assert_eq!(harness.confirm_paid(json!([paid(&id)])).0, 200);
    assert_eq!(harness.machine.invoice_payments().len(), 2);
    harness.machine.config.payment_confirmations.paid_twice = false;
    assert_eq!(harness.confirm_paid(json!([paid(&id)])).0, 400);
}

#[test]
fn the_post_shows_payments_of_concur_once_and_the_history_always() {
    let mut harness = harness();
    let id = harness.extracted();
    assert!(harness.machine.pay_in_concur(&id, "ACH", harness.now));
    assert_eq!(harness.payments("GET", "").len(), 1);
    harness
        .machine
        .config
        .payment_confirmations
        .history_shows_new = false;
    assert_eq!(harness.payments("GET", "").len(), 0);
    let fetched = harness.payments("POST", "");
    assert_eq!(fetched[0]["paymentMethodType"], "ACH");
    assert_eq!(harness.payments("POST", "").len(), 0);
    assert_eq!(harness.payments("GET", "").len(), 1);
    harness.machine.config.payment_confirmations.bare_list = true;
    assert!(harness.send("GET", PREFIX, None).value().is_array());
}

#[test]
fn the_history_is_filtered_and_paged() {
    let mut harness = harness();
    for _ in 0..3 {
        let id = harness.extracted();
        harness.confirm_paid(json!([paid(&id)]));
    }
    for (query, rows) in [
        ("limit=2", 2),
        ("limit=2&page=2", 1),
        ("limit=2&page=3", 0),
        ("vendorName=Northwind%20Paper%20Ltd&addressCode=main", 3),
        ("vendorCode=FB-2", 0),
        ("invoiceNumber=2094", 0),
        ("payStatusFromDate=2026-03-04&payStatusToDate=2026-03-04", 3),
        ("payStatusFromDate=2026-03-05", 0),
        ("invoiceToDate=2026-02-26", 0),
        ("invoiceFromDate=2026-02-27", 3),
    ] {
        assert_eq!(harness.payments("GET", query).len(), rows, "{query}");
    }
    for wrong in [
        "limit=501",
        "limit=0",
        "page=0",
        "requestId=x",
        "invoiceToDate=x",
    ] {
        let answer = harness.send("GET", &format!("{PREFIX}?{wrong}"), None);
        assert_eq!(answer.status, 400, "{wrong}");
    }
}

#[test]
fn reading_and_writing_have_scopes_of_their_own() {
    let mut harness = harness();
    let id = harness.extracted();
    harness.machine.config.apps[0].scopes = vec!["invoice.paymentconfirmation.read".into()];
    harness.sign_in();
    assert_eq!(harness.payments("GET", "").len(), 0);
    assert_eq!(harness.confirm_paid(json!([paid(&id)])).0, 403);
    harness.machine.config.apps[0].scopes = vec!["invoice.paymentconfirmation.write".into()];
    harness.sign_in();
    assert_eq!(harness.send("GET", PREFIX, None).status, 403);
    assert_eq!(harness.confirm_paid(json!([paid(&id)])).0, 200);
}
