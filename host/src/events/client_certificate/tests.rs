use std::path::PathBuf;

use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use rcgen::KeyUsagePurpose::{
    self, CrlSign, DigitalSignature, KeyAgreement, KeyCertSign, KeyEncipherment,
};
use rcgen::{CertificateParams, GeneralSubtree, NameConstraints};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tempfile::TempDir;

use super::*;
use crate::config::Purpose;
use crate::events::test_certificates::{Authority, NOW, SAP, Wanted};

struct Office {
    directory: TempDir,
    root: Authority,
    authority: Authority,
}

impl Office {
    fn new() -> Self {
        let root = Authority::new("Root");
        let office = Self {
            directory: TempDir::new().expect("a directory"),
            authority: root.below("Issuing"),
            root,
        };
        office.write(&office.root.pem());
        office
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("anchors.pem")
    }

    fn write(&self, content: &str) {
        std::fs::write(self.file(), content).expect("is written");
    }

    fn trust(&self, purpose: Purpose) -> Trust {
        Trust::open(&self.file(), Some(SAP), purpose).expect("opens")
    }

    fn verify(&self, wanted: Wanted) -> Result<bool, Untrusted> {
        self.verify_for(Purpose::ClientAuth, wanted)
    }

    fn verify_for(&self, purpose: Purpose, wanted: Wanted) -> Result<bool, Untrusted> {
        let issued = self.authority.issue(wanted);
        let peer = self.trust(purpose).verify(&issued.chain, NOW);
        peer.map(|peer| peer.must_sign)
    }
}

fn named(names: &[&'static str], common_name: &'static str) -> Wanted {
    Wanted {
        names: names.to_vec(),
        common_name,
        ..Wanted::default()
    }
}

fn made_for(purposes: &[rcgen::ExtendedKeyUsagePurpose]) -> Wanted {
    Wanted {
        purposes: purposes.to_vec(),
        ..Wanted::default()
    }
}

#[test]
fn a_certificate_like_the_real_one_is_trusted() {
    let office = Office::new();
    assert_eq!(office.verify(Wanted::default()), Ok(false));
}

#[test]
fn only_the_exact_name_is_sap_concur() {
    let office = Office::new();
    for name in [
        "webhook.api.concursolutions.com.evil.test",
        "*.api.concursolutions.com",
        "api.concursolutions.com",
        "webhook.concursolutions.com",
        "x.webhook.api.concursolutions.com",
    ] {
        let verified = office.verify(named(&[name], SAP));
        assert_eq!(verified, Err(Untrusted::OtherName), "{name}");
    }
    assert_eq!(
        office.verify(named(&["other.test", SAP], "other")),
        Ok(false)
    );
    let upper = "WEBHOOK.api.concursolutions.com";
    assert_eq!(office.verify(named(&[upper], "")), Ok(false));
}

#[test]
fn the_common_name_says_nothing() {
    let office = Office::new();
    for names in [&[][..], &["other.test"]] {
        let verified = office.verify(named(names, SAP));
        assert_eq!(verified, Err(Untrusted::OtherName), "{names:?}");
    }
    assert_eq!(office.verify(named(&[SAP], "other.test")), Ok(false));
}

/// An authority that may issue certificates for other names only cannot make one that is taken for
/// SAP Concur's, neither in its name nor in its common name.
#[test]
fn name_constraints_cannot_be_gone_round() {
    let mut office = Office::new();
    let subtree = |name: &str| GeneralSubtree::DnsName(name.to_string());
    let permitted = NameConstraints {
        permitted_subtrees: vec![subtree("evil.test")],
        excluded_subtrees: Vec::new(),
    };
    let excluded = NameConstraints {
        permitted_subtrees: Vec::new(),
        excluded_subtrees: vec![subtree("concursolutions.com")],
    };
    for constraints in [permitted, excluded] {
        office.authority = office.root.below_with("Constrained", |params| {
            params.name_constraints = Some(constraints);
        });
        let verified = office.verify(named(&[], SAP));
        assert_eq!(verified, Err(Untrusted::OtherName));
        assert_eq!(office.verify(named(&[SAP], SAP)), Err(Untrusted::Broken));
    }
}

#[test]
fn keys_do_what_their_certificates_allow() {
    let mut office = Office::new();
    let usable_for = |usages: &[KeyUsagePurpose]| Wanted {
        usages: usages.to_vec(),
        ..Wanted::default()
    };
    for usages in [
        &[DigitalSignature][..],
        &[DigitalSignature, KeyAgreement],
        &[],
    ] {
        assert_eq!(office.verify(usable_for(usages)), Ok(false), "{usages:?}");
    }
    for usages in [&[KeyEncipherment][..], &[KeyCertSign, CrlSign]] {
        let verified = office.verify(usable_for(usages));
        assert_eq!(verified, Err(Untrusted::KeyUsage), "{usages:?}");
    }
    for (usages, expected) in [
        (vec![], Ok(false)),
        (vec![DigitalSignature, KeyCertSign, CrlSign], Ok(false)),
        (vec![DigitalSignature, CrlSign], Err(Untrusted::KeyUsage)),
    ] {
        let issuing = |params: &mut CertificateParams| params.key_usages.clone_from(&usages);
        office.authority = office.root.below_with("Issuing", issuing);
        let verified = office.verify(Wanted::default());
        assert_eq!(verified, expected, "{usages:?}");
    }
}

/// SAP's own, where a directory is named that has them in `chain.pem`, its own first, and their
/// root in `roots.pem`: they are SAP's, so they are not in this repository.
#[test]
fn the_published_certificate_is_trusted() {
    let Some(directory) = std::env::var_os("ML_CONNECTOR_EVENT_CERTIFICATES") else {
        return;
    };
    let directory = PathBuf::from(directory);
    let read = |file: &str| -> Vec<CertificateDer<'static>> {
        let certificates = CertificateDer::pem_file_iter(directory.join(file)).expect("a file");
        certificates
            .map(|one| one.expect("a certificate"))
            .collect()
    };
    let trust = Trust::open(&directory.join("roots.pem"), Some(SAP), Purpose::ClientAuth);
    let chain = read("chain.pem");
    let ends = Leaf::read(&chain[0]).expect("is read").ends;
    let peer = trust.expect("opens").verify(&chain, ends);
    assert!(!peer.expect("is trusted").must_sign);
}

