//! Reads a document tolerantly: what cannot be read of it becomes a problem of the document.

mod lines;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::{Document, Kind, place};
use crate::contract::types::{ObjectRef, Problem, System};
use crate::error_bodies::Unread;
use crate::freshbooks::fields::{self, written_amount};
use crate::freshbooks::party;
use crate::lax_json::{Object, Raw, lax_text};
use crate::money::{self, NUMBER_BOUND};
use crate::text::quoted;

pub(super) use lines::{BILL_TAXES, INVOICE_TAXES, TaxNames};

/// As much of a text is repeated in a problem's message.
const SHOWN_CHARS_MAX: usize = 40;

impl Document {
    /// Reads a document from its bare JSON object.
    ///
    /// # Errors
    ///
    /// Only if it is no object at all; what is wrong inside is among [`Document::problems`].
    pub(crate) fn read(kind: Kind, raw: &RawValue) -> Result<Self, Unread> {
        let object = fields::object(raw, kind.name())?;
        let other = object.get(kind.party_object());
        let vendor = other.and_then(Object::read).unwrap_or_default();
        let places = kind.places();
        let (party_name, country) = match kind {
            Kind::Invoice => (client_name(&object), object.text("country")),
            Kind::Bill => (vendor.text("vendor_name"), vendor.text("country")),
        };
        let total = object.get(name_in(places.total));
        let mut reading = Reading::new(kind, &object, total);
        Ok(Self {
            kind,
            id: reading.id(&object),
            number: object.text(name_in(places.number)),
            version: kind.version_of(&object),
            deleted: object.text("vis_state").as_deref() == Some("1"),
            draft: kind == Kind::Invoice && is_draft(&object),
            party: reading.party(&object, other),
            party_name,
            country,
            issued: reading.day(places.issued, object.get(name_in(places.issued))),
            due: reading.day("/due_date", object.get("due_date")),
            total: reading.amount(places.total, total),
            stated_net: reading.stated(&object, kind.sums().map(|sums| sums.net)),
            stated_tax: reading.stated(&object, kind.sums().map(|sums| sums.tax)),
            discount: reading
                .optional_amount("/discount_total", object.get("discount_total"))
                .unwrap_or_default()
                .abs(),
            lines: reading.lines(object.get("lines")),
            currency: reading.currency,
            amounts_known: reading.amounts_known,
            problems: reading.problems,
        })
    }
}

/// The name that a pointer of one step leads to.
fn name_in(pointer: &str) -> &str {
    pointer.trim_start_matches('/')
}

/// The client's name at the time of the invoice: the organisation, else the person.
fn client_name(invoice: &Object) -> Option<String> {
    let (first, last) = (invoice.text("fname"), invoice.text("lname"));
    let person = party::person_name(first.as_deref(), last.as_deref());
    invoice.text("organization").or(person)
}

/// `status` is a number; the word is in `v3_status` (source: freshbooks-invoices).
fn is_draft(invoice: &Object) -> bool {
    let (_, status) = invoice.first_text(&["status", "v3_status"]);
    let status = status.unwrap_or_default();
    status == "1" || status.eq_ignore_ascii_case("draft")
}

struct Reading {
    kind: Kind,
    /// In capitals; empty where FreshBooks names none.
    currency: String,
    amounts_known: bool,
    problems: Vec<Problem>,
}

impl Reading {
    /// The currency is the header's, else the total's.
    fn new(kind: Kind, object: &Object, total: Raw) -> Self {
        let header = object.text("currency_code");
        let currency = header.map(|code| fields::currency_code(&code));
        let of_total = || written_amount(total?)?.code;
        let mut reading = Self {
            kind,
            currency: currency.or_else(of_total).unwrap_or_default(),
            amounts_known: true,
            problems: Vec::new(),
        };
        if reading.currency.is_empty() {
            let message = format!(
                "FreshBooks names no currency of the {}; choose one there",
                kind.name()
            );
            reading.amount_unknown("/currency_code", "currency-missing", message);
        }
        reading
    }

    fn id(&mut self, object: &Object) -> String {
        self.kind.id_of(object).unwrap_or_else(|| {
            let name = self.kind.name();
            let message = format!(
                "FreshBooks' answer does not say which {name} it is; ask for the {name} by its id"
            );
            self.report("/id", "id-missing", message);
            String::new()
        })
    }

