//! Requests to remotes, with secrets by their names of then.

use serde::Deserialize;

use crate::contract::http::{self, Authorization, Header, Method, Secret};
use crate::contract::types::{Duration, System};

#[derive(Deserialize)]
enum Bearer {
    Application,
}

#[derive(Deserialize)]
enum BodyPart {
    Text(String),
    JsonSecret(String),
    FormSecret(String),
}

fn secret(name: String) -> Secret {
    match name.as_str() {
        "client-secret" => Secret::ClientSecret,
        "authorization-code" => Secret::AuthorizationCode,
        "company-request-token" => Secret::CompanyRequestToken,
        "refresh-token" => Secret::RefreshToken,
        _ => match name.strip_prefix("verifier:") {
            Some(callback) => Secret::Verifier(callback.to_owned()),
            None => Secret::Verifier(name),
        },
    }
}

impl From<BodyPart> for http::BodyPart {
    fn from(old: BodyPart) -> Self {
        match old {
            BodyPart::Text(text) => Self::Text(text),
            BodyPart::JsonSecret(name) => Self::JsonSecret(secret(name)),
            BodyPart::FormSecret(name) => Self::FormSecret(secret(name)),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Request {
    system: System,
    bearer: Option<Bearer>,
    method: Method,
    path_with_query: String,
    headers: Vec<Header>,
    body: Vec<BodyPart>,
    timeout: Duration,
}

impl From<Request> for http::Request {
    fn from(old: Request) -> Self {
        Self {
            system: old.system,
            authorization: match old.bearer {
                None => Authorization::Connection,
                Some(Bearer::Application) => Authorization::Application,
            },
            method: old.method,
            path_with_query: old.path_with_query,
            headers: old.headers,
            body: old.body.into_iter().map(Into::into).collect(),
            timeout: old.timeout,
        }
    }
}
