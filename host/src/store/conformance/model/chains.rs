//! The chains of hashes, on the model. What is hashed is a store's own affair.

use std::collections::BTreeMap;
use std::fmt::Debug;

use sha2::{Digest, Sha256};

use crate::store::{ChainHash, ChainHead, Checkpoint, HistoryRow, RunId};

/// The chains of endings, by connection.
#[derive(Clone, Default)]
pub(super) struct Chains {
    links: BTreeMap<String, Vec<ChainHash>>,
    checkpoints: BTreeMap<String, Checkpoint>,
}

impl Chains {
    pub(super) fn add(&mut self, connection: &str, about: &impl Debug) {
        let links = self.links.entry(connection.into()).or_default();
        let before = links.last().copied();
        links.push(hash(&(before, about)));
    }

    pub(super) fn keep_checkpoint(&mut self, connection: String, checkpoint: Checkpoint) {
        self.checkpoints.insert(connection, checkpoint);
    }

    pub(super) fn heads(&self) -> Vec<ChainHead> {
        let head = |(connection, links): (&String, &Vec<ChainHash>)| {
            Some(ChainHead {
                connection: connection.clone(),
                number: links.len() as u64,
                hash: *links.last()?,
                checkpoint: self.checkpoints.get(connection).cloned(),
            })
        };
        self.links.iter().filter_map(head).collect()
    }

    pub(super) fn hash(&self, connection: &str, number: u64) -> Option<ChainHash> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        self.links.get(connection)?.get(index).copied()
    }
}

pub(super) fn history_hashes(
    connection: &str,
    run: RunId,
    history: &[HistoryRow],
) -> Vec<ChainHash> {
    let mut hashes = vec![hash(&(connection, run))];
    for row in history {
        hashes.push(hash(&(hashes.last(), row)));
    }
    hashes
}

fn hash(of: &impl Debug) -> ChainHash {
    Sha256::digest(format!("{of:?}")).into()
}
