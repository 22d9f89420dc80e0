//! An invoice or a bill as FreshBooks shows it, one shape for both.

mod reading;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::envelope::result_member;
use super::requests::{accounting_path, get, segment};
use crate::contract::http::{Request, Response};
use crate::contract::types::{ObjectRef, Problem};
use crate::error_bodies::{self, Unread};
use crate::freshbooks::fields;
use crate::lax_json::Object;

/// Which kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An invoice to a client.
    Invoice,
    /// A bill from a vendor.
    Bill,
}

impl Kind {
    /// The kind of this name.
    #[must_use]
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "invoice" => Some(Self::Invoice),
            "bill" => Some(Self::Bill),
            _ => None,
        }
    }

    /// Its name in webhooks, object references and messages.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::Bill => "bill",
        }
    }

    /// Its path in the accounting family (source: freshbooks-accounting).
    #[must_use]
    pub(crate) fn resource(self) -> &'static str {
        match self {
            Self::Invoice => "invoices/invoices",
            Self::Bill => "bills/bills",
        }
    }

    /// The kind of the other party.
    #[must_use]
    pub(crate) fn party(self) -> &'static str {
        match self {
            Self::Invoice => "client",
            Self::Bill => "bill-vendor",
        }
    }

    /// The other party in a sentence.
    #[must_use]
    pub(crate) fn party_words(self) -> &'static str {
        match self {
            Self::Invoice => "client",
            Self::Bill => "bill vendor",
        }
    }

    /// Where it states what lines and taxes come to beside its total (source: freshbooks-bills).
    pub(crate) fn sums(self) -> Option<&'static Sums> {
        match self {
            Self::Invoice => None,
            Self::Bill => Some(&Sums {
                net: "/amount",
                tax: "/tax_amount",
            }),
        }
    }

    /// The member that may hold the other party itself.
    fn party_object(self) -> &'static str {
        match self {
            Self::Invoice => "client",
            Self::Bill => "vendor",
        }
    }

    /// What the id of the other party is called in its own object.
    fn party_ids(self) -> &'static [&'static str] {
        match self {
            Self::Invoice => &["userid", "id"],
            Self::Bill => &["vendorid", "id"],
        }
    }

    /// What a list of it is called.
    #[must_use]
    pub(crate) fn list(self) -> &'static str {
        match self {
            Self::Invoice => "invoices",
            Self::Bill => "bills",
        }
    }

    /// Its id, which has two names (source: freshbooks-sdks).
    pub(super) fn id_of(self, object: &Object) -> Option<String> {
        let twin = match self {
            Self::Invoice => "invoiceid",
            Self::Bill => "billid",
        };
        fields::id(object.get("id"), &[]).or_else(|| fields::id(object.get(twin), &[]))
    }

    /// When it was last changed, under the better name of the two; empty where it does not say.
    pub(super) fn version_of(self, object: &Object) -> String {
        let names = match self {
            Self::Invoice => ["updated", "updated_at"],
            Self::Bill => ["updated_at", "updated"],
        };
        object.first_text(&names).1.unwrap_or_default()
    }

    /// The date on it; none where that cannot be read.
    pub(super) fn issued_of(self, object: &Object) -> Option<Date> {
        let text = object.text(self.places().issued.trim_start_matches('/'))?;
        text.get(..10)?.parse().ok()
    }

    /// What the quantity of a line is called, the better name first.
    fn quantities(self) -> &'static [&'static str] {
        match self {
            Self::Invoice => &["qty", "quantity"],
            Self::Bill => &["quantity", "qty"],
        }
    }

    /// What the two taxes of a line are called.
    fn taxes(self) -> &'static [reading::TaxNames; 2] {
        match self {
            Self::Invoice => &reading::INVOICE_TAXES,
            Self::Bill => &reading::BILL_TAXES,
        }
    }

    /// Where its JSON has what the other kind has under another name.
    pub(crate) fn places(self) -> &'static Places {
        match self {
            Self::Invoice => &Places {
                party: "/customerid",
                number: "/invoice_number",
                issued: "/create_date",
                total: "/amount",
                country: "/country",
            },
            Self::Bill => &Places {
                party: "/vendorid",
                number: "/bill_number",
                issued: "/issue_date",
                total: "/total_amount",
                country: "/vendor/country",
            },
        }
    }
}

