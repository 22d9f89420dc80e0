//! Stored credentials, opened with the keys that there are: what does not open is closed with the
//! sentence that helps, and stays in the store as it is, so that the right keys bring it back.

use std::sync::Arc;

use super::tokens::{Tokens, answer_purpose, open_tokens};
use super::{Account, CredentialError, Dependencies};
use crate::contract::credentials::{Credential, CredentialStatus};
use crate::contract::types::{Instant, System};
use crate::seal::{Keyring, SealError};
use crate::store::{StoreError, StoredCredential};

/// A credential in memory.
#[derive(Clone)]
pub(super) struct CredentialState {
    /// As it is in the store.
    pub(super) stored: StoredCredential,
    pub(super) tokens: Option<Arc<Tokens>>,
    /// Why it cannot be used although the store has it; what helps, one plain sentence.
    pub(super) closed: Option<String>,
}

impl CredentialState {
    /// Whether an answer of the token endpoint is stored that says more than the tokens.
    pub(super) fn has_unread_answer(&self) -> bool {
        !self.stored.sealed_answer.is_empty() && self.closed.is_none()
    }

    /// What can be done with it: it is dead while it is closed.
    pub(super) fn usable(&self) -> Credential {
        let mut credential = self.stored.credential.clone();
        if let Some(why) = &self.closed {
            credential.status = CredentialStatus::Dead(why.clone());
        }
        credential
    }
}

/// A credential as the store has it. One that cannot be read harms no other.
pub(super) async fn load_credential(
    parts: &Dependencies,
    account: &Account,
    system: System,
) -> Result<CredentialState, CredentialError> {
    let stored = match parts.store.credential(&account.connection, system).await {
        Ok(Some(stored)) => Ok(stored),
        Ok(None) => Ok(account.absent(system)?),
        Err(StoreError::Corrupt(detail)) => Err(detail),
        Err(error) => return Err(error.into()),
    };
    let state = match stored {
        Ok(stored) => open_credential(&parts.keyring, stored),
        Err(detail) => unreadable_state(account.absent(system)?, &detail, parts.clock.now()),
    };
    if let Some(why) = &state.closed {
        let (connection, system) = (&account.connection, system.as_str());
        tracing::error!(connection, system, why, "a credential cannot be used");
    }
    Ok(state)
}

/// Opens the secrets of a stored credential.
pub(super) fn open_credential(keyring: &Keyring, stored: StoredCredential) -> CredentialState {
    let opened = open_tokens(keyring, &stored).and_then(|tokens| {
        open_answer(keyring, &stored)?;
        Ok(tokens)
    });
    let (tokens, closed) = match opened {
        Ok(tokens) => (tokens, None),
        Err(error) => (None, Some(does_not_open(stored.credential.system, error))),
    };
    CredentialState {
        stored,
        tokens,
        closed,
    }
}

/// What stands for a row that cannot be read.
fn unreadable_state(mut absent: StoredCredential, detail: &str, now: Instant) -> CredentialState {
    let why = cannot_be_read(absent.credential.system, detail);
    // The store refuses a generation before the present one, which is not known; it counts single
    // token requests, so that the seconds since 1970 are beyond it.
    absent.credential.generation = u32::try_from(now / 1_000).unwrap_or(u32::MAX - 1);
    CredentialState {
        stored: absent,
        tokens: None,
        closed: Some(why),
    }
}

/// A stored credential as it can be used with these keys: dead, with the sentence that helps, where
/// it holds secrets that do not open. `keyring` is the sentence why there are no keys where there
/// are none.
#[must_use]
pub fn usable_credential(keyring: Result<&Keyring, &str>, stored: StoredCredential) -> Credential {
    match keyring {
        Ok(keyring) => open_credential(keyring, stored).usable(),
        Err(_) if stored.sealed_tokens.is_empty() && stored.sealed_answer.is_empty() => {
            stored.credential
        }
        Err(why) => Credential {
            status: CredentialStatus::Dead(why.to_owned()),
            ..stored.credential
        },
    }
}

/// What stands for a stored credential whose row cannot be read, for this reason: dead, with the
/// sentence that helps.
#[must_use]
pub fn unreadable_credential(system: System, detail: &str) -> Credential {
    Credential {
        system,
        status: CredentialStatus::Dead(cannot_be_read(system, detail)),
        generation: 0,
        base: None,
        access: None,
        refresh_expires: None,
        scope: None,
    }
}

fn open_answer(keyring: &Keyring, stored: &StoredCredential) -> Result<(), SealError> {
    if stored.sealed_answer.is_empty() {
        return Ok(());
    }
    let opened = keyring.open(&answer_purpose(stored), &stored.sealed_answer);
    opened.map(drop)
}

fn does_not_open(system: System, error: SealError) -> String {
    format!(
        "the stored tokens of {} do not open: {error}. Restore `seal.keys` from your backup and \
         restart the service; if it is lost, {}",
        system.display_name(),
        connect_again(system)
    )
}

fn cannot_be_read(system: System, detail: &str) -> String {
    format!(
        "the stored credential of {} cannot be read ({detail}): put the store back from its \
         backup, or {}",
        system.display_name(),
        connect_again(system)
    )
}

fn connect_again(system: System) -> &'static str {
    match system {
        System::Freshbooks => "run `ml-connector connect freshbooks` and consent again",
        System::Concur => {
            "have an administrator make a new company request token and run \
             `ml-connector connect concur`"
        }
    }
}
