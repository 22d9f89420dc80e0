use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zeroize::Zeroizing;

use super::*;
use crate::contract::http::{Body, BodyPart, Header, Response, Secret};
use crate::contract::types::System;

/// The secrets of two kinds.
struct TestSecrets {
    client_secret: &'static str,
    refresh_token: &'static str,
}

impl SecretParts for TestSecrets {
    fn secret(&self, secret: &Secret) -> Option<Zeroizing<String>> {
        let text = match secret {
            Secret::ClientSecret => self.client_secret,
            Secret::RefreshToken => self.refresh_token,
            _ => return None,
        };
        Some(Zeroizing::new(text.into()))
    }
}

fn limits() -> Limits {
    Limits {
        requests_in_flight_max: 2,
        answer_bytes_max: 100,
        ..Limits::default()
    }
}

fn request(method: Method, body: Vec<BodyPart>) -> Request {
    Request {
        system: System::Freshbooks,
        authorization: crate::contract::http::Authorization::None,
        method,
        path_with_query: "/a/b?c=d".into(),
        headers: vec![Header {
            name: "content-type".into(),
            value: "application/json".into(),
        }],
        body,
        timeout: 20_000,
    }
}

/// A request whose time is over soon, though not before a busy machine has sent it.
fn impatient(method: Method, body: Vec<BodyPart>) -> Request {
    Request {
        timeout: 2_000,
        ..request(method, body)
    }
}

fn origin(address: SocketAddr) -> Origin {
    let origins = Origins::from_endpoints(&crate::contract::settings::Endpoints {
        freshbooks: format!("http://{address}"),
        ..crate::fixtures::endpoints()
    });
    origins.expect("well-formed").freshbooks
}

/// Serves one connection: reads one request, answers with these bytes, and gives the request back.
async fn answer_once(bytes: &'static [u8]) -> (SocketAddr, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("accepted");
        let request = read_request(&mut stream).await;
        stream.write_all(bytes).await.expect("written");
        request
    });
    (address, served)
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 4_096];
    let count = stream.read(&mut bytes).await.expect("read");
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

async fn send_get(address: SocketAddr) -> SendOutcome {
    let sender = HttpClient::new(&limits()).expect("roots");
    let request = request(Method::Get, vec![]);
    sender
        .send(&request, &origin(address), None, &NoSecrets)
        .await
}

fn response(outcome: SendOutcome) -> Response {
    match outcome {
        SendOutcome::Response(response) => response,
        other => panic!("no response but {other:?}"),
    }
}

fn maybe_sent(outcome: SendOutcome) -> SendErrorCode {
    match outcome {
        SendOutcome::MaybeSent(error) => error.code,
        other => panic!("not maybe-sent but {other:?}"),
    }
}

fn not_sent(outcome: SendOutcome) -> SendErrorCode {
    match outcome {
        SendOutcome::NotSent(error) => error.code,
        other => panic!("not not-sent but {other:?}"),
    }
}

