//! Sales and purchases: clients, invoices, vendors, bills, taxes and expense categories.

pub(crate) mod bill_vendors;
pub(crate) mod bills;
mod categories;
pub(crate) mod clients;
mod invoice_numbers;
pub(crate) mod invoice_view;
pub(crate) mod invoices;
pub(crate) mod lines;
pub(crate) mod taxes;
