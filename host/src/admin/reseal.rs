//! Everything sealed in the store, sealed anew with the newest key: at the start of the service,
//! and by `ml-connector keys reseal`.

use std::time::Duration;

use tokio::sync::watch;

use super::AdminReply;
use super::handle::AdminRefusal;
use crate::credentials::ResealReport;
use crate::engine::{Services, store_checkpoints};

/// Connections of one request: its reply is what the command shows as progress, and the requests of
/// other people get their turn in between.
const CONNECTIONS_MAX: usize = 50;

/// Before the store is tried again.
const STORE_PAUSE: Duration = Duration::from_secs(60);

/// Seals tokens and webhook verifiers anew of the connections whose names come after this one, also
/// of those that the settings do not have any more, and says where to go on. What an error leaves
/// undone, the next call does.
pub(super) async fn reseal_next(
    services: &Services,
    after: &str,
) -> Result<AdminReply, AdminRefusal> {
    let mut names = services.store.connections_with_secrets().await?;
    names.retain(|name| name.as_str() > after);
    let left = names.split_off(names.len().min(CONNECTIONS_MAX)).len() as u64;
    let mut report = ResealReport::default();
    for name in &names {
        report.merge(services.credentials.reseal(name).await?);
        let verifiers = services.callbacks.reseal(&*services.store, name).await?;
        report.merge(verifiers);
    }
    if left == 0 {
        // They too name the key that they were made with.
        store_checkpoints(services).await;
    }
    Ok(AdminReply::Resealed {
        resealed: report.resealed,
        current: report.current,
        unopened: report.unopened,
        left,
        next: names.pop().filter(|_| left > 0),
        key_ids: services.keyring.ids().collect(),
    })
}

/// Seals everything anew that an older key has sealed, until nothing is left or the service stops.
pub(crate) async fn reseal_at_start(services: &Services, stopped: watch::Receiver<bool>) {
    if let Some((sealed_anew @ 1.., 0)) = reseal_all(services, stopped).await {
        tracing::info!(
            sealed_anew,
            "everything is sealed with the newest key: the older ones may go from `seal.keys`"
        );
    }
}

/// How much was sealed anew, and how much does not open; nothing if the service stopped before the
/// end, since then nobody has looked at the rest.
async fn reseal_all(
    services: &Services,
    mut stopped: watch::Receiver<bool>,
) -> Option<(u64, usize)> {
    let mut after = String::new();
    let (mut sealed_anew, mut not_opened) = (0, 0);
    while !*stopped.borrow() {
        match reseal_next(services, &after).await {
            Ok(AdminReply::Resealed {
                resealed,
                unopened,
                left,
                next,
                ..
            }) => {
                sealed_anew += resealed;
                not_opened += unopened.len();
                if resealed > 0 {
                    tracing::info!(resealed, left, "secrets were sealed with the newest key");
                }
                match next {
                    Some(next) => after = next,
                    None => return Some((sealed_anew, not_opened)),
                }
            }
            Ok(_) => return None,
            Err(error) => {
                tracing::warn!(%error, "secrets could not be sealed with the newest key yet");
                tokio::select! {
                    () = tokio::time::sleep(STORE_PAUSE) => {}
                    _ = stopped.changed() => {}
                }
            }
        }
    }
    None
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
    use crate::seal::{Keyring, Purpose};
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
            requests_unanswered: 0,
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

    /// How many rows were sealed anew, were already, and do not open.
    async fn reseal(store: &Arc<ModelStore>, ids: &[u8]) -> (u64, u64, usize) {
        let reply = reseal_next(&services(store, ids).await, "").await;
        match reply.expect("is sealed anew") {
            AdminReply::Resealed {
                resealed,
                current,
                unopened,
                next: None,
                left: 0,
                key_ids,
            } => {
                assert_eq!(key_ids, ids);
                (resealed, current, unopened.len())
            }
            other => panic!("{other:?}"),
        }
    }

    /// Whether the tokens and the verifier of a connection open with these keys.
    async fn assert_opens(store: &ModelStore, connection: &str, ids: &[u8]) {
        let stored = store.credential(connection, System::Freshbooks).await;
        assert!(stored.expect("is read").is_some());
        assert_opens_where_stored(store, connection, ids).await;
    }

    /// The same of what is there of a connection.
    async fn assert_opens_where_stored(store: &ModelStore, connection: &str, ids: &[u8]) {
        let keyring = keyring(ids);
        let stored = store.credential(connection, System::Freshbooks).await;
        if let Some(stored) = stored.expect("is read") {
            let bearer = stored_bearer(&keyring, &stored).expect("tokens open");
            assert_eq!(bearer.expect("is live"), "Bearer access");
        }
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
        assert_eq!(reseal(&store, &[2, 1]).await, (4, 0, 0));
        for connection in ["acme", "gone"] {
            assert_opens(&store, connection, &[2]).await;
        }
        assert_eq!(reseal(&store, &[2]).await, (0, 4, 0), "repeated");
    }

    #[tokio::test]
    async fn what_does_not_open_stays_and_the_rest_is_sealed_anew() {
        let store = Arc::new(ModelStore::default());
        let (old, missing) = (keyring(&[1]), keyring(&[3]));
        let batch = vec![
            callback("acme", &missing),
            credential("bolt", &missing),
            credential("gone", &old),
            callback("gone", &old),
        ];
        store.commit(batch).await.expect("is stored");
        assert_eq!(reseal(&store, &[2, 1]).await, (2, 0, 2));
        assert_opens(&store, "gone", &[2]).await;
        // The key is found again.
        assert_eq!(reseal(&store, &[2, 1, 3]).await, (2, 2, 0));
        for connection in ["acme", "bolt", "gone"] {
            assert_opens_where_stored(&store, connection, &[2]).await;
        }
    }

    #[tokio::test]
    async fn many_connections_take_several_requests() {
        let store = Arc::new(ModelStore::default());
        let names: Vec<String> = (0..CONNECTIONS_MAX + 7)
            .map(|n| format!("c{n:03}"))
            .collect();
        let old = keyring(&[1]);
        let batch = names.iter().map(|name| credential(name, &old)).collect();
        store.commit(batch).await.expect("is stored");
        let services = services(&store, &[2, 1]).await;
        let first = reseal_next(&services, "").await.expect("is sealed anew");
        let AdminReply::Resealed { left, next, .. } = first else {
            panic!("{first:?}");
        };
        assert_eq!((left, next.as_deref()), (7, Some("c049")));
        let second = reseal_next(&services, "c049")
            .await
            .expect("is sealed anew");
        assert!(matches!(
            second,
            AdminReply::Resealed {
                resealed: 7,
                left: 0,
                next: None,
                ..
            }
        ));
        for name in &names {
            assert_opens(&store, name, &[2]).await;
        }
    }

    #[tokio::test]
    async fn a_store_without_secrets_has_nothing_to_seal() {
        assert_eq!(reseal(&Arc::default(), &[1]).await, (0, 0, 0));
    }

    #[tokio::test]
    async fn nothing_is_said_of_older_keys_if_the_service_stops_before_the_end() {
        let store = Arc::new(ModelStore::default());
        let batch = vec![credential("gone", &keyring(&[1]))];
        store.commit(batch).await.expect("is stored");
        let services = services(&store, &[2, 1]).await;
        let (stop, stopped) = watch::channel(true);
        assert_eq!(reseal_all(&services, stopped.clone()).await, None);
        stop.send_replace(false);
        assert_eq!(reseal_all(&services, stopped).await, Some((1, 0)));
    }
}
