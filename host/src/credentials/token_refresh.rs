//! Token requests: store the intent, send, seal and store the raw answer, have it read, store the
//! new tokens, and only then use them.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::raw_answer::RawAnswer;
use super::tokens::{TokenSecrets, Tokens, answer_purpose, tokens_purpose};
use super::{CredentialError, CredentialSlot, CredentialState, Credentials, Refused};
use crate::contract::credentials::{
    Credential, CredentialStatus, Grant, TokenFailure, TokenField, TokenRemedy, TokenRequest,
};
use crate::contract::http::SendOutcome;
use crate::contract::types::{Duration, System};
use crate::http_client::{Origin, TokenAnswer};
use crate::seal::SealError;
use crate::secrets::{Secret, SecretName};
use crate::store::{StoreError, StoredCredential, Write};

/// When to ask again after a token request that got no answer: half a minute, since a running
/// request of the connection waits for it.
const ASK_AGAIN_MS: Duration = 30_000;

/// Requests with a FreshBooks refresh token that may be lost to kills: the one that may have spent
/// it, and one more to find out.
const UNANSWERED_MAX: u32 = 2;

impl Credentials {
    /// Asks for tokens and does what the answer says. The caller holds the credential's lock.
    pub(super) async fn request_tokens(
        &self,
        connection: &str,
        system: System,
        grant: Grant,
        secret: Option<Secret>,
    ) -> Result<Credential, CredentialError> {
        let slot = self.slot(connection, system)?;
        let is_refresh = grant == Grant::RefreshToken;
        if slot.read().has_unread_answer() {
            let read = self.read_stored_answer(connection, slot).await;
            if is_refresh {
                return read;
            }
            // A person connects anew, whatever came of it.
        }
        if is_refresh {
            self.ensure_presentable(slot).await?;
        }
        let before = slot.read();
        let parts = self.token_secrets(connection, system, &before, secret)?;
        let mut state = before.clone();
        state.stored.requests_unanswered += u32::from(is_refresh);
        self.commit(slot, state.clone()).await?;
        for is_last in [false, true] {
            let asked = self.ask(connection, &state, grant, &parts).await;
            let answer = match asked {
                Ok(answer) => answer,
                Err(error) => {
                    self.forget_request(slot, before).await;
                    return Err(error);
                }
            };
            // One that nobody could read yet is not overwritten by what may be a refusal.
            if before.stored.sealed_answer.is_empty() {
                state.stored.sealed_answer = self.seal_answer(&state.stored, &answer)?;
                self.store_received(slot, state.clone()).await?;
            }
            match self.read_answer(connection, &state, &answer) {
                Ok(Ok(credential)) => {
                    return self.store_tokens(slot, &state, credential, &answer).await;
                }
                Ok(Err(TokenFailure {
                    remedy: TokenRemedy::TryBase(base),
                    ..
                })) if !is_last => state.stored.credential.base = Some(base),
                Ok(Err(failure)) => {
                    let refused = self.record_failure(slot, before, &answer, failure).await?;
                    return Err(refused.into());
                }
                Err(error) => return Err(self.close(slot, state, &error.to_string()).await),
            }
        }
        Err(CredentialError::Refused(circular_redirect()))
    }

    async fn ask(
        &self,
        connection: &str,
        state: &CredentialState,
        grant: Grant,
        parts: &TokenSecrets,
    ) -> Result<RawAnswer, CredentialError> {
        let credential = &state.stored.credential;
        let asked = self.token_request(connection, credential, grant)?;
        self.send_token_request(connection, credential.system, &asked, grant, parts)
            .await
    }

    /// Refuses to present a refresh token that is or may well be spent: only a person can help.
    async fn ensure_presentable(&self, slot: &CredentialSlot) -> Result<(), CredentialError> {
        let mut state = slot.read();
        let refused = |message| {
            CredentialError::Refused(Refused {
                message,
                remedy: TokenRemedy::Reconnect,
            })
        };
        if let CredentialStatus::Dead(message) = state.usable().status {
            return Err(refused(message));
        }
        let credential = &mut state.stored.credential;
        // The refresh token of SAP Concur works again.
        if credential.system == System::Concur || state.stored.requests_unanswered < UNANSWERED_MAX
        {
            return Ok(());
        }
        let message = "the answers to two requests for new tokens of FreshBooks were lost when \
                       this program was killed, so that its refresh token may be spent: run \
                       `ml-connector connect freshbooks` and consent again"
            .to_string();
        credential.status = CredentialStatus::Dead(message.clone());
        self.commit(slot, state).await?;
        Err(refused(message))
    }

