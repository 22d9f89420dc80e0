//! The public addresses at which webhooks and events of a connection arrive.

use std::collections::BTreeMap;

use super::ServeError;
use super::connections::LoadedConnection;
use crate::config::Config;
use crate::contract::mapping::Schedule;
use crate::contract::types::ObjectRef;
use crate::engine::SUBSCRIPTION_KIND;
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
            if config.events.is_some() && wants_events(&one.schedules) {
                events.insert(name.clone(), event_address(one, store).await?);
            }
        }
        Ok(Self { webhooks, events })
    }

    /// The URL of a connection's webhooks; empty where none are received.
    pub(super) fn webhook_url(&self, config: &Config, connection: &str) -> String {
        let address = self.webhooks.get(connection);
        address.map_or_else(String::new, |address| {
            format!(
                "{}/hooks/freshbooks/{connection}/{}",
                config.public_url, address.token
            )
        })
    }

    /// The URL of a connection's events; empty where none are received.
    pub(super) fn events_url(&self, config: &Config, connection: &str) -> String {
        match (&config.events, self.events.get(connection)) {
            (Some(events), Some(EventAddress { token, .. })) => {
                format!("{}/hooks/concur/{connection}/{token}", events.public_url)
            }
            _ => String::new(),
        }
    }
}

async fn webhook_address(
    loaded: &LoadedConnection<'_>,
    store: &dyn Store,
) -> Result<WebhookAddress, ServeError> {
    let name = &loaded.config.name;
    Ok(WebhookAddress {
        connection: name.clone(),
        account_id: loaded.config.freshbooks_account_id.clone(),
        token: load_or_create_token(store, format!("hook/{name}")).await?,
        registrations: registrations(&loaded.schedules),
    })
}

async fn event_address(
    loaded: &LoadedConnection<'_>,
    store: &dyn Store,
) -> Result<EventAddress, ServeError> {
    let settings: serde_json::Value = serde_json::from_str(&loaded.config.json).unwrap_or_default();
    let company_id = settings["concur"]["company_id"].as_str();
    Ok(EventAddress {
        company_id: company_id.unwrap_or_default().to_string(),
        token: load_or_create_token(store, format!("event-hook/{}", loaded.config.name)).await?,
    })
}

fn wants_events(schedules: &[Schedule]) -> bool {
    let mut schedules = schedules.iter();
    schedules.any(|schedule| schedule.object.kind == SUBSCRIPTION_KIND)
}

/// The scheduled objects whose runs register webhooks.
fn registrations(schedules: &[Schedule]) -> Vec<ObjectRef> {
    let objects = schedules.iter().map(|schedule| &schedule.object);
    objects
        .filter(|object| object.kind == "callback")
        .cloned()
        .collect()
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
