//! Whether the service does what it is for: whether commits succeed, and whether the store is
//! whole.
//!
//! Readiness is the result of the last commit, since a disk that can be read says nothing about one
//! that can be written, and whether the files are where they were, which no commit may tell for
//! hours. After a failure a probe is written, so that a disk that works again is seen
//! without any webhook.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::contract::types::Instant;
use crate::metrics::Metrics;
use crate::store::{CheckExtent, Damage, Store, Write};

/// Between two probes, so that health checks cannot keep a failing disk busy.
const PROBE_INTERVAL_MS: u64 = 1_000;

/// How long a probe is waited for; less than health checks usually wait.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// The mark that probes write.
const PROBE_MARK: &str = "probe";

/// The mark of the damage of the whole store; that of a connection has its name after it.
pub const DAMAGE_MARK: &str = "damage";

/// Why the service is not ready. Says nothing of names or paths: anyone may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unready {
    /// The last commit failed, and so does the probe.
    #[error("the store cannot be written")]
    StoreFails,
    /// The file of the store was removed or replaced: what is stored now is gone with the process.
    #[error("the store is not where it was; do not stop the service, and see its log")]
    StoreLost,
    /// The file of the store is damaged: what is stored in it may be lost.
    #[error("the store is damaged; `ml-connector check --store` says more")]
    StoreDamaged,
    /// Events are configured and not received.
    #[error("events are not received")]
    NoEvents,
}

/// What is known of the health of the service.
pub struct Health {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    clock: Clock,
    last_probe: tokio::sync::Mutex<Option<Instant>>,
    /// By connection; of the whole store under the empty name.
    damage: Mutex<BTreeMap<String, String>>,
}

