//! Why the service cannot start, in sentences that name the setting or command that helps.

use std::path::PathBuf;

use super::exposures::Exposure;
use super::overlaps::Overlap;
use crate::callbacks::CallbackError;
use crate::contract::types::Problem;
use crate::credentials::CredentialError;
use crate::guest::{GuestError, InstanceError};
use crate::http_client::{HttpClientError, OriginError};
use crate::listener::ListenError;
use crate::seal::SealError;
use crate::sealed::seal_keys_lost;
use crate::secrets::SecretError;
use crate::store::StoreError;

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The component cannot be loaded.
    #[error(transparent)]
    Guest(#[from] GuestError),
    /// The component failed on a connection's settings.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The component refuses a connection's settings.
    #[error("the settings of connection `{connection}` have errors: {}", sentences(.problems))]
    Settings {
        /// The name of the connection.
        connection: String,
        /// All that was found.
        problems: Vec<Problem>,
    },
    /// The settings give something away that nobody means to give away.
    #[error("these settings would give secrets away, or believe anyone:\n  {}", listed(.0))]
    Exposed(Vec<Exposure>),
    /// Connections that would make every record twice.
    #[error("connections that are set up twice:\n  {}", listed(.0))]
    Doubled(Vec<Overlap>),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret is missing or exposed.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The seal keys cannot be used.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The seal keys are not there, and the store holds what they have sealed.
    #[error("{}", seal_keys_lost(.0))]
    SealKeysLost(PathBuf),
    /// A base URL in the settings is malformed.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// No request can be sent.
    #[error(transparent)]
    HttpClient(#[from] HttpClientError),
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
        /// The path of the store with `.sock` after it.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A task panicked, which is a defect of this program.
    #[error("a part of the service panicked; the log says more, please report it")]
    Defect,
}

fn listed(found: &[impl ToString]) -> String {
    let said: Vec<String> = found.iter().map(ToString::to_string).collect();
    said.join("\n  ")
}

fn sentences(problems: &[Problem]) -> String {
    let said: Vec<String> = problems
        .iter()
        .map(|problem| format!("{} {}", problem.pointer, problem.message))
        .collect();
    said.join("; ")
}
