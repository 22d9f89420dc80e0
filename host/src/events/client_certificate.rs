//! Client certificates: is the peer who it says it is?
//!
//! SAP Concur's certificate comes from a public certificate authority, which gives one to anybody,
//! so that the chain alone proves nothing: the name in it does. Serial number, organisation, place
//! and issuer change from year to year and are never looked at
//! (source: concur-event-subscription, concur-event-certificates).

mod leaf;
mod trust;
mod verifier;

pub use leaf::{Leaf, LeafError};
pub use trust::{Reloaded, Trust, TrustError, Untrusted};
pub(super) use verifier::PeerVerifier;

use std::sync::Arc;

/// A peer whose certificate is trusted.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The names, key and end of its certificate.
    pub leaf: Arc<Leaf>,
    /// True for a certificate that is not made for clients: what such a peer says must be signed.
    pub must_sign: bool,
}

#[cfg(test)]
mod tests;
