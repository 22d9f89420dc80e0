//! The books of a FreshBooks account as they begin, and the switches for what their documentation
//! leaves open.

use serde::{Deserialize, Serialize};

/// The chart of accounts and every switch of accounts and journal entries.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LedgerConfig {
    /// A legacy journal entry without `currency_code` answers HTTP 500 instead of 422/1001 (journal
    /// entries; observed). Default: true.
    pub missing_currency_is_500: bool,
    /// Amounts with more digits than the currency has are rounded instead of refused with 1004
    /// (journal entries; not stated, the newer endpoint takes floats). Default: false.
    pub round_amounts: bool,
    /// A line of zero is accepted instead of refused with 1004 (journal entries; not stated).
    /// Default: false.
    pub zero_lines_allowed: bool,
    /// A name or description of an entry with more characters is refused with 1017 (journal
    /// entries; lengths are not published). Default: 255.
    pub text_chars_max: usize,
    /// `search[date_min]` and `search[date_max]` narrow the list of details; no filter for it is
    /// documented, and unknown filters are ignored. Default: false.
    pub date_filters: bool,
    /// Invoices show up in the list of details as lines of type "sales", as other transactions do.
    /// Default: true.
    pub invoices_in_details: bool,
    /// Expenses show up in the list of details as lines of type "expense" and "tax", as other
    /// transactions do. Default: true.
    pub expenses_in_details: bool,
    /// Where the tax of an expense is booked (not stated; details have a type for it). Default: its
    /// account.
    pub expense_tax: ExpenseTaxBooking,
    /// Which accounts expenses are booked to beside that of their category (not stated).
    pub expense_accounts: ExpenseAccounts,
    /// Whether the newer endpoint's body is wrapped in `manualJournalEntry`; one revision of its
    /// page shows it, another does not. Default: either.
    pub wrapper: JournalWrapper,
    /// The newer endpoint's replies write amounts as decimal strings instead of numbers (not seen).
    /// Default: false.
    pub amounts_as_text: bool,
    /// The newer endpoint posts to accounts that have sub-accounts, too (not stated). Default:
    /// false.
    pub post_to_parents: bool,
    /// The legacy lists number a sub-account `1`, as in an SDK's sample, instead of `1000-1`, as in
    /// recorded replies of the newer list (accounts; sources differ). Default: false.
    pub brief_sub_numbers: bool,
    /// The chart of accounts at the beginning.
    pub accounts: Vec<AccountConfig>,
}

/// Where the tax of an expense is booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpenseTaxBooking {
    /// To the account of taxes.
    Account,
    /// To the account of the category, with the rest of the expense.
    Category,
}

/// Numbers of the sub-accounts that expenses are booked to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpenseAccounts {
    /// What pays for expenses that somebody typed in.
    pub paid_from: String,
    /// What pays for expenses that a bank feed imported.
    pub bank: String,
    /// What is debited with the taxes.
    pub tax: String,
}

/// Whether the newer endpoint's body has its wrapper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalWrapper {
    /// With and without it are both accepted.
    Either,
    /// It is refused without.
    Required,
    /// It is refused with.
    Refused,
}

/// An account with its sub-accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountConfig {
    /// Its number, such as `1150`; sub-accounts add `-1`, `-2` and so on.
    pub number: String,
    /// Its name, such as `Employee Advances`.
    pub name: String,
    /// Which of the five types it is.
    pub kind: AccountKind,
    /// Finer than that, such as `cash_bank`.
    pub sub_type: String,
    /// Names of its sub-accounts; without any it gets one of its own name.
    #[serde(default)]
    pub subs: Vec<String>,
}

/// The five types of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountKind {
    /// What the business owns; debits raise it.
    Asset,
    /// What the business owes; credits raise it.
    Liability,
    /// What is the owner's.
    Equity,
    /// What the business earns; credits raise it.
    Income,
    /// What the business spends; debits raise it.
    Expense,
}

impl AccountKind {
    /// Whether debits raise its balance.
    pub(crate) fn debit_is_plus(self) -> bool {
        matches!(self, Self::Asset | Self::Expense)
    }

    /// The type as it is written.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Asset => "asset",
            Self::Liability => "liability",
            Self::Equity => "equity",
            Self::Income => "income",
            Self::Expense => "expense",
        }
    }
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self {
            missing_currency_is_500: true,
            round_amounts: false,
            zero_lines_allowed: false,
            text_chars_max: 255,
            date_filters: false,
            invoices_in_details: true,
            expenses_in_details: true,
            expense_tax: ExpenseTaxBooking::Account,
            expense_accounts: ExpenseAccounts {
                paid_from: "1000-2".into(),
                bank: "1000-1".into(),
                tax: "2200-1".into(),
            },
            wrapper: JournalWrapper::Either,
            amounts_as_text: false,
            post_to_parents: false,
            brief_sub_numbers: false,
            accounts: CHART.iter().map(account).collect(),
        }
    }
}

