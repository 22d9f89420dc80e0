//! SAP Concur's financial documents beside the journal entries and bills that they became.
//!
//! SAP Concur lists only the documents that nobody has acknowledged, so that the sources are those
//! that runs have known, and each is read by itself. FreshBooks shows no journal entry alone: the
//! ledger is listed to its bound, and an entry is there if the list has shown it.

mod bills;
mod own_expenses;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rust_decimal::Decimal;

use self::bills::{bill_fields, read_bill};
use super::cursor::Cursor;
use super::{Unanswered, answered, field, first_problem, is_within, note, unknown_kind};
use crate::concur::{self, DocumentType, FinancialRow, FinancialStatus};
use crate::contract::http::{Request, Response};
use crate::contract::reconciliation::{
    Content, Field, FieldValue, Flow, Page, Period, Reading, Row, Side,
};
use crate::contract::runs::{Facts, ObjectStatus};
use crate::contract::types::{Note, ObjectRef, System};
use crate::financial::source::{Source, bill_kind, entry_kind, version};
use crate::financial::{self, Bill, BillOrEntry, Entry, Head, LeftOut, Translated, Untranslatable};
use crate::freshbooks::{self, JournalLine};
use crate::marker;
use crate::money;
use crate::settings::Settings;
use crate::settings::financial::{Endpoint, OwnInvoices};
use crate::text::non_empty;

/// The flow's name.
pub(super) const NAME: &str = "financial-documents";
const SOURCE: &str = "financial-document";
const ENTRY: &str = "journal-entry";
const BILL: &str = "bill";
/// Pages of the ledger that are read, of 100 lines each, as a look-up reads them
/// (`flows::financial_document`).
const PAGES_MAX: u32 = 500;

/// The flow, if the settings bring financial documents.
pub(super) fn flow(settings: &Settings) -> Option<Flow> {
    settings.financial.enabled.then(|| Flow {
        name: NAME.to_string(),
        sources: "SAP Concur financial documents".to_string(),
        targets: "FreshBooks journal entries and bills".to_string(),
        source_kinds: [SOURCE.to_string()].into(),
        target_kinds: [ENTRY, BILL].map(String::from).into(),
        passing_kinds: Vec::new(),
        lists_sources: false,
    })
}

pub(super) fn list_request(
    settings: &Settings,
    side: Side,
    cursor: Option<&str>,
) -> Option<Request> {
    match side {
        Side::Source => None,
        Side::Target => {
            let cursor = Cursor::read(cursor, &[ENTRY])?;
            Some(freshbooks::journal_lines(settings, cursor.page))
        }
    }
}

pub(super) fn read_list(
    settings: &Settings,
    period: &Period,
    cursor: Option<&str>,
    answer: &Response,
) -> Result<Page, Note> {
    let Some(cursor) = Cursor::read(cursor, &[ENTRY]) else {
        return Err(note("unknown-cursor", "this page was not asked for".into()));
    };
    let reader = match settings.financial.endpoint {
        Endpoint::Legacy => freshbooks::read_journal_lines,
        Endpoint::New => freshbooks::read_new_journal_lines,
    };
    let listed = answered(answer, reader).map_err(|why| match why {
        Unanswered::Unreadable(why) => why,
        Unanswered::Missing => note("refused", "FreshBooks has no list of its ledger".into()),
    })?;
    let is_cut = listed.more && cursor.page >= PAGES_MAX;
    let cut = is_cut.then(|| {
        let message = format!(
            "the ledger has more than {PAGES_MAX} pages; journal entries beyond them were not read"
        );
        note("ledger-too-long", message)
    });
    let mut rows = entries(listed.lines);
    // An entry of ours may be on another day than its document.
    let is_wanted =
        |row: &Row| row.marker.is_some() || is_within(period, row.facts.date.as_deref());
    rows.retain(is_wanted);
    Ok(Page {
        rows,
        next: cursor.next(!listed.more || is_cut, &[ENTRY]),
        cut,
    })
}

/// The entries that lines belong to, each with those of its lines that are there.
fn entries(lines: Vec<JournalLine>) -> Vec<Row> {
    let mut entries: BTreeMap<String, Vec<JournalLine>> = BTreeMap::new();
    for line in lines.into_iter().filter(|line| !line.amount.is_zero()) {
        entries.entry(line.entry_id.clone()).or_default().push(line);
    }
    entries.into_iter().map(entry_row).collect()
}

