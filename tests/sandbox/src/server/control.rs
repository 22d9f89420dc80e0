//! The control plane: what a person or an administrator would do in a browser, and what only a
//! sandbox can do.

mod documents;
mod expenses;
mod records;
mod reference;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::listener::{read_request, serve_listener, to_hyper};
use super::{Shared, now};
use crate::freshbooks::Bulk;
use crate::{FaultRule, Millis, Request, Response, Sandbox};

/// A part of the control plane: carries out a request, if it is one of its own.
type Part = fn(&mut Sandbox, &str, &str, Value, Millis) -> Option<documents::ControlResult>;

const PARTS: [Part; 4] = [
    reference::handle_reference_control,
    expenses::handle_expense_control,
    records::handle_record_control,
    documents::handle_document_control,
];

/// Serves the control plane on a port until `stopped` changes.
pub(super) async fn serve(listener: TcpListener, shared: Shared, stopped: watch::Receiver<bool>) {
    let answer = move |request| {
        let shared = shared.clone();
        async move {
            let response = match read_request(request).await {
                Some(request) => {
                    let response = handle_control(&mut shared.lock(), &request, now());
                    shared.wake();
                    response
                }
                None => Response::json(400, &json!({"error": "the body cannot be read"})),
            };
            Ok(to_hyper(response))
        }
    };
    serve_listener(listener, stopped, || true, answer).await;
}

