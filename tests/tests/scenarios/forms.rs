//! Custom fields that SAP Concur drops in silence, look-ups whose filters it ignores, and records
//! that are ours.

use std::collections::BTreeMap;

use ml_connector_component::contract::runs::{Change, Ending, StartReason};
use ml_connector_sandbox::concur::{App, CustomSpelling, PaymentRequestConfig};
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_sandbox::{Fault, FaultRule, Request, SandboxConfig, System};
use ml_connector_tests::fixtures::{documents, settings};
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::store::ending_name;
use ml_connector_tests::sim::{Sim, object};
use serde_json::{Value, json};

use crate::documents::{an_invoice, ending, stop_code};
use crate::scenarios;

scenarios!(
    a_cost_code_that_is_dropped_stops_before_a_second_payment_request,
    a_marker_that_is_dropped_stops_before_a_second_payment_request,
    either_spelling_arrives_where_the_settings_say_it,
    one_document_after_another_proves_a_form_and_the_rest_follow,
    a_first_document_that_is_refused_gives_its_place_to_the_next,
    a_payment_request_that_lost_its_fields_may_be_taken_away,
    a_changed_document_under_a_dropped_field_is_not_confirmed,
    filters_that_are_ignored_change_nothing,
    a_vendor_without_codes_is_known_by_name,
    two_documents_of_one_number_are_both_ours,
    a_typed_in_payment_request_is_not_ours,
    all_readings_of_payment_requests_at_once,
);

const PROJECT: u64 = 60_001;
const COST_CODE: &str = "PRJ_A";

fn settings() -> Value {
    let mut settings = settings::connection("park");
    settings["projects"] = json!({PROJECT.to_string(): COST_CODE});
    settings
}

fn sim(backend: Backend, settings: &Value, change: impl FnOnce(&mut PaymentRequestConfig)) -> Sim {
    let mut config = SandboxConfig::default();
    change(&mut config.concur.payment_requests);
    Sim::new(config, backend.logic(&settings.to_string()))
}

/// Invoices of one client that are sent at once, with a project on their first line.
fn invoices(sim: &mut Sim, numbers: &[&str]) -> Vec<String> {
    let freshbooks = &mut sim.sandbox.freshbooks;
    let client = freshbooks.create_client(&documents::client(), sim.now);
    let client = client.expect("is created");
    let mut ids = Vec::new();
    for number in numbers {
        let mut invoice = documents::invoice(client, number);
        invoice["lines"][0]["modern_project_id"] = PROJECT.into();
        let created = sim.sandbox.freshbooks.create_invoice(&invoice, sim.now);
        ids.push(created.expect("is created").to_string());
    }
    ids
}

/// How often the runs of invoices ended with each code, or in which way.
fn endings(sim: &Sim, invoices: &[String]) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for id in invoices {
        let ending = ending(sim, "invoice", id);
        let name = match &ending {
            Ending::Parked(stop) | Ending::Rejected(stop) => stop.code.clone(),
            other => ending_name(other).to_string(),
        };
        *count.entry(name).or_default() += 1;
    }
    count
}

fn counted(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    let pairs = expected.iter();
    pairs
        .map(|(name, count)| ((*name).to_string(), *count))
        .collect()
}

/// A person has everything tried again that is parked.
fn replay_parked(sim: &mut Sim) {
    for ((kind, id), ending) in sim.store.endings() {
        if matches!(ending, Ending::Parked(_)) {
            sim.start(object(&kind, &id), StartReason::Replay);
        }
    }
    sim.settle();
}

/// The cost codes that arrived, one for each payment request.
fn cost_codes(sim: &Sim) -> Vec<String> {
    let requests = sim.sandbox.concur.payment_requests();
    let code = |customs: &BTreeMap<String, String>| customs.get("Custom1").cloned();
    requests
        .iter()
        .flat_map(|request| request.allocation_customs.iter().filter_map(code))
        .collect()
}

