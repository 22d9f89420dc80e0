//! Expense Entries v3, and each of its switches.

use serde_json::json;

use super::*;
use crate::concur::{UnknownFields, UnknownListCode, WriteOnReadOnly};

#[test]
fn an_entry_is_written_as_text_and_read_as_objects() {
    let mut harness = ConcurHarness::new();
    let report = harness.report();
    let id = harness.entry(
        &report,
        json!({"Comment": "FreshBooks expense 991273",
        "Custom1": "PRJ_A", "Custom3": "FB:991273"}),
    );
    let shown = harness.shown_entry(&id);
    let project = json!({"Code": "PRJ_A", "ListItemID": "2F6B1C1A6A1E4A558D3E0E6F1C2B0000",
        "Type": "List", "Value": "Project A"});
    assert_eq!(shown["Custom1"], project);
    assert_eq!(shown["Custom3"]["Value"], "FB:991273");
    assert_eq!(
        (&shown["Custom2"], &shown["Comment"]),
        (&json!(null), &json!(""))
    );
    assert_eq!(shown["TransactionAmount"], json!(40));
    assert_eq!(shown["ReportOwnerID"], LOGIN);
    assert_eq!(shown["ExpenseID"].as_str().map(str::len), Some(32));
    let path = format!("/api/v3.0/expense/entries?user={LOGIN}&reportID={report}");
    let listed = expect(&harness.send("GET", &path, None), 200);
    assert_eq!(listed["Items"], json!([shown]));
    let change = json!({"Description": "Taxi home", "TransactionAmount": 41.5, "Custom1": "PRJ_B"});
    expect(&harness.entry_call("PUT", &id, Some(change)), 204);
    let shown = harness.shown_entry(&id);
    assert_eq!(
        (&shown["Description"], &shown["Custom1"]["Code"]),
        (&json!("Taxi home"), &json!("PRJ_B"))
    );
    assert_eq!(shown["PostedAmount"], json!(41.5));
    assert_eq!(shown["Custom3"]["Value"], "FB:991273");
}

#[test]
fn foreign_amounts_have_the_rate_of_the_company_or_one_and_keep_it() {
    let mut harness = ConcurHarness::new();
    let report = harness.report();
    let dollars = harness.entry(&report, json!({"TransactionCurrencyCode": "USD"}));
    let shown = harness.shown_entry(&dollars);
    assert_eq!(
        (&shown["ExchangeRate"], &shown["PostedAmount"]),
        (&json!(1.35), &json!(54))
    );
    let change = json!({"TransactionCurrencyCode": "CAD"});
    expect(&harness.entry_call("PUT", &dollars, Some(change)), 204);
    assert_eq!(harness.shown_entry(&dollars)["ExchangeRate"], json!(1.35));
    let francs = harness.entry(&report, json!({"TransactionCurrencyCode": "CHF"}));
    assert_eq!(harness.shown_entry(&francs)["ExchangeRate"], json!(1));
    harness.switch(|switches| switches.missing_rate_refused = true);
    let refused = harness.post_entry(&report, json!({"TransactionCurrencyCode": "CHF"}));
    let message = expect(&refused, 400)["Error"]["Message"].clone();
    assert_eq!(message, "There is no exchange rate for CHF/CAD.");
}