type ChartRow = (
    &'static str,
    &'static str,
    AccountKind,
    &'static str,
    &'static [&'static str],
);

fn account((number, name, kind, sub_type, subs): &ChartRow) -> AccountConfig {
    AccountConfig {
        number: (*number).to_owned(),
        name: (*name).to_owned(),
        kind: *kind,
        sub_type: (*sub_type).to_owned(),
        subs: subs.iter().map(|sub| (*sub).to_owned()).collect(),
    }
}

use AccountKind::{Asset, Equity, Expense, Income, Liability};

const CHART: &[ChartRow] = &[
    (
        "1000",
        "Cash & Bank",
        Asset,
        "cash_bank",
        &["Cash", "Petty Cash"],
    ),
    (
        "1100",
        "Accounts Receivable",
        Asset,
        "accounts_receivable",
        &[],
    ),
    (
        "1150",
        "Employee Advances",
        Asset,
        "current_asset",
        &["Cash Advances", "Travel Deposits"],
    ),
    (
        "1200",
        "Recoverable Taxes",
        Asset,
        "current_asset",
        &[
            "HST Receivable",
            "GST Receivable",
            "QST Receivable",
            "Input VAT",
            "Consumption Tax Receivable",
        ],
    ),
    ("1300", "Prepaid Expenses", Asset, "current_asset", &[]),
    (
        "2000",
        "Accounts Payable",
        Liability,
        "current_liability",
        &["Vendor Payables", "Employee Payables"],
    ),
    (
        "2100",
        "Card Liabilities",
        Liability,
        "credit_card",
        &[
            "Card Clearing",
            "Company Billed Cards",
            "Individually Billed Cards",
            "Company Paid",
        ],
    ),
    (
        "2200",
        "Sales Tax Payable",
        Liability,
        "current_liability",
        &[],
    ),
    (
        "2300",
        "Payroll Liabilities",
        Liability,
        "current_liability",
        &["Wages Payable", "Payroll Taxes"],
    ),
    (
        "3000",
        "Owner's Equity",
        Equity,
        "equity",
        &["Owner Investment", "Retained Earnings"],
    ),
    (
        "4000",
        "Revenue",
        Income,
        "income",
        &["Sales", "Other Income", "Exchange Gains"],
    ),
    (
        "5000",
        "Cost of Goods Sold",
        Expense,
        "cost_of_goods_sold",
        &[],
    ),
    ("6000", "Advertising", Expense, "operating_expense", &[]),
    (
        "6100",
        "Lodging",
        Expense,
        "operating_expense",
        &["Hotels", "Apartments"],
    ),
    (
        "6200",
        "Local Transport",
        Expense,
        "operating_expense",
        &["Taxi", "Parking", "Mileage"],
    ),
    (
        "6300",
        "Meals & Entertainment",
        Expense,
        "operating_expense",
        &["Meals", "Entertainment", "Per Diem"],
    ),
    (
        "6400",
        "Office Expenses",
        Expense,
        "operating_expense",
        &["Office Supplies", "Postage", "Telephone"],
    ),
    (
        "6450",
        "Professional Services",
        Expense,
        "operating_expense",
        &["Legal", "Consulting", "Accounting"],
    ),
    (
        "6500",
        "Vehicle Rental",
        Expense,
        "operating_expense",
        &["Car Rental", "Fuel"],
    ),
    (
        "6600",
        "Travel",
        Expense,
        "operating_expense",
        &["Airfare", "Rail", "Other Travel"],
    ),
    (
        "6700",
        "Training",
        Expense,
        "operating_expense",
        &["Conferences", "Courses"],
    ),
    ("6800", "Utilities", Expense, "operating_expense", &[]),
    (
        "6900",
        "Bank Fees & Exchange Losses",
        Expense,
        "operating_expense",
        &["Bank Fees", "Exchange Losses"],
    ),
    (
        "7000",
        "Payroll Expenses",
        Expense,
        "operating_expense",
        &["Wages", "Benefits"],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_accounts_have_their_own_number_or_the_whole_one() {
        let mut switches = LedgerConfig::default();
        let accounts = super::super::accounts::Accounts::new(1, &switches.accounts);
        let sub = &accounts.rows[accounts.rows[0].subs[0]];
        assert_eq!(sub.legacy_sub_number(&switches), "1000-1");
        switches.brief_sub_numbers = true;
        assert_eq!(sub.legacy_sub_number(&switches), "1");
    }

    #[test]
    fn the_chart_has_every_kind_and_no_number_twice() {
        let accounts = LedgerConfig::default().accounts;
        let kinds: std::collections::BTreeSet<_> = accounts.iter().map(|one| one.kind).collect();
        let numbers: std::collections::BTreeSet<_> =
            accounts.iter().map(|one| &one.number).collect();
        assert_eq!((kinds.len(), numbers.len()), (5, accounts.len()));
    }
}
