//! Tokens: requested, sealed before they are used, never two refreshes of one credential at once.
//!
//! FreshBooks' refresh token works once, so the order is fixed: the intent is stored, the request
//! is sent, the raw answer is sealed and kept, the component reads it, the new pair is kept, and
//! only then it is used. After a crash in between, a kept answer is read again; without one the old
//! token is presented once more, and if it is refused then, a person must connect again.

mod application;
mod raw_answer;
mod reseal;
mod token_refresh;
mod tokens;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use hyper::header::HeaderValue;
use zeroize::Zeroizing;

use self::application::Application;
pub use self::reseal::ResealCount;
use self::tokens::{Tokens, open_tokens};
use crate::clock::Clock;
use crate::contract::credentials::{Credential, CredentialStatus, Grant, RefreshPlan, TokenRemedy};
use crate::contract::types::System;
use crate::guest::{InstanceError, SettingsText, SharedInstance};
use crate::http_client::{HttpClient, Origin, Origins};
use crate::metrics::Metrics;
use crate::seal::{Keyring, SealError};
use crate::secrets::{Secret, SecretError, Secrets};
use crate::store::{Store, StoreError, StoredCredential};

/// A connection as its credentials need it.
pub struct Account {
    /// The name of the connection, such as `acme`.
    pub connection: String,
    /// Where requests may go.
    pub origins: Origins,
    /// Builds token requests and reads their responses.
    pub instance: Arc<SharedInstance>,
    /// The settings in force.
    pub settings: SettingsText,
}

/// What an API request needs.
#[derive(Clone)]
pub struct Access {
    /// Where the request goes.
    pub origin: Origin,
    /// The value of the `Authorization` header; marked as sensitive.
    pub bearer: HeaderValue,
    /// The credential's generation, for [`Credentials::refresh`].
    pub generation: u32,
}

/// A token request that did not give a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// Why, one plain sentence that names what helps.
    pub message: String,
    /// What is to be done.
    pub remedy: TokenRemedy,
}

/// Why credentials cannot be worked with at all.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored token was sealed with another key, or altered.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A client secret is missing.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The component trapped, or does not accept the settings any more.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The token endpoint refused, or gave no answer.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// No connection has this name.
    #[error("there is no connection named `{0}`")]
    Unknown(String),
}

/// The credentials of all connections.
pub struct Credentials {
    store: Arc<dyn Store>,
    http_client: Arc<HttpClient>,
    keyring: Arc<Keyring>,
    secrets: Secrets,
    metrics: Arc<Metrics>,
    clock: Clock,
    accounts: BTreeMap<String, Account>,
    slots: BTreeMap<(String, &'static str), CredentialSlot>,
    applications: BTreeMap<String, Application>,
}

/// One credential: what is in force, and the lock of anyone who refreshes it.
struct CredentialSlot {
    state: RwLock<CredentialState>,
    refreshing: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct CredentialState {
    stored: StoredCredential,
    tokens: Option<Arc<Tokens>>,
}

/// What [`Credentials`] is made of.
pub struct Dependencies {
    /// Where credentials are stored, sealed.
    pub store: Arc<dyn Store>,
    /// Sends token requests, to allowed origins only.
    pub http_client: Arc<HttpClient>,
    /// Seals tokens before they are stored.
    pub keyring: Arc<Keyring>,
    /// Where client secrets are read, anew for each request.
    pub secrets: Secrets,
    /// Counts token requests in `ml_connector_token_requests_total`.
    pub metrics: Arc<Metrics>,
    /// Says when tokens expire and when to ask again.
    pub clock: Clock,
}

impl Credentials {
    /// Loads what is stored, and reads the token responses that a crash left unread.
    ///
    /// # Errors
    ///
    /// If the store fails or something in it does not open.
    pub async fn load(
        parts: Dependencies,
        accounts: Vec<Account>,
    ) -> Result<Self, CredentialError> {
        let mut slots = BTreeMap::new();
        for account in &accounts {
            for system in System::ALL {
                let stored = parts.store.credential(&account.connection, system).await?;
                let stored = match stored {
                    Some(stored) => stored,
                    None => account.absent(system)?,
                };
                let tokens = open_tokens(&parts.keyring, &stored)?;
                let slot = CredentialSlot {
                    state: RwLock::new(CredentialState { stored, tokens }),
                    refreshing: tokio::sync::Mutex::new(()),
                };
                slots.insert((account.connection.clone(), system.as_str()), slot);
            }
        }
        let accounts: BTreeMap<String, Account> = accounts
            .into_iter()
            .map(|account| (account.connection.clone(), account))
            .collect();
        let Dependencies {
            store,
            http_client,
            keyring,
            secrets,
            metrics,
            clock,
        } = parts;
        let credentials = Self {
            store,
            http_client,
            keyring,
            secrets,
            metrics,
            clock,
            applications: application::one_each(accounts.keys()),
            accounts,
            slots,
        };
        credentials.resume().await?;
        Ok(credentials)
    }

