//! What an expense takes, refuses and shows.

use serde_json::json;

use super::*;
use crate::freshbooks::RecordKind;
use crate::freshbooks::expense_config::{AbsentPercent, BankMark, ExpenseTaxRule};
use crate::test_support::freshbooks::{FreshBooksHarness, NOW, object};

const PATH: &str = "expenses/expenses";

fn fields(changes: Value) -> Value {
    let mut expense = json!({"amount": {"amount": "119.00", "code": "EUR"}, "categoryid": 3345,
        "staffid": 2, "date": "2026-01-30", "vendor": "Hotel Adler", "notes": "Berlin",
        "taxName1": "MwSt", "taxAmount1": {"amount": "19.00", "code": "EUR"}});
    for (name, value) in changes.as_object().expect("an object") {
        expense[name] = value.clone();
    }
    expense
}

fn create(harness: &mut FreshBooksHarness, changes: Value) -> Value {
    let body = json!({"expense": fields(changes)});
    object(&harness.accounting("POST", PATH, Some(body)), "expense")
}

fn refused(harness: &mut FreshBooksHarness, changes: Value) -> (u16, u64) {
    harness.refused("POST", PATH, json!({"expense": fields(changes)}))
}

fn put(harness: &mut FreshBooksHarness, id: &Value, changes: Value) -> Value {
    let body = json!({"expense": changes});
    let answer = harness.accounting("PUT", &format!("{PATH}/{id}"), Some(body));
    object(&answer, "expense")
}

#[test]
fn an_expense_is_shown_as_it_was_written() {
    let mut harness = FreshBooksHarness::new();
    let expense = create(&mut harness, json!({}));
    assert_eq!(expense["id"], expense["expenseid"]);
    assert_eq!(
        expense["amount"],
        json!({"amount": "119.00", "code": "EUR"})
    );
    assert_eq!(
        expense["taxAmount1"],
        json!({"amount": "19.00", "code": "EUR"})
    );
    let names = [
        "taxName1",
        "taxPercent1",
        "taxName2",
        "taxAmount2",
        "projectid",
        "clientid",
        "status",
        "has_receipt",
        "vendor",
        "updated",
        "bank_name",
    ];
    assert_eq!(
        names.map(|name| expense[name].clone()),
        [
            json!("MwSt"),
            json!(null),
            json!(null),
            json!(null),
            json!(0),
            json!(0),
            json!(0),
            json!(false),
            json!("Hotel Adler"),
            json!("2026-03-02 10:00:00"),
            json!(null),
        ]
    );
    assert!(expense.get("attachment").is_none());
}

#[test]
fn what_is_required_is_required_and_what_is_unknown_is_refused() {
    let mut harness = FreshBooksHarness::new();
    for name in ["categoryid", "staffid", "amount", "date"] {
        assert_eq!(
            refused(&mut harness, json!({name: null})),
            (422, 1001),
            "{name}"
        );
    }
    harness.machine.config.staff[2].active = false;
    for (changes, errno) in [
        (json!({"categoryid": 1}), 1004),
        (json!({"staffid": 99}), 1004),
        (json!({"staffid": 3}), 1004),
        (json!({"staffid": "x"}), 1015),
        (json!({"clientid": 5}), 1004),
        (json!({"projectid": 7}), 1004),
        (json!({"modern_projectid": 7}), 1004),
        (json!({"date": "30.01.2026"}), 1033),
        (json!({"amount": {"amount": "x", "code": "EUR"}}), 1004),
        (json!({"amount": {"amount": "119.00", "code": "eur"}}), 1004),
        (json!({"amount": {"amount": "-1", "code": "EUR"}}), 1025),
        (json!({"billable": "yes"}), 1031),
        (json!({"attachment": {"jwt": "x"}}), 1004),
        (json!({"notes": {}}), 1004),
    ] {
        assert_eq!(
            refused(&mut harness, changes.clone()),
            (422, errno),
            "{changes}"
        );
    }
    let category = harness.machine.ids(RecordKind::Category)[0];
    harness.machine.delete(RecordKind::Category, category, NOW);
    assert_eq!(
        refused(&mut harness, json!({"categoryid": category})),
        (422, 1004)
    );
    assert!(harness.listed(PATH, "expenses").is_empty());
}

#[test]
fn what_only_the_server_writes_is_refused_or_by_switch_dropped() {
    let mut harness = FreshBooksHarness::new();
    for name in READ_ONLY {
        assert_eq!(
            refused(&mut harness, json!({*name: 1})),
            (403, 1038),
            "{name}"
        );
    }
    let ignored = create(&mut harness, json!({"ext_systemid": 9, "transactionid": 9}));
    assert_eq!(
        (&ignored["ext_systemid"], &ignored["transactionid"]),
        (&json!(0), &json!(null))
    );
    harness.machine.config.expenses.read_only_dropped = true;
    assert_eq!(create(&mut harness, json!({"status": 4}))["status"], 0);
}

