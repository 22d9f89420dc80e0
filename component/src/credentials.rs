//! The two OAuth credentials: FreshBooks' user-delegated one, whose refresh token works once, and
//! SAP Concur's company grant. Decides and reads; no secret is ever seen here.
//!
//! After [`TokenRemedy::TryBase`] the host asks once at that base URL: it builds the request, and
//! reads the response, with a credential that has it as `base`. A second such answer is then the
//! refusal that it is.

mod answer;
mod concur;
mod concur_errors;
mod freshbooks;
mod refresh_plan;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use self::answer::Answer;
use self::refresh_plan::connect_command;
pub use self::refresh_plan::plan_refresh;
use crate::contract::credentials::{
    AccessSpan, Credential, CredentialStatus, Grant, TokenFailure, TokenRemedy, TokenRequest,
    TokenResponse,
};
use crate::contract::http::{Authorization, BodyPart, Header, Method, Request, Secret};
use crate::contract::types::{Duration, Instant, System};

const MINUTE: Duration = 60 * 1_000;

/// How long a token is used that the remote calls fresh and that is already due: as long as it
/// takes not to refresh in a loop. A 401 shows if it is dead.
const DOUBTFUL_LIFE: Duration = 60 * MINUTE;

/// Everything but the unreserved characters. (RFC 3986, section 2.3.)
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What the settings say about an app: of FreshBooks or of SAP Concur, as the credential it is used
/// with.
#[derive(Debug, Clone, Copy)]
pub struct App<'a> {
    /// Where token requests go while no other base URL is known: FreshBooks' API, SAP Concur's
    /// global landing zone.
    pub base: &'a str,
    /// The app's client id at that system.
    pub client_id: &'a str,
    /// FreshBooks: where the consent page sends the user back to.
    pub redirect_uri: &'a str,
    /// SAP Concur: the company's UUID.
    pub company_id: &'a str,
    /// The scopes to ask for, separated by spaces; empty for all that the app has.
    pub scope: &'a str,
    /// Origins, scheme, host and port, that count as SAP Concur's beside the published ones.
    pub extra_bases: &'a [String],
}

/// The page on which a FreshBooks user consents: path and query on FreshBooks' authorization host
/// (source: freshbooks-authentication). `state` comes back in the redirect; the caller makes it
/// unguessable.
pub fn consent_path(app: &App<'_>, state: &str) -> String {
    let mut path = format!(
        "/oauth/authorize/?response_type=code&client_id={}&redirect_uri={}",
        encode(app.client_id),
        encode(app.redirect_uri)
    );
    for (name, value) in [("scope", app.scope), ("state", state)] {
        if !value.is_empty() {
            path.push_str(&format!("&{name}={}", encode(value)));
        }
    }
    path
}

/// The request for a grant. FreshBooks knows one grant beside the refresh token, and SAP Concur a
/// second one for the application itself: the other system's is read as its own, so that no secret
/// goes to the wrong one.
///
/// ```
/// use ml_connector_component::contract::credentials::Grant;
/// use ml_connector_component::contract::http::{BodyPart, Secret};
/// use ml_connector_component::contract::types::System;
/// use ml_connector_component::credentials::{absent_credential, build_token_request};
/// use ml_connector_component::settings::Settings;
///
/// # const SETTINGS: &str =
/// #     include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/settings/minimal.json"));
/// let settings = Settings::load("acme", SETTINGS).expect("is right");
/// let app = settings.app(System::Freshbooks);
/// let credential = absent_credential(System::Freshbooks);
/// let asked = build_token_request(&app, &credential, Grant::AuthorizationCode);
/// assert_eq!(asked.base, "https://api.freshbooks.com");
/// // A secret is named, and never seen here.
/// let code = BodyPart::FormSecret(Secret::AuthorizationCode);
/// assert!(asked.request.body.contains(&code));
/// ```
pub fn build_token_request(app: &App<'_>, credential: &Credential, grant: Grant) -> TokenRequest {
    match credential.system {
        System::Freshbooks => freshbooks::build_token_request(app, grant),
        System::Concur => concur::build_token_request(app, credential, grant),
    }
}

/// The credential of a system that was never connected.
#[must_use]
pub fn absent_credential(system: System) -> Credential {
    Credential {
        system,
        status: CredentialStatus::Absent,
        generation: 0,
        base: None,
        access: None,
        refresh_expires: None,
        scope: None,
    }
}

