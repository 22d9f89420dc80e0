//! A certificate, read.

use rsa::PublicKey;
use rsa::pkcs8::DecodePublicKey;
use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

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
            key: PublicKey::from_public_key_der(&key).ok(),
        })
    }

    /// Whether it names exactly this host: in its subject alternative names or, only where it has
    /// none, as its common name. A name with a wildcard is not exact.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
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
        return Ok(common_names(certificate));
    };
    let dns = alternatives.iter().filter_map(|name| match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        _ => None,
    });
    Ok(dns.collect())
}

fn common_names(certificate: &Certificate) -> Vec<String> {
    let subject = certificate.tbs_certificate().subject();
    let common = subject.common_name().ok().flatten();
    common
        .map(|name| name.value().into_owned())
        .into_iter()
        .collect()
}
