use serde_json::{Value, json};

use super::super::{list_request, read_list, read_one};
use super::*;
use crate::contract::runs::Link;
use crate::error_bodies::tests::answer;
use crate::financial::tests::{EXPENSE, INVOICE};
use crate::settings::tests::MINIMAL;

fn settings() -> Settings {
    let accounts = r#"{"financial": {"enabled": true, "accounts": {
        "by_code": {"6100": "61", "6200": "62", "2150": "215", "1150": "115"},
        "by_party": {"EMPL": "1", "CBCP": "2"}, "by_tax": {"CAHST/H13": "7"}}}, "#;
    Settings::load("acme", &MINIMAL.replacen('{', accounts, 1)).expect("is right")
}

fn quarter() -> Period {
    Period {
        from: "2026-01-01".into(),
        to: "2026-03-31".into(),
    }
}

fn report(status: &str) -> Reading {
    let object = source_of_report();
    assert!(matches!(
        read_one(&settings(), NAME, &object, &[], &[]),
        Reading::Send(_)
    ));
    read_with(&object, &listed_report(status), |_| false)
}

fn listed_report(status: &str) -> String {
    let report: Value = serde_json::from_str(EXPENSE).expect("is JSON");
    let row = json!({"id": "4b7d", "docType": "EXPENSE", "docStatus": status,
        "document": report});
    json!({"content": [row], "page": {"totalPages": 1}}).to_string()
}

fn source_of_report() -> ObjectRef {
    let head = financial::head(DocumentType::Expense, EXPENSE).expect("has a head");
    ObjectRef::concur(SOURCE, format!("expense/{}", head.source_id))
}

/// Reads a source, of whose entries some are linked to expenses.
fn read_with(object: &ObjectRef, body: &str, is_linked: impl Fn(usize) -> bool) -> Reading {
    let answers = [answer(body)];
    let Reading::Find(asked) = read_one(&settings(), NAME, object, &answers, &[]) else {
        return read_one(&settings(), NAME, object, &answers, &[]);
    };
    let known = asked
        .into_iter()
        .enumerate()
        .map(|(at, object)| ObjectStatus {
            link: is_linked(at).then(|| Link {
                source: object.clone(),
                target: ObjectRef::freshbooks("expense", "7"),
                version: None,
                content_hash: None,
            }),
            object,
            active: false,
            last: None,
        });
    let known: Vec<ObjectStatus> = known.collect();
    read_one(&settings(), NAME, object, &answers, &known)
}

fn texts(row: &Row) -> Vec<String> {
    let (Content::Fields(fields) | Content::Part(fields)) = &row.content else {
        panic!("has no fields: {row:?}");
    };
    let text = |field: &Field| match &field.value {
        FieldValue::Text(text) => format!("{}: {text}", field.name),
        FieldValue::TargetOf(object) => panic!("{object:?} is no text"),
    };
    let mut texts: Vec<String> = fields.iter().map(text).collect();
    texts.sort();
    texts
}

/// The ledger as FreshBooks lists it after an entry was posted.
fn ledger(source: &Row, pages: u64) -> Response {
    let marker = source.marker.as_deref().expect("has one");
    let details = texts(source).into_iter().filter_map(|text| {
        let text = text.strip_prefix("details: ")?;
        let parts: Vec<&str> = text.split(' ').collect();
        let mut line = json!({"entry": {"entryid": 9}, "sub_account": {"sub_accountid": parts[0]},
            "name": format!("Expenses {marker}"), "user_entered_date": source.facts.date,
            "debit": null, "credit": null});
        line[parts[1]] = json!({"amount": parts[2], "code": parts[3]});
        Some(line)
    });
    let typed = json!({"entry": {"entryid": 10}, "sub_account": {"sub_accountid": 61},
        "name": "typed by hand", "user_entered_date": "2026-02-02", "credit": null,
        "debit": {"amount": "5.00", "code": "CAD"}});
    let old = json!({"entry": {"entryid": 11}, "sub_account": {"sub_accountid": 61},
        "name": "typed long ago", "user_entered_date": "2020-02-02", "credit": null,
        "debit": {"amount": "5.00", "code": "CAD"}});
    let details: Vec<Value> = details.chain([typed, old]).collect();
    let body = json!({"response": {"result": {"journal_entry_details": details, "page": 1,
        "pages": pages}}});
    answer(&body.to_string())
}

