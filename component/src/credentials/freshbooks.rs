//! FreshBooks' token endpoint (FreshBooks docs, authentication).

use alloc::format;

use super::answer::Answer;
use super::{App, Field, MINUTE, form_request, next_generation, stop, try_again};
use crate::contract::credentials::{
    Credential, Grant, Mend, TokenFailure, TokenHost, TokenRequest,
};
use crate::contract::types::{Duration, Instant, System};

const TOKEN_PATH: &str = "/auth/oauth/token";
/// As for every other request to FreshBooks, in milliseconds.
const TIMEOUT: Duration = 30 * 1_000;

/// Seconds that an access token lives where the answer does not say: the documented 12 hours.
const ACCESS_LIFE_S: u64 = 12 * 60 * 60;

pub(super) fn ask(app: &App<'_>, grant: Grant) -> TokenRequest {
    let (grant_type, field, secret) = match grant {
        Grant::RefreshToken => ("refresh_token", "refresh_token", "refresh-token"),
        Grant::AuthorizationCode | Grant::CompanyRequestToken | Grant::ClientCredentials => {
            ("authorization_code", "code", "authorization-code")
        }
    };
    let fields = [
        Field::Plain("grant_type", grant_type),
        Field::Plain("client_id", app.client_id),
        Field::Plain("redirect_uri", app.redirect_uri),
        Field::Secret("client_secret", "client-secret"),
        Field::Secret(field, secret),
    ];
    let host = TokenHost::Configured;
    form_request(host, System::Freshbooks, TOKEN_PATH, TIMEOUT, &fields)
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
    let refresh_expires = (!answer.has_sealed("refresh_token")).then_some(next.access_expires);
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
    let sentence = format!(
        "FreshBooks no longer accepts the credential ({code}): run `ml-connector connect \
         freshbooks` and consent again."
    );
    stop(code, sentence, Mend::Reconnect)
}

fn fix_settings(code: &str) -> TokenFailure {
    let sentence = format!(
        "FreshBooks does not know this app ({code}): correct the setting `client_id` or the client \
         secret, then run `ml-connector connect freshbooks`."
    );
    stop(code, sentence, Mend::FixSettings)
}

fn later(code: &str, now: Instant) -> TokenFailure {
    let sentence = format!(
        "FreshBooks gave out no token ({code}); it is asked again in a minute. If this goes on, \
         run `ml-connector connect freshbooks`."
    );
    try_again(code, sentence, now.saturating_add(MINUTE))
}
