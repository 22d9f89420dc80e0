//! What is hashed: one chain over each run's history, and one over the endings of each connection.
//!
//! Every hash covers the one before it, so that nothing earlier can be changed, left out or moved
//! without every later hash changing too. All are SHA-256 over a name for what is hashed and the
//! parts, each behind its length.

use sha2::{Digest, Sha256};

use crate::contract::types::Instant;
use crate::store::{ChainHash, RunId};

/// What the chain of a connection begins with.
pub(super) const FIRST: ChainHash = [0; 32];

/// The hash of a body as it is stored.
pub(super) fn body(stored: &[u8]) -> ChainHash {
    Sha256::digest(stored).into()
}

/// What the history of a run begins with.
pub(super) fn history(connection: &str, run: RunId) -> ChainHash {
    Parts::of("history").text(connection).number(run).hash()
}

/// A row of a history, its bodies as the hashes of what is stored.
pub(super) struct Entry<'a> {
    pub(super) epoch: u32,
    pub(super) position: u32,
    pub(super) at: Instant,
    pub(super) demand: &'a ChainHash,
    pub(super) outcome: Option<&'a ChainHash>,
}

/// The history with one more row.
pub(super) fn entry(before: &ChainHash, entry: &Entry<'_>) -> ChainHash {
    Parts::of("history entry")
        .bytes(before)
        .number(entry.epoch.into())
        .number(entry.position.into())
        .number(entry.at)
        .bytes(entry.demand)
        .optional(entry.outcome.map(ChainHash::as_slice))
        .hash()
}

/// The history when its run is started over: with what the epoch that is over began with.
pub(super) fn started_over(
    before: &ChainHash,
    epoch: u32,
    settings_version: &str,
    started: Instant,
) -> ChainHash {
    Parts::of("history started over")
        .bytes(before)
        .number(epoch.into())
        .text(settings_version)
        .number(started)
        .hash()
}

/// A link of a connection's chain.
pub(super) struct Link<'a> {
    pub(super) connection: &'a str,
    pub(super) number: u64,
    pub(super) run: Option<RunId>,
    pub(super) instant: Instant,
    pub(super) digest: &'a ChainHash,
}

/// The chain of a connection with one more link.
pub(super) fn link(before: &ChainHash, link: &Link<'_>) -> ChainHash {
    Parts::of("ending")
        .bytes(before)
        .text(link.connection)
        .number(link.number)
        .optional(
            link.run
                .map(u64::to_be_bytes)
                .as_ref()
                .map(<[u8; 8]>::as_slice),
        )
        .number(link.instant)
        .bytes(link.digest)
        .hash()
}

/// A hash in the making.
pub(super) struct Parts(Sha256);

impl Parts {
    /// Begins with a name, so that what is hashed for one purpose is never taken for another.
    pub(super) fn of(what: &str) -> Self {
        Self(Sha256::new()).text("ml-connector").text(what)
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
        self
    }

    pub(super) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    pub(super) fn number(self, number: u64) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    /// Nothing is told from everything that has a length, an empty text included.
    pub(super) fn optional(mut self, bytes: Option<&[u8]>) -> Self {
        match bytes {
            Some(bytes) => self.bytes(bytes),
            None => {
                self.0.update(u64::MAX.to_be_bytes());
                self
            }
        }
    }

    pub(super) fn hash(self) -> ChainHash {
        self.0.finalize().into()
    }
}
