//! Webhook registrations and their verifiers: sealed in the store, open in memory for the receiver.
//!
//! A verifier that arrives is a candidate. It becomes the key when the run that registers has had
//! it confirmed by FreshBooks, and never by its arrival alone.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::contract::webhooks::{Callback, Receiver};
use crate::credentials::ResealReport;
use crate::seal::{Keyring, Purpose, SealError};
use crate::secrets::Secret;
use crate::store::{Store, StoreError, StoredCallback, Write};

/// Registrations of one connection that are known. Real ones number about a dozen; further
/// handshakes are refused and push out none.
const CANDIDATES_MAX: usize = 64;

/// Why registrations cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A verifier cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// The registrations of all connections.
pub struct Callbacks {
    keyring: Arc<Keyring>,
    known: RwLock<BTreeMap<(String, String), Known>>,
    arrivals: AtomicU64,
    unopened: Vec<(String, String)>,
}

fn verifier_purpose(stored: &StoredCallback, trusted: bool) -> Purpose<'_> {
    Purpose::Verifier {
        connection: &stored.connection,
        callback: &stored.id,
        trusted,
    }
}

#[derive(Clone, Default, PartialEq)]
struct Known {
    trusted: Option<Secret>,
    candidate: Option<Secret>,
}

/// The registrations of a connection; none if they cannot be read: then FreshBooks verifies them
/// anew, and no other connection is harmed.
async fn load_callbacks(
    store: &dyn Store,
    connection: &str,
) -> Result<Vec<StoredCallback>, StoreError> {
    match store.callbacks(connection).await {
        Err(StoreError::Corrupt(detail)) => {
            tracing::error!(connection, detail, "verifiers of webhooks cannot be read");
            Ok(Vec::new())
        }
        callbacks => callbacks,
    }
}

fn open_callback(keyring: &Keyring, stored: &StoredCallback) -> Result<Known, SealError> {
    let open = |sealed: &[u8], trusted| match sealed {
        [] => Ok(None),
        _ => keyring
            .open(&verifier_purpose(stored, trusted), sealed)
            .map(Some),
    };
    Ok(Known {
        trusted: open(&stored.sealed_verifier, true)?,
        // One that does not open is asked for again.
        candidate: open(&stored.sealed_candidate, false).unwrap_or_default(),
    })
}

impl Callbacks {
    /// Loads the registrations of these connections. A verifier that does not open is as good as
    /// none; see [`Callbacks::unopened`].
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn load(
        store: &dyn Store,
        keyring: Arc<Keyring>,
        connections: &[&str],
    ) -> Result<Self, CallbackError> {
        let (mut known, mut unopened) = (BTreeMap::new(), Vec::new());
        for connection in connections {
            for stored in load_callbacks(store, connection).await? {
                let key = (stored.connection.clone(), stored.id.clone());
                match open_callback(&keyring, &stored) {
                    Ok(one) => drop(known.insert(key, one)),
                    Err(error) => {
                        tracing::error!(connection, callback = stored.id, %error,
                            "a verifier of webhooks does not open");
                        unopened.push(key);
                    }
                }
            }
        }
        Ok(Self {
            keyring,
            known: RwLock::new(known),
            arrivals: AtomicU64::new(0),
            unopened,
        })
    }

    /// The registrations of a connection whose verifiers did not open at the start: FreshBooks has
    /// to verify them anew.
    pub fn unopened(&self, connection: &str) -> impl Iterator<Item = &str> {
        let ours = self
            .unopened
            .iter()
            .filter(move |(name, _)| name == connection);
        ours.map(|(_, id)| id.as_str())
    }

    /// The ids of the keys in use, the newest first.
    #[must_use]
    pub fn key_ids(&self) -> Vec<u8> {
        self.keyring.ids().collect()
    }

    /// The registrations of a connection as `webhooks.verify` wants them.
    #[must_use]
    pub fn receiver(&self, connection: &str, account_id: &str, registering: bool) -> Receiver {
        let known = self.read();
        let ours = known.iter().filter(|((name, _), _)| name == connection);
        let callbacks = ours.map(|((_, id), one)| Callback {
            id: id.clone(),
            verifier: one
                .trusted
                .as_ref()
                .map(|verifier| verifier.reveal().to_string()),
        });
        Receiver {
            account_id: account_id.to_string(),
            callbacks: callbacks.collect(),
            registering,
        }
    }

