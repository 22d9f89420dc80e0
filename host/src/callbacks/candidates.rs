//! Verifiers that arrived and are not proven: which of them are kept, for whom, and for how long.
//!
//! Anyone who knows a webhook address can send a handshake, so everything here may be a stranger's.
//! It is in memory only: what is lost with the process, the run that waits for it asks FreshBooks
//! for again. Ids that a registration has named have a share of their own, which handshakes for
//! other ids cannot fill.

use std::collections::{BTreeMap, VecDeque};

use crate::contract::types::Instant;
use crate::secrets::Secret;
use crate::store::RunId;

/// Verifiers of one id that are kept at once, and taken until the run has tried them all.
/// FreshBooks sends one; a stranger who sends forty a second fills this in the time that FreshBooks
/// needs.
const OF_ONE_ID_MAX: usize = 64;

/// Verifiers of ids that no registration has named yet. FreshBooks may send the handshake before it
/// has answered the registration; when more come meanwhile the oldest is forgotten, and the run
/// asks for another handshake.
const EARLY_MAX: usize = 1_024;

/// How long an early one is kept: twice the minute in which a registration is answered, or given
/// up.
const EARLY_LIFE_MS: u64 = 120_000;

/// FreshBooks' have 33 characters in all examples; this bounds the memory.
const VERIFIER_BYTES_MAX: usize = 256;

/// What becomes of a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It is kept, and this run has asked for it.
    Awaited(RunId),
    /// It is kept in case a registration will name its id.
    Early,
    /// It was known already.
    Known,
    /// There are too many of this id, or it is too long.
    Full,
}

impl Arrival {
    /// A stable label for counters.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Awaited(_) | Self::Known => "handshake",
            Self::Early => "handshake-early",
            Self::Full => "handshake-refused",
        }
    }
}

/// Handshakes of strangers, counted until they are reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Strangers {
    /// FreshBooks did not confirm their verifiers.
    pub unconfirmed: u64,
    /// No registration named their ids.
    pub unnamed: u64,
    /// They were answered with 503.
    pub refused: u64,
}

/// The candidates of one connection.
#[derive(Default)]
pub(super) struct Candidates {
    /// By callback id; one for each run that registers.
    named: BTreeMap<String, Named>,
    /// The oldest first.
    early: VecDeque<Early>,
    strangers: Strangers,
}

/// The verifiers of an id that a registration has named.
struct Named {
    run: RunId,
    /// Not sent yet, in the order of arrival.
    untried: VecDeque<Secret>,
    /// How many were taken since there was none left to try.
    taken: usize,
    is_trusted_tried: bool,
}

struct Early {
    id: String,
    verifier: Secret,
    at: Instant,
}

impl Candidates {
    /// Takes a handshake in.
    pub(super) fn add(&mut self, id: &str, verifier: Secret, now: Instant) -> Arrival {
        self.expire(now);
        if verifier.reveal().len() > VERIFIER_BYTES_MAX {
            return self.refuse();
        }
        if let Some(named) = self.named.get_mut(id) {
            if named.untried.contains(&verifier) {
                return Arrival::Known;
            }
            if named.taken >= OF_ONE_ID_MAX {
                return self.refuse();
            }
            named.taken += 1;
            named.untried.push_back(verifier);
            return Arrival::Awaited(named.run);
        }
        self.add_early(id, verifier, now)
    }

    fn add_early(&mut self, id: &str, verifier: Secret, now: Instant) -> Arrival {
        let of_id = || self.early.iter().filter(|early| early.id == id);
        if of_id().any(|early| early.verifier == verifier) {
            return Arrival::Known;
        }
        // The newest are kept: FreshBooks' own comes just before its id is named.
        let oldest = if of_id().count() >= OF_ONE_ID_MAX {
            self.early.iter().position(|early| early.id == id)
        } else {
            (self.early.len() >= EARLY_MAX).then_some(0)
        };
        if let Some(oldest) = oldest {
            self.early.remove(oldest);
            self.strangers.unnamed += 1;
        }
        self.early.push_back(Early {
            id: id.to_owned(),
            verifier,
            at: now,
        });
        Arrival::Early
    }

    /// The next verifier that a run may have confirmed, each one once: first the trusted one, which
    /// a registration that was disabled may still have, then those that arrived. Nothing when all
    /// were tried; then there is room for as many again.
    ///
    /// From here on handshakes for this id are kept for this run.
    pub(super) fn take(
        &mut self,
        run: RunId,
        id: &str,
        trusted: Option<&Secret>,
        now: Instant,
    ) -> Option<Secret> {
        self.expire(now);
        self.name(run, id);
        let named = self.named.get_mut(id)?;
        if !std::mem::replace(&mut named.is_trusted_tried, true)
            && let Some(trusted) = trusted
        {
            return Some(trusted.clone());
        }
        let next = named.untried.pop_front();
        if next.is_none() {
            named.taken = 0;
        }
        next
    }

    /// Keeps what comes for this id from now on, and has come early, for this run.
    fn name(&mut self, run: RunId, id: &str) {
        if let Some(named) = self.named.get_mut(id) {
            named.run = run;
            return;
        }
        // A run registers one callback; had it another before, that one is gone.
        self.named.retain(|_, named| named.run != run);
        let (ours, others) = std::mem::take(&mut self.early)
            .into_iter()
            .partition(|early: &Early| early.id == id);
        self.early = others;
        let untried: VecDeque<Secret> = ours.into_iter().map(|early| early.verifier).collect();
        let named = Named {
            run,
            taken: untried.len(),
            untried,
            is_trusted_tried: false,
        };
        self.named.insert(id.to_owned(), named);
    }

