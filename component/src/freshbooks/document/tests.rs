use alloc::string::ToString;
use alloc::vec;

use serde_json::value::RawValue;

use super::*;

const INVOICE: &str = r#"{
    "id": 778120, "invoice_number": "2093", "updated": "2026-02-27 09:12:44", "vis_state": 0,
    "status": 2,
    "customerid": "4401", "organization": "", "fname": "Ida", "lname": "Roe", "country": "Canada",
    "create_date": "2026-02-27", "due_date": "2026-03-29 00:00:00", "currency_code": "CAD",
    "amount": {"amount": "113.00", "code": "CAD"}, "discount_total": {"amount": "-0.00",
    "code": "CAD"},
    "lines": [{"name": " Travel ", "qty": "0.50", "unit_cost": {"amount": "200.00", "code": "CAD"},
               "amount": {"amount": "100.00", "code": "CAD"}, "taxName1": " HST ",
               "taxAmount1": "13",
               "taxName2": "", "taxAmount2": "0", "compounded_tax": false,
               "modern_project_id": 5512}]}"#;

const BILL: &str = r#"{
    "id": "91", "vendorid": 17, "vendor": {"vendor_name": "Northwind", "country": "DE"},
    "bill_number": null,
    "issue_date": "2026-01-15", "due_date": null, "currency_code": "EUR",
    "updated_at": "2026-01-16 10:00:00",
    "status": "1", "vis_state": 0,
    "amount": {"amount": "900.00", "code": "EUR"}, "total_amount": {"amount": "1071.00",
    "code": "EUR"},
    "lines": [{"categoryid": 3344, "category": {"id": 3344}, "description": "Booth", "quantity": 1,
               "unit_cost": {"amount": "900.00", "code": "EUR"}, "tax_name1": "MwSt",
               "tax_percent1": null},
              {"categoryid": "3345", "category": "Travel", "quantity": "2",
               "unit_cost": {"amount": "0", "code": "EUR"}}]}"#;

fn read(kind: Kind, json: &str) -> Document {
    let raw: &RawValue = serde_json::from_str(json).expect("is JSON");
    Document::read(kind, raw).expect("is an object")
}

fn problems(document: &Document) -> Vec<(&str, &str)> {
    let problems = document.problems.iter();
    problems
        .map(|problem| (problem.pointer.as_str(), problem.code.as_str()))
        .collect()
}

#[test]
fn an_invoice_is_read() {
    let document = read(Kind::Invoice, INVOICE);
    assert_eq!(problems(&document), vec![]);
    assert_eq!(document.id, "778120");
    assert_eq!(document.version, "2026-02-27 09:12:44");
    assert_eq!(
        (document.party.kind.as_str(), document.party.id.as_str()),
        ("client", "4401")
    );
    assert_eq!(document.party_name.as_deref(), Some("Ida Roe"));
    assert_eq!(document.due.as_deref(), Some("2026-03-29"));
    assert!(!document.draft && !document.deleted && document.discount.is_zero());
    let line = &document.lines[0];
    assert_eq!(line.quantity, Decimal::new(5, 1));
    assert_eq!(line.project.as_deref(), Some("5512"));
    assert_eq!(
        line.taxes,
        [Tax {
            name: "HST".to_string(),
            percent: Decimal::new(13, 0)
        }]
    );
}

#[test]
fn a_bill_is_read_with_category_and_quantity_in_any_form() {
    let document = read(Kind::Bill, BILL);
    assert_eq!(problems(&document), vec![]);
    assert_eq!(
        (document.id.as_str(), document.number.as_deref()),
        ("91", None)
    );
    assert_eq!(document.total, Decimal::new(1071, 0));
    assert_eq!(document.party_name.as_deref(), Some("Northwind"));
    assert_eq!(document.country.as_deref(), Some("DE"));
    // A bill's `status` is a word; only invoices are drafts.
    assert!(!document.draft && document.due.is_none());
    let categories: Vec<_> = document
        .lines
        .iter()
        .map(|line| line.category.as_deref())
        .collect();
    assert_eq!(categories, [Some("3344"), Some("3345")]);
    assert_eq!(document.lines[0].taxes[0].percent, Decimal::ZERO);
    assert_eq!(document.lines[1].quantity, Decimal::TWO);
}

#[test]
fn a_deleted_invoice_and_a_draft_are_seen() {
    let deleted = INVOICE.replace(r#""vis_state": 0"#, r#""vis_state": "1""#);
    assert!(read(Kind::Invoice, &deleted).deleted);
    let archived = INVOICE.replace(r#""vis_state": 0"#, r#""vis_state": 2"#);
    assert!(!read(Kind::Invoice, &archived).deleted);
    let draft = INVOICE.replace(r#""status": 2"#, r#""status": 1"#);
    assert!(read(Kind::Invoice, &draft).draft);
}

#[test]
fn every_problem_is_gathered_with_its_place() {
    let document = read(
        Kind::Invoice,
        r#"{"id": null, "customerid": 0, "create_date": "0000-00-00", "due_date": "soon",
        "currency_code": "CAD",
            "amount": {"amount": "1,5", "code": "USD"}, "discount_total": "7",
            "lines": [{"qty": "x", "unit_cost": null, "taxName1": "HST", "taxAmount1": "1001"},
                      {"qty": 1, "unit_cost": {"amount": "1000000000000000", "code": null}}]}"#,
    );
    assert_eq!(
        problems(&document),
        [
            ("/id", "id-missing"),
            ("/customerid", "party-missing"),
            ("/create_date", "not-a-date"),
            ("/due_date", "not-a-date"),
            ("/amount", "two-currencies"),
            ("/amount/amount", "not-a-number"),
            ("/discount_total", "not-an-amount"),
            ("/lines/0/qty", "not-a-number"),
            ("/lines/0/unit_cost", "amount-missing"),
            ("/lines/0/taxAmount1", "not-a-percentage"),
            ("/lines/1/unit_cost/amount", "not-a-number"),
        ]
    );
    assert!(!document.amounts_known);
}

#[test]
fn a_bill_s_problems_point_into_a_bill() {
    let document = read(
        Kind::Bill,
        r#"{"id": 1, "vendor": "Northwind", "issue_date": "2026-02-30", "currency_code": "EUR",
            "lines": [{"quantity": "x", "unit_cost": {"amount": "1"}, "tax_name2": "A",
            "tax_percent2": "y"}]}"#,
    );
    assert_eq!(
        problems(&document),
        [
            ("/vendorid", "party-missing"),
            ("/issue_date", "not-a-date"),
            ("/total_amount", "amount-missing"),
            ("/lines/0/quantity", "not-a-number"),
            ("/lines/0/tax_percent2", "not-a-number"),
        ]
    );
}

#[test]
fn only_what_is_no_document_at_all_is_not_read() {
    for json in ["null", "3", r#""text""#, r#"{"lines": 4}"#] {
        let raw: &RawValue = serde_json::from_str(json).expect("is JSON");
        assert!(Document::read(Kind::Invoice, raw).is_err(), "{json}");
    }
}
