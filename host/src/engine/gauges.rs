//! The gauges that are read from the store and from memory when somebody looks at them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::{Connection, Services};
use crate::contract::credentials::CredentialStatus;
use crate::contract::runs::EndingKind;
use crate::contract::types::System;
use crate::store::{RunCount, RunState};

/// What is shown is at most so old, so that nobody can keep the store busy by asking.
const AGE_MAX: Duration = Duration::from_secs(1);

/// The text is at most so old: less than anyone scrapes apart, and long enough that strangers who
/// ask for it by the thousand pay for it alone.
const TEXT_AGE_MAX: Duration = Duration::from_millis(100);

/// The states that objects are counted in until they have ended.
const OPEN: [RunState; 2] = [RunState::Due, RunState::Waiting];

/// How they end.
const ENDINGS: [EndingKind; 5] = [
    EndingKind::Confirmed,
    EndingKind::Unchanged,
    EndingKind::Rejected,
    EndingKind::Parked,
    EndingKind::Conflict,
];

/// Brings the gauges up to date that nothing else sets.
pub struct Gauges {
    services: Arc<Services>,
    connections: Arc<BTreeMap<String, Arc<Connection>>>,
    refreshed: tokio::sync::Mutex<Option<Instant>>,
    text: Mutex<Option<(Instant, Bytes)>>,
}

impl Gauges {
    /// Of these connections.
    #[must_use]
    pub fn new(
        services: Arc<Services>,
        connections: Arc<BTreeMap<String, Arc<Connection>>>,
    ) -> Self {
        Self {
            services,
            connections,
            refreshed: tokio::sync::Mutex::default(),
            text: Mutex::default(),
        }
    }

    /// All metrics in the text format that Prometheus reads, with the gauges brought up to date.
    pub async fn text(&self) -> Bytes {
        self.refresh().await;
        let mut encoded = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        match &*encoded {
            Some((at, text)) if at.elapsed() < TEXT_AGE_MAX => text.clone(),
            _ => {
                let text = Bytes::from(self.services.metrics.text());
                *encoded = Some((Instant::now(), text.clone()));
                text
            }
        }
    }

    /// Brings them up to date, unless that was done in the last second. Those of the store stay as
    /// they are while it cannot be read.
    pub async fn refresh(&self) {
        let mut refreshed = self.refreshed.lock().await;
        if refreshed.is_some_and(|last| last.elapsed() < AGE_MAX) {
            return;
        }
        *refreshed = Some(Instant::now());
        // The probe of a store that fails is due here too.
        let _ = self.services.health.readiness().await;
        for name in self.connections.keys() {
            for system in System::ALL {
                self.show_credential(name, system);
            }
        }
        if let Ok(counts) = self.services.store.run_counts().await {
            for name in self.connections.keys() {
                self.show_counts(name, &counts);
            }
        }
    }

    fn show_credential(&self, connection: &str, system: System) {
        let credential = self.services.credentials.credential(connection, system);
        let is = match credential.map(|credential| credential.status) {
            Some(CredentialStatus::Live) => "live",
            Some(CredentialStatus::Dead(_)) => "dead",
            Some(CredentialStatus::Absent) | None => "absent",
        };
        for what in ["live", "dead", "absent"] {
            let value = i64::from(what == is);
            let metrics = &self.services.metrics;
            metrics.set_credential(connection, system.as_str(), what, value);
        }
    }

    fn show_counts(&self, connection: &str, counts: &[RunCount]) {
        let metrics = &self.services.metrics;
        let ours = || counts.iter().filter(|count| count.connection == connection);
        let show = |how: &str, count: Option<&RunCount>| {
            metrics.set_objects(
                connection,
                how,
                count.map_or(0, |one| one.objects - one.planned),
            );
        };
        for state in OPEN {
            let count = ours().find(|count| count.state == state);
            show(state.as_str(), count);
        }
        for ending in ENDINGS {
            let count = ours().find(|count| count.ending == Some(ending));
            show(ending.as_str(), count);
        }
        let oldest = ours().filter_map(|count| count.oldest_started).min();
        let now = self.services.clock.now();
        // A look that is only planned has not started.
        let oldest = oldest.filter(|started| *started <= now);
        metrics.set_oldest_open(connection, oldest.unwrap_or(0));
    }
}
