//! Sealing stored tokens anew after a new key was put before the old ones.

use super::{CredentialSlot, CredentialState, Credentials, tokens};
use crate::contract::types::System;
use crate::seal::{Keyring, SealError};
use crate::store::{StoreError, StoredCredential, Write};

/// What came of sealing rows of the store anew with the newest key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResealReport {
    /// Rows that were sealed with an older key, and are sealed anew.
    pub resealed: u64,
    /// Rows that were sealed with the newest key already.
    pub current: u64,
    /// What does not open and stays as it is, such as `the tokens of FreshBooks for acme`, with the
    /// reason.
    pub unopened: Vec<String>,
}

impl ResealReport {
    /// Adds a row: whether it is sealed anew, or why it does not open.
    pub(crate) fn add(&mut self, what: &str, sealed: &[u8], resealed: Result<bool, SealError>) {
        match resealed {
            Ok(true) => self.resealed += 1,
            Ok(false) => self.current += u64::from(!sealed.is_empty()),
            Err(error) => self.unopened.push(format!("{what}: {error}")),
        }
    }

    /// Adds what came of other rows.
    pub(crate) fn merge(&mut self, other: Self) {
        self.resealed += other.resealed;
        self.current += other.current;
        self.unopened.extend(other.unopened);
    }
}

/// The credential with its texts sealed by the newest key; none if they are already.
fn reseal_credential(
    keyring: &Keyring,
    stored: &StoredCredential,
) -> Result<Option<StoredCredential>, SealError> {
    let tokens = keyring.reseal(&tokens::tokens_purpose(stored), &stored.sealed_tokens)?;
    let answer = keyring.reseal(&tokens::answer_purpose(stored), &stored.sealed_answer)?;
    if tokens.is_none() && answer.is_none() {
        return Ok(None);
    }
    let mut resealed = stored.clone();
    resealed.sealed_tokens = tokens.unwrap_or(resealed.sealed_tokens);
    resealed.sealed_answer = answer.unwrap_or(resealed.sealed_answer);
    Ok(Some(resealed))
}

impl Credentials {
    /// Seals the tokens of a connection with the newest key, also of one that the settings do not
    /// have any more. What does not open stays as it is. May be interrupted and repeated.
    ///
    /// # Errors
    ///
    /// If the store fails; what was sealed anew by then stays so.
    pub async fn reseal(&self, connection: &str) -> Result<ResealReport, StoreError> {
        let mut report = ResealReport::default();
        for system in System::ALL {
            match self.slot(connection, system) {
                Ok(slot) => self.reseal_slot(slot, &mut report).await?,
                // Of a connection that the settings do not have: nothing else changes it.
                Err(_) => self.reseal_orphan(connection, system, &mut report).await?,
            }
        }
        Ok(report)
    }

    async fn reseal_slot(
        &self,
        slot: &CredentialSlot,
        report: &mut ResealReport,
    ) -> Result<(), StoreError> {
        // No refresh may replace the tokens meanwhile.
        let _refreshing = slot.refreshing.lock().await;
        let state = slot.read();
        if let Some(stored) = self.resealed(&state.stored, report) {
            self.commit(slot, CredentialState { stored, ..state })
                .await?;
        }
        Ok(())
    }

    async fn reseal_orphan(
        &self,
        connection: &str,
        system: System,
        report: &mut ResealReport,
    ) -> Result<(), StoreError> {
        let stored = match self.store.credential(connection, system).await {
            // What cannot be read is of no use to a connection that is not there.
            Err(StoreError::Corrupt(_)) => None,
            stored => stored?,
        };
        let resealed = stored.and_then(|stored| self.resealed(&stored, report));
        if let Some(resealed) = resealed {
            self.store.commit(vec![Write::Credential(resealed)]).await?;
        }
        Ok(())
    }

