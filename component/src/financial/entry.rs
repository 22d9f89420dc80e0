//! A balanced journal entry, and what FreshBooks takes for one.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::settings::financial::Endpoint;
use crate::{marker, money};

/// A journal entry: its lines add up to zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What people call the document.
    pub title: String,
    /// The day of the document, `YYYY-MM-DD`.
    pub date: String,
    /// The currency of every amount, ISO 4217.
    pub currency: String,
    /// At least two.
    pub lines: Vec<Line>,
}

/// One side of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// FreshBooks' sub-account id, or account UUID, as the settings name it.
    pub account: String,
    /// What SAP Concur calls it, for people: a code or a party, and a name.
    pub label: String,
    /// The cost centre or project of the amount.
    pub cost_code: Option<String>,
    /// A debit if positive, a credit if negative; never zero.
    pub amount: Decimal,
}

impl Line {
    /// The amount without its sign, and which side it is on.
    fn side(&self) -> (Decimal, bool) {
        (self.amount.abs(), self.amount.is_sign_positive())
    }
}

impl Entry {
    /// The entry that takes this one back: the same lines on the other side.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let mut reversed = self.clone();
        for line in &mut reversed.lines {
            line.amount = -line.amount;
        }
        reversed
    }

    /// A hash of what FreshBooks keeps of the amounts: the currency, and the debits and credits of
    /// each account. Title, day and the order of the lines do not count.
    #[must_use]
    pub fn content_hash(&self) -> String {
        let mut sums: BTreeMap<(&str, bool), Decimal> = BTreeMap::new();
        for line in &self.lines {
            let (amount, debit) = line.side();
            *sums.entry((&line.account, debit)).or_default() += amount;
        }
        let mut content = self.currency.clone();
        for ((account, debit), amount) in sums {
            let side = if debit { "DR" } else { "CR" };
            content.push_str(&format!("\n{account} {side} {}", money::plain(amount)));
        }
        marker::content_hash(content.as_bytes())
    }

    /// The body that creates it, as JSON. `date` is `YYYY-MM-DD`. (FreshBooks docs, journal
    /// entries.)
    #[must_use]
    pub fn body(&self, endpoint: Endpoint, name: &str, description: &str, date: &str) -> String {
        let written = match endpoint {
            Endpoint::Legacy => serde_json::to_string(&self.legacy(name, description, date)),
            Endpoint::New => serde_json::to_string(&self.new_body(name, description, date)),
        };
        // Text, numbers and lists of them: nothing in it can be refused.
        written.unwrap_or_default()
    }

    fn legacy<'a>(&'a self, name: &'a str, description: &'a str, date: &'a str) -> Legacy<'a> {
        let details = self.lines.iter().map(|line| {
            let amount = self.wire(line);
            let (debit, credit) = match line.side().1 {
                true => (Some(amount), None),
                false => (None, Some(amount)),
            };
            LegacyDetail {
                sub_accountid: number_or_text(&line.account),
                debit,
                credit,
            }
        });
        Legacy {
            journal_entry: LegacyEntry {
                name,
                description,
                user_entered_date: date,
                currency_code: &self.currency,
                details: details.collect(),
            },
        }
    }

    fn new_body<'a>(&'a self, name: &'a str, description: &'a str, date: &str) -> New<'a> {
        let date = date.parse::<Date>().unwrap_or_default();
        let details = self.lines.iter().map(|line| NewDetail {
            account_id: &line.account,
            amount: NewAmount {
                amount: number_or_text(&self.wire(line)),
                code: &self.currency,
            },
            kind: match line.side().1 {
                true => "TYPE_DEBIT",
                false => "TYPE_CREDIT",
            },
        });
        New {
            entry: NewEntry {
                user_entered_date: NewDate {
                    year: date.year(),
                    month: date.month(),
                    day: date.day(),
                },
                name,
                description,
                details: details.collect(),
            },
        }
    }

    fn wire(&self, line: &Line) -> String {
        let minor_units = money::minor_units(&self.currency).unwrap_or(2);
        money::wire(line.side().0, minor_units)
    }
}

/// Digits as a JSON number with exactly these digits, anything else as a JSON string.
fn number_or_text(text: &str) -> Option<Box<RawValue>> {
    let is_number = money::parse(text).is_some();
    let number = is_number.then(|| RawValue::from_string(text.to_owned()).ok());
    number.flatten().or_else(|| to_raw_value(text).ok())
}

#[derive(Serialize)]
struct Legacy<'a> {
    journal_entry: LegacyEntry<'a>,
}

#[derive(Serialize)]
struct LegacyEntry<'a> {
    name: &'a str,
    description: &'a str,
    user_entered_date: &'a str,
    currency_code: &'a str,
    details: Vec<LegacyDetail>,
}

#[derive(Serialize)]
struct LegacyDetail {
    sub_accountid: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    debit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credit: Option<String>,
}

#[derive(Serialize)]
struct New<'a> {
    #[serde(rename = "manualJournalEntry")]
    entry: NewEntry<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewEntry<'a> {
    user_entered_date: NewDate,
    name: &'a str,
    description: &'a str,
    details: Vec<NewDetail<'a>>,
}

#[derive(Serialize)]
struct NewDate {
    year: i16,
    month: i8,
    day: i8,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewDetail<'a> {
    account_id: &'a str,
    amount: NewAmount<'a>,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct NewAmount<'a> {
    amount: Option<Box<RawValue>>,
    code: &'a str,
}