    /// Adds a candidate, and returns the write that stores it; nothing when there are too
    /// many already.
    ///
    /// # Errors
    ///
    /// If it cannot be sealed.
    pub fn add_candidate(
        &self,
        connection: &str,
        id: &str,
        verifier: &Secret,
    ) -> Result<Option<Write>, SealError> {
        let mut known = self.write();
        let ours = known.keys().filter(|(name, _)| name == connection).count();
        let key = (connection.to_string(), id.to_string());
        if ours >= CANDIDATES_MAX && !known.contains_key(&key) {
            return Ok(None);
        }
        let one = known.entry(key).or_default();
        one.candidate = Some(verifier.clone());
        self.arrivals.fetch_add(1, Ordering::Release);
        self.stored(connection, id, one).map(Some)
    }

    /// How many candidates have arrived since the start of the process: for a run that is about to
    /// wait for one that may just have come.
    #[must_use]
    pub fn arrivals(&self) -> u64 {
        self.arrivals.load(Ordering::Acquire)
    }

    /// The verifier to be confirmed: the candidate, or, for a registration that was disabled and
    /// sends the same one again, the trusted one.
    #[must_use]
    pub fn verifier(&self, connection: &str, id: &str) -> Option<Secret> {
        let known = self.read();
        let one = known.get(&(connection.to_string(), id.to_string()))?;
        one.candidate.clone().or_else(|| one.trusted.clone())
    }

    /// The write that makes the candidate the key. It counts from here on: the run that asks for it
    /// has had it confirmed already.
    ///
    /// # Errors
    ///
    /// If it cannot be sealed.
    pub fn trust(&self, connection: &str, id: &str) -> Result<Option<Write>, SealError> {
        let mut known = self.write();
        let Some(one) = known.get_mut(&(connection.to_string(), id.to_string())) else {
            return Ok(None);
        };
        if let Some(candidate) = one.candidate.take() {
            one.trusted = Some(candidate);
        }
        self.stored(connection, id, one).map(Some)
    }

    /// Seals the verifiers of a connection with the newest key, also of one that the settings do
    /// not have any more. What does not open stays as it is.
    ///
    /// # Errors
    ///
    /// If the store fails; what was sealed anew by then stays so.
    pub async fn reseal(
        &self,
        store: &dyn Store,
        connection: &str,
    ) -> Result<ResealReport, CallbackError> {
        let mut report = ResealReport::default();
        for stored in load_callbacks(store, connection).await? {
            let resealed = self.reseal_callback(&stored);
            let what = format!("the verifier of webhooks {} for {connection}", stored.id);
            report.add(&what, &stored.sealed_verifier, resealed);
            if resealed == Ok(true) {
                self.commit_resealed(store, stored).await?;
            }
        }
        Ok(report)
    }

    /// Whether a stored registration has to be sealed anew; an error if it does not open.
    fn reseal_callback(&self, stored: &StoredCallback) -> Result<bool, SealError> {
        let mut is_old = false;
        for (sealed, trusted) in [
            (&stored.sealed_verifier, true),
            (&stored.sealed_candidate, false),
        ] {
            let purpose = verifier_purpose(stored, trusted);
            is_old |= self.keyring.reseal(&purpose, sealed)?.is_some();
        }
        Ok(is_old)
    }

    async fn commit_resealed(
        &self,
        store: &dyn Store,
        stored: StoredCallback,
    ) -> Result<(), CallbackError> {
        let key = (stored.connection.clone(), stored.id.clone());
        loop {
            let known = self.read().get(&key).cloned();
            let Some(one) = known else {
                // Of a connection that the settings do not have: nothing else changes it.
                let mut resealed = stored.clone();
                for (sealed, trusted) in [
                    (&mut resealed.sealed_verifier, true),
                    (&mut resealed.sealed_candidate, false),
                ] {
                    let purpose = verifier_purpose(&stored, trusted);
                    if let Some(new) = self.keyring.reseal(&purpose, sealed)? {
                        *sealed = new;
                    }
                }
                store.commit(vec![Write::Callback(resealed)]).await?;
                return Ok(());
            };
            let write = self.stored(&key.0, &key.1, &one)?;
            store.commit(vec![write]).await?;
            // A verifier that was trusted or arrived meanwhile must not be overwritten by what
            // was true before.
            if self.read().get(&key) == Some(&one) {
                return Ok(());
            }
        }
    }

    fn stored(&self, connection: &str, id: &str, one: &Known) -> Result<Write, SealError> {
        let seal = |verifier: &Option<Secret>, trusted| match verifier {
            Some(verifier) => {
                let purpose = Purpose::Verifier {
                    connection,
                    callback: id,
                    trusted,
                };
                self.keyring.seal(&purpose, verifier.reveal())
            }
            None => Ok(Vec::new()),
        };
        Ok(Write::Callback(StoredCallback {
            connection: connection.to_string(),
            id: id.to_string(),
            sealed_verifier: seal(&one.trusted, true)?,
            sealed_candidate: seal(&one.candidate, false)?,
        }))
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<(String, String), Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<(String, String), Known>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}
