//! Rows that name a project, as expenses beside the journal entry.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::{Document, Fault, World, lost};
use crate::contract::http::Method;
use crate::contract::mapping::Translation;
use crate::contract::runs::{Ending, Failure, StartReason, Task};
use crate::contract::types::ObjectRef;
use crate::mapping::preview;
use crate::runs::tests::{Driven, task};
use crate::settings::Settings;
use crate::settings::tests::MINIMAL;

const REPORT: &str = "9E44A1C07B2F4D06A9B1";
/// The account that FreshBooks credits for expenses.
const OFFSET: &str = "900";
/// Where FreshBooks books the expenses of a category.
const ACCOUNTS: [(&str, &str); 2] = [("3344", "610"), ("3345", "620")];

/// A row: its account code, who paid, what in cents, the tax in it, and its project.
type Row = (&'static str, &'static str, i64, i64, &'static str);

const ROWS: [Row; 4] = [
    ("6100", "COPD", 11_300, 1_300, "P1"),
    ("6200", "EMPL", 4_000, 0, "P2"),
    ("6200", "EMPL", 1_000, 0, "CENTRE"),
    ("6100", "COPD", 2_260, 260, ""),
];

fn settings(is_on: bool) -> Settings {
    let project_costs = if is_on { "expenses" } else { "journal-entry" };
    let table = format!(
        r#"{{"financial": {{"enabled": true, "project_costs": "{project_costs}",
        "project_expenses": {{"offset_account": "{OFFSET}", "staff": "2",
            "projects": {{"P1": "71", "P2": "72"}}, "clients": {{"P1": "41"}},
            "categories": {{"6100": "3344", "6200": "3345"}}}},
        "accounts": {{"by_code": {{"6100": "610", "6200": "620"}}, "by_tax": {{"T": "130"}},
            "by_party": {{"EMPL": "210", "COPD": "220"}}}}}}, "#
    );
    let settings = MINIMAL
        .replacen('{', &table, 1)
        .replace(r#""CAD""#, r#""CAD", "JPY", "EUR""#);
    Settings::load("acme", &settings).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn amount(cents: i64, currency: &str) -> String {
    match currency {
        "JPY" => cents.to_string(),
        _ => format!(
            "{}{}.{:02}",
            if cents < 0 { "-" } else { "" },
            cents.abs() / 100,
            cents.abs() % 100
        ),
    }
}

fn report(rows: &[Row], currency: &str) -> String {
    let entries = (1..)
        .zip(rows)
        .map(|(number, (code, party, gross, tax, project))| {
            let (payer, payee) = if *gross < 0 {
                (*party, "COMP")
            } else {
                ("COMP", *party)
            };
            json!({"entryId": format!("A{number}"), "expenseTypeCode": "TAXIX",
            "expenseTypeName": "Taxi", "entryCurrAlphaCode": "USD", "entryIsBillable": "Y",
            "allocation": [{"allocationCustom1Code": project,
                "journal": [{"journalPayer": payer, "journalPayee": payee,
                "journalAccountCode": code, "amountGross": amount(*gross, currency),
                "amountNetOfReclaim": amount(gross - tax, currency)}],
                "tax": [{"taxCode": "T", "amountReclaim": amount(*tax, currency)}]}]})
        });
    let total: i64 = rows.iter().map(|(_, _, gross, ..)| gross).sum();
    json!({
        "employee": {"employeeId": "E1007"},
        "report": {"reportId": REPORT, "reportName": "February travel",
            "employeeCurrencyAlphaCode": currency, "totalApprovedAmount": amount(total, currency),
            "isTest": "N", "revisionNumber": "1",
            "reportPaymentProcessingDate": "2026-02-20T09:00:00.000Z"},
        "expenseEntry": entries.collect::<Vec<_>>(), "cashAdvanceApplication": []
    })
    .to_string()
}

fn with(is_on: bool, rows: &[Row], currency: &str) -> World {
    let mut world = World::new();
    world.settings = Rc::new(settings(is_on));
    add(&mut world, "d1", rows, currency);
    world
}

fn add(world: &mut World, id: &str, rows: &[Row], currency: &str) {
    world.books.documents.push(Document {
        id: id.to_string(),
        source_id: REPORT.to_string(),
        status: "READY",
        system_id: None,
        text: report(rows, currency),
        confirmed: Vec::new(),
    });
}

fn document(reason: StartReason) -> Task {
    Task {
        object: ObjectRef::concur("financial-document", format!("expense/{REPORT}")),
        ..task("", "", reason)
    }
}

fn run(world: &mut World) -> Driven {
    world.run(&document(StartReason::Notice))
}

fn failure(driven: &Driven) -> &Failure {
    match &driven.completion.ending {
        Ending::Parked(failure) | Ending::Rejected(failure) => failure,
        ending => panic!("is no stop: {ending:?}"),
    }
}

fn numbers(world: &World, id: &str) -> Vec<String> {
    let confirmed = world.books.document(id).confirmed.last();
    let docs = confirmed.expect("is confirmed")["postingDocs"].as_array();
    let docs = docs.expect("is a list").iter();
    docs.map(|doc| doc["documentNumber"].as_str().expect("is text").to_string())
        .collect()
}

/// A written amount in its currency's smallest unit.
fn units(amount: &Value) -> i64 {
    let text = amount.as_str().expect("is text").replace('.', "");
    text.parse().expect("is a number")
}

/// What journal entries and expenses come to, by account and currency.
fn trial_balance(world: &World) -> BTreeMap<(String, String), i64> {
    let mut balance = BTreeMap::new();
    let mut book = |account: &str, currency: &Value, amount: i64| {
        let key = (account.to_string(), currency.to_string());
        *balance.entry(key).or_insert(0) += amount;
    };
    for entry in &world.books.entries {
        for detail in entry["details"].as_array().into_iter().flatten() {
            let account = detail["sub_accountid"].to_string();
            let (debit, credit) = (&detail["debit"], &detail["credit"]);
            let amount = if debit.is_null() {
                -units(credit)
            } else {
                units(debit)
            };
            book(&account, &entry["currency_code"], amount);
        }
    }
    for expense in world.purchases.live() {
        let category = expense["categoryid"].to_string();
        let account = ACCOUNTS.iter().find(|(id, _)| *id == category);
        let money = &expense["amount"];
        book(
            account.expect("is known").1,
            &money["code"],
            units(&money["amount"]),
        );
        book(OFFSET, &money["code"], -units(&money["amount"]));
    }
    balance.retain(|_, amount| *amount != 0);
    balance
}

#[test]
fn rows_of_projects_are_expenses_and_the_books_come_to_the_same() {
    let mut alone = with(false, &ROWS, "CAD");
    run(&mut alone);
    let mut world = with(true, &ROWS, "CAD");
    let driven = run(&mut world);
    let made = world.purchases.live();
    assert_eq!(made.len(), 2);
    let first = made[0];
    assert_eq!(
        (
            &first["amount"],
            &first["modern_projectid"],
            &first["clientid"]
        ),
        (
            &json!({"amount": "100.00", "code": "CAD"}),
            &json!(71),
            &json!(41)
        )
    );
    assert_eq!(
        (&first["billable"], &first["staffid"], &first["date"]),
        (&json!(true), &json!(2), &json!("2026-02-20"))
    );
    assert_eq!(made[1]["billable"], json!(false));
    assert!(first.get("taxAmount1").is_none());
    assert_eq!(trial_balance(&world), trial_balance(&alone));
    assert_eq!(numbers(&world, "d1"), ["1", "expense-500", "expense-501"]);
    match &driven.completion.ending {
        Ending::Confirmed(confirmation) => {
            let said = "beside expenses 500, 501 of FreshBooks";
            assert!(
                confirmation.message.contains(said),
                "{}",
                confirmation.message
            );
        }
        other => panic!("is not confirmed: {other:?}"),
    }
    let again = run(&mut world);
    assert!(World::writes(&again).is_empty());
}

#[test]
fn what_we_made_does_not_go_back_by_link_nor_before_it() {
    for is_linked in [true, false] {
        let mut world = with(true, &ROWS, "CAD");
        run(&mut world);
        if !is_linked {
            world.statuses.clear();
        }
        let enabled = r#"{"expense": {"enabled": true, "payment_type": "CBCP",
            "currencies": ["CAD"], "report": {"policy_id": "P"}}, "#;
        let settings = Settings::load("acme", &MINIMAL.replacen('{', enabled, 1));
        world.settings = Rc::new(settings.expect("is right"));
        let driven = world.run(&task("expense", "500", StartReason::Notice));
        match &driven.completion.ending {
            Ending::Unchanged(note) => assert_eq!(note.code, "made-by-us", "{is_linked}"),
            other => panic!("goes back: {other:?}"),
        }
        assert!(World::writes(&driven).is_empty());
    }
}

