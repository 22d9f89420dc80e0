//! Which FreshBooks accounts the way back posts on.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};

use super::super::checks::{Check, sub_account_id, uuid};
use super::super::reader::Reader;
use super::Endpoint;
use crate::text::pointer_token;

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
            by_party: by_party(table, account),
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

/// Who pays or is paid, as documents name them.
const PARTIES: [&str; 6] = ["EMPL", "IBCP", "CBCP", "COPD", "VENDOR", "PAYROLL"];

/// A name that no document can have is a slip, and what it was for would be posted on the account
/// of all. Other names may be payment types of the company's own.
fn by_party(table: &mut Reader, account: fn(&str) -> Check) -> BTreeMap<String, String> {
    let accounts = table.map("by_party", account);
    for name in accounts.keys() {
        if let Some(message) = wrong_party(name) {
            let place = format!("by_party/{}", pointer_token(name));
            table.problem_at(&place, "wrong-party", message);
        }
    }
    accounts
}

/// Why a name can be nobody's; nothing if it can be somebody's.
fn wrong_party(name: &str) -> Option<String> {
    let (party, id) = match name.split_once('/') {
        Some((party, id)) => (party, Some(id)),
        None => (name, None),
    };
    let has_blanks = |text: &str| text != text.trim();
    if has_blanks(party) || id.is_some_and(has_blanks) {
        return Some("no document's names begin or end with a blank; remove it".to_string());
    }
    if let Some(known) = PARTIES
        .iter()
        .find(|known| known.eq_ignore_ascii_case(party))
        && *known != party
    {
        return Some(format!("documents write it {known}, in capitals"));
    }
    match (party, id) {
        ("EMPL", Some("")) => Some("the employee's id is missing after EMPL/".to_string()),
        ("VENDOR", Some("")) => Some("the vendor's code is missing after VENDOR/".to_string()),
        ("EMPL" | "VENDOR", _) | (_, None) => None,
        (_, Some(_)) => Some(
            "only one employee, \"EMPL/EMPLOYEE ID\", and one vendor, \"VENDOR/VENDOR CODE\", have \
             an account of their own"
                .to_string(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_that_no_document_can_name_is_an_error() {
        for (name, part) in [
            ("EMPL/", "id is missing"),
            ("VENDOR/", "code is missing"),
            ("EMP/E1007", "only one employee"),
            ("CBCP/E1007", "only one employee"),
            ("Empl/E1007", "EMPL, in capitals"),
            ("vendor", "VENDOR, in capitals"),
            ("EMPL ", "blank"),
            ("EMPL/ E1007", "blank"),
        ] {
            let json = format!(r#"{{"by_party": {{"{name}": "641"}}}}"#);
            let mut reader = Reader::new(&json).expect("is a table");
            Accounts::read(&mut reader, Endpoint::Legacy);
            let problems = reader.finish();
            assert_eq!(problems.len(), 1, "{name}: {problems:?}");
            assert!(
                problems[0].message.contains(part),
                "{}",
                problems[0].message
            );
            let at = format!("/by_party/{}", name.replace('/', "~1"));
            assert_eq!(problems[0].pointer, at);
        }
        let right = [
            "EMPL",
            "EMPL/E1007",
            "VENDOR/V/7",
            "1003",
            "CARD",
            "Visa Gold",
            "EMP",
        ];
        for name in right {
            assert_eq!(wrong_party(name), None, "{name}");
        }
    }
}
