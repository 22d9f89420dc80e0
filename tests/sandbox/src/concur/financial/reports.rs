//! Expense reports as they were approved, before they become documents.

use rust_decimal::Decimal;

use super::draw::{Employee, Kind};
use crate::http::Millis;
use crate::money::Currency;

/// An approved expense report.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) id: String,
    pub(super) key: u64,
    pub(super) number: String,
    pub(super) name: String,
    pub(super) employee: Employee,
    pub(super) currency: Currency,
    pub(super) submitted: Millis,
    pub(super) approved: Millis,
    pub(super) entries: Vec<Entry>,
    pub(super) applications: Vec<Application>,
    /// The part of the advances that came back as cash.
    pub(super) returned: Decimal,
}

/// An entry of a report.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) legacy_id: u64,
    pub(super) kind: Kind,
    pub(super) day: Millis,
    pub(super) vendor: &'static str,
    /// Its cost code, if it stands on the entry itself.
    pub(super) cost_code: Option<&'static str>,
    pub(super) spent: Decimal,
    pub(super) spent_currency: Currency,
    pub(super) rate: Decimal,
    pub(super) rate_divides: bool,
    /// What a person approved, in the currency of the employee.
    pub(super) approved: Decimal,
    pub(super) personal: bool,
    pub(super) billable: bool,
    pub(super) payer: Party,
    pub(super) liability: Option<&'static str>,
    pub(super) offset: bool,
    pub(super) allocations: Vec<Allocation>,
}

/// A part of an entry with its own cost code.
#[derive(Clone, Debug)]
pub(super) struct Allocation {
    /// Personal items have neither an id nor a percentage.
    pub(super) share: Option<(String, Decimal)>,
    pub(super) cost_code: Option<&'static str>,
    pub(super) rows: Vec<Row>,
    pub(super) taxes: Vec<Tax>,
}

/// A journal row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) payer: Party,
    pub(super) payee: Party,
    pub(super) account: &'static str,
    pub(super) gross: Decimal,
    pub(super) net_of_tax: Decimal,
    pub(super) net_of_reclaim: Decimal,
    pub(super) card: bool,
}

/// A tax within an allocation.
#[derive(Clone, Debug)]
pub(super) struct Tax {
    pub(super) guid: String,
    pub(super) label: &'static str,
    pub(super) code: &'static str,
    pub(super) reclaim_code: &'static str,
    pub(super) amount: Decimal,
    pub(super) reclaimed: Decimal,
}

/// A cash advance that is used up; the amount is negative.
#[derive(Clone, Debug)]
pub(super) struct Application {
    pub(super) advance_id: String,
    pub(super) amount: Decimal,
}

/// Who pays or is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Party {
    Company,
    Employee,
    IndividualCard,
    CompanyCard,
    CompanyPaid,
}

impl Party {
    /// The party as journal rows write it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Company => "COMP",
            Self::Employee => "EMPL",
            Self::IndividualCard => "IBCP",
            Self::CompanyCard => "CBCP",
            Self::CompanyPaid => "COPD",
        }
    }

    /// The key of an entry's payment type.
    pub(super) fn payment_type(self) -> &'static str {
        match self {
            Self::Employee | Self::Company => "CASH",
            other => other.as_str(),
        }
    }

    /// Whether it is a card.
    pub(super) fn is_card(self) -> bool {
        matches!(self, Self::IndividualCard | Self::CompanyCard)
    }
}

impl Report {
    /// What was approved: the sum of the entries, as a person saw it.
    pub(super) fn total(&self) -> Decimal {
        self.entries.iter().map(|entry| entry.approved).sum()
    }

    /// What is owed to the employee before advances.
    pub(super) fn payable(&self) -> Decimal {
        let rows = self
            .entries
            .iter()
            .flat_map(|entry| &entry.allocations)
            .flat_map(|allocation| &allocation.rows);
        rows.filter(|row| row.payee == Party::Employee)
            .map(|row| row.gross)
            .sum()
    }
}
