use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::world::{Fault, Spending, World, lost};
use crate::contract::http::Method;
use crate::contract::runs::{
    Change, Ending, EndingKind, Failure, LastEnding, ObjectStatus, StartReason, Task, WaitReason,
};
use crate::contract::types::ObjectRef;
use crate::marker::is_marker;
use crate::runs::tests::{Driven, answer, object, task};
use crate::settings::tests::with_expenses;

const EXPENSES: &str = "/accounting/account/zQ7pLm/expenses/expenses";

pub(super) fn world(settings: &str) -> World {
    let mut world = World::new();
    world.settings = Rc::new(with_expenses(settings));
    world.spending = Spending::with_users();
    for (id, email) in [(1, "E-1@example.test"), (2, "e-17@EXAMPLE.test")] {
        let staff = json!({"staff": {"id": id, "email": email, "fname": "Ida", "lname": "Roe"}});
        let path = format!("/accounting/account/zQ7pLm/users/staffs/{id}");
        world.freshbooks.insert(path, staff);
    }
    expense(&mut world, "7", &[]);
    world
}

/// Puts an expense into FreshBooks, with members that differ from the usual.
pub(super) fn expense(world: &mut World, id: &str, members: &[(&str, Value)]) {
    let mut expense = json!({"id": id.parse::<u64>().expect("is a number"), "staffid": 1,
        "categoryid": 3344, "date": "2026-02-11", "vendor": "City Cabs", "vis_state": 0,
        "modern_projectid": 5512, "updated": "2026-02-12 10:00:00",
        "amount": {"amount": "40.00", "code": "CAD"}});
    for (name, value) in members {
        expense[*name] = value.clone();
    }
    world
        .freshbooks
        .insert(format!("{EXPENSES}/{id}"), json!({"expense": expense}));
}

pub(super) fn notice(id: &str) -> Task {
    task("expense", id, StartReason::Notice)
}

pub(super) fn confirmed(driven: &Driven) -> (Change, &str) {
    match &driven.completion.ending {
        Ending::Confirmed(confirmation) => (confirmation.change, &confirmation.target.id),
        other => panic!("is not confirmed: {other:?}"),
    }
}

pub(super) fn unchanged(driven: &Driven) -> &str {
    match &driven.completion.ending {
        Ending::Unchanged(note) => &note.code,
        other => panic!("is not unchanged: {other:?}"),
    }
}

pub(super) fn failure(driven: &Driven) -> &Failure {
    match &driven.completion.ending {
        Ending::Parked(failure) | Ending::Rejected(failure) => failure,
        other => panic!("is no stop: {other:?}"),
    }
}

/// The report ids of the entries, in the order of their creation.
fn reports(world: &World) -> Vec<&str> {
    let entries = world.spending.entries.iter();
    entries
        .map(|entry| entry["ReportID"].as_str().expect("is text"))
        .collect()
}

/// Keeps how the last run of an object ended, as a host does.
fn keep_last(world: &mut World, id: &str, driven: &Driven) {
    let failure = failure(driven);
    let last = LastEnding {
        kind: EndingKind::Parked,
        code: Some(failure.code.clone()),
        message: failure.message.clone(),
        version: None,
        since: Some(failure.since),
    };
    let status = world.status(&object("expense", id));
    world.keep(ObjectStatus {
        last: Some(last),
        ..status
    });
}

#[test]
fn an_expense_becomes_an_entry_on_its_employee_s_report() {
    let mut world = world("");
    let driven = world.run(&notice("7"));
    assert_eq!(confirmed(&driven), (Change::Created, "gW1"));
    let [report] = world.spending.reports.as_slice() else {
        panic!("one report");
    };
    assert_eq!(
        (
            &report["name"],
            &report["user"],
            &report["policyId"],
            &report["endDate"]
        ),
        (
            &json!("FreshBooks 2026-02"),
            &json!("u-ida"),
            &json!("0A1B"),
            &json!("2026-02-28")
        )
    );
    let entry = &world.spending.entries[0];
    assert_eq!(
        (&entry["ReportID"], &entry["login"]),
        (&json!("R1"), &json!("ida.login"))
    );
    let description = entry["Description"].as_str().expect("is text");
    assert!(is_marker(
        description.rsplit(' ').next().expect("is a word")
    ));
    // Both ids of the entry lead back to the expense.
    for id in ["gW1", "3F000000000000000000000000000001"] {
        let back = world
            .link(&ObjectRef::concur("expense-entry", id))
            .expect("is linked");
        assert_eq!(back.target, object("expense", "7"));
    }
    let again = world.run(&notice("7"));
    assert_eq!(unchanged(&again), "same-content");
    assert_eq!(world.spending.entries.len(), 1);
}

