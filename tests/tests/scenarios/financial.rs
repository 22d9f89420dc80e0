//! The way back in virtual time: what SAP Concur approved becomes balanced journal entries in
//! FreshBooks, once each, and Concur is told. Each scenario is played with the native library and
//! with the built component.

use std::collections::BTreeMap;

use ml_connector_component::contract::runs::{Ending, How, Reason};
use ml_connector_sandbox::concur::{
    AdvanceOptions, AdvanceUse, Change, DocStatus, DocType, DocumentBulk, Filed, Filing,
    InvoiceOptions, Oddity, PayrollOptions, ReportOptions, Resubmission, Shape,
};
use ml_connector_sandbox::{Fault, FaultRule, System};
use ml_connector_tests::books::{self, Books, code, document};
use ml_connector_tests::mind::Through;
use ml_connector_tests::sim::Sim;
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
    every_shape_of_report_is_posted_once_balanced_and_confirmed,
    what_is_posted_is_what_was_approved,
    an_invoice_that_we_brought_is_confirmed_and_not_posted,
    payroll_is_acknowledged_and_not_posted_unless_the_settings_say_so,
    a_corrected_report_replaces_its_entry,
    a_recall_before_the_acknowledgement_posts_nothing,
    odd_documents_are_posted_as_if_they_were_not_odd,
    broken_documents_are_told_to_concur_and_never_posted,
    what_cannot_be_judged_is_left_to_a_person,
    numbers_of_23_digits_are_posted_to_the_cent_or_told,
    the_newer_endpoint_takes_entries_too,
    a_queue_of_many_pages_is_emptied,
    an_outage_of_three_days_heals_by_itself,
    a_lost_answer_to_an_entry_is_found_and_not_doubled,
    not_ready_and_unknown_errors_are_tried_again,
);

fn both(through: Through, ambiguity: &str) -> Sim {
    world::with(through, &world::both_ways(ambiguity))
}

fn carry(sim: &mut Sim) {
    sim.poll();
    sim.settle();
}

fn report(sim: &mut Sim, shape: Shape, currency: &str, filing: Filing) -> Filed {
    let options = ReportOptions {
        currency: Some(currency.to_string()),
        entries: vec![shape],
        filing,
        ..ReportOptions::default()
    };
    sim.sandbox.concur.approve_report(&options, sim.now)
}

fn taxi(sim: &mut Sim, filing: Filing) -> Filed {
    report(sim, Shape::Cash, "CAD", filing)
}

fn every_shape_of_report_is_posted_once_balanced_and_confirmed(through: Through) {
    let mut sim = both(through, "park");
    let mut filed = Vec::new();
    for currency in ["CAD", "EUR", "JPY", "KWD"] {
        for shape in Shape::ALL {
            filed.push(report(&mut sim, shape, currency, Filing::default()));
        }
    }
    carry(&mut sim);
    let books = Books::of(&sim.sandbox);
    for filed in &filed {
        books.assert_posted(&sim, filed);
    }
    assert_eq!(books.entries.len(), filed.len());
}

fn what_is_posted_is_what_was_approved(through: Through) {
    let mut sim = both(through, "park");
    let bulk = DocumentBulk {
        reports: 20,
        invoices: 8,
        cash_advances: 4,
        payrolls: 2,
        currency: None,
        seed: 11,
    };
    sim.sandbox.concur.approve_bulk(&bulk, sim.now);
    let now = sim.now;
    let concur = &mut sim.sandbox.concur;
    let advance = concur.issue_cash_advance(
        &AdvanceOptions {
            currency: Some("CAD".into()),
            ..AdvanceOptions::default()
        },
        now,
    );
    let using = ReportOptions {
        currency: Some("CAD".into()),
        entries: vec![Shape::Cash],
        advance: Some(AdvanceUse {
            id: Some(advance.source_id),
            returned: true,
        }),
        ..ReportOptions::default()
    };
    concur.approve_report(&using, now);
    concur.approve_invoice(
        &InvoiceOptions {
            credit_memo: true,
            currency: Some("CAD".into()),
            ..InvoiceOptions::default()
        },
        now,
    );
    carry(&mut sim);
    let books = Books::of(&sim.sandbox);
    assert_eq!(
        books.costs(),
        books::approved(&sim.sandbox, &[DocType::Expense, DocType::Invoice])
    );
    for row in sim.sandbox.freshbooks.trial_balance() {
        assert!(
            row.debit.is_sign_positive() && row.credit.is_sign_positive(),
            "{row:?}"
        );
    }
    let mut sums: BTreeMap<String, rust_decimal::Decimal> = BTreeMap::new();
    for row in sim.sandbox.freshbooks.trial_balance() {
        *sums.entry(row.currency).or_default() += row.debit - row.credit;
    }
    assert!(
        sums.values().all(rust_decimal::Decimal::is_zero),
        "{sums:?}"
    );
}

