use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::world::World;
use crate::contract::runs::{Change, Ending, Failure, StartReason, Task};
use crate::contract::types::ObjectRef;
use crate::runs::tests::{Driven, object, settings_with, task};

const CLIENT: &str = "/accounting/account/zQ7pLm/users/clients/41";

fn world(source: &str) -> World {
    let mut world = World::new();
    let table = format!(r#"{{"reference": {{"vendors": "{source}"}}, "freshbooks": "#);
    world.settings = settings_with("{\n    \"freshbooks\": ", &table);
    show(&mut world, "Northwind", "v1");
    world
}

fn show(world: &mut World, name: &str, version: &str) {
    let client = client(name, version);
    let clients = json!({"clients": [&client], "pages": 1});
    let list = CLIENT.trim_end_matches("/41").to_string();
    world.freshbooks.insert(list, clients);
    world
        .freshbooks
        .insert(CLIENT.to_string(), json!({"client": client}));
}

fn client(name: &str, version: &str) -> Value {
    json!({"id": 41, "organization": name, "p_street": "12 Mill Lane", "p_code": "M5V 2T6",
        "p_province": "ON", "p_country": "Canada", "currency_code": "CAD", "updated": version})
}

fn run(world: &mut World, object: &ObjectRef, reason: StartReason) -> Driven {
    let task = Task {
        object: object.clone(),
        ..task("client", "41", reason)
    };
    world.tasks.clear();
    world.run(&task)
}

fn sync(world: &mut World, reason: StartReason) -> Driven {
    run(world, &object("client", "41"), reason)
}

fn vendor() -> ObjectRef {
    ObjectRef::concur("vendor", "FB-C41|MAIN")
}

fn change(driven: &Driven) -> Change {
    match &driven.completion.ending {
        Ending::Confirmed(confirmation) => confirmation.change,
        other => panic!("is not confirmed: {other:?}"),
    }
}

fn failure(driven: &Driven) -> &Failure {
    match &driven.completion.ending {
        Ending::Parked(failure) => failure,
        other => panic!("is no stop: {other:?}"),
    }
}

fn note(driven: &Driven) -> &str {
    match &driven.completion.ending {
        Ending::Unchanged(note) => &note.code,
        other => panic!("is not unchanged: {other:?}"),
    }
}

fn started(world: &World) -> Vec<String> {
    let tasks = world.tasks.iter();
    tasks.map(|task| task.object.kind.clone()).collect()
}

#[test]
fn a_change_in_freshbooks_is_carried_over() {
    let mut world = world("freshbooks");
    assert_eq!(
        change(&sync(&mut world, StartReason::Dependency)),
        Change::Created
    );
    assert_eq!(note(&sync(&mut world, StartReason::Notice)), "same-content");
    show(&mut world, "Northwind Ltd", "v2");
    assert_eq!(
        change(&sync(&mut world, StartReason::Notice)),
        Change::Updated
    );
    assert_eq!(world.vendors[0]["VendorName"], "Northwind Ltd");
    let mut ended = client("Northwind Ltd", "v3");
    ended["vis_state"] = json!(2);
    world
        .freshbooks
        .insert(CLIENT.to_string(), json!({"client": ended}));
    sync(&mut world, StartReason::Notice);
    assert_eq!(world.vendors[0]["Approved"], "N");
}

#[test]
fn who_is_no_vendor_does_not_become_one_by_a_notice() {
    let mut world = world("freshbooks");
    assert_eq!(note(&sync(&mut world, StartReason::Notice)), "not-carried");
    assert!(world.vendors.is_empty());
}

#[test]
fn a_change_in_concur_is_a_conflict_until_a_person_replays_it() {
    let mut world = world("freshbooks");
    sync(&mut world, StartReason::Dependency);
    let page = ObjectRef::concur("reference-list", "vendor/0");
    run(&mut world, &page, StartReason::Schedule);
    assert_eq!(started(&world), Vec::<String>::new());
    world.vendors[0]["City"] = json!("Ottawa");
    world.vendors[0]["VendorName"] = json!("Nordwind");
    run(&mut world, &page, StartReason::Schedule);
    assert_eq!(started(&world), ["vendor"]);
    let driven = run(&mut world, &vendor(), StartReason::Sweep);
    assert_eq!(failure(&driven).code, "changed-in-concur");
    let both = r#"VendorName is "Northwind" in FreshBooks and "Nordwind" in SAP Concur"#;
    assert!(failure(&driven).message.contains(both), "{driven:?}");
    // A change in FreshBooks does not write over it.
    show(&mut world, "Northwind Ltd", "v2");
    let driven = sync(&mut world, StartReason::Notice);
    assert_eq!(failure(&driven).code, "changed-in-concur");
    assert_eq!(world.vendors[0]["VendorName"], "Nordwind");
    assert_eq!(
        change(&run(&mut world, &vendor(), StartReason::Replay)),
        Change::Updated
    );
    assert_eq!(world.vendors[0]["VendorName"], "Northwind Ltd");
    assert_eq!(note(&sync(&mut world, StartReason::Sweep)), "same-content");
}

#[test]
fn where_concur_is_right_a_change_in_freshbooks_is_shown() {
    let mut world = world("concur");
    sync(&mut world, StartReason::Dependency);
    show(&mut world, "Northwind Ltd", "v2");
    let driven = sync(&mut world, StartReason::Notice);
    assert_eq!(failure(&driven).code, "changed-in-freshbooks");
    let driven = sync(&mut world, StartReason::Replay);
    assert_eq!(failure(&driven).code, "changed-in-freshbooks");
    assert_eq!(world.vendors[0]["VendorName"], "Northwind");
}

#[test]
fn vendors_that_were_linked_before_are_compared_from_then_on() {
    let mut world = world("freshbooks");
    sync(&mut world, StartReason::Dependency);
    let mut status = world.status(&vendor());
    status.link = None;
    world.keep(status);
    let page = object("reference-list", "client/1");
    run(&mut world, &page, StartReason::Schedule);
    assert_eq!(started(&world), ["client"]);
    assert_eq!(note(&sync(&mut world, StartReason::Sweep)), "same-content");
    assert!(world.link(&vendor()).is_some());
}
