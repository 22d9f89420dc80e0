//! Reads a document tolerantly: what cannot be read of it becomes a problem of the document.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Document, Kind, Line, Tax};
use crate::contract::types::{ObjectRef, Problem, System};
use crate::error_bodies::Unread;
use crate::freshbooks::party;
use crate::lax_json::{Raw, lax_text, parse};
use crate::money::{self, NUMBER_BOUND};
use crate::text::shortened;

/// A tax of more per cent than this is a mistake: the highest there are stay below 100.
const PERCENT_MAX: Decimal = Decimal::ONE_THOUSAND;
/// As much of a text is repeated in a problem's message.
const SHOWN_CHARS_MAX: usize = 40;

impl Document {
    /// Reads a document from its bare JSON object.
    ///
    /// # Errors
    ///
    /// Only if it is no object of that shape at all; what is wrong inside is among
    /// [`Document::problems`].
    pub(crate) fn read(kind: Kind, raw: &RawValue) -> Result<Self, Unread> {
        let raw: RawDocument = parse(raw)?;
        let mut reading = Reading::new(kind, lax_text(raw.currency_code).unwrap_or_default());
        let other: RawVendor = raw
            .vendor
            .and_then(|raw| parse(raw).ok())
            .unwrap_or_default();
        let (party, number, issued, total, version) = match kind {
            Kind::Invoice => (
                raw.customerid,
                raw.invoice_number,
                raw.create_date,
                raw.amount,
                raw.updated,
            ),
            Kind::Bill => (
                raw.vendorid,
                raw.bill_number,
                raw.issue_date,
                raw.total_amount,
                raw.updated_at,
            ),
        };
        let (party_name, country) = match kind {
            Kind::Invoice => (client_name(&raw), raw.country),
            Kind::Bill => (lax_text(other.vendor_name), other.country),
        };
        Ok(Self {
            kind,
            id: reading.id(raw.id),
            number: lax_text(number),
            version: lax_text(version).unwrap_or_default(),
            deleted: lax_text(raw.vis_state).as_deref() == Some("1"),
            draft: kind == Kind::Invoice && lax_text(raw.status).as_deref() == Some("1"),
            party: reading.party(party),
            party_name,
            country: lax_text(country),
            issued: reading.day(kind.places().issued, issued),
            due: reading.day("/due_date", raw.due_date),
            total: reading.amount(kind.places().total, total),
            discount: reading
                .optional_amount("/discount_total", raw.discount_total)
                .unwrap_or_default()
                .abs(),
            lines: reading.lines(raw.lines),
            currency: reading.currency,
            amounts_known: reading.amounts_known,
            problems: reading.problems,
        })
    }
}

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
    vendor: Raw<'a>,
    #[serde(borrow)]
    organization: Raw<'a>,
    #[serde(borrow)]
    fname: Raw<'a>,
    #[serde(borrow)]
    lname: Raw<'a>,
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
    amount: Raw<'a>,
    #[serde(borrow)]
    total_amount: Raw<'a>,
    #[serde(borrow)]
    discount_total: Raw<'a>,
    #[serde(borrow)]
    lines: Option<Vec<RawLine<'a>>>,
}

#[derive(Default, Deserialize)]
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

// Invoice lines and bill lines differ in spelling only; `taxAmount1` is a percentage
// (source: freshbooks-invoices).
#[derive(Deserialize)]
struct RawLine<'a> {
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow)]
    description: Raw<'a>,
    #[serde(borrow, alias = "quantity")]
    qty: Raw<'a>,
    #[serde(borrow)]
    unit_cost: Raw<'a>,
    #[serde(borrow)]
    amount: Raw<'a>,
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

/// The client's name at the time of the invoice: the organisation, else the person.
fn client_name(raw: &RawDocument) -> Option<String> {
    let (first, last) = (lax_text(raw.fname), lax_text(raw.lname));
    lax_text(raw.organization).or_else(|| party::person_name(first.as_deref(), last.as_deref()))
}

struct Reading {
    kind: Kind,
    currency: String,
    amounts_known: bool,
    problems: Vec<Problem>,
}

impl Reading {
    fn new(kind: Kind, currency: String) -> Self {
        Self {
            kind,
            currency,
            amounts_known: true,
            problems: Vec::new(),
        }
    }

    fn id(&mut self, id: Raw) -> String {
        lax_text(id).unwrap_or_else(|| {
            let message = format!("the {} has no id", self.kind.name());
            self.report("/id", "id-missing", message);
            String::new()
        })
    }

