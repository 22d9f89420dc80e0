//! Suppliers' invoices as FreshBooks bills: one line for each line item and category, with its
//! taxes.
//!
//! FreshBooks works taxes out from percentages and takes no amount of them
//! (source: freshbooks-bills), so that an invoice whose taxes come to other cents there becomes a
//! journal entry. So does a credit, and whatever else has a negative line: nothing says that a bill
//! may be negative.

mod lines;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rust_decimal::Decimal;

use super::invoice::amounts::{self, Parts, TaxFrom};
use super::invoice::header::Header;
use super::invoice::{self, Row};
use super::outcome::Untranslatable;
use super::posting::{Posting, SHOWN_CHARS_MAX};
use crate::concur::document_schema::{
    Code, InvoiceDocument, InvoiceTax, RequestHeader, Vendor, When,
};
use crate::settings::Settings;
use crate::settings::financial::BillTax;
use crate::text::{clean, shortened};

/// The longest bill number, which is as long as SAP Concur's
/// (source: concur-financial-invoice-document).
const NUMBER_CHARS_MAX: usize = 50;
/// A vendor code has 32 characters at most (source: concur-vendor), so that a longer text is none.
const VENDOR_CODE_BYTES_MAX: usize = 64;

/// What an invoice becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BillOrEntry {
    /// The bill that FreshBooks holds to the cent.
    Bill(Bill),
    /// A journal entry, because of this; it continues "not as a bill: ".
    Entry(String),
}

/// A bill: its lines and their taxes come to the invoice's own total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bill {
    /// Whom it is owed to.
    pub supplier: Supplier,
    /// The supplier's own number of it.
    pub number: Option<String>,
    /// The day of the document, `YYYY-MM-DD`.
    pub date: String,
    /// When it is to be paid, `YYYY-MM-DD`; the day of the document where Concur does not say.
    pub due: String,
    /// The currency of every amount, ISO 4217.
    pub currency: String,
    /// What SAP Concur says that it comes to.
    pub total: Decimal,
    /// At least one; none is zero.
    pub lines: Vec<BillLine>,
}

/// Whom an invoice is owed to. At least one of the two is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Supplier {
    /// The vendor code in SAP Concur; may be empty.
    pub code: String,
    /// The vendor's name there; may be empty.
    pub name: String,
}

/// A line of a bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BillLine {
    /// FreshBooks' id of its expense category.
    pub category: String,
    /// What it is for, and its cost codes in parentheses.
    pub description: String,
    /// The cost centre or project, if it has only one.
    pub cost_code: Option<String>,
    /// Before the taxes below; greater than zero.
    pub net: Decimal,
    /// Those that the settings name, two at most.
    pub taxes: Vec<LineTax>,
}

/// A tax of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineTax {
    /// Its name and rate in FreshBooks.
    pub tax: BillTax,
    /// What SAP Concur says that it comes to, which FreshBooks works out as the same.
    pub amount: Decimal,
}

impl Supplier {
    /// The id of the object whose run finds or makes the bill vendor: `CODE|NAME`.
    pub(crate) fn to_id(&self) -> String {
        // Ids of objects have 200 bytes at most; the longest character has four.
        const NAME_BYTES_MAX: usize = 130;
        const NAME_CHARS_MAX: usize = 32;
        let name = match self.name.len() <= NAME_BYTES_MAX {
            true => self.name.clone(),
            false => shortened(&self.name, NAME_CHARS_MAX),
        };
        format!("{}|{name}", self.code)
    }

    /// The supplier that an id names.
    pub(crate) fn from_id(id: &str) -> Option<Self> {
        let (code, name) = id.split_once('|')?;
        (!code.is_empty() || !name.is_empty()).then(|| Self {
            code: code.to_string(),
            name: name.to_string(),
        })
    }

    /// What the settings and the marker know it by: its code, else its name.
    pub(crate) fn key(&self) -> &str {
        if self.code.is_empty() {
            &self.name
        } else {
            &self.code
        }
    }