#[test]
fn expenses_of_an_employee_and_month_share_a_report_and_others_do_not() {
    let mut world = world("");
    expense(&mut world, "8", &[("date", json!("2026-02-28"))]);
    expense(&mut world, "9", &[("date", json!("2026-03-01"))]);
    expense(&mut world, "10", &[("staffid", json!(2))]);
    for id in ["7", "8", "9", "10"] {
        confirmed(&world.run(&notice(id)));
    }
    assert_eq!(reports(&world), ["R1", "R1", "R2", "R3"]);
    assert_eq!(world.spending.entries[3]["login"], "kim.login");
}

#[test]
fn a_report_that_was_submitted_is_never_added_to() {
    let mut world = world("");
    confirmed(&world.run(&notice("7")));
    world.spending.submit(0);
    expense(&mut world, "8", &[]);
    confirmed(&world.run(&notice("8")));
    assert_eq!(reports(&world), ["R1", "R2"]);
    assert_eq!(world.spending.reports[1]["name"], "FreshBooks 2026-02 (2)");
    // Sent back, it is still not one to add to.
    world.spending.reports[1]["isReportEverSentBack"] = json!(true);
    expense(&mut world, "9", &[]);
    confirmed(&world.run(&notice("9")));
    assert_eq!(reports(&world), ["R1", "R2", "R3"]);
}

#[test]
fn a_report_that_is_submitted_between_look_and_write_is_replaced() {
    let mut world = world("");
    confirmed(&world.run(&notice("7")));
    expense(&mut world, "8", &[]);
    let mut looks = 0;
    world.fault = Box::new(move |send| {
        let is_look = send.request.method == Method::Get
            && send.request.path_with_query.contains("/reports/R1");
        looks += u32::from(is_look);
        // What it said a moment ago.
        (is_look && looks == 1).then(|| {
            let open = r#"{"reportId":"R1","isSubmitted":false,"canAddExpense":true}"#;
            Fault::Instead(answer(200, open))
        })
    });
    world.spending.submit(0);
    confirmed(&world.run(&notice("8")));
    assert_eq!(reports(&world), ["R1", "R2"]);
}

#[test]
fn a_lost_creation_of_a_report_makes_one() {
    let mut world = world("");
    world.spending.running = 2;
    let mut first = true;
    world.fault = Box::new(move |send| {
        let is_creation = send.request.path_with_query.ends_with("/reports");
        let is_first = is_creation && core::mem::replace(&mut first, false);
        is_first.then_some(Fault::Lost)
    });
    confirmed(&world.run(&notice("7")));
    assert_eq!(world.spending.reports.len(), 1);
}

/// Loses the answer to the first creation of an entry; whether it was carried out.
fn lose_creation(world: &mut World, is_done: bool) {
    let mut first = true;
    world.fault = Box::new(move |send| {
        let is_creation = send.request.method == Method::Post
            && send
                .request
                .path_with_query
                .starts_with("/api/v3.0/expense/entries");
        let is_first = is_creation && core::mem::replace(&mut first, false);
        is_first.then(|| match is_done {
            true => Fault::Lost,
            false => Fault::Instead(lost()),
        })
    });
}

#[test]
fn a_lost_answer_is_looked_up_and_adopted() {
    let mut world = world("");
    lose_creation(&mut world, true);
    let driven = world.run(&notice("7"));
    assert_eq!(confirmed(&driven), (Change::Adopted, "gW1"));
    assert!(
        driven
            .waits()
            .iter()
            .any(|(reason, _)| *reason == WaitReason::Settle)
    );
    assert_eq!(world.spending.entries.len(), 1);
}

