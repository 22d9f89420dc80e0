//! What was there before the connector was: back-fills, and the cut-over.

use std::collections::BTreeMap;

use ml_connector_component::contract::runs::{Ending, StartReason};
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
    a_back_fill_brings_each_document_across_once_through_crashes_and_webhooks,
    a_cancelled_back_fill_goes_on_where_it_stood,
    what_was_typed_by_hand_before_the_cut_over_is_shown_and_nothing_is_posted,
    what_is_dated_before_the_cut_over_is_not_posted_by_any_run,
);

const BACKFILL: &str = "invoice/2026-01-01..2026-02-28";

/// More than the 100 of a page; under the rows of the sandbox's switches a few will do.
fn invoices_of_before() -> u64 {
    if switches::are_default() { 103 } else { 24 }
}

/// A firm that has so many invoices before anything is announced, the first of each day; and one
/// outside of the back-fill.
fn firm(backend: Backend, settings: &Value, count: u64) -> (Sim, u64, Vec<u64>) {
    let mut sim = Sim::with_settings(backend, settings);
    let freshbooks = &mut sim.sandbox.freshbooks;
    freshbooks.config_mut().webhooks.silent = true;
    let client = freshbooks.create_client(&documents::client(), sim.now);
    let client = client.expect("is created");
    let mut made = |number: u64, date: &str| {
        let mut invoice = documents::invoice(client, &format!("I-{number}"));
        invoice["create_date"] = date.into();
        let freshbooks = &mut sim.sandbox.freshbooks;
        freshbooks
            .create_invoice(&invoice, sim.now)
            .expect("is created")
    };
    made(9_999, "2025-12-31");
    let invoices = (0..count)
        .map(|number| made(number, &format!("2026-01-{:02}", number % 28 + 1)))
        .collect();
    sim.sandbox.freshbooks.config_mut().webhooks.silent = false;
    (sim, client, invoices)
}

fn start(sim: &mut Sim, id: &str) {
    sim.start(object("backfill", id), StartReason::Backfill);
}

/// Lets everything happen until the process ends at a moment.
fn crash_at(sim: &mut Sim, moment: u64) {
    sim.stop_at_crash = true;
    sim.crash_at([moment]);
    sim.settle();
    sim.stop_at_crash = false;
}

/// The counts of the back-fill, and where it stands.
fn counts(sim: &Sim) -> (String, Value) {
    let key = ("backfill".to_string(), BACKFILL.to_string());
    let link = sim.store.links.get(&key).expect("it has begun");
    let counts = link.version.as_deref().expect("it counts");
    (
        link.target.id.clone(),
        serde_json::from_str(counts).expect("is JSON"),
    )
}

/// How many payment requests there are of each number.
fn by_number(sim: &Sim) -> BTreeMap<String, usize> {
    let mut numbers = BTreeMap::new();
    for request in sim.sandbox.concur.payment_requests() {
        *numbers.entry(request.number).or_default() += 1;
    }
    numbers
}

fn a_back_fill_brings_each_document_across_once_through_crashes_and_webhooks(backend: Backend) {
    let count = invoices_of_before();
    let (mut sim, client, invoices) = firm(backend, &settings::connection("resend"), count);
    let lost = FaultRule::new(System::Concur, Fault::ResponseLost).method("POST");
    sim.sandbox.add_fault(lost.path("/paymentrequest").times(2));
    start(&mut sim, BACKFILL);
    crash_at(&mut sim, 150);
    // Meanwhile people go on: an invoice that is to come is announced, a new one is made, and one
    // that is done is deleted, which moves another one to the page that is done.
    let now = sim.now;
    let freshbooks = &mut sim.sandbox.freshbooks;
    let due = json!({"due_offset_days": 10});
    let late = invoices[invoices.len() - 1];
    let changed = freshbooks.update(RecordKind::Invoice, late, &due, now);
    changed.expect("is changed");
    let mut new = documents::invoice(client, "NEW");
    new["create_date"] = "2026-01-01".into();
    freshbooks.create_invoice(&new, now).expect("is created");
    freshbooks.delete(RecordKind::Invoice, invoices[0], now);
    sim.crash_at([40, 41, 150, 900, 1_300]);
    sim.settle();
    assert!(sim.crashes >= 4, "{} crashes", sim.crashes);
    let mut expected: BTreeMap<String, usize> = (0..count)
        .map(|number| (format!("I-{number}"), 1))
        .collect();
    expected.insert("NEW".to_string(), 1);
    let mut there = by_number(&sim);
    assert_eq!(there.get("I-9999"), None, "it is of another year");
    // What was deleted may have been carried over before.
    there.remove("I-0");
    expected.remove("I-0");
    assert_eq!(there, expected);
    assert_eq!(sim.sandbox.concur.vendors().len(), 1);
    let (stands_at, counts) = counts(&sim);
    assert_eq!(stands_at, BACKFILL, "it is complete: {counts}");
    let counted = |name: &str| counts[name].as_u64().unwrap_or_default();
    assert_eq!(count > 100, counted("pass") > 1, "{counts}");
    assert!(
        counted("carried") + counted("under_way") >= count - 1,
        "{counts}"
    );
    // What was deleted after it was carried over.
    assert!(counted("stopped") <= 1, "{counts}");
}

