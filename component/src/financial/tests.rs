use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rust_decimal::Decimal;

use super::*;
use crate::settings::tests::MINIMAL;

mod bill;
mod cash_advance;
mod dates;
mod descriptions;
mod entry;
mod expense;
mod heads;
mod invoice;
mod liability;
mod model;
mod oddities;
mod payroll;

pub(crate) const EXPENSE: &str = include_str!("tests/expense.json");
pub(crate) const INVOICE: &str = include_str!("tests/invoice.json");
pub(crate) const CASH_ADVANCE: &str = include_str!("tests/cash_advance.json");
pub(crate) const PAYROLL: &str = include_str!("tests/payroll.json");

/// Settings whose FreshBooks accounts are easily told apart.
pub(crate) fn settings_with(financial: &str, accounts: &str) -> Settings {
    let table = format!(
        r#"{{"financial": {{"enabled": true{financial}, "accounts": {{
            "by_code": {{"6100": "61", "6200": "62", "2150": "215", "1150": "115", "6400": "64",
            "2100": "210"}},
            "by_party": {{"EMPL": "1", "CBCP": "2", "IBCP": "3", "COPD": "4", "VENDOR": "5",
            "PAYROLL": "6", "1003": "33"}},
            "by_tax": {{"CAHST/H13": "7"}}, "by_wage_type": {{"M010": "8"}} {accounts}}}}}, "#
    );
    loaded(&table)
}

/// Settings with these FreshBooks accounts only.
pub(crate) fn with_accounts(accounts: &str) -> Settings {
    loaded(&format!(
        r#"{{"financial": {{"accounts": {{{accounts}}}}}, "#
    ))
}

fn loaded(table: &str) -> Settings {
    let json = MINIMAL.replacen('{', table, 1);
    Settings::load("acme", &json).unwrap_or_else(|problems| panic!("{problems:?}"))
}

pub(crate) fn settings() -> Settings {
    settings_with("", "")
}

/// The entry as lines of account, cost code and amount.
pub(crate) fn lines(kind: DocumentType, document: &str, settings: &Settings) -> Vec<String> {
    match translate(kind, document, settings) {
        Ok(Translated::Entry(entry)) => entry.lines.iter().map(shown).collect(),
        other => panic!("{other:?}"),
    }
}

fn shown(line: &Line) -> String {
    let cost_code = line.cost_code.as_deref().unwrap_or("-");
    format!("{} {cost_code} {}", line.account, line.amount)
}

/// The codes and pointers of the problems.
pub(crate) fn problems(
    kind: DocumentType,
    document: &str,
    settings: &Settings,
) -> (Vec<(String, String)>, FixIn) {
    match translate(kind, document, settings) {
        Err(untranslatable) => {
            let problems = untranslatable.problems.into_iter();
            let problems = problems.map(|problem| (problem.code, problem.pointer));
            (problems.collect(), untranslatable.fix_in)
        }
        Ok(translated) => panic!("{translated:?}"),
    }
}

/// The single problem.
pub(crate) fn problem_of(kind: DocumentType, document: &str) -> (String, String, FixIn) {
    let (problems, fix_in) = problems(kind, document, &settings());
    assert_eq!(problems.len(), 1, "{problems:?}");
    let (code, pointer) = problems.into_iter().next().expect("is there");
    (code, pointer, fix_in)
}

/// A document with one piece of text changed, which must be there exactly once.
pub(crate) fn with(document: &str, old: &str, new: &str) -> String {
    assert_eq!(document.matches(old).count(), 1, "{old}");
    document.replace(old, new)
}

#[test]
fn every_type_has_its_two_names() {
    let names: Vec<_> = DocumentType::ALL
        .iter()
        .map(|kind| (kind.name(), kind.wire_name()))
        .collect();
    let expected = [
        ("expense", "expense"),
        ("invoice", "invoice"),
        ("cash-advance", "cashadvance"),
        ("payroll", "payroll"),
    ];
    assert_eq!(names, expected);
    assert_eq!(
        DocumentType::named("cash-advance"),
        Some(DocumentType::CashAdvance)
    );
    assert_eq!(DocumentType::named("cashadvance"), None);
}
