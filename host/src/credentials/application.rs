//! The application's own token: made for one datacenter, kept in memory only, asked for by one at a
//! time. It has no refresh token, so that losing it costs nothing but asking again.

use std::collections::BTreeMap;

use super::raw_answer::RawAnswer;
use super::{Access, CredentialError, CredentialState, Credentials, Refused, bearer_of};
use crate::contract::credentials::{Credential, Grant, TokenFailure, TokenField, TokenRemedy};
use crate::contract::types::{Instant, System};
use crate::engine::TOKEN_PAUSE_MAX_MS;
use crate::http_client::Origin;

/// When to ask again after a refusal that says no time: only a person can help then.
const PAUSE_MS: u64 = 10 * 60_000;

/// The token of one connection's application, and the lock of anyone who asks for it.
#[derive(Default)]
pub(super) struct Application(tokio::sync::Mutex<ApplicationState>);

#[derive(Default)]
struct ApplicationState {
    token: Option<ApplicationToken>,
    /// Why there is none, and until when that is taken for granted.
    refused: Option<(Refused, Instant)>,
}

struct ApplicationToken {
    /// The company's datacenter when it was asked for.
    company_base: Option<String>,
    credential: Credential,
    access: Access,
}

/// One for each connection.
pub(super) fn one_each<'n>(
    names: impl Iterator<Item = &'n String>,
) -> BTreeMap<String, Application> {
    names
        .map(|name| (name.clone(), Application::default()))
        .collect()
}

impl Credentials {
    /// What a request needs that goes out with the application's token. Anyone who comes while it
    /// is asked for waits.
    ///
    /// # Errors
    ///
    /// [`CredentialError`]; `Refused` says what is to be done.
    pub async fn application(&self, connection: &str) -> Result<Access, CredentialError> {
        let mut state = self.application_of(connection)?.0.lock().await;
        let company = self.credential(connection, System::Concur);
        let company_base = company.and_then(|credential| credential.base);
        let now = self.clock.now();
        if let Some(token) = &state.token
            && token.company_base == company_base
            && !self.is_due(connection, &token.credential, now)?
        {
            return Ok(token.access.clone());
        }
        state.token = None;
        // One that lasts longer than any pause was set before the clock was set back.
        let lasting = now + 1..=now.saturating_add(TOKEN_PAUSE_MAX_MS);
        if let Some((refused, _)) = state
            .refused
            .as_ref()
            .filter(|(_, until)| lasting.contains(until))
        {
            return Err(CredentialError::Refused(refused.clone()));
        }
        match self
            .request_application_token(connection, company_base.as_deref())
            .await
        {
            Ok((credential, access)) => {
                state.refused = None;
                state.token = Some(ApplicationToken {
                    company_base,
                    credential,
                    access: access.clone(),
                });
                Ok(access)
            }
            Err(CredentialError::Refused(refused)) => {
                let until = match refused.remedy {
                    TokenRemedy::TryAgain(at) if at > now => at,
                    _ => now.saturating_add(PAUSE_MS),
                };
                state.refused = Some((refused.clone(), until));
                Err(CredentialError::Refused(refused))
            }
            Err(other) => Err(other),
        }
    }

    /// Forgets the application's token, since the remote has refused it; and a refusal, since a
    /// person has changed something.
    pub async fn forget_application(&self, connection: &str) {
        if let Ok(application) = self.application_of(connection) {
            *application.0.lock().await = ApplicationState::default();
        }
    }

    fn application_of(&self, connection: &str) -> Result<&Application, CredentialError> {
        let found = self.applications.get(connection);
        found.ok_or_else(|| CredentialError::Unknown(connection.to_string()))
    }

    fn is_due(
        &self,
        connection: &str,
        credential: &Credential,
        now: Instant,
    ) -> Result<bool, CredentialError> {
        let account = self.account(connection)?;
        let seen = account
            .instance
            .call(|instance| instance.plan_refresh(credential, now));
        let seen = seen.map_err(crate::guest::InstanceError::from)?;
        Ok(seen.refresh_at.is_none_or(|at| at <= now))
    }

    async fn request_application_token(
        &self,
        connection: &str,
        company_base: Option<&str>,
    ) -> Result<(Credential, Access), CredentialError> {
        const GRANT: Grant = Grant::ClientCredentials;
        let mut state = CredentialState {
            stored: self.account(connection)?.absent(System::Concur)?,
            tokens: None,
            closed: None,
        };
        state.stored.credential.base = company_base.map(str::to_owned);
        let parts = self.token_secrets(connection, System::Concur, &state, None)?;
        for is_last in [false, true] {
            let asked = self.token_request(connection, &state.stored.credential, GRANT)?;
            let answer = self
                .send_token_request(connection, System::Concur, &asked, GRANT, &parts)
                .await?;
            match self.read_answer(connection, &state, &answer)? {
                // A token is good at the datacenter where it was made, and only now is known which
                // that is.
                Ok(credential) if state.stored.credential.base.is_none() && !is_last => {
                    state.stored.credential.base = credential.base;
                }
                Ok(credential) => {
                    let access = self.application_access(connection, &credential, &answer)?;
                    self.metrics
                        .token_request(connection, System::Concur.as_str(), "application");
                    return Ok((credential, access));
                }
                Err(TokenFailure {
                    remedy: TokenRemedy::TryBase(base),
                    ..
                }) if !is_last => state.stored.credential.base = Some(base),
                Err(failure) => {
                    self.metrics
                        .token_request(connection, System::Concur.as_str(), "refused");
                    return Err(CredentialError::Refused(Refused {
                        message: failure.message,
                        remedy: failure.remedy,
                    }));
                }
            }
        }
        Err(CredentialError::Refused(
            super::token_refresh::circular_redirect(),
        ))
    }

    fn application_access(
        &self,
        connection: &str,
        credential: &Credential,
        answer: &RawAnswer,
    ) -> Result<Access, CredentialError> {
        let fix = |message: String| {
            CredentialError::Refused(Refused {
                message,
                remedy: TokenRemedy::FixSettings,
            })
        };
        let origin: Origin = self
            .account(connection)?
            .origins
            .concur(credential.base.as_deref().unwrap_or_default())
            .map_err(|error| fix(error.to_string()))?;
        let token = answer.secret(TokenField::AccessToken).unwrap_or_default();
        let bearer = bearer_of(&token)
            .ok_or_else(|| fix("the application's token cannot be sent in a header".to_string()))?;
        Ok(Access {
            origin,
            bearer,
            generation: credential.generation,
        })
    }
}
