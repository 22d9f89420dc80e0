//! `ml-connector.example.toml`: the component accepts it, its defaults are the real ones, and it
//! names every key. `docs/examples/sandbox-settings.json`: every document of the sandbox fits it.

use ml_connector_component::mapping::preview;
use ml_connector_component::settings::Settings;
use ml_connector_sandbox::freshbooks::{Bulk, RecordKind};
use ml_connector_sandbox::{FreshBooks, FreshBooksConfig};
use ml_connector_tests::built;

fn example() -> String {
    std::fs::read_to_string(built::root().join("ml-connector.example.toml")).expect("is there")
}

/// The connection's table as JSON text.
fn connection(text: &str) -> String {
    let root: toml::Table = toml::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    serde_json::to_string(&root["connections"]["acme"]).expect("is JSON")
}

/// The example with its defaults and samples switched on, but for keys that have no value to show.
fn switched_on(text: &str) -> String {
    let is_key =
        |line: &str| line.starts_with('#') && !line.starts_with("# ") && line.contains(" = ");
    let line = |line: &str| {
        if is_key(line) && !line.ends_with("\"\"") {
            line[1..].to_string()
        } else {
            line.to_string()
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_component_accepts_the_example_as_it_is() {
    Settings::load("acme", &connection(&example()))
        .unwrap_or_else(|problems| panic!("{problems:?}"));
}

#[test]
fn the_defaults_that_it_shows_are_the_real_ones() {
    let plain = Settings::load("acme", &connection(&example())).expect("is accepted");
    let shown = Settings::load("acme", &connection(&switched_on(&example())));
    let shown = shown.unwrap_or_else(|problems| panic!("{problems:?}"));
    let samples = Settings {
        version: plain.version.clone(),
        vendor: ml_connector_component::settings::Vendor {
            default_country: None,
            ..shown.vendor.clone()
        },
        expense_types: plain.expense_types.clone(),
        taxes: plain.taxes.clone(),
        projects: plain.projects.clone(),
        countries: plain.countries.clone(),
        subdivisions: plain.subdivisions.clone(),
        expense: ml_connector_component::settings::expense::Expense {
            categories: plain.expense.categories.clone(),
            staff: plain.expense.staff.clone(),
            payment_types: plain.expense.payment_types.clone(),
            cost_codes: plain.expense.cost_codes.clone(),
            ..shown.expense.clone()
        },
        financial: ml_connector_component::settings::financial::Financial {
            accounts: plain.financial.accounts.clone(),
            bills: ml_connector_component::settings::financial::Bills {
                language: shown.financial.bills.language.clone(),
                ..plain.financial.bills.clone()
            },
            project_expenses: ml_connector_component::settings::financial::ProjectExpenses {
                offset_account: None,
                projects: plain.financial.project_expenses.projects.clone(),
                clients: plain.financial.project_expenses.clients.clone(),
                categories: plain.financial.project_expenses.categories.clone(),
                ..shown.financial.project_expenses.clone()
            },
            schedule: plain.financial.schedule.clone(),
            ..shown.financial.clone()
        },
        ..shown.clone()
    };
    assert_eq!(samples, plain);
    assert_eq!(shown.projects["5512"], "PRJ_A");
    assert_eq!(shown.financial.accounts.by_code["6100/PRJ_A"], "636");
}

#[test]
fn every_key_that_the_component_knows_stands_in_it() {
    let mut json: serde_json::Value =
        serde_json::from_str(&connection(&example())).expect("is JSON");
    // An unknown key is answered with the known ones.
    let mut places = vec![String::new()];
    for table in [
        "freshbooks",
        "concur",
        "vendor",
        "payment_request",
        "invoice",
        "bill",
        "expense",
        "expense/report",
        "expense/tax",
        "expense_types",
        "retry",
        "sweep",
        "backfill",
        "financial",
        "financial/accounts",
        "financial/ledgers",
        "financial/posting_date",
        "financial/project_expenses",
        "financial/schedule",
        "events",
        "reference",
    ] {
        places.push(format!("/{table}"));
    }
    for place in &places {
        json.pointer_mut(place).expect("is there")["no-such-key"] = 1.into();
    }
    let problems = Settings::load("acme", &json.to_string()).expect_err("has unknown keys");
    let known: Vec<String> = problems
        .iter()
        .filter_map(|problem| problem.message.split("known here: ").nth(1))
        .flat_map(|names| {
            names
                .split(", ")
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(known.len() > 30, "{known:?}");
    let text = example();
    for key in known {
        let stands = text.contains(&format!("{key} = ")) || text.contains(&format!(".{key}]"));
        assert!(
            stands,
            "`{key}` is not explained in ml-connector.example.toml"
        );
    }
}

#[test]
fn every_document_of_the_sandbox_is_translated_in_every_reading() {
    // 2026-03-02T15:00:00Z.
    const NOW: u64 = 1_772_463_600_000;
    let json = built::root().join("docs/examples/sandbox-settings.json");
    let json = std::fs::read_to_string(json).expect("is there");
    let settings = Settings::load("acme", &json).expect("is accepted");
    for other_readings in [false, true] {
        let config = FreshBooksConfig {
            amounts_by_currency: other_readings,
            bill_without_vendorid: other_readings,
            bill_line_without_categoryid: other_readings,
            negative_discount_total: !other_readings,
            ..FreshBooksConfig::default()
        };
        let mut freshbooks = FreshBooks::new(7, config);
        let bulk = Bulk {
            clients: 40,
            invoices: 300,
            bills: 100,
            seed: 3,
            ..Bulk::default()
        };
        freshbooks.create_bulk(&bulk, NOW).expect("are created");
        for id in freshbooks.ids(RecordKind::Invoice) {
            let invoice = freshbooks.invoice(id, NOW).expect("is there").to_string();
            let previewed = preview(&settings, "invoice", &invoice);
            previewed.unwrap_or_else(|problems| panic!("{problems:?}: {invoice}"));
        }
        for id in freshbooks.ids(RecordKind::Bill) {
            let bill = freshbooks.bill(id, NOW).expect("is there").to_string();
            let previewed = preview(&settings, "bill", &bill);
            previewed.unwrap_or_else(|problems| panic!("{problems:?}: {bill}"));
        }
    }
}
