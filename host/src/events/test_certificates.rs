//! Certificates and signatures for tests.

use std::convert::Infallible;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rsa::pkcs8::EncodePrivateKey;
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::signature::{RandomizedSigner, SignatureEncoding};
use rsa::{Pkcs1v15Sign, PrivateKey, pss};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};

use crate::contract::types::Instant;

/// The instant of all tests: 2027-01-15T08:00:00Z.
pub(super) const NOW: Instant = 1_800_000_000_000;

pub(super) const SAP: &str = "webhook.api.concursolutions.com";

/// A certificate authority that tests issue certificates with.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
    /// Those above it, the nearest first, without the root.
    above: Vec<CertificateDer<'static>>,
}

/// What a certificate is to hold.
pub(super) struct Wanted {
    pub(super) names: Vec<&'static str>,
    pub(super) common_name: &'static str,
    pub(super) purposes: Vec<ExtendedKeyUsagePurpose>,
    /// What its key may do; none for a certificate that does not say.
    pub(super) usages: Vec<KeyUsagePurpose>,
    /// First and last year.
    pub(super) years: (i32, i32),
    pub(super) key: Option<&'static PrivateKey>,
}

impl Default for Wanted {
    /// As SAP's own certificate was in 2026.
    fn default() -> Self {
        Self {
            names: vec![SAP],
            common_name: SAP,
            purposes: vec![
                ExtendedKeyUsagePurpose::ServerAuth,
                ExtendedKeyUsagePurpose::ClientAuth,
            ],
            usages: vec![
                KeyUsagePurpose::DigitalSignature,
                KeyUsagePurpose::KeyEncipherment,
            ],
            years: (2026, 2030),
            key: None,
        }
    }
}

/// A certificate with its key.
pub(super) struct Issued {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: KeyPair,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let (params, key) = authority(name);
        let certificate = params.self_signed(&key).expect("is signed");
        Self {
            issuer: Issuer::new(params, key),
            certificate,
            above: Vec::new(),
        }
    }

    /// One that this one vouches for.
    pub(super) fn below(&self, name: &str) -> Self {
        self.below_with(name, |_| {})
    }

    /// The same with something changed.
    pub(super) fn below_with(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let (mut params, key) = authority(name);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("is signed");
        Self {
            issuer: Issuer::new(params, key),
            above: vec![certificate.der().clone()],
            certificate,
        }
    }

    pub(super) fn pem(&self) -> String {
        self.certificate.pem()
    }

    pub(super) fn issue(&self, wanted: Wanted) -> Issued {
        let key = match wanted.key {
            None => KeyPair::generate().expect("a key"),
            Some(key) => {
                let der = key.to_pkcs8_der().expect("is encoded");
                KeyPair::try_from(der.as_bytes()).expect("a key")
            }
        };
        let mut params = CertificateParams::default();
        params.distinguished_name = named(wanted.common_name);
        params.subject_alt_names = wanted
            .names
            .iter()
            .map(|name| SanType::DnsName((*name).try_into().expect("a name")))
            .collect();
        params.extended_key_usages = wanted.purposes;
        params.key_usages = wanted.usages;
        params.not_before = date_time_ymd(wanted.years.0, 1, 1);
        params.not_after = date_time_ymd(wanted.years.1, 1, 1);
        let leaf = params.signed_by(&key, &self.issuer).expect("is signed");
        let mut chain = vec![leaf.der().clone()];
        chain.extend(self.above.iter().cloned());
        Issued { chain, key }
    }
}

impl Issued {
    pub(super) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).expect("a key")
    }

    /// The chain as PEM, leaf first.
    pub(super) fn pem(&self) -> String {
        let block = |der: &CertificateDer<'_>| {
            format!(
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
                STANDARD.encode(der)
            )
        };
        self.chain.iter().map(block).collect()
    }
}

fn authority(name: &str) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params, KeyPair::generate().expect("a key"))
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "SAP SE");
    if !common_name.is_empty() {
        name.push(DnType::CommonName, common_name);
    }
    name
}

/// One of two RSA keys of 2048 bits.
pub(super) fn rsa_key(number: usize) -> &'static PrivateKey {
    static KEYS: [OnceLock<PrivateKey>; 2] = [OnceLock::new(), OnceLock::new()];
    KEYS[number].get_or_init(|| PrivateKey::new(&mut Random, 2048).expect("a key"))
}

/// A signature in the way that is thought to be SAP's: PSS with a salt of so many bytes.
pub(super) fn sign_pss(key: &PrivateKey, salt_bytes: usize, body: &[u8]) -> String {
    let signer = pss::SigningKey::<Sha256>::new_with_salt_len(key.clone(), salt_bytes);
    STANDARD.encode(signer.sign_with_rng(&mut Random, body).to_bytes())
}

pub(super) fn sign_pkcs1(key: &PrivateKey, body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let signed = key.sign(Pkcs1v15Sign::new::<Sha256>(), &digest);
    STANDARD.encode(signed.expect("is signed"))
}

/// The operating system's random numbers.
struct Random;

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        getrandom::fill(bytes).expect("random numbers");
        Ok(())
    }
}

impl TryCryptoRng for Random {}
