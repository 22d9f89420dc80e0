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
}

impl Guest {
    /// Compiles the component in a file and checks that it is one of this contract and imports
    /// nothing.
    ///
    /// # Errors
    ///
    /// Every [`GuestError`] but `Trapped`; each names the command that helps.
    pub fn load(path: &Path, limits: &Limits) -> Result<Self, GuestError> {
        Self::compile(path, limits, engine_config())
    }

    /// The same, with the compiled code cached in a directory: from the second time on nothing is
    /// compiled, unless the directory cannot be used or a file in it was altered.
    ///
    /// # Errors
    ///
    /// As [`Guest::load`].
    pub fn load_cached(path: &Path, limits: &Limits, directory: &Path) -> Result<Self, GuestError> {
        let code = CodeCache::open(directory);
        let cache = code.as_ref().and_then(CodeCache::for_wasmtime);
        let mut config = engine_config();
        config.cache(cache.clone());
        let guest = Self::compile(path, limits, config)?;
        if let (Some(code), Some(cache)) = (code, cache)
            && cache.cache_misses() > 0
        {
            code.store_checksums();
        }
        Ok(guest)
    }

    fn compile(path: &Path, limits: &Limits, config: Config) -> Result<Self, GuestError> {
        let bytes = std::fs::read(path).map_err(|source| GuestError::Unreadable {
            path: path.into(),
            source,
        })?;
        let unusable = |error: wasmtime::Error| GuestError::NotAComponent {
            path: path.into(),
            detail: format!("{error:#}"),
        };
        let engine = Engine::new(&config).map_err(unusable)?;
        let component = Component::from_binary(&engine, &bytes).map_err(unusable)?;
        let template =
            template(&engine, &component).map_err(|error| GuestError::OtherContract {
                path: path.into(),
                detail: format!("{error:#}"),
            })?;
        Ok(Self {
            engine,
            template,
            bytes_max: limits.component_bytes_max,
            fuel_max: limits.component_fuel_max,
            sha256_hex: base16ct::lower::encode_string(&Sha256::digest(&bytes)),
        })
    }

    /// SHA-256 of the `.wasm` file, 64 characters of lower-case hex: the `component-hash` of
    /// histories that it runs.
    #[must_use]
    pub fn sha256_hex(&self) -> &str {
        &self.sha256_hex
    }

    /// Makes an instance with its own memory, bounded by `component_bytes_max`.
    ///
    /// # Errors
    ///
    /// [`GuestError::Trapped`] if it cannot be made within its limits.
    pub fn instance(&self) -> Result<Instance, GuestError> {
        let mut store = Store::new(&self.engine, Bounds::new(self.bytes_max));
        store.limiter(|bounds| bounds);
        store
            .set_fuel(self.fuel_max)
            .map_err(|error| trapped(&error))?;
        let api = self
            .template
            .instantiate(&mut store)
            .map_err(|error| trapped(&error))?;
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

/// The trap alone: the frames above it name functions of the component, which help nobody who runs
/// it.
fn trapped(error: &wasmtime::Error) -> GuestError {
    let cause = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    GuestError::Trapped(cause)
}