fn a_cost_code_that_is_dropped_stops_before_a_second_payment_request(backend: Backend) {
    let mut sim = sim(backend, &settings(), |switches| {
        switches.custom_spelling = CustomSpelling::Padded;
    });
    let ids = invoices(&mut sim, &["1", "2", "3", "4"]);
    sim.settle();
    assert_eq!(sim.sandbox.concur.payment_request_count(), 1);
    assert_eq!(
        endings(&sim, &ids),
        counted(&[("form-unseen", 3), ("not-shown", 1)])
    );
    let first = ids
        .iter()
        .map(|id| ending(&sim, "invoice", id))
        .find(|ending| stop_code(ending) == "not-shown");
    let Some(Ending::Parked(stop)) = first else {
        panic!("is parked");
    };
    let said = [COST_CODE, "Custom1 of an allocation"];
    assert!(
        said.iter().all(|said| stop.message.contains(said)),
        "{stop:?}"
    );
    assert!(stop.remedy.contains("\"Custom01\"") && stop.remedy.contains("`payment_request."));
    // Without a fix a replay makes no second one either.
    replay_parked(&mut sim);
    assert_eq!(sim.sandbox.concur.payment_request_count(), 1);
    let mut fixed = settings();
    fixed["payment_request"]["cost_code_field"] = "Custom01".into();
    sim.upgrade(backend.logic(&fixed.to_string()));
    replay_parked(&mut sim);
    assert_eq!(endings(&sim, &ids), counted(&[("confirmed", 4)]));
    assert_eq!(sim.sandbox.concur.payment_request_count(), 4);
    assert_eq!(cost_codes(&sim), [COST_CODE; 4]);
}

fn a_marker_that_is_dropped_stops_before_a_second_payment_request(backend: Backend) {
    for seed in 0..6 {
        let mut sim = sim(backend, &settings(), |switches| {
            switches.fields_off_form = ["Custom24".to_string()].into();
        });
        sim.interleave(seed);
        let ids = invoices(&mut sim, &["1", "2", "3"]);
        sim.settle();
        assert_eq!(sim.sandbox.concur.payment_request_count(), 1, "{seed}");
        assert_eq!(
            endings(&sim, &ids),
            counted(&[("form-unseen", 2), ("not-shown", 1)])
        );
        // The administrator puts the field on the form.
        let concur = sim.sandbox.concur.config_mut();
        concur.payment_requests.fields_off_form.clear();
        replay_parked(&mut sim);
        assert_eq!(endings(&sim, &ids), counted(&[("confirmed", 3)]));
        let requests = sim.sandbox.concur.payment_requests();
        assert_eq!(requests.len(), 3);
        assert!(requests.iter().all(|r| r.customs.contains_key("Custom24")));
    }
}

fn either_spelling_arrives_where_the_settings_say_it(backend: Backend) {
    for (spelling, marker, cost_code) in [
        (CustomSpelling::Unpadded, "Custom5", "Custom1"),
        (CustomSpelling::Padded, "Custom05", "Custom01"),
        (CustomSpelling::Either, "Custom05", "Custom1"),
        (CustomSpelling::Unpadded, "OrgUnit1", "Custom1"),
        (CustomSpelling::Padded, "OrgUnit01", "Custom01"),
    ] {
        let mut settings = settings();
        settings["payment_request"]["marker_field"] = marker.into();
        settings["payment_request"]["cost_code_field"] = cost_code.into();
        let mut sim = sim(backend, &settings, |switches| {
            switches.custom_spelling = spelling;
        });
        let ids = invoices(&mut sim, &["1", "2"]);
        sim.settle();
        assert_eq!(
            endings(&sim, &ids),
            counted(&[("confirmed", 2)]),
            "{marker}"
        );
        assert_eq!(cost_codes(&sim), [COST_CODE; 2]);
        // A look-up sees the marker under the spelling of a read.
        sim.store.links.clear();
        sim.start(object("invoice", &ids[0]), StartReason::Notice);
        sim.settle();
        let Ending::Confirmed(confirmed) = ending(&sim, "invoice", &ids[0]) else {
            panic!("is confirmed");
        };
        assert_eq!(confirmed.change, Change::Adopted);
    }
}

fn one_document_after_another_proves_a_form_and_the_rest_follow(backend: Backend) {
    for seed in 0..4 {
        let mut sim = sim(backend, &settings(), |_| {});
        sim.interleave(seed);
        let ids = invoices(&mut sim, &["1", "2", "3", "4", "5"]);
        sim.settle();
        assert_eq!(endings(&sim, &ids), counted(&[("confirmed", 5)]));
        assert_eq!(sim.sent["POST paymentrequest"], 5);
        // Nothing is asked of a form that is proven.
        let forms = |sim: &Sim| {
            let runs = sim.store.runs.values();
            runs.filter(|run| run.task.object.kind == "payment-request-form")
                .count()
        };
        let before = forms(&sim);
        invoices(&mut sim, &["6"]);
        sim.settle();
        assert_eq!(forms(&sim), before);
    }
}

