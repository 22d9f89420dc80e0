//! The form of a webhook: read strictly, and written again as the text that FreshBooks signs.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// FreshBooks sends seven pairs at most; the check for names that come twice compares every two.
const PAIRS_MAX: usize = 32;

/// The pairs of an `application/x-www-form-urlencoded` body in the order of arrival, every key
/// once.
pub(super) struct Form<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Form<'a> {
    /// Reads `body`, or gives nothing where two readers could disagree about what it says: a piece
    /// without `=`, a key twice, a bad escape, bytes that an encoder escapes, text that is not
    /// UTF-8, more than 32 pairs or none.
    pub(super) fn parse(body: &'a str) -> Option<Self> {
        let mut form = Self {
            pairs: Vec::with_capacity(8),
        };
        for piece in body.split('&') {
            let (key, value) = piece.split_once('=')?;
            let (key, value) = (decode(key)?, decode(value)?);
            if form.pairs.len() == PAIRS_MAX || form.get(&key).is_some() {
                return None;
            }
            form.pairs.push((key, value));
        }
        Some(form)
    }

    /// The value of `key`, if it was sent.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_ref())
    }

    /// What the signature covers: the pairs as CPython's `json.dumps` prints a dictionary of
    /// strings (source: freshbooks-webhooks).
    pub(super) fn signed_message(&self) -> String {
        let mut text = String::with_capacity(256);
        let mut before = "{";
        for (key, value) in &self.pairs {
            text.push_str(before);
            quote(key, &mut text);
            text.push_str(": ");
            quote(value, &mut text);
            before = ", ";
        }
        text.push('}');
        text
    }
}

fn decode(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    if !raw.contains(['%', '+']) {
        return Some(Cow::Borrowed(raw));
    }
    let mut decoded = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex_digit(bytes.next()?)? << 4 | hex_digit(bytes.next()?)?,
            literal => literal,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Writes a JSON string with `ensure_ascii`: DEL is escaped, the slash is not, and what lies beyond
/// the basic plane becomes a surrogate pair. (serde_json writes all three differently.)
fn quote(raw: &str, text: &mut String) {
    text.push('"');
    for character in raw.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(character),
            _ => escape(character, text),
        }
    }
    text.push('"');
}

fn escape(character: char, text: &mut String) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        // Writing to a string does not fail.
        let _ = write!(text, "\\u{unit:04x}");
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    fn message(body: &str) -> Option<String> {
        Form::parse(body).map(|form| form.signed_message())
    }

    #[test]
    fn pairs_keep_their_order_and_blank_values() {
        assert_eq!(
            message("b=2&a=&=x").as_deref(),
            Some(r#"{"b": "2", "a": "", "": "x"}"#)
        );
    }

    #[test]
    fn values_keep_further_equals_signs_and_semicolons() {
        assert_eq!(message("a=b=c;d").as_deref(), Some(r#"{"a": "b=c;d"}"#));
    }

    #[test]
    fn escapes_are_those_of_python() {
        // json.dumps({"k": "\x00\x08\t\n\x0b\x0c\r\x1f \"\\/<>&'~\x7f\x80é€\ud83d\ude00"})
        let body = "k=%00%08%09%0A%0B%0C%0D%1F+%22%5C%2F%3C%3E%26%27%7E%7F%C2%80\
                    %C3%A9%E2%82%AC%F0%9F%98%80";
        let expected = concat!(
            r#"{"k": "\u0000\b\t\n\u000b\f\r\u001f \"\\/<>&'~"#,
            r#"\u007f\u0080\u00e9\u20ac\ud83d\ude00"}"#
        );
        assert_eq!(message(body).as_deref(), Some(expected));
    }

    #[test]
    fn ambiguous_forms_are_none() {
        for body in [
            "",
            "&",
            "a",
            "a=1&",
            "&a=1",
            "a=1&&b=2",
            "a=1&b",
            "a=1&a=2",
            "a=1&%61=2",
            "a=%",
            "a=%4",
            "a=%4&b=1",
            "a=%zz",
            "a=%+1",
            "a=%-1",
            "a=%C3",
            "a=%ff",
            "a=%ED%A0%80",
            "a=%C0%80",
            "a=é",
            "a= b",
            "a=b\n",
            "\u{feff}a=b",
            "a=\u{7f}",
            "%=1",
        ] {
            assert!(message(body).is_none(), "{body:?}");
        }
    }

    #[test]
    fn at_most_32_pairs() {
        let pairs: Vec<_> = (0..32).map(|n| format!("k{n}=1")).collect();
        assert!(message(&pairs.join("&")).is_some());
        assert!(message(&format!("{}&k32=1", pairs.join("&"))).is_none());
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(key: String, value: String) {
            let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            let body = format!("{}={}", encode(&key), encode(&value));
            let form = Form::parse(&body);
            prop_assert_eq!(form.as_ref().and_then(|form| form.get(&key)), Some(value.as_str()));
        }

        /// serde_json is an independent reader of the text, and the text is pure printable ASCII.
        #[test]
        fn the_message_is_json_of_the_same_pairs(value: String) {
            let form = Form { pairs: alloc::vec![("k".into(), value.as_str().into())] };
            let text = form.signed_message();
            prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            let read: serde_json::Value = serde_json::from_str(&text)?;
            prop_assert_eq!(read["k"].as_str(), Some(value.as_str()));
        }

        #[test]
        fn never_panics(body: String) {
            let _ = message(&body);
        }
    }
}
