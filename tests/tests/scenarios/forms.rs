//! Custom fields that SAP Concur drops in silence: what is written is read back, and the first of a
//! form before the second is made. What the component decides alike in both builds is played
//! natively only.

use std::collections::BTreeMap;
use std::ops::Range;

use ml_connector_component::contract::runs::{Change, Ending, StartReason};
use ml_connector_sandbox::concur::{CustomSpelling, PaymentRequestConfig};
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_sandbox::{Fault, FaultRule, System};
use ml_connector_tests::fixtures::{documents, settings};
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::store::ending_name;
use ml_connector_tests::sim::{Sim, object};
use ml_connector_tests::switches;
use serde_json::{Value, json};

use crate::documents::{ending, stop_code};
use crate::scenarios;

scenarios!(
    a_cost_code_that_is_dropped_stops_before_a_second_payment_request,
    a_marker_that_is_dropped_stops_before_a_second_payment_request,
    either_spelling_arrives_where_the_settings_say_it,
);

const PROJECT: u64 = 60_001;
pub(crate) const COST_CODE: &str = "PRJ_A";

pub(crate) fn settings() -> Value {
    let mut settings = settings::connection("park");
    settings["projects"] = json!({PROJECT.to_string(): COST_CODE});
    settings
}

pub(crate) fn sim(
    backend: Backend,
    settings: &Value,
    change: impl FnOnce(&mut PaymentRequestConfig),
) -> Sim {
    let mut config = switches::config();
    change(&mut config.concur.payment_requests);
    Sim::new(config, backend.logic(&settings.to_string()))
}

/// Orders in which runs that are due at once go on.
fn seeds(backend: Backend) -> Range<u64> {
    match backend {
        Backend::Native => 0..6,
        Backend::Wasm => 0..1,
    }
}

/// Invoices of one client that are sent at once, with a project on their first line.
pub(crate) fn invoices(sim: &mut Sim, numbers: &[&str]) -> Vec<String> {
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
pub(crate) fn endings(sim: &Sim, invoices: &[String]) -> BTreeMap<String, usize> {
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

pub(crate) fn counted(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
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
pub(crate) fn cost_codes(sim: &Sim) -> Vec<String> {
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
    for seed in seeds(backend) {
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
    let why = "the run of a notice that comes again ends as unchanged, and is then the latest";
    switches::keep("freshbooks.webhooks.duplicate_per_mille", 0, why);
    let why = "the record is seconds old when it is looked for";
    switches::keep("concur.payment_requests.digest_lag_ms", 0, why);
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

#[test]
fn one_document_after_another_proves_a_form_and_the_rest_follow() {
    for seed in seeds(Backend::Native) {
        let mut sim = sim(Backend::Native, &settings(), |_| {});
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

#[test]
fn a_first_document_that_is_refused_gives_its_place_to_the_next() {
    let mut sim = sim(Backend::Native, &settings(), |_| {});
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

#[test]
fn a_payment_request_that_lost_its_fields_may_be_taken_away() {
    let mut sim = sim(Backend::Native, &settings(), |switches| {
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

#[test]
fn a_changed_document_under_a_dropped_field_is_not_confirmed() {
    let mut sim = sim(Backend::Native, &settings(), |_| {});
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

#[test]
fn a_crash_at_any_moment_makes_no_second_payment_request() {
    let run = |crashes: &[u64]| {
        let mut sim = sim(Backend::Native, &settings(), |switches| {
            switches.custom_spelling = CustomSpelling::Padded;
        });
        let before = sim.moments();
        let ids = invoices(&mut sim, &["1", "2", "3"]);
        sim.crash_at(crashes.iter().copied());
        sim.settle();
        let moments = sim.moments() - before;
        (sim, ids, moments)
    };
    let (_, _, moments) = run(&[]);
    assert!(moments > 20, "{moments}");
    for moment in 0..moments {
        let (sim, ids, _) = run(&[moment, moment + 3]);
        assert_eq!(sim.sandbox.concur.payment_request_count(), 1, "{moment}");
        // One that was to be sent when the process ended may have been: `ambiguous`.
        let ended = endings(&sim, &ids);
        assert_eq!(ended.get("not-shown"), Some(&1), "{moment}: {ended:?}");
        assert!(!ended.contains_key("confirmed"), "{moment}: {ended:?}");
    }
}
