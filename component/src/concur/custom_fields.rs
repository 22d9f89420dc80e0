//! Custom fields and org units of payment requests, whose names are spelt in two ways.
//!
//! The page and the answers to a read say `Custom1`, the API description of create and update
//! `Custom01`; of org units only the page says `OrgUnit1`. From 10 on there is one spelling
//! (source: concur-payment-request, concur-payment-request-reply).

use alloc::format;
use alloc::string::String;

use serde_json::Value;

use super::json::member_text;

const FIELDS: [&str; 2] = ["Custom", "OrgUnit"];

/// The other spelling of a custom field or org unit; none where there is one only.
pub(crate) fn other_spelling(name: &str) -> Option<String> {
    let mut fields = FIELDS.into_iter();
    let (word, digits) = fields.find_map(|word| Some((word, name.strip_prefix(word)?)))?;
    match digits.as_bytes() {
        [b'1'..=b'9'] => Some(format!("{word}0{digits}")),
        [b'0', b'1'..=b'9'] => Some(format!("{word}{}", digits.trim_start_matches('0'))),
        _ => None,
    }
}

/// What a read shows in a member, under whichever spelling; empty for nothing.
pub(crate) fn shown_text(value: &Value, name: &str) -> String {
    let text = text(value, name);
    match other_spelling(name) {
        Some(other) if text.is_empty() => self::text(value, &other),
        _ => text,
    }
}

/// Whether a custom field or org unit holds this text, whichever it is.
pub(crate) fn has_custom_text(value: &Value, wanted: impl Fn(&str) -> bool) -> bool {
    find_custom_text(value, wanted).is_some()
}

/// The text of the first custom field or org unit that is wanted, whichever it is.
pub(crate) fn find_custom_text(value: &Value, wanted: impl Fn(&str) -> bool) -> Option<String> {
    let members = value.as_object().into_iter().flatten();
    members
        .filter(|(name, _)| FIELDS.iter().any(|word| name.starts_with(word)))
        .map(|(name, _)| text(value, name))
        .find(|text| wanted(text))
}

// Other v3 APIs show the item of a list as an object with its code
// (source: concur-integrators).
fn text(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(item @ Value::Object(_)) => member_text(item, "Code"),
        _ => member_text(value, name),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_digit_has_two_spellings() {
        for (one, other) in [
            ("Custom1", "Custom01"),
            ("Custom9", "Custom09"),
            ("OrgUnit6", "OrgUnit06"),
        ] {
            assert_eq!(other_spelling(one).as_deref(), Some(other));
            assert_eq!(other_spelling(other).as_deref(), Some(one));
        }
        for only in [
            "Custom10", "Custom24", "Custom0", "Custom00", "Custom", "TaxCode2", "",
        ] {
            assert_eq!(other_spelling(only), None, "{only}");
        }
    }

    #[test]
    fn a_field_is_seen_under_either_spelling() {
        let shown = json!({"Custom1": "A", "Custom02": "B", "Custom3": {"Code": "C", "Value": "c"},
            "Custom4": null, "Custom04": "D", "TaxCode": "T"});
        for (name, text) in [
            ("Custom1", "A"),
            ("Custom01", "A"),
            ("Custom2", "B"),
            ("Custom03", "C"),
            ("Custom4", "D"),
            ("Custom5", ""),
            ("TaxCode", "T"),
        ] {
            assert_eq!(shown_text(&shown, name), text, "{name}");
        }
        assert!(has_custom_text(&shown, |text| text == "D"));
        assert!(!has_custom_text(&shown, |text| text == "T"));
    }
}