#[test]
fn an_entry_is_spelt_as_the_document_that_it_was_made_of() {
    let Reading::Record(source) = report("POSTED") else {
        panic!("is a record");
    };
    assert_eq!(source.facts.date.as_deref(), Some("2026-03-03"));
    let settings = settings();
    let listed = ledger(&source, 1);
    let page = read_list(&settings, NAME, Side::Target, &quarter(), None, &listed);
    let page = page.expect("is read");
    let [typed, entry] = page.rows.as_slice() else {
        panic!("has two of the quarter: {:?}", page.rows);
    };
    assert_eq!(entry.marker, source.marker);
    assert_eq!(entry.facts.amount, source.facts.amount);
    assert_eq!(texts(entry), texts(&source));
    assert_eq!((typed.marker.as_ref(), page.next.as_ref()), (None, None));
    let last = read_list(
        &settings,
        NAME,
        Side::Target,
        &quarter(),
        Some("journal-entry/500"),
        &ledger(&source, 501),
    );
    let last = last.expect("is read");
    assert_eq!(
        last.cut.map(|why| why.code).as_deref(),
        Some("ledger-too-long")
    );
    assert_eq!(last.next, None);
    assert_eq!(
        read_one(&settings, NAME, &entry.object, &[], &[]),
        Reading::ListOnly
    );
    assert_eq!(
        list_request(&settings, NAME, Side::Source, &quarter(), None),
        None
    );
}

#[test]
fn a_document_that_was_taken_back_is_gone() {
    let Reading::Record(row) = report("RECALLED") else {
        panic!("is a record");
    };
    assert!(matches!(row.content, Content::Gone(_)), "{row:?}");
}

#[test]
fn a_bill_is_spelt_as_the_invoice_that_it_was_made_of() {
    let bills = r#"{"financial": {"enabled": true, "invoices": "bill", "bills": {
        "categories": {"6400": "3341", "6400/PRJ_B": "3342", "OFFSP": "3341"},
        "taxes": {"H13": "13% HST"}}}, "#;
    let settings = Settings::load("acme", &MINIMAL.replacen('{', bills, 1)).expect("is right");
    let document: Value = serde_json::from_str(INVOICE).expect("is JSON");
    let row = json!({"id": "9c1", "docStatus": "POSTED", "document": document});
    let listed = json!({"content": [row]}).to_string();
    let head = financial::head(DocumentType::Invoice, INVOICE).expect("has a head");
    let object = ObjectRef::concur(SOURCE, format!("invoice/{}", head.source_id));
    let Reading::Record(source) = read_one(&settings, NAME, &object, &[answer(&listed)], &[])
    else {
        panic!("is a record");
    };
    let Ok(BillOrEntry::Bill(made)) = financial::bill(INVOICE, &settings) else {
        panic!("is a bill");
    };
    let marker = source.marker.as_deref().expect("has one");
    let body = made.body("12", "en", marker, &made.date);
    let mut shown: Value = serde_json::from_str(&body).expect("is JSON");
    shown["bill"]["id"] = json!(7);
    shown["bill"]["total_amount"] = json!({"amount": "1130.00", "code": "CAD"});
    let shown = json!({"response": {"result": shown}}).to_string();
    let bill = freshbooks::bill_object("7");
    let Reading::Record(target) = read_one(&settings, NAME, &bill, &[answer(&shown)], &[]) else {
        panic!("is a record");
    };
    assert_eq!(target.marker, source.marker);
    assert_eq!(texts(&target), texts(&source));
}

#[test]
fn entries_that_came_from_freshbooks_are_none_of_the_journal_entry() {
    let body = listed_report("PENDING");
    let object = source_of_report();
    let details = |reading: Reading| {
        let Reading::Record(row) = reading else {
            panic!("is no record");
        };
        let texts = texts(&row).into_iter();
        texts
            .filter(|text| text.starts_with("details"))
            .collect::<Vec<_>>()
    };
    let all = details(read_with(&object, &body, |_| false));
    let rest = details(read_with(&object, &body, |at| at < 2));
    assert!(
        !rest.is_empty() && rest.len() < all.len(),
        "{rest:?} of {all:?}"
    );
    let Reading::Record(nothing) = read_with(&object, &body, |_| true) else {
        panic!("is no record");
    };
    // What an employee is reimbursed for is posted whatever its link says.
    assert!(nothing.left_out.is_some() || !details(Reading::Record(nothing)).is_empty());
}
