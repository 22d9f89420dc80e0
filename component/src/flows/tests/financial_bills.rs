//! Suppliers' invoices as bills.

use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rust_decimal::Decimal;
use serde_json::json;

use super::world::{Document, Fault, World, lost};
use crate::contract::http::Method;
use crate::contract::runs::{
    Change, Ending, Link, ObjectStatus, OutboundRequest, StartReason, Task,
};
use crate::contract::types::{ObjectRef, System};
use crate::financial::tests::INVOICE;
use crate::mapping::preview;
use crate::mapping::tests::only_record;
use crate::runs::tests::{Driven, task, unknown};
use crate::settings::Settings;
use crate::settings::tests::MINIMAL;

const REQUEST: &str = "7C1E40B2A9D84D6FA0B3";

fn settings(more: &str) -> Rc<Settings> {
    settings_as("bill", more)
}

fn settings_as(form: &str, more: &str) -> Rc<Settings> {
    let table = format!(
        r#""financial": {{"enabled": true, "invoices": "{form}", {more} "bills": {{
            "categories": {{"6400": "3341"}}, "taxes": {{"H13": "13% HST"}},
            "vendors": {{"FB-10432": "17"}}}},
            "accounts": {{"by_code": {{"6400": "64"}}, "by_party": {{"VENDOR": "5"}}}}}},
            "currencies""#
    );
    let json = MINIMAL.replacen("\"currencies\"", &table, 1);
    Rc::new(Settings::load("acme", &json).unwrap_or_else(|problems| panic!("{problems:?}")))
}

/// The invoice of the tests of the translation; nothing of it is of our making.
fn world() -> World {
    let mut world = World::new();
    world.settings = settings("");
    add(&mut world, "d1", INVOICE.to_string());
    world
}

fn add(world: &mut World, id: &str, text: String) {
    world.books.documents.push(Document {
        id: id.to_string(),
        source_id: REQUEST.to_string(),
        status: "READY",
        system_id: None,
        text,
        confirmed: Vec::new(),
    });
}

fn source() -> ObjectRef {
    ObjectRef {
        system: System::Concur,
        kind: "financial-document".to_string(),
        id: format!("invoice/{REQUEST}"),
    }
}

fn run_because(world: &mut World, reason: StartReason) -> Driven {
    let asked = Task {
        object: source(),
        ..task("", "", reason)
    };
    world.run(&asked)
}

fn run(world: &mut World) -> Driven {
    run_because(world, StartReason::Notice)
}

fn change(driven: &Driven) -> (Change, &ObjectRef) {
    match &driven.completion.ending {
        Ending::Confirmed(confirmed) => (confirmed.change, &confirmed.target),
        ending => panic!("is not confirmed: {ending:?}"),
    }
}

fn stop(driven: &Driven) -> &str {
    match &driven.completion.ending {
        Ending::Parked(failure) | Ending::Rejected(failure) => &failure.code,
        ending => panic!("is no stop: {ending:?}"),
    }
}

fn is_bill_post(send: &OutboundRequest) -> bool {
    send.request.method == Method::Post && send.request.path_with_query.contains("/bills/bills")
}

/// The next document of the source replaces the first, whose bill is linked.
fn corrected(world: &mut World) {
    run(world);
    world.books.documents[0].status = "RECALLED";
    add(world, "d2", INVOICE.replace("\"2093\"", "\"2094\""));
}

#[test]
fn an_invoice_becomes_a_bill_that_is_read_and_confirmed() {
    let mut world = world();
    let driven = run(&mut world);
    let (made, target) = change(&driven);
    assert_eq!(
        (made, target.kind.as_str(), target.id.as_str()),
        (Change::Created, "bill", "1")
    );
    assert!(world.books.entries.is_empty());
    assert_eq!(world.payables.bills[0]["vendorid"], 17);
    let confirmed = &world.books.document("d1").confirmed[0]["postingDocs"][0];
    assert_eq!(confirmed["documentNumber"], "1");
    // Both ways, so that the bill knows where it came from.
    let back = world.link(target).expect("is linked");
    assert_eq!(back.target, source());
}

