//! A journal entry, or what FreshBooks books for a bill, as a table: account, debit, credit.

use std::io::Write;

use comfy_table::CellAlignment;
use ml_connector::contract::mapping::{Posting, Side};
use serde_json::Value;

use super::super::failure::Failure;
use super::super::style;

pub(super) fn print(
    target_kind: &str,
    body: &Value,
    postings: &[Posting],
    out: &mut impl Write,
) -> Result<(), Failure> {
    writeln!(out, "{target_kind} in FreshBooks{}:", particulars(body))?;
    let mut table = style::table(&["account", "name", "cost code", "debit", "credit"]);
    for posting in postings {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        table.add_row([
            posting.account.clone(),
            posting.label.clone(),
            text(&posting.cost_code),
            amount_on(posting, Side::Debit)
                .unwrap_or_default()
                .to_string(),
            amount_on(posting, Side::Credit)
                .unwrap_or_default()
                .to_string(),
        ]);
    }
    table.add_row([
        "total".to_string(),
        String::new(),
        String::new(),
        total(postings, Side::Debit),
        total(postings, Side::Credit),
    ]);
    for amounts in [3, 4] {
        if let Some(column) = table.column_mut(amounts) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    writeln!(out, "{table}")?;
    Ok(())
}

fn total(postings: &[Posting], side: Side) -> String {
    sum(postings
        .iter()
        .filter_map(|posting| amount_on(posting, side)))
}

/// The amount if it is on this side.
fn amount_on(posting: &Posting, side: Side) -> Option<&str> {
    (posting.side == side).then_some(posting.amount.as_str())
}

/// Number, day, days until it is due, and currency of a bill.
fn particulars_of_bill(bill: &Value) -> String {
    let text = |name: &str| bill[name].as_str().unwrap_or_default();
    format!(
        ", \"{}\", {}, due after {} days, in {}",
        text("bill_number"),
        text("issue_date"),
        bill["due_offset_days"],
        text("currency_code")
    )
}

/// Title, day and currency, out of a body of either generation.
fn particulars(body: &Value) -> String {
    if body["bill"].is_object() {
        return particulars_of_bill(&body["bill"]);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let legacy = &body["journal_entry"];
    let new = &body["manualJournalEntry"];
    let (title, day, currency) = if legacy.is_object() {
        (
            &legacy["description"],
            text(&legacy["user_entered_date"]),
            &legacy["currency_code"],
        )
    } else {
        let part = |name: &str| new["userEnteredDate"][name].as_u64().unwrap_or_default();
        let day = format!(
            "{:04}-{:02}-{:02}",
            part("year"),
            part("month"),
            part("day")
        );
        (
            &new["description"],
            day,
            &new["details"][0]["amount"]["code"],
        )
    };
    format!(", \"{}\", {day}, in {}", text(title), text(currency))
}

/// The sum of decimals that all have the same number of digits after the point.
fn sum<'a>(amounts: impl Iterator<Item = &'a str>) -> String {
    let mut minor: i128 = 0;
    let mut scale = 0;
    for amount in amounts {
        let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
        scale = fraction.len();
        minor += format!("{whole}{fraction}")
            .parse::<i128>()
            .unwrap_or_default();
    }
    let digits = format!("{minor:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if fraction.is_empty() {
        whole.to_string()
    } else {
        format!("{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_keep_every_digit() {
        for (amounts, expected) in [
            (vec!["0.05", "0.04"], "0.09"),
            (vec!["123456789012345.67", "0.34"], "123456789012346.01"),
            (vec!["10", "5"], "15"),
            (vec!["0.005", "1.000"], "1.005"),
            (vec![], "0"),
        ] {
            assert_eq!(sum(amounts.into_iter()), expected);
        }
    }
}
