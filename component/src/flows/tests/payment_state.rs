use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::world::{Fault, World};
use crate::contract::http::Method;
use crate::contract::runs::{Change, Ending, Failure, StartReason};
use crate::runs::tests::{Driven, object, settings_with, task};

const BILL: &str = "/accounting/account/zQ7pLm/bills/bills/91";
const LISTING: &str = "/accounting/account/zQ7pLm/bills/bills";

/// A bill that became payment request P1, of which so much is left to pay.
fn world(left: &str) -> World {
    let mut world = World::new();
    let on = "{\n    \"payments\": {\"confirm\": true},";
    world.settings = settings_with("{\n    \"freshbooks\"", &format!("{on} \"freshbooks\""));
    pay(&mut world, left);
    world.linked(&object("bill", "91"), "payment-request", "P1", "");
    world
        .requests
        .push(json!({"ID": "P1", "InvoiceNumber": "R-1",
        "ExtractDate": "2026-02-01 00:00:00.0", "PaidDate": null,
        "VendorRemitAddress": {"VendorCode": "V-1"}}));
    world
}

fn pay(world: &mut World, left: &str) {
    let money = |amount: &str| json!({"amount": amount, "code": "EUR"});
    let bill = json!({"id": 91, "updated_at": "v", "status": "open", "outstanding": money(left),
        "total_amount": money("9.00")});
    world
        .freshbooks
        .insert(BILL.to_string(), json!({"bill": bill}));
}

fn run(world: &mut World) -> Driven {
    world.run(&task("payment-state", "bill/91", StartReason::Sweep))
}

fn statuses(world: &World) -> Vec<String> {
    let text = |row: &Value| {
        row["paymentStatus"]
            .as_str()
            .unwrap_or_default()
            .to_string()
    };
    world.payments.iter().map(text).collect()
}

fn code(driven: &Driven) -> &str {
    match &driven.completion.ending {
        Ending::Unchanged(note) => &note.code,
        ending => panic!("is changed: {ending:?}"),
    }
}

fn change(driven: &Driven) -> Change {
    match &driven.completion.ending {
        Ending::Confirmed(confirmed) => confirmed.change,
        ending => panic!("is not confirmed: {ending:?}"),
    }
}

fn parked(driven: &Driven) -> &Failure {
    match &driven.completion.ending {
        Ending::Parked(failure) | Ending::Rejected(failure) => failure,
        ending => panic!("is not parked: {ending:?}"),
    }
}

#[test]
fn what_is_paid_in_full_is_confirmed_once() {
    let mut world = world("0.00");
    assert_eq!(change(&run(&mut world)), Change::Created);
    assert_eq!(statuses(&world), ["PAID"]);
    assert_eq!(world.payments[0]["requestId"], "P1");
    assert_eq!(code(&run(&mut world)), "already-confirmed");
    assert_eq!(statuses(&world), ["PAID"]);
}

#[test]
fn what_is_not_extracted_is_looked_at_again() {
    let mut world = world("0.00");
    world.requests[0]["ExtractDate"] = Value::Null;
    let driven = run(&mut world);
    let failure = parked(&driven);
    assert_eq!(failure.code, "not-extracted");
    assert!(failure.look_again.is_some());
    assert!(world.payments.is_empty());
}

#[test]
fn a_lost_answer_is_looked_up_and_pays_nothing_twice() {
    let mut world = world("0.00");
    let mut is_lost = false;
    world.fault = Box::new(move |send| {
        let is_first = send.request.method == Method::Post && !is_lost;
        is_lost |= is_first;
        is_first.then_some(Fault::Lost)
    });
    assert_eq!(change(&run(&mut world)), Change::Created);
    assert_eq!(statuses(&world), ["PAID"]);
}

#[test]
fn a_payment_taken_back_is_void_and_may_be_made_again() {
    let mut world = world("0.00");
    run(&mut world);
    pay(&mut world, "9.00");
    assert_eq!(change(&run(&mut world)), Change::Withdrawn);
    assert_eq!(code(&run(&mut world)), "not-paid");
    pay(&mut world, "0.00");
    assert_eq!(change(&run(&mut world)), Change::Created);
    assert_eq!(statuses(&world), ["PAID", "VOID", "PAID"]);
}

#[test]
fn part_payments_are_shown_and_not_sent() {
    let mut world = world("4.00");
    let driven = run(&mut world);
    assert_eq!(code(&driven), "part-paid");
    let Ending::Unchanged(note) = &driven.completion.ending else {
        panic!("is unchanged");
    };
    assert!(note.message.contains("4 of 9 EUR"), "{}", note.message);
    assert!(world.payments.is_empty());
}

#[test]
fn what_was_paid_in_concur_is_never_paid_twice() {
    let mut by_history = world("0.00");
    by_history
        .payments
        .push(json!({"requestId": "P1", "paymentStatus": "PAID",
        "paymentMethodType": "ACH", "paymentStatusDate": "2026-02-03"}));
    assert_eq!(code(&run(&mut by_history)), "paid-in-concur");
    assert_eq!(by_history.payments.len(), 1);
    // Nobody has fetched it: the history may not have it.
    let mut by_date = world("0.00");
    by_date.requests[0]["PaidDate"] = json!("2026-02-03 00:00:00.0");
    assert_eq!(code(&run(&mut by_date)), "paid-in-concur");
    // It is not ours to take back.
    pay(&mut by_history, "9.00");
    assert_eq!(code(&run(&mut by_history)), "not-paid");
    assert_eq!(by_history.payments.len(), 1);
}

#[test]
fn a_refusal_of_the_one_payment_is_read() {
    let mut world = world("0.00");
    world.payment_failure = Some("The vendor is blocked.");
    let driven = run(&mut world);
    let failure = parked(&driven);
    assert_eq!(failure.code, "refused");
    assert!(failure.message.contains("The vendor is blocked."));
    assert!(world.link(&object("payment-state", "bill/91")).is_none());
}

#[test]
fn only_payment_requests_are_confirmed_and_only_if_the_settings_say_so() {
    let mut off = world("0.00");
    off.settings = crate::runs::tests::settings();
    assert_eq!(code(&run(&mut off)), "not-enabled");
    let mut other = world("0.00");
    other.linked(&object("bill", "91"), "financial-document", "F1", "");
    assert_eq!(code(&run(&mut other)), "not-carried");
    assert!(off.payments.is_empty() && other.payments.is_empty());
    let wrong = other.run(&task("payment-state", "client/1", StartReason::Sweep));
    assert_eq!(parked(&wrong).code, "unknown-source");
}

#[test]
fn the_sweep_and_webhooks_start_it() {
    let mut world = world("0.00");
    let rows = json!({"bills": [{"id": 91, "updated_at": "v"}, {"id": 92, "updated_at": "v"}],
        "pages": 1});
    world.freshbooks.insert(LISTING.to_string(), rows);
    world.run(&task("sweep", "bill", StartReason::Schedule));
    let payment = json!({"payment": {"id": 5, "invoiceid": 7}});
    let path = "/accounting/account/zQ7pLm/payments/payments/5";
    world.freshbooks.insert(path.to_string(), payment);
    world.run(&task("payment", "5", StartReason::Notice));
    let kept = world
        .tasks
        .iter()
        .filter(|task| task.object.kind == "payment-state");
    let ids: Vec<&str> = kept.map(|task| task.object.id.as_str()).collect();
    assert_eq!(ids, ["bill/91", "invoice/7"]);
}
