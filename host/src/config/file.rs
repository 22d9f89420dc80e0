//! The settings file: one TOML file, read into a checked [`Config`] with every error gathered.
//!
//! Reading takes two steps, because the errors of a connection's mapping and policy are found by
//! the component, and the path of the component is in the same file: [`Draft::read`] reads the
//! host's part, [`Draft::finish`] lets the component check each connection's table and gives the
//! settings, or every error with its line. [`load`] does both.
//!
//! Relative paths in the file start at the file's own directory. Secrets have no place in it.

use std::path::{Path, PathBuf};

use super::fault::{Faults, LineIndex, SettingsError};
use super::json::Places;
use super::table::Table;
use super::{Config, ConnectionConfig, connection, limits, receiver, reconcile, secret_key};
use crate::contract::types::Problem;

/// The longest settings file in bytes: 4 MiB. A hundred connections with full mappings have less
/// than one.
pub const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Checks one connection's table, given its name and the table as JSON text, and returns everything
/// that is wrong with it.
pub type Check<'a> = dyn Fn(&str, &str) -> Vec<Problem> + 'a;

/// Everything that the settings file says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the engine needs.
    pub config: Config,
    /// How the program logs.
    pub log: Log,
}

/// How the program logs, to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// The layout of a line.
    pub format: LogFormat,
    /// The least important level that is written.
    pub level: LogLevel,
}

/// The layout of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Words and `key=value` pairs, for a person.
    Text,
    /// One JSON object in each line.
    Json,
}

/// How important a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Only what needs a person.
    Error,
    /// What may need a person.
    Warn,
    /// What happened: one line for each ended run, start and stop.
    Info,
    /// What was decided, and why.
    Debug,
    /// Everything, what libraries log included.
    Trace,
}

/// Reads a settings file and has each connection's table checked.
///
/// # Errors
///
/// Every error of the file, with its line.
pub fn load(file: &Path, check: &Check<'_>) -> Result<Settings, SettingsError> {
    Draft::read(file)?.finish(check)
}

/// A settings file whose host part has been read, errors included.
#[derive(Debug)]
pub struct Draft {
    settings: Settings,
    places: Vec<Places>,
    pub(super) faults: Faults,
}

impl Draft {
    /// Reads the host's part of a settings file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not TOML; all else is reported by [`Draft::finish`].
    pub fn read(file: &Path) -> Result<Self, SettingsError> {
        Self::parse(file, &read_text(file)?)
    }

    /// Reads the host's part of a settings file from its text; `file` names it in errors and is
    /// where relative paths start.
    ///
    /// # Errors
    ///
    /// When the text is not TOML.
    ///
    /// # Examples
    ///
    /// Every error is reported, with its line:
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// use ml_connector::config::{Draft, SettingsError};
    ///
    /// let text = "[receiver]\npublic_url = 1\nlisten = 2\n";
    /// let draft = Draft::parse(Path::new("ml-connector.toml"), text)?;
    /// let Err(SettingsError::Wrong { faults, .. }) = draft.finish(&|_, _| Vec::new()) else {
    ///     panic!("there are errors");
    /// };
    /// assert!(faults.iter().any(|fault| fault.line == 2 && fault.key == "receiver.public_url"));
    /// assert!(faults.iter().any(|fault| fault.line == 3 && fault.key == "receiver.listen"));
    /// # Ok::<(), SettingsError>(())
    /// ```
    pub fn parse(file: &Path, text: &str) -> Result<Self, SettingsError> {
        let mut faults = Faults::new(file, LineIndex::new(text));
        let (document, errors) = toml::de::DeTable::parse_recoverable(text);
        for error in &errors {
            faults.syntax(error);
        }
        if !errors.is_empty() {
            return Err(faults.into_error());
        }
        let mut places = Vec::new();
        secret_key::refuse(document.get_ref(), &mut faults);
        let mut root = Table::root(document.get_ref(), &mut faults);
        let settings = read_settings(&mut root, file, &mut places);
        root.finish();
        Ok(Self {
            settings,
            places,
            faults,
        })
    }

    /// What has been read so far. Values with an error have their defaults.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Has each connection's table checked.
    ///
    /// # Errors
    ///
    /// Every error of the file: the host's and the component's, in the order of the file.
    pub fn finish(mut self, check: &Check<'_>) -> Result<Settings, SettingsError> {
        for (connection, places) in self.settings.config.connections.iter().zip(&self.places) {
            for problem in check(&connection.name, &connection.json) {
                self.faults.component(&connection.name, &problem, places);
            }
        }
        if self.faults.is_empty() {
            Ok(self.settings)
        } else {
            Err(self.faults.into_error())
        }
    }
}

fn read_text(file: &Path) -> Result<String, SettingsError> {
    let unreadable = |why: String| SettingsError::Unreadable {
        file: file.to_path_buf(),
        why,
    };
    let size = std::fs::metadata(file)
        .map_err(|error| unreadable(error.to_string()))?
        .len();
    if size > FILE_BYTES_MAX {
        return Err(unreadable("it is longer than 4 MiB".to_string()));
    }
    std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))
}

fn read_settings(root: &mut Table<'_, '_>, file: &Path, places: &mut Vec<Places>) -> Settings {
    let directory = file.parent().unwrap_or(Path::new(""));
    let receiver = root.table("receiver", |table| receiver::read(table, directory));
    let (component, component_sha256) =
        root.table("component", |table| read_component(table, directory));
    Settings {
        config: Config {
            listen: receiver.listen,
            monitoring_listen: receiver.monitoring_listen,
            trusted_proxies: receiver.trusted_proxies,
            tls_at_proxy: receiver.tls_at_proxy,
            tls: receiver.tls,
            events: receiver.events,
            public_url: receiver.public_url,
            store: root.table("store", |table| {
                directory.join(table.text_or("path", "ml-connector.sqlite"))
            }),
            component,
            component_sha256,
            secrets_dir: root.table("secrets", |table| {
                directory.join(table.text_or("directory", "secrets"))
            }),
            limits: root.table("limits", limits::read),
            reconcile: root.table("reconcile", reconcile::read),
            connections: read_connections(root, places),
        },
        log: root.table("log", read_log),
    }
}

fn read_connections(root: &mut Table<'_, '_>, places: &mut Vec<Places>) -> Vec<ConnectionConfig> {
    let mut connections = Vec::new();
    root.table("connections", |all| {
        for (name, table) in all.named_tables() {
            let (connection, its_places) = connection::read(name, table, all);
            connections.push(connection);
            places.push(its_places);
        }
        if connections.is_empty() {
            all.report_whole("expected at least one table such as [connections.acme]");
        }
    });
    connections
}

fn read_component(table: &mut Table<'_, '_>, directory: &Path) -> (PathBuf, Option<String>) {
    let path = directory.join(table.text_or("path", "ml_connector_component.wasm"));
    let sha256 = table.parsed_or("sha256", None, |text| {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match text.len() == 64 && text.bytes().all(is_digit) {
            true => Ok(Some(text.to_owned())),
            false => {
                Err("64 characters of 0-9 and a-f, as `ml-connector check` prints".to_string())
            }
        }
    });
    (path, sha256)
}

fn read_log(table: &mut Table<'_, '_>) -> Log {
    Log {
        format: table.choice(
            "format",
            &[("text", LogFormat::Text), ("json", LogFormat::Json)],
        ),
        level: table.choice(
            "level",
            &[
                ("info", LogLevel::Info),
                ("error", LogLevel::Error),
                ("warn", LogLevel::Warn),
                ("debug", LogLevel::Debug),
                ("trace", LogLevel::Trace),
            ],
        ),
    }
}