    fn resealed(
        &self,
        stored: &StoredCredential,
        report: &mut ResealReport,
    ) -> Option<StoredCredential> {
        let resealed = reseal_credential(&self.keyring, stored);
        let is_resealed = resealed
            .as_ref()
            .map(Option::is_some)
            .map_err(|error| *error);
        let system = stored.credential.system.display_name();
        let what = format!("the tokens of {system} for {}", stored.connection);
        report.add(&what, &stored.sealed_tokens, is_resealed);
        resealed.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::{Arc, RwLock};

    use super::super::Dependencies;
    use super::super::opening::open_credential;
    use super::*;
    use crate::clock::Clock;
    use crate::config::Limits;
    use crate::contract::credentials::{Credential, CredentialStatus};
    use crate::http_client::HttpClient;
    use crate::seal::Purpose;
    use crate::secrets::{Secret, Secrets};
    use crate::store::Store;
    use crate::store::conformance::ModelStore;

    const SYSTEM: System = System::Concur;
    const TOKENS: &str = r#"{"access_token":"access","refresh_token":null}"#;
    const ANSWER: &str = r#"{"access_token":"next"}"#;

    fn stored(keyring: &Keyring) -> StoredCredential {
        let (connection, system, generation) = ("acme", SYSTEM, 7);
        let tokens = Purpose::Tokens {
            connection,
            system,
            generation,
        };
        let answer = Purpose::TokenAnswer {
            connection,
            system,
            generation,
        };
        StoredCredential {
            connection: connection.into(),
            credential: Credential {
                system,
                status: CredentialStatus::Live,
                generation,
                base: None,
                access: None,
                refresh_expires: None,
                scope: None,
            },
            sealed_tokens: keyring.seal(&tokens, TOKENS).expect("is sealed"),
            requests_unanswered: 1,
            sealed_answer: keyring.seal(&answer, ANSWER).expect("is sealed"),
        }
    }

    async fn credentials(store: &Arc<ModelStore>, keyring: Keyring) -> Credentials {
        let dependencies = Dependencies {
            store: store.clone(),
            http_client: Arc::new(HttpClient::new(&Limits::default()).expect("a client")),
            keyring: Arc::new(keyring),
            secrets: Secrets::new("secrets".into()),
            metrics: Arc::default(),
            clock: Clock::from_fn(|| 1_000),
        };
        let loaded = Credentials::load(dependencies, Vec::new()).await;
        loaded.expect("credentials load")
    }

    #[tokio::test]
    async fn what_is_in_use_and_an_answer_not_read_yet_are_sealed_anew_too() {
        let old_keys = Keyring::generate().expect("is generated");
        let new_keys = Keyring::add_key(&old_keys, &BTreeSet::new()).expect("is added");
        let stored = stored(&Keyring::parse(&old_keys).expect("are keys"));
        let store = Arc::new(ModelStore::default());
        let batch = vec![Write::Credential(stored.clone())];
        store.commit(batch).await.expect("is stored");
        let keyring = Keyring::parse(&new_keys).expect("are keys");
        let mut credentials = credentials(&store, keyring).await;
        let slot = CredentialSlot {
            state: RwLock::new(open_credential(&credentials.keyring, stored)),
            refreshing: tokio::sync::Mutex::default(),
        };
        credentials.slots = BTreeMap::from([(("acme".into(), SYSTEM.as_str()), slot)]);

        let report = credentials.reseal("acme").await.expect("is sealed anew");
        assert_eq!((report.resealed, report.current), (1, 0));
        assert_eq!(report.unopened, Vec::<String>::new());

        let new_line = new_keys.reveal().lines().next().expect("a line").to_owned();
        let new_alone = Keyring::parse(&Secret::new(new_line)).expect("is a key");
        let kept = store.credential("acme", SYSTEM).await;
        let kept = kept.expect("is read").expect("is stored");
        assert_eq!(kept.requests_unanswered, 1);
        for (purpose, sealed, text) in [
            (tokens::tokens_purpose(&kept), &kept.sealed_tokens, TOKENS),
            (tokens::answer_purpose(&kept), &kept.sealed_answer, ANSWER),
        ] {
            let opened = new_alone.open(&purpose, sealed).expect("opens");
            assert_eq!(opened.reveal(), text);
        }
        let slot = credentials.slot("acme", SYSTEM).expect("is known");
        assert_eq!(slot.read().stored, kept, "a refresh goes on from it");
    }
}