fn an_invoice_that_we_brought_is_confirmed_and_not_posted(through: Through) {
    let mut sim = both(through, "park");
    let client = sim
        .sandbox
        .freshbooks
        .create_client(&world::client(), sim.now)
        .expect("is created");
    let invoice = sim
        .sandbox
        .freshbooks
        .create_invoice(&world::invoice(client, "2093"), sim.now)
        .expect("is created");
    sim.settle();
    let request = sim.sandbox.concur.payment_requests()[0].id.clone();
    let filed =
        sim.sandbox
            .concur
            .approve_payment_request_with(&request, &Filing::default(), sim.now);
    let filed = filed.expect("is approved");
    carry(&mut sim);
    assert_eq!(Books::of(&sim.sandbox).entries.len(), 0);
    let told = document(&sim, &filed);
    assert_eq!(told.status, DocStatus::PostingConfirmedSuccess);
    assert_eq!(
        told.postings[0].document_number,
        format!("invoice-{invoice}")
    );
}

fn payroll_is_acknowledged_and_not_posted_unless_the_settings_say_so(through: Through) {
    let mut sim = both(through, "park");
    let filed = sim
        .sandbox
        .concur
        .run_payroll(&PayrollOptions::default(), sim.now)
        .expect("is run");
    carry(&mut sim);
    assert_eq!(document(&sim, &filed).status, DocStatus::Acknowledged);
    let Ending::Unchanged(note) = books::ending(&sim, &filed) else {
        panic!("is unchanged: {:?}", books::ending(&sim, &filed));
    };
    assert!(note.sentence.contains("payroll"), "{note:?}");
    let mut settings = world::both_ways("park");
    settings["financial"]["payroll"] = "post".into();
    let mut sim = world::with(through, &settings);
    let filed = sim
        .sandbox
        .concur
        .run_payroll(&PayrollOptions::default(), sim.now)
        .expect("is run");
    carry(&mut sim);
    Books::of(&sim.sandbox).assert_posted(&sim, &filed);
}

fn a_corrected_report_replaces_its_entry(through: Through) {
    let mut sim = both(through, "park");
    sim.sandbox
        .concur
        .config_mut()
        .financial
        .recall_acknowledged = true;
    let first = taxi(&mut sim, Filing::default());
    carry(&mut sim);
    let resubmission = Resubmission {
        change: Change::Amounts,
        even_if_not_recalled: true,
        filing: Filing::default(),
    };
    let second = sim
        .sandbox
        .concur
        .resubmit(&first.source_id, &resubmission, sim.now)
        .expect("is resubmitted");
    assert_ne!(first.document_id, second.document_id);
    assert_ne!(first.approved, second.approved);
    carry(&mut sim);
    let books = Books::of(&sim.sandbox);
    assert_eq!(
        books.entries.len(),
        3,
        "the old one, its reversal, the new one"
    );
    assert_eq!(books.costs()["CAD"], second.approved);
    assert_eq!(
        document(&sim, &second).status,
        DocStatus::PostingConfirmedSuccess
    );
    let same = Resubmission {
        change: Change::Same,
        ..resubmission
    };
    let third = sim
        .sandbox
        .concur
        .resubmit(&first.source_id, &same, sim.now)
        .expect("is resubmitted");
    carry(&mut sim);
    let books = Books::of(&sim.sandbox);
    assert_eq!(books.costs()["CAD"], third.approved);
    assert_eq!(
        document(&sim, &third).status,
        DocStatus::PostingConfirmedSuccess
    );
}

