//! SAP's published samples of financial documents, each with the entry that it must become.
//!
//! `ML_CONNECTOR_FINANCIAL_DOCUMENTS` names a directory with them; CONTRIBUTING says where they are
//! published. The expected postings were worked out by hand, from the rows of each document and the
//! documented use cases. Whatever else is in the directory must become an entry that balances and
//! comes to the document's total, or be refused with a reason; the printed table says which.

mod published_samples;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use comfy_table::{CellAlignment, Table, presets};
use ml_connector_component::contract::mapping::{Posting, Side, TranslatedRecord, Translation};
use ml_connector_component::mapping::preview;
use ml_connector_component::settings::Settings;
use published_samples::{Expected, OWN_TYPES, SAMPLES};
use rust_decimal::Decimal;
use serde_json::{Value, json};

const VARIABLE: &str = "ML_CONNECTOR_FINANCIAL_DOCUMENTS";

#[test]
fn the_published_samples_become_the_expected_entries() {
    let Some(directory) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
        println!("Skipped: {VARIABLE} names no directory with SAP's published samples.");
        return;
    };
    let documents = documents(&directory);
    let chart = Chart::of(documents.values());
    // With and without accounts for the customers' own payment types: the card is the same.
    for own_types in [true, false] {
        let settings = chart.settings(own_types);
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header([
            "DOCUMENT, ACCOUNT",
            "COST CODE",
            "DEBIT",
            "CREDIT",
            "",
        ]);
        let mut counts = BTreeMap::new();
        for (name, text) in &documents {
            let verdict = compare(name, text, &settings, &chart, &mut table);
            *counts.entry(verdict).or_insert(0_u32) += 1;
        }
        for amounts in [2, 3] {
            let column = table.column_mut(amounts).expect("is there");
            column.set_cell_alignment(CellAlignment::Right);
        }
        if !own_types {
            println!("{table}\n");
            for (verdict, count) in counts {
                println!("{count:>6} {verdict}");
            }
        }
    }
    let is_missing = |sample: &&str| !documents.contains_key(*sample);
    let samples = SAMPLES.iter().map(|(sample, _)| *sample);
    let missing: Vec<_> = samples.filter(is_missing).collect();
    for sample in &missing {
        println!("not there: {sample}");
    }
    assert!(missing.len() < SAMPLES.len(), "none of SAP's samples");
}

/// The files of a directory as text, by name.
fn documents(directory: &PathBuf) -> BTreeMap<String, String> {
    let files = std::fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let named = |file: PathBuf| {
        let name = file.file_name()?.to_string_lossy().into_owned();
        let bytes = std::fs::read(file).ok()?;
        Some((name, String::from_utf8_lossy(&bytes).into_owned()))
    };
    let files = files.filter_map(|entry| Some(entry.ok()?.path()));
    files.filter_map(named).collect()
}

/// Adds a document and its postings to the table; says what came of it.
///
/// # Panics
///
/// If it is not as expected, or does not balance, or does not come to its total.
fn compare(
    name: &str,
    text: &str,
    settings: &Settings,
    chart: &Chart,
    table: &mut Table,
) -> &'static str {
    let sample = SAMPLES.iter().find(|(sample, _)| *sample == name);
    let translations = match (preview(settings, &kind(text), text), sample) {
        (Ok(translations), _) => translations,
        (Err(problems), Some(_)) => panic!("{name}: {problems:?}"),
        (Err(problems), None) => {
            add(table, name, "refused, not compared");
            for problem in problems {
                assert!(!problem.code.is_empty() && !problem.message.is_empty());
                add(table, &format!("  {}", problem.message), &problem.code);
            }
            return "refused, not compared";
        }
    };
    let records: Vec<_> = translations.into_iter().filter_map(record).collect();
    let verdict = match sample {
        Some((_, expected)) => {
            let [record] = &records[..] else {
                panic!("{name} is not one entry: {records:?}");
            };
            assert_eq!(chart.found(record), self::expected(expected), "{name}");
            "as expected"
        }
        None if records.is_empty() => "nothing to post, not compared",
        None => "balances, not compared",
    };
    add(table, name, verdict);
    for (record, document) in records.iter().zip(inner(text)) {
        check_balance(name, record);
        chart.check_total(name, record, &document);
        for posting in &record.postings {
            let [debit, credit] = by_side(posting);
            let cost_code = posting.cost_code.clone().unwrap_or_default();
            let label = format!("  {}", posting.label);
            table.add_row([label, cost_code, debit, credit, String::new()]);
        }
    }
    verdict
}

