//! The one thread that writes: it takes what is waiting, commits it as one group, and then answers
//! everyone.

use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::runtime;
use tokio::sync::{mpsc, oneshot};

use super::file::Watch;
use super::log::Log;
use super::prepared::Prepared;
use super::{execute, writes};
use crate::store::{Receipt, StoreError};

/// Batches that may wait for the writer; more make the callers wait.
const QUEUE_BATCHES_MAX: usize = 1_024;

/// Batches in one group, which share one sync of the disk. Larger groups make each caller wait
/// longer and save little.
const GROUP_BATCHES_MAX: usize = 256;

/// Nothing to write for so long is a moment to empty the log, and to look whether all is in place.
const IDLE: Duration = Duration::from_secs(1);

/// The way to the writer thread. Dropping it lets the thread finish what is queued, and waits for
/// that.
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    watch: Watch,
}

enum Job {
    Commit(Batch),
    Checkpoint(oneshot::Sender<Result<(), StoreError>>),
}

struct Batch {
    writes: Vec<Prepared>,
    reply: oneshot::Sender<Committed>,
}

impl Writer {
    /// Starts the thread, which owns the only connection that writes.
    pub(super) fn start(log: Log) -> Result<Self, StoreError> {
        let no_thread =
            |error| StoreError::Unavailable(format!("no thread for the writer: {error}"));
        let (jobs, queue) = mpsc::channel(QUEUE_BATCHES_MAX);
        let clock = runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(no_thread)?;
        let watch = log.watch();
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || write_until_closed(log, queue, &clock))
            .map_err(no_thread)?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            watch,
        })
    }

    /// Fails if the files that it writes to are no longer where they were.
    pub(super) fn check_place(&self) -> Result<(), StoreError> {
        self.watch.check()
    }

    /// Commits a batch. Once it is queued it is carried out even if the caller no longer waits.
    pub(super) async fn commit(&self, batch: Vec<Prepared>) -> Committed {
        let writes = batch;
        self.ask(|reply| Job::Commit(Batch { writes, reply })).await
    }

    /// Empties the log, after what is queued.
    pub(super) async fn checkpoint(&self) -> Result<(), StoreError> {
        self.ask(Job::Checkpoint).await
    }

    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Job,
    ) -> Result<T, StoreError> {
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        let (reply, answer) = oneshot::channel();
        jobs.send(job(reply)).await.map_err(|_| stopped())?;
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

fn write_until_closed(mut log: Log, mut queue: mpsc::Receiver<Job>, clock: &runtime::Runtime) {
    let mut jobs = Vec::with_capacity(GROUP_BATCHES_MAX);
    loop {
        let received = clock.block_on(async {
            tokio::time::timeout(IDLE, queue.recv_many(&mut jobs, GROUP_BATCHES_MAX)).await
        });
        match received {
            Ok(0) => return log.close(),
            Ok(_) => carry_out(&mut log, &mut jobs),
            Err(_) => log.rest(),
        }
    }
}

fn carry_out(log: &mut Log, jobs: &mut Vec<Job>) {
    let (mut group, mut checkpoints) = (Vec::new(), Vec::new());
    for job in jobs.drain(..) {
        match job {
            Job::Commit(batch) => group.push(batch),
            Job::Checkpoint(reply) => checkpoints.push(reply),
        }
    }
    if !group.is_empty() {
        let answers = commit_or_refuse(log, &group);
        for (batch, answer) in group.into_iter().zip(answers) {
            let _ = batch.reply.send(answer);
        }
    }
    for reply in checkpoints {
        let _ = reply.send(log.checkpoint());
    }
}

/// What was written to a file that is no longer there is not acknowledged.
fn commit_or_refuse(log: &mut Log, group: &[Batch]) -> Vec<Committed> {
    let committed = match log.check() {
        Ok(()) => commit_group(log, group).unwrap_or_else(|_| commit_each(log, group)),
        Err(_) => Vec::new(),
    };
    match log.check() {
        Ok(()) if committed.len() == group.len() => committed,
        Ok(()) => group.iter().map(|_| Err(stopped())).collect(),
        Err(lost) => group.iter().map(|_| Err(lost.clone())).collect(),
    }
}

/// The outer error is that of the whole group: nothing of it was stored.
fn commit_group(log: &mut Log, group: &[Batch]) -> Result<Vec<Committed>, StoreError> {
    log.commit(|transaction| {
        let answers = group.iter();
        let answers = answers.map(|batch| apply_batch(transaction, &batch.writes));
        answers.collect()
    })
}

/// On a disk without room for the group some of its batches may still fit, such as one that makes
/// room.
fn commit_each(log: &mut Log, group: &[Batch]) -> Vec<Committed> {
    let alone = |batch| match commit_group(log, std::slice::from_ref(batch)) {
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
