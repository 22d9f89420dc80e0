//! Tokens: asked for, sealed before they are used, refreshed by one at a time.
//!
//! FreshBooks' refresh token works once, so the order is fixed: the intent is kept, the request is sent, the raw
//! answer is sealed and kept, the component reads it, the new pair is kept, and only then it is used. After a crash
//! in between, a kept answer is read again; without one the old token is presented once more, and if it is refused
//! then, a person must connect again.

mod answer;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use hyper::header::HeaderValue;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use self::answer::RawAnswer;
use crate::brain::{Mind, MindError, SettingsText};
use crate::contract::credentials::{
    Credential, Forecast, Grant, Life, Mend, TokenFailure, TokenHost, TokenRequest,
};
use crate::contract::http::SendOutcome;
use crate::contract::types::{Duration, Instant, System};
use crate::metrics::Metrics;
use crate::seal::{Keyring, Purpose, SealError};
use crate::secrets::{Secret, SecretError, SecretName, Secrets};
use crate::send::{Origin, Origins, SecretParts, Sender};
use crate::store::{Store, StoreError, StoredCredential, Write};

/// When to ask again after a token request that got no answer.
const ASK_AGAIN: Duration = 30_000;

/// A connection as its credentials need it.
pub struct Account {
    /// The connection's name.
    pub connection: String,
    /// Where requests may go.
    pub origins: Origins,
    /// The component's instance.
    pub mind: Arc<Mind>,
    /// The settings in force.
    pub settings: SettingsText,
}

/// What an API request needs.
#[derive(Clone)]
pub struct Access {
    /// Where it goes.
    pub origin: Origin,
    /// The authorization header's value.
    pub bearer: HeaderValue,
    /// The credential's generation, for [`Credentials::refresh`].
    pub generation: u32,
}

/// A token request that did not give a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Refused {
    /// Why, one plain sentence that names what helps.
    pub sentence: String,
    /// What is to be done.
    pub mend: Mend,
    /// When to ask again; 0 where that does not help.
    pub retry_at: Instant,
}

/// Why credentials cannot be worked with at all.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is kept does not open.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A client secret is missing.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The component failed.
    #[error(transparent)]
    Mind(#[from] MindError),
    /// The remote did not give a token.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// No connection has this name.
    #[error("no connection is called `{0}`")]
    Unknown(String),
}

/// The credentials of all connections.
pub struct Credentials {
    store: Arc<dyn Store>,
    sender: Arc<Sender>,
    keyring: Arc<Keyring>,
    secrets: Secrets,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Fn() -> Instant + Send + Sync>,
    accounts: BTreeMap<String, Account>,
    held: BTreeMap<(String, &'static str), Held>,
}

/// One credential: what is in force, and the lock of whoever renews it.
struct Held {
    state: RwLock<State>,
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct State {
    stored: StoredCredential,
    tokens: Option<Arc<Tokens>>,
}

#[derive(Serialize, Deserialize)]
struct Tokens {
    access_token: Zeroizing<String>,
    refresh_token: Option<Zeroizing<String>>,
}

/// What [`Credentials`] is made of.
pub struct Parts {
    /// Where credentials are kept.
    pub store: Arc<dyn Store>,
    /// Sends token requests.
    pub sender: Arc<Sender>,
    /// Seals tokens.
    pub keyring: Arc<Keyring>,
    /// Client secrets.
    pub secrets: Secrets,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// The wall clock.
    pub clock: Arc<dyn Fn() -> Instant + Send + Sync>,
}

impl Credentials {
    /// Reads what is kept, and finishes what a crash has left unfinished where no request is needed for it.
    ///
    /// # Errors
    ///
    /// If the store fails or something kept does not open.
    pub async fn load(parts: Parts, accounts: Vec<Account>) -> Result<Self, CredentialError> {
        let mut held = BTreeMap::new();
        for account in &accounts {
            for system in SYSTEMS {
                let stored = parts.store.credential(&account.connection, system).await?;
                let stored = stored.unwrap_or_else(|| absent(&account.connection, system));
                let tokens = open_tokens(&parts.keyring, &stored)?;
                let one = Held {
                    state: RwLock::new(State { stored, tokens }),
                    renewing: tokio::sync::Mutex::new(()),
                };
                held.insert((account.connection.clone(), word(system)), one);
            }
        }
        let accounts = accounts
            .into_iter()
            .map(|account| (account.connection.clone(), account))
            .collect();
        let Parts {
            store,
            sender,
            keyring,
            secrets,
            metrics,
            clock,
        } = parts;
        let credentials = Self {
            store,
            sender,
            keyring,
            secrets,
            metrics,
            clock,
            accounts,
            held,
        };
        credentials.resume().await?;
        Ok(credentials)
    }

