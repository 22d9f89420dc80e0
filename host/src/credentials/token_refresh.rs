//! Token requests: store the intent, send, seal and store the raw answer, have it read, store the
//! new tokens, and only then use them.

use std::sync::{Arc, PoisonError};

use zeroize::Zeroizing;

use super::raw_answer::RawAnswer;
use super::tokens::{TokenSecrets, Tokens, answer_purpose, tokens_purpose};
use super::{CredentialError, CredentialSlot, CredentialState, Credentials, Refused};
use crate::contract::credentials::{
    Credential, CredentialStatus, Grant, TokenFailure, TokenField, TokenRemedy, TokenRequest,
};
use crate::contract::http::SendOutcome;
use crate::contract::types::{Duration, System};
use crate::http_client::Origin;
use crate::seal::SealError;
use crate::secrets::{Secret, SecretName};
use crate::store::{StoredCredential, Write};

/// When to ask again after a token request that got no answer: half a minute, since a running
/// request of the connection waits for it.
const ASK_AGAIN_MS: Duration = 30_000;

impl Credentials {
    pub(super) async fn request_tokens(
        &self,
        connection: &str,
        system: System,
        grant: Grant,
        secret: Option<Secret>,
    ) -> Result<Credential, CredentialError> {
        let slot = self.slot(connection, system)?;
        let mut state = slot.read();
        let parts = self.token_secrets(connection, system, &state, secret)?;
        state.stored.refreshing = true;
        self.commit(slot, state.clone()).await?;
        for is_last in [false, true] {
            let asked = self.token_request(connection, &state.stored.credential, grant)?;
            let answer = self
                .send_token_request(connection, system, &asked, grant, &parts)
                .await?;
            state.stored.sealed_answer = self.seal_answer(&state.stored, &answer)?;
            self.commit(slot, state.clone()).await?;
            match self.read_answer(connection, &state, &answer)? {
                Ok(credential) => {
                    return self.store_tokens(slot, &state, credential, &answer).await;
                }
                Err(TokenFailure {
                    remedy: TokenRemedy::TryBase(base),
                    ..
                }) if !is_last => state.stored.credential.base = Some(base),
                Err(failure) => {
                    return Err(self
                        .record_failure(slot, state, grant, failure)
                        .await?
                        .into());
                }
            }
        }
        Err(CredentialError::Refused(circular_redirect()))
    }

    pub(super) async fn send_token_request(
        &self,
        connection: &str,
        system: System,
        asked: &TokenRequest,
        grant: Grant,
        parts: &TokenSecrets,
    ) -> Result<RawAnswer, CredentialError> {
        let origin = self.token_origin(connection, system, &asked.base)?;
        let outcome = self
            .http_client
            .send(&asked.request, &origin, None, parts)
            .await;
        match outcome {
            SendOutcome::Response(response) => Ok(RawAnswer::new(grant, response)),
            SendOutcome::NotSent(error) | SendOutcome::MaybeSent(error) => {
                self.metrics
                    .token_request(connection, system.as_str(), "unanswered");
                Err(CredentialError::Refused(Refused {
                    message: format!("the token endpoint gave no answer ({})", error.detail),
                    remedy: TokenRemedy::TryAgain(self.clock.now().saturating_add(ASK_AGAIN_MS)),
                }))
            }
        }
    }

    pub(super) fn token_request(
        &self,
        connection: &str,
        credential: &Credential,
        grant: Grant,
    ) -> Result<TokenRequest, CredentialError> {
        let account = self.account(connection)?;
        let asked = account
            .instance
            .call_with(&account.settings, |instance, settings| {
                instance.build_token_request(settings, credential, grant)
            });
        Ok(asked?)
    }

    pub(super) fn read_answer(
        &self,
        connection: &str,
        state: &CredentialState,
        answer: &RawAnswer,
    ) -> Result<Result<Credential, TokenFailure>, CredentialError> {
        let account = self.account(connection)?;
        let (shown, now) = (answer.without_secrets(), self.clock.now());
        let read = account
            .instance
            .call_with(&account.settings, |instance, settings| {
                instance.read_token_response(
                    settings,
                    &state.stored.credential,
                    answer.grant(),
                    &shown,
                    now,
                )
            });
        Ok(read?)
    }