#[test]
fn what_nobody_can_know_is_parked_or_sent_again_as_the_settings_say() {
    let mut parks = world("");
    lose_creation(&mut parks, false);
    let driven = parks.run(&notice("7"));
    assert_eq!(failure(&driven).code, "ambiguous");
    assert_eq!(parks.spending.entries.len(), 0);
    let mut resends = world(r#""ambiguity": "resend","#);
    lose_creation(&mut resends, false);
    assert_eq!(
        confirmed(&resends.run(&notice("7"))),
        (Change::Created, "gW1")
    );
}

#[test]
fn an_ambiguous_entry_is_found_though_the_expense_has_moved_to_another_report() {
    let mut world = world("");
    // It is carried out, and shown late.
    lose_creation(&mut world, true);
    let mut fault = core::mem::replace(&mut world.fault, Box::new(|_| None));
    world.fault = Box::new(move |send| {
        let is_list = send.request.path_with_query.contains("reportID=");
        let none = || Fault::Instead(answer(200, r#"{"Items":[],"NextPage":null}"#));
        fault(send).or_else(|| is_list.then(none))
    });
    let driven = world.run(&notice("7"));
    assert_eq!(failure(&driven).code, "ambiguous");
    keep_last(&mut world, "7", &driven);
    world.fault = Box::new(|_| None);
    let moved = [("date", json!("2026-03-05")), ("staffid", json!(2))];
    expense(&mut world, "7", &moved);
    let driven = world.run(&task("expense", "7", StartReason::LookAgain));
    assert_eq!(confirmed(&driven).0, Change::Created);
    // It has left the report of the other employee.
    let [entry] = world.spending.entries.as_slice() else {
        panic!("one entry");
    };
    assert_eq!(entry["login"], "kim.login");
}

#[test]
fn what_nobody_knew_of_is_taken_out_when_its_expense_is_deleted() {
    let mut world = world("");
    confirmed(&world.run(&notice("7")));
    world.linked(&object("expense", "7"), "expense-report", "R1", "h");
    expense(&mut world, "7", &[("vis_state", json!(1))]);
    assert_eq!(confirmed(&world.run(&notice("7"))).0, Change::Withdrawn);
    assert!(world.spending.entries.is_empty());
}

#[test]
fn updates_follow_and_deletions_take_the_entry_out() {
    let mut world = world(r#""marker_field": "Custom9", "project_field": "Custom3","#);
    confirmed(&world.run(&notice("7")));
    let amount = json!({"amount": "41.50", "code": "CAD"});
    let changed = [("amount", amount), ("modern_projectid", json!(0))];
    expense(&mut world, "7", &changed);
    let driven = world.run(&notice("7"));
    assert_eq!(confirmed(&driven), (Change::Updated, "gW1"));
    let sent: Vec<Value> = World::writes(&driven)
        .iter()
        .map(|body| serde_json::from_str(body).expect("is JSON"))
        .collect();
    let expected = json!({"TransactionAmount": 41.5, "Custom3": "", "ReportID": "R1",
        "ExpenseTypeCode": "TAXIX", "TransactionDate": "2026-02-11"});
    assert_eq!(sent, [expected]);
    expense(&mut world, "7", &[("vis_state", json!(1))]);
    assert_eq!(confirmed(&world.run(&notice("7"))).0, Change::Withdrawn);
    assert_eq!(world.spending.entries.len(), 0);
    assert!(world.link(&object("expense", "7")).is_none());
    assert_eq!(unchanged(&world.run(&notice("7"))), "not-carried");
}

#[test]
fn what_is_gone_from_freshbooks_is_taken_out_too() {
    let mut world = world("");
    confirmed(&world.run(&notice("7")));
    world.freshbooks.remove(&format!("{EXPENSES}/7"));
    assert_eq!(confirmed(&world.run(&notice("7"))).0, Change::Withdrawn);
    assert_eq!(world.spending.entries.len(), 0);
}

#[test]
fn once_the_report_is_submitted_a_person_is_needed() {
    let mut world = world("");
    confirmed(&world.run(&notice("7")));
    world.spending.submit(0);
    expense(&mut world, "7", &[("vendor", json!("Other Cabs"))]);
    assert_eq!(failure(&world.run(&notice("7"))).code, "update-refused");
    expense(&mut world, "7", &[("vis_state", json!(1))]);
    let driven = world.run(&notice("7"));
    assert_eq!(failure(&driven).code, "deleted-in-freshbooks");
    assert!(failure(&driven).message.contains("report R1"));
    assert_eq!(World::writes(&driven), [""; 0]);
}

#[test]
fn an_expense_that_is_another_employee_s_now_changes_reports() {
    let mut world = world("");
    confirmed(&world.run(&notice("7")));
    expense(&mut world, "7", &[("staffid", json!(2))]);
    confirmed(&world.run(&notice("7")));
    let [entry] = world.spending.entries.as_slice() else {
        panic!("one entry");
    };
    assert_eq!(
        (&entry["login"], &entry["ReportID"]),
        (&json!("kim.login"), &json!("R2"))
    );
}

#[test]
fn employees_are_found_as_the_settings_say_else_by_address() {
    for (settings, staff, employee) in [
        ("", 2, "u-kim"),
        (r#""staff": {"1": "E-17"},"#, 1, "u-kim"),
        (r#""staff": {"1": "e-17@example.test"},"#, 1, "u-kim"),
    ] {
        let mut world = world(settings);
        expense(&mut world, "7", &[("staffid", json!(staff))]);
        confirmed(&world.run(&notice("7")));
        assert_eq!(world.spending.reports[0]["user"], employee, "{settings}");
    }
}

/// Settings, whose the expense is, what is changed, and the code that it stops with.
type Case<'a> = (&'a str, i32, &'a dyn Fn(&mut World), &'a str);

#[test]
fn an_unknown_employee_stops_before_the_first_write() {
    let same = |world: &mut World| {
        let mut twin = world.spending.users[2].clone();
        twin["id"] = json!("u-twin");
        world.spending.users.push(twin);
    };
    let nothing = |_: &mut World| {};
    let cases: [Case; 5] = [
        ("", 3, &nothing, "employee-unknown"),
        (
            r#""staff": {"1": "E-99"},"#,
            1,
            &nothing,
            "employee-unknown",
        ),
        (
            r#""staff": {"1": "E-16"},"#,
            1,
            &nothing,
            "employee-inactive",
        ),
        ("", 2, &same, "employee-ambiguous"),
        (
            r#""staff": {"1": "x@example.test"},"#,
            1,
            &nothing,
            "employee-unknown",
        ),
    ];
    for (settings, staff, change, code) in cases {
        let mut world = world(settings);
        change(&mut world);
        expense(&mut world, "7", &[("staffid", json!(staff))]);
        let driven = world.run(&notice("7"));
        assert_eq!(failure(&driven).code, code, "{settings}");
        assert!(world.spending.reports.is_empty() && world.spending.entries.is_empty());
    }
}

#[test]
fn bad_expenses_stop_before_the_first_write() {
    let fields = r#""project_field": "Custom3","#;
    for (name, value, code) in [
        ("categoryid", json!(9), "expense-type-unmapped"),
        ("modern_projectid", json!(77), "project-unmapped"),
        (
            "amount",
            json!({"amount": "40.00", "code": "USD"}),
            "rate-missing",
        ),
        (
            "amount",
            json!({"amount": "-1.00", "code": "CAD"}),
            "wrong-value",
        ),
    ] {
        let mut world = world(fields);
        expense(&mut world, "7", &[(name, value)]);
        let driven = world.run(&notice("7"));
        assert_eq!(failure(&driven).code, code);
        assert_eq!(driven.sends().len(), 1, "{code}");
    }
}

#[test]
fn a_category_s_name_is_read_where_the_settings_name_it() {
    let mut world = world(r#""categories": {"Travel": "AIRFR"},"#);
    let path = "/accounting/account/zQ7pLm/expenses/categories/3344".to_string();
    let category = json!({"category": {"id": 3344, "category": "Travel"}});
    world.freshbooks.insert(path, category);
    confirmed(&world.run(&notice("7")));
    assert_eq!(world.spending.entries[0]["ExpenseTypeCode"], "AIRFR");
}

#[test]
fn what_a_bank_may_have_imported_waits_for_a_person() {
    let imported = [("bank_name", json!("First Bank"))];
    let mut asks = world("");
    expense(&mut asks, "7", &imported);
    assert_eq!(failure(&asks.run(&notice("7"))).code, "bank-imported");
    let replay = task("expense", "7", StartReason::Replay);
    confirmed(&asks.run(&replay));
    // Once it is there it is looked after like any other.
    let mut changed = imported.to_vec();
    changed.push(("vendor", json!("Other Cabs")));
    expense(&mut asks, "7", &changed);
    assert_eq!(confirmed(&asks.run(&notice("7"))).0, Change::Updated);
    let mut leaves = world(r#""bank_imported": "leave","#);
    expense(&mut leaves, "7", &imported);
    assert_eq!(unchanged(&leaves.run(&notice("7"))), "bank-imported");
    let mut sends = world(r#""bank_imported": "send","#);
    expense(&mut sends, "7", &imported);
    confirmed(&sends.run(&notice("7")));
}

#[test]
fn what_is_dated_before_the_cut_over_is_left_alone() {
    let mut world = world("");
    let mut settings = with_expenses("");
    settings.cut_over = "2026-02-12".parse().ok();
    world.settings = Rc::new(settings);
    assert_eq!(unchanged(&world.run(&notice("7"))), "before-cut-over");
    expense(&mut world, "8", &[("date", json!("2026-02-12"))]);
    confirmed(&world.run(&notice("8")));
}

#[test]
fn what_we_made_in_freshbooks_never_goes_out_again() {
    let mut world = world("");
    let notes = "Report K7P2QD mlc-67t75pxxmcusv4w5xrnx";
    expense(&mut world, "7", &[("notes", json!(notes))]);
    assert_eq!(unchanged(&world.run(&notice("7"))), "made-by-us");
    expense(&mut world, "8", &[]);
    world.linked(
        &object("expense", "8"),
        "financial-document",
        "expense/R9",
        "h",
    );
    assert_eq!(unchanged(&world.run(&notice("8"))), "made-by-us");
    assert!(world.spending.entries.is_empty());
}

#[test]
fn a_field_that_the_form_lacks_stops_the_next_one() {
    let mut world = world(r#""marker_field": "Custom9","#);
    world.new_forms = true;
    world.spending.dropped = vec!["Custom9"];
    expense(&mut world, "8", &[]);
    let driven = world.run(&notice("7"));
    assert_eq!(failure(&driven).code, "not-shown");
    assert!(failure(&driven).message.contains("Custom9"));
    assert_eq!(failure(&world.run(&notice("8"))).code, "form-unseen");
    assert_eq!(world.spending.entries.len(), 1);
    // The form has it now: the first entry is put right, and the next one follows.
    world.spending.dropped.clear();
    assert_eq!(
        confirmed(&world.run(&notice("7"))),
        (Change::Updated, "gW1")
    );
    confirmed(&world.run(&notice("8")));
}

#[test]
fn an_amount_that_was_taken_one_to_one_is_said() {
    let mut world = world(r#""marker_field": "Custom9","#);
    world.new_forms = true;
    expense(
        &mut world,
        "7",
        &[("amount", json!({"amount": "40.00", "code": "EUR"}))],
    );
    let driven = world.run(&notice("7"));
    assert_eq!(failure(&driven).code, "not-shown");
    assert!(
        failure(&driven).message.contains("an exchange rate"),
        "{:?}",
        failure(&driven)
    );
    // It is the first of its form, whose fields did come back: others go on.
    expense(&mut world, "8", &[]);
    confirmed(&world.run(&notice("8")));
}

#[test]
fn two_entries_under_one_marker_are_a_conflict() {
    let mut world = world("");
    confirmed(&world.run(&notice("7")));
    let mut copy = world.spending.entries[0].clone();
    copy["ID"] = json!("gW9");
    world.spending.entries.push(copy);
    world
        .statuses
        .retain(|status| status.object != object("expense", "7"));
    let driven = world.run(&notice("7"));
    match &driven.completion.ending {
        Ending::Conflict(conflict) => assert_eq!(conflict.targets.len(), 2),
        other => panic!("is no conflict: {other:?}"),
    }
}

#[test]
fn an_entry_that_was_deleted_there_is_not_made_anew() {
    let mut world = world("");
    confirmed(&world.run(&notice("7")));
    world.spending.entries.clear();
    expense(&mut world, "7", &[("vendor", json!("Other Cabs"))]);
    assert_eq!(failure(&world.run(&notice("7"))).code, "deleted-in-concur");
    let said: String = failure(&world.run(&notice("7"))).message.clone();
    assert!(said.contains("gW1"));
}