    /// What an API request needs; nothing while the credential is absent or dead.
    #[must_use]
    pub fn access(&self, connection: &str, system: System) -> Option<Access> {
        let state = self.held(connection, system).ok()?.read();
        let tokens = state
            .tokens
            .filter(|_| state.stored.credential.life == Life::Live)?;
        let origins = &self.accounts.get(connection)?.origins;
        let origin = match system {
            System::Freshbooks => origins.freshbooks.clone(),
            System::Concur => origins.concur(&state.stored.credential.base).ok()?,
        };
        let bearer = Zeroizing::new(format!("Bearer {}", tokens.access_token.as_str()));
        let mut bearer = HeaderValue::try_from(bearer.as_str()).ok()?;
        bearer.set_sensitive(true);
        Some(Access {
            origin,
            bearer,
            generation: state.stored.credential.generation,
        })
    }

    /// A credential without its secrets.
    #[must_use]
    pub fn credential(&self, connection: &str, system: System) -> Credential {
        match self.held(connection, system) {
            Ok(held) => held.read().stored.credential,
            Err(_) => absent(connection, system).credential,
        }
    }

    /// When it should be refreshed, and when a person will be needed.
    ///
    /// # Errors
    ///
    /// If the component fails.
    pub fn forecast(&self, connection: &str, system: System) -> Result<Forecast, CredentialError> {
        let account = self.account(connection)?;
        let (credential, now) = (self.credential(connection, system), (self.clock)());
        let seen = account
            .mind
            .call(|instance| instance.foresee(&credential, now));
        Ok(seen.map_err(MindError::from)?)
    }

    /// The credential that should be refreshed next, and when.
    #[must_use]
    pub fn next_refresh(&self) -> Option<(Instant, String, System)> {
        let mut next: Option<(Instant, String, System)> = None;
        for connection in self.accounts.keys() {
            for system in SYSTEMS {
                let at = self
                    .forecast(connection, system)
                    .ok()
                    .and_then(|seen| seen.refresh_at);
                if let Some(at) = at
                    && next.as_ref().is_none_or(|(soonest, _, _)| at < *soonest)
                {
                    next = Some((at, connection.clone(), system));
                }
            }
        }
        next
    }

    /// Refreshes a credential, unless somebody has done so since `generation` was in force. Whoever comes while it is
    /// being done waits for it.
    ///
    /// # Errors
    ///
    /// [`CredentialError`]; `Refused` says what is to be done.
    pub async fn refresh(
        &self,
        connection: &str,
        system: System,
        generation: u32,
    ) -> Result<Credential, CredentialError> {
        let held = self.held(connection, system)?;
        let _renewing = held.renewing.lock().await;
        let credential = held.read().stored.credential;
        if credential.generation != generation {
            return Ok(credential);
        }
        self.renew(connection, system, Grant::RefreshToken, None)
            .await
    }

    /// Connects with what a person has brought: an authorization code or a company request token.
    ///
    /// # Errors
    ///
    /// [`CredentialError`]; `Refused` says what is to be done.
    pub async fn connect(
        &self,
        connection: &str,
        grant: Grant,
        secret: Secret,
    ) -> Result<Credential, CredentialError> {
        let system = match grant {
            Grant::CompanyRequestToken => System::Concur,
            Grant::AuthorizationCode | Grant::RefreshToken => System::Freshbooks,
        };
        let held = self.held(connection, system)?;
        let _renewing = held.renewing.lock().await;
        self.renew(connection, system, grant, Some(secret)).await
    }

    /// The path and query of FreshBooks' consent page.
    ///
    /// # Errors
    ///
    /// If the component fails.
    pub fn consent_path(&self, connection: &str, state: &str) -> Result<String, CredentialError> {
        let account = self.account(connection)?;
        let path = account
            .mind
            .call_with(&account.settings, |instance, settings| {
                instance.consent_path(settings, state)
            });
        Ok(path?)
    }

    async fn renew(
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
                Err(failure) => return Err(self.failed(held, state, failure).await?.into()),
            }
        }
        Err(CredentialError::Refused(nowhere()))
    }