    /// Whether something has come for this run that it has not tried.
    pub(super) fn has_for(&self, run: RunId) -> bool {
        let mut named = self.named.values();
        named.any(|named| named.run == run && !named.untried.is_empty())
    }

    /// Notes that FreshBooks did not confirm one.
    pub(super) fn note_unconfirmed(&mut self) {
        self.strangers.unconfirmed += 1;
    }

    /// Forgets what was kept for a run that has ended; with the last registration, everything.
    pub(super) fn end_registration(&mut self, run: RunId, is_last: bool) {
        self.named.retain(|_, named| named.run != run);
        if is_last {
            self.strangers.unnamed += self.early.len() as u64;
            self.named.clear();
            self.early.clear();
        }
    }

    /// The handshakes of strangers since this was last called.
    pub(super) fn take_strangers(&mut self) -> Strangers {
        std::mem::take(&mut self.strangers)
    }

    fn refuse(&mut self) -> Arrival {
        self.strangers.refused += 1;
        Arrival::Full
    }

    fn expire(&mut self, now: Instant) {
        while let Some(oldest) = self.early.front()
            && oldest.at.saturating_add(EARLY_LIFE_MS) <= now
        {
            self.early.pop_front();
            self.strangers.unnamed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn all(candidates: &mut Candidates, run: RunId, id: &str) -> Vec<String> {
        let next = || candidates.take(run, id, None, 0);
        std::iter::from_fn(next)
            .map(|verifier| verifier.reveal().to_owned())
            .collect()
    }

    #[test]
    fn each_one_is_tried_once_in_the_order_of_arrival() {
        let mut candidates = Candidates::default();
        assert_eq!(candidates.add("7", secret("a"), 0), Arrival::Early);
        assert_eq!(candidates.add("7", secret("a"), 0), Arrival::Known);
        assert_eq!(candidates.add("8", secret("x"), 0), Arrival::Early);
        assert_eq!(all(&mut candidates, 1, "7"), ["a"]);
        assert_eq!(candidates.add("7", secret("b"), 0), Arrival::Awaited(1));
        assert!(candidates.has_for(1) && !candidates.has_for(2));
        assert_eq!(all(&mut candidates, 1, "7"), ["b"]);
        assert!(!candidates.has_for(1));
    }

    #[test]
    fn the_trusted_one_comes_first_and_once() {
        let mut candidates = Candidates::default();
        candidates.add("7", secret("stranger"), 0);
        let trusted = secret("trusted");
        let mut next = || candidates.take(1, "7", Some(&trusted), 0);
        assert_eq!(next(), Some(secret("trusted")));
        assert_eq!(next(), Some(secret("stranger")));
        assert_eq!((next(), next()), (None, None));
    }

    #[test]
    fn other_ids_take_no_room_from_one_that_was_named() {
        let mut candidates = Candidates::default();
        assert_eq!(candidates.take(1, "7", None, 0), None);
        for id in 0..10_000 {
            candidates.add(&format!("other{id}"), secret("stranger"), 0);
        }
        assert_eq!(candidates.early.len(), EARLY_MAX);
        assert_eq!(candidates.add("7", secret("ours"), 0), Arrival::Awaited(1));
        assert_eq!(all(&mut candidates, 1, "7"), ["ours"]);
        let unnamed = 10_000 - EARLY_MAX as u64;
        assert_eq!(candidates.take_strangers().unnamed, unnamed);
    }

    #[test]
    fn of_one_id_there_is_room_again_when_all_were_tried() {
        let mut candidates = Candidates::default();
        for _ in 0..3 {
            assert_eq!(candidates.take(1, "7", None, 0), None);
            for number in 0..OF_ONE_ID_MAX {
                let arrival = candidates.add("7", secret(&number.to_string()), 0);
                assert_eq!(arrival, Arrival::Awaited(1));
            }
            assert!(candidates.take(1, "7", None, 0).is_some());
            assert_eq!(candidates.add("7", secret("late"), 0), Arrival::Full);
            assert_eq!(all(&mut candidates, 1, "7").len(), OF_ONE_ID_MAX - 1);
        }
        assert_eq!(candidates.take_strangers().refused, 3);
        let long = secret(&"v".repeat(VERIFIER_BYTES_MAX + 1));
        assert_eq!(candidates.add("7", long, 0), Arrival::Full);
    }

    #[test]
    fn the_newest_of_those_that_came_early_are_kept() {
        let mut candidates = Candidates::default();
        for number in 0..1_000 {
            let arrival = candidates.add("7", secret(&number.to_string()), 0);
            assert_eq!(arrival, Arrival::Early);
        }
        let taken = all(&mut candidates, 1, "7");
        assert_eq!(taken.len(), OF_ONE_ID_MAX);
        assert_eq!(taken.last().map(String::as_str), Some("999"));
    }

    #[test]
    fn what_no_registration_names_is_forgotten() {
        let mut candidates = Candidates::default();
        for id in ["1", "2"] {
            candidates.add(id, secret("stranger"), 0);
        }
        candidates.add("3", secret("stranger"), EARLY_LIFE_MS);
        assert_eq!(candidates.early.len(), 1, "two were too old");
        candidates.take(1, "7", None, EARLY_LIFE_MS);
        candidates.end_registration(1, false);
        assert_eq!((candidates.named.len(), candidates.early.len()), (0, 1));
        candidates.end_registration(2, true);
        assert_eq!(candidates.early.len(), 0);
        let strangers = Strangers {
            unnamed: 3,
            ..Strangers::default()
        };
        assert_eq!(candidates.take_strangers(), strangers);
        assert_eq!(candidates.take_strangers(), Strangers::default());
    }
}
