//! The TLS side: which client certificates are accepted in the handshake.

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
use crate::clock::Clock;
use crate::metrics::Metrics;

/// Accepts a peer that any of several [`Trust`]s accepts. The library's own verifier knows no
/// certificate for servers only, no exact name, and no roots that change.
pub(in crate::events) struct PeerVerifier {
    /// SAP Concur first, since its refusal is the one that is counted; then proxies.
    pub(in crate::events) trusted: Vec<Arc<Trust>>,
    pub(in crate::events) metrics: Arc<Metrics>,
    pub(in crate::events) clock: Clock,
    /// Set once a certificate of the right name and an unknown issuer was logged.
    pub(in crate::events) has_warned: AtomicBool,
}

impl PeerVerifier {
    fn verify_chain(&self, chain: &[CertificateDer<'_>]) -> Result<(), Untrusted> {
        let now = self.clock.now();
        let mut first = None;
        for trust in &self.trusted {
            match trust.verify(chain, now) {
                Ok(_) => return Ok(()),
                Err(why) => first = first.or(Some(why)),
            }
        }
        Err(first.unwrap_or(Untrusted::Broken))
    }

    fn count_refusal(&self, why: Untrusted) {
        self.metrics.event("", why.label());
        // Anyone can cause this, so it is logged once and only counted from then on.
        if why == Untrusted::UnknownIssuer && !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a peer with the name of SAP Concur has a certificate of an unknown issuer; if \
                 events stay away, put its root into `trust_anchors`"
            );
        }
    }
}

impl ClientCertVerifier for PeerVerifier {
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
        match self.verify_chain(&chain) {
            Ok(()) => Ok(ClientCertVerified::assertion()),
            Err(why) => {
                self.count_refusal(why);
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

impl fmt::Debug for PeerVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PeerVerifier")
    }
}

fn algorithms() -> WebPkiSupportedAlgorithms {
    ring::default_provider().signature_verification_algorithms
}

fn refusal(why: Untrusted) -> rustls::Error {
    let error = match why {
        Untrusted::UnknownIssuer => CertificateError::UnknownIssuer,
        Untrusted::Expired => CertificateError::Expired,
        Untrusted::Purpose | Untrusted::KeyUsage => CertificateError::InvalidPurpose,
        Untrusted::OtherName => CertificateError::NotValidForName,
        Untrusted::NoCertificate | Untrusted::Unreadable | Untrusted::Broken => {
            CertificateError::BadEncoding
        }
    };
    rustls::Error::InvalidCertificate(error)
}
