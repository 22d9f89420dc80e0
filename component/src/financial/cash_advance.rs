//! Cash advances: the only type that says debit or credit, and it says one side only
//! (source: concur-financial-schema, concur-financial-samples).

use alloc::format;
use alloc::vec::Vec;

use rust_decimal::Decimal;

use super::account::{Account, EMPLOYEE, Party};
use super::dates::Dates;
use super::description;
use super::posting::{Basis, Posting};
use crate::concur::DocumentType;
use crate::concur::document_schema::{CashAdvanceDocument, CashRow};
use crate::money::{self, NUMBER_BOUND};

pub(super) fn basis<'a>(document: &CashAdvanceDocument<'a>) -> Basis<'a> {
    let advance = &document.advance;
    Basis {
        is_test: advance.is_test,
        kind: DocumentType::CashAdvance,
        description: description::of_advance(advance, &document.employee),
        currency_at: "/cashAdvanceData/employeeCurrencyAlphaCode",
        currency: advance.currency.or(&advance.issue_currency).clone(),
        dates: Dates::of_advance(advance),
    }
}

pub(super) fn post<'a>(document: &CashAdvanceDocument<'a>, posting: &mut Posting<'a>) {
    let rows = &document.rows.0;
    let amounts = rows.iter().enumerate().map(|(index, row)| {
        let at = format_args!("/journalData/{index}/amount");
        posting.amount(at, &row.amount)
    });
    let amounts: Vec<_> = amounts.collect();
    let amounts = posting.rounded(&amounts, document.advance.amount.number());
    for (index, (row, amount)) in rows.iter().zip(amounts).enumerate() {
        if !amount.is_zero() {
            post_row(index, document, row, amount, posting);
        }
    }
    check_total(document, posting);
}

fn post_row<'a>(
    index: usize,
    document: &CashAdvanceDocument<'a>,
    row: &CashRow<'a>,
    amount: Decimal,
    posting: &mut Posting<'a>,
) {
    let place = format_args!("/journalData/{index}");
    posting.same_currency(format_args!("{place}/currencyAlphaCode"), &row.currency);
    if !side_agrees(row, amount) {
        let message = "the amount's sign and `debitOrCredit` do not agree".into();
        let at = format_args!("{place}/debitOrCredit");
        posting.report(at, "side-unclear", message);
    }
    posting.count(amount);
    let at = format_args!("{place}/accountCode");
    let code = row.account.or(&document.advance.clearing_account);
    if let Some(account) = posting.account_of_advance(at, code) {
        posting.add(account, None, amount);
    }
    if let Some(account) = other_side(index, document, row, posting) {
        posting.add(account, None, -amount);
    }
}

/// Positive is a debit; a missing side leaves the sign to speak for itself.
fn side_agrees(row: &CashRow, amount: Decimal) -> bool {
    match row
        .side
        .text()
        .map(|side| side.to_ascii_uppercase())
        .as_deref()
    {
        Some("DR") => amount.is_sign_positive(),
        Some("CR") => amount.is_sign_negative(),
        Some(_) => false,
        None => true,
    }
}

fn other_side<'a>(
    index: usize,
    document: &CashAdvanceDocument<'a>,
    row: &CashRow<'a>,
    posting: &mut Posting<'a>,
) -> Option<Account<'a>> {
    let at = format_args!("/journalData/{index}/payee");
    let party = match Party::other_than_company(&row.payer, &row.payee) {
        Some(key) if key == EMPLOYEE => Party::employee(document.employee.id.text()),
        Some(key) => Party::of(key, "cash advance"),
        None => {
            let message = "exactly one of payer and payee must be the company (COMP)".into();
            posting.report(at, "parties-unclear", message);
            return None;
        }
    };
    posting.account_of_party(at, party)
}

/// What is issued must come to what was asked for, at the document's own rate where it was issued
/// in another currency. What comes back need not, nor what is carried forward: the amount that was
/// asked for is documented for an issue only (source: concur-financial-cash-advance-document).
fn check_total(document: &CashAdvanceDocument, posting: &mut Posting) {
    let advance = &document.advance;
    let rows = posting.rows();
    let is_issued = matches!(advance.kind.text().as_deref(), None | Some("1"));
    if !is_issued || rows.is_sign_negative() || !posting.amounts_known() {
        return;
    }
    let at = format_args!("/cashAdvanceData/requestAmount");
    let issued_in = advance.issue_currency.text();
    if issued_in.is_some_and(|issued_in| issued_in != posting.currency()) {
        return check_rate(document, posting);
    }
    let total = posting.total(at, &advance.amount);
    let Some(total) = total.filter(|total| *total != rows) else {
        return posting.check_total(at, total);
    };
    let message = format!(
        "its rows come to {} {currency}, and {} {currency} was asked for",
        posting.shown(rows),
        posting.shown(total),
        currency = posting.currency()
    );
    posting.report(at, "advance-differs", message);
}

fn check_rate(document: &CashAdvanceDocument, posting: &mut Posting) {
    let advance = &document.advance;
    let at = format_args!("/cashAdvanceData/exchangeRate");
    let (Some(amount), Some(rate)) = (advance.amount.number(), advance.rate.number()) else {
        let message = format!(
            "it was issued in another currency than {}, and has no exchange rate",
            posting.currency()
        );
        return posting.report(at, "two-currencies", message);
    };
    if follows_rate(posting.rows(), amount, rate, posting) {
        return;
    }
    let message = format!(
        "its rows come to {} {}, which is not what was asked for at the rate of {}",
        posting.shown(posting.rows()),
        posting.currency(),
        money::plain(rate)
    );
    posting.report(at, "rate-differs", message);
}

/// Whether the rows are what was asked for at the rate. The document does not say whether its rate
/// multiplies or divides, nor how it was rounded, so that a minor unit is no difference.
fn follows_rate(rows: Decimal, amount: Decimal, rate: Decimal, posting: &Posting) -> bool {
    let fits = |value: &Decimal| value.abs() < NUMBER_BOUND;
    let converted = [amount.checked_mul(rate), amount.checked_div(rate)];
    let cent = money::cent(posting.minor_units());
    let mut converted = converted.into_iter().flatten().filter(fits);
    converted.any(|converted| (posting.round(converted) - rows).abs() <= cent)
}
