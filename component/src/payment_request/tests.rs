use alloc::collections::BTreeMap;
use alloc::vec;

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;
use crate::freshbooks::Kind;
use crate::money;
use crate::settings::tests::MINIMAL;

mod model;

fn settings() -> Settings {
    let by_category = r#""expense_types": {"default": "OFFSP", "by_category": {"3344": "TRAVL"},
    "by_item": {"Toner": "TONER"}}"#;
    let json = MINIMAL.replace(r#""expense_types": {"default": "OFFSP"}"#, by_category);
    Settings::load("acme", &json).expect("is right")
}

fn strict() -> Settings {
    let json = MINIMAL.replace(r#"{"default": "OFFSP"}"#, "{}");
    Settings::load("acme", &json).expect("is right")
}

fn read(kind: Kind, json: &str) -> Document {
    let raw: &RawValue = serde_json::from_str(json).expect("is JSON");
    Document::read(kind, raw).expect("is an object")
}

fn key() -> VendorKey {
    VendorKey {
        code: "FB-C4401".to_string(),
        address: "MAIN".to_string(),
    }
}

fn created(kind: Kind, json: &str) -> Value {
    let translated = translate(
        &read(kind, json),
        &settings(),
        &BTreeMap::new(),
        "mlc-marker",
    )
    .expect("translates");
    serde_json::from_str(&translated.to_create(&key())).expect("is JSON")
}

fn problems(kind: Kind, json: &str, settings: &Settings) -> Vec<Problem> {
    translate(&read(kind, json), settings, &BTreeMap::new(), "mlc-marker")
        .expect_err("has problems")
}

/// An invoice of these lines and this total.
fn invoice(currency: &str, total: &str, discount: &str, lines: &str) -> String {
    let lines = lines.replace('$', &format!(r#""code": "{currency}""#));
    format!(
        r#"{{"id": 778120, "invoice_number": "2093", "customerid": 4401,
        "organization": "Northwind Paper",
            "country": "Canada", "create_date": "2026-02-27", "due_date": "2026-03-29",
            "currency_code": "{currency}",
            "amount": {{"amount": "{total}", "code": "{currency}"}},
            "discount_total": {{"amount": "{discount}", "code": "{currency}"}},
            "lines": [{lines}]}}"#
    )
}

const PAPER: &str = r#"{"name": "Copy paper", "description": "A4", "qty": "10",
"unit_cost": {"amount": "60.00", $},
    "amount": {"amount": "600.00", $}, "taxName1": "HST", "taxAmount1": "13",
    "modern_project_id": 5512}"#;
const TONER: &str = r#"{"name": "Toner", "description": "", "qty": 4,
"unit_cost": {"amount": "100.00", $},
    "amount": {"amount": "400.00", $}, "taxName1": "HST", "taxAmount1": "13",
    "modern_project_id": 5513}"#;

fn both() -> String {
    format!("{PAPER},{TONER}")
}

#[test]
fn an_invoice_becomes_a_payment_request() {
    let expected = json!({
        "Name": "2093 Northwind Paper", "InvoiceNumber": "2093", "InvoiceDate": "2026-02-27",
        "PaymentDueDate": "2026-03-29", "InvoiceAmount": "1130.00", "TaxAmount": "130.00",
            "CurrencyCode": "CAD",
        "CountryCode": "CA", "EmployeeLoginId": "ap.clerk@example.test", "Custom24": "mlc-marker",
        "VendorRemitToIdentifier": {"VendorCode": "FB-C4401", "AddressCode": "MAIN"},
        "LineItems": [
            {"Description": "Copy paper: \
                    A4", "ExpenseTypeCode": "OFFSP", "Quantity": "10", "UnitPrice": "60",
             "TotalPrice": "600.00", "Tax": "78.00", "TaxCode": "H13",
             "Allocations": [{"Percentage": "100", "Custom1": "PRJ_A"}]},
            {"Description": "Toner", "ExpenseTypeCode": "TONER", "Quantity": "4",
                "UnitPrice": "100",
             "TotalPrice": "400.00", "Tax": "52.00", "TaxCode": "H13",
             "Allocations": [{"Percentage": "100", "Custom1": "PRJ_B"}]}]
    });
    assert_eq!(
        created(Kind::Invoice, &invoice("CAD", "1130.00", "0", &both())),
        expected
    );
}

