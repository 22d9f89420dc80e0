//! Handles requests, in the process that has the store open.

use std::sync::Arc;

use super::audit::{self, Actor};
use super::subscribe;
use super::{AdminReply, AdminRequest, ConnectionStatus, Fault, ServiceStatus};
use super::{backfill, checkpoints, consent, links, reconciling, reseal, webhook_address};
use crate::contract::credentials::{Grant, TokenRemedy};
use crate::contract::pacing::HoldReason;
use crate::contract::reconciliation::Period;
use crate::contract::runs::{EndingKind, NewTask, StartReason};
use crate::contract::types::System;
use crate::credentials::CredentialError;
use crate::engine::{Connection, RehearsalError};
use crate::reconcile::{Asked, ReconcileError};
use crate::secrets::Secret;
use crate::service::Parts;
use crate::store::{Run, RunFilter, RunId, StoreError, Write};

/// Objects that are replayed in one commit: thousands take seconds, and other commits get through.
const REPLAY_BATCH_MAX: u32 = 256;

/// Handles a request, and logs that this person made it unless it only asks how things stand.
/// `is_service` says whether the receiver runs, so that redirects arrive.
pub(super) async fn handle(
    parts: &Parts,
    request: AdminRequest,
    actor: Actor,
    is_service: bool,
) -> AdminReply {
    let command = audit::command(&request);
    let reply = carry_out(parts, request, actor, is_service).await;
    if let Some(command) = command {
        audit::log_reply(actor, &command, &reply);
    }
    reply
}