    /// What an API request needs; nothing while the credential is absent or dead.
    #[must_use]
    pub fn access(&self, connection: &str, system: System) -> Option<Access> {
        let state = self.slot(connection, system).ok()?.read();
        let tokens = state
            .tokens
            .filter(|_| state.stored.credential.status == CredentialStatus::Live)?;
        let origins = &self.accounts.get(connection)?.origins;
        let origin = match system {
            System::Freshbooks => origins.freshbooks.clone(),
            System::Concur => origins
                .concur(state.stored.credential.base.as_deref()?)
                .ok()?,
        };
        Some(Access {
            origin,
            bearer: bearer(&tokens)?,
            generation: state.stored.credential.generation,
        })
    }

    /// A credential without its secrets; none if no connection has this name.
    #[must_use]
    pub fn credential(&self, connection: &str, system: System) -> Option<Credential> {
        let slot = self.slot(connection, system).ok()?;
        Some(slot.read().stored.credential)
    }

    /// When it should be refreshed, and when a person will be needed.
    ///
    /// # Errors
    ///
    /// If the component fails, or no connection has this name.
    pub fn plan_refresh(
        &self,
        connection: &str,
        system: System,
    ) -> Result<RefreshPlan, CredentialError> {
        let account = self.account(connection)?;
        let credential = self.slot(connection, system)?.read().stored.credential;
        let now = self.clock.now();
        let plan = account
            .instance
            .call(|instance| instance.plan_refresh(&credential, now));
        Ok(plan.map_err(InstanceError::from)?)
    }

    /// Refreshes a credential, unless that has been done since `generation` was in force. Calls at
    /// the same time wait for the first one.
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
        let slot = self.slot(connection, system)?;
        let _refreshing = slot.refreshing.lock().await;
        let credential = slot.read().stored.credential;
        if credential.generation != generation {
            return Ok(credential);
        }
        self.request_tokens(connection, system, Grant::RefreshToken, None)
            .await
    }

    /// Connects with what a person has: an authorization code or a company request token.
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
        let slot = self.slot(connection, system)?;
        let _refreshing = slot.refreshing.lock().await;
        self.request_tokens(connection, system, grant, Some(secret))
            .await
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

    fn slot(&self, connection: &str, system: System) -> Result<&CredentialSlot, CredentialError> {
        let key = (connection.to_string(), system.as_str());
        self.slots
            .get(&key)
            .ok_or_else(|| CredentialError::Unknown(connection.to_string()))
    }
}

impl CredentialSlot {
    fn read(&self) -> CredentialState {
        self.state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The `Authorization` header of a stored credential, for a look at a remote beside a running
/// service. It refreshes nothing; nothing while the credential is absent or dead.
///
/// # Errors
///
/// If the stored tokens do not open.
pub fn stored_bearer(
    keyring: &Keyring,
    stored: &StoredCredential,
) -> Result<Option<HeaderValue>, SealError> {
    if stored.credential.status != CredentialStatus::Live {
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

impl Account {
    /// The credential of a system that was never connected.
    fn absent(&self, system: System) -> Result<StoredCredential, CredentialError> {
        let absent = self
            .instance
            .call(|instance| instance.absent_credential(system));
        Ok(StoredCredential {
            connection: self.connection.clone(),
            credential: absent.map_err(InstanceError::from)?,
            sealed_tokens: Vec::new(),
            refreshing: false,
            sealed_answer: Vec::new(),
        })
    }
}
