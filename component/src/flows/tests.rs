//! The flows against a small FreshBooks, a small SAP Concur and what a host knows.

mod backfill;
mod bills;
mod cut_over;
mod documents;
mod expenses;
mod expenses_before;
mod financial;
mod financial_bills;
mod forms;
mod own_expenses;
mod payment_state;
mod project_expenses;
mod quick_expenses;
mod reference;
mod registration;
mod report_submission;
mod subscription;
mod suppliers;
mod sweep;
mod vendor_changes;
mod vendors;
mod world;
