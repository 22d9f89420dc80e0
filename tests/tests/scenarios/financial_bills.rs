//! Suppliers' invoices as bills: one each, of the right vendor, never sent back to SAP Concur, and
//! a journal entry where FreshBooks cannot hold the bill to the cent.

use ml_connector_component::contract::runs::{Change as Done, Ending, StartReason};
use ml_connector_component::contract::types;
use ml_connector_component::marker;
use ml_connector_sandbox::concur::{
    Change, DocStatus, Filed, Filing, InvoiceOptions, Resubmission,
};
use ml_connector_sandbox::freshbooks::{RecordKind, TaxRounding};
use ml_connector_sandbox::{Fault, FaultRule, System};
use ml_connector_tests::books::{self, Books, code, document};
use ml_connector_tests::fixtures::settings;
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::store::ending_name;
use ml_connector_tests::sim::{Sim, object};
use ml_connector_tests::switches;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::documents::ending;
use crate::financial::poll;
use crate::scenarios;

scenarios!(
    an_invoice_becomes_a_bill_and_is_confirmed,
    invoices_of_one_new_supplier_make_one_vendor,
    a_bill_that_we_made_never_goes_out,
    a_lost_answer_to_a_bill_is_found_and_not_doubled,
    a_crash_at_any_moment_makes_one_bill,
    a_total_that_freshbooks_rounds_otherwise_becomes_an_entry,
    a_credit_becomes_an_entry,
    a_replay_changes_nothing,
    a_corrected_invoice_takes_its_bill_back,
    what_was_made_under_other_settings_is_found,
);

fn connected(backend: Backend) -> Sim {
    Sim::with_settings(backend, &settings::with_bills("park"))
}

/// An invoice in CAD of so many lines is approved. Without shares of a cent it becomes a bill.
fn invoice(sim: &mut Sim, lines: u8, seed: u64) -> Filed {
    let options = InvoiceOptions {
        currency: Some("CAD".to_string()),
        lines: Some(lines),
        seed: Some(seed),
        ..InvoiceOptions::default()
    };
    sim.sandbox.concur.approve_invoice(&options, sim.now)
}

/// The bills that are not deleted, as FreshBooks shows them.
fn bills(sim: &Sim) -> Vec<Value> {
    let freshbooks = &sim.sandbox.freshbooks;
    let ids = freshbooks.ids(RecordKind::Bill).into_iter();
    let shown = ids.filter_map(|id| freshbooks.bill(id, sim.now));
    shown.filter(|bill| bill["vis_state"] == 0).collect()
}

fn total(bill: &Value) -> Decimal {
    let text = bill["total_amount"]["amount"].as_str().expect("is money");
    text.parse().expect("is a number")
}

/// Asserts that a document has one bill and no entry, which comes to what was approved, and one
/// confirmation, which names it; returns the bill.
fn assert_billed(sim: &Sim, filed: &Filed) -> Value {
    let document = document(sim, filed);
    let target = format!("bill {}/{}", document.id, document.revision);
    let marker = marker::marker_for("acme", &books::object(filed), &target);
    let all = bills(sim);
    let marked = all.iter().filter(|bill| {
        let description = bill["lines"][0]["description"].as_str();
        description.is_some_and(|description| description.contains(&marker))
    });
    let marked: Vec<&Value> = marked.collect();
    let [bill] = marked[..] else {
        panic!(
            "not one bill: {all:?}, ended as {:?}",
            books::ending(sim, filed)
        );
    };
    assert_eq!(total(bill), filed.approved);
    assert!(Books::of(&sim.sandbox).marked(&document).is_empty());
    assert_eq!(document.status, DocStatus::PostingConfirmedSuccess);
    assert_eq!(document.postings.len(), 1);
    assert_eq!(document.postings[0].document_number, bill["id"].to_string());
    assert_eq!(document.postings[0].posting_date, bill["issue_date"]);
    bill.clone()
}

/// The change that a document's run was confirmed with.
fn change(sim: &Sim, filed: &Filed) -> Done {
    match books::ending(sim, filed) {
        Ending::Confirmed(confirmed) => confirmed.change,
        other => panic!("is confirmed: {other:?}"),
    }
}

