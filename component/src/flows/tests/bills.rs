use alloc::string::ToString;

use serde_json::json;

use super::world::World;
use crate::contract::runs::{Ending, StartReason};
use crate::runs::tests::{object, task};

#[test]
fn a_bill_becomes_a_payment_request_of_its_own_vendor() {
    let mut world = World::new();
    let money = |amount: &str| json!({"amount": amount, "code": "EUR"});
    let bill = json!({"id": 91, "vendorid": 17, "vendor": {"vendor_name": "Messe AG", "country": "DE"},
        "bill_number": "R-1", "issue_date": "2026-01-15", "currency_code": "EUR", "updated_at": "v",
        "total_amount": money("9.00"), "amount": money("9.00"),
        "lines": [{"categoryid": 1, "quantity": "1", "unit_cost": money("9.00")}]});
    let path = "/accounting/account/zQ7pLm/bills/bills/91";
    world
        .freshbooks
        .insert(path.to_string(), json!({"bill": bill}));
    world.linked(&object("bill-vendor", "17"), "vendor", "1001|HQ", "");
    let driven = world.run(&task("bill", "91", StartReason::Sweep));
    assert!(matches!(driven.completion.ending, Ending::Confirmed(_)));
    assert_eq!(driven.completion.version.as_deref(), Some("v"));
    assert_eq!(
        world.requests[0]["VendorRemitToIdentifier"],
        json!({"VendorCode": "1001", "AddressCode": "HQ"})
    );
}
