//! Costs of projects as FreshBooks expenses: the books come to what they do with journal entries
//! alone, each expense is made once, and none goes back to SAP Concur.

use std::collections::BTreeMap;

use ml_connector_component::contract::runs::{Ending, StartReason};
use ml_connector_component::contract::types;
use ml_connector_sandbox::concur::{
    Change, DocStatus, Filed, Filing, InvoiceOptions, ReportOptions, Resubmission, Shape,
};
use ml_connector_sandbox::freshbooks::{Category, ProjectField, RecordKind};
use ml_connector_sandbox::{Fault, FaultRule, SandboxConfig, System};
use ml_connector_tests::books::{self, code, document};
use ml_connector_tests::fixtures::settings;
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::store::ending_name;
use ml_connector_tests::sim::{Sim, object};
use ml_connector_tests::switches;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::financial::poll;
use crate::scenarios;

scenarios!(
    the_books_come_to_the_same_in_every_currency_and_with_every_tax,
    whatever_account_pays_for_expenses_is_offset,
    a_crash_at_any_moment_makes_each_expense_once,
    expenses_of_projects_never_go_back,
    a_corrected_report_takes_its_expenses_back,
);

/// The account code of documents, the category that stands for it, and that one's account.
const CATEGORIES: [(&str, u64, &str); 9] = [
    ("6100", 4101, "6100-1"),
    ("6200", 4102, "6200-1"),
    ("6210", 4103, "6200-2"),
    ("6300", 4104, "6300-1"),
    ("6310", 4105, "6300-2"),
    ("6400", 4106, "6400-1"),
    ("6450", 4107, "6450-2"),
    ("6500", 4108, "6500-1"),
    ("6600", 4109, "6600-1"),
];

/// Projects of the sandbox's documents, one of which is no project of FreshBooks.
const PROJECTS: [&str; 3] = ["PRJ_A", "PRJ_B", "PRJ_C"];

/// Entries with several rows of projects.
const SPLIT: [Shape; 2] = [Shape::Split, Shape::SplitTaxed];

fn config(paid_from: &str) -> SandboxConfig {
    let mut config = switches::config();
    let category = |(code, id, account): &(&str, u64, &str)| Category {
        id: *id,
        name: format!("Projects {code}"),
        parent: None,
        is_cogs: false,
        account: Some((*account).to_string()),
    };
    let categories = CATEGORIES.iter().map(category);
    config.freshbooks.categories.extend(categories);
    config.freshbooks.ledger.expense_accounts.paid_from = paid_from.to_string();
    config
}

/// Settings with costs of projects as expenses, paid from this sub-account.
fn settings_of(config: &SandboxConfig, paid_from: &str) -> Value {
    let mut settings = settings::both_ways("park");
    let project_field = match config.freshbooks.expenses.project_field {
        ProjectField::Legacy => "projectid",
        ProjectField::Modern | ProjectField::Both => "modern_projectid",
    };
    let categories = CATEGORIES.map(|(code, id, _)| (code.to_string(), json!(id.to_string())));
    let projects = (60_001..)
        .zip(PROJECTS)
        .map(|(id, code)| (code.to_string(), json!(id.to_string())));
    settings["financial"]["project_costs"] = "expenses".into();
    settings["financial"]["project_expenses"] = json!({
        "offset_account": settings::sub_account_of_number(paid_from),
        "project_field": project_field,
        "projects": projects.collect::<serde_json::Map<_, _>>(),
        "categories": serde_json::Map::from_iter(categories),
    });
    settings
}

fn connected_with(backend: Backend, paid_from: &str, change: impl FnOnce(&mut Value)) -> Sim {
    let config = config(paid_from);
    let mut settings = settings_of(&config, paid_from);
    change(&mut settings);
    let mut sim = Sim::new(config, backend.logic(&settings.to_string()));
    for (id, code) in (60_001..).zip(PROJECTS) {
        let project = json!({"title": code, "project_type": "fixed_price"});
        let freshbooks = &mut sim.sandbox.freshbooks;
        let made = freshbooks.create(RecordKind::Project, &project, sim.now);
        assert_eq!(made.ok(), Some(id));
    }
    sim
}

fn connected(backend: Backend) -> Sim {
    connected_with(backend, "1000-2", |_| {})
}

fn alone(backend: Backend) -> Sim {
    connected_with(backend, "1000-2", |settings| {
        settings["financial"]["project_costs"] = "journal-entry".into();
    })
}

fn report(sim: &mut Sim, entries: &[Shape], currency: &str, seed: u64) -> Filed {
    let options = ReportOptions {
        currency: Some(currency.to_string()),
        entries: entries.to_vec(),
        seed: Some(seed),
        ..ReportOptions::default()
    };
    sim.sandbox.concur.approve_report(&options, sim.now)
}

