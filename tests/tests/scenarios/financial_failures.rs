//! The way back when documents are broken, recalled or unknown, and when requests fail.

use ml_connector_component::contract::runs::{Change, Ending, StartReason};
use ml_connector_sandbox::concur::{DocStatus, Filing, Oddity};
use ml_connector_sandbox::{Fault, FaultRule, System};
use ml_connector_tests::books::{self, Books, code, document};
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::store::ending_name;

use crate::failures::hours_of_an_outage;
use crate::financial::{connected, poll, taxi};
use crate::scenarios;

scenarios!(
    a_recall_before_the_acknowledgement_posts_nothing,
    broken_documents_are_never_posted_and_reported_where_concur_can_help,
    an_unknown_type_is_left_to_a_person,
    numbers_of_23_digits_are_posted_to_the_cent_or_parked,
    an_outage_of_three_days_heals_by_itself,
    a_lost_answer_to_an_entry_is_found_and_not_doubled,
    not_ready_and_unknown_errors_are_retried,
);

fn a_recall_before_the_acknowledgement_posts_nothing(backend: Backend) {
    let mut sim = connected(backend, "park");
    let filing = Filing {
        recalled_after_get: true,
        ..Filing::default()
    };
    let filed = taxi(&mut sim, filing);
    poll(&mut sim);
    assert_eq!(Books::of(&sim.sandbox).entries.len(), 0);
    assert_eq!(code(&books::ending(&sim, &filed)), "recalled");
}

fn broken_documents_are_never_posted_and_reported_where_concur_can_help(backend: Backend) {
    for (oddity, status) in [
        (Oddity::Unbalanced, DocStatus::PostingConfirmedFailure),
        (Oddity::EmptyAccount, DocStatus::Acknowledged),
        (Oddity::TextInNumber, DocStatus::Acknowledged),
        (Oddity::TwoCurrencies, DocStatus::Acknowledged),
        (Oddity::NotJson, DocStatus::Ready),
    ] {
        let mut sim = connected(backend, "park");
        let filing = Filing {
            oddities: vec![oddity],
            ..Filing::default()
        };
        let filed = taxi(&mut sim, filing);
        poll(&mut sim);
        assert_eq!(Books::of(&sim.sandbox).entries.len(), 0, "{oddity:?}");
        let document = document(&sim, &filed);
        assert_eq!(
            document.status,
            status,
            "{oddity:?}: {:?}",
            sim.store.endings()
        );
        let ending = books::ending_of_document(&sim, &filed);
        assert_eq!(ending_name(&ending), "parked", "{oddity:?}");
        let audit: String = document
            .audit
            .iter()
            .map(|line| line.text.as_str())
            .collect();
        let is_told = status == DocStatus::PostingConfirmedFailure;
        assert_eq!(
            audit.contains(code(&ending)),
            is_told,
            "{oddity:?}: {audit}"
        );
    }
    let mut sim = connected(backend, "park");
    let filing = Filing {
        oddities: vec![Oddity::TestUser],
        ..Filing::default()
    };
    let filed = taxi(&mut sim, filing);
    poll(&mut sim);
    assert_eq!(Books::of(&sim.sandbox).entries.len(), 0);
    assert_eq!(code(&books::ending(&sim, &filed)), "test-document");
}

fn an_unknown_type_is_left_to_a_person(backend: Backend) {
    let mut sim = connected(backend, "park");
    let filing = Filing {
        oddities: vec![Oddity::UnknownDocType],
        ..Filing::default()
    };
    let filed = taxi(&mut sim, filing);
    poll(&mut sim);
    assert_eq!(Books::of(&sim.sandbox).entries.len(), 0);
    assert_eq!(document(&sim, &filed).status, DocStatus::Ready);
    assert_eq!(code(&books::ending(&sim, &filed)), "unknown-type");
    // The next look leaves it alone.
    let requests = sim.sent.values().sum::<u32>();
    poll(&mut sim);
    assert!(sim.sent.values().sum::<u32>() < requests + 12);
}

fn numbers_of_23_digits_are_posted_to_the_cent_or_parked(backend: Backend) {
    let mut sim = connected(backend, "park");
    let filing = Filing {
        oddities: vec![Oddity::LongDigits],
        ..Filing::default()
    };
    let filed = taxi(&mut sim, filing);
    poll(&mut sim);
    match document(&sim, &filed).status {
        DocStatus::PostingConfirmedSuccess => Books::of(&sim.sandbox).assert_posted(&sim, &filed),
        status => {
            assert_eq!(status, DocStatus::Acknowledged);
            assert_eq!(ending_name(&books::ending(&sim, &filed)), "parked");
            assert_eq!(Books::of(&sim.sandbox).entries.len(), 0);
        }
    }
}

fn an_outage_of_three_days_heals_by_itself(backend: Backend) {
    let mut sim = connected(backend, "park");
    let filed = taxi(&mut sim, Filing::default());
    for system in [System::Concur, System::FreshBooks] {
        sim.sandbox
            .add_fault(FaultRule::new(system, Fault::Maintenance));
    }
    sim.poll();
    sim.run_for(hours_of_an_outage() * 3_600_000);
    sim.sandbox.clear_faults();
    sim.settle();
    Books::of(&sim.sandbox).assert_posted(&sim, &filed);
}

fn a_lost_answer_to_an_entry_is_found_and_not_doubled(backend: Backend) {
    for fault in [
        Fault::ResponseLost,
        Fault::ServerErrorAfterCommit,
        Fault::LateExecution { delay: 600_000 },
    ] {
        let mut sim = connected(backend, "park");
        let filed = taxi(&mut sim, Filing::default());
        sim.sandbox.add_fault(
            FaultRule::new(System::FreshBooks, fault)
                .method("POST")
                .path("/journal_entries/")
                .times(1),
        );
        poll(&mut sim);
        Books::of(&sim.sandbox).assert_posted(&sim, &filed);
        let Ending::Confirmed(confirmed) = books::ending(&sim, &filed) else {
            panic!("is confirmed");
        };
        assert_eq!(confirmed.change, Change::Adopted);
    }
    let mut sim = connected(backend, "park");
    let filed = taxi(&mut sim, Filing::default());
    sim.sandbox.add_fault(
        FaultRule::new(System::FreshBooks, Fault::RequestLost)
            .method("POST")
            .path("/journal_entries/")
            .times(1),
    );
    poll(&mut sim);
    assert_eq!(code(&books::ending(&sim, &filed)), "ambiguous");
    assert_eq!(Books::of(&sim.sandbox).entries.len(), 0);
    sim.start(books::object(&filed), StartReason::Replay);
    sim.settle();
    Books::of(&sim.sandbox).assert_posted(&sim, &filed);
}

fn not_ready_and_unknown_errors_are_retried(backend: Backend) {
    let mut sim = connected(backend, "park");
    let filing = Filing {
        not_ready_times: 2,
        unknown_error_times: 3,
        ..Filing::default()
    };
    let filed = taxi(&mut sim, filing);
    poll(&mut sim);
    Books::of(&sim.sandbox).assert_posted(&sim, &filed);
}
