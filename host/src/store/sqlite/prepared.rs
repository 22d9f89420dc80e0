//! Writes made ready on the caller's thread, so that the writer thread does not spend its time on
//! JSON and on hashing bodies.

use super::body::{self, Body};
use super::chain;
use crate::contract::runs::Completion;
use crate::contract::types::Instant;
use crate::store::{ChainHash, HistoryRow, RunId, StoreError, Write};

/// A write whose bodies are encoded.
pub(super) enum Prepared {
    /// [`Write::Append`] with its rows encoded.
    Append { run: RunId, rows: Vec<PreparedRow> },
    /// [`Write::End`] with its completion encoded as `body`.
    End {
        run: RunId,
        completion: Completion,
        body: Vec<u8>,
        at: Instant,
    },
    /// Any other write: it has no body to encode.
    Other(Write),
}

/// A [`HistoryRow`] whose bodies are encoded.
pub(super) struct PreparedRow {
    pub(super) epoch: u32,
    pub(super) index: u32,
    pub(super) at: Instant,
    pub(super) demand: PreparedBody,
    pub(super) outcome: Option<PreparedBody>,
}

/// A body as it is stored, and its hash.
pub(super) struct PreparedBody {
    pub(super) stored: Vec<u8>,
    pub(super) hash: ChainHash,
}

/// Encodes the bodies of a batch.
pub(super) fn prepare(batch: Vec<Write>) -> Result<Vec<Prepared>, StoreError> {
    batch.into_iter().map(prepare_write).collect()
}

fn prepare_write(write: Write) -> Result<Prepared, StoreError> {
    Ok(match write {
        Write::Append { run, rows } => {
            let rows = rows.iter().map(prepare_row).collect::<Result<_, _>>()?;
            Prepared::Append { run, rows }
        }
        Write::End {
            run,
            completion,
            at,
        } => {
            let body = body::encode(&completion)?;
            Prepared::End {
                run,
                completion,
                body,
                at,
            }
        }
        other => Prepared::Other(other),
    })
}

fn prepare_row(row: &HistoryRow) -> Result<PreparedRow, StoreError> {
    Ok(PreparedRow {
        epoch: row.epoch,
        index: row.index,
        at: row.at,
        demand: prepare_body(&row.demand)?,
        outcome: row.outcome.as_ref().map(prepare_body).transpose()?,
    })
}

fn prepare_body(value: &impl Body) -> Result<PreparedBody, StoreError> {
    let stored = body::encode(value)?;
    let hash = chain::body(&stored);
    Ok(PreparedBody { stored, hash })
}
