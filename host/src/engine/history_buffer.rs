//! A run's history as its driver holds it: whole for replay, and what of it is not yet in the
//! store.

use crate::contract::runs::{Demand, HistoryEntry, Outcome};
use crate::contract::types::Instant;
use crate::store::{HistoryRow, RunId, Write};

/// A run's history in memory, and the writes that go with it.
pub(super) struct HistoryBuffer {
    run: RunId,
    epoch: u32,
    entries: Vec<HistoryEntry>,
    /// So many entries are in the store.
    stored: usize,
    /// Other writes that go with the entries.
    writes: Vec<Write>,
    /// The latest instant of the run; none is ever earlier.
    latest: Instant,
    /// Set while the outcome of a write is not in the store: nothing may be sent then.
    has_unstored_write: bool,
}

impl HistoryBuffer {
    pub(super) fn new(run: RunId, epoch: u32, started: Instant) -> Self {
        Self {
            run,
            epoch,
            entries: Vec::new(),
            stored: 0,
            writes: Vec::new(),
            latest: started,
            has_unstored_write: false,
        }
    }

    /// Takes up an entry that is in the store already.
    pub(super) fn add_stored(&mut self, entry: HistoryEntry) {
        if let Some(outcome) = &entry.outcome {
            self.latest = self.latest.max(outcome.at);
        }
        self.entries.push(entry);
        self.stored = self.entries.len();
    }

    /// Adds an entry; `is_write` if it is a write that was sent.
    pub(super) fn add(&mut self, demand: Demand, outcome: Outcome, is_write: bool) {
        self.latest = self.latest.max(outcome.at);
        self.has_unstored_write |= is_write;
        self.entries.push(HistoryEntry {
            demand,
            outcome: Some(outcome),
        });
    }

    /// Adds a write that is committed together with the entries so far.
    pub(super) fn attach(&mut self, write: Write) {
        self.writes.push(write);
    }

    pub(super) fn entries(&self) -> &[HistoryEntry] {
        &self.entries
    }

    pub(super) fn latest(&self) -> Instant {
        self.latest
    }

    pub(super) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether an outcome must be stored before anything is sent.
    pub(super) fn has_unstored_write(&self) -> bool {
        self.has_unstored_write
    }

    /// Whether other writes than history wait to be committed, which look-ups must see.
    pub(super) fn has_attached(&self) -> bool {
        !self.writes.is_empty()
    }

    /// What is to be committed: all that is not in the store, the intent of a write if there is
    /// one, and whatever else goes with it.
    pub(super) fn batch(&self, intent: Option<&Demand>, last: Vec<Write>) -> Vec<Write> {
        let unkept = self.entries.iter().zip(0_u32..).skip(self.stored);
        let mut rows: Vec<HistoryRow> = unkept
            .map(|(entry, index)| {
                let outcome = entry.outcome.clone();
                let at = outcome.as_ref().map_or(self.latest, |outcome| outcome.at);
                self.row(index, at, &entry.demand, outcome)
            })
            .collect();
        if let Some(demand) = intent {
            rows.push(self.row(self.next_index(), self.latest, demand, None));
        }
        let append = (!rows.is_empty()).then_some(Write::Append {
            run: self.run,
            rows,
        });
        append
            .into_iter()
            .chain(self.writes.iter().cloned())
            .chain(last)
            .collect()
    }

    /// To be called when a batch is in the store.
    pub(super) fn mark_stored(&mut self) {
        self.stored = self.entries.len();
        self.writes.clear();
        self.has_unstored_write = false;
    }

    /// Begins the next epoch and returns the entries of this one.
    pub(super) fn start_over(&mut self, started: Instant) -> Vec<HistoryEntry> {
        let next = Self::new(self.run, self.epoch + 1, started);
        std::mem::replace(self, next).entries
    }

    fn next_index(&self) -> u32 {
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    fn row(
        &self,
        index: u32,
        at: Instant,
        demand: &Demand,
        outcome: Option<Outcome>,
    ) -> HistoryRow {
        HistoryRow {
            epoch: self.epoch,
            index,
            at,
            demand: demand.clone(),
            outcome,
        }
    }
}
