//! `Concur-Signature`: made with the key of the client certificate, over the raw body.
//!
//! SAP does not document the algorithm. What is known is a receiver that checks RSASSA-PSS with
//! SHA-256 and the longest salt that fits; a verifier that expects another length of salt refuses
//! it. So three ways are tried, and which one fits is told once. (Concur docs, event subscription
//! service; integrators.)

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
pub enum Way {
    /// RSASSA-PSS, SHA-256, the longest salt that the key has room for: 222 bytes with 2048 bits.
    PssLongestSalt,
    /// RSASSA-PSS, SHA-256, a salt of 32 bytes.
    PssDigestSalt,
    /// RSASSA-PKCS1-v1_5, SHA-256.
    Pkcs1,
}

/// What a signature proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It was made in this way, by the holder of the key.
    Made(Way),
    /// There is none.
    Missing,
    /// There is one, and it does not fit the body and the key.
    Wrong,
}

impl Proof {
    /// Whether an event with this proof may be taken.
    #[must_use]
    pub fn suffices(self, rule: SignatureRule, must_sign: bool) -> bool {
        match (self, rule) {
            (Self::Made(_), _) => true,
            _ if must_sign => false,
            (_, SignatureRule::Off) | (Self::Missing, SignatureRule::WhenPresent) => true,
            (Self::Wrong, SignatureRule::WhenPresent) | (_, SignatureRule::Required) => false,
        }
    }

    /// A stable word for counters.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Made(Way::PssLongestSalt) => "signed-pss-longest-salt",
            Self::Made(Way::PssDigestSalt) => "signed-pss-digest-salt",
            Self::Made(Way::Pkcs1) => "signed-pkcs1",
            Self::Missing => "signature-missing",
            Self::Wrong => "signature-wrong",
        }
    }
}

/// Looks at the signature headers of an event, given the SHA-256 of its body and the key of its
/// sender. Several headers, or several signatures in one, are several tries: one that fits is
/// enough.
#[must_use]
pub fn prove(headers: &[&str], digest: &[u8; 32], key: Option<&PublicKey>) -> Proof {
    const TRIES_MAX: usize = 4;
    let signatures: Vec<&str> = headers
        .iter()
        .flat_map(|header| header.split(','))
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .take(TRIES_MAX)
        .collect();
    if signatures.is_empty() {
        return Proof::Missing;
    }
    let ways = signatures
        .into_iter()
        .filter_map(decode)
        .filter_map(|signature| way(&signature, digest, key?));
    ways.into_iter().next().map_or(Proof::Wrong, Proof::Made)
}

/// The digest that [`prove`] needs.
#[must_use]
pub fn digest(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

fn way(signature: &[u8], digest: &[u8; 32], key: &PublicKey) -> Option<Way> {
    let pss_with = |salt_bytes| {
        let verifier = pss::VerifyingKey::<Sha256>::new_with_salt_len(key.clone(), salt_bytes);
        pss::Signature::try_from(signature)
            .is_ok_and(|signature| verifier.verify_prehash(digest, &signature).is_ok())
    };
    // RFC 8017, section 9.1.1: the encoded message has room for the digest, the salt and two bytes.
    let longest = key.size().checked_sub(digest.len() + 2)?;
    if pss_with(longest) {
        Some(Way::PssLongestSalt)
    } else if pss_with(digest.len()) {
        Some(Way::PssDigestSalt)
    } else {
        key.verify(Pkcs1v15Sign::new::<Sha256>(), digest, signature)
            .is_ok()
            .then_some(Way::Pkcs1)
    }
}

/// Base64 in either alphabet, with or without padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > DIGITS_MAX {
        return None;
    }
    let lenient =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [STANDARD, URL_SAFE]
        .into_iter()
        .find_map(|alphabet| GeneralPurpose::new(&alphabet, lenient).decode(text).ok())
}

/// Remembers what was told last, so that each finding is told when it is new.
#[derive(Debug, Default)]
pub struct Told(Mutex<Option<Proof>>);

impl Told {
    /// Whether this finding differs from the one before.
    pub fn is_new(&self, proof: Proof) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = *last != Some(proof);
        *last = Some(proof);
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::certificates::{rsa_key, sign_pkcs1, sign_pss};

    const BODY: &[u8] = br#"{"id":"e1"}"#;

    fn proof(headers: &[&str]) -> Proof {
        prove(headers, &digest(BODY), Some(&rsa_key(0).to_public_key()))
    }

    #[test]
    fn three_ways_are_told_apart() {
        for (signature, way) in [
            (sign_pss(rsa_key(0), 222, BODY), Way::PssLongestSalt),
            (sign_pss(rsa_key(0), 32, BODY), Way::PssDigestSalt),
            (sign_pkcs1(rsa_key(0), BODY), Way::Pkcs1),
        ] {
            assert_eq!(proof(&[&signature]), Proof::Made(way));
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
            assert_eq!(proof(&[signature]), Proof::Wrong, "{signature}");
        }
        let right = sign_pss(rsa_key(0), 222, BODY);
        assert_eq!(prove(&[&right], &digest(BODY), None), Proof::Wrong);
    }

    #[test]
    fn it_may_be_missing() {
        assert_eq!(proof(&[]), Proof::Missing);
        assert_eq!(proof(&["", " , "]), Proof::Missing);
    }

    #[test]
    fn one_of_several_that_fits_is_enough() {
        let (wrong, right) = (
            sign_pss(rsa_key(1), 222, BODY),
            sign_pss(rsa_key(0), 222, BODY),
        );
        let made = Proof::Made(Way::PssLongestSalt);
        assert_eq!(proof(&[&format!("{wrong}, {right}")]), made);
        assert_eq!(proof(&[&wrong, &right]), made);
    }

    #[test]
    fn the_alphabet_does_not_matter() {
        let signature = sign_pss(rsa_key(0), 222, BODY);
        let url_safe = signature.replace('+', "-").replace('/', "_");
        let bare = url_safe.trim_end_matches('=');
        for form in [&url_safe, bare] {
            assert_eq!(proof(&[form]), Proof::Made(Way::PssLongestSalt));
        }
    }

    #[test]
    fn what_must_be_signed_is_signed_whatever_the_rule() {
        let made = Proof::Made(Way::Pkcs1);
        for (proof, rule, free, bound) in [
            (made, SignatureRule::Off, true, true),
            (made, SignatureRule::Required, true, true),
            (Proof::Missing, SignatureRule::Off, true, false),
            (Proof::Missing, SignatureRule::WhenPresent, true, false),
            (Proof::Missing, SignatureRule::Required, false, false),
            (Proof::Wrong, SignatureRule::Off, true, false),
            (Proof::Wrong, SignatureRule::WhenPresent, false, false),
            (Proof::Wrong, SignatureRule::Required, false, false),
        ] {
            assert_eq!(proof.suffices(rule, false), free, "{proof:?} {rule:?}");
            assert_eq!(proof.suffices(rule, true), bound, "{proof:?} {rule:?}");
        }
    }

    #[test]
    fn a_finding_is_told_when_it_is_new() {
        let told = Told::default();
        let (made, wrong) = (Proof::Made(Way::Pkcs1), Proof::Wrong);
        let is_new = [made, made, wrong, wrong, made].map(|proof| told.is_new(proof));
        assert_eq!(is_new, [true, false, true, false, true]);
    }
}
