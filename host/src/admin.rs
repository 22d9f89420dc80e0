//! What a person asks of a running service: connect, replay, show its status.
//!
//! A running service holds the store, so that commands talk to it over a Unix socket beside the
//! store, which only the same user can open: one request as JSON, then one reply. Where no service
//! runs, the command opens the store itself and does the same through the same code.

pub mod audit;
mod backfill;
mod checkpoints;
mod consent;
mod consent_rounds;
mod handle;
pub mod links;
mod reconciling;
mod reseal;
mod socket;
mod subscribe;
mod webhook_address;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use self::consent_rounds::ConsentRounds;
use self::handle::handle;
use self::links::{LinksReply, LinksRequest};
pub(crate) use self::reseal::reseal_at_start;
pub(crate) use self::socket::{answer_all, listen};
use crate::clock::Clock;
use crate::config::Config;
use crate::contract::credentials::{Credential, Grant, RefreshPlan};
use crate::contract::pacing::Gate;
use crate::contract::runs::NewTask;
use crate::contract::types::System;
use crate::engine::{AssumedLink, Rehearsal};
use crate::reconcile::progress::Stand;
use crate::reconcile::report::Report;
use crate::secrets::Secrets;
use crate::service::{Parts, ServeError};
use crate::store::sqlite::SqliteStore;
use crate::store::{RunId, StoreError};

/// A request to the service.
#[derive(Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum AdminRequest {
    /// Begins FreshBooks' consent: answered with [`AdminReply::Consent`].
    Consent {
        /// The name of the connection.
        connection: String,
    },
    /// Whether the consent that was begun with this state has come back and what became of it:
    /// answered with `Waiting`, `Connected` or `Refused`.
    Consented {
        /// The `state` of the consent's URL.
        state: String,
    },
    /// Connects with what a person brings: answered with `Connected` or `Refused`.
    Connect {
        /// The name of the connection.
        connection: String,
        /// What the secret is: an authorization code of FreshBooks, or a company request token of
        /// SAP Concur.
        grant: Grant,
        /// The secret, as the person typed or pasted it; zeroized after use.
        secret: Zeroizing<String>,
    },
    /// Runs the object of a run again, from the source: answered with `Replayed`.
    Replay {
        /// The number of the run.
        run: RunId,
    },
    /// Runs every object again whose latest run is parked: answered with `Replayed`.
    ReplayParked {
        /// Of this connection only.
        connection: Option<String>,
    },
    /// Starts the run of a `backfill` object: begins one, goes on with it, or cancels it; answered
    /// with `BackfillStarted`.
    Backfill {
        /// The name of the connection.
        connection: String,
        /// The id of the object, as `wit/types.wit` has it.
        id: String,
    },
    /// Asks what a run would do, which sends reads and stores nothing: answered with `Rehearsed`.
    Rehearse {
        /// The name of the connection.
        connection: String,
        /// The run that is rehearsed.
        task: NewTask,
        /// What is taken for stored, whatever the store says.
        assumed: Vec<AssumedLink>,
        /// Whether it goes on past what it would store.
        goes_on: bool,
    },
    /// Seals secrets in the store with the newest key, those of some connections at a time:
    /// answered with `Resealed`.
    Reseal {
        /// The connections whose names come after this one; empty to begin.
        after: String,
    },
    /// Opens the gate in front of a system: answered with `GateOpened`.
    OpenGate {
        /// The name of the connection.
        connection: String,
        /// The system.
        system: System,
    },
    /// Credentials, gates and backlog: answered with `Status`.
    Status,
    /// Begins checkpoints anew that do not hold: answered with `CheckpointsBegun`.
    ForgetCheckpoints {
        /// Of this connection only.
        connection: Option<String>,
    },
    /// Changes the webhooks' address at the next start: answered with `WebhookAddressChanged`.
    ChangeWebhookAddress {
        /// The name of the connection.
        connection: String,
    },
    /// Links that a person makes or breaks: answered with `Links`.
    Links(LinksRequest),
    /// Begins to compare both systems: answered with `ReconcileBegun`.
    Reconcile {
        /// The name of the connection.
        connection: String,
        /// The first day, `YYYY-MM-DD`.
        from: String,
        /// The last day, `YYYY-MM-DD`.
        to: String,
        /// The names of the flows; empty for all.
        flows: Vec<String>,
    },
    /// How a comparison stands: answered with `Reconciling`, `Reconciled` or `Refused`.
    ReconcileStand {
        /// The number of the comparison.
        job: u64,
        /// Findings that the asker has already.
        after: usize,
    },
    /// Somebody added a seal key, which the log is to say: answered with `Noted`.
    KeyAdded {
        /// The id of the key.
        id: u8,
    },
    /// Somebody copied the store, which the log is to say: answered with `Noted`.
    BackedUp {
        /// The path of the copy.
        file: String,
        /// Its size.
        bytes: u64,
    },
}

