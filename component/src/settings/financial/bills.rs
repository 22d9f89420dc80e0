//! How suppliers' invoices become bills.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

use rust_decimal::Decimal;

use super::super::checks::{Check, anything, category_id, vendor_id};
use super::super::reader::Reader;
use crate::money;

/// FreshBooks scopes that writing bills takes.
pub(super) const WRITE_SCOPES: [&str; 2] = ["user:bills:write", "user:bill_vendors:write"];
/// FreshBooks scopes without which no bill can be made: it is read before and after it is written.
pub(in crate::settings) const BILL_SCOPES: [&str; 4] = [
    "user:bills:read",
    "user:bill_vendors:read",
    "user:bills:write",
    "user:bill_vendors:write",
];

/// What suppliers' invoices become in FreshBooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvoiceForm {
    /// Journal entries, like every other document.
    JournalEntry,
    /// Bills of their vendors, with a due date.
    Bill,
}

/// Names of SAP Concur to what bills in FreshBooks name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bills {
    /// The language of the bills and vendors that are made.
    pub language: String,
    /// Expense category ids by `CODE/COST CODE`, by account code, and by expense type code for rows
    /// without an account code.
    pub categories: BTreeMap<String, String>,
    /// Taxes that FreshBooks shows apart, by tax code, or by field such as `VAT1`; a tax that is
    /// not here stays in the cost.
    pub taxes: BTreeMap<String, BillTax>,
    /// Bill vendor ids by vendor code, or by name for vendors without a code.
    pub vendors: BTreeMap<String, String>,
}

/// A tax of a bill's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillTax {
    /// Its name in FreshBooks.
    pub name: String,
    /// Its rate in per cent.
    pub percent: Decimal,
}

impl Bills {
    pub(super) fn read(table: &mut Reader) -> Self {
        let taxes = table.map("taxes", tax);
        Self {
            language: table.checked_or("language", "en", anything),
            categories: table.map("categories", category_id),
            taxes: taxes
                .into_iter()
                .filter_map(|(code, text)| Some((code, BillTax::read(&text)?)))
                .collect(),
            vendors: table.map("vendors", vendor_id),
        }
    }
}

impl BillTax {
    /// Reads a text such as `13% HST`.
    fn read(text: &str) -> Option<Self> {
        let (percent, name) = text.split_once('%')?;
        let percent = money::parse(percent)?;
        let in_range = percent > Decimal::ZERO && percent <= Decimal::ONE_HUNDRED;
        let name = name.trim();
        (in_range && !name.is_empty()).then(|| Self {
            name: name.to_string(),
            percent,
        })
    }
}

fn tax(text: &str) -> Check {
    BillTax::read(text)
        .map(drop)
        .ok_or("a rate and FreshBooks' name of the tax, such as \"13% HST\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tax_is_a_rate_and_a_name() {
        let tax = BillTax::read("9.975 % QST 9.975%").expect("is read");
        assert_eq!(
            (tax.percent.to_string(), tax.name.as_str()),
            ("9.975".to_string(), "QST 9.975%")
        );
        for text in [
            "HST", "13", "13%", "x% HST", "0% HST", "-5% HST", "101% HST",
        ] {
            assert_eq!(BillTax::read(text), None, "{text}");
        }
    }
}