fn post_of_a_bill(fault: Fault) -> FaultRule {
    FaultRule::new(System::FreshBooks, fault)
        .method("POST")
        .path("/bills/bills")
        .times(1)
}

fn an_invoice_becomes_a_bill_and_is_confirmed(backend: Backend) {
    let mut sim = connected(backend);
    let filed = invoice(&mut sim, 1, 3);
    poll(&mut sim);
    let bill = assert_billed(&sim, &filed);
    assert_eq!(change(&sim, &filed), Done::Created);
    assert_eq!(bill["vendor"]["vendor_name"], "Northwind Paper Ltd");
    assert_eq!(
        (&bill["due_offset_days"], &bill["currency_code"]),
        (&30.into(), &"CAD".into())
    );
    assert!(
        bill["bill_number"]
            .as_str()
            .is_some_and(|number| number.starts_with("N-"))
    );
    assert_eq!(Books::of(&sim.sandbox).entries.len(), 0);
}

fn invoices_of_one_new_supplier_make_one_vendor(backend: Backend) {
    let mut sim = connected(backend);
    let filed: Vec<Filed> = (0..6).map(|seed| invoice(&mut sim, 1, seed)).collect();
    // Nobody knows whether the first attempt made the vendor.
    sim.sandbox.add_fault(
        FaultRule::new(System::FreshBooks, Fault::ResponseLost)
            .method("POST")
            .path("/bill_vendors/")
            .times(1),
    );
    poll(&mut sim);
    assert_eq!(sim.sandbox.freshbooks.ids(RecordKind::BillVendor).len(), 1);
    for filed in &filed {
        assert_eq!(
            document(&sim, filed).status,
            DocStatus::PostingConfirmedSuccess
        );
    }
}

fn a_bill_that_we_made_never_goes_out(backend: Backend) {
    let mut sim = connected(backend);
    let filed = invoice(&mut sim, 1, 3);
    // The answer is lost, so that the link is not stored before the settle time is over.
    sim.sandbox.add_fault(post_of_a_bill(Fault::ResponseLost));
    sim.poll();
    sim.run_for(300_000);
    let id = bills(&sim)[0]["id"].to_string();
    let is_linked = |sim: &Sim| {
        sim.store
            .links
            .contains_key(&("bill".to_string(), id.clone()))
    };
    assert!(!is_linked(&sim));
    let run = ending(&sim, "bill", &id);
    assert_eq!(code(&run), "made-by-us", "its webhook came before the link");
    let runs = sim.store.runs.len();
    sim.sweep();
    sim.run_for(60_000);
    assert!(sim.store.runs.len() > runs, "it was swept");
    assert_eq!(code(&ending(&sim, "bill", &id)), "made-by-us");
    sim.settle();
    assert_billed(&sim, &filed);
    assert!(is_linked(&sim));
    // Without the marker the link is enough, and a deletion is nothing to Concur either.
    let fields = serde_json::json!({"lines": [{"categoryid": 3341, "description": "Edited",
        "unit_cost": {"amount": "9.00", "code": "CAD"}}]});
    let freshbooks = &mut sim.sandbox.freshbooks;
    let number = id.parse().expect("is a number");
    freshbooks
        .update(RecordKind::Bill, number, &fields, sim.now)
        .expect("is changed");
    sim.settle();
    assert_eq!(code(&ending(&sim, "bill", &id)), "made-by-us");
    sim.sandbox
        .freshbooks
        .delete(RecordKind::Bill, number, sim.now);
    sim.settle();
    sim.sweep();
    sim.settle();
    assert_eq!(code(&ending(&sim, "bill", &id)), "made-by-us");
    assert_eq!(sim.sandbox.concur.payment_request_count(), 0);
    assert_eq!(sim.sandbox.concur.vendors().len(), 0);
}