#[tokio::test]
async fn a_request_goes_out_with_token_secrets_and_length() {
    let (address, served) = answer_once(
        b"HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\nSet-Cookie: x\r\n\
          Retry-After: 7\r\ncontent-length: 2\r\n\r\nok",
    )
    .await;
    let sender = HttpClient::new(&limits()).expect("roots");
    let parts = vec![
        BodyPart::Text("{\"a\":\"".into()),
        BodyPart::JsonSecret(Secret::ClientSecret),
        BodyPart::Text("\"}&".into()),
        BodyPart::FormSecret(Secret::RefreshToken),
    ];
    let secrets = TestSecrets {
        client_secret: "q\"\\\n",
        refresh_token: "a&b c+",
    };
    let bearer = HeaderValue::from_static("Bearer t");
    let request = request(Method::Post, parts);
    let outcome = sender
        .send(&request, &origin(address), Some(&bearer), &secrets)
        .await;
    let sent = served.await.expect("served");
    assert!(sent.starts_with("POST /a/b?c=d HTTP/1.1\r\n"), "{sent}");
    assert!(sent.contains("authorization: Bearer t\r\n"), "{sent}");
    assert!(sent.contains("user-agent: ml-connector/"), "{sent}");
    let body = r#"{"a":"q\"\\\n"}&a%26b+c%2B"#;
    assert!(
        sent.contains(&format!("content-length: {}\r\n", body.len())),
        "{sent}"
    );
    assert!(sent.ends_with(&format!("\r\n\r\n{body}")), "{sent}");
    let response = response(outcome);
    assert_eq!(
        (response.status, response.body),
        (201, Body::Text("ok".into()))
    );
    let names: Vec<_> = response
        .headers
        .iter()
        .map(|header| header.name.as_str())
        .collect();
    assert_eq!(names, ["content-type", "retry-after"]);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let (address, served) = answer_once(
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    assert_eq!(response(send_get(address).await).status, 302);
    served.await.expect("served");
}

#[tokio::test]
async fn bodies_that_are_no_text_are_kept_byte_for_byte() {
    let (address, _served) =
        answer_once(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\xff\xfe").await;
    assert_eq!(
        response(send_get(address).await).body,
        Body::Bytes(vec![0xff, 0xfe])
    );
}

#[tokio::test]
async fn a_refused_connection_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    assert_eq!(
        not_sent(send_get(address).await),
        SendErrorCode::Unreachable
    );
}

#[tokio::test]
async fn a_connection_that_ends_without_an_answer_is_maybe_sent() {
    let (address, _served) = answer_once(b"").await;
    assert_eq!(
        maybe_sent(send_get(address).await),
        SendErrorCode::ConnectionLost
    );
}

#[tokio::test]
async fn an_answer_cut_short_is_maybe_sent() {
    let (address, _served) = answer_once(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok").await;
    assert_eq!(
        maybe_sent(send_get(address).await),
        SendErrorCode::ConnectionLost
    );
}

#[tokio::test]
async fn an_answer_over_the_bound_is_maybe_sent() {
    const LONG: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n65\r\n\
        12345678901234567890123456789012345678901234567890\
        123456789012345678901234567890123456789012345678901\r\n0\r\n\r\n";
    let (address, _served) = answer_once(LONG).await;
    assert_eq!(
        maybe_sent(send_get(address).await),
        SendErrorCode::AnswerTooLong
    );
}

async fn send_for_tokens(bytes: &'static [u8]) -> TokenAnswer {
    let (address, _served) = answer_once(bytes).await;
    let client = HttpClient::new(&limits()).expect("roots");
    let request = request(Method::Post, vec![]);
    let origin = origin(address);
    client.send_for_tokens(&request, &origin, &NoSecrets).await
}

#[tokio::test]
async fn of_an_answer_with_tokens_what_has_come_is_handed_on() {
    const LONG: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 120\r\n\r\n\
        123456789012345678901234567890123456789012345678901234567890\
        123456789012345678901234567890123456789012345678901234567890";
    // The bound of other answers is 100.
    let TokenAnswer::Outcome(SendOutcome::Response(whole)) = send_for_tokens(LONG).await else {
        panic!("is an answer");
    };
    assert!(matches!(whole.body, Body::Text(text) if text.len() == 120));
    const LOST: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 120\r\n\r\n{\"access_token\"";
    let TokenAnswer::Cut(beginning, error) = send_for_tokens(LOST).await else {
        panic!("is cut");
    };
    assert_eq!(error.code, SendErrorCode::ConnectionLost);
    assert!(matches!(beginning.body, Body::Text(text) if text == "{\"access_token\""));
}

#[tokio::test]
async fn silence_after_the_request_is_maybe_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    let held = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("accepted");
        read_request(&mut stream).await;
        std::future::pending::<()>().await;
    });
    let sender = HttpClient::new(&limits()).expect("roots");
    let outcome = sender
        .send(
            &impatient(Method::Get, vec![]),
            &origin(address),
            None,
            &NoSecrets,
        )
        .await;
    assert_eq!(maybe_sent(outcome), SendErrorCode::Timeout);
    held.abort();
}

#[tokio::test]
async fn silence_in_the_tls_handshake_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    let origins = Origins::from_endpoints(&crate::contract::settings::Endpoints {
        freshbooks: format!("https://{address}"),
        ..crate::fixtures::endpoints()
    });
    let origin = origins.expect("well-formed").freshbooks;
    let sender = HttpClient::new(&limits()).expect("roots");
    let request = impatient(Method::Post, vec![BodyPart::Text("{}".into())]);
    let outcome = sender.send(&request, &origin, None, &NoSecrets).await;
    assert_eq!(not_sent(outcome), SendErrorCode::Timeout);
}

