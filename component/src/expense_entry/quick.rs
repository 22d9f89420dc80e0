//! An expense as a quick expense (source: concur-quick-expense).

use alloc::format;
use alloc::string::{String, ToString};

use serde_json::Value;

use super::{AMOUNT, CURRENCY, DATE, EXPENSE_TYPE, PAYMENT_TYPE, Translated};
use crate::freshbooks::Expense;
use crate::text::shortened;

/// No length is documented; these are those of an entry (source: concur-expense-entries).
const VENDOR_CHARS_MAX: usize = 64;
const NOTES_CHARS_MAX: usize = 400;

/// The body that creates it. The marker is for people, since no call shows it; the place is empty,
/// which FreshBooks does not know and only the API description requires. The amount is written
/// digit by digit, so that no float is involved.
#[must_use]
pub(crate) fn quick_expense(expense: &Expense, entry: &Translated, marker: &str) -> String {
    let text = |text: &str| Value::String(text.to_string());
    let notes = expense.notes.as_deref().unwrap_or_default();
    let notes = shortened(notes, NOTES_CHARS_MAX);
    let comment = format!("{notes} (FreshBooks expense {}, {marker})", expense.id);
    let vendor = expense.vendor.as_deref().unwrap_or_default();
    let amount = format!(
        r#"{{"value":{},"currencyCode":{}}}"#,
        entry.text(AMOUNT),
        text(entry.text(CURRENCY))
    );
    let members = [
        ("expenseTypeId", text(entry.text(EXPENSE_TYPE)).to_string()),
        ("transactionDate", text(entry.text(DATE)).to_string()),
        ("transactionAmount", amount),
        ("paymentTypeId", text(entry.text(PAYMENT_TYPE)).to_string()),
        (
            "vendor",
            text(&shortened(vendor, VENDOR_CHARS_MAX)).to_string(),
        ),
        ("comment", text(comment.trim_start()).to_string()),
        ("location", "{}".to_string()),
    ];
    let members = members.map(|(name, json)| format!("\"{name}\":{json}"));
    format!("{{{}}}", members.join(","))
}
