use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::json;

use super::world::{Fault, Spending, World, ended, parked};
use crate::contract::http::Method;
use crate::contract::runs::{Ending, EndingKind, ObjectStatus, StartReason};
use crate::contract::types::ObjectRef;
use crate::runs::tests::{Driven, STARTED, object, task};
use crate::settings::tests::with_expenses;

const KIND: &str = "expense-report-submission";
const REPORT: &str = "1/2026-02/1";

/// Two expenses of one employee, carried over to report R1.
fn world(workflow: &str) -> World {
    let mut world = World::new();
    let settings = format!(r#""workflow": "{workflow}", "workflow_after_days": 0,"#);
    world.settings = Rc::new(with_expenses(&settings));
    world.spending = Spending::with_users();
    let staff = json!({"staff": {"id": 1, "email": "E-1@example.test"}});
    let path = "/accounting/account/zQ7pLm/users/staffs/1".to_string();
    world.freshbooks.insert(path, staff);
    for id in ["7", "8"] {
        let expense = json!({"id": id, "staffid": 1, "categoryid": 3344, "date": "2026-02-11",
            "vendor": "City Cabs", "vis_state": 0, "updated": "2026-02-12 10:00:00",
            "amount": {"amount": "40.00", "code": "CAD"}});
        let path = format!("/accounting/account/zQ7pLm/expenses/expenses/{id}");
        world.freshbooks.insert(path, json!({ "expense": expense }));
        let carried = world.run(&task("expense", id, StartReason::Notice));
        assert!(matches!(carried.completion.ending, Ending::Confirmed(_)));
    }
    world
}

fn run(world: &mut World, reason: StartReason) -> Driven {
    world.run(&task(KIND, REPORT, reason))
}

fn look(world: &mut World) -> usize {
    let mut look = task("x", "unsubmitted", StartReason::Schedule);
    look.object = ObjectRef::concur("expense-report-queue", "unsubmitted");
    world.tasks.clear();
    world.run(&look);
    let started = world.tasks.iter();
    started.filter(|task| task.object.kind == KIND).count()
}

/// How it ended: the change, or the code.
fn said(driven: &Driven) -> String {
    match &driven.completion.ending {
        Ending::Confirmed(confirmation) => {
            let change = format!("{:?}", confirmation.change);
            change.trim_start_matches("Change::").to_string()
        }
        Ending::Unchanged(note) => note.code.clone(),
        Ending::Parked(failure) | Ending::Rejected(failure) => failure.code.clone(),
        Ending::Conflict(conflict) => conflict.message.clone(),
    }
}

fn status(world: &World) -> &str {
    let [report] = world.spending.reports.as_slice() else {
        panic!("one report");
    };
    report["approvalStatusId"].as_str().expect("is text")
}

/// The steps that were asked for, in their order.
fn steps(driven: &Driven) -> Vec<String> {
    let sends = driven.sends().into_iter().map(|(send, ..)| &send.request);
    let steps = sends.filter(|request| request.method == Method::Patch);
    steps.map(|step| step.path_with_query.clone()).collect()
}

#[test]
fn a_report_of_ours_is_brought_as_far_as_the_settings_say() {
    for (workflow, expected, count) in [("submit", "A_PEND", 1), ("approve", "A_APPR", 3)] {
        let mut world = world(workflow);
        assert_eq!(look(&mut world), 1, "{workflow}");
        let driven = run(&mut world, StartReason::Schedule);
        assert_eq!(said(&driven), "Updated", "{workflow}");
        assert_eq!((status(&world), steps(&driven).len()), (expected, count));
        let again = run(&mut world, StartReason::Replay);
        assert!(said(&again).starts_with("already-"), "{}", said(&again));
    }
    let mut world = world("leave");
    assert_eq!(look(&mut world), 0);
    assert_eq!(said(&run(&mut world, StartReason::Schedule)), "not-enabled");
    assert_eq!(status(&world), "A_NOTF");
}

#[test]
fn a_report_waits_until_its_period_is_over_for_so_many_days() {
    let mut world = world("submit");
    world.settings = Rc::new(with_expenses(
        r#""workflow": "submit", "workflow_after_days": 1,"#,
    ));
    assert_eq!(look(&mut world), 0);
    assert_eq!(said(&run(&mut world, StartReason::Schedule)), "not-due");
}

#[test]
fn a_report_with_anything_else_in_it_is_left_alone() {
    type Spoil = fn(&mut World);
    let spoils: [(&str, Spoil); 4] = [
        ("foreign-entry", |world| {
            let mut typed = world.spending.entries[0].clone();
            typed["ID"] = json!("gW9");
            world.spending.entries.push(typed);
        }),
        ("own-expense-differs", |world| {
            world.spending.entries[1]["TransactionAmount"] = json!(41.0);
        }),
        ("entry-unsettled", |world| {
            let status = world.status(&object("expense", "8"));
            let active = ObjectStatus {
                active: true,
                ..status
            };
            world.keep(active);
        }),
        ("nothing-to-submit", |world| world.spending.entries.clear()),
    ];
    for (code, spoil) in spoils {
        let mut world = world("approve");
        spoil(&mut world);
        let driven = run(&mut world, StartReason::Schedule);
        assert_eq!(said(&driven), code);
        assert_eq!((status(&world), steps(&driven).len()), ("A_NOTF", 0));
    }
}

#[test]
fn what_people_have_submitted_or_taken_back_is_left_to_them() {
    let mut submitted = world("approve");
    submitted.spending.submit(0);
    let driven = run(&mut submitted, StartReason::Schedule);
    assert_eq!(said(&driven), "left-to-people");
    assert_eq!(status(&submitted), "A_PEND");
    let mut back = world("approve");
    back.spending.submit(0);
    back.spending.reports[0]["isSubmitted"] = json!(false);
    assert_eq!(
        said(&run(&mut back, StartReason::Schedule)),
        "left-to-people"
    );
    // A look does not start it again and again.
    let last = ended(&object(KIND, REPORT), EndingKind::Unchanged, "");
    back.spending.reports[0]["approvalStatusId"] = json!("A_NOTF");
    let mut left = last.clone();
    if let Some(last) = &mut left.last {
        last.code = Some("left-to-people".to_string());
    }
    back.keep(left);
    assert_eq!(look(&mut back), 0);
    back.keep(last);
    assert_eq!(look(&mut back), 1);
}

/// Loses the answer to the first PATCH of a path that ends like this.
fn lose(world: &mut World, end: &'static str) {
    let mut is_first = true;
    world.fault = Box::new(move |send| {
        let path = &send.request.path_with_query;
        let is_it = send.request.method == Method::Patch && path.ends_with(end);
        (is_it && core::mem::take(&mut is_first)).then_some(Fault::Lost)
    });
}

#[test]
fn a_step_whose_answer_is_lost_is_read_and_never_taken_twice() {
    for end in ["/submit", "/approve"] {
        let mut world = world("approve");
        lose(&mut world, end);
        let driven = run(&mut world, StartReason::Schedule);
        assert_eq!(said(&driven), "Updated", "{end}");
        assert_eq!(
            (status(&world), steps(&driven).len()),
            ("A_APPR", 3),
            "{end}"
        );
    }
}

#[test]
fn a_step_that_nobody_can_know_waits_for_a_person() {
    for (end, left) in [("/submit", "A_NOTF"), ("/approve", "A_PEND")] {
        let mut world = world("approve");
        world.fault = Box::new(move |send| {
            let path = &send.request.path_with_query;
            let is_it = send.request.method == Method::Patch && path.ends_with(end);
            is_it.then(|| Fault::Instead(super::world::lost()))
        });
        let driven = run(&mut world, StartReason::Schedule);
        assert_eq!(
            (said(&driven).as_str(), status(&world)),
            ("ambiguous", left)
        );
        let before = world.status(&object(KIND, REPORT));
        let last = parked(&object(KIND, REPORT), "ambiguous", STARTED).last;
        world.keep(ObjectStatus { last, ..before });
        world.fault = Box::new(|_| None);
        let again = run(&mut world, StartReason::LookAgain);
        assert_eq!(
            (said(&again).as_str(), steps(&again).len()),
            ("ambiguous", 0)
        );
        let replayed = run(&mut world, StartReason::Replay);
        assert_eq!(
            (said(&replayed).as_str(), status(&world)),
            ("Updated", "A_APPR")
        );
    }
}

#[test]
fn a_submission_that_turns_out_to_be_there_is_adopted_and_goes_on() {
    let mut world = world("approve");
    world.spending.submit(0);
    world.keep(parked(&object(KIND, REPORT), "ambiguous", STARTED));
    let adopted = run(&mut world, StartReason::LookAgain);
    assert_eq!(said(&adopted), "Adopted");
    assert!(world.tasks.iter().any(|task| task.object.kind == KIND));
    world.keep(ObjectStatus {
        last: None,
        ..world.status(&object(KIND, REPORT))
    });
    assert_eq!(said(&run(&mut world, StartReason::Schedule)), "Updated");
    assert_eq!(status(&world), "A_APPR");
}

#[test]
fn a_refused_step_says_what_sap_concur_says() {
    let mut world = world("approve");
    world.fault = Box::new(|send| {
        let is_it = send.request.path_with_query.ends_with("/approve");
        let body = r#"{"validationErrors":[{"source":"error.workflow.invalid_action",
            "message":"not valid for the workflow"}]}"#;
        is_it.then(|| Fault::Instead(crate::runs::tests::answer(400, body)))
    });
    let driven = run(&mut world, StartReason::Schedule);
    assert_eq!(
        (said(&driven).as_str(), status(&world)),
        ("step-refused", "A_PEND")
    );
    let message = match &driven.completion.ending {
        Ending::Parked(failure) => &failure.message,
        other => panic!("{other:?}"),
    };
    assert!(message.contains("not valid for the workflow"), "{message}");
}
