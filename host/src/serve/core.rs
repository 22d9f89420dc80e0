//! Everything but the loops, made from the settings and the store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::Notify;

use crate::admin::ConsentRounds;
use crate::callbacks::{CallbackError, Callbacks};
use crate::config::{Config, ConnectionConfig};
use crate::contract::mapping::Schedule;
use crate::contract::types::{Instant, ObjectRef, Problem};
use crate::credentials::{Account, CredentialError, Credentials, Parts};
use crate::engine::{
    Clock, Connection, Gates, RecentWakes, SUBSCRIPTION_KIND, Services, TokenRefresh,
};
use crate::guest::{Guest, GuestError, InstanceError, SettingsText, SharedInstance};
use crate::metrics::Metrics;
use crate::receive::events::EventHook;
use crate::receive::{Backlog, Consents, Hook, ListenError};
use crate::seal::{Keyring, SealError};
use crate::secrets::{SecretError, Secrets};
use crate::send::{OriginError, Origins, Sender, SenderError};
use crate::store::sqlite::SqliteStore;
use crate::store::{Store, StoreError, Write};

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The component cannot be used.
    #[error(transparent)]
    Guest(#[from] GuestError),
    /// The component failed on a connection's settings.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The component refuses a connection's settings.
    #[error("the settings of connection `{connection}` have errors: {}", sentences(.problems))]
    Settings {
        /// The connection.
        connection: String,
        /// All that was found.
        problems: Vec<Problem>,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret is missing or exposed.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The seal keys cannot be used.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A base URL in the settings is none.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// No request can be sent.
    #[error(transparent)]
    Sender(#[from] SenderError),
    /// Webhook registrations cannot be used.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// Credentials cannot be used.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// The receiver cannot listen.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The administration socket cannot be made.
    #[error("the administration socket {path} cannot be made ({source}); correct `store.path`")]
    Admin {
        /// The socket.
        path: std::path::PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A task ended by a defect.
    #[error("a part of the service ended by a defect; the log says more")]
    Defect,
}

/// Store, component and connections, ready for work.
pub struct Core {
    /// The means.
    pub services: Arc<Services>,
    /// The component.
    pub guest: Arc<Guest>,
    /// The instance that decides about notices.
    pub instance: Arc<SharedInstance>,
    /// The connections, by name.
    pub connections: Arc<BTreeMap<String, Arc<Connection>>>,
    /// Their webhook addresses.
    pub hooks: BTreeMap<String, Hook>,
    /// The addresses of their events.
    pub event_hooks: BTreeMap<String, EventHook>,
    /// People on their way back from FreshBooks' consent page.
    pub consents: Arc<Consents>,
    /// What has become of them.
    pub rounds: Arc<ConsentRounds>,
    /// Where FreshBooks users give their consent, by connection.
    pub consent_bases: BTreeMap<String, String>,
    /// Rung when something was stored that the engine should look at.
    pub notices_stored: Arc<Notify>,
    /// Notices without a decision.
    pub backlog: Arc<Backlog>,
}

impl Core {
    /// Opens the store, loads the component and makes the connections ready.
    ///
    /// # Errors
    ///
    /// [`ServeError`]; each names the setting or the command that helps.
    pub async fn open(
        config: &Config,
        secrets: &Secrets,
        clock: Clock,
    ) -> Result<Self, ServeError> {
        let loading = load_guest(config);
        let keyring = keyring(config, secrets)?;
        let store = Arc::new(SqliteStore::open(&config.store)?);
        let guest = loading.await.map_err(|_| ServeError::Defect)??;
        let secrets = secrets.clone();
        Self::with(config, secrets, clock, store, keyring, guest).await
    }

    /// The same with parts that were made otherwise, such as another store.
    ///
    /// # Errors
    ///
    /// [`ServeError`]; each names the setting or the command that helps.
    pub async fn with(
        config: &Config,
        secrets: Secrets,
        clock: Clock,
        store: Arc<dyn Store>,
        keyring: Keyring,
        guest: Guest,
    ) -> Result<Self, ServeError> {
        let (keyring, guest) = (Arc::new(keyring), Arc::new(guest));
        let names: Vec<&str> = config
            .connections
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        let callbacks = Callbacks::load(&*store, Arc::clone(&keyring), &names).await?;
        let minded = minds(config, &guest)?;
        keep_settings(&*store, &minded).await?;
        let metrics = Arc::new(Metrics::default());
        let sender = Arc::new(Sender::new(&config.limits)?);
        let time = clock.clone();
        let parts = Parts {
            store: Arc::clone(&store),
            sender: Arc::clone(&sender),
            keyring,
            secrets,
            metrics: Arc::clone(&metrics),
            clock: Arc::new(move || time.now()),
        };
        let credentials = Credentials::load(parts, accounts(&minded)?).await?;
        let services = Arc::new(Services {
            store,
            sender,
            credentials: Arc::new(credentials),
            callbacks: Arc::new(callbacks),
            metrics,
            clock,
            limits: config.limits.clone(),
            stopping: AtomicBool::new(false),
        });
        let hooks = hooks(config, &minded, &*services.store).await?;
        let event_hooks = event_hooks(config, &minded, &*services.store).await?;
        let urls = Urls {
            config,
            hooks: &hooks,
            event_hooks: &event_hooks,
        };
        let backlog = Arc::new(Backlog::default());
        backlog.add(undecided(config, &*services.store).await?);
        Ok(Self {
            instance: Arc::new(SharedInstance::new(Arc::clone(&guest))?),
            connections: Arc::new(connections(minded, &urls, &services).await?),
            guest,
            hooks,
            event_hooks,
            consents: Arc::default(),
            rounds: Arc::default(),
            consent_bases: consent_bases(config),
            notices_stored: Arc::new(Notify::new()),
            backlog,
            services,
        })
    }
}

/// The system's clock, for parts that take a plain function.
pub(super) fn wall_clock() -> Instant {
    Clock::system().now()
}

/// A connection and its part of the component.
struct Minded<'c> {
    connection: &'c ConnectionConfig,
    instance: Arc<SharedInstance>,
    settings: SettingsText,
    schedules: Vec<Schedule>,
}

/// Compiling takes longer than all the rest, so it is done beside it.
fn load_guest(config: &Config) -> tokio::task::JoinHandle<Result<Guest, GuestError>> {
    let (path, limits) = (config.component.clone(), config.limits.clone());
    let kept = compiled(&config.store);
    tokio::task::spawn_blocking(move || Guest::load_kept(&path, &limits, &kept))
}

/// Where compiled code is kept: beside the store.
fn compiled(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".compiled");
    name.into()
}

/// The keys; new ones only where there is no store yet that could need older ones.
fn keyring(config: &Config, secrets: &Secrets) -> Result<Keyring, ServeError> {
    let keys = match secrets.seal_keys() {
        Err(SecretError::Missing { .. }) if !config.store.exists() => {
            let keys = Keyring::generate()?;
            let file = secrets.keep_seal_keys(&keys)?;
            tracing::info!(file = %file.display(), "new seal keys were made; keep a copy of them");
            keys
        }
        keys => keys?,
    };
    Ok(Keyring::parse(&keys)?)
}

fn minds<'c>(config: &'c Config, guest: &Arc<Guest>) -> Result<Vec<Minded<'c>>, ServeError> {
    let connections = config.connections.iter();
    connections
        .map(|connection| minded(connection, guest))
        .collect()
}

