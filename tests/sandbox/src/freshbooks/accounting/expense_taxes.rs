//! The taxes of an expense: money inside the amount, unlike those of lines
//! (source: freshbooks-expenses).

use rust_decimal::Decimal;
use serde_json::Value;

use super::lines::read_percent;
use crate::freshbooks::api::errors::{ApiError, unquoted};
use crate::freshbooks::api::fields::{Fields, read_amount};
use crate::freshbooks::expense_config::ExpenseTaxRule;
use crate::money::{Currency, rounded};

const OBJECT: &str = "expense";
const NAMES: [&str; 2] = ["taxName1", "taxName2"];
const AMOUNTS: [&str; 2] = ["taxAmount1", "taxAmount2"];
const PERCENTS: [&str; 2] = ["taxPercent1", "taxPercent2"];

/// A tax of an expense: what of its amount is tax.
#[derive(Clone, Debug)]
pub(crate) struct ExpenseTax {
    pub(crate) name: Box<str>,
    pub(crate) amount: Decimal,
    /// The percentage, if one was written.
    pub(crate) percent: Option<Decimal>,
}

/// What taxes are read against.
pub(crate) struct TaxBase {
    /// The expense's amount, taxes included.
    pub(crate) gross: Decimal,
    pub(crate) currency: Currency,
    pub(crate) compounded: bool,
    pub(crate) digits: u32,
    pub(crate) rule: ExpenseTaxRule,
}

/// One tax of a body, laid over what the expense had.
struct TaxFields {
    name: Box<str>,
    amount: Option<Decimal>,
    percent: Option<Decimal>,
    /// The percentage is in the body, and no amount is, or it is the one that counts.
    by_percent: bool,
}

/// The taxes after a body was laid over those before.
pub(crate) fn read_taxes(
    fields: &Fields,
    before: &[Option<ExpenseTax>; 2],
    base: &TaxBase,
) -> Result<[Option<ExpenseTax>; 2], ApiError> {
    let read = [
        read_tax(fields, 0, &before[0], base)?,
        read_tax(fields, 1, &before[1], base)?,
    ];
    if let [Some(first), Some(second)] = &read
        && first.name == second.name
    {
        let error = ApiError::field(422, 1026, OBJECT, NAMES[1], "Duplicate tax.");
        return Err(error.quoting(&*second.name));
    }
    let percent = |at: usize| {
        let tax: &Option<TaxFields> = &read[at];
        tax.as_ref().and_then(|tax| tax.percent).unwrap_or_default()
    };
    let inside = amounts_inside(base, percent(0), percent(1));
    let taxes = [0, 1].map(|at| {
        read[at].as_ref().map(|tax| ExpenseTax {
            name: tax.name.clone(),
            amount: match tax.amount {
                Some(amount) if !tax.by_percent => amount,
                _ => inside[at],
            },
            percent: tax.percent,
        })
    });
    check_sum(&taxes, base)?;
    Ok(taxes)
}

/// The percentage that follows from the amounts: a share of what is no tax.
pub(crate) fn derived_percent(
    taxes: &[Option<ExpenseTax>; 2],
    at: usize,
    gross: Decimal,
) -> Option<Decimal> {
    let all: Decimal = taxes.iter().flatten().map(|tax| tax.amount).sum();
    let tax = taxes[at].as_ref()?;
    (tax.amount * Decimal::ONE_HUNDRED)
        .checked_div(gross - all)
        .map(|percent| rounded(percent, 3).normalize())
}

fn read_tax(
    fields: &Fields,
    at: usize,
    before: &Option<ExpenseTax>,
    base: &TaxBase,
) -> Result<Option<TaxFields>, ApiError> {
    let amount = written_amount(fields, AMOUNTS[at], base)?;
    let percent = written_percent(fields, PERCENTS[at])?;
    let name: Box<str> = match fields.get(NAMES[at]) {
        Some(Value::Null) => "".into(),
        Some(name) => unquoted(name).into(),
        None => before
            .as_ref()
            .map(|tax| tax.name.clone())
            .unwrap_or_default(),
    };
    let is_some = |number: Option<Decimal>| number.is_some_and(|number| !number.is_zero());
    if name.is_empty() && (is_some(amount) || is_some(percent)) {
        return Err(ApiError::required(OBJECT, NAMES[at]));
    }
    if name.is_empty() {
        return Ok(None);
    }
    Ok(Some(TaxFields {
        by_percent: percent.is_some() && (amount.is_none() || base.rule == ExpenseTaxRule::Percent),
        amount: amount.or(before.as_ref().map(|tax| tax.amount)),
        percent: percent.or(before.as_ref().and_then(|tax| tax.percent)),
        name,
    }))
}

fn written_amount(
    fields: &Fields,
    name: &str,
    base: &TaxBase,
) -> Result<Option<Decimal>, ApiError> {
    let Some(value) = fields.get(name).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let code = value.get("code");
    let same_code = code.is_none_or(|code| code.as_str() == Some(base.currency.code()));
    read_amount(value)
        .filter(|_| same_code)
        .map(|amount| Some(rounded(amount, base.digits)))
        .ok_or_else(|| ApiError::invalid(OBJECT, name, value))
}

fn written_percent(fields: &Fields, name: &str) -> Result<Option<Decimal>, ApiError> {
    let Some(value) = fields.get(name).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    read_percent(value).map(Some).ok_or_else(|| {
        ApiError::field(422, 1018, OBJECT, name, "Invalid percentage.").quoting(unquoted(value))
    })
}

/// What of the amount two percentages make tax.
fn amounts_inside(base: &TaxBase, first: Decimal, second: Decimal) -> [Decimal; 2] {
    let share = |percent: Decimal| percent / Decimal::ONE_HUNDRED;
    let (first, second) = (share(first), share(second));
    let first_factor = Decimal::ONE + first;
    let net = if base.compounded {
        base.gross / (first_factor * (Decimal::ONE + second))
    } else {
        base.gross / (first_factor + second)
    };
    let second_base = if base.compounded {
        net * first_factor
    } else {
        net
    };
    [
        rounded(net * first, base.digits),
        rounded(second_base * second, base.digits),
    ]
}

/// Taxes are a part of the amount: of its sign, and not more than it.
fn check_sum(taxes: &[Option<ExpenseTax>; 2], base: &TaxBase) -> Result<(), ApiError> {
    let sum: Decimal = taxes.iter().flatten().map(|tax| tax.amount).sum();
    for (at, tax) in taxes.iter().enumerate() {
        let Some(tax) = tax else { continue };
        if tax.amount * base.gross < Decimal::ZERO {
            let error = ApiError::field(422, 1025, OBJECT, AMOUNTS[at], "Must not be negative.");
            return Err(error.quoting(tax.amount.to_string()));
        }
        if sum.abs() > base.gross.abs() {
            let error = ApiError::field(422, 1040, OBJECT, AMOUNTS[at], "More than the amount.");
            return Err(error.quoting(tax.amount.to_string()));
        }
    }
    Ok(())
}