/// Loses the answer of the write of an expense with this number, or what is sent.
fn lose(world: &mut World, number: usize, is_done: bool) {
    let mut count = 0;
    world.fault = Box::new(move |send| {
        let is_expense = send.request.path_with_query.ends_with("/expenses/expenses");
        if send.request.method != Method::Post || !is_expense {
            return None;
        }
        count += 1;
        (count == number).then(|| match is_done {
            true => Fault::Lost,
            false => Fault::Instead(lost()),
        })
    });
}

#[test]
fn a_lost_answer_doubles_nothing_and_what_is_missing_parks_and_goes_on() {
    for number in [1, 2] {
        let mut world = with(true, &ROWS, "CAD");
        lose(&mut world, number, true);
        run(&mut world);
        assert_eq!(world.purchases.live().len(), 2, "{number}");
        assert_eq!(numbers(&world, "d1").len(), 3);
        let mut world = with(true, &ROWS, "CAD");
        lose(&mut world, number, false);
        let driven = run(&mut world);
        assert_eq!(failure(&driven).code, "ambiguous");
        assert!(world.books.document("d1").confirmed.is_empty());
        assert_eq!(world.purchases.live().len(), number - 1);
        run_again(&mut world);
        assert_eq!(world.purchases.live().len(), 2, "{number}");
        assert_eq!(world.books.entries.len(), 1);
        assert_eq!(numbers(&world, "d1").len(), 3);
    }
}

