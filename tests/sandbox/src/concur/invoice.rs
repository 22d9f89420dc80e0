//! Invoices under the API's name for them, payment requests: creating, reading back, and looking
//! them up as digests.

pub(crate) mod body;
mod checks;
pub(crate) mod config;
mod digests;
pub(crate) mod fields;
mod localized_data;
pub(crate) mod payment_confirmations;
pub(crate) mod payment_requests;
pub(crate) mod view;