    /// The other party by its id in the header, else in its own object (source: freshbooks-bills).
    fn party(&mut self, object: &Object, other: Raw) -> ObjectRef {
        let kind = self.kind;
        let (at, names) = (kind.places().party, kind.party_ids());
        let header = fields::id(object.get(name_in(at)), names);
        let id = header.or_else(|| fields::reference(other, names));
        let id = id.unwrap_or_else(|| {
            let (name, party) = (kind.name(), kind.party_words());
            let is_said = object.has(name_in(at)) || object.has(kind.party_object());
            let message = match is_said {
                true => format!("the {name} names no {party}; choose one in FreshBooks"),
                false => format!(
                    "FreshBooks' answer leaves out the {party} of the {name}; ask once more, and \
                     if it stays out, ask FreshBooks' support"
                ),
            };
            self.report(at, "party-missing", message);
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
        // 0 and the day of zeros stand for none.
        let is_none = |text: &str| text.trim_matches(['0', '-', ':', ' ']).is_empty();
        let text = lax_text(raw).filter(|text| !is_none(text))?;
        let day = text.get(..10).unwrap_or_default();
        let rest = text.get(10..).unwrap_or_default();
        if day.parse::<Date>().is_ok() && (rest.is_empty() || rest.starts_with([' ', 'T'])) {
            return Some(day.to_string());
        }
        let message = format!(
            "FreshBooks' answer has {} where a day such as 2026-02-27 should be (other ways to \
             write one are not read, since 02/03/2026 is two different days); open the {} there, \
             choose the day and save it again, and if it stays so, ask FreshBooks' support",
            quoted(&text, SHOWN_CHARS_MAX),
            self.kind.name()
        );
        self.report(at, "not-a-date", message);
        None
    }

    fn amount(&mut self, at: &str, raw: Raw) -> Decimal {
        let amount = self.optional_money(at, raw);
        if amount == Money::Missing {
            let name = self.kind.name();
            // Nobody can enter a total.
            let message = match at == self.kind.places().total {
                true => format!(
                    "FreshBooks shows no total of the {name}; open the {name} there and save it \
                     again"
                ),
                false => format!(
                    "FreshBooks shows no price for {}; enter it there",
                    place(at)
                ),
            };
            self.amount_unknown(at, "amount-missing", message);
        }
        amount.number().unwrap_or_default()
    }

    /// A part of the total, where this kind of document has it.
    fn stated(&mut self, object: &Object, at: Option<&str>) -> Option<Decimal> {
        let at = at?;
        self.optional_amount(at, object.get(name_in(at)))
    }

    fn optional_amount(&mut self, at: &str, raw: Raw) -> Option<Decimal> {
        self.optional_money(at, raw).number()
    }

    fn optional_money(&mut self, at: &str, raw: Raw) -> Money {
        let Some(raw) = raw else {
            return Money::Missing;
        };
        let Some(written) = written_amount(raw) else {
            let message = format!(
                "FreshBooks shows something else where the amount of {} should be; open the {} \
                 there and save it again",
                place(at),
                self.kind.name()
            );
            self.amount_unknown(at, "not-an-amount", message);
            return Money::Unreadable;
        };
        self.check_currency(at, written.code);
        let at = match raw.get().trim_start().starts_with('{') {
            true => format!("{at}/amount"),
            false => at.to_string(),
        };
        let Some(text) = written.amount else {
            return Money::Missing;
        };
        let number = self.number(&at, &text);
        number.map_or(Money::Unreadable, Money::Number)
    }

    fn check_currency(&mut self, at: &str, code: Option<String>) {
        let Some(code) = code.filter(|code| *code != self.currency) else {
            return;
        };
        // Without a currency of the document's own there is nothing that it could contradict.
        if self.currency.is_empty() {
            return;
        }
        let message = format!(
            "the amount of {} is in {}, but the {} is in {}; SAP Concur takes one currency for all \
             of it, so correct the currency in FreshBooks",
            place(at),
            quoted(&code, SHOWN_CHARS_MAX),
            self.kind.name(),
            quoted(&self.currency, SHOWN_CHARS_MAX)
        );
        self.amount_unknown(at, "two-currencies", message);
    }

    fn number(&mut self, at: &str, text: &str) -> Option<Decimal> {
        let number = money::parse(text);
        let is_read = number.is_some();
        let number = number.filter(|number| number.abs() < NUMBER_BOUND);
        if number.is_none() {
            let (shown, place) = (quoted(text, SHOWN_CHARS_MAX), place(at));
            let message = match is_read {
                true => format!(
                    "{shown} in {place} is not below {NUMBER_BOUND}; correct it in FreshBooks"
                ),
                false => self.without_number(text, &shown, &place),
            };
            self.amount_unknown(at, "not-a-number", message);
        }
        number
    }

    /// Nobody types an amount as FreshBooks' answer writes it.
    fn without_number(&self, text: &str, shown: &str, place: &str) -> String {
        let is_grouped = text.contains(|letter: char| {
            matches!(letter, ',' | '\'' | '’' | '_') || letter.is_whitespace()
        });
        let why = match is_grouped && text.contains(|letter: char| letter.is_ascii_digit()) {
            true => {
                " (a number with a comma or anything else between its digits is not read, since \
                 1,000 may be a thousand or one)"
            }
            false => "",
        };
        format!(
            "FreshBooks' answer has {shown} in {place} where a number such as 1000.00 should \
             be{why}; open the {} there and save it again, and if it stays so, ask FreshBooks' \
             support",
            self.kind.name()
        )
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
