//! Renewals of tokens with a crash at every step: a refresh token of FreshBooks works once.
//!
//! In the end:
//!
//! 1. a spent token was presented once at most;
//! 2. an answer that was stored is used: a person is needed only where a crash struck between the
//!    request and the disk, or two struck in requests of which nobody knows whether they left;
//! 3. after that person everything goes on, and nothing was lost or doubled.

use ml_connector_component::contract::runs::StartReason;
use ml_connector_component::contract::types::System;
use ml_connector_tests::fixtures::documents;
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::store::ending_name;
use ml_connector_tests::sim::{Sim, object};
use ml_connector_tests::switches;

/// Renewals in a row, each by a run that finds its tokens refused.
const RENEWALS: usize = 3;

/// Connected, with an invoice for each renewal, and these crashes on the way.
fn played(backend: Backend, crashes: &[u64]) -> (Sim, Vec<u64>) {
    let mut sim = Sim::connected(backend, "resend");
    let client = sim
        .sandbox
        .freshbooks
        .create_client(&documents::client(), sim.now);
    let client = client.expect("is created");
    sim.crash_at(crashes.iter().copied());
    let mut invoices = Vec::new();
    for number in 0..RENEWALS {
        sim.sandbox.freshbooks.expire_access_tokens();
        sim.sandbox.concur.expire_access_tokens();
        let invoice = documents::invoice(client, &format!("I-{number}"));
        let created = sim.sandbox.freshbooks.create_invoice(&invoice, sim.now);
        invoices.push(created.expect("is created"));
        sim.run_for(4 * 3_600_000);
    }
    (sim, invoices)
}

/// Everything is carried over in the end, with a person where one is needed. Returns whether one
/// was.
fn check(mut sim: Sim, invoices: &[u64], crashes: &[u64]) -> bool {
    sim.crash_at([]);
    let why = sim.dead_because(System::Freshbooks).map(str::to_string);
    assert_eq!(sim.dead_because(System::Concur), None, "{crashes:?}");
    let spent = sim.sandbox.freshbooks.spent_token_presentations_max();
    assert!(
        spent <= 1,
        "{crashes:?}: a spent token was presented {spent} times"
    );
    let may_be_dead = spent == 1 || crashes.len() == 2;
    assert!(
        why.is_none() || may_be_dead,
        "{crashes:?}: a person is needed for nothing: {why:?}"
    );
    if why.is_some() {
        sim.connect_freshbooks();
    }
    sim.sweep();
    sim.settle();
    for id in invoices {
        sim.start(object("invoice", &id.to_string()), StartReason::Replay);
    }
    sim.settle();
    for id in invoices {
        let ending = sim.store.ending("invoice", &id.to_string());
        let ending = ending.expect("was looked at");
        let has_arrived = ["confirmed", "unchanged"].contains(&ending_name(&ending));
        assert!(has_arrived, "{crashes:?}: {ending:?}");
    }
    let there = sim.sandbox.concur.payment_request_count();
    assert_eq!(there, invoices.len(), "{crashes:?}");
    why.is_some()
}

fn moments() -> u64 {
    let before = Sim::connected(Backend::Native, "resend").moments();
    played(Backend::Native, &[]).0.moments() - before
}

/// Whether a person was needed after these crashes.
fn needs_person(crashes: &[u64]) -> bool {
    let (sim, invoices) = played(Backend::Native, crashes);
    assert!(sim.crashes > 0, "{crashes:?}");
    check(sim, &invoices, crashes)
}

#[test]
fn a_crash_at_every_moment_of_every_renewal_spends_no_token_twice_and_drops_no_answer() {
    let moments = moments();
    let lost = moments_that_need_a_person(moments);
    // Each renewal has one moment at which the answer is nowhere, and no other one.
    assert_eq!(lost.len(), RENEWALS, "{lost:?} of {moments}");
    // A second crash wherever it may strike while it is found out whether the token was spent.
    for first in lost {
        for second in 1..=12 {
            needs_person(&[first, first + second]);
        }
    }
    // And shortly after any other one.
    for first in 0..moments {
        needs_person(&[first, first + 1]);
    }
}

/// The moments of a crash after which a person was needed.
fn moments_that_need_a_person(moments: u64) -> Vec<u64> {
    let moments = switches::moments(moments);
    moments.filter(|moment| needs_person(&[*moment])).collect()
}

#[test]
fn under_each_row_of_switches_an_answer_is_lost_between_request_and_disk_alone() {
    let name = "under_each_row_of_switches_an_answer_is_lost_between_request_and_disk_alone";
    switches::under_each_row(&format!("{}::{name}", module_path!()), || {
        let why =
            "where Concur's old token dies at once, a lost answer of Concur costs a person too";
        switches::keep("concur.token.refresh", "rotate_with_overlap", why);
        let lost = moments_that_need_a_person(moments());
        assert!(lost.len() <= RENEWALS, "{lost:?}");
    });
}

#[test]
fn without_a_crash_no_person_is_needed() {
    for backend in [Backend::Native, Backend::Wasm] {
        let (sim, invoices) = played(backend, &[]);
        assert!(!check(sim, &invoices, &[]));
    }
}
