//! What must change in a payment request so that it says what the document says now.
//!
//! An update names its lines: `UPDATE` and `DELETE` by `LineItemID`, `INSERT` for new ones. It has
//! no total per line, and neither ledger nor policy (source: concur-payment-request).

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value, json};

use super::{Allocation, Line, Translated};
use crate::concur::{self, PaymentRequest, VendorKey};
use crate::money;

/// Header members that a read does not return, or an update does not take.
pub(super) const NOT_COMPARED: [&str; 5] = [
    "EmployeeEmailAddress",
    "EmployeeId",
    "EmployeeLoginId",
    "ExternalPolicyId",
    "LedgerCode",
];
const NOT_UPDATED: [&str; 2] = ["ExternalPolicyId", "LedgerCode"];
/// Members that are compared as numbers: `1130.00000000` is `1130.00`.
pub(super) const NUMBERS: [&str; 6] = [
    "InvoiceAmount",
    "Percentage",
    "Quantity",
    "Tax",
    "TaxAmount",
    "UnitPrice",
];
/// Members that are compared as days: `2026-02-27 00:00:00.0` is `2026-02-27`.
pub(super) const DAYS: [&str; 2] = ["InvoiceDate", "PaymentDueDate"];
/// Members of a line that an update without them may leave as they are.
const LEFTOVERS: [&str; 2] = ["TaxCode", "TaxCode2"];

/// A difference between what is there and what should be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    body: Map<String, Value>,
}

impl Difference {
    /// The difference, or nothing when there is none. The order of the lines makes no difference.
    #[must_use]
    pub(crate) fn between(
        current: &PaymentRequest,
        wanted: &Translated,
        vendor: &VendorKey,
    ) -> Option<Self> {
        let lines = line_changes(&current.lines, &wanted.lines);
        let header_differs = wanted
            .header
            .iter()
            .filter(|(name, _)| !NOT_COMPARED.contains(&name.as_str()))
            .any(|(name, value)| !same(name, &concur::shown_text(&current.header, name), value));
        let vendor_differs = is_other(&current.vendor_code, &vendor.code)
            || is_other(&current.vendor_address, &vendor.address);
        if lines.is_empty() && !header_differs && !vendor_differs {
            return None;
        }
        let mut body = wanted.header_with(vendor);
        for name in NOT_UPDATED {
            body.remove(name);
        }
        body.insert("RequestID".to_string(), json!(current.id));
        body.insert("LineItems".to_string(), Value::Array(lines));
        Some(Self { body })
    }

    /// The body of the update.
    #[must_use]
    pub(crate) fn into_update(self) -> String {
        Value::Object(self.body).to_string()
    }
}

fn line_changes(current: &[concur::Line], wanted: &[Line]) -> Vec<Value> {
    let mut there: Vec<&concur::Line> = current.iter().collect();
    let mut missing: Vec<&Line> = Vec::new();
    for line in wanted {
        match there.iter().position(|there| line_is(there, line)) {
            Some(index) => drop(there.remove(index)),
            None => missing.push(line),
        }
    }
    let mut changes = Vec::new();
    for line in missing {
        let reused = there.iter().position(|there| !leaves_over(there, line));
        changes.push(match reused.map(|index| there.remove(index)) {
            Some(there) => action("UPDATE", Some(&there.id), line.to_json()),
            None => action("INSERT", None, line.to_json()),
        });
    }
    let deleted = there.into_iter();
    changes.extend(deleted.map(|there| action("DELETE", Some(&there.id), Map::new())));
    changes
}

fn action(name: &str, id: Option<&str>, mut item: Map<String, Value>) -> Value {
    item.insert("Action".to_string(), json!(name));
    if let Some(id) = id {
        item.insert("LineItemID".to_string(), json!(id));
    }
    Value::Object(item)
}

fn line_is(there: &concur::Line, wanted: &Line) -> bool {
    wanted
        .fields
        .iter()
        .all(|(name, value)| same(name, &concur::member_text(&there.fields, name), value))
        && !leaves_over(there, wanted)
        && there.allocations.len() == wanted.allocations.len()
        && there
            .allocations
            .iter()
            .zip(&wanted.allocations)
            .all(|(there, wanted)| allocation_is(there, wanted))
}

/// Whether the line that is there has a member that the wanted one must not have.
fn leaves_over(there: &concur::Line, wanted: &Line) -> bool {
    LEFTOVERS.into_iter().any(|name| {
        !wanted.fields.contains_key(name) && !concur::member_text(&there.fields, name).is_empty()
    })
}

fn allocation_is(there: &Value, wanted: &Allocation) -> bool {
    let code = wanted.cost_code.as_deref().unwrap_or_default();
    same(
        "Percentage",
        &concur::member_text(there, "Percentage"),
        &wanted.percentage,
    ) && concur::shown_text(there, &wanted.field) == code
}

/// Whether a code that Concur shows is another one.
fn is_other(there: &str, wanted: &str) -> bool {
    !there.is_empty() && !there.eq_ignore_ascii_case(wanted)
}

fn same(name: &str, there: &str, wanted: &str) -> bool {
    if NUMBERS.contains(&name)
        && let (Some(there), Some(wanted)) = (money::parse(there), money::parse(wanted))
    {
        return there == wanted;
    }
    if DAYS.contains(&name)
        && let Some(rest) = there.strip_prefix(wanted)
    {
        return rest.is_empty() || rest.starts_with([' ', 'T']);
    }
    there == wanted
}

#[cfg(test)]
mod tests;
