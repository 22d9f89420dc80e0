//! Legal entities, days and descriptions: whose document it is, on which day it is posted, and what
//! its entry says of it in FreshBooks.

use std::mem::swap;

use ml_connector_component::contract::runs::Ending;
use ml_connector_sandbox::concur::{
    AdvanceOptions, DocStatus, EntityOptions, Filed, Filing, InvoiceDates, InvoiceOptions,
    ReportDays, ReportOptions, Shape,
};
use ml_connector_tests::books::{self, Books, document};
use ml_connector_tests::fixtures::settings;
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::Sim;
use ml_connector_tests::switches;
use serde_json::{Value, json};

use super::financial::poll;
use crate::scenarios;

scenarios!(
    two_connections_of_one_company_take_their_own,
    dates_are_read_in_every_spelling_that_concur_has,
    an_entry_is_posted_on_the_day_of_the_books,
    an_entry_says_in_freshbooks_what_it_is,
);

/// The settings of a connection that takes these ledgers under this name.
fn of_ledgers(ledgers: Value, system_id: &str) -> Value {
    let mut settings = settings::both_ways("park");
    settings["financial"]["ledgers"] = ledgers;
    settings["financial"]["system_id"] = system_id.into();
    settings
}

/// A report with one cash entry is approved in this ledger.
fn report(sim: &mut Sim, ledger: &str) -> Filed {
    let options = ReportOptions {
        currency: Some("CAD".to_string()),
        entries: vec![Shape::Cash],
        entity: EntityOptions {
            ledger: Some(ledger.to_string()),
            policy: Some("P1".to_string()),
            country: Some("CA".to_string()),
        },
        ..ReportOptions::default()
    };
    sim.sandbox.concur.approve_report(&options, sim.now)
}

/// Two connections with books of their own and one SAP Concur company. The one whose turn it is has
/// the company in its sandbox.
struct OneCompany {
    first: Sim,
    second: Sim,
}

impl OneCompany {
    fn new(backend: Backend, first: &Value, second: &Value) -> Self {
        let first = Sim::with_settings(backend, first);
        let logic = backend.logic(&second.to_string());
        let mut second = Sim::unconnected(switches::config(), logic);
        second.now = first.now;
        let mut both = Self { first, second };
        both.turn(|second| second.connect());
        both
    }

    /// The second connection's turn.
    fn turn(&mut self, work: impl FnOnce(&mut Sim)) {
        let (first, second) = (&mut self.first, &mut self.second);
        second.now = first.now.max(second.now);
        swap(&mut first.sandbox.concur, &mut second.sandbox.concur);
        work(second);
        swap(&mut first.sandbox.concur, &mut second.sandbox.concur);
        first.now = second.now;
    }
}

fn is_left(sim: &Sim, filed: &Filed) -> bool {
    matches!(books::ending(sim, filed), Ending::Unchanged(note) if note.code == "other-ledger")
}

fn two_connections_of_one_company_take_their_own(backend: Backend) {
    let first = of_ledgers(json!({"codes": ["DEFAULT"], "unnamed": true}), "first");
    let second = of_ledgers(json!({"codes": ["GP"]}), "second");
    let mut both = OneCompany::new(backend, &first, &second);
    let ours = report(&mut both.first, "DEFAULT");
    let theirs = report(&mut both.first, "GP");
    let nobodys = report(&mut both.first, "SAP");
    let now = both.first.now;
    let options = AdvanceOptions {
        currency: Some("CAD".to_string()),
        ..AdvanceOptions::default()
    };
    let unnamed = both.first.sandbox.concur.issue_cash_advance(&options, now);
    let options = InvoiceOptions {
        currency: Some("CAD".to_string()),
        entity: EntityOptions {
            ledger: Some("GP".to_string()),
            ..EntityOptions::default()
        },
        ..InvoiceOptions::default()
    };
    let invoice = both.first.sandbox.concur.approve_invoice(&options, now);
    poll(&mut both.first);
    for filed in [&theirs, &nobodys, &invoice] {
        assert!(
            is_left(&both.first, filed),
            "{:?}",
            books::ending(&both.first, filed)
        );
        let document = document(&both.first, filed);
        assert_eq!(
            (document.status, document.system_id),
            (DocStatus::Ready, None)
        );
    }
    both.turn(|second| {
        poll(second);
        let books = Books::of(&second.sandbox);
        books.assert_posted(second, &theirs);
        books.assert_posted(second, &invoice);
        assert_eq!(books.entries.len(), 2);
        assert!(is_left(second, &nobodys));
    });
    // Another look of the first finds nothing to fight about.
    poll(&mut both.first);
    let books = Books::of(&both.first.sandbox);
    books.assert_posted(&both.first, &ours);
    books.assert_posted(&both.first, &unnamed);
    assert_eq!(books.entries.len(), 2);
    assert_eq!(document(&both.first, &nobodys).status, DocStatus::Ready);
    // What is left is taken as soon as the settings say so.
    let wider = of_ledgers(json!({"codes": ["GP", "SAP"]}), "second");
    both.turn(|second| {
        second.upgrade(backend.logic(&wider.to_string()));
        poll(second);
        Books::of(&second.sandbox).assert_posted(second, &nobodys);
    });
}

