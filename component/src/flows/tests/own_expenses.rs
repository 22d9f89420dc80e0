//! Expenses that come back approved in a report: no circles.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::{Document, World};
use crate::contract::runs::{Ending, Failure, Link, ObjectStatus, StartReason, Task};
use crate::contract::types::ObjectRef;
use crate::runs::tests::{Driven, object, task};
use crate::settings::Settings;
use crate::settings::tests::MINIMAL;

const REPORT: &str = "9E44A1C07B2F4D06A9B1";

/// An entry of a report: its id, who paid, and what.
type Row = (&'static str, &'static str, i64);

fn world(more: &str) -> World {
    let mut world = World::new();
    let table = format!(
        r#"{{"financial": {{"enabled": true, {more} "accounts": {{
            "by_code": {{"6200": "620"}}, "by_party": {{"EMPL": "210", "COPD": "220"}}}}}}, "#
    );
    let settings = Settings::load("acme", &MINIMAL.replacen('{', &table, 1));
    world.settings = Rc::new(settings.expect("is right"));
    world
}

fn cents(amount: i64) -> String {
    format!("{}.{:02}", amount / 100, amount % 100)
}

fn report(rows: &[Row]) -> String {
    let entries = rows.iter().map(|(id, payee, amount)| {
        let amount = cents(*amount);
        json!({"entryId": id, "expenseTypeCode": "TAXIX", "expenseTypeName": "Taxi",
            "entryCurrAlphaCode": "CAD", "reportEntryTransactionAmount": amount,
            "allocation": [{"journal": [{"journalPayer": "COMP", "journalPayee": payee,
                "journalAccountCode": "6200", "amountGross": amount, "amountNetOfTax": amount,
                "amountNetOfReclaim": amount}], "tax": []}]})
    });
    let total: i64 = rows.iter().map(|(_, _, amount)| amount).sum();
    json!({
        "employee": {"employeeId": "E1007"},
        "report": {"reportId": REPORT, "reportName": "February travel",
            "employeeCurrencyAlphaCode": "CAD", "totalApprovedAmount": cents(total),
            "isTest": "N", "revisionNumber": "1",
            "reportPaymentProcessingDate": "2026-02-20T09:00:00.000Z"},
        "expenseEntry": entries.collect::<Vec<_>>(), "cashAdvanceApplication": []
    })
    .to_string()
}

fn with(more: &str, rows: &[Row]) -> World {
    let mut world = world(more);
    add(&mut world, "d1", rows);
    world
}

fn add(world: &mut World, id: &str, rows: &[Row]) {
    world.books.documents.push(Document {
        id: id.to_string(),
        source_id: REPORT.to_string(),
        status: "READY",
        system_id: None,
        text: report(rows),
        confirmed: Vec::new(),
    });
}

/// An expense of FreshBooks that became this entry.
fn own(world: &mut World, id: &str, entry: &str, amount: i64) {
    let source = ObjectRef::concur("expense-entry", entry);
    let link = Link {
        source: source.clone(),
        target: object("expense", id),
        version: Some("1".to_string()),
        content_hash: None,
    };
    let status = world.status(&source);
    world.keep(ObjectStatus {
        link: Some(link),
        ..status
    });
    let expense = json!({"id": id, "staffid": 1, "amount": {"amount": cents(amount),
        "code": "CAD"}});
    let path = format!("/accounting/account/zQ7pLm/expenses/expenses/{id}");
    world.freshbooks.insert(path, json!({"expense": expense}));
}

fn run(world: &mut World) -> Driven {
    let source = ObjectRef::concur("financial-document", format!("expense/{REPORT}"));
    world.run(&Task {
        object: source,
        ..task("", "", StartReason::Notice)
    })
}

fn failure(driven: &Driven) -> &Failure {
    match &driven.completion.ending {
        Ending::Parked(failure) | Ending::Rejected(failure) => failure,
        ending => panic!("is no stop: {ending:?}"),
    }
}

/// The numbers that the document was confirmed with.
fn numbers(world: &World, id: &str) -> Vec<String> {
    let confirmed = world.books.document(id).confirmed.last();
    let docs = confirmed.expect("is confirmed")["postingDocs"].as_array();
    let docs = docs.expect("is a list").iter();
    docs.map(|doc| doc["documentNumber"].as_str().expect("is text").to_string())
        .collect()
}

/// What was debited in all journal entries, in cents.
fn debited(world: &World) -> i64 {
    let details = world
        .books
        .entries
        .iter()
        .flat_map(|entry| entry["details"].as_array().into_iter().flatten());
    let debits = details.filter_map(|detail| match &detail["debit"] {
        Value::Null => None,
        debit => Some(debit.as_str().expect("is text").replace('.', "")),
    });
    debits
        .map(|debit| debit.parse::<i64>().expect("is a number"))
        .sum()
}

