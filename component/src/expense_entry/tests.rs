use alloc::vec;

use proptest::prelude::*;
use serde_json::json;

use super::unseen::differences;
use super::*;
use crate::concur::read_entry;
use crate::error_bodies::tests::answer;
use crate::marker::{holds_marker, marker_for};
use crate::settings::tests::with_expenses;

const EXPENSE: &str = r#"{"id": 991273, "staffid": 1, "categoryid": 3344, "date": "2026-02-11",
    "vendor": "City Cabs", "notes": "To the client", "modern_projectid": 5512,
    "amount": {"amount": "40.00", "code": "CAD"}, "taxName1": "HST",
    "taxAmount1": {"amount": "4.60", "code": "CAD"}}"#;

fn marker() -> String {
    let object = crate::contract::types::ObjectRef::freshbooks("expense", "991273");
    marker_for("acme", &object, "expense-entry")
}

fn translated(settings: &str, json: &str) -> Result<Translated, Vec<Problem>> {
    let raw = serde_json::from_str(json).expect("is JSON");
    let expense = freshbooks::Expense::read(raw).expect("is an object");
    translate(
        &expense,
        &with_expenses(settings),
        &BTreeMap::from([("known".to_string(), "CODE".to_string())]),
        Some("Travel"),
        &marker(),
    )
}

fn codes(settings: &str, from: &str, to: &str) -> Vec<String> {
    let problems = translated(settings, &EXPENSE.replace(from, to)).expect_err("has problems");
    problems.into_iter().map(|problem| problem.code).collect()
}

