//! FreshBooks' invoices and bills beside SAP Concur's payment requests.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::cursor::Cursor;
use super::{
    Unanswered, answered, before_cut_over, field, first_problem, is_within, note, unknown_kind,
};
use crate::concur::{self, Digest, PaymentRequest};
use crate::contract::http::{Request, Response};
use crate::contract::reconciliation::{
    Content, Field, FieldValue, Flow, Page, Period, Reading, Row, Side,
};
use crate::contract::runs::ObjectStatus;
use crate::contract::types::{Note, ObjectRef, System};
use crate::error_bodies;
use crate::freshbooks::{self, Document, DocumentPage, Kind, Party};
use crate::marker;
use crate::payment_request::{self, comparable};
use crate::reference;
use crate::settings::Settings;
use crate::text::non_empty;

/// The flow's name.
pub(super) const NAME: &str = "payment-requests";
/// The kind of its targets.
const TARGET: &str = "payment-request";
/// The plan has no bills (source: freshbooks-errors).
const NO_BILLS: &str = "41001";

/// The flow, if the settings carry anything over.
pub(super) fn flow(settings: &Settings) -> Option<Flow> {
    let kinds = kinds(settings);
    let words = match kinds.as_slice() {
        [] => return None,
        [only] => format!("FreshBooks {only}s"),
        _ => "FreshBooks invoices and bills".to_string(),
    };
    Some(Flow {
        name: NAME.to_string(),
        sources: words,
        targets: "SAP Concur payment requests".to_string(),
        source_kinds: kinds.iter().map(ToString::to_string).collect(),
        target_kinds: [TARGET.to_string()].into(),
        passing_kinds: Vec::new(),
        lists_sources: true,
    })
}

fn kinds(settings: &Settings) -> Vec<&'static str> {
    let kinds = [
        (Kind::Invoice, settings.invoice.enabled),
        (Kind::Bill, settings.bill_enabled),
    ];
    let carried = kinds.into_iter().filter(|(_, is_carried)| *is_carried);
    carried.map(|(kind, _)| kind.name()).collect()
}

pub(super) fn list_request(
    settings: &Settings,
    side: Side,
    period: &Period,
    cursor: Option<&str>,
) -> Option<Request> {
    match side {
        Side::Source => {
            let cursor = Cursor::read(cursor, &kinds(settings))?;
            let kind = Kind::named(cursor.kind)?;
            let account_id = &settings.freshbooks.account_id;
            let (from, to) = (period.from.parse().ok()?, period.to.parse().ok()?);
            Some(freshbooks::list_whole_dated_documents(
                account_id,
                kind,
                cursor.page,
                from,
                to,
            ))
        }
        Side::Target => concur::list_digests_of_days(&period.from, &period.to, cursor),
    }
}

pub(super) fn read_list(
    settings: &Settings,
    side: Side,
    period: &Period,
    cursor: Option<&str>,
    answer: &Response,
) -> Result<Page, Note> {
    let mut page = match side {
        Side::Source => read_documents(settings, cursor, answer)?,
        Side::Target => read_digests(cursor, answer)?,
    };
    // Filters may be ignored silently.
    let is_within = |row: &Row| is_within(period, row.facts.date.as_deref());
    page.rows.retain(is_within);
    Ok(page)
}

fn read_documents(
    settings: &Settings,
    cursor: Option<&str>,
    answer: &Response,
) -> Result<Page, Note> {
    let kinds = kinds(settings);
    let cursor = Cursor::read(cursor, &kinds);
    let place = cursor.and_then(|cursor| Some((cursor, Kind::named(cursor.kind)?)));
    let Some((cursor, kind)) = place else {
        return Err(note("unknown-cursor", "this page was not asked for".into()));
    };
    let listed = match answered_documents(kind, answer) {
        Ok(listed) => listed,
        Err(Unanswered::Missing) => DocumentPage::default(),
        Err(Unanswered::Unreadable(why)) => return Err(why),
    };
    let listed_as = format!("{}s", kind.name());
    let (next, cut) = cursor.next_of_pages(listed.pages, &kinds, &listed_as);
    let rows = listed.documents.into_iter();
    Ok(Page {
        rows: rows
            .map(|document| listed_row(settings, document))
            .collect(),
        next,
        cut,
    })
}

