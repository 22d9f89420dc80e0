//! Lines in the making: amounts are read, accounts looked up, sums added, and everything that is
//! wrong gathered.

mod accounts;
mod categories;
mod shares;

use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Arguments;

use rust_decimal::Decimal;

pub(super) use self::shares::shares;
use super::account::Account;
use super::dates::{Dates, UnreadableDate};
use super::entry::{Entry, Line};
use super::outcome::{FixIn, NOTHING_TO_POST, Translated, Untranslatable, problem};
use super::project_expense::ProjectExpense;
use crate::concur::DocumentType;
use crate::concur::document_schema::{Amount, Code, Flag};
use crate::contract::types::Problem;
use crate::money::{self, NUMBER_BOUND};
use crate::settings::Settings;
use crate::settings::financial::Financial;
use crate::text::{clean, shortened};

/// So many problems are reported; a document with more of them is broken as a whole.
const PROBLEMS_MAX: usize = 100;

/// As much of a text is repeated in a problem's message: enough to find it, and no room for a
/// document that is all one text.
pub(super) const SHOWN_CHARS_MAX: usize = 60;

/// What every document says about itself.
pub(super) struct Basis<'a> {
    pub(super) is_test: Flag,
    pub(super) kind: DocumentType,
    pub(super) description: String,
    pub(super) currency_at: &'static str,
    pub(super) currency: Code<'a>,
    pub(super) dates: Dates<'a>,
}

/// An entry in the making.
pub(super) struct Posting<'a> {
    settings: &'a Settings,
    description: String,
    date: String,
    currency: Cow<'a, str>,
    minor_units: u32,
    sums: BTreeMap<Side<'a>, Sum<'a>>,
    /// What rows of projects became.
    pub(super) expenses: Vec<ProjectExpense>,
    /// What the rows come to, to be compared with the document's total.
    rows: Decimal,
    /// How many of them are not zero.
    rows_counted: u32,
    amounts_known: bool,
    problems: Vec<Problem>,
    /// Settings that were found missing already.
    missing: BTreeSet<String>,
    fix_in: FixIn,
}

/// Lines with the same side are one line.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Side<'a> {
    account: &'a str,
    code: Cow<'a, str>,
    cost_code: Option<Cow<'a, str>>,
    debit: bool,
}

struct Sum<'a> {
    place: usize,
    name: Cow<'a, str>,
    amount: Decimal,
}

impl<'a> Posting<'a> {
    pub(super) fn new(settings: &'a Settings, basis: &Basis<'a>) -> Self {
        let mut posting = Self {
            settings,
            description: basis.description.clone(),
            date: String::new(),
            currency: basis.currency.text().unwrap_or_default(),
            minor_units: 2,
            sums: BTreeMap::new(),
            expenses: Vec::new(),
            rows: Decimal::ZERO,
            rows_counted: 0,
            amounts_known: true,
            problems: Vec::new(),
            missing: BTreeSet::new(),
            fix_in: FixIn::Settings,
        };
        posting.check_currency(basis.currency_at);
        posting.date = posting.day(basis);
        posting
    }

    /// Adds an amount to an account; the same amount must go to another one with the other sign.
    pub(super) fn add(
        &mut self,
        account: Account<'a>,
        cost_code: Option<Cow<'a, str>>,
        amount: Decimal,
    ) {
        if amount.is_zero() {
            return;
        }
        let side = Side {
            account: account.id,
            code: account.code,
            cost_code,
            debit: amount.is_sign_positive(),
        };
        let place = self.sums.len();
        let sum = self.sums.entry(side).or_insert_with(|| Sum {
            place,
            name: account.name.clone(),
            amount: Decimal::ZERO,
        });
        sum.amount += amount;
        if sum.name != account.name {
            sum.name = Cow::Borrowed("");
        }
    }

    /// Counts a row's amount towards the document's total.
    pub(super) fn count(&mut self, amount: Decimal) {
        self.rows += amount;
        self.rows_counted += u32::from(!amount.is_zero());
    }

    /// An amount that must be there.
    pub(super) fn amount(&mut self, at: Arguments, amount: &Amount) -> Decimal {
        if amount.is_missing() {
            self.unknown(at, "amount-missing", "an amount is missing".to_string());
        }
        self.optional_amount(at, amount).unwrap_or_default()
    }

