//! Whom to trust: the roots in a file, read again when it changes, and the name that the
//! certificate must have.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

use super::leaf::may_issue;
use super::{Leaf, Peer};
use crate::config::Purpose;
use crate::contract::types::Instant;

/// Why the roots cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file} cannot be used as trust anchors ({detail}); put PEM certificates into it")]
pub struct TrustError {
    /// The path of the PEM file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub detail: String,
}

/// Why a peer is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// It showed no certificate.
    #[error("it showed no certificate")]
    NoCertificate,
    /// What it showed is none.
    #[error("its certificate cannot be read")]
    Unreadable,
    /// Its certificate belongs to another name.
    #[error("its certificate has another name")]
    OtherName,
    /// The right name, under a root that is not in the file.
    #[error("its certificate has the right name and an issuer that is not trusted")]
    UnknownIssuer,
    /// Not valid at this time.
    #[error("its certificate has ended or has not begun")]
    Expired,
    /// Not made for clients.
    #[error("its certificate is not made for clients")]
    Purpose,
    /// The key of one in its chain may not do what it does there: its own sign, the others issue.
    #[error("the key of a certificate in its chain may not be used for that")]
    KeyUsage,
    /// Anything else, such as a wrong signature.
    #[error("its certificate is not valid")]
    Broken,
}

impl Untrusted {
    /// A stable label for counters.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::NoCertificate => "no-certificate",
            Self::Unreadable => "certificate-unreadable",
            Self::OtherName => "other-name",
            Self::UnknownIssuer => "unknown-issuer",
            Self::Expired => "certificate-expired",
            Self::Purpose => "certificate-purpose",
            Self::KeyUsage => "certificate-key-usage",
            Self::Broken => "certificate-broken",
        }
    }
}

/// What came of reading the file again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reloaded {
    /// It is the same.
    Same,
    /// It holds so many roots now.
    Changed(usize),
    /// It cannot be used; the roots that were read before stay. ReportOnce once for each content.
    Refused(TrustError),
}

/// The roots in a file and the name that a certificate under them must have.
pub struct Trust {
    file: PathBuf,
    name: Option<String>,
    purpose: Purpose,
    anchors: RwLock<Arc<Vec<TrustAnchor<'static>>>>,
    /// The file as it was read last.
    content: Mutex<Vec<u8>>,
}

impl Trust {
    /// Reads the roots. Without a name every certificate under them is trusted: then they must be
    /// roots that make certificates for nobody else.
    ///
    /// # Errors
    ///
    /// [`TrustError`] if there is none.
    pub fn open(file: &Path, name: Option<&str>, purpose: Purpose) -> Result<Self, TrustError> {
        let content = read(file)?;
        let anchors = anchors(file, &content)?;
        Ok(Self {
            file: file.to_path_buf(),
            name: name.map(str::to_owned),
            purpose,
            anchors: RwLock::new(Arc::new(anchors)),
            content: Mutex::new(content),
        })
    }

    /// How many roots there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.anchors().len()
    }

    /// Reads the file again if it has changed.
    pub fn reload(&self) -> Reloaded {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that cannot be read for a moment, while it is replaced, is looked at again next
        // time.
        let new = match std::fs::read(&self.file) {
            Ok(new) if new != *content => new,
            _ => return Reloaded::Same,
        };
        let read = anchors(&self.file, &new);
        *content = new;
        match read {
            Ok(anchors) => {
                let count = anchors.len();
                *self.anchors.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(anchors);
                Reloaded::Changed(count)
            }
            Err(error) => Reloaded::Refused(error),
        }
    }

    /// Whether a peer that showed this chain, its own certificate first, is trusted at `now`.
    ///
    /// # Errors
    ///
    /// [`Untrusted`]
    pub fn verify(&self, chain: &[CertificateDer<'_>], now: Instant) -> Result<Peer, Untrusted> {
        let (own, others) = chain.split_first().ok_or(Untrusted::NoCertificate)?;
        let leaf = Leaf::read(own).map_err(|_| Untrusted::Unreadable)?;
        if self.name.as_ref().is_some_and(|name| !leaf.is_named(name)) {
            return Err(Untrusted::OtherName);
        }
        let must_sign = self.must_sign(own, others, now)?;
        if !leaf.may_sign() {
            return Err(Untrusted::KeyUsage);
        }
        Ok(Peer {
            leaf: Arc::new(leaf),
            must_sign,
        })
    }

    /// A certificate for clients needs no more. One for servers only is taken where the settings
    /// allow it, and then what its holder says must be signed.
    fn must_sign(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: Instant,
    ) -> Result<bool, Untrusted> {
        let own = EndEntityCert::try_from(own).map_err(|_| Untrusted::Unreadable)?;
        let for_client = self.verify_usage(&own, others, now, KeyUsage::client_auth());
        match for_client {
            Ok(()) => Ok(false),
            Err(Untrusted::Purpose) if self.purpose == Purpose::ServerAuthWithSignature => self
                .verify_usage(&own, others, now, KeyUsage::server_auth())
                .map(|()| true),
            Err(why) => Err(why),
        }
    }

    fn verify_usage(
        &self,
        own: &EndEntityCert<'_>,
        others: &[CertificateDer<'_>],
        now: Instant,
        usage: KeyUsage,
    ) -> Result<(), Untrusted> {
        let anchors = self.anchors();
        let time = UnixTime::since_unix_epoch(Duration::from_millis(now));
        own.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            others,
            time,
            usage,
            None,
            Some(&check_issuers),
        )
        .map(drop)
        .map_err(|error| untrusted(&error))
    }

    fn anchors(&self) -> Arc<Vec<TrustAnchor<'static>>> {
        let anchors = self.anchors.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&anchors)
    }
}

/// The library looks at basic constraints and not at key usage. The root is in the file because a
/// person trusts it.
fn check_issuers(path: &VerifiedPath<'_>) -> Result<(), webpki::Error> {
    let mut issuers = path.intermediate_certificates();
    if issuers.all(|issuer| may_issue(&issuer.der())) {
        Ok(())
    } else {
        Err(webpki::Error::EndEntityUsedAsCa)
    }
}

fn untrusted(error: &webpki::Error) -> Untrusted {
    match error {
        webpki::Error::UnknownIssuer => Untrusted::UnknownIssuer,
        webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. } => {
            Untrusted::Expired
        }
        webpki::Error::RequiredEkuNotFoundContext(_) => Untrusted::Purpose,
        webpki::Error::EndEntityUsedAsCa => Untrusted::KeyUsage,
        _ => Untrusted::Broken,
    }
}

fn read(file: &Path) -> Result<Vec<u8>, TrustError> {
    std::fs::read(file).map_err(|error| TrustError {
        file: file.to_path_buf(),
        detail: error.to_string(),
    })
}

fn anchors(file: &Path, content: &[u8]) -> Result<Vec<TrustAnchor<'static>>, TrustError> {
    let unusable = |detail: String| TrustError {
        file: file.to_path_buf(),
        detail,
    };
    let mut anchors = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(content) {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        let anchor = webpki::anchor_from_trusted_cert(&certificate);
        anchors.push(
            anchor
                .map_err(|error| unusable(error.to_string()))?
                .to_owned(),
        );
    }
    if anchors.is_empty() {
        return Err(unusable("it holds no certificate".to_string()));
    }
    Ok(anchors)
}
