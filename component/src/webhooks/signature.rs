//! The signature of a webhook: HMAC-SHA256 in one header, compared in constant time.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::contract::http::Header;

/// The header that carries the signature (source: freshbooks-webhooks).
const HEADER_NAME: &str = "x-freshbooks-hmac-sha256";

/// What a delivery claims as its signature.
pub(super) struct Signature {
    bytes: [u8; 32],
}

/// Whether no header claims to be a signature.
pub(super) fn is_missing(headers: &[Header]) -> bool {
    let mut names = headers.iter().map(|header| header.name.as_str());
    !names.any(|name| name.eq_ignore_ascii_case(HEADER_NAME))
}

impl Signature {
    /// Takes the signature out of the one header that carries it; nothing if there is none or more
    /// than one. A malformed value is read as zeros: a guess like any other, and as costly to
    /// refuse.
    pub(super) fn from_headers(headers: &[Header]) -> Option<Self> {
        let mut values = headers
            .iter()
            .filter(|header| header.name.eq_ignore_ascii_case(HEADER_NAME));
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        let bytes = decode(&value.value).unwrap_or_default();
        Some(Self { bytes })
    }

    /// Whether one of `keys` made this signature of `message`. Every key is tried, whether or not
    /// an earlier one matched and whether or not the signature is well formed. The empty key, which
    /// anyone has, never matches.
    pub(super) fn is_by_any<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k str>,
        message: &str,
    ) -> bool {
        let keys = keys.into_iter().filter(|key| !key.is_empty());
        keys.fold(Choice::from(0), |matched, key| {
            matched | self.is_by(key, message)
        })
        .into()
    }

    fn is_by(&self, key: &str, message: &str) -> Choice {
        // HMAC takes keys of every length, so that this is never an error.
        Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_or(Choice::from(0), |mac| {
            let expected = mac.chain_update(message).finalize().into_bytes();
            expected.as_slice().ct_eq(&self.bytes)
        })
    }
}

/// Strict: the standard alphabet, padded, no stray bits, 32 bytes.
fn decode(value: &str) -> Option<[u8; 32]> {
    // The decoder asks for room for the 33 bytes that 44 characters without padding hold.
    let mut buffer = [0; 33];
    let length = STANDARD.decode_slice(value, &mut buffer).ok()?;
    buffer[..length].try_into().ok()
}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned;
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// The example message of FreshBooks' documentation, signed with Python's `hmac`.
    const KEY: &str = "UWQfd9zCzxmVwFZWKqqKwLxqz8gvzGdAn";
    const MESSAGE: &str = r#"{"name": "client.update", "object_id": "177864", "user_id": "1", "account_id": "FrEsHb"}"#;
    const SIGNED: &str = "uQL7Cy82JtV4RlsEowUZ+hm4cziC6LYjxuKj1cqLqHM=";

    fn header(name: &str, value: &str) -> Header {
        Header {
            name: name.to_string(),
            value: value.to_string(),
        }
    }

    fn is_by(value: &str, keys: &[&str]) -> bool {
        let headers = [header("X-FreshBooks-Hmac-SHA256", value)];
        Signature::from_headers(&headers)
            .is_some_and(|signature| signature.is_by_any(keys.iter().copied(), MESSAGE))
    }

    #[test]
    fn matches_whichever_key_it_was() {
        assert!(is_by(SIGNED, &[KEY]));
        assert!(is_by(SIGNED, &["a", KEY, "b"]));
        assert!(!is_by(SIGNED, &["a", "b"]));
        assert!(!is_by(SIGNED, &[]));
    }

    #[test]
    fn the_empty_key_never_matches() {
        let mac = Hmac::<Sha256>::new_from_slice(b"").map(|mac| mac.chain_update(MESSAGE));
        let signed = mac.map(|mac| STANDARD.encode(mac.finalize().into_bytes()));
        assert!(!is_by(&signed.unwrap_or_default(), &[""]));
    }

    #[test]
    fn exactly_one_header_in_any_case() {
        let one = header("x-FRESHBOOKS-hmac-sha256", SIGNED);
        assert!(Signature::from_headers(core::slice::from_ref(&one)).is_some());
        assert!(Signature::from_headers(&[one.clone(), one]).is_none());
        assert!(Signature::from_headers(&[header("x-freshbooks-hmac-sha1", SIGNED)]).is_none());
        assert!(Signature::from_headers(&[]).is_none());
    }

    #[test]
    fn other_spellings_of_the_same_bytes_match_nothing() {
        let hex: String = SIGNED
            .bytes()
            .map(|byte| char::from(byte % 16 + 97))
            .collect();
        for value in [
            "",
            &SIGNED[..43],
            &SIGNED.replace('+', "-"),
            &SIGNED.replace("M=", "N="),
            &SIGNED.replace("HM=", "H=="),
            &SIGNED.replace('=', "A"),
            &SIGNED.replace('=', " "),
            &(SIGNED.to_owned() + "="),
            &(" ".to_owned() + SIGNED),
            &hex,
        ] {
            assert!(!is_by(value, &[KEY]), "{value}");
        }
    }

    proptest! {
        #[test]
        fn decodes_what_base64_encodes(bytes: [u8; 32]) {
            prop_assert_eq!(decode(&STANDARD.encode(bytes)), Some(bytes));
        }

        #[test]
        fn other_lengths_are_none(bytes in proptest::collection::vec(any::<u8>(), 0..70)) {
            prop_assume!(bytes.len() != 32);
            prop_assert_eq!(decode(&STANDARD.encode(&bytes)), None);
        }

        /// Every other character at any place gives other bytes or none.
        #[test]
        fn one_spelling_per_signature(bytes: [u8; 32], place in 0..44_usize, other in 0..128_u8) {
            let mut text: Vec<u8> = STANDARD.encode(bytes).into_bytes();
            prop_assume!(text[place] != other);
            text[place] = other;
            prop_assert_ne!(decode(&String::from_utf8_lossy(&text)), Some(bytes));
        }
    }
}
