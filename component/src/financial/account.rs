//! The accounts of a line: which FreshBooks account, and who is on the other side.

use alloc::borrow::Cow;
use alloc::format;

use crate::concur::document_schema::Code;

/// An account, with SAP Concur's words for it.
#[derive(Clone)]
pub(super) struct Account<'a> {
    pub(super) id: &'a str,
    pub(super) code: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
}

/// Who pays or is paid.
pub(super) struct Party<'a> {
    /// `EMPL`, a card, `VENDOR`, ...
    pub(super) key: Cow<'a, str>,
    /// Who it is, for people.
    pub(super) name: Cow<'a, str>,
}

impl<'a> Party<'a> {
    /// The side of a row that is not the company (source: concur-financial-posting-use-cases).
    pub(super) fn other_than_company(payer: &Code<'a>, payee: &Code<'a>) -> Option<Cow<'a, str>> {
        const COMPANY: &str = "COMP";
        match (payer.text()?, payee.text()?) {
            (payer, payee) if payer == COMPANY && payee != COMPANY => Some(payee),
            (payer, payee) if payee == COMPANY && payer != COMPANY => Some(payer),
            _ => None,
        }
    }

    /// An employee, by id.
    pub(super) fn employee(id: Option<Cow<str>>) -> Self {
        let id = id.unwrap_or_default();
        Self {
            key: Cow::Borrowed("EMPL"),
            name: Cow::Owned(format!("employee payable {id}")),
        }
    }
}
