//! Compares both systems: what is missing, doubled, different or foreign. Nothing is written to
//! either.
//!
//! The component says what to read and how both sides are spelt (`wit/reconciliation.wit`); here
//! they are read with the service's own credentials, joined by links and then by markers, and
//! compared. [`compare`] and what it needs are pure.

pub mod amount;
pub mod compare;
pub mod jobs;
pub mod progress;
mod reading;
pub mod record;
pub mod report;
pub mod schedule;

pub use self::jobs::{Asked, Reconciliations, reconcile};
pub use self::reading::ReconcileError;
