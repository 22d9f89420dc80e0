//! Lists of invoices and bills by their own dates, with whatever a list shows of each.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use jiff::civil::Date;

use super::document::{Document, Kind};
use super::envelope::{page_count, result_members};
use super::requests::{PAGE_ROWS_MAX, accounting_path, get};
use crate::contract::http::{Request, Response};
use crate::error_bodies::{self, Unread};
use crate::lax_json::rows;

/// A page of a list of documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DocumentPage {
    pub(crate) documents: Vec<Document>,
    pub(crate) pages: u64,
}

/// A page of the live invoices or bills with a date of their own from `from` to `to`, both
/// included: invoices in the order of their dates, so that new ones come last (source:
/// freshbooks-parameters). Bills can neither be filtered nor sorted by it.
pub(crate) fn list_dated_documents(
    account_id: &str,
    kind: Kind,
    page: u32,
    from: Date,
    to: Option<Date>,
) -> Request {
    let query = match kind {
        Kind::Invoice => format!("&sort=invoice_date_asc{}", date_filter(from, to)),
        Kind::Bill => String::new(),
    };
    get(page_path(account_id, kind, page) + &query)
}

/// The same with all that a list can show of each document, in the list's own order.
pub(crate) fn list_whole_dated_documents(
    account_id: &str,
    kind: Kind,
    page: u32,
    from: Date,
    to: Date,
) -> Request {
    let query = match kind {
        Kind::Invoice => date_filter(from, Some(to)),
        Kind::Bill => String::from("&include%5B%5D=vendor"),
    };
    get(page_path(account_id, kind, page) + "&include%5B%5D=lines" + &query)
}

fn page_path(account_id: &str, kind: Kind, page: u32) -> String {
    let path = accounting_path(account_id, kind.resource());
    format!("{path}?page={page}&per_page={PAGE_ROWS_MAX}")
}

/// Whether a `_max` filter includes its day is not documented, so that a day more is asked for: the
/// rows say which date they have.
pub(super) fn date_filter(from: Date, to: Option<Date>) -> String {
    let after = to.and_then(|to| to.tomorrow().ok());
    let until = after.map(|after| format!("&search%5Bdate_max%5D={after}"));
    format!("&search%5Bdate_min%5D={from}{}", until.unwrap_or_default())
}

/// Reads a page of invoices.
pub(crate) fn read_invoices(response: &Response) -> Result<DocumentPage, Unread> {
    read_documents(response, Kind::Invoice)
}

/// Reads a page of bills.
pub(crate) fn read_bills(response: &Response) -> Result<DocumentPage, Unread> {
    read_documents(response, Kind::Bill)
}

fn read_documents(response: &Response, kind: Kind) -> Result<DocumentPage, Unread> {
    let members = result_members(error_bodies::text(response)?, response)?;
    let Some(rows) = members.get(kind.list()).and_then(rows) else {
        let why = format!("the answer has no list `{}`", kind.list());
        return Err(Unread::Garbled(why));
    };
    let documents = rows.into_iter().map(|raw| Document::read(kind, raw));
    Ok(DocumentPage {
        documents: documents.collect::<Result<_, _>>()?,
        pages: page_count(&members),
    })
}