fn invoice(sim: &mut Sim, currency: &str, seed: u64) -> Filed {
    let options = InvoiceOptions {
        currency: Some(currency.to_string()),
        lines: Some(3),
        seed: Some(seed),
        ..InvoiceOptions::default()
    };
    sim.sandbox.concur.approve_invoice(&options, sim.now)
}

/// What each account comes to, expenses included, by number and currency.
fn balances(sim: &Sim) -> BTreeMap<(String, String), Decimal> {
    let rows = sim.sandbox.freshbooks.trial_balance_with_expenses();
    let rows = rows.into_iter();
    let rows = rows.map(|row| ((row.account_number, row.currency), row.debit - row.credit));
    rows.filter(|(_, sum)| !sum.is_zero()).collect()
}

/// The expenses that are not deleted, as FreshBooks shows them.
fn expenses(sim: &Sim) -> Vec<Value> {
    let freshbooks = &sim.sandbox.freshbooks;
    let ids = freshbooks.ids(RecordKind::Expense).into_iter();
    let shown = ids.filter_map(|id| freshbooks.expense(id, sim.now));
    shown.filter(|expense| expense["vis_state"] == 0).collect()
}

fn amount(expense: &Value) -> Decimal {
    let text = expense["amount"]["amount"].as_str().unwrap_or_default();
    text.parse().expect("is an amount")
}

/// Asserts that a document is confirmed with its entry and expenses, which come to what was
/// approved, and returns how many expenses these are.
fn assert_confirmed(sim: &Sim, filed: &Filed) -> usize {
    let document = document(sim, filed);
    let ended = books::ending(sim, filed);
    assert_eq!(
        document.status,
        DocStatus::PostingConfirmedSuccess,
        "{ended:?}"
    );
    let books = books::Books::of(&sim.sandbox);
    let [entry] = books.marked(&document)[..] else {
        panic!("not one entry: {document:?}");
    };
    let named: Vec<&str> = document
        .postings
        .iter()
        .map(|posting| posting.document_number.as_str())
        .collect();
    assert!([entry.id.to_string().as_str(), &entry.uuid].contains(&named[0]));
    let made: Vec<Value> = expenses(sim)
        .into_iter()
        .filter(|made| named.contains(&&*format!("expense-{}", made["id"])))
        .collect();
    assert_eq!(made.len(), named.len() - 1, "{named:?}");
    let is_offset = |number: &str| number == "1000-2";
    let offset: Decimal = entry
        .lines
        .iter()
        .filter(|line| is_offset(&line.account_number))
        .map(|line| line.debit)
        .sum();
    let beside: Decimal = made.iter().map(amount).sum();
    assert_eq!(offset, beside, "{entry:?}");
    assert_eq!(books::costs(entry) + beside, filed.approved, "{entry:?}");
    made.len()
}

fn the_books_come_to_the_same_in_every_currency_and_with_every_tax(backend: Backend) {
    let mut with = connected(backend);
    let mut without = alone(backend);
    let mut filed = Vec::new();
    for sim in [&mut without, &mut with] {
        filed.clear();
        // A seed is a document of its own.
        let mut seed = 0..;
        for currency in ["CAD", "EUR", "JPY", "KWD"] {
            for (shapes, seed) in Shape::ALL.chunks(4).zip(&mut seed) {
                filed.push(report(sim, shapes, currency, seed));
            }
            filed.extend(seed.next().map(|seed| invoice(sim, currency, seed)));
        }
        poll(sim);
    }
    assert_eq!(balances(&with), balances(&without));
    let made: usize = filed
        .iter()
        .map(|filed| assert_confirmed(&with, filed))
        .sum();
    assert!(
        made > filed.len(),
        "{made} expenses are too few to show anything"
    );
    assert_eq!(made, expenses(&with).len());
    assert!(expenses(&without).is_empty());
}

fn whatever_account_pays_for_expenses_is_offset(backend: Backend) {
    for paid_from in ["1000-1", "3000-1", "2000-2"] {
        let mut with = connected_with(backend, paid_from, |_| {});
        let mut without = alone(backend);
        for sim in [&mut with, &mut without] {
            report(sim, &SPLIT, "CAD", 7);
            poll(sim);
        }
        assert!(!expenses(&with).is_empty());
        assert_eq!(balances(&with), balances(&without), "{paid_from}");
    }
    // The wrong account shows in the books: nothing is published of the right one.
    let mut wrong = connected_with(backend, "1000-2", |settings| {
        let account = settings::sub_account_of_number("1000-1");
        settings["financial"]["project_expenses"]["offset_account"] = account.into();
    });
    let mut without = alone(backend);
    for sim in [&mut wrong, &mut without] {
        report(sim, &SPLIT, "CAD", 7);
        poll(sim);
    }
    let (wrong, without) = (balances(&wrong), balances(&without));
    let differing = wrong
        .iter()
        .filter(|(key, sum)| without.get(*key) != Some(*sum));
    let differing: Vec<&str> = differing.map(|((number, _), _)| number.as_str()).collect();
    assert_eq!(differing, ["1000-1", "1000-2"]);
}

