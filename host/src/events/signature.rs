//! `Concur-Signature`: made with the key of the client certificate, over the raw body.
//!
//! SAP does not document the algorithm. What is known is a receiver that checks RSASSA-PSS with
//! SHA-256 and the longest salt that fits; a verifier that expects another length of salt refuses
//! it. So three ways are tried, and which one fits is logged once
//! (source: concur-event-subscription, concur-integrators).

use std::sync::Mutex;
use std::sync::PoisonError;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rsa::pss;
use rsa::signature::hazmat::PrehashVerifier;
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Sign, PublicKey};
use sha2::{Digest, Sha256};

use crate::config::SignatureRule;

/// The name of the header.
pub const HEADER: &str = "concur-signature";

/// Base64 digits of a signature of 8192 bits.
const DIGITS_MAX: usize = 1_400;

/// The way in which a signature was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureScheme {
    /// RSASSA-PSS, SHA-256, the longest salt that the key has room for: 222 bytes with 2048 bits.
    PssLongestSalt,
    /// RSASSA-PSS, SHA-256, a salt of 32 bytes.
    PssDigestSalt,
    /// RSASSA-PKCS1-v1_5, SHA-256: no salt.
    Pkcs1,
}

/// What the check of a signature found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureCheck {
    /// Valid: made by the holder of the key, with this scheme.
    Valid(SignatureScheme),
    /// The event came without a `Concur-Signature` header.
    Missing,
    /// There is one, and it does not fit the body and the key.
    Wrong,
}

impl SignatureCheck {
    /// Whether an event with this finding may be accepted.
    #[must_use]
    pub fn suffices(self, rule: SignatureRule, must_sign: bool) -> bool {
        match (self, rule) {
            (Self::Valid(_), _) => true,
            _ if must_sign => false,
            (_, SignatureRule::Off) | (Self::Missing, SignatureRule::WhenPresent) => true,
            (Self::Wrong, SignatureRule::WhenPresent) | (_, SignatureRule::Required) => false,
        }
    }

    /// A stable label for counters.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Valid(SignatureScheme::PssLongestSalt) => "signed-pss-longest-salt",
            Self::Valid(SignatureScheme::PssDigestSalt) => "signed-pss-digest-salt",
            Self::Valid(SignatureScheme::Pkcs1) => "signed-pkcs1",
            Self::Missing => "signature-missing",
            Self::Wrong => "signature-wrong",
        }
    }
}

/// Checks the signature headers of an event, given the SHA-256 of its body and the key of its
/// sender. Several headers, or several signatures in one, are several tries: one that fits is
/// enough.
#[must_use]
pub fn check_signature(
    headers: &[&str],
    digest: &[u8; 32],
    key: Option<&PublicKey>,
) -> SignatureCheck {
    // A key rotation needs two; each costs up to three RSA operations of an unproven peer.
    const TRIES_MAX: usize = 4;
    let signatures: Vec<&str> = headers
        .iter()
        .flat_map(|header| header.split(','))
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .take(TRIES_MAX)
        .collect();
    if signatures.is_empty() {
        return SignatureCheck::Missing;
    }
    let matching = signatures
        .into_iter()
        .filter_map(decode_base64)
        .filter_map(|signature| matching_scheme(&signature, digest, key?));
    matching
        .into_iter()
        .next()
        .map_or(SignatureCheck::Wrong, SignatureCheck::Valid)
}

/// The digest that [`check_signature`] needs.
#[must_use]
pub fn digest(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

fn matching_scheme(
    signature: &[u8],
    digest: &[u8; 32],
    key: &PublicKey,
) -> Option<SignatureScheme> {
    let pss_with = |salt_bytes| {
        let verifier = pss::VerifyingKey::<Sha256>::new_with_salt_len(key.clone(), salt_bytes);
        pss::Signature::try_from(signature)
            .is_ok_and(|signature| verifier.verify_prehash(digest, &signature).is_ok())
    };
    // RFC 8017, section 9.1.1: the encoded message has room for the digest, the salt and two bytes.
    let longest = key.size().checked_sub(digest.len() + 2)?;
    if pss_with(longest) {
        Some(SignatureScheme::PssLongestSalt)
    } else if pss_with(digest.len()) {
        Some(SignatureScheme::PssDigestSalt)
    } else {
        key.verify(Pkcs1v15Sign::new::<Sha256>(), digest, signature)
            .is_ok()
            .then_some(SignatureScheme::Pkcs1)
    }
}

/// Base64 in either alphabet, with or without padding.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    if text.len() > DIGITS_MAX {
        return None;
    }
    let lenient =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [STANDARD, URL_SAFE]
        .into_iter()
        .find_map(|alphabet| GeneralPurpose::new(&alphabet, lenient).decode(text).ok())
}

