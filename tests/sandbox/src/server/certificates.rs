//! A certificate authority of its own: client certificates like the one SAP shows to receivers of
//! events, in every state they may be found in, and server certificates for receivers
//! (source: concur-event-certificates).

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::Millis;
use crate::concur::{ClientCertificate, EventKey};

/// The name that receivers are to look for.
pub const CLIENT_NAME: &str = "webhook.api.concursolutions.com";

const DAY_MS: Millis = 86_400_000;

/// The life of certificates: public authorities give them 199 days now.
const LEAF_LIFE_MS: Millis = 199 * DAY_MS;

/// A root with one intermediate authority, made afresh and kept in memory only.
///
/// Its own keys are elliptic curves where the real ones are RSA, because they are made in no time.
pub struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    intermediate: CertifiedIssuer<'static, KeyPair>,
    next_serial: AtomicU64,
}

/// A certificate with its chain and its key.
pub struct Identity {
    /// The certificate and what is sent along, PEM.
    pub chain_pem: String,
    /// Its private key, PEM.
    pub key_pem: String,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// The certificate and what is sent along, the root left out.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain.clone()
    }

    /// The private key of the first certificate.
    pub fn key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }
}

impl Authority {
    /// An authority that is valid from the day before `now` for ten years.
    ///
    /// # Errors
    ///
    /// If no key can be had from the system.
    pub fn new(now: Millis) -> io::Result<Self> {
        let authority = |name: &str| {
            let mut params =
                certificate_params(&[("Sandbox Trust", DnType::OrganizationName)], name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![
                KeyUsagePurpose::DigitalSignature,
                KeyUsagePurpose::KeyCertSign,
                KeyUsagePurpose::CrlSign,
            ];
            set_validity(
                &mut params,
                now.saturating_sub(DAY_MS),
                now + 3_650 * DAY_MS,
            );
            params
        };
        let key = || KeyPair::generate().map_err(io::Error::other);
        let root = CertifiedIssuer::self_signed(authority("Sandbox Root"), key()?);
        let root = root.map_err(io::Error::other)?;
        let intermediate = authority("Sandbox TLS CA1");
        let intermediate = CertifiedIssuer::signed_by(intermediate, key()?, &root);
        Ok(Self {
            root,
            intermediate: intermediate.map_err(io::Error::other)?,
            next_serial: AtomicU64::new(now),
        })
    }

    /// The root certificate, for those who are to trust what this authority issues.
    pub fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// The client certificate of a configured variant; none for [`ClientCertificate::Missing`].
    ///
    /// # Errors
    ///
    /// If it cannot be made.
    pub fn client(
        &self,
        variant: ClientCertificate,
        key: &EventKey,
        now: Millis,
    ) -> io::Result<Option<Identity>> {
        if variant == ClientCertificate::Missing {
            return Ok(None);
        }
        let der = PrivatePkcs8KeyDer::from(key.private_der());
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_RSA_SHA256);
        let key = key.map_err(io::Error::other)?;
        let params = client_params(variant, now);
        let mut identity = if variant == ClientCertificate::ForeignAuthority {
            Self::new(now)?.issue(params, key)?
        } else {
            self.issue(params, key)?
        };
        if variant == ClientCertificate::LeafOnly {
            identity.chain.truncate(1);
        }
        Ok(Some(identity))
    }

    /// A server certificate for a receiver of events, under DNS names or addresses.
    ///
    /// # Errors
    ///
    /// If a name is none, or no key can be had from the system.
    pub fn server(&self, names: &[&str], now: Millis) -> io::Result<Identity> {
        let mut params = certificate_params(&[], names.first().copied().unwrap_or_default());
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        let named = CertificateParams::new(names).map_err(io::Error::other)?;
        params.subject_alt_names = named.subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        set_validity(&mut params, now.saturating_sub(DAY_MS), now + LEAF_LIFE_MS);
        let key = KeyPair::generate().map_err(io::Error::other)?;
        self.issue(params, key)
    }

    fn issue(&self, mut params: CertificateParams, key: KeyPair) -> io::Result<Identity> {
        // Without one of its own, certificates with the same key would share a serial number.
        let serial = self.next_serial.fetch_add(1, Ordering::Relaxed);
        params.serial_number = Some(serial.into());
        let leaf = params.signed_by(&key, &self.intermediate);
        let leaf = leaf.map_err(io::Error::other)?;
        let der = PrivatePkcs8KeyDer::from(key.serialize_der());
        Ok(Identity {
            chain_pem: leaf.pem() + &self.intermediate.pem(),
            key_pem: key.serialize_pem(),
            chain: vec![leaf.der().clone(), self.intermediate.der().clone()],
            key: PrivateKeyDer::Pkcs8(der),
        })
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Authority")
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Identity({} certificates)", self.chain.len())
    }
}