#[test]
fn a_bill_becomes_a_payment_request() {
    let bill = r#"{"id": 91, "vendorid": 17, "vendor": {"vendor_name": "Messe AG", "country": "DE"},
        "bill_number": null, "issue_date": "2026-01-15", "currency_code": "EUR",
        "total_amount": {"amount": "1110.48", "code": "EUR"},
        "lines": [{"categoryid": 3344, "category": "Travel", "description": "Fair\nbooth",
        "quantity": 1,
                   "unit_cost": {"amount": "900.00", "code": "EUR"}, "tax_name1": "GST",
                   "tax_percent1": "5",
                   "tax_name2": "PST", "tax_percent2": "7", "compounded_tax": true},
                  {"categoryid": "9", "category": {"id": 9}, "quantity": "2.5",
                   "unit_cost": {"amount": "39.733", "code": "EUR"}, "amount": {"amount": "99.33",
                   "code": "EUR"}}]}"#;
    let request = created(Kind::Bill, bill);
    assert_eq!(request["InvoiceNumber"], "FB-BILL-91");
    assert_eq!(request["Name"], "FB-BILL-91 Messe AG");
    assert_eq!(
        (&request["InvoiceAmount"], &request["TaxAmount"]),
        (&json!("1110.48"), &json!("111.15"))
    );
    let lines = &request["LineItems"];
    // 5 % of 900 is 45; 7 % of 945, since it is on top of the first, is 66.15.
    assert_eq!(lines[0]["Tax"], "111.15");
    assert_eq!(lines[0]["TaxCode2"], "P7");
    assert_eq!(
        (&lines[0]["ExpenseTypeCode"], &lines[0]["Description"]),
        (&json!("TRAVL"), &json!("Fair booth"))
    );
    assert_eq!(
        (&lines[1]["ExpenseTypeCode"], &lines[1]["Description"]),
        (&json!("OFFSP"), &json!("-"))
    );
    assert_eq!(lines[1]["Allocations"], json!([{"Percentage": "100"}]));
    assert_eq!(lines[1]["TotalPrice"], "99.33");
}

fn line(net: &str, taxes: &str) -> String {
    format!(r#"{{"name": "N", "qty": 1, "unit_cost": {{"amount": "{net}", $}}{taxes}}}"#)
}

const HST: &str = r#", "taxName1": "HST", "taxAmount1": "13""#;
const GST: &str = r#", "taxName1": "GST", "taxAmount1": 5"#;

fn amounts(request: &Value, member: &str) -> Vec<String> {
    let lines = request["LineItems"].as_array().expect("has lines");
    lines
        .iter()
        .map(|line| line[member].as_str().expect("is text").to_string())
        .collect()
}

#[test]
fn currencies_without_and_with_three_minor_units() {
    let yen = created(
        Kind::Invoice,
        &invoice("JPY", "1130.00", "0", &line("1000", HST)),
    );
    assert_eq!(
        (&yen["InvoiceAmount"], &yen["TaxAmount"]),
        (&json!("1130"), &json!("130"))
    );
    assert_eq!(amounts(&yen, "TotalPrice"), ["1000"]);
    let dinar = created(
        Kind::Invoice,
        &invoice("KWD", "1.304", "0", &line("1.154", HST)),
    );
    assert_eq!(
        (&dinar["InvoiceAmount"], &dinar["TaxAmount"]),
        (&json!("1.304"), &json!("0.150"))
    );
}

#[test]
fn amounts_have_the_digits_that_freshbooks_writes() {
    // 12.345 is three digits, of which FreshBooks writes two.
    let thirds = r#"{"name": "N", "qty": "1", "unit_cost": {"amount": "12.345", $},
        "amount": {"amount": "12.35", $}, "taxName1": "GST", "taxAmount1": "5"}"#;
    let dinar = created(Kind::Invoice, &invoice("KWD", "12.97", "0", thirds));
    assert_eq!(dinar["InvoiceAmount"], "12.970");
    assert_eq!(amounts(&dinar, "TotalPrice"), ["12.350"]);
    assert_eq!(amounts(&dinar, "Tax"), ["0.620"]);
    let taxed = line("999", HST).replace("13", "10");
    let yen = created(Kind::Invoice, &invoice("JPY", "1098.90", "0", &taxed));
    assert_eq!(yen["InvoiceAmount"], "1098.90");
    assert_eq!(amounts(&yen, "TotalPrice"), ["999.00"]);
    assert_eq!(amounts(&yen, "Tax"), ["99.90"]);
    // As FreshBooks would write it if it rounded to the currency's own digits.
    let yen = created(Kind::Invoice, &invoice("JPY", "1099.00", "0", &taxed));
    assert_eq!(
        (&yen["InvoiceAmount"], &yen["TaxAmount"]),
        (&json!("1099"), &json!("100"))
    );
}

