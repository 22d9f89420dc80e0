//! Invoices and bills, and the vendors that they need.

use ml_connector_component::contract::http::{BodyPart, Method};
use ml_connector_component::contract::runs::{Action, Change, Demand, Ending, StartReason};
use ml_connector_sandbox::FreshBooksConfig;
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_tests::fixtures::{documents, settings};
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::store::ending_name;
use ml_connector_tests::sim::{Sim, object};
use ml_connector_tests::switches;
use serde_json::{Value, json};

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
    a_bill_is_the_same_in_every_reading_of_its_page,
    amounts_have_two_digits_or_those_of_the_currency,
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

/// A switch of the sandbox's FreshBooks.
type Switch = fn(&mut FreshBooksConfig);

/// What was sent to create payment requests, in the order of the runs.
fn created(sim: &Sim) -> Vec<Value> {
    let histories = sim.store.runs.values().map(|run| &run.history);
    let sends = histories.flatten().filter_map(|entry| match &entry.demand {
        Demand::Perform(effect) => match &effect.action {
            Action::Send(sent) => Some(&sent.request),
            _ => None,
        },
        _ => None,
    });
    let creates = sends.filter(|request| {
        request.method == Method::Post && request.path_with_query.ends_with("/paymentrequest")
    });
    let bodies = creates.map(|request| match request.body.as_slice() {
        [BodyPart::Text(text)] => serde_json::from_str(text).expect("is JSON"),
        other => panic!("is no text: {other:?}"),
    });
    bodies.collect()
}

/// What is sent for a bill of a vendor in Berlin under a switch, without a default country.
fn bill_under(backend: Backend, switch: Switch) -> Value {
    let mut settings = settings::connection("park");
    settings["vendor"] = json!({});
    let mut sim = Sim::with_settings(backend, &settings);
    switch(sim.sandbox.freshbooks.config_mut());
    let freshbooks = &mut sim.sandbox.freshbooks;
    let vendor = freshbooks.create_bill_vendor(&documents::bill_vendor(), sim.now);
    let bill = documents::bill(vendor.expect("is created"), "R-2211");
    let bill = freshbooks.create_bill(&bill, sim.now).expect("is created");
    sim.settle();
    let ended = ending(&sim, "bill", &bill.to_string());
    assert_eq!(ending_name(&ended), "confirmed", "{ended:?}");
    created(&sim).remove(0)
}

fn a_bill_is_the_same_in_every_reading_of_its_page(backend: Backend) {
    let switches: [Switch; 6] = [
        |config| config.single_bill_needs_include = false,
        |config| config.bill_without_vendorid = true,
        |config| config.bill_category_as_object = true,
        |config| config.bill_line_without_categoryid = true,
        |config| config.brief_bill_vendor = true,
        |config| {
            config.bill_without_vendorid = true;
            config.bill_line_without_categoryid = true;
            config.brief_bill_vendor = true;
        },
    ];
    let plain = bill_under(backend, |_| {});
    assert_eq!(plain["InvoiceAmount"], "1071.00");
    assert_eq!(plain["CountryCode"], "DE");
    assert_eq!(plain["LineItems"][0]["ExpenseTypeCode"], "TRVL");
    for switch in switches {
        assert_eq!(bill_under(backend, switch), plain);
    }
}

fn amounts_have_two_digits_or_those_of_the_currency(backend: Backend) {
    let amounts = |by_currency: bool| {
        let mut settings = settings::connection("park");
        settings["taxes"] = json!({"VAT": "V10"});
        let mut sim = Sim::with_settings(backend, &settings);
        let freshbooks = &mut sim.sandbox.freshbooks;
        freshbooks.config_mut().amounts_by_currency = by_currency;
        let client = freshbooks.create_client(&documents::client(), sim.now);
        let client = client.expect("is created");
        for (currency, unit_cost) in [("JPY", "999"), ("KWD", "12.345")] {
            let mut invoice = documents::invoice(client, currency);
            invoice["currency_code"] = json!(currency);
            invoice["lines"] = json!([{"type": 0, "name": "Design", "qty": "1", "taxName1": "VAT",
                "taxAmount1": "10", "unit_cost": {"amount": unit_cost, "code": currency}}]);
            let invoice = freshbooks.create_invoice(&invoice, sim.now);
            invoice.expect("is created");
        }
        sim.settle();
        let mut sent: Vec<String> = created(&sim)
            .iter()
            .map(|body| body["InvoiceAmount"].as_str().expect("is text").to_string())
            .collect();
        sent.sort();
        sent
    };
    assert_eq!(amounts(false), ["1098.90", "13.590"]);
    assert_eq!(amounts(true), ["1099", "13.580"]);
}