#[test]
fn a_preview_is_the_very_body_that_a_run_sends() {
    let mut world = world();
    let row = json!({"content": [{"id": "d1", "document": INVOICE}]}).to_string();
    let previewed = preview(&world.settings, "invoice-document", &row).expect("translates");
    let record = only_record(&previewed);
    assert_eq!(record.target_kind, "bill");
    let driven = run(&mut world);
    let bodies: Vec<String> = World::writes(&driven);
    assert!(bodies.contains(&record.json), "{bodies:?}");
    let labels: Vec<&str> = record
        .postings
        .iter()
        .map(|line| line.account.as_str())
        .collect();
    let expected = [
        "category 3341",
        "tax HST",
        "category 3341",
        "tax HST",
        "bill vendor 17",
    ];
    assert_eq!(labels, expected);
}

#[test]
fn a_lost_answer_is_looked_up_after_the_settle_time() {
    let mut world = world();
    let mut open = true;
    world.fault = Box::new(move |send| {
        (is_bill_post(send) && core::mem::take(&mut open)).then_some(Fault::Lost)
    });
    let driven = run(&mut world);
    assert_eq!(change(&driven).0, Change::Adopted);
    assert_eq!(world.payables.bills.len(), 1);
}

#[test]
fn what_cannot_be_known_parks_and_only_a_person_sends_it_again() {
    let mut world = world();
    world.fault = Box::new(|send| is_bill_post(send).then(|| Fault::Instead(lost())));
    assert_eq!(stop(&run(&mut world)), "ambiguous");
    world.fault = Box::new(|_| None);
    let last = super::world::parked(&source(), "ambiguous", 1).last;
    world.keep(ObjectStatus {
        last,
        ..unknown(&source())
    });
    assert_eq!(
        stop(&run_because(&mut world, StartReason::LookAgain)),
        "ambiguous"
    );
    assert!(world.payables.bills.is_empty());
    let driven = run_because(&mut world, StartReason::Replay);
    assert_eq!(change(&driven).0, Change::Created);
}

#[test]
fn a_total_of_another_cent_is_taken_back_and_becomes_an_entry() {
    let mut world = world();
    world.payables.off_by = Decimal::new(-1, 2);
    let driven = run(&mut world);
    let (made, target) = change(&driven);
    assert_eq!(
        (made, target.kind.as_str()),
        (Change::Created, "journal-entry")
    );
    assert_eq!(world.payables.bills[0]["vis_state"], 1);
    let Ending::Confirmed(confirmed) = &driven.completion.ending else {
        panic!("is confirmed");
    };
    assert!(
        confirmed
            .message
            .contains("works it out as 1129.99 CAD, and SAP Concur says 1130.00 CAD"),
        "{}",
        confirmed.message
    );
}

#[test]
fn a_bill_that_was_there_before_with_another_total_is_left_to_a_person() {
    let mut world = world();
    run(&mut world);
    world.statuses.clear();
    world.books.documents[0].status = "ACKNOWLEDGED";
    world.payables.bills[0]["total_amount"]["amount"] = json!("1131.00");
    assert_eq!(stop(&run(&mut world)), "bill-total-differs");
    world.payables.bills[0]["created_at"] = json!("2026-03-01 10:00:00");
    world.payables.bills[0]["updated_at"] = json!("2026-03-02 10:00:00");
    assert_eq!(stop(&run(&mut world)), "bill-total-differs");
    assert_eq!(world.payables.bills[0]["vis_state"], 0);
}

#[test]
fn a_bill_that_nobody_has_touched_is_taken_back_also_after_a_lost_answer() {
    let mut world = world();
    run(&mut world);
    world.statuses.clear();
    world.books.documents[0].status = "ACKNOWLEDGED";
    let bill = &mut world.payables.bills[0];
    bill["total_amount"]["amount"] = json!("1130.01");
    bill["created_at"] = json!("2026-03-01 10:00:00");
    bill["updated_at"] = bill["created_at"].clone();
    assert_eq!(change(&run(&mut world)).1.kind, "journal-entry");
    assert_eq!(world.payables.bills[0]["vis_state"], 1);
}