    /// What people know it by: its name, else its code.
    pub(crate) fn shown(&self) -> &str {
        if self.name.is_empty() {
            &self.code
        } else {
            &self.name
        }
    }
}

/// The bill of an invoice.
pub(super) fn translate<'a>(
    document: &InvoiceDocument<'a>,
    settings: &'a Settings,
) -> Result<BillOrEntry, Untranslatable> {
    let basis = invoice::basis(document);
    if basis.is_test.is_yes() {
        return Ok(BillOrEntry::Entry("it is a test".to_string()));
    }
    let mut posting = Posting::new(settings, &basis);
    let rows = invoice::rows(document);
    let amounts = RowAmounts::read(document, &rows, &mut posting);
    if posting.has_problems() {
        return Err(unreadable(posting));
    }
    let content = match content(document, &rows, &amounts, &mut posting) {
        Ok(content) => content,
        Err(why) => return Ok(BillOrEntry::Entry(why)),
    };
    let total = posting.rows();
    let head = posting.finish_bill()?;
    Ok(BillOrEntry::Bill(Bill {
        supplier: content.supplier,
        number: text(&document.header.number).map(|text| shortened(&text, NUMBER_CHARS_MAX)),
        due: content.due.unwrap_or_else(|| head.date.clone()),
        date: head.date,
        currency: head.currency,
        total,
        lines: content.lines,
    }))
}

fn unreadable(posting: Posting) -> Untranslatable {
    match posting.finish_bill() {
        Err(untranslatable) => untranslatable,
        Ok(_) => unreachable!("has problems"),
    }
}

/// What each row comes to, with the taxes that are in it.
struct RowAmounts {
    of_rows: Vec<Decimal>,
    /// Whether each row's amount contains the row's own taxes.
    has_tax_inside: Vec<bool>,
    /// The tax of the header that an entry has on lines of its own.
    tax_apart: Decimal,
}

impl RowAmounts {
    fn read<'a>(document: &InvoiceDocument<'a>, rows: &[Row], posting: &mut Posting<'a>) -> Self {
        let at = format_args!("/requestHeader/requestTotal");
        let total = posting.total(at, &document.header.total);
        let header = Header::read(&document.header, posting);
        let parts: Vec<_> = rows.iter().map(|row| Parts::read(row, posting)).collect();
        let amounts = amounts::read(total, &header, &parts, posting);
        let tax_apart = match amounts.tax_from {
            TaxFrom::Header => header.tax_apart(),
            TaxFrom::Gross | TaxFrom::Rows | TaxFrom::Nowhere => Decimal::ZERO,
        };
        for amount in amounts.of_rows.iter().chain([&tax_apart]) {
            posting.count(*amount);
        }
        posting.check_total(at, total);
        let minor_units = posting.minor_units();
        let parts = parts.iter();
        Self {
            has_tax_inside: parts
                .map(|parts| amounts.tax_from.is_inside(parts, minor_units))
                .collect(),
            of_rows: amounts.of_rows,
            tax_apart,
        }
    }
}

/// What a bill has of its invoice beside its head.
struct Content {
    supplier: Supplier,
    due: Option<String>,
    lines: Vec<BillLine>,
}

/// The content of the bill, or why there can be none.
fn content<'a>(
    document: &InvoiceDocument<'a>,
    rows: &[Row<'_, 'a>],
    amounts: &RowAmounts,
    posting: &mut Posting<'a>,
) -> Result<Content, String> {
    check_amounts(amounts)?;
    check_payer(document, posting)?;
    check_taxes(rows, amounts, posting)?;
    Ok(Content {
        supplier: supplier(&document.vendor)?,
        due: due(&document.header)?,
        lines: lines::of_rows(rows, &amounts.of_rows, posting)?,
    })
}

