//! The loop: notices become runs, runs that are due are driven, schedules and retention are kept.
//!
//! Everything wakes by a signal or at an instant that the store names; nothing is asked again and
//! again. Whatever the engine holds in memory it can make again from the store.

mod clock;
mod connection;
mod dispatch;
mod drive;
mod due;
mod gates;
mod news;
mod record;
mod renewal;
mod timetable;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

pub use self::clock::Clock;
pub(crate) use self::connection::SUBSCRIPTION_KIND;
pub use self::connection::{Connection, Pass};
pub(crate) use self::drive::drive;
pub use self::gates::{Gates, Held};
pub use self::news::{Event, News};
pub use self::renewal::Renewal;
use crate::callbacks::Callbacks;
use crate::config::Limits;
use crate::contract::http::{SendErrorCode, SendOutcome};
use crate::credentials::Credentials;
use crate::guest::SharedInstance;
use crate::metrics::Metrics;
use crate::receive::Backlog;
use crate::send::Sender;
use crate::store::Store;

/// The means: what every part of the engine works with.
pub struct Host {
    /// Keeps everything.
    pub store: Arc<dyn Store>,
    /// Sends everything.
    pub sender: Arc<Sender>,
    /// Tokens.
    pub credentials: Arc<Credentials>,
    /// Webhook registrations and their verifiers.
    pub callbacks: Arc<Callbacks>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Tells the time.
    pub clock: Clock,
    /// Bounds everything.
    pub limits: Limits,
    /// Set when no more requests are to be sent.
    pub stopping: AtomicBool,
}

impl Host {
    /// True when the service is about to stop: what is under way is brought to its next durable
    /// point, and nothing new is sent.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

/// The loop, at work.
pub struct Engine {
    host: Arc<Host>,
    connections: Arc<BTreeMap<String, Arc<Connection>>>,
    stop: watch::Sender<bool>,
    /// Ends the grace of runs under way.
    cut: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// How long tasks may take to end that have been cut off.
const CUT_GRACE: Duration = Duration::from_secs(2);

impl Engine {
    /// Starts everything. `work` is rung by the receiver when notices or handshakes have been
    /// stored.
    pub fn start(
        instance: Arc<SharedInstance>,
        host: Arc<Host>,
        connections: Arc<BTreeMap<String, Arc<Connection>>>,
        work: Arc<Notify>,
        backlog: Arc<Backlog>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (cut, cut_off) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for connection in connections.values() {
            let driven = due::drive_due(Arc::clone(connection), stopped.clone(), cut_off.clone());
            tasks.spawn(driven);
            tasks.spawn(timetable::keep(Arc::clone(connection), stopped.clone()));
            tasks.spawn(renewal::keep_fresh(Arc::clone(connection), stopped.clone()));
        }
        tasks.spawn(timetable::retire(Arc::clone(&host), stopped.clone()));
        let dispatcher = dispatch::Dispatcher {
            host: Arc::clone(&host),
            connections: Arc::clone(&connections),
            instance,
            work,
            backlog,
        };
        tasks.spawn(dispatcher.run(stopped));
        Self {
            host,
            connections,
            stop,
            cut,
            tasks,
        }
    }

    /// The connections at work, by name.
    #[must_use]
    pub fn connections(&self) -> &Arc<BTreeMap<String, Arc<Connection>>> {
        &self.connections
    }

    /// Stops: runs under way get `grace` to reach their next durable point. Nothing is lost if they
    /// do not; they go on from the one before.
    pub async fn stop(mut self, grace: Duration) {
        self.host.stopping.store(true, Ordering::Release);
        self.stop.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all).await.is_err() {
            tracing::warn!("runs under way were cut short; they go on at the next start");
        }
        self.cut.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(CUT_GRACE, all).await;
        self.tasks.shutdown().await;
    }
}

/// What is counted of an outcome.
pub(crate) fn outcome_word(outcome: &SendOutcome) -> &'static str {
    match outcome {
        SendOutcome::Response(response) => match response.status {
            0..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        },
        SendOutcome::NotSent(error) if error.code == SendErrorCode::Withheld => "withheld",
        SendOutcome::NotSent(_) => "not-sent",
        SendOutcome::MaybeSent(_) => "maybe-sent",
    }
}
