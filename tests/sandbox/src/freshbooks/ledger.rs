//! Double-entry bookkeeping: the chart of accounts, the journal, and the endpoints of both
//! generations on top of them.

pub(crate) mod accounts;
mod business_entries;
mod business_ledger;
pub(crate) mod config;
pub(crate) mod expense_bookings;
pub(crate) mod journal;
mod journal_details;
mod journal_entries;
pub(crate) mod records;
