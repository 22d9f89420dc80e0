//! What a confirmation names, and what makes it acceptable before a request is looked for.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

use crate::calendar::parse_day;
use crate::money::decimal;

const STATUSES: [&str; 3] = ["PAID", "VOID", "CANCEL"];
const METHODS: [&str; 6] = ["ACH", "CHECK", "WIRE", "CARD", "VCHER", "CLIENT"];

/// The numbers that custom fields may have.
const CUSTOMS: std::ops::RangeInclusive<u32> = 1..=24;

/// One item of a `bulkUpdate`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ConfirmationBody {
    #[serde(default)]
    pub(super) request_id: Option<String>,
    #[serde(default)]
    pub(super) invoice_number: Option<String>,
    #[serde(default)]
    pub(super) vendor_name: Option<String>,
    #[serde(default)]
    pub(super) vendor_code: Option<String>,
    #[serde(default)]
    pub(super) vendor_address_code: Option<String>,
    #[serde(default)]
    invoice_amount: Value,
    #[serde(default)]
    payment_amount: Value,
    #[serde(default)]
    payment_status: Option<String>,
    #[serde(default)]
    payment_method_type: Option<String>,
    #[serde(default)]
    payment_status_date: Option<String>,
    #[serde(default)]
    pub(super) check_numbers: Vec<String>,
    #[serde(default)]
    notes_to_supplier: Option<String>,
    #[serde(default)]
    payment_adj_notes: Option<String>,
    #[serde(default)]
    custom_fields: BTreeMap<String, String>,
}

impl ConfirmationBody {
    /// Reads an item; the sentence says why not.
    pub(super) fn read(item: &Value) -> Result<Self, String> {
        let body: Self = serde_json::from_value(item.clone()).map_err(|error| error.to_string())?;
        body.check_key()?;
        one_of("paymentStatus", body.payment_status.as_deref(), &STATUSES)?;
        let method = body.payment_method_type.as_deref();
        one_of("paymentMethodType", method, &METHODS)?;
        if body.payment_status_date.is_some() && parse_day(body.day()).is_none() {
            return Err("paymentStatusDate is not a date.".into());
        }
        at_most("requestId", body.request_id.as_deref(), 20)?;
        at_most("invoiceNumber", body.invoice_number.as_deref(), 50)?;
        at_most("notesToSupplier", body.notes_to_supplier.as_deref(), 500)?;
        at_most("paymentAdjNotes", body.payment_adj_notes.as_deref(), 500)?;
        for amount in [&body.invoice_amount, &body.payment_amount] {
            if !amount.is_null() && decimal(amount).is_none() {
                return Err(format!("{amount} is not an amount."));
            }
        }
        let custom = |name: &String| {
            let number = name.strip_prefix("custom").map(str::parse);
            matches!(number, Some(Ok(number)) if CUSTOMS.contains(&number))
        };
        match body.custom_fields.keys().find(|name| !custom(name)) {
            Some(name) => Err(format!("{name} is not a custom field.")),
            None => Ok(body),
        }
    }

    fn check_key(&self) -> Result<(), String> {
        let has_vendor = self.vendor_name.is_some() || self.vendor_code.is_some();
        if self.request_id.is_some() || self.invoice_number.is_some() && has_vendor {
            return Ok(());
        }
        Err("requestId, or invoiceNumber with a vendor, is required.".into())
    }

    /// PAID, VOID or CANCEL.
    pub(super) fn status(&self) -> &str {
        self.payment_status.as_deref().unwrap_or("PAID")
    }

    /// How it was paid; empty if nothing is said.
    pub(super) fn method(&self) -> &str {
        self.payment_method_type.as_deref().unwrap_or_default()
    }

    /// The day of the status as `YYYY-MM-DD`; empty if nothing is said.
    pub(super) fn day(&self) -> &str {
        self.payment_status_date.as_deref().unwrap_or_default()
    }

    /// The amount of the invoice, if it is named.
    pub(super) fn invoice_amount(&self) -> Option<Decimal> {
        decimal(&self.invoice_amount)
    }

    /// The amount that was paid, if it is named.
    pub(super) fn payment_amount(&self) -> Option<Decimal> {
        decimal(&self.payment_amount)
    }
}

fn one_of(name: &str, text: Option<&str>, known: &[&str]) -> Result<(), String> {
    match text.filter(|text| !known.contains(text)) {
        Some(text) => Err(format!("{name} {text} is not valid.")),
        None => Ok(()),
    }
}

fn at_most(name: &str, text: Option<&str>, chars_max: usize) -> Result<(), String> {
    match text.filter(|text| text.chars().count() > chars_max) {
        Some(_) => Err(format!("{name} is longer than {chars_max} characters.")),
        None => Ok(()),
    }
}
