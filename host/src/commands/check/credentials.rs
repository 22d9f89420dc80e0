//! Whether every connection's credentials can be used.

use ml_connector::clock::Clock;
use ml_connector::config::Config;
use ml_connector::contract::credentials::{Credential, CredentialStatus};
use ml_connector::contract::types::System;
use ml_connector::credentials::{unreadable_credential, usable_credential};
use ml_connector::guest::{Guest, Instance};
use ml_connector::seal::Keyring;
use ml_connector::store::sqlite::SqliteStore;
use ml_connector::store::{Store, StoreError, StoredCredential};

use super::super::failure::Failure;
use super::super::{exit, labels};
use super::{Finding, Verdict};

pub(super) async fn check(
    config: &Config,
    store: Option<&SqliteStore>,
    keyring: Result<&Keyring, &str>,
    guest: &Guest,
) -> Result<Vec<Finding>, Failure> {
    let mut instance = guest.instance()?;
    let mut findings = Vec::new();
    for connection in &config.connections {
        for system in System::ALL {
            let stored = read(store, &connection.name, system).await?;
            let credential = match stored {
                Ok(Some(stored)) => usable_credential(keyring, stored),
                Ok(None) => instance.absent_credential(system)?,
                Err(detail) => unreadable_credential(system, &detail),
            };
            findings.push(finding(&connection.name, &credential, &mut instance)?);
        }
    }
    Ok(findings)
}

/// A stored credential, for a look at its remote; nothing where its row cannot be read, which
/// [`check`] reports.
pub(super) async fn stored(
    store: Option<&SqliteStore>,
    connection: &str,
    system: System,
) -> Result<Option<StoredCredential>, StoreError> {
    Ok(read(store, connection, system).await?.ok().flatten())
}

/// A stored credential, or why its row cannot be read.
async fn read(
    store: Option<&SqliteStore>,
    connection: &str,
    system: System,
) -> Result<Result<Option<StoredCredential>, String>, StoreError> {
    let Some(store) = store else {
        return Ok(Ok(None));
    };
    match store.credential(connection, system).await {
        Err(StoreError::Corrupt(detail)) => Ok(Err(detail)),
        stored => stored.map(Ok),
    }
}

fn finding(
    connection: &str,
    credential: &Credential,
    instance: &mut Instance,
) -> Result<Finding, Failure> {
    let plan = instance.plan_refresh(credential, Clock::system().now())?;
    let subject = format!(
        "{} credential of {connection}",
        credential.system.display_name()
    );
    let message = match plan.message.as_str() {
        "" => labels::credential_status(&credential.status).0.to_string(),
        message => message.to_string(),
    };
    let (verdict, code) = match credential.status {
        CredentialStatus::Live => (Verdict::Ok, exit::OK),
        CredentialStatus::Absent | CredentialStatus::Dead(_) => (Verdict::Wrong, exit::CREDENTIALS),
    };
    Ok(Finding::new(subject, verdict, code, message))
}