fn a_lost_answer_to_a_bill_is_found_and_not_doubled(backend: Backend) {
    for full in [false, true] {
        for fault in [
            Fault::ResponseLost,
            Fault::ServerErrorAfterCommit,
            Fault::LateExecution { delay: 600_000 },
        ] {
            let mut config = switches::config();
            config.freshbooks.bill_lists_are_full = full;
            let logic = backend.logic(&settings::with_bills("park").to_string());
            let mut sim = Sim::new(config, logic);
            let filed = invoice(&mut sim, 1, 3);
            sim.sandbox.add_fault(post_of_a_bill(fault));
            poll(&mut sim);
            assert_billed(&sim, &filed);
            assert_eq!(change(&sim, &filed), Done::Adopted);
        }
    }
    let mut sim = connected(backend);
    let filed = invoice(&mut sim, 1, 3);
    sim.sandbox.add_fault(post_of_a_bill(Fault::RequestLost));
    poll(&mut sim);
    assert_eq!(code(&books::ending(&sim, &filed)), "ambiguous");
    assert!(bills(&sim).is_empty());
    sim.start(books::object(&filed), StartReason::Replay);
    sim.settle();
    assert_billed(&sim, &filed);
}

fn a_crash_at_any_moment_makes_one_bill(backend: Backend) {
    let mut sim = connected(backend);
    let before = sim.moments();
    invoice(&mut sim, 1, 3);
    poll(&mut sim);
    let moments = sim.moments() - before;
    let step = if backend == Backend::Native { 1 } else { 7 };
    for moment in switches::moments(moments).step_by(step) {
        for is_answer_lost in [false, true] {
            let mut sim = connected(backend);
            if is_answer_lost {
                sim.sandbox.add_fault(post_of_a_bill(Fault::ResponseLost));
            }
            sim.crash_at([moment]);
            let filed = invoice(&mut sim, 1, 3);
            poll(&mut sim);
            assert_eq!(sim.crashes, 1, "moment {moment}");
            connect_if_dead(&mut sim);
            replay_if_ambiguous(&mut sim, &filed);
            assert_billed(&sim, &filed);
            let made = sim.sandbox.freshbooks.ids(RecordKind::Bill).len();
            assert_eq!(made, 1, "moment {moment}, {is_answer_lost}");
            let requests = sim.sandbox.concur.payment_request_count();
            assert_eq!(requests, 0, "moment {moment}");
        }
    }
}

/// A person connects again where the crash has swallowed the answer to a renewal.
fn connect_if_dead(sim: &mut Sim) {
    if sim.dead_because(types::System::Freshbooks).is_some() {
        sim.connect_freshbooks();
    }
    if sim.dead_because(types::System::Concur).is_some() {
        sim.connect_concur();
    }
    sim.settle();
}

/// A write that was recorded and may never have been sent is for a person, who has it sent again.
fn replay_if_ambiguous(sim: &mut Sim, filed: &Filed) {
    let ended = books::ending(sim, filed);
    if ending_name(&ended) == "parked" {
        assert_eq!(code(&ended), "ambiguous");
        sim.start(books::object(filed), StartReason::Replay);
        sim.settle();
    }
}

fn a_total_that_freshbooks_rounds_otherwise_becomes_an_entry(backend: Backend) {
    let why = "without taxes on the lines nothing is rounded otherwise";
    switches::keep("concur.financial.invoice_tax_in_header", false, why);
    let mut config = switches::config();
    config.freshbooks.bill_tax_rounding = TaxRounding::Document;
    let logic = backend.logic(&settings::with_bills("park").to_string());
    let mut sim = Sim::new(config, logic);
    let filed: Vec<Filed> = (0..12).map(|seed| invoice(&mut sim, 4, seed)).collect();
    poll(&mut sim);
    let books = Books::of(&sim.sandbox);
    let (as_entry, as_bill): (Vec<&Filed>, Vec<&Filed>) = filed
        .iter()
        .partition(|filed| !books.marked(&document(&sim, filed)).is_empty());
    assert!(
        !as_entry.is_empty() && !as_bill.is_empty(),
        "{}",
        as_entry.len()
    );
    for filed in &as_bill {
        assert_billed(&sim, filed);
    }
    for filed in &as_entry {
        books.assert_posted(&sim, filed);
        let Ending::Confirmed(confirmed) = books::ending(&sim, filed) else {
            panic!("is confirmed");
        };
        assert!(
            confirmed.message.contains("not as a bill"),
            "{}",
            confirmed.message
        );
    }
    assert_eq!(bills(&sim).len(), as_bill.len());
    let made = sim.sandbox.freshbooks.ids(RecordKind::Bill).len();
    assert!(made > as_bill.len(), "some were made, read, and taken back");
    assert_eq!(sim.sandbox.concur.payment_request_count(), 0);
}

