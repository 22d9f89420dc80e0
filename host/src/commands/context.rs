//! What commands share: the settings, the component, the store for reading.

use std::future::Future;
use std::path::PathBuf;

use ml_connector::config::{Config, ConnectionConfig, Draft, Settings, SettingsError};
use ml_connector::contract::settings::{Endpoints, ReceiverNeed};
use ml_connector::contract::types::Problem;
use ml_connector::guest::{Guest, GuestError, Instance};
use ml_connector::seal::Keyring;
use ml_connector::sealed::seal_keys_lost;
use ml_connector::secrets::{SecretError, Secrets};
use ml_connector::service;
use ml_connector::store::sqlite::SqliteStore;
use serde_json::Value;

use super::exit;
use super::failure::Failure;

/// Where the settings file is.
pub(super) struct Context {
    file: PathBuf,
}

/// Settings that the component has checked too, and the component.
pub(super) struct Checked {
    /// What the file says, without an error.
    pub settings: Settings,
    /// The component that checked them.
    pub guest: Guest,
}

/// Settings, as far as they could be checked, and the component, each by itself.
pub(super) struct Looked {
    /// The settings; without a component only the host's part of them was checked.
    pub settings: Result<Settings, SettingsError>,
    /// The component.
    pub guest: Result<Guest, GuestError>,
}

impl Context {
    /// Commands with this settings file.
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// The settings, of which only the host's part is checked: enough to read the store.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        Ok(self.draft()?.finish(&|_, _| Vec::new())?)
    }

    /// The settings as the host reads them, errors not yet reported.
    pub(super) fn draft(&self) -> Result<Draft, Failure> {
        Ok(Draft::read(&self.file)?)
    }

    /// The settings, all of them checked, and the component.
    pub(super) fn checked(&self) -> Result<Checked, Failure> {
        let looked = self.look()?;
        // What is wrong with the file may well be why the component was not found.
        Ok(Checked {
            settings: looked.settings?,
            guest: looked.guest?,
        })
    }

    /// What there is of both, each with what is wrong with it.
    ///
    /// # Errors
    ///
    /// If there is no settings file that is TOML.
    pub(super) fn look(&self) -> Result<Looked, SettingsError> {
        let draft = Draft::read(&self.file)?;
        let loaded = service::load_component(&draft.settings().config);
        let loaded = loaded.and_then(|guest| Ok((guest.instance()?, guest)));
        Ok(match loaded {
            Ok((instance, guest)) => Looked {
                settings: check(draft, instance),
                guest: Ok(guest),
            },
            Err(error) => Looked {
                settings: draft.finish(&|_, _| Vec::new()),
                guest: Err(error),
            },
        })
    }
}

fn check(draft: Draft, instance: Instance) -> Result<Settings, SettingsError> {
    let instance = std::cell::RefCell::new(instance);
    let problems = |name: &str, json: &str| match instance.borrow_mut().load_settings(name, json) {
        Ok(Ok(_)) => Vec::new(),
        Ok(Err(problems)) => problems,
        Err(error) => vec![trapped(&error)],
    };
    draft.finish(&problems)
}

fn trapped(error: &GuestError) -> Problem {
    Problem {
        pointer: String::new(),
        code: "component-failed".to_string(),
        message: format!("the component could not check this table: {error}"),
    }
}

/// The keys that open what is sealed in the store, or the sentence why there are none.
pub(super) fn keyring(config: &Config) -> Result<Keyring, String> {
    let keys = Secrets::new(config.secrets_dir.clone()).seal_keys();
    let keys = keys.map_err(|error| match error {
        SecretError::Missing { file, .. } => seal_keys_lost(&file),
        other => other.to_string(),
    })?;
    Keyring::parse(&keys).map_err(|error| error.to_string())
}

/// The connection of this name, or the only one.
pub(super) fn connection<'s>(
    settings: &'s Settings,
    name: Option<&str>,
) -> Result<&'s ConnectionConfig, Failure> {
    let connections = &settings.config.connections;
    let names: Vec<_> = connections
        .iter()
        .map(|connection| connection.name.as_str())
        .collect();
    match (name, connections.as_slice()) {
        (None, [only]) => Ok(only),
        (None, _) => Err(Failure::usage(format!(
            "there are several connections; name one with --connection: {}",
            names.join(", ")
        ))),
        (Some(name), all) => all
            .iter()
            .find(|connection| connection.name == name)
            .ok_or_else(|| {
                Failure::usage(format!(
                    "there is no connection {name:?}; the settings have {}",
                    names.join(", ")
                ))
            }),
    }
}

/// Whether FreshBooks sends the browser of a person who consents to this receiver: it compares the
/// redirect URI to the letter, and the receiver listens at one path.
pub(super) fn redirect_leads_here(config: &Config, connection: &ConnectionConfig) -> bool {
    let settings: Value = serde_json::from_str(&connection.json).unwrap_or_default();
    let ours = redirect_uri(config);
    settings["freshbooks"]["redirect_uri"].as_str() == Some(&ours)
}

/// The redirect URI that leads to this receiver.
pub(super) fn redirect_uri(config: &Config) -> String {
    format!("{}/oauth/freshbooks/callback", config.public_url)
}

/// Whether the settings of a connection have a schedule that needs events to be received; false
/// where the component is missing or does not accept them, which `check` reports.
pub(super) fn wants_events(instance: &mut Option<Instance>, config: &Config, name: &str) -> bool {
    let mut connections = config.connections.iter();
    let (Some(instance), Some(connection)) = (
        instance.as_mut(),
        connections.find(|connection| connection.name == name),
    ) else {
        return false;
    };
    let Ok(Ok(loaded)) = instance.load_settings(&connection.name, &connection.json) else {
        return false;
    };
    let schedules = instance.schedules(loaded).unwrap_or_default();
    let mut needs = schedules.iter().map(|schedule| schedule.needs);
    needs.any(|need| need == Some(ReceiverNeed::Events))
}

/// What the component says of a connection's settings that it has accepted.
pub(super) fn endpoints(
    guest: &Guest,
    connection: &ConnectionConfig,
) -> Result<Option<Endpoints>, Failure> {
    let mut instance = guest.instance()?;
    match instance.load_settings(&connection.name, &connection.json)? {
        Ok(settings) => Ok(Some(instance.endpoints(settings)?)),
        Err(_) => Ok(None),
    }
}

/// The store, for reading beside a running server.
pub(super) fn open_store(settings: &Settings) -> Result<SqliteStore, Failure> {
    let path = &settings.config.store;
    service::check_store_is_not_lost(&settings.config)?;
    if !SqliteStore::exists(path)? {
        let message = format!(
            "there is no store at {} yet: `ml-connector serve` makes it; the setting store.path \
             names it",
            path.display()
        );
        return Err(Failure::new(exit::STORE, message));
    }
    Ok(SqliteStore::open_read_only(path)?)
}

/// Waits for something that takes its time.
pub(super) fn wait_for<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(exit::NOT_IN_ORDER, format!("cannot start: {error}")))?;
    runtime.block_on(work)
}