/// What the service replies to an [`AdminRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum AdminReply {
    /// Where the user gives consent.
    Consent {
        /// The address to open in a browser.
        url: String,
        /// Comes back with the redirect.
        state: String,
        /// Whether the redirect is waited for; else it must be pasted.
        is_awaited: bool,
    },
    /// The consent has not come back yet.
    Waiting,
    /// The system is connected.
    Connected {
        /// The credential without its secrets.
        credential: Credential,
        /// What is not in order for all that, one plain sentence.
        note: Option<String>,
    },
    /// Objects that run again.
    Replayed {
        /// How many objects run again; 0 if none matched.
        objects: u64,
    },
    /// The run of the back-fill is due.
    BackfillStarted,
    /// What a run would do.
    Rehearsed(Box<Rehearsal>),
    /// The gate is open.
    GateOpened {
        /// Whether it had been closed.
        was_held: bool,
    },
    /// The secrets of some connections are sealed with the newest key.
    Resealed {
        /// Secrets that were sealed anew.
        resealed: u64,
        /// Secrets that were sealed with the newest key already.
        current: u64,
        /// What does not open, and stays as it is: one line each.
        unopened: Vec<String>,
        /// Connections that are left.
        left: u64,
        /// Where to go on; nothing when no connection is left.
        next: Option<String>,
        /// The ids of the keys that the service has, the newest first. When no connection is left
        /// and everything opens, the others open nothing any more.
        key_ids: Vec<u8>,
    },
    /// A comparison has begun.
    ReconcileBegun {
        /// The number of the comparison.
        job: u64,
    },
    /// A comparison is under way.
    Reconciling(Stand),
    /// A comparison is done.
    Reconciled {
        /// What it found, with a part of the findings.
        report: Report,
        /// Where to go on; nothing when all findings were told.
        next: Option<usize>,
    },
    /// Credentials, gates and backlog.
    Status(ServiceStatus),
    /// Checkpoints that were begun anew, each with why the one before did not hold.
    CheckpointsBegun {
        /// By the name of the connection.
        begun: BTreeMap<String, String>,
    },
    /// What came of a change of links.
    Links(LinksReply),
    /// The next start receives at a new address.
    WebhookAddressChanged,
    /// It is in the log.
    Noted,
    /// The request was refused: one plain sentence.
    Refused {
        /// Why, and what helps.
        message: String,
        /// Where it is to be put right.
        #[serde(default)]
        fault: Fault,
    },
}

/// Where a person puts right what a request was refused for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// In the request itself, or in what it was about.
    #[default]
    Request,
    /// In the settings or a secret.
    Settings,
    /// In a credential: by connecting again.
    Credential,
    /// In the store.
    Store,
    /// At the remote, which did not answer or could not.
    Remote,
}

/// The state of the service that is not in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// In the order of their names.
    pub connections: Vec<ConnectionStatus>,
    /// Notices without a decision.
    pub notices_undecided: i64,
    /// Client secrets that the service cannot use, one sentence each with what helps.
    #[serde(default)]
    pub client_secrets: Vec<String>,
}

