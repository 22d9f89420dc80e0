//! An answer of a token endpoint from its arrival on: it is held until it is stored, and read until
//! it has been understood.

use std::time::Duration;

use super::raw_answer::RawAnswer;
use super::tokens::answer_purpose;
use super::{CredentialError, CredentialSlot, CredentialState, Credentials, Refused};
use crate::contract::credentials::{Credential, CredentialStatus, TokenRemedy};
use crate::store::StoreError;

/// Between tries to store what has arrived: twice as long each time, up to the second one, so that
/// a disk that hesitates costs no time and one that is full for hours little.
const STORE_PAUSE: Duration = Duration::from_millis(100);
const STORE_PAUSE_MAX: Duration = Duration::from_secs(5);

impl Credentials {
    /// Stores what came of a token request, and tries until it is stored: the token that was
    /// presented is spent. Meanwhile nobody else can ask, since the caller holds the credential's
    /// lock.
    ///
    /// # Errors
    ///
    /// If the store refuses it, which no later try would change.
    pub(super) async fn store_received(
        &self,
        slot: &CredentialSlot,
        state: CredentialState,
    ) -> Result<(), StoreError> {
        let (mut pause, mut failures) = (STORE_PAUSE, 0_u64);
        loop {
            let error = match self.commit(slot, state.clone()).await {
                Err(error @ StoreError::Refused(_)) => return Err(error),
                Err(error) => error,
                Ok(()) => break,
            };
            if failures == 0 {
                let (connection, system) = name(&state);
                tracing::error!(
                    connection, system, %error,
                    "an answer with tokens cannot be stored; it is held in memory and stored as \
                     soon as the store can write"
                );
            }
            failures += 1;
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(STORE_PAUSE_MAX);
        }
        if failures > 0 {
            let (connection, system) = name(&state);
            tracing::info!(connection, system, failures, "the answer is stored");
        }
        Ok(())
    }

    /// Reads the answers that were stored and not read before the process ended.
    pub(super) async fn resume(&self) {
        for ((connection, system), slot) in &self.slots {
            if !slot.read().has_unread_answer() {
                continue;
            }
            if let Err(error) = self.read_stored_answer(connection, slot).await {
                tracing::error!(
                    connection, system, %error,
                    "an answer of the last token request was read again"
                );
            }
        }
    }

    /// Reads the answer that is stored, and does what it says.
    pub(super) async fn read_stored_answer(
        &self,
        connection: &str,
        slot: &CredentialSlot,
    ) -> Result<Credential, CredentialError> {
        let state = slot.read();
        let opened = self
            .keyring
            .open(&answer_purpose(&state.stored), &state.stored.sealed_answer)?;
        let Some(answer) = RawAnswer::parse(opened.reveal()) else {
            let why = "it was stored by another version";
            return Err(self.close(slot, state, why).await);
        };
        match self.read_answer(connection, &state, &answer) {
            Ok(Ok(credential)) => self.store_tokens(slot, &state, credential, &answer).await,
            Ok(Err(failure)) => {
                let mut state = state;
                state.stored.sealed_answer = Vec::new();
                let refused = self.record_failure(slot, state, &answer, failure).await?;
                Err(refused.into())
            }
            Err(error) => Err(self.close(slot, state, &error.to_string()).await),
        }
    }

    /// Closes a credential whose answer cannot be read. The answer stays in the store, where the
    /// next start reads it again: another version or wider limits may succeed. Until then a person
    /// can connect anew, and the token that is spent is not presented.
    pub(super) async fn close(
        &self,
        slot: &CredentialSlot,
        mut state: CredentialState,
        why: &str,
    ) -> CredentialError {
        let system = state.stored.credential.system;
        let message = format!(
            "the last answer of {name} with tokens cannot be read ({why}). It is stored and is \
             read again at each start; to connect anew, run `ml-connector connect {command}`",
            name = system.display_name(),
            command = system.as_str()
        );
        state.stored.credential.status = CredentialStatus::Dead(message.clone());
        state.stored.requests_unanswered = 0;
        tracing::error!(
            connection = state.stored.connection,
            system = system.as_str(),
            why,
            "an answer with tokens cannot be read"
        );
        match self.store_received(slot, state).await {
            Ok(()) => CredentialError::Refused(Refused {
                message,
                remedy: TokenRemedy::Reconnect,
            }),
            Err(error) => error.into(),
        }
    }
}

fn name(state: &CredentialState) -> (&str, &'static str) {
    let stored = &state.stored;
    (&stored.connection, stored.credential.system.as_str())
}
