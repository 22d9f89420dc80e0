//! The flows against a small FreshBooks, a small SAP Concur and what a host knows.

mod bills;
mod documents;
mod financial;
mod financial_bills;
mod forms;
mod reference;
mod registration;
mod subscription;
mod suppliers;
mod sweep;
mod vendor_changes;
mod vendors;
mod world;
