//! The accounts of a line: which FreshBooks account, and who is on the other side.

use alloc::borrow::Cow;
use alloc::format;

use rust_decimal::Decimal;

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
    /// Which employee or vendor, where it has an id.
    pub(super) id: Option<Cow<'a, str>>,
    /// Who it is, for people.
    pub(super) name: Cow<'a, str>,
}

/// The employee, as rows name one.
pub(super) const EMPLOYEE: &str = "EMPL";

/// The company, as rows name it.
const COMPANY: &str = "COMP";

impl<'a> Party<'a> {
    /// The side of a row that is not the company, in upper case
    /// (source: concur-financial-posting-use-cases).
    pub(super) fn other_than_company(payer: &Code<'a>, payee: &Code<'a>) -> Option<Cow<'a, str>> {
        match (upper(payer.text()?), upper(payee.text()?)) {
            (payer, payee) if payer == COMPANY && payee != COMPANY => Some(payee),
            (payer, payee) if payee == COMPANY && payer != COMPANY => Some(payer),
            _ => None,
        }
    }

    /// Whether the amount's sign fits who pays: the company pays what is positive and is paid what
    /// is negative (source: concur-financial-samples).
    pub(super) fn fits_sign(payer: &Code<'a>, amount: Decimal) -> bool {
        let company_pays = payer.text().map(upper).as_deref() == Some(COMPANY);
        amount.is_zero() || company_pays == amount.is_sign_positive()
    }

    /// An employee, by id.
    pub(super) fn employee(id: Option<Cow<'a, str>>) -> Self {
        let shown = id.as_deref().unwrap_or_default();
        Self {
            key: Cow::Borrowed(EMPLOYEE),
            name: Cow::Owned(format!("employee payable {shown}")),
            id,
        }
    }

    /// One that has no id of its own.
    pub(super) fn of(key: Cow<'a, str>, name: &'static str) -> Self {
        Self {
            key,
            id: None,
            name: Cow::Borrowed(name),
        }
    }
}

fn upper(code: Cow<str>) -> Cow<str> {
    if code.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Cow::Owned(code.to_ascii_uppercase());
    }
    code
}
