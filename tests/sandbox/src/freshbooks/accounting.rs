//! Sales and purchases: clients, invoices, vendors, bills, payments of both, expenses with their
//! categories, tasks, taxes.

pub(crate) mod bill_payments;
pub(crate) mod bill_vendors;
pub(crate) mod bills;
pub(crate) mod categories;
pub(crate) mod clients;
mod expense_taxes;
mod expense_view;
pub(crate) mod expenses;
mod invoice_numbers;
pub(crate) mod invoice_view;
pub(crate) mod invoices;
pub(crate) mod lines;
pub(crate) mod payments;
pub(crate) mod tasks;
pub(crate) mod taxes;
