//! What a person asks of a running service: connect, replay, show its status.
//!
//! A running service holds the store, so that commands talk to it over a Unix socket beside the
//! store, which only the same user can open: one request as JSON, then one reply. Where no service
//! runs, the command opens the store itself and does the same through the same code.

pub mod audit;
mod handle;
mod reseal;
mod socket;
mod subscribe;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use self::handle::handle;
pub(crate) use self::socket::{answer_all, listen};
use crate::clock::Clock;
use crate::config::Config;
use crate::contract::credentials::{Credential, Grant, RefreshPlan};
use crate::contract::pacing::Gate;
use crate::contract::types::System;
use crate::secrets::Secrets;
use crate::service::{Parts, ServeError};
use crate::store::RunId;

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
    /// Opens the gate in front of a system: answered with `GateOpened`, or `Refused` where only a
    /// connect helps.
    OpenGate {
        /// The name of the connection.
        connection: String,
        /// The system.
        system: System,
    },
    /// Seals every secret in the store with the newest key: answered with `Resealed`.
    Reseal,
    /// Credentials, gates and backlog: answered with `Status`.
    Status,
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
    /// The gate is open.
    GateOpened {
        /// Whether it had been closed.
        was_held: bool,
    },
    /// Every secret in the store is sealed with the newest key.
    Resealed {
        /// Secrets that were sealed anew.
        resealed: u64,
        /// Secrets that were sealed with the newest key already.
        current: u64,
        /// The ids of the keys that the service has, the newest first. All others open nothing any
        /// more.
        key_ids: Vec<u8>,
    },
    /// Credentials, gates and backlog.
    Status(ServiceStatus),
    /// The request was refused: one plain sentence.
    Refused {
        /// Why, and what helps.
        message: String,
    },
}

/// The state of the service that is not in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// In the order of their names.
    pub connections: Vec<ConnectionStatus>,
    /// Notices without a decision.
    pub notices_undecided: i64,
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
    /// No service runs, and what it would work with cannot be opened.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// Asks the running service, or does it in this process if none runs.
///
/// # Errors
///
/// [`AdminError`]; a refusal is a reply.
pub async fn call(
    config: &Config,
    secrets: &Secrets,
    request: AdminRequest,
) -> Result<AdminReply, AdminError> {
    if let Some(reply) = socket::ask(&config.store, &request).await? {
        return Ok(reply);
    }
    let command = audit::command(&request);
    let parts = Parts::open(config, secrets, Clock::system()).await?;
    let reply = handle(&parts, request, false).await;
    if let Some(command) = command {
        audit::log_reply(audit::Actor::this_process(), &command, &reply);
    }
    Ok(reply)
}

/// Consents that are awaited at once, or whose result was not asked for yet; one more drops the
/// oldest. A person starts one at a time.
const ROUNDS_MAX: usize = 16;

/// What has become of consents, by state.
#[derive(Default)]
pub struct ConsentRounds(Mutex<Rounds>);

#[derive(Default)]
struct Rounds {
    next: u64,
    known: BTreeMap<u64, (String, Option<AdminReply>)>,
}

impl ConsentRounds {
    fn begin(&self, state: &str) {
        let mut rounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while rounds.known.len() >= ROUNDS_MAX {
            rounds.known.pop_first();
        }
        let number = rounds.next;
        rounds.next += 1;
        rounds.known.insert(number, (state.into(), None));
    }

    fn end(&self, state: &str, reply: AdminReply) {
        let mut rounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (known, end) in rounds.known.values_mut() {
            if known == state {
                *end = Some(reply.clone());
            }
        }
    }

    /// The result, which is returned once.
    fn take_result(&self, state: &str) -> AdminReply {
        let mut rounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = rounds.known.iter().find(|(_, (known, _))| known == state);
        let Some((number, (_, end))) = found.map(|(number, round)| (*number, round.clone())) else {
            let message = "this consent is no longer expected; start again with \
                           `ml-connector connect freshbooks`";
            return AdminReply::Refused {
                message: message.into(),
            };
        };
        let Some(end) = end else {
            return AdminReply::Waiting;
        };
        rounds.known.remove(&number);
        end
    }
}
