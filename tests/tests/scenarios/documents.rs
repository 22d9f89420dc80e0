//! Invoices and bills, and the vendors that they need.

use ml_connector_component::contract::runs::{Change, Ending, StartReason};
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_tests::fixtures::{documents, settings};
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::store::ending_name;
use ml_connector_tests::sim::{Sim, object};
use ml_connector_tests::switches;

use crate::scenarios;

scenarios!(
    an_invoice_becomes_a_vendor_and_a_payment_request,
    a_bill_becomes_a_vendor_and_a_payment_request,
    two_invoices_of_one_client_make_one_vendor,
    a_second_run_with_the_same_content_writes_nothing,
    a_changed_invoice_changes_its_payment_request,
    a_deleted_invoice_is_parked_until_it_is_deleted_there_too,
    an_unmapped_tax_parks_and_names_the_setting,
    a_missed_webhook_is_found_by_the_sweep,
);

/// A person creates a client and a sent invoice; returns the invoice's id.
pub(crate) fn an_invoice(sim: &mut Sim, number: &str) -> String {
    let freshbooks = &mut sim.sandbox.freshbooks;
    let client = freshbooks.create_client(&documents::client(), sim.now);
    let invoice = documents::invoice(client.expect("is created"), number);
    let created = freshbooks.create_invoice(&invoice, sim.now);
    created.expect("is created").to_string()
}

/// How the latest run of an object of FreshBooks ended.
pub(crate) fn ending(sim: &Sim, kind: &str, id: &str) -> Ending {
    let ending = sim.store.ending(kind, id);
    ending.unwrap_or_else(|| panic!("{kind} {id} has not ended"))
}

/// The code of an ending that needs a person.
pub(crate) fn stop_code(ending: &Ending) -> &str {
    match ending {
        Ending::Parked(stop) | Ending::Rejected(stop) => &stop.code,
        other => panic!("needs nobody: {other:?}"),
    }
}

fn an_invoice_becomes_a_vendor_and_a_payment_request(backend: Backend) {
    let mut sim = Sim::connected(backend, "park");
    let invoice = an_invoice(&mut sim, "2093");
    sim.settle();
    let Ending::Confirmed(confirmed) = ending(&sim, "invoice", &invoice) else {
        panic!("is confirmed: {:?}", ending(&sim, "invoice", &invoice));
    };
    assert_eq!(confirmed.change, Change::Created);
    let there = sim
        .sandbox
        .concur
        .payment_request(&confirmed.target.id)
        .expect("is there");
    assert_eq!(
        (
            there.amount.as_str(),
            there.currency.as_str(),
            there.number.as_str()
        ),
        ("1078.00", "CAD", "2093")
    );
    assert_eq!((there.lines, there.duplicate), (2, false));
    let vendor = &sim.sandbox.concur.vendors()[0];
    assert_eq!(vendor["VendorName"], "Northwind Paper Ltd");
    assert_eq!(
        (vendor["CountryCode"].as_str(), vendor["State"].as_str()),
        ("CA", "ON")
    );
}

fn a_bill_becomes_a_vendor_and_a_payment_request(backend: Backend) {
    let mut sim = Sim::connected(backend, "park");
    let vendor = sim
        .sandbox
        .freshbooks
        .create_bill_vendor(&documents::bill_vendor(), sim.now)
        .expect("is created");
    let bill = sim
        .sandbox
        .freshbooks
        .create_bill(&documents::bill(vendor, "R-2211"), sim.now)
        .expect("is created");
    sim.settle();
    assert_eq!(
        ending_name(&ending(&sim, "bill", &bill.to_string())),
        "confirmed"
    );
    let there = &sim.sandbox.concur.payment_requests()[0];
    assert_eq!(
        (there.amount.as_str(), there.currency.as_str()),
        ("1071.00", "EUR")
    );
}

fn two_invoices_of_one_client_make_one_vendor(backend: Backend) {
    let mut sim = Sim::connected(backend, "park");
    let client = sim
        .sandbox
        .freshbooks
        .create_client(&documents::client(), sim.now)
        .expect("is created");
    for number in ["1", "2", "3"] {
        sim.sandbox
            .freshbooks
            .create_invoice(&documents::invoice(client, number), sim.now)
            .expect("is created");
    }
    sim.settle();
    assert_eq!(sim.sandbox.concur.vendors().len(), 1);
    assert_eq!(sim.sandbox.concur.payment_request_count(), 3);
    assert_eq!(sim.sent["POST vendors"], 1);
}

