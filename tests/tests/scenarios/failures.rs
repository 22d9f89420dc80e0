//! What happens to invoices when requests, answers, tokens or whole systems fail.

use ml_connector_component::contract::runs::{Change, Ending, StartReason};
use ml_connector_sandbox::{Fault, FaultRule, System, ThrottleWords};
use ml_connector_tests::fixtures::settings;
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::store::ending_name;
use ml_connector_tests::sim::{Sim, object};
use ml_connector_tests::switches;

use crate::documents::{an_invoice, ending, stop_code};
use crate::scenarios;

scenarios!(
    a_lost_answer_is_found_and_not_doubled,
    a_lost_request_is_resent_only_where_the_settings_say_so,
    a_late_execution_is_found_by_a_later_look_up,
    only_a_person_s_replay_resends_what_is_ambiguous,
    an_upgrade_in_the_settle_time_doubles_nothing,
    a_replay_right_after_such_an_upgrade_doubles_nothing,
    a_replay_waits_for_the_settle_time_that_a_run_did_not_get_to,
    a_run_that_is_given_up_does_not_hide_what_the_one_before_it_left_ambiguous,
    an_outage_of_three_days_costs_no_attempt,
    throttling_is_waited_for_in_whatever_words_it_comes,
    what_says_nothing_about_the_record_is_waited_for_or_looked_at_again,
    a_record_that_keeps_failing_is_parked_after_five_retries,
    an_expired_token_is_renewed_without_a_person,
    a_dead_refresh_token_queues_everything_until_a_person_connects,
    the_company_moves_to_another_datacenter,
    two_records_under_one_marker_are_a_conflict_with_both_ids,
);

/// Milliseconds: longer than the settle time, shorter than the life of an access token.
const MINUTES_45: u64 = 2_700_000;

/// Three days, which take seconds to play; under each row of switches half a day, which tells no
/// less about how a page is read.
pub(crate) fn hours_of_an_outage() -> u64 {
    if switches::are_default() { 72 } else { 12 }
}

/// A fault that strikes the next payment request that is created, and no other.
fn creation(fault: Fault) -> FaultRule {
    FaultRule::new(System::Concur, fault)
        .method("POST")
        .path("paymentrequest")
        .times(1)
}

fn a_lost_answer_is_found_and_not_doubled(backend: Backend) {
    for ambiguity in ["park", "resend"] {
        let mut sim = Sim::connected(backend, ambiguity);
        let rule = creation(Fault::ResponseLost);
        sim.sandbox.add_fault(rule);
        let invoice = an_invoice(&mut sim, "2093");
        sim.settle();
        assert_eq!(
            ending_name(&ending(&sim, "invoice", &invoice)),
            "confirmed",
            "{ambiguity}"
        );
        assert_eq!(sim.sandbox.concur.payment_request_count(), 1);
        assert_eq!(sim.sent["POST paymentrequest"], 1);
    }
}

fn a_lost_request_is_resent_only_where_the_settings_say_so(backend: Backend) {
    for (ambiguity, expected, posts) in [("park", "parked", 1), ("resend", "confirmed", 2)] {
        let mut sim = Sim::connected(backend, ambiguity);
        let rule = creation(Fault::RequestLost);
        sim.sandbox.add_fault(rule);
        let invoice = an_invoice(&mut sim, "2093");
        sim.settle();
        assert_eq!(ending_name(&ending(&sim, "invoice", &invoice)), expected);
        assert_eq!(sim.sent["POST paymentrequest"], posts);
    }
}

fn a_late_execution_is_found_by_a_later_look_up(backend: Backend) {
    let mut sim = Sim::connected(backend, "park");
    let late = Fault::LateExecution { delay: MINUTES_45 };
    sim.sandbox.add_fault(creation(late));
    let invoice = an_invoice(&mut sim, "2093");
    sim.run_for(2_400_000);
    assert_eq!(stop_code(&ending(&sim, "invoice", &invoice)), "ambiguous");
    sim.settle();
    assert_adopted(&sim, &invoice);
}

fn only_a_person_s_replay_resends_what_is_ambiguous(backend: Backend) {
    let mut sim = Sim::connected(backend, "park");
    sim.sandbox.add_fault(creation(Fault::RequestLost));
    let invoice = an_invoice(&mut sim, "2093");
    sim.run_for(3_600_000);
    sim.start(object("invoice", &invoice), StartReason::Notice);
    sim.settle();
    assert_eq!(stop_code(&ending(&sim, "invoice", &invoice)), "ambiguous");
    assert_eq!(sim.sandbox.concur.payment_request_count(), 0);
    sim.start(object("invoice", &invoice), StartReason::Replay);
    sim.settle();
    assert_eq!(ending_name(&ending(&sim, "invoice", &invoice)), "confirmed");
}

