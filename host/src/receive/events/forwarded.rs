//! The certificate that a proxy was shown, as it tells of it: `Client-Cert` and `Client-Cert-Chain`
//! (RFC 9440).
//!
//! Proxies are known to fill these in also where the certificate did not hold, so that it is judged
//! here again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use rustls::pki_types::CertificateDer;

const LEAF: &str = "client-cert";
const CHAIN: &str = "client-cert-chain";

const CERTIFICATES_MAX: usize = 8;

/// Why a proxy's word is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unclear {
    /// It tells of no certificate.
    Missing,
    /// It tells of several, one of which may be the sender's own.
    Repeated,
    /// What it tells is not written as RFC 9440 wants it.
    Garbled,
}

impl Unclear {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Missing => "forwarded-missing",
            Self::Repeated => "forwarded-repeated",
            Self::Garbled => "forwarded-garbled",
        }
    }
}

/// The chain that a proxy tells of, the sender's own certificate first.
pub(super) fn chain(headers: &HeaderMap) -> Result<Vec<CertificateDer<'static>>, Unclear> {
    let mut certificates = vec![certificate(only(headers, LEAF)?.ok_or(Unclear::Missing)?)?];
    if let Some(chain) = only(headers, CHAIN)? {
        for item in chain.split(',') {
            certificates.push(certificate(item)?);
        }
    }
    if certificates.len() > CERTIFICATES_MAX {
        return Err(Unclear::Garbled);
    }
    Ok(certificates)
}

fn only<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Unclear> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Unclear::Repeated);
    }
    first
        .map(|value| value.to_str().map_err(|_| Unclear::Garbled))
        .transpose()
}

/// A byte sequence (RFC 9651, section 3.3.5).
fn certificate(item: &str) -> Result<CertificateDer<'static>, Unclear> {
    let inner = item.trim().strip_prefix(':');
    let inner = inner.and_then(|inner| inner.strip_suffix(':'));
    let bytes = STANDARD.decode(inner.ok_or(Unclear::Garbled)?);
    Ok(CertificateDer::from(bytes.map_err(|_| Unclear::Garbled)?))
}