#[tokio::test]
async fn a_failed_tls_handshake_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    let _served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("accepted");
        read_request(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .expect("written");
    });
    let origins = Origins::from_endpoints(&crate::contract::settings::Endpoints {
        freshbooks: format!("https://{address}"),
        ..crate::fixtures::endpoints()
    });
    let origin = origins.expect("well-formed").freshbooks;
    let sender = HttpClient::new(&limits()).expect("roots");
    let outcome = sender
        .send(&request(Method::Get, vec![]), &origin, None, &NoSecrets)
        .await;
    assert_eq!(not_sent(outcome), SendErrorCode::Tls);
}

#[tokio::test]
async fn a_secret_that_is_not_held_withholds_the_request() {
    let sender = HttpClient::new(&limits()).expect("roots");
    let request = request(
        Method::Post,
        vec![BodyPart::JsonSecret(Secret::Verifier("7".into()))],
    );
    let address = "127.0.0.1:1".parse().expect("an address");
    let outcome = sender
        .send(&request, &origin(address), None, &NoSecrets)
        .await;
    let SendOutcome::NotSent(error) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(error.code, SendErrorCode::Withheld);
    assert!(error.detail.contains("verifier of callback 7"));
}

#[tokio::test]
async fn no_more_requests_to_a_host_than_allowed_are_under_way() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    let open = tokio::spawn(async move {
        let mut streams = vec![];
        for _ in 0..2 {
            streams.push(listener.accept().await.expect("accepted"));
        }
        while let Ok(accepted) =
            tokio::time::timeout(Duration::from_millis(200), listener.accept()).await
        {
            streams.push(accepted.expect("accepted"));
        }
        streams.len()
    });
    let sender = Arc::new(HttpClient::new(&limits()).expect("roots"));
    for _ in 0..5 {
        let sender = Arc::clone(&sender);
        tokio::spawn(async move {
            let request = request(Method::Get, vec![]);
            sender
                .send(&request, &origin(address), None, &NoSecrets)
                .await
        });
    }
    assert_eq!(open.await.expect("counted"), 2);
}

/// Answers each connection with a body of this length and returns what the client made of it.
async fn answer_of(status: &str, body: Vec<u8>) -> Response {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("accepted");
        read_request(&mut stream).await;
        stream.write_all(head.as_bytes()).await.expect("written");
        stream.write_all(&body).await.expect("written");
    });
    let sender = HttpClient::new(&Limits::default()).expect("roots");
    let request = request(Method::Get, vec![]);
    let outcome = sender
        .send(&request, &origin(address), None, &NoSecrets)
        .await;
    served.await.expect("served");
    response(outcome)
}

fn text(body: Body) -> String {
    match body {
        Body::Text(text) => text,
        Body::Bytes(bytes) => panic!("{} bytes that are no text", bytes.len()),
    }
}

/// A failed answer has at most so many bytes, and a little more for the note.
const CUT_BYTES_MAX: usize = 16 * 1024 + 160;

#[tokio::test]
async fn a_long_failed_answer_is_cut_and_says_what_it_was() {
    for status in ["500 Internal Server Error", "404 Not Found", "302 Found"] {
        let body = format!("{{\"message\":\"{}\"}}", "é".repeat(1 << 20));
        let length = body.len();
        let cut = text(answer_of(status, body.into_bytes()).await.body);
        assert!(cut.len() < CUT_BYTES_MAX, "{status}: {} bytes", cut.len());
        assert!(cut.starts_with("{\"message\":\"éé"));
        let note = cut.lines().last().expect("has lines");
        assert!(
            note.contains(&format!("of {length} bytes; SHA-256 ")),
            "{note}"
        );
    }
    let short = "{\"message\":\"It is not there.\"}";
    let whole = answer_of("404 Not Found", short.into()).await.body;
    assert_eq!(text(whole), short);
}

#[tokio::test]
async fn a_long_success_is_whole_if_it_is_json_and_else_cut() {
    let json = format!("[{}1]", "1,".repeat(1 << 20));
    let whole = answer_of("200 OK", json.clone().into_bytes()).await.body;
    assert_eq!(text(whole), json);
    // Its beginning alone would be whole JSON.
    let garbage = format!("{{}}{}x", " ".repeat(1 << 20));
    let cut = text(answer_of("200 OK", garbage.into_bytes()).await.body);
    assert!(cut.len() < CUT_BYTES_MAX);
    assert!(serde_json::from_str::<serde_json::Value>(&cut).is_err());
    let no_text = answer_of("200 OK", vec![0xff; 1 << 20]).await.body;
    assert!(matches!(no_text, Body::Bytes(bytes) if bytes.len() < CUT_BYTES_MAX));
}
