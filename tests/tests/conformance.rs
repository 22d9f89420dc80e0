//! SAP's published samples of financial documents, each with the entry that it must become.
//!
//! `ML_CONNECTOR_FINANCIAL_DOCUMENTS` names a directory with them; CONTRIBUTING says where they are
//! published. The expected postings were worked out by hand, from the rows of each document and the
//! documented use cases.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use comfy_table::{CellAlignment, Table, presets};
use ml_connector_component::contract::mapping::{Posting, Side, TranslatedRecord, Translation};
use ml_connector_component::mapping::preview;
use ml_connector_component::settings::Settings;
use serde_json::{Value, json};

const VARIABLE: &str = "ML_CONNECTOR_FINANCIAL_DOCUMENTS";

/// Concur's word for an account, the cost code, the debit and the credit.
type Expected = (&'static str, &'static str, &'static str, &'static str);

/// What each sample must become, by file name.
const SAMPLES: [(&str, &[Expected]); 12] = [
    // An advance of 300 in the employee's currency, paid out in cash.
    (
        "FI-API-CashAdvanceID-2E6DA12BB8B87D468BD666383E44033D-Example-5.2.1.json",
        &[("CADV", "", "300.00", ""), ("EMPL", "", "", "300.00")],
    ),
    (
        "FI-API-CashAdvanceID-E2A086D30B88AE4683BC48ADE47B8116-Example-5.1.1.json",
        &[("CASH", "", "7000.00", ""), ("EMPL", "", "", "7000.00")],
    ),
    // A hotel bill in three entries of 250, 50 and 25, all paid by the company.
    (
        "FI-API-ReportID-0C45F960C3064ED88C39-Example-3.1.json",
        &[
            ("474230", "21-BELLEV1", "325.00", ""),
            ("COPD", "", "", "325.00"),
        ],
    ),
    // Car rental 245, a dinner of two rows 5 and 55, parking 10; 245 and 55 of them were paid with
    // the advance.
    (
        "FI-API-ReportID-14A40453BED6493EB53F-Example-5.2.1.json",
        &[
            ("109", "", "245.00", ""),
            ("105", "", "60.00", ""),
            ("130", "", "10.00", ""),
            ("EMPL", "", "", "315.00"),
            ("EMPL", "", "300.00", ""),
            ("CADV", "", "", "300.00"),
        ],
    ),
    // Lodging twice 125 and a dinner of 20 on the card, a taxi of 35 in cash; one account.
    (
        "FI-API-ReportID-1B25850DD8B94D5F8B2D-Example-6.1.6.json",
        &[
            ("474230", "21-BELLEV1", "305.00", ""),
            ("IBCP", "", "", "270.00"),
            ("EMPL", "", "", "35.00"),
        ],
    ),
    // Mileage.
    (
        "FI-API-ReportID-473498AF26AE45A094A6-Example-1.3.json",
        &[("54", "21-BELLEV1", "24.30", ""), ("EMPL", "", "", "24.30")],
    ),
    // Petrol with a value-added tax of 15.97 that is not given back.
    (
        "FI-API-ReportID-641C4F998328438284A2-Example-2.2.json",
        &[("474210", "", "100.00", ""), ("EMPL", "", "", "100.00")],
    ),
    // A refund: the employee pays the company.
    (
        "FI-API-ReportID-6517F735E33A47B98D80-Example-1.2.json",
        &[("5", "21-BELLEV1", "", "50.00"), ("EMPL", "", "50.00", "")],
    ),
    // Without a total: a taxi of 10 and a train of 20, paid by the company, approved as such.
    (
        "FI-API-ReportID-B1041655B4CE4171BDAA-Example-1.1.json",
        &[
            ("474230", "21-KING", "10.00", ""),
            ("474210", "21-KING", "20.00", ""),
            ("COPD", "", "", "30.00"),
        ],
    ),
    // Car rental on the card, postage in cash.
    (
        "FI-API-ReportID-CDFDE0F4CACE4426A913-Example-6.1.2.json",
        &[
            ("11", "", "56.10", ""),
            ("IBCP", "", "", "56.10"),
            ("56", "", "23.00", ""),
            ("EMPL", "", "", "23.00"),
        ],
    ),
    // Laundry with a value-added tax of 1.60 that is given back in full.
    (
        "FI-API-ReportID-F071FADEA6B142DD884A-Example-2.1.json",
        &[
            ("37", "11-KING", "8.40", ""),
            ("DEVAT/VA", "", "1.60", ""),
            ("EMPL", "", "", "10.00"),
        ],
    ),
    // Two taxes of 2.43 and 3.89, of which 1.22 and 1.95 are given back.
    (
        "FI-API-ReportID-FABA2A8599224AE5A6C8-Example-2.4.json",
        &[
            ("474210", "70-AUT", "51.83", ""),
            ("CAGST/JC1E", "", "1.22", ""),
            ("CAPST/JC2T", "", "1.95", ""),
            ("EMPL", "", "", "55.00"),
        ],
    ),
];

