//! Reading the body of a v3 entry (source: concur-expense-entries).

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::config::{ExpenseConfig, WriteOnReadOnly};
use super::custom_fields::write_v3;
use super::report::Entry;
use super::schema::ENTRY;
use crate::concur::gateway::GatewayError;
use crate::money::{Currency, decimal, parse_decimal};

/// What POST cannot do without.
const REQUIRED: [&str; 6] = [
    "ReportID",
    "ExpenseTypeCode",
    "TransactionDate",
    "PaymentTypeID",
    "TransactionAmount",
    "TransactionCurrencyCode",
];

/// Fields of which the page says that they are read-only, and the API description does not.
const CONTESTED: [&str; 4] = [
    "VendorDescription",
    "VendorListItemID",
    "ExchangeRate",
    "IsBillable",
];

/// The body as an object that the API description knows whole.
pub(super) fn read_body(
    bytes: &[u8],
    config: &ExpenseConfig,
) -> Result<Map<String, Value>, GatewayError> {
    let Ok(Value::Object(body)) = serde_json::from_slice(bytes) else {
        return Err(GatewayError::bad_request(
            "The request body could not be read.",
        ));
    };
    match ENTRY.problems(&body, config.unknown_fields).first() {
        Some(problem) => {
            let message = format!("{} {}.", problem.source, problem.message);
            Err(GatewayError::bad_request(message))
        }
        None => Ok(body),
    }
}

/// Refuses a POST that lacks something, or is for a distance.
pub(super) fn check_required(body: &Map<String, Value>) -> Result<(), GatewayError> {
    if body.contains_key("Journey") {
        let message = "The expense type is not a mileage expense type.";
        return Err(GatewayError::bad_request(message));
    }
    let is_missing = |name: &&&str| body.get(**name).is_none_or(Value::is_null);
    match REQUIRED.iter().find(is_missing) {
        Some(name) => {
            let message = format!("Required field {name} is missing.");
            Err(GatewayError::bad_request(message))
        }
        None => Ok(()),
    }
}

/// Writes what a body has into an entry of a report in a currency.
pub(super) fn write_entry(
    body: &Map<String, Value>,
    config: &ExpenseConfig,
    entry: &mut Entry,
) -> Result<(), GatewayError> {
    write_types(body, config, entry)?;
    write_amount(body, entry)?;
    write_texts(body, entry);
    for name in CONTESTED {
        if let Some(value) = body.get(name).filter(|value| !value.is_null()) {
            write_contested(name, value, config, entry)?;
        }
    }
    let customs = body
        .iter()
        .filter(|(name, _)| name.starts_with("Custom") || name.starts_with("OrgUnit"));
    for (name, value) in customs {
        let text = value.as_str().unwrap_or_default();
        let written = write_v3(name, text, config, &mut entry.customs);
        written.map_err(GatewayError::bad_request)?;
    }
    Ok(())
}

fn write_types(
    body: &Map<String, Value>,
    config: &ExpenseConfig,
    entry: &mut Entry,
) -> Result<(), GatewayError> {
    if let Some(code) = body.get("ExpenseTypeCode").and_then(Value::as_str) {
        let kind = config.expense_type(code);
        let unknown = || GatewayError::bad_request(format!("ExpenseTypeCode {code} is not valid."));
        entry.expense_type = kind.ok_or_else(unknown)?.code.clone();
    }
    if let Some(id) = body.get("PaymentTypeID").and_then(Value::as_str) {
        let kind = config.payment_type_of_v3(id);
        let unknown = || GatewayError::bad_request("PaymentTypeID is not valid.");
        entry.payment_type = kind.ok_or_else(unknown)?.id.clone();
    }
    Ok(())
}

fn write_amount(body: &Map<String, Value>, entry: &mut Entry) -> Result<(), GatewayError> {
    if let Some(code) = body.get("TransactionCurrencyCode").and_then(Value::as_str) {
        let currency = Currency::parse(code);
        let message = "TransactionCurrencyCode is not valid.";
        entry.currency = currency.ok_or_else(|| GatewayError::bad_request(message))?;
    }
    if let Some(value) = body
        .get("TransactionAmount")
        .filter(|value| !value.is_null())
    {
        let amount = decimal(value);
        let message = "TransactionAmount is not valid.";
        entry.amount = amount.ok_or_else(|| GatewayError::bad_request(message))?;
    }
    Ok(())
}

fn write_texts(body: &Map<String, Value>, entry: &mut Entry) {
    let fields = [
        ("TransactionDate", &mut entry.day),
        ("Description", &mut entry.description),
        ("LocationID", &mut entry.location),
        ("TaxReceiptType", &mut entry.receipt_type),
    ];
    for (name, field) in fields {
        if let Some(text) = body.get(name).and_then(Value::as_str) {
            text.clone_into(field);
        }
    }
    if let Some(personal) = body.get("IsPersonal").and_then(Value::as_bool) {
        entry.personal = personal;
    }
}

fn write_contested(
    name: &str,
    value: &Value,
    config: &ExpenseConfig,
    entry: &mut Entry,
) -> Result<(), GatewayError> {
    let switch = match name {
        "ExchangeRate" => config.exchange_rate,
        "IsBillable" => config.is_billable,
        _ => config.vendor_fields,
    };
    match switch {
        WriteOnReadOnly::Dropped => return Ok(()),
        WriteOnReadOnly::Refused => {
            return Err(GatewayError::bad_request(format!("{name} is read-only.")));
        }
        WriteOnReadOnly::Written => {}
    }
    match name {
        "ExchangeRate" => entry.rate = decimal(value).unwrap_or(entry.rate),
        "IsBillable" => entry.billable = value.as_bool().unwrap_or_default(),
        "VendorDescription" => value
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut entry.vendor),
        _ => value
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut entry.vendor_item),
    }
    Ok(())
}

/// The company's rate from one currency to another: 1 if it has none.
pub(super) fn company_rate(
    spent: Currency,
    report: Currency,
    config: &ExpenseConfig,
) -> Result<Decimal, GatewayError> {
    if spent == report {
        return Ok(Decimal::ONE);
    }
    let pair = format!("{}/{}", spent.code(), report.code());
    let rate = config.exchange_rates.get(&pair);
    match rate.and_then(|rate| parse_decimal(rate)) {
        Some(rate) => Ok(rate),
        None if config.missing_rate_refused => {
            let message = format!("There is no exchange rate for {pair}.");
            Err(GatewayError::bad_request(message))
        }
        None => Ok(Decimal::ONE),
    }
}