#[test]
fn the_purpose_is_a_matter_of_policy() {
    let office = Office::new();
    for purposes in [&[][..], &[ClientAuth], &[ServerAuth, ClientAuth]] {
        for purpose in [Purpose::ClientAuth, Purpose::ServerAuthWithSignature] {
            let verified = office.verify_for(purpose, made_for(purposes));
            assert_eq!(verified, Ok(false), "{purposes:?}");
        }
    }
    let for_servers = || made_for(&[ServerAuth]);
    assert_eq!(office.verify(for_servers()), Err(Untrusted::Purpose));
    let lenient = Purpose::ServerAuthWithSignature;
    assert_eq!(office.verify_for(lenient, for_servers()), Ok(true));
    let for_mail = made_for(&[rcgen::ExtendedKeyUsagePurpose::EmailProtection]);
    assert_eq!(
        office.verify_for(lenient, for_mail),
        Err(Untrusted::Purpose)
    );
    let elsewhere = Wanted {
        names: vec!["other.test"],
        ..for_servers()
    };
    assert_eq!(
        office.verify_for(lenient, elsewhere),
        Err(Untrusted::OtherName)
    );
}

#[test]
fn a_certificate_counts_from_its_first_instant_to_its_last() {
    let office = Office::new();
    for years in [(2020, 2026), (2028, 2030)] {
        let wanted = Wanted {
            years,
            ..Wanted::default()
        };
        assert_eq!(office.verify(wanted), Err(Untrusted::Expired), "{years:?}");
    }
    let issued = office.authority.issue(Wanted::default());
    let trust = office.trust(Purpose::ClientAuth);
    let ends = trust
        .verify(&issued.chain, NOW)
        .expect("is trusted")
        .leaf
        .ends;
    assert_eq!(ends, 1_893_456_000_000, "2030-01-01");
    assert!(trust.verify(&issued.chain, ends).is_ok());
    let after = trust.verify(&issued.chain, ends + 1_000);
    assert_eq!(after.expect_err("has ended"), Untrusted::Expired);
}