#[test]
fn contested_fields_are_dropped_refused_or_written() {
    let mut harness = ConcurHarness::new();
    let report = harness.report();
    let contested = json!({"VendorDescription": "City Cabs", "IsBillable": true,
        "ExchangeRate": 2, "TransactionCurrencyCode": "USD"});
    let id = harness.entry(&report, contested.clone());
    let shown = harness.shown_entry(&id);
    assert_eq!(
        (&shown["VendorDescription"], &shown["IsBillable"]),
        (&json!(null), &json!(false))
    );
    assert_eq!(shown["ExchangeRate"], json!(1.35));
    harness.switch(|switches| {
        switches.vendor_fields = WriteOnReadOnly::Written;
        switches.is_billable = WriteOnReadOnly::Written;
        switches.exchange_rate = WriteOnReadOnly::Written;
    });
    let id = harness.entry(&report, contested.clone());
    let shown = harness.shown_entry(&id);
    assert_eq!(shown["VendorDescription"], "City Cabs");
    assert_eq!(
        (&shown["ExchangeRate"], &shown["IsBillable"]),
        (&json!(2), &json!(true))
    );
    for name in ["VendorDescription", "IsBillable", "ExchangeRate"] {
        harness.switch(|switches| {
            let refused = |on: bool| {
                if on {
                    WriteOnReadOnly::Refused
                } else {
                    WriteOnReadOnly::Written
                }
            };
            switches.vendor_fields = refused(name == "VendorDescription");
            switches.is_billable = refused(name == "IsBillable");
            switches.exchange_rate = refused(name == "ExchangeRate");
        });
        let answer = harness.post_entry(&report, contested.clone());
        let message = expect(&answer, 400)["Error"]["Message"].clone();
        assert_eq!(message, format!("{name} is read-only."));
    }
}

#[test]
fn an_unknown_list_code_is_stored_as_bad_data_or_by_switch_refused() {
    let mut harness = ConcurHarness::new();
    let report = harness.report();
    let id = harness.entry(&report, json!({"Custom1": "PRJ_X"}));
    let bad = json!({"Code": "PRJ_X", "ListItemID": null, "Type": "List", "Value": null});
    assert_eq!(harness.shown_entry(&id)["Custom1"], bad);
    harness.switch(|switches| switches.unknown_list_code = UnknownListCode::Refused);
    expect(
        &harness.post_entry(&report, json!({"Custom1": "PRJ_X"})),
        400,
    );
    expect(
        &harness.post_entry(&report, json!({"Custom1": "PRJ_A"})),
        200,
    );
}

#[test]
fn a_misspelt_field_is_refused_or_by_switch_dropped() {
    let mut harness = ConcurHarness::new();
    let report = harness.report();
    let misspelt = json!({"Custom01": "PRJ_A", "Vendor": "City Cabs"});
    expect(&harness.post_entry(&report, misspelt.clone()), 400);
    harness.switch(|switches| switches.unknown_fields = UnknownFields::Dropped);
    let id = harness.entry(&report, misspelt);
    assert_eq!(harness.shown_entry(&id)["Custom1"], json!(null));
}

#[test]
fn bad_entries_are_refused_and_nothing_is_stored() {
    let mut harness = ConcurHarness::new();
    let report = harness.report();
    for changes in [
        json!({"ReportID": null}),
        json!({"ExpenseTypeCode": "NONE"}),
        json!({"ExpenseTypeCode": "OFFIC"}),
        json!({"PaymentTypeID": "CASH"}),
        json!({"TransactionAmount": "40.00"}),
        json!({"TransactionCurrencyCode": "can"}),
        json!({"TransactionDate": "2026-02-11T00:00:00"}),
        json!({"Description": "x".repeat(65)}),
        json!({"Comment": "x".repeat(501)}),
        json!({"Custom1": {"Code": "PRJ_A"}}),
        json!({"TaxReceiptType": "X"}),
        json!({"Journey": {"StartLocation": "A", "EndLocation": "B", "UnitOfMeasure": "K"}}),
    ] {
        let answer = harness.post_entry(&report, changes.clone());
        assert_eq!(answer.status, 400, "{changes}");
    }
    expect(&harness.post_entry("0000000000000000AAAA", json!({})), 404);
    let body = Some(new_entry(&report, json!({})));
    let path = "/api/v3.0/expense/entries";
    expect(&harness.send("POST", path, body.clone()), 400);
    let other = format!("{path}?user=zoe.mueller@example.test");
    expect(&harness.send("POST", &other, body.clone()), 404);
    let nobody = format!("{path}?user=nobody@example.test");
    expect(&harness.send("POST", &nobody, body.clone()), 400);
    let gone = format!("{path}?user=lee.gone@example.test");
    expect(&harness.send("POST", &gone, body), 400);
    assert!(
        harness
            .machine
            .expense_report(&report)
            .expect("a report")
            .entries
            .is_empty()
    );
}

