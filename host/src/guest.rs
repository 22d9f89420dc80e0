//! The component, loaded: compiled once, instantiated as often as needed, bounded in time and
//! memory.
//!
//! Time is bounded by fuel, which is exact and repeatable; memory by a limit on each instance. An
//! instance that has trapped is never called again: its owner makes a new one.

mod bounds;
mod cache;
mod instance;
mod shared_instance;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store, Trap};

use self::bounds::Bounds;
use self::cache::CodeCache;
pub use self::instance::{Instance, RunHandle, SettingsHandle};
pub use self::shared_instance::{InstanceError, OpenRun, Opened, SettingsText, SharedInstance};
use crate::config::Limits;
use crate::contract::ConnectorPre;

/// Why the component cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// There is no file, or it cannot be read.
    #[error(
        "the component {path} cannot be read ({source}): run `cargo build-component`, or correct \
         the setting `component.path`"
    )]
    Unreadable {
        /// The path of `component.path`.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file is not a component that can be compiled.
    #[error("{path} is not a WebAssembly component ({detail}): run `cargo build-component`")]
    NotAComponent {
        /// The path of `component.path`.
        path: PathBuf,
        /// What the compiler says.
        detail: String,
    },
    /// A component, but not of the contract that this program was built with.
    #[error(
        "{path} does not fit this program ({detail}): build both from the same sources with \
         `cargo build-component`"
    )]
    OtherContract {
        /// The path of `component.path`.
        path: PathBuf,
        /// What is missing or different.
        detail: String,
    },
    /// Not the component that the settings pin.
    #[error(
        "{path} has the SHA-256 {found}, and the setting `component.sha256` wants {pinned}: put \
         the component there that was meant, or change the setting if it is this one"
    )]
    OtherThanPinned {
        /// The path of `component.path`.
        path: PathBuf,
        /// The hash of the file, 64 characters of lower-case hex.
        found: String,
        /// The hash in the settings.
        pinned: String,
    },
    /// The operating system gives no memory for an instance.
    #[error(
        "there is no memory for the component ({0}): each instance reserves address space, of \
         which little is used; allow the service more of it (`ulimit -v`, systemd's LimitAS), or \
         free memory"
    )]
    NoMemory(String),
    /// A call ended in a trap: out of fuel, out of memory, or a defect. The instance is used up.
    #[error("the component trapped: {0}")]
    Trapped(String),
}

/// The component, compiled. Cheap to share, and to make instances of.
///
/// # Examples
///
/// ```no_run
/// use std::path::Path;
///
/// use ml_connector::config::Limits;
/// use ml_connector::contract::types::System;
/// use ml_connector::guest::Guest;
///
/// let guest = Guest::load(Path::new("ml_connector_component.wasm"), &Limits::default())?;
/// assert_eq!(guest.sha256_hex().len(), 64);
/// let gate = guest.instance()?.initial_gate(System::Concur)?;
/// assert_eq!(gate.hold, None);
/// # Ok::<(), ml_connector::guest::GuestError>(())
/// ```
pub struct Guest {
    engine: Engine,
    template: ConnectorPre<Bounds>,
    bytes_max: usize,
    fuel_max: u64,
    sha256_hex: String,
    contract_version: String,
}

/// A file that has been read, and compared with its pin.
struct ComponentFile<'p> {
    path: &'p Path,
    bytes: Vec<u8>,
    sha256_hex: String,
}

impl<'p> ComponentFile<'p> {
    fn read(path: &'p Path, pinned: Option<&str>) -> Result<Self, GuestError> {
        let bytes = std::fs::read(path).map_err(|source| GuestError::Unreadable {
            path: path.into(),
            source,
        })?;
        let sha256_hex = base16ct::lower::encode_string(&Sha256::digest(&bytes));
        match pinned.filter(|pinned| *pinned != sha256_hex) {
            Some(pinned) => Err(GuestError::OtherThanPinned {
                path: path.into(),
                found: sha256_hex,
                pinned: pinned.into(),
            }),
            None => Ok(Self {
                path,
                bytes,
                sha256_hex,
            }),
        }
    }
}

impl Guest {
    /// Compiles the component in a file and checks that it is one of this contract and imports
    /// nothing.
    ///
    /// # Errors
    ///
    /// Every [`GuestError`] but `Trapped`; each names the command that helps.
    pub fn load(path: &Path, limits: &Limits) -> Result<Self, GuestError> {
        Self::load_pinned(path, None, limits)
    }

