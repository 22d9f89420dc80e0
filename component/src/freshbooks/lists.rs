//! Lists of invoices, bills and expenses, as far as sweeps and back-fills need them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use jiff::civil::Date;

use super::document::Kind;
use super::envelope::{page_count, result_rows};
use super::expense::{expense_day, expense_id, expense_version};
use super::requests::{PAGE_ROWS_MAX, accounting_path, get};
use crate::contract::http::{Request, Response};
use crate::error_bodies::Unread;
use crate::lax_json::Object;

/// What a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    /// Invoices or bills.
    Documents(Kind),
    /// Expenses.
    Expenses,
}

impl Listed {
    /// The list of the things of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "expense" => Some(Self::Expenses),
            name => Kind::named(name).map(Self::Documents),
        }
    }

    /// What one of them is called in webhooks, object references and messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Documents(kind) => kind.name(),
            Self::Expenses => "expense",
        }
    }

    fn resource(self) -> &'static str {
        match self {
            Self::Documents(kind) => kind.resource(),
            Self::Expenses => "expenses/expenses",
        }
    }

    /// Whether it can be filtered by the day of the last change (source: freshbooks-parameters).
    fn is_filtered(self) -> bool {
        self != Self::Documents(Kind::Bill)
    }

    fn member(self) -> &'static str {
        match self {
            Self::Documents(kind) => kind.list(),
            Self::Expenses => "expenses",
        }
    }

    fn row(self, object: &Object) -> Option<Row> {
        let (id, version, issued) = match self {
            Self::Documents(kind) => (
                kind.id_of(object),
                kind.version_of(object),
                kind.issued_of(object),
            ),
            Self::Expenses => (
                expense_id(object),
                expense_version(object),
                expense_day(object),
            ),
        };
        Some(Row {
            id: id?,
            version,
            issued,
            status: object.text("status").unwrap_or_default(),
        })
    }
}

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

/// A page of a list: the live ones changed since a day (bills cannot be filtered by it), or the
/// deleted ones.
pub(crate) fn list_changed(
    account_id: &str,
    listed: Listed,
    page: u32,
    deleted: bool,
    since: &str,
) -> Request {
    let resource = listed.resource();
    let mut query = format!("page={page}&per_page={PAGE_ROWS_MAX}");
    if listed.is_filtered() {
        query.push_str(&format!("&search%5Bupdated_min%5D={since}"));
    }
    if deleted {
        query.push_str("&search%5Bvis_state%5D=1");
    }
    get(format!("{}?{query}", accounting_path(account_id, resource)))
}

/// Reads a page of invoices.
pub(crate) fn read_invoice_page(response: &Response) -> Result<Page, Unread> {
    read_page(response, Listed::Documents(Kind::Invoice))
}

/// Reads a page of bills.
pub(crate) fn read_bill_page(response: &Response) -> Result<Page, Unread> {
    read_page(response, Listed::Documents(Kind::Bill))
}

/// Reads a page of expenses.
pub(crate) fn read_expense_page(response: &Response) -> Result<Page, Unread> {
    read_page(response, Listed::Expenses)
}

fn read_page(response: &Response, listed: Listed) -> Result<Page, Unread> {
    let (rows, members) = result_rows(response, listed.member())?;
    Ok(Page {
        rows: rows.iter().filter_map(|row| listed.row(row)).collect(),
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
    fn bills_are_not_filtered_by_day() {
        let [invoices, bills] = [Kind::Invoice, Kind::Bill].map(Listed::Documents);
        assert_eq!(
            target(list_changed("a", invoices, 2, true, "2026-02-01")),
            "/accounting/account/a/invoices/invoices?page=2&per_page=100&search%5Bupdated_min%5D=2026-02-01&search%5Bvis_state%5D=1"
        );
        assert_eq!(
            target(list_changed("a", bills, 1, false, "2026-02-01")),
            "/accounting/account/a/bills/bills?page=1&per_page=100"
        );
        assert_eq!(
            target(list_changed("a", Listed::Expenses, 1, false, "2026-02-01")),
            "/accounting/account/a/expenses/expenses?page=1&per_page=100&search%5Bupdated_min%5D=2026-02-01"
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
