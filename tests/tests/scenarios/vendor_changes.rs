//! Linked vendors follow FreshBooks' clients and bill vendors.

use ml_connector_component::contract::runs::StartReason;
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_tests::fixtures::{documents, settings};
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::{Sim, object};
use serde_json::{Value, json};

use crate::reference::{compare, registered, stop_text, update};
use crate::scenarios;

scenarios!(
    a_vendor_follows_its_client,
    a_vendor_changed_in_concur_is_a_conflict,
    a_vendor_of_an_archived_client_is_not_approved_any_more,
);

/// Settings by which linked vendors follow FreshBooks.
fn with_vendors() -> Value {
    let mut settings = settings::connection("park");
    settings["reference"] = json!({"vendors": "freshbooks"});
    settings
}

/// An invoice, and by it a vendor; returns the client.
fn a_vendor(sim: &mut Sim) -> String {
    let freshbooks = &mut sim.sandbox.freshbooks;
    let client = freshbooks.create_client(&documents::client(), sim.now);
    let client = client.expect("is created");
    let invoice = documents::invoice(client, "2093");
    let created = freshbooks.create_invoice(&invoice, sim.now);
    created.expect("is created");
    sim.settle();
    assert_eq!(sim.sandbox.concur.vendors().len(), 1);
    client.to_string()
}

fn a_vendor_follows_its_client(backend: Backend) {
    let mut sim = registered(backend, &with_vendors(), &["client", "bill_vendor"]);
    let client = a_vendor(&mut sim);
    let moved = json!({"p_street": "7 Harbour Road"});
    update(&mut sim, RecordKind::Client, &client, &moved);
    sim.settle();
    let [vendor] = sim.sandbox.concur.vendors().try_into().expect("one vendor");
    assert_eq!(vendor["Address1"], "7 Harbour Road");
    // A client that no document names makes no vendor.
    let other = documents::bill_vendor();
    let made = sim.sandbox.freshbooks.create_bill_vendor(&other, sim.now);
    made.expect("is created");
    sim.settle();
    assert_eq!(sim.sandbox.concur.vendors().len(), 1);
}

fn a_vendor_changed_in_concur_is_a_conflict(backend: Backend) {
    let mut sim = registered(backend, &with_vendors(), &["client", "bill_vendor"]);
    let client = a_vendor(&mut sim);
    compare(&mut sim, "client");
    let [mut vendor] = sim.sandbox.concur.vendors().try_into().expect("one vendor");
    vendor.insert("Address1".to_string(), "1 By Hand Street".to_string());
    let edited = sim.sandbox.concur.edit_vendor(&json!(vendor), sim.now);
    edited.expect("is edited");
    let moved = json!({"p_street": "7 Harbour Road"});
    update(&mut sim, RecordKind::Client, &client, &moved);
    sim.settle();
    let said = stop_text(&sim, "client", &client);
    assert!(said.contains("1 By Hand Street"), "{said}");
    assert!(said.contains("7 Harbour Road"), "{said}");
    let vendors = sim.sandbox.concur.vendors();
    assert_eq!(vendors[0]["Address1"], "1 By Hand Street");
    sim.start(object("client", &client), StartReason::Replay);
    sim.settle();
    let vendors = sim.sandbox.concur.vendors();
    assert_eq!(vendors[0]["Address1"], "7 Harbour Road");
}

fn a_vendor_of_an_archived_client_is_not_approved_any_more(backend: Backend) {
    let mut sim = registered(backend, &with_vendors(), &["client", "bill_vendor"]);
    let client = a_vendor(&mut sim);
    let [vendor] = sim.sandbox.concur.vendors().try_into().expect("one vendor");
    assert_eq!(vendor["Approved"], "Y");
    update(
        &mut sim,
        RecordKind::Client,
        &client,
        &json!({"vis_state": 2}),
    );
    sim.settle();
    compare(&mut sim, "client");
    let [vendor] = sim.sandbox.concur.vendors().try_into().expect("one vendor");
    assert_eq!(vendor["Approved"], "N");
}
