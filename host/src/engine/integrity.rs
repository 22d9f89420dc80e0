//! Looks for damage once after the start, and stores checkpoints of the chains of endings.

use std::sync::Arc;

use tokio::sync::watch;

use super::Services;
use crate::seal::SealError;
use crate::store::{ChainHead, Checkpoint, Damage, StoreError, Write};

/// Endings of so long are not vouched for yet. A checkpoint is one small commit, and only where
/// runs have ended since the one before.
const CHECKPOINT_INTERVAL_MS: u64 = 60_000;

/// Checks the store beside everything else, and stores checkpoints, until `stop`.
pub(super) async fn watch_integrity(services: Arc<Services>, mut stop: watch::Receiver<bool>) {
    let checkpoints = async {
        loop {
            store_checkpoints(&services).await;
            let next = services.clock.now().saturating_add(CHECKPOINT_INTERVAL_MS);
            services.clock.sleep_until(Some(next)).await;
        }
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(services.health.check_pages(), checkpoints) } => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// Stores a checkpoint of every chain that has grown, under the newest key. A chain that is not the
/// one of its last checkpoint gets none: that would vouch for what somebody has changed.
pub(crate) async fn store_checkpoints(services: &Services) {
    if let Err(error) = store_each(services).await {
        tracing::error!(%error, "checkpoints were not stored");
    }
}

/// The chains whose last checkpoint does not hold, each with why.
///
/// # Errors
///
/// If the store fails.
pub(crate) async fn unsound_checkpoints(
    services: &Services,
) -> Result<Vec<(ChainHead, String)>, StoreError> {
    let mut found = Vec::new();
    for head in services.store.chain_heads().await? {
        if let Err(why) = next_checkpoint(services, &head).await? {
            found.push((head, why));
        }
    }
    Ok(found)
}

async fn store_each(services: &Services) -> Result<(), StoreError> {
    for head in services.store.chain_heads().await? {
        match next_checkpoint(services, &head).await? {
            Ok(None) => services.health.clear_earlier_damage(&head.connection).await,
            Ok(Some(checkpoint)) => {
                services.health.clear_earlier_damage(&head.connection).await;
                let connection = head.connection;
                let write = Write::Checkpoint {
                    connection,
                    checkpoint,
                };
                services.store.commit(vec![write]).await?;
            }
            Err(message) => {
                let damage = Damage {
                    connection: Some(head.connection),
                    run: None,
                    message,
                };
                services.health.note_damage(&damage).await;
            }
        }
    }
    Ok(())
}

/// The checkpoint that a chain needs, or why it gets none.
async fn next_checkpoint(
    services: &Services,
    head: &ChainHead,
) -> Result<Result<Option<Checkpoint>, String>, StoreError> {
    let keyring = &services.keyring;
    if let Some(last) = &head.checkpoint {
        let stored = services.store.chain_hash(&head.connection, last.number);
        let is_on_chain = stored.await? == Some(last.hash);
        if let Err(message) = vouch(keyring.made(&head.connection, last), is_on_chain) {
            return Ok(Err(message));
        }
        if last.number == head.number && keyring.ids().next() == Some(last.key_id) {
            return Ok(Ok(None));
        }
    }
    Ok(keyring
        .checkpoint(head)
        .map(Some)
        .map_err(|error| error.to_string()))
}

/// Why a checkpoint cannot be checked, and what helps.
#[must_use]
pub fn uncheckable(error: &SealError) -> String {
    let why = match error {
        SealError::UnknownKey(id) => format!("key {id}, which made it, is not in `seal.keys`"),
        other => other.to_string(),
    };
    format!(
        "its checkpoint cannot be checked: {why}. Put the key back; if it is lost for good, \
         `ml-connector keys forget-checkpoints` begins the checkpoint anew"
    )
}

fn vouch(made: Result<bool, SealError>, is_on_chain: bool) -> Result<(), String> {
    match (made, is_on_chain) {
        (Ok(true), true) => Ok(()),
        (Ok(true), false) => Err("its chain of endings is not the one of its checkpoint".into()),
        (Ok(false), _) => Err("its checkpoint was changed".into()),
        (Err(error), _) => Err(uncheckable(&error)),
    }
}
