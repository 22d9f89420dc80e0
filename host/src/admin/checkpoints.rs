//! Checkpoints that do not hold are begun anew, when a person has looked at why.

use std::collections::BTreeMap;

use super::AdminReply;
use super::handle::AdminRefusal;
use crate::engine::{Services, unsound_checkpoints};
use crate::store::Write;

/// Puts a checkpoint at the present end of each chain whose last one does not hold. What came
/// before is vouched for by nothing but heads that were written down.
pub(super) async fn forget(
    services: &Services,
    connection: Option<&str>,
) -> Result<AdminReply, AdminRefusal> {
    let mut begun = BTreeMap::new();
    for (head, why) in unsound_checkpoints(services).await? {
        if connection.is_some_and(|name| name != head.connection) {
            continue;
        }
        let checkpoint = services.keyring.checkpoint(&head)?;
        let write = Write::Checkpoint {
            connection: head.connection.clone(),
            checkpoint,
        };
        services.store.commit(vec![write]).await?;
        services.health.clear_damage(&head.connection).await;
        tracing::warn!(
            connection = head.connection,
            number = head.number,
            why,
            "the checkpoint was begun anew: nothing vouches any more for what came before"
        );
        begun.insert(head.connection, why);
    }
    Ok(AdminReply::CheckpointsBegun { begun })
}