fn post_of_an_expense(fault: Fault) -> FaultRule {
    FaultRule::new(System::FreshBooks, fault)
        .method("POST")
        .path("/expenses/expenses")
        .times(1)
        .skip(1)
}

fn a_crash_at_any_moment_makes_each_expense_once(backend: Backend) {
    let mut sim = connected(backend);
    let before = sim.moments();
    let filed = report(&mut sim, &SPLIT, "CAD", 7);
    poll(&mut sim);
    let moments = sim.moments() - before;
    let made = assert_confirmed(&sim, &filed);
    assert!(made > 1, "{made}");
    let balances_before = balances(&sim);
    let step = if backend == Backend::Native && switches::are_default() {
        1
    } else {
        9
    };
    for moment in (0..moments).step_by(step) {
        for is_answer_lost in [false, true] {
            let mut sim = connected(backend);
            if is_answer_lost {
                sim.sandbox
                    .add_fault(post_of_an_expense(Fault::ResponseLost));
            }
            sim.crash_at([moment]);
            let filed = report(&mut sim, &SPLIT, "CAD", 7);
            poll(&mut sim);
            assert_eq!(sim.crashes, 1, "moment {moment}");
            connect_if_dead(&mut sim);
            replay_if_ambiguous(&mut sim, &filed);
            assert_eq!(assert_confirmed(&sim, &filed), made, "moment {moment}");
            let all = sim.sandbox.freshbooks.ids(RecordKind::Expense).len();
            assert_eq!(all, made, "moment {moment}, {is_answer_lost}");
            assert_eq!(balances(&sim), balances_before, "moment {moment}");
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
    // The entry, and each of the expenses.
    for _ in 0..8 {
        let ended = books::ending(sim, filed);
        if ending_name(&ended) != "parked" {
            return;
        }
        assert_eq!(code(&ended), "ambiguous");
        sim.start(books::object(filed), StartReason::Replay);
        sim.settle();
    }
}

fn expenses_of_projects_never_go_back(backend: Backend) {
    let mut sim = connected_with(backend, "1000-2", |settings| {
        settings["expense"] = settings::expense("park");
        let categories = &mut settings["expense"]["categories"];
        for (_, id, _) in CATEGORIES {
            categories[id.to_string()] = "TAXIX".into();
        }
    });
    sim.start(object("callback", "expense"), StartReason::Schedule);
    sim.settle();
    let filed = report(&mut sim, &SPLIT, "CAD", 7);
    poll(&mut sim);
    let made = assert_confirmed(&sim, &filed);
    assert!(made > 1);
    // By webhook while they are made, and by sweep.
    sim.sweep();
    sim.settle();
    for expense in expenses(&sim) {
        let ended = crate::documents::ending(&sim, "expense", &expense["id"].to_string());
        assert!(
            matches!(&ended, Ending::Unchanged(note) if note.code == "made-by-us"),
            "{ended:?}"
        );
    }
    assert!(sim.sandbox.concur.expense_reports().is_empty());
}

fn a_corrected_report_takes_its_expenses_back(backend: Backend) {
    let mut sim = connected(backend);
    let concur = &mut sim.sandbox.concur;
    concur.config_mut().financial.recall_acknowledged = true;
    let first = report(&mut sim, &SPLIT, "CAD", 7);
    poll(&mut sim);
    let made = assert_confirmed(&sim, &first);
    let resubmission = Resubmission {
        change: Change::Amounts,
        even_if_not_recalled: true,
        filing: Filing::default(),
    };
    let concur = &mut sim.sandbox.concur;
    let second = concur.resubmit(&first.source_id, &resubmission, sim.now);
    let second = second.expect("is submitted again");
    poll(&mut sim);
    assert_eq!(assert_confirmed(&sim, &second), made);
    assert_eq!(expenses(&sim).len(), made);
    let mut without = alone(backend);
    without
        .sandbox
        .concur
        .config_mut()
        .financial
        .recall_acknowledged = true;
    let first = report(&mut without, &SPLIT, "CAD", 7);
    poll(&mut without);
    let concur = &mut without.sandbox.concur;
    let second = concur.resubmit(&first.source_id, &resubmission, without.now);
    second.expect("is submitted again");
    poll(&mut without);
    assert_eq!(balances(&sim), balances(&without));
}