/// A bill of one line of 100.00 with these members besides, and this total.
fn bill_with(members: &str, total: &str) -> String {
    format!(
        r#"{{"id": 9, "vendorid": 1, "vendor": {{"country": "DE"}}, "issue_date": "2026-01-15",
        "currency_code": "EUR", "total_amount": {{"amount": "{total}"}},
        "lines": [{{"unit_cost": {{"amount": "100.00"}}, "amount": {{"amount": "100.00"}}{members}
        }}]}}"#
    )
}

#[test]
fn a_tax_that_a_person_has_changed_is_the_one_that_the_bill_states() {
    let taxed = |percent: &str| {
        format!(
            r#", "tax_name1": "HST", "tax_percent1": {percent},
            "tax_amount1": {{"amount": "12.50", "code": "EUR"}}"#
        )
    };
    for percent in ["\"13\"", "null"] {
        let request = created(Kind::Bill, &bill_with(&taxed(percent), "112.50"));
        assert_eq!(request["InvoiceAmount"], "112.50");
        assert_eq!(amounts(&request, "Tax"), ["12.50"], "{percent}");
    }
    // What the percentages say counts as long as it adds up.
    let request = created(Kind::Bill, &bill_with(&taxed("13"), "113.00"));
    assert_eq!(amounts(&request, "Tax"), ["13.00"]);
    let found = problems(Kind::Bill, &bill_with(&taxed("13"), "114.00"), &settings());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].pointer, "/total_amount");
    assert!(
        found[0].message.contains("save the bill there again"),
        "{}",
        found[0].message
    );
}

