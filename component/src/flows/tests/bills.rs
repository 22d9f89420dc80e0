use alloc::format;
use alloc::string::ToString;

use serde_json::{Value, json};

use super::world::World;
use crate::contract::runs::{Ending, StartReason};
use crate::mapping::preview;
use crate::mapping::tests::payment_request_in;
use crate::runs::tests::{object, task};

const BILL: &str = "/accounting/account/zQ7pLm/bills/bills/91";

fn world() -> World {
    let mut world = World::new();
    let money = |amount: &str| json!({"amount": amount, "code": "EUR"});
    let bill = json!({"id": 91, "vendorid": 17, "vendor": {"vendor_name": "Messe \
            AG", "country": "DE"},
        "bill_number": "R-1", "issue_date": "2026-01-15", "currency_code": "EUR", "updated_at": "v",
        "total_amount": money("9.00"), "amount": money("9.00"),
        "lines": [{"categoryid": 1, "quantity": "1", "unit_cost": money("9.00")}]});
    let shown = json!({"bill": bill});
    world.freshbooks.insert(BILL.to_string(), shown);
    world
}

#[test]
fn a_bill_becomes_a_payment_request_of_its_own_vendor() {
    let mut world = world();
    world.linked(&object("bill-vendor", "17"), "vendor", "1001|HQ", "");
    let driven = world.run(&task("bill", "91", StartReason::Sweep));
    assert!(matches!(driven.completion.ending, Ending::Confirmed(_)));
    assert_eq!(driven.completion.version.as_deref(), Some("v"));
    assert_eq!(
        world.requests[0]["VendorRemitToIdentifier"],
        json!({"VendorCode": "1001", "AddressCode": "HQ"})
    );
}

#[test]
fn a_country_that_the_bill_leaves_out_is_its_vendor_s_own() {
    let mut world = world();
    world.linked(&object("bill-vendor", "17"), "vendor", "1001|HQ", "");
    let bill = world.freshbooks.get_mut(BILL).expect("is there");
    bill["bill"]["vendor"] = json!({"vendorid": 17});
    let vendor = json!({"vendorid": 17, "vendor_name": "Messe AG", "country": "France"});
    let path = "/accounting/account/zQ7pLm/bill_vendors/bill_vendors/17";
    world
        .freshbooks
        .insert(path.to_string(), json!({"bill_vendor": vendor}));
    let driven = world.run(&task("bill", "91", StartReason::Sweep));
    assert!(matches!(driven.completion.ending, Ending::Confirmed(_)));
    assert_eq!(world.requests[0]["CountryCode"], "FR");
    assert_eq!(world.requests[0]["Name"], "R-1 Messe AG");
    assert_eq!(driven.completion.facts.party.as_deref(), Some("Messe AG"));
}

#[test]
fn lines_that_the_answer_leaves_out_park_as_such() {
    let mut world = world();
    let bill = world.freshbooks.get_mut(BILL).expect("is there");
    let bill = bill["bill"].as_object_mut().expect("is an object");
    bill.remove("lines");
    let driven = world.run(&task("bill", "91", StartReason::Sweep));
    let Ending::Parked(failure) = driven.completion.ending else {
        panic!("is parked");
    };
    assert_eq!(
        (failure.code.as_str(), failure.problems.len()),
        ("lines-missing", 1)
    );
}

#[test]
fn a_preview_is_the_very_body_that_a_run_sends() {
    let mut world = world();
    let shown = world.freshbooks[BILL].to_string();
    let previewed = preview(&world.settings, "bill", &shown).expect("translates");
    let record = payment_request_in(&previewed);
    let body: Value = serde_json::from_str(&record.json).expect("is JSON");
    let vendor = &body["VendorRemitToIdentifier"];
    let member = |name: &str| vendor[name].as_str().unwrap_or_default();
    let id = format!("{}|{}", member("VendorCode"), member("AddressCode"));
    world.linked(&object("bill-vendor", "17"), "vendor", &id, "");
    let driven = world.run(&task("bill", "91", StartReason::Sweep));
    assert_eq!(World::writes(&driven), [record.json.as_str()]);
    let facts = driven.completion.facts;
    let known = [
        facts.number,
        facts.party,
        facts.amount,
        facts.currency,
        facts.date,
    ];
    let expected = ["R-1", "Messe AG", "9.00", "EUR", "2026-01-15"];
    assert_eq!(known, expected.map(|fact| Some(fact.to_string())));
}
