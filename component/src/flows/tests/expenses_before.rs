use alloc::format;
use alloc::rc::Rc;
use alloc::vec;

use serde_json::{Value, json};

use super::expenses::{confirmed, expense, failure, notice, unchanged, world};
use super::world::World;
use crate::contract::runs::{Change, Link, ObjectStatus, StartReason};
use crate::contract::types::ObjectRef;
use crate::marker::marker_for;
use crate::runs::tests::{object, task, unknown};
use crate::settings::tests::with_expenses;

/// A world with expense 7 of 2026-02-11, from before the cut-over.
fn before() -> World {
    let mut settings = with_expenses("");
    settings.cut_over = "2026-02-12".parse().ok();
    World {
        settings: Rc::new(settings),
        ..world("")
    }
}

/// Puts an entry of Ida's into SAP Concur, with members that differ from expense 7's.
fn entry(world: &mut World, id: &str, members: &[(&str, Value)]) {
    let mut entry = json!({"ID": id, "ExpenseID": format!("3F{id}"), "ReportID": "R9",
        "login": "ida.login", "TransactionAmount": 40.0, "TransactionCurrencyCode": "CAD",
        "TransactionDate": "2026-02-11T00:00:00", "ExpenseTypeCode": "TAXIX",
        "Description": "Cab home", "ExchangeRate": 1.0});
    for (name, value) in members {
        entry[*name] = value.clone();
    }
    world.spending.entries.push(entry);
}

fn report(world: &mut World, submitted: bool) {
    world.spending.reports.push(
        json!({"reportId": "R9", "user": "u-ida", "currencyCode": "CAD",
        "isSubmitted": submitted, "canAddExpense": !submitted}),
    );
}

fn link(world: &mut World, source: ObjectRef, target: ObjectRef) {
    let status = ObjectStatus {
        link: Some(Link {
            source: source.clone(),
            target,
            version: None,
            content_hash: None,
        }),
        ..unknown(&source)
    };
    world.keep(status);
}

#[test]
fn what_was_typed_by_hand_is_shown_and_nothing_is_posted() {
    let mut world = before();
    entry(&mut world, "gW5", &[]);
    let of_another = marker_for("acme", &object("expense", "8"), "expense-entry");
    for (id, name, value) in [
        ("gW6", "TransactionAmount", json!(40.01)),
        ("gW7", "TransactionDate", json!("2026-02-12")),
        ("gW8", "TransactionCurrencyCode", json!("EUR")),
        ("gW9", "login", json!("kim.login")),
        ("gW10", "Description", json!(of_another)),
    ] {
        entry(&mut world, id, &[(name, value)]);
    }
    entry(&mut world, "gW11", &[]);
    let other = ObjectRef::concur("expense-entry", "gW11");
    link(&mut world, other, object("expense", "8"));
    let before = world.spending.entries.clone();
    let driven = world.run(&notice("7"));
    let failure = failure(&driven);
    assert_eq!(failure.code, "typed-by-hand");
    assert!(
        failure.message.contains("expense entry gW5 of"),
        "{}",
        failure.message
    );
    let adopt = "links adopt freshbooks/expense/7 concur/expense-entry/gW5`";
    assert!(failure.remedy.contains(adopt), "{}", failure.remedy);
    assert_eq!(world.spending.entries, before);
    assert_eq!(world.spending.reports, vec![json!(null); 0]);
}

#[test]
fn what_sap_concur_has_nothing_of_asks_for_nothing() {
    let mut world = before();
    assert_eq!(unchanged(&world.run(&notice("7"))), "before-cut-over");
    expense(&mut world, "8", &[("staffid", json!(null))]);
    assert_eq!(unchanged(&world.run(&notice("8"))), "before-cut-over");
    expense(&mut world, "9", &[("date", json!("2026-02-12"))]);
    assert_eq!(confirmed(&world.run(&notice("9"))).0, Change::Created);
    assert_eq!(world.spending.entries.len(), 1);
}

#[test]
fn an_entry_of_ours_is_linked_again_and_never_made_anew() {
    let mut world = before();
    let marker = marker_for("acme", &object("expense", "7"), "expense-entry");
    report(&mut world, false);
    let described = json!(format!("City Cabs {marker}"));
    let ours = [
        ("Description", described),
        ("PaymentTypeID", json!("gWqCompanyPaid")),
    ];
    entry(&mut world, "gW5", &ours);
    assert_eq!(
        confirmed(&world.run(&notice("7"))),
        (Change::Adopted, "gW5")
    );
    assert_eq!(world.spending.entries.len(), 1);
}

#[test]
fn what_a_person_adopted_is_left_alone_once_it_is_submitted() {
    for submitted in [true, false] {
        let mut world = before();
        report(&mut world, submitted);
        entry(&mut world, "gW5", &[]);
        let adopted = ObjectRef::concur("expense-entry", "gW5");
        link(&mut world, object("expense", "7"), adopted.clone());
        link(&mut world, adopted, object("expense", "7"));
        let replay = task("expense", "7", StartReason::Replay);
        let expected = match submitted {
            true => Change::Adopted,
            false => Change::Updated,
        };
        assert_eq!(confirmed(&world.run(&replay)), (expected, "gW5"));
        let description = world.spending.entries[0]["Description"].clone();
        assert_eq!(description == json!("Cab home"), submitted);
        // Documents name it by its other id.
        let back = world.link(&ObjectRef::concur("expense-entry", "3FGW5"));
        assert_eq!(back.expect("is linked").target, object("expense", "7"));
    }
}
