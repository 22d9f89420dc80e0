//! Everything but the loops, made from the settings and the store.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::Notify;

use super::addresses::Addresses;
use super::connections::{LoadedConnection, accounts, load_all, start_all, store_settings};
use super::exposures::Exposure;
use super::overlaps::{Joined, OverlapKind, Share, overlaps};
use super::{ServeError, exposures, known_stores};
use crate::admin::ConsentRounds;
use crate::backlog::Backlog;
use crate::callbacks::Callbacks;
use crate::clock::Clock;
use crate::component_record;
use crate::config::Config;
use crate::credentials::{Account, Credentials, Dependencies};
use crate::engine::{Connection, Services};
use crate::events::EventAddress;
use crate::guest::{Guest, GuestError, SharedInstance};
use crate::health::Health;
use crate::http_client::HttpClient;
use crate::metrics::Metrics;
use crate::rate_limit::DeliveryRates;
use crate::reconcile::Reconciliations;
use crate::seal::Keyring;
use crate::sealed::sealed_texts;
use crate::secrets::{SecretError, Secrets};
use crate::store::sqlite::{SqliteStore, resolve, with_suffix};
use crate::store::{Store, StoreError};
use crate::webhooks::{Consents, WebhookAddress};

/// Store, component and connections, ready for work: all that a command needs that has the store to
/// itself, and all that the loops of the service run on.
pub struct Parts {
    /// What all connections share.
    pub services: Arc<Services>,
    /// The compiled component, for more instances.
    pub guest: Arc<Guest>,
    /// The instance that decides about notices and reads events.
    pub instance: Arc<SharedInstance>,
    /// The connections of the settings, by name.
    pub connections: Arc<BTreeMap<String, Arc<Connection>>>,
    /// Where webhooks arrive, by connection.
    pub webhook_addresses: BTreeMap<String, WebhookAddress>,
    /// Where events arrive, by connection.
    pub event_addresses: BTreeMap<String, EventAddress>,
    /// Redirects from FreshBooks' consent page that are awaited.
    pub consents: Arc<Consents>,
    /// What has become of them.
    pub rounds: Arc<ConsentRounds>,
    /// Comparisons of both systems that are under way or done.
    pub reconciliations: Arc<Reconciliations>,
    /// Where FreshBooks users give their consent, by connection.
    pub consent_bases: BTreeMap<String, String>,
    /// Notified when notices have been stored, or a handshake has come that a run waits for.
    pub notices_stored: Arc<Notify>,
    /// Notices without a decision.
    pub backlog: Arc<Backlog>,
    /// How much the receivers store.
    pub rates: Arc<DeliveryRates>,
}

impl Parts {
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
        refuse_exposed_settings(config)?;
        known_stores::check(config)?;
        // First of all, so that nothing else is touched while another process has the store.
        let file = SqliteStore::lock(&config.store)?;
        let loading = load_guest(config, file.path());
        let store = Arc::new(SqliteStore::open_locked(file)?);
        let keyring = load_or_create_keyring(&*store, secrets).await?;
        known_stores::add(config);
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
        let loaded = load_all(config, &guest)?;
        refuse_exposed_endpoints(&loaded)?;
        refuse_doubled(&loaded)?;
        store_settings(&*store, &loaded, clock.now()).await?;
        component_record::record(&*store, &guest, clock.now()).await?;
        let dependencies = Dependencies {
            store,
            http_client: Arc::new(HttpClient::new(&config.limits)?),
            keyring,
            secrets,
            metrics: Arc::new(Metrics::of_component(&guest)),
            clock,
        };
        let services = make_services(config, dependencies, accounts(&loaded)?).await?;
        let addresses = Addresses::load(config, &loaded, &*services.store).await?;
        let backlog = Arc::new(Backlog::default());
        backlog.add(count_undecided(config, &*services.store).await?);
        let consent_bases = consent_bases(&loaded);
        Ok(Self {
            instance: Arc::new(SharedInstance::new(Arc::clone(&guest))?),
            connections: Arc::new(start_all(config, loaded, &addresses, &services).await?),
            guest,
            webhook_addresses: addresses.webhooks,
            event_addresses: addresses.events,
            consents: Arc::default(),
            rounds: Arc::default(),
            reconciliations: Arc::default(),
            consent_bases,
            notices_stored: Arc::new(Notify::new()),
            backlog,
            rates: Arc::default(),
            services,
        })
    }
}

/// What the file alone tells: before anything is made, loaded or listened at.
pub(super) fn refuse_exposed_settings(config: &Config) -> Result<(), ServeError> {
    refuse(exposures::of_settings(config))
}