async fn carry_out(
    parts: &Parts,
    request: AdminRequest,
    actor: Actor,
    is_service: bool,
) -> AdminReply {
    let done = match request {
        AdminRequest::Consent { connection } => {
            consent::begin(parts, &connection, actor, is_service)
        }
        AdminRequest::Consented { state } => Ok(parts.rounds.take_result(&state)),
        AdminRequest::Connect {
            connection,
            grant,
            secret,
        } => {
            let secret = Secret::new(secret.as_str().to_owned());
            connect(parts, &connection, grant, secret, is_service).await
        }
        AdminRequest::Replay { run } => replay(parts, run).await,
        AdminRequest::ReplayParked { connection } => replay_parked(parts, connection).await,
        AdminRequest::Backfill { connection, id } => backfill::start(parts, &connection, id).await,
        AdminRequest::Rehearse {
            connection,
            task,
            assumed,
            goes_on,
        } => backfill::rehearse(parts, &connection, task, assumed, goes_on).await,
        AdminRequest::Reseal { after } => reseal::reseal_next(&parts.services, &after).await,
        AdminRequest::OpenGate { connection, system } => {
            open_gate(parts, &connection, system).await
        }
        AdminRequest::ForgetCheckpoints { connection } => {
            checkpoints::forget(&parts.services, connection.as_deref()).await
        }
        AdminRequest::ChangeWebhookAddress { connection } => {
            webhook_address::change(parts, &connection).await
        }
        AdminRequest::Links(request) => links::change(parts, request, actor).await,
        AdminRequest::Reconcile {
            connection,
            from,
            to,
            flows,
        } => find_connection(parts, &connection).and_then(|connection| {
            let period = Period { from, to };
            reconciling::begin(parts, connection, Asked { period, flows })
        }),
        AdminRequest::ReconcileStand { job, after } => reconciling::stand(parts, job, after),
        AdminRequest::KeyAdded { .. } => Ok(AdminReply::Noted),
        AdminRequest::Status => Ok(AdminReply::Status(status(parts))),
        AdminRequest::BackedUp { file, bytes } => {
            tracing::info!(file, bytes, "the store was backed up");
            Ok(AdminReply::Noted)
        }
    };
    done.unwrap_or_else(|error| error.into())
}

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum AdminRefusal {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Credential(#[from] CredentialError),
    #[error(transparent)]
    Callback(#[from] crate::callbacks::CallbackError),
    #[error(transparent)]
    Seal(#[from] crate::seal::SealError),
    #[error(transparent)]
    Component(#[from] crate::guest::GuestError),
    #[error("{0}")]
    Links(String),
    #[error("there is no connection named `{0}`; see `ml-connector status`")]
    UnknownConnection(String),
    #[error(
        "nothing was connected, because the event subscription must come first and could not be \
         made: {0}"
    )]
    NotSubscribed(String),
    #[error(
        "{} needs a person and no open gate: run `ml-connector connect {}`",
        system.display_name(), system.as_str()
    )]
    GateNeedsConnect { system: System },
    #[error("{0} receives no webhooks: set receiver.public_url")]
    NoWebhooks(String),
    #[error("a comparison of {0} is under way; wait until it is done")]
    Comparing(String),
    #[error("the service does not know this comparison any more; start it again")]
    UnknownComparison,
    #[error(transparent)]
    Reconcile(#[from] Arc<ReconcileError>),
    #[error("there is no run {0}; see `ml-connector runs`")]
    UnknownRun(RunId),
    #[error("what would be done cannot be said: {0}")]
    Rehearsal(#[from] RehearsalError),
}

impl AdminRefusal {
    fn fault(&self) -> Fault {
        match self {
            Self::Credential(error) => credential_fault(error),
            Self::Store(_) | Self::Callback(_) => Fault::Store,
            Self::Seal(_) | Self::NoWebhooks(_) | Self::Component(_) => Fault::Settings,
            Self::Rehearsal(RehearsalError::Store(_)) => Fault::Store,
            Self::Rehearsal(RehearsalError::Held(_)) => Fault::Remote,
            Self::Rehearsal(RehearsalError::Instance(_)) => Fault::Settings,
            Self::GateNeedsConnect { .. } => Fault::Credential,
            Self::Reconcile(error) => reconciling::fault(error),
            Self::UnknownConnection(_)
            | Self::NotSubscribed(_)
            | Self::Comparing(_)
            | Self::UnknownComparison
            | Self::UnknownRun(_)
            | Self::Links(_) => Fault::Request,
        }
    }
}

fn credential_fault(error: &CredentialError) -> Fault {
    match error {
        CredentialError::Store(_) => Fault::Store,
        CredentialError::Seal(_) | CredentialError::Secret(_) | CredentialError::Instance(_) => {
            Fault::Settings
        }
        CredentialError::Refused(refused) => match refused.remedy {
            TokenRemedy::TryAgain(_) => Fault::Remote,
            TokenRemedy::FixSettings => Fault::Settings,
            TokenRemedy::Reconnect | TokenRemedy::TryBase(_) => Fault::Credential,
        },
        CredentialError::Unknown(_) => Fault::Request,
        CredentialError::Unfinished => Fault::Remote,
    }
}

impl From<AdminRefusal> for AdminReply {
    fn from(refusal: AdminRefusal) -> Self {
        Self::Refused {
            message: refusal.to_string(),
            fault: refusal.fault(),
        }
    }
}

async fn connect(
    parts: &Parts,
    name: &str,
    grant: Grant,
    secret: Secret,
    is_service: bool,
) -> Result<AdminReply, AdminRefusal> {
    let connection = find_connection(parts, name)?;
    match connection.subscription() {
        Some(subscription) if grant == Grant::CompanyRequestToken => {
            subscribe::connect(connection, subscription, secret, is_service).await
        }
        _ => connect_credential(connection, grant, secret).await,
    }
}

pub(super) async fn connect_credential(
    connection: &Connection,
    grant: Grant,
    secret: Secret,
) -> Result<AdminReply, AdminRefusal> {
    let credential = connection
        .services
        .credentials
        .connect(&connection.name, grant, secret)
        .await?;
    connection.connected(credential.system).await?;
    Ok(AdminReply::Connected {
        credential,
        note: None,
    })
}

async fn open_gate(parts: &Parts, name: &str, system: System) -> Result<AdminReply, AdminRefusal> {
    let connection = find_connection(parts, name)?;
    let hold = connection.gates.get(system).hold;
    if hold.is_some_and(|hold| hold.reason == HoldReason::NeedsReconnect) {
        return Err(AdminRefusal::GateNeedsConnect { system });
    }
    let now = parts.services.clock.now();
    connection.open_gate(system).await?;
    let was_held = hold.is_some_and(|hold| hold.until > now);
    Ok(AdminReply::GateOpened { was_held })
}

async fn replay(parts: &Parts, run: RunId) -> Result<AdminReply, AdminRefusal> {
    let store = &parts.services.store;
    let run = store.run(run).await?.ok_or(AdminRefusal::UnknownRun(run))?;
    let connection = find_connection(parts, &run.connection)?;
    store.commit(vec![replay_write(connection, &run)]).await?;
    connection.runs_due.notify_one();
    Ok(AdminReply::Replayed { objects: 1 })
}

async fn replay_parked(
    parts: &Parts,
    connection: Option<String>,
) -> Result<AdminReply, AdminRefusal> {
    if let Some(name) = &connection {
        find_connection(parts, name)?;
    }
    let (mut objects, mut before) = (0, None);
    loop {
        let filter = RunFilter {
            connection: connection.clone(),
            endings: vec![EndingKind::Parked],
            latest_only: true,
            before,
            limit: REPLAY_BATCH_MAX,
            ..RunFilter::default()
        };
        let page = parts.services.store.runs(filter).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        objects += replay_page(parts, &page).await?;
    }
    Ok(AdminReply::Replayed { objects })
}

async fn replay_page(parts: &Parts, page: &[Run]) -> Result<u64, AdminRefusal> {
    // Runs of connections that are not in the settings any more cannot go on.
    let known = page
        .iter()
        .filter_map(|run| Some((parts.connections.get(&run.connection)?, run)));
    let writes: Vec<Write> = known
        .map(|(connection, run)| replay_write(connection, run))
        .collect();
    let count = writes.len() as u64;
    if count > 0 {
        parts.services.store.commit(writes).await?;
        parts
            .connections
            .values()
            .for_each(|connection| connection.runs_due.notify_one());
    }
    Ok(count)
}

fn replay_write(connection: &Connection, run: &Run) -> Write {
    let task = NewTask {
        object: run.object.clone(),
        reason: StartReason::Replay,
    };
    Write::StartOrMarkDirty(connection.new_run(task, connection.services.clock.now()))
}

fn status(parts: &Parts) -> ServiceStatus {
    let connection_status = |connection: &Connection| ConnectionStatus {
        name: connection.name.clone(),
        settings_version: connection.settings.version.clone(),
        credentials: System::ALL
            .into_iter()
            .filter_map(|system| {
                let credentials = &parts.services.credentials;
                let plan = credentials.plan_refresh(&connection.name, system).ok()?;
                Some((credentials.credential(&connection.name, system)?, plan))
            })
            .collect(),
        gates: System::ALL
            .map(|system| connection.gates.get(system))
            .to_vec(),
    };
    ServiceStatus {
        connections: parts
            .connections
            .values()
            .map(|connection| connection_status(connection))
            .collect(),
        notices_undecided: parts.backlog.count(),
        client_secrets: parts.services.credentials.client_secret_problems(),
    }
}

pub(super) fn find_connection<'c>(
    parts: &'c Parts,
    name: &str,
) -> Result<&'c Arc<Connection>, AdminRefusal> {
    let found = parts.connections.get(name);
    found.ok_or_else(|| AdminRefusal::UnknownConnection(name.into()))
}