#[test]
fn a_correction_deletes_the_bill_and_makes_another() {
    let mut world = world();
    corrected(&mut world);
    let driven = run(&mut world);
    assert_eq!(change(&driven).1.id, "2");
    assert_eq!(world.payables.bills[0]["vis_state"], 1);
    assert_eq!(world.payables.bills[1]["bill_number"], "2094");
}

#[test]
fn a_bill_with_payments_or_in_closed_books_is_not_taken_back() {
    let mut world = world();
    corrected(&mut world);
    world.payables.bills[0]["paid"]["amount"] = json!("10.00");
    assert_eq!(stop(&run(&mut world)), "bill-paid");
    world.payables.bills[0]["paid"]["amount"] = json!("0.00");
    world.settings = settings(r#""closed_until": "2026-02-28", "closed_period": "next-open-day","#);
    assert_eq!(stop(&run(&mut world)), "closed-period");
    assert_eq!(world.payables.bills.len(), 1);
    assert_eq!(world.payables.bills[0]["vis_state"], 0);
}

#[test]
fn a_recalled_invoice_takes_its_bill_back() {
    let mut world = world();
    run(&mut world);
    world.books.documents[0].status = "RECALLED";
    let driven = run(&mut world);
    assert_eq!(change(&driven).0, Change::Withdrawn);
    assert_eq!(world.payables.bills[0]["vis_state"], 1);
    assert!(world.link(&source()).is_none());
}

#[test]
fn two_bills_under_one_marker_are_a_conflict() {
    let mut world = world();
    run(&mut world);
    world.statuses.clear();
    world.books.documents[0].status = "ACKNOWLEDGED";
    let mut copy = world.payables.bills[0].clone();
    copy["id"] = json!(2);
    world.payables.bills.push(copy);
    let driven = run(&mut world);
    let Ending::Conflict(conflict) = &driven.completion.ending else {
        panic!("is a conflict: {:?}", driven.completion.ending);
    };
    assert_eq!(conflict.targets.len(), 2);
}

#[test]
fn an_entry_from_before_the_settings_changed_is_replaced_by_a_bill() {
    let mut world = world();
    let target = ObjectRef::freshbooks("journal-entry", "9");
    let link = Link {
        source: source(),
        target,
        version: Some("d0/1".to_string()),
        content_hash: Some("other".to_string()),
    };
    world.keep(ObjectStatus {
        link: Some(link),
        ..unknown(&source())
    });
    let driven = run(&mut world);
    assert_eq!(change(&driven).1.kind, "bill");
    assert_eq!(
        world.link(&source()).map(|link| link.target.kind),
        Some("bill".to_string())
    );
}

#[test]
fn a_bill_of_other_settings_is_held_to_the_cent_too() {
    let mut world = world();
    run(&mut world);
    world.statuses.clear();
    world.books.documents[0].status = "ACKNOWLEDGED";
    world.settings = settings_as("journal-entry", "");
    assert_eq!(change(&run(&mut world)).1.kind, "bill");
    world.statuses.clear();
    world.books.documents[0].status = "ACKNOWLEDGED";
    let bill = &mut world.payables.bills[0];
    bill["total_amount"]["amount"] = json!("1130.01");
    bill["created_at"] = json!("2026-03-01 10:00:00");
    bill["updated_at"] = bill["created_at"].clone();
    // What an earlier run could not know is known by now.
    world.keep(super::world::parked(&source(), "ambiguous", 1));
    let driven = run_because(&mut world, StartReason::LookAgain);
    assert_eq!(change(&driven).1.kind, "journal-entry");
    assert_eq!(world.payables.bills[0]["vis_state"], 1);
}
