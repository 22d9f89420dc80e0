//! Records of the ledger for test oracles.

use super::config::AccountKind;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::http::Millis;
use crate::money::as_text;

/// A posted journal entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryRecord {
    /// Its `entryid` at the older endpoint.
    pub id: u64,
    /// Its id at the newer endpoint.
    pub uuid: String,
    /// The name it was posted under.
    pub name: String,
    /// Its description; empty if none was given.
    pub description: String,
    /// Its number, if the newer endpoint was given one.
    pub number: Option<String>,
    /// The day that it counts for, YYYY-MM-DD.
    pub day: String,
    /// The currency of all its lines.
    pub currency: String,
    /// Its lines, in the order sent.
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
    /// The amount debited, or zero.
    #[serde(serialize_with = "as_text")]
    pub debit: Decimal,
    /// The amount credited, or zero.
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
    /// The currency code of both sums.
    pub currency: String,
    /// The sum of its debits.
    #[serde(serialize_with = "as_text")]
    pub debit: Decimal,
    /// The sum of its credits.
    #[serde(serialize_with = "as_text")]
    pub credit: Decimal,
}

/// An account or a sub-account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountRecord {
    /// The legacy id of the account, or of the account above.
    pub account_id: u64,
    /// The legacy id of the sub-account; none for an account.
    pub sub_account_id: Option<u64>,
    /// The id that the newer endpoints take.
    pub uuid: String,
    /// Its number, such as `1150` or `1150-1`.
    pub number: String,
    /// Its name, such as `Employee Advances`.
    pub name: String,
    /// Which of the five types it is.
    pub kind: AccountKind,
}
