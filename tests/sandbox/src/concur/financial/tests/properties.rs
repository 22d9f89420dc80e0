//! What holds for every document. Amounts are read as they are written, digit by digit.

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::checks::{check_expense, check_invoice, check_schema};
use crate::concur::financial::*;
use crate::test_support::concur::ConcurHarness;

const CURRENCIES: [&str; 6] = ["CAD", "EUR", "USD", "JPY", "KWD", "CLP"];

fn long() -> Filing {
    Filing {
        oddities: vec![Oddity::LongDigits, Oddity::ZeroExponent],
        ..Filing::default()
    }
}

fn report_options() -> impl Strategy<Value = ReportOptions> {
    let shapes = proptest::collection::vec(proptest::sample::select(&Shape::ALL[..]), 0..6);
    let advance = proptest::option::of(any::<bool>());
    let odd = proptest::bool::weighted(0.2);
    let all = (any::<u64>(), 0..CURRENCIES.len(), shapes, advance, odd);
    all.prop_map(|(seed, currency, entries, advance, odd)| ReportOptions {
        entity: EntityOptions::default(),
        currency: Some(CURRENCIES[currency].to_owned()),
        entries,
        advance: advance.map(|returned| AdvanceUse { id: None, returned }),
        seed: Some(seed),
        filing: if odd { long() } else { Filing::default() },
    })
}

pub(crate) fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_report_adds_up(options in report_options()) {
        let mut harness = ConcurHarness::new();
        let filed = harness.machine.approve_report(&options, harness.now);
        let text = harness.machine.document_text(&filed.document_id).expect("the document");
        check_expense(&text, filed.approved);
        check_schema(&harness.financial("expense", "", None).value());
        let again = Resubmission { change: Change::Amounts, even_if_not_recalled: true,
            ..Resubmission::default() };
        let second = harness.machine.resubmit(&filed.source_id, &again,
            harness.now).expect("filed");
        let text = harness.machine.document_text(&second.document_id).expect("the document");
        check_expense(&text, second.approved);
        prop_assert!(second.approved > filed.approved);
    }

    #[test]
    fn every_invoice_adds_up(seed: u64, at in 0..CURRENCIES.len(), credit_memo: bool, odd: bool) {
        let mut harness = ConcurHarness::new();
        let options = InvoiceOptions {
            currency: Some(CURRENCIES[at].to_owned()),
            credit_memo,
            seed: Some(seed),
            filing: if odd { long() } else { Filing::default() },
            ..InvoiceOptions::default()
        };
        let filed = harness.machine.approve_invoice(&options, harness.now);
        prop_assert_eq!(filed.approved.is_sign_negative(), credit_memo);
        let text = harness.machine.document_text(&filed.document_id).expect("the document");
        check_invoice(&text, filed.approved);
        check_schema(&harness.financial("invoice", "", None).value());
    }

    #[test]
    fn every_payment_request_that_adds_up_becomes_an_invoice_that_does(
        prices in proptest::collection::vec((1u32..100_000, 1u32..50, 0u32..5_000), 1..5),
        shipping in 0u32..3_000,
    ) {
        let mut harness = ConcurHarness::new();
        harness.vendor("FB-1");
        let money = |cents: u32| Decimal::new(i64::from(cents), 2);
        let mut total = money(shipping);
        let mut lines = Vec::new();
        for (price, quantity, tax) in prices {
            total += money(price) * Decimal::from(quantity) + money(tax);
            lines.push(json!({"Description": "x", "ExpenseTypeCode": "OFFSP",
                "Quantity": quantity.to_string(),
                "UnitPrice": money(price).to_string(), "Tax": money(tax).to_string(),
                "Allocations": [
                    {"Percentage": "33.33", "Custom1": "A"}, {"Percentage": "66.67",
                        "Custom1": "B"}]}));
        }
        let id = harness.posted(json!({"InvoiceAmount": total.to_string(), "TaxAmount": null,
            "ShippingAmount": money(shipping).to_string(), "LineItems": lines}));
        let filed = harness.machine.approve_payment_request_with(&id, &Filing::default(),
            harness.now);
        let filed = filed.expect("filed");
        prop_assert_eq!(filed.approved, total);
        check_invoice(&harness.machine.document_text(&filed.document_id).expect("the document"),
            total);
    }

    #[test]
    fn every_advance_agrees_with_its_side(seed: u64, foreign: bool, returned: bool) {
        let mut harness = ConcurHarness::new();
        let options = AdvanceOptions { foreign, returned, seed: Some(seed),
            ..AdvanceOptions::default() };
        let filed = harness.machine.issue_cash_advance(&options, harness.now);
        let reply = harness.financial("cashadvance", "", None).value();
        check_schema(&reply);
        let row = &reply["content"][0]["document"]["journalData"][0];
        let amount: Decimal = row["amount"].to_string().parse().expect("an amount");
        prop_assert_eq!(amount, filed.approved);
        prop_assert_eq!(row["debitOrCredit"].as_str(), Some(if returned { "CR" } else { "DR" }));
        prop_assert_eq!(amount.is_sign_negative(), returned);
    }

    #[test]
    fn every_payroll_adds_up(seed: u64) {
        let mut harness = ConcurHarness::new();
        let options = PayrollOptions { seed: Some(seed), ..PayrollOptions::default() };
        let filed = harness.machine.run_payroll(&options, harness.now).expect("filed");
        let reply = harness.financial("payroll", "", None).value();
        check_schema(&reply);
        let entries = reply["content"][0]["document"]["expenseEntry"].as_array();
        let entries = entries.cloned().unwrap_or_default();
        let wages = entries.iter().map(|entry| &entry["payrollData"][0]);
        let amounts = wages.map(|wage| wage["entryApprovedAmount"].to_string());
        let total: Decimal = amounts.map(|text| text.parse::<Decimal>().expect("an amount")).sum();
        prop_assert_eq!(total, filed.approved);
    }
}

