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
        let stored = credentials::stored(store, &connection.name, System::Freshbooks).await?;
        // Some answers do not name what they grant.
        let Some(granted) = stored.and_then(|stored| stored.credential.scope) else {
            continue;
        };
        let asked = asked(guest, connection)?;
        findings.extend(compared(&connection.name, &asked, &granted));
    }
    Ok(findings)
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

fn compared(connection: &str, asked: &BTreeSet<String>, granted: &str) -> Option<Finding> {
    let granted = names(granted);
    let missing: Vec<&str> = asked.difference(&granted).map(String::as_str).collect();
    if missing.is_empty() {
        return None;
    }
    let message = format!(
        "were not granted: {}; enable them for the app in FreshBooks' developer portal, then run \
         `ml-connector connect freshbooks`",
        missing.join(", ")
    );
    let subject = format!("FreshBooks scopes of {connection}");
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
        let found = compared("acme", &asked, "user:profile:read user:bills:read");
        let finding = found.expect("one is missing");
        assert!(finding.message.contains("not granted: user:bills:write;"));
        assert_eq!(finding.code, exit::CREDENTIALS);
        let granted = "user:bills:write user:taxes:read user:bills:read";
        assert!(compared("acme", &asked, granted).is_none());
    }
}