/// The state of one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionStatus {
    /// As in the settings file.
    pub name: String,
    /// The version of its settings.
    pub settings_version: String,
    /// Its credentials and what they need: FreshBooks, SAP Concur.
    pub credentials: Vec<(Credential, RefreshPlan)>,
    /// Its gates: FreshBooks, SAP Concur.
    pub gates: Vec<Gate>,
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The service does not answer as it should.
    #[error("the service at {path} gave no answer ({detail}); check its log")]
    NoAnswer {
        /// The path of the socket.
        path: PathBuf,
        /// What happened, such as `Connection reset by peer (os error 104)`.
        detail: String,
    },
    /// A process has the store, but none answers beside it.
    #[error(
        "a service that has {store} does not answer yet; if it is still starting or stopping, try \
         again soon (its log says how far it is), and if it was started with another store.path \
         for the same file, name that one"
    )]
    NotStarted {
        /// The path of the store.
        store: PathBuf,
    },
    /// No service runs, and what it would work with cannot be opened.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// How long a service may take from its first look at the store until it answers: the first start
/// compiles the component, and the store may have to be brought up to date.
const STARTING_MAX: Duration = Duration::from_secs(30);

/// How long a look at a running service may take: it reads its memory only.
const STATUS_PATIENCE: Duration = Duration::from_secs(5);

/// Between two tries meanwhile.
const STARTING_PAUSE: Duration = Duration::from_millis(100);

/// Asks the running service, or does it in this process if none runs. While a service is starting
/// or stopping, which has the store but does not answer, this waits for half a minute.
///
/// # Errors
///
/// [`AdminError`]; a refusal is a reply.
pub async fn call(
    config: &Config,
    secrets: &Secrets,
    request: AdminRequest,
) -> Result<AdminReply, AdminError> {
    let give_up = tokio::time::Instant::now() + STARTING_MAX;
    loop {
        if let Some(reply) = socket::ask(&config.store, &request).await? {
            return Ok(reply);
        }
        match Parts::open(config, secrets, Clock::system()).await {
            Ok(parts) => {
                let actor = audit::Actor::this_process();
                return Ok(handle(&parts, request, actor, false).await);
            }
            Err(ServeError::Store(StoreError::InUse(_))) => {}
            Err(error) => return Err(error.into()),
        }
        if tokio::time::Instant::now() >= give_up {
            return Err(AdminError::NotStarted {
                store: config.store.clone(),
            });
        }
        tokio::time::sleep(STARTING_PAUSE).await;
    }
}

/// Whether a service runs whose store was removed or replaced under it: it answers, and nobody has
/// the file that is there.
pub async fn is_running_without_store(config: &Config) -> bool {
    socket::is_answered(&config.store).await
        && matches!(
            SqliteStore::lock(&config.store),
            Ok(_) | Err(StoreError::Lost(_))
        )
}

/// Tells the running service something for its log; false where none runs that understands it.
pub async fn tell(config: &Config, request: AdminRequest) -> bool {
    let told = socket::ask(&config.store, &request).await;
    matches!(told, Ok(Some(AdminReply::Noted)))
}

/// Asks the running service; nothing where none runs.
///
/// # Errors
///
/// [`AdminError::NoAnswer`].
pub async fn ask_service(
    config: &Config,
    request: &AdminRequest,
) -> Result<Option<AdminReply>, AdminError> {
    socket::ask(&config.store, request).await
}

/// Whether a service runs, by its socket.
pub async fn is_running(config: &Config) -> bool {
    socket::is_answered(&config.store).await
}

/// How the running service stands; nothing where none runs, or where it does not answer at once.
pub async fn service_status(config: &Config) -> Option<ServiceStatus> {
    let request = AdminRequest::Status;
    let asked = tokio::time::timeout(STATUS_PATIENCE, socket::ask(&config.store, &request));
    match asked.await {
        Ok(Ok(Some(AdminReply::Status(status)))) => Some(status),
        _ => None,
    }
}
