//! Webhook registrations whose verifiers do not open are verified anew: FreshBooks sends the
//! verifier again when it is asked to, so that no person is needed.

use crate::contract::runs::{NewTask, StartReason};
use crate::engine::Connection;
use crate::store::{StoreError, Write};
use crate::webhooks::WebhookAddress;

/// Forgets that these registrations are in order, and starts the runs that look after them.
pub(super) async fn verify_anew(
    connection: &Connection,
    address: &WebhookAddress,
) -> Result<(), StoreError> {
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
