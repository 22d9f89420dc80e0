//! Settings and vendors that fit together, for scenarios, models and benchmarks.

use ml_connector_component::contract::runs::Ending;
use ml_connector_sandbox::{FreshBooks, SandboxConfig};
use serde_json::{Value, json};

use crate::mind::Through;
use crate::sim::Sim;

/// Settings that map everything that the sandbox has by default. `ambiguity` is `park` or `resend`.
#[must_use]
pub fn settings(ambiguity: &str) -> Value {
    let config = SandboxConfig::default();
    let concur_app = &config.concur.apps[0];
    json!({
        "freshbooks": {
            "account_id": config.freshbooks.account_id,
            "business_id": config.freshbooks.business_id,
            "client_id": config.freshbooks.apps[0].client_id,
            "redirect_uri": config.freshbooks.apps[0].redirect_uris[0],
        },
        "concur": {"company_id": config.concur.company_uuid, "client_id": concur_app.client_id},
        "vendor": {"default_country": "DE"},
        "payment_request": {
            "employee_login_id": "ap.clerk@example.test",
            "ledger_code": "DEFAULT",
            "ambiguity": ambiguity,
        },
        "currencies": ["CAD", "EUR", "GBP", "JPY", "KWD", "USD"],
        "expense_types": {"default": "OFFSP", "by_category": {"3344": "TRVL", "3342": "PROFS"}},
        "taxes": {"HST": "H13", "MwSt": "V19"},
        "projects": {},
    })
}

/// The same with the way back: every account that the sandbox's documents name is mapped to the
/// sub-account of that name.
#[must_use]
pub fn both_ways(ambiguity: &str) -> Value {
    let mut settings = settings(ambiguity);
    settings["financial"] = json!({
        "enabled": true,
        "ambiguity": ambiguity,
        "accounts": {
            "by_code": accounts(&[
                ("1150", "Cash Advances"), ("2150", "Card Clearing"), ("2160", "Company Billed Cards"),
                ("6100", "Hotels"), ("6200", "Taxi"), ("6210", "Parking"), ("6300", "Meals"),
                ("6310", "Entertainment"), ("6400", "Office Supplies"), ("6450", "Consulting"),
                ("6500", "Car Rental"), ("6600", "Airfare"),
            ]),
            "by_party": accounts(&[
                ("EMPL", "Employee Payables"), ("VENDOR", "Vendor Payables"), ("IBCP", "Individually Billed Cards"),
                ("CBCP", "Company Billed Cards"), ("COPD", "Company Paid"), ("PAYROLL", "Wages Payable"),
            ]),
            "by_tax": accounts(&[
                ("CAHST/H13", "HST Receivable"), ("CAPST/P06", "QST Receivable"), ("DEVAT/V19", "Input VAT"),
                ("DEVAT/V07", "Input VAT"), ("JPCT/C10", "Consumption Tax Receivable"),
                ("SALES/S05", "GST Receivable"), ("CITY/S02", "GST Receivable"),
            ]),
            "by_wage_type": accounts(&[("M010", "Wages")]),
        },
    });
    settings
}

fn accounts(names: &[(&str, &str)]) -> Value {
    let config = SandboxConfig::default();
    let chart = FreshBooks::new(config.seed, config.freshbooks).accounts();
    let mapped = names.iter().map(|(code, name)| {
        let found = chart
            .iter()
            .find(|account| account.name == *name && account.sub_account_id.is_some());
        let id = found.and_then(|account| account.sub_account_id);
        let id = id.unwrap_or_else(|| panic!("the chart has no sub-account {name}"));
        ((*code).to_string(), Value::from(id.to_string()))
    });
    Value::Object(mapped.collect())
}

/// A simulator with everything connected.
#[must_use]
pub fn sim(through: Through, ambiguity: &str) -> Sim {
    with(through, &settings(ambiguity))
}

/// The same with these settings.
#[must_use]
pub fn with(through: Through, settings: &Value) -> Sim {
    Sim::new(
        SandboxConfig::default(),
        through.mind(&settings.to_string()),
    )
}

/// A client in Toronto.
#[must_use]
pub fn client() -> Value {
    json!({"organization": "Northwind Paper Ltd", "email": "ap@northwind.example", "currency_code": "CAD",
           "p_street": "12 Mill Lane", "p_city": "Toronto", "p_province": "ON", "p_code": "M5V 2T6",
           "p_country": "Canada"})
}

/// A sent invoice over two lines, one of them taxed: 600.00 + 78.00 HST + 400.00.
#[must_use]
pub fn invoice(client: u64, number: &str) -> Value {
    json!({"customerid": client, "create_date": "2026-02-27", "due_offset_days": 30, "currency_code": "CAD",
           "invoice_number": number, "status": 2, "lines": [
        {"type": 0, "name": "Copy paper", "description": "A4", "qty": "10",
         "unit_cost": {"amount": "60.00", "code": "CAD"}, "taxName1": "HST", "taxAmount1": "13"},
        {"type": 0, "name": "Toner", "qty": "4", "unit_cost": {"amount": "100.00", "code": "CAD"}}]})
}

/// A bill vendor in Berlin.
#[must_use]
pub fn bill_vendor() -> Value {
    json!({"vendor_name": "Müller & Söhne GmbH", "currency_code": "EUR", "language": "de", "street": "Invalidenstraße 44",
           "city": "Berlin", "postal_code": "10115", "country": "Germany"})
}

/// A bill over one taxed line: 900.00 + 171.00 MwSt.
#[must_use]
pub fn bill(vendor: u64, number: &str) -> Value {
    json!({"vendorid": vendor, "issue_date": "2026-01-15", "due_offset_days": 30, "currency_code": "EUR",
           "language": "en", "bill_number": number, "lines": [
        {"categoryid": 3344, "description": "Fair booth", "quantity": "1",
         "unit_cost": {"amount": "900.00", "code": "EUR"}, "tax_name1": "MwSt", "tax_percent1": "19"}]})
}

/// One word for how a run ended.
#[must_use]
pub fn word(ending: &Ending) -> &'static str {
    match ending {
        Ending::Confirmed(_) => "confirmed",
        Ending::Unchanged(_) => "unchanged",
        Ending::Rejected(_) => "rejected",
        Ending::Parked(_) => "parked",
        Ending::Conflict(_) => "conflict",
    }
}
