//! Webhook registrations and their verifiers: sealed in the store, open in memory for the receiver.
//!
//! A verifier that arrives is a candidate. It becomes the key when FreshBooks has confirmed just
//! that one, and never by its arrival alone. Candidates are in memory only, since they may be
//! anyone's.

mod candidates;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use self::candidates::Candidates;
pub use self::candidates::{Arrival, Strangers};
use crate::contract::types::Instant;
use crate::contract::webhooks::{Callback, Receiver};
use crate::credentials::ResealReport;
use crate::seal::{Keyring, Purpose, SealError};
use crate::secrets::Secret;
use crate::store::{RunId, Store, StoreError, StoredCallback, Write};

/// Handshakes of strangers are logged at most once in ten minutes while they come.
const REPORT_INTERVAL_MS: u64 = 600_000;

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
    /// The verifiers that FreshBooks has confirmed, by connection and callback id.
    trusted: RwLock<BTreeMap<(String, String), Secret>>,
    /// What arrived and is not confirmed, by connection.
    candidates: Mutex<BTreeMap<String, Reported>>,
    unopened: Vec<(String, String)>,
}

#[derive(Default)]
struct Reported {
    candidates: Candidates,
    /// When its strangers were last reported.
    at: Instant,
}

fn verifier_purpose<'a>(connection: &'a str, callback: &'a str) -> Purpose<'a> {
    Purpose::Verifier {
        connection,
        callback,
    }
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
        let (mut trusted, mut unopened) = (BTreeMap::new(), Vec::new());
        for connection in connections {
            for stored in load_callbacks(store, connection).await? {
                let purpose = verifier_purpose(&stored.connection, &stored.id);
                let opened = keyring.open(&purpose, &stored.sealed_verifier);
                let key = (stored.connection, stored.id);
                match opened {
                    Ok(verifier) => drop(trusted.insert(key, verifier)),
                    Err(error) => {
                        tracing::error!(connection, callback = key.1, %error,
                            "a verifier of webhooks does not open");
                        unopened.push(key);
                    }
                }
            }
        }
        Ok(Self {
            keyring,
            trusted: RwLock::new(trusted),
            candidates: Mutex::default(),
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

    /// The registrations of a connection as `webhooks.verify` wants them.
    #[must_use]
    pub fn receiver(&self, connection: &str, account_id: &str, registering: bool) -> Receiver {
        let trusted = self.read();
        let ours = trusted.iter().filter(|((name, _), _)| name == connection);
        let callbacks = ours.map(|((_, id), verifier)| Callback {
            id: id.clone(),
            verifier: Some(verifier.reveal().to_string()),
        });
        Receiver {
            account_id: account_id.to_string(),
            callbacks: callbacks.collect(),
            registering,
        }
    }

    /// Takes in a handshake, which may be a stranger's.
    pub fn add_candidate(
        &self,
        connection: &str,
        id: &str,
        verifier: Secret,
        now: Instant,
    ) -> Arrival {
        if self.trusted(connection, id).as_ref() == Some(&verifier) {
            return Arrival::Known;
        }
        let mut all = self.candidates();
        let ours = all.entry(connection.to_owned()).or_default();
        let arrival = ours.candidates.add(id, verifier, now);
        if ours.at.saturating_add(REPORT_INTERVAL_MS) <= now {
            ours.report(connection, now);
        }
        arrival
    }

    /// The next verifier that this run may have FreshBooks confirm: the trusted one, which a
    /// registration that was disabled may still have, then each that arrived, once; nothing if all
    /// were tried. That the run names the id has handshakes for it kept.
    pub fn take_candidate(
        &self,
        connection: &str,
        run: RunId,
        id: &str,
        now: Instant,
    ) -> Option<Secret> {
        let trusted = self.trusted(connection, id);
        let mut all = self.candidates();
        let ours = all.entry(connection.to_owned()).or_default();
        ours.candidates.take(run, id, trusted.as_ref(), now)
    }

    /// Whether a handshake has come that this run has asked for and not tried.
    #[must_use]
    pub fn has_candidate_for(&self, connection: &str, run: RunId) -> bool {
        let all = self.candidates();
        let ours = all.get(connection);
        ours.is_some_and(|ours| ours.candidates.has_for(run))
    }

    /// Notes that FreshBooks did not confirm a verifier. True if that came from a stranger: one
    /// that was trusted before has only been replaced.
    pub fn note_unconfirmed(&self, connection: &str, id: &str, verifier: &Secret) -> bool {
        if self.trusted(connection, id).as_ref() == Some(verifier) {
            return false;
        }
        let mut all = self.candidates();
        let ours = all.entry(connection.to_owned()).or_default();
        ours.candidates.note_unconfirmed();
        true
    }

    /// Forgets the candidates of a run that has ended, and all if it was the last that registers
    /// webhooks of this connection.
    pub fn end_registration(&self, connection: &str, run: RunId, is_last: bool, now: Instant) {
        let mut all = self.candidates();
        if let Some(ours) = all.get_mut(connection) {
            ours.candidates.end_registration(run, is_last);
            ours.report(connection, now);
        }
    }

    /// Makes this verifier the key, and returns the write that stores it. It counts from here on:
    /// FreshBooks has confirmed just this one.
    ///
    /// # Errors
    ///
    /// If it cannot be sealed.
    pub fn trust(&self, connection: &str, id: &str, verifier: Secret) -> Result<Write, SealError> {
        let write = self.stored(connection, id, &verifier)?;
        let key = (connection.to_owned(), id.to_owned());
        self.write().insert(key, verifier);
        Ok(write)
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
            let purpose = verifier_purpose(connection, &stored.id);
            let resealed = self.keyring.reseal(&purpose, &stored.sealed_verifier);
            let what = format!("the verifier of webhooks {} for {connection}", stored.id);
            let is_old = resealed
                .as_ref()
                .map(Option::is_some)
                .map_err(|error| *error);
            report.add(&what, &stored.sealed_verifier, is_old);
            if let Ok(Some(sealed_verifier)) = resealed {
                let resealed = StoredCallback {
                    sealed_verifier,
                    ..stored
                };
                self.commit_resealed(store, resealed).await?;
            }
        }
        Ok(report)
    }

    async fn commit_resealed(
        &self,
        store: &dyn Store,
        resealed: StoredCallback,
    ) -> Result<(), CallbackError> {
        let (connection, id) = (resealed.connection.clone(), resealed.id.clone());
        loop {
            let trusted = self.trusted(&connection, &id);
            let write = match &trusted {
                // Of a connection that the settings do not have: nothing else changes it.
                None => Write::Callback(resealed.clone()),
                Some(verifier) => self.stored(&connection, &id, verifier)?,
            };
            store.commit(vec![write]).await?;
            // One that was trusted meanwhile must not be overwritten by what was true before.
            if self.trusted(&connection, &id) == trusted {
                return Ok(());
            }
        }
    }

    fn stored(&self, connection: &str, id: &str, verifier: &Secret) -> Result<Write, SealError> {
        let purpose = verifier_purpose(connection, id);
        let sealed_verifier = self.keyring.seal(&purpose, verifier.reveal())?;
        Ok(Write::Callback(StoredCallback {
            connection: connection.to_string(),
            id: id.to_string(),
            sealed_verifier,
        }))
    }

    fn trusted(&self, connection: &str, id: &str) -> Option<Secret> {
        let key = (connection.to_owned(), id.to_owned());
        self.read().get(&key).cloned()
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<(String, String), Secret>> {
        self.trusted.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<(String, String), Secret>> {
        self.trusted.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn candidates(&self) -> MutexGuard<'_, BTreeMap<String, Reported>> {
        self.candidates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reported {
    /// Logs what strangers have sent, if they have.
    fn report(&mut self, connection: &str, now: Instant) {
        let strangers = self.candidates.take_strangers();
        if strangers == Strangers::default() {
            return;
        }
        self.at = now;
        tracing::warn!(
            connection,
            unconfirmed = strangers.unconfirmed,
            unnamed = strangers.unnamed,
            refused = strangers.refused,
            "handshakes came to the webhook address that are not FreshBooks'; none was trusted. \
             Somebody knows the address: change it as the operating manual says"
        );
    }
}