fn check_amounts(amounts: &RowAmounts) -> Result<(), String> {
    let total: Decimal = amounts.of_rows.iter().sum::<Decimal>() + amounts.tax_apart;
    if total.is_sign_negative() && !total.is_zero() {
        return Err("it is a credit".to_string());
    }
    if amounts.of_rows.iter().all(Decimal::is_zero) {
        return Err("it has no amounts".to_string());
    }
    let is_negative = |amount: &Decimal| amount.is_sign_negative() && !amount.is_zero();
    if amounts.of_rows.iter().any(is_negative) {
        return Err("one of its lines is negative".to_string());
    }
    Ok(())
}

/// A bill is owed to its vendor; one that was paid by card is not.
fn check_payer<'a>(document: &InvoiceDocument<'a>, posting: &Posting<'a>) -> Result<(), String> {
    let key = invoice::creditor(document, posting).key;
    if key == invoice::VENDOR {
        return Ok(());
    }
    let key = shortened(&clean(&key), SHOWN_CHARS_MAX);
    Err(format!(
        "its payment method is {key}, so that it is not owed to its vendor"
    ))
}

/// A tax that the company gets back must not end up in the cost, and one of a line must be in it.
fn check_taxes<'a>(
    rows: &[Row<'_, 'a>],
    amounts: &RowAmounts,
    posting: &mut Posting<'a>,
) -> Result<(), String> {
    if !amounts.tax_apart.is_zero() {
        return Err("the tax that the company gets back is in its header only".to_string());
    }
    for (row, is_inside) in rows.iter().zip(&amounts.has_tax_inside) {
        for tax in &row.journal.taxes.0 {
            let is_zero = tax.amount.number().is_none_or(|amount| amount.is_zero());
            if is_zero {
                continue;
            }
            if lines::tax_of_bills(tax, &posting.financial().bills).is_none() {
                check_stays_in_cost(row, tax, posting)?;
            } else if !is_inside {
                return Err("the tax of a line is not the one that is in its amount".to_string());
            }
        }
    }
    Ok(())
}

fn check_stays_in_cost<'a>(
    row: &Row<'_, 'a>,
    tax: &InvoiceTax<'a>,
    posting: &mut Posting<'a>,
) -> Result<(), String> {
    let [l, a] = row.at;
    let at = format_args!("/lineItem/{l}/allocation/{a}/journal/tax");
    match posting.account_of_invoice_tax(at, tax.code.text(), tax.field.text()) {
        None => Ok(()),
        Some(account) => Err(format!(
            "the company gets its tax {} back, and `financial.bills.taxes` does not have it",
            shortened(&clean(&account.code), SHOWN_CHARS_MAX)
        )),
    }
}

/// The day on which it is to be paid: as the header says, else so many days after the invoice's. A
/// journal entry has none, so that nothing is lost where it cannot be read.
fn due(header: &RequestHeader) -> Result<Option<String>, String> {
    match header.due.when() {
        When::Missing => Ok(due_after_term(header)),
        When::Day(day) => Ok(Some(day.to_string())),
        When::Unreadable(_) | When::Moment(_) => {
            Err("its due date is no date that can be read".to_string())
        }
    }
}

fn due_after_term(header: &RequestHeader) -> Option<String> {
    let days: i64 = header.term_days.text()?.parse().ok()?;
    let When::Day(invoiced) = header.invoiced.when() else {
        return None;
    };
    let due = invoiced.checked_add(jiff::Span::new().try_days(days).ok()?);
    due.ok().map(|due| due.to_string())
}

fn supplier(vendor: &Vendor) -> Result<Supplier, String> {
    let own = |code: &Code| text(code).unwrap_or_default();
    let supplier = Supplier {
        // The sign is what ends the code in ids.
        code: own(&vendor.code).replace('|', "/"),
        name: own(&vendor.name),
    };
    if supplier.code.len() > VENDOR_CODE_BYTES_MAX {
        return Err(format!(
            "its vendor code has more than {VENDOR_CODE_BYTES_MAX} bytes"
        ));
    }
    if supplier.key().is_empty() {
        return Err("it names no vendor".to_string());
    }
    Ok(supplier)
}

fn text(code: &Code) -> Option<String> {
    code.text().map(|text| clean(&text))
}