fn add(table: &mut Table, name: &str, verdict: &str) {
    let name: String = name.chars().take(80).collect();
    table.add_row([name.as_str(), "", "", "", verdict]);
}

fn record(translation: Translation) -> Option<TranslatedRecord> {
    match translation {
        Translation::Record(record) => Some(record),
        Translation::Nothing(_) => None,
    }
}

fn check_balance(name: &str, record: &TranslatedRecord) {
    let sum: Decimal = record.postings.iter().map(signed).sum();
    assert!(sum.is_zero(), "{name} does not balance: {record:?}");
}

/// A debit as a positive amount.
fn signed(posting: &Posting) -> Decimal {
    let amount: Decimal = posting.amount.parse().expect("is a number");
    match posting.side {
        Side::Debit => amount,
        Side::Credit => -amount,
    }
}

/// The documents in a file, whatever they came wrapped in.
fn inner(text: &str) -> Vec<Value> {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let rows = [&value["fIDocuments"], &value["content"]];
    let rows = rows.into_iter().find_map(Value::as_array).cloned();
    let rows = rows.unwrap_or_else(|| vec![value.clone()]);
    let document = |row: Value| match &row["document"] {
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        Value::Null => row,
        document => document.clone(),
    };
    rows.into_iter().map(document).collect()
}

fn kind(text: &str) -> String {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let row = ["fIDocuments", "content"].map(|list| value[list][0]["docType"].as_str());
    let named = row
        .into_iter()
        .flatten()
        .next()
        .or(value["docType"].as_str());
    let document = inner(text).into_iter().next().unwrap_or_default();
    let kind = match named {
        Some("cashadvance") => "cash-advance",
        Some(other) => other,
        None if document["cashAdvanceData"].is_object() => "cash-advance",
        None if document["requestHeader"].is_object() => "invoice",
        None if text.contains("\"payrollData\"") => "payroll",
        None => "expense",
    };
    format!("{kind}-document")
}

const PARTIES: [&str; 7] = ["EMPL", "IBCP", "CBCP", "COPD", "VENDOR", "PAYROLL", "CARD"];

const CURRENCIES: [&str; 18] = [
    "AUD", "BRL", "CAD", "CHF", "DKK", "EUR", "GBP", "HKD", "INR", "JPY", "KWD", "MXN", "NOK",
    "NZD", "SEK", "SGD", "USD", "ZAR",
];

/// Members that name an account on which something is cleared or owed.
const LIABILITIES: [&str; 3] = [
    "liabilityAccountCode",
    "payrollPaymentClearingAccountCode",
    "cashAdvanceClearingAccountCode",
];

/// A FreshBooks account for every name of the documents, since FreshBooks' accounts are numbers.
struct Chart {
    codes: BTreeMap<String, String>,
    taxes: BTreeMap<String, String>,
    parties: BTreeMap<String, String>,
    expense_types: BTreeMap<String, String>,
}

