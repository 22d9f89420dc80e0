//! The portable JSON of the contract's types, as `docs/history.md` defines it: WIT's own names in
//! kebab-case, a variant as an object with one member, bytes as base64.
//!
//! The generated types derive serde under their Rust names. An adapter renames on the way, in both
//! directions, so that no type is written down twice. Reading is strict: a member or case that is
//! not known belongs to another version of the contract, and dropping it would replay something
//! else.

mod read;
mod write;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The portable form of a value of the contract.
///
/// # Errors
///
/// Only if a map has keys that are no text, which no type of the contract has.
///
/// # Examples
///
/// ```
/// use ml_connector::contract::portable;
/// use ml_connector::contract::runs::Intent;
///
/// let intent = Intent::LookUpThenPark;
/// let json = portable::to_value(&intent)?;
/// assert_eq!(json, "look-up-then-park");
/// assert_eq!(portable::from_value::<Intent>(json)?, intent);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn to_value(value: &impl Serialize) -> Result<Value, serde_json::Error> {
    value.serialize(write::Portable(serde_json::value::Serializer))
}

/// The portable form as JSON text, compact; the same value always gives the same bytes.
///
/// # Errors
///
/// As [`to_value`].
pub fn to_vec(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = Vec::new();
    value.serialize(write::Portable(&mut serde_json::Serializer::new(&mut text)))?;
    Ok(text)
}

/// Reads what [`to_value`] made.
///
/// # Errors
///
/// If a member is missing or unknown, or a value is of another type.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, serde_json::Error> {
    T::deserialize(read::Portable(value))
}

/// Reads what [`to_vec`] made. A member that is there twice is an error.
///
/// # Errors
///
/// As [`from_value`], or if it is not JSON.
///
/// # Examples
///
/// ```
/// use ml_connector::contract::portable;
/// use ml_connector::contract::types::{ObjectRef, System};
///
/// let text = br#"{"system":"concur","kind":"vendor","id":"7"}"#;
/// let vendor: ObjectRef = portable::from_slice(text)?;
/// assert_eq!(vendor.system, System::Concur);
///
/// // A member that this version of the contract does not have is an error.
/// let text = br#"{"system":"concur","kind":"vendor","id":"7","color":"red"}"#;
/// assert!(portable::from_slice::<ObjectRef>(text).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn from_slice<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = T::deserialize(read::Portable(&mut reader))?;
    reader.end()?;
    Ok(value)
}

/// The one field of the contract that is a `list<u8>`: the case `bytes` of `http.body`.
fn is_bytes(name: &str, variant: &str) -> bool {
    (name, variant) == ("Body", "Bytes")
}

/// WIT's name of a field or case: `path_with_query` and `LookUpThenPark` become
/// `path-with-query` and `look-up-then-park`.
fn wit_name(rust_name: &str) -> String {
    let mut name = String::with_capacity(rust_name.len() + 4);
    for (index, character) in rust_name.char_indices() {
        if character.is_ascii_uppercase() && index > 0 {
            name.push('-');
        }
        name.push(match character {
            '_' => '-',
            other => other.to_ascii_lowercase(),
        });
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::http::{Body, SendOutcome};
    use crate::contract::runs::{Report, Wake};

    #[test]
    fn names_are_those_of_the_wit_files() {
        for (rust, wit) in [
            ("path_with_query", "path-with-query"),
            ("LookUpThenPark", "look-up-then-park"),
            ("Freshbooks", "freshbooks"),
            ("id", "id"),
        ] {
            assert_eq!(wit_name(rust), wit);
        }
    }

    #[test]
    fn cases_without_a_payload_are_texts_and_all_others_objects() {
        let form = |value: &Report| to_value(value).expect("has a form").to_string();
        assert_eq!(form(&Report::Saved), r#""saved""#);
        assert_eq!(form(&Report::Woken(Wake::Due)), r#"{"woken":"due"}"#);
    }

    #[test]
    fn bytes_are_base64() {
        for bytes in [vec![], vec![0, 1, 2]] {
            let body = Body::Bytes(bytes);
            let json = to_vec(&body).expect("has a form");
            assert_eq!(from_slice::<Body>(&json).expect("is read"), body);
        }
        let json = to_vec(&Body::Bytes(vec![0, 1, 2])).expect("has a form");
        assert_eq!(json, br#"{"bytes":"AAEC"}"#);
        assert!(from_slice::<Body>(br#"{"bytes":"AAE"}"#).is_err());
    }

    #[test]
    fn what_is_not_known_is_refused() {
        use crate::contract::types::ObjectRef;
        let read = |text: &str| from_slice::<ObjectRef>(text.as_bytes()).map(|one| one.id);
        let good = r#"{"id":"7","system":"concur","kind":"vendor"}"#;
        assert_eq!(read(good).expect("is read"), "7");
        for wrong in [
            r#"{"id":"7","system":"concur","kind":"vendor","more":1}"#,
            r#"{"id":"7","id":"8","system":"concur","kind":"vendor"}"#,
            r#"{"id":"7","system":"Concur","kind":"vendor"}"#,
            r#"{"id":"7","system":"concur"}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(from_slice::<SendOutcome>(br#"{"response":{},"not-sent":{}}"#).is_err());
    }
}