fn dates_are_read_in_every_spelling_that_concur_has(backend: Backend) {
    let mut settings = settings::both_ways("park");
    settings["financial"]["zone"] = "America/Toronto".into();
    settings["financial"]["posting_date"] =
        json!({"expense": "user-defined", "invoice": "invoice"});
    let days = [
        (InvoiceDates::Slashes, ReportDays::Utc),
        (InvoiceDates::Iso, ReportDays::Pacific),
        (InvoiceDates::YearFirst, ReportDays::Utc),
        (InvoiceDates::DateTime, ReportDays::Pacific),
    ]
    .map(|(invoices, reports)| {
        let mut sim = Sim::with_settings(backend, &settings);
        let switches = &mut sim.sandbox.concur.config_mut().financial;
        (switches.invoice_dates, switches.report_days) = (invoices, reports);
        days_of_drawn_documents(&mut sim)
    });
    assert!(days.iter().all(|pair| *pair == days[0]), "{days:?}");
}

/// The days on which an invoice and a report are posted that are the same in every sandbox.
fn days_of_drawn_documents(sim: &mut Sim) -> [String; 2] {
    let invoice = InvoiceOptions {
        currency: Some("CAD".to_string()),
        seed: Some(1),
        ..InvoiceOptions::default()
    };
    let report = ReportOptions {
        currency: Some("CAD".to_string()),
        entries: vec![Shape::Cash],
        seed: Some(1),
        ..ReportOptions::default()
    };
    let now = sim.now;
    let filed = [
        sim.sandbox.concur.approve_invoice(&invoice, now),
        sim.sandbox.concur.approve_report(&report, now),
    ];
    poll(sim);
    let books = Books::of(&sim.sandbox);
    filed.map(|filed| {
        let [entry] = books.marked(&document(sim, &filed))[..] else {
            panic!("is not posted: {:?}", books::ending(sim, &filed));
        };
        entry.day.clone()
    })
}

fn an_entry_is_posted_on_the_day_of_the_books(backend: Backend) {
    let half_past_three = 3 * 3_600_000 + 30 * 60_000;
    for (zone, expected) in [("UTC", "2026-03-02"), ("America/Toronto", "2026-03-01")] {
        let mut settings = settings::both_ways("park");
        settings["financial"]["zone"] = zone.into();
        let mut sim = Sim::with_settings(backend, &settings);
        sim.run_for(half_past_three);
        sim.now = ml_connector_tests::sim::START + half_past_three;
        let filed = report(&mut sim, "DEFAULT");
        poll(&mut sim);
        let books = Books::of(&sim.sandbox);
        books.assert_posted(&sim, &filed);
        assert_eq!(books.entries[0].day, expected, "{zone}");
    }
}

#[test]
fn queues_are_looked_into_on_the_days_of_the_schedule() {
    for backend in [Backend::Native, Backend::Wasm] {
        assert_days_of_the_schedule(backend);
    }
}

fn assert_days_of_the_schedule(backend: Backend) {
    let next = |schedule: Value, last: u64| {
        let mut settings = settings::both_ways("park");
        settings["financial"]["schedule"] = schedule;
        let mut logic = backend.logic(&settings.to_string());
        let schedules = logic.schedules().into_iter();
        let mut nexts: Vec<(String, u64)> = schedules
            .map(|schedule| {
                let next = logic.next_start(&schedule, last);
                (schedule.object.kind, next)
            })
            .collect();
        nexts.dedup();
        nexts
    };
    let hour = 3_600_000;
    // Monday, 2 March 2026, midnight in UTC; the clocks go forward on Sunday.
    let start = ml_connector_tests::sim::START;
    let cycle = json!({"days": ["mon", "thu"], "times": ["07:00"], "zone": "America/Toronto"});
    for (last, expected) in [
        (start, start + 12 * hour),
        (start + 12 * hour, start + (3 * 24 + 12) * hour),
        (start + (3 * 24 + 12) * hour, start + (7 * 24 + 11) * hour),
    ] {
        for (kind, next) in next(cycle.clone(), last) {
            let expected = match kind.as_str() {
                "financial-queue" => expected,
                "sweep" => last + 900_000,
                _ => last + hour,
            };
            assert_eq!(next, expected, "{kind}");
        }
    }
    let interval = next(json!({}), start);
    assert!(interval.contains(&("financial-queue".to_string(), start + 900_000)));
}

fn an_entry_says_in_freshbooks_what_it_is(backend: Backend) {
    let mut sim = Sim::with_settings(backend, &settings::both_ways("park"));
    let options = ReportOptions {
        currency: Some("CAD".to_string()),
        entries: vec![Shape::Split, Shape::SameAccount],
        filing: Filing::default(),
        ..ReportOptions::default()
    };
    let filed = sim.sandbox.concur.approve_report(&options, sim.now);
    poll(&mut sim);
    let books = Books::of(&sim.sandbox);
    books.assert_posted(&sim, &filed);
    let entry = &books.entries[0];
    assert!(
        entry.description.starts_with("Expense report "),
        "{entry:?}"
    );
    let mut sides: Vec<_> = entry
        .lines
        .iter()
        .map(|line| (&line.account_name, line.debit.is_zero()))
        .collect();
    let lines = sides.len();
    sides.sort();
    sides.dedup();
    assert_eq!(
        sides.len(),
        lines,
        "each account has one line a side: {entry:?}"
    );
}
