//! What documents are drawn from: people, currencies, kinds of expense, taxes, and amounts that add
//! up.

use std::borrow::Cow;

use rust_decimal::Decimal;

use crate::calendar::bare_stamp;
use crate::concur::financial::config::ReportDays;
use crate::http::Millis;
use crate::money::Currency;
use crate::random::Random;

/// A day in milliseconds.
pub(crate) const DAY_MS: Millis = 86_400_000;

/// The account of cash advances.
pub(crate) const ADVANCES: &str = "1150";

/// The clearing account of company cards.
pub(crate) const CLEARING: &str = "2150";

/// The account through which payroll reimburses.
pub(crate) const PAYROLL_CLEARING: &str = "2170";

/// The account that company cards owe, where one is configured.
pub(crate) const CARD_LIABILITY: &str = "2160";

const CURRENCIES: [&str; 8] = ["CAD", "EUR", "CAD", "USD", "EUR", "JPY", "CAD", "KWD"];

const PROJECTS: [&str; 4] = ["PRJ_A", "PRJ_B", "PRJ_C", "PRJ_D"];

/// An employee of the company.
#[derive(Clone, Debug)]
pub(crate) struct Claimant {
    pub(crate) id: Cow<'static, str>,
    pub(crate) first: Cow<'static, str>,
    pub(crate) last: Cow<'static, str>,
    pub(crate) login: Cow<'static, str>,
}

const EMPLOYEES: [Claimant; 4] = [
    Claimant {
        id: Cow::Borrowed("E1007"),
        first: Cow::Borrowed("Sam"),
        last: Cow::Borrowed("Doe"),
        login: Cow::Borrowed("sam.doe@example.test"),
    },
    Claimant {
        id: Cow::Borrowed("E1012"),
        first: Cow::Borrowed("Zoë"),
        last: Cow::Borrowed("Müller"),
        login: Cow::Borrowed("zoe.mueller@example.test"),
    },
    Claimant {
        id: Cow::Borrowed("0042"),
        first: Cow::Borrowed("Jo \"JJ\""),
        last: Cow::Borrowed("O'Neil"),
        login: Cow::Borrowed("jo.oneil@example.test"),
    },
    Claimant {
        id: Cow::Borrowed("E-2001"),
        first: Cow::Borrowed("健"),
        last: Cow::Borrowed("田中"),
        login: Cow::Borrowed("ken.tanaka@example.test"),
    },
];

/// A kind of expense with the account it is posted to.
#[derive(Clone, Debug)]
pub(crate) struct ExpenseKind {
    pub(crate) code: Cow<'static, str>,
    pub(crate) name: Cow<'static, str>,
    pub(crate) account: Cow<'static, str>,
}

const KINDS: [ExpenseKind; 8] = [
    expense_kind("LODNG", "Hotel", "6100"),
    expense_kind("TAXIX", "Taxi", "6200"),
    expense_kind("PARKG", "Parking", "6210"),
    expense_kind("DINNR", "Dinner", "6300"),
    expense_kind("ENTOT", "Entertainment", "6310"),
    expense_kind("OFFSP", "Office Supplies", "6400"),
    expense_kind("CARRT", "Car Rental", "6500"),
    expense_kind("AIRFR", "Airfare", "6600"),
];

const fn expense_kind(
    code: &'static str,
    name: &'static str,
    account: &'static str,
) -> ExpenseKind {
    ExpenseKind {
        code: Cow::Borrowed(code),
        name: Cow::Borrowed(name),
        account: Cow::Borrowed(account),
    }
}

/// A tax with the share of it that is reclaimed, both in percent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReclaimableTax {
    pub(crate) label: &'static str,
    pub(crate) code: &'static str,
    pub(crate) reclaim_code: &'static str,
    pub(crate) rate: u32,
    pub(crate) reclaimed: u32,
}

/// The two-letter country of an employee who is paid in a currency.
pub(crate) fn country(currency: Currency) -> &'static str {
    match currency.code() {
        "CAD" => "CA",
        "EUR" => "DE",
        "GBP" => "GB",
        "JPY" => "JP",
        "KWD" => "KW",
        _ => "US",
    }
}

