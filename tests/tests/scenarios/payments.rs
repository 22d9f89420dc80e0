//! What is fully paid in FreshBooks is confirmed to SAP Concur, once, and taken back with it.

use ml_connector_component::contract::runs::Ending;
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_tests::fixtures::{documents, settings};
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::Sim;
use serde_json::json;

use crate::documents::{an_invoice, ending, stop_code};
use crate::scenarios;

scenarios!(
    a_paid_invoice_is_confirmed_once_it_is_extracted_and_taken_back,
    a_paid_bill_is_found_by_the_sweep,
    what_was_paid_in_concur_is_not_paid_twice,
);

fn connected(backend: Backend) -> Sim {
    let mut settings = settings::connection("park");
    settings["payments"] = json!({"confirm": true});
    Sim::with_settings(backend, &settings)
}

/// The payments that SAP Concur was told of, in their order.
fn told(sim: &Sim) -> Vec<(String, String)> {
    let payments = sim.sandbox.concur.invoice_payments().iter();
    let told = payments.filter(|payment| !payment.made_in_concur);
    told.map(|payment| (payment.status.clone(), payment.method.clone()))
        .collect()
}

fn told_of(status: &str) -> (String, String) {
    (status.to_string(), "CLIENT".to_string())
}

fn request_id(sim: &Sim, kind: &str, id: &str) -> String {
    match ending(sim, kind, id) {
        Ending::Confirmed(confirmation) => confirmation.target.id,
        other => panic!("{kind} {id} is not confirmed: {other:?}"),
    }
}

fn a_paid_invoice_is_confirmed_once_it_is_extracted_and_taken_back(backend: Backend) {
    let mut sim = connected(backend);
    let invoice = an_invoice(&mut sim, "2093");
    sim.settle();
    let request = request_id(&sim, "invoice", &invoice);
    let id = invoice.parse().expect("is a number");
    let freshbooks = &mut sim.sandbox.freshbooks;
    let payment = freshbooks.pay_invoice(id, None, sim.now).expect("is paid");
    sim.sweep();
    sim.run_for(3_600_000);
    let of_payment = format!("invoice/{invoice}");
    let waits = ending(&sim, "payment-state", &of_payment);
    assert_eq!(stop_code(&waits), "not-extracted");
    assert_eq!(told(&sim), []);
    assert!(
        sim.sandbox
            .concur
            .extract_payment_request(&request, sim.now)
    );
    sim.settle();
    assert_eq!(told(&sim), [told_of("PAID")]);
    sim.sandbox
        .freshbooks
        .delete(RecordKind::Payment, payment, sim.now);
    sim.sweep();
    sim.settle();
    assert_eq!(told(&sim).last(), Some(&told_of("VOID")));
}

fn a_paid_bill_is_found_by_the_sweep(backend: Backend) {
    let mut sim = connected(backend);
    let freshbooks = &mut sim.sandbox.freshbooks;
    let vendor = freshbooks.create_bill_vendor(&documents::bill_vendor(), sim.now);
    let bill = documents::bill(vendor.expect("is created"), "B-1");
    let id = freshbooks.create_bill(&bill, sim.now).expect("is created");
    sim.settle();
    let request = request_id(&sim, "bill", &id.to_string());
    assert!(
        sim.sandbox
            .concur
            .extract_payment_request(&request, sim.now)
    );
    let paid = sim.sandbox.freshbooks.pay_bill(id, None, sim.now);
    paid.expect("is paid");
    for _ in 0..2 {
        sim.sweep();
        sim.settle();
    }
    assert_eq!(told(&sim), [told_of("PAID")]);
}

fn what_was_paid_in_concur_is_not_paid_twice(backend: Backend) {
    let mut sim = connected(backend);
    let invoice = an_invoice(&mut sim, "2094");
    sim.settle();
    let request = request_id(&sim, "invoice", &invoice);
    let now = sim.now;
    assert!(sim.sandbox.concur.extract_payment_request(&request, now));
    assert!(sim.sandbox.concur.pay_in_concur(&request, "CHECK", now));
    let id = invoice.parse().expect("is a number");
    let paid = sim.sandbox.freshbooks.pay_invoice(id, None, now);
    paid.expect("is paid");
    sim.sweep();
    sim.settle();
    assert_eq!(told(&sim), []);
}
