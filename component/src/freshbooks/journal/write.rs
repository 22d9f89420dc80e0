//! Journal entries as FreshBooks takes them.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use jiff::civil::Date;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::new_endpoint::{entries_path, with_version};
use crate::contract::http::{BodyPart, Method, Request};
use crate::financial::{Entry, Line};
use crate::freshbooks::requests::{accounting_path, with_body};
use crate::money;
use crate::settings::Settings;
use crate::settings::financial::{Endpoint, EntryLines, Financial};

/// Creates a journal entry of this body.
pub(crate) fn create_journal_entry(settings: &Settings, json: String) -> Request {
    let body = vec![BodyPart::Text(json)];
    match settings.financial.endpoint {
        Endpoint::Legacy => {
            let path = accounting_path(
                &settings.freshbooks.account_id,
                "journal_entries/journal_entries",
            );
            with_body(Method::Post, path, body)
        }
        Endpoint::New => with_version(with_body(Method::Post, entries_path(settings), body)),
    }
}

impl Entry {
    /// The body that creates it under a name, as JSON. `date` is `YYYY-MM-DD`
    /// (source: freshbooks-journal-entries).
    #[must_use]
    pub(crate) fn body(&self, financial: &Financial, name: &str, date: &str) -> String {
        let entry = match financial.entry_lines {
            EntryLines::Merged => &self.merged(),
            EntryLines::Apart => self,
        };
        let description = entry.description.as_str();
        let written = match financial.endpoint {
            Endpoint::Legacy => serde_json::to_string(&entry.legacy(name, description, date)),
            Endpoint::New => serde_json::to_string(&entry.new_body(name, description, date)),
        };
        // Text, numbers and lists of them: nothing in it can be refused.
        written.unwrap_or_default()
    }

    fn legacy<'a>(&'a self, name: &'a str, description: &'a str, date: &'a str) -> Legacy<'a> {
        let details = self.lines.iter().map(|line| {
            let amount = self.wire_amount(line);
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
                amount: number_or_text(&self.wire_amount(line)),
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

    fn wire_amount(&self, line: &Line) -> String {
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
