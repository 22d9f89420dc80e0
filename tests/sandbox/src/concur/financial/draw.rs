//! What documents are drawn from: people, currencies, kinds of expense, taxes, and amounts that add
//! up.

use rust_decimal::Decimal;

use crate::calendar::bare_stamp;
use crate::http::Millis;
use crate::money::Currency;
use crate::random::Random;

/// A day in milliseconds.
pub(super) const DAY_MS: Millis = 86_400_000;

/// The account of cash advances.
pub(super) const ADVANCES: &str = "1150";

/// The clearing account of company cards.
pub(super) const CLEARING: &str = "2150";

/// The account that company cards owe, where one is configured.
pub(super) const CARD_LIABILITY: &str = "2160";

const CURRENCIES: [&str; 8] = ["CAD", "EUR", "CAD", "USD", "EUR", "JPY", "CAD", "KWD"];

const PROJECTS: [&str; 4] = ["PRJ_A", "PRJ_B", "PRJ_C", "PRJ_D"];

/// An employee of the company.
#[derive(Clone, Copy, Debug)]
pub(super) struct Employee {
    pub(super) id: &'static str,
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    pub(super) login: &'static str,
}

const EMPLOYEES: [Employee; 4] = [
    Employee {
        id: "E1007",
        first: "Sam",
        last: "Doe",
        login: "sam.doe@example.test",
    },
    Employee {
        id: "E1012",
        first: "Zoë",
        last: "Müller",
        login: "zoe.mueller@example.test",
    },
    Employee {
        id: "0042",
        first: "Jo \"JJ\"",
        last: "O'Neil",
        login: "jo.oneil@example.test",
    },
    Employee {
        id: "E-2001",
        first: "健",
        last: "田中",
        login: "ken.tanaka@example.test",
    },
];

/// A kind of expense with the account it is posted to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) account: &'static str,
}

const KINDS: [Kind; 8] = [
    kind("LODNG", "Hotel", "6100"),
    kind("TAXIX", "Taxi", "6200"),
    kind("PARKG", "Parking", "6210"),
    kind("DINNR", "Dinner", "6300"),
    kind("ENTOT", "Entertainment", "6310"),
    kind("OFFSP", "Office Supplies", "6400"),
    kind("CARRT", "Car Rental", "6500"),
    kind("AIRFR", "Airfare", "6600"),
];

const fn kind(code: &'static str, name: &'static str, account: &'static str) -> Kind {
    Kind {
        code,
        name,
        account,
    }
}

/// A tax with the share of it that is reclaimed, both in percent.
#[derive(Clone, Copy, Debug)]
pub(super) struct TaxKind {
    pub(super) label: &'static str,
    pub(super) code: &'static str,
    pub(super) reclaim_code: &'static str,
    pub(super) rate: u32,
    pub(super) reclaimed: u32,
}

/// The account that an expense type of an invoice is posted to.
pub(crate) fn invoice_account(expense_type: &str) -> &'static str {
    match expense_type {
        "PROFS" => "6450",
        "TRVL" => "6600",
        _ => "6400",
    }
}

/// The two-letter country of an employee who is paid in a currency.
pub(super) fn country(currency: Currency) -> &'static str {
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
pub(super) fn tax(currency: Currency, second: bool, reclaimed: u32) -> TaxKind {
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
    TaxKind {
        label,
        code,
        reclaim_code,
        rate,
        reclaimed,
    }
}

/// An instant as documents write it.
pub(super) fn stamp(at: Millis) -> String {
    format!("{}.{:03}Z", bare_stamp(at), at % 1000)
}

/// The midnight before an instant, as documents write days.
pub(super) fn midnight(at: Millis) -> String {
    stamp(at - at % DAY_MS)
}

/// A stream of decisions in one currency.
#[derive(Debug)]
pub(super) struct Draw {
    pub(super) random: Random,
    pub(super) currency: Currency,
    /// Amounts have 15 digits before the point.
    pub(super) long: bool,
}

impl Draw {
    /// Decisions under a seed; the currency is drawn if none is asked for or it is none.
    pub(super) fn new(seed: u64, currency: Option<&str>, long: bool) -> Self {
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
    pub(super) fn amount(&mut self) -> Decimal {
        let digits = self.currency.minor_digits();
        let small = Decimal::new(500 + self.random.below(90_000) as i64, digits);
        if self.long {
            small + Decimal::from(123_456_789_012_345_u64)
        } else {
            small
        }
    }

    /// A text of upper-case hexadecimal digits.
    pub(super) fn hex(&mut self, length: usize) -> String {
        self.random.text(b"0123456789ABCDEF", length)
    }

    pub(super) fn employee(&mut self) -> Employee {
        *self.random.pick(&EMPLOYEES)
    }

    pub(super) fn kind(&mut self) -> Kind {
        *self.random.pick(&KINDS)
    }

    pub(super) fn project(&mut self) -> &'static str {
        self.random.pick::<&str>(&PROJECTS)
    }

    /// True in so many of a hundred cases.
    pub(super) fn chance(&mut self, percent: u16) -> bool {
        self.random.per_mille(percent * 10)
    }

    /// An amount in parts of the given percentages; the last part takes what rounding leaves.
    pub(super) fn split(&self, amount: Decimal, percentages: &[Decimal]) -> Vec<Decimal> {
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
    pub(super) fn tax_in(&self, gross: Decimal, rate: u32, all_rates: u32) -> Decimal {
        let part = Decimal::from(rate) / Decimal::from(100 + all_rates);
        self.currency.round(gross * part)
    }

    /// A share in percent, rounded.
    pub(super) fn share(&self, amount: Decimal, percent: u32) -> Decimal {
        self.currency
            .round(amount * Decimal::from(percent) / Decimal::ONE_HUNDRED)
    }
}

/// Percentages that make up 100.
pub(super) fn percentages(parts: u64) -> Vec<Decimal> {
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
