//! What a payment request should hold and what it holds, field by field in one spelling, for the
//! comparison of both systems. What makes a difference here is what `diff` would change.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::diff::{DAYS, NOT_COMPARED, NUMBERS};
use super::{Allocation, Translated};
use crate::concur::{self, PaymentRequest};
use crate::contract::reconciliation::{Field, FieldValue};
use crate::money;
use crate::settings::Settings;

/// The field with the key of the vendor: both codes.
pub(crate) const VENDOR: &str = "Vendor";
/// The field of each line.
const LINE: &str = "Line";
/// Members of the header that are compared, in the order in which people read them.
const HEADER: [&str; 8] = [
    "Name",
    "InvoiceNumber",
    "InvoiceDate",
    "PaymentDueDate",
    "CurrencyCode",
    "InvoiceAmount",
    "TaxAmount",
    "CountryCode",
];
/// Members of a line that are compared, likewise.
const LINE_MEMBERS: [&str; 7] = [
    "Description",
    "ExpenseTypeCode",
    "Quantity",
    "UnitPrice",
    "Tax",
    "TaxCode",
    "TaxCode2",
];

/// The fields that a run would write.
pub(crate) fn wanted(translated: &Translated, settings: &Settings) -> Vec<Field> {
    let header = translated.header.iter();
    let header = header
        .filter(|(name, _)| is_compared(name, settings))
        .map(|(name, value)| field(name, canonical(name, value)));
    let lines = translated.lines.iter();
    let lines = lines.map(|line| {
        let members = LINE_MEMBERS.into_iter().map(|name| {
            let value = line.fields.get(name).map(String::as_str);
            (name, value.unwrap_or_default().to_string())
        });
        let shares = line.allocations.iter().map(wanted_share);
        field(LINE, line_text(members, shares))
    });
    header.chain(lines).collect()
}

/// The fields that are there. A payment request that has lost all its lines has an empty one.
pub(crate) fn there(shown: &PaymentRequest, settings: &Settings) -> Vec<Field> {
    let shown_text = |name: &str| canonical(name, &concur::shown_text(&shown.header, name));
    let set_by_settings = settings.payment_request.owner.keys().map(String::as_str);
    let set_by_settings = set_by_settings.filter(|name| is_compared(name, settings));
    let header = HEADER.into_iter().chain(set_by_settings);
    let header = header.map(|name| field(name, shown_text(name)));
    let lines = shown.lines.iter();
    let lines = lines.map(|line| {
        let members = LINE_MEMBERS.into_iter();
        let members = members.map(|name| (name, concur::member_text(&line.fields, name)));
        let code_field = &settings.payment_request.cost_code_field;
        let shares = line.allocations.iter();
        let shares = shares.map(|share| shown_share(share, code_field));
        field(LINE, line_text(members, shares))
    });
    let none = shown.lines.is_empty();
    let none = none.then(|| field(LINE, String::new()));
    header.chain(lines).chain(none).collect()
}

/// The marker is what the two sides are joined by.
fn is_compared(name: &str, settings: &Settings) -> bool {
    !NOT_COMPARED.contains(&name) && name != settings.payment_request.marker_field
}

fn line_text(
    members: impl Iterator<Item = (&'static str, String)>,
    shares: impl Iterator<Item = String>,
) -> String {
    let members = members
        .map(|(name, value)| (name, canonical(name, &value)))
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name} {value}"));
    let parts: Vec<String> = members.chain(shares).collect();
    parts.join("; ")
}

fn wanted_share(share: &Allocation) -> String {
    share_text(
        &share.percentage,
        share.cost_code.as_deref().unwrap_or_default(),
    )
}

fn shown_share(share: &Value, code_field: &str) -> String {
    share_text(
        &concur::member_text(share, "Percentage"),
        &concur::shown_text(share, code_field),
    )
}

fn share_text(percentage: &str, code: &str) -> String {
    let percentage = canonical("Percentage", percentage);
    match code {
        "" => format!("{percentage} %"),
        code => format!("{percentage} % {code}"),
    }
}

/// A value in the one spelling: `1130.00000000` is `1130`, `2026-02-27 00:00:00.0` is `2026-02-27`.
fn canonical(name: &str, value: &str) -> String {
    if NUMBERS.contains(&name)
        && let Some(number) = money::parse(value)
    {
        return money::plain(number);
    }
    if DAYS.contains(&name)
        && let Some((day, rest)) = value.split_at_checked(10)
        && rest.starts_with([' ', 'T'])
    {
        return day.to_string();
    }
    value.to_string()
}

fn field(name: &str, value: String) -> Field {
    Field {
        name: name.to_string(),
        value: FieldValue::Text(value),
    }
}