impl Chart {
    fn of<'a>(texts: impl Iterator<Item = &'a String>) -> Self {
        let mut names: [BTreeSet<String>; 3] = Default::default();
        for document in texts.flat_map(|text| inner(text)) {
            gather(&document, &mut names);
        }
        let own_types = OWN_TYPES.iter().map(|(own, _)| *own);
        let parties = PARTIES.into_iter().chain(own_types);
        let mut numbers = (1..).map(|number: u32| number.to_string());
        let mut numbered = |names: BTreeSet<String>| names.into_iter().zip(&mut numbers).collect();
        let [codes, taxes, expense_types] = names;
        Self {
            codes: numbered(codes),
            taxes: numbered(taxes),
            expense_types: numbered(expense_types),
            parties: numbered(parties.map(str::to_string).collect()),
        }
    }

    fn settings(&self, own_types: bool) -> Settings {
        let is_own = |party: &str| OWN_TYPES.iter().any(|(own, _)| *own == party);
        let mut parties = self.parties.clone();
        parties.retain(|party, _| own_types || !is_own(party));
        let json = json!({
            "freshbooks": {"account_id": "a", "business_id": 1, "client_id": "c",
                "redirect_uri": "https://sync.example.test/"},
            "concur": {"company_id": "u", "client_id": "c"},
            "payment_request": {"employee_id": "e"},
            "currencies": CURRENCIES,
            "financial": {"enabled": true, "cost_code_field": "Custom4", "accounts": {
                "by_party": parties,
                "by_tax": self.taxes,
                "by_code": self.codes,
                "by_expense_type": self.expense_types,
            }},
        });
        Settings::load("acme", &json.to_string()).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    /// What Concur calls an account; a customer's own payment type is the card that it is.
    fn name(&self, account: &str) -> &str {
        let tables = [&self.codes, &self.taxes, &self.parties, &self.expense_types];
        let mut names = tables.into_iter().flatten();
        let name = names.find(|(_, number)| *number == account);
        let name = name.map_or("?", |(name, _)| name);
        let own = OWN_TYPES.iter().find(|(own, _)| *own == name);
        own.map_or(name, |(_, card)| card)
    }

    fn found(&self, record: &TranslatedRecord) -> Lines {
        let line = |posting: &Posting| {
            let [debit, credit] = by_side(posting);
            let cost_code = posting.cost_code.clone().unwrap_or_default();
            [
                self.name(&posting.account).to_string(),
                cost_code,
                debit,
                credit,
            ]
        };
        let lines: Lines = record.postings.iter().map(line).collect();
        assert_eq!(lines.len(), record.postings.len(), "{record:?}");
        lines
    }

    /// What is owed must be the document's own total, where it has one and its accounts of costs
    /// are not among those on which something is owed.
    fn check_total(&self, name: &str, record: &TranslatedRecord, document: &Value) {
        let mut owed = BTreeSet::new();
        let mut costs = BTreeSet::new();
        members(document, &mut |key, value| {
            let text = text(value);
            if LIABILITIES.contains(&key) {
                owed.extend(text);
            } else if matches!(key, "journalAccountCode" | "accountCode") {
                costs.extend(text);
            }
        });
        let total = [
            &document["report"]["totalApprovedAmount"],
            &document["requestHeader"]["requestTotal"],
        ];
        let total = total.into_iter().find_map(text);
        let total = total.or_else(|| issued(document));
        let Some(total) = total.filter(|_| owed.is_disjoint(&costs)) else {
            return;
        };
        let total = Decimal::from_scientific(&total).or_else(|_| total.parse());
        let is_owed = |account: &str| {
            let name = self.name(account);
            PARTIES.contains(&name) || owed.contains(name)
        };
        let postings = record.postings.iter();
        let owed = postings.filter(|posting| is_owed(&posting.account));
        let owed: Decimal = owed.map(signed).sum();
        assert_eq!(Ok(-owed), total, "{name}: {record:?}");
    }
}

/// What was asked for of an advance that is issued in the employee's own currency.
fn issued(document: &Value) -> Option<String> {
    let advance = &document["cashAdvanceData"];
    let is_own = advance["currencyAlphaCode"] == advance["employeeCurrencyAlphaCode"];
    let is_issued = text(&advance["transactionType"]).is_some_and(|kind| kind == "1");
    let mut comes_back = false;
    members(document, &mut |key, value| {
        let negative = text(value).is_some_and(|amount| amount.starts_with('-'));
        comes_back |= key == "amount" && negative;
    });
    text(&advance["requestAmount"]).filter(|_| is_own && is_issued && !comes_back)
}

/// Gathers account codes, taxes and expense types.
fn gather(document: &Value, names: &mut [BTreeSet<String>; 3]) {
    members(document, &mut |key, value| {
        if key.ends_with("AccountCode") || key == "accountCode" {
            names[0].extend(text(value));
        } else if key == "expenseTypeCode" {
            names[2].extend(text(value));
        }
        let Some(tax) = value.as_object().filter(|_| key == "tax") else {
            return;
        };
        let code = ["taxCode", "taxReclaimCode"].map(|code| tax.get(code).and_then(text));
        let code = code.into_iter().flatten().next();
        let authority = tax.get("taxAuthorityLabel").and_then(text);
        names[1].extend(match (authority, code) {
            (Some(authority), Some(code)) => Some(format!("{authority}/{code}")),
            (authority, code) => code.or(authority),
        });
    });
}

/// Visits every member of every object; the items of a list under the list's name.
fn members(value: &Value, visit: &mut impl FnMut(&str, &Value)) {
    let Some(object) = value.as_object() else {
        return;
    };
    for (key, value) in object {
        for item in value
            .as_array()
            .map_or(std::slice::from_ref(value), Vec::as_slice)
        {
            visit(key, item);
            members(item, visit);
        }
    }
}

fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_string(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

type Lines = BTreeSet<[String; 4]>;

fn expected(lines: &[Expected]) -> Lines {
    let line = |(name, cost_code, debit, credit): &Expected| {
        [name, cost_code, debit, credit].map(ToString::to_string)
    };
    lines.iter().map(line).collect()
}

/// The amount in the column of debits or in that of credits.
fn by_side(posting: &Posting) -> [String; 2] {
    let amount = posting.amount.clone();
    match posting.side {
        Side::Debit => [amount, String::new()],
        Side::Credit => [String::new(), amount],
    }
}