fn answered_documents(kind: Kind, answer: &Response) -> Result<DocumentPage, Unanswered> {
    if kind == Kind::Bill && error_bodies::read_refusal(answer).has_code(NO_BILLS) {
        return Ok(DocumentPage::default());
    }
    answered(
        answer,
        match kind {
            Kind::Invoice => freshbooks::read_invoices,
            Kind::Bill => freshbooks::read_bills,
        },
    )
}

/// A row of a list, which may leave out the lines and the other party's country
/// (source: freshbooks-bills).
fn listed_row(settings: &Settings, document: Document) -> Row {
    let lacks_party = document.country.is_none() && !document.party.id.is_empty();
    let lacks_code = !projects_to_find(settings, &document).is_empty();
    let row = source_row(settings, &document, &BTreeMap::new());
    if document.deleted || !(document.lines.is_empty() || lacks_party || lacks_code) {
        return row;
    }
    Row {
        content: Content::Partial,
        ..row
    }
}

fn projects_to_find(settings: &Settings, document: &Document) -> Vec<ObjectRef> {
    let lines = document.lines.iter();
    reference::unnamed_projects(settings, lines.filter_map(|line| line.project.as_ref()))
}

fn source_row(
    settings: &Settings,
    document: &Document,
    projects: &BTreeMap<String, String>,
) -> Row {
    let object = ObjectRef::freshbooks(document.kind.name(), document.id.clone());
    let marker = marker::marker_for(&settings.connection, &object, TARGET);
    let content = if document.deleted {
        let message = format!("the {} is deleted in FreshBooks", document.kind.name());
        Content::Gone(note("deleted", message))
    } else {
        match payment_request::translate(document, settings, projects, &marker) {
            Ok(translated) => {
                let mut fields = comparable::wanted(&translated, settings);
                let vendor = FieldValue::TargetOf(document.party.clone());
                fields.push(field(comparable::VENDOR, vendor));
                Content::Fields(fields)
            }
            Err(problems) => Content::Unreadable(first_problem(problems)),
        }
    };
    Row {
        object,
        marker: Some(marker),
        facts: document.facts(),
        left_out: left_out(settings, document),
        content,
    }
}

/// Why no run carries a document over that is not there yet.
fn left_out(settings: &Settings, document: &Document) -> Option<Note> {
    if document.draft && !settings.invoice.drafts {
        let message = "a draft; it is carried over when it is sent".to_string();
        return Some(note("draft", message));
    }
    if let Some(nothing) = payment_request::nothing_to_pay(document) {
        return Some(nothing);
    }
    if crate::flows::made_of_invoice(document) {
        let message = "it was made of an invoice of SAP Concur".to_string();
        return Some(note("made-by-us", message));
    }
    before_cut_over(settings, document.issued.as_deref())
}

fn read_digests(cursor: Option<&str>, answer: &Response) -> Result<Page, Note> {
    let page = match answered(answer, concur::read_digests) {
        Ok(page) => page,
        Err(Unanswered::Missing) => {
            let message = "SAP Concur has no list of payment requests".to_string();
            return Err(note("refused", message));
        }
        Err(Unanswered::Unreadable(why)) => return Err(why),
    };
    Ok(Page {
        rows: page.digests.into_iter().map(digest_row).collect(),
        // A cursor that repeats would go round for ever.
        next: page.next.filter(|next| cursor != Some(next.as_str())),
        cut: None,
    })
}

/// A digest has neither custom fields nor lines.
fn digest_row(digest: Digest) -> Row {
    Row {
        content: match digest.deleted {
            true => gone(),
            false => Content::Partial,
        },
        facts: digest.facts(),
        object: ObjectRef::concur(TARGET, digest.id),
        marker: None,
        left_out: None,
    }
}

