//! Switches of expenses, their categories and receipts.

use serde::{Deserialize, Serialize};

/// What the documentation of expenses leaves open. `docs/sources.md` explains the section names in
/// parentheses.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExpenseConfig {
    /// What marks an expense that a bank feed imported (expenses; no mark is documented, the keys
    /// are). Default: bank, whatever a feed could set.
    pub bank_mark: BankMark,
    /// Which field an expense's project is written to and read from (expenses; both are there, and
    /// how they differ is not stated). Default: modern.
    pub project_field: ProjectField,
    /// What counts of a tax whose amount and percentage disagree (expenses; open). Default: amount.
    pub tax_rule: ExpenseTaxRule,
    /// What stands for a percentage that nobody wrote (expenses; samples differ). Default: null.
    pub absent_percent: AbsentPercent,
    /// Fields that only the server writes are dropped in silence instead of refused with 1038
    /// (expenses; inferred from invoices and bills). Default: false.
    pub read_only_dropped: bool,
    /// An amount below zero is accepted instead of refused with 1025 (expenses; not stated).
    /// Default: false.
    pub negative_allowed: bool,
    /// The API creates and changes categories (expense categories; a sample has a POST, the page
    /// has none). Default: false.
    pub category_writes: bool,
    /// An upload answers 200 instead of 201 (uploads; sources differ). Default: false.
    pub upload_status_200: bool,
    /// Uploads need no scope of their own, those of expenses will do (uploads; their own was seen
    /// and is on no page). Default: false.
    pub uploads_by_expense_scope: bool,
}

/// What an imported expense has that others have not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BankMark {
    /// `accountid`, `account_name`, `bank_name`, `transactionid` and `background_jobid`.
    #[default]
    Bank,
    /// `accountid` is set, and nothing else.
    AccountId,
    /// `bank_name` is set, and nothing else.
    BankName,
    /// `transactionid` is set, and nothing else.
    TransactionId,
    /// `background_jobid` is set, and nothing else.
    BackgroundJobId,
    /// `from_bulk_import` is true, and nothing else.
    BulkImport,
    /// Nothing tells it from others.
    None,
}

impl BankMark {
    /// Whether a mark is set: alone, or as one of those that a feed could set.
    pub(crate) fn sets(self, mark: Self) -> bool {
        self == mark || self == Self::Bank && mark != Self::BulkImport
    }
}

/// Which field names an expense's project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectField {
    /// `modern_projectid`; a `projectid` other than 0 is refused, as no project of old exists.
    #[default]
    Modern,
    /// `projectid`; a `modern_projectid` is ignored and always null.
    Legacy,
    /// Either is taken, and both are shown.
    Both,
}

/// What counts of a tax that has an amount and a percentage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpenseTaxRule {
    /// The amount as it was written.
    #[default]
    Amount,
    /// What the percentage makes of the expense's amount, which includes the tax.
    Percent,
}

/// What stands for a percentage that nobody wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbsentPercent {
    /// Null, whatever the tax.
    #[default]
    Null,
    /// The number 0, not in quotes.
    Zero,
    /// The percentage that follows from the amounts, as a string.
    Derived,
}