/// A generated report with an oddity, and what was approved.
fn odd_text(oddity: Oddity) -> (String, Decimal) {
    let mut harness = ConcurHarness::new();
    let options = ReportOptions {
        currency: Some("CAD".into()),
        entries: vec![Shape::Taxed, Shape::Personal],
        seed: Some(3),
        filing: Filing {
            oddities: vec![oddity],
            ..Filing::default()
        },
        ..ReportOptions::default()
    };
    let filed = harness.machine.approve_report(&options, harness.now);
    let text = harness.machine.document_text(&filed.document_id);
    (text.expect("the document"), filed.approved)
}

fn odd_document(oddity: Oddity) -> Value {
    serde_json::from_str(&odd_text(oddity).0).expect("JSON")
}

fn first_row(document: &Value) -> &Value {
    &document["expenseEntry"][0]["allocation"][0]["journal"][0]
}

#[test]
fn numbers_are_as_odd_as_they_shall_be() {
    let zero = odd_text(Oddity::ZeroExponent).0;
    assert!(zero.contains("\"cashAdvanceReturnsAmount\":0E-8,"));
    let (eight, approved) = odd_text(Oddity::EightDecimals);
    let total = format!("\"totalApprovedAmount\":{approved}000000,");
    assert!(eight.contains(&total), "{eight}");
    let long = odd_text(Oddity::LongDigits).0;
    let digits = long.split("\"amountGross\":").nth(1);
    let digits = digits.and_then(|rest| rest.split(',').next());
    assert_eq!(digits.map(|digits| digits.replace('.', "").len()), Some(23));
    let text = odd_document(Oddity::TextInNumber);
    assert_eq!(first_row(&text)["amountGross"], "n/a");
    let quoted = odd_document(Oddity::QuotedNumbers);
    assert!(first_row(&quoted)["amountGross"].is_string());
    let unbalanced = odd_document(Oddity::Unbalanced)["report"]["totalApprovedAmount"].to_string();
    let unbalanced: Decimal = unbalanced.parse().expect("an amount");
    assert_eq!(unbalanced, approved + Decimal::ONE);
}

#[test]
fn members_are_as_odd_as_they_shall_be() {
    let padded = odd_document(Oddity::PaddedCodes);
    let code = padded["expenseEntry"][0]["expenseTypeCode"].as_str();
    assert_eq!(code.map(str::len), Some(12));
    let empty = odd_document(Oddity::EmptyAccount);
    assert_eq!(first_row(&empty)["journalAccountCode"], "");
    let two = odd_document(Oddity::TwoCurrencies);
    assert_eq!(first_row(&two)["currencyAlphaCode"], "XTS");
    let test = odd_document(Oddity::TestUser);
    assert_eq!(test["report"]["isTest"], "Y");
    assert!(odd_document(Oddity::UnknownFields)["report"]["futureField"].is_array());
    let missing = odd_document(Oddity::MissingBlocks);
    assert!(missing.get("cashAdvanceApplication").is_none());
    assert!(missing["report"].get("requestId").is_none());
    let ordered = odd_text(Oddity::TestUser).0;
    let ordered = ordered.replace("\"isTest\":\"Y\"", "\"isTest\":\"N\"");
    assert_ne!(odd_text(Oddity::Shuffled).0, ordered);
}

#[test]
fn optional_fields_are_null_or_left_out() {
    let mut harness = ConcurHarness::new();
    let filed = harness
        .machine
        .approve_report(&ReportOptions::default(), harness.now);
    let full = harness
        .machine
        .document_text(&filed.document_id)
        .expect("the document");
    harness.machine.config.financial.null_fields = false;
    let lean = harness
        .machine
        .document_text(&filed.document_id)
        .expect("the document");
    assert!(full.contains("\"entryCustom40Value\":null") && !lean.contains("entryCustom40"));
    assert!(full.len() > 2 * lean.len(), "{} {}", full.len(), lean.len());
}

#[test]
fn oddities_of_every_document_are_a_switch() {
    let mut harness = ConcurHarness::new();
    harness.machine.config.financial.always = vec![Oddity::TestUser];
    harness
        .machine
        .approve_report(&ReportOptions::default(), harness.now);
    assert_eq!(harness.expenses("")[0]["document"]["report"]["isTest"], "Y");
}
