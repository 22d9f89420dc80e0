//! The forms that the token endpoint reads, and what it refuses about them
//! (source: concur-authentication).

use std::collections::BTreeSet;

use serde_json::json;

use super::errors::TokenError;
use crate::concur::config::{App, ConcurConfig};
use crate::http::{Millis, Pairs, Request, Response, decode_form, first_value};

/// Names that must never be in the query.
const SECRETS: [&str; 4] = ["client_secret", "password", "refresh_token", "code"];

/// A token request that names a known app by its secret.
pub(crate) struct TokenRequest<'a> {
    pub(crate) fields: Pairs,
    pub(crate) app: usize,
    pub(crate) host: &'a str,
    pub(crate) config: &'a ConcurConfig,
    pub(crate) now: Millis,
}

impl TokenRequest<'_> {
    /// The app that asks.
    pub(crate) fn app(&self) -> &App {
        &self.config.apps[self.app]
    }

    /// A field that must be there.
    pub(crate) fn required(&self, name: &str, error: TokenError) -> Result<&str, TokenError> {
        first_value(&self.fields, name)
            .filter(|value| !value.is_empty())
            .ok_or(error)
    }

    /// The scopes asked for, or all that the app is granted.
    pub(crate) fn scopes(&self) -> Result<BTreeSet<String>, TokenError> {
        let granted: BTreeSet<String> = self.app().scopes.iter().cloned().collect();
        let Some(scope) = first_value(&self.fields, "scope") else {
            return Ok(granted);
        };
        let asked: BTreeSet<String> = scope.split_ascii_whitespace().map(str::to_owned).collect();
        if asked.is_subset(&granted) {
            Ok(asked)
        } else {
            Err(TokenError::ScopeNotGranted)
        }
    }
}

/// The one-time-password endpoint, as far as its form goes.
pub(crate) fn handle_otp(request: &Request, config: &ConcurConfig, correlation: &str) -> Response {
    let error = match identify(request, config) {
        Err(error) => Some(error),
        Ok((fields, _)) => match (
            first_value(&fields, "channel_type"),
            first_value(&fields, "channel_handle"),
        ) {
            (None, _) => Some(TokenError::ChannelTypeMissing),
            (Some(kind), _) if kind != "email" => Some(TokenError::ChannelTypeBad),
            (_, None) => Some(TokenError::ChannelHandleMissing),
            _ => None,
        },
    };
    match error {
        Some(error) => error.response(config, None, correlation),
        None => Response::json(200, &json!({"message": "otp sent"})),
    }
}

/// Reads the form and finds the app; in the order in which things are missed.
pub(crate) fn identify(
    request: &Request,
    config: &ConcurConfig,
) -> Result<(Pairs, usize), TokenError> {
    let content_type = request.header("content-type").unwrap_or_default().trim();
    let in_query = request
        .query()
        .iter()
        .any(|(name, _)| SECRETS.contains(&name.as_str()));
    if !content_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") || in_query {
        return Err(TokenError::FormatUnsupported);
    }
    let fields = decode_form(&request.body);
    let client_id = first_value(&fields, "client_id").ok_or(TokenError::ClientIdMissing)?;
    let secret = first_value(&fields, "client_secret").ok_or(TokenError::ClientSecretMissing)?;
    let app = config
        .apps
        .iter()
        .position(|app| app.client_id == client_id)
        .ok_or(TokenError::ClientUnknown)?;
    if !config.apps[app]
        .client_secrets
        .iter()
        .any(|known| known == secret)
    {
        return Err(TokenError::SecretWrong);
    }
    if config.apps[app].disabled {
        return Err(TokenError::ClientDisabled);
    }
    Ok((fields, app))
}

/// What a one-time-password grant lacks.
pub(crate) fn otp_error(fields: &Pairs) -> Option<TokenError> {
    let missing = |name: &str| first_value(fields, name).is_none_or(str::is_empty);
    match () {
        () if missing("otp") => Some(TokenError::OtpMissing),
        () if missing("channel_type") => Some(TokenError::ChannelTypeMissing),
        () if missing("channel_handle") => Some(TokenError::ChannelHandleMissing),
        () => None,
    }
}
