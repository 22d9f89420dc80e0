//! The forms that a field may have in FreshBooks' answers. docs/sources.md has the table.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rust_decimal::Decimal;
use serde_json::value::RawValue;

use crate::error_bodies::Unread;
use crate::lax_json::{Object, Raw, lax_text, rows};
use crate::money::{self, NUMBER_BOUND};

/// The object that was asked for, `what` in a sentence.
///
/// # Errors
///
/// [`Unread::Garbled`] if something else stands there.
pub(super) fn object<'a>(raw: &'a RawValue, what: &str) -> Result<Object<'a>, Unread> {
    Object::read(raw)
        .ok_or_else(|| Unread::Garbled(format!("the answer has no {what} where one should be")))
}

/// An id: a number, text, or an object that holds it under one of these names. 0 stands for none
/// (source: freshbooks-sdks).
pub(super) fn id(raw: Raw, inside: &[&str]) -> Option<String> {
    if let Some(text) = lax_text(raw) {
        let text = text.trim();
        return (text != "0").then(|| text.to_string());
    }
    let object = Object::read(raw?)?;
    let ids = inside.iter().map(|name| id(object.get(name), &[]));
    ids.flatten().next()
}

/// The id of what a member refers to: a number, or an object that holds the id under one of these
/// names. Text is a name and no id.
pub(super) fn reference(raw: Raw, inside: &[&str]) -> Option<String> {
    let other = raw.filter(|raw| !raw.get().trim_start().starts_with('"'));
    id(other, inside)
}

/// The objects of a list; whatever else is among them is left out.
pub(super) fn objects(raw: Raw) -> Vec<Object> {
    let rows = raw.and_then(rows).unwrap_or_default();
    rows.into_iter().filter_map(Object::read).collect()
}

/// Whether a flag is set: true and 1, as such or as text.
pub(super) fn flag(raw: Raw) -> bool {
    let text = lax_text(raw).unwrap_or_default();
    text == "1" || text.eq_ignore_ascii_case("true")
}

/// An amount as it is written, and its currency in capitals where it names one:
/// `{"amount", "code"}`, or the number alone (source: freshbooks-sdks; plain ones in journal
/// entries).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// The number's text; none where there is none.
    pub(super) amount: Option<String>,
    pub(super) code: Option<String>,
}

/// Takes an amount apart; nothing if it is neither an object nor a number or text.
pub(super) fn written_amount(raw: &RawValue) -> Option<Written> {
    if let Some(amount) = lax_text(Some(raw)) {
        return Some(Written {
            amount: Some(amount),
            code: None,
        });
    }
    let money = Object::read(raw)?;
    Some(Written {
        amount: money.text("amount"),
        code: money.text("code").map(|code| currency_code(&code)),
    })
}

/// A currency code in capitals, as ISO 4217 and SAP Concur have it.
pub(super) fn currency_code(text: &str) -> String {
    text.trim().to_ascii_uppercase()
}

/// An amount with its currency, empty where it names none; nothing if there is no number, or one so
/// large that sums of it could overflow.
pub(super) fn amount(raw: Raw) -> Option<(Decimal, String)> {
    let written = written_amount(raw?)?;
    let number = money::parse(&written.amount?).filter(|number| number.abs() < NUMBER_BOUND)?;
    Some((number, written.code.unwrap_or_default()))
}
