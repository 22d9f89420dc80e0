use super::invoice::invoice;
use super::*;
use crate::settings::financial::BillTax;

const NORTHWIND: &str = INVOICE;

fn bill_settings(more: &str) -> Settings {
    let table = format!(
        r#"{{"financial": {{"enabled": true, "invoices": "bill", "bills": {{
            "categories": {{"6400": "3341", "6400/PRJ_B": "3342", "OFFSP": "3341"}},
            "taxes": {{"H13": "13% HST"}}{more}}}}}, "#
    );
    Settings::load("acme", &MINIMAL.replacen('{', &table, 1)).expect("is right")
}

fn bill_of(document: &str, settings: &Settings) -> Bill {
    match bill(document, settings) {
        Ok(BillOrEntry::Bill(bill)) => bill,
        other => panic!("is no bill: {other:?}"),
    }
}

fn entry_because(document: &str) -> String {
    match bill(document, &bill_settings("")) {
        Ok(BillOrEntry::Entry(why)) => why,
        other => panic!("is no entry: {other:?}"),
    }
}

fn codes(document: &str, settings: &Settings) -> Vec<(String, FixIn)> {
    let refused = bill(document, settings).expect_err("is refused");
    let problems = refused.problems.into_iter();
    problems
        .map(|problem| (problem.code, refused.fix_in))
        .collect()
}

#[test]
fn each_line_item_is_a_line_for_each_of_its_categories() {
    let bill = bill_of(NORTHWIND, &bill_settings(""));
    assert_eq!(bill.supplier.to_id(), "FB-10432|Northwind Paper Ltd");
    assert_eq!(bill.number.as_deref(), Some("2093"));
    assert_eq!(
        (bill.date.as_str(), bill.due.as_str()),
        ("2026-02-27", "2026-03-29")
    );
    let lines: Vec<_> = bill
        .lines
        .iter()
        .map(|line| {
            let tax: Decimal = line.taxes.iter().map(|tax| tax.amount).sum();
            format!("{} {} {} {tax}", line.category, line.description, line.net)
        })
        .collect();
    assert_eq!(
        lines,
        [
            "3341 Copy paper (PRJ_A) 360.00 46.80",
            "3342 Copy paper (PRJ_B) 240.00 31.20",
            "3341 Toner (PRJ_A) 400.00 52.00",
        ]
    );
    let hst = BillTax {
        name: "HST".to_string(),
        percent: Decimal::from(13),
    };
    assert_eq!(bill.lines[0].taxes[0].tax, hst);
    assert_eq!(bill.total, Decimal::from(1_130));
}

#[test]
fn the_body_is_what_freshbooks_takes() {
    let bill = bill_of(NORTHWIND, &bill_settings(""));
    let body: serde_json::Value =
        serde_json::from_str(&bill.body("17", "en", "mlc-x", "2026-03-01")).expect("is JSON");
    let body = &body["bill"];
    assert_eq!(body["vendorid"], 17);
    assert_eq!(
        (&body["issue_date"], &body["due_offset_days"]),
        (&"2026-03-01".into(), &28.into())
    );
    let line = &body["lines"][0];
    assert_eq!(line["description"], "Copy paper (PRJ_A) mlc-x");
    assert_eq!(
        line["unit_cost"],
        serde_json::json!({"amount": "360.00", "code": "CAD"})
    );
    assert_eq!(
        (&line["tax_name1"], &line["tax_percent1"]),
        (&"HST".into(), &"13".into())
    );
    assert!(!body["lines"][1]["description"].to_string().contains("mlc-"));
}

#[test]
fn a_tax_that_the_settings_do_not_name_stays_in_the_cost() {
    let document = NORTHWIND.replace("H13", "X1");
    let bill = bill_of(&document, &bill_settings(""));
    assert_eq!(bill.lines[2].net.to_string(), "452");
    assert!(bill.lines.iter().all(|line| line.taxes.is_empty()));
}

#[test]
fn shares_of_one_category_are_one_line_so_that_no_cent_is_lost() {
    // 13 % of 50.01 and of 49.99 are 6.50 each, and SAP Concur splits 13.00 as 6.51 and 6.49.
    let shares = [
        r#""amountGross": 56.52, "tax": [{"amountTax": 6.51, "taxCode": "H13"}]"#,
        r#""amountGross": 56.48, "tax": [{"amountTax": 6.49, "taxCode": "H13"}]"#,
    ];
    let document = with(
        &invoice("113.00", "", &shares),
        r#""lineItem""#,
        r#""vendor": {"vendorName": "Messe AG"}, "lineItem""#,
    );
    let bill = bill_of(&document, &bill_settings(""));
    let [line] = bill.lines.as_slice() else {
        panic!("is one line: {bill:?}");
    };
    assert_eq!(
        (line.net, line.taxes[0].amount),
        (Decimal::from(100), Decimal::from(13))
    );
    assert_eq!(bill.supplier.to_id(), "|Messe AG");
}

