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
               "tax_percent1": null, "tax_amount1": {"amount": "171.00", "code": "EUR"}},
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
            percent: Some(Decimal::new(13, 0)),
            amount: None,
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
        .map(|line| line.category.as_ref().map(Category::key))
        .collect();
    assert_eq!(categories, [Some("3344"), Some("3345")]);
    let tax = &document.lines[0].taxes[0];
    assert_eq!(
        (tax.percent, tax.amount),
        (None, Some(Decimal::new(171, 0)))
    );
    assert_eq!(document.stated_net, Some(Decimal::new(900, 0)));
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
        r#"{"id": null, "customerid": 0, "create_date": "0000-13-00", "due_date": "soon",
        "currency_code": "CAD",
            "amount": {"amount": "1,5", "code": "USD"}, "discount_total": [7],
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
        r#"{"id": 1, "vendor": "17", "issue_date": "2026-02-30", "currency_code": "EUR",
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
fn only_what_is_no_object_is_not_read() {
    for json in ["null", "3", r#""text""#, "[]"] {
        let raw: &RawValue = serde_json::from_str(json).expect("is JSON");
        assert!(Document::read(Kind::Invoice, raw).is_err(), "{json}");
    }
}

/// The problems of the lines of a bill that is right but for them.
fn problems_of_lines(lines: &str) -> Vec<(String, String)> {
    let json = BILL.replace(r#""vendorid": 17"#, &format!(r#""vendorid": 17{lines}"#));
    let cut = match json.find(r#""lines": [{"categoryid": 3344"#) {
        Some(at) => format!("{}\"end\": 1}}", &json[..at]),
        None => json,
    };
    let problems = read(Kind::Bill, &cut).problems.into_iter();
    problems
        .map(|problem| (problem.code, problem.message))
        .collect()
}

#[test]
fn lines_that_are_left_out_are_not_said_to_be_none() {
    for (lines, code, part) in [
        ("", "lines-missing", "`include[]=lines`"),
        (r#", "lines": null"#, "lines-missing", "leaves out"),
        (r#", "lines": 3"#, "lines-unreadable", "something else"),
        (r#", "lines": [null]"#, "line-unreadable", "line 1"),
        (r#", "lines": ["x"]"#, "line-unreadable", "line 1"),
    ] {
        let found = problems_of_lines(lines);
        assert_eq!(found.len(), 1, "{lines}: {found:?}");
        assert_eq!(found[0].0, code, "{lines}");
        assert!(found[0].1.contains(part), "{}", found[0].1);
    }
    assert_eq!(problems_of_lines(r#", "lines": []"#), []);
}

#[test]
fn every_problem_names_a_way_out_and_speaks_no_parser_s_words() {
    let document = read(
        Kind::Invoice,
        r#"{"due_date": "soon", "amount": [1], "discount_total": {"amount": "x"},
            "lines": [{"qty": "\"two\"", "unit_cost": {"code": "USD"}, "taxAmount1": "13"},
                      {"unit_cost": {"amount": "1"}, "taxName1": "HST", "taxAmount1": "1001"},
                      7]}"#,
    );
    assert!(document.problems.len() > 8, "{:?}", document.problems);
    for problem in &document.problems {
        let message = &problem.message;
        let helps = ["FreshBooks", "there", "by its id"];
        assert!(helps.iter().any(|word| message.contains(word)), "{message}");
        for word in [
            "expected",
            "struct",
            "null",
            "column",
            "\"\"",
            "document in ",
        ] {
            assert!(!message.contains(word), "{message}");
        }
        assert!(!problem.pointer.is_empty(), "{message}");
    }
}

#[test]
fn a_category_without_an_id_is_known_by_its_name() {
    let of = |category: &str| {
        let json = BILL.replace(r#""categoryid": 3344, "category": {"id": 3344}"#, category);
        read(Kind::Bill, &json).lines[0].category.clone()
    };
    let name = Some(Category::Name("Travel".to_string()));
    assert_eq!(of(r#""category": " Travel ""#), name);
    assert_eq!(of(r#""category": {"category": "Travel", "id": 0}"#), name);
    assert_eq!(
        of(r#""category": 3344"#),
        Some(Category::Id("3344".to_string()))
    );
    for none in [
        r#""category": null"#,
        r#""categoryid": "0", "category": "0""#,
    ] {
        assert_eq!(of(none), None, "{none}");
    }
}

#[test]
fn a_document_s_currency_is_its_total_s_where_the_header_has_none() {
    let json = INVOICE.replace(r#""currency_code": "CAD""#, r#""currency_code": null"#);
    let document = read(Kind::Invoice, &json);
    assert_eq!(
        (document.currency.as_str(), problems(&document)),
        ("CAD", vec![])
    );
    let json = json.replace(r#""code": "CAD""#, r#""code": null"#);
    assert_eq!(
        problems(&read(Kind::Invoice, &json)),
        [("/currency_code", "currency-missing")]
    );
}

/// Nobody can change how FreshBooks' answer writes a number or a day.
#[test]
fn what_freshbooks_writes_in_another_way_names_the_reason_and_what_can_be_done() {
    for (from, to, code, reason) in [
        ("113.00", "1,000.00", "not-a-number", "with a comma"),
        ("113.00", "1 000.00", "not-a-number", "between its digits"),
        ("200.00", "1'000.00", "not-a-number", "between its digits"),
        ("\"13\"", "\"13,5\"", "not-a-number", "with a comma"),
        ("0.50", "many", "not-a-number", "where a number such as"),
        (
            "2026-02-27\"",
            "02/27/2026\"",
            "not-a-date",
            "02/03/2026 is two different days",
        ),
        (
            "2026-03-29 00",
            "29.03.2026 00",
            "not-a-date",
            "two different days",
        ),
    ] {
        let document = read(Kind::Invoice, &INVOICE.replacen(from, to, 1));
        let [problem] = document.problems.as_slice() else {
            panic!("{:?}", document.problems);
        };
        let message = &problem.message;
        assert_eq!(problem.code, code);
        assert!(message.contains(reason), "{message}");
        assert!(message.contains("save it again"), "{message}");
        assert!(!message.contains("correct it"), "{message}");
    }
    let huge = INVOICE.replacen("113.00", "1000000000000000", 1);
    let message = &read(Kind::Invoice, &huge).problems[0].message;
    assert!(
        message.contains("is not below 1000000000000000; correct it"),
        "{message}"
    );
}

#[test]
fn a_tax_of_less_than_nothing_is_not_taken() {
    for percent in ["-13", "-0.001", "1000.1"] {
        let document = read(Kind::Invoice, &INVOICE.replacen("\"13\"", percent, 1));
        assert_eq!(
            problems(&document),
            [("/lines/0/taxAmount1", "not-a-percentage")]
        );
        assert!(!document.amounts_known);
    }
}

#[test]
fn a_tax_without_rate_and_amount_is_not_taken_for_none() {
    let without = BILL.replace(
        r#", "tax_amount1": {"amount": "171.00", "code": "EUR"}"#,
        "",
    );
    let document = read(Kind::Bill, &without);
    assert_eq!(
        problems(&document),
        [("/lines/0/tax_percent1", "tax-without-rate")]
    );
    let message = &document.problems[0].message;
    assert!(message.contains("\"MwSt\" in line 1"), "{message}");
    for absent in [r#", "taxAmount1": null"#, r#", "taxAmount1": """#, ""] {
        let json = INVOICE.replace("\"taxAmount1\": \"13\",", "");
        let json = json.replace(r#""taxName2": """#, &format!(r#""taxName2": ""{absent}"#));
        assert_eq!(
            problems(&read(Kind::Invoice, &json)),
            [("/lines/0/taxAmount1", "tax-without-rate")]
        );
    }
    // Exempt: a rate of nothing is a rate.
    let exempt = read(Kind::Invoice, &INVOICE.replace("\"13\"", "\"0\""));
    assert_eq!(problems(&exempt), []);
    assert_eq!(exempt.lines[0].taxes[0].percent, Some(Decimal::ZERO));
}