    /// The same, if the file has this SHA-256, 64 characters of lower-case hex; any without one.
    ///
    /// # Errors
    ///
    /// As [`Guest::load`], and [`GuestError::OtherThanPinned`].
    pub fn load_pinned(
        path: &Path,
        pinned: Option<&str>,
        limits: &Limits,
    ) -> Result<Self, GuestError> {
        let file = ComponentFile::read(path, pinned)?;
        Self::compile(&file, limits, &engine_config())
    }

    /// The same, with the compiled code cached in a directory: from the second time on nothing is
    /// compiled, unless the directory cannot be used or a file in it was altered.
    ///
    /// # Errors
    ///
    /// As [`Guest::load_pinned`].
    pub fn load_cached(
        path: &Path,
        pinned: Option<&str>,
        limits: &Limits,
        directory: &Path,
    ) -> Result<Self, GuestError> {
        let file = ComponentFile::read(path, pinned)?;
        let code = CodeCache::open(directory);
        let cache = code.as_ref().and_then(CodeCache::for_wasmtime);
        let mut engine = engine_config();
        engine.cache(cache.clone());
        let guest = Self::compile(&file, limits, &engine)?;
        if let (Some(code), Some(cache)) = (code, cache)
            && cache.cache_misses() > 0
        {
            code.store_checksums();
        }
        Ok(guest)
    }

    fn compile(
        file: &ComponentFile<'_>,
        limits: &Limits,
        config: &Config,
    ) -> Result<Self, GuestError> {
        let path = file.path;
        let unusable = |error: wasmtime::Error| GuestError::NotAComponent {
            path: path.into(),
            detail: format!("{error:#}"),
        };
        let engine = Engine::new(config).map_err(unusable)?;
        let component = Component::from_binary(&engine, &file.bytes).map_err(unusable)?;
        let template =
            template(&engine, &component).map_err(|error| GuestError::OtherContract {
                path: path.into(),
                detail: format!("{error:#}"),
            })?;
        Ok(Self {
            contract_version: contract_version(&engine, &component),
            engine,
            template,
            bytes_max: limits.component_bytes_max,
            fuel_max: limits.component_fuel_max,
            sha256_hex: file.sha256_hex.clone(),
        })
    }

    /// SHA-256 of the `.wasm` file, 64 characters of lower-case hex: the `component-hash` of
    /// histories that it runs.
    #[must_use]
    pub fn sha256_hex(&self) -> &str {
        &self.sha256_hex
    }

    /// The version of the contract that it exports, such as `0.1.0`.
    #[must_use]
    pub fn contract_version(&self) -> &str {
        &self.contract_version
    }

    /// Makes an instance with its own memory, bounded by `component_bytes_max`.
    ///
    /// # Errors
    ///
    /// [`GuestError::Trapped`] if it cannot be made within its limits, and
    /// [`GuestError::NoMemory`].
    pub fn instance(&self) -> Result<Instance, GuestError> {
        let mut store = Store::new(&self.engine, Bounds::new(self.bytes_max));
        store.limiter(|bounds| bounds);
        store
            .set_fuel(self.fuel_max)
            .map_err(|error| trapped(&error))?;
        let api = self
            .template
            .instantiate(&mut store)
            .map_err(|error| not_made(&error))?;
        Ok(Instance {
            store,
            api,
            fuel_max: self.fuel_max,
            bytes_max: self.bytes_max,
            trapped: false,
        })
    }
}

fn engine_config() -> Config {
    let mut config = Config::new();
    config.wasm_component_model(true).consume_fuel(true);
    config
}

fn template(engine: &Engine, component: &Component) -> wasmtime::Result<ConnectorPre<Bounds>> {
    // An empty linker: a component with an import is refused here.
    let linker = Linker::new(engine);
    ConnectorPre::new(linker.instantiate_pre(component)?)
}

/// The version after the names of its interfaces, `ml-connector:sync/runs@0.1.0`.
fn contract_version(engine: &Engine, component: &Component) -> String {
    let component_type = component.component_type();
    let mut exports = component_type.exports(engine);
    let version = exports.find_map(|(name, _)| Some(name.split_once('@')?.1.to_owned()));
    version.unwrap_or_default()
}

/// Why there is no instance: the operating system, or the component.
fn not_made(error: &wasmtime::Error) -> GuestError {
    // The number of ENOMEM; wasmtime gives it as an error of the crate that asked for the memory.
    let cause = error.root_cause().to_string();
    match cause.ends_with("(os error 12)") {
        true => GuestError::NoMemory(cause),
        false => trapped(error),
    }
}

/// The trap alone: the frames above it name functions of the component, which help nobody who runs
/// it.
fn trapped(error: &wasmtime::Error) -> GuestError {
    let cause = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    GuestError::Trapped(cause)
}
