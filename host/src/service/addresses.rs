//! The public addresses at which webhooks and events of a connection arrive.

use std::collections::BTreeMap;

use super::ServeError;
use super::connections::LoadedConnection;
use crate::config::Config;
use crate::contract::settings::{ReceiverNeed, Schedule};
use crate::contract::types::ObjectRef;
use crate::events::EventAddress;
use crate::seal::SealError;
use crate::store::{Store, Write};
use crate::webhooks::WebhookAddress;

/// The addresses of all connections, by their names.
pub(super) struct Addresses {
    pub(super) webhooks: BTreeMap<String, WebhookAddress>,
    pub(super) events: BTreeMap<String, EventAddress>,
}

impl Addresses {
    /// Those that the settings want. Tokens are made once and stored, since FreshBooks and SAP
    /// Concur keep the addresses.
    pub(super) async fn load(
        config: &Config,
        loaded: &[LoadedConnection<'_>],
        store: &dyn Store,
    ) -> Result<Self, ServeError> {
        let (mut webhooks, mut events) = (BTreeMap::new(), BTreeMap::new());
        for one in loaded {
            let name = &one.config.name;
            if !config.public_url.is_empty() {
                webhooks.insert(name.clone(), webhook_address(one, store).await?);
            }
            if config.events.is_some() && !needing(&one.schedules, ReceiverNeed::Events).is_empty()
            {
                events.insert(name.clone(), event_address(one, store).await?);
            }
        }
        Ok(Self { webhooks, events })
    }

    /// The URL of a connection's webhooks; none where none are received.
    pub(super) fn webhook_url(&self, config: &Config, connection: &str) -> Option<String> {
        let WebhookAddress { token, .. } = self.webhooks.get(connection)?;
        let base = &config.public_url;
        Some(format!("{base}/hooks/freshbooks/{connection}/{token}"))
    }

    /// The URL of a connection's events; none where none are received.
    pub(super) fn events_url(&self, config: &Config, connection: &str) -> Option<String> {
        let EventAddress { token, .. } = self.events.get(connection)?;
        let base = &config.events.as_ref()?.public_url;
        Some(format!("{base}/hooks/concur/{connection}/{token}"))
    }
}

async fn webhook_address(
    loaded: &LoadedConnection<'_>,
    store: &dyn Store,
) -> Result<WebhookAddress, ServeError> {
    let name = &loaded.config.name;
    Ok(WebhookAddress {
        connection: name.clone(),
        account_id: loaded.identity.freshbooks_account_id.clone(),
        token: load_or_create_token(store, format!("hook/{name}")).await?,
        registrations: needing(&loaded.schedules, ReceiverNeed::Webhooks),
    })
}

async fn event_address(
    loaded: &LoadedConnection<'_>,
    store: &dyn Store,
) -> Result<EventAddress, ServeError> {
    Ok(EventAddress {
        company_id: loaded.identity.concur_company_id.clone(),
        token: load_or_create_token(store, format!("event-hook/{}", loaded.config.name)).await?,
    })
}

/// The scheduled objects whose runs need this receiver.
fn needing(schedules: &[Schedule], need: ReceiverNeed) -> Vec<ObjectRef> {
    let needing = schedules
        .iter()
        .filter(|schedule| schedule.needs == Some(need));
    needing.map(|schedule| schedule.object.clone()).collect()
}

/// 128 random bits that stay the same from start to start.
async fn load_or_create_token(store: &dyn Store, mark: String) -> Result<String, ServeError> {
    if let Some(token) = store.mark(&mark).await? {
        return Ok(token);
    }
    let value = random_hex()?;
    let write = Write::Mark {
        name: mark,
        value: value.clone(),
    };
    store.commit(vec![write]).await?;
    Ok(value)
}

/// 128 random bits in hex: what cannot be guessed.
pub(crate) fn random_hex() -> Result<String, SealError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|_| SealError::NoRandomness)?;
    Ok(base16ct::lower::encode_string(&bytes))
}