    /// After a request that surely has no answer any more: it was not lost, so that the refresh
    /// token is presented again for as long as the remote is out of reach.
    async fn forget_request(&self, slot: &CredentialSlot, before: CredentialState) {
        if let Err(error) = self.commit(slot, before.clone()).await {
            tracing::warn!(%error, "a token request without an answer was not forgotten");
            slot.set(before);
        }
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
        let sent = self
            .http_client
            .send_for_tokens(&asked.request, &origin, parts);
        let error = match sent.await {
            TokenAnswer::Outcome(SendOutcome::Response(response)) => {
                return Ok(RawAnswer::new(grant, response));
            }
            TokenAnswer::Outcome(SendOutcome::NotSent(error) | SendOutcome::MaybeSent(error)) => {
                error
            }
            TokenAnswer::Cut(response, error) => {
                let answer = RawAnswer::of_beginning(grant, response);
                let (has_tokens, why) = (answer.has_tokens(), &error.detail);
                let system = system.as_str();
                tracing::error!(
                    connection,
                    system,
                    why,
                    has_tokens,
                    "an answer of a token endpoint was cut short"
                );
                if has_tokens {
                    return Ok(answer);
                }
                error
            }
        };
        self.metrics
            .token_request(connection, system.as_str(), "unanswered");
        Err(CredentialError::Refused(Refused {
            message: format!(
                "the token endpoint at {} gave no answer ({})",
                origin.as_str(),
                error.detail
            ),
            remedy: TokenRemedy::TryAgain(self.clock.now().saturating_add(ASK_AGAIN_MS)),
        }))
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
    pub(super) async fn store_tokens(
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
            credential: credential.clone(),
            sealed_tokens: Vec::new(),
            requests_unanswered: 0,
            sealed_answer: Vec::new(),
        };
        stored.sealed_tokens = self.seal_tokens(&stored, &tokens)?;
        let (connection, system) = (stored.connection.clone(), credential.system.as_str());
        let renewed = CredentialState {
            stored,
            tokens: Some(Arc::new(tokens)),
            closed: None,
        };
        self.store_received(slot, renewed).await?;
        self.metrics.token_request(&connection, system, "renewed");
        let generation = credential.generation;
        tracing::info!(connection, system, generation, "a credential was refreshed");
        Ok(credential)
    }

    /// Stores what a refusal means for the credential as it was before: it is dead if only a person
    /// can help.
    pub(super) async fn record_failure(
        &self,
        slot: &CredentialSlot,
        mut state: CredentialState,
        answer: &RawAnswer,
        failure: TokenFailure,
    ) -> Result<Refused, CredentialError> {
        // A code or request token that is refused says nothing about the credential that is there.
        if answer.grant() == Grant::RefreshToken {
            state.stored.requests_unanswered = 0;
            self.take_refresh_token(&mut state, answer)?;
            if failure.remedy == TokenRemedy::Reconnect {
                state.stored.credential.status = CredentialStatus::Dead(failure.message.clone());
            }
        }
        let (connection, system) = (&state.stored.connection, state.stored.credential.system);
        let (system, code) = (system.as_str(), &failure.code);
        self.metrics.token_request(connection, system, "refused");
        tracing::warn!(connection, system, code, "a token request was refused");
        self.store_received(slot, state).await?;
        Ok(Refused {
            message: failure.message,
            remedy: failure.remedy,
        })
    }

    /// Replaces the refresh token by the one of an answer that is of no other use: the one that was
    /// presented is spent (RFC 6749, section 6).
    fn take_refresh_token(
        &self,
        state: &mut CredentialState,
        answer: &RawAnswer,
    ) -> Result<(), SealError> {
        let (Some(old), Some(refresh_token)) =
            (&state.tokens, answer.secret(TokenField::RefreshToken))
        else {
            return Ok(());
        };
        let tokens = Tokens {
            access_token: old.access_token.clone(),
            refresh_token: Some(refresh_token),
        };
        state.stored.sealed_tokens = self.seal_tokens(&state.stored, &tokens)?;
        state.tokens = Some(Arc::new(tokens));
        Ok(())
    }

    fn seal_tokens(
        &self,
        stored: &StoredCredential,
        tokens: &Tokens,
    ) -> Result<Vec<u8>, SealError> {
        let text = Zeroizing::new(serde_json::to_string(tokens).unwrap_or_default());
        self.keyring.seal(&tokens_purpose(stored), &text)
    }

    pub(super) async fn commit(
        &self,
        slot: &CredentialSlot,
        state: CredentialState,
    ) -> Result<(), StoreError> {
        self.store
            .commit(vec![Write::Credential(state.stored.clone())])
            .await?;
        slot.set(state);
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
