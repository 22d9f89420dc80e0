//! Reading requests to the OAuth endpoints, and the errors they are answered with
//! (source: freshbooks-authentication).

use serde_json::{Value, json};

use super::scopes::Scopes;
use crate::freshbooks::config::{App, FreshBooksConfig};
use crate::http::{Pairs, Request, Response, decode_form, first_value};

/// The fields of a token request: JSON if the body is a JSON object, otherwise a form; HTTP Basic
/// credentials count too.
pub(crate) fn body_fields(request: &Request) -> Pairs {
    let mut fields = match serde_json::from_slice(&request.body) {
        Ok(Value::Object(object)) => object
            .into_iter()
            .map(|(name, value)| (name, crate::freshbooks::api::errors::unquoted(&value)))
            .collect(),
        _ => decode_form(&request.body),
    };
    fields.extend(basic_credentials(request));
    fields
}

pub(crate) fn basic_credentials(request: &Request) -> Pairs {
    use base64::Engine as _;
    let encoded = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Basic "));
    let decoded =
        encoded.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
    let text = decoded
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default();
    match text.split_once(':') {
        Some((id, secret)) => vec![
            ("client_id".into(), id.into()),
            ("client_secret".into(), secret.into()),
        ],
        None => Vec::new(),
    }
}

pub(crate) fn known_app(fields: &Pairs, config: &FreshBooksConfig) -> Option<usize> {
    let (id, secret) = (
        first_value(fields, "client_id")?,
        first_value(fields, "client_secret")?,
    );
    config
        .apps
        .iter()
        .position(|app| app.client_id == id && app.client_secret == secret)
}

/// FreshBooks registers https alone (source: freshbooks-authentication). Here a host of one's own
/// machine may register `http://` too, because it has no certificate to try itself with.
pub(crate) fn redirect_allowed(uri: &str, app: &App, config: &FreshBooksConfig) -> bool {
    let is_safe = uri.starts_with("https://") || uri.starts_with("http://127.0.0.1:");
    let registered = is_safe && app.redirect_uris.iter().any(|known| known == uri);
    !uri.is_empty() && !uri.contains('?') && (config.any_redirect_uri || registered)
}

pub(crate) fn requested_scopes(scope: Option<&str>, app: &App) -> Option<Scopes> {
    let enabled = match app.scopes.as_slice() {
        [] => Scopes::all(),
        names => Scopes::parse(names.iter().map(String::as_str))?,
    };
    match scope {
        Some(scope) => {
            Scopes::parse(scope.split_ascii_whitespace()).filter(|asked| enabled.contains(*asked))
        }
        None => Some(enabled),
    }
}

pub(crate) fn invalid_client() -> Response {
    oauth_error(
        401,
        "invalid_client",
        "Client authentication failed due to unknown client or a wrong secret.",
    )
}

pub(crate) fn invalid_grant() -> Response {
    oauth_error(
        400,
        "invalid_grant",
        "The provided authorization grant is invalid, expired, revoked or was used before.",
    )
}

pub(crate) fn oauth_error(status: u16, error: &str, description: &str) -> Response {
    Response::json(
        status,
        &json!({"error": error, "error_description": description}),
    )
}
