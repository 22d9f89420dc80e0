//! Reading the fields that a client sends.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::errors::ApiError;
use crate::calendar::parse_day;
use crate::money::{Currency, decimal};
pub(crate) use crate::sparse_fields::SparseFields;

/// The body of a create or update, below its singular key.
pub(crate) type Fields = Map<String, Value>;

impl SparseFields {
    /// Writes every field of the table that a body names; null empties, a number counts as its
    /// digits.
    pub(crate) fn write_fields(
        &mut self,
        fields: &Fields,
        object: &'static str,
    ) -> Result<(), ApiError> {
        for (name, value) in fields {
            match value {
                Value::String(text) => _ = self.set(name, text),
                Value::Null => _ = self.set(name, ""),
                Value::Number(number) => _ = self.set(name, &number.to_string()),
                other if self.has_field(name) => {
                    return Err(ApiError::invalid(object, name, other));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// An id: a number or its digits in quotes.
pub(crate) fn read_id(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A field that must be an id.
pub(crate) fn required_id(
    fields: &Fields,
    object: &'static str,
    name: &str,
) -> Result<u64, ApiError> {
    let value = fields
        .get(name)
        .filter(|value| !value.is_null())
        .ok_or_else(|| ApiError::required(object, name))?;
    read_id(value).ok_or_else(|| {
        ApiError::field(422, 1015, object, name, "Must be a number.")
            .quoting(super::errors::unquoted(value))
    })
}

/// A field that must be a day.
pub(crate) fn required_day(
    fields: &Fields,
    object: &'static str,
    name: &str,
) -> Result<jiff::civil::Date, ApiError> {
    let value = fields
        .get(name)
        .filter(|value| !value.is_null())
        .ok_or_else(|| ApiError::required(object, name))?;
    let day = value.as_str().and_then(parse_day);
    day.ok_or_else(|| {
        ApiError::field(422, 1033, object, name, "Must be a date.")
            .quoting(super::errors::unquoted(value))
    })
}

/// A field that must be a currency code.
pub(crate) fn read_currency(
    value: &Value,
    object: &'static str,
    name: &str,
) -> Result<Currency, ApiError> {
    value
        .as_str()
        .and_then(Currency::parse)
        .ok_or_else(|| ApiError::invalid(object, name, value))
}

/// A field that must be true or false.
pub(crate) fn read_flag(value: &Value, object: &'static str, name: &str) -> Result<bool, ApiError> {
    value
        .as_bool()
        .ok_or_else(|| ApiError::not_boolean(object, name, value))
}

/// A count of days.
pub(crate) fn read_day_count(
    value: &Value,
    object: &'static str,
    name: &str,
) -> Result<u16, ApiError> {
    let days = read_id(value).and_then(|days| u16::try_from(days).ok());
    days.ok_or_else(|| {
        ApiError::field(422, 1015, object, name, "Must be a number.")
            .quoting(super::errors::unquoted(value))
    })
}

/// The amount of a money object; a bare decimal counts too.
pub(crate) fn read_amount(value: &Value) -> Option<Decimal> {
    match value {
        Value::Object(money) => money.get("amount").and_then(decimal),
        other => decimal(other),
    }
}

/// Whether any text in there has a character beyond the basic plane.
pub(crate) fn has_astral(value: &Value) -> bool {
    match value {
        Value::String(text) => text.chars().any(|character| character > '\u{FFFF}'),
        Value::Array(values) => values.iter().any(has_astral),
        Value::Object(fields) => fields.values().any(has_astral),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NAMES: &[&str] = &["notes", "terms"];

    #[test]
    fn texts_keep_what_is_known_and_forget_the_rest() {
        let mut texts = SparseFields::new(NAMES);
        let body = json!({"notes": "n", "terms": 30, "unknown": "x"});
        texts
            .write_fields(body.as_object().expect("an object"), "invoice")
            .expect("readable");
        assert_eq!(
            (texts.get("notes"), texts.get("terms"), texts.get("unknown")),
            ("n", "30", "")
        );
        texts
            .write_fields(
                json!({"notes": null}).as_object().expect("an object"),
                "invoice",
            )
            .expect("readable");
        let written = json!(texts.members(false));
        assert_eq!(written, json!({"notes": "", "terms": "30"}));
    }

    #[test]
    fn texts_refuse_objects() {
        let body = json!({"notes": {"a": 1}});
        let refused =
            SparseFields::new(NAMES).write_fields(body.as_object().expect("an object"), "invoice");
        assert_eq!(refused.expect_err("a refusal").errno, 1004);
    }

    #[test]
    fn ids_may_be_quoted() {
        assert_eq!(
            (
                read_id(&json!(41)),
                read_id(&json!("41")),
                read_id(&json!("x"))
            ),
            (Some(41), Some(41), None)
        );
    }

    #[test]
    fn money_may_be_bare() {
        assert_eq!(
            read_amount(&json!({"amount": "1.50", "code": "EUR"})),
            read_amount(&json!("1.5"))
        );
    }

    #[test]
    fn astral_characters_are_found_anywhere() {
        assert!(has_astral(&json!({"lines": [{"name": "party 🎉"}]})));
        assert!(!has_astral(&json!({"name": "Zoë €"})));
    }
}
