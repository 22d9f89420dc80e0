//! EventReceiver that are signed, not signed, and signed by others.

use super::*;
use crate::events::test_certificates::{sign_pkcs1, sign_pss};

const NAME: &str = "Concur-Signature";

async fn with_rule(fixture: Fixture, rule: SignatureRule) -> Fixture {
    fixture.with(|events| events.signature = rule).await
}

async fn answers(fixture: &Fixture, signatures: &[&str]) -> Vec<Result<u16, String>> {
    let mut answers = Vec::new();
    for signature in signatures {
        let answer = fixture
            .post_as(Some(&fixture.sap), &[(NAME, signature)], EVENT)
            .await;
        answers.push(answer);
    }
    answers
}

fn right() -> [String; 3] {
    let body = EVENT.as_bytes();
    [
        sign_pss(rsa_key(0), 222, body),
        sign_pss(rsa_key(0), 32, body),
        sign_pkcs1(rsa_key(0), body),
    ]
}

fn wrong() -> [String; 3] {
    [
        sign_pss(rsa_key(0), 222, b"{}"),
        sign_pss(rsa_key(1), 222, EVENT.as_bytes()),
        "no base64".to_string(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_is_required_only_a_right_one_will_do() {
    let fixture = with_rule(Fixture::new().await, SignatureRule::Required).await;
    let (right, wrong) = (right(), wrong());
    let all = |three: &[String; 3]| three.each_ref().map(|one| one.to_string());
    let right = answers(&fixture, &all(&right).each_ref().map(String::as_str)).await;
    assert_eq!(right, [Ok(200), Ok(200), Ok(200)]);
    let wrong = answers(&fixture, &all(&wrong).each_ref().map(String::as_str)).await;
    assert_eq!(wrong, [Ok(401), Ok(401), Ok(401)]);
    assert_eq!(fixture.post(EVENT).await, Ok(401), "missing");
    assert_eq!(fixture.notices().await.len(), 1);
    for word in [
        "signed-pss-longest-salt",
        "signed-pss-digest-salt",
        "signed-pkcs1",
        "signature-missing",
    ] {
        assert_eq!(fixture.counted("", word), 1, "{word}");
    }
    assert_eq!(fixture.counted("", "signature-wrong"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_is_present_it_must_be_right() {
    let fixture = with_rule(Fixture::new().await, SignatureRule::WhenPresent).await;
    let (right, wrong) = (right(), wrong());
    let answered = answers(&fixture, &[&right[0], &wrong[0], &wrong[1]]).await;
    assert_eq!(answered, [Ok(200), Ok(401), Ok(401)]);
    assert_eq!(fixture.post(EVENT).await, Ok(200), "missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_is_off_it_is_only_counted() {
    let fixture = with_rule(Fixture::new().await, SignatureRule::Off).await;
    assert_eq!(answers(&fixture, &[&wrong()[0]]).await, [Ok(200)]);
    assert_eq!(fixture.counted("", "signature-wrong"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_over_all_of_a_body_that_is_too_long() {
    let fixture = with_rule(Fixture::new().await, SignatureRule::Required).await;
    let long = "x".repeat(BODY_BYTES_MAX + 1);
    let cut = sign_pss(rsa_key(0), 222, &long.as_bytes()[..BODY_BYTES_MAX]);
    let whole = sign_pss(rsa_key(0), 222, long.as_bytes());
    for (signature, status) in [(cut, 401), (whole, 200)] {
        let headers = [(NAME, signature.as_str())];
        let answer = fixture.post_as(Some(&fixture.sap), &headers, &long).await;
        assert_eq!(answer, Ok(status));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_servers_only_must_sign() {
    let fixture = Fixture::with_certificate(Wanted {
        purposes: vec![ServerAuth],
        key: Some(rsa_key(0)),
        ..Wanted::default()
    })
    .await;
    assert!(fixture.post(EVENT).await.is_err(), "not for clients");
    let anchors = fixture.anchors();
    let fixture = fixture
        .with(|events| {
            let lenient = Purpose::ServerAuthWithSignature;
            let trust = Trust::open(&anchors, Some(SAP), lenient).expect("opens");
            events.trust = Arc::new(trust);
        })
        .await;
    assert_eq!(fixture.post(EVENT).await, Ok(401), "not signed");
    let answered = answers(&fixture, &[&wrong()[1], &right()[0]]).await;
    assert_eq!(answered, [Ok(401), Ok(200)]);
}
