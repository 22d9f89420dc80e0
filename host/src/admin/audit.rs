//! One log line for each command of a person: who and what, and how it went. No line holds a
//! secret: a request is described by its name and the names in it.

use super::{AdminReply, AdminRequest};
use crate::contract::types::System;
use crate::private;

/// The target of these lines, by which they can be told from all others.
pub const TARGET: &str = "ml_connector::audit";

/// Who gave a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// The number of the user, as the operating system vouches for it.
    pub uid: u32,
    /// The number of the process.
    pub pid: Option<u32>,
}

impl Actor {
    /// The user that this process runs as.
    #[must_use]
    pub fn this_process() -> Self {
        Self {
            uid: private::own_user(),
            pid: Some(std::process::id()),
        }
    }

    /// The user at the other end of a Unix socket.
    pub(super) fn peer(peer: &tokio::net::unix::UCred) -> Self {
        Self {
            uid: peer.uid(),
            pid: peer.pid().and_then(|pid| pid.try_into().ok()),
        }
    }
}

/// What a command does, and to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The words of the command line, such as `replay` or `gate open`.
    pub name: &'static str,
    /// The connection, where it is about one.
    pub connection: Option<String>,
    /// What it is about beside that, such as `concur`, the number of a run or `--parked`; empty for
    /// nothing.
    pub about: String,
}

impl Command {
    /// A command of this name, about the store as a whole.
    #[must_use]
    pub fn new(name: &'static str, about: impl Into<String>) -> Self {
        Self {
            name,
            connection: None,
            about: about.into(),
        }
    }
}

/// What a request asks to be done; nothing for one that only asks how things stand.
pub(super) fn command(request: &AdminRequest) -> Option<Command> {
    let (name, connection, about) = match request {
        AdminRequest::Status | AdminRequest::Consented { .. } | AdminRequest::Rehearse { .. } => {
            return None;
        }
        // How it ends is another line.
        AdminRequest::Consent { connection } => (
            "connect",
            Some(connection),
            "freshbooks: asked for consent".into(),
        ),
        AdminRequest::Connect {
            connection, grant, ..
        } => ("connect", Some(connection), grant.system().as_str().into()),
        AdminRequest::Replay { run } => ("replay", None, run.to_string()),
        AdminRequest::ReplayParked { connection } => {
            ("replay", connection.as_ref(), "--parked".into())
        }
        AdminRequest::Backfill { connection, id } => ("backfill", Some(connection), id.clone()),
        AdminRequest::OpenGate { connection, system } => {
            ("gate open", Some(connection), system.as_str().into())
        }
        AdminRequest::Reseal { after } => ("keys reseal", None, after.clone()),
        AdminRequest::ForgetCheckpoints { connection } => (
            "keys forget-checkpoints",
            connection.as_ref(),
            String::new(),
        ),
        AdminRequest::ChangeWebhookAddress { connection } => {
            ("webhooks new-address", Some(connection), String::new())
        }
        AdminRequest::KeyAdded { id } => ("keys add", None, id.to_string()),
        AdminRequest::BackedUp { file, .. } => ("backup", None, file.clone()),
    };
    Some(Command {
        name,
        connection: connection.cloned(),
        about,
    })
}

/// The command that connects a system, from its beginning to what came of it.
pub(super) fn connect(connection: &str, system: System) -> Command {
    Command {
        name: "connect",
        connection: Some(connection.to_owned()),
        about: system.as_str().into(),
    }
}

/// Logs a command that the service, or the process of the command itself, has carried out.
pub(super) fn log_reply(actor: Actor, command: &Command, reply: &AdminReply) {
    match reply {
        AdminReply::Refused { message, .. } => log(actor, command, Err(message)),
        _ => log(actor, command, Ok(())),
    }
}

/// Logs a command and how it went; the error is one sentence without a secret.
pub fn log(actor: Actor, command: &Command, outcome: Result<(), &str>) {
    let Actor { uid, pid } = actor;
    let Command {
        name,
        connection,
        about,
    } = command;
    let (connection, done) = (connection.as_deref(), outcome.is_ok());
    let why = outcome.err();
    tracing::info!(
        target: TARGET,
        uid, pid, command = name, connection, about, done, why,
        "a person's command"
    );
}