#[test]
fn a_project_that_the_settings_do_not_name_has_the_code_of_its_list_item() {
    let json = EXPENSE.replace("5512", "\"known\"");
    let entry = translated(r#""project_field": "Custom3","#, &json).expect("translates");
    assert_eq!(entry.text("Custom3"), "CODE");
}

#[test]
fn an_expense_becomes_an_entry_with_its_marker_in_the_description() {
    let entry = translated("", EXPENSE).expect("translates");
    let body: Value = serde_json::from_str(&entry.to_create("9E44")).expect("is JSON");
    let description = format!("City Cabs: To the client {}", marker());
    assert_eq!(
        body,
        json!({"ReportID": "9E44", "ExpenseTypeCode": "TAXIX", "TransactionDate": "2026-02-11",
            "PaymentTypeID": "gWqCompanyPaid", "TransactionAmount": 40.00,
            "TransactionCurrencyCode": "CAD", "Description": description})
    );
    assert_eq!(entry.custom_fields, [""; 0]);
}

#[test]
fn fields_of_the_form_hold_what_the_settings_put_there() {
    let settings = r#""marker_field": "Custom9", "project_field": "Custom3",
        "cost_code_field": "OrgUnit1", "cost_codes": {"3344": "TRAVEL"},
        "tax": {"receipt_with": "T", "receipt_without": "N", "amount_field": "Custom5"},
        "payment_types_by_category": {"3344": "gWqCard"},"#;
    let entry = translated(settings, EXPENSE).expect("translates");
    for (name, text) in [
        ("Custom9", marker().as_str()),
        ("Custom3", "PRJ_A"),
        ("OrgUnit1", "TRAVEL"),
        ("Custom5", "4.60"),
        ("TaxReceiptType", "T"),
        ("PaymentTypeID", "gWqCard"),
        ("Description", "City Cabs: To the client"),
    ] {
        assert_eq!(entry.text(name), text, "{name}");
    }
    let staff = format!(r#"{settings} "payment_types_by_staff": {{"1": "gWqOwn"}},"#);
    let entry = translated(&staff, EXPENSE).expect("translates");
    assert_eq!(entry.text("PaymentTypeID"), "gWqOwn");
}

#[test]
fn what_is_left_out_is_cleared_by_an_update_and_not_created() {
    let settings = r#""project_field": "Custom3","#;
    let json = EXPENSE.replace("5512", "0");
    let entry = translated(settings, &json).expect("translates");
    assert!(!entry.to_create("9E44").contains("Custom3"));
    let update = entry.to_update("9E44", &["Custom3"]);
    let expected = r#"{"ReportID":"9E44","Custom3":"","ExpenseTypeCode":"TAXIX","TransactionDate":"2026-02-11"}"#;
    assert_eq!(update, expected);
}

#[test]
fn a_category_is_known_by_its_name_too() {
    let settings = r#""categories": {" TRAVEL": "AIRFR"},"#;
    let entry = translated(settings, EXPENSE).expect("translates");
    assert_eq!(entry.text(EXPENSE_TYPE), "AIRFR");
}

#[test]
fn what_cannot_be_an_entry_is_said_in_full() {
    let fields = r#""project_field": "Custom3", "cost_code_field": "Custom4","#;
    for (settings, from, to, expected) in [
        ("", "3344", "9", vec!["expense-type-unmapped"]),
        (
            fields,
            "5512",
            "77",
            vec!["project-unmapped", "cost-code-unmapped"],
        ),
        (
            "",
            r#""staffid": 1"#,
            r#""staffid": null"#,
            vec!["id-missing"],
        ),
        ("", "2026-02-11", "", vec!["date-missing"]),
        ("", "2026-02-11", "soon", vec!["not-a-date"]),
        ("", "40.00", "-40.00", vec!["wrong-value"]),
        ("", "40.00", "40.005", vec!["amount-precision"]),
        (
            "",
            r#""code": "CAD""#,
            r#""code": "USD""#,
            vec!["rate-missing"],
        ),
        (
            "",
            r#""code": "CAD""#,
            r#""code": "CHF""#,
            vec!["currency-unmapped"],
        ),
    ] {
        assert_eq!(codes(settings, from, to), expected, "{from} {to}");
    }
}

#[test]
fn what_an_entry_shows_is_compared_as_it_is_shown() {
    let entry = translated(r#""project_field": "Custom3","#, EXPENSE).expect("translates");
    let shown = json!({"ID": "gWr1", "ExpenseTypeCode": "taxix ", "TransactionAmount": 40.0,
        "TransactionDate": "2026-02-11T00:00:00", "TransactionCurrencyCode": "CAD",
        "Description": entry.text(DESCRIPTION),
        "Custom3": {"Code": "PRJ_A", "Type": "List", "Value": "Project A"}});
    let read = |shown: &Value| read_entry(&answer(&shown.to_string())).expect("is read");
    assert_eq!(differences(&read(&shown), &entry), [""; 0]);
    for (name, other) in [
        ("TransactionAmount", json!(40.01)),
        ("TransactionDate", json!("2026-02-12")),
        ("Custom3", Value::Null),
        ("Description", json!("Taxi")),
    ] {
        let mut shown = shown.clone();
        shown[name] = other;
        assert_eq!(differences(&read(&shown), &entry), [name]);
    }
}

proptest! {
    /// Whatever people wrote, the description holds the marker and is not too long.
    #[test]
    fn a_marker_always_fits(vendor in "\\PC{0,90}", notes in "\\PC{0,90}") {
        let expense = json!({"id": 991_273, "staffid": 1, "categoryid": 3344,
            "date": "2026-02-11", "vendor": vendor, "notes": notes,
            "amount": {"amount": "40.00", "code": "CAD"}});
        let entry = translated("", &expense.to_string()).expect("translates");
        let description = entry.text(DESCRIPTION);
        prop_assert!(description.chars().count() <= DESCRIPTION_CHARS_MAX);
        prop_assert!(description.ends_with(&marker()) && holds_marker(description));
        let body: Value = serde_json::from_str(&entry.to_create("9E44")).expect("is JSON");
        prop_assert_eq!(body["Description"].as_str(), Some(description));
    }
}
