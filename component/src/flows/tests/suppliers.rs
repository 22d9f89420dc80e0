use alloc::format;
use alloc::string::ToString;

use serde_json::json;

use super::world::World;
use crate::contract::runs::{Change, Ending, StartReason, Task};
use crate::contract::types::{ObjectRef, System};
use crate::marker::marker_for;
use crate::runs::tests::{Driven, object, task};

fn supplier() -> ObjectRef {
    ObjectRef {
        system: System::Concur,
        kind: "supplier".to_string(),
        id: "V-2001|Northwind  Paper".to_string(),
    }
}

fn run(world: &mut World) -> Driven {
    let asked = Task {
        object: supplier(),
        ..task("", "", StartReason::Dependency)
    };
    world.run(&asked)
}

fn change(driven: &Driven) -> (Change, &str) {
    match &driven.completion.ending {
        Ending::Confirmed(confirmed) => (confirmed.change, &confirmed.target.id),
        ending => panic!("is not confirmed: {ending:?}"),
    }
}

#[test]
fn a_new_supplier_becomes_a_vendor_with_our_marker() {
    let mut world = World::new();
    let driven = run(&mut world);
    assert_eq!(change(&driven), (Change::Created, "1"));
    let marker = marker_for("acme", &supplier(), "bill-vendor");
    let vendor = &world.payables.vendors[0];
    assert_eq!(
        vendor["note"],
        format!("SAP Concur vendor V-2001 ({marker})")
    );
    assert_eq!(vendor["language"], "en");
    // The marker counts more than a name that somebody changed.
    world.statuses.clear();
    world.payables.vendors[0]["vendor_name"] = json!("Northwind Holding");
    assert_eq!(change(&run(&mut world)), (Change::Adopted, "1"));
    let again = run(&mut world);
    assert!(matches!(again.completion.ending, Ending::Unchanged(note) if note.code == "linked"));
}

#[test]
fn a_vendor_that_we_carried_the_other_way_is_this_one() {
    let mut world = World::new();
    world.payables.vendors = [
        json!({"vendorid": 1, "vendor_name": "Northwind Paper"}),
        json!({"vendorid": 2, "vendor_name": "Another name"}),
    ]
    .into();
    world.linked(&object("bill-vendor", "2"), "vendor", "V-2001|MAIN", "");
    assert_eq!(change(&run(&mut world)), (Change::Adopted, "2"));
}

#[test]
fn a_name_is_enough_if_it_is_the_only_one() {
    let mut world = World::new();
    world.payables.vendors = [
        json!({"vendorid": 1, "vendor_name": "NORTHWIND paper", "vis_state": 1}),
        json!({"vendorid": 2, "vendor_name": " northwind PAPER "}),
    ]
    .into();
    assert_eq!(change(&run(&mut world)), (Change::Adopted, "2"));
    world.statuses.clear();
    world.payables.vendors[0]["vis_state"] = json!(0);
    let Ending::Parked(failure) = run(&mut world).completion.ending else {
        panic!("is parked");
    };
    assert_eq!(failure.code, "vendor-ambiguous");
    assert!(
        failure.remedy.contains("`financial.bills.vendors`"),
        "{}",
        failure.remedy
    );
}
