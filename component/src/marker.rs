//! Markers: the key that every record which a run creates carries, so that a look-up can find it.

use alloc::string::String;

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use sha2::{Digest, Sha256};

use crate::contract::types::ObjectRef;

/// The length of a marker in characters; SAP Concur's custom fields hold 48.
pub const LENGTH: usize = 24;

/// The marker of the record of `target_kind` that `object` becomes under `connection`.
///
/// `mlc-` and 20 characters of lower-case base32: 100 bits of SHA-256 over the four names, each
/// with its length, so that no two lists of names run together. The same input gives the same
/// marker for ever.
///
/// ```
/// use ml_connector_component::contract::types::ObjectRef;
/// use ml_connector_component::marker::{is_marker, marker_for};
///
/// let invoice = ObjectRef::freshbooks("invoice", "778120");
/// let marker = marker_for("acme", &invoice, "payment-request");
/// assert_eq!(marker, "mlc-67t75pxxmcusv4w5xrnx");
/// assert!(is_marker(&marker));
/// // Another connection to the same company must not find this one's records.
/// assert_ne!(marker, marker_for("acme-2", &invoice, "payment-request"));
/// ```
#[must_use]
pub fn marker_for(connection: &str, object: &ObjectRef, target_kind: &str) -> String {
    let mut marker = String::from("mlc-");
    marker.push_str(&short_hash(&[
        "v1",
        connection,
        object.system.key(),
        &object.kind,
        &object.id,
        target_kind,
    ]));
    marker
}

/// Whether a text is a marker of some record.
#[must_use]
pub fn is_marker(text: &str) -> bool {
    let is_base32 = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'2'..=b'7');
    text.strip_prefix("mlc-")
        .is_some_and(|rest| text.len() == LENGTH && rest.bytes().all(is_base32))
}

/// Whether a text holds a marker among other words, as a description or a note does.
#[must_use]
pub fn holds_marker(text: &str) -> bool {
    find_marker(text).is_some()
}

/// The first marker in a text, among other words.
#[must_use]
pub fn find_marker(text: &str) -> Option<&str> {
    text.split(|character: char| !character.is_ascii_alphanumeric() && character != '-')
        .find(|word| is_marker(word))
}

/// 20 characters of lower-case base32 over the parts, each with its length.
#[must_use]
pub fn short_hash(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    base32(&digest.finalize(), LENGTH - 4)
}

/// SHA-256 as 64 characters of lower-case hex.
#[must_use]
pub fn content_hash(content: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(content))
}

/// The first characters of the base32 (RFC 4648) in lower case.
fn base32(bytes: &[u8], characters: usize) -> String {
    let mut text = BASE32_NOPAD.encode(bytes).to_ascii_lowercase();
    text.truncate(characters);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::types::System;
    use alloc::string::ToString;

    fn object(id: &str) -> ObjectRef {
        ObjectRef {
            system: System::Freshbooks,
            kind: "invoice".to_string(),
            id: id.to_string(),
        }
    }

    #[test]
    fn a_marker_is_stable_and_short() {
        let marker = marker_for("acme", &object("778120"), "payment-request");
        assert_eq!(marker.len(), LENGTH);
        assert_eq!(
            marker,
            marker_for("acme", &object("778120"), "payment-request")
        );
        // Worked out with another implementation of SHA-256 and base32.
        assert_eq!(marker, "mlc-67t75pxxmcusv4w5xrnx");
    }

    #[test]
    fn a_marker_is_known_by_its_form() {
        assert!(is_marker(&marker_for(
            "acme",
            &object("1"),
            "payment-request"
        )));
        for other in [
            "",
            "mlc-",
            "mlc-67T75pxxmcusv4w5xrnx",
            "abc-67t75pxxmcusv4w5xrnx",
            "mlc-67t75pxxmcusv4w5xrn",
        ] {
            assert!(!is_marker(other), "{other}");
        }
    }

    #[test]
    fn a_marker_is_found_among_other_words() {
        let marker = marker_for("acme", &object("1"), "bill 4b7d/1");
        for text in [
            "{}",
            "Copy paper (PRJ_A) {}",
            "vendor V1 ({})",
            "{}, edited",
        ] {
            assert!(holds_marker(&text.replace("{}", &marker)), "{text}");
        }
        for text in ["", "Copy paper", "mlc-short", "x{}", "{}x"] {
            assert!(!holds_marker(&text.replace("{}", &marker)), "{text}");
        }
    }

    #[test]
    fn every_name_counts() {
        let base = marker_for("acme", &object("1"), "payment-request");
        assert_ne!(base, marker_for("acme2", &object("1"), "payment-request"));
        assert_ne!(base, marker_for("acme", &object("2"), "payment-request"));
        assert_ne!(base, marker_for("acme", &object("1"), "vendor"));
    }

    #[test]
    fn names_do_not_run_together() {
        assert_ne!(short_hash(&["ab", "c"]), short_hash(&["a", "bc"]));
    }

    #[test]
    fn base32_of_a_known_hash() {
        // SHA-256 of nothing begins e3b0c442; RFC 4648 base32 of those bits begins 4oymiquy.
        let hash = Sha256::digest(b"");
        assert_eq!(base32(&hash, 8), "4oymiquy");
    }
}
