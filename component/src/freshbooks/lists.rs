//! Lists of invoices and bills, as far as sweeps and back-fills need them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use jiff::civil::Date;

use super::document::{Document, Kind};
use super::envelope::{page_count, result_members, result_rows};
use super::requests::{PAGE_ROWS_MAX, accounting_path, get};
use crate::contract::http::{Request, Response};
use crate::error_bodies::{self, Unread};
use crate::lax_json::rows;

/// A row of a list, as far as a sweep or back-fill needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) version: String,
    /// The date on the document; none where it cannot be read.
    pub(crate) issued: Option<Date>,
    /// `status` as it is shown; empty where it is not.
    pub(crate) status: String,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) rows: Vec<Row>,
    pub(crate) pages: u64,
}

/// A page of invoices or bills: the live ones changed since a day (bills cannot be filtered by it),
/// or the deleted ones.
pub(crate) fn list_documents(
    account_id: &str,
    kind: Kind,
    page: u32,
    deleted: bool,
    since: &str,
) -> Request {
    let resource = kind.resource();
    let mut query = format!("page={page}&per_page={PAGE_ROWS_MAX}");
    if kind == Kind::Invoice {
        query.push_str(&format!("&search%5Bupdated_min%5D={since}"));
    }
    if deleted {
        query.push_str("&search%5Bvis_state%5D=1");
    }
    get(format!("{}?{query}", accounting_path(account_id, resource)))
}

/// A page of the live invoices or bills with a date of their own from `from` to `to`, both
/// included: invoices in the order of their dates, so that new ones come last (source:
/// freshbooks-parameters). Bills cannot be filtered or sorted by it, and whether a `_max` filter
/// includes its day is not documented, so the rows say which date they have.
pub(crate) fn list_documents_dated(
    account_id: &str,
    kind: Kind,
    page: u32,
    from: Date,
    to: Option<Date>,
) -> Request {
    let resource = kind.resource();
    let mut query = format!("page={page}&per_page={PAGE_ROWS_MAX}");
    if kind == Kind::Invoice {
        query.push_str(&format!(
            "&sort=invoice_date_asc&search%5Bdate_min%5D={from}"
        ));
        if let Some(after) = to.and_then(|to| to.tomorrow().ok()) {
            query.push_str(&format!("&search%5Bdate_max%5D={after}"));
        }
    }
    get(format!("{}?{query}", accounting_path(account_id, resource)))
}

/// Reads a page of invoices.
pub(crate) fn read_invoice_page(response: &Response) -> Result<Page, Unread> {
    read_page(response, Kind::Invoice)
}

/// Reads a page of bills.
pub(crate) fn read_bill_page(response: &Response) -> Result<Page, Unread> {
    read_page(response, Kind::Bill)
}

/// A page of a list of documents, with whatever the list shows of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DocumentPage {
    pub(crate) documents: Vec<Document>,
    pub(crate) pages: u64,
}

/// A page of the live invoices or bills between two days by their own dates, both included; bills
/// cannot be filtered by day.
pub(crate) fn list_dated_documents(
    account_id: &str,
    kind: Kind,
    page: u32,
    (first, last): (&str, &str),
) -> Request {
    let path = accounting_path(account_id, kind.resource());
    let mut query = format!("page={page}&per_page={PAGE_ROWS_MAX}&include%5B%5D=lines");
    query.push_str(&match kind {
        Kind::Invoice => format!("&search%5Bdate_min%5D={first}&search%5Bdate_max%5D={last}"),
        Kind::Bill => String::from("&include%5B%5D=vendor"),
    });
    get(format!("{path}?{query}"))
}

/// Reads a page of invoices with all that it shows of them.
pub(crate) fn read_invoices(response: &Response) -> Result<DocumentPage, Unread> {
    read_documents(response, Kind::Invoice)
}

/// Reads a page of bills with all that it shows of them.
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

fn read_page(response: &Response, kind: Kind) -> Result<Page, Unread> {
    let (rows, members) = result_rows(response, kind.list())?;
    let rows = rows.iter().filter_map(|row| {
        Some(Row {
            id: kind.id_of(row)?,
            version: kind.version_of(row),
            issued: kind.issued_of(row),
            status: row.text("status").unwrap_or_default(),
        })
    });
    Ok(Page {
        rows: rows.collect(),
        pages: page_count(&members),
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::error_bodies::tests::answer;

    fn target(request: Request) -> String {
        request.path_with_query
    }

    #[test]
    fn only_invoices_are_filtered_by_day() {
        assert_eq!(
            target(list_documents("a", Kind::Invoice, 2, true, "2026-02-01")),
            "/accounting/account/a/invoices/invoices?page=2&per_page=100&search%5Bupdated_min%5D=2026-02-01&search%5Bvis_state%5D=1"
        );
        assert_eq!(
            target(list_documents("a", Kind::Bill, 1, false, "2026-02-01")),
            "/accounting/account/a/bills/bills?page=1&per_page=100"
        );
    }

    #[test]
    fn a_page_is_read_and_its_rows_without_an_id_are_left_out() {
        let body = r#"{"response":{"result":{"bills":[{"id":"1","updated_at":"a"},{"id":2},
        {"id":null}],"page":1,"pages":"3"}}}"#;
        let page = read_bill_page(&answer(body)).expect("is read");
        let rows: Vec<_> = page
            .rows
            .iter()
            .map(|row| (row.id.as_str(), row.version.as_str()))
            .collect();
        assert_eq!((rows, page.pages), (vec![("1", "a"), ("2", "")], 3));
        assert!(read_invoice_page(&answer(body)).is_err());
    }
}
