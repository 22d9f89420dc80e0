use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::{String, ToString};

use serde_json::json;

use super::world::{Fault, Spending, World, parked};
use crate::contract::runs::{Change, Ending, ObjectStatus, StartReason};
use crate::runs::tests::{Driven, STARTED, object, task};
use crate::settings::tests::with_expenses;

const EXPENSE: &str = "/accounting/account/zQ7pLm/expenses/expenses/7";
const QUICK: &str = r#""kind": "quick-expense", "payment_type": "CPAID","#;

fn world() -> World {
    let mut world = World::new();
    world.settings = Rc::new(with_expenses(QUICK));
    world.spending = Spending::with_users();
    let staff = json!({"staff": {"id": 1, "email": "E-1@example.test"}});
    let path = "/accounting/account/zQ7pLm/users/staffs/1".to_string();
    world.freshbooks.insert(path, staff);
    put(&mut world, "40.00", 0);
    world
}

/// Puts the expense into FreshBooks.
fn put(world: &mut World, amount: &str, state: u8) {
    let expense = json!({"id": 7, "staffid": 1, "categoryid": 3344, "date": "2026-02-11",
        "vendor": "City Cabs", "notes": "To \"the\" client", "vis_state": state,
        "updated": "2026-02-12 10:00:00", "amount": {"amount": amount, "code": "CAD"}});
    let expense = json!({ "expense": expense });
    world.freshbooks.insert(EXPENSE.to_string(), expense);
}

fn run(world: &mut World, reason: StartReason) -> Driven {
    world.run(&task("expense", "7", reason))
}

fn said(driven: &Driven) -> String {
    match &driven.completion.ending {
        Ending::Confirmed(confirmation) => confirmation.target.id.clone(),
        Ending::Unchanged(note) => note.code.clone(),
        Ending::Parked(failure) | Ending::Rejected(failure) => failure.code.clone(),
        Ending::Conflict(conflict) => conflict.message.clone(),
    }
}

#[test]
fn an_expense_becomes_a_quick_expense_of_its_employee_once() {
    let mut world = world();
    assert_eq!(said(&run(&mut world, StartReason::Notice)), "Q1");
    let [quick] = world.spending.quick.as_slice() else {
        panic!("one quick expense");
    };
    assert_eq!(
        (&quick["user"], &quick["paymentTypeId"]),
        (&json!("u-ida"), &json!("CPAID"))
    );
    assert_eq!(
        (
            &quick["expenseTypeId"],
            &quick["transactionAmount"],
            &quick["location"]
        ),
        (
            &json!("TAXIX"),
            &json!({"value": 40.0, "currencyCode": "CAD"}),
            &json!({})
        )
    );
    let comment = quick["comment"].as_str().expect("is text");
    assert!(comment.starts_with("To \"the\" client (FreshBooks expense 7, mlc-"));
    assert_eq!(said(&run(&mut world, StartReason::Sweep)), "same-content");
    assert_eq!(
        (world.spending.quick.len(), world.spending.reports.len()),
        (1, 0)
    );
}

#[test]
fn a_quick_expense_that_may_be_there_is_sent_again_by_a_person_alone() {
    let mut world = world();
    world.fault = Box::new(|send| {
        let is_it = send.request.path_with_query.starts_with("/quickexpense/");
        is_it.then_some(Fault::Lost)
    });
    assert_eq!(said(&run(&mut world, StartReason::Notice)), "ambiguous");
    assert_eq!(world.spending.quick.len(), 1);
    world.fault = Box::new(|_| None);
    world.keep(parked(&object("expense", "7"), "ambiguous", STARTED));
    for reason in [
        StartReason::LookAgain,
        StartReason::Notice,
        StartReason::Sweep,
    ] {
        assert_eq!(said(&run(&mut world, reason)), "ambiguous");
    }
    assert_eq!(world.spending.quick.len(), 1);
    assert_eq!(said(&run(&mut world, StartReason::Replay)), "Q2");
}

#[test]
fn a_run_that_is_started_over_does_not_send_it_again() {
    let mut world = world();
    let mut over = task("expense", "7", StartReason::Notice);
    over.unknown_since = Some(STARTED - 1);
    assert_eq!(said(&world.run(&over)), "ambiguous");
    assert_eq!(world.spending.quick.len(), 0);
}

#[test]
fn changes_and_deletions_wait_for_a_person() {
    for (amount, state, code) in [
        ("41.00", 0, "update-refused"),
        ("40.00", 1, "deleted-in-freshbooks"),
    ] {
        let mut world = world();
        run(&mut world, StartReason::Notice);
        put(&mut world, amount, state);
        assert_eq!(said(&run(&mut world, StartReason::Notice)), code);
        assert_eq!(said(&run(&mut world, StartReason::Replay)), code);
        assert_eq!(world.spending.quick.len(), 1);
    }
}

#[test]
fn a_quick_expense_that_a_person_names_is_taken_as_it_is() {
    let mut world = world();
    world.linked(&object("expense", "7"), "quick-expense", "Q9", "");
    let status = world.status(&object("expense", "7"));
    let link = status.link.clone().map(|link| crate::contract::runs::Link {
        content_hash: None,
        ..link
    });
    world.keep(ObjectStatus { link, ..status });
    let driven = run(&mut world, StartReason::Notice);
    let Ending::Confirmed(confirmed) = &driven.completion.ending else {
        panic!("{:?}", driven.completion.ending);
    };
    assert_eq!(confirmed.change, Change::Adopted);
    assert_eq!(said(&run(&mut world, StartReason::Notice)), "same-content");
    assert_eq!(world.spending.quick.len(), 0);
}

#[test]
fn what_became_an_entry_does_not_become_a_quick_expense_too() {
    let mut world = world();
    world.linked(&object("expense", "7"), "expense-entry", "gW1", "x");
    assert_eq!(
        said(&run(&mut world, StartReason::Notice)),
        "update-refused"
    );
    // Nor the other way round.
    world.settings = Rc::new(with_expenses(""));
    world.linked(&object("expense", "7"), "quick-expense", "Q1", "x");
    assert_eq!(
        said(&run(&mut world, StartReason::Notice)),
        "update-refused"
    );
    assert_eq!(
        (world.spending.quick.len(), world.spending.entries.len()),
        (0, 0)
    );
}
