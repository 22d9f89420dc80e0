//! The way back: what SAP Concur approved becomes balanced journal entries in FreshBooks, once
//! each, and Concur is told.

use std::collections::BTreeMap;

use ml_connector_component::contract::runs::Ending;
use ml_connector_sandbox::concur::{
    AdvanceOptions, AdvanceUse, Change, DocStatus, DocType, DocumentBulk, Filed, Filing,
    InvoiceOptions, Oddity, PayrollOptions, ReportOptions, Resubmission, Shape,
};
use ml_connector_sandbox::{Fault, FaultRule, System};
use ml_connector_tests::books::{self, Books, document};
use ml_connector_tests::fixtures::{documents, settings};
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::Sim;
use ml_connector_tests::switches;

use crate::scenarios;

scenarios!(
    every_shape_of_report_is_posted_once_balanced_and_confirmed,
    what_is_posted_is_what_was_approved,
    payroll_and_clearing_accounts_are_those_that_concur_names,
    an_advance_that_comes_back_is_posted_whatever_its_type,
    an_invoice_from_freshbooks_is_confirmed_and_not_posted,
    payroll_is_acknowledged_and_not_posted_unless_the_settings_say_so,
    a_corrected_report_replaces_its_entry,
    odd_documents_are_posted_as_if_they_were_not_odd,
    the_newer_endpoint_takes_entries_too,
    a_queue_of_many_pages_is_emptied,
);

/// Everything connected, both ways.
pub(crate) fn connected(backend: Backend, ambiguity: &str) -> Sim {
    Sim::with_settings(backend, &settings::both_ways(ambiguity))
}

/// Reads the queues and lets everything happen that comes of it.
pub(crate) fn poll(sim: &mut Sim) {
    sim.poll();
    sim.settle();
}

/// A report with one entry of this shape is approved.
pub(crate) fn report(sim: &mut Sim, shape: Shape, currency: &str, filing: Filing) -> Filed {
    let options = ReportOptions {
        currency: Some(currency.to_string()),
        entries: vec![shape],
        filing,
        ..ReportOptions::default()
    };
    sim.sandbox.concur.approve_report(&options, sim.now)
}

/// A report with one entry that the employee paid in cash is approved.
pub(crate) fn taxi(sim: &mut Sim, filing: Filing) -> Filed {
    report(sim, Shape::Cash, "CAD", filing)
}

fn every_shape_of_report_is_posted_once_balanced_and_confirmed(backend: Backend) {
    let mut sim = connected(backend, "park");
    let mut filed = Vec::new();
    for currency in ["CAD", "EUR", "JPY", "KWD"] {
        for shape in Shape::ALL {
            filed.push(report(&mut sim, shape, currency, Filing::default()));
        }
    }
    poll(&mut sim);
    let books = Books::of(&sim.sandbox);
    for filed in &filed {
        books.assert_posted(&sim, filed);
    }
    assert_eq!(books.entries.len(), filed.len());
}

