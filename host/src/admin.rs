//! What a person asks of a service at work: connect, replay, tell how things stand.
//!
//! A running service holds the store, so that commands talk to it over a Unix socket beside the
//! store, which only the same user can open: one request as JSON, then one reply. Where no service
//! runs, the command opens the store itself and does the same through the same code.

mod handle;
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
use crate::contract::credentials::{Credential, Forecast, Grant};
use crate::contract::pacing::Gate;
use crate::secrets::Secrets;
use crate::service::{Parts, ServeError};
use crate::store::RunId;

/// What is asked.
#[derive(Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum AdminRequest {
    /// Begins FreshBooks' consent: answered with [`AdminReply::Consent`].
    Consent {
        /// The connection.
        connection: String,
    },
    /// Whether the consent that was begun with this state has come back and what became of it:
    /// answered with `Waiting`, `Connected` or `Refused`.
    Consented {
        /// The state.
        state: String,
    },
    /// Connects with what a person brings: answered with `Connected` or `Refused`.
    Connect {
        /// The connection.
        connection: String,
        /// What it is: an authorization code of FreshBooks, or a company request token of SAP
        /// Concur.
        grant: Grant,
        /// The secret itself.
        secret: Zeroizing<String>,
    },
    /// Runs the object of a run again, from the source: answered with `Replayed`.
    Replay {
        /// The run.
        run: RunId,
    },
    /// Runs every object again whose latest run is parked: answered with `Replayed`.
    ReplayParked {
        /// Of this connection only.
        connection: Option<String>,
    },
    /// How things stand: answered with `Status`.
    Status,
}

/// What is answered.
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
    /// Connected.
    Connected {
        /// The credential without its secrets.
        credential: Credential,
        /// What is not in order for all that, one plain sentence.
        note: Option<String>,
    },
    /// Objects that run again.
    Replayed {
        /// How many.
        objects: u64,
    },
    /// How things stand.
    Status(Status),
    /// It was not done: one plain sentence.
    Refused {
        /// Why, and what helps.
        sentence: String,
    },
}

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The connections.
    pub connections: Vec<ConnectionStatus>,
    /// Notices without a decision.
    pub notices_undecided: i64,
}

/// How a connection stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionStatus {
    /// Its name.
    pub name: String,
    /// The version of its settings.
    pub settings_version: String,
    /// Its credentials and what they need: FreshBooks, SAP Concur.
    pub credentials: Vec<(Credential, Forecast)>,
    /// Its gates: FreshBooks, SAP Concur.
    pub gates: Vec<Gate>,
}

/// Why nothing was answered.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The service does not answer as it should.
    #[error("the service at {path} gave no answer ({detail}); check its log")]
    NoAnswer {
        /// The socket.
        path: PathBuf,
        /// What happened.
        detail: String,
    },
    /// No service runs, and what it would work with cannot be opened.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// Asks the service at work, or does it in this process if none is.
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
    let parts = Parts::open(config, secrets, Clock::system()).await?;
    Ok(handle(&parts, request, false).await)
}

/// Consents that are awaited at once, or whose end nobody has asked for yet; the oldest gives way.
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

    /// The end, which is told once.
    fn ended(&self, state: &str) -> AdminReply {
        let mut rounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = rounds.known.iter().find(|(_, (known, _))| known == state);
        let Some((number, (_, end))) = found.map(|(number, round)| (*number, round.clone())) else {
            let sentence = "this consent is no longer expected; start again with `ml-connector connect freshbooks`";
            return AdminReply::Refused {
                sentence: sentence.into(),
            };
        };
        let Some(end) = end else {
            return AdminReply::Waiting;
        };
        rounds.known.remove(&number);
        end
    }
}
