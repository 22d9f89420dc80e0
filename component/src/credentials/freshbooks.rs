//! FreshBooks' token endpoint (source: freshbooks-authentication).

use alloc::format;

use super::answer::Answer;
use super::{App, Field, MINUTE, failure, form_request, next_generation, try_again};
use crate::contract::credentials::{
    Credential, Grant, TokenFailure, TokenField, TokenRemedy, TokenRequest,
};
use crate::contract::http::Secret;
use crate::contract::types::{Duration, Instant, System};

const TOKEN_PATH: &str = "/auth/oauth/token";
/// As for every other request to FreshBooks, in milliseconds.
const TIMEOUT: Duration = 30 * 1_000;

/// Seconds that an access token lives where the answer does not say: the documented 12 hours.
const ACCESS_LIFE_S: u64 = 12 * 60 * 60;

pub(super) fn build_token_request(app: &App<'_>, grant: Grant) -> TokenRequest {
    let (grant_type, field, secret) = match grant {
        Grant::RefreshToken => ("refresh_token", "refresh_token", Secret::RefreshToken),
        Grant::AuthorizationCode | Grant::CompanyRequestToken | Grant::ClientCredentials => {
            ("authorization_code", "code", Secret::AuthorizationCode)
        }
    };
    let fields = [
        Field::Plain("grant_type", grant_type),
        Field::Plain("client_id", app.client_id),
        Field::Plain("redirect_uri", app.redirect_uri),
        Field::Secret("client_secret", Secret::ClientSecret),
        Field::Secret(field, secret),
    ];
    form_request(app.base, System::Freshbooks, TOKEN_PATH, TIMEOUT, &fields)
}

/// The life begins at `created_at`, not now: a refresh has been seen to answer with the token of an
/// earlier exchange.
pub(super) fn renewed(credential: &Credential, answer: &Answer<'_>, now: Instant) -> Credential {
    // A clock that is ahead of ours does not make the token last longer.
    let issued = answer.instant("created_at").unwrap_or(now).min(now);
    let life = answer.whole("expires_in").unwrap_or(ACCESS_LIFE_S);
    let next = next_generation(credential, answer, issued, life.saturating_mul(1_000), now);
    // Every token comes with a new refresh token, which does not end by time; without one, this is
    // the last.
    let access_expires = next.access.map(|access| access.expires);
    let refresh_expires = access_expires.filter(|_| !answer.has_secret(TokenField::RefreshToken));
    Credential {
        refresh_expires,
        ..next
    }
}

pub(super) fn refused(answer: &Answer<'_>, now: Instant) -> TokenFailure {
    let code = answer.error_name();
    let is_definite = (400..500).contains(&answer.status) && answer.status != 429;
    match code.as_str() {
        "invalid_grant" if is_definite => reconnect(&code),
        "invalid_client" | "unauthorized_client" if is_definite => fix_settings(&code),
        _ => later(&code, now),
    }
}

fn reconnect(code: &str) -> TokenFailure {
    let message = format!(
        "FreshBooks no longer accepts the credential ({code}): run `ml-connector connect \
         freshbooks` and consent again."
    );
    failure(code, message, TokenRemedy::Reconnect)
}

fn fix_settings(code: &str) -> TokenFailure {
    let message = format!(
        "FreshBooks does not know this app ({code}): correct the setting `client_id` or the client \
         secret, then run `ml-connector connect freshbooks`."
    );
    failure(code, message, TokenRemedy::FixSettings)
}

fn later(code: &str, now: Instant) -> TokenFailure {
    let message = format!(
        "FreshBooks gave out no token ({code}); it is asked again in a minute. If this goes on, \
         run `ml-connector connect freshbooks`."
    );
    try_again(code, message, now.saturating_add(MINUTE))
}