fn minded<'c>(
    connection: &'c ConnectionConfig,
    guest: &Arc<Guest>,
) -> Result<Minded<'c>, ServeError> {
    let instance = Arc::new(SharedInstance::new(Arc::clone(guest))?);
    // Known by its version only once it is loaded.
    let loaded = instance.call(|instance| {
        let settings = match instance.load_settings(&connection.json)? {
            Ok(settings) => settings,
            Err(problems) => return Ok(Err(problems)),
        };
        let version = instance.settings_version(settings)?;
        Ok(Ok((version, instance.schedules(settings)?)))
    })?;
    let (version, schedules) = loaded.map_err(|problems| ServeError::Settings {
        connection: connection.name.clone(),
        problems,
    })?;
    let json = Arc::from(connection.json.as_str());
    Ok(Minded {
        connection,
        instance,
        settings: SettingsText { version, json },
        schedules,
    })
}

async fn keep_settings(store: &dyn Store, minded: &[Minded<'_>]) -> Result<(), StoreError> {
    let keep = |one: &Minded<'_>| Write::Settings {
        connection: one.connection.name.clone(),
        version: one.settings.version.clone(),
        json: one.settings.json.to_string(),
    };
    if minded.is_empty() {
        return Ok(());
    }
    store
        .commit(minded.iter().map(keep).collect())
        .await
        .map(drop)
}

fn accounts(minded: &[Minded<'_>]) -> Result<Vec<Account>, OriginError> {
    let account = |one: &Minded<'_>| {
        Ok(Account {
            connection: one.connection.name.clone(),
            origins: Origins::of(one.connection)?,
            instance: Arc::clone(&one.instance),
            settings: one.settings.clone(),
        })
    };
    minded.iter().map(account).collect()
}

/// The public addresses of all connections.
struct Urls<'c> {
    config: &'c Config,
    hooks: &'c BTreeMap<String, Hook>,
    event_hooks: &'c BTreeMap<String, EventHook>,
}