fn a_cancelled_back_fill_goes_on_where_it_stood(backend: Backend) {
    let (mut sim, _, _) = firm(backend, &settings::connection("park"), 20);
    start(&mut sim, BACKFILL);
    crash_at(&mut sim, 20);
    start(&mut sim, &format!("{BACKFILL}/cancel"));
    sim.settle();
    let stopped_at = sim.sandbox.concur.payment_request_count();
    assert!(stopped_at <= 16, "no more than was under way: {stopped_at}");
    let (page, _) = counts(&sim);
    assert_eq!(page, format!("{BACKFILL}/1/1"));
    start(&mut sim, BACKFILL);
    sim.settle();
    assert_eq!(sim.sandbox.concur.payment_request_count(), 20);
    assert_eq!(counts(&sim).0, BACKFILL);
    // It may be done again, and finds nothing to do.
    start(&mut sim, BACKFILL);
    sim.settle();
    assert_eq!(counts(&sim).1["started"], 0);
    assert_eq!(counts(&sim).1["carried"], 20);
    assert_eq!(sim.sandbox.concur.payment_request_count(), 20);
}

/// The settings with a cut-over that all invoices of January are before.
fn cut_over() -> Value {
    let mut settings = settings::connection("park");
    settings["cut_over"] = "2026-02-01".into();
    settings
}

fn what_was_typed_by_hand_before_the_cut_over_is_shown_and_nothing_is_posted(backend: Backend) {
    let (mut sim, _, invoices) = firm(backend, &settings::connection("park"), 2);
    let typed = invoices[0].to_string();
    sim.start(object("invoice", &typed), StartReason::Notice);
    sim.settle();
    let request = sim.sandbox.concur.payment_requests()[0].id.clone();
    assert!(sim.sandbox.concur.clear_custom_fields(&request, sim.now));
    // Long enough ago that a list shows it in every reading.
    sim.now += 86_400_000;
    // As if it had never been ours.
    sim.store.links.clear();
    sim.upgrade(backend.logic(&cut_over().to_string()));
    sim.start(object("invoice", &typed), StartReason::Replay);
    sim.settle();
    start(&mut sim, BACKFILL);
    sim.settle();
    let ended = ending(&sim, "invoice", &typed);
    assert_eq!(stop_code(&ended), "typed-by-hand");
    let Ending::Parked(stop) = ended else {
        panic!("is parked");
    };
    let adopt = format!("links adopt freshbooks/invoice/{typed} concur/payment-request/{request}");
    assert!(stop.remedy.contains(&adopt), "{}", stop.remedy);
    let other = ending(&sim, "invoice", &invoices[1].to_string());
    assert_eq!(ending_name(&other), "unchanged");
    assert_eq!(sim.sandbox.concur.payment_request_count(), 1);
    let (_, counts) = counts(&sim);
    assert_eq!(
        (&counts["typed_by_hand"], &counts["before_cut_over"]),
        (&json!(1), &json!(1))
    );
}

fn what_is_dated_before_the_cut_over_is_not_posted_by_any_run(backend: Backend) {
    let (mut sim, _, invoices) = firm(backend, &cut_over(), 1);
    let invoice = invoices[0].to_string();
    sim.sweep();
    start(&mut sim, BACKFILL);
    sim.settle();
    for reason in [
        StartReason::Notice,
        StartReason::Replay,
        StartReason::LookAgain,
    ] {
        sim.start(object("invoice", &invoice), reason);
        sim.settle();
        let Ending::Unchanged(note) = ending(&sim, "invoice", &invoice) else {
            panic!("is left alone: {:?}", ending(&sim, "invoice", &invoice));
        };
        assert_eq!(note.code, "before-cut-over");
    }
    assert_eq!(sim.sandbox.concur.payment_request_count(), 0);
    assert_eq!(sim.sandbox.concur.vendors().len(), 0);
    // Its date is put right: it is carried over like any other.
    let date = json!({"create_date": "2026-02-01"});
    let id = invoices[0];
    let freshbooks = &mut sim.sandbox.freshbooks;
    let changed = freshbooks.update(RecordKind::Invoice, id, &date, sim.now);
    changed.expect("is changed");
    sim.sweep();
    sim.settle();
    assert_eq!(sim.sandbox.concur.payment_request_count(), 1);
}