#[test]
fn taxes_are_money_inside_the_amount() {
    let mut harness = FreshBooksHarness::new();
    let money = |amount: &str| json!({"amount": amount, "code": "EUR"});
    for (changes, errno) in [
        (json!({"taxAmount1": money("119.01")}), 1040),
        (json!({"taxAmount1": money("-1")}), 1025),
        (json!({"taxAmount1": {"amount": "1", "code": "USD"}}), 1004),
        (json!({"taxName1": null}), 1001),
        (json!({"taxName2": "MwSt"}), 1026),
        (json!({"taxPercent1": "x"}), 1018),
    ] {
        assert_eq!(
            refused(&mut harness, changes.clone()),
            (422, errno),
            "{changes}"
        );
    }
    let changes = json!({"taxAmount1": null, "taxPercent1": "5", "taxName2": "QST",
        "taxPercent2": 9.975});
    let expense = create(&mut harness, changes.clone());
    assert_eq!(
        (&expense["taxAmount1"], &expense["taxAmount2"]),
        (&money("5.18"), &money("10.32"))
    );
    let mut compounded = changes;
    compounded["compounded_tax"] = json!(true);
    let expense = create(&mut harness, compounded);
    assert_eq!(
        (&expense["taxAmount1"], &expense["taxAmount2"]),
        (&money("5.15"), &money("10.79"))
    );
    assert_eq!(
        (&expense["taxPercent1"], &expense["taxPercent2"]),
        (&json!("5"), &json!("9.975"))
    );
}

#[test]
fn of_amount_and_percentage_the_switch_says_which_counts() {
    let mut harness = FreshBooksHarness::new();
    let changes = json!({"taxPercent1": "7"});
    let tax = |harness: &mut FreshBooksHarness| {
        create(harness, changes.clone())["taxAmount1"]["amount"].clone()
    };
    assert_eq!(tax(&mut harness), "19.00");
    harness.machine.config.expenses.tax_rule = ExpenseTaxRule::Percent;
    assert_eq!(tax(&mut harness), "7.79");
}

#[test]
fn a_percentage_that_nobody_wrote_is_null_zero_or_derived() {
    let mut harness = FreshBooksHarness::new();
    for (switch, shown) in [
        (AbsentPercent::Null, [json!(null), json!(null)]),
        (AbsentPercent::Zero, [json!(0), json!(0)]),
        (AbsentPercent::Derived, [json!("19"), json!(null)]),
    ] {
        harness.machine.config.expenses.absent_percent = switch;
        let expense = create(&mut harness, json!({}));
        assert_eq!(
            ["taxPercent1", "taxPercent2"].map(|name| expense[name].clone()),
            shown
        );
    }
}

#[test]
fn updates_change_what_they_name_and_a_vis_state_rides_alone() {
    let mut harness = FreshBooksHarness::new();
    let id = create(&mut harness, json!({}))["id"].clone();
    let changed = put(&mut harness, &id, json!({"notes": "Bonn"}));
    assert_eq!(
        (&changed["notes"], &changed["taxAmount1"]["amount"]),
        (&json!("Bonn"), &json!("19.00"))
    );
    let untaxed = put(&mut harness, &id, json!({"taxName1": null}));
    assert_eq!(untaxed["taxAmount1"], json!(null));
    let deleted = put(&mut harness, &id, json!({"vis_state": 1, "notes": "Lost"}));
    assert_eq!(
        (&deleted["notes"], &deleted["vis_state"]),
        (&json!("Bonn"), &json!(1))
    );
    assert!(harness.listed(PATH, "expenses").is_empty());
    assert_eq!(
        harness
            .listed(&format!("{PATH}?search[vis_state]=1"), "expenses")
            .len(),
        1
    );
}

#[test]
fn filters_narrow_the_list_and_status_does_not() {
    let mut harness = FreshBooksHarness::new();
    let client = harness.client();
    create(&mut harness, json!({"clientid": client, "billable": true}));
    create(
        &mut harness,
        json!({"date": "2026-02-10", "vendor": "Bahn", "staffid": 3,
        "amount": {"amount": "20.00", "code": "EUR"}, "taxName1": null, "taxAmount1": null}),
    );
    let mine = format!("search[clientid]={client}");
    let others = format!("search[clientid_not]={client}");
    for (filter, count) in [
        (mine.as_str(), 1),
        (others.as_str(), 1),
        ("search[status]=2", 2),
        ("search[vendor]=Bahn", 1),
        ("search[staffids][]=2&search[staffids][]=3", 2),
        ("search[categoryid]=3344", 0),
        ("search[has_receipt]=true", 0),
        ("search[amount_min]=20&search[amount_max]=119", 1),
        ("search[date_min]=2026-01-31&search[date_max]=2026-02-11", 1),
        ("search[updated_min]=2026-03-03", 0),
        ("search[notes]=zzz", 2),
    ] {
        let listed = harness.listed(&format!("{PATH}?{filter}"), "expenses");
        assert_eq!(listed.len(), count, "{filter}");
    }
}

