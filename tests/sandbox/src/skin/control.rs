//! The control plane: what a person or an administrator would do in a browser, and what only a sandbox can do.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::server::{read, wire};
use super::{Shared, now};
use crate::freshbooks::Bulk;
use crate::{FaultRule, Request, Response, Sandbox};

pub(super) async fn serve(
    listener: TcpListener,
    shared: Shared,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
            _ = stopped.changed() => return,
        };
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, shared.clone()));
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
    shared: Shared,
) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let response = match read(request).await {
        Some(request) => {
            let response = steer(&mut shared.lock(), &request);
            shared.wake();
            response
        }
        None => Response::json(400, &json!({"error": "the body cannot be read"})),
    };
    Ok(wire(response, None))
}

/// Carries out a control request.
pub(super) fn steer(sandbox: &mut Sandbox, request: &Request) -> Response {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let done = match (request.method.as_str(), request.path()) {
        ("POST", "/faults") => add_fault(sandbox, body),
        ("DELETE", "/faults") => {
            sandbox.clear_faults();
            Ok(json!({}))
        }
        ("POST", "/freshbooks/token") => {
            Ok(json!({"access_token": sandbox.freshbooks.person_token(now())}))
        }
        ("POST", "/freshbooks/silence") => {
            let on = body["on"].as_bool().unwrap_or(true);
            sandbox.freshbooks.config_mut().webhooks.silent = on;
            Ok(json!({"silent": on}))
        }
        ("POST", "/freshbooks/bulk") => bulk(sandbox, body),
        ("POST", "/concur/request-token") => {
            let token = sandbox.concur.company_request_token(now());
            Ok(
                json!({"company_uuid": sandbox.concur.company_uuid(), "company_request_token": token}),
            )
        }
        ("POST", "/concur/move") => {
            let to = body["to"].as_str().unwrap_or_default();
            if sandbox.concur.move_company(to) {
                Ok(json!({"datacenter": to}))
            } else {
                Err(format!("no datacenter is called \"{to}\""))
            }
        }
        ("GET", "/concur/payment-requests") => Ok(json!(sandbox.concur.payment_requests())),
        ("GET", "/concur/vendors") => Ok(json!(sandbox.concur.vendors())),
        ("GET", "/stats") => Ok(json!({
            "calls": sandbox.stats().calls,
            "total": sandbox.stats().total,
            "deliveries": sandbox.freshbooks.delivery_counts(),
            "deliveries_pending": sandbox.freshbooks.deliveries_pending(),
        })),
        (method, path) => Err(format!("there is no {method} {path}")),
    };
    match done {
        Ok(value) => Response::json(200, &value),
        Err(why) => Response::json(400, &json!({"error": why})),
    }
}

fn add_fault(sandbox: &mut Sandbox, body: Value) -> Result<Value, String> {
    let rule: FaultRule = serde_json::from_value(body).map_err(|error| error.to_string())?;
    sandbox.add_fault(rule);
    Ok(json!({}))
}

fn bulk(sandbox: &mut Sandbox, body: Value) -> Result<Value, String> {
    let bulk: Bulk = serde_json::from_value(body).map_err(|error| error.to_string())?;
    let made = sandbox.freshbooks.create_bulk(&bulk, now());
    made.map(|made| json!({"made": made}))
        .map_err(|declined| format!("{declined:?}"))
}
