//! Connections that the store knows and the settings do not have: renamed or removed.

use std::collections::BTreeMap;
use std::fmt;

use crate::config::Config;
use crate::contract::runs::EndingKind;
use crate::store::{RunCount, RunState, Store, StoreError};

/// A connection that the settings do not have any more, and what the store holds of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orphan {
    /// Its name.
    pub connection: String,
    /// Its runs, those that have ended included.
    pub runs: u64,
    /// Objects whose run has not ended: it waits for the connection to come back.
    pub waiting: u64,
    /// Objects that need a person: parked, rejected or in conflict.
    pub stopped: u64,
    /// Whether tokens or webhook keys are stored.
    pub has_secrets: bool,
}

impl fmt::Display for Orphan {
    /// One sentence, with what to do.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secrets = match self.has_secrets {
            true => ", and its tokens",
            false => "",
        };
        write!(
            out,
            "the settings have no connection {name} any more, and the store holds {runs} of its \
             runs ({waiting} waiting, {stopped} that need a person), its links{secrets}. If it was \
             renamed, give it the name {name} again: links, tokens and markers go by the name. If \
             it was removed for good, its waiting runs never go on, and nothing has to be done",
            name = self.connection,
            runs = self.runs,
            waiting = self.waiting,
            stopped = self.stopped,
        )
    }
}

/// Those connections, in the order of their names.
///
/// # Errors
///
/// If the store fails.
pub async fn orphans(config: &Config, store: &dyn Store) -> Result<Vec<Orphan>, StoreError> {
    let mut found: BTreeMap<String, Orphan> = BTreeMap::new();
    for count in store.run_counts().await? {
        let orphan = found.entry(count.connection.clone()).or_default();
        add(orphan, &count);
    }
    for name in store.connections_with_secrets().await? {
        found.entry(name).or_default().has_secrets = true;
    }
    for connection in &config.connections {
        found.remove(&connection.name);
    }
    let named = found.into_iter().map(|(connection, orphan)| Orphan {
        connection,
        ..orphan
    });
    Ok(named.collect())
}

fn add(orphan: &mut Orphan, count: &RunCount) {
    orphan.runs += count.runs;
    match (count.state, count.ending) {
        (RunState::Due | RunState::Waiting, _) => orphan.waiting += count.objects - count.planned,
        (_, Some(EndingKind::Parked | EndingKind::Rejected | EndingKind::Conflict)) => {
            orphan.stopped += count.objects;
        }
        _ => {}
    }
}