#[test]
fn a_category_whose_id_is_left_out_is_never_the_default_s() {
    let by_name = bill_with(r#", "category": "Travel""#, "100.00");
    let found = problems(Kind::Bill, &by_name, &settings());
    assert_eq!(found[0].code, "expense-type-unmapped");
    assert!(
        found[0]
            .message
            .contains(r#"add "Travel" to `expense_types.by_category`"#),
        "{}",
        found[0].message
    );
    let json = MINIMAL.replace(
        r#"{"default": "OFFSP"}"#,
        r#"{"default": "OFFSP", "by_category": {"Travel": "TRVL"}}"#,
    );
    let named = Settings::load("acme", &json).expect("is right");
    let translated =
        translate(&read(Kind::Bill, &by_name), &named, &BTreeMap::new(), "m").expect("translates");
    assert_eq!(translated.lines[0].fields["ExpenseTypeCode"], "TRVL");
    let object = r#", "category": {"category": "Travel", "categoryid": 3344}"#;
    let request = created(Kind::Bill, &bill_with(object, "100.00"));
    assert_eq!(request["LineItems"][0]["ExpenseTypeCode"], "TRAVL");
    let none = created(Kind::Bill, &bill_with("", "100.00"));
    assert_eq!(none["LineItems"][0]["ExpenseTypeCode"], "OFFSP");
}

#[test]
fn taxes_too_small_for_a_line_may_still_be_in_the_total() {
    // 5 % of 8 yen rounds to 0 on each line, and to 1 on all three.
    let lines = [line("8", GST), line("8", GST), line("8", GST)].join(",");
    let request = created(Kind::Invoice, &invoice("JPY", "25", "0", &lines));
    assert_eq!(request["TaxAmount"], "1");
    let mut taxes = amounts(&request, "Tax");
    taxes.sort();
    assert_eq!(taxes, ["0", "0", "1"]);
    // 5 % of 10 cents rounds to 1 on each line, and to 2 on all four; no tax becomes negative.
    let lines = vec![line("0.10", GST); 4].join(",");
    let request = created(Kind::Invoice, &invoice("CAD", "0.42", "0", &lines));
    let mut taxes = amounts(&request, "Tax");
    taxes.sort();
    assert_eq!(taxes, ["0.00", "0.00", "0.01", "0.01"]);
}

#[test]
fn a_discount_of_either_sign_becomes_a_line_with_shared_cost_codes() {
    for discount in ["-100.00", "100.00"] {
        let request = created(Kind::Invoice, &invoice("CAD", "1017.00", discount, &both()));
        let line = &request["LineItems"][2];
        assert_eq!(
            *line,
            json!({"Description": "Discount", "ExpenseTypeCode": "OFFSP", "Quantity": "1",
                "UnitPrice": "-100",
                   "TotalPrice": "-100.00", "Tax": "-13.00", "TaxCode": "H13",
                   "Allocations": [{"Percentage": "60", "Custom1": "PRJ_A"},
                                   {"Percentage": "40", "Custom1": "PRJ_B"}]})
        );
        assert_eq!(request["TaxAmount"], "117.00");
    }
}

/// SAP Concur has one pair of tax codes for a line.
#[test]
fn a_discount_has_a_line_for_each_set_of_taxes_that_it_reduces() {
    const BOTH: &str =
        r#", "taxName1": "GST", "taxAmount1": 5, "taxName2": "PST", "taxAmount2": 7"#;
    let lines = [
        ("100.00", HST),
        ("50.00", ""),
        ("33.33", BOTH),
        ("0.05", HST),
    ];
    let lines = lines.map(|(net, taxes)| line(net, taxes)).join(",");
    // 183.38 less 10 %; taxes of 13.0065 and 3.9996, less 10 %.
    let json = invoice("CAD", "180.35", "18.34", &lines);
    let request = created(Kind::Invoice, &json);
    let discounts = &request["LineItems"].as_array().expect("has lines")[4..];
    let shown = |name: &str| -> Vec<&str> {
        let each = discounts.iter();
        each.map(|line| line[name].as_str().unwrap_or_default())
            .collect()
    };
    assert_eq!(shown("TotalPrice"), ["-10.01", "-5.00", "-3.33"]);
    assert_eq!(shown("Tax"), ["-1.30", "0.00", "-0.40"]);
    assert_eq!(shown("TaxCode"), ["H13", "", "G5"]);
    assert_eq!(shown("TaxCode2"), ["", "", "P7"]);
}

#[test]
fn a_whole_discount_leaves_nothing_to_pay() {
    let json = invoice("CAD", "0.00", "1000.00", &both());
    let note = nothing_to_pay(&read(Kind::Invoice, &json)).expect("is nothing");
    assert_eq!(note.code, "nothing-to-pay");
    assert_eq!(
        note.message,
        "the invoice comes to 0.00 in FreshBooks, so there is nothing to pay"
    );
    let unknown = read(Kind::Invoice, &json.replace("\"0.00\"", "\"?\""));
    assert_eq!(nothing_to_pay(&unknown), None);
    let owed = read(Kind::Invoice, &invoice("CAD", "1130.00", "0", &both()));
    assert_eq!(nothing_to_pay(&owed), None);
}

#[test]
fn a_credit_is_never_requested_to_be_paid() {
    let json = invoice("CAD", "-5.00", "0", &line("-5.00", ""));
    let found = problems(Kind::Invoice, &json, &settings());
    assert_eq!(found.len(), 1, "{found:?}");
    let Problem {
        pointer,
        code,
        message,
    } = &found[0];
    assert_eq!(
        (pointer.as_str(), code.as_str()),
        ("/amount", "total-below-zero")
    );
    assert!(
        message.contains("comes to -5.00, which is a credit"),
        "{message}"
    );
    // A line below zero is none.
    let lines = format!("{},{}", line("10.00", ""), line("-5.00", ""));
    let request = created(Kind::Invoice, &invoice("CAD", "5.00", "0", &lines));
    assert_eq!(amounts(&request, "TotalPrice"), ["10.00", "-5.00"]);
}

#[test]
fn awkward_names_are_made_fit() {
    let name = "Ünïcode \u{1F9FE}\u{7}\r\n ".repeat(60);
    let awkward = PAPER.replace("\"A4\"", &json!(name).to_string());
    let json = invoice("CAD", "678.00", "0", &awkward);
    let json = json.replace("Northwind Paper", &"Ö".repeat(300));
    let request = created(Kind::Invoice, &json);
    let count = |value: &Value| value.as_str().expect("is text").chars().count();
    assert_eq!(count(&request["Name"]), 100);
    assert_eq!(count(&request["LineItems"][0]["Description"]), 250);
    assert!(!request.to_string().contains('\r'));
}

/// Asserts that the right invoice with one text replaced has this problem, and that its message
/// says this.
fn assert_problem(from: &str, to: &str, pointer: &str, code: &str, remedy: &str) {
    let json = invoice("CAD", "1130.00", "0", &both()).replacen(from, to, 1);
    let found = problems(Kind::Invoice, &json, &settings());
    let hit = found
        .iter()
        .find(|problem| problem.code == code && problem.pointer == pointer);
    let hit = hit.unwrap_or_else(|| panic!("{code} is missing in {found:?}"));
    assert!(hit.message.contains(remedy), "{}", hit.message);
}

#[test]
fn what_is_not_mapped_names_its_setting() {
    for (from, to, pointer, code, remedy) in [
        (
            r#""currency_code": "CAD""#,
            r#""currency_code": "GBP""#,
            "/currency_code",
            "currency-unmapped",
            "`currencies`",
        ),
        (
            "Canada",
            "Narnia",
            "/country",
            "country-unmapped",
            "`countries`",
        ),
        (
            "Canada",
            "",
            "/country",
            "country-missing",
            "`vendor.default_country`",
        ),
        ("HST", "VAT", "/lines/0", "tax-unmapped", "`taxes`"),
        ("5512", "77", "/lines/0", "project-unmapped", "`projects`"),
    ] {
        assert_problem(from, to, pointer, code, remedy);
    }
}

#[test]
fn what_is_wrong_in_freshbooks_says_so() {
    let long = format!("\"{}\"", "9".repeat(51));
    for (from, to, pointer, code) in [
        ("\"2026-02-27\"", "null", "/create_date", "date-missing"),
        ("\"2093\"", &long, "/invoice_number", "number-too-long"),
        ("1130.00", "1130.001", "/amount", "too-precise"),
        ("600.00", "600.001", "/lines/0", "too-precise"),
    ] {
        assert_problem(from, to, pointer, code, "FreshBooks");
    }
}

#[test]
fn what_does_not_add_up_says_by_how_much() {
    for (from, to, pointer, code, remedy) in [
        (
            "1130.00",
            "1130.03",
            "/amount",
            "total-mismatch",
            "a difference of 0.03",
        ),
        (
            "600.00",
            "600.02",
            "/lines/0",
            "line-amount-mismatch",
            "600.02",
        ),
        (
            r#""amount": "0""#,
            r#""amount": "1000.01""#,
            "/discount_total",
            "discount-too-large",
            "1000",
        ),
        (
            r#""qty": "10""#,
            r#""qty": "99999999999999""#,
            "/lines/0",
            "amount-too-large",
            "99999999999999",
        ),
    ] {
        assert_problem(from, to, pointer, code, remedy);
    }
}

#[test]
fn an_expense_type_problem_names_the_map_for_its_kind_of_line() {
    let of = |kind, json: &str| problems(kind, json, &strict())[0].clone();
    let named = of(Kind::Invoice, &invoice("CAD", "678.00", "0", PAPER));
    assert_eq!(named.code, "expense-type-unmapped");
    assert!(
        named.message.contains("`expense_types.by_item`") && named.message.contains("Copy paper")
    );
    let nameless = PAPER.replace("Copy paper", " ");
    let nameless = of(Kind::Invoice, &invoice("CAD", "678.00", "0", &nameless));
    assert!(nameless.message.contains("`expense_types.default`"));
    let bill = r#"{"id": 9, "vendorid": 1, "vendor": {"country": "DE"},
    "issue_date": "2026-01-15", "currency_code": "EUR",
        "total_amount": {"amount": "1"}, "lines": [{"categoryid": 3344,
        "unit_cost": {"amount": "1"}}]}"#;
    let bill = of(Kind::Bill, bill);
    assert!(bill.message.contains("`expense_types.by_category`") && bill.message.contains("3344"));
}

#[test]
fn all_problems_are_gathered() {
    let json = invoice("GBP", "7.777", "0", &both())
        .replace("HST", "VAT")
        .replace("551", "88")
        .replace("Canada", "Narnia")
        .replace(r#""2026-02-27""#, "null");
    let found = problems(Kind::Invoice, &json, &strict());
    let codes: Vec<&str> = found.iter().map(|problem| problem.code.as_str()).collect();
    for code in [
        "currency-unmapped",
        "too-precise",
        "total-mismatch",
        "date-missing",
        "country-unmapped",
    ] {
        assert_eq!(
            codes.iter().filter(|found| **found == code).count(),
            1,
            "{code} in {codes:?}"
        );
    }
    for code in ["tax-unmapped", "expense-type-unmapped", "project-unmapped"] {
        assert_eq!(
            codes.iter().filter(|found| **found == code).count(),
            2,
            "{code} in {codes:?}"
        );
    }
}

#[test]
fn no_line_and_too_many_lines_are_said() {
    for count in [0, 501] {
        let lines = vec![line("1", ""); count].join(",");
        let found = problems(
            Kind::Invoice,
            &invoice("CAD", "501", "0", &lines),
            &settings(),
        );
        let problem = found.iter().find(|problem| problem.code == "line-count");
        let problem = problem.unwrap_or_else(|| panic!("{found:?}"));
        assert!(
            problem.message.contains("FreshBooks"),
            "{}",
            problem.message
        );
    }
}

#[test]
fn numbers_at_the_edge_of_what_a_decimal_holds_do_no_harm() {
    // The product is the largest decimal there is, and 1 more would overflow.
    let line = r#"{"name": "N", "qty": "281474976710655",
    "unit_cost": {"amount": "281474976710657"},
                   "amount": {"amount": "-1"}}"#;
    let found = problems(Kind::Invoice, &invoice("CAD", "1", "0", line), &settings());
    assert!(
        found
            .iter()
            .any(|problem| problem.code == "amount-too-large")
    );
    // Without an amount of its own such a line must not count as nothing.
    let line = line.replace(r#""amount": {"amount": "-1"}"#, r#""description": """#);
    let found = problems(Kind::Invoice, &invoice("CAD", "0", "0", &line), &settings());
    assert_eq!(found[0].code, "amount-too-large");
    let taxed = r#"{"name": "N", "unit_cost": {"amount": "999999999999999"}, "compounded_tax": 1,
        "taxName1": "HST", "taxAmount1": "1000", "taxName2": "GST", "taxAmount2": "1000"}"#;
    let lines = vec![taxed; 500].join(",");
    problems(
        Kind::Invoice,
        &invoice("CAD", "1", "999999999999999", &lines),
        &settings(),
    );
}

#[test]
fn a_discount_on_many_cost_codes_has_no_negative_share() {
    let projects: Vec<String> = (0..300).map(|id| format!(r#""{id}": "C{id}""#)).collect();
    let json = MINIMAL.replace(r#""5512": "PRJ_A""#, &projects.join(","));
    let settings = Settings::load("acme", &json).expect("is right");
    let lines: Vec<String> = (0..300)
        .map(|id| line("1", &format!(r#", "modern_project_id": {id}"#)))
        .collect();
    let document = read(
        Kind::Invoice,
        &invoice("CAD", "290", "10", &lines.join(",")),
    );
    let translated = translate(&document, &settings, &BTreeMap::new(), "m").expect("translates");
    assert_hundred(translated.lines.last().expect("has a discount"));
}

fn assert_hundred(line: &Line) {
    let percentages: Vec<Decimal> = line
        .allocations
        .iter()
        .map(|allocation| money::parse(&allocation.percentage).expect("is a number"))
        .collect();
    assert!(
        percentages
            .iter()
            .all(|percent| *percent > Decimal::ZERO && percent.scale() <= 2),
        "{percentages:?}"
    );
    assert_eq!(percentages.iter().sum::<Decimal>(), Decimal::ONE_HUNDRED);
}

fn number(value: &Value) -> Decimal {
    money::parse(value.as_str().expect("is text")).expect("is a number")
}

/// Every scalar is text and within the bounds of its name.
fn assert_wire(value: &Value, name: &str) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| assert_wire(item, name)),
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| assert_wire(value, name)),
        Value::String(text) => {
            let max = match name {
                "Name" => 100,
                "InvoiceNumber" => 50,
                "Description" => 250,
                "VendorCode" | "AddressCode" => 32,
                "CountryCode" => 2,
                "CurrencyCode" => 3,
                _ => 48,
            };
            assert!((1..=max).contains(&text.chars().count()), "{name}: {text}");
        }
        other => panic!("{name} is {other}"),
    }
}

proptest! {
    #[test]
    fn a_translation_adds_up_to_the_cent(generated in model::any_invoice()) {
        let document = read(Kind::Invoice, &generated.to_json(0));
        let (settings, none) = (settings(), BTreeMap::new());
        let translated = translate(&document, &settings, &none, "mlc-67t75pxxmcusv4w5xrnx");
        let translated = translated.map_err(
            |problems| TestCaseError::fail(format!("{problems:?}\n{}", generated.to_json(0))))?;
        let body: Value = serde_json::from_str(&translated.to_create(&key())).expect("is JSON");
        assert_wire(&body, "");
        let lines = body["LineItems"].as_array().expect("has lines");
        let sum = |member: &str| lines.iter().map(|line| number(&line[member])).sum::<Decimal>();
        prop_assert_eq!(number(&body["InvoiceAmount"]), generated.amount(generated.total()));
        prop_assert_eq!(number(&body["InvoiceAmount"]), sum("TotalPrice") + sum("Tax"));
        prop_assert_eq!(number(&body["TaxAmount"]), sum("Tax"));
        for (line, source) in lines.iter().zip(&generated.lines) {
            let off = (number(&line["Tax"]) - generated.amount(source.tax_rounded())).abs();
            let written = generated.minor_units().min(money::WRITTEN_DECIMALS);
            prop_assert!(off <= money::cent(written), "{} on {:?}", off, source);
            prop_assert!(number(&line["Tax"]) >= Decimal::ZERO);
        }
        translated.lines.iter().for_each(assert_hundred);
    }

    #[test]
    fn what_does_not_add_up_is_never_translated(generated in model::any_invoice(),
        minor in 1_i128..1_000, sign: bool) {
        // More than a cent for each line, and one for the discount, is no rounding. A dinar has ten
        // of its own units in a cent.
        let cent = if generated.minor_units() > money::WRITTEN_DECIMALS { 10 } else { 1 };
        let off = minor + cent * (2 * generated.lines.len() as i128 + 2);
        let json = generated.to_json(if sign { off } else { -off });
        let document = read(Kind::Invoice, &json);
        let found = translate(&document, &settings(), &BTreeMap::new(), "m");
        let found = found.expect_err("is refused");
        prop_assert_eq!(&found[0].code, "total-mismatch");
    }

    #[test]
    fn nothing_panics_whatever_the_members_are(json in model::any_object()) {
        for kind in [Kind::Invoice, Kind::Bill] {
            let raw: &RawValue = serde_json::from_str(&json).expect("is JSON");
            if let Ok(document) = Document::read(kind, raw)
                && let Ok(translated) = translate(&document, &settings(), &BTreeMap::new(), "m")
            {
                translated.lines.iter().for_each(assert_hundred);
            }
        }
    }
}

const BILL_OF_ONE_LINE: &str = r#"{"id": 9, "vendorid": 17, "vendor": {"country": "DE"},
    "issue_date": "2026-01-15", "currency_code": "EUR", "total_amount": {"amount": "66.00"},
    "lines": [{"quantity": "2", "unit_cost": {"amount": "33.00"}, "amount": {"amount": "66.00"}}]}"#;

#[test]
fn a_line_without_a_quantity_says_that_one_was_taken() {
    for none in ["\"\"", "null"] {
        let bill = BILL_OF_ONE_LINE.replace("\"2\"", none);
        let found = problems(Kind::Bill, &bill, &settings());
        assert_eq!(found.len(), 1, "{found:?}");
        let message = &found[0].message;
        assert!(
            message.contains("no quantity, so that 1 was taken"),
            "{message}"
        );
    }
}

#[test]
fn a_document_without_its_other_party_is_not_asked_for_the_country_too() {
    let bill = BILL_OF_ONE_LINE
        .replace("17", "null")
        .replace(r#"{"country": "DE"}"#, "null");
    let found = problems(Kind::Bill, &bill, &settings());
    let codes: Vec<_> = found.iter().map(|problem| problem.code.as_str()).collect();
    assert_eq!(codes, ["party-missing"]);
}

/// A bill of a line of 66.00 with a tax of 5 %, and what FreshBooks shows beside its total.
fn bill_with_sums(net: &str, tax: &str) -> String {
    let taxed = r#""tax_name1": "GST", "tax_percent1": "5", "quantity": "2""#;
    BILL_OF_ONE_LINE
        .replace(r#""quantity": "2""#, taxed)
        .replace(
            r#""total_amount": {"amount": "66.00"}"#,
            &format!(
                r#""total_amount": {{"amount": "69.30"}}, "amount": {{"amount": "{net}"}},
                "tax_amount": {{"amount": "{tax}"}}"#
            ),
        )
}

#[test]
fn a_bill_s_own_sums_are_those_of_its_lines() {
    let said = |net, tax| {
        let found = problems(Kind::Bill, &bill_with_sums(net, tax), &settings());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].code, "sum-mismatch");
        (found[0].pointer.clone(), found[0].message.clone())
    };
    let (pointer, message) = said("66.00", "4.30");
    assert_eq!(pointer, "/tax_amount");
    assert!(
        message.starts_with(
            "FreshBooks shows 4.30 for the taxes of the bill, but its lines come to 3.30; correct"
        ),
        "{message}"
    );
    let (pointer, message) = said("65.00", "3.30");
    assert_eq!(pointer, "/amount");
    assert!(
        message
            .contains("65.00 for the lines before taxes of the bill, but its lines come to 66.00"),
        "{message}"
    );
    created(Kind::Bill, &bill_with_sums("66.00", "3.30"));
    // Where FreshBooks rounds is not documented.
    created(Kind::Bill, &bill_with_sums("66.00", "3.31"));
}

#[test]
fn a_tax_without_a_rate_is_what_the_bill_states() {
    let bill = bill_with_sums("66.00", "3.30").replace(
        r#""tax_percent1": "5""#,
        r#""tax_percent1": null, "tax_amount1": {"amount": "3.30"}"#,
    );
    let request = created(Kind::Bill, &bill);
    assert_eq!(
        (&request["TaxAmount"], &request["LineItems"][0]["TaxCode"]),
        (&json!("3.30"), &json!("G5"))
    );
    // Nor is it nothing where the total leaves it out.
    let without = bill.replace("69.30", "66.00").replacen("3.30", "0.00", 1);
    assert_ne!(without, bill);
    let found = problems(Kind::Bill, &without, &settings());
    assert_eq!(found[0].code, "total-mismatch");
}
