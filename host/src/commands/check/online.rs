//! Can every remote be reached? One GET each, without credentials; any answer will do.

use ml_connector::config::{Config, ConnectionConfig};
use ml_connector::contract::http::{Authorization, Method, Request, SendOutcome};
use ml_connector::contract::settings::Endpoints;
use ml_connector::contract::types::System;
use ml_connector::guest::Guest;
use ml_connector::http_client::{HttpClient, NoSecrets, Origin, OriginError, Origins};
use ml_connector::store::sqlite::SqliteStore;

use super::super::failure::Failure;
use super::super::{context, exit, labels};
use super::{Finding, credentials};

const TIMEOUT_MS: u64 = 10_000;

pub(super) async fn ask(
    config: &Config,
    store: Option<&SqliteStore>,
    guest: &Guest,
) -> Result<Vec<Finding>, Failure> {
    let http_client = HttpClient::new(&config.limits)
        .map_err(|error| Failure::new(exit::REMOTE, error.to_string()))?;
    let mut findings = Vec::new();
    for connection in &config.connections {
        let pinned = pinned_base(store, connection).await?;
        let Some(endpoints) = context::endpoints(guest, connection)? else {
            continue;
        };
        match origins(&endpoints, pinned.as_deref()) {
            Ok(origins) => {
                for (system, origin) in origins {
                    findings.push(get(&http_client, system, &origin).await);
                }
            }
            Err(error) => findings.push(Finding::wrong(
                &connection.name,
                exit::SETTINGS,
                error.to_string(),
            )),
        }
    }
    Ok(findings)
}

async fn pinned_base(
    store: Option<&SqliteStore>,
    connection: &ConnectionConfig,
) -> Result<Option<String>, Failure> {
    let stored = credentials::stored(store, &connection.name, System::Concur).await?;
    Ok(stored.and_then(|stored| stored.credential.base))
}

fn origins(
    endpoints: &Endpoints,
    pinned: Option<&str>,
) -> Result<Vec<(System, Origin)>, OriginError> {
    let origins = Origins::from_endpoints(endpoints)?;
    let mut all = vec![
        (System::Freshbooks, origins.freshbooks.clone()),
        (System::Concur, origins.concur_token.clone()),
    ];
    if let Some(base) = pinned {
        all.push((System::Concur, origins.concur(base)?));
    }
    Ok(all)
}

async fn get(http_client: &HttpClient, system: System, origin: &Origin) -> Finding {
    let request = Request {
        system,
        authorization: Authorization::None,
        method: Method::Get,
        path_with_query: "/".to_string(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: TIMEOUT_MS,
    };
    let subject = format!("{} at {}", system.display_name(), origin.as_str());
    match http_client.send(&request, origin, None, &NoSecrets).await {
        SendOutcome::Response(response) => {
            Finding::ok(subject, format!("answers (status {})", response.status))
        }
        SendOutcome::NotSent(error) | SendOutcome::MaybeSent(error) => {
            let message = format!("{}: {}", labels::send_error(error.code), error.detail);
            Finding::wrong(subject, exit::REMOTE, message)
        }
    }
}