    /// Stores new tokens; from here on they are used.
    async fn store_tokens(
        &self,
        slot: &CredentialSlot,
        state: &CredentialState,
        credential: Credential,
        answer: &RawAnswer,
    ) -> Result<Credential, CredentialError> {
        let previous = state
            .tokens
            .as_ref()
            .and_then(|tokens| tokens.refresh_token.clone());
        let tokens = Tokens {
            access_token: answer.secret(TokenField::AccessToken).unwrap_or_default(),
            refresh_token: answer.secret(TokenField::RefreshToken).or(previous),
        };
        let mut stored = StoredCredential {
            connection: state.stored.connection.clone(),
            credential,
            sealed_tokens: Vec::new(),
            refreshing: false,
            sealed_answer: Vec::new(),
        };
        let text = Zeroizing::new(serde_json::to_string(&tokens).unwrap_or_default());
        stored.sealed_tokens = self.keyring.seal(&tokens_purpose(&stored), &text)?;
        let credential = stored.credential.clone();
        self.metrics
            .token_request(&stored.connection, credential.system.as_str(), "renewed");
        tracing::info!(
            connection = stored.connection,
            system = credential.system.as_str(),
            generation = credential.generation,
            "a credential was refreshed"
        );
        self.commit(
            slot,
            CredentialState {
                stored,
                tokens: Some(Arc::new(tokens)),
            },
        )
        .await?;
        Ok(credential)
    }

    /// Clears the intent after a definite answer, and marks the credential dead if only a person
    /// can help.
    async fn record_failure(
        &self,
        slot: &CredentialSlot,
        mut state: CredentialState,
        grant: Grant,
        failure: TokenFailure,
    ) -> Result<Refused, CredentialError> {
        let before = slot.read().stored.credential;
        state.stored.refreshing = false;
        state.stored.sealed_answer = Vec::new();
        state.stored.credential.base = before.base;
        // A code or request token that is refused says nothing about the credential that is there.
        if failure.remedy == TokenRemedy::Reconnect && grant == Grant::RefreshToken {
            state.stored.credential.status = CredentialStatus::Dead(failure.message.clone());
        }
        let system = state.stored.credential.system.as_str();
        self.metrics
            .token_request(&state.stored.connection, system, "refused");
        tracing::warn!(
            connection = state.stored.connection,
            system,
            code = failure.code,
            "a token request was refused"
        );
        self.commit(slot, state).await?;
        Ok(Refused {
            message: failure.message,
            remedy: failure.remedy,
        })
    }

    /// Reads the answers that were stored and not read before the process ended.
    pub(super) async fn resume(&self) -> Result<(), CredentialError> {
        for ((connection, _), slot) in &self.slots {
            let state = slot.read();
            if state.stored.sealed_answer.is_empty() {
                continue;
            }
            let opened = self
                .keyring
                .open(&answer_purpose(&state.stored), &state.stored.sealed_answer)?;
            let Some(answer) = RawAnswer::parse(opened.reveal()) else {
                continue;
            };
            match self.read_answer(connection, &state, &answer)? {
                Ok(credential) => drop(self.store_tokens(slot, &state, credential, &answer).await?),
                Err(failure) => drop(
                    self.record_failure(slot, state, answer.grant(), failure)
                        .await?,
                ),
            }
        }
        Ok(())
    }

    pub(super) async fn commit(
        &self,
        slot: &CredentialSlot,
        state: CredentialState,
    ) -> Result<(), CredentialError> {
        self.store
            .commit(vec![Write::Credential(state.stored.clone())])
            .await?;
        *slot.state.write().unwrap_or_else(PoisonError::into_inner) = state;
        Ok(())
    }

    fn seal_answer(
        &self,
        stored: &StoredCredential,
        answer: &RawAnswer,
    ) -> Result<Vec<u8>, SealError> {
        self.keyring
            .seal(&answer_purpose(stored), &answer.to_text())
    }

    /// Where a token request goes: to the base URL that it brings, if that is on the list.
    fn token_origin(
        &self,
        connection: &str,
        system: System,
        base: &str,
    ) -> Result<Origin, CredentialError> {
        let origins = &self.account(connection)?.origins;
        origins.of_base(system, base).map_err(|error| {
            CredentialError::Refused(Refused {
                message: error.to_string(),
                remedy: TokenRemedy::FixSettings,
            })
        })
    }

    pub(super) fn token_secrets(
        &self,
        connection: &str,
        system: System,
        state: &CredentialState,
        secret: Option<Secret>,
    ) -> Result<TokenSecrets, CredentialError> {
        let name = match system {
            System::Freshbooks => SecretName::FreshbooksClientSecret,
            System::Concur => SecretName::ConcurClientSecret,
        };
        let refresh_token = state
            .tokens
            .as_ref()
            .and_then(|tokens| tokens.refresh_token.clone());
        Ok(TokenSecrets {
            client_secret: self.secrets.connection(connection, name)?,
            refresh_token,
            from_person: secret,
        })
    }
}

pub(super) fn circular_redirect() -> Refused {
    Refused {
        message:
            "each SAP Concur datacenter sends the token request to another one; connect again with \
             `ml-connector connect concur`"
                .to_string(),
        remedy: TokenRemedy::Reconnect,
    }
}
