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

/// A page of the live invoices or bills between two days by their own dates, both included. Bills
/// cannot be filtered by day, and whether a `_max` filter includes its day is not documented, so
/// that later documents are listed too.
pub(crate) fn list_dated_documents(
    account_id: &str,
    kind: Kind,
    page: u32,
    (first, last): (&str, &str),
) -> Request {
    let path = accounting_path(account_id, kind.resource());
    let mut query = format!("page={page}&per_page={PAGE_ROWS_MAX}&include%5B%5D=lines");
    query.push_str(&match kind {
        Kind::Invoice => {
            let after = last.parse::<Date>().and_then(Date::tomorrow);
            let after = after.map_or_else(|_| String::from(last), |after| format!("{after}"));
            format!("&search%5Bdate_min%5D={first}&search%5Bdate_max%5D={after}")
        }
        Kind::Bill => String::from("&include%5B%5D=vendor"),
    });
    get(format!("{path}?{query}"))
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
