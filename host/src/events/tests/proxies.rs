//! Proxies that tell of the certificate that they were shown (RFC 9440).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;

use super::fixture::{PeerConnection, request};
use super::*;
use crate::config::EventsListen;
use crate::events::test_certificates::Issued;

fn item(der: &CertificateDer<'_>) -> String {
    format!(":{}:", STANDARD.encode(der))
}

/// What a proxy tells of a certificate.
fn forwarded_headers(issued: &Issued) -> Vec<(&'static str, String)> {
    let chain: Vec<String> = issued.chain[1..].iter().map(item).collect();
    let mut told = vec![("Client-Cert", item(&issued.chain[0]))];
    if !chain.is_empty() {
        told.push(("Client-Cert-Chain", chain.join(", ")));
    }
    told
}

fn borrowed<'t>(told: &'t [(&'static str, String)]) -> Vec<(&'static str, &'t str)> {
    told.iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

/// An fixture that believes proxies under a root of their own.
async fn with_proxies() -> (Fixture, Issued) {
    let fixture = Fixture::new().await;
    let root = Authority::new("Proxies");
    let file = fixture.directory.path().join("proxies.pem");
    std::fs::write(&file, root.pem()).expect("is written");
    let proxies = Trust::open(&file, None, Purpose::ClientAuth).expect("opens");
    let fixture = fixture
        .with(|events| events.proxies = Some(Arc::new(proxies)))
        .await;
    let wanted = Wanted {
        names: vec!["proxy.example.test"],
        ..Wanted::default()
    };
    (fixture, root.issue(wanted))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_one_is_believed_what_holds() {
    let (fixture, proxy) = with_proxies().await;
    let said = forwarded_headers(&fixture.sap);
    let answer = fixture.post_as(Some(&proxy), &borrowed(&said), EVENT).await;
    assert_eq!(answer, Ok(200));
    assert_eq!(fixture.notices().await.len(), 1);
    let seen = fixture.events.certificates.latest().expect("was seen");
    assert_eq!(seen.ends, 1_893_456_000_000, "that of SAP Concur");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_proxy_forwards_is_checked_like_a_handshake() {
    let (fixture, proxy) = with_proxies().await;
    let stranger = Authority::new("Other root").issue(Wanted::default());
    let other_name = fixture.authority.issue(Wanted {
        names: vec!["other.test"],
        ..Wanted::default()
    });
    let ended = fixture.authority.issue(Wanted {
        years: (2020, 2026),
        ..Wanted::default()
    });
    for (issued, word) in [
        (stranger, "unknown-issuer"),
        (other_name, "other-name"),
        (ended, "certificate-expired"),
    ] {
        let said = forwarded_headers(&issued);
        let answer = fixture.post_as(Some(&proxy), &borrowed(&said), EVENT).await;
        assert_eq!(answer, Ok(401), "{word}");
        assert_eq!(fixture.counted("", word), 1, "{word}");
    }
    assert_eq!(fixture.notices().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_unclear_is_not_believed() {
    let (fixture, proxy) = with_proxies().await;
    let said = forwarded_headers(&fixture.sap);
    let once = borrowed(&said);
    let leaf = once[0];
    let bare = leaf.1.trim_matches(':');
    for (headers, word) in [
        (vec![], "forwarded-missing"),
        (vec![once[1]], "forwarded-missing"),
        (vec![leaf, leaf, once[1]], "forwarded-repeated"),
        (vec![leaf, once[1], once[1]], "forwarded-repeated"),
        (vec![("Client-Cert", bare)], "forwarded-garbled"),
        (vec![("Client-Cert", ":?:")], "forwarded-garbled"),
        (vec![leaf, ("Client-Cert-Chain", "x")], "forwarded-garbled"),
    ] {
        let before = fixture.counted("", word);
        let answer = fixture.post_as(Some(&proxy), &headers, EVENT).await;
        assert_eq!(answer, Ok(401), "{word}");
        assert_eq!(fixture.counted("", word), before + 1, "{word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_proxy_is_believed() {
    let (fixture, proxy) = with_proxies().await;
    let said = forwarded_headers(&fixture.sap);
    let stranger = Authority::new("Proxies").issue(Wanted::default());
    let answer = fixture
        .post_as(Some(&stranger), &borrowed(&said), EVENT)
        .await;
    assert!(answer.is_err());

    // From SAP Concur itself it is nothing, whatever it says.
    let other = forwarded_headers(&fixture.authority.issue(Wanted {
        names: vec!["other.test"],
        ..Wanted::default()
    }));
    let answer = fixture
        .post_as(Some(&fixture.sap), &borrowed(&other), EVENT)
        .await;
    assert_eq!(answer, Ok(200));

    // Where no proxies are configured nobody is one.
    let fixture = fixture.with(|_| ()).await;
    let answer = fixture.post_as(Some(&proxy), &borrowed(&said), EVENT).await;
    assert!(answer.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn anyone_who_may_open_the_socket_is_a_proxy() {
    let mut fixture = Fixture::new().await;
    let path = fixture.directory.path().join("events.sock");
    fixture.listen = EventsListen::Socket(path.clone());
    let fixture = fixture.with(|_| ()).await;
    let said = forwarded_headers(&fixture.sap);
    let ask = async |headers: &[(&str, &str)]| {
        let mut peer = PeerConnection::over_socket(&path).await;
        peer.exchange(&request("POST", PATH, headers, EVENT.as_bytes()))
            .await
    };
    assert_eq!(ask(&borrowed(&said)).await, Ok(200));
    assert_eq!(ask(&[]).await, Ok(401));
    // Bound once more over the socket that is left.
    let fixture = fixture.with(|_| ()).await;
    assert_eq!(ask(&borrowed(&said)).await, Ok(200));
    drop(fixture);
}
