//! Renewing a credential: intent, request, sealed answer, reading, new pair, and only then its use.

use std::sync::{Arc, PoisonError};

use zeroize::Zeroizing;

use super::answer::RawAnswer;
use super::tokens::{TokenSecrets, Tokens, answer_purpose, tokens_purpose};
use super::{CredentialError, Credentials, Held, Refused, State};
use crate::contract::credentials::{
    Credential, Grant, Life, Mend, TokenFailure, TokenHost, TokenRequest,
};
use crate::contract::http::SendOutcome;
use crate::contract::types::{Duration, System};
use crate::seal::SealError;
use crate::secrets::{Secret, SecretName};
use crate::send::Origin;
use crate::store::{StoredCredential, Write};

/// When to ask again after a token request that got no answer.
const ASK_AGAIN: Duration = 30_000;

impl Credentials {
    pub(super) async fn renew(
        &self,
        connection: &str,
        system: System,
        grant: Grant,
        secret: Option<Secret>,
    ) -> Result<Credential, CredentialError> {
        let held = self.held(connection, system)?;
        let mut state = held.read();
        let parts = self.token_secrets(connection, system, &state, secret)?;
        state.stored.refreshing = true;
        self.keep(held, state.clone()).await?;
        for is_last in [false, true] {
            let asked = self.ask(connection, &state.stored.credential, grant)?;
            let answer = self
                .send(connection, system, &state, &asked, grant, &parts)
                .await?;
            state.stored.sealed_answer = self.seal_answer(&state.stored, &answer)?;
            self.keep(held, state.clone()).await?;
            match self.read(connection, &state, &answer)? {
                Ok(credential) => return self.renewed(held, &state, credential, &answer).await,
                Err(failure) if failure.mend == Mend::TryThere && !is_last => {
                    state.stored.credential.base = failure.base;
                }
                Err(failure) => return Err(self.failed(held, state, grant, failure).await?.into()),
            }
        }
        Err(CredentialError::Refused(nowhere()))
    }

    pub(super) async fn send(
        &self,
        connection: &str,
        system: System,
        state: &State,
        asked: &TokenRequest,
        grant: Grant,
        parts: &TokenSecrets,
    ) -> Result<RawAnswer, CredentialError> {
        let origin = self.token_origin(connection, system, &state.stored.credential, asked.host)?;
        let outcome = self.sender.send(&asked.request, &origin, None, parts).await;
        match outcome {
            SendOutcome::Response(response) => Ok(RawAnswer::of(grant, response)),
            SendOutcome::NotSent(error) | SendOutcome::MaybeSent(error) => {
                self.metrics
                    .token_request(connection, system.as_str(), "unanswered");
                Err(CredentialError::Refused(Refused {
                    sentence: format!("the token endpoint gave no answer ({})", error.detail),
                    mend: Mend::TryAgain,
                    retry_at: (self.clock)().saturating_add(ASK_AGAIN),
                }))
            }
        }
    }

    pub(super) fn ask(
        &self,
        connection: &str,
        credential: &Credential,
        grant: Grant,
    ) -> Result<TokenRequest, CredentialError> {
        let account = self.account(connection)?;
        let asked = account
            .instance
            .call_with(&account.settings, |instance, settings| {
                instance.ask_token(settings, credential, grant)
            });
        Ok(asked?)
    }

    pub(super) fn read(
        &self,
        connection: &str,
        state: &State,
        answer: &RawAnswer,
    ) -> Result<Result<Credential, TokenFailure>, CredentialError> {
        let account = self.account(connection)?;
        let (shown, now) = (answer.shown(), (self.clock)());
        let read = account
            .instance
            .call_with(&account.settings, |instance, settings| {
                instance.read_token(
                    settings,
                    &state.stored.credential,
                    answer.grant(),
                    &shown,
                    now,
                )
            });
        Ok(read?)
    }

    /// Keeps a new pair; from here on it is used.
    async fn renewed(
        &self,
        held: &Held,
        state: &State,
        credential: Credential,
        answer: &RawAnswer,
    ) -> Result<Credential, CredentialError> {
        let previous = state
            .tokens
            .as_ref()
            .and_then(|tokens| tokens.refresh_token.clone());
        let tokens = Tokens {
            access_token: answer.secret("access_token").unwrap_or_default(),
            refresh_token: answer.secret("refresh_token").or(previous),
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
            "a credential was renewed"
        );
        self.keep(
            held,
            State {
                stored,
                tokens: Some(Arc::new(tokens)),
            },
        )
        .await?;
        Ok(credential)
    }

    /// Clears the intent after a definite answer, and marks the credential dead if only a person
    /// can help.
    async fn failed(
        &self,
        held: &Held,
        mut state: State,
        grant: Grant,
        failure: TokenFailure,
    ) -> Result<Refused, CredentialError> {
        let before = held.read().stored.credential;
        state.stored.refreshing = false;
        state.stored.sealed_answer = Vec::new();
        state.stored.credential.base = before.base;
        // A code or request token that is refused says nothing about the credential that is there.
        if failure.mend == Mend::Reconnect && grant == Grant::RefreshToken {
            state.stored.credential.life = Life::Dead;
            state
                .stored
                .credential
                .sentence
                .clone_from(&failure.sentence);
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
        self.keep(held, state).await?;
        Ok(Refused {
            sentence: failure.sentence,
            mend: failure.mend,
            retry_at: failure.retry_at,
        })
    }

    /// Reads answers that were kept and not read before the process ended.
    pub(super) async fn resume(&self) -> Result<(), CredentialError> {
        for ((connection, _), held) in &self.held {
            let state = held.read();
            if state.stored.sealed_answer.is_empty() {
                continue;
            }
            let opened = self
                .keyring
                .open(&answer_purpose(&state.stored), &state.stored.sealed_answer)?;
            let Some(answer) = RawAnswer::parse(opened.reveal()) else {
                continue;
            };
            match self.read(connection, &state, &answer)? {
                Ok(credential) => drop(self.renewed(held, &state, credential, &answer).await?),
                Err(failure) => drop(self.failed(held, state, answer.grant(), failure).await?),
            }
        }
        Ok(())
    }

    async fn keep(&self, held: &Held, state: State) -> Result<(), CredentialError> {
        self.store
            .commit(vec![Write::Credential(state.stored.clone())])
            .await?;
        *held.state.write().unwrap_or_else(PoisonError::into_inner) = state;
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

    fn token_origin(
        &self,
        connection: &str,
        system: System,
        credential: &Credential,
        host: TokenHost,
    ) -> Result<Origin, CredentialError> {
        let origins = &self.account(connection)?.origins;
        match (host, system) {
            (_, System::Freshbooks) => Ok(origins.freshbooks.clone()),
            (TokenHost::Configured, System::Concur) => Ok(origins.concur_token.clone()),
            (TokenHost::Pinned, System::Concur) => {
                origins.concur(&credential.base).map_err(|error| {
                    CredentialError::Refused(Refused {
                        sentence: error.to_string(),
                        mend: Mend::FixSettings,
                        retry_at: 0,
                    })
                })
            }
        }
    }

    pub(super) fn token_secrets(
        &self,
        connection: &str,
        system: System,
        state: &State,
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
            brought: secret,
        })
    }
}

pub(super) fn nowhere() -> Refused {
    Refused {
        sentence:
            "each datacenter names another one; connect again with `ml-connector connect concur`"
                .to_string(),
        mend: Mend::Reconnect,
        retry_at: 0,
    }
}
