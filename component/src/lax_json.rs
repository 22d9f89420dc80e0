//! JSON of remotes that write the same member as a string in one place and as a number in another:
//! members are left as raw text until a reader knows what it wants of them.

use alloc::string::{String, ToString};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error_bodies::{self, Unread};

/// A member that is left as its own JSON text; nothing where it is missing or null.
pub(crate) type Raw<'a> = Option<&'a RawValue>;

/// Parses a raw value.
pub(crate) fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, Unread> {
    serde_json::from_str(raw.get()).map_err(|error| error_bodies::garbled(&error))
}

/// A string, number or boolean as text; nothing for null, empty text, and whatever else.
pub(crate) fn lax_text(raw: Raw) -> Option<String> {
    let raw = raw?.get().trim();
    let text = match raw.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(raw).ok()?,
        b'{' | b'[' | b'n' => return None,
        _ => raw.to_string(),
    };
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lax_text_takes_scalars_only() {
        let of = |json: &str| {
            let raw: &RawValue = serde_json::from_str(json).expect("is JSON");
            lax_text(Some(raw))
        };
        for (json, expected) in [
            ("1", Some("1")),
            ("-0.50", Some("-0.50")),
            ("true", Some("true")),
            (r#" "a\u00e9" "#, Some("aé")),
            (r#""  ""#, None),
            (r#""\ud800""#, None),
            ("null", None),
            ("[1]", None),
            (r#"{"a":1}"#, None),
        ] {
            assert_eq!(of(json).as_deref(), expected, "{json}");
        }
    }
}