fn entry_row((id, lines): (String, Vec<JournalLine>)) -> Row {
    let first = lines.first();
    let text = |of: fn(&JournalLine) -> &String| first.map(of).cloned().unwrap_or_default();
    let (name, currency, date) = (
        text(|line| &line.name),
        text(|line| &line.currency),
        text(|line| &line.date),
    );
    let sides = lines
        .iter()
        .map(|line| (line.account.as_str(), line.amount));
    let sides: Vec<(&str, Decimal)> = sides.collect();
    let dated = non_empty(date.as_str()).map(|date| field(DATE, FieldValue::Text(date)));
    let fields = details(&sides, &currency).into_iter().chain(dated);
    Row {
        object: ObjectRef::freshbooks(ENTRY, id),
        marker: marker::find_marker(&name).map(String::from),
        facts: Facts {
            number: non_empty(name),
            party: None,
            amount: debits(&sides, &currency),
            currency: non_empty(currency.as_str()),
            date: non_empty(date),
        },
        left_out: None,
        content: Content::Part(fields.collect()),
    }
}

/// The day of an entry.
const DATE: &str = "user_entered_date";

/// One field for each line, as FreshBooks stores it: account, side and amount.
fn details(sides: &[(&str, Decimal)], currency: &str) -> Vec<Field> {
    let detail = |(account, amount): &(&str, Decimal)| {
        let side = match amount.is_sign_positive() {
            true => "debit",
            false => "credit",
        };
        let amount = money::plain(amount.abs());
        let text = format!("{account} {side} {amount} {currency}");
        field("details", FieldValue::Text(text))
    };
    sides.iter().map(detail).collect()
}

/// The sum of the debits: what an entry comes to.
fn debits(sides: &[(&str, Decimal)], currency: &str) -> Option<String> {
    let debits = sides.iter().map(|(_, amount)| *amount);
    let debits: Decimal = debits.filter(Decimal::is_sign_positive).sum();
    Some(money::wire(debits, money::minor_units(currency)?))
}

pub(super) fn read_one(
    settings: &Settings,
    object: &ObjectRef,
    answers: &[Response],
    known: &[ObjectStatus],
) -> Reading {
    let read = match (object.system, object.kind.as_str()) {
        (System::Concur, SOURCE) => read_source(settings, object, answers, known),
        (System::Freshbooks, BILL) => read_bill(settings, object, answers),
        (System::Freshbooks, ENTRY) => Ok(Reading::ListOnly),
        _ => return unknown_kind(object),
    };
    read.unwrap_or_else(Reading::from)
}

fn read_source(
    settings: &Settings,
    object: &ObjectRef,
    answers: &[Response],
    known: &[ObjectStatus],
) -> Result<Reading, Unanswered> {
    let Some(Source::Known(kind, id)) = Source::from_id(&object.id) else {
        let message = "SAP Concur shows no document without the id of its source".to_string();
        return Ok(Reading::Unreadable(note("unknown-source", message)));
    };
    let Some(listed) = answers.first() else {
        return Ok(Reading::Send(concur::list_of_source(kind, &id)));
    };
    let mut rows = answered(listed, concur::read_financial_documents)?.rows;
    let is_it = |row: &FinancialRow| {
        let head = financial::head(kind, &row.document).ok();
        head.is_none_or(|head| head.source_id.eq_ignore_ascii_case(&id))
    };
    rows.retain(is_it);
    // A source that was corrected has an earlier document that was taken back.
    let is_live = |row: &FinancialRow| row.status != FinancialStatus::Recalled;
    let last = rows
        .iter()
        .rposition(is_live)
        .map(|at| rows.swap_remove(at));
    if let Some(row) = last.as_ref().filter(|_| known.is_empty()) {
        let asked = own_expenses::asked(settings, kind, &row.document);
        if !asked.is_empty() {
            return Ok(Reading::Find(asked));
        }
    }
    Ok(match (last, rows.is_empty()) {
        (Some(row), _) => {
            let left_out = own_expenses::left_out(settings, kind, &row.document, known);
            Reading::Record(source_row(settings, object, (kind, &row), &left_out))
        }
        (None, true) => Reading::Missing,
        (None, false) => Reading::Record(recalled(object)),
    })
}

