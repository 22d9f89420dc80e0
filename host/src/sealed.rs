//! Every sealed text in the store, for those who need to know which keys it asks for and whether it
//! opens: `check`, `keys add`, and the start of the service.

use std::path::Path;

use crate::contract::types::System;
use crate::seal::{Keyring, Purpose, SealError};
use crate::store::{Store, StoreError};

/// A sealed text and its place.
pub struct SealedText {
    /// The name of the connection, which the settings may not have any more.
    pub connection: String,
    /// What it is.
    pub place: Place,
    sealed: Vec<u8>,
}

/// What a sealed text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Tokens of this generation.
    Tokens(System, u32),
    /// The answer to a token request of this generation that was not read yet.
    TokenAnswer(System, u32),
    /// The verifier of the webhook registration with this id.
    Verifier(String),
}

impl SealedText {
    /// The id of the key that sealed it; none if it is damaged.
    #[must_use]
    pub fn key_id(&self) -> Option<u8> {
        Keyring::key_id(&self.sealed)
    }

    /// Whether these keys open it.
    ///
    /// # Errors
    ///
    /// Why they do not.
    pub fn check(&self, keyring: &Keyring) -> Result<(), SealError> {
        let connection = self.connection.as_str();
        let purpose = match &self.place {
            Place::Tokens(system, generation) => Purpose::Tokens {
                connection,
                system: *system,
                generation: *generation,
            },
            Place::TokenAnswer(system, generation) => Purpose::TokenAnswer {
                connection,
                system: *system,
                generation: *generation,
            },
            Place::Verifier(callback) => Purpose::Verifier {
                connection,
                callback,
            },
        };
        keyring.open(&purpose, &self.sealed).map(drop)
    }
}

/// All sealed texts in a store, by connection. Rows that cannot be read are left out.
///
/// # Errors
///
/// If the store cannot be read at all.
pub async fn sealed_texts(store: &dyn Store) -> Result<Vec<SealedText>, StoreError> {
    let mut all = Vec::new();
    for connection in store.connections_with_secrets().await? {
        let mut texts = Vec::new();
        for system in System::ALL {
            let Some(stored) = readable(store.credential(&connection, system).await)?.flatten()
            else {
                continue;
            };
            let generation = stored.credential.generation;
            texts.extend([
                (Place::Tokens(system, generation), stored.sealed_tokens),
                (Place::TokenAnswer(system, generation), stored.sealed_answer),
            ]);
        }
        for stored in readable(store.callbacks(&connection).await)?.unwrap_or_default() {
            texts.push((Place::Verifier(stored.id), stored.sealed_verifier));
        }
        texts.retain(|(_, sealed): &(Place, Vec<u8>)| !sealed.is_empty());
        all.extend(texts.into_iter().map(|(place, sealed)| SealedText {
            connection: connection.clone(),
            place,
            sealed,
        }));
    }
    Ok(all)
}

/// What to do about seal keys that are not there while the store holds what they have sealed.
#[must_use]
pub fn seal_keys_lost(file: &Path) -> String {
    format!(
        "{} is missing, and the store holds tokens that are sealed with its keys: restore the file \
         from your backup. If it is lost for good, run `ml-connector keys add`, which makes a new \
         one, and then connect each side again: `ml-connector connect freshbooks` and \
         `ml-connector connect concur`",
        file.display()
    )
}

fn readable<T>(read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Err(StoreError::Corrupt(_)) => Ok(None),
        read => read.map(Some),
    }
}
