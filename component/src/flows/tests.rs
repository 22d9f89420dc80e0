//! The flows against a small FreshBooks, a small SAP Concur and what a host knows.

mod backfill;
mod bills;
mod cut_over;
mod documents;
mod expenses;
mod financial;
mod financial_bills;
mod forms;
mod own_expenses;
mod payment_state;
mod reference;
mod registration;
mod subscription;
mod suppliers;
mod sweep;
mod vendor_changes;
mod vendors;
mod world;
