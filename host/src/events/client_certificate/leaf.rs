//! A certificate, read.

use rsa::PublicKey;
use rsa::pkcs8::DecodePublicKey;
use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{KeyUsage, SubjectAltName};

use crate::contract::types::Instant;

/// Why a certificate cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no certificate ({0})")]
pub struct LeafError(String);

/// What a certificate says of its holder.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// SHA-256 over the whole certificate, lower-case hex.
    pub fingerprint: String,
    /// The last instant at which it is valid.
    pub ends: Instant,
    names: Vec<String>,
    usage: Option<KeyUsage>,
    key: Option<PublicKey>,
}

impl Leaf {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    ///
    /// [`LeafError`] if it is none.
    pub fn read(der: &[u8]) -> Result<Self, LeafError> {
        let broken = |error: x509_cert::der::Error| LeafError(error.to_string());
        let certificate = Certificate::from_der(der).map_err(broken)?;
        let content = certificate.tbs_certificate();
        let ends = content.validity().not_after.to_unix_duration();
        let key = content.subject_public_key_info().to_der().map_err(broken)?;
        Ok(Self {
            fingerprint: base16ct::lower::encode_string(&Sha256::digest(der)),
            ends: Instant::try_from(ends.as_millis()).unwrap_or(Instant::MAX),
            names: names(&certificate).map_err(broken)?,
            usage: key_usage(&certificate).map_err(broken)?,
            key: PublicKey::from_public_key_der(&key).ok(),
        })
    }

    /// Whether it names exactly this host in its subject alternative names. A name with a wildcard
    /// is not exact, and the common name says nothing: name constraints do not cover it
    /// (RFC 9525, section 6.3).
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Whether its key may sign handshakes; true if the certificate does not say what its key may
    /// do (RFC 5280, section 4.2.1.3).
    #[must_use]
    pub fn may_sign(&self) -> bool {
        self.usage.is_none_or(|usage| usage.digital_signature())
    }

    /// Its key, if that is one of RSA.
    #[must_use]
    pub fn key(&self) -> Option<&PublicKey> {
        self.key.as_ref()
    }
}

fn names(certificate: &Certificate) -> Result<Vec<String>, x509_cert::der::Error> {
    let content = certificate.tbs_certificate();
    let Some((_, SubjectAltName(alternatives))) = content.get_extension::<SubjectAltName>()? else {
        return Ok(Vec::new());
    };
    let dns = alternatives.iter().filter_map(|name| match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        _ => None,
    });
    Ok(dns.collect())
}

/// Whether a certificate may vouch for others; true if it does not say what its key may do
/// (RFC 5280, section 6.1.4).
pub(super) fn may_issue(der: &[u8]) -> bool {
    let usage = Certificate::from_der(der).and_then(|certificate| key_usage(&certificate));
    usage.is_ok_and(|usage| usage.is_none_or(|usage| usage.key_cert_sign()))
}

fn key_usage(certificate: &Certificate) -> Result<Option<KeyUsage>, x509_cert::der::Error> {
    let extension = certificate.tbs_certificate().get_extension::<KeyUsage>()?;
    Ok(extension.map(|(_, usage)| usage))
}
