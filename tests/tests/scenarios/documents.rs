//! Scenarios in virtual time: both vendors, the logic, and what may happen between them. Each is
//! played twice, with the native library and with the built component.

use ml_connector_component::contract::runs::{Ending, How, Reason};
use ml_connector_sandbox::{Fault, FaultRule, System};
use ml_connector_tests::mind::Through;
use ml_connector_tests::sim::{Sim, object};
use ml_connector_tests::world::{self, word};

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        mod native {
            $(#[test] fn $name() { super::$name(super::Through::Native) })*
        }
        mod component {
            $(#[test] fn $name() { super::$name(super::Through::Component) })*
        }
    };
}

scenarios!(
    an_invoice_becomes_a_vendor_and_a_payment_request,
    a_bill_becomes_a_vendor_and_a_payment_request,
    two_invoices_of_one_client_make_one_vendor,
    a_second_look_at_the_same_content_writes_nothing,
    a_changed_invoice_changes_its_payment_request,
    a_deleted_invoice_is_parked_until_it_is_deleted_there_too,
    a_lost_answer_is_found_again_and_not_doubled,
    a_lost_request_is_sent_again_only_where_the_settings_say_so,
    what_is_executed_late_is_found_by_a_later_look,
    a_notice_does_not_send_again_what_is_ambiguous_but_a_person_may,
    an_upgrade_in_the_settle_time_doubles_nothing,
    an_outage_of_three_days_heals_by_itself_and_costs_no_attempt,
    a_record_that_keeps_failing_is_parked_after_five_retries,
    an_expired_token_is_renewed_without_a_person,
    a_dead_refresh_token_queues_everything_until_a_person_connects,
    the_company_moves_to_another_datacenter,
    an_unmapped_tax_parks_and_names_the_setting,
    a_missed_webhook_is_found_by_the_sweep,
    two_records_under_one_marker_are_a_conflict_with_both_ids,
);

/// Longer than the settle time, shorter than the life of an access token.
const MINUTES_45: u64 = 2_700_000;

/// Creates a client and a sent invoice; returns the invoice's id.
fn an_invoice(sim: &mut Sim, number: &str) -> String {
    let client = sim
        .sandbox
        .freshbooks
        .create_client(&world::client(), sim.now)
        .expect("is created");
    let invoice = sim
        .sandbox
        .freshbooks
        .create_invoice(&world::invoice(client, number), sim.now);
    invoice.expect("is created").to_string()
}

fn ending(sim: &Sim, kind: &str, id: &str) -> Ending {
    sim.kept
        .ending(kind, id)
        .unwrap_or_else(|| panic!("{kind} {id} has not ended"))
}

fn stop_code(ending: &Ending) -> &str {
    match ending {
        Ending::Parked(stop) | Ending::Rejected(stop) => &stop.code,
        other => panic!("is no stop: {other:?}"),
    }
}

