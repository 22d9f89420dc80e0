//! Consents to FreshBooks: the page that a person opens, and the redirect that comes back.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::audit::{self, Actor};
use super::handle::{AdminRefusal, connect_credential, find_connection};
use super::{AdminReply, Fault};
use crate::contract::credentials::Grant;
use crate::contract::types::System;
use crate::engine::Connection;
use crate::service::{Parts, random_hex};
use crate::webhooks::{Consent, Redirect};

/// FreshBooks' authorization codes are good for 5 minutes (source: freshbooks-authentication);
/// people need longer.
const CONSENT_WAIT: Duration = Duration::from_secs(15 * 60);

/// What is said when nobody has come back by then.
const REDIRECT_MISSING: &str = "the browser did not come back from FreshBooks within 15 minutes: \
    check that `freshbooks.redirect_uri` is the one that is registered for the app, and that it \
    leads to this receiver (receiver.public_url, and the proxy before it); or connect with \
    `ml-connector connect freshbooks --pasted`";

/// What is said when the service ends before that.
const SERVICE_STOPPED: &str = "the service was stopped before the browser came back from \
    FreshBooks: start it, and begin again with `ml-connector connect freshbooks`";

/// Begins a consent: returns the page to open. Where the receiver runs, so that the redirect
/// arrives, it is awaited.
pub(super) fn begin(
    parts: &Parts,
    name: &str,
    actor: Actor,
    is_awaited: bool,
) -> Result<AdminReply, AdminRefusal> {
    let connection = find_connection(parts, name)?;
    let state = random_hex()?;
    let path = parts.services.credentials.consent_path(name, &state)?;
    let base = parts.consent_bases.get(name).map_or("", String::as_str);
    let url = format!("{}{path}", base.trim_end_matches('/'));
    if is_awaited {
        parts.rounds.begin(&state);
        await_consent(parts, connection, actor, &state);
    }
    Ok(AdminReply::Consent {
        url,
        state,
        is_awaited,
    })
}

/// Waits beside everything else for the redirect, and connects with the code that it brings. The
/// command that waits, the browser and the log are told what became of it.
fn await_consent(parts: &Parts, connection: &Arc<Connection>, actor: Actor, state: &str) {
    let redirect = parts.consents.expect(state);
    let (connection, state, rounds) = (
        Arc::clone(connection),
        state.to_owned(),
        Arc::clone(&parts.rounds),
    );
    tokio::spawn(async move {
        let command = audit::connect(&connection.name, System::Freshbooks);
        let redirect = match arrives_within(CONSENT_WAIT, redirect).await {
            Ok(redirect) => redirect,
            Err(why) => {
                let reply = refused_consent(why);
                audit::log_reply(actor, &command, &reply);
                return rounds.end(&state, reply);
            }
        };
        let reply = match redirect.consent {
            Consent::Given(code) => {
                let grant = Grant::AuthorizationCode;
                let connected = connect_credential(&connection, grant, code).await;
                connected.unwrap_or_else(AdminReply::from)
            }
            Consent::Denied(message) => refused_consent(message),
        };
        audit::log_reply(actor, &command, &reply);
        let result = match &reply {
            AdminReply::Refused { message, .. } => Err(message.clone()),
            _ => Ok(()),
        };
        rounds.end(&state, reply);
        // Nobody may be there any more.
        let _ = redirect.result.send(result);
    });
}

/// The redirect, or why there is none.
async fn arrives_within(
    wait: Duration,
    redirect: oneshot::Receiver<Redirect>,
) -> Result<Redirect, &'static str> {
    match tokio::time::timeout(wait, redirect).await {
        Ok(Ok(redirect)) => Ok(redirect),
        // Those who await are dropped with the receiver.
        Ok(Err(_)) => Err(SERVICE_STOPPED),
        Err(_) => Err(REDIRECT_MISSING),
    }
}

fn refused_consent(message: impl Into<String>) -> AdminReply {
    AdminReply::Refused {
        message: message.into(),
        fault: Fault::Credential,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stop_is_not_taken_for_a_browser_that_stays_away() {
        let (sender, redirect) = oneshot::channel();
        drop(sender);
        let why = arrives_within(CONSENT_WAIT, redirect)
            .await
            .expect_err("none");
        assert!(why.contains("was stopped") && !why.contains("15 minutes"));
        let (_sender, redirect) = oneshot::channel();
        let why = arrives_within(Duration::ZERO, redirect)
            .await
            .expect_err("none");
        assert!(why.contains("within 15 minutes"));
    }
}
