//! Which FreshBooks accounts the way back posts on.

use alloc::collections::BTreeMap;
use alloc::string::String;

use super::super::checks::{Check, sub_account_id, uuid};
use super::super::reader::Reader;
use super::Endpoint;

/// Names of SAP Concur to FreshBooks accounts: sub-account ids, or account UUIDs for
/// [`Endpoint::New`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounts {
    /// By account code, or by `CODE/COST CODE`.
    pub by_code: BTreeMap<String, String>,
    /// By expense type code, where a document has no account code.
    pub by_expense_type: BTreeMap<String, String>,
    /// By who pays or is paid: `EMPL`, `IBCP`, `CBCP`, `COPD`, `VENDOR`, `PAYROLL`, own payment
    /// type keys, and payment methods of invoices. `EMPL/EMPLOYEE ID` and `VENDOR/VENDOR CODE` are
    /// one employee's and one vendor's.
    pub by_party: BTreeMap<String, String>,
    /// By tax, `AUTHORITY/CODE` or `CODE`; for invoices also `VAT1` to `VAT4`.
    pub by_tax: BTreeMap<String, String>,
    /// By the code of a wage type.
    pub by_wage_type: BTreeMap<String, String>,
    /// For personal items on company cards that have neither an account code nor a clearing one.
    pub personal_items: Option<String>,
    /// For cash advances, and for their use, that have no account code.
    pub cash_advances: Option<String>,
}

impl Accounts {
    pub(super) fn read(table: &mut Reader, endpoint: Endpoint) -> Self {
        let account: fn(&str) -> Check = match endpoint {
            Endpoint::Legacy => sub_account_id,
            Endpoint::New => uuid,
        };
        Self {
            by_code: table.map("by_code", account),
            by_expense_type: table.map("by_expense_type", account),
            by_party: table.map("by_party", account),
            by_tax: table.map("by_tax", account),
            by_wage_type: table.map("by_wage_type", account),
            personal_items: table.optional_checked("personal_items", account),
            cash_advances: table.optional_checked("cash_advances", account),
        }
    }

    /// Every account that is named, with the setting that names it: the table, and the name in it
    /// where it is a table.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, Option<&str>, &str)> {
        let single = [
            ("personal_items", &self.personal_items),
            ("cash_advances", &self.cash_advances),
        ];
        let single = single.into_iter().filter_map(|(setting, account)| {
            let account = account.as_deref()?;
            Some((setting, None, account))
        });
        let tables = [
            ("by_code", &self.by_code),
            ("by_expense_type", &self.by_expense_type),
            ("by_party", &self.by_party),
            ("by_tax", &self.by_tax),
            ("by_wage_type", &self.by_wage_type),
        ];
        let named = tables.into_iter().flat_map(|(table, accounts)| {
            accounts
                .iter()
                .map(move |(name, account)| (table, Some(name.as_str()), account.as_str()))
        });
        named.chain(single)
    }
}