    async fn send(
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
                    .token_request(connection, word(system), "unanswered");
                Err(CredentialError::Refused(Refused {
                    sentence: format!("the token endpoint gave no answer ({})", error.detail),
                    mend: Mend::TryAgain,
                    retry_at: (self.clock)().saturating_add(ASK_AGAIN),
                }))
            }
        }
    }

    fn ask(
        &self,
        connection: &str,
        credential: &Credential,
        grant: Grant,
    ) -> Result<TokenRequest, CredentialError> {
        let account = self.account(connection)?;
        let asked = account
            .mind
            .call_with(&account.settings, |instance, settings| {
                instance.ask_token(settings, credential, grant)
            });
        Ok(asked?)
    }

    fn read(
        &self,
        connection: &str,
        state: &State,
        answer: &RawAnswer,
    ) -> Result<Result<Credential, TokenFailure>, CredentialError> {
        let account = self.account(connection)?;
        let (shown, now) = (answer.shown(), (self.clock)());
        let read = account
            .mind
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
            .token_request(&stored.connection, word(credential.system), "renewed");
        tracing::info!(
            connection = stored.connection,
            system = word(credential.system),
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

    /// Clears the intent after a definite answer, and marks the credential dead if only a person can help.
    async fn failed(
        &self,
        held: &Held,
        mut state: State,
        failure: TokenFailure,
    ) -> Result<Refused, CredentialError> {
        let before = held.read().stored.credential;
        state.stored.refreshing = false;
        state.stored.sealed_answer = Vec::new();
        state.stored.credential.base = before.base;
        if failure.mend == Mend::Reconnect {
            state.stored.credential.life = Life::Dead;
            state
                .stored
                .credential
                .sentence
                .clone_from(&failure.sentence);
        }
        let system = word(state.stored.credential.system);
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
    async fn resume(&self) -> Result<(), CredentialError> {
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
                Err(failure) => drop(self.failed(held, state, failure).await?),
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

    fn token_secrets(
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

    fn account(&self, connection: &str) -> Result<&Account, CredentialError> {
        self.accounts
            .get(connection)
            .ok_or_else(|| CredentialError::Unknown(connection.to_string()))
    }

    fn held(&self, connection: &str, system: System) -> Result<&Held, CredentialError> {
        let key = (connection.to_string(), word(system));
        self.held
            .get(&key)
            .ok_or_else(|| CredentialError::Unknown(connection.to_string()))
    }
}

impl Held {
    fn read(&self) -> State {
        self.state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The secrets of one token request.
struct TokenSecrets {
    client_secret: Secret,
    refresh_token: Option<Zeroizing<String>>,
    brought: Option<Secret>,
}

impl SecretParts for TokenSecrets {
    fn secret(&self, name: &str) -> Option<Zeroizing<String>> {
        let plain = |secret: &Secret| Zeroizing::new(secret.reveal().to_string());
        match name {
            "client-secret" => Some(plain(&self.client_secret)),
            "refresh-token" => self.refresh_token.clone(),
            "authorization-code" | "company-request-token" => self.brought.as_ref().map(plain),
            _ => None,
        }
    }
}

/// Both systems.
pub const SYSTEMS: [System; 2] = [System::Freshbooks, System::Concur];

/// A system's name for programs.
#[must_use]
pub fn word(system: System) -> &'static str {
    match system {
        System::Freshbooks => "freshbooks",
        System::Concur => "concur",
    }
}

fn open_tokens(
    keyring: &Keyring,
    stored: &StoredCredential,
) -> Result<Option<Arc<Tokens>>, SealError> {
    if stored.sealed_tokens.is_empty() {
        return Ok(None);
    }
    let opened = keyring.open(&tokens_purpose(stored), &stored.sealed_tokens)?;
    let tokens = serde_json::from_str(opened.reveal()).map_err(|_| SealError::Broken)?;
    Ok(Some(Arc::new(tokens)))
}

fn tokens_purpose(stored: &StoredCredential) -> Purpose<'_> {
    Purpose::Tokens {
        connection: &stored.connection,
        system: stored.credential.system,
        generation: stored.credential.generation,
    }
}

fn answer_purpose(stored: &StoredCredential) -> Purpose<'_> {
    Purpose::TokenAnswer {
        connection: &stored.connection,
        system: stored.credential.system,
        generation: stored.credential.generation,
    }
}

fn absent(connection: &str, system: System) -> StoredCredential {
    StoredCredential {
        connection: connection.to_string(),
        credential: Credential {
            system,
            life: Life::Absent,
            generation: 0,
            base: String::new(),
            issued: 0,
            access_expires: 0,
            refresh_expires: None,
            scope: String::new(),
            sentence: String::new(),
        },
        sealed_tokens: Vec::new(),
        refreshing: false,
        sealed_answer: Vec::new(),
    }
}

fn nowhere() -> Refused {
    Refused {
        sentence:
            "each datacenter names another one; connect again with `ml-connector connect concur`"
                .to_string(),
        mend: Mend::Reconnect,
        retry_at: 0,
    }
}
