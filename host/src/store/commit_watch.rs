//! What the last commit came to: whether the store takes what arrives.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::StoreError;

/// Between two lines of the log while every commit fails: a flood of webhooks must not fill the
/// disk that is full already.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// The result of the last commit, noted by the store. It logs when commits begin to fail, once a
/// minute while they do, and when they succeed again; callers need not.
#[derive(Debug, Default)]
pub struct CommitWatch(Mutex<Option<Failing>>);

#[derive(Debug)]
struct Failing {
    error: StoreError,
    /// Commits that failed since the first.
    commits: u64,
    reported: Instant,
}

impl CommitWatch {
    /// Notes what a commit came to. A batch that was refused says nothing of the disk.
    pub fn note<T>(&self, result: &Result<T, StoreError>) {
        match result {
            Ok(_) => self.note_success(),
            Err(StoreError::Refused(_)) => {}
            Err(error) => drop(self.note_failure(error)),
        }
    }

    /// Why the last commit failed; none if it did not.
    #[must_use]
    pub fn failure(&self) -> Option<StoreError> {
        self.lock().as_ref().map(|failing| failing.error.clone())
    }

    fn note_success(&self) {
        if let Some(Failing { commits, .. }) = self.lock().take() {
            tracing::warn!(commits, "the store takes commits again; so many had failed");
        }
    }

    /// Returns whether it was logged.
    fn note_failure(&self, error: &StoreError) -> bool {
        let mut failing = self.lock();
        let now = Instant::now();
        let (commits, reported) = match &*failing {
            None => (1, None),
            Some(before) => (before.commits + 1, Some(before.reported)),
        };
        let recent = reported.filter(|reported| now.duration_since(*reported) < REPORT_INTERVAL);
        if recent.is_none() {
            tracing::error!(%error, commits, "commits fail; nothing more is acknowledged");
        }
        *failing = Some(Failing {
            error: error.clone(),
            commits,
            reported: recent.unwrap_or(now),
        });
        recent.is_none()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Failing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_commit_counts_and_a_refusal_does_not() {
        let watch = CommitWatch::default();
        let full = StoreError::Unavailable("disk full".into());
        watch.note::<()>(&Err(full.clone()));
        watch.note::<()>(&Err(StoreError::Refused("a second run".into())));
        assert_eq!(watch.failure(), Some(full));
        watch.note(&Ok(()));
        watch.note::<()>(&Err(StoreError::Refused("a second run".into())));
        assert_eq!(watch.failure(), None);
    }

    #[test]
    fn a_flood_of_failures_is_one_line_of_the_log() {
        let watch = CommitWatch::default();
        let full = StoreError::Unavailable("disk full".into());
        let lines = (0..3_000).filter(|_| watch.note_failure(&full)).count();
        assert_eq!(lines, 1);
        watch.note(&Ok(()));
        assert!(watch.note_failure(&full), "the next failure is news again");
    }
}
