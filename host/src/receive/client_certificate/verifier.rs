//! The TLS side: who is let in.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, SignatureScheme};

use super::{Trust, Untrusted};
use crate::contract::types::Instant;
use crate::metrics::Metrics;

/// Lets in whoever one of several parties trusts. The library's own verifier knows no certificate
/// for servers only, no exact name, and no roots that change.
pub(in crate::receive) struct Doorman {
    /// Whom to trust, those whose refusal is told first.
    pub(in crate::receive) trusted: Vec<Arc<Trust>>,
    pub(in crate::receive) metrics: Arc<Metrics>,
    pub(in crate::receive) clock: fn() -> Instant,
    /// Whether a certificate of the right name and an unknown issuer was told of.
    pub(in crate::receive) told: AtomicBool,
}

impl Doorman {
    fn judge(&self, chain: &[CertificateDer<'_>]) -> Result<(), Untrusted> {
        let now = (self.clock)();
        let mut first = None;
        for trust in &self.trusted {
            match trust.judge(chain, now) {
                Ok(_) => return Ok(()),
                Err(why) => first = first.or(Some(why)),
            }
        }
        Err(first.unwrap_or(Untrusted::Broken))
    }

    fn turned_away(&self, why: Untrusted) {
        self.metrics.event("", why.word());
        // Anybody can bring this about, so that it is told once and counted from then on.
        if why == Untrusted::UnknownIssuer && !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a peer with the name of SAP Concur has a certificate of an unknown issuer; if events stay away, put its \
                 root into `trust_anchors`"
            );
        }
    }
}

impl ClientCertVerifier for Doorman {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // No hints: the roots may change, and a client that is led by them would show nothing.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let chain: Vec<CertificateDer<'_>> = std::iter::once(end_entity)
            .chain(intermediates)
            .cloned()
            .collect();
        match self.judge(&chain) {
            Ok(()) => Ok(ClientCertVerified::assertion()),
            Err(why) => {
                self.turned_away(why);
                Err(refusal(why))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signature, &algorithms())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signature, &algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}

impl fmt::Debug for Doorman {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Doorman")
    }
}

fn algorithms() -> WebPkiSupportedAlgorithms {
    ring::default_provider().signature_verification_algorithms
}

fn refusal(why: Untrusted) -> rustls::Error {
    let error = match why {
        Untrusted::UnknownIssuer => CertificateError::UnknownIssuer,
        Untrusted::Expired => CertificateError::Expired,
        Untrusted::Purpose => CertificateError::InvalidPurpose,
        Untrusted::OtherName => CertificateError::NotValidForName,
        Untrusted::NoCertificate | Untrusted::Unreadable | Untrusted::Broken => {
            CertificateError::BadEncoding
        }
    };
    rustls::Error::InvalidCertificate(error)
}
