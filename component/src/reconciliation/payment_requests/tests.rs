use alloc::string::String;
use alloc::vec;

use serde_json::{Value, json};

use super::super::{flows, list_request, read_list};
use super::*;
use crate::contract::runs::Link;
use crate::contract::types::Problem;
use crate::error_bodies::tests::{answer, answer_with_status};
use crate::settings::tests::MINIMAL;

const DAYS: (&str, &str) = ("2026-02-01", "2026-02-28");

fn settings() -> Settings {
    let json = MINIMAL.replacen('{', r#"{"bill": {"enabled": true}, "#, 1);
    let loaded: Result<Settings, Vec<Problem>> = Settings::load("acme", &json);
    loaded.unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn period() -> Period {
    Period {
        from: DAYS.0.into(),
        to: DAYS.1.into(),
    }
}

fn invoice() -> Value {
    json!({"id": 7, "invoice_number": "2093", "customerid": 41, "country": "CA",
        "organization": "Northwind Paper", "create_date": "2026-02-27", "currency_code": "CAD",
        "amount": {"amount": "15.00", "code": "CAD"}, "vis_state": 0, "lines": [
        {"name": "Toner", "unit_cost": {"amount": "5.00", "code": "CAD"}, "qty": "2"},
        {"name": "Paper", "unit_cost": {"amount": "5.00", "code": "CAD"}}]})
}

fn listed(invoices: &[Value]) -> Page {
    let body = json!({"response": {"result": {"invoices": invoices, "page": 1, "pages": 1}}});
    let read = read_list(
        &settings(),
        NAME,
        Side::Source,
        &period(),
        None,
        &answer(&body.to_string()),
    );
    read.expect("is read")
}

fn fields(row: &Row) -> Vec<Field> {
    match &row.content {
        Content::Fields(fields) => {
            let mut fields = fields.clone();
            fields.sort_by_key(|field| format!("{} {:?}", field.name, field.value));
            fields
        }
        other => panic!("has no fields: {other:?}"),
    }
}

/// What SAP Concur shows of what a run writes: amounts with eight decimals, dates at midnight, and
/// lists in wrappers.
fn shown(marker: &str) -> Value {
    let line = |name: &str, quantity: &str| {
        json!({"LineItemId": "1", "Description": name, "ExpenseTypeCode": "OFFSP",
            "Quantity": quantity, "UnitPrice": "5.00000000", "Tax": "0E-8", "TaxCode": null,
            "Allocations": {"Allocation": {"Percentage": "100.00000000"}}})
    };
    json!({"ID": "PR1", "Name": "2093 Northwind Paper", "InvoiceNumber": "2093",
        "InvoiceDate": "2026-02-27 00:00:00.0", "PaymentDueDate": null, "CurrencyCode": "CAD",
        "InvoiceAmount": "15.00000000", "TaxAmount": "0.00000000", "CountryCode": "CA",
        "Custom24": marker, "IsPaymentRequestDeleted": "false",
        "VendorRemitAddress": {"Name": "Northwind Paper", "VendorCode": "FB-C41",
            "AddressCode": "MAIN"},
        "LineItems": {"LineItem": [line("Paper", "1.00000000"), line("Toner", "2")]}})
}

fn read(object: &ObjectRef, answers: &[Response]) -> Reading {
    super::super::read_one(&settings(), NAME, object, answers, &[])
}

fn record(reading: Reading) -> Row {
    match reading {
        Reading::Record(row) => row,
        other => panic!("is no record: {other:?}"),
    }
}

fn target(shown: &Value) -> Row {
    let object = ObjectRef::concur("payment-request", "PR1");
    record(read(&object, &[answer(&shown.to_string())]))
}

#[test]
fn both_sides_of_what_a_run_wrote_are_spelt_alike() {
    let page = listed(&[invoice()]);
    let source = &page.rows[0];
    let marker = source.marker.clone().expect("has one");
    let there = target(&shown(&marker));
    assert_eq!(there.marker, source.marker);
    assert_eq!(there.facts, source.facts);
    let (wanted, mut found) = (fields(source), fields(&there));
    let vendor = FieldValue::TargetOf(ObjectRef::freshbooks("client", "41"));
    assert!(wanted.contains(&field(comparable::VENDOR, vendor)));
    let vendor = FieldValue::Text("FB-C41|MAIN".into());
    assert!(found.contains(&field(comparable::VENDOR, vendor)));
    // A date that FreshBooks does not have is not compared.
    found.retain(|field| field.name != "PaymentDueDate");
    let but_vendor = |fields: Vec<Field>| -> Vec<Field> {
        let others = fields.into_iter();
        others
            .filter(|field| field.name != comparable::VENDOR)
            .collect()
    };
    assert_eq!(but_vendor(wanted), but_vendor(found));
}

#[test]
fn the_code_of_a_project_that_the_settings_do_not_name_is_its_list_item_s() {
    let lists = r#"{"reference": {"lists": [{"kind": "project",
        "list_id": "1b9e0f6a-1c2d-4e3f-8a9b-0c1d2e3f4a5b"}]}, "#;
    let settings = Settings::load("acme", &MINIMAL.replacen('{', lists, 1)).expect("is right");
    let mut invoice = invoice();
    invoice["lines"][0]["modern_project_id"] = json!(77);
    let list = json!({"response": {"result": {"invoices": [&invoice], "page": 1, "pages": 1}}});
    let list = answer(&list.to_string());
    let page = read_list(&settings, NAME, Side::Source, &period(), None, &list);
    assert_eq!(page.expect("is read").rows[0].content, Content::Partial);
    let shown = json!({"response": {"result": {"invoice": invoice}}});
    let answers = [answer(&shown.to_string())];
    let object = ObjectRef::freshbooks("invoice", "7");
    let read =
        |known: &[ObjectStatus]| super::super::read_one(&settings, NAME, &object, &answers, known);
    let project = ObjectRef::freshbooks("project", "77");
    assert_eq!(read(&[]), Reading::Find(vec![project.clone()]));
    let status = |link: Option<Link>| ObjectStatus {
        object: project.clone(),
        link,
        active: false,
        last: None,
    };
    let link = Link {
        source: project.clone(),
        target: ObjectRef::concur("list-item", "d0c1"),
        version: Some("EAST".into()),
        content_hash: None,
    };
    let row = record(read(&[status(Some(link))]));
    let spelt = format!("{:?}", fields(&row));
    assert!(spelt.contains("EAST"), "{spelt}");
    // One that has no item yet has no code.
    let Content::Unreadable(why) = record(read(&[status(None)])).content else {
        panic!("has a code");
    };
    assert_eq!(why.code, "project-unmapped");
}

