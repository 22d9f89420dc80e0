//! What a store says of its own integrity: the ends of its chains of hashes, and what was changed.

use std::fmt;

use super::RunId;

/// A SHA-256.
pub type ChainHash = [u8; 32];

/// The end of the chain of a connection's endings. Whoever writes it down can show later that
/// nothing up to it was changed, deleted or added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainHead {
    /// The name of the connection.
    pub connection: String,
    /// How many links the chain has: endings of runs, and deletions of old histories.
    pub number: u64,
    /// The hash of the last link.
    pub hash: ChainHash,
    /// The last checkpoint that was stored; none before the first.
    pub checkpoint: Option<Checkpoint>,
}

/// How far a chain had come, under a key that is not in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The number of the link.
    pub number: u64,
    /// Its hash.
    pub hash: ChainHash,
    /// The id of the seal key that the key is derived from.
    pub key_id: u8,
    /// HMAC-SHA-256, as [`Keyring::checkpoint`](crate::seal::Keyring::checkpoint) makes it.
    pub mac: ChainHash,
}

/// How much of a store is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckExtent {
    /// The structure of the file, as fast as it can be read.
    Pages,
    /// The same and the indexes, every history and every ending: all is read and hashed.
    Everything,
}

/// Something in a store that was changed, is missing, or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// The connection that it belongs to; none where that is not known.
    pub connection: Option<String>,
    /// The run that it belongs to; none where that is not known, or it belongs to none.
    pub run: Option<RunId>,
    /// What is wrong, one plain sentence without a full stop.
    pub message: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(connection) = &self.connection {
            write!(formatter, "{connection}: ")?;
        }
        if let Some(run) = self.run {
            write!(formatter, "run {run}: ")?;
        }
        formatter.write_str(&self.message)
    }
}

/// Findings of one check; more say nothing new. The last then says that there are more.
pub const DAMAGE_MAX: usize = 100;
