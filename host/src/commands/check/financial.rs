//! Settings of the way back that are legal, and under which what is meant does not happen.

use std::collections::BTreeSet;

use ml_connector::config::Config;
use serde_json::{Map, Value};

use super::super::exit;
use super::{Finding, Verdict};

/// All that look like it.
pub(super) fn check(config: &Config) -> Vec<Finding> {
    let connections = config.connections.iter();
    let found = connections.flat_map(|connection| {
        let table: Value = serde_json::from_str(&connection.json).unwrap_or_default();
        of_connection(&connection.name, &table["financial"])
    });
    found.collect()
}

fn of_connection(connection: &str, financial: &Value) -> Vec<Finding> {
    if financial["enabled"] != true {
        return Vec::new();
    }
    let found = [without_accounts(financial), taxes_without_bills(financial)];
    let found = found.into_iter().flatten();
    let finding = |(setting, message): (&str, String)| {
        let subject = format!("connections.{connection}.financial.{setting}");
        Finding::new(subject, Verdict::Warning, exit::OK, message)
    };
    found.map(finding).collect()
}

/// Where no account is named, every document waits.
fn without_accounts(financial: &Value) -> Option<(&'static str, String)> {
    let is_empty = |value: &Value| match value {
        Value::Object(entries) => entries.is_empty(),
        value => value.is_null(),
    };
    let mut accounts = financial["accounts"].as_object().into_iter().flatten();
    // Bills are booked on expense categories, and nothing else is fetched.
    let documents = financial["documents"].as_array().map(Vec::as_slice);
    let only_bills = makes_bills(financial) && documents.is_some_and(|all| all == ["invoice"]);
    let is_missing = accounts.all(|(_, value)| is_empty(value)) && !only_bills;
    is_missing.then(|| {
        let message = "is empty, so that every financial document will be acknowledged and park; \
                       set by_code and by_party at least";
        ("accounts", message.to_string())
    })
}

/// A tax that the company gets back and that no bill can show makes an invoice a journal entry.
fn taxes_without_bills(financial: &Value) -> Option<(&'static str, String)> {
    if !makes_bills(financial) {
        return None;
    }
    let none = Map::new();
    let table = |value: &'_ Value| value.as_object().cloned().unwrap_or(none.clone());
    let (by_tax, taxes) = (
        table(&financial["accounts"]["by_tax"]),
        table(&financial["bills"]["taxes"]),
    );
    // An invoice names the code alone.
    let codes = by_tax.keys().map(|key| {
        let code = key.rsplit_once('/').map(|(_, code)| code);
        code.unwrap_or(key)
    });
    let missing: BTreeSet<&str> = codes.filter(|code| !taxes.contains_key(*code)).collect();
    (!missing.is_empty()).then(|| {
        let message = format!(
            "does not have {}, which accounts.by_tax has: a supplier's invoice with such a tax \
             becomes a journal entry and no bill; add it with its rate and FreshBooks' name, such \
             as \"13% HST\"",
            missing.into_iter().collect::<Vec<_>>().join(", ")
        );
        ("bills.taxes", message)
    })
}

fn makes_bills(financial: &Value) -> bool {
    let documents = financial["documents"].as_array();
    let fetches_invoices = documents.is_none_or(|all| all.iter().any(|one| one == "invoice"));
    financial["invoices"] == "bill" && fetches_invoices
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings_found(financial: &str) -> Vec<String> {
        let financial: Value = serde_json::from_str(financial).expect("is JSON");
        let found = of_connection("acme", &financial).into_iter();
        let found = found.map(|finding| {
            assert_eq!(finding.verdict, Verdict::Warning);
            format!("{}: {}", finding.subject, finding.message)
        });
        found.collect()
    }

    #[test]
    fn accounts_that_name_none_are_told() {
        let tables = r#""accounts": {"by_code": {}, "by_tax": {}}"#;
        for accounts in [r#""documents": ["expense"]"#, r#""accounts": {}"#, tables] {
            let found = settings_found(&format!(r#"{{"enabled": true, {accounts}}}"#));
            assert_eq!(found.len(), 1, "{accounts}: {found:?}");
            let begin = "connections.acme.financial.accounts: is empty, so that every financial";
            assert!(found[0].starts_with(begin), "{}", found[0]);
            let off = settings_found(&format!(r#"{{"enabled": false, {accounts}}}"#));
            assert!(off.is_empty(), "{off:?}");
        }
        for filled in [
            r#""accounts": {"by_party": {"EMPL": "641"}}"#,
            r#""accounts": {"cash_advances": "641"}"#,
            r#""invoices": "bill", "documents": ["invoice"]"#,
        ] {
            let found = settings_found(&format!(r#"{{"enabled": true, {filled}}}"#));
            assert!(found.is_empty(), "{found:?}");
        }
    }

    #[test]
    fn a_tax_that_bills_lack_is_told() {
        let with = |invoices: &str, taxes: &str| {
            settings_found(&format!(
                r#"{{"enabled": true, "invoices": "{invoices}", "bills": {{"taxes": {taxes}}},
                "accounts": {{"by_tax": {{"CAHST/H13": "651", "G5": "652"}}}}}}"#
            ))
        };
        let found = with("bill", r#"{"H13": "13% HST"}"#);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("connections.acme.financial.bills.taxes: does not have G5, which"),
            "{}",
            found[0]
        );
        assert!(with("bill", "{}")[0].contains("does not have G5, H13"));
        assert!(with("bill", r#"{"H13": "13% HST", "G5": "5% GST"}"#).is_empty());
        assert!(with("journal-entry", "{}").is_empty());
    }
}
