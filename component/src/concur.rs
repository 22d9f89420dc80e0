//! SAP Concur's side of the wire: requests, and what their answers hold.

mod custom_fields;
mod digests;
pub(crate) mod document_schema;
mod document_type;
mod expense_entries;
mod expense_report_list;
mod expense_reports;
mod financial_documents;
pub(crate) mod geolocation;
mod identity;
mod json;
mod list_items;
mod payment_confirmations;
mod payment_requests;
mod quick_expenses;
mod report_workflow;
mod requests;
mod subscriptions;
mod vendor_fields;
mod vendors;

pub(crate) use custom_fields::{find_custom_text, has_custom_text, other_spelling, shown_text};
pub(crate) use digests::{Digest, list_digests, list_digests_of_days, read_digests};
pub use document_type::DocumentType;
pub(crate) use expense_entries::{
    ExpenseEntry, create_entry, get_entry, list_entries, list_entries_of_user, read_entries,
    read_entry, read_entry_changed, update_entry,
};
pub(crate) use expense_report_list::{
    list_reports, list_unsubmitted, read_reports, read_unsubmitted,
};
pub(crate) use expense_reports::{
    NewReport, Report, Stage, create_report, delete_expense, get_report, read_created_report,
    read_report,
};
pub(crate) use financial_documents::{
    FinancialPage, FinancialRow, FinancialStatus, PostingConfirmation, ServiceAnswer, acknowledge,
    confirm_failed, confirm_posted, list_of_source, list_ready, read_financial_documents,
    read_service_answer,
};
pub(crate) use identity::{
    User, get_user, read_user, read_users, users_by_email, users_by_employee_number,
};
pub(crate) use json::member_text;
pub(crate) use list_items::{
    ListItem, create_item, create_items, delete_item, get_item, items_by_code, list_items,
    read_bulk, read_deleted, read_item, read_items, update_item,
};
pub(crate) use payment_confirmations::{
    PAYMENT_ROWS_MAX, PaymentRow, confirm_payment, list_payments, read_payment_confirmed,
    read_payments,
};
pub(crate) use payment_requests::{
    Line, PaymentRequest, create_payment_request, get_payment_request, read_payment_request,
    read_written_id, update_payment_request,
};
pub(crate) use quick_expenses::{create_quick_expense, read_created_quick_expense};
pub(crate) use report_workflow::{approve_report, read_moved_on, submit_report};
pub(crate) use subscriptions::{
    Subscription, get_subscription, put_subscription, read_nothing, read_subscription,
};
pub(crate) use vendor_fields::{
    PAGE_ROWS as VENDOR_PAGE_ROWS, ShownVendor, list_vendors, read_shown_vendors, update_vendor,
};
pub(crate) use vendors::{
    Vendor, VendorKey, create_vendor, read_vendor_written, read_vendors, vendors_by_key,
    vendors_by_name, with_key,
};