/// Carries out a control request.
fn handle_control(sandbox: &mut Sandbox, request: &Request, now: Millis) -> Response {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let done = match (request.method.as_str(), request.path()) {
        ("POST", "/faults") => add_fault(sandbox, body),
        ("DELETE", "/faults") => {
            sandbox.clear_faults();
            Ok(json!({}))
        }
        ("GET", "/stats") => Ok(stats(sandbox)),
        ("POST", "/freshbooks/token") => {
            Ok(json!({"access_token": sandbox.freshbooks.person_token(now)}))
        }
        ("POST", "/freshbooks/revoke") => {
            sandbox.freshbooks.revoke_refresh_tokens();
            Ok(json!({}))
        }
        ("POST", "/freshbooks/silence") => Ok(set_silence(sandbox, &body)),
        ("POST", "/freshbooks/bulk") => create_bulk(sandbox, body, now),
        ("POST", "/concur/request-token") => Ok(request_token(sandbox, now)),
        ("POST", "/concur/move") => move_company(sandbox, &body),
        ("POST", "/concur/events") => publish_event(sandbox, &body, now),
        ("POST", "/concur/certificate") => rotate_certificate(sandbox, &body),
        ("GET", "/concur/events") => Ok(json!(sandbox.concur.events())),
        ("GET", "/concur/subscriptions") => Ok(json!(sandbox.concur.subscriptions())),
        ("GET", "/concur/payment-requests") => Ok(json!(sandbox.concur.payment_requests())),
        ("GET", "/concur/vendors") => Ok(json!(sandbox.concur.vendors())),
        (method, path) => {
            let ask = |part: &Part| part(sandbox, method, path, body.clone(), now);
            match PARTS.iter().find_map(ask) {
                Some(done) => done,
                None => {
                    let why = format!("there is no {method} {path}");
                    return Response::json(404, &json!({"error": why}));
                }
            }
        }
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

fn stats(sandbox: &Sandbox) -> Value {
    json!({
        "calls": sandbox.stats().calls,
        "total": sandbox.stats().total,
        "deliveries": sandbox.freshbooks.delivery_counts(),
        "deliveries_pending": sandbox.freshbooks.deliveries_pending(),
        "events": sandbox.concur.event_counts(),
        "events_pending": sandbox.concur.events_pending(),
    })
}

fn set_silence(sandbox: &mut Sandbox, body: &Value) -> Value {
    let on = body["on"].as_bool().unwrap_or(true);
    sandbox.freshbooks.config_mut().webhooks.silent = on;
    json!({"silent": on})
}

fn create_bulk(sandbox: &mut Sandbox, body: Value, now: Millis) -> Result<Value, String> {
    let bulk: Bulk = serde_json::from_value(body).map_err(|error| error.to_string())?;
    let made = sandbox.freshbooks.create_bulk(&bulk, now);
    made.map(|made| json!({"made": made}))
        .map_err(|declined| declined.message)
}

fn request_token(sandbox: &mut Sandbox, now: Millis) -> Value {
    let token = sandbox.concur.company_request_token(now);
    json!({"company_uuid": sandbox.concur.company_uuid(), "company_request_token": token})
}

fn move_company(sandbox: &mut Sandbox, body: &Value) -> Result<Value, String> {
    let to = body["to"].as_str().unwrap_or_default();
    if sandbox.concur.move_company(to) {
        Ok(json!({"datacenter": to}))
    } else {
        Err(format!("no datacenter is called \"{to}\""))
    }
}

/// Publishes an event: `{"event_type", "document_id"}`.
fn publish_event(sandbox: &mut Sandbox, body: &Value, now: Millis) -> Result<Value, String> {
    let text = |name: &str| {
        let text = body[name].as_str();
        text.ok_or_else(|| format!("{name} is missing"))
    };
    let (event_type, document_id) = (text("event_type")?, text("document_id")?);
    let id = sandbox.concur.publish(event_type, document_id, now);
    Ok(json!({"event_id": id}))
}

/// Replaces the client certificate: `{"new_key": true, "certificate": "server_only"}`, both
/// optional.
fn rotate_certificate(sandbox: &mut Sandbox, body: &Value) -> Result<Value, String> {
    if let Some(certificate) = body.get("certificate") {
        let certificate = serde_json::from_value(certificate.clone());
        let certificate = certificate.map_err(|error| error.to_string())?;
        sandbox.concur.config_mut().events.certificate = certificate;
    }
    let new_key = body["new_key"].as_bool().unwrap_or_default();
    let state = sandbox.concur.rotate_certificate(new_key);
    Ok(json!({"issue": state.issue, "key": state.key}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SandboxConfig;

    const NOW: Millis = 1_772_463_600_000;

    fn ask(sandbox: &mut Sandbox, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = Request::new("control", method, path).with_json(&body);
        let response = handle_control(sandbox, &request, NOW);
        (response.status, response.value())
    }

    fn sandbox() -> Sandbox {
        Sandbox::new(SandboxConfig::default(), NOW)
    }

    #[test]
    fn faults_are_added_and_cleared() {
        let mut sandbox = sandbox();
        let rule = json!({"system": "concur", "fault": {"kind": "refuse"}});
        assert_eq!(ask(&mut sandbox, "POST", "/faults", rule).0, 200);
        assert!(!sandbox.accept(crate::System::Concur));
        ask(&mut sandbox, "DELETE", "/faults", json!({}));
        assert!(sandbox.accept(crate::System::Concur));
        assert_eq!(
            ask(&mut sandbox, "POST", "/faults", json!({"fault": 1})).0,
            400
        );
    }

    #[test]
    fn documents_are_made_in_bulk_and_counted() {
        let mut sandbox = sandbox();
        let bulk = json!({"invoices": 10, "bills": 5, "clients": 3, "seed": 1});
        let (status, made) = ask(&mut sandbox, "POST", "/freshbooks/bulk", bulk);
        assert_eq!((status, &made["made"]), (200, &json!(10 + 5 + 3 + 1 + 3)));
        let (_, stats) = ask(&mut sandbox, "GET", "/stats", json!({}));
        assert_eq!(stats["deliveries"]["sent"], 0);
    }

    #[test]
    fn tokens_moves_and_silence() {
        let mut sandbox = sandbox();
        let token = ask(&mut sandbox, "POST", "/concur/request-token", json!({})).1;
        assert!(token["company_request_token"].is_string() && token["company_uuid"].is_string());
        assert_eq!(
            ask(&mut sandbox, "POST", "/concur/move", json!({"to": "eu2"})).0,
            200
        );
        assert_eq!(
            ask(&mut sandbox, "POST", "/concur/move", json!({"to": "x"})).0,
            400
        );
        ask(
            &mut sandbox,
            "POST",
            "/freshbooks/silence",
            json!({"on": true}),
        );
        assert!(sandbox.freshbooks.config_mut().webhooks.silent);
        assert!(
            ask(&mut sandbox, "POST", "/freshbooks/token", json!({})).1["access_token"].is_string()
        );
        assert_eq!(
            ask(&mut sandbox, "GET", "/concur/vendors", json!({})).1,
            json!([])
        );
        assert_eq!(ask(&mut sandbox, "GET", "/nothing", json!({})).0, 404);
    }

    #[test]
    fn events_are_published_and_certificates_replaced() {
        let mut sandbox = sandbox();
        let event = json!({"event_type": "invoice.readyForIntegration", "document_id": "4B1F"});
        let published = ask(&mut sandbox, "POST", "/concur/events", event).1;
        assert!(published["event_id"].is_string());
        let empty = ask(&mut sandbox, "POST", "/concur/events", json!({}));
        assert_eq!(empty.0, 400);
        let (_, stats) = ask(&mut sandbox, "GET", "/stats", json!({}));
        assert_eq!(stats["events"]["unheard"], 1);
        assert_eq!(
            ask(&mut sandbox, "GET", "/concur/events", json!({})).1,
            json!([])
        );
        assert_eq!(
            ask(&mut sandbox, "GET", "/concur/subscriptions", json!({})).1,
            json!([])
        );
        let path = "/concur/certificate";
        let rotated = ask(
            &mut sandbox,
            "POST",
            path,
            json!({"new_key": true, "certificate": "server_only"}),
        );
        assert_eq!(rotated.1, json!({"issue": 1, "key": 1}));
        let certificate = sandbox.concur.config_mut().events.certificate;
        assert_eq!(certificate, crate::concur::ClientCertificate::ServerOnly);
        assert_eq!(
            ask(&mut sandbox, "POST", path, json!({"certificate": "blue"})).0,
            400
        );
        assert_eq!(
            ask(&mut sandbox, "POST", path, json!({})).1,
            json!({"issue": 2, "key": 1})
        );
    }
}
