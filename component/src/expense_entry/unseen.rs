//! What an entry shows of what was written into it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use rust_decimal::Decimal;

use super::{
    AMOUNT, CURRENCY, DATE, DESCRIPTION, EXCHANGE_RATE, EXPENSE_TYPE, PAYMENT_TYPE, TAX_RECEIPT,
    Translated,
};
use crate::concur::ExpenseEntry;
use crate::money;

/// The members that an entry shows otherwise than they are to be, by name.
#[must_use]
pub(crate) fn differences<'a>(shown: &ExpenseEntry, wanted: &'a Translated) -> Vec<&'a str> {
    let members = wanted.members.iter();
    let different = members.filter(|(name, text)| !is_shown(shown, name, text));
    different.map(|(name, _)| name.as_str()).collect()
}

/// Whether a member holds this text. Which of them a read shows is documented for no more than is
/// needed here: the payment type and the tax receipt are compared where they are shown.
fn is_shown(shown: &ExpenseEntry, name: &str, text: &str) -> bool {
    let there = shown.text(name).trim();
    match name {
        AMOUNT => shown.amount == money::parse(text),
        // A day may be shown as a moment (source: concur-v3-conventions).
        DATE => there.get(..10) == Some(text),
        CURRENCY | EXPENSE_TYPE => there.eq_ignore_ascii_case(text),
        PAYMENT_TYPE | TAX_RECEIPT => there.is_empty() || there == text,
        _ => there == text,
    }
}

/// Whether SAP Concur took the amount one to one, though the entry is in another currency than its
/// report: it does so where it has no rate (source: concur-expense-entries).
#[must_use]
pub(crate) fn lacks_rate(shown: &ExpenseEntry, wanted: &Translated, report_currency: &str) -> bool {
    let is_foreign = !report_currency.is_empty() && report_currency != wanted.text(CURRENCY);
    is_foreign && shown.rate == Some(Decimal::ONE)
}

/// The members in words, for people.
#[must_use]
pub(crate) fn in_words(names: &[&str]) -> String {
    let words = names.iter().map(|name| match *name {
        AMOUNT => "the amount".into(),
        CURRENCY => "the currency".into(),
        DATE => "the date".into(),
        DESCRIPTION => "the description".into(),
        EXPENSE_TYPE => "the expense type".into(),
        PAYMENT_TYPE => "the payment type".into(),
        TAX_RECEIPT => "the kind of receipt".into(),
        EXCHANGE_RATE => "an exchange rate".into(),
        name => format!("custom field {name}"),
    });
    words.collect::<Vec<String>>().join(", ")
}