#[test]
fn the_switch_says_which_field_has_the_project() {
    let mut harness = FreshBooksHarness::new();
    let project = json!({"title": "Rollout"});
    let made = harness.machine.create(RecordKind::Project, &project, NOW);
    let project = made.expect("a project");
    let both = |expense: &Value| {
        [
            expense["modern_projectid"].clone(),
            expense["projectid"].clone(),
        ]
    };
    let changes = json!({"modern_projectid": project, "projectid": 0});
    for (field, shown) in [
        (ProjectField::Modern, json!([project, 0])),
        (ProjectField::Legacy, json!([null, 0])),
        (ProjectField::Both, json!([project, project])),
    ] {
        harness.machine.config.expenses.project_field = field;
        let expense = create(&mut harness, changes.clone());
        assert_eq!(json!(both(&expense)), shown);
    }
    harness.machine.config.expenses.project_field = ProjectField::Legacy;
    let expense = create(&mut harness, json!({"projectid": project}));
    assert_eq!(json!(both(&expense)), json!([null, project]));
    let path = format!("{PATH}?search[projectid]={project}&include[]=project");
    let listed = harness.listed(&path, "expenses");
    assert_eq!(
        (listed.len(), &listed[0]["project"]["title"]),
        (3, &json!("Rollout"))
    );
}

#[test]
fn what_marks_an_import_is_a_switch() {
    let mut harness = FreshBooksHarness::new();
    let imported = harness
        .machine
        .import_expense(&fields(json!({})), "First Bank", NOW)
        .expect("an expense");
    for (mark, count) in [
        (BankMark::Bank, 5),
        (BankMark::AccountId, 1),
        (BankMark::BankName, 1),
        (BankMark::TransactionId, 1),
        (BankMark::BackgroundJobId, 1),
        (BankMark::BulkImport, 1),
        (BankMark::None, 0),
    ] {
        harness.machine.config.expenses.bank_mark = mark;
        let own = create(&mut harness, json!({}));
        let shown = harness.machine.expense(imported, NOW).expect("it is there");
        let differs = |name: &&&str| shown[**name] != own[**name];
        let names = [
            "accountid",
            "account_name",
            "bank_name",
            "transactionid",
            "background_jobid",
            "from_bulk_import",
        ];
        assert_eq!(names.iter().filter(differs).count(), count, "{mark:?}");
    }
}

#[test]
fn a_receipt_is_shown_when_it_is_included() {
    let mut harness = FreshBooksHarness::new();
    let id = create(&mut harness, json!({}))["id"]
        .as_u64()
        .expect("an id");
    let machine = &mut harness.machine;
    assert!(machine.attach_receipt(id, "image/png", b"png".to_vec(), NOW));
    assert!(!machine.attach_receipt(1, "image/png", b"png".to_vec(), NOW));
    let path = format!("{PATH}/{id}?include[]=attachment&include[]=category");
    let shown = object(&harness.accounting("GET", &path, None), "expense");
    assert_eq!(
        (&shown["has_receipt"], &shown["attachment"]["media_type"]),
        (&json!(true), &json!("image/png"))
    );
    assert_eq!(shown["category"]["category"], "Hotels / Lodging");
    let jwt = &shown["attachment"]["jwt"];
    let again = create(&mut harness, json!({"attachment": {"jwt": jwt}}));
    assert_eq!(again["has_receipt"], true);
    let without = put(&mut harness, &again["id"], json!({"attachment": null}));
    assert_eq!(without["has_receipt"], false);
}

#[test]
fn reading_and_writing_have_scopes_of_their_own() {
    let mut harness = FreshBooksHarness::new();
    let body = json!({"expense": fields(json!({}))});
    for (scope, read, write) in [
        ("user:expenses:read", 200, 403),
        ("user:expenses:write", 403, 200),
        ("user:bills:read", 403, 403),
    ] {
        harness.hold(scope);
        assert_eq!(
            harness.accounting("GET", PATH, None).status,
            read,
            "{scope}"
        );
        let answer = harness.accounting("POST", PATH, Some(body.clone()));
        assert_eq!(answer.status, write, "{scope}");
    }
}
