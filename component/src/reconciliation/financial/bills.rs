//! Bills that suppliers' invoices became.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rust_decimal::Decimal;

use super::own_day;
use crate::contract::http::Response;
use crate::contract::reconciliation::{Content, Field, FieldValue, Reading, Row};
use crate::contract::types::ObjectRef;
use crate::financial::Bill;
use crate::freshbooks::{self, Category, Document};
use crate::marker;
use crate::money;
use crate::reconciliation::{Unanswered, answered, field, note};
use crate::settings::Settings;

/// Reads a bill that a document has become.
pub(super) fn read_bill(
    settings: &Settings,
    object: &ObjectRef,
    answers: &[Response],
) -> Result<Reading, Unanswered> {
    let Some(shown) = answers.first() else {
        let account_id = &settings.freshbooks.account_id;
        let request = freshbooks::get_document(account_id, freshbooks::Kind::Bill, &object.id);
        return Ok(Reading::Send(request));
    };
    let bill = answered(shown, freshbooks::read_bill)?;
    let descriptions = bill.lines.iter();
    let descriptions = descriptions.filter_map(|line| line.description.as_deref());
    let marker = descriptions.into_iter().find_map(marker::find_marker);
    Ok(Reading::Record(Row {
        object: object.clone(),
        marker: marker.map(String::from),
        facts: bill.facts(),
        left_out: None,
        content: match bill.deleted {
            true => {
                let message = "the bill is deleted in FreshBooks".to_string();
                Content::Gone(note("deleted", message))
            }
            false => Content::Fields(shown_bill_fields(&bill)),
        },
    }))
}

/// What a bill should hold.
pub(super) fn bill_fields(settings: &Settings, bill: &Bill) -> Vec<Field> {
    let text = |name: &str, value: String| field(name, FieldValue::Text(value));
    let mut fields: Vec<Field> = [
        text("bill_number", bill.number.clone().unwrap_or_default()),
        text("currency_code", bill.currency.clone()),
        text("total_amount", money::plain(bill.total)),
    ]
    .into();
    fields.extend(own_day(settings, "issue_date", &bill.date));
    let lines = bill.lines.iter().map(|line| {
        let value = line_text(&line.category, &line.description, line.net);
        text("lines", value)
    });
    fields.extend(lines);
    fields
}

fn shown_bill_fields(bill: &Document) -> Vec<Field> {
    let text = |name: &str, value: &str| field(name, FieldValue::Text(value.to_string()));
    let own = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut fields: Vec<Field> = [
        text("bill_number", &own(&bill.number)),
        text("currency_code", &bill.currency),
        text("total_amount", &money::plain(bill.total)),
        text("issue_date", &own(&bill.issued)),
    ]
    .into();
    // An answer may name a category without its id.
    let is_named = |line: &freshbooks::Line| matches!(line.category, Some(Category::Name(_)));
    if bill.lines.iter().any(is_named) {
        return fields;
    }
    fields.extend(bill.lines.iter().map(|line| {
        let category = line.category.as_ref().map_or("", Category::key);
        let described = line.description.as_deref().unwrap_or_default();
        let marker = marker::find_marker(described).unwrap_or_default();
        let described = match marker {
            "" => described.to_string(),
            marker => described.replace(marker, ""),
        };
        let net = line.unit_cost * line.quantity;
        text("lines", &line_text(category, described.trim(), net))
    }));
    fields
}

fn line_text(category: &str, description: &str, net: Decimal) -> String {
    format!("{category} {description} {}", money::plain(net))
}
