//! Expense reports as they were approved, before they become documents.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::generate::{Claimant, ExpenseKind};
use crate::concur::financial::options::EntityOptions;
use crate::http::Millis;
use crate::money::Currency;

/// An approved expense report.
#[derive(Clone, Debug)]
pub(crate) struct ExpenseReport {
    pub(crate) id: String,
    pub(crate) key: u64,
    pub(crate) number: String,
    pub(crate) name: String,
    pub(crate) employee: Claimant,
    pub(crate) entity: EntityOptions,
    pub(crate) currency: Currency,
    pub(crate) submitted: Millis,
    pub(crate) approved: Millis,
    pub(crate) entries: Vec<ReportEntry>,
    pub(crate) applications: Vec<AdvanceApplication>,
    /// The part of the advances that came back as cash.
    pub(crate) returned: Decimal,
}

/// An entry of a report.
#[derive(Clone, Debug)]
pub(crate) struct ReportEntry {
    pub(crate) id: String,
    pub(crate) legacy_id: u64,
    pub(crate) kind: ExpenseKind,
    pub(crate) day: Millis,
    pub(crate) description: Option<String>,
    pub(crate) vendor: Cow<'static, str>,
    /// Its cost code is here if the entry has it instead of its allocations.
    pub(crate) customs: Vec<CustomField>,
    pub(crate) org_units: Vec<CustomField>,
    pub(crate) spent: Decimal,
    pub(crate) spent_currency: Currency,
    pub(crate) rate: Decimal,
    pub(crate) rate_divides: bool,
    /// What a person approved, in the currency of the employee.
    pub(crate) approved: Decimal,
    pub(crate) personal: bool,
    pub(crate) billable: bool,
    pub(crate) payer: JournalParty,
    pub(crate) liability: Option<&'static str>,
    pub(crate) offset: bool,
    pub(crate) allocations: Vec<EntryAllocation>,
}

/// A custom field that holds something: the code and the name of a list item, or text.
#[derive(Clone, Debug)]
pub(crate) struct CustomField {
    pub(crate) number: u8,
    pub(crate) code: Option<String>,
    pub(crate) value: Option<String>,
}

/// A part of an entry with its own cost code.
#[derive(Clone, Debug)]
pub(crate) struct EntryAllocation {
    /// Personal items have neither an id nor a percentage.
    pub(crate) share: Option<(String, Decimal)>,
    pub(crate) customs: Vec<CustomField>,
    pub(crate) rows: Vec<JournalRow>,
    pub(crate) taxes: Vec<AllocationTax>,
}

/// A row of an allocation's journal: one amount from a payer to a payee on an account.
#[derive(Clone, Debug)]
pub(crate) struct JournalRow {
    pub(crate) payer: JournalParty,
    pub(crate) payee: JournalParty,
    pub(crate) account: Cow<'static, str>,
    pub(crate) gross: Decimal,
    pub(crate) net_of_tax: Decimal,
    pub(crate) net_of_reclaim: Decimal,
    pub(crate) card: bool,
}

/// A tax within an allocation.
#[derive(Clone, Debug)]
pub(crate) struct AllocationTax {
    pub(crate) guid: String,
    pub(crate) label: &'static str,
    pub(crate) code: &'static str,
    pub(crate) reclaim_code: &'static str,
    pub(crate) amount: Decimal,
    pub(crate) reclaimed: Decimal,
}

/// A cash advance that is used up; the amount is negative.
#[derive(Clone, Debug)]
pub(crate) struct AdvanceApplication {
    pub(crate) advance_id: String,
    pub(crate) amount: Decimal,
}

/// Who pays or is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JournalParty {
    Company,
    Employee,
    IndividualCard,
    CompanyCard,
    CompanyPaid,
}

impl JournalParty {
    /// The party as journal rows write it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Company => "COMP",
            Self::Employee => "EMPL",
            Self::IndividualCard => "IBCP",
            Self::CompanyCard => "CBCP",
            Self::CompanyPaid => "COPD",
        }
    }

    /// The key of an entry's payment type.
    pub(crate) fn payment_type(self) -> &'static str {
        match self {
            Self::Employee | Self::Company => "CASH",
            other => other.as_str(),
        }
    }

    /// Whether it is a card.
    pub(crate) fn is_card(self) -> bool {
        matches!(self, Self::IndividualCard | Self::CompanyCard)
    }
}

impl CustomField {
    /// Nothing, or a cost code in the first field.
    pub(crate) fn cost_code(code: Option<&str>) -> Vec<Self> {
        let field = code.map(|code| Self {
            number: 1,
            code: Some(code.to_owned()),
            value: Some(code.to_owned()),
        });
        field.into_iter().collect()
    }
}

impl ExpenseReport {
    /// What was approved: the sum of the entries, as a person saw it.
    pub(crate) fn total(&self) -> Decimal {
        self.entries.iter().map(|entry| entry.approved).sum()
    }

    /// What is owed to the employee before advances.
    pub(crate) fn payable(&self) -> Decimal {
        let rows = self
            .entries
            .iter()
            .flat_map(|entry| &entry.allocations)
            .flat_map(|allocation| &allocation.rows);
        let employee = JournalParty::Employee;
        rows.filter(|row| row.payee == employee || row.payer == employee)
            .map(|row| row.gross)
            .sum()
    }
}
