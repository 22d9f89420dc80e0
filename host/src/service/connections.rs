//! Connections from the settings: each gets an instance of the component, which checks its
//! settings, and then what it needs at run time.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Notify;

use super::ServeError;
use super::addresses::Addresses;
use crate::config::{Config, ConnectionConfig};
use crate::contract::pacing::Gate;
use crate::contract::settings::{Endpoints, Identity, Schedule};
use crate::contract::types::{Instant, System};
use crate::credentials::Account;
use crate::engine::{Connection, Gates, RecentWakes, Services, TokenRefresh, bound_due};
use crate::guest::{Guest, SettingsText, SharedInstance};
use crate::http_client::{OriginError, Origins};
use crate::store::{Damage, Store, StoreError, Write};

/// A connection whose settings the component has accepted.
pub(super) struct LoadedConnection<'c> {
    pub(super) config: &'c ConnectionConfig,
    pub(super) instance: Arc<SharedInstance>,
    pub(super) settings: SettingsText,
    pub(super) schedules: Vec<Schedule>,
    pub(super) endpoints: Endpoints,
    pub(super) identity: Identity,
}

/// Loads the settings of every connection into an instance of its own.
pub(super) fn load_all<'c>(
    config: &'c Config,
    guest: &Arc<Guest>,
) -> Result<Vec<LoadedConnection<'c>>, ServeError> {
    let connections = config.connections.iter();
    connections.map(|config| load(config, guest)).collect()
}

fn load<'c>(
    config: &'c ConnectionConfig,
    guest: &Arc<Guest>,
) -> Result<LoadedConnection<'c>, ServeError> {
    let instance = Arc::new(SharedInstance::new(Arc::clone(guest))?);
    // The version is what settings are known by, and only a loaded one has it.
    let loaded = instance.call(|instance| {
        let settings = match instance.load_settings(&config.name, &config.json)? {
            Ok(settings) => settings,
            Err(problems) => return Ok(Err(problems)),
        };
        Ok(Ok((
            instance.settings_version(settings)?,
            instance.schedules(settings)?,
            instance.endpoints(settings)?,
            instance.identity(settings)?,
        )))
    })?;
    let (version, schedules, endpoints, identity) =
        loaded.map_err(|problems| ServeError::Settings {
            connection: config.name.clone(),
            problems,
        })?;
    let json = Arc::from(config.json.as_str());
    Ok(LoadedConnection {
        config,
        instance,
        settings: SettingsText {
            connection: Arc::from(config.name.as_str()),
            version,
            json,
        },
        schedules,
        endpoints,
        identity,
    })
}

/// Stores the settings of this start, since a run goes on with those that it began with, and brings
/// forward what was stored under a clock that was ahead.
pub(super) async fn store_settings(
    store: &dyn Store,
    loaded: &[LoadedConnection<'_>],
    now: Instant,
) -> Result<(), StoreError> {
    let write = |one: &LoadedConnection<'_>| Write::Settings {
        connection: one.config.name.clone(),
        version: one.settings.version.clone(),
        json: one.settings.json.to_string(),
        at: now,
    };
    if loaded.is_empty() {
        return Ok(());
    }
    let writes = loaded.iter().map(write).chain(bound_due(now)).collect();
    store.commit(writes).await.map(drop)
}

/// What credentials need of each connection.
pub(super) fn accounts(loaded: &[LoadedConnection<'_>]) -> Result<Vec<Account>, OriginError> {
    let account = |one: &LoadedConnection<'_>| {
        Ok(Account {
            connection: one.config.name.clone(),
            origins: Origins::from_endpoints(&one.endpoints)?,
            instance: Arc::clone(&one.instance),
            settings: one.settings.clone(),
        })
    };
    loaded.iter().map(account).collect()
}

/// The gates of a connection. Those that cannot be read are open: the next answer sets them.
async fn stored_gates(services: &Services, connection: &str) -> Result<Vec<Gate>, StoreError> {
    match services.store.gates(connection).await {
        Err(StoreError::Corrupt(why)) => {
            let damage = Damage {
                connection: Some(connection.to_owned()),
                run: None,
                message: format!("its gates cannot be read and are taken to be open ({why})"),
            };
            services.health.note_damage(&damage).await;
            Ok(Vec::new())
        }
        gates => gates,
    }
}

/// The connections as the engine has them, by name.
pub(super) async fn start_all(
    config: &Config,
    loaded: Vec<LoadedConnection<'_>>,
    addresses: &Addresses,
    services: &Arc<Services>,
) -> Result<BTreeMap<String, Arc<Connection>>, ServeError> {
    let mut connections = BTreeMap::new();
    for one in loaded {
        let name = one.config.name.clone();
        let stored = stored_gates(services, &name).await?;
        let gates = Gates::new(&name, &one.instance, &stored, services.clock.now())?;
        let connection = Connection {
            webhook_url: addresses.webhook_url(config, &name),
            events_url: addresses.events_url(config, &name),
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
        for system in System::ALL {
            connection.show_gate(&connection.gates.get(system));
        }
        connections.insert(name, Arc::new(connection));
    }
    Ok(connections)
}
