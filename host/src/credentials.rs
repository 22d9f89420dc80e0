//! Tokens: requested, sealed before they are used, never two refreshes of one credential at once.
//!
//! FreshBooks' refresh token works once, so the order is fixed: the intent is stored, the request
//! is sent, the raw answer is sealed and stored, the component reads it, the new pair is stored,
//! and only then it is used. An answer that has arrived is held in memory until it is on the disk,
//! however long the disk fails, and while one is stored that was not read, it is read before
//! anything is asked. Where a kill lost the answer, the old token is presented once more; if that
//! is refused or interrupted too, a person must connect again.
//!
//! What does not open or cannot be read closes its own credential and nothing else.

mod application;
mod opening;
mod raw_answer;
mod received_answer;
mod reseal;
mod token_refresh;
mod tokens;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hyper::header::HeaderValue;
use zeroize::Zeroizing;

use self::application::Application;
use self::opening::{CredentialState, load_credential};
pub use self::opening::{unreadable_credential, usable_credential};
pub use self::reseal::ResealReport;
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
    /// The token request goes on by itself, as it must: its answer is needed.
    #[error(
        "the token request has not come to its end yet, or its answer cannot be stored; it goes on \
         in the service, whose log says more"
    )]
    Unfinished,
}

/// How long a caller waits for a token request, which goes on without it: two datacenters may be
/// asked, for 65 seconds each. The administration socket waits for 150 seconds.
const PATIENCE: Duration = Duration::from_secs(140);

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
    /// Loads what is stored, and reads the token responses that a crash left unread. A credential
    /// that does not open, or whose response cannot be read, is closed; its status says what helps.
    ///
    /// # Errors
    ///
    /// If the store or the component fails.
    pub async fn load(
        parts: Dependencies,
        accounts: Vec<Account>,
    ) -> Result<Self, CredentialError> {
        let mut slots = BTreeMap::new();
        for account in &accounts {
            for system in System::ALL {
                let state = load_credential(&parts, account, system).await?;
                let slot = CredentialSlot {
                    state: RwLock::new(state),
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
        credentials.resume().await;
        Ok(credentials)
    }

    /// What an API request needs; nothing while the credential is absent or dead.
    #[must_use]
    pub fn access(&self, connection: &str, system: System) -> Option<Access> {
        let state = self.slot(connection, system).ok()?.read();
        let is_live = state.usable().status == CredentialStatus::Live;
        let tokens = state.tokens.filter(|_| is_live)?;
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
        Some(slot.read().usable())
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
        let credential = self.slot(connection, system)?.read().usable();
        let now = self.clock.now();
        let plan = account
            .instance
            .call(|instance| instance.plan_refresh(&credential, now));
        Ok(plan.map_err(InstanceError::from)?)
    }

    /// Refreshes a credential, unless that has been done since `generation` was in force. Calls at
    /// the same time wait for the first one. It goes on to its end if the caller is gone.
    ///
    /// # Errors
    ///
    /// [`CredentialError`]; `Refused` says what is to be done.
    pub async fn refresh(
        self: &Arc<Self>,
        connection: &str,
        system: System,
        generation: u32,
    ) -> Result<Credential, CredentialError> {
        let (this, connection) = (Arc::clone(self), connection.to_owned());
        detached(async move {
            let slot = this.slot(&connection, system)?;
            let _refreshing = slot.refreshing.lock().await;
            let credential = slot.read().usable();
            if credential.generation != generation {
                return Ok(credential);
            }
            this.request_tokens(&connection, system, Grant::RefreshToken, None)
                .await
        })
        .await
    }

    /// Connects with what a person has: an authorization code or a company request token. It goes
    /// on to its end if the caller is gone.
    ///
    /// # Errors
    ///
    /// [`CredentialError`]; `Refused` says what is to be done.
    pub async fn connect(
        self: &Arc<Self>,
        connection: &str,
        grant: Grant,
        secret: Secret,
    ) -> Result<Credential, CredentialError> {
        let (this, connection, system) = (Arc::clone(self), connection.to_owned(), grant.system());
        detached(async move {
            let slot = this.slot(&connection, system)?;
            let _refreshing = slot.refreshing.lock().await;
            this.request_tokens(&connection, system, grant, Some(secret))
                .await
        })
        .await
    }

    /// Waits until no token request is under way and what has arrived is stored.
    pub async fn finish(&self) {
        for slot in self.slots.values() {
            drop(slot.refreshing.lock().await);
        }
    }

    /// The client secrets that cannot be used, one sentence each with what helps.
    #[must_use]
    pub fn client_secret_problems(&self) -> Vec<String> {
        let names = self.accounts.keys().map(String::as_str);
        let problems = self.secrets.client_secret_problems(names);
        problems.iter().map(ToString::to_string).collect()
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

    fn set(&self, state: CredentialState) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

/// Runs a token request to its end even if its caller is cut off: what is asked may spend the
/// refresh token, and then the answer is all there is.
async fn detached(
    request: impl Future<Output = Result<Credential, CredentialError>> + Send + 'static,
) -> Result<Credential, CredentialError> {
    match tokio::time::timeout(PATIENCE, tokio::spawn(request)).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) | Err(_) => Err(CredentialError::Unfinished),
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
    bearer_of(&tokens.access_token)
}

/// None for a token that cannot be written in a header.
fn bearer_of(access_token: &str) -> Option<HeaderValue> {
    let bearer = Zeroizing::new(format!("Bearer {access_token}"));
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
            requests_unanswered: 0,
            sealed_answer: Vec::new(),
        })
    }
}