#[test]
fn what_came_from_freshbooks_stays_out_and_is_named_beside_the_entry() {
    let mut world = with(
        "",
        &[
            ("A1", "COPD", 4_000),
            ("a2", "COPD", 1_050),
            ("A3", "EMPL", 99),
        ],
    );
    own(&mut world, "7", "A2", 1_050);
    let driven = run(&mut world);
    assert_eq!(numbers(&world, "d1"), ["1", "expense-7"]);
    assert_eq!(debited(&world), 4_099);
    match &driven.completion.ending {
        Ending::Confirmed(confirmation) => {
            assert!(
                confirmation
                    .message
                    .contains("beside expense 7 of FreshBooks")
            );
        }
        other => panic!("is not confirmed: {other:?}"),
    }
}

#[test]
fn a_document_of_nothing_but_ours_is_confirmed_with_the_expenses() {
    let mut world = with("", &[("A1", "COPD", 4_000), ("A2", "COPD", 1_050)]);
    own(&mut world, "7", "A1", 4_000);
    own(&mut world, "8", "A2", 1_050);
    run(&mut world);
    assert_eq!(numbers(&world, "d1"), ["expense-7", "expense-8"]);
    assert!(world.books.entries.is_empty());
    let again = run(&mut world);
    match &again.completion.ending {
        Ending::Unchanged(note) => assert_eq!(note.code, "already-confirmed"),
        other => panic!("is not unchanged: {other:?}"),
    }
}

#[test]
fn an_earlier_entry_of_the_source_does_not_stand_beside_ours() {
    let mut world = with("", &[("A9", "COPD", 4_000)]);
    run(&mut world);
    assert_eq!(debited(&world), 4_000);
    world.books.documents[0].status = "RECALLED";
    add(&mut world, "d2", &[("A1", "COPD", 1_050)]);
    own(&mut world, "7", "A1", 1_050);
    run(&mut world);
    assert_eq!(numbers(&world, "d2"), ["expense-7"]);
    // The entry, and what takes it back.
    assert_eq!(world.books.entries.len(), 2);
}

#[test]
fn the_settings_may_post_them_and_what_employees_are_owed_is_posted() {
    for (more, payee) in [(r#""own_expenses": "post","#, "COPD"), ("", "EMPL")] {
        let mut world = with(more, &[("A1", payee, 4_000)]);
        own(&mut world, "7", "A1", 4_000);
        run(&mut world);
        assert_eq!(
            (numbers(&world, "d1").len(), debited(&world)),
            (1, 4_000),
            "{payee}"
        );
    }
}

#[test]
fn what_freshbooks_has_not_booked_like_this_is_neither_posted_nor_confirmed() {
    let mut differs = with("", &[("A1", "COPD", 4_000)]);
    own(&mut differs, "7", "A1", 4_100);
    let driven = run(&mut differs);
    assert_eq!(failure(&driven).code, "own-expense-differs");
    let said = "it is 40.00 CAD in SAP Concur and 41.00 CAD in FreshBooks";
    assert!(
        failure(&driven).message.contains(said),
        "{}",
        failure(&driven).message
    );
    let mut gone = with("", &[("A1", "COPD", 4_000)]);
    own(&mut gone, "7", "A1", 4_000);
    gone.freshbooks.clear();
    assert_eq!(failure(&run(&mut gone)).code, "own-expense-differs");
    for world in [differs, gone] {
        assert!(world.books.entries.is_empty());
        assert!(world.books.document("d1").confirmed.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The entry and the expenses that the confirmation names come to the document's total.
    #[test]
    fn entry_and_expenses_come_to_the_total(
        amounts in prop::collection::vec((1_i64..100_000, any::<bool>(), any::<bool>()), 1..8),
    ) {
        const IDS: [&str; 8] = ["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8"];
        let rows: Vec<Row> = IDS.iter().zip(&amounts).map(|(id, (amount, company, _))| {
            (*id, if *company { "COPD" } else { "EMPL" }, *amount)
        }).collect();
        let mut world = with("", &rows);
        let mut booked = 0;
        for (id, (amount, company, is_own)) in IDS.iter().zip(&amounts) {
            if *is_own {
                own(&mut world, &id[1..], id, *amount);
                booked += if *company { *amount } else { 0 };
            }
        }
        run(&mut world);
        let total: i64 = amounts.iter().map(|(amount, ..)| amount).sum();
        prop_assert_eq!(debited(&world) + booked, total);
        let named = numbers(&world, "d1");
        let expenses = amounts.iter().filter(|(_, company, is_own)| *company && *is_own).count();
        let is_expense = |number: &&String| number.starts_with("expense-");
        prop_assert_eq!(named.iter().filter(is_expense).count(), expenses);
        prop_assert_eq!(named.len(), expenses + usize::from(booked < total));
    }
}
