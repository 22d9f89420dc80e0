//! Tokens: asked for, sealed before they are used, refreshed by one at a time.
//!
//! FreshBooks' refresh token works once, so the order is fixed: the intent is kept, the request is
//! sent, the raw answer is sealed and kept, the component reads it, the new pair is kept, and only
//! then it is used. After a crash in between, a kept answer is read again; without one the old
//! token is presented once more, and if it is refused then, a person must connect again.

mod answer;
mod application;
mod renew;
mod tokens;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use hyper::header::HeaderValue;
use zeroize::Zeroizing;

use self::application::Application;
use self::tokens::{Tokens, open_tokens};
use crate::contract::credentials::{Credential, Forecast, Grant, Life, Mend};
use crate::contract::types::{Instant, System};
use crate::guest::{InstanceError, SettingsText, SharedInstance};
use crate::metrics::Metrics;
use crate::seal::{Keyring, SealError};
use crate::secrets::{Secret, SecretError, Secrets};
use crate::send::{Origin, Origins, Sender};
use crate::store::{Store, StoreError, StoredCredential};

/// A connection as its credentials need it.
pub struct Account {
    /// The connection's name.
    pub connection: String,
    /// Where requests may go.
    pub origins: Origins,
    /// The component's instance.
    pub instance: Arc<SharedInstance>,
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
    Instance(#[from] InstanceError),
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
    applications: BTreeMap<String, Application>,
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
    /// Reads what is kept, and finishes what a crash has left unfinished where no request is needed
    /// for it.
    ///
    /// # Errors
    ///
    /// If the store fails or something kept does not open.
    pub async fn load(parts: Parts, accounts: Vec<Account>) -> Result<Self, CredentialError> {
        let mut held = BTreeMap::new();
        for account in &accounts {
            for system in System::ALL {
                let stored = parts.store.credential(&account.connection, system).await?;
                let stored = stored.unwrap_or_else(|| absent(&account.connection, system));
                let tokens = open_tokens(&parts.keyring, &stored)?;
                let one = Held {
                    state: RwLock::new(State { stored, tokens }),
                    renewing: tokio::sync::Mutex::new(()),
                };
                held.insert((account.connection.clone(), system.as_str()), one);
            }
        }
        let accounts: BTreeMap<String, Account> = accounts
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
            applications: application::all(accounts.keys()),
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
        Some(Access {
            origin,
            bearer: bearer(&tokens)?,
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
            .instance
            .call(|instance| instance.foresee(&credential, now));
        Ok(seen.map_err(InstanceError::from)?)
    }

    /// Refreshes a credential, unless somebody has done so since `generation` was in force. Whoever
    /// comes while it is being done waits for it.
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
            Grant::CompanyRequestToken | Grant::ClientCredentials => System::Concur,
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
            .instance
            .call_with(&account.settings, |instance, settings| {
                instance.consent_path(settings, state)
            });
        Ok(path?)
    }

    fn account(&self, connection: &str) -> Result<&Account, CredentialError> {
        self.accounts
            .get(connection)
            .ok_or_else(|| CredentialError::Unknown(connection.to_string()))
    }

    fn held(&self, connection: &str, system: System) -> Result<&Held, CredentialError> {
        let key = (connection.to_string(), system.as_str());
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

/// The authorization header of a credential that is kept, for a look at a remote beside a running
/// service. It renews nothing; nothing while the credential is absent or dead.
///
/// # Errors
///
/// If what is kept does not open.
pub fn kept_bearer(
    keyring: &Keyring,
    stored: &StoredCredential,
) -> Result<Option<HeaderValue>, SealError> {
    if stored.credential.life != Life::Live {
        return Ok(None);
    }
    let tokens = open_tokens(keyring, stored)?;
    Ok(tokens.and_then(|tokens| bearer(&tokens)))
}

fn bearer(tokens: &Tokens) -> Option<HeaderValue> {
    let bearer = Zeroizing::new(format!("Bearer {}", tokens.access_token.as_str()));
    let mut bearer = HeaderValue::try_from(bearer.as_str()).ok()?;
    bearer.set_sensitive(true);
    Some(bearer)
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
