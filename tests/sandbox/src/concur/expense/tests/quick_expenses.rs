//! Quick Expense v4.

use serde_json::json;

use super::*;
use crate::http::Request;

fn path(rest: &str) -> String {
    format!("/quickexpense/v4/users/{SAM}/context/TRAVELER/quickexpenses{rest}")
}

fn quick(changes: Value) -> Value {
    let body = json!({"expenseTypeId": "TAXIX", "transactionDate": "2026-02-11",
        "transactionAmount": {"value": 40.0, "currencyCode": "USD"}, "paymentTypeId": "CPAID",
        "vendor": "City Cabs", "comment": "FreshBooks expense 991273",
        "location": {"city": "Toronto", "countryCode": "CA"}});
    merged(body, changes)
}

fn with_image(harness: &ConcurHarness, content_type: &str, bytes: usize) -> Request {
    let mut request = harness.request("POST", &path("/image"), None);
    let head = format!(
        "--b1\r\nContent-Disposition: form-data; name=\"quickExpenseRequest\"\r\n\
         Content-Type: application/json\r\n\r\n{}\r\n--b1\r\nContent-Disposition: form-data; \
         name=\"fileContent\"; filename=\"r\"\r\nContent-Type: {content_type}\r\n\r\n",
        quick(json!({}))
    );
    request.body = [head.as_bytes(), &vec![7; bytes], b"\r\n--b1--\r\n"].concat();
    request.with_header("Content-Type", "multipart/form-data; boundary=b1")
}

#[test]
fn a_quick_expense_is_created_and_cannot_be_read() {
    let mut harness = ConcurHarness::new();
    let made = expect(
        &harness.send("POST", &path(""), Some(quick(json!({})))),
        201,
    );
    let uri = made["quickExpenseIdUri"].as_str().expect("a URI");
    let uri = uri
        .strip_prefix("https://us2.api.concursolutions.com")
        .expect("a path");
    expect(&harness.send("GET", uri, None), 404);
    let records = harness.machine.quick_expenses();
    assert_eq!(
        (records.len(), &records[0].body["vendor"]),
        (1, &json!("City Cabs"))
    );
}

#[test]
fn bad_quick_expenses_are_refused() {
    let mut harness = ConcurHarness::new();
    for changes in [
        json!({"expenseTypeId": "NONE"}),
        json!({"expenseTypeId": null}),
        json!({"transactionAmount": {"value": "40", "currencyCode": "USD"}}),
        json!({"transactionAmount": {"value": 40}}),
        json!({"transactionDate": "02/11/2026"}),
        json!({"paymentTypeId": "COPD"}),
        json!({"custom1": "PRJ_A"}),
        json!({"location": null}),
    ] {
        let answer = harness.send("POST", &path(""), Some(quick(changes.clone())));
        assert_eq!(answer.status, 400, "{changes}");
    }
    assert!(harness.machine.quick_expenses().is_empty());
    harness.switch(|switches| switches.quick_location_optional = true);
    let without = quick(json!({"location": null, "expenseTypeId": "UNDEF"}));
    expect(&harness.send("POST", &path(""), Some(without)), 201);
}

#[test]
fn images_have_a_type_and_a_size() {
    let mut harness = ConcurHarness::new();
    harness.switch(|switches| switches.quick_image_bytes_max = 100);
    for (content_type, bytes, status) in [
        ("image/png", 100, 201),
        ("application/pdf", 1, 201),
        ("image/png", 101, 400),
        ("image/png", 0, 400),
        ("text/plain", 10, 400),
    ] {
        let request = with_image(&harness, content_type, bytes);
        let answer = harness.machine.handle(&request, harness.now, 0);
        assert_eq!(answer.status, status, "{content_type} {bytes}");
    }
    let image = harness.machine.quick_expenses()[0].image.clone();
    assert_eq!(image, Some(("image/png".to_owned(), 100)));
    expect(
        &harness.send("POST", &path("/image"), Some(quick(json!({})))),
        400,
    );
}

#[test]
fn a_user_gets_120_calls_in_five_minutes() {
    let mut harness = ConcurHarness::new();
    for _ in 0..120 {
        expect(
            &harness.send("POST", &path(""), Some(quick(json!({})))),
            201,
        );
    }
    expect(
        &harness.send("POST", &path(""), Some(quick(json!({})))),
        429,
    );
    let zoe = path("").replace("1007", "1012");
    expect(&harness.send("POST", &zoe, Some(quick(json!({})))), 201);
    harness.now += 300_000;
    expect(
        &harness.send("POST", &path(""), Some(quick(json!({})))),
        201,
    );
}
