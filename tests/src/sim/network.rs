//! Between the simulator and the machines: base URLs, bearer tokens, time limits, and the three
//! outcomes.

use ml_connector_component::contract::http::{
    Authorization, BodyPart, Method, Request, Response, Secret, SendErrorCode, SendOutcome,
};
use ml_connector_component::contract::types::System;
use ml_connector_sandbox::{self as sandbox, Millis, WireOutcome};

use super::{Sim, body, error, headers};
use crate::published;

impl Sim {
    /// Sends a request and lets as much time pass as its answer takes.
    pub(super) fn send(&mut self, request: &Request) -> SendOutcome {
        self.credentials.prepare(request);
        let secrets = |secret: &Secret| self.credentials.secret(request.system, secret);
        let Some(mut wire) = to_wire(request, secrets) else {
            return SendOutcome::NotSent(error(SendErrorCode::Withheld));
        };
        wire.host = authority(&self.base(request.system));
        match request.authorization {
            Authorization::None => {}
            Authorization::Connection => {
                let value = format!("Bearer {}", self.credentials.access_token(request.system));
                wire.headers.push(("authorization".to_string(), value));
            }
            // Only subscriptions to events need it, and nobody here receives events.
            Authorization::Application => {
                return SendOutcome::NotSent(error(SendErrorCode::Withheld));
            }
        }
        self.count(&wire);
        published::note(which(request.system), &wire);
        let answer = self
            .sandbox
            .exchange(which(request.system), &wire, self.now);
        let (outcome, after) = outcome_of(answer, request.timeout);
        self.now += after;
        outcome
    }

    fn base(&mut self, system: System) -> String {
        match system {
            System::Freshbooks => self.logic.endpoints().freshbooks,
            System::Concur => self.credentials.base(system).unwrap_or_default(),
        }
    }

    fn count(&mut self, wire: &sandbox::Request) {
        let path: Vec<&str> = wire
            .path()
            .split('/')
            .filter(|part| {
                !part.is_empty() && !part.chars().any(|c| c.is_ascii_digit()) || *part == "v3.0"
            })
            .collect();
        let name = format!(
            "{} {}",
            wire.method,
            path.last().copied().unwrap_or_default()
        );
        *self.sent.entry(name).or_default() += 1;
    }
}

/// The request without host and authorization, or nothing if it needs a secret that is not held.
pub fn to_wire<'a>(
    request: &Request,
    secrets: impl Fn(&Secret) -> Option<&'a str>,
) -> Option<sandbox::Request> {
    let mut text = String::new();
    for part in &request.body {
        match part {
            BodyPart::Text(literal) => text.push_str(literal),
            BodyPart::JsonSecret(secret) => {
                let quoted = serde_json::Value::from(secrets(secret)?).to_string();
                text.push_str(quoted.trim_matches('"'));
            }
            BodyPart::FormSecret(secret) => text.push_str(&form(secrets(secret)?)),
        }
    }
    let mut wire = sandbox::Request::new("", method(request.method), &request.path_with_query);
    wire.headers = request
        .headers
        .iter()
        .map(|header| (header.name.clone(), header.value.clone()))
        .collect();
    if !text.is_empty() {
        wire.headers
            .push(("content-length".to_string(), text.len().to_string()));
    }
    wire.body = text.into_bytes();
    Some(wire)
}

/// What came of a request that is given up after `timeout`, and how many milliseconds passed.
#[must_use]
pub fn outcome_of(answer: WireOutcome, timeout: u64) -> (SendOutcome, Millis) {
    let lost = || SendOutcome::MaybeSent(error(SendErrorCode::ConnectionLost));
    match answer {
        WireOutcome::Response { response, after } if after <= timeout => {
            (SendOutcome::Response(response_of(response)), after)
        }
        WireOutcome::Response { .. } => (
            SendOutcome::MaybeSent(error(SendErrorCode::Timeout)),
            timeout,
        ),
        WireOutcome::Truncated { .. } => (lost(), 0),
        WireOutcome::Lost { after } => (lost(), after.min(timeout)),
        WireOutcome::Refused => (SendOutcome::NotSent(error(SendErrorCode::Unreachable)), 0),
    }
}

fn response_of(response: sandbox::Response) -> Response {
    Response {
        status: response.status,
        headers: headers(&response.headers),
        body: body(response.body),
    }
}

/// The same system, as the sandbox names it.
#[must_use]
pub fn which(system: System) -> sandbox::System {
    match system {
        System::Freshbooks => sandbox::System::FreshBooks,
        System::Concur => sandbox::System::Concur,
    }
}

fn method(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Patch => "PATCH",
    }
}

/// A base URL without its scheme.
#[must_use]
pub fn authority(base: &str) -> String {
    base.trim_start_matches("https://")
        .trim_start_matches("http://")
        .to_string()
}

fn form(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric();
    text.bytes()
        .map(|byte| {
            if plain(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
