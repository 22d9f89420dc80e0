//! The threads that read, each with its own connection, so that reading never waits for the writer
//! and the callers' threads never wait for the disk.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::schema;
use crate::store::StoreError;

/// Threads that read: one for lists of commands, which are slow, and two for the engine.
const READERS: usize = 3;

/// Queries that may wait for a reader; more make the callers wait. Every run under way asks at most
/// one at a time.
const QUEUE_QUERIES_MAX: usize = 1_024;

type Job = Box<dyn FnOnce(&Connection) + Send>;
type Queue = Arc<Mutex<mpsc::Receiver<Job>>>;

/// The way to the reader threads. Dropping it ends them and waits until their connections are
/// closed: as long as one is open, the writer cannot put its log away.
pub(super) struct Readers {
    jobs: Option<mpsc::Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Opens the connections and starts the threads.
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE_QUERIES_MAX);
        let queue = Arc::new(Mutex::new(queue));
        let mut readers = Self {
            jobs: Some(jobs),
            threads: Vec::new(),
        };
        for _ in 0..READERS {
            let database = schema::open_reader(path)?;
            let thread = start_reader(database, Arc::clone(&queue))?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Runs a query within one read transaction, so that all of its statements see the same state.
    pub(super) async fn read<T, Q>(&self, query: Q) -> Result<T, StoreError>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, result) = oneshot::channel();
        let job: Job = Box::new(move |database| {
            let _ = reply.send(in_transaction(database, query));
        });
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        jobs.send(job).await.map_err(|_| stopped())?;
        result.await.map_err(|_| stopped())?
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        drop(self.jobs.take());
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn start_reader(database: Connection, queue: Queue) -> Result<JoinHandle<()>, StoreError> {
    std::thread::Builder::new()
        .name("store-reader".into())
        .spawn(move || {
            while let Some(job) = next_job(&queue) {
                job(&database);
            }
        })
        .map_err(|error| StoreError::Unavailable(format!("no thread for a reader: {error}")))
}

fn next_job(queue: &Queue) -> Option<Job> {
    queue.lock().ok()?.blocking_recv()
}

fn in_transaction<T>(
    database: &Connection,
    query: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    // Nothing is to be committed: how the transaction ends takes nothing from the answer.
    let transaction = database.unchecked_transaction()?;
    query(&transaction)
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the store has been closed".into())
}