fn a_recall_before_the_acknowledgement_posts_nothing(through: Through) {
    let mut sim = both(through, "park");
    let filing = Filing {
        recalled_after_get: true,
        ..Filing::default()
    };
    let filed = taxi(&mut sim, filing);
    carry(&mut sim);
    assert_eq!(Books::of(&sim.sandbox).entries.len(), 0);
    assert_eq!(code(&books::ending(&sim, &filed)), "recalled");
}

fn odd_documents_are_posted_as_if_they_were_not_odd(through: Through) {
    let harmless = [
        Oddity::Text,
        Oddity::ZeroExponent,
        Oddity::EightDecimals,
        Oddity::Shuffled,
        Oddity::UnknownFields,
        Oddity::MissingBlocks,
        Oddity::PaddedCodes,
        Oddity::QuotedNumbers,
    ];
    let mut sim = both(through, "park");
    let mut filed = Vec::new();
    for oddity in harmless {
        let filing = Filing {
            oddities: vec![oddity],
            ..Filing::default()
        };
        filed.push(report(&mut sim, Shape::SplitTaxed, "CAD", filing));
    }
    let filing = Filing {
        oddities: harmless.to_vec(),
        ..Filing::default()
    };
    filed.push(report(&mut sim, Shape::Offset, "EUR", filing));
    carry(&mut sim);
    let books = Books::of(&sim.sandbox);
    for filed in &filed {
        books.assert_posted(&sim, filed);
    }
}

fn broken_documents_are_told_to_concur_and_never_posted(through: Through) {
    for oddity in [
        Oddity::Unbalanced,
        Oddity::EmptyAccount,
        Oddity::TextInNumber,
        Oddity::TwoCurrencies,
        Oddity::NotJson,
    ] {
        let mut sim = both(through, "park");
        let filing = Filing {
            oddities: vec![oddity],
            ..Filing::default()
        };
        let filed = taxi(&mut sim, filing);
        carry(&mut sim);
        assert_eq!(Books::of(&sim.sandbox).entries.len(), 0, "{oddity:?}");
        let told = document(&sim, &filed);
        assert_eq!(
            told.status,
            DocStatus::PostingConfirmedFailure,
            "{oddity:?}: {:?}",
            sim.kept.endings()
        );
        let ending = books::ending_of_document(&sim, &filed);
        assert_eq!(word(&ending), "parked", "{oddity:?}");
        let told: String = told.audit.iter().map(|line| line.text.as_str()).collect();
        assert!(told.contains(code(&ending)), "{oddity:?}: {told}");
    }
    let mut sim = both(through, "park");
    let filing = Filing {
        oddities: vec![Oddity::TestUser],
        ..Filing::default()
    };
    let filed = taxi(&mut sim, filing);
    carry(&mut sim);
    assert_eq!(Books::of(&sim.sandbox).entries.len(), 0);
    assert_eq!(code(&books::ending(&sim, &filed)), "test-document");
}

fn what_cannot_be_judged_is_left_to_a_person(through: Through) {
    let mut sim = both(through, "park");
    let filing = Filing {
        oddities: vec![Oddity::UnknownDocType],
        ..Filing::default()
    };
    let filed = taxi(&mut sim, filing);
    carry(&mut sim);
    assert_eq!(Books::of(&sim.sandbox).entries.len(), 0);
    assert_eq!(document(&sim, &filed).status, DocStatus::Ready);
    assert_eq!(code(&books::ending(&sim, &filed)), "unknown-type");
    // The next look leaves it alone.
    let requests = sim.sent.values().sum::<u32>();
    carry(&mut sim);
    assert!(sim.sent.values().sum::<u32>() < requests + 12);
}

fn numbers_of_23_digits_are_posted_to_the_cent_or_told(through: Through) {
    let mut sim = both(through, "park");
    let filing = Filing {
        oddities: vec![Oddity::LongDigits],
        ..Filing::default()
    };
    let filed = taxi(&mut sim, filing);
    carry(&mut sim);
    match document(&sim, &filed).status {
        DocStatus::PostingConfirmedSuccess => Books::of(&sim.sandbox).assert_posted(&sim, &filed),
        status => {
            assert_eq!(status, DocStatus::PostingConfirmedFailure);
            assert_eq!(Books::of(&sim.sandbox).entries.len(), 0);
        }
    }
}

