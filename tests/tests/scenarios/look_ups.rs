//! Look-ups of payment requests whose filters are ignored and whose answers lack members, and
//! records that are ours.

use ml_connector_component::contract::runs::{Ending, StartReason};
use ml_connector_sandbox::Request;
use ml_connector_sandbox::concur::{App, CustomSpelling};
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_tests::fixtures::documents;
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::store::ending_name;
use ml_connector_tests::sim::{Sim, object};
use ml_connector_tests::switches;
use serde_json::json;

use crate::documents::{an_invoice, ending, stop_code};
use crate::forms::{COST_CODE, cost_codes, counted, endings, invoices, settings, sim};
use crate::scenarios;

scenarios!(
    filters_that_are_ignored_change_nothing,
    two_documents_of_one_number_are_both_ours,
    all_readings_of_payment_requests_at_once,
);

fn filters_that_are_ignored_change_nothing(backend: Backend) {
    let why = "a list that nothing filters has more pages of two than a look-up reads";
    switches::keep("concur.payment_requests.digest_page_max", 1_000, why);
    let why = "the run of a notice that comes again ends as unchanged, and is then the latest";
    switches::keep("freshbooks.webhooks.duplicate_per_mille", 0, why);
    let why = "the record is seconds old when it is looked for";
    switches::keep("concur.payment_requests.digest_lag_ms", 0, why);
    let mut config = switches::config();
    config.concur.payment_requests.digest_number_ignored = true;
    config.concur.vendors.filters_ignored = true;
    let mut sim = Sim::new(config, backend.logic(&settings().to_string()));
    let ids = invoices(&mut sim, &["1", "2"]);
    sim.settle();
    // More than are read in full.
    for number in 100..160 {
        type_in(&mut sim, &number.to_string());
    }
    let third = one_more(&mut sim, "3");
    sim.settle();
    assert_eq!(endings(&sim, &ids), counted(&[("confirmed", 2)]));
    assert_eq!(ending_name(&ending(&sim, "invoice", &third)), "confirmed");
    assert_eq!(sim.sandbox.concur.vendors().len(), 1);
    // What has the number is found again, and nothing else is read.
    let reads = sim.sent.clone();
    sim.store.links.clear();
    sim.start(object("invoice", &ids[0]), StartReason::Notice);
    sim.settle();
    assert_eq!(ending_name(&ending(&sim, "invoice", &ids[0])), "confirmed");
    assert_eq!(
        sim.sent["POST paymentrequest"],
        reads["POST paymentrequest"]
    );
}

#[test]
fn a_vendor_without_codes_is_known_by_name() {
    for in_digests in [false, true] {
        let mut sim = sim(Backend::Native, &settings(), |switches| {
            switches.remit_address_without_codes = true;
            switches.digests_without_vendor_code = in_digests;
        });
        let ids = invoices(&mut sim, &["1", "2"]);
        sim.settle();
        assert_eq!(endings(&sim, &ids), counted(&[("confirmed", 2)]));
        // The same number of the same client, whose payment request nobody here knows.
        type_in(&mut sim, "3");
        let third = one_more(&mut sim, "3");
        sim.settle();
        assert_eq!(stop_code(&ending(&sim, "invoice", &third)), "already-there");
        assert_eq!(sim.sandbox.concur.payment_request_count(), 3);
    }
}

/// An invoice of the first client.
pub(crate) fn one_more(sim: &mut Sim, number: &str) -> String {
    let client = sim.sandbox.freshbooks.ids(RecordKind::Client)[0];
    let invoice = documents::invoice(client, number);
    let created = sim.sandbox.freshbooks.create_invoice(&invoice, sim.now);
    created.expect("is created").to_string()
}