#[test]
fn the_published_samples_become_the_expected_entries() {
    let Some(directory) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
        println!("Skipped: {VARIABLE} names no directory with SAP's published samples.");
        return;
    };
    let numbers = numbers();
    let settings = settings(&numbers);
    let mut missing: BTreeSet<&str> = SAMPLES.iter().map(|(name, _)| *name).collect();
    let files = std::fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<_> = files
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    files.sort();
    for file in files {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read_to_string(&file).expect("is readable");
        for translation in translated(&settings, &name, &text) {
            println!("{name}\n{}\n", table(&translation));
            if let Some((sample, expected)) = SAMPLES.iter().find(|(sample, _)| *sample == name) {
                missing.remove(sample);
                assert_eq!(
                    found(&translation, &numbers),
                    self::expected(expected),
                    "{name}"
                );
            }
        }
    }
    assert!(
        missing.is_empty(),
        "not in {}: {missing:?}",
        directory.display()
    );
}

/// Whatever else is in the directory is shown; SAP's own samples must be translated.
fn translated(settings: &Settings, name: &str, text: &str) -> Vec<TranslatedRecord> {
    let known = SAMPLES.iter().any(|(sample, _)| *sample == name);
    match preview(settings, &kind(text), text) {
        Ok(translations) => translations.into_iter().filter_map(record).collect(),
        Err(problems) if known => panic!("{name}: {problems:?}"),
        Err(problems) => {
            println!("{name}\n{problems:?}\n");
            Vec::new()
        }
    }
}

fn record(translation: Translation) -> Option<TranslatedRecord> {
    match translation {
        Translation::Record(record) => Some(record),
        Translation::Nothing(note) => {
            println!("nothing: {}", note.message);
            None
        }
    }
}

fn kind(text: &str) -> String {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    match value["fIDocuments"][0]["docType"].as_str() {
        Some("cashadvance") => "cash-advance-document".to_string(),
        Some(other) => format!("{other}-document"),
        None => "expense-document".to_string(),
    }
}

/// A number for every name that the expected entries have, since FreshBooks' accounts are numbers.
fn numbers() -> BTreeMap<&'static str, String> {
    let names: BTreeSet<_> = SAMPLES
        .iter()
        .flat_map(|(_, lines)| lines.iter().map(|line| line.0))
        .collect();
    names
        .into_iter()
        .zip((1..).map(|number: u32| number.to_string()))
        .collect()
}

fn settings(numbers: &BTreeMap<&str, String>) -> Settings {
    let of = |wanted: fn(&str) -> bool| -> BTreeMap<_, _> {
        numbers.iter().filter(|(name, _)| wanted(name)).collect()
    };
    let is_party = |name: &str| matches!(name, "EMPL" | "IBCP" | "COPD");
    let json = json!({
        "freshbooks": {"account_id": "a", "business_id": 1, "client_id": "c",
            "redirect_uri": "https://sync.example.test/"},
        "concur": {"company_id": "u", "client_id": "c"},
        "payment_request": {"employee_id": "e"},
        "currencies": ["CAD", "EUR", "GBP", "USD"],
        "financial": {"enabled": true, "cost_code_field": "Custom4", "accounts": {
            "by_party": of(is_party),
            "by_tax": of(|name| name.contains('/')),
            "by_code": of(|name| !name.contains('/') && !matches!(name, "EMPL" | "IBCP" | "COPD")),
        }},
    });
    Settings::load("acme", &json.to_string()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

type Lines = BTreeSet<[String; 4]>;

fn expected(lines: &[Expected]) -> Lines {
    let line = |(name, cost_code, debit, credit): &Expected| {
        [name, cost_code, debit, credit].map(ToString::to_string)
    };
    lines.iter().map(line).collect()
}

fn found(translation: &TranslatedRecord, numbers: &BTreeMap<&str, String>) -> Lines {
    let line = |posting: &Posting| {
        let name = numbers
            .iter()
            .find(|(_, number)| **number == posting.account);
        let name = name.map_or("?", |(name, _)| name).to_string();
        let [debit, credit] = by_side(posting);
        let cost_code = posting.cost_code.clone().unwrap_or_default();
        [name, cost_code, debit, credit]
    };
    let lines: Lines = translation.postings.iter().map(line).collect();
    assert_eq!(lines.len(), translation.postings.len(), "{translation:?}");
    lines
}

/// The amount in the column of debits or in that of credits.
fn by_side(posting: &Posting) -> [String; 2] {
    let amount = posting.amount.clone();
    match posting.side {
        Side::Debit => [amount, String::new()],
        Side::Credit => [String::new(), amount],
    }
}

fn table(translation: &TranslatedRecord) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["ACCOUNT", "COST CODE", "DEBIT", "CREDIT"]);
    for posting in &translation.postings {
        let [debit, credit] = by_side(posting);
        let cost_code = posting.cost_code.clone().unwrap_or_default();
        table.add_row([posting.label.clone(), cost_code, debit, credit]);
    }
    for amounts in [2, 3] {
        if let Some(column) = table.column_mut(amounts) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