fn the_newer_endpoint_takes_entries_too(through: Through) {
    let mut settings = world::both_ways("park");
    let chart = both(Through::Native, "park").sandbox.freshbooks.accounts();
    let accounts = &mut settings["financial"]["accounts"];
    for table in accounts.as_object_mut().expect("tables").values_mut() {
        for id in table.as_object_mut().expect("a table").values_mut() {
            let number: u64 = id.as_str().expect("an id").parse().expect("a number");
            let account = chart
                .iter()
                .find(|account| account.sub_account_id == Some(number));
            *id = account.expect("is there").uuid.clone().into();
        }
    }
    let config = ml_connector_sandbox::SandboxConfig::default();
    settings["financial"]["endpoint"] = "new".into();
    settings["financial"]["look_up"] = "always".into();
    settings["financial"]["business_uuid"] = config.freshbooks.business_uuid.into();
    let mut sim = world::with(through, &settings);
    let filed = report(&mut sim, Shape::SplitTaxed, "CAD", Filing::default());
    sim.sandbox.add_fault(
        FaultRule::new(System::FreshBooks, Fault::ResponseLost)
            .method("POST")
            .path("/journal_entries")
            .times(1),
    );
    carry(&mut sim);
    Books::of(&sim.sandbox).assert_posted(&sim, &filed);
}

fn a_queue_of_many_pages_is_emptied(through: Through) {
    let mut settings = world::both_ways("park");
    settings["financial"]["page_size"] = 3.into();
    let mut sim = world::with(through, &settings);
    let mut filed = vec![taxi(
        &mut sim,
        Filing {
            not_ready_times: 9,
            ..Filing::default()
        },
    )];
    for _ in 0..10 {
        filed.push(taxi(&mut sim, Filing::default()));
    }
    // A first page of documents that stay where they are hides nothing behind it.
    carry(&mut sim);
    let books = Books::of(&sim.sandbox);
    for filed in &filed[1..] {
        books.assert_posted(&sim, filed);
    }
}

fn an_outage_of_three_days_heals_by_itself(through: Through) {
    let mut sim = both(through, "park");
    let filed = taxi(&mut sim, Filing::default());
    for system in [System::Concur, System::FreshBooks] {
        sim.sandbox
            .add_fault(FaultRule::new(system, Fault::Maintenance));
    }
    sim.poll();
    sim.run_for(3 * 86_400_000);
    sim.sandbox.clear_faults();
    sim.settle();
    Books::of(&sim.sandbox).assert_posted(&sim, &filed);
}

fn a_lost_answer_to_an_entry_is_found_and_not_doubled(through: Through) {
    for fault in [
        Fault::ResponseLost,
        Fault::ServerErrorAfterCommit,
        Fault::LateExecution { delay: 600_000 },
    ] {
        let mut sim = both(through, "park");
        let filed = taxi(&mut sim, Filing::default());
        sim.sandbox.add_fault(
            FaultRule::new(System::FreshBooks, fault)
                .method("POST")
                .path("/journal_entries/")
                .times(1),
        );
        carry(&mut sim);
        Books::of(&sim.sandbox).assert_posted(&sim, &filed);
        let Ending::Confirmed(confirmed) = books::ending(&sim, &filed) else {
            panic!("is confirmed");
        };
        assert_eq!(confirmed.how, How::Adopted);
    }
    let mut sim = both(through, "park");
    let filed = taxi(&mut sim, Filing::default());
    sim.sandbox.add_fault(
        FaultRule::new(System::FreshBooks, Fault::RequestLost)
            .method("POST")
            .path("/journal_entries/")
            .times(1),
    );
    carry(&mut sim);
    assert_eq!(code(&books::ending(&sim, &filed)), "ambiguous");
    assert_eq!(Books::of(&sim.sandbox).entries.len(), 0);
    sim.start(books::object(&filed), Reason::Replay);
    sim.settle();
    Books::of(&sim.sandbox).assert_posted(&sim, &filed);
}

fn not_ready_and_unknown_errors_are_tried_again(through: Through) {
    let mut sim = both(through, "park");
    let filing = Filing {
        not_ready_times: 2,
        unknown_error_times: 3,
        ..Filing::default()
    };
    let filed = taxi(&mut sim, filing);
    carry(&mut sim);
    Books::of(&sim.sandbox).assert_posted(&sim, &filed);
}