fn gone() -> Content {
    let message = "the payment request is deleted in SAP Concur".to_string();
    Content::Gone(note("deleted", message))
}

pub(super) fn read_one(
    settings: &Settings,
    object: &ObjectRef,
    answers: &[Response],
    known: &[ObjectStatus],
) -> Reading {
    let kind = Kind::named(&object.kind);
    let read = match (object.system, kind) {
        (System::Freshbooks, Some(kind)) => read_document(settings, kind, object, answers, known),
        (System::Concur, None) if object.kind == TARGET => read_target(settings, object, answers),
        _ => return unknown_kind(object),
    };
    read.unwrap_or_else(Reading::from)
}

fn read_document(
    settings: &Settings,
    kind: Kind,
    object: &ObjectRef,
    answers: &[Response],
    known: &[ObjectStatus],
) -> Result<Reading, Unanswered> {
    let account_id = &settings.freshbooks.account_id;
    let Some(shown) = answers.first() else {
        let request = freshbooks::get_document(account_id, kind, &object.id);
        return Ok(Reading::Send(request));
    };
    let mut document = answered(
        shown,
        match kind {
            Kind::Invoice => freshbooks::read_invoice,
            Kind::Bill => freshbooks::read_bill,
        },
    )?;
    let projects = projects_to_find(settings, &document);
    if known.is_empty() && !projects.is_empty() && !document.deleted {
        return Ok(Reading::Find(projects));
    }
    let codes = reference::linked_codes(known.iter().cloned());
    if document.country.is_some() || document.party.id.is_empty() || document.deleted {
        return Ok(Reading::Record(source_row(settings, &document, &codes)));
    }
    let Some(party) = answers.get(1) else {
        let id = &document.party.id;
        return Ok(Reading::Send(match kind {
            Kind::Invoice => freshbooks::get_client(account_id, id),
            Kind::Bill => freshbooks::get_bill_vendor(account_id, id),
        }));
    };
    let party = match answered_party(kind, party) {
        Err(Unanswered::Missing) => Party::default(),
        party => party?,
    };
    document.country = party.country;
    document.party_name = document.party_name.or(party.name);
    Ok(Reading::Record(source_row(settings, &document, &codes)))
}

fn answered_party(kind: Kind, answer: &Response) -> Result<Party, Unanswered> {
    answered(
        answer,
        match kind {
            Kind::Invoice => freshbooks::read_client,
            Kind::Bill => freshbooks::read_bill_vendor,
        },
    )
}

fn read_target(
    settings: &Settings,
    object: &ObjectRef,
    answers: &[Response],
) -> Result<Reading, Unanswered> {
    let Some(shown) = answers.first() else {
        return Ok(Reading::Send(concur::get_payment_request(&object.id)));
    };
    let shown = answered(shown, concur::read_payment_request)?;
    Ok(Reading::Record(target_row(settings, object, &shown)))
}

fn target_row(settings: &Settings, object: &ObjectRef, shown: &PaymentRequest) -> Row {
    Row {
        object: object.clone(),
        marker: concur::find_custom_text(&shown.header, marker::is_marker),
        facts: shown.facts(),
        left_out: None,
        content: match shown.deleted {
            true => gone(),
            false => Content::Fields(target_fields(settings, shown)),
        },
    }
}

fn target_fields(settings: &Settings, shown: &PaymentRequest) -> Vec<Field> {
    let mut fields = comparable::there(shown, settings);
    // Real answers have both codes, the API description has neither.
    let codes = [&shown.vendor_code, &shown.vendor_address].map(|code| non_empty(code.as_str()));
    if let [Some(code), Some(address)] = codes {
        let key = concur::VendorKey { code, address };
        fields.push(field(comparable::VENDOR, FieldValue::Text(key.to_id())));
    }
    fields
}

#[cfg(test)]
mod tests;