/// What the component makes of it, before anything is sent.
fn refuse_exposed_endpoints(loaded: &[LoadedConnection<'_>]) -> Result<(), ServeError> {
    let exposed =
        |one: &LoadedConnection<'_>| exposures::of_endpoints(&one.config.name, &one.endpoints);
    refuse(loaded.iter().flat_map(exposed).collect())
}

fn refuse(found: Vec<Exposure>) -> Result<(), ServeError> {
    match found.is_empty() {
        true => Ok(()),
        false => Err(ServeError::Exposed(found)),
    }
}

fn refuse_doubled(loaded: &[LoadedConnection<'_>]) -> Result<(), ServeError> {
    let joined = loaded.iter().map(|one| Joined {
        identity: &one.identity,
        schedules: &one.schedules,
        share: Share::of(one.config),
    });
    let joined: Vec<Joined<'_>> = joined.collect();
    let mut found = overlaps(&joined);
    found.retain(|one| one.kind == OverlapKind::SameDocuments);
    match found.is_empty() {
        true => Ok(()),
        false => Err(ServeError::Doubled(found)),
    }
}

async fn make_services(
    config: &Config,
    dependencies: Dependencies,
    accounts: Vec<Account>,
) -> Result<Arc<Services>, ServeError> {
    let store = Arc::clone(&dependencies.store);
    let names: Vec<&str> = accounts.iter().map(|one| one.connection.as_str()).collect();
    let callbacks = Callbacks::load(&*store, Arc::clone(&dependencies.keyring), &names).await?;
    let metrics = Arc::clone(&dependencies.metrics);
    let health = Health::new(Arc::clone(&store), metrics, dependencies.clock.clone());
    Ok(Arc::new(Services {
        store,
        keyring: Arc::clone(&dependencies.keyring),
        health: Arc::new(health),
        http_client: Arc::clone(&dependencies.http_client),
        callbacks: Arc::new(callbacks),
        metrics: Arc::clone(&dependencies.metrics),
        clock: dependencies.clock.clone(),
        limits: config.limits.clone(),
        stopping: AtomicBool::new(false),
        credentials: Arc::new(Credentials::load(dependencies, accounts).await?),
    }))
}

/// The component of the settings for a command, compiled unless a service that works beside this
/// store has compiled it.
///
/// # Errors
///
/// Every [`GuestError`] but `Trapped`.
pub fn load_component(config: &Config) -> Result<Guest, GuestError> {
    let (path, pinned) = (&config.component, config.component_sha256.as_deref());
    let directory = with_suffix(&resolve(&config.store), ".compiled");
    match directory.is_dir() {
        true => Guest::load_cached(path, pinned, &config.limits, &directory),
        false => Guest::load_pinned(path, pinned, &config.limits),
    }
}

/// Compiling takes longer than all the rest, so it is done beside it.
fn load_guest(config: &Config, store: &Path) -> tokio::task::JoinHandle<Result<Guest, GuestError>> {
    let (path, limits) = (config.component.clone(), config.limits.clone());
    let pinned = config.component_sha256.clone();
    let directory = with_suffix(store, ".compiled"); // compiled code is cached beside the store
    tokio::task::spawn_blocking(move || {
        Guest::load_cached(&path, pinned.as_deref(), &limits, &directory)
    })
}

/// The seal keys; new ones only where the store holds nothing that needs older ones.
async fn load_or_create_keyring(
    store: &dyn Store,
    secrets: &Secrets,
) -> Result<Keyring, ServeError> {
    let keys = match secrets.seal_keys() {
        Err(SecretError::Missing { file, .. }) => {
            if !sealed_texts(store).await?.is_empty() {
                return Err(ServeError::SealKeysLost(file));
            }
            // Checkpoints do not need their keys, but must not be taken for the work of another.
            let heads = store.chain_heads().await?;
            let made = heads.iter().filter_map(|head| head.checkpoint.as_ref());
            let taken = made.map(|checkpoint| checkpoint.key_id).collect();
            let keys = Keyring::generate_beside(&taken)?;
            let file = secrets.store_seal_keys(&keys)?;
            tracing::info!(file = %file.display(), "new seal keys were made; keep a copy of them");
            keys
        }
        keys => keys?,
    };
    Ok(Keyring::parse(&keys)?)
}

fn consent_bases(loaded: &[LoadedConnection<'_>]) -> BTreeMap<String, String> {
    let base = |one: &LoadedConnection<'_>| {
        let base = one.endpoints.freshbooks_consent.clone();
        (one.config.name.clone(), base)
    };
    loaded.iter().map(base).collect()
}

async fn count_undecided(config: &Config, store: &dyn Store) -> Result<i64, StoreError> {
    let limit = u32::try_from(config.limits.notices_max).unwrap_or(u32::MAX);
    let undecided = store.undecided_notices(limit, Vec::new()).await?.len();
    Ok(i64::try_from(undecided).unwrap_or(i64::MAX))
}
