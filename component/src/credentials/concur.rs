//! SAP Concur's token endpoint (source: concur-authentication).

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::answer::Answer;
use super::concur_errors::{Cure, error_meaning};
use super::{App, Field, MINUTE, failure, form_request, next_generation, try_again};
use crate::concur::geolocation::pin;
use crate::contract::credentials::{
    Credential, Grant, TokenFailure, TokenField, TokenRemedy, TokenRequest,
};
use crate::contract::http::Secret;
use crate::contract::types::{Duration, Instant, System};

const TOKEN_PATH: &str = "/oauth2/v0/token";

/// A little over the 60 s within which SAP Concur says it answers.
const TIMEOUT: Duration = 65 * 1_000;

/// Seconds that an access token lives where the answer does not say: the documented hour.
const ACCESS_LIFE_S: u64 = 60 * 60;

/// Six months, counted as the shortest there are (181 days), less a margin of 14 days.
const ASSUMED_REFRESH_LIFE: Duration = (181 - 14) * 24 * 60 * MINUTE;

/// How long SAP Concur asks clients to wait after a 503 (source: concur-http-status-codes).
const MAINTENANCE_DELAY: Duration = 5 * MINUTE;

pub(super) fn build_token_request(
    app: &App<'_>,
    credential: &Credential,
    grant: Grant,
) -> TokenRequest {
    let fields = match grant {
        Grant::RefreshToken => refresh_fields(app),
        Grant::ClientCredentials => application_fields(app),
        Grant::CompanyRequestToken | Grant::AuthorizationCode => company_fields(app),
    };
    let base = credential.base.as_deref().unwrap_or(app.base);
    form_request(base, System::Concur, TOKEN_PATH, TIMEOUT, &fields)
}

fn refresh_fields<'a>(app: &App<'a>) -> Vec<Field<'a>> {
    vec![
        Field::Plain("grant_type", "refresh_token"),
        Field::Plain("client_id", app.client_id),
        Field::Secret("client_secret", Secret::ClientSecret),
        Field::Secret("refresh_token", Secret::RefreshToken),
    ]
}

fn application_fields<'a>(app: &App<'a>) -> Vec<Field<'a>> {
    vec![
        Field::Plain("grant_type", "client_credentials"),
        Field::Plain("client_id", app.client_id),
        Field::Secret("client_secret", Secret::ClientSecret),
    ]
}

fn company_fields<'a>(app: &App<'a>) -> Vec<Field<'a>> {
    let mut fields = vec![
        Field::Plain("grant_type", "password"),
        Field::Plain("credtype", "authtoken"),
        Field::Plain("client_id", app.client_id),
        Field::Plain("username", app.company_id),
        Field::Secret("client_secret", Secret::ClientSecret),
        Field::Secret("password", Secret::CompanyRequestToken),
    ];
    if !app.scope.is_empty() {
        fields.push(Field::Plain("scope", app.scope));
    }
    fields
}

pub(super) fn renewed(
    app: &App<'_>,
    credential: &Credential,
    grant: Grant,
    answer: &Answer<'_>,
    now: Instant,
) -> Result<Credential, TokenFailure> {
    let base = match (&credential.base, grant) {
        // Made at this datacenter for use at it, whatever else the answer names.
        (Some(base), Grant::ClientCredentials) => base.clone(),
        _ => base(app, credential, answer, now)?,
    };
    let life = answer.whole("expires_in").unwrap_or(ACCESS_LIFE_S);
    let next = next_generation(credential, answer, now, life.saturating_mul(1_000), now);
    let access_expires = next.access.map_or(now, |access| access.expires);
    let refresh_expires = refresh_expires(grant, answer, access_expires, now);
    Ok(Credential {
        base: Some(base),
        refresh_expires: Some(refresh_expires),
        ..next
    })
}

/// The base URL to use from now on: the answer's, or where it names none the one so far.
fn base(
    app: &App<'_>,
    credential: &Credential,
    answer: &Answer<'_>,
    now: Instant,
) -> Result<String, TokenFailure> {
    match geolocation(app, answer) {
        Some(Ok(base)) => Ok(base),
        Some(Err(failure)) => Err(failure),
        None => credential.base.clone().ok_or_else(|| no_geolocation(now)),
    }
}

/// The answer's `geolocation`, pinned; nothing where it has none.
fn geolocation(app: &App<'_>, answer: &Answer<'_>) -> Option<Result<String, TokenFailure>> {
    let raw = answer.text("geolocation")?;
    Some(pin(raw, app.extra_bases).map_err(|_| geolocation_refused(raw)))
}