fn a_first_document_that_is_refused_gives_its_place_to_the_next(backend: Backend) {
    let mut sim = sim(backend, &settings(), |_| {});
    let ids = invoices(&mut sim, &["1", "2", "3"]);
    let lost = FaultRule::new(System::Concur, Fault::RequestLost);
    sim.sandbox
        .add_fault(lost.method("POST").path("paymentrequest").times(1));
    sim.settle();
    // Nobody knows of the first whether it was made; the next one proves the form.
    assert_eq!(
        endings(&sim, &ids),
        counted(&[("ambiguous", 1), ("confirmed", 2)])
    );
    assert_eq!(sim.sandbox.concur.payment_request_count(), 2);
}

fn a_payment_request_that_lost_its_fields_may_be_taken_away(backend: Backend) {
    let mut sim = sim(backend, &settings(), |switches| {
        switches.fields_off_form = ["Custom1".to_string()].into();
    });
    let ids = invoices(&mut sim, &["1", "2"]);
    sim.settle();
    let lost = sim.sandbox.concur.payment_requests()[0].id.clone();
    assert!(sim.sandbox.concur.delete_payment_request(&lost, sim.now));
    let concur = sim.sandbox.concur.config_mut();
    concur.payment_requests.fields_off_form.clear();
    replay_parked(&mut sim);
    assert_eq!(endings(&sim, &ids), counted(&[("confirmed", 2)]));
    let requests = sim.sandbox.concur.payment_requests();
    assert_eq!(requests.iter().filter(|there| !there.deleted).count(), 2);
}

fn a_changed_document_under_a_dropped_field_is_not_confirmed(backend: Backend) {
    let mut sim = sim(backend, &settings(), |_| {});
    let ids = invoices(&mut sim, &["1"]);
    sim.settle();
    let concur = sim.sandbox.concur.config_mut();
    concur.payment_requests.fields_off_form = ["Custom1".to_string()].into();
    let lines = json!({"lines": [{"type": 0, "name": "Copy paper", "qty": "1",
        "modern_project_id": PROJECT, "unit_cost": {"amount": "60.00", "code": "CAD"}}]});
    let id = ids[0].parse().expect("is a number");
    sim.sandbox
        .freshbooks
        .update(RecordKind::Invoice, id, &lines, sim.now)
        .expect("is changed");
    sim.settle();
    assert_eq!(endings(&sim, &ids), counted(&[("not-shown", 1)]));
    let concur = sim.sandbox.concur.config_mut();
    concur.payment_requests.fields_off_form.clear();
    replay_parked(&mut sim);
    assert_eq!(endings(&sim, &ids), counted(&[("confirmed", 1)]));
    assert_eq!(cost_codes(&sim), [COST_CODE]);
}

fn filters_that_are_ignored_change_nothing(backend: Backend) {
    let mut config = SandboxConfig::default();
    config.concur.payment_requests.digest_number_ignored = true;
    config.concur.vendors.filters_ignored = true;
    let mut sim = Sim::new(config, backend.logic(&settings().to_string()));
    let numbers: Vec<String> = (1..=60).map(|number| number.to_string()).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let ids = invoices(&mut sim, &numbers);
    sim.settle();
    assert_eq!(endings(&sim, &ids), counted(&[("confirmed", 60)]));
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

fn a_vendor_without_codes_is_known_by_name(backend: Backend) {
    for in_digests in [false, true] {
        let mut sim = sim(backend, &settings(), |switches| {
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
fn one_more(sim: &mut Sim, number: &str) -> String {
    let client = sim.sandbox.freshbooks.ids(RecordKind::Client)[0];
    let invoice = documents::invoice(client, number);
    let created = sim.sandbox.freshbooks.create_invoice(&invoice, sim.now);
    created.expect("is created").to_string()
}

/// Another program makes a payment request of the first vendor.
fn type_in(sim: &mut Sim, number: &str) {
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

fn a_typed_in_payment_request_is_not_ours(backend: Backend) {
    let mut sim = sim(backend, &settings(), |_| {});
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
    for spelling in [CustomSpelling::Padded, CustomSpelling::Unpadded] {
        let mut settings = settings();
        if spelling == CustomSpelling::Padded {
            settings["payment_request"]["cost_code_field"] = "Custom01".into();
        }
        let mut config = SandboxConfig::default();
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
