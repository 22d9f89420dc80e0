//! What a document says of itself, whatever its rows are.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::dates::Dates;

use crate::concur::DocumentType;
use crate::concur::document_schema::{
    CashAdvanceData, Code, Employee, Heads, Report, RequestHeader, Vendor,
};
use crate::settings::financial::{Entity, PostingDate};
use crate::text::non_empty;

/// What is known of a document before it is translated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// The id of the report, invoice or cash advance: the same for every document about it.
    pub source_id: String,
    /// Counts the changes of the source; `1` unless the document says otherwise.
    pub revision: String,
    /// What people call it; may be empty.
    pub title: String,
    /// Whom it is about: the employee or the vendor, by name, else by id.
    pub party: Option<String>,
    /// Its own day in UTC, `YYYY-MM-DD`, as far as the head says.
    pub date: Option<String>,
    /// Whose it is.
    pub entity: Entity,
    /// Whether a test user wrote it.
    pub is_test: bool,
    /// The currency of its amounts, ISO 4217; may be empty.
    pub currency: String,
    /// Its own total, if there is one that can be read.
    pub total: Option<Decimal>,
    /// Every custom field value of an invoice's header, codes and names: one of them may be our
    /// marker.
    pub customs: Vec<String>,
}

impl Head {
    pub(super) fn new(kind: DocumentType, heads: &Heads) -> Self {
        match kind {
            DocumentType::Expense | DocumentType::Payroll => {
                Self::of_report(&heads.report, &heads.employee)
            }
            DocumentType::Invoice => Self::of_request(&heads.request, &heads.vendor),
            DocumentType::CashAdvance => Self::of_advance(&heads.advance, &heads.advance_employee),
        }
    }

    pub(super) fn of_report(report: &Report, employee: &Employee) -> Self {
        Self {
            source_id: own(&report.id),
            revision: revision(&report.revision),
            title: own(&report.name),
            party: name(employee),
            date: first(&Dates::of_report(report, &[]), PostingDate::Processing),
            entity: entity(&report.ledger, [&report.policy], &report.country),
            is_test: report.is_test.is_yes(),
            currency: own(&report.currency),
            total: report.total.number(),
            customs: Vec::new(),
        }
    }

    pub(super) fn of_request(request: &RequestHeader, vendor: &Vendor) -> Self {
        let customs = request.customs.iter().map(|custom| &custom.value);
        Self {
            source_id: own(&request.id),
            revision: revision(&request.revision),
            title: own(&request.title),
            party: vendor.name.or(&vendor.code).text().map(Cow::into_owned),
            date: first(&Dates::of_request(request), PostingDate::Posting),
            entity: entity(
                &request.ledger,
                [&request.policy, &request.policy_name],
                &Code::default(),
            ),
            is_test: request.is_test.is_yes(),
            currency: own(&request.currency),
            total: request.total.number(),
            customs: customs
                .filter_map(Code::text)
                .map(Cow::into_owned)
                .collect(),
        }
    }

    pub(super) fn of_advance(advance: &CashAdvanceData, employee: &Employee) -> Self {
        Self {
            source_id: own(&advance.id),
            revision: revision(&advance.revision),
            title: own(&advance.name),
            party: name(employee),
            date: first(&Dates::of_advance(advance), PostingDate::Issued),
            entity: Entity::default(),
            is_test: advance.is_test.is_yes(),
            currency: own(&advance.currency),
            total: advance.amount.number(),
            customs: Vec::new(),
        }
    }
}

fn own(code: &Code) -> String {
    code.text().map(Cow::into_owned).unwrap_or_default()
}

fn revision(code: &Code) -> String {
    code.text().map_or_else(|| "1".to_string(), Cow::into_owned)
}

/// An employee's name, else the id.
fn name(employee: &Employee) -> Option<String> {
    let names = [&employee.first_name, &employee.last_name];
    let names: Vec<Cow<'_, str>> = names.into_iter().filter_map(Code::text).collect();
    non_empty(names.join(" ")).or_else(|| employee.id.text().map(Cow::into_owned))
}

fn entity<const POLICIES: usize>(
    ledger: &Code,
    policies: [&Code; POLICIES],
    country: &Code,
) -> Entity {
    let text = |code: &Code| code.text().map(Cow::into_owned);
    Entity {
        ledger: text(ledger),
        policies: policies.into_iter().filter_map(text).collect(),
        country: text(country),
    }
}

/// The best of the dates in UTC, to show to people before the document is translated.
fn first(dates: &Dates, best: PostingDate) -> Option<String> {
    let day = dates.day(best, &TimeZone::UTC).ok()?;
    day.map(|day| day.to_string())
}
