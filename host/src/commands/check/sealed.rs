//! Does everything open that is sealed in the store, and which keys does it need?

use std::collections::BTreeSet;

use ml_connector::config::Config;
use ml_connector::seal::Keyring;
use ml_connector::sealed::{Place, SealedText, sealed_texts};
use ml_connector::store::sqlite::SqliteStore;

use super::super::exit;
use super::super::failure::Failure;
use super::{Finding, Verdict, counted};

/// Tokens of the settings' connections that do not open are findings of their credentials.
pub(super) async fn check(
    config: &Config,
    store: Option<&SqliteStore>,
    keyring: Option<&Keyring>,
) -> Result<Vec<Finding>, Failure> {
    let (Some(store), Some(keyring)) = (store, keyring) else {
        return Ok(Vec::new());
    };
    let texts = sealed_texts(store).await?;
    let names: BTreeSet<&str> = config
        .connections
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    let mut findings = Vec::new();
    for text in &texts {
        let Err(error) = text.check(keyring) else {
            continue;
        };
        let is_ours = names.contains(text.connection.as_str());
        let (subject, helps) = match (&text.place, is_ours) {
            (Place::Verifier(id), true) => (
                format!("webhook verifier {id} of {}", text.connection),
                "the next `serve` has FreshBooks verify the webhooks anew",
            ),
            (Place::Tokens(..) | Place::TokenAnswer(..), true) => continue,
            (_, false) => (
                format!("a secret of {}", text.connection),
                "nothing needs it, since the settings do not have this connection",
            ),
        };
        let message = format!("does not open ({error}); {helps}");
        findings.push(Finding::new(subject, Verdict::Later, exit::OK, message));
    }
    if !texts.is_empty() {
        findings.push(keys_needed(&texts, keyring));
    }
    Ok(findings)
}

fn keys_needed(texts: &[SealedText], keyring: &Keyring) -> Finding {
    const SUBJECT: &str = "sealed secrets";
    let newest = keyring.ids().next();
    let opening = texts.iter().filter(|text| text.check(keyring).is_ok());
    let older: Vec<u8> = opening
        .filter_map(SealedText::key_id)
        .filter(|id| Some(*id) != newest)
        .collect();
    if older.is_empty() {
        let message = format!("{} looked at", counted(texts.len(), "sealed secret"));
        return Finding::ok(SUBJECT, message);
    }
    let ids: BTreeSet<String> = older.iter().map(u8::to_string).collect();
    let message = format!(
        "{} of {} still need key {}: the next `serve` or `ml-connector keys reseal` seals them \
         with the newest key",
        older.len(),
        texts.len(),
        ids.into_iter().collect::<Vec<_>>().join(", ")
    );
    Finding::new(SUBJECT, Verdict::Later, exit::OK, message)
}