#[test]
fn each_change_by_hand_changes_its_field_alone() {
    let unchanged = fields(&target(&shown("")));
    for (pointer, value, name) in [
        ("/InvoiceAmount", json!("15.01"), "InvoiceAmount"),
        (
            "/InvoiceDate",
            json!("2026-02-28 00:00:00.0"),
            "InvoiceDate",
        ),
        ("/InvoiceNumber", json!("2093-A"), "InvoiceNumber"),
        (
            "/VendorRemitAddress/VendorCode",
            json!("FB-C42"),
            comparable::VENDOR,
        ),
        (
            "/LineItems/LineItem/0/Quantity",
            json!("3.00000000"),
            "Line",
        ),
        ("/LineItems/LineItem/1/TaxCode", json!("GST"), "Line"),
    ] {
        let mut changed = shown("");
        *changed.pointer_mut(pointer).expect("is there") = value;
        let changed = fields(&target(&changed));
        let differing: Vec<&str> = changed
            .iter()
            .filter(|field| !unchanged.contains(field))
            .map(|field| field.name.as_str())
            .collect();
        assert_eq!(differing, [name], "{pointer}");
    }
    let mut bare = shown("");
    bare["LineItems"] = Value::Null;
    let lines = fields(&target(&bare));
    assert!(lines.contains(&field("Line", FieldValue::Text(String::new()))));
}

#[test]
fn what_a_list_leaves_out_is_read_by_itself() {
    let mut bare = invoice();
    bare["lines"] = json!([]);
    let mut homeless = invoice();
    homeless["country"] = json!("");
    for invoice in [bare, homeless] {
        assert_eq!(listed(&[invoice]).rows[0].content, Content::Partial);
    }
    let object = ObjectRef::freshbooks("invoice", "7");
    assert!(matches!(read(&object, &[]), Reading::Send(_)));
    let mut homeless = invoice();
    homeless["country"] = json!("");
    let one = json!({"response": {"result": {"invoice": homeless}}}).to_string();
    let Reading::Send(request) = read(&object, &[answer(&one)]) else {
        panic!("asks for the client");
    };
    assert!(request.path_with_query.contains("/users/clients/41"));
    let client = r#"{"response": {"result": {"client": {"id": 41, "p_country": "CA"}}}}"#;
    let row = record(read(&object, &[answer(&one), answer(client)]));
    assert_eq!(fields(&row), fields(&listed(&[invoice()]).rows[0]));
}

