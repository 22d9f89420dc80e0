//! The receiver's routes: which request is answered by what.

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, Request};

use super::{BODY_BYTES_MAX, WebhookReceiver, consent_page};
use crate::contract::http::Header;
use crate::contract::webhooks::Delivery;
use crate::http_client::text_or_bytes;
use crate::listener::{Arrival, HttpResponse, status_only, with_body};

/// Answers one request by its method and path; 404 where there is nothing.
pub(super) async fn answer(
    receiver: &WebhookReceiver,
    request: Request<Incoming>,
    arrival: Arrival,
) -> HttpResponse {
    let path = request.uri().path().to_string();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let is_monitoring = matches!(parts.as_slice(), ["healthz" | "readyz" | "metrics"]);
    if is_monitoring && !receiver.is_monitored_elsewhere {
        return monitor(receiver, request, arrival).await;
    }
    if arrival.slot.is_reserved() {
        receiver.metrics.webhook("", "unavailable");
        return status_only(503);
    }
    match (request.method(), parts.as_slice()) {
        (&Method::POST, ["hooks", "freshbooks", connection, token]) => {
            webhook(receiver, connection, token, request, arrival).await
        }
        (&Method::GET, ["oauth", "freshbooks", "callback"]) => {
            // It waits for FreshBooks' answer, which is no fault of the peer.
            arrival.slot.work();
            let query = request.uri().query();
            let note_refusal = || receiver.log_refusal(None, "consent", arrival.source);
            consent_page::answer(&receiver.consents, query, note_refusal).await
        }
        _ => status_only(404),
    }
}

/// Answers health checks and metrics; 404 to all else.
pub(super) async fn monitor(
    receiver: &WebhookReceiver,
    request: Request<Incoming>,
    arrival: Arrival,
) -> HttpResponse {
    arrival.slot.work();
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/healthz") => with_body(200, "ok\n"),
        (&Method::GET, "/readyz") => match receiver.readiness().await {
            Ok(()) => with_body(200, "ready\n"),
            Err(unready) => with_body(503, format!("{unready}\n")),
        },
        (&Method::GET, "/metrics") => metrics(receiver).await,
        _ => status_only(404),
    }
}

async fn webhook(
    receiver: &WebhookReceiver,
    connection: &str,
    token: &str,
    request: Request<Incoming>,
    Arrival { source, slot }: Arrival,
) -> HttpResponse {
    if receiver.find_address(connection, token).is_none() {
        let known = receiver.addresses.get_key_value(connection);
        let known = known.map(|(name, _)| name.as_str());
        receiver.metrics.webhook("", "unknown-address");
        receiver.log_refusal(known, "unknown-address", source);
        return status_only(404);
    }
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            let (what, code) = match error.is::<LengthLimitError>() {
                true => ("too-long", 413),
                false => ("cut-short", 400),
            };
            receiver.metrics.webhook("", what);
            receiver.log_refusal(Some(connection), what, source);
            return status_only(code);
        }
    };
    slot.work();
    let header = |(name, value): (&HeaderName, &HeaderValue)| Header {
        name: name.as_str().to_string(),
        value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
    };
    let delivery = Delivery {
        headers: head
            .headers
            .iter()
            .filter(|(name, _)| is_wanted(name.as_str()))
            .map(header)
            .collect(),
        body: text_or_bytes(body.into()),
    };
    status_only(receiver.receive(connection, token, delivery, source).await)
}

/// The headers that verification looks at; the others need not cross into the component.
fn is_wanted(name: &str) -> bool {
    matches!(name, "content-type" | "content-encoding") || name.contains("hmac")
}

async fn metrics(receiver: &WebhookReceiver) -> HttpResponse {
    let mut answer = with_body(200, receiver.gauges.text().await);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}
