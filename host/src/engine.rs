//! The loop: notices become runs, runs that are due are driven, schedules start runs, old histories
//! are deleted.
//!
//! Everything wakes by a signal or at an instant that the store names; nothing is asked again and
//! again. Whatever the engine holds in memory it can make again from the store.

mod connection;
mod dispatch;
mod drive;
mod gates;
mod gauges;
mod history_buffer;
mod integrity;
mod recent_wakes;
mod rehearsal;
mod retention;
mod scheduler;
mod schedules;
mod services;
mod stored_instants;
mod token_refresh;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

pub use self::connection::{Connection, SendPermit};
pub(crate) use self::drive::drive;
pub use self::drive::numbered_remedy;
pub use self::gates::{GateClosed, Gates, Observed};
pub use self::gauges::Gauges;
pub use self::integrity::uncheckable;
pub(crate) use self::integrity::{store_checkpoints, unsound_checkpoints};
pub use self::recent_wakes::RecentWakes;
pub(crate) use self::rehearsal::rehearse;
pub use self::rehearsal::{AssumedLink, Rehearsal, RehearsalEnd, RehearsalError};
pub use self::schedules::last_start_mark;
pub use self::services::Services;
pub use self::stored_instants::bounded_gate;
pub(crate) use self::stored_instants::{TOKEN_PAUSE_MAX_MS, bound_due};
pub use self::token_refresh::TokenRefresh;
use crate::backlog::Backlog;
use crate::guest::SharedInstance;

/// The running loop; [`Engine::stop`] ends it.
pub struct Engine {
    services: Arc<Services>,
    connections: Arc<BTreeMap<String, Arc<Connection>>>,
    stop: watch::Sender<bool>,
    /// Ends the grace of runs under way.
    cut: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// How long tasks may take to end that have been cut off.
const CUT_GRACE: Duration = Duration::from_secs(2);

impl Engine {
    /// Starts everything. Receivers notify `notices_stored` when notices have been stored, or a
    /// handshake has come that a run waits for.
    pub fn start(
        instance: Arc<SharedInstance>,
        services: Arc<Services>,
        connections: Arc<BTreeMap<String, Arc<Connection>>>,
        notices_stored: Arc<Notify>,
        backlog: Arc<Backlog>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (cut, cut_off) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for connection in connections.values() {
            let driven =
                scheduler::run_due(Arc::clone(connection), stopped.clone(), cut_off.clone());
            tasks.spawn(driven);
            tasks.spawn(schedules::start_scheduled(
                Arc::clone(connection),
                stopped.clone(),
            ));
            tasks.spawn(token_refresh::keep_fresh(
                Arc::clone(connection),
                stopped.clone(),
            ));
        }
        tasks.spawn(integrity::watch_integrity(
            Arc::clone(&services),
            stopped.clone(),
        ));
        tasks.spawn(retention::delete_old(
            Arc::clone(&services),
            stopped.clone(),
        ));
        tasks.spawn(stored_instants::keep_bounded(
            Arc::clone(&services),
            Arc::clone(&connections),
            stopped.clone(),
        ));
        let dispatcher = dispatch::Dispatcher {
            services: Arc::clone(&services),
            connections: Arc::clone(&connections),
            instance,
            notices_stored,
            backlog,
        };
        tasks.spawn(dispatcher.run(stopped));
        Self {
            services,
            connections,
            stop,
            cut,
            tasks,
        }
    }

    /// The connections that the settings have, by name, such as `acme`.
    #[must_use]
    pub fn connections(&self) -> &Arc<BTreeMap<String, Arc<Connection>>> {
        &self.connections
    }

    /// Stops: runs under way get `grace` to reach their next durable point. Nothing is lost if they
    /// do not; they go on from the one before.
    pub async fn stop(mut self, grace: Duration) {
        self.services.stopping.store(true, Ordering::Release);
        self.stop.send_replace(true);
        let all = async {
            while self.tasks.join_next().await.is_some() {}
            // An answer with tokens that was received must be stored.
            self.services.credentials.finish().await;
        };
        if tokio::time::timeout(grace, all).await.is_err() {
            tracing::warn!("runs under way were cut short; they continue at the next start");
        }
        self.cut.send_replace(true);
        let all = async {
            while self.tasks.join_next().await.is_some() {}
            self.services.credentials.finish().await;
        };
        let _ = tokio::time::timeout(CUT_GRACE, all).await;
        self.tasks.shutdown().await;
        // A disk that hangs must not keep the process from ending.
        let _ = tokio::time::timeout(CUT_GRACE, store_checkpoints(&self.services)).await;
    }
}
