//! What is logged and forgotten when a run ends.

use super::{DriveError, Driver};
use crate::contract::runs::{Completion, Ending, LastEnding, StartReason};
use crate::contract::settings::ReceiverNeed;
use crate::engine::connection::Connection;
use crate::store::RunId;

/// What is to be done about a run, with its number where the component, which does not know it,
/// says `RUN`.
#[must_use]
pub fn numbered_remedy(remedy: &str, run: RunId) -> String {
    let number = |command: &str| (format!("{command} RUN"), format!("{command} {run}"));
    let numbered = ["ml-connector replay", "ml-connector show"].map(number);
    let commands = numbered.iter();
    commands.fold(remedy.to_owned(), |text, (open, known)| {
        text.replace(open, known)
    })
}

impl Driver<'_> {
    /// How the run of the object before this one ended.
    pub(super) async fn last_ending(&self) -> Result<Option<LastEnding>, DriveError> {
        let object = std::slice::from_ref(&self.run.object);
        let store = &self.connection.services.store;
        let found = store.object_statuses(&self.connection.name, object).await?;
        Ok(found.into_iter().next().and_then(|status| status.last))
    }

    /// An ending that needs a person is a warning and has its sentence; that a scheduled look found
    /// nothing wrong is said every few minutes, and is no news.
    pub(super) fn log_ending(&self, completion: &Completion) {
        let (connection, run) = (&self.connection.name, self.run.id);
        let (kind, object) = (&self.run.object.kind, &self.run.object.id);
        let ending = completion.kind().as_str();
        let code = completion.code().unwrap_or_default();
        let needed = match &completion.ending {
            Ending::Rejected(failure) | Ending::Parked(failure) => {
                Some((&failure.message, &failure.remedy))
            }
            Ending::Conflict(conflict) => Some((&conflict.message, &conflict.remedy)),
            Ending::Confirmed(_) | Ending::Unchanged(_) => None,
        };
        macro_rules! log {
            ($level:ident, $($fields:tt)*) => {
                tracing::$level!(connection, run, kind, object, ending, code, $($fields)*)
            };
        }
        if let Some((why, remedy)) = needed {
            let why = self.connection.without_addresses(why);
            let remedy = numbered_remedy(remedy, run);
            log!(warn, why, remedy, "a run has ended and needs a person");
        } else if self.run.reason == StartReason::Schedule {
            log!(debug, "a run has ended");
        } else {
            log!(info, "a run has ended");
        }
    }

    /// Forgets the handshakes that were kept for this run, if it is one that registers webhooks. It
    /// has ended, whatever the store says of the others: where that cannot be read, theirs are
    /// kept.
    pub(super) async fn end_registration(&self) {
        let connection = self.connection;
        let objects = || {
            let schedules = connection.schedules.iter();
            let needing = schedules.filter(|one| one.needs == Some(ReceiverNeed::Webhooks));
            needing.map(|schedule| &schedule.object)
        };
        if !objects().any(|object| *object == self.run.object) {
            return;
        }
        let Connection { name, services, .. } = connection;
        let mut is_last = true;
        for object in objects() {
            is_last &= matches!(services.store.active_run(name, object).await, Ok(None));
        }
        let now = services.clock.now();
        let callbacks = &services.callbacks;
        callbacks.end_registration(name, self.run.id, is_last, now);
    }
}
