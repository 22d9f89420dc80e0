use serde_json::json;

use super::documents::{
    assert_untouched, client, code, failure, notice, our_marker, own, request, shown, target, with,
    world,
};
use super::world::World;
use crate::marker;
use crate::runs::tests::{object, settings_with};

/// A world with the invoice of 2026-02-27, from before the cut-over.
fn before_cut_over() -> World {
    World {
        settings: settings_with(
            "\"currencies\"",
            r#""cut_over": "2026-02-28", "currencies""#,
        ),
        ..world()
    }
}

fn typed_in(vendor_name: &str, number: &str) -> serde_json::Value {
    json!({"ID": "P7", "InvoiceNumber": number, "IsPaymentRequestDeleted": "false",
        "VendorRemitAddress": {"VendorCode": "V-100", "Name": vendor_name}})
}

#[test]
fn what_is_dated_before_the_cut_over_is_not_posted() {
    let mut world = before_cut_over();
    // Its client has not become a vendor, and does not.
    world.statuses.clear();
    let driven = world.run(&notice());
    assert_eq!(code(&driven), "before-cut-over");
    assert_eq!(
        driven.completion.version.as_deref(),
        Some("2026-02-27 09:12:44")
    );
    assert_untouched(&driven);
    assert!(world.tasks.is_empty() && world.requests.is_empty());
}

#[test]
fn the_day_of_the_cut_over_is_carried_over() {
    let mut world = before_cut_over();
    shown(
        &mut world,
        with(|invoice| invoice["create_date"] = json!("2026-02-28")),
    );
    assert_eq!(code(&world.run(&notice())), "created");
}

#[test]
fn what_was_typed_by_hand_is_shown_with_the_command_that_adopts_it() {
    for number in ["2093", "2-093"] {
        let mut world = before_cut_over();
        let mut typed = typed_in("NORTHWIND", "2093");
        typed["InvoiceNumber"] = json!(number);
        world.requests.push(typed);
        // The list of the small world knows the number as it is asked for.
        shown(
            &mut world,
            with(|invoice| invoice["invoice_number"] = json!(number)),
        );
        let driven = world.run(&notice());
        assert_eq!(code(&driven), "typed-by-hand");
        let stop = failure(&driven);
        assert!(
            stop.remedy
                .contains("links adopt freshbooks/invoice/7 concur/payment-request/P7"),
            "{}",
            stop.remedy
        );
        assert_untouched(&driven);
    }
}

#[test]
fn another_vendor_s_number_and_other_documents_records_are_not_shown() {
    let mut world = before_cut_over();
    world.requests.push(typed_in("Contoso", "2093"));
    assert_eq!(code(&world.run(&notice())), "before-cut-over");
    let other = marker::marker_for("acme", &object("invoice", "9"), "payment-request");
    world.requests.push(request("P8", &other, "FB-C41"));
    assert_eq!(code(&world.run(&notice())), "before-cut-over");
}

#[test]
fn our_own_record_is_linked_again_and_never_made_anew() {
    let mut world = before_cut_over();
    let mut open = super::documents::world();
    assert_eq!(code(&open.run(&notice())), "created");
    world.requests = open.requests;
    let driven = world.run(&notice());
    assert_eq!(code(&driven), "adopted");
    assert_eq!(target(&world).as_deref(), Some("P1"));
    assert_eq!(world.requests[0]["Custom24"], json!(our_marker()));
    assert_untouched(&driven);
}

#[test]
fn what_is_linked_goes_on_as_ever() {
    let mut world = before_cut_over();
    let mut open = super::documents::world();
    open.run(&notice());
    world.requests = open.requests;
    world.linked(&client(), "vendor", "FB-C41|MAIN", "");
    world.linked(&own(), "payment-request", "P1", "earlier");
    shown(
        &mut world,
        with(|invoice| invoice["lines"][0]["name"] = json!("Other")),
    );
    assert_eq!(code(&world.run(&notice())), "updated");
}

#[test]
fn what_was_adopted_and_deleted_there_is_not_made_anew() {
    let mut world = before_cut_over();
    let mut typed = typed_in("Northwind", "2093");
    typed["IsPaymentRequestDeleted"] = json!("true");
    world.requests.push(typed);
    world.linked(&own(), "payment-request", "P7", "");
    let mut adopted = world.status(&own());
    if let Some(link) = &mut adopted.link {
        link.content_hash = None;
    }
    world.keep(adopted);
    let driven = world.run(&notice());
    assert_eq!(code(&driven), "deleted-in-concur");
    assert_untouched(&driven);
}