fn client_params(variant: ClientCertificate, now: Millis) -> CertificateParams {
    use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
    let name = match variant {
        ClientCertificate::OtherName => "webhook.api.example.test",
        _ => CLIENT_NAME,
    };
    let mut params = certificate_params(&subject(variant), name);
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
    ];
    params.extended_key_usages = match variant {
        ClientCertificate::ClientOnly => vec![ClientAuth],
        ClientCertificate::ServerOnly => vec![ServerAuth],
        ClientCertificate::NoUsage => vec![],
        _ => vec![ServerAuth, ClientAuth],
    };
    params.use_authority_key_identifier_extension = true;
    params.is_ca = IsCa::ExplicitNoCa;
    let dns_name = match variant {
        ClientCertificate::CommonNameOnly => None,
        ClientCertificate::OtherDnsName => Some("webhook.api.example.test"),
        _ => Some(name),
    };
    let dns_name = dns_name.and_then(|name| name.try_into().ok());
    params.subject_alt_names = dns_name.map(rcgen::SanType::DnsName).into_iter().collect();
    match variant {
        ClientCertificate::Expired => {
            let end = now.saturating_sub(DAY_MS);
            set_validity(&mut params, end.saturating_sub(LEAF_LIFE_MS), end);
        }
        _ => set_validity(&mut params, now.saturating_sub(DAY_MS), now + LEAF_LIFE_MS),
    }
    params
}

/// Organisation and place have changed before and will again.
fn subject(variant: ClientCertificate) -> [(&'static str, DnType); 4] {
    let [country, state, place, organisation] = match variant {
        ClientCertificate::Former => ["US", "Washington", "Bellevue", "Concur Technologies, Inc."],
        _ => ["DE", "Baden-Württemberg", "Walldorf", "SAP SE"],
    };
    [
        (country, DnType::CountryName),
        (state, DnType::StateOrProvinceName),
        (place, DnType::LocalityName),
        (organisation, DnType::OrganizationName),
    ]
}

fn certificate_params(subject: &[(&str, DnType)], common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    for (value, kind) in subject {
        params.distinguished_name.push(kind.clone(), *value);
    }
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params
}

fn set_validity(params: &mut CertificateParams, from: Millis, until: Millis) {
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(from / 1000);
    params.not_after = epoch + Duration::from_secs(until / 1000);
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// What the `openssl` command reads in the first certificate; none where there is no such
    /// command.
    fn shown(pem: &str) -> Option<String> {
        use std::io::Write as _;
        let mut child = Command::new("openssl")
            .args(["x509", "-noout", "-text", "-nameopt", "RFC2253"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut input = child.stdin.take()?;
        input.write_all(pem.as_bytes()).ok()?;
        drop(input);
        let output = child.wait_with_output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    #[test]
    fn variants_differ_in_what_they_are_called_after() {
        let authority = Authority::new(crate::server::now()).expect("an authority");
        let named = "DNS:webhook.api.concursolutions.com";
        let (server, client) = (
            "TLS Web Server Authentication",
            "TLS Web Client Authentication",
        );
        for (variant, has, has_not) in [
            (
                ClientCertificate::Current,
                vec![named, server, client, "O=SAP SE", "L=Walldorf", "C=DE"],
                vec!["Bellevue"],
            ),
            (
                ClientCertificate::Former,
                vec![named, server, client, "L=Bellevue"],
                vec!["SAP SE"],
            ),
            (
                ClientCertificate::ClientOnly,
                vec![named, client],
                vec![server],
            ),
            (
                ClientCertificate::ServerOnly,
                vec![named, server],
                vec![client],
            ),
            (
                ClientCertificate::NoUsage,
                vec![named],
                vec!["Extended Key Usage"],
            ),
            (
                ClientCertificate::OtherName,
                vec!["DNS:webhook.api.example.test"],
                vec![CLIENT_NAME],
            ),
            (
                ClientCertificate::OtherDnsName,
                vec!["CN=webhook.api.concursolutions.com"],
                vec![named],
            ),
            (
                ClientCertificate::CommonNameOnly,
                vec!["CN=webhook.api.concursolutions.com"],
                vec!["Alternative"],
            ),
        ] {
            let key = EventKey::numbered(0);
            let made = authority.client(variant, &key, crate::server::now());
            let identity = made.expect("a certificate").expect("one is shown");
            let Some(shown) = shown(&identity.chain_pem) else {
                return;
            };
            for text in has.iter().chain(&[
                "2048 bit",
                "CA:FALSE",
                "Digital Signature, Key Encipherment",
            ]) {
                assert!(shown.contains(text), "{variant:?} without {text}: {shown}");
            }
            for text in has_not {
                assert!(!shown.contains(text), "{variant:?} with {text}: {shown}");
            }
        }
    }

    #[test]
    fn certificates_have_serial_numbers_of_their_own() {
        let authority = Authority::new(1_772_463_600_000).expect("an authority");
        let make = || {
            let key = EventKey::numbered(0);
            let made = authority.client(ClientCertificate::Current, &key, 1_772_463_600_000);
            made.expect("a certificate")
                .expect("one is shown")
                .chain_pem
        };
        assert_ne!(make(), make());
    }

    #[test]
    fn bad_names_are_told() {
        let authority = Authority::new(1_772_463_600_000).expect("an authority");
        assert!(authority.server(&["b\u{e4}d"], 1_772_463_600_000).is_err());
    }
}
