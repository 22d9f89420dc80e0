//! What must change in a payment request so that it says what the document says now.
//!
//! An update names its lines: `UPDATE` and `DELETE` by `LineItemID`, `INSERT` for new ones. It has no total per line,
//! and neither ledger nor policy. (Concur docs, payment request.)

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value, json};

use crate::concur::{self, PaymentRequest, VendorKey};
use crate::money;
use crate::payment_request::{Allocation, Line, Translated};

/// Header members that a read does not return, or an update does not take.
const NOT_COMPARED: [&str; 5] = [
    "EmployeeEmailAddress",
    "EmployeeId",
    "EmployeeLoginId",
    "ExternalPolicyId",
    "LedgerCode",
];
const NOT_UPDATED: [&str; 2] = ["ExternalPolicyId", "LedgerCode"];

/// A difference between what is there and what should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    body: Map<String, Value>,
}

impl Change {
    /// The difference, or nothing when there is none.
    #[must_use]
    pub fn between(
        current: &PaymentRequest,
        wanted: &Translated,
        vendor: &VendorKey,
    ) -> Option<Self> {
        let lines = line_changes(&current.lines, &wanted.lines);
        let header_differs = wanted
            .header
            .iter()
            .filter(|(name, _)| !NOT_COMPARED.contains(&name.as_str()))
            .any(|(name, value)| !same(&concur::text(&current.header, name), value));
        let vendor_differs = !current.vendor_code.is_empty()
            && !current.vendor_code.eq_ignore_ascii_case(&vendor.code);
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
    pub fn to_update(self) -> String {
        Value::Object(self.body).to_string()
    }
}

fn line_changes(current: &[concur::Line], wanted: &[Line]) -> Vec<Value> {
    let mut changes = Vec::new();
    for (there, line) in current.iter().zip(wanted) {
        if !line_is(there, line) {
            changes.push(action("UPDATE", Some(&there.id), line.to_json()));
        }
    }
    for line in wanted.iter().skip(current.len()) {
        changes.push(action("INSERT", None, line.to_json()));
    }
    for there in current.iter().skip(wanted.len()) {
        changes.push(action("DELETE", Some(&there.id), Map::new()));
    }
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
        .all(|(name, value)| same(&concur::text(&there.fields, name), value))
        && there.allocations.len() == wanted.allocations.len()
        && there
            .allocations
            .iter()
            .zip(&wanted.allocations)
            .all(|(there, wanted)| allocation_is(there, wanted))
}

fn allocation_is(there: &Value, wanted: &Allocation) -> bool {
    let percentage = same(&concur::text(there, "Percentage"), &wanted.percentage);
    let code = match &wanted.cost_code {
        Some(code) => concur::text(there, &wanted.field) == *code,
        None => true,
    };
    percentage && code
}

/// Equal as text, as numbers (`1130.00000000` is `1130.00`), or as days (`2026-02-27 00:00:00.0` is `2026-02-27`).
fn same(there: &str, wanted: &str) -> bool {
    if there == wanted {
        return true;
    }
    if let (Some(there), Some(wanted)) = (money::parse(there), money::parse(wanted)) {
        return there == wanted;
    }
    let midnight = there.strip_prefix(wanted);
    wanted.len() == 10 && midnight.is_some_and(|rest| rest.starts_with([' ', 'T']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_days_are_compared_by_meaning() {
        assert!(same("1130.00000000", "1130.00"));
        assert!(same("2026-02-27 00:00:00.0", "2026-02-27"));
        assert!(!same("2026-02-28 00:00:00.0", "2026-02-27"));
        assert!(!same("", "1"));
        assert!(!same("OFFSP", "TRAVL"));
    }
}
