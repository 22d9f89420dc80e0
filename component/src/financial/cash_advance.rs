//! Cash advances: the only type that says debit or credit, and it says one side only
//! (source: concur-financial-schema, concur-financial-samples).

use alloc::borrow::Cow;
use alloc::format;

use rust_decimal::Decimal;

use super::account::{Account, Party};
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
    for (index, row) in document.rows.0.iter().enumerate() {
        let place = format_args!("/journalData/{index}");
        posting.same_currency(format_args!("{place}/currencyAlphaCode"), &row.currency);
        let amount = posting.amount(format_args!("{place}/amount"), &row.amount);
        if !side_agrees(row, amount) {
            let message = "the amount's sign and `debitOrCredit` do not agree".into();
            posting.report(
                format_args!("{place}/debitOrCredit"),
                "side-unclear",
                message,
            );
        }
        posting.count(amount);
        let at = format_args!("{place}/accountCode");
        let name = Cow::Borrowed("cash advance");
        if let Some(account) = posting.account(at, row.account.text(), None, None, name) {
            posting.add(account, None, amount);
        }
        if let Some(account) = other_side(index, document, row, posting) {
            posting.add(account, None, -amount);
        }
    }
    check_total(document, posting);
}

/// Positive is a debit; a missing side leaves the sign to speak for itself.
fn side_agrees(row: &CashRow, amount: Decimal) -> bool {
    match row.side.text().as_deref() {
        Some("DR") => !amount.is_sign_negative() || amount.is_zero(),
        Some("CR") => !amount.is_sign_positive() || amount.is_zero(),
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
    match Party::other_than_company(&row.payer, &row.payee) {
        Some(key) if key == "EMPL" => {
            posting.account_of_party(at, Party::employee(document.employee.id.text()))
        }
        Some(key) => {
            let name = Cow::Borrowed("cash advance");
            posting.account_of_party(at, Party { key, name })
        }
        None => {
            let message = "exactly one of payer and payee must be the company (COMP)".into();
            posting.report(at, "parties-unclear", message);
            None
        }
    }
}

/// The rows must come to what was asked for, at the document's own rate where it was issued in
/// another currency.
fn check_total(document: &CashAdvanceDocument, posting: &mut Posting) {
    let advance = &document.advance;
    let at = format_args!("/cashAdvanceData/requestAmount");
    let issued_in = advance.issue_currency.text();
    let same = issued_in.is_none_or(|issued_in| issued_in == posting.currency());
    let total = if same {
        posting.optional_amount(at, &advance.amount)
    } else {
        converted(document, posting)
    };
    // An advance that is taken back has the other sign.
    let is_issued = matches!(advance.kind.text().as_deref(), None | Some("1"));
    let taken_back = !is_issued && total.is_some_and(|total| posting.rows() == -total);
    posting.check_total(
        at,
        total.map(|total| if taken_back { -total } else { total }),
    );
}

/// What was asked for in the currency of the rows. The document does not say whether its rate
/// multiplies or divides, so the rows may follow either.
fn converted(document: &CashAdvanceDocument, posting: &mut Posting) -> Option<Decimal> {
    let advance = &document.advance;
    let (Some(amount), Some(rate)) = (advance.amount.number(), advance.rate.number()) else {
        if posting.amounts_known() {
            let message = format!(
                "it was issued in another currency than {}, and has no exchange rate",
                posting.currency()
            );
            posting.report(
                format_args!("/cashAdvanceData/exchangeRate"),
                "two-currencies",
                message,
            );
        }
        return Some(posting.rows());
    };
    let fits = |value: &Decimal| value.abs() < NUMBER_BOUND;
    let round = |value| money::round(value, posting.minor_units());
    let multiplied = amount.checked_mul(rate).filter(fits).map(round);
    let divided = amount.checked_div(rate).filter(fits).map(round);
    let rows = posting.rows();
    match divided {
        Some(divided) if divided.abs() == rows.abs() => Some(divided),
        _ => multiplied.or(divided),
    }
}
