//! Tokens and the other secrets of a token request, and what they are sealed for.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::contract::http;
use crate::http_client::SecretParts;
use crate::seal::{Keyring, Purpose, SealError};
use crate::secrets::Secret;
use crate::store::StoredCredential;

#[derive(Serialize, Deserialize)]
pub(super) struct Tokens {
    pub(super) access_token: Zeroizing<String>,
    pub(super) refresh_token: Option<Zeroizing<String>>,
}

/// The secrets of one token request.
pub(super) struct TokenSecrets {
    pub(super) client_secret: Secret,
    pub(super) refresh_token: Option<Zeroizing<String>>,
    pub(super) from_person: Option<Secret>,
}

impl SecretParts for TokenSecrets {
    fn secret(&self, secret: &http::Secret) -> Option<Zeroizing<String>> {
        let plain = |secret: &Secret| Zeroizing::new(secret.reveal().to_string());
        match secret {
            http::Secret::ClientSecret => Some(plain(&self.client_secret)),
            http::Secret::RefreshToken => self.refresh_token.clone(),
            http::Secret::AuthorizationCode | http::Secret::CompanyRequestToken => {
                self.from_person.as_ref().map(plain)
            }
            http::Secret::Verifier(_) => None,
        }
    }
}

pub(super) fn open_tokens(
    keyring: &Keyring,
    stored: &StoredCredential,
) -> Result<Option<Arc<Tokens>>, SealError> {
    if stored.sealed_tokens.is_empty() {
        return Ok(None);
    }
    let opened = keyring.open(&tokens_purpose(stored), &stored.sealed_tokens)?;
    let tokens = serde_json::from_str(opened.reveal()).map_err(|_| SealError::Broken)?;
    Ok(Some(Arc::new(tokens)))
}

pub(super) fn tokens_purpose(stored: &StoredCredential) -> Purpose<'_> {
    Purpose::Tokens {
        connection: &stored.connection,
        system: stored.credential.system,
        generation: stored.credential.generation,
    }
}

pub(super) fn answer_purpose(stored: &StoredCredential) -> Purpose<'_> {
    Purpose::TokenAnswer {
        connection: &stored.connection,
        system: stored.credential.system,
        generation: stored.credential.generation,
    }
}