impl Health {
    /// Of a service over this store, in whose metrics it is shown.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>, clock: Clock) -> Self {
        metrics.store_damaged.set(0);
        Self {
            store,
            metrics,
            clock,
            last_probe: tokio::sync::Mutex::default(),
            damage: Mutex::default(),
        }
    }

    /// Whether what arrives can be stored, and stays.
    ///
    /// # Errors
    ///
    /// [`Unready`].
    pub async fn readiness(&self) -> Result<(), Unready> {
        if self.is_failing() {
            self.probe().await;
        }
        let is_failing = self.is_failing();
        let is_lost = self.store.check_place().is_err();
        let is_writable = !is_failing && !is_lost;
        self.metrics.store_writable.set(i64::from(is_writable));
        if is_lost {
            Err(Unready::StoreLost)
        } else if is_failing {
            Err(Unready::StoreFails)
        } else if self.damage().contains_key("") {
            Err(Unready::StoreDamaged)
        } else {
            Ok(())
        }
    }

    /// Checks the structure of the store's file, which takes as long as it takes to read it once;
    /// what is found is logged, stored and shown.
    pub async fn check_pages(&self) {
        let found = self.store.find_damage(CheckExtent::Pages).await;
        let first = match found {
            Ok(damage) => damage.into_iter().next(),
            Err(error) => {
                return tracing::error!(%error, "the store could not be checked for damage");
            }
        };
        match first {
            Some(damage) => self.note_damage(&damage).await,
            None => {
                tracing::info!("the structure of the store is whole");
                self.clear_damage("").await;
            }
        }
    }

    /// Notes damage of the store or of one connection; logs and stores it when it is new.
    pub async fn note_damage(&self, damage: &Damage) {
        let connection = damage.connection.clone().unwrap_or_default();
        let text = damage.to_string();
        let before = self.damage().insert(connection.clone(), text.clone());
        self.show_damage();
        if before.as_deref() != Some(text.as_str()) {
            tracing::error!(
                connection,
                damage = text,
                "the store was damaged or changed; run `ml-connector check --store`"
            );
            self.store_damage(&connection, text).await;
        }
    }

    /// Forgets what an earlier process has noted of a connection that is whole now. What this
    /// process has noted stays.
    pub(crate) async fn clear_earlier_damage(&self, connection: &str) {
        if !self.damage().contains_key(connection) {
            self.clear_damage(connection).await;
        }
    }

    /// Forgets the damage of a connection, or under the empty name that of the store.
    pub async fn clear_damage(&self, connection: &str) {
        self.damage().remove(connection);
        self.show_damage();
        let stored = self.store.mark(&damage_mark(connection)).await;
        if stored.is_ok_and(|stored| stored.is_some_and(|text| !text.is_empty())) {
            self.store_damage(connection, String::new()).await;
        }
    }

    /// For `status`, which asks the store.
    async fn store_damage(&self, connection: &str, text: String) {
        let write = Write::Mark {
            name: damage_mark(connection),
            value: text,
        };
        // Where it cannot be stored, log and metrics have it.
        let _ = self.store.commit(vec![write]).await;
    }

    fn show_damage(&self) {
        let count = self.damage().len();
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.metrics.store_damaged.set(count);
    }

    /// Whether the last commit failed, which the store has logged.
    pub(crate) fn is_failing(&self) -> bool {
        self.store.commits().failure().is_some()
    }

    /// Writes something, at most once a second; the store notes what came of it. A probe that takes
    /// long goes on without anyone waiting.
    async fn probe(&self) {
        let Ok(mut last) = self.last_probe.try_lock() else {
            return;
        };
        let now = self.clock.now();
        // A clock that was set must not put probes off.
        if last.is_some_and(|last| last.abs_diff(now) < PROBE_INTERVAL_MS) {
            return;
        }
        *last = Some(now);
        let store = Arc::clone(&self.store);
        let probe = tokio::spawn(async move {
            let write = Write::Mark {
                name: PROBE_MARK.into(),
                value: now.to_string(),
            };
            store.commit(vec![write]).await.map(drop)
        });
        let _ = tokio::time::timeout(PROBE_TIMEOUT, probe).await;
    }

    fn damage(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.damage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of the mark that has the damage of a connection, or with an empty name of the store.
#[must_use]
pub fn damage_mark(connection: &str) -> String {
    match connection {
        "" => DAMAGE_MARK.to_owned(),
        name => format!("{DAMAGE_MARK}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::store::conformance::ModelStore;

    /// The health over a store, and the time, which stands until it is set.
    fn health(store: &ModelStore) -> (Health, Arc<AtomicU64>) {
        let time = Arc::new(AtomicU64::new(5_000));
        let read = Arc::clone(&time);
        let clock = Clock::from_fn(move || read.load(Ordering::Relaxed));
        let store = Arc::new(store.clone());
        (Health::new(store, Arc::default(), clock), time)
    }

    async fn commit(store: &ModelStore) -> bool {
        let write = Write::Mark {
            name: "last".into(),
            value: "1".into(),
        };
        store.commit(vec![write]).await.is_ok()
    }

    #[tokio::test]
    async fn readiness_is_the_result_of_the_last_commit_and_then_of_a_probe() {
        let store = ModelStore::default();
        let (health, time) = health(&store);
        assert_eq!(health.readiness().await, Ok(()));
        store.set_full(true);
        assert_eq!(health.readiness().await, Ok(()), "nobody has written yet");
        assert!(!commit(&store).await);
        assert_eq!(health.readiness().await, Err(Unready::StoreFails));
        store.set_full(false);
        assert_eq!(
            health.readiness().await,
            Err(Unready::StoreFails),
            "the next probe is a second away"
        );
        time.fetch_add(PROBE_INTERVAL_MS, Ordering::Relaxed);
        assert_eq!(health.readiness().await, Ok(()), "no webhook was needed");
        assert_eq!(health.metrics.store_writable.get(), 1);
    }

    #[tokio::test]
    async fn a_commit_that_succeeds_needs_no_probe() {
        let store = ModelStore::default();
        let (health, _time) = health(&store);
        store.set_full(true);
        assert!(!commit(&store).await);
        assert_eq!(health.readiness().await, Err(Unready::StoreFails));
        store.set_full(false);
        assert!(commit(&store).await);
        assert_eq!(health.readiness().await, Ok(()));
        let probes = store.mark(PROBE_MARK).await.expect("reads");
        assert_eq!(probes, None);
    }

    #[tokio::test]
    async fn damage_of_the_store_is_unready_and_that_of_a_connection_is_not() {
        let store = ModelStore::default();
        let (health, _time) = health(&store);
        let damage = |connection: Option<&str>| Damage {
            connection: connection.map(str::to_owned),
            run: None,
            message: "its last 2 endings are missing".into(),
        };
        health.note_damage(&damage(Some("acme"))).await;
        assert_eq!(health.readiness().await, Ok(()));
        let told = store.mark(&damage_mark("acme")).await.expect("reads");
        assert_eq!(
            told.as_deref(),
            Some("acme: its last 2 endings are missing")
        );
        health.note_damage(&damage(None)).await;
        assert_eq!(health.readiness().await, Err(Unready::StoreDamaged));
        assert_eq!(health.metrics.store_damaged.get(), 2);
        health.check_pages().await;
        assert_eq!(health.readiness().await, Ok(()), "the model is whole");
    }
}
