//! What is wrong with connections beside each other, and beside the store.

mod entities;

use std::collections::BTreeMap;

use ml_connector::config::Config;
use ml_connector::guest::Guest;
use ml_connector::service::overlaps::{Joined, Overlap, OverlapKind, Share, overlaps};
use ml_connector::service::{Orphan, exposures, orphans};
use ml_connector::store::sqlite::SqliteStore;

use super::super::context;
use super::super::exit;
use super::super::failure::Failure;
use super::{Finding, Verdict};

/// Settings that would give a secret away; the service does not start with them.
pub(super) fn exposed(config: &Config, guest: Option<&Guest>) -> Result<Vec<Finding>, Failure> {
    let mut found = exposures::of_settings(config);
    // What the component makes of the settings says the same again where they say it.
    if let (true, Some(guest)) = (found.is_empty(), guest) {
        for connection in &config.connections {
            if let Some(endpoints) = context::endpoints(guest, connection)? {
                found.extend(exposures::of_endpoints(&connection.name, &endpoints));
            }
        }
    }
    let finding =
        |one: exposures::Exposure| Finding::wrong(one.setting, exit::SETTINGS, one.message);
    Ok(found.into_iter().map(finding).collect())
}

/// Connections that the store knows and the settings do not have.
pub(super) async fn orphaned(
    config: &Config,
    store: Option<&SqliteStore>,
) -> Result<Vec<Finding>, Failure> {
    let Some(store) = store else {
        return Ok(Vec::new());
    };
    let found = orphans(config, store).await?;
    let finding = |orphan: Orphan| {
        let subject = format!("connection {}", orphan.connection);
        Finding::new(subject, Verdict::Warning, exit::OK, orphan.to_string())
    };
    Ok(found.into_iter().map(finding).collect())
}

/// Connections whose books are right only if FreshBooks credits the account that the settings name:
/// its documentation does not say which it is.
pub(super) fn offsetting(config: &Config) -> Vec<Finding> {
    let makes_expenses = |json: &str| {
        let table = serde_json::from_str::<serde_json::Value>(json).unwrap_or_default();
        table["financial"]["project_costs"] == "expenses"
    };
    let connections = config.connections.iter();
    connections
        .filter(|connection| makes_expenses(&connection.json))
        .map(|connection| {
            let subject = format!("project costs of {}", connection.name);
            let message = "FreshBooks does not document which account it credits for expenses: \
                           make sure that it is `financial.project_expenses.offset_account`, and \
                           that each category is booked to the account of its code"
                .to_string();
            Finding::new(subject, Verdict::Warning, exit::OK, message)
        })
        .collect()
}

/// Connections that carry the same account, or lead into the same company; the service does not
/// start with those that would make every record twice.
pub(super) fn overlapping(config: &Config, guest: &Guest) -> Result<Vec<Finding>, Failure> {
    let mut instance = guest.instance()?;
    let mut loaded = Vec::new();
    for connection in &config.connections {
        if let Ok(settings) = instance.load_settings(&connection.name, &connection.json)? {
            let identity = instance.identity(settings)?;
            loaded.push((connection, identity, instance.schedules(settings)?));
        }
    }
    let joined = loaded
        .iter()
        .map(|(connection, identity, schedules)| Joined {
            identity,
            schedules,
            share: Share::of(connection),
        });
    let found = overlaps(&joined.collect::<Vec<_>>());
    let mut companies: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, identity, _) in &loaded {
        let company = identity.concur_company_id.to_ascii_lowercase();
        let names = companies.entry(company).or_default();
        names.push(identity.connection.clone());
    }
    let refused = found.iter();
    let refused = refused.filter(|one| one.kind == OverlapKind::SameDocuments);
    let refused: Vec<&Overlap> = refused.collect();
    let shares = companies.values();
    let shares = shares.flat_map(|names| entities::of_company(config, names, &refused));
    let shares: Vec<Finding> = shares.collect();
    Ok(found.into_iter().map(finding).chain(shares).collect())
}

fn finding(one: Overlap) -> Finding {
    let (verdict, code) = match one.kind {
        OverlapKind::SameDocuments => (Verdict::Wrong, exit::SETTINGS),
        OverlapKind::SameAccount | OverlapKind::SameCompany => (Verdict::Warning, exit::OK),
    };
    Finding::new("connections", verdict, code, one.to_string())
}
