//! Expenses v4, comments, exceptions and configuration.

use serde_json::json;

use super::*;

#[test]
fn expenses_are_listed_shown_changed_and_deleted() {
    let mut harness = ConcurHarness::new();
    let report = harness.report();
    harness.entry(
        &report,
        json!({"Custom1": "PRJ_A", "TransactionCurrencyCode": "USD"}),
    );
    harness.entry(&report, json!({"Custom1": "PRJ_X"}));
    let listed = expect(
        &harness.of_sam("GET", &format!("{report}/expenses"), None),
        200,
    );
    let first = &listed[0];
    assert_eq!(
        first["transactionAmount"],
        json!({"value": 40.0, "currencyCode": "USD"})
    );
    assert_eq!(
        first["postedAmount"],
        json!({"value": 54.0, "currencyCode": "CAD"})
    );
    assert_eq!(
        first["exchangeRate"],
        json!({"value": 1.35, "operation": "MULTIPLY"})
    );
    assert_eq!(first["paymentType"]["id"], "COPD");
    assert!(first.get("customData").is_none());
    let id = first["expenseId"].as_str().expect("an id").to_owned();
    let path = format!("{report}/expenses/{id}");
    let shown = expect(&harness.of_sam("GET", &path, None), 200);
    let item = "2F6B1C1A6A1E4A558D3E0E6F1C2B0000";
    assert_eq!(
        (
            &shown["customData"][0]["value"],
            &shown["customData"][0]["isValid"]
        ),
        (&json!(item), &json!(true))
    );
    let bad = format!(
        "{report}/expenses/{}",
        listed[1]["expenseId"].as_str().expect("an id")
    );
    let bad = expect(&harness.of_sam("GET", &bad, None), 200);
    assert_eq!(
        (
            &bad["customData"][0]["value"],
            &bad["customData"][0]["isValid"]
        ),
        (&json!("PRJ_X"), &json!(false))
    );
    let change = json!({"expenseSource": "OTHER", "businessPurpose": "Taxi home",
        "customData": [{"id": "custom1", "value": "2F6B1C1A6A1E4A558D3E0E6F1C2B0001"}]});
    expect(&harness.of_company("PATCH", &path, Some(change)), 204);
    let record = harness.machine.expense_report(&report).expect("the record");
    assert_eq!(record.entries[0].customs["Custom1"], "PRJ_B");
    assert_eq!(record.entries[0].description, "Taxi home");
    expect(&harness.of_company("DELETE", &path, None), 204);
    expect(&harness.of_sam("GET", &path, None), 404);
    expect(&harness.of_company("DELETE", &path, None), 404);
    expect(&harness.submit(&report), 204);
    let left = format!("{report}/expenses/{}", record.entries[1].expense_id);
    expect(&harness.of_company("DELETE", &left, None), 409);
}

#[test]
fn a_bad_change_leaves_the_expense_as_it_was() {
    let mut harness = ConcurHarness::new();
    let report = harness.report();
    harness.entry(&report, json!({}));
    let before = harness.machine.expense_report(&report).expect("the record");
    let path = format!("{report}/expenses/{}", before.entries[0].expense_id);
    for change in [
        json!({"businessPurpose": "x"}),
        json!({"expenseSource": "FB", "businessPurpose": "x"}),
        json!({"expenseSource": "OTHER", "description": "x"}),
        json!({"expenseSource": "OTHER", "businessPurpose": "x",
            "customData": [{"id": "custom1", "value": "PRJ_A"}]}),
    ] {
        expect(&harness.of_company("PATCH", &path, Some(change)), 400);
    }
    expect(&harness.of_company("PATCH", &path, None), 400);
    assert_eq!(
        harness.machine.expense_report(&report).expect("the record"),
        before
    );
}

#[test]
fn comments_can_be_read_back() {
    let mut harness = ConcurHarness::new();
    let report = harness.report();
    harness.entry(&report, json!({}));
    let record = harness.machine.expense_report(&report).expect("the record");
    let of_entry = format!(
        "{report}/expenses/{}/comments",
        record.entries[0].expense_id
    );
    for path in [format!("{report}/comments"), of_entry.clone()] {
        assert_eq!(
            expect(&harness.of_company("GET", &path, None), 200),
            json!([])
        );
        for text in ["FB:1", "FB:2"] {
            let made = harness.of_company("POST", &path, Some(json!({"comment": text})));
            assert!(expect(&made, 201)["uri"].is_string());
        }
        let read = expect(&harness.of_company("GET", &path, None), 200);
        assert_eq!(
            (&read[1]["comment"], &read[1]["isLatest"]),
            (&json!("FB:2"), &json!(true))
        );
        expect(
            &harness.of_company("PUT", &path, Some(json!({"comment": "FB:3"}))),
            200,
        );
        expect(&harness.of_company("DELETE", &path, None), 204);
        let read = expect(&harness.of_company("GET", &path, None), 200);
        assert_eq!(
            (read.as_array().map(Vec::len), &read[0]["comment"]),
            (Some(1), &json!("FB:1"))
        );
        let long = json!({"comment": "x".repeat(2001)});
        expect(&harness.of_company("POST", &path, Some(long)), 400);
        expect(
            &harness.of_company("POST", &path, Some(json!({"text": "x"}))),
            400,
        );
    }
    expect(&harness.of_sam("GET", &of_entry, None), 200);
    let nowhere = format!("{report}/expenses/0/comments");
    expect(&harness.of_company("GET", &nowhere, None), 404);
}

#[test]
fn exceptions_are_put_and_read() {
    let mut harness = ConcurHarness::new();
    let report = harness.report();
    let path = format!("{report}/exceptions");
    let exception = json!({"exceptionCode": "NOCODE", "exceptionVisibility": "ALL"});
    expect(&harness.of_company("PUT", &path, Some(exception)), 200);
    let read = expect(&harness.of_sam("GET", &path, None), 200);
    assert_eq!(read[0]["exceptionCode"], "NOCODE");
    let wrong = json!({"exceptionCode": "LONGERTHAN", "exceptionVisibility": "NOBODY"});
    let refused = expect(&harness.of_company("PUT", &path, Some(wrong)), 400);
    assert_eq!(
        refused["validationErrors"].as_array().map(Vec::len),
        Some(2)
    );
}

#[test]
fn policies_expense_types_and_payment_types_are_read() {
    let mut harness = ConcurHarness::new();
    let mut get = |path: &str, status: u16| {
        let answer = harness.send("GET", &format!("/expenseconfig/v4/{path}"), None);
        expect(&answer, status)
    };
    let policies = get(&format!("users/{SAM}/policies"), 200);
    assert_eq!(
        (&policies[0]["policyId"], &policies[0]["isDefault"]),
        (&json!(POLICY), &json!(true))
    );
    let types = get(&format!("users/{SAM}/policies/{POLICY}/expensetypes"), 200);
    assert_eq!(
        (&types[0]["expenseTypeId"], &types[0]["isCategory"]),
        (&json!("OFFIC"), &json!(true))
    );
    let payments = get(&format!("users/{SAM}/paymenttypes"), 200);
    assert_eq!(payments[1]["paymentTypeId"], "COPD");
    get(&format!("users/{SAM}/groupconfigs"), 200);
    get(
        "companies/7c0b6d5e-8f3a-4c21-9f6b-2d1e0a9b8c7d/groupconfigs",
        200,
    );
    get("company/another/groupconfigs", 404);
    get(&format!("users/{SAM}/policies/none/expensetypes"), 404);
    get(&format!("users/{SAM}/attendeetypes"), 403);
    get("users/nobody/policies", 400);
}