#[test]
fn only_the_period_is_compared_whatever_a_list_shows() {
    let mut late = invoice();
    (late["id"], late["create_date"]) = (json!(8), json!("2026-03-01"));
    let mut undated = invoice();
    (undated["id"], undated["create_date"]) = (json!(9), json!(null));
    let ids = listed(&[invoice(), late, undated]).rows;
    let ids: Vec<String> = ids.into_iter().map(|row| row.object.id).collect();
    assert_eq!(ids, ["7", "9"]);
}

#[test]
fn drafts_deletions_and_what_has_no_mapping_say_so() {
    let mut draft = invoice();
    draft["v3_status"] = json!("draft");
    let why = listed(&[draft]).rows[0].left_out.clone();
    assert_eq!(why.expect("is left out").code, "draft");
    let mut nothing = invoice();
    nothing["amount"] = json!({"amount": "0.00", "code": "CAD"});
    let why = listed(&[nothing]).rows[0].left_out.clone();
    assert_eq!(why.expect("is left out").code, "nothing-to-pay");
    let mut deleted = invoice();
    deleted["vis_state"] = json!(1);
    let rows = listed(&[deleted]).rows;
    assert!(matches!(&rows[0].content, Content::Gone(why) if why.code == "deleted"));
    let mut taxed = invoice();
    taxed["lines"][0]["taxName1"] = json!("VAT");
    taxed["lines"][0]["taxAmount1"] = json!("20");
    let rows = listed(&[taxed]).rows;
    assert!(
        matches!(&rows[0].content, Content::Unreadable(_)),
        "{rows:?}"
    );
}

#[test]
fn every_list_is_read_page_by_page_to_its_bound() {
    let settings = settings();
    let asked = |side, cursor: Option<&str>| {
        let request = list_request(&settings, NAME, side, &period(), cursor);
        request.map(|request| request.path_with_query)
    };
    let first = asked(Side::Source, None).expect("is asked");
    // Whether the last day of a filter is in it is not documented.
    assert!(first.contains("date_min%5D=2026-02-01") && first.contains("date_max%5D=2026-03-01"));
    let target = asked(Side::Target, None).expect("is asked");
    assert!(
        target.contains("userDefinedDateAfter=2026-01-31"),
        "{target}"
    );
    assert!(
        target.contains("userDefinedDateBefore=2026-03-01"),
        "{target}"
    );
    assert_eq!(asked(Side::Source, Some("weather/1")), None);
    let page = |cursor: &str, pages: u64| {
        let kind = if cursor.starts_with("bill") {
            "bills"
        } else {
            "invoices"
        };
        let body = json!({"response": {"result": {kind: [], "pages": pages}}}).to_string();
        let answer = answer(&body);
        let read = read_list(
            &settings,
            NAME,
            Side::Source,
            &period(),
            Some(cursor),
            &answer,
        );
        let page = read.expect("is read");
        (page.next, page.cut.map(|why| why.code))
    };
    let next = |text: &str| Some(String::from(text));
    assert_eq!(page("invoice/1", 2), (next("invoice/2"), None));
    assert_eq!(page("invoice/2", 2), (next("bill/1"), None));
    assert_eq!(page("bill/500", 500), (None, None));
    assert_eq!(page("bill/500", 501), (None, next("list-too-long")));
}

#[test]
fn what_is_no_list_and_what_is_not_there_are_told_apart() {
    let refused = answer_with_status(403, r#"{"message": "Not allowed"}"#);
    for side in [Side::Source, Side::Target] {
        let read = read_list(&settings(), NAME, side, &period(), None, &refused);
        assert_eq!(read.expect_err("is refused").code, "refused");
    }
    let no_bills = r#"{"response": {"errors": [{"errno": 41001, "message": "No bills"}]}}"#;
    let no_bills = answer_with_status(403, no_bills);
    let settings = settings();
    let read = read_list(
        &settings,
        NAME,
        Side::Source,
        &period(),
        Some("bill/1"),
        &no_bills,
    );
    assert_eq!(read.expect("has none").rows, vec![]);
    let object = ObjectRef::concur("payment-request", "PR1");
    let missing = answer_with_status(404, r#"{"Message": "not found"}"#);
    assert_eq!(read_one_of(&object, missing), Reading::Missing);
    assert!(matches!(
        read_one_of(&object, refused),
        Reading::Unreadable(_)
    ));
    assert_eq!(flows(&settings).len(), 1);
}

fn read_one_of(object: &ObjectRef, answer: Response) -> Reading {
    read(object, &[answer])
}