fn an_invoice_becomes_a_vendor_and_a_payment_request(through: Through) {
    let mut sim = world::sim(through, "park");
    let invoice = an_invoice(&mut sim, "2093");
    sim.settle();
    let Ending::Confirmed(confirmed) = ending(&sim, "invoice", &invoice) else {
        panic!("is confirmed: {:?}", ending(&sim, "invoice", &invoice));
    };
    assert_eq!(confirmed.how, How::Created);
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

fn a_bill_becomes_a_vendor_and_a_payment_request(through: Through) {
    let mut sim = world::sim(through, "park");
    let vendor = sim
        .sandbox
        .freshbooks
        .create_bill_vendor(&world::bill_vendor(), sim.now)
        .expect("is created");
    let bill = sim
        .sandbox
        .freshbooks
        .create_bill(&world::bill(vendor, "R-2211"), sim.now)
        .expect("is created");
    sim.settle();
    assert_eq!(word(&ending(&sim, "bill", &bill.to_string())), "confirmed");
    let there = &sim.sandbox.concur.payment_requests()[0];
    assert_eq!(
        (there.amount.as_str(), there.currency.as_str()),
        ("1071.00", "EUR")
    );
}

fn two_invoices_of_one_client_make_one_vendor(through: Through) {
    let mut sim = world::sim(through, "park");
    let client = sim
        .sandbox
        .freshbooks
        .create_client(&world::client(), sim.now)
        .expect("is created");
    for number in ["1", "2", "3"] {
        sim.sandbox
            .freshbooks
            .create_invoice(&world::invoice(client, number), sim.now)
            .expect("is created");
    }
    sim.settle();
    assert_eq!(sim.sandbox.concur.vendors().len(), 1);
    assert_eq!(sim.sandbox.concur.payment_request_count(), 3);
    assert_eq!(sim.sent["POST vendors"], 1);
}

fn a_second_look_at_the_same_content_writes_nothing(through: Through) {
    let mut sim = world::sim(through, "park");
    let invoice = an_invoice(&mut sim, "2093");
    sim.settle();
    let posts = sim.sent["POST paymentrequest"];
    sim.start(object("invoice", &invoice), Reason::Notice);
    sim.settle();
    assert_eq!(word(&ending(&sim, "invoice", &invoice)), "unchanged");
    assert_eq!(sim.sent["POST paymentrequest"], posts);
}

fn a_changed_invoice_changes_its_payment_request(through: Through) {
    let mut sim = world::sim(through, "park");
    let invoice = an_invoice(&mut sim, "2093");
    sim.settle();
    let lines = serde_json::json!({"lines": [{"type": 0, "name": "Copy paper", "qty": "1",
        "unit_cost": {"amount": "60.00", "code": "CAD"}}]});
    let id = invoice.parse().expect("is a number");
    let kind = ml_connector_sandbox::freshbooks::person::Kind::Invoice;
    sim.sandbox
        .freshbooks
        .update(kind, id, &lines, sim.now)
        .expect("is changed");
    sim.settle();
    let Ending::Confirmed(confirmed) = ending(&sim, "invoice", &invoice) else {
        panic!("is confirmed: {:?}", ending(&sim, "invoice", &invoice));
    };
    assert_eq!(confirmed.how, How::Updated);
    let all = sim.sandbox.concur.payment_requests();
    assert_eq!(
        (all.len(), all[0].amount.as_str(), all[0].lines),
        (1, "60.00", 1)
    );
}

fn a_deleted_invoice_is_parked_until_it_is_deleted_there_too(through: Through) {
    let mut sim = world::sim(through, "park");
    let invoice = an_invoice(&mut sim, "2093");
    sim.settle();
    let kind = ml_connector_sandbox::freshbooks::person::Kind::Invoice;
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
    sim.start(object("invoice", &invoice), Reason::Replay);
    sim.settle();
    assert_eq!(word(&ending(&sim, "invoice", &invoice)), "confirmed");
    assert!(sim.kept.links.keys().all(|(kind, _)| kind != "invoice"));
}

fn a_lost_answer_is_found_again_and_not_doubled(through: Through) {
    for ambiguity in ["park", "resend"] {
        let mut sim = world::sim(through, ambiguity);
        let rule = FaultRule::new(System::Concur, Fault::ResponseLost)
            .method("POST")
            .path("paymentrequest")
            .times(1);
        sim.sandbox.add_fault(rule);
        let invoice = an_invoice(&mut sim, "2093");
        sim.settle();
        assert_eq!(
            word(&ending(&sim, "invoice", &invoice)),
            "confirmed",
            "{ambiguity}"
        );
        assert_eq!(sim.sandbox.concur.payment_request_count(), 1);
        assert_eq!(sim.sent["POST paymentrequest"], 1);
    }
}

fn a_lost_request_is_sent_again_only_where_the_settings_say_so(through: Through) {
    for (ambiguity, expected, posts) in [("park", "parked", 1), ("resend", "confirmed", 2)] {
        let mut sim = world::sim(through, ambiguity);
        let rule = FaultRule::new(System::Concur, Fault::RequestLost)
            .method("POST")
            .path("paymentrequest")
            .times(1);
        sim.sandbox.add_fault(rule);
        let invoice = an_invoice(&mut sim, "2093");
        sim.settle();
        assert_eq!(word(&ending(&sim, "invoice", &invoice)), expected);
        assert_eq!(sim.sent["POST paymentrequest"], posts);
    }
}

fn what_is_executed_late_is_found_by_a_later_look(through: Through) {
    let mut sim = world::sim(through, "park");
    let late = Fault::LateExecution { delay: MINUTES_45 };
    sim.sandbox.add_fault(
        FaultRule::new(System::Concur, late)
            .method("POST")
            .path("paymentrequest")
            .times(1),
    );
    let invoice = an_invoice(&mut sim, "2093");
    sim.run_for(2_400_000);
    assert_eq!(stop_code(&ending(&sim, "invoice", &invoice)), "ambiguous");
    sim.settle();
    let Ending::Confirmed(confirmed) = ending(&sim, "invoice", &invoice) else {
        panic!("is confirmed");
    };
    assert_eq!(confirmed.how, How::Adopted);
    assert_eq!(
        (
            sim.sandbox.concur.payment_request_count(),
            sim.sent["POST paymentrequest"]
        ),
        (1, 1)
    );
}

fn a_notice_does_not_send_again_what_is_ambiguous_but_a_person_may(through: Through) {
    let mut sim = world::sim(through, "park");
    sim.sandbox.add_fault(
        FaultRule::new(System::Concur, Fault::RequestLost)
            .method("POST")
            .path("paymentrequest")
            .times(1),
    );
    let invoice = an_invoice(&mut sim, "2093");
    sim.run_for(3_600_000);
    sim.start(object("invoice", &invoice), Reason::Notice);
    sim.settle();
    assert_eq!(stop_code(&ending(&sim, "invoice", &invoice)), "ambiguous");
    assert_eq!(sim.sandbox.concur.payment_request_count(), 0);
    sim.start(object("invoice", &invoice), Reason::Replay);
    sim.settle();
    assert_eq!(word(&ending(&sim, "invoice", &invoice)), "confirmed");
}

fn an_upgrade_in_the_settle_time_doubles_nothing(through: Through) {
    // Executed after the settle time where nothing is sent again, and within it where it is.
    for (ambiguity, delay) in [("park", MINUTES_45), ("resend", MINUTES_45 / 2)] {
        let mut sim = world::sim(through, ambiguity);
        sim.sandbox.add_fault(
            FaultRule::new(System::Concur, Fault::LateExecution { delay })
                .method("POST")
                .path("paymentrequest")
                .times(1),
        );
        let invoice = an_invoice(&mut sim, "2093");
        sim.run_for(600_000);
        assert_eq!(sim.sent["POST paymentrequest"], 1);
        // Other settings stand for other code: what it would create differs.
        let mut settings = world::settings(ambiguity);
        settings["expense_types"]["default"] = "TRVL".into();
        sim.upgrade(through.mind(&settings.to_string()));
        sim.settle();
        assert_eq!(sim.divergences, 1);
        let Ending::Confirmed(confirmed) = ending(&sim, "invoice", &invoice) else {
            panic!("is confirmed");
        };
        assert_eq!(confirmed.how, How::Adopted, "{ambiguity}");
        assert_eq!(
            (
                sim.sandbox.concur.payment_request_count(),
                sim.sent["POST paymentrequest"]
            ),
            (1, 1),
            "{ambiguity}"
        );
    }
}

fn an_outage_of_three_days_heals_by_itself_and_costs_no_attempt(through: Through) {
    for fault in [
        Fault::Refuse,
        Fault::Maintenance,
        Fault::RateLimited {
            retry_after_s: Some(0),
        },
    ] {
        let mut sim = world::sim(through, "park");
        sim.sandbox.add_fault(FaultRule::new(System::Concur, fault));
        let invoice = an_invoice(&mut sim, "2093");
        sim.run_for(72 * 3_600_000);
        assert!(sim.kept.ending("invoice", &invoice).is_none(), "{fault:?}");
        sim.sandbox.clear_faults();
        sim.settle();
        assert_eq!(
            word(&ending(&sim, "invoice", &invoice)),
            "confirmed",
            "{fault:?}"
        );
    }
}

fn a_record_that_keeps_failing_is_parked_after_five_retries(through: Through) {
    let mut sim = world::sim(through, "park");
    sim.sandbox
        .add_fault(FaultRule::new(System::Concur, Fault::ServerError).path("digests"));
    let invoice = an_invoice(&mut sim, "2093");
    sim.settle();
    assert_eq!(
        stop_code(&ending(&sim, "invoice", &invoice)),
        "retries-used-up"
    );
    assert_eq!(sim.sent["GET paymentrequestdigests"], 6);
}

fn an_expired_token_is_renewed_without_a_person(through: Through) {
    let mut sim = world::sim(through, "park");
    sim.sandbox.concur.expire_access_tokens();
    sim.sandbox.freshbooks.expire_access_tokens();
    let invoice = an_invoice(&mut sim, "2093");
    sim.settle();
    assert_eq!(word(&ending(&sim, "invoice", &invoice)), "confirmed");
}

fn a_dead_refresh_token_queues_everything_until_a_person_connects(through: Through) {
    let mut sim = world::sim(through, "park");
    sim.sandbox.freshbooks.expire_access_tokens();
    sim.sandbox.freshbooks.revoke_refresh_tokens();
    let invoice = an_invoice(&mut sim, "2093");
    sim.run_for(3_600_000);
    assert!(sim.kept.ending("invoice", &invoice).is_none());
    sim.connect_freshbooks();
    sim.settle();
    assert_eq!(word(&ending(&sim, "invoice", &invoice)), "confirmed");
}

fn the_company_moves_to_another_datacenter(through: Through) {
    let mut sim = world::sim(through, "park");
    assert!(sim.sandbox.concur.move_company("eu2"));
    sim.sandbox.concur.expire_access_tokens();
    let invoice = an_invoice(&mut sim, "2093");
    sim.settle();
    assert_eq!(word(&ending(&sim, "invoice", &invoice)), "confirmed");
}

fn an_unmapped_tax_parks_and_names_the_setting(through: Through) {
    let mut settings = world::settings("park");
    settings["taxes"] = serde_json::json!({});
    let mut sim = world::with(through, &settings);
    let invoice = an_invoice(&mut sim, "2093");
    sim.settle();
    let Ending::Parked(stop) = ending(&sim, "invoice", &invoice) else {
        panic!("is parked");
    };
    assert_eq!(stop.code, "tax-unmapped");
    assert!(
        stop.sentence.contains("`taxes`") && stop.sentence.contains("HST"),
        "{}",
        stop.sentence
    );
    assert_eq!(sim.sandbox.concur.payment_request_count(), 0);
}

fn a_missed_webhook_is_found_by_the_sweep(through: Through) {
    let mut sim = world::sim(through, "park");
    sim.sandbox.freshbooks.config_mut().webhooks.silent = true;
    let invoice = an_invoice(&mut sim, "2093");
    let vendor = sim
        .sandbox
        .freshbooks
        .create_bill_vendor(&world::bill_vendor(), sim.now)
        .expect("is created");
    let bill = sim
        .sandbox
        .freshbooks
        .create_bill(&world::bill(vendor, "R-1"), sim.now)
        .expect("is created");
    sim.settle();
    assert!(sim.kept.ending("invoice", &invoice).is_none());
    sim.sweep();
    sim.settle();
    assert_eq!(word(&ending(&sim, "invoice", &invoice)), "confirmed");
    assert_eq!(word(&ending(&sim, "bill", &bill.to_string())), "confirmed");
    // What was read in the minute of its change is looked at once more, and then no more.
    for started in [6, 4] {
        sim.now += 300_000;
        let runs = sim.kept.runs.len();
        sim.sweep();
        sim.settle();
        assert_eq!(
            sim.kept.runs.len() - runs,
            started,
            "four pages and what was fresh"
        );
    }
}

fn two_records_under_one_marker_are_a_conflict_with_both_ids(through: Through) {
    let mut sim = world::sim(through, "resend");
    let invoice = an_invoice(&mut sim, "2093");
    sim.settle();
    let first = sim.sandbox.concur.payment_requests()[0].clone();
    // Somebody else's retry: the same request once more.
    sim.kept.links.clear();
    let late = Fault::LateExecution { delay: MINUTES_45 };
    assert!(
        sim.sandbox
            .concur
            .delete_payment_request(&first.id, sim.now)
    );
    sim.sandbox.add_fault(
        FaultRule::new(System::Concur, late)
            .method("POST")
            .path("paymentrequest")
            .times(1),
    );
    sim.start(object("invoice", &invoice), Reason::Notice);
    sim.settle();
    assert_eq!(
        sim.sandbox.concur.payment_request_count(),
        3,
        "outside the stated bounds it is doubled"
    );
    sim.kept.links.clear();
    sim.start(object("invoice", &invoice), Reason::Notice);
    sim.settle();
    let Ending::Conflict(conflict) = ending(&sim, "invoice", &invoice) else {
        panic!("is a conflict: {:?}", ending(&sim, "invoice", &invoice));
    };
    assert_eq!(conflict.targets.len(), 2);
}
