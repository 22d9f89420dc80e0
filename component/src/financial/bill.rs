//! Suppliers' invoices as FreshBooks bills: one line for each line item and category, with its
//! taxes.
//!
//! FreshBooks works taxes out from percentages and takes no amount of them
//! (source: freshbooks-bills), so that an invoice whose taxes come to other cents there becomes a
//! journal entry. So does a credit, and whatever else has a negative line: nothing says that a bill
//! may be negative.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use rust_decimal::Decimal;

use super::expense::cost_code;
use super::invoice::amounts::{self, Parts, TaxFrom};
use super::invoice::header::Header;
use super::invoice::{self, Row};
use super::outcome::Untranslatable;
use super::posting::{Posting, SHOWN_CHARS_MAX};
use crate::concur::document_schema::{
    Code, InvoiceDocument, InvoiceTax, RequestHeader, Vendor, When,
};
use crate::money;
use crate::settings::Settings;
use crate::settings::financial::{BillTax, Bills};
use crate::text::{clean, shortened};

/// The longest description of a line without its marker. FreshBooks publishes no bound.
const DESCRIPTION_CHARS_MAX: usize = 200;
/// The longest bill number, which is as long as SAP Concur's
/// (source: concur-financial-invoice-document).
const NUMBER_CHARS_MAX: usize = 50;
/// A line of a bill has two taxes at most (source: freshbooks-bills).
const LINE_TAXES_MAX: usize = 2;

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
    let mut lines = Vec::new();
    for group in groups(rows, &amounts.of_rows, posting) {
        lines.extend(
            group
                .rounded(posting.minor_units())
                .lines(posting.minor_units())?,
        );
    }
    Ok(Content {
        supplier: supplier(&document.vendor)?,
        due: due(&document.header)?,
        lines,
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
            if tax_of_bills(tax, &posting.financial().bills).is_none() {
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

/// Allocations of one line item with the same category and taxes: a line of the bill. Together
/// their taxes come to what FreshBooks works out, where a share of a cent may not.
struct Group<'a> {
    line_item: usize,
    /// None where the settings have none, which is reported.
    category: Option<&'a str>,
    about: String,
    cost_codes: Vec<String>,
    /// With shipping and taxes.
    amount: Decimal,
    shipping: Decimal,
    taxes: Vec<LineTax>,
}

fn groups<'a>(
    rows: &[Row<'_, 'a>],
    amounts: &[Decimal],
    posting: &mut Posting<'a>,
) -> Vec<Group<'a>> {
    let mut groups: Vec<Group> = Vec::new();
    let rows = rows.iter().zip(amounts);
    for (row, amount) in rows.filter(|(_, amount)| !amount.is_zero()) {
        let new = Group::of_row(row, *amount, posting);
        match groups.iter_mut().find(|group| group.takes(&new)) {
            Some(group) => group.add(new),
            None => groups.push(new),
        }
    }
    groups
}

impl<'a> Group<'a> {
    fn of_row(row: &Row<'_, 'a>, amount: Decimal, posting: &mut Posting<'a>) -> Self {
        let [l, a] = row.at;
        let currency_at = format_args!("/lineItem/{l}/allocation/{a}/journal/currencyAlphaCode");
        posting.same_currency(currency_at, &row.journal.currency);
        let at = format_args!("/lineItem/{l}/allocation/{a}/journal/accountCode");
        let cost_code = cost_code(&row.share.customs, posting.financial().cost_code_field);
        let code = row.journal.account.or(&row.share.account).text();
        let expense_type = row.line.expense_type.text();
        let category = posting.category(
            at,
            code.as_deref(),
            expense_type.as_deref(),
            cost_code.as_deref(),
        );
        Self {
            line_item: l,
            category,
            about: text(row.line.description.or(&row.line.expense_type_name)).unwrap_or_default(),
            cost_codes: cost_code.map(Cow::into_owned).into_iter().collect(),
            amount,
            shipping: row.journal.shipping.number().unwrap_or_default(),
            taxes: taxes(row, &posting.financial().bills),
        }
    }

    fn takes(&self, other: &Self) -> bool {
        let taxes = |group: &Self| -> Vec<BillTax> {
            group.taxes.iter().map(|tax| tax.tax.clone()).collect()
        };
        self.line_item == other.line_item
            && self.category == other.category
            && taxes(self) == taxes(other)
    }

