//! Notices become runs: in order, in batches, each decision in the store before the next batch is
//! read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::Services;
use super::connection::Connection;
use super::stored_instants::not_before;
use crate::backlog::Backlog;
use crate::contract::admission::{Activity, Admission};
use crate::contract::runs::{NewTask, StartReason};
use crate::contract::types::ObjectRef;
use crate::guest::{GuestError, SharedInstance};
use crate::store::{Decision, NewRun, Notice, StoreError, Write};

/// Notices that are decided in one commit: a flood of them costs few waits for the disk, and a
/// single one is not held up.
const BATCH_MAX: u32 = 256;

/// How long to wait for more notices to decide together, so that a flood costs few commits.
const LINGER: Duration = Duration::from_millis(4);

/// Between tries while the store or the component fails.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// Why notices could not be decided.
#[derive(Debug, thiserror::Error)]
enum DispatchError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Guest(#[from] GuestError),
}

/// Decides what notices lead to.
pub(super) struct Dispatcher {
    pub(super) services: Arc<Services>,
    pub(super) connections: Arc<BTreeMap<String, Arc<Connection>>>,
    pub(super) instance: Arc<SharedInstance>,
    pub(super) notices_stored: Arc<Notify>,
    pub(super) backlog: Arc<Backlog>,
}

impl Dispatcher {
    /// Decides notices as they arrive, until `stop`.
    pub(super) async fn run(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            match self.decide_batch().await {
                Ok(0) => {
                    let released = sleep_until(self.backlog.held.next_release());
                    tokio::select! {
                        () = self.notices_stored.notified() => self.wake_schedulers(),
                        () = released => {}
                        _ = stop.changed() => {}
                    }
                }
                Ok(read) => {
                    self.wake_schedulers();
                    if read < BATCH_MAX as usize {
                        tokio::time::sleep(LINGER).await;
                    }
                }
                Err(error) => {
                    // That the store fails is said once, and not with every try.
                    if !self.services.health.is_failing() {
                        tracing::error!(%error, "notices could not be decided");
                    }
                    tokio::time::sleep(FAILURE_PAUSE).await;
                }
            }
        }
    }

    fn wake_schedulers(&self) {
        for connection in self.connections.values() {
            connection.runs_due.notify_one();
        }
    }

    /// Decides a batch of notices, but for those that are held back; returns how many there were.
    async fn decide_batch(&self) -> Result<usize, DispatchError> {
        let now = Instant::now();
        // Released before they are read: from here on what comes for their objects is stored.
        let held = self.backlog.held.release(now);
        let store = &self.services.store;
        let mut notices = store.undecided_notices(BATCH_MAX, held).await?;
        let read = notices.len();
        notices.retain(|notice| self.backlog.held.may_decide(notice, now));
        if notices.is_empty() {
            return Ok(read);
        }
        self.decide_all(&notices).await?;
        for notice in &notices {
            self.backlog.held.count_decided(notice, now);
        }
        Ok(read)
    }

    async fn decide_all(&self, notices: &[Notice]) -> Result<(), DispatchError> {
        let mut activities = self.activities(notices).await?;
        let mut writes = Vec::with_capacity(notices.len());
        for notice in notices {
            let key = (notice.connection.as_str(), ObjectKey::new(&notice.object));
            let activity = activities.entry(key).or_insert(Activity::Idle);
            writes.push(self.decide(notice, activity)?);
        }
        let decided = self.commit(writes).await?;
        self.backlog
            .add(-i64::try_from(decided).unwrap_or(i64::MAX));
        self.services.metrics.backlog.set(self.backlog.count());
        Ok(())
    }

    /// All in one commit; if that is refused each on its own, so that none holds up the others.
    /// Returns how many were decided.
    async fn commit(&self, writes: Vec<Write>) -> Result<usize, DispatchError> {
        let count = writes.len();
        match self.services.store.commit(writes.clone()).await {
            Ok(receipt) => return Ok(count.saturating_sub(receipt.left_undecided as usize)),
            Err(StoreError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let mut decided = 0;
        let mut refused = None;
        for write in writes {
            match self.services.store.commit(vec![write]).await {
                Ok(receipt) if receipt.left_undecided > 0 => {}
                Ok(_) => decided += 1,
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            Some(error) if decided == 0 => Err(error.into()),
            _ => Ok(decided),
        }
    }

    /// What is known of the objects that are named.
    async fn activities<'n>(
        &self,
        notices: &'n [Notice],
    ) -> Result<BTreeMap<(&'n str, ObjectKey<'n>), Activity>, StoreError> {
        let mut named: BTreeMap<&str, BTreeMap<ObjectKey<'_>, &ObjectRef>> = BTreeMap::new();
        for notice in notices {
            let objects = named.entry(&notice.connection).or_default();
            objects.insert(ObjectKey::new(&notice.object), &notice.object);
        }
        let mut activities = BTreeMap::new();
        for (connection, objects) in named {
            let refs: Vec<ObjectRef> = objects.values().copied().cloned().collect();
            let statuses = self
                .services
                .store
                .object_statuses(connection, &refs)
                .await?;
            for ((key, object), status) in objects.into_iter().zip(statuses) {
                let activity = match status.active {
                    true => self.activity(connection, object).await?,
                    false => Activity::Idle,
                };
                activities.insert((connection, key), activity);
            }
        }
        Ok(activities)
    }

    async fn activity(&self, connection: &str, object: &ObjectRef) -> Result<Activity, StoreError> {
        let run = self.services.store.active_run(connection, object).await?;
        Ok(match run {
            None => Activity::Idle,
            Some(run) if run.dirty => Activity::Dirty,
            Some(_) => Activity::Running,
        })
    }

    fn decide(&self, notice: &Notice, activity: &mut Activity) -> Result<Write, GuestError> {
        let admission = self
            .instance
            .call(|instance| instance.admit(&notice.object, *activity))?;
        let object = match admission {
            Admission::NothingNew(message) => {
                return Ok(Write::Decide {
                    notice: notice.id,
                    arrivals: notice.arrivals,
                    decision: Decision::NothingNew(message),
                });
            }
            Admission::Start(object) => {
                *activity = Activity::Running;
                object
            }
            Admission::MarkDirty(object) => {
                *activity = Activity::Dirty;
                object
            }
        };
        Ok(Write::StartOrMarkDirty(self.new_run(notice, object)))
    }

    fn new_run(&self, notice: &Notice, object: ObjectRef) -> NewRun {
        // Of a connection that is not in the settings any more: the run waits for it to come back.
        let connection = self.connections.get(&notice.connection);
        let settings_version = connection.map_or_else(String::new, |connection| {
            connection.settings.version.clone()
        });
        NewRun {
            connection: notice.connection.clone(),
            task: NewTask {
                object,
                reason: StartReason::Notice,
            },
            settings_version,
            started: not_before(notice.received, self.services.clock.now()),
            notice: Some(notice.id),
        }
    }
}

async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}

/// An object reference that can be ordered.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct ObjectKey<'n> {
    id: &'n str,
    kind: &'n str,
    system: &'static str,
}

impl<'n> ObjectKey<'n> {
    fn new(object: &'n ObjectRef) -> Self {
        Self {
            id: &object.id,
            kind: &object.kind,
            system: object.system.as_str(),
        }
    }
}