/// What a response means: the credential's next generation, to be stored before its token is used.
///
/// # Errors
///
/// A [`TokenFailure`] that says what to do: a refusal, an answer without an access token, or a
/// `geolocation` off the list.
pub fn read_token_response(
    app: &App<'_>,
    credential: &Credential,
    grant: Grant,
    response: &TokenResponse,
    now: Instant,
) -> Result<Credential, TokenFailure> {
    let answer = Answer::read(response);
    match (credential.system, answer.is_success()) {
        (system, true) if !answer.grants_access() => Err(unusable(system, now)),
        (System::Freshbooks, true) => Ok(freshbooks::renewed(credential, &answer, now)),
        (System::Freshbooks, false) => Err(freshbooks::refused(&answer, now)),
        (System::Concur, true) => concur::renewed(app, credential, grant, &answer, now),
        (System::Concur, false) => Err(concur::refused(app, credential, &answer, now)),
    }
}

fn encode(value: &str) -> String {
    utf8_percent_encode(value, ENCODED).collect()
}

/// One field of a form: a plain value, or the name of a secret.
enum Field<'a> {
    Plain(&'a str, &'a str),
    Secret(&'a str, Secret),
}

/// A form request. Its content type has no charset: SAP Concur accepts none
/// (source: concur-authentication).
fn form_request(
    base: &str,
    system: System,
    path: &str,
    timeout: Duration,
    fields: &[Field<'_>],
) -> TokenRequest {
    let header = |name: &str, value: &str| Header {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let request = Request {
        system,
        authorization: Authorization::None,
        method: Method::Post,
        path_with_query: path.to_owned(),
        headers: vec![
            header("content-type", "application/x-www-form-urlencoded"),
            header("accept", "application/json"),
        ],
        body: form_body(fields),
        timeout,
    };
    TokenRequest {
        base: base.to_owned(),
        request,
    }
}

fn form_body(fields: &[Field<'_>]) -> Vec<BodyPart> {
    let mut parts = vec![];
    let mut text = String::new();
    for (place, field) in fields.iter().enumerate() {
        let joint = if place == 0 { "" } else { "&" };
        match field {
            Field::Plain(name, value) => {
                text.push_str(&format!("{joint}{name}={}", encode(value)));
            }
            Field::Secret(name, secret) => {
                text.push_str(&format!("{joint}{name}="));
                parts.push(BodyPart::Text(core::mem::take(&mut text)));
                parts.push(BodyPart::FormSecret(secret.clone()));
            }
        }
    }
    if !text.is_empty() {
        parts.push(BodyPart::Text(text));
    }
    parts
}

/// The next generation of a credential whose token was issued at `issued` for `life`.
fn next_generation(
    credential: &Credential,
    answer: &Answer,
    issued: Instant,
    life: Duration,
    now: Instant,
) -> Credential {
    let expires = issued.saturating_add(life);
    let is_due = refresh_plan::refresh_at(issued, expires) <= now;
    let access = if is_due {
        AccessSpan {
            issued: now,
            expires: now.saturating_add(DOUBTFUL_LIFE),
        }
    } else {
        AccessSpan { issued, expires }
    };
    Credential {
        status: CredentialStatus::Live,
        generation: credential.generation.saturating_add(1),
        access: Some(access),
        scope: answer
            .text("scope")
            .map(ToOwned::to_owned)
            .or_else(|| credential.scope.clone()),
        ..credential.clone()
    }
}

fn unusable(system: System, now: Instant) -> TokenFailure {
    let message = format!(
        "{} answered a token request without a usable access token; it is asked again in a minute. \
         If this goes on, run `{}`.",
        system.display_name(),
        connect_command(system)
    );
    try_again("unreadable-answer", message, now.saturating_add(MINUTE))
}

fn try_again(code: &str, message: String, retry_at: Instant) -> TokenFailure {
    failure(code, message, TokenRemedy::TryAgain(retry_at))
}

fn failure(code: &str, message: String, remedy: TokenRemedy) -> TokenFailure {
    TokenFailure {
        code: code.to_owned(),
        message,
        remedy,
    }
}

#[cfg(test)]
mod tests;