/// Where a pointer to an amount leads to, in words.
#[must_use]
pub(crate) fn place(pointer: &str) -> String {
    if let Some(line) = pointer.strip_prefix("/lines/") {
        let index = line.split('/').next().and_then(|index| index.parse().ok());
        return format!("line {}", index.unwrap_or(0_u32).saturating_add(1));
    }
    let words = match pointer.trim_end_matches("/amount") {
        "" | "/total_amount" => "the total",
        "/discount_total" => "the discount",
        "/tax_amount" => "the taxes",
        _ => "the document",
    };
    words.to_string()
}

/// JSON Pointers into a document.
pub(crate) struct Places {
    party: &'static str,
    pub(crate) number: &'static str,
    pub(crate) issued: &'static str,
    pub(crate) total: &'static str,
    pub(crate) country: &'static str,
}

/// JSON Pointers to the parts of a total.
pub(crate) struct Sums {
    /// What the lines come to before taxes.
    pub(crate) net: &'static str,
    /// What the taxes of all lines come to.
    pub(crate) tax: &'static str,
}

/// A document, with what could not be read of it among the problems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    /// Whether it is an invoice or a bill.
    pub kind: Kind,
    /// FreshBooks' id of it, unique in the account for its kind.
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
    /// The currency of every amount, ISO 4217; in capitals; empty where FreshBooks
    /// names none.
    pub currency: String,
    /// The total with taxes.
    pub total: Decimal,
    /// What the lines come to before taxes, where it is stated beside the total; bills do.
    pub stated_net: Option<Decimal>,
    /// What the taxes come to, where it is stated beside the total; bills do.
    pub stated_tax: Option<Decimal>,
    /// What is taken off the sum of the lines before taxes, zero or more.
    pub discount: Decimal,
    /// The lines, in the order of the document.
    pub lines: Vec<Line>,
    /// Whether every amount in it could be read.
    pub amounts_known: bool,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// A line of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The name of the item that the line sells.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// How many of the item; 1 where FreshBooks does not say.
    pub quantity: Decimal,
    /// Whether FreshBooks says how many.
    pub has_quantity: bool,
    /// The price of one, before taxes.
    pub unit_cost: Decimal,
    /// The line's amount before taxes, as FreshBooks states it.
    pub amount: Option<Decimal>,
    /// Its taxes, at most two.
    pub taxes: Vec<Tax>,
    /// Whether the second tax is on top of the first.
    pub compound: bool,
    /// Its expense category.
    pub category: Option<Category>,
    /// The id of its project.
    pub project: Option<String>,
}

/// An expense category, as far as the answer says which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Category {
    /// By its id in FreshBooks.
    Id(String),
    /// By its name alone.
    Name(String),
}

impl Category {
    /// The id or name, which is what settings call it.
    #[must_use]
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Id(key) | Self::Name(key) => key,
        }
    }
}

/// A tax of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tax {
    /// Its name in FreshBooks.
    pub name: String,
    /// Its rate in per cent; none where only its amount is stated.
    pub percent: Option<Decimal>,
    /// What it comes to; bills state it.
    pub amount: Option<Decimal>,
}

/// One invoice or bill, with its lines and what else the mapping reads of it
/// (source: freshbooks-bills; whether a bill has its lines and vendor unasked is not documented).
pub(crate) fn get_document(account_id: &str, kind: Kind, id: &str) -> Request {
    let resource = kind.resource();
    let include = match kind {
        Kind::Invoice => "include%5B%5D=lines",
        Kind::Bill => "include%5B%5D=lines&include%5B%5D=vendor",
    };
    let path = accounting_path(account_id, resource);
    get(format!("{path}/{}?{include}", segment(id)))
}

/// Reads the answer that holds an invoice.
pub(crate) fn read_invoice(response: &Response) -> Result<Document, Unread> {
    let text = error_bodies::text(response)?;
    Document::read(Kind::Invoice, result_member(text, "invoice", response)?)
}

/// Reads the answer that holds a bill.
pub(crate) fn read_bill(response: &Response) -> Result<Document, Unread> {
    let text = error_bodies::text(response)?;
    Document::read(Kind::Bill, result_member(text, "bill", response)?)
}

#[cfg(test)]
mod tests;
