use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::world::{Fault, World, lost, parked};
use crate::contract::http::Method;
use crate::contract::runs::{Change, Ending, Failure, StartReason, Task};
use crate::runs::tests::{Driven, answer, object, task};

fn world() -> World {
    let mut world = World::new();
    let client = json!({"id": 41, "organization": "Northwind", "p_street": "12 Mill \
            Lane", "p_code": "M5V 2T6",
        "p_province": "ON", "p_country": "Canada", "currency_code": "CAD", "updated": "v"});
    let path = "/accounting/account/zQ7pLm/users/clients/41";
    world
        .freshbooks
        .insert(path.to_string(), json!({"client": client}));
    let vendor =
        json!({"vendorid": 41, "vendor_name": "Messe AG", "country": "DE", "currency_code": "EUR"});
    let path = "/accounting/account/zQ7pLm/bill_vendors/bill_vendors/41";
    world
        .freshbooks
        .insert(path.to_string(), json!({"bill_vendor": vendor}));
    world
}

fn dependency() -> Task {
    task("client", "41", StartReason::Dependency)
}

fn change(driven: &Driven) -> (Change, &str) {
    match &driven.completion.ending {
        Ending::Confirmed(confirmation) => (confirmation.change, &confirmation.target.id),
        other => panic!("is not confirmed: {other:?}"),
    }
}

fn failure(driven: &Driven) -> &Failure {
    match &driven.completion.ending {
        Ending::Parked(failure) | Ending::Rejected(failure) => failure,
        other => panic!("is no stop: {other:?}"),
    }
}

fn linked(world: &World) -> Option<String> {
    world
        .link(&object("client", "41"))
        .map(|link| link.target.id)
}

fn alike(code: &str) -> Value {
    json!({"VendorCode": code, "AddressCode": "HQ", "VendorName": "northwind", "Address1": "12 \
            MILL LANE",
           "PostalCode": "m5v 2t6"})
}

#[test]
fn a_vendor_is_created_linked_and_then_left_alone() {
    let mut world = world();
    let driven = world.run(&dependency());
    assert_eq!(change(&driven), (Change::Created, "FB-C41|MAIN"));
    assert_eq!(
        (
            linked(&world).as_deref(),
            driven.completion.version.as_deref()
        ),
        (Some("FB-C41|MAIN"), Some("v"))
    );
    assert_eq!(world.vendors[0]["State"], "ON");
    let again = world.run(&dependency());
    assert!(matches!(&again.completion.ending, Ending::Unchanged(note) if note.code == "linked"));
    assert_eq!(again.sends().len(), 0);
}

#[test]
fn a_client_and_a_bill_vendor_of_one_id_are_two() {
    let mut world = world();
    world.run(&dependency());
    let driven = world.run(&task("bill-vendor", "41", StartReason::Dependency));
    assert_eq!(change(&driven), (Change::Created, "FB-V41|MAIN"));
    assert_eq!(world.vendors.len(), 2);
}

#[test]
fn a_vendor_with_our_code_is_adopted_before_one_with_our_name() {
    let mut world = world();
    world.vendors = vec![
        alike("1001"),
        json!({"VendorCode": "fb-c41", "AddressCode": "main"}),
    ];
    assert_eq!(
        change(&world.run(&dependency())),
        (Change::Adopted, "fb-c41|main")
    );
}

#[test]
fn a_vendor_with_our_name_and_address_is_adopted() {
    let mut world = world();
    world.vendors = vec![
        json!({"VendorCode": "1000", "AddressCode": "HQ", "VendorName": "Northwind",
            "Address1": "1 Other Road"}),
        alike("1001"),
    ];
    let driven = world.run(&dependency());
    assert_eq!(change(&driven), (Change::Adopted, "1001|HQ"));
    assert_eq!(World::writes(&driven), Vec::<String>::new());
}

#[test]
fn several_alike_park_with_their_codes() {
    let mut world = world();
    world.vendors = vec![alike("1001"), alike("1002")];
    let driven = world.run(&dependency());
    assert_eq!(failure(&driven).code, "vendor-ambiguous");
    assert!(failure(&driven).message.contains("1001|HQ, 1002|HQ"));
    assert_eq!(linked(&world), None);
}

#[test]
fn a_refusal_inside_a_200_is_a_refusal() {
    let mut world = world();
    world.fault = Box::new(|send| {
        let body = r#"{"Vendor":[{"VendorCode":"FB-C41","StatusList":[{"Code":7,
        "Message":"State is missing","Type":"WARNING"}]}]}"#;
        (send.request.method == Method::Post).then(|| Fault::Instead(answer(200, body)))
    });
    let driven = world.run(&dependency());
    assert!(matches!(driven.completion.ending, Ending::Rejected(_)));
    assert!(failure(&driven).message.contains("\"State is missing\""));
    assert_eq!((World::writes(&driven).len(), linked(&world)), (1, None));
}

#[test]
fn a_look_up_that_says_nothing_creates_nothing() {
    let mut world = world();
    world.fault = Box::new(|send| {
        let is_look_up = send.request.path_with_query.contains("invoice/vendors?");
        is_look_up.then(|| Fault::Instead(answer(200, r#"{"Message": "busy"}"#)))
    });
    let driven = world.run(&dependency());
    assert_eq!(
        (failure(&driven).code.as_str(), world.vendors.len()),
        ("retries-used-up", 0)
    );
}

#[test]
fn a_lost_create_is_found_by_its_code() {
    for executed in [true, false] {
        let mut world = world();
        let mut creates = 0;
        world.fault = Box::new(move |send| {
            creates += u32::from(send.request.method == Method::Post);
            (send.request.method == Method::Post && creates == 1).then(|| {
                if executed {
                    Fault::Lost
                } else {
                    Fault::Instead(lost())
                }
            })
        });
        let driven = world.run(&dependency());
        let expected = if executed {
            Change::Adopted
        } else {
            Change::Created
        };
        assert_eq!((change(&driven).0, world.vendors.len()), (expected, 1));
    }
}

#[test]
fn what_cannot_be_translated_parks_since_the_first_time() {
    let mut world = world();
    let path = "/accounting/account/zQ7pLm/users/clients/41";
    world.freshbooks.insert(
        path.to_string(),
        json!({"client": {"id": 41, "organization": "N", "currency_code": "CAD"}}),
    );
    world.keep(parked(&object("client", "41"), "country-missing", 5));
    let driven = world.run(&dependency());
    assert_eq!(
        (failure(&driven).code.as_str(), failure(&driven).since),
        ("country-missing", 5)
    );
    world.freshbooks.clear();
    assert!(matches!(
        world.run(&dependency()).completion.ending,
        Ending::Parked(failure) if failure.look_again.is_some()
    ));
}