fn a_credit_becomes_an_entry(backend: Backend) {
    let mut sim = connected(backend);
    let options = InvoiceOptions {
        credit_memo: true,
        currency: Some("CAD".to_string()),
        ..InvoiceOptions::default()
    };
    let filed = sim.sandbox.concur.approve_invoice(&options, sim.now);
    poll(&mut sim);
    Books::of(&sim.sandbox).assert_posted(&sim, &filed);
    assert!(bills(&sim).is_empty());
}

fn a_replay_changes_nothing(backend: Backend) {
    let mut sim = connected(backend);
    let filed = invoice(&mut sim, 1, 3);
    poll(&mut sim);
    let posts = sim.sent["POST bills"];
    sim.start(books::object(&filed), StartReason::Replay);
    sim.settle();
    assert_eq!(ending_name(&books::ending(&sim, &filed)), "unchanged");
    assert_billed(&sim, &filed);
    // A run that knows nothing of the bill, as after a store that was restored, finds it.
    sim.store.links.clear();
    sim.start(books::object(&filed), StartReason::Replay);
    sim.settle();
    assert_eq!(change(&sim, &filed), Done::Adopted);
    assert_eq!(sim.sent["POST bills"], posts);
    let id = bills(&sim)[0]["id"].to_string();
    sim.start(object("bill", &id), StartReason::Replay);
    sim.settle();
    assert_eq!(code(&ending(&sim, "bill", &id)), "made-by-us");
}

fn a_corrected_invoice_takes_its_bill_back(backend: Backend) {
    let mut sim = connected(backend);
    let config = sim.sandbox.concur.config_mut();
    config.financial.recall_acknowledged = true;
    let first = invoice(&mut sim, 1, 3);
    poll(&mut sim);
    assert_billed(&sim, &first);
    let resubmission = Resubmission {
        change: Change::Amounts,
        even_if_not_recalled: true,
        filing: Filing::default(),
    };
    let now = sim.now;
    let second = sim
        .sandbox
        .concur
        .resubmit(&first.source_id, &resubmission, now);
    let second = second.expect("is resubmitted");
    poll(&mut sim);
    let books = Books::of(&sim.sandbox);
    match books.marked(&document(&sim, &second)).len() {
        0 => drop(assert_billed(&sim, &second)),
        _ => books.assert_posted(&sim, &second),
    }
    let left: Decimal = bills(&sim).iter().map(total).sum();
    let booked = books.costs().get("CAD").copied().unwrap_or_default();
    assert_eq!(
        left + booked,
        second.approved,
        "the first one is taken back"
    );
    assert_eq!(sim.sandbox.concur.payment_request_count(), 0);
}

fn what_was_made_under_other_settings_is_found(backend: Backend) {
    let mut sim = connected(backend);
    let filed = invoice(&mut sim, 1, 3);
    sim.sandbox.add_fault(post_of_a_bill(Fault::ResponseLost));
    sim.poll();
    sim.run_for(300_000);
    // Invoices become journal entries from now on.
    sim.upgrade(backend.logic(&settings::both_ways("park").to_string()));
    sim.settle();
    assert_billed(&sim, &filed);
    let mut sim = Sim::with_settings(backend, &settings::both_ways("park"));
    let filed = invoice(&mut sim, 1, 3);
    sim.sandbox.add_fault(
        FaultRule::new(System::FreshBooks, Fault::ResponseLost)
            .method("POST")
            .path("/journal_entries/")
            .times(1),
    );
    sim.poll();
    sim.run_for(300_000);
    sim.upgrade(backend.logic(&settings::with_bills("park").to_string()));
    sim.settle();
    Books::of(&sim.sandbox).assert_posted(&sim, &filed);
    assert!(bills(&sim).is_empty());
}