#[test]
fn a_report_that_was_ever_submitted_takes_no_entry() {
    let mut harness = ConcurHarness::new();
    let report = harness.report();
    let id = harness.entry(&report, json!({}));
    expect(&harness.submit(&report), 204);
    expect(&harness.post_entry(&report, json!({})), 400);
    expect(
        &harness.entry_call("PUT", &id, Some(json!({"Description": "x"}))),
        400,
    );
    assert!(
        harness
            .machine
            .send_back_expense_report(&report, harness.now)
    );
    let shown = expect(&harness.of_sam("GET", &report, None), 200);
    assert_eq!(
        (&shown["isSubmitted"], &shown["canAddExpense"]),
        (&json!(false), &json!(false))
    );
    expect(&harness.post_entry(&report, json!({})), 400);
    expect(
        &harness.entry_call("PUT", &id, Some(json!({"Description": "x"}))),
        204,
    );
}

#[test]
fn delete_is_deprecated_and_refused_or_by_switch_works() {
    let mut harness = ConcurHarness::new();
    let report = harness.report();
    let id = harness.entry(&report, json!({}));
    expect(&harness.entry_call("DELETE", &id, None), 403);
    harness.switch(|switches| switches.entry_delete_refused = false);
    expect(&harness.entry_call("DELETE", &id, None), 204);
    expect(&harness.entry_call("GET", &id, None), 404);
}

#[test]
fn entries_are_listed_by_page_and_filter() {
    let mut harness = ConcurHarness::new();
    let report = harness.report();
    let other = harness.report();
    for at in 0..5 {
        let cash = if at % 2 == 0 { CASH } else { COMPANY_PAID };
        harness.entry(&report, json!({"PaymentTypeID": cash}));
    }
    harness.entry(&other, json!({"ExpenseTypeCode": "LODNG"}));
    let path = format!("/api/v3.0/expense/entries?user={LOGIN}");
    let count = |harness: &mut ConcurHarness, query: &str| {
        let answer = harness.send("GET", &format!("{path}{query}"), None);
        expect(&answer, 200)["Items"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(count(&mut harness, ""), 6);
    assert_eq!(count(&mut harness, &format!("&reportID={report}")), 5);
    assert_eq!(count(&mut harness, "&expenseTypeCode=LODNG"), 1);
    assert_eq!(
        count(
            &mut harness,
            &format!("&paymentTypeID={}", CASH.replace('$', "%24"))
        ),
        3
    );
    assert_eq!(count(&mut harness, "&isBillable=true"), 0);
    harness.switch(|switches| switches.page_max = 2);
    assert_eq!(count(&mut harness, "&limit=50"), 2);
    let stale = harness.request("GET", &path, None);
    let answer = harness.machine.handle(&stale, harness.now, 1_000).value();
    assert_eq!(answer["Items"], json!([]));
    expect(
        &harness.send("GET", &format!("{path}&offset=%25"), None),
        400,
    );
    expect(&harness.send("PATCH", &path, None), 405);
}

#[test]
fn payment_types_are_listed_in_v3_for_those_who_still_have_the_scope() {
    let mut harness = ConcurHarness::new();
    let path = format!("/api/v3.0/expense/expensegroupconfigurations?user={LOGIN}");
    expect(&harness.send("GET", &path, None), 403);
    harness.machine.config.apps[0].scopes.push("CONFIG".into());
    harness.sign_in();
    let groups = expect(&harness.send("GET", &path, None), 200);
    assert_eq!(groups["Items"][0]["PaymentTypes"][1]["ID"], COMPANY_PAID);
}