fn a_second_run_with_the_same_content_writes_nothing(backend: Backend) {
    let mut sim = Sim::connected(backend, "park");
    let invoice = an_invoice(&mut sim, "2093");
    sim.settle();
    let posts = sim.sent["POST paymentrequest"];
    sim.start(object("invoice", &invoice), StartReason::Notice);
    sim.settle();
    assert_eq!(ending_name(&ending(&sim, "invoice", &invoice)), "unchanged");
    assert_eq!(sim.sent["POST paymentrequest"], posts);
}

fn a_changed_invoice_changes_its_payment_request(backend: Backend) {
    let why = "the run of a notice that comes again ends as unchanged, and is then the latest";
    switches::keep("freshbooks.webhooks.duplicate_per_mille", 0, why);
    let mut sim = Sim::connected(backend, "park");
    let invoice = an_invoice(&mut sim, "2093");
    sim.settle();
    let lines = serde_json::json!({"lines": [{"type": 0, "name": "Copy paper", "qty": "1",
        "unit_cost": {"amount": "60.00", "code": "CAD"}}]});
    let id = invoice.parse().expect("is a number");
    let kind = RecordKind::Invoice;
    sim.sandbox
        .freshbooks
        .update(kind, id, &lines, sim.now)
        .expect("is changed");
    sim.settle();
    let Ending::Confirmed(confirmed) = ending(&sim, "invoice", &invoice) else {
        panic!("is confirmed: {:?}", ending(&sim, "invoice", &invoice));
    };
    assert_eq!(confirmed.change, Change::Updated);
    let all = sim.sandbox.concur.payment_requests();
    assert_eq!(
        (all.len(), all[0].amount.as_str(), all[0].lines),
        (1, "60.00", 1)
    );
}

fn a_deleted_invoice_is_parked_until_it_is_deleted_there_too(backend: Backend) {
    let mut sim = Sim::connected(backend, "park");
    let invoice = an_invoice(&mut sim, "2093");
    sim.settle();
    let kind = RecordKind::Invoice;
    sim.sandbox
        .freshbooks
        .delete(kind, invoice.parse().expect("is a number"), sim.now);
    sim.settle();
    assert_eq!(
        stop_code(&ending(&sim, "invoice", &invoice)),
        "deleted-in-freshbooks"
    );
    let id = sim.sandbox.concur.payment_requests()[0].id.clone();
    assert!(sim.sandbox.concur.delete_payment_request(&id, sim.now));
    sim.start(object("invoice", &invoice), StartReason::Replay);
    sim.settle();
    assert_eq!(ending_name(&ending(&sim, "invoice", &invoice)), "confirmed");
    assert!(sim.store.links.keys().all(|(kind, _)| kind != "invoice"));
}

fn an_unmapped_tax_parks_and_names_the_setting(backend: Backend) {
    let mut settings = settings::connection("park");
    settings["taxes"] = serde_json::json!({});
    let mut sim = Sim::with_settings(backend, &settings);
    let invoice = an_invoice(&mut sim, "2093");
    sim.settle();
    let Ending::Parked(stop) = ending(&sim, "invoice", &invoice) else {
        panic!("is parked");
    };
    assert_eq!(stop.code, "tax-unmapped");
    assert!(
        stop.message.contains("`taxes`") && stop.message.contains("HST"),
        "{}",
        stop.message
    );
    assert_eq!(sim.sandbox.concur.payment_request_count(), 0);
}

fn a_missed_webhook_is_found_by_the_sweep(backend: Backend) {
    let mut sim = Sim::connected(backend, "park");
    sim.sandbox.freshbooks.config_mut().webhooks.silent = true;
    let invoice = an_invoice(&mut sim, "2093");
    let vendor = sim
        .sandbox
        .freshbooks
        .create_bill_vendor(&documents::bill_vendor(), sim.now)
        .expect("is created");
    let bill = sim
        .sandbox
        .freshbooks
        .create_bill(&documents::bill(vendor, "R-1"), sim.now)
        .expect("is created");
    sim.settle();
    assert!(sim.store.ending("invoice", &invoice).is_none());
    sim.sweep();
    sim.settle();
    assert_eq!(ending_name(&ending(&sim, "invoice", &invoice)), "confirmed");
    assert_eq!(
        ending_name(&ending(&sim, "bill", &bill.to_string())),
        "confirmed"
    );
    // What was read in the minute of its change is looked at once more, and then no more.
    for started in [6, 4] {
        sim.now += 300_000;
        let runs = sim.store.runs.len();
        sim.sweep();
        sim.settle();
        assert_eq!(
            sim.store.runs.len() - runs,
            started,
            "four pages and what was fresh"
        );
    }
}
