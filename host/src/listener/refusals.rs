//! What strangers are refused: counted always, and logged at a bounded rate.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Source;
use crate::metrics::Metrics;

/// Lines in each [`WINDOW`] for each listener and reason: enough to see who it is, and at most a
/// megabyte a day where all reasons are provoked all day.
const LINES_MAX: u32 = 5;

const WINDOW: Duration = Duration::from_secs(60);

/// Something that a stranger was refused. It holds no path, which may have a secret in it.
pub(crate) struct Refusal<'r> {
    /// What was asked: `webhooks`, `events`, `monitoring` or `admin`.
    pub(crate) listener: &'static str,
    /// Why it was refused, a stable kebab-case word.
    pub(crate) what: &'static str,
    pub(crate) source: Source,
    /// The connection of the settings that was named; nothing where none was.
    pub(crate) connection: Option<&'r str>,
    /// What a library says about it; empty for nothing.
    pub(crate) detail: &'r str,
}

/// Counts and logs refusals.
pub struct RefusalLog {
    metrics: Arc<Metrics>,
    windows: Mutex<BTreeMap<(&'static str, &'static str), Window>>,
}

struct Window {
    began: Instant,
    lines: u32,
    suppressed: u64,
}

impl RefusalLog {
    /// A log that counts in these metrics.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            windows: Mutex::default(),
        }
    }

    /// Counts a refusal, and logs it unless there were many of its kind lately.
    pub(crate) fn note(&self, refusal: &Refusal<'_>) {
        let Refusal { listener, what, .. } = *refusal;
        self.metrics.refusal(listener, what);
        let Some(suppressed) = self.take_line(listener, what, Instant::now()) else {
            return;
        };
        tracing::warn!(
            listener,
            what,
            peer = refusal.source.peer.map(tracing::field::display),
            client = refusal.source.client.map(tracing::field::display),
            connection = refusal.connection,
            detail = (!refusal.detail.is_empty()).then_some(refusal.detail),
            suppressed,
            "refused"
        );
    }

    /// Whether a line may be written now; then how many were not, since the last one.
    fn take_line(&self, listener: &'static str, what: &'static str, now: Instant) -> Option<u64> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry((listener, what)).or_insert(Window {
            began: now,
            lines: 0,
            suppressed: 0,
        });
        if now.duration_since(window.began) >= WINDOW {
            window.began = now;
            window.lines = 0;
        }
        if window.lines >= LINES_MAX {
            window.suppressed += 1;
            return None;
        }
        window.lines += 1;
        Some(std::mem::take(&mut window.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_leaves_a_few_lines_that_tell_how_many_more_there_were() {
        let log = RefusalLog::new(Arc::default());
        let began = Instant::now();
        let flood = |at| {
            let lines = (0..1_000).filter_map(|_| log.take_line("webhooks", "signature", at));
            lines.collect::<Vec<u64>>()
        };
        assert_eq!(flood(began), [0; LINES_MAX as usize]);
        assert_eq!(flood(began + WINDOW / 2), [0; 0]);
        assert_eq!(flood(began + WINDOW), [1_995, 0, 0, 0, 0]);
        assert_eq!(log.take_line("events", "signature", began), Some(0));
        assert_eq!(log.take_line("webhooks", "too-long", began), Some(0));
    }
}
