//! Comparisons of both systems, as a command asks for them.

use std::sync::Arc;

use super::handle::AdminRefusal;
use super::{AdminReply, Fault};
use crate::engine::Connection;
use crate::reconcile::jobs::JobStand;
use crate::reconcile::{Asked, ReconcileError};
use crate::service::Parts;

/// Begins a comparison beside everything else.
pub(super) fn begin(
    parts: &Parts,
    connection: &Arc<Connection>,
    asked: Asked,
) -> Result<AdminReply, AdminRefusal> {
    match parts.reconciliations.begin(connection, asked) {
        Some(job) => Ok(AdminReply::ReconcileBegun { job }),
        None => Err(AdminRefusal::Comparing(connection.name.clone())),
    }
}

/// How a comparison stands.
pub(super) fn stand(parts: &Parts, job: u64, after: usize) -> Result<AdminReply, AdminRefusal> {
    match parts.reconciliations.look(job, after) {
        JobStand::Reading(stand) => Ok(AdminReply::Reconciling(stand)),
        JobStand::Done(report, next) => Ok(AdminReply::Reconciled { report, next }),
        JobStand::Failed(error) => Err(AdminRefusal::Reconcile(error)),
        JobStand::Unknown => Err(AdminRefusal::UnknownComparison),
    }
}

/// Where a person puts right why two systems could not be compared.
pub(super) fn fault(error: &ReconcileError) -> Fault {
    match error {
        ReconcileError::NotConnected(_) => Fault::Credential,
        ReconcileError::Held { .. }
        | ReconcileError::NotAnswered { .. }
        | ReconcileError::List { .. } => Fault::Remote,
        ReconcileError::UnknownFlow { .. } | ReconcileError::Stopping => Fault::Request,
        ReconcileError::NoRequest(_)
        | ReconcileError::NotARead(_)
        | ReconcileError::Component(_) => Fault::Settings,
        ReconcileError::Store(_) => Fault::Store,
    }
}
