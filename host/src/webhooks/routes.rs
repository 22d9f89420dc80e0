//! The receiver's routes: which request is answered by what.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request};

use super::{BODY_BYTES_MAX, WebhookReceiver};
use crate::contract::http::{Body, Header};
use crate::contract::webhooks::Delivery;
use crate::listener::{Arrival, HttpResponse, status_only};
use crate::secrets::Secret;

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
            arrival.slot.work();
            consent(receiver, request.uri().query())
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
        (&Method::GET, "/healthz") => plain(200, "ok\n"),
        (&Method::GET, "/readyz") if !receiver.receives_events() => {
            plain(503, "events are not received\n")
        }
        (&Method::GET, "/readyz") if receiver.is_ready().await => plain(200, "ready\n"),
        (&Method::GET, "/readyz") => plain(503, "the store cannot be used\n"),
        (&Method::GET, "/metrics") => metrics(receiver),
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
    let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
        receiver.metrics.webhook("", "too-long");
        receiver.log_refusal(Some(connection), "too-long", source);
        return status_only(413);
    };
    slot.work();
    let header =
        |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| Header {
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
        body: match String::from_utf8(body.to_bytes().to_vec()) {
            Ok(text) => Body::Text(text),
            Err(error) => Body::Bytes(error.into_bytes()),
        },
    };
    status_only(receiver.receive(connection, token, delivery, source).await)
}

/// The headers that verification looks at; the others need not cross into the component.
fn is_wanted(name: &str) -> bool {
    matches!(name, "content-type" | "content-encoding") || name.contains("hmac")
}

fn consent(receiver: &WebhookReceiver, query: Option<&str>) -> HttpResponse {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let (mut code, mut state) = (None, String::new());
    for (name, value) in pairs {
        match name.as_ref() {
            "code" => code = Some(Secret::new(value.into_owned())),
            "state" => state = value.into_owned(),
            _ => {}
        }
    }
    let again = "Start again with `ml-connector connect freshbooks`.";
    match code {
        Some(code) if receiver.consents.arrive(&state, code.clone()) => page(
            200,
            "FreshBooks is connected to ml-connector. You can close this page.",
        ),
        Some(_) => page(400, &format!("This consent is no longer expected. {again}")),
        None => page(
            400,
            &format!("FreshBooks did not give its consent. {again}"),
        ),
    }
}

fn metrics(receiver: &WebhookReceiver) -> HttpResponse {
    let mut answer = plain(200, &receiver.metrics.text());
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    answer.headers_mut().insert(
        "content-type",
        hyper::header::HeaderValue::from_static(kind),
    );
    answer
}

fn page(code: u16, message: &str) -> HttpResponse {
    let text = format!("<!doctype html><title>ml-connector</title><p>{message}</p>\n");
    let mut answer = plain(code, &text);
    let kind = hyper::header::HeaderValue::from_static("text/html; charset=utf-8");
    answer.headers_mut().insert("content-type", kind);
    answer
}

fn plain(code: u16, text: &str) -> HttpResponse {
    let mut answer = status_only(code);
    *answer.body_mut() = Full::new(Bytes::copy_from_slice(text.as_bytes()));
    answer
}
