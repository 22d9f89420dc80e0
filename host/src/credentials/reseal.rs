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