/// Another program makes a payment request of the first vendor.
pub(crate) fn type_in(sim: &mut Sim, number: &str) {
    const HOST: &str = "us2.api.concursolutions.com";
    let now = sim.now;
    let concur = &mut sim.sandbox.concur;
    let vendor = concur.vendors()[0]["VendorCode"].clone();
    let (company, app) = (concur.company_uuid().to_string(), App::default());
    let request_token = concur.company_request_token(now);
    let request = Request::new(HOST, "POST", "/oauth2/v0/token").with_form(&[
        ("client_id", &app.client_id),
        ("client_secret", &app.client_secrets[0]),
        ("grant_type", "password"),
        ("credtype", "authtoken"),
        ("username", &company),
        ("password", &request_token),
    ]);
    let token = concur.handle(&request, now, 0).value()["access_token"].clone();
    let body = json!({"Name": "Typed in", "InvoiceNumber": number, "InvoiceAmount": "1.00",
        "CurrencyCode": "CAD", "CountryCode": "CA", "LedgerCode": "DEFAULT",
        "VendorRemitToIdentifier": {"VendorCode": vendor}});
    let request = Request::new(HOST, "POST", "/api/v3.0/invoice/paymentrequest")
        .with_bearer(token.as_str().expect("is text"))
        .with_header("Accept", "application/json")
        .with_json(&body);
    let answer = concur.handle(&request, now, 0);
    assert_eq!(answer.status, 200, "{}", answer.value());
}

fn two_documents_of_one_number_are_both_ours(backend: Backend) {
    let why = "the record is seconds old when it is looked for";
    switches::keep("concur.payment_requests.digest_lag_ms", 0, why);
    let mut sim = sim(backend, &settings(), |_| {});
    let freshbooks = &mut sim.sandbox.freshbooks;
    let vendor = freshbooks.create_bill_vendor(&documents::bill_vendor(), sim.now);
    let vendor = vendor.expect("is created");
    let bill = |sim: &mut Sim| {
        let bill = documents::bill(vendor, "DUP-1");
        let created = sim.sandbox.freshbooks.create_bill(&bill, sim.now);
        sim.settle();
        created.expect("is created").to_string()
    };
    let (first, second) = (bill(&mut sim), bill(&mut sim));
    let Ending::Parked(stop) = ending(&sim, "bill", &second) else {
        panic!("is parked: {:?}", ending(&sim, "bill", &second));
    };
    assert_eq!(stop.code, "already-there");
    let first = format!("bill {first}");
    assert!(stop.message.contains(&first), "{}", stop.message);
    for (text, never) in [(&stop.message, "not ours"), (&stop.remedy, "delete")] {
        assert!(!text.contains(never), "{text}");
    }
    // Its link is lost: the marker says that it is no stranger's.
    sim.store.links.clear();
    sim.start(object("bill", &second), StartReason::Replay);
    sim.settle();
    let Ending::Parked(stop) = ending(&sim, "bill", &second) else {
        panic!("is parked");
    };
    assert!(stop.message.contains("marker of ml-connector") && !stop.remedy.contains("delete"));
    assert_eq!(sim.sandbox.concur.payment_request_count(), 1);
}

#[test]
fn a_typed_in_payment_request_is_not_ours() {
    let mut sim = sim(Backend::Native, &settings(), |_| {});
    invoices(&mut sim, &["1"]);
    sim.settle();
    type_in(&mut sim, "77");
    let typed_in = one_more(&mut sim, "77");
    sim.settle();
    let Ending::Parked(stop) = ending(&sim, "invoice", &typed_in) else {
        panic!("is parked");
    };
    assert!(stop.message.contains("not ours") && stop.message.contains("number 77"));
}

fn all_readings_of_payment_requests_at_once(backend: Backend) {
    let why = "the run of a notice that comes again ends as unchanged, and is then the latest";
    switches::keep("freshbooks.webhooks.duplicate_per_mille", 0, why);
    for spelling in [CustomSpelling::Padded, CustomSpelling::Unpadded] {
        let mut settings = settings();
        if spelling == CustomSpelling::Padded {
            settings["payment_request"]["cost_code_field"] = "Custom01".into();
        }
        let mut config = switches::config();
        config.concur.vendors.filters_ignored = true;
        let switches = &mut config.concur.payment_requests;
        switches.custom_spelling = spelling;
        switches.remit_address_without_codes = true;
        switches.digests_without_vendor_code = true;
        switches.digest_number_ignored = true;
        switches.single_as_object = true;
        let mut sim = Sim::new(config, backend.logic(&settings.to_string()));
        let mut ids = invoices(&mut sim, &["1", "2", "3"]);
        ids.push(an_invoice(&mut sim, "4"));
        sim.settle();
        assert_eq!(endings(&sim, &ids), counted(&[("confirmed", 4)]));
        assert_eq!(cost_codes(&sim), [COST_CODE; 3]);
        for id in &ids {
            sim.start(object("invoice", id), StartReason::Notice);
        }
        sim.settle();
        assert_eq!(endings(&sim, &ids), counted(&[("unchanged", 4)]));
    }
}