fn run_again(world: &mut World) -> Driven {
    world.fault = Box::new(|_| None);
    world.run(&document(StartReason::Replay))
}

#[test]
fn a_run_that_lost_its_links_finds_what_is_there() {
    let mut world = with(true, &ROWS, "CAD");
    lose(&mut world, 2, false);
    run(&mut world);
    // The link of the first expense was never stored.
    let row = |status: &crate::contract::runs::ObjectStatus| {
        matches!(
            status.object.kind.as_str(),
            "project-expense-row" | "expense"
        )
    };
    world.statuses.retain(|status| !row(status));
    run_again(&mut world);
    assert_eq!(world.purchases.live().len(), 2);
    assert_eq!(numbers(&world, "d1"), ["1", "expense-500", "expense-501"]);
}

#[test]
fn what_freshbooks_shows_otherwise_is_not_confirmed() {
    let mut world = with(true, &ROWS, "CAD");
    world.purchases.shown_as = Some("100.01");
    let driven = run(&mut world);
    assert_eq!(failure(&driven).code, "project-expense-differs");
    let said = r#"amount "100.01 CAD" instead of "100.00 CAD""#;
    assert!(
        failure(&driven).message.contains(said),
        "{}",
        failure(&driven).message
    );
    assert!(world.books.document("d1").confirmed.is_empty());
    world.purchases.shown_as = None;
    run(&mut world);
    assert_eq!(numbers(&world, "d1").len(), 3);
}

#[test]
fn a_correction_and_a_recall_take_the_expenses_back() {
    let mut world = with(true, &ROWS, "CAD");
    run(&mut world);
    world.books.documents[0].status = "RECALLED";
    add(&mut world, "d2", &ROWS[1..], "CAD");
    run(&mut world);
    assert_eq!(numbers(&world, "d2"), ["3", "expense-502"]);
    let mut alone = with(false, &ROWS[1..], "CAD");
    run(&mut alone);
    assert_eq!(trial_balance(&world), trial_balance(&alone));
    world.books.documents[1].status = "RECALLED";
    run(&mut world);
    assert!(world.purchases.live().is_empty());
    assert!(trial_balance(&world).is_empty());
}

#[test]
fn a_billed_expense_is_not_deleted() {
    let mut world = with(true, &ROWS, "CAD");
    run(&mut world);
    world.books.documents[0].status = "RECALLED";
    for expense in world.purchases.expenses.values_mut() {
        expense["status"] = json!(2);
    }
    assert_eq!(failure(&run(&mut world)).code, "expense-billed");
    assert_eq!(world.books.entries.len(), 1);
}

