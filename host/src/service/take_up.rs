//! What a connection needs at the start because its secrets open, or do not: webhooks whose
//! verifiers are lost are verified anew, and gates that waited for a credential open when it is
//! back.

use super::Parts;
use crate::contract::credentials::CredentialStatus;
use crate::contract::pacing::HoldReason;
use crate::contract::runs::{NewTask, StartReason};
use crate::contract::types::System;
use crate::engine::Connection;
use crate::store::{StoreError, Write};
use crate::webhooks::WebhookAddress;

/// Does it for every connection. What cannot be read of one keeps nothing from starting.
pub(super) async fn take_up(parts: &Parts) -> Result<(), StoreError> {
    for (name, connection) in &*parts.connections {
        if let Some(address) = parts.webhook_addresses.get(name) {
            match verify_anew(connection, address).await {
                Err(StoreError::Corrupt(detail)) => {
                    tracing::error!(connection = name, detail, "webhooks are not verified anew");
                }
                done => done?,
            }
        }
        for system in System::ALL {
            open_gate(connection, system).await?;
        }
    }
    Ok(())
}

/// Opens a gate that waits for a person, where the credential is live: the keys that open it were
/// put back, or its answer was read.
async fn open_gate(connection: &Connection, system: System) -> Result<(), StoreError> {
    let hold = connection.gates.get(system).hold;
    let credentials = &connection.services.credentials;
    let credential = credentials.credential(&connection.name, system);
    let is_live = credential.is_some_and(|one| one.status == CredentialStatus::Live);
    match hold {
        Some(hold) if hold.reason == HoldReason::NeedsReconnect && is_live => {
            connection.connected(system).await
        }
        _ => Ok(()),
    }
}

/// Forgets that registrations are in order whose verifiers do not open, and starts the runs that
/// look after them: FreshBooks sends the verifier again when it is asked to.
async fn verify_anew(connection: &Connection, address: &WebhookAddress) -> Result<(), StoreError> {
    let services = &connection.services;
    let lost: Vec<&str> = services.callbacks.unopened(&connection.name).collect();
    if lost.is_empty() {
        return Ok(());
    }
    let statuses = services
        .store
        .object_statuses(&connection.name, &address.registrations)
        .await?;
    let registrations = statuses.into_iter().filter(|status| {
        let link = status.link.as_ref();
        link.is_some_and(|link| lost.contains(&link.target.id.as_str()))
    });
    let mut writes = Vec::new();
    for status in registrations {
        writes.push(Write::Links {
            connection: connection.name.clone(),
            links: Vec::new(),
            unlinks: vec![status.object.clone()],
            run: None,
            at: services.clock.now(),
        });
        let task = NewTask {
            object: status.object,
            reason: StartReason::Schedule,
        };
        writes.push(Write::StartOrMarkDirty(
            connection.new_run(task, services.clock.now()),
        ));
    }
    if writes.is_empty() {
        return Ok(());
    }
    tracing::warn!(
        connection = connection.name,
        "FreshBooks is asked to verify webhooks anew, since their verifiers do not open"
    );
    services.store.commit(writes).await.map(drop)
}
