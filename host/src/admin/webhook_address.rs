//! A new address for the webhooks of a connection, whose old one others know.

use super::AdminReply;
use super::handle::AdminRefusal;
use crate::engine::last_start_mark;
use crate::service::{Parts, random_hex};
use crate::store::Write;

/// Has the next start receive at a new address and register it at once. A service that runs goes on
/// at the old one until then: FreshBooks knows no other yet.
pub(super) async fn change(parts: &Parts, name: &str) -> Result<AdminReply, AdminRefusal> {
    if !parts.connections.contains_key(name) {
        return Err(AdminRefusal::UnknownConnection(name.into()));
    }
    let address = parts.webhook_addresses.get(name);
    let address = address.ok_or_else(|| AdminRefusal::NoWebhooks(name.into()))?;
    let token = Write::Mark {
        name: format!("hook/{name}"),
        value: random_hex()?,
    };
    let registrations = address.registrations.iter();
    let due = registrations.map(|object| Write::Mark {
        name: last_start_mark(name, object),
        value: "0".into(),
    });
    let writes = std::iter::once(token).chain(due).collect();
    parts.services.store.commit(writes).await?;
    Ok(AdminReply::WebhookAddressChanged)
}