/// A tax of the country with that share reclaimed.
pub(crate) fn country_tax(currency: Currency, second: bool, reclaimed: u32) -> ReclaimableTax {
    let (label, code, rate) = match (currency.code(), second) {
        ("CAD", false) => ("CAHST", "H13", 13),
        ("CAD", true) => ("CAPST", "P06", 6),
        ("EUR", false) => ("DEVAT", "V19", 19),
        ("EUR", true) => ("DEVAT", "V07", 7),
        ("JPY", _) => ("JPCT", "C10", 10),
        (_, false) => ("SALES", "S05", 5),
        (_, true) => ("CITY", "S02", 2),
    };
    let reclaim_code = if reclaimed == 0 { "0" } else { "H" };
    ReclaimableTax {
        label,
        code,
        reclaim_code,
        rate,
        reclaimed,
    }
}

/// An instant as documents write it.
pub(crate) fn stamp(at: Millis) -> String {
    format!("{}.{:03}Z", bare_stamp(at), at % 1000)
}

/// The midnight before an instant, as documents write days.
pub(crate) fn midnight(at: Millis) -> String {
    stamp(at - at % DAY_MS)
}

/// A day of a report, as documents write it: a midnight.
pub(crate) fn written_day(at: Millis, form: ReportDays) -> String {
    const PACIFIC_MS: Millis = 7 * 3_600_000;
    let day = at - at % DAY_MS;
    match form {
        ReportDays::Utc => stamp(day),
        ReportDays::Pacific => stamp(day + PACIFIC_MS),
    }
}

/// A stream of decisions in one currency.
#[derive(Debug)]
pub(crate) struct Generator {
    pub(crate) random: Random,
    pub(crate) currency: Currency,
    /// Amounts have 15 digits before the point.
    pub(crate) long: bool,
}

impl Generator {
    /// Decisions under a seed; the currency is drawn if none is asked for or it is none.
    pub(crate) fn new(seed: u64, currency: Option<&str>, long: bool) -> Self {
        let mut random = Random::new(seed, "concur/financial/documents");
        let drawn = Currency::parse(random.pick::<&str>(&CURRENCIES)).unwrap_or(Currency::euro());
        let currency = currency.and_then(Currency::parse).unwrap_or(drawn);
        Self {
            random,
            currency,
            long,
        }
    }

    /// An ordinary amount, or one of 15 digits before the point.
    pub(crate) fn amount(&mut self) -> Decimal {
        let digits = self.currency.minor_digits();
        let small = Decimal::new(500 + self.random.below(90_000) as i64, digits);
        // With 8 decimals these are 23 digits: more than a binary float holds.
        if self.long {
            small + Decimal::from(123_456_789_012_345_u64)
        } else {
            small
        }
    }

    /// A text of upper-case hexadecimal digits.
    pub(crate) fn hex(&mut self, length: usize) -> String {
        self.random.text(b"0123456789ABCDEF", length)
    }

    pub(crate) fn pick_employee(&mut self) -> Claimant {
        self.random.pick(&EMPLOYEES).clone()
    }

    pub(crate) fn pick_expense_kind(&mut self) -> ExpenseKind {
        self.random.pick(&KINDS).clone()
    }

    pub(crate) fn pick_project(&mut self) -> &'static str {
        self.random.pick::<&str>(&PROJECTS)
    }

    /// True with this chance, in percent.
    pub(crate) fn percent_chance(&mut self, percent: u16) -> bool {
        self.random.per_mille(percent * 10)
    }

    /// An amount in parts of the given percentages; the last part takes what rounding leaves.
    pub(crate) fn split_amount(&self, amount: Decimal, percentages: &[Decimal]) -> Vec<Decimal> {
        let mut left = amount;
        let mut parts = Vec::new();
        for (at, percentage) in percentages.iter().enumerate() {
            let part = if at + 1 == percentages.len() {
                left
            } else {
                self.currency
                    .round(amount * percentage / Decimal::ONE_HUNDRED)
            };
            left -= part;
            parts.push(part);
        }
        parts
    }

    /// How much of a gross amount a tax is.
    pub(crate) fn tax_in(&self, gross: Decimal, rate: u32, all_rates: u32) -> Decimal {
        let part = Decimal::from(rate) / Decimal::from(100 + all_rates);
        self.currency.round(gross * part)
    }

    /// A share in percent, rounded.
    pub(crate) fn percent_of(&self, amount: Decimal, percent: u32) -> Decimal {
        self.currency
            .round(amount * Decimal::from(percent) / Decimal::ONE_HUNDRED)
    }
}

/// Percentages that make up 100.
pub(crate) fn percentages(parts: u64) -> Vec<Decimal> {
    match parts {
        1 => vec![Decimal::ONE_HUNDRED],
        2 => vec![Decimal::from(60), Decimal::from(40)],
        _ => vec![
            Decimal::new(3333, 2),
            Decimal::new(3333, 2),
            Decimal::new(3334, 2),
        ],
    }
}