    /// An amount that need not be there, with all its digits; what is no amount is reported.
    pub(super) fn optional_amount(&mut self, at: Arguments, amount: &Amount) -> Option<Decimal> {
        let written = amount.written()?;
        let number = amount.number();
        if number.is_none() {
            let shown = shortened(&written, SHOWN_CHARS_MAX);
            let message = format!("\"{shown}\" is not a decimal number below {NUMBER_BOUND}");
            self.unknown(at, "not-a-number", message);
        }
        number.map(|number| number.normalize())
    }

    /// A total: what has more digits than its currency is reported, since it cannot be posted.
    pub(super) fn total(&mut self, at: Arguments, amount: &Amount) -> Option<Decimal> {
        let total = self.optional_amount(at, amount)?;
        if money::fits(total, self.minor_units) {
            return Some(total);
        }
        let message = format!(
            "{} has more digits after the point than the {} of {}",
            shortened(&amount.written().unwrap_or_default(), SHOWN_CHARS_MAX),
            self.minor_units,
            self.shown_currency()
        );
        self.unknown(at, "amount-precision", message);
        None
    }

    /// Amounts in the currency's digits. Documents may have eight (source: concur-financial-schema)
    /// where the books have two. They come to the total if it is less than a minor unit away from
    /// their sum, else to their rounded sum.
    pub(super) fn rounded(&self, amounts: &[Decimal], total: Option<Decimal>) -> Vec<Decimal> {
        let fits = |amount: &Decimal| money::fits(*amount, self.minor_units);
        if amounts.iter().all(fits) {
            return amounts.to_vec();
        }
        let sum: Decimal = amounts.iter().sum();
        let is_near = |total: &Decimal| (total - sum).abs() < money::cent(self.minor_units);
        let target = total.filter(is_near).unwrap_or_else(|| self.round(sum));
        let rounded = money::by_largest_remainder(amounts, target, self.minor_units);
        rounded.unwrap_or_else(|| amounts.iter().map(|amount| self.round(*amount)).collect())
    }

    /// An amount in the currency's digits.
    pub(super) fn round(&self, amount: Decimal) -> Decimal {
        money::round(amount, self.minor_units)
    }

    /// A row may name its currency, though none is documented to; it must be the document's.
    pub(super) fn same_currency(&mut self, at: Arguments, named: &Code) {
        let Some(named) = named.text().filter(|named| *named != self.currency()) else {
            return;
        };
        let message = format!(
            "a row is in {}, and the document in {}",
            shortened(&named, SHOWN_CHARS_MAX),
            self.shown_currency()
        );
        self.report(at, "two-currencies", message);
    }

    /// Compares what the rows come to with the document's own total.
    pub(super) fn check_total(&mut self, at: Arguments, total: Option<Decimal>) {
        if !self.amounts_known {
            return;
        }
        match total {
            Some(total) if total == self.rows => {}
            Some(total) => {
                let message = format!(
                    "its rows come to {} {currency}, its total is {} {currency}: a difference of \
                     {}",
                    self.shown(self.rows),
                    self.shown(total),
                    self.shown(total - self.rows),
                    currency = self.shown_currency()
                );
                self.report(at, self.difference_code(total), message);
            }
            None => {
                let message = "the document has no total to compare its rows with".to_string();
                self.report(at, "total-missing", message);
            }
        }
    }