#[test]
fn the_right_name_under_another_root_is_not_trusted() {
    let office = Office::new();
    let stranger = Authority::new("Other root").below("Other");
    let of_the_same_name = Authority::new("Root").below("Issuing");
    let trust = office.trust(Purpose::ClientAuth);
    let verify = |authority: &Authority| {
        let chain = authority.issue(Wanted::default()).chain;
        trust.verify(&chain, NOW).map(drop)
    };
    assert_eq!(verify(&stranger), Err(Untrusted::UnknownIssuer));
    assert_eq!(verify(&of_the_same_name), Err(Untrusted::Broken));
    let itself = Authority::new(SAP);
    assert_eq!(verify(&itself), Err(Untrusted::UnknownIssuer));
    assert_eq!(verify(&office.authority), Ok(()));
}

#[test]
fn what_is_between_must_be_shown_or_trusted_itself() {
    let office = Office::new();
    let issued = office.authority.issue(Wanted::default());
    let alone = &issued.chain[..1];
    let verify = |trust: &Trust| trust.verify(alone, NOW).map(drop);
    let trust = office.trust(Purpose::ClientAuth);
    assert_eq!(verify(&trust), Err(Untrusted::UnknownIssuer));
    office.write(&office.authority.pem());
    assert_eq!(verify(&office.trust(Purpose::ClientAuth)), Ok(()));
}

#[test]
fn issuer_organisation_and_key_may_change() {
    let office = Office::new();
    let trust = office.trust(Purpose::ClientAuth);
    let mut fingerprints = Vec::new();
    for authority in [&office.authority, &office.root.below("Another")] {
        let chain = authority.issue(Wanted::default()).chain;
        let peer = trust.verify(&chain, NOW).expect("is trusted");
        fingerprints.push(peer.leaf.fingerprint.clone());
    }
    assert_ne!(fingerprints[0], fingerprints[1]);
}

#[test]
fn what_is_no_certificate_is_not_trusted() {
    let trust = Office::new().trust(Purpose::ClientAuth);
    let verify =
        |chain: &[CertificateDer<'_>]| trust.verify(chain, NOW).map(drop).expect_err("is refused");
    assert_eq!(verify(&[]), Untrusted::NoCertificate);
    for der in [vec![], vec![0x30, 0x03, 1, 2, 3], vec![0xff; 400]] {
        assert_eq!(verify(&[der.into()]), Untrusted::Unreadable);
    }
}

#[test]
fn new_roots_count_at_once_and_unusable_ones_change_nothing() {
    let office = Office::new();
    let next = Authority::new("Next");
    let trust = office.trust(Purpose::ClientAuth);
    let is_trusted = |authority: &Authority| {
        let chain = authority.issue(Wanted::default()).chain;
        trust.verify(&chain, NOW).is_ok()
    };
    assert_eq!(trust.reload(), Reloaded::Same);
    assert!(is_trusted(&office.authority) && !is_trusted(&next));

    office.write(&(office.root.pem() + &next.pem()));
    assert_eq!(trust.reload(), Reloaded::Changed(2));
    assert!(is_trusted(&office.authority) && is_trusted(&next));

    for broken in [
        "",
        "no PEM",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        office.write(broken);
        assert!(matches!(trust.reload(), Reloaded::Refused(_)), "{broken}");
        assert_eq!(trust.reload(), Reloaded::Same, "is reported once");
        assert!(is_trusted(&office.authority) && is_trusted(&next));
    }
    std::fs::remove_file(office.file()).expect("is removed");
    assert_eq!(trust.reload(), Reloaded::Same);

    office.write(&next.pem());
    assert_eq!(trust.reload(), Reloaded::Changed(1));
    assert!(!is_trusted(&office.authority) && is_trusted(&next));
}

#[test]
fn without_usable_roots_nothing_starts() {
    let office = Office::new();
    for content in ["", "no PEM"] {
        office.write(content);
        let opened = Trust::open(&office.file(), Some(SAP), Purpose::ClientAuth);
        let error = opened.err().expect("is refused").to_string();
        assert!(error.contains("anchors.pem"), "{error}");
    }
}