/// `refresh_expires_in` is an absolute time in epoch seconds, for all its name; one that has passed
/// says nothing. A first grant without a refresh token ends with its access token; a refresh
/// without one has prolonged the one that was used.
fn refresh_expires(
    grant: Grant,
    answer: &Answer<'_>,
    access_expires: Instant,
    now: Instant,
) -> Instant {
    if !answer.has_secret(TokenField::RefreshToken) && grant != Grant::RefreshToken {
        return access_expires;
    }
    let stated = answer.instant("refresh_expires_in");
    stated
        .filter(|expires| *expires > now)
        .unwrap_or_else(|| now.saturating_add(ASSUMED_REFRESH_LIFE))
}

/// Dispatches on the number in `code` alone: status and text are not published for each code, and
/// differ.
pub(super) fn refused(
    app: &App<'_>,
    credential: &Credential,
    answer: &Answer<'_>,
    now: Instant,
) -> TokenFailure {
    let number = answer.whole("code");
    let known = number.and_then(|number| Some((number.to_string(), error_meaning(number)?)));
    let Some((code, (cure, meaning))) = known else {
        return unknown(number, answer, now);
    };
    match cure {
        Cure::Reconnect => reconnect(&code, meaning),
        Cure::FixSettings => fix_settings(&code, meaning),
        Cure::ReportDefect => report_defect(&code, meaning),
        Cure::Wait => later(&code, MAINTENANCE_DELAY, now),
        Cure::AskThere => ask_there(&code, meaning, app, credential, answer),
    }
}

fn unknown(number: Option<u64>, answer: &Answer<'_>, now: Instant) -> TokenFailure {
    let code = number.map_or_else(|| answer.error_name(), |number| number.to_string());
    let is_definite = (400..500).contains(&answer.status) && answer.status != 429;
    if is_definite && answer.text("error") == Some("invalid_grant") {
        return reconnect(&code, "the grant is not valid");
    }
    let delay = match answer.status {
        502..=504 => MAINTENANCE_DELAY,
        _ => MINUTE,
    };
    later(&code, delay, now)
}

fn ask_there(
    code: &str,
    meaning: &str,
    app: &App<'_>,
    credential: &Credential,
    answer: &Answer<'_>,
) -> TokenFailure {
    match geolocation(app, answer) {
        Some(Err(refused)) => refused,
        Some(Ok(base)) if credential.base.as_ref() != Some(&base) => {
            let message = format!(
                "SAP Concur names another datacenter, {base}, which is asked next (code {code}: \
                 {meaning}). If that fails, run `ml-connector connect concur`."
            );
            failure(code, message, TokenRemedy::TryBase(base))
        }
        _ => reconnect(code, meaning),
    }
}

fn reconnect(code: &str, meaning: &str) -> TokenFailure {
    let message = format!(
        "SAP Concur refused the credential (code {code}: {meaning}). Have an administrator make a \
         new company request token, then run `ml-connector connect concur`."
    );
    failure(code, message, TokenRemedy::Reconnect)
}

fn fix_settings(code: &str, meaning: &str) -> TokenFailure {
    let message = format!(
        "SAP Concur refused the app (code {code}: {meaning}). Correct the settings `client_id` and \
         `scope`, the client secret, or the app itself, then run `ml-connector connect concur`."
    );
    failure(code, message, TokenRemedy::FixSettings)
}

fn report_defect(code: &str, meaning: &str) -> TokenFailure {
    let message = format!(
        "SAP Concur did not understand the token request (code {code}: {meaning}). Check the \
         settings `client_id` and `company_id`; if they are right, this is a defect of \
         ml-connector: please report it."
    );
    failure(code, message, TokenRemedy::FixSettings)
}

fn later(code: &str, delay: Duration, now: Instant) -> TokenFailure {
    let message = format!(
        "SAP Concur gives out no token at the moment ({code}); it is asked again in {} min. If \
         this goes on outside of a maintenance, run `ml-connector connect concur`.",
        delay / MINUTE
    );
    try_again(code, message, now.saturating_add(delay))
}

fn geolocation_refused(raw: &str) -> TokenFailure {
    let shown: String = raw.chars().take(100).collect();
    let message = format!(
        "SAP Concur named {shown:?} as its datacenter, which is none of SAP's published base URLs; \
         nothing was sent there. If it is right, add it to the setting `extra_bases` and run \
         `ml-connector connect concur`."
    );
    failure("geolocation-refused", message, TokenRemedy::FixSettings)
}

fn no_geolocation(now: Instant) -> TokenFailure {
    let message = "SAP Concur gave out a token without naming its datacenter; it is asked again \
        in a minute. If this goes on, run `ml-connector connect concur`.";
    try_again(
        "geolocation-missing",
        message.to_owned(),
        now.saturating_add(MINUTE),
    )
}