    /// A difference that rounding can make, half a minor unit for each row and for the total, is
    /// SAP Concur's own arithmetic, which nobody there can correct.
    fn difference_code(&self, total: Decimal) -> &'static str {
        let halves = Decimal::from(self.rows_counted) + Decimal::ONE;
        let doubled = (total - self.rows).abs() * Decimal::TWO;
        if doubled <= halves * money::cent(self.minor_units) {
            return "rounding-difference";
        }
        "unbalanced"
    }

    pub(super) fn financial(&self) -> &'a Financial {
        &self.settings.financial
    }

    pub(super) fn amounts_known(&self) -> bool {
        self.amounts_known
    }

    pub(super) fn rows(&self) -> Decimal {
        self.rows
    }

    pub(super) fn minor_units(&self) -> u32 {
        self.minor_units
    }

    pub(super) fn currency(&self) -> &str {
        &self.currency
    }

    /// An amount as people read it.
    pub(super) fn shown(&self, amount: Decimal) -> String {
        money::wire(amount, self.minor_units)
    }

    /// Reports a problem; where it can be fixed follows from its code.
    pub(super) fn report(&mut self, at: Arguments, code: &str, message: String) {
        self.fix_in = self.fix_in.max(FixIn::of(code));
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem(&at.to_string(), code, message));
        }
    }

    /// A setting that is not there, reported once.
    pub(super) fn report_missing(&mut self, at: Arguments, code: &str, message: String) {
        if self.missing.insert(message.clone()) {
            self.report(at, code, message);
        }
    }

    pub(super) fn finish(mut self) -> Result<Translated, Untranslatable> {
        if self.problems.is_empty() {
            self.check_balance();
        }
        if !self.problems.is_empty() {
            return Err(Untranslatable {
                problems: self.problems,
                fix_in: self.fix_in,
            });
        }
        if self.sums.is_empty() {
            return Ok(Translated::NotPosted {
                code: NOTHING_TO_POST,
                message: "it has no amounts".to_string(),
            });
        }
        Ok(Translated::Entry(Entry {
            description: self.description,
            date: self.date,
            currency: self.currency.into_owned(),
            lines: lines(self.sums),
            expenses: self.expenses,
        }))
    }

    /// The last look: whatever was added, it is posted only if it balances.
    fn check_balance(&mut self) {
        let difference: Decimal = self.sums.values().map(|sum| sum.amount).sum();
        if !difference.is_zero() {
            let message = format!(
                "debits and credits differ by {} {}",
                self.shown(difference),
                self.currency
            );
            self.report(format_args!(""), "entry-unbalanced", message);
        }
    }

    /// The day that the settings want. Concur writes dates by itself, so that nobody can correct
    /// one there; another one can be chosen here.
    fn day(&mut self, basis: &Basis) -> String {
        let Financial {
            posting_dates,
            zone,
            ..
        } = &self.settings.financial;
        let setting = basis.kind.setting();
        match basis.dates.day(posting_dates.of(basis.kind), zone) {
            Ok(Some(day)) => return day.to_string(),
            Ok(None) => {
                let message = format!(
                    "the document has none of the dates that \
                     `financial.posting_date.{setting}` can name"
                );
                let at = format_args!("{}", basis.dates.first_at());
                self.report_missing(at, "date-missing", message);
            }
            Err(UnreadableDate { at, text }) => {
                let message = format!(
                    "\"{}\" is no date; choose another date to post on in \
                     `financial.posting_date.{setting}`",
                    shortened(&text, SHOWN_CHARS_MAX)
                );
                self.report_missing(format_args!("{at}"), "not-a-date", message);
            }
        }
        String::new()
    }

    fn check_currency(&mut self, at: &str) {
        if self.currency.is_empty() {
            let message = "the document has no currency".to_string();
            return self.report(format_args!("{at}"), "currency-missing", message);
        }
        let shown = self.shown_currency();
        match money::minor_units(&self.currency) {
            Some(minor_units) => self.minor_units = minor_units,
            None => {
                let message = format!("\"{shown}\" is not an ISO 4217 currency code");
                return self.report(format_args!("{at}"), "currency-unknown", message);
            }
        }
        if !self.settings.currencies.contains(&*self.currency) {
            let message =
                format!("currency \"{shown}\" is not carried over; add it to `currencies`");
            self.report_missing(format_args!("{at}"), "currency-unmapped", message);
        }
    }

    fn shown_currency(&self) -> String {
        shortened(&self.currency, SHOWN_CHARS_MAX)
    }

    fn unknown(&mut self, at: Arguments, code: &str, message: String) {
        self.amounts_known = false;
        self.report(at, code, message);
    }
}

/// The lines, in the order in which their accounts first came up.
fn lines(sums: BTreeMap<Side, Sum>) -> Vec<Line> {
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, sum)| sum.place);
    let line = |(side, sum): (Side, Sum)| Line {
        account: side.account.to_string(),
        label: shortened(
            clean(&format!("{} {}", side.code, sum.name)).trim(),
            SHOWN_CHARS_MAX,
        ),
        cost_code: side.cost_code.map(Cow::into_owned),
        amount: sum.amount.normalize(),
    };
    sums.into_iter().map(line).collect()
}
