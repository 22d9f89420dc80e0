//! What an entry says of itself in FreshBooks: enough to know the document without ml-connector,
//! since no entry can be changed later.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jiff::civil::Date;

use crate::concur::DocumentType;
use crate::concur::document_schema::{
    CashAdvanceData, Code, Day, Employee, ExpenseDocument, RequestHeader, Vendor, When,
};
use crate::contract::types::ObjectRef;
use crate::text::{clean, shortened};

/// The longest description that is written. FreshBooks documents no bound; 255 is the smallest that
/// a text column usually has.
pub(crate) const DESCRIPTION_CHARS_MAX: usize = 255;
/// Room for the FreshBooks original, or for what an entry is the reversal of.
const ADDITION_CHARS_MAX: usize = 60;
/// The longest number and party: those of Concur's fields that people choose are not longer.
const NUMBER_CHARS_MAX: usize = 50;
const PARTY_CHARS_MAX: usize = 64;

/// The parts of a description.
struct Parts<'a> {
    kind: &'static str,
    number: Cow<'a, str>,
    party: String,
    title: String,
    period: String,
}

pub(super) fn of_report(kind: DocumentType, document: &ExpenseDocument) -> String {
    let (report, entries) = (&document.report, document.entries.0.iter());
    let days: Vec<Date> = entries.filter_map(|entry| day(&entry.date)).collect();
    let first = day(&report.started).or_else(|| days.iter().min().copied());
    let last = day(&report.ended).or_else(|| days.iter().max().copied());
    let parts = Parts {
        kind: match kind {
            DocumentType::Payroll => "Payroll of expense report",
            _ => "Expense report",
        },
        number: own(report.number.or(&report.id)),
        party: employee_of(&document.employee),
        title: clean(&own(&report.name)),
        period: period(first, last),
    };
    parts.joined()
}

pub(super) fn of_request(request: &RequestHeader, vendor: &Vendor) -> String {
    let day = day(&request.invoiced);
    let parts = Parts {
        kind: "Invoice",
        number: own(request.number.or(&request.id)),
        party: with_id(clean(&own(&vendor.name)), &own(&vendor.code)),
        title: clean(&own(&request.title)),
        period: period(day, day),
    };
    parts.joined()
}

pub(super) fn of_advance(advance: &CashAdvanceData, employee: &Employee) -> String {
    let parts = Parts {
        kind: "Cash advance",
        number: own(&advance.id),
        party: employee_of(employee),
        title: clean(&own(&advance.name)),
        period: period(day(&advance.trip_started), day(&advance.trip_ended)),
    };
    parts.joined()
}

/// The description with the FreshBooks document that Concur's came from.
pub(crate) fn with_original(description: &str, original: &ObjectRef) -> String {
    let addition = format!("from FreshBooks {} {}", original.kind, original.id);
    let addition = shortened(&addition, ADDITION_CHARS_MAX);
    shortened(
        &format!("{description} - {addition}"),
        DESCRIPTION_CHARS_MAX,
    )
}

/// The description of the entry that takes another one back.
pub(crate) fn of_reversal(entry_id: &str, description: Option<&str>) -> String {
    let reverses = format!(
        "Reverses journal entry {}",
        shortened(entry_id, PARTY_CHARS_MAX)
    );
    let Some(description) = description else {
        return reverses;
    };
    shortened(
        &format!("{reverses} - {description}"),
        DESCRIPTION_CHARS_MAX,
    )
}

impl Parts<'_> {
    /// The parts in a row; the title gives way where they are too long together.
    fn joined(&self) -> String {
        const SEPARATOR: &str = " - ";
        let number = shortened(&clean(&self.number), NUMBER_CHARS_MAX);
        let head = format!("{} {number}", self.kind).trim_end().to_string();
        let party = shortened(&self.party, PARTY_CHARS_MAX);
        let fixed = [head.as_str(), &party, &self.period].into_iter();
        let fixed: usize = fixed
            .map(|part| part.chars().count() + SEPARATOR.len())
            .sum();
        let left = (DESCRIPTION_CHARS_MAX - ADDITION_CHARS_MAX).saturating_sub(fixed);
        let title = shortened(&self.title, left);
        let parts = [head, party, title, self.period.clone()];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(SEPARATOR)
    }
}

fn own<'a>(code: &Code<'a>) -> Cow<'a, str> {
    code.text().unwrap_or_default()
}

fn day(day: &Day) -> Option<Date> {
    match day.when() {
        When::Day(day) => Some(day),
        _ => None,
    }
}

fn employee_of(employee: &Employee) -> String {
    let names = [&employee.first_name, &employee.last_name];
    let names: Vec<Cow<str>> = names.into_iter().filter_map(|name| name.text()).collect();
    with_id(clean(&names.join(" ")), &own(&employee.id))
}

fn with_id(name: String, id: &str) -> String {
    match (name.is_empty(), id.is_empty()) {
        (_, true) => name,
        (true, false) => clean(id),
        (false, false) => format!("{name} ({})", clean(id)),
    }
}

fn period(first: Option<Date>, last: Option<Date>) -> String {
    match (first, last) {
        (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
        (Some(day), _) | (None, Some(day)) => day.to_string(),
        (None, None) => String::new(),
    }
}