#[test]
fn settings_that_change_midway_neither_lose_nor_double_a_cost() {
    // The entry offsets what became no expense yet.
    let mut world = with(true, &ROWS, "CAD");
    lose(&mut world, 1, false);
    run(&mut world);
    world.settings = Rc::new(settings(false));
    let driven = run_again(&mut world);
    assert_eq!(failure(&driven).code, "project-costs-changed");
    assert!(world.books.document("d1").confirmed.is_empty());
    world.settings = Rc::new(settings(true));
    run_again(&mut world);
    assert_eq!(numbers(&world, "d1").len(), 3);
    // The entry was posted whole, and nobody knows of it.
    let mut world = with(false, &ROWS, "CAD");
    run(&mut world);
    world.statuses.clear();
    world.books.documents[0].status = "ACKNOWLEDGED";
    world.settings = Rc::new(settings(true));
    let driven = run(&mut world);
    assert_eq!(failure(&driven).code, "project-costs-changed");
    assert!(world.purchases.live().is_empty());
}

#[test]
fn a_preview_shows_what_a_run_sends() {
    let mut world = with(true, &ROWS, "CAD");
    world.books.documents[0].id = "d1".to_string();
    let sent = World::writes(&run(&mut world));
    let document = json!({"id": "d1", "document": report(&ROWS, "CAD")}).to_string();
    let shown = preview(&world.settings, "expense-document", &document).expect("translates");
    assert_eq!(shown.len(), 3);
    for translation in shown {
        let Translation::Record(record) = translation else {
            panic!("is nothing");
        };
        assert!(sent.contains(&record.json), "{} of {sent:#?}", record.json);
    }
}

#[test]
fn settings_that_are_missing_are_named() {
    let table = r#"{"financial": {"enabled": true, "project_costs": "expenses"}, "#;
    let problems = Settings::load("acme", &MINIMAL.replacen('{', table, 1));
    let problems = problems.expect_err("lacks two");
    let at: Vec<&str> = problems
        .iter()
        .map(|problem| problem.pointer.as_str())
        .collect();
    assert_eq!(
        at,
        [
            "/financial/project_expenses/offset_account",
            "/financial/project_expenses/projects"
        ]
    );
    let scopes = settings(true).freshbooks.scopes.clone();
    assert!(
        scopes.ends_with("user:expenses:read user:expenses:write"),
        "{scopes}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// With the entry alone and with expenses beside it every account comes to the same, and what
    /// is confirmed comes to the document's total.
    #[test]
    fn the_trial_balance_is_the_same_with_expenses(
        rows in prop::collection::vec(
            (any::<bool>(), any::<bool>(), -20_000_i64..100_000, 0_i64..100, 0_usize..4), 1..8),
        currency in prop::sample::select(alloc::vec!["CAD", "EUR", "JPY"]),
    ) {
        let rows: Vec<Row> = rows.into_iter().map(|(code, party, gross, tax, project)| {
            let code = if code { "6100" } else { "6200" };
            let party = if party { "COPD" } else { "EMPL" };
            (code, party, gross, gross * tax / 100, ["P1", "P2", "CENTRE", ""][project])
        }).collect();
        let mut alone = with(false, &rows, currency);
        run(&mut alone);
        let mut world = with(true, &rows, currency);
        run(&mut world);
        prop_assert_eq!(trial_balance(&world), trial_balance(&alone));
        if let Some(entry) = world.books.entries.first() {
            let debits = entry["details"].as_array().into_iter().flatten();
            let debits = debits.filter(|detail| detail["sub_accountid"] != 900);
            let costs: i64 = debits.map(|detail| match &detail["debit"] {
                Value::Null => 0,
                debit => units(debit),
            }).sum();
            let alone = alone.books.entries[0]["details"].as_array().into_iter().flatten();
            let alone: i64 = alone.map(|detail| match &detail["debit"] {
                Value::Null => 0,
                debit => units(debit),
            }).sum();
            let made = world.purchases.live();
            let beside: i64 = made.iter().map(|made| units(&made["amount"]["amount"])).sum();
            prop_assert_eq!(costs + beside, alone);
            prop_assert_eq!(numbers(&world, "d1").len(), 1 + made.len());
        }
    }
}
