//! An invoice or a bill as FreshBooks tells it, one shape for both.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::contract::types::{ObjectRef, Problem, System};
use crate::freshbooks::{lax_text, parse};
use crate::money;
use crate::refusals::Unread;

/// Amounts stay below this, so that no sum of them can overflow.
const NUMBER_BOUND: Decimal = Decimal::from_parts(2_764_472_320, 232_830, 0, false, 0);

/// Which kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An invoice to a client.
    Invoice,
    /// A bill from a vendor.
    Bill,
}

impl Kind {
    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "invoice" => Some(Self::Invoice),
            "bill" => Some(Self::Bill),
            _ => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::Bill => "bill",
        }
    }

    /// Its path in the accounting family. (FreshBooks docs, accounting.)
    #[must_use]
    pub fn resource(self) -> &'static str {
        match self {
            Self::Invoice => "invoices/invoices",
            Self::Bill => "bills/bills",
        }
    }

    /// The kind of the other party.
    #[must_use]
    pub fn party(self) -> &'static str {
        match self {
            Self::Invoice => "client",
            Self::Bill => "bill-vendor",
        }
    }
}

/// A document, with what could not be read of it among the problems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Invoice or bill.
    pub kind: Kind,
    /// FreshBooks' id.
    pub id: String,
    /// The number that people know it by.
    pub number: Option<String>,
    /// When it was last changed, in FreshBooks' own words; opaque.
    pub version: String,
    /// Whether it was deleted there (`vis_state` 1).
    pub deleted: bool,
    /// Whether it is an invoice that has not been sent (`status` 1).
    pub draft: bool,
    /// The client or bill vendor.
    pub party: ObjectRef,
    /// The other party's name in the document.
    pub party_name: Option<String>,
    /// The other party's country in the document, as FreshBooks writes it.
    pub country: Option<String>,
    /// The date on it, `YYYY-MM-DD`.
    pub issued: Option<String>,
    /// When it is to be paid, `YYYY-MM-DD`.
    pub due: Option<String>,
    /// ISO 4217.
    pub currency: String,
    /// The total with taxes.
    pub total: Decimal,
    /// What is taken off the sum of the lines before taxes, zero or more.
    pub discount: Decimal,
    /// The lines.
    pub lines: Vec<Line>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// A line of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The item's name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// How many.
    pub quantity: Decimal,
    /// The price of one, before taxes.
    pub unit_cost: Decimal,
    /// The line's amount before taxes, as FreshBooks states it.
    pub amount: Option<Decimal>,
    /// Its taxes, at most two.
    pub taxes: Vec<Tax>,
    /// Whether the second tax is on top of the first.
    pub compound: bool,
    /// The id of its expense category.
    pub category: Option<String>,
    /// The id of its project.
    pub project: Option<String>,
}

/// A tax of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tax {
    /// Its name in FreshBooks.
    pub name: String,
    /// Its rate in per cent.
    pub percent: Decimal,
}

type Raw<'a> = Option<&'a RawValue>;

#[derive(Deserialize)]
struct RawDocument<'a> {
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow)]
    invoice_number: Raw<'a>,
    #[serde(borrow)]
    bill_number: Raw<'a>,
    #[serde(borrow)]
    updated: Raw<'a>,
    #[serde(borrow)]
    updated_at: Raw<'a>,
    #[serde(borrow)]
    vis_state: Raw<'a>,
    #[serde(borrow)]
    status: Raw<'a>,
    #[serde(borrow)]
    customerid: Raw<'a>,
    #[serde(borrow)]
    vendorid: Raw<'a>,
    #[serde(borrow)]
    vendor: Option<RawVendor<'a>>,
    #[serde(borrow)]
    organization: Raw<'a>,
    #[serde(borrow)]
    country: Raw<'a>,
    #[serde(borrow)]
    create_date: Raw<'a>,
    #[serde(borrow)]
    issue_date: Raw<'a>,
    #[serde(borrow)]
    due_date: Raw<'a>,
    #[serde(borrow)]
    currency_code: Raw<'a>,
    #[serde(borrow)]
    amount: Option<RawMoney<'a>>,
    #[serde(borrow)]
    total_amount: Option<RawMoney<'a>>,
    #[serde(borrow)]
    discount_total: Option<RawMoney<'a>>,
    #[serde(borrow)]
    lines: Option<Vec<RawLine<'a>>>,
}

#[derive(Deserialize)]
struct RawVendor<'a> {
    #[serde(borrow)]
    vendor_name: Raw<'a>,
    #[serde(borrow)]
    country: Raw<'a>,
}

#[derive(Clone, Copy, Deserialize)]
struct RawMoney<'a> {
    #[serde(borrow)]
    amount: Raw<'a>,
    #[serde(borrow)]
    code: Raw<'a>,
}

// Invoice lines and bill lines differ in spelling only; `taxAmount1` is a percentage. (FreshBooks docs, invoices.)
#[derive(Deserialize)]
struct RawLine<'a> {
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow)]
    description: Raw<'a>,
    #[serde(borrow, alias = "quantity")]
    qty: Raw<'a>,
    #[serde(borrow)]
    unit_cost: Option<RawMoney<'a>>,
    #[serde(borrow)]
    amount: Option<RawMoney<'a>>,
    #[serde(borrow, rename = "taxName1", alias = "tax_name1")]
    tax_name1: Raw<'a>,
    #[serde(borrow, rename = "taxName2", alias = "tax_name2")]
    tax_name2: Raw<'a>,
    #[serde(borrow, rename = "taxAmount1", alias = "tax_percent1")]
    tax_percent1: Raw<'a>,
    #[serde(borrow, rename = "taxAmount2", alias = "tax_percent2")]
    tax_percent2: Raw<'a>,
    #[serde(borrow)]
    compounded_tax: Raw<'a>,
    #[serde(borrow)]
    categoryid: Raw<'a>,
    #[serde(borrow)]
    modern_project_id: Raw<'a>,
}