    fn add(&mut self, other: Self) {
        self.amount += other.amount;
        self.shipping += other.shipping;
        for (tax, more) in self.taxes.iter_mut().zip(other.taxes) {
            tax.amount += more.amount;
        }
        for cost_code in other.cost_codes {
            if !self.cost_codes.contains(&cost_code) {
                self.cost_codes.push(cost_code);
            }
        }
    }

    /// With its taxes and shipping in the currency's digits, of which a share may have more.
    fn rounded(mut self, minor_units: u32) -> Self {
        self.shipping = money::round(self.shipping, minor_units);
        for tax in &mut self.taxes {
            tax.amount = money::round(tax.amount, minor_units);
        }
        self
    }

    /// Its lines: one, or two where the taxes are on everything but the shipping.
    fn lines(self, minor_units: u32) -> Result<Vec<BillLine>, String> {
        if self.taxes.len() > LINE_TAXES_MAX {
            return Err(format!("a line of it has {} taxes", self.taxes.len()));
        }
        if let [first, second] = self.taxes.as_slice()
            && first.tax.name == second.tax.name
        {
            return Err(format!("a line of it has the tax {} twice", first.tax.name));
        }
        let net = self.amount - self.taxes.iter().map(|tax| tax.amount).sum::<Decimal>();
        if net <= Decimal::ZERO {
            return Err("a line of it has more taxes than amount".to_string());
        }
        let Some(why) = other_tax(net, &self.taxes, minor_units) else {
            return Ok(vec![self.line(net, self.taxes.clone(), "")]);
        };
        let goods = net - self.shipping;
        let is_split = self.shipping > Decimal::ZERO && goods > Decimal::ZERO;
        if !is_split || other_tax(goods, &self.taxes, minor_units).is_some() {
            return Err(why);
        }
        Ok(vec![
            self.line(goods, self.taxes.clone(), ""),
            self.line(self.shipping, Vec::new(), "shipping of "),
        ])
    }

    fn line(&self, net: Decimal, taxes: Vec<LineTax>, prefix: &str) -> BillLine {
        let mut about = match self.about.is_empty() {
            true => prefix.to_string(),
            false => [prefix, &self.about].concat(),
        };
        if !self.cost_codes.is_empty() {
            about.push_str(&format!(" ({})", self.cost_codes.join(", ")));
        }
        BillLine {
            category: self.category.unwrap_or_default().to_string(),
            description: shortened(about.trim(), DESCRIPTION_CHARS_MAX),
            cost_code: match self.cost_codes.as_slice() {
                [one] => Some(one.clone()),
                _ => None,
            },
            net,
            taxes,
        }
    }
}

/// The taxes of a row that FreshBooks shows apart.
fn taxes(row: &Row, bills: &Bills) -> Vec<LineTax> {
    let taxes = row.journal.taxes.0.iter();
    let mapped = taxes.filter_map(|tax| {
        let amount = tax.amount.number().filter(|amount| !amount.is_zero())?;
        let tax = tax_of_bills(tax, bills)?.clone();
        Some(LineTax { tax, amount })
    });
    mapped.collect()
}

/// FreshBooks' tax that the settings name for a tax: by its code, else by its field such as `VAT1`.
fn tax_of_bills<'b>(tax: &InvoiceTax, bills: &'b Bills) -> Option<&'b BillTax> {
    let keys = [tax.code.text(), tax.field.text()];
    let mut keys = keys.into_iter().flatten();
    keys.find_map(|key| bills.taxes.get(&*key))
}

/// The first tax that FreshBooks would work out otherwise on this amount, in words.
fn other_tax(net: Decimal, taxes: &[LineTax], minor_units: u32) -> Option<String> {
    taxes.iter().find_map(|LineTax { tax, amount }| {
        let worked_out = money::round(net * tax.percent / Decimal::ONE_HUNDRED, minor_units);
        (worked_out != *amount).then(|| {
            format!(
                "FreshBooks would work {} out as {} on {}, and SAP Concur says {}",
                tax.name,
                money::wire(worked_out, minor_units),
                money::wire(net, minor_units),
                money::wire(*amount, minor_units)
            )
        })
    })
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
