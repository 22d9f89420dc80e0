use alloc::vec;

use serde_json::{Value, json};

use super::super::cursor::PAGES_MAX;
use super::super::{list_request, read_list, read_one};
use super::*;
use crate::contract::runs::Link;
use crate::error_bodies::tests::{answer, answer_with_status};
use crate::settings::tests::with_expenses;

fn settings() -> Settings {
    with_expenses(r#""marker_field": "Custom3", "#)
}

fn february() -> Period {
    Period {
        from: "2026-02-01".into(),
        to: "2026-02-28".into(),
    }
}

fn expense(members: &[(&str, Value)]) -> Value {
    let mut expense = json!({"id": 7, "staffid": 1, "categoryid": 3344, "date": "2026-02-11",
        "vendor": "City Cabs", "vis_state": 0, "amount": {"amount": "40.00", "code": "CAD"}});
    for (name, value) in members {
        expense[*name] = value.clone();
    }
    expense
}

/// The only row of a list of this expense.
fn source(settings: &Settings, members: &[(&str, Value)]) -> Row {
    let body = json!({"response": {"result": {"expenses": [expense(members)], "pages": 1}}});
    let body = answer(&body.to_string());
    let read = read_list(settings, NAME, Side::Source, &february(), None, &body);
    let [row] = read.expect("is read").rows.try_into().expect("one row");
    row
}

fn entry(marker: &str) -> Value {
    json!({"ID": "gW1", "ExpenseID": "3F01", "ReportID": "R1", "TransactionAmount": 40.0,
        "TransactionCurrencyCode": "CAD", "TransactionDate": "2026-02-11T00:00:00",
        "ExpenseTypeCode": "TAXIX", "PaymentTypeID": "gWqCompanyPaid",
        "Description": "City Cabs", "Custom3": {"Type": "Text", "Value": marker}})
}

fn texts(row: &Row) -> Vec<(String, String)> {
    let Content::Fields(fields) = &row.content else {
        panic!("has no fields: {row:?}");
    };
    let text = |field: &Field| match &field.value {
        FieldValue::Text(text) => (field.name.clone(), text.clone()),
        FieldValue::TargetOf(object) => panic!("{object:?} is no text"),
    };
    let mut texts: Vec<_> = fields.iter().map(text).collect();
    texts.sort();
    texts
}

fn status(object: ObjectRef, target: ObjectRef, version: &str) -> ObjectStatus {
    ObjectStatus {
        link: Some(Link {
            source: object.clone(),
            target,
            version: non_empty(version),
            content_hash: None,
        }),
        object,
        active: false,
        last: None,
    }
}

/// What the links say of entry gW1: Ida's, who has a login.
fn known(staff: &str) -> [ObjectStatus; 2] {
    [
        status(
            ObjectRef::concur(TARGET, "gW1"),
            ObjectRef::freshbooks(SOURCE, "7"),
            staff,
        ),
        status(
            ObjectRef::freshbooks("staff", "1"),
            ObjectRef::concur("employee", "u-ida"),
            "ida.login",
        ),
    ]
}

#[test]
fn both_sides_of_what_a_run_wrote_are_spelt_alike() {
    let source = source(&settings(), &[]);
    let marker = source.marker.clone().expect("has one");
    let object = ObjectRef::concur(TARGET, "gW1");
    let read = |answers: &[Response], known: &[ObjectStatus]| {
        read_one(&settings(), NAME, &object, answers, known)
    };
    let known = known("1");
    assert_eq!(read(&[], &[]), Reading::Find(vec![object.clone()]));
    let staff = ObjectRef::freshbooks("staff", "1");
    assert_eq!(read(&[], &known[..1]), Reading::Find(vec![staff]));
    let Reading::Send(asked) = read(&[], &known) else {
        panic!("asks as its owner");
    };
    assert!(asked.path_with_query.ends_with("/gW1?user=ida.login"));
    let shown = answer(&entry(&marker).to_string());
    let Reading::Record(target) = read(&[shown], &known) else {
        panic!("is read");
    };
    assert_eq!(target.marker, source.marker);
    assert_eq!(texts(&target), texts(&source));
    assert_eq!(target.facts.amount, source.facts.amount);
    assert_eq!(target.facts.date, source.facts.date);
    let gone = answer_with_status(404, r#"{"Message":"The item was not found."}"#);
    assert_eq!(read(&[gone], &known), Reading::Missing);
}

#[test]
fn an_entry_of_nobody_cannot_be_compared() {
    let object = ObjectRef::concur(TARGET, "gW1");
    let read = read_one(&settings(), NAME, &object, &[], &known(""));
    let Reading::Unreadable(why) = read else {
        panic!("is read: {read:?}");
    };
    assert_eq!(why.code, "unknown-owner");
}

#[test]
fn each_change_by_hand_changes_its_field_alone() {
    let row = |entry: &Value| {
        let read = concur::read_entry(&answer(&entry.to_string())).expect("is read");
        target_row(&settings(), &read)
    };
    let unchanged = texts(&row(&entry("mlc-a")));
    for (name, value) in [
        ("TransactionAmount", json!(40.01)),
        ("TransactionCurrencyCode", json!("EUR")),
        ("TransactionDate", json!("2026-02-12")),
        ("ExpenseTypeCode", json!("MEALS")),
        ("PaymentTypeID", json!("gWqCash")),
        ("Description", json!("Taxi")),
        ("Custom3", json!(null)),
    ] {
        let mut changed = entry("mlc-a");
        changed[name] = value;
        let changed = texts(&row(&changed));
        let pairs = unchanged.iter().zip(&changed);
        let differ: Vec<&str> = pairs
            .filter(|(one, other)| one != other)
            .map(|(one, _)| one.0.as_str())
            .collect();
        assert_eq!(differ, [name]);
    }
    // What is not shown is not compared.
    let mut hidden = entry("mlc-a");
    hidden["PaymentTypeID"] = json!("");
    assert_eq!(texts(&row(&hidden)).len(), unchanged.len() - 1);
}

#[test]
fn what_no_run_carries_over_is_said() {
    let marker = source(&settings(), &[]).marker.expect("has one");
    let left_out = |settings: &Settings, members: &[(&str, Value)]| {
        let left_out = source(settings, members).left_out;
        left_out.map(|why| why.code)
    };
    assert_eq!(left_out(&settings(), &[]), None);
    let ours = [("notes", json!(marker))];
    let code = |code: &str| Some(String::from(code));
    assert_eq!(left_out(&settings(), &ours), code("made-by-us"));
    let imported = [("bank_name", json!("First Bank"))];
    assert_eq!(left_out(&settings(), &imported), None);
    let leave = with_expenses(r#""bank_imported": "leave", "#);
    assert_eq!(left_out(&leave, &imported), code("bank-imported"));
    let mut later = settings();
    later.cut_over = "2026-02-12".parse().ok();
    assert_eq!(left_out(&later, &[]), code("before-cut-over"));
}

#[test]
fn a_category_is_read_where_its_name_decides() {
    let object = ObjectRef::freshbooks(SOURCE, "7");
    let mut settings = settings();
    settings.expense.categories = [("taxi".to_string(), "TAXIX".to_string())].into();
    assert_eq!(source(&settings, &[]).content, Content::Partial);
    let body = json!({"response": {"result": {"expense": expense(&[])}}}).to_string();
    let named = json!({"response": {"result": {"category": {"category": "Taxi"}}}}).to_string();
    let read = |answers: &[Response]| read_one(&settings, NAME, &object, answers, &[]);
    assert!(matches!(read(&[]), Reading::Send(_)));
    assert!(matches!(read(&[answer(&body)]), Reading::Send(_)));
    let Reading::Record(row) = read(&[answer(&body), answer(&named)]) else {
        panic!("is read");
    };
    assert!(texts(&row).contains(&("ExpenseTypeCode".into(), "TAXIX".into())));
}

/// What the list of targets asks for, until its end.
#[test]
fn reports_are_listed_and_then_the_entries_of_each() {
    let settings = settings();
    let report = |id: &str, modified: &str| {
        let login = format!("{id}@x.test");
        json!({"ID": id, "OwnerLoginID": login, "LastModifiedDate": modified})
    };
    let reports = |reports: &[Value], next: Value| json!({"Items": reports, "NextPage": next});
    let last = "2026-02-20T10:00:00";
    let answers = [
        (
            "/reports?user=ALL&limit=100",
            reports(
                &[
                    report("A", last),
                    report("OLD", "2026-01-30T10:00:00"),
                    report("B", last),
                ],
                json!("p2"),
            ),
        ),
        (
            "/entries?user=A%40x.test&reportID=A&limit=100",
            json!({"Items": [entry("mlc-a")], "NextPage": "e2"}),
        ),
        (
            "/entries?user=A%40x.test&reportID=A&limit=100&offset=e2",
            json!({"Items": [], "NextPage": "e2"}),
        ),
        (
            "/entries?user=B%40x.test&reportID=B&limit=100",
            json!({"Items": [], "NextPage": null}),
        ),
        (
            "/reports?user=ALL&limit=100&offset=p2",
            reports(&[report("C", "")], json!(null)),
        ),
        (
            "/entries?user=C%40x.test&reportID=C&limit=100",
            json!({"Items": [], "NextPage": null}),
        ),
    ];
    let (mut cursor, mut rows) = (None, 0);
    for (expected, body) in answers {
        let place = cursor.as_deref();
        let asked = list_request(&settings, NAME, Side::Target, &february(), place);
        let asked = asked.expect("goes on").path_with_query;
        assert!(asked.ends_with(expected), "{asked} instead of {expected}");
        let body = answer(&body.to_string());
        let page = read_list(&settings, NAME, Side::Target, &february(), place, &body);
        let page = page.expect("is read");
        assert_eq!(page.cut, None);
        rows += page.rows.len();
        cursor = page.next;
    }
    assert_eq!((cursor, rows), (None, 1));
}

#[test]
fn the_end_of_a_long_list_is_told() {
    let settings = settings();
    let cursor = format!(
        r#"{{"pages":{},"reports":"p","open":[],"entry_pages":0,"entries":null}}"#,
        PAGES_MAX - 1
    );
    let more = answer(r#"{"Items":[],"NextPage":"q"}"#);
    let side = Side::Target;
    let page = read_list(&settings, NAME, side, &february(), Some(&cursor), &more);
    let page = page.expect("is read");
    assert_eq!(page.cut.expect("is cut").code, "list-too-long");
    assert_eq!(page.next, None);
    let listed = json!({"response": {"result": {"expenses": [], "pages": 501}}}).to_string();
    let last = format!("expense/{PAGES_MAX}");
    let page = read_list(
        &settings,
        NAME,
        Side::Source,
        &february(),
        Some(&last),
        &answer(&listed),
    );
    let page = page.expect("is read");
    assert_eq!(page.cut.expect("is cut").code, "list-too-long");
    assert_eq!(page.next, None);
}