impl Document {
    /// Reads a document from its bare JSON object.
    ///
    /// # Errors
    ///
    /// Only if it is no object of that shape at all; what is wrong inside is among [`Document::problems`].
    pub fn read(kind: Kind, raw: &RawValue) -> Result<Self, Unread> {
        let raw: RawDocument = parse(raw)?;
        let mut reading = Reading::default();
        let (total, total_key) = match kind {
            Kind::Invoice => (raw.amount, "/amount"),
            Kind::Bill => (raw.total_amount, "/total_amount"),
        };
        let currency = lax_text(raw.currency_code).unwrap_or_default();
        reading.currency = currency.clone();
        let vendor = raw.vendor.as_ref();
        Ok(Self {
            kind,
            id: lax_text(raw.id).unwrap_or_default(),
            number: lax_text(raw.invoice_number.or(raw.bill_number)),
            version: lax_text(raw.updated.or(raw.updated_at)).unwrap_or_default(),
            deleted: lax_text(raw.vis_state).as_deref() == Some("1"),
            draft: kind == Kind::Invoice && lax_text(raw.status).as_deref() == Some("1"),
            party: reading.party(kind, raw.customerid.or(raw.vendorid)),
            party_name: lax_text(
                raw.organization
                    .or(vendor.and_then(|vendor| vendor.vendor_name)),
            ),
            country: lax_text(raw.country.or(vendor.and_then(|vendor| vendor.country))),
            issued: lax_text(raw.create_date.or(raw.issue_date)),
            due: lax_text(raw.due_date),
            currency,
            total: reading.amount(total_key, total),
            discount: reading
                .optional_amount("/discount_total", raw.discount_total)
                .unwrap_or_default()
                .abs(),
            lines: reading.lines(raw.lines),
            problems: reading.problems,
        })
    }
}

#[derive(Default)]
struct Reading {
    currency: String,
    problems: Vec<Problem>,
}

impl Reading {
    fn party(&mut self, kind: Kind, id: Raw) -> ObjectRef {
        let id = lax_text(id).filter(|id| id != "0").unwrap_or_else(|| {
            let message = format!("the {} names no {}", kind.name(), kind.party());
            self.report("", "party-missing", message);
            String::new()
        });
        ObjectRef {
            system: System::Freshbooks,
            kind: kind.party().to_string(),
            id,
        }
    }

    fn lines(&mut self, raw: Option<Vec<RawLine>>) -> Vec<Line> {
        let raw = raw.unwrap_or_default();
        (0..)
            .zip(&raw)
            .map(|(index, line)| self.line(index, line))
            .collect()
    }

    fn line(&mut self, index: u32, raw: &RawLine) -> Line {
        let at = format!("/lines/{index}");
        Line {
            name: lax_text(raw.name),
            description: lax_text(raw.description),
            quantity: self
                .number(&format!("{at}/qty"), raw.qty)
                .unwrap_or(Decimal::ONE),
            unit_cost: self.amount(&format!("{at}/unit_cost"), raw.unit_cost),
            amount: self.optional_amount(&format!("{at}/amount"), raw.amount),
            taxes: [
                self.tax(&format!("{at}/taxAmount1"), raw.tax_name1, raw.tax_percent1),
                self.tax(&format!("{at}/taxAmount2"), raw.tax_name2, raw.tax_percent2),
            ]
            .into_iter()
            .flatten()
            .collect(),
            compound: matches!(lax_text(raw.compounded_tax).as_deref(), Some("true" | "1")),
            category: lax_text(raw.categoryid),
            project: lax_text(raw.modern_project_id).filter(|id| id != "0"),
        }
    }

    fn tax(&mut self, at: &str, name: Raw, percent: Raw) -> Option<Tax> {
        let name = lax_text(name)?;
        let percent = self.number(at, percent).unwrap_or_default();
        Some(Tax { name, percent })
    }

    fn amount(&mut self, at: &str, raw: Option<RawMoney>) -> Decimal {
        if raw.is_none() {
            self.report(at, "amount-missing", "an amount is missing".to_string());
        }
        self.optional_amount(at, raw).unwrap_or_default()
    }

    fn optional_amount(&mut self, at: &str, raw: Option<RawMoney>) -> Option<Decimal> {
        let raw = raw?;
        if let Some(code) = lax_text(raw.code).filter(|code| *code != self.currency) {
            let message = format!("the amount is in {code}, the document in {}", self.currency);
            self.report(at, "two-currencies", message);
        }
        self.number(&format!("{at}/amount"), raw.amount)
    }

    fn number(&mut self, at: &str, raw: Raw) -> Option<Decimal> {
        let text = lax_text(raw)?;
        let number = money::parse(&text).filter(|number| number.abs() < NUMBER_BOUND);
        if number.is_none() {
            let shown: String = text.chars().take(40).collect();
            let message = format!("\"{shown}\" is not a decimal number below {NUMBER_BOUND}");
            self.report(at, "not-a-number", message);
        }
        number
    }

    fn report(&mut self, pointer: &str, code: &str, message: String) {
        self.problems.push(Problem {
            pointer: pointer.to_string(),
            code: code.to_string(),
            message,
        });
    }
}