fn recalled(object: &ObjectRef) -> Row {
    let message = "it was recalled in SAP Concur".to_string();
    Row {
        object: object.clone(),
        marker: None,
        facts: Facts::default(),
        left_out: None,
        content: Content::Gone(note("recalled", message)),
    }
}

fn source_row(
    settings: &Settings,
    object: &ObjectRef,
    (kind, row): (DocumentType, &FinancialRow),
    own: &LeftOut,
) -> Row {
    let head = financial::head(kind, &row.document).ok();
    let revision = head.as_ref().map_or("", |head| &head.revision);
    let version = version(&row.id, revision);
    let marker = |target: String| marker::marker_for(&settings.connection, object, &target);
    let facts = head.as_ref().map(Head::facts).unwrap_or_default();
    let blank = Row {
        object: object.clone(),
        marker: Some(marker(entry_kind(&version))),
        left_out: head.as_ref().and_then(|head| left_out(settings, head)),
        facts,
        content: Content::Fields(Vec::new()),
    };
    match expected(settings, kind, &row.document, own) {
        Ok(Expected::Bill(bill)) => Row {
            marker: Some(marker(bill_kind(&version))),
            facts: Facts {
                amount: Some(bill.wire_amount(bill.total)),
                date: Some(bill.date.clone()),
                ..blank.facts
            },
            content: Content::Fields(bill_fields(settings, &bill)),
            ..blank
        },
        Ok(Expected::Entry(entry)) => expected_entry(settings, &entry.merged(), blank),
        Ok(Expected::Nothing(why)) => Row {
            left_out: Some(why),
            ..blank
        },
        Err(untranslatable) => Row {
            content: Content::Unreadable(first_problem(untranslatable.problems)),
            ..blank
        },
    }
}

/// Why no entry is made of a document that has none.
fn left_out(settings: &Settings, head: &Head) -> Option<Note> {
    let financial = &settings.financial;
    let mut customs = head.customs.iter();
    let is_ours = customs.any(|value| marker::is_marker(value));
    if is_ours && financial.own_invoices != OwnInvoices::Post {
        let message = "it came from FreshBooks, and is not posted again".to_string();
        return Some(note("own-invoice", message));
    }
    (!financial.ledgers.takes(&head.entity)).then(|| {
        let message = "`financial.ledgers` leaves it to others".to_string();
        note("other-ledger", message)
    })
}

/// What a document should have become.
enum Expected {
    Bill(Bill),
    Entry(Entry),
    Nothing(Note),
}

fn expected(
    settings: &Settings,
    kind: DocumentType,
    document: &str,
    own: &LeftOut,
) -> Result<Expected, Untranslatable> {
    let is_bill = kind == DocumentType::Invoice && settings.financial.makes_bills();
    if is_bill && let BillOrEntry::Bill(bill) = financial::bill(document, settings)? {
        return Ok(Expected::Bill(bill));
    }
    Ok(
        match financial::translate_with_head(kind, document, settings, own)?.0 {
            Translated::Entry(entry) => Expected::Entry(entry),
            Translated::NotPosted { code, message } => Expected::Nothing(note(code, message)),
        },
    )
}

fn expected_entry(settings: &Settings, entry: &Entry, blank: Row) -> Row {
    let sides = entry.lines.iter();
    let sides = sides.map(|line| (line.account.as_str(), line.amount));
    let sides: Vec<(&str, Decimal)> = sides.collect();
    let mut fields = details(&sides, &entry.currency);
    fields.extend(own_day(settings, DATE, &entry.date));
    Row {
        facts: Facts {
            amount: debits(&sides, &entry.currency),
            currency: non_empty(entry.currency.as_str()),
            date: Some(entry.date.clone()),
            ..blank.facts
        },
        content: Content::Fields(fields),
        ..blank
    }
}

/// The day of what is posted, where it is the document's own: one that was moved out of a closed
/// period may since have been moved by another setting.
fn own_day(settings: &Settings, name: &str, date: &str) -> Option<Field> {
    let day = settings.financial.posting_day(date).ok()?;
    (day == date).then(|| field(name, FieldValue::Text(day)))
}

#[cfg(test)]
mod tests;
