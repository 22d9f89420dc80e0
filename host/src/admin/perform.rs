//! Does what is asked, in the process that has the store.

use std::sync::Arc;
use std::time::Duration;

use super::subscribe;
use super::{AdminReply, AdminRequest, ConnectionStatus, Status};
use crate::contract::credentials::Grant;
use crate::contract::runs::{EndingKind, NewTask, Reason};
use crate::contract::types::System;
use crate::credentials::CredentialError;
use crate::engine::Connection;
use crate::secrets::Secret;
use crate::serve::{Core, random_hex};
use crate::store::{Run, RunFilter, RunId, StoreError, Write};

/// FreshBooks' authorization codes are good for 5 minutes (FreshBooks docs, authentication); people
/// need longer.
const CONSENT_WAIT: Duration = Duration::from_secs(15 * 60);

/// Objects that are replayed in one commit.
const REPLAYED_AT_ONCE: u32 = 256;

/// Does what is asked. `is_service` tells whether the receiver is at work, so that redirects
/// arrive.
pub async fn perform(core: &Core, request: AdminRequest, is_service: bool) -> AdminReply {
    let done = match request {
        AdminRequest::Consent { connection } => consent(core, &connection, is_service),
        AdminRequest::Consented { state } => Ok(core.rounds.ended(&state)),
        AdminRequest::Connect {
            connection,
            grant,
            secret,
        } => {
            let secret = Secret::new(secret.as_str().to_owned());
            connect(core, &connection, grant, secret, is_service).await
        }
        AdminRequest::Replay { run } => replay(core, run).await,
        AdminRequest::ReplayParked { connection } => replay_parked(core, connection).await,
        AdminRequest::Status => Ok(AdminReply::Status(status(core))),
    };
    done.unwrap_or_else(|error| AdminReply::Refused {
        sentence: error.to_string(),
    })
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Credential(#[from] CredentialError),
    #[error(transparent)]
    Seal(#[from] crate::seal::SealError),
    #[error("no connection is called `{0}`; see `ml-connector status`")]
    UnknownConnection(String),
    #[error(
        "nothing was connected, since the event subscription comes first and was not made: {0}"
    )]
    NotSubscribed(String),
    #[error("there is no run {0}; see `ml-connector runs`")]
    UnknownRun(RunId),
}

fn consent(core: &Core, name: &str, is_awaited: bool) -> Result<AdminReply, Refusal> {
    let connection = find_connection(core, name)?;
    let state = random_hex()?;
    let path = core.services.credentials.consent_path(name, &state)?;
    let base = core.consent_bases.get(name).map_or("", String::as_str);
    let url = format!("{}{path}", base.trim_end_matches('/'));
    if is_awaited {
        core.rounds.begin(&state);
        await_consent(core, connection, &state);
    }
    Ok(AdminReply::Consent {
        url,
        state,
        is_awaited,
    })
}

/// Waits beside everything else for the redirect, and connects with the code that it brings.
fn await_consent(core: &Core, connection: &Arc<Connection>, state: &str) {
    let code = core.consents.expect(state);
    let (connection, state, rounds) = (
        Arc::clone(connection),
        state.to_owned(),
        Arc::clone(&core.rounds),
    );
    tokio::spawn(async move {
        let Ok(Ok(code)) = tokio::time::timeout(CONSENT_WAIT, code).await else {
            let sentence = "the consent did not come back in time; begin again".into();
            return rounds.end(&state, AdminReply::Refused { sentence });
        };
        let reply = connect_one(&connection, Grant::AuthorizationCode, code).await;
        let reply = reply.unwrap_or_else(|error| AdminReply::Refused {
            sentence: error.to_string(),
        });
        rounds.end(&state, reply);
    });
}

async fn connect(
    core: &Core,
    name: &str,
    grant: Grant,
    secret: Secret,
    is_service: bool,
) -> Result<AdminReply, Refusal> {
    let connection = find_connection(core, name)?;
    match connection.subscription() {
        Some(subscription) if grant == Grant::CompanyRequestToken => {
            subscribe::connect(connection, subscription, secret, is_service).await
        }
        _ => connect_one(connection, grant, secret).await,
    }
}

pub(super) async fn connect_one(
    connection: &Connection,
    grant: Grant,
    secret: Secret,
) -> Result<AdminReply, Refusal> {
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

async fn replay(core: &Core, run: RunId) -> Result<AdminReply, Refusal> {
    let store = &core.services.store;
    let run = store.run(run).await?.ok_or(Refusal::UnknownRun(run))?;
    let connection = find_connection(core, &run.connection)?;
    store.commit(vec![again(connection, &run)]).await?;
    connection.runs_due.notify_one();
    Ok(AdminReply::Replayed { objects: 1 })
}

async fn replay_parked(core: &Core, connection: Option<String>) -> Result<AdminReply, Refusal> {
    if let Some(name) = &connection {
        find_connection(core, name)?;
    }
    let (mut objects, mut before) = (0, None);
    loop {
        let filter = RunFilter {
            connection: connection.clone(),
            endings: vec![EndingKind::Parked],
            latest_only: true,
            before,
            limit: REPLAYED_AT_ONCE,
            ..RunFilter::default()
        };
        let page = core.services.store.runs(filter).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        objects += replay_page(core, &page).await?;
    }
    Ok(AdminReply::Replayed { objects })
}

async fn replay_page(core: &Core, page: &[Run]) -> Result<u64, Refusal> {
    // Runs of connections that are not in the settings any more cannot go on.
    let known = page
        .iter()
        .filter_map(|run| Some((core.connections.get(&run.connection)?, run)));
    let writes: Vec<Write> = known
        .map(|(connection, run)| again(connection, run))
        .collect();
    let count = writes.len() as u64;
    if count > 0 {
        core.services.store.commit(writes).await?;
        core.connections
            .values()
            .for_each(|connection| connection.runs_due.notify_one());
    }
    Ok(count)
}

fn again(connection: &Connection, run: &Run) -> Write {
    let task = NewTask {
        object: run.object.clone(),
        reason: Reason::Replay,
    };
    Write::StartOrMarkDirty(connection.new_run(task, connection.services.clock.now()))
}

fn status(core: &Core) -> Status {
    let of = |connection: &Connection| ConnectionStatus {
        name: connection.name.clone(),
        settings_version: connection.settings.version.clone(),
        credentials: System::ALL
            .into_iter()
            .filter_map(|system| {
                let credentials = &core.services.credentials;
                let forecast = credentials.forecast(&connection.name, system).ok()?;
                Some((credentials.credential(&connection.name, system), forecast))
            })
            .collect(),
        gates: System::ALL
            .map(|system| connection.gates.get(system))
            .to_vec(),
    };
    Status {
        connections: core
            .connections
            .values()
            .map(|connection| of(connection))
            .collect(),
        notices_undecided: core.backlog.count(),
    }
}

fn find_connection<'c>(core: &'c Core, name: &str) -> Result<&'c Arc<Connection>, Refusal> {
    let found = core.connections.get(name);
    found.ok_or_else(|| Refusal::UnknownConnection(name.into()))
}
