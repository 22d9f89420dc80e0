//! The certificate that a proxy was shown, as it forwards it: `Client-Cert` and `Client-Cert-Chain`
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

/// Chains of public authorities have three or four.
const CERTIFICATES_MAX: usize = 8;

/// Why a forwarded certificate is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ForwardedCertError {
    /// There is no `Client-Cert` header.
    Missing,
    /// A header is there twice: one of them may be the sender's own.
    Repeated,
    /// Not encoded as RFC 9440 wants it, or more than [`CERTIFICATES_MAX`].
    Garbled,
}

impl ForwardedCertError {
    /// A stable label for counters.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Missing => "forwarded-missing",
            Self::Repeated => "forwarded-repeated",
            Self::Garbled => "forwarded-garbled",
        }
    }
}

/// The chain that a proxy forwards, the sender's own certificate first.
pub(super) fn read_chain(
    headers: &HeaderMap,
) -> Result<Vec<CertificateDer<'static>>, ForwardedCertError> {
    let mut certificates = vec![decode_certificate(
        single_value(headers, LEAF)?.ok_or(ForwardedCertError::Missing)?,
    )?];
    if let Some(chain) = single_value(headers, CHAIN)? {
        for item in chain.split(',') {
            certificates.push(decode_certificate(item)?);
        }
    }
    if certificates.len() > CERTIFICATES_MAX {
        return Err(ForwardedCertError::Garbled);
    }
    Ok(certificates)
}

fn single_value<'h>(
    headers: &'h HeaderMap,
    name: &str,
) -> Result<Option<&'h str>, ForwardedCertError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(ForwardedCertError::Repeated);
    }
    first
        .map(|value| value.to_str().map_err(|_| ForwardedCertError::Garbled))
        .transpose()
}

/// A byte sequence (RFC 9651, section 3.3.5).
fn decode_certificate(item: &str) -> Result<CertificateDer<'static>, ForwardedCertError> {
    let inner = item.trim().strip_prefix(':');
    let inner = inner.and_then(|inner| inner.strip_suffix(':'));
    let bytes = STANDARD.decode(inner.ok_or(ForwardedCertError::Garbled)?);
    Ok(CertificateDer::from(
        bytes.map_err(|_| ForwardedCertError::Garbled)?,
    ))
}
