//! The signature of a webhook delivery (source: freshbooks-webhooks).
//!
//! The message is what Python's `json.dumps` makes of the decoded form as a dictionary of strings,
//! fields in the order sent; so neither the form's bytes nor what a JSON library of today writes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "X-FreshBooks-Hmac-SHA256";

/// Signs form fields with a callback's verifier: padded base64 of HMAC-SHA256.
pub fn sign(fields: &[(&str, &str)], verifier: &str) -> String {
    match Hmac::<Sha256>::new_from_slice(verifier.as_bytes()) {
        Ok(mut mac) => {
            mac.update(message(fields).as_bytes());
            BASE64.encode(mac.finalize().into_bytes())
        }
        Err(_) => String::new(),
    }
}

/// The message that is signed.
pub fn message(fields: &[(&str, &str)]) -> String {
    let mut text = String::from("{");
    for (at, (name, value)) in fields.iter().enumerate() {
        if at > 0 {
            text.push_str(", ");
        }
        quote(name, &mut text);
        text.push_str(": ");
        quote(value, &mut text);
    }
    text + "}"
}

/// Python's string literal with `ensure_ascii`: DEL is escaped, the slash is not, the rest goes by
/// UTF-16 unit.
fn quote(text: &str, into: &mut String) {
    into.push('"');
    for character in text.chars() {
        match character {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            '\u{8}' => into.push_str("\\b"),
            '\u{c}' => into.push_str("\\f"),
            ' '..='~' => into.push(character),
            other => escape(other, into),
        }
    }
    into.push('"');
}

fn escape(character: char, into: &mut String) {
    let mut units = [0; 2];
    for unit in character.encode_utf16(&mut units) {
        into.push_str(&format!("\\u{unit:04x}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::decode_form;

    const FIRST: &str = "kT3mVq9RzL2bXw7HsN4cYd8PfG6jA5eUu";
    const SECOND: &str = "9sVbWm4TqXr2LkPzHc7NfYd5GjA8eRuQt";

    fn check(body: &str, verifier: &str, expected_message: &str, expected_signature: &str) {
        let pairs = decode_form(body.as_bytes());
        let fields: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        assert_eq!(message(&fields), expected_message);
        assert_eq!(sign(&fields, verifier), expected_signature);
    }

    #[test]
    fn v0_official_message_in_the_older_order() {
        check(
            "name=client.update&object_id=177864&user_id=1&account_id=FrEsHb",
            "UWQfd9zCzxmVwFZWKqqKwLxqz8gvzGdAn",
            concat!(
                r#"{"name": "client.update", "object_id": "177864", "user_id": "1", "account_id":"#,
                r#" "FrEsHb"}"#,
            ),
            "uQL7Cy82JtV4RlsEowUZ+hm4cziC6LYjxuKj1cqLqHM=",
        );
    }

    #[test]
    fn v1_current_field_order() {
        check(
            "name=expense.update&object_id=90210447&account_id=zQ7pLm&business_id=8812345&identity\
             _id=5520071&user_id=1",
            FIRST,
            concat!(
                r#"{"name": "expense.update", "object_id": "90210447", "account_id": "zQ7pLm", "b"#,
                r#"usiness_id": "8812345", "identity_id": "5520071", "user_id": "1"}"#,
            ),
            "F4EN2PmhvjYMs8iF2H559Iody2vs/16JMfdH1ft4vyA=",
        );
    }

    #[test]
    fn v2_beyond_ascii() {
        check(
            "name=client.create&object_id=41&account_id=Caf%C3%A9Zo%C3%AB%E2%82%AC&business_id=7&i\
             dentity_id=9&user_id=%F0%9F%98%80",
            SECOND,
            concat!(
                r#"{"name": "client.create", "object_id": "41", "account_id": "Caf\u00e9Zo\u00eb\"#,
                r#"u20ac", "business_id": "7", "identity_id": "9", "user_id": "\ud83d\ude00"}"#,
            ),
            "0tsXk7vmxku4mMOXrK8UtlPyJ+4D5J6RkTzKA5JlL84=",
        );
    }

    #[test]
    fn v3_everything_that_is_escaped_or_is_not() {
        check(
            "name=invoice.update&object_id=100+200&account_id=a%2Bb%2Fc%3Dd%26e&business_id=%22q%2\
             2%5Cz&identity_id=x%3A+y%2C+z&user_id=%3C%3E%7F%09",
            SECOND,
            concat!(
                r#"{"name": "invoice.update", "object_id": "100 200", "account_id": "a+b/c=d&e", "#,
                r#""business_id": "\"q\"\\z", "identity_id": "x: y, z", "user_id": "<>\u007f\t"}"#,
            ),
            "6oA1Ow83v8S5bHoZ/kht4ljTTSqeg5RnzWtFRJyNWAg=",
        );
    }

    #[test]
    fn v4_blank_values_stay() {
        check(
            "name=bill.create&object_id=55&account_id=zQ7pLm&business_id=8812345&identity_id=&user\
             _id=1",
            FIRST,
            concat!(
                r#"{"name": "bill.create", "object_id": "55", "account_id": "zQ7pLm", "business_i"#,
                r#"d": "8812345", "identity_id": "", "user_id": "1"}"#,
            ),
            "navTzIkGl712/X6K1Wf/aJe9oWdVtWtHomc8VjTeTnQ=",
        );
    }

    #[test]
    fn v5_handshake_signed_with_its_own_verifier() {
        check(
            "name=callback.verify&object_id=2001&account_id=zQ7pLm&business_id=8812345&identity_id\
             =5520071&user_id=1&verifier=kT3mVq9RzL2bXw7HsN4cYd8PfG6jA5eUu",
            FIRST,
            concat!(
                r#"{"name": "callback.verify", "object_id": "2001", "account_id": "zQ7pLm", "busi"#,
                r#"ness_id": "8812345", "identity_id": "5520071", "user_id": "1", "verifier": "kT"#,
                r#"3mVq9RzL2bXw7HsN4cYd8PfG6jA5eUu"}"#,
            ),
            "rnN3zNJZc6U0maHqdq4uq9Ea8SuVuYq4zrJ+h7q4lxo=",
        );
    }
}
