//! Pairs that a person made by hand: what was typed into both systems is changed, and never made
//! twice.

use ml_connector_component::contract::runs::{Ending, ObjectStatus, StartReason};
use ml_connector_component::contract::types::ObjectRef;
use ml_connector_component::crosswalk;
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::{Sim, object};
use ml_connector_tests::switches;
use serde_json::json;

use crate::documents::{ending, stop_code};
use crate::forms::{invoices, settings, sim};
use crate::look_ups::{one_more, type_in};
use crate::scenarios;

scenarios!(
    an_adopted_payment_request_is_the_invoices_own,
    a_broken_pair_is_made_again
);

/// A person links the two by hand.
fn adopt(sim: &mut Sim, one: &ObjectRef, other: &ObjectRef) {
    let status = |object: &ObjectRef| ObjectStatus {
        object: object.clone(),
        link: None,
        active: false,
        last: None,
    };
    let paired = crosswalk::pair(&status(one), &status(other)).expect("become each other");
    for link in paired.links {
        let source = (link.source.kind.clone(), link.source.id.clone());
        sim.store.links.insert(source, link);
    }
}

/// The invoice's payment request, if its run did not park; else the sentence.
fn target(sim: &Sim, invoice: &str) -> Result<String, String> {
    match ending(sim, "invoice", invoice) {
        Ending::Confirmed(confirmation) => Ok(confirmation.target.id),
        Ending::Parked(stop) => {
            assert_ne!(stop.code, "already-there", "it is a stranger's no more");
            Err(stop.message)
        }
        other => panic!("is neither there nor parked: {other:?}"),
    }
}

fn an_adopted_payment_request_is_the_invoices_own(backend: Backend) {
    let why = "the run of a notice that comes again ends as unchanged, and is then the latest";
    switches::keep("freshbooks.webhooks.duplicate_per_mille", 0, why);
    let why = "the record is seconds old when it is looked for";
    switches::keep("concur.payment_requests.digest_lag_ms", 0, why);
    let mut sim = sim(backend, &settings(), |_| {});
    invoices(&mut sim, &["1"]);
    sim.settle();
    type_in(&mut sim, "3");
    let typed = sim.sandbox.concur.payment_requests();
    let typed = typed.iter().find(|request| request.number == "3");
    let typed = typed.expect("was typed").id.clone();
    let invoice = one_more(&mut sim, "3");
    sim.settle();
    assert_eq!(
        stop_code(&ending(&sim, "invoice", &invoice)),
        "already-there"
    );

    let request = ObjectRef::concur("payment-request", typed.clone());
    adopt(&mut sim, &request, &object("invoice", &invoice));
    sim.start(object("invoice", &invoice), StartReason::Replay);
    sim.settle();
    let expect_own = |sim: &Sim| {
        match target(sim, &invoice) {
            Ok(id) => assert_eq!(id, typed),
            Err(message) => assert!(message.contains(&typed), "{message}"),
        }
        assert_eq!(sim.sandbox.concur.payment_request_count(), 2);
        let link = &sim.store.links[&("invoice".to_string(), invoice.clone())];
        assert_eq!(link.target.id, typed);
        let back = &sim.store.links[&("payment-request".to_string(), typed.clone())];
        assert_eq!(back.target.id, invoice);
    };
    expect_own(&sim);

    let id = invoice.parse().expect("is a number");
    let changed = json!({"notes": "changed", "lines": [{"type": 0, "name": "Copy paper",
        "qty": "5", "unit_cost": {"amount": "30.00", "code": "CAD"}}]});
    let freshbooks = &mut sim.sandbox.freshbooks;
    let updated = freshbooks.update(RecordKind::Invoice, id, &changed, sim.now);
    updated.expect("is changed");
    sim.settle();
    expect_own(&sim);
}

/// Breaking a pair of ours changes nothing there: the next run finds its marker and links it again,
/// in both directions.
fn a_broken_pair_is_made_again(backend: Backend) {
    let why = "the run of a notice that comes again ends as unchanged, and is then the latest";
    switches::keep("freshbooks.webhooks.duplicate_per_mille", 0, why);
    let why = "the record is seconds old when it is looked for";
    switches::keep("concur.payment_requests.digest_lag_ms", 0, why);
    let mut sim = sim(backend, &settings(), |_| {});
    let invoice = invoices(&mut sim, &["1"]).remove(0);
    sim.settle();
    let key = ("invoice".to_string(), invoice.clone());
    let link = sim.store.links[&key].clone();
    for source in crosswalk::unpair(&link).expect("is a person's") {
        sim.store.links.remove(&(source.kind, source.id));
    }
    assert!(!sim.store.links.contains_key(&key));
    sim.start(object("invoice", &invoice), StartReason::Replay);
    sim.settle();
    assert_eq!(target(&sim, &invoice), Ok(link.target.id.clone()));
    assert_eq!(sim.store.links[&key].target, link.target);
    let back = &sim.store.links[&("payment-request".to_string(), link.target.id)];
    assert_eq!(back.target.id, invoice);
    assert_eq!(sim.sandbox.concur.payment_request_count(), 1);
}
