mod fixture;
mod proxies;
mod signatures;

use std::time::Duration;

use rcgen::ExtendedKeyUsagePurpose::ServerAuth;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use self::fixture::{EVENT, Fixture, PATH, PATIENCE, body};
use super::*;
use crate::config::Purpose;
use crate::events::test_certificates::{Authority, NOW, SAP, Wanted, rsa_key};
use crate::store::ODDITY_BYTES_MAX;
use crate::store::sqlite::SqliteStore;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_stored_answered_and_dispatched() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.post(EVENT).await, Ok(200));
    let notices = fixture.notices().await;
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].object.kind, "financial-queue");
    assert_eq!(notices[0].event, "invoice.readyForIntegration");
    assert_eq!(fixture.events.backlog.count(), 1);
    tokio::time::timeout(PATIENCE, fixture.events.notices_stored.notified())
        .await
        .expect("the dispatcher is woken");
    assert_eq!(fixture.counted("acme", "hint"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_event_is_answered_and_leads_to_nothing() {
    let fixture = Fixture::new().await;
    for _ in 0..3 {
        assert_eq!(fixture.post(EVENT).await, Ok(200));
    }
    assert_eq!(
        fixture
            .post(&body("e2", "invoice.readyForIntegration"))
            .await,
        Ok(200)
    );
    let notices = fixture.notices().await;
    assert_eq!((notices.len(), notices[0].arrivals), (1, 2), "of one queue");
    assert_eq!(fixture.events.backlog.count(), 1);
    assert_eq!(
        (
            fixture.counted("acme", "hint"),
            fixture.counted("acme", "repeated")
        ),
        (2, 2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_another_type_is_counted() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.post(&body("e1", "statusChanged")).await, Ok(200));
    assert_eq!(fixture.notices().await.len(), 0);
    assert_eq!(fixture.counted("acme", "ignored"), 1);
    assert_eq!(fixture.oddities().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_sap_concur_gets_a_handshake() {
    let fixture = Fixture::new().await;
    let stranger = Authority::new("Other root");
    let other_name = Wanted {
        names: vec!["other.test"],
        ..Wanted::default()
    };
    let ended = Wanted {
        years: (2020, 2026),
        ..Wanted::default()
    };
    let for_servers = Wanted {
        purposes: vec![ServerAuth],
        ..Wanted::default()
    };
    for (issued, word) in [
        (stranger.issue(Wanted::default()), "unknown-issuer"),
        (fixture.authority.issue(other_name), "other-name"),
        (fixture.authority.issue(ended), "certificate-expired"),
        (fixture.authority.issue(for_servers), "certificate-purpose"),
    ] {
        let answered = fixture.post_as(Some(&issued), &[], EVENT).await;
        assert!(answered.is_err(), "{word}: {answered:?}");
        assert_eq!(fixture.counted("", word), 1, "{word}");
    }
    let nobody = fixture.post_as(None, &[], EVENT).await;
    assert!(nobody.is_err(), "{nobody:?}");
    assert_eq!(fixture.notices().await.len(), 0);
    assert_eq!(
        fixture.oddities().await,
        [""; 0],
        "nothing of a stranger is kept"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_stored_and_never_refused() {
    let fixture = Fixture::new().await;
    let wrong_token = format!("{PATH}0");
    for (method, path, body, code) in [
        ("POST", PATH, "no JSON".as_bytes(), "not-json"),
        ("POST", PATH, b"".as_slice(), "not-json"),
        ("POST", PATH, b"\xff\xfe".as_slice(), "not-text"),
        ("POST", wrong_token.as_str(), EVENT.as_bytes(), "wrong-path"),
        ("POST", "/", EVENT.as_bytes(), "wrong-path"),
        (
            "POST",
            "/hooks/concur/other/t0ken",
            EVENT.as_bytes(),
            "wrong-path",
        ),
        ("POST", "/hooks/concur/acme", EVENT.as_bytes(), "wrong-path"),
        ("PUT", PATH, EVENT.as_bytes(), "wrong-method"),
        ("GET", PATH, b"".as_slice(), "wrong-method"),
        ("PROPFIND", PATH, b"".as_slice(), "wrong-method"),
    ] {
        let answered = fixture.send(method, path, &[], body).await;
        assert_eq!(answered, Ok(200), "{method} {path}");
        assert_eq!(fixture.oddities().await[0], code);
    }
    assert_eq!(fixture.notices().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_is_stored_in_part_and_never_refused() {
    let fixture = Fixture::new().await;
    let long = "x".repeat(BODY_BYTES_MAX + 1);
    assert_eq!(fixture.post(&long).await, Ok(200));
    let kept = fixture.store.oddities(1).await.expect("reads").remove(0);
    assert_eq!(
        (kept.code.as_str(), kept.body.len()),
        ("too-long", ODDITY_BYTES_MAX)
    );
    assert!(
        kept.message.contains("Its first 16384 of"),
        "{}",
        kept.message
    );

    let field = "y".repeat(17 * 1024);
    let answered = fixture
        .send("POST", PATH, &[("x-long", &field)], EVENT.as_bytes())
        .await;
    assert_eq!(answered, Ok(200));
    let many: Vec<(String, &str)> = (0..65).map(|n| (format!("x-{n}"), "v")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(n, v)| (n.as_str(), *v)).collect();
    let answered = fixture.send("POST", PATH, &many, EVENT.as_bytes()).await;
    assert_eq!(answered, Ok(200));
    assert_eq!(fixture.oddities().await[..2], ["head-too-long"; 2]);
    assert_eq!(fixture.notices().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_http_is_cut_off_rather_than_refused() {
    let fixture = Fixture::new().await;
    let endless = "z".repeat(100_000);
    for request in [
        "nonsense\r\n\r\n".to_string(),
        format!("POST /{endless} HTTP/1.1\r\nhost: x\r\n\r\n"),
        format!("POST / HTTP/1.1\r\nhost: x\r\nx: {endless}\r\n\r\n"),
        "POST / HTTP/9.9\r\n\r\n".to_string(),
        "POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n".to_string(),
        "POST / HTTP/1.1\r\n bad\r\n\r\n".to_string(),
    ] {
        let answered = fixture.raw(request.as_bytes()).await;
        assert!(answered.is_err(), "{answered:?}");
    }
    assert_eq!(fixture.post(EVENT).await, Ok(200), "and goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_names_no_host_or_two_is_cut_off_rather_than_refused() {
    let fixture = Fixture::new().await;
    for hosts in ["", "host: x\r\nhost: x\r\n"] {
        let request = format!("POST {PATH} HTTP/1.1\r\n{hosts}content-length: 0\r\n\r\n");
        let answered = fixture.raw(request.as_bytes()).await;
        assert!(answered.is_err(), "{answered:?}");
    }
    fixture.until_refused("host", 2).await;
    assert_eq!(fixture.oddities().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_handshakes_are_cut_off_and_keep_nobody_out() {
    let fixture = Fixture::new().await;
    let slots = fixture.events.policy.connections_max;
    let mut silent = Vec::new();
    for _ in 0..10 * slots {
        silent.push(fixture.connect_silently().await);
    }
    let began = std::time::Instant::now();
    assert_eq!(fixture.post(EVENT).await, Ok(200));
    println!(
        "beside {} silent handshakes: answered after {} ms",
        silent.len(),
        began.elapsed().as_millis()
    );
    // Those that are left have a time of their own.
    let fixture = fixture
        .with(|events| events.policy.peer_timeout = Duration::from_millis(200))
        .await;
    let mut silent = fixture.connect_silently().await;
    let mut rest = Vec::new();
    let read = silent.read_to_end(&mut rest);
    let ended = tokio::time::timeout(PATIENCE, read).await;
    assert!(ended.is_ok(), "{ended:?}");
    fixture.until_refused("handshake-timeout", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_handshakes_are_counted_by_what_was_wrong() {
    let fixture = Fixture::new().await;
    let stranger = Authority::new("Other root").issue(Wanted::default());
    assert!(fixture.post_as(Some(&stranger), &[], EVENT).await.is_err());
    assert!(fixture.post_as(None, &[], EVENT).await.is_err());
    let mut silent = fixture.connect_silently().await;
    silent.write_all(b"no TLS").await.expect("is sent");
    let _ = silent.read_to_end(&mut Vec::new()).await;
    let balancer = fixture.connect_silently().await;
    drop(balancer);
    fixture.until_refused("client-certificate", 2).await;
    fixture.until_refused("tls", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_store_is_answered_503() {
    let fixture = Fixture::new().await;
    let path = fixture.directory.path().join("store.db");
    drop(SqliteStore::open(&path).expect("opens"));
    let broken = SqliteStore::open_read_only(&path).expect("opens");
    let fixture = fixture.with(|events| events.store = Arc::new(broken)).await;
    assert_eq!(fixture.post(EVENT).await, Ok(503));
    assert_eq!(fixture.post("no JSON").await, Ok(503));
    assert_eq!(fixture.counted("acme", "unavailable"), 2);
    let shown = client_certificate::Leaf::read(&fixture.sap.chain[0]).expect("is read");
    let again = fixture.events.certificates.note_shown(&shown, NOW);
    assert!(again.is_some(), "the certificate comes with the next event");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_component_is_answered_503() {
    let fixture = Fixture::new().await;
    let trap = || Err(GuestError::Trapped("out of fuel".into()));
    let fixture = fixture
        .with(|events| events.read = Box::new(move |_, _| trap()))
        .await;
    assert_eq!(fixture.post(EVENT).await, Ok(503));
    assert_eq!(fixture.oddities().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_is_answered_503() {
    let fixture = Fixture::new().await;
    let fixture = fixture.with(|events| events.backlog_max = 1).await;
    assert_eq!(fixture.post(EVENT).await, Ok(200));
    assert_eq!(
        fixture
            .post(&body("e2", "invoice.readyForIntegration"))
            .await,
        Ok(503)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_comes_at_a_bounded_rate() {
    let fixture = Fixture::new().await;
    let mut refused = 0;
    for _ in 0..130 {
        refused += u32::from(fixture.post("no JSON").await == Ok(503));
    }
    assert!(refused > 0, "more than a burst is not stored");
    let stored = 130 - u64::from(refused);
    assert!(stored >= 100, "{stored}");
    assert_eq!(fixture.counted("acme", "not-json"), stored);
    assert_eq!(fixture.counted("acme", "too-many"), u64::from(refused));
    assert_eq!(
        fixture.post(EVENT).await,
        Ok(200),
        "what can be read is taken"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_with_a_new_key_is_accepted_at_run_time() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.post(EVENT).await, Ok(200));
    let next = Wanted {
        key: Some(rsa_key(1)),
        years: (2026, 2028),
        ..Wanted::default()
    };
    let next = fixture.root.below("Next issuing").issue(next);
    let second = body("e2", "expense.readyForIntegration");
    assert_eq!(fixture.post_as(Some(&next), &[], &second).await, Ok(200));
    assert_eq!(fixture.notices().await.len(), 2);
    let seen = seen_certificates(&*fixture.store).await.expect("reads");
    assert_eq!(seen.len(), 2);
    assert_eq!(
        (seen[0].ends, seen[1].ends),
        (1_830_297_600_000, 1_893_456_000_000)
    );
    assert_eq!(fixture.events.certificates.latest().as_ref(), seen.first());
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_roots_apply_to_open_connections_too() {
    let fixture = Fixture::new().await;
    let next = Authority::new("Next root");
    let successor = next.issue(Wanted::default());
    assert!(fixture.post_as(Some(&successor), &[], EVENT).await.is_err());
    let mut open = fixture
        .connect(Some(&fixture.sap))
        .await
        .expect("is let in");
    assert_eq!(open.post(EVENT).await, Ok(200));

    std::fs::write(fixture.anchors(), next.pem()).expect("is written");
    fixture.events.trust.reload();
    assert_eq!(open.post(EVENT).await, Ok(401), "no other 4xx");
    assert!(fixture.post(EVENT).await.is_err());
    let second = body("e2", "expense.readyForIntegration");
    assert_eq!(
        fixture.post_as(Some(&successor), &[], &second).await,
        Ok(200)
    );

    std::fs::write(fixture.anchors(), "no PEM").expect("is written");
    fixture.events.trust.reload();
    assert_eq!(
        fixture.post_as(Some(&successor), &[], &second).await,
        Ok(200)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_many_events() {
    let fixture = Fixture::new().await;
    let mut open = fixture
        .connect(Some(&fixture.sap))
        .await
        .expect("is let in");
    for number in 0..20 {
        let event = body(&format!("e{number}"), "payroll.readyForIntegration");
        assert_eq!(open.post(&event).await, Ok(200));
    }
    assert_eq!(fixture.notices().await[0].arrivals, 20);
}

#[test]
fn a_certificate_that_ends_is_warned_of_in_time_and_once() {
    const DAY: u64 = 86_400_000;
    let ends = NOW + 40 * DAY;
    let seen = SeenCertificate {
        fingerprint: "aa".into(),
        ends,
        seen: NOW,
    };
    let log = CertificateLog::new(vec![seen]);
    let told: Vec<Option<u64>> = (0..45).map(|day| log.remind(NOW + day * DAY)).collect();
    let days: Vec<(usize, u64)> = told
        .into_iter()
        .enumerate()
        .filter_map(|(day, told)| Some((day, told?)))
        .collect();
    assert_eq!(days, [(10, 30), (26, 14), (33, 7), (40, 0)]);
    assert_eq!(CertificateLog::default().remind(NOW), None);
}

#[test]
fn the_last_three_certificates_are_kept() {
    let authority = Authority::new("Root");
    let leaf = || {
        let issued = authority.issue(Wanted::default());
        client_certificate::Leaf::read(&issued.chain[0]).expect("is read")
    };
    let log = CertificateLog::default();
    let leaves = [leaf(), leaf(), leaf(), leaf()];
    for leaf in &leaves {
        assert!(log.note_shown(leaf, NOW).is_some());
        assert!(log.note_shown(leaf, NOW).is_none(), "known");
    }
    log.note_unstored();
    assert!(log.note_shown(&leaves[3], NOW).is_some(), "is not stored");
    assert!(log.note_shown(&leaves[3], NOW).is_none(), "once");
    let Some(Write::Mark { value, .. }) = log.note_shown(&leaves[1], NOW) else {
        panic!("is to be kept");
    };
    let kept: Vec<SeenCertificate> = serde_json::from_str(&value).expect("is read");
    let fingerprints: Vec<_> = kept.iter().map(|seen| &seen.fingerprint).collect();
    let expected = [1, 3, 2].map(|number: usize| &leaves[number].fingerprint);
    assert_eq!(fingerprints, expected);
}