/// Remembers the last finding, so that one is logged when it differs from the one before.
#[derive(Debug, Default)]
pub struct ReportOnce(Mutex<Option<SignatureCheck>>);

impl ReportOnce {
    /// Whether this finding differs from the one before.
    pub fn is_new(&self, proof: SignatureCheck) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = *last != Some(proof);
        *last = Some(proof);
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::test_certificates::{rsa_key, sign_pkcs1, sign_pss};

    const BODY: &[u8] = br#"{"id":"e1"}"#;

    fn proof(headers: &[&str]) -> SignatureCheck {
        check_signature(headers, &digest(BODY), Some(&rsa_key(0).to_public_key()))
    }

    #[test]
    fn three_ways_are_told_apart() {
        for (signature, way) in [
            (
                sign_pss(rsa_key(0), 222, BODY),
                SignatureScheme::PssLongestSalt,
            ),
            (
                sign_pss(rsa_key(0), 32, BODY),
                SignatureScheme::PssDigestSalt,
            ),
            (sign_pkcs1(rsa_key(0), BODY), SignatureScheme::Pkcs1),
        ] {
            assert_eq!(proof(&[&signature]), SignatureCheck::Valid(way));
        }
    }

    #[test]
    fn what_does_not_fit_is_wrong() {
        let other_salt = sign_pss(rsa_key(0), 20, BODY);
        let other_body = sign_pss(rsa_key(0), 222, b"{}");
        let other_key = sign_pss(rsa_key(1), 222, BODY);
        let cut = &sign_pss(rsa_key(0), 222, BODY)[..300];
        let long = "A".repeat(4_000);
        for signature in [
            &other_salt,
            &other_body,
            &other_key,
            cut,
            &long,
            "?",
            "AAAA",
        ] {
            assert_eq!(proof(&[signature]), SignatureCheck::Wrong, "{signature}");
        }
        let right = sign_pss(rsa_key(0), 222, BODY);
        assert_eq!(
            check_signature(&[&right], &digest(BODY), None),
            SignatureCheck::Wrong
        );
    }

    #[test]
    fn it_may_be_missing() {
        assert_eq!(proof(&[]), SignatureCheck::Missing);
        assert_eq!(proof(&["", " , "]), SignatureCheck::Missing);
    }

    #[test]
    fn one_of_several_that_fits_is_enough() {
        let (wrong, right) = (
            sign_pss(rsa_key(1), 222, BODY),
            sign_pss(rsa_key(0), 222, BODY),
        );
        let made = SignatureCheck::Valid(SignatureScheme::PssLongestSalt);
        assert_eq!(proof(&[&format!("{wrong}, {right}")]), made);
        assert_eq!(proof(&[&wrong, &right]), made);
    }

    #[test]
    fn the_alphabet_does_not_matter() {
        let signature = sign_pss(rsa_key(0), 222, BODY);
        let url_safe = signature.replace('+', "-").replace('/', "_");
        let bare = url_safe.trim_end_matches('=');
        for form in [&url_safe, bare] {
            assert_eq!(
                proof(&[form]),
                SignatureCheck::Valid(SignatureScheme::PssLongestSalt)
            );
        }
    }

    #[test]
    fn what_must_be_signed_is_signed_whatever_the_rule() {
        let made = SignatureCheck::Valid(SignatureScheme::Pkcs1);
        for (proof, rule, free, bound) in [
            (made, SignatureRule::Off, true, true),
            (made, SignatureRule::Required, true, true),
            (SignatureCheck::Missing, SignatureRule::Off, true, false),
            (
                SignatureCheck::Missing,
                SignatureRule::WhenPresent,
                true,
                false,
            ),
            (
                SignatureCheck::Missing,
                SignatureRule::Required,
                false,
                false,
            ),
            (SignatureCheck::Wrong, SignatureRule::Off, true, false),
            (
                SignatureCheck::Wrong,
                SignatureRule::WhenPresent,
                false,
                false,
            ),
            (SignatureCheck::Wrong, SignatureRule::Required, false, false),
        ] {
            assert_eq!(proof.suffices(rule, false), free, "{proof:?} {rule:?}");
            assert_eq!(proof.suffices(rule, true), bound, "{proof:?} {rule:?}");
        }
    }

    #[test]
    fn a_finding_is_told_when_it_is_new() {
        let told = ReportOnce::default();
        let (made, wrong) = (
            SignatureCheck::Valid(SignatureScheme::Pkcs1),
            SignatureCheck::Wrong,
        );
        let is_new = [made, made, wrong, wrong, made].map(|proof| told.is_new(proof));
        assert_eq!(is_new, [true, false, true, false, true]);
    }
}
