use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::world::{Fault, World};
use crate::contract::runs::{Ending, EndingKind, ObjectStatus, StartReason};
use crate::runs::tests::{Driven, STARTED, answer, object, task};

const INVOICES: &str = "/accounting/account/zQ7pLm/invoices/invoices";

fn row(id: u32, version: &str) -> Value {
    json!({"id": id, "updated": version})
}

fn listing(rows: &[Value], pages: u32) -> World {
    let mut world = World::new();
    world.freshbooks.insert(
        INVOICES.to_string(),
        json!({"invoices": rows, "pages": pages}),
    );
    world
}

fn sweep(world: &mut World, page: &str) -> Driven {
    world.run(&task("sweep", page, StartReason::Schedule))
}

fn ended(id: &str, ending: EndingKind, version: &str) -> ObjectStatus {
    super::world::ended(&object("invoice", id), ending, version)
}

fn started(world: &World) -> Vec<String> {
    let tasks = world.tasks.iter();
    tasks
        .map(|task| format!("{} {} {:?}", task.object.kind, task.object.id, task.reason))
        .collect()
}

#[test]
fn the_live_pass_starts_what_no_run_has_looked_at_in_this_version() {
    let rows: Vec<Value> = (1..=8).map(|id| row(id, "v2")).collect();
    let mut world = listing(&rows, 1);
    world.keep(ended("2", EndingKind::Confirmed, "v1"));
    world.keep(ended("3", EndingKind::Confirmed, "v2"));
    // Under way: it may have read an older version.
    world.keep(ObjectStatus {
        active: true,
        ..ended("4", EndingKind::Confirmed, "v1")
    });
    // A draft was looked at; it is looked at again when it has changed.
    world.keep(ended("5", EndingKind::Unchanged, "v2"));
    world.keep(ended("6", EndingKind::Parked, "v1"));
    // Parked before a version was known: a person is needed.
    world.keep(ended("7", EndingKind::Parked, ""));
    // Not enabled then, enabled now.
    world.keep(ended("8", EndingKind::Unchanged, ""));
    let driven = sweep(&mut world, "invoice");
    assert_eq!(
        started(&world),
        [
            "invoice 1 StartReason::Sweep",
            "invoice 2 StartReason::Sweep",
            "invoice 4 StartReason::Sweep",
            "invoice 6 StartReason::Sweep",
            "invoice 8 StartReason::Sweep",
            "sweep invoice/deleted/1 StartReason::Schedule"
        ]
    );
    let Ending::Confirmed(confirmation) = &driven.completion.ending else {
        panic!("is confirmed");
    };
    assert_eq!(
        confirmation.message,
        "8 listed, 5 changed since they were last read"
    );
}

#[test]
fn the_pass_of_the_deleted_starts_only_what_was_carried() {
    let mut world = listing(&[row(1, "v2"), row(2, "v2"), row(3, "v2")], 1);
    world.keep(ended("1", EndingKind::Confirmed, "v1"));
    world.linked(&object("invoice", "1"), "payment-request", "P1", "");
    world.keep(ended("2", EndingKind::Parked, "v2"));
    world.linked(&object("invoice", "2"), "payment-request", "P2", "");
    let driven = sweep(&mut world, "invoice/deleted/1");
    assert_eq!(started(&world), ["invoice 1 StartReason::Sweep"]);
    let target = &driven.sends()[0].0.request.path_with_query;
    assert!(target.contains("search%5Bvis_state%5D=1"), "{target}");
}

#[test]
fn each_page_starts_the_next_and_asks_with_an_overlap() {
    let mut world = listing(&[], 3);
    let driven = sweep(&mut world, "invoice/2");
    assert_eq!(started(&world), ["sweep invoice/3 StartReason::Schedule"]);
    // 2026-03-01 and three days back.
    assert_eq!(STARTED, 1_772_323_200_000);
    assert_eq!(
        driven.sends()[0].0.request.path_with_query,
        format!("{INVOICES}?page=2&per_page=100&search%5Bupdated_min%5D=2026-02-26")
    );
}

#[test]
fn the_last_page_of_the_deleted_ends_the_sweep() {
    let mut world = listing(&[], 3);
    sweep(&mut world, "invoice/deleted/3");
    assert_eq!(started(&world), Vec::<String>::new());
}

#[test]
fn bills_are_swept_without_a_filter() {
    let mut world = World::new();
    let path = "/accounting/account/zQ7pLm/bills/bills";
    let rows = json!({"bills": [{"id": 91, "updated_at": "v"}], "pages": 1});
    world.freshbooks.insert(path.to_string(), rows);
    let driven = sweep(&mut world, "bill");
    assert_eq!(
        started(&world),
        [
            "bill 91 StartReason::Sweep",
            "sweep bill/deleted/1 StartReason::Schedule"
        ]
    );
    assert_eq!(
        driven.sends()[0].0.request.path_with_query,
        format!("{path}?page=1&per_page=100")
    );
}

#[test]
fn what_is_no_sweep_and_what_is_refused_are_said() {
    let mut world = listing(&[], 1);
    let driven = sweep(&mut world, "client");
    assert!(matches!(&driven.completion.ending, Ending::Parked(failure)
            if failure.code == "unknown-sweep"));
    world.fault = Box::new(|_| {
        Some(Fault::Instead(answer(
            403,
            r#"{"message": "no such role"}"#,
        )))
    });
    let driven = sweep(&mut world, "invoice");
    assert!(matches!(&driven.completion.ending, Ending::Parked(failure)
            if failure.code == "access-denied" && failure.message.contains("no such role")));
    assert_eq!(started(&world), Vec::<String>::new());
}
