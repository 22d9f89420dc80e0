//! JSON of remotes that write the same member as a string in one place and as a number in another:
//! members are left as raw text until a reader knows what it wants of them.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
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

/// An object whose members are left raw. No name in it makes it unreadable: names that nobody asks
/// for are passed over, and of a name that stands there more than once, the last member that says
/// something is taken.
#[derive(Debug, Default)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// The object, or nothing where the text is something else.
    pub(crate) fn read(raw: &'a RawValue) -> Option<Self> {
        serde_json::from_str(raw.get()).ok()
    }

    /// The member of this name; nothing where it is missing, null or empty text.
    pub(crate) fn get(&self, name: &str) -> Raw<'a> {
        let mut named = self.0.iter().rev().filter(|(known, _)| known == name);
        named.find(|(_, raw)| !is_blank(raw)).map(|(_, raw)| *raw)
    }

    /// The first of these names that has text, with that text; else the first name.
    pub(crate) fn first_text<'n>(&self, names: &[&'n str]) -> (&'n str, Option<String>) {
        let mut texts = names.iter().map(|name| (*name, self.text(name)));
        let found = texts.find(|(_, text)| text.is_some());
        found.unwrap_or((names.first().copied().unwrap_or_default(), None))
    }

    /// The member of this name as text, as [`lax_text`] reads it.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        lax_text(self.get(name))
    }

    /// The names of its members, as often as they stand there.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    /// Whether a member of this name stands there, be it null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, raw)) = map.next_entry::<&RawValue, &RawValue>()? {
            // A name that is no text, such as half of a surrogate pair, is none that is asked for.
            members.extend(name_text(name).map(|name| (name, raw)));
        }
        Ok(Object(members))
    }
}

fn name_text(name: &RawValue) -> Option<Cow<'_, str>> {
    let quoted = name.get().trim();
    let plain = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if plain.contains('\\') {
        return serde_json::from_str(quoted).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(plain))
}

/// The rows of a list. An object alone is a list of one; nothing for whatever else.
pub(crate) fn rows(raw: &RawValue) -> Option<Vec<&RawValue>> {
    match raw.get().trim_start().as_bytes().first()? {
        b'[' => serde_json::from_str(raw.get()).ok(),
        b'{' => Some(vec![raw]),
        _ => None,
    }
}

/// Whether a value is null or text without a word.
fn is_blank(raw: &RawValue) -> bool {
    let text = raw.get().trim();
    text == "null" || text.starts_with('"') && text.trim_matches('"').trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_makes_an_object_unreadable() {
        let raw: &RawValue = serde_json::from_str(
            r#"{"a": 1, "a": 2, "a": null, "b": "", "b": " ", "\ud800": 3, "\u0063": 4, "a": "",
            "deep": {"a": [9]}}"#,
        )
        .expect("is JSON");
        let object = Object::read(raw).expect("is an object");
        assert_eq!(object.text("a").as_deref(), Some("2"));
        assert_eq!(object.text("c").as_deref(), Some("4"));
        assert!(object.has("b") && !object.has("d") && object.get("b").is_none());
        assert_eq!(object.first_text(&["b", "deep", "c"]).0, "c");
        assert_eq!(object.first_text(&["b", "d"]), ("b", None));
        let list: &RawValue = serde_json::from_str("[1]").expect("is JSON");
        assert!(Object::read(list).is_none());
    }

    #[test]
    fn an_object_alone_is_a_list_of_one() {
        let count = |json: &str| {
            let raw: &RawValue = serde_json::from_str(json).expect("is JSON");
            rows(raw).map(|rows| rows.len())
        };
        assert_eq!(count("[1, null]"), Some(2));
        assert_eq!(count(r#" {"a": 1}"#), Some(1));
        assert_eq!(
            (count("3"), count("null"), count(r#""a""#)),
            (None, None, None)
        );
    }

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
