//! The one thread that writes: it takes what is waiting, commits it as one group, and then answers
//! everyone.

use std::thread::JoinHandle;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::prepared::Prepared;
use super::{execute, writes};
use crate::store::{Receipt, StoreError};

/// Batches that may wait for the writer; more make the callers wait.
const QUEUE_BATCHES_MAX: usize = 1_024;

/// Batches in one group, which share one sync of the disk. Larger groups make each caller wait
/// longer and save little.
const GROUP_BATCHES_MAX: usize = 256;

/// The way to the writer thread. Dropping it lets the thread finish what is queued, and waits for
/// that.
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

struct Job {
    batch: Vec<Prepared>,
    reply: oneshot::Sender<Committed>,
}

impl Writer {
    /// Starts the thread, which owns the only connection that writes.
    pub(super) fn start(database: Connection) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE_BATCHES_MAX);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || write_until_closed(&database, queue))
            .map_err(|error| {
                StoreError::Unavailable(format!("no thread for the writer: {error}"))
            })?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Commits a batch. Once it is queued it is carried out even if the caller no longer waits.
    pub(super) async fn commit(&self, batch: Vec<Prepared>) -> Committed {
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        let (reply, answer) = oneshot::channel();
        jobs.send(Job { batch, reply })
            .await
            .map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a batch came to.
type Committed = Result<Receipt, StoreError>;

fn write_until_closed(database: &Connection, mut queue: mpsc::Receiver<Job>) {
    let mut group = Vec::with_capacity(GROUP_BATCHES_MAX);
    while queue.blocking_recv_many(&mut group, GROUP_BATCHES_MAX) > 0 {
        let answers =
            commit_group(database, &group).unwrap_or_else(|_| commit_each(database, &group));
        for (job, answer) in group.drain(..).zip(answers) {
            let _ = job.reply.send(answer);
        }
    }
}

/// The outer error is that of the whole group: nothing of it was stored.
fn commit_group(database: &Connection, group: &[Job]) -> Result<Vec<Committed>, StoreError> {
    let transaction = Transaction::new_unchecked(database, TransactionBehavior::Immediate)?;
    let answers = group
        .iter()
        .map(|job| apply_batch(&transaction, &job.batch))
        .collect::<Result<_, _>>()?;
    transaction.commit()?;
    Ok(answers)
}

/// On a disk without room for the group some of its batches may still fit, such as one that makes
/// room.
fn commit_each(database: &Connection, group: &[Job]) -> Vec<Committed> {
    let alone = |job| match commit_group(database, std::slice::from_ref(job)) {
        Ok(mut answers) => answers.pop().unwrap_or_else(|| Err(stopped())),
        Err(error) => Err(error),
    };
    group.iter().map(alone).collect()
}

fn apply_batch(database: &Connection, batch: &[Prepared]) -> Result<Committed, StoreError> {
    execute(database, "SAVEPOINT batch", [])?;
    let receipt = writes::apply_all(database, batch);
    if let Err(error) = &receipt {
        if database.is_autocommit() {
            return Err(error.clone()); // SQLite has rolled back the whole transaction
        }
        execute(database, "ROLLBACK TO batch", [])?;
    }
    execute(database, "RELEASE batch", [])?;
    Ok(receipt)
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the store has been closed".into())
}
