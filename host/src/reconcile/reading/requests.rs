//! Sends the reads of a comparison, and nothing else.

use std::time::Duration;

use crate::contract::credentials::CredentialStatus;
use crate::contract::http::{Authorization, Method, Request, Response, SendOutcome};
use crate::contract::runs::{Intent, OutboundRequest};
use crate::contract::types::System;
use crate::engine::{Connection, GateClosed};
use crate::guest::InstanceError;
use crate::http_client::NoSecrets;
use crate::reconcile::progress::Progress;
use crate::store::StoreError;

/// Times that a read is sent that is not answered, or refused for now.
const TRIES_MAX: u32 = 5;
/// Before it is sent again; twice as long each time.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// Between looks at a gate that holds everything back.
const GATE_LOOK: Duration = Duration::from_millis(200);
/// How long a gate may hold a comparison back: a day's limit of requests opens it again at
/// midnight, and nobody waits that long for a report.
const HELD_MAX_MS: u64 = 15 * 60 * 1_000;

/// Why two systems cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// A system is not connected.
    #[error("{} is not connected: run `ml-connector connect {}`", .0.display_name(), .0.as_str())]
    NotConnected(System),
    /// Requests are held back for longer than anyone waits.
    #[error("{} takes no requests: {why}; see `ml-connector status`", system.display_name())]
    Held {
        /// The system that was asked.
        system: System,
        /// Why, one plain sentence.
        why: String,
    },
    /// A read was not answered, however often it was sent.
    #[error("{} does not answer ({why}); try again later", system.display_name())]
    NotAnswered {
        /// The system that was asked.
        system: System,
        /// What happened, such as `HTTP 500`.
        why: String,
    },
    /// A list was refused, or is none.
    #[error("{} does not show a list: {why}", system.display_name())]
    List {
        /// The system that was asked.
        system: System,
        /// In its own words.
        why: String,
    },
    /// The settings have no such flow.
    #[error("there is no flow \"{name}\"; the settings have {known}")]
    UnknownFlow {
        /// As it was asked for.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// The component names a flow that it cannot read.
    #[error("the component does not say how {0} is read; report this as a bug")]
    NoRequest(String),
    /// The component asks for a write, which a comparison never sends.
    #[error("the component asked for a {0} where only reads are sent; report this as a bug")]
    NotARead(&'static str),
    /// The service is about to stop.
    #[error("the service is stopping; ask again when it runs")]
    Stopping,
    /// A call into the component failed.
    #[error(transparent)]
    Component(#[from] InstanceError),
    /// What the store knows of the records cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Both systems, as far as a comparison may ask them.
pub(super) struct Remotes<'c> {
    connection: &'c Connection,
    progress: &'c Progress,
}

impl<'c> Remotes<'c> {
    pub(super) fn new(connection: &'c Connection, progress: &'c Progress) -> Self {
        Self {
            connection,
            progress,
        }
    }

    /// Sends a read until it is answered: by whatever answer is no "not now".
    pub(super) async fn ask(&self, request: &Request) -> Result<Response, ReconcileError> {
        check_read(request)?;
        let (system, mut pause, mut why) = (request.system, RETRY_PAUSE, String::new());
        for _ in 0..TRIES_MAX {
            match self.send(request).await? {
                SendOutcome::Response(response) if !is_not_now(response.status) => {
                    self.progress.note_call();
                    return Ok(response);
                }
                SendOutcome::Response(response) => why = format!("HTTP {}", response.status),
                SendOutcome::NotSent(error) | SendOutcome::MaybeSent(error) => {
                    why = error.detail;
                }
            }
            self.progress.note_wait(&why);
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err(ReconcileError::NotAnswered { system, why })
    }

    async fn send(&self, request: &Request) -> Result<SendOutcome, ReconcileError> {
        let Connection { name, services, .. } = self.connection;
        let system = request.system;
        let credential = services.credentials.credential(name, system);
        if !credential.is_some_and(|one| one.status == CredentialStatus::Live) {
            return Err(ReconcileError::NotConnected(system));
        }
        let give_up = services.clock.now().saturating_add(HELD_MAX_MS);
        let permit = loop {
            if services.is_stopping() {
                return Err(ReconcileError::Stopping);
            }
            match self.connection.permit(system, request.authorization).await {
                Ok(permit) => break permit,
                Err(GateClosed { until, message }) if until > give_up => {
                    let why = message;
                    return Err(ReconcileError::Held { system, why });
                }
                Err(closed) => {
                    self.progress.note_wait(&closed.message);
                    tokio::time::sleep(GATE_LOOK).await;
                }
            }
        };
        let outbound = OutboundRequest {
            request: request.clone(),
            intent: Intent::Read,
        };
        let (outcome, gate) = self.connection.send(&outbound, permit, &NoSecrets).await;
        if let Some(gate) = gate {
            let write = self.connection.gate_write(gate);
            services.store.commit(vec![write]).await?;
        }
        Ok(outcome)
    }
}

/// A comparison asks and never tells.
fn check_read(request: &Request) -> Result<(), ReconcileError> {
    let method = match request.method {
        Method::Get if request.body.is_empty() => match request.authorization {
            Authorization::Connection => return Ok(()),
            Authorization::None | Authorization::Application => "read without its own token",
        },
        Method::Get => "GET with a body",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Patch => "PATCH",
    };
    Err(ReconcileError::NotARead(method))
}

/// Statuses that say nothing about what was asked for: a token that has expired (SAP Concur says
/// 403 then), a limit, or a failure of the remote. A gate holds the next try where one is due.
fn is_not_now(status: u16) -> bool {
    matches!(status, 401 | 403 | 408 | 429 | 500..=599)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method) -> Request {
        Request {
            system: System::Concur,
            authorization: Authorization::Connection,
            method,
            path_with_query: "/x".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: 1_000,
        }
    }

    #[test]
    fn nothing_but_reads_is_sent() {
        assert!(check_read(&request(Method::Get)).is_ok());
        for method in [Method::Post, Method::Put, Method::Delete, Method::Patch] {
            assert!(check_read(&request(method)).is_err(), "{method:?}");
        }
        let unsigned = Request {
            authorization: Authorization::Application,
            ..request(Method::Get)
        };
        assert!(check_read(&unsigned).is_err());
    }
}