    fn party(&mut self, id: Raw) -> ObjectRef {
        let kind = self.kind;
        let id = lax_text(id).filter(|id| id != "0").unwrap_or_else(|| {
            let message = format!(
                "the {} names no {}; choose one in FreshBooks",
                kind.name(),
                kind.party()
            );
            self.report(kind.places().party, "party-missing", message);
            String::new()
        });
        ObjectRef {
            system: System::Freshbooks,
            kind: kind.party().to_string(),
            id,
        }
    }

    /// A calendar day; never shifted by a time zone (source: freshbooks-time-zones).
    fn day(&mut self, at: &str, raw: Raw) -> Option<String> {
        let text = lax_text(raw)?;
        let day = text.get(..10).unwrap_or_default();
        let rest = text.get(10..).unwrap_or_default();
        if day.parse::<Date>().is_ok() && (rest.is_empty() || rest.starts_with([' ', 'T'])) {
            return Some(day.to_string());
        }
        let message = format!(
            "\"{}\" is not a date such as 2026-02-27; correct it in FreshBooks",
            shortened(&text, SHOWN_CHARS_MAX)
        );
        self.report(at, "not-a-date", message);
        None
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
        let places = self.kind.places();
        let [percent1, percent2] = places.percents;
        Line {
            name: lax_text(raw.name),
            description: lax_text(raw.description),
            quantity: self
                .number(&format!("{at}/{}", places.quantity), raw.qty)
                .unwrap_or(Decimal::ONE),
            unit_cost: self.amount(&format!("{at}/unit_cost"), raw.unit_cost),
            amount: self.optional_amount(&format!("{at}/amount"), raw.amount),
            taxes: [
                self.tax(&format!("{at}/{percent1}"), raw.tax_name1, raw.tax_percent1),
                self.tax(&format!("{at}/{percent2}"), raw.tax_name2, raw.tax_percent2),
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
        let name = lax_text(name)?.trim().to_string();
        let percent = self.number(at, percent).unwrap_or_default();
        if percent.abs() <= PERCENT_MAX {
            return Some(Tax { name, percent });
        }
        let message = format!("a tax of {percent} % cannot be right; correct it in FreshBooks");
        self.amount_unknown(at, "not-a-percentage", message);
        None
    }

    fn amount(&mut self, at: &str, raw: Raw) -> Decimal {
        let amount = self.optional_money(at, raw);
        if amount == Money::Missing {
            self.amount_unknown(at, "amount-missing", "an amount is missing".to_string());
        }
        amount.number().unwrap_or_default()
    }

    fn optional_amount(&mut self, at: &str, raw: Raw) -> Option<Decimal> {
        self.optional_money(at, raw).number()
    }

    fn optional_money(&mut self, at: &str, raw: Raw) -> Money {
        let Some(raw) = raw else {
            return Money::Missing;
        };
        let Ok(money) = parse::<RawMoney>(raw) else {
            let message = "expected an amount with a currency".to_string();
            self.amount_unknown(at, "not-an-amount", message);
            return Money::Unreadable;
        };
        if let Some(code) = lax_text(money.code).filter(|code| *code != self.currency) {
            let message = format!(
                "the amount is in {}, the document in {}",
                shortened(&code, SHOWN_CHARS_MAX),
                shortened(&self.currency, SHOWN_CHARS_MAX)
            );
            self.amount_unknown(at, "two-currencies", message);
        }
        if lax_text(money.amount).is_none() {
            return Money::Missing;
        }
        let number = self.number(&format!("{at}/amount"), money.amount);
        number.map_or(Money::Unreadable, Money::Number)
    }

    fn number(&mut self, at: &str, raw: Raw) -> Option<Decimal> {
        let text = lax_text(raw)?;
        let number = money::parse(&text).filter(|number| number.abs() < NUMBER_BOUND);
        if number.is_none() {
            let shown = shortened(&text, SHOWN_CHARS_MAX);
            let message = format!("\"{shown}\" is not a decimal number below {NUMBER_BOUND}");
            self.amount_unknown(at, "not-a-number", message);
        }
        number
    }

    fn amount_unknown(&mut self, pointer: &str, code: &str, message: String) {
        self.amounts_known = false;
        self.report(pointer, code, message);
    }

    fn report(&mut self, pointer: &str, code: &str, message: String) {
        self.problems.push(Problem {
            pointer: pointer.to_string(),
            code: code.to_string(),
            message,
        });
    }
}

#[derive(PartialEq)]
enum Money {
    Number(Decimal),
    Missing,
    /// No number; the problem is reported already.
    Unreadable,
}

impl Money {
    fn number(self) -> Option<Decimal> {
        match self {
            Self::Number(number) => Some(number),
            Self::Missing | Self::Unreadable => None,
        }
    }
}
