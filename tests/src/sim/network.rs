//! Between the simulator and the machines: base URLs, bearer tokens, time limits, and the three
//! outcomes.

use ml_connector_component::contract::http::{
    Authorization, BodyPart, Method, Request, Response, SendErrorCode, SendOutcome,
};
use ml_connector_component::contract::types::System;
use ml_connector_sandbox::{self as sandbox, WireOutcome};

use super::{Sim, body, error, headers};

impl Sim {
    /// Sends a request and lets as much time pass as its answer takes.
    pub(super) fn send(&mut self, request: &Request) -> SendOutcome {
        let Some(mut wire) = self.to_wire(request) else {
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
        let answer = self
            .sandbox
            .exchange(which(request.system), &wire, self.now);
        self.outcome_of(answer, request.timeout)
    }

    pub(super) fn outcome_of(&mut self, answer: WireOutcome, timeout: u64) -> SendOutcome {
        match answer {
            WireOutcome::Response { response, after } if after <= timeout => {
                self.now += after;
                SendOutcome::Response(response_of(response))
            }
            WireOutcome::Response { .. } => {
                self.now += timeout;
                SendOutcome::MaybeSent(error(SendErrorCode::Timeout))
            }
            WireOutcome::Truncated { .. } => {
                SendOutcome::MaybeSent(error(SendErrorCode::ConnectionLost))
            }
            WireOutcome::Lost { after } => {
                self.now += after.min(timeout);
                SendOutcome::MaybeSent(error(SendErrorCode::ConnectionLost))
            }
            WireOutcome::Refused => SendOutcome::NotSent(error(SendErrorCode::Unreachable)),
        }
    }

    /// The request without host and authorization, or nothing if it needs a secret that is not
    /// held.
    pub(super) fn to_wire(&self, request: &Request) -> Option<sandbox::Request> {
        let mut text = String::new();
        for part in &request.body {
            match part {
                BodyPart::Text(literal) => text.push_str(literal),
                BodyPart::JsonSecret(secret) => {
                    let plain = self.credentials.secret(request.system, secret)?;
                    let quoted = serde_json::Value::from(plain).to_string();
                    text.push_str(quoted.trim_matches('"'));
                }
                BodyPart::FormSecret(secret) => {
                    text.push_str(&form(self.credentials.secret(request.system, secret)?));
                }
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

pub(super) fn response_of(response: sandbox::Response) -> Response {
    Response {
        status: response.status,
        headers: headers(&response.headers),
        body: body(response.body),
    }
}

pub(super) fn which(system: System) -> sandbox::System {
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
    }
}

pub(super) fn authority(base: &str) -> String {
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