#[test]
fn shipping_without_tax_is_a_line_of_its_own() {
    let shares = [r#""amountGross": 118, "amountShipping": 5,
        "tax": [{"amountTax": 13, "taxCode": "H13"}]"#];
    let document = with(
        &invoice("118", "", &shares),
        r#""lineItem""#,
        r#""vendor": {"vendorCode": "V1"}, "lineItem""#,
    );
    let bill = bill_of(&document, &bill_settings(""));
    let nets: Vec<_> = bill
        .lines
        .iter()
        .map(|line| (line.net.to_string(), line.taxes.len()))
        .collect();
    assert_eq!(nets, [("100".to_string(), 1), ("5".to_string(), 0)]);
    assert_eq!(bill.lines[1].description, "shipping of");
}

#[test]
fn other_cents_credits_and_negative_lines_become_journal_entries() {
    let cents = with(
        &with(NORTHWIND, r#""amountTax": 46.80"#, r#""amountTax": 46.81"#),
        r#""amountNet": 360.00"#,
        r#""amountNet": 359.99"#,
    );
    assert_eq!(
        entry_because(&cents),
        "FreshBooks would work HST out as 46.80 on 359.99, and SAP Concur says 46.81"
    );
    let credit = invoice("-5", "", &[r#""amountGross": -5"#]);
    assert_eq!(entry_because(&credit), "it is a credit");
    let lines = [r#""amountGross": -5"#, r#""amountGross": 15"#];
    assert_eq!(
        entry_because(&invoice("10", "", &lines)),
        "one of its lines is negative"
    );
    let zero = invoice("0", "", &[r#""amountGross": 0"#]);
    assert_eq!(entry_because(&zero), "it has no amounts");
}

#[test]
fn what_only_the_settings_can_fix_is_theirs() {
    let settings = bill_settings("");
    let document = NORTHWIND.replace("\"6400\"", "\"6499\"");
    let found = codes(&document, &settings);
    assert_eq!(found, [("category-unmapped".to_string(), FixIn::Settings)]);
    let unbalanced = with(NORTHWIND, "1130.00000000", "1131.00000000");
    assert_eq!(
        codes(&unbalanced, &settings)[0],
        ("unbalanced".to_string(), FixIn::Document)
    );
}

#[test]
fn the_due_date_is_read_and_never_guessed() {
    let settings = bill_settings("");
    let due = |written: &str| with(NORTHWIND, r#""03/29/2026""#, written);
    assert_eq!(
        bill_of(&due(r#""2026-04-01""#), &settings).due,
        "2026-04-01"
    );
    // Thirty days after the invoice's own date.
    assert_eq!(bill_of(&due("null"), &settings).due, "2026-03-29");
    assert_eq!(
        entry_because(&due(r#""29/03/2026""#)),
        "its due date is no date that can be read"
    );
    let neither = with(&due("null"), r#""netPaymentTermDays": "30""#, r#""x": 1"#);
    assert_eq!(bill_of(&neither, &settings).due, "2026-02-27");
}

#[test]
fn a_supplier_is_an_object_and_back() {
    for (code, name) in [("V1", "Northwind"), ("", "A|B"), ("V1", "")] {
        let supplier = Supplier {
            code: code.to_string(),
            name: name.to_string(),
        };
        assert_eq!(Supplier::from_id(&supplier.to_id()), Some(supplier));
    }
    for id in ["", "V1", "|"] {
        assert_eq!(Supplier::from_id(id), None, "{id}");
    }
    let long = Supplier {
        code: "V".repeat(32),
        name: "🏢".repeat(255),
    };
    assert!(long.to_id().len() <= 200);
}

#[test]
fn a_tax_that_the_company_gets_back_is_never_in_the_cost() {
    let accounts = r#", "vendors": {}}, "accounts": {"by_tax": {"CAHST/X1": "7", "VAT2": "8"}"#;
    let settings = bill_settings(accounts);
    let because = |document: &str| match bill(document, &settings) {
        Ok(BillOrEntry::Entry(why)) => why,
        other => panic!("is no entry: {other:?}"),
    };
    assert_eq!(
        because(&NORTHWIND.replace("H13", "X1")),
        "the company gets its tax X1 back, and `financial.bills.taxes` does not have it"
    );
    assert_eq!(bill_of(NORTHWIND, &settings).total, Decimal::from(1_130));
    let header = r#", "amountVAT2": 13"#;
    let shares = [r#""amountGross": 100"#];
    assert_eq!(
        because(&invoice("113", header, &shares)),
        "the tax that the company gets back is in its header only"
    );
}

#[test]
fn a_tax_that_is_not_in_its_line_makes_no_bill() {
    let shares = [r#""amountGross": 113, "amountNet": 113,
        "tax": [{"amountTax": 13, "taxCode": "H13"}]"#];
    assert_eq!(
        entry_because(&invoice("113", "", &shares)),
        "the tax of a line is not the one that is in its amount"
    );
}

#[test]
fn what_was_paid_by_card_is_not_owed_to_its_vendor() {
    let card = NORTHWIND.replace("\"CLIENT\"", "\"CARD\"");
    assert_eq!(
        entry_because(&card),
        "its payment method is CARD, so that it is not owed to its vendor"
    );
}

#[test]
fn shares_of_eight_digits_come_to_the_total() {
    let shares = [
        r#""amountGross": 37.66666667, "tax": [{"amountTax": 4.33333333, "taxCode": "H13"}]"#,
        r#""amountGross": 75.33333333, "tax": [{"amountTax": 8.66666667, "taxCode": "H13"}]"#,
    ];
    let document = with(
        &invoice("113.00", "", &shares),
        r#""lineItem""#,
        r#""vendor": {"vendorName": "Messe AG"}, "lineItem""#,
    );
    let bill = bill_of(&document, &bill_settings(""));
    let of_lines = bill.lines.iter().map(|line| {
        let taxes = line.taxes.iter().map(|tax| tax.amount);
        line.net + taxes.sum::<Decimal>()
    });
    assert_eq!(of_lines.sum::<Decimal>(), Decimal::from(113));
    assert_eq!(bill.total, Decimal::from(113));
    assert_eq!(bill.lines[0].taxes[0].amount, Decimal::from(13));
}
