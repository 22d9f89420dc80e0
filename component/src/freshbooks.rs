//! FreshBooks' side of the wire: requests, and what their answers hold.

mod account_check;
mod bill_vendor_write;
mod bill_write;
mod callbacks;
mod dated_documents;
mod document;
mod envelope;
mod expense;
mod expense_list;
mod expense_write;
mod fields;
mod journal;
mod lists;
mod party;
mod payment_state;
mod reference;
mod requests;
#[cfg(test)]
mod spellings;

pub use account_check::check_accounts;
pub(crate) use bill_vendor_write::{
    BillVendorRow, create_bill_vendor, list_bill_vendors, read_bill_vendors,
    read_created_bill_vendor,
};
pub(crate) use bill_write::{
    BillRecord, bill_object, create_bill, delete_bill, get_bill, list_bills, read_bill_record,
    read_bill_records, read_created_bill, read_deleted_bill,
};
pub(crate) use callbacks::{
    Callback, callback_path, callbacks_path, list_callbacks, read_callback, read_callbacks,
};
pub(crate) use dated_documents::{
    DocumentPage, list_dated_documents, list_whole_dated_documents, read_bills, read_invoices,
};
pub(crate) use document::{
    Category, Document, Kind, Line, get_document, place, read_bill, read_invoice,
};
pub(crate) use expense::{
    Expense, get_category, get_expense, get_staff, read_category_name, read_expense, read_staff,
};
pub(crate) use expense_list::{list_dated_expenses, read_dated_expenses};
pub(crate) use expense_write::{
    OfDocument, create_expense, delete_expense, expense_body, expense_object, list_expenses,
    read_created_expense, read_deleted_expense, read_expenses, row_mark,
};
pub(crate) use journal::{
    JournalLine, JournalPage, create_journal_entry, journal_lines, read_journal_entry,
    read_journal_lines, read_new_journal_entry, read_new_journal_lines,
};
pub(crate) use lists::{
    Listed, Page, Row, list_changed, read_bill_page, read_expense_page, read_invoice_page,
};
pub(crate) use party::{
    Party, get_bill_vendor, get_client, list_parties, read_bill_vendor, read_bill_vendor_page,
    read_client, read_client_page,
};
pub(crate) use payment_state::{
    Paid, PaymentState, get_payment, read_bill_payment_state, read_invoice_payment_state,
    read_payment_invoice,
};
pub(crate) use reference::{
    RecordPage, get_record, list_records, read_ledger_account, read_ledger_accounts, read_project,
    read_projects, read_service, read_services,
};
#[cfg(test)]
pub(crate) use requests::get;
pub(crate) use requests::with_body;

#[cfg(test)]
mod tests;
