//! Sealing stored tokens anew after a new key was put before the old ones.

use super::{CredentialError, CredentialState, Credentials, tokens};
use crate::contract::types::System;
use crate::seal::{Keyring, SealError};
use crate::store::{StoredCredential, Write};

/// How many sealed texts were sealed anew with the newest key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResealCount {
    /// Sealed texts that were sealed with an older key, and are sealed anew.
    pub resealed: u64,
    /// Sealed with the newest key already.
    pub current: u64,
}

impl ResealCount {
    pub(crate) fn add(&mut self, sealed: &[u8], is_resealed: bool) {
        match is_resealed {
            true => self.resealed += 1,
            false => self.current += u64::from(!sealed.is_empty()),
        }
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
    /// Seals the tokens of every connection with the newest key, also of connections that the
    /// settings do not have any more. Returns how many credentials were sealed anew and how many
    /// already were. May be interrupted and repeated.
    ///
    /// # Errors
    ///
    /// If the store fails, or a sealed text does not open; what was sealed anew by then stays so.
    pub async fn reseal(&self) -> Result<ResealCount, CredentialError> {
        let mut count = ResealCount::default();
        for slot in self.slots.values() {
            // No refresh may replace the tokens meanwhile.
            let _refreshing = slot.refreshing.lock().await;
            let state = slot.read();
            let resealed = reseal_credential(&self.keyring, &state.stored)?;
            count.add(&state.stored.sealed_tokens, resealed.is_some());
            if let Some(stored) = resealed {
                let tokens = state.tokens;
                self.commit(slot, CredentialState { stored, tokens })
                    .await?;
            }
        }
        for connection in self.store.connections_with_secrets().await? {
            for system in System::ALL {
                if self.slot(&connection, system).is_err() {
                    self.reseal_orphan(&connection, system, &mut count).await?;
                }
            }
        }
        Ok(count)
    }

    /// Of a connection that the settings do not have any more: nothing else changes it.
    async fn reseal_orphan(
        &self,
        connection: &str,
        system: System,
        count: &mut ResealCount,
    ) -> Result<(), CredentialError> {
        let Some(stored) = self.store.credential(connection, system).await? else {
            return Ok(());
        };
        let resealed = reseal_credential(&self.keyring, &stored)?;
        count.add(&stored.sealed_tokens, resealed.is_some());
        if let Some(resealed) = resealed {
            self.store.commit(vec![Write::Credential(resealed)]).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, RwLock};

    use super::super::{CredentialSlot, Dependencies, open_tokens};
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
            refreshing: true,
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
        let new_keys = Keyring::add_key(&old_keys).expect("is added");
        let stored = stored(&Keyring::parse(&old_keys).expect("are keys"));
        let store = Arc::new(ModelStore::default());
        let batch = vec![Write::Credential(stored.clone())];
        store.commit(batch).await.expect("is stored");
        let keyring = Keyring::parse(&new_keys).expect("are keys");
        let mut credentials = credentials(&store, keyring).await;
        let tokens = open_tokens(&credentials.keyring, &stored).expect("opens");
        let slot = CredentialSlot {
            state: RwLock::new(CredentialState { stored, tokens }),
            refreshing: tokio::sync::Mutex::default(),
        };
        credentials.slots = BTreeMap::from([(("acme".into(), SYSTEM.as_str()), slot)]);

        let count = credentials.reseal().await.expect("is sealed anew");
        assert_eq!((count.resealed, count.current), (1, 0));

        let new_line = new_keys.reveal().lines().next().expect("a line").to_owned();
        let new_alone = Keyring::parse(&Secret::new(new_line)).expect("is a key");
        let kept = store.credential("acme", SYSTEM).await;
        let kept = kept.expect("is read").expect("is stored");
        assert!(kept.refreshing);
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
