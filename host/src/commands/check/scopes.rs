//! Was every scope that the settings ask for granted? One that was added since the last consent was
//! not: FreshBooks neither widens nor reduces what a token may do.

use std::collections::BTreeSet;

use ml_connector::config::{Config, ConnectionConfig};
use ml_connector::contract::types::System;
use ml_connector::guest::Guest;
use ml_connector::store::sqlite::SqliteStore;

use super::super::exit;
use super::super::failure::Failure;
use super::{Finding, credentials};

pub(super) async fn check(
    config: &Config,
    store: Option<&SqliteStore>,
    guest: &Guest,
) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    for connection in &config.connections {
        for system in [System::Freshbooks, System::Concur] {
            let stored = credentials::stored(store, &connection.name, system).await?;
            // Some answers do not name what they grant.
            let Some(granted) = stored.and_then(|stored| stored.credential.scope) else {
                continue;
            };
            let needed = match system {
                System::Freshbooks => asked(guest, connection)?,
                System::Concur => needed_in_concur(guest, connection)?,
            };
            findings.extend(compared(system, &connection.name, &needed, &granted));
        }
    }
    Ok(findings)
}

/// SAP Concur grants what the app has, whatever the settings need.
fn needed_in_concur(
    guest: &Guest,
    connection: &ConnectionConfig,
) -> Result<BTreeSet<String>, Failure> {
    let mut instance = guest.instance()?;
    let Ok(settings) = instance.load_settings(&connection.name, &connection.json)? else {
        return Ok(BTreeSet::new());
    };
    Ok(instance.concur_scopes(settings)?.into_iter().collect())
}

/// The scopes that the next consent asks for.
fn asked(guest: &Guest, connection: &ConnectionConfig) -> Result<BTreeSet<String>, Failure> {
    let mut instance = guest.instance()?;
    let Ok(settings) = instance.load_settings(&connection.name, &connection.json)? else {
        return Ok(BTreeSet::new());
    };
    let path = instance.consent_path(settings, "check")?;
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let scope = pairs.find(|(name, _)| name == "scope");
    let scope = scope.map(|(_, scope)| scope.into_owned());
    Ok(names(&scope.unwrap_or_default()))
}

fn compared(
    system: System,
    connection: &str,
    needed: &BTreeSet<String>,
    granted: &str,
) -> Option<Finding> {
    let granted = names(granted);
    let missing: Vec<&str> = needed.difference(&granted).map(String::as_str).collect();
    if missing.is_empty() {
        return None;
    }
    let remedy = match system {
        System::Freshbooks => {
            "enable them for the app in FreshBooks' developer portal, then run `ml-connector \
             connect freshbooks`"
        }
        System::Concur => {
            "have SAP Concur enable them for the app, then run `ml-connector connect concur`"
        }
    };
    let message = format!("were not granted: {}; {remedy}", missing.join(", "));
    let subject = format!("{} scopes of {connection}", system.display_name());
    Some(Finding::wrong(subject, exit::CREDENTIALS, message))
}

fn names(scopes: &str) -> BTreeSet<String> {
    scopes.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_and_not_granted_is_named() {
        let asked = names("user:bills:read user:bills:write");
        let ours = System::Freshbooks;
        let found = compared(ours, "acme", &asked, "user:profile:read user:bills:read");
        let finding = found.expect("one is missing");
        assert!(finding.message.contains("not granted: user:bills:write;"));
        assert_eq!(finding.code, exit::CREDENTIALS);
        let granted = "user:bills:write user:taxes:read user:bills:read";
        assert!(compared(ours, "acme", &asked, granted).is_none());
        let lists = names("spend.listitem.read spend.listitem.delete");
        let found = compared(System::Concur, "acme", &lists, "spend.listitem.read INVVEN");
        let finding = found.expect("one is missing");
        assert!(finding.subject.starts_with("SAP Concur scopes"));
        assert!(
            finding
                .message
                .contains("spend.listitem.delete; have SAP Concur")
        );
    }
}