fn an_upgrade_in_the_settle_time_doubles_nothing(backend: Backend) {
    // Executed after the settle time where nothing is sent again, and within it where it is.
    for (ambiguity, delay) in [("park", MINUTES_45), ("resend", MINUTES_45 / 2)] {
        let mut sim = Sim::connected(backend, ambiguity);
        sim.sandbox
            .add_fault(creation(Fault::LateExecution { delay }));
        let invoice = an_invoice(&mut sim, "2093");
        sim.run_for(600_000);
        assert_eq!(sim.sent["POST paymentrequest"], 1);
        // Other settings stand for other code: what it would create differs.
        let mut settings = settings::connection(ambiguity);
        settings["expense_types"]["default"] = "TRVL".into();
        sim.upgrade(backend.logic(&settings.to_string()));
        sim.settle();
        assert_eq!(sim.divergences, 1);
        let Ending::Confirmed(confirmed) = ending(&sim, "invoice", &invoice) else {
            panic!("is confirmed");
        };
        assert_eq!(confirmed.change, Change::Adopted, "{ambiguity}");
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

fn a_replay_right_after_such_an_upgrade_doubles_nothing(backend: Backend) {
    let types = serde_json::json!({"default": "TRVL"});
    let (mut sim, invoice) = upgraded_in_the_settle_time(backend, types);
    sim.run_for(60_000);
    sim.start(object("invoice", &invoice), StartReason::Replay);
    sim.settle();
    assert_eq!(sim.divergences, 1);
    // The run found it, and the replay after it what the run had linked.
    assert_eq!(ending_name(&ending(&sim, "invoice", &invoice)), "unchanged");
    assert_eq!(sim.sandbox.concur.payment_request_count(), 1);
}

fn a_replay_waits_for_the_settle_time_that_a_run_did_not_get_to(backend: Backend) {
    let (mut sim, invoice) = upgraded_in_the_settle_time(backend, serde_json::json!({}));
    sim.run_for(1_900_000);
    // It was stopped before it looked anything up.
    assert_eq!(sim.divergences, 1);
    assert_eq!(stop_code(&ending(&sim, "invoice", &invoice)), "ambiguous");
    sim.upgrade(backend.logic(&settings::connection("park").to_string()));
    sim.start(object("invoice", &invoice), StartReason::Replay);
    sim.settle();
    assert_adopted(&sim, &invoice);
}

fn a_run_that_is_given_up_does_not_hide_what_the_one_before_it_left_ambiguous(backend: Backend) {
    let mut sim = Sim::connected(backend, "park");
    let late = Fault::LateExecution { delay: MINUTES_45 };
    sim.sandbox.add_fault(creation(late));
    let invoice = an_invoice(&mut sim, "2093");
    sim.run_for(2_400_000);
    assert_eq!(stop_code(&ending(&sim, "invoice", &invoice)), "ambiguous");
    let invoice_there = object("invoice", &invoice);
    sim.start(invoice_there.clone(), StartReason::Notice);
    sim.give_up(&invoice_there);
    assert_eq!(stop_code(&ending(&sim, "invoice", &invoice)), "ambiguous");
    // Whatever looks at it now may only look.
    sim.start(invoice_there, StartReason::Notice);
    sim.settle();
    assert_adopted(&sim, &invoice);
}

/// A payment request is created 35 minutes after it was sent: after the settle time of the run that
/// sent it, and within that of the same run when it is started over under other expense types.
fn upgraded_in_the_settle_time(
    backend: Backend,
    expense_types: serde_json::Value,
) -> (Sim, String) {
    let mut sim = Sim::connected(backend, "park");
    let late = Fault::LateExecution {
        delay: MINUTES_45 - 600_000,
    };
    sim.sandbox.add_fault(creation(late));
    let invoice = an_invoice(&mut sim, "2093");
    sim.run_for(600_000);
    let mut settings = settings::connection("park");
    settings["expense_types"] = expense_types;
    sim.upgrade(backend.logic(&settings.to_string()));
    (sim, invoice)
}

/// The payment request that was created late was found, and nothing was sent again.
fn assert_adopted(sim: &Sim, invoice: &str) {
    let Ending::Confirmed(confirmed) = ending(sim, "invoice", invoice) else {
        panic!("is confirmed: {:?}", ending(sim, "invoice", invoice));
    };
    assert_eq!(confirmed.change, Change::Adopted);
    assert_eq!(sim.sandbox.concur.payment_request_count(), 1);
    assert_eq!(sim.sent["POST paymentrequest"], 1);
}

fn an_outage_of_three_days_costs_no_attempt(backend: Backend) {
    let hours = hours_of_an_outage();
    for fault in [
        Fault::Refuse,
        Fault::Maintenance,
        Fault::RateLimited {
            retry_after_s: Some(0),
        },
    ] {
        let mut sim = Sim::connected(backend, "park");
        sim.sandbox.add_fault(FaultRule::new(System::Concur, fault));
        let invoice = an_invoice(&mut sim, "2093");
        sim.run_for(hours * 3_600_000);
        assert!(sim.store.ending("invoice", &invoice).is_none(), "{fault:?}");
        sim.sandbox.clear_faults();
        sim.settle();
        assert_eq!(
            ending_name(&ending(&sim, "invoice", &invoice)),
            "confirmed",
            "{fault:?}"
        );
    }
}

fn throttling_is_waited_for_in_whatever_words_it_comes(backend: Backend) {
    let mut sim = Sim::connected(backend, "park");
    for (count, words) in (1..).zip(ThrottleWords::ALL) {
        let fault = Fault::ThrottledAs400 { words };
        for path in ["digests", "paymentrequest"] {
            sim.sandbox
                .add_fault(FaultRule::new(System::Concur, fault).path(path).times(2));
        }
        let invoice = an_invoice(&mut sim, &format!("{words:?}"));
        sim.run_for(600_000);
        // A second notice of the same invoice ends as unchanged.
        let ending = ending_name(&ending(&sim, "invoice", &invoice));
        assert!(["confirmed", "unchanged"].contains(&ending), "{words:?}");
        assert_eq!(sim.sandbox.concur.payment_request_count(), count);
        sim.sandbox.clear_faults();
    }
}

fn what_says_nothing_about_the_record_is_waited_for_or_looked_at_again(backend: Backend) {
    // Waited for at once, for as long as it lasts; and once more, an hour later.
    for (fault, hours) in [
        (Fault::Page { status: 200 }, 0),
        (Fault::Page { status: 403 }, 0),
        (Fault::Page { status: 404 }, 0),
        (Fault::Unexplained400, 2),
        (Fault::Empty { status: 422 }, 2),
    ] {
        let mut sim = Sim::connected(backend, "park");
        sim.sandbox
            .add_fault(FaultRule::new(System::Concur, fault).path("digests"));
        let invoice = an_invoice(&mut sim, "2093");
        sim.run_for(1_800_000);
        match sim.store.ending("invoice", &invoice) {
            None => assert_eq!(hours, 0, "{fault:?}"),
            Some(ending) => assert_eq!((stop_code(&ending), hours), ("refused", 2), "{fault:?}"),
        }
        sim.sandbox.clear_faults();
        sim.run_for(600_000 + hours * 3_600_000);
        let ending = ending(&sim, "invoice", &invoice);
        assert_eq!(ending_name(&ending), "confirmed", "{fault:?}");
    }
}

fn a_record_that_keeps_failing_is_parked_after_five_retries(backend: Backend) {
    let mut sim = Sim::connected(backend, "park");
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

fn an_expired_token_is_renewed_without_a_person(backend: Backend) {
    let mut sim = Sim::connected(backend, "park");
    sim.sandbox.concur.expire_access_tokens();
    sim.sandbox.freshbooks.expire_access_tokens();
    let invoice = an_invoice(&mut sim, "2093");
    sim.settle();
    assert_eq!(ending_name(&ending(&sim, "invoice", &invoice)), "confirmed");
}

fn a_dead_refresh_token_queues_everything_until_a_person_connects(backend: Backend) {
    let mut sim = Sim::connected(backend, "park");
    sim.sandbox.freshbooks.expire_access_tokens();
    sim.sandbox.freshbooks.revoke_refresh_tokens();
    let invoice = an_invoice(&mut sim, "2093");
    sim.run_for(3_600_000);
    assert!(sim.store.ending("invoice", &invoice).is_none());
    sim.connect_freshbooks();
    sim.settle();
    assert_eq!(ending_name(&ending(&sim, "invoice", &invoice)), "confirmed");
}

fn the_company_moves_to_another_datacenter(backend: Backend) {
    let mut sim = Sim::connected(backend, "park");
    assert!(sim.sandbox.concur.move_company("eu2"));
    sim.sandbox.concur.expire_access_tokens();
    let invoice = an_invoice(&mut sim, "2093");
    sim.settle();
    assert_eq!(ending_name(&ending(&sim, "invoice", &invoice)), "confirmed");
}

fn two_records_under_one_marker_are_a_conflict_with_both_ids(backend: Backend) {
    let why = "where Concur refuses a second record there are never two";
    switches::keep("concur.payment_requests.refuse_duplicates", false, why);
    let why = "the second record is seconds old when it is looked for";
    switches::keep("concur.payment_requests.digest_lag_ms", 0, why);
    let mut sim = Sim::connected(backend, "resend");
    let invoice = an_invoice(&mut sim, "2093");
    sim.settle();
    let first = sim.sandbox.concur.payment_requests()[0].clone();
    // Somebody else's retry: the same request once more.
    sim.store.links.clear();
    let late = Fault::LateExecution { delay: MINUTES_45 };
    assert!(
        sim.sandbox
            .concur
            .delete_payment_request(&first.id, sim.now)
    );
    sim.sandbox.add_fault(creation(late));
    sim.start(object("invoice", &invoice), StartReason::Notice);
    sim.settle();
    assert_eq!(
        sim.sandbox.concur.payment_request_count(),
        3,
        "outside the stated bounds it is doubled"
    );
    sim.store.links.clear();
    sim.start(object("invoice", &invoice), StartReason::Notice);
    sim.settle();
    let Ending::Conflict(conflict) = ending(&sim, "invoice", &invoice) else {
        panic!("is a conflict: {:?}", ending(&sim, "invoice", &invoice));
    };
    assert_eq!(conflict.targets.len(), 2);
}
