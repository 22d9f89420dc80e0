//! The key of the client certificate and the signatures made with it
//! (source: concur-event-signature).

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rsa::pkcs1::EncodeRsaPublicKey as _;
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _, Signer as _};
use rsa::{PrivateKey, pkcs1v15, pss};
use sha2::Sha256;

use super::config::EventSignature;
use crate::random::Random;

/// The name of the signature's header.
pub(crate) const SIGNATURE_HEADER: &str = "Concur-Signature";

/// The size of the keys in all certificates so far.
const KEY_BITS: usize = 2048;

/// The longest salt that a key of 2048 bits and SHA-256 leave room for: 256 - 32 - 2 bytes.
const SALT_BYTES_MAX: usize = 222;

/// The length of a SHA-256 digest, which most libraries take for the salt.
const SALT_BYTES_DIGEST: usize = 32;

/// The number of a key that no certificate has: rotations count up from 0 and never come this far.
const STRANGE_KEY: u32 = u32::MAX;

/// Making a key takes a second, so each is made once per process.
static KEYS: Mutex<BTreeMap<u32, EventKey>> = Mutex::new(BTreeMap::new());

/// An RSA key of a client certificate. It signs events and proves who delivers them.
///
/// Keys are numbered and the same in every run: they protect nothing.
#[derive(Clone)]
pub struct EventKey {
    number: u32,
    key: Arc<PrivateKey>,
}

impl EventKey {
    /// The key of that number; made when it is first asked for, which takes a while.
    ///
    /// # Panics
    ///
    /// If no key can be made, which only a broken generator leads to.
    pub fn numbered(number: u32) -> Self {
        let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
        keys.entry(number)
            .or_insert_with(|| generate_key(number))
            .clone()
    }

    /// The number that it was asked for by.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The public key as PEM, as the docs print it.
    pub fn public_pem(&self) -> String {
        let pem = self.key.to_public_key().to_public_key_pem(LineEnding::LF);
        pem.unwrap_or_default()
    }

    /// The public key as PKCS#1 in DER, as certificates hold it.
    pub fn public_pkcs1(&self) -> Vec<u8> {
        let der = self.key.to_public_key().to_pkcs1_der();
        der.map(|der| der.as_bytes().to_vec()).unwrap_or_default()
    }

    /// The private key as PKCS#8 in DER.
    pub fn private_der(&self) -> Vec<u8> {
        let der = self.key.to_pkcs8_der();
        der.map(|der| der.as_bytes().to_vec()).unwrap_or_default()
    }

    /// Signs a body in the configured way, with salt drawn from `random`; none if no signature is
    /// wanted.
    pub(crate) fn sign(
        &self,
        body: &[u8],
        how: EventSignature,
        random: &mut Random,
    ) -> Option<Vec<u8>> {
        match how {
            EventSignature::PssSalt222 => Some(self.sign_pss(body, SALT_BYTES_MAX, random)),
            EventSignature::PssSalt32 => Some(self.sign_pss(body, SALT_BYTES_DIGEST, random)),
            EventSignature::Pkcs1 => {
                let signer = pkcs1v15::SigningKey::<Sha256>::new(self.key.as_ref().clone());
                Some(signer.sign(body).to_vec())
            }
            EventSignature::OtherBody => {
                Some(self.sign_pss(&[body, b" "].concat(), SALT_BYTES_MAX, random))
            }
            EventSignature::OtherKey => {
                Some(Self::numbered(STRANGE_KEY).sign_pss(body, SALT_BYTES_MAX, random))
            }
            EventSignature::Missing => None,
        }
    }

    fn sign_pss(&self, body: &[u8], salt_bytes: usize, random: &mut Random) -> Vec<u8> {
        let key = self.key.as_ref().clone();
        let signer = pss::SigningKey::<Sha256>::new_with_salt_len(key, salt_bytes);
        signer.sign_with_rng(&mut Seeded(random), body).to_vec()
    }
}

impl std::fmt::Debug for EventKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "EventKey({})", self.number)
    }
}

/// A signature in the encoding of the header.
pub(crate) fn encode_signature(signature: &[u8], url_safe: bool) -> String {
    if url_safe {
        URL_SAFE_NO_PAD.encode(signature)
    } else {
        STANDARD.encode(signature)
    }
}

#[expect(
    clippy::expect_used,
    reason = "with a generator that never ends, primes are always found"
)]
fn generate_key(number: u32) -> EventKey {
    let mut random = Random::new(u64::from(number), "concur/event-key");
    let key = PrivateKey::new(&mut Seeded(&mut random), KEY_BITS);
    let key = Arc::new(key.expect("a key of an ordinary size"));
    EventKey { number, key }
}

/// The sandbox's own randomness where a generator fit for secrets is asked for: nothing here is
/// secret.
struct Seeded<'a>(&'a mut Random);

impl TryRng for Seeded<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.0.next() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.0.next().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Seeded<'_> {}