fn what_is_posted_is_what_was_approved(backend: Backend) {
    let mut sim = connected(backend, "park");
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
    poll(&mut sim);
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

fn payroll_and_clearing_accounts_are_those_that_concur_names(backend: Backend) {
    let mut sim = connected(backend, "park");
    let switches = &mut sim.sandbox.concur.config_mut().financial;
    switches.reports_by_payroll = true;
    switches.personal_items_without_account = true;
    let filed = [Shape::Cash, Shape::Personal, Shape::Offset, Shape::Refund]
        .map(|shape| report(&mut sim, shape, "CAD", Filing::default()));
    poll(&mut sim);
    let books = Books::of(&sim.sandbox);
    for filed in &filed {
        books.assert_posted(&sim, filed);
    }
    let lines = || books.entries.iter().flat_map(|entry| &entry.lines);
    let has = |account: &str| lines().any(|line| line.account_name == account);
    assert!(has("Wages Payable") && has("Card Clearing"));
    assert!(!has("Employee Payables"), "{:?}", books.entries);
}

fn an_advance_that_comes_back_is_posted_whatever_its_type(backend: Backend) {
    for kind in [1, 3] {
        let mut sim = connected(backend, "park");
        let now = sim.now;
        let concur = &mut sim.sandbox.concur;
        concur.config_mut().financial.advance_return_type = kind;
        let returned = AdvanceOptions {
            currency: Some("CAD".into()),
            returned: true,
            ..AdvanceOptions::default()
        };
        let filed = concur.issue_cash_advance(&returned, now);
        poll(&mut sim);
        assert_eq!(
            document(&sim, &filed).status,
            DocStatus::PostingConfirmedSuccess,
            "{kind}: {:?}",
            sim.store.endings()
        );
        let books = Books::of(&sim.sandbox);
        let [entry] = &books.entries[..] else {
            panic!("not one entry: {:?}", books.entries);
        };
        let advance = entry.lines.iter();
        let advance = advance.filter(|line| line.account_name == "Cash Advances");
        let credited: Vec<_> = advance.map(|line| line.credit).collect();
        assert_eq!(credited, [-filed.approved]);
    }
}

fn an_invoice_from_freshbooks_is_confirmed_and_not_posted(backend: Backend) {
    let mut sim = connected(backend, "park");
    let client = sim
        .sandbox
        .freshbooks
        .create_client(&documents::client(), sim.now)
        .expect("is created");
    let invoice = sim
        .sandbox
        .freshbooks
        .create_invoice(&documents::invoice(client, "2093"), sim.now)
        .expect("is created");
    sim.settle();
    let request = sim.sandbox.concur.payment_requests()[0].id.clone();
    let filed =
        sim.sandbox
            .concur
            .approve_payment_request_with(&request, &Filing::default(), sim.now);
    let filed = filed.expect("is approved");
    poll(&mut sim);
    assert_eq!(Books::of(&sim.sandbox).entries.len(), 0);
    let document = document(&sim, &filed);
    assert_eq!(document.status, DocStatus::PostingConfirmedSuccess);
    assert_eq!(
        document.postings[0].document_number,
        format!("invoice-{invoice}")
    );
}

fn payroll_is_acknowledged_and_not_posted_unless_the_settings_say_so(backend: Backend) {
    let mut sim = connected(backend, "park");
    let filed = sim
        .sandbox
        .concur
        .run_payroll(&PayrollOptions::default(), sim.now)
        .expect("is run");
    poll(&mut sim);
    assert_eq!(document(&sim, &filed).status, DocStatus::Acknowledged);
    let Ending::Unchanged(note) = books::ending(&sim, &filed) else {
        panic!("is unchanged: {:?}", books::ending(&sim, &filed));
    };
    assert!(note.message.contains("payroll"), "{note:?}");
    let mut settings = settings::both_ways("park");
    settings["financial"]["payroll"] = "post".into();
    let mut sim = Sim::with_settings(backend, &settings);
    let filed = sim
        .sandbox
        .concur
        .run_payroll(&PayrollOptions::default(), sim.now)
        .expect("is run");
    poll(&mut sim);
    Books::of(&sim.sandbox).assert_posted(&sim, &filed);
}

fn a_corrected_report_replaces_its_entry(backend: Backend) {
    let mut sim = connected(backend, "park");
    sim.sandbox
        .concur
        .config_mut()
        .financial
        .recall_acknowledged = true;
    let first = taxi(&mut sim, Filing::default());
    poll(&mut sim);
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
    poll(&mut sim);
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
    poll(&mut sim);
    let books = Books::of(&sim.sandbox);
    assert_eq!(books.costs()["CAD"], third.approved);
    assert_eq!(
        document(&sim, &third).status,
        DocStatus::PostingConfirmedSuccess
    );
}

fn odd_documents_are_posted_as_if_they_were_not_odd(backend: Backend) {
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
    let mut sim = connected(backend, "park");
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
    poll(&mut sim);
    let books = Books::of(&sim.sandbox);
    for filed in &filed {
        books.assert_posted(&sim, filed);
    }
}

fn the_newer_endpoint_takes_entries_too(backend: Backend) {
    let why = "one revision of the page has the wrapper, which is always sent, and the other not";
    switches::keep("freshbooks.ledger.wrapper", "either", why);
    let mut settings = settings::both_ways("park");
    let chart = connected(Backend::Native, "park")
        .sandbox
        .freshbooks
        .accounts();
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
    let mut sim = Sim::with_settings(backend, &settings);
    let filed = report(&mut sim, Shape::SplitTaxed, "CAD", Filing::default());
    sim.sandbox.add_fault(
        FaultRule::new(System::FreshBooks, Fault::ResponseLost)
            .method("POST")
            .path("/journal_entries")
            .times(1),
    );
    poll(&mut sim);
    Books::of(&sim.sandbox).assert_posted(&sim, &filed);
}

fn a_queue_of_many_pages_is_emptied(backend: Backend) {
    let mut settings = settings::both_ways("park");
    settings["financial"]["page_size"] = 3.into();
    let mut sim = Sim::with_settings(backend, &settings);
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
    poll(&mut sim);
    let books = Books::of(&sim.sandbox);
    for filed in &filed[1..] {
        books.assert_posted(&sim, filed);
    }
}