impl Urls<'_> {
    fn webhooks(&self, connection: &str) -> String {
        let hook = self.hooks.get(connection);
        hook.map_or_else(String::new, |hook| address(self.config, hook))
    }

    fn events(&self, connection: &str) -> String {
        match (&self.config.events, self.event_hooks.get(connection)) {
            (Some(events), Some(EventHook { token, .. })) => {
                format!("{}/hooks/concur/{connection}/{token}", events.public_url)
            }
            _ => String::new(),
        }
    }
}

async fn connections(
    minded: Vec<Minded<'_>>,
    urls: &Urls<'_>,
    services: &Arc<Services>,
) -> Result<BTreeMap<String, Arc<Connection>>, ServeError> {
    let mut connections = BTreeMap::new();
    for one in minded {
        let name = one.connection.name.clone();
        let gates = Gates::new(&one.instance, &services.store.gates(&name).await?)?;
        let connection = Connection {
            webhook_url: urls.webhooks(&name),
            events_url: urls.events(&name),
            settings: one.settings,
            schedules: one.schedules,
            instance: one.instance,
            gates,
            token_refresh: TokenRefresh::new(Arc::clone(&services.credentials)),
            runs_due: Notify::new(),
            recent_wakes: RecentWakes::default(),
            services: Arc::clone(services),
            name: name.clone(),
        };
        connections.insert(name, Arc::new(connection));
    }
    Ok(connections)
}

/// The webhook addresses. A token is made once and kept, since FreshBooks is told the address.
async fn hooks(
    config: &Config,
    minded: &[Minded<'_>],
    store: &dyn Store,
) -> Result<BTreeMap<String, Hook>, ServeError> {
    let mut hooks = BTreeMap::new();
    if config.public_url.is_empty() {
        return Ok(hooks);
    }
    for Minded {
        connection,
        schedules,
        ..
    } in minded
    {
        let token = kept_token(store, format!("hook/{}", connection.name)).await?;
        let hook = Hook {
            connection: connection.name.clone(),
            account_id: connection.freshbooks_account_id.clone(),
            token,
            registrations: registrations(schedules),
        };
        hooks.insert(connection.name.clone(), hook);
    }
    Ok(hooks)
}

/// The addresses of events, of those connections that want them.
async fn event_hooks(
    config: &Config,
    minded: &[Minded<'_>],
    store: &dyn Store,
) -> Result<BTreeMap<String, EventHook>, ServeError> {
    let mut hooks = BTreeMap::new();
    let wanted = minded.iter().filter(|one| {
        let mut schedules = one.schedules.iter();
        config.events.is_some()
            && schedules.any(|schedule| schedule.object.kind == SUBSCRIPTION_KIND)
    });
    for Minded { connection, .. } in wanted {
        let settings: serde_json::Value =
            serde_json::from_str(&connection.json).unwrap_or_default();
        let company_id = settings["concur"]["company_id"].as_str();
        let hook = EventHook {
            company_id: company_id.unwrap_or_default().to_string(),
            token: kept_token(store, format!("event-hook/{}", connection.name)).await?,
        };
        hooks.insert(connection.name.clone(), hook);
    }
    Ok(hooks)
}

/// 128 random bits that stay the same from start to start.
async fn kept_token(store: &dyn Store, mark: String) -> Result<String, ServeError> {
    if let Some(token) = store.mark(&mark).await? {
        return Ok(token);
    }
    let value = random_hex()?;
    let write = Write::Mark {
        name: mark,
        value: value.clone(),
    };
    store.commit(vec![write]).await?;
    Ok(value)
}

/// The scheduled objects whose runs register webhooks.
fn registrations(schedules: &[Schedule]) -> Vec<ObjectRef> {
    let objects = schedules.iter().map(|schedule| &schedule.object);
    objects
        .filter(|object| object.kind == "callback")
        .cloned()
        .collect()
}

fn address(config: &Config, hook: &Hook) -> String {
    let (base, name, token) = (&config.public_url, &hook.connection, &hook.token);
    format!("{base}/hooks/freshbooks/{name}/{token}")
}

fn consent_bases(config: &Config) -> BTreeMap<String, String> {
    let connections = config.connections.iter();
    let base = |one: &ConnectionConfig| (one.name.clone(), one.freshbooks_consent_base.clone());
    connections.map(base).collect()
}

async fn undecided(config: &Config, store: &dyn Store) -> Result<i64, StoreError> {
    let limit = u32::try_from(config.limits.notices_max).unwrap_or(u32::MAX);
    let undecided = store.undecided_notices(limit).await?.len();
    Ok(i64::try_from(undecided).unwrap_or(i64::MAX))
}

/// 128 random bits in hex.
pub(crate) fn random_hex() -> Result<String, SealError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|_| SealError::NoRandomness)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn sentences(problems: &[Problem]) -> String {
    let said: Vec<String> = problems
        .iter()
        .map(|problem| format!("{} {}", problem.pointer, problem.message))
        .collect();
    said.join("; ")
}
