//! Settings and vendors that fit together, for scenarios, models and benchmarks.

use ml_connector_component::contract::runs::Ending;
use ml_connector_sandbox::SandboxConfig;
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
