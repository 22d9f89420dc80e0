//! SAP Concur's JSON: lists in three forms, and scalars as text.
//!
//! Answers come as arrays, as `{"LineItem": [...]}` wrappers left over from XML, or as single
//! objects; booleans and amounts come as text. All are accepted
//! (source: concur-payment-request, concur-integrators).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::Value;

use crate::contract::http::Response;
use crate::error_bodies::{self, Unread};

/// A member as text; empty for null, missing, objects and arrays.
pub(crate) fn member_text(value: &Value, member: &str) -> String {
    match value.get(member) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(flag)) => flag.to_string(),
        _ => String::new(),
    }
}

/// The first of the members that is not empty, as text.
pub(super) fn first_text(value: &Value, names: &[&str]) -> String {
    names
        .iter()
        .map(|name| member_text(value, name))
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

/// Whether a member says yes: `true`, `Y` or `1`, as text or not.
pub(super) fn is_true(value: &Value, member: &str) -> bool {
    matches!(
        member_text(value, member).to_ascii_lowercase().as_str(),
        "true" | "y" | "1"
    )
}

/// The rows of a list answer: under the member that is really filled, or under the declared
/// `Items`. An answer with neither is none, and nothing may be concluded from it.
pub(super) fn list_rows<'a>(value: &'a Value, member: &str) -> Result<Vec<&'a Value>, Unread> {
    if value.get(member).is_none() && value.get("Items").is_none() {
        return Err(Unread::Garbled(format!(
            "the answer has no list `{member}`"
        )));
    }
    let rows = items(value, member);
    if rows.is_empty() {
        return Ok(items(value, "Items"));
    }
    Ok(rows)
}

/// The items of a list in any of its three forms; none for a wrapper around nothing.
pub(super) fn items<'a>(value: &'a Value, member: &str) -> Vec<&'a Value> {
    let Some(list) = value.get(member) else {
        return Vec::new();
    };
    let inner = match list {
        Value::Array(items) => return items.iter().collect(),
        Value::Object(inner) => inner,
        _ => return Vec::new(),
    };
    match inner.values().next() {
        Some(Value::Array(items)) if inner.len() == 1 => items.iter().collect(),
        Some(item @ Value::Object(_)) if inner.len() == 1 => vec![item],
        None | Some(Value::Null) if inner.len() <= 1 => Vec::new(),
        _ => vec![list],
    }
}

/// An answer that is a JSON object.
pub(super) fn json_object(response: &Response) -> Result<Value, Unread> {
    let value: Value = serde_json::from_str(error_bodies::text(response)?)
        .map_err(|error| error_bodies::garbled(&error))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(Unread::Garbled(
            "the answer is not a JSON object".to_string(),
        ))
    }
}
