//! Journal entries and what they add up to, as an oracle sees them.

use rust_decimal::Decimal;
use serde::Serialize;

use crate::http::Millis;
use crate::money::as_text;

/// A journal entry as an oracle sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryRecord {
    /// Its legacy id.
    pub id: u64,
    /// Its id at the newer endpoint.
    pub uuid: String,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Its number, if the newer endpoint was given one.
    pub number: Option<String>,
    /// Its day, YYYY-MM-DD.
    pub day: String,
    /// The currency of all its lines.
    pub currency: String,
    /// Its lines.
    pub lines: Vec<LineRecord>,
    /// When it was created.
    pub created: Millis,
}

/// A line of a journal entry; one of both amounts is zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineRecord {
    /// The number of the sub-account.
    pub account_number: String,
    /// The name of the sub-account.
    pub account_name: String,
    /// Its debit.
    #[serde(serialize_with = "as_text")]
    pub debit: Decimal,
    /// Its credit.
    #[serde(serialize_with = "as_text")]
    pub credit: Decimal,
}

/// A row of the trial balance: what journal entries debited and credited to a sub-account in one
/// currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BalanceRow {
    /// The number of the sub-account.
    pub account_number: String,
    /// The name of the sub-account.
    pub account_name: String,
    /// The currency.
    pub currency: String,
    /// The sum of its debits.
    #[serde(serialize_with = "as_text")]
    pub debit: Decimal,
    /// The sum of its credits.
    #[serde(serialize_with = "as_text")]
    pub credit: Decimal,
}
