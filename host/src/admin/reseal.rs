//! Everything sealed in the store, sealed anew with the newest key: `ml-connector keys reseal`.

use super::AdminReply;
use super::handle::AdminRefusal;
use crate::engine::{Services, store_checkpoints};

/// Seals tokens and webhook verifiers anew, also of connections that the settings do not have any
/// more. What an error leaves undone, the next call does.
pub(super) async fn reseal_store(services: &Services) -> Result<AdminReply, AdminRefusal> {
    let tokens = services.credentials.reseal().await?;
    let verifiers = services.callbacks.reseal(&*services.store).await?;
    // They too name the key that they were made with.
    store_checkpoints(services).await;
    Ok(AdminReply::Resealed {
        resealed: tokens.resealed + verifiers.resealed,
        current: tokens.current + verifiers.current,
        key_ids: services.callbacks.key_ids(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::callbacks::Callbacks;
    use crate::clock::Clock;
    use crate::config::Limits;
    use crate::contract::credentials::{Credential, CredentialStatus};
    use crate::contract::types::System;
    use crate::credentials::{Credentials, Dependencies, stored_bearer};
    use crate::health::Health;
    use crate::http_client::HttpClient;
    use crate::metrics::Metrics;
    use crate::seal::{Keyring, Purpose, SealError};
    use crate::secrets::{Secret, Secrets};
    use crate::store::conformance::ModelStore;
    use crate::store::{Store, StoredCallback, StoredCredential, Write};

    const TOKENS: &str = r#"{"access_token":"access","refresh_token":"refresh"}"#;

    /// The keyring of these ids, of which the first one seals; a key is 32 times its id.
    fn keyring(ids: &[u8]) -> Keyring {
        use base64::Engine as _;
        let encode = |id: &u8| base64::engine::general_purpose::STANDARD.encode([*id; 32]);
        let lines = ids.iter().map(|id| format!("{id}:{}\n", encode(id)));
        Keyring::parse(&Secret::new(lines.collect())).expect("are keys")
    }

    fn credential(connection: &str, keyring: &Keyring) -> Write {
        let purpose = Purpose::Tokens {
            connection,
            system: System::Freshbooks,
            generation: 3,
        };
        Write::Credential(StoredCredential {
            connection: connection.into(),
            credential: Credential {
                system: System::Freshbooks,
                status: CredentialStatus::Live,
                generation: 3,
                base: None,
                access: None,
                refresh_expires: None,
                scope: None,
            },
            sealed_tokens: keyring.seal(&purpose, TOKENS).expect("is sealed"),
            refreshing: false,
            sealed_answer: Vec::new(),
        })
    }

    fn callback(connection: &str, keyring: &Keyring) -> Write {
        let purpose = Purpose::Verifier {
            connection,
            callback: "7",
        };
        Write::Callback(StoredCallback {
            connection: connection.into(),
            id: "7".into(),
            sealed_verifier: keyring.seal(&purpose, "verifier").expect("is sealed"),
        })
    }

    /// The services of a process with these keys; the settings have `acme` alone.
    async fn services(store: &Arc<ModelStore>, ids: &[u8]) -> Services {
        let keyring = Arc::new(keyring(ids));
        let (store, limits) = (Arc::clone(store), Limits::default());
        let callbacks = Callbacks::load(&*store, Arc::clone(&keyring), &["acme"]);
        let callbacks = Arc::new(callbacks.await.expect("verifiers open"));
        let http_client = Arc::new(HttpClient::new(&limits).expect("a client"));
        let (metrics, clock) = (Arc::<Metrics>::default(), Clock::from_fn(|| 1_000));
        let health = Health::new(store.clone(), Arc::clone(&metrics), clock.clone());
        let dependencies = Dependencies {
            store: store.clone(),
            http_client: Arc::clone(&http_client),
            keyring: Arc::clone(&keyring),
            secrets: Secrets::new("secrets".into()),
            metrics: Arc::clone(&metrics),
            clock: clock.clone(),
        };
        let credentials = Credentials::load(dependencies, Vec::new()).await;
        Services {
            store,
            http_client,
            credentials: Arc::new(credentials.expect("credentials load")),
            callbacks,
            keyring,
            health: Arc::new(health),
            metrics,
            clock,
            limits,
            stopping: AtomicBool::new(false),
        }
    }

    async fn reseal(store: &Arc<ModelStore>, ids: &[u8]) -> (u64, u64) {
        let reply = reseal_store(&services(store, ids).await).await;
        match reply.expect("is sealed anew") {
            AdminReply::Resealed {
                resealed,
                current,
                key_ids,
            } => {
                assert_eq!(key_ids, ids);
                (resealed, current)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Whether the tokens and the verifier of a connection open with these keys.
    async fn assert_opens(store: &ModelStore, connection: &str, ids: &[u8]) {
        let keyring = keyring(ids);
        let stored = store.credential(connection, System::Freshbooks).await;
        let stored = stored.expect("is read").expect("is stored");
        let bearer = stored_bearer(&keyring, &stored).expect("tokens open");
        assert_eq!(bearer.expect("is live"), "Bearer access");
        for stored in store.callbacks(connection).await.expect("are read") {
            let purpose = Purpose::Verifier {
                connection,
                callback: &stored.id,
            };
            let opened = keyring.open(&purpose, &stored.sealed_verifier);
            assert_eq!(opened.expect("the verifier opens").reveal(), "verifier");
        }
    }

    #[tokio::test]
    async fn after_a_reseal_the_new_key_alone_opens_everything() {
        let store = Arc::new(ModelStore::default());
        let old = keyring(&[1]);
        let batch = ["acme", "gone"].map(|name| [credential(name, &old), callback(name, &old)]);
        let batch = batch.into_iter().flatten().collect();
        store.commit(batch).await.expect("is stored");
        assert_eq!(reseal(&store, &[2, 1]).await, (4, 0));
        for connection in ["acme", "gone"] {
            assert_opens(&store, connection, &[2]).await;
        }
        assert_eq!(reseal(&store, &[2]).await, (0, 4), "repeated");
    }

    #[tokio::test]
    async fn a_reseal_that_was_interrupted_is_finished_by_the_next_one() {
        let store = Arc::new(ModelStore::default());
        let (old, missing) = (keyring(&[1]), keyring(&[3]));
        let batch = vec![
            credential("acme", &old),
            callback("acme", &old),
            callback("gone", &missing),
        ];
        store.commit(batch).await.expect("is stored");
        // Tokens and the verifier of `acme` are sealed anew before it comes to that of `gone`.
        let interrupted = reseal_store(&services(&store, &[2, 1]).await).await;
        assert!(matches!(
            interrupted,
            Err(AdminRefusal::Callback(
                crate::callbacks::CallbackError::Seal(SealError::UnknownKey(3))
            ))
        ));
        assert_opens(&store, "acme", &[2]).await;
        assert_eq!(reseal(&store, &[2, 1, 3]).await, (1, 2));
        assert_opens(&store, "acme", &[2]).await;
        assert_eq!(reseal(&store, &[2]).await, (0, 3), "repeated");
    }

    #[tokio::test]
    async fn a_store_without_secrets_has_nothing_to_seal() {
        assert_eq!(reseal(&Arc::default(), &[1]).await, (0, 0));
    }
}
