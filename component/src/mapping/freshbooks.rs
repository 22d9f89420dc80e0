//! Invoices and bills of FreshBooks, in whatever they came wrapped, and what is none of them.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::value::RawValue;

use super::{json_in, one_problem};
use crate::contract::http::{Body, Response};
use crate::contract::mapping::{TranslatedRecord, Translation};
use crate::contract::types::{Note, ObjectRef, Problem};
use crate::error_bodies::read_refusal;
use crate::freshbooks::{Document, Kind, Party};
use crate::lax_json::{Object, rows};
use crate::settings::Settings;
use crate::text::quoted;
use crate::{marker, payment_request, vendor};

/// As much of a remote's words is repeated in a problem's message.
const SHOWN_CHARS_MAX: usize = 200;

pub(super) fn preview(
    settings: &Settings,
    kind: Kind,
    text: &str,
) -> Result<Vec<Translation>, Vec<Problem>> {
    let raw = document_in(text, kind)?;
    let document = Document::read(kind, raw).map_err(|_| not_a_document(kind))?;
    if let Some(note) = why_nothing(&document, settings) {
        return Ok(vec![Translation::Nothing(note)]);
    }
    let source = ObjectRef::freshbooks(kind.name(), document.id.clone());
    let marker = marker::marker_for(&settings.connection, &source, "payment-request");
    let translated = payment_request::translate(&document, settings, &BTreeMap::new(), &marker)?;
    let key = vendor::key_of(&document.party, settings);
    Ok(vec![
        record("payment-request", translated.to_create(&key)),
        record("vendor", vendor_of(&document, raw, settings)),
    ])
}

fn record(target_kind: &str, json: String) -> Translation {
    Translation::Record(TranslatedRecord {
        target_kind: target_kind.to_string(),
        json,
        postings: Vec::new(),
    })
}

/// The body of the vendor, of what the document shows of its client or bill vendor.
fn vendor_of(document: &Document, raw: &RawValue, settings: &Settings) -> String {
    let party = match document.kind {
        Kind::Invoice => Party::read_in_invoice(raw).ok(),
        Kind::Bill => {
            let object = Object::read(raw).unwrap_or_default();
            let vendor = object.get("vendor");
            vendor.and_then(|raw| Party::read_bill_vendor(raw).ok())
        }
    };
    let party = party.unwrap_or_default();
    let party = Party {
        currency: party.currency.or(Some(document.currency.clone())),
        ..party
    };
    vendor::as_shown(&document.party, &party, settings).to_create()
}

/// Why a run sends nothing of a document that is there and right.
fn why_nothing(document: &Document, settings: &Settings) -> Option<Note> {
    let (code, message) = if document.deleted {
        let message = format!(
            "the {} is deleted in FreshBooks; a run creates nothing of it, and asks you to delete \
             the payment request where there is one",
            document.kind.name()
        );
        ("deleted", message)
    } else if document.draft && !settings.invoice.drafts {
        let message = "the invoice is a draft; it is carried over when it is sent, or at once with \
                       `invoice.drafts = true`";
        ("draft", message.to_string())
    } else if let Some(nothing) = payment_request::nothing_to_pay(document) {
        return Some(nothing);
    } else {
        return None;
    };
    let code = code.to_string();
    Some(Note { code, message })
}

/// The object itself, bare, under its key, or in FreshBooks' envelope.
fn document_in(text: &str, kind: Kind) -> Result<&RawValue, Vec<Problem>> {
    // `response`, `result` and the object's own key: the whole envelope.
    const WRAPPERS_MAX: usize = 3;
    let mut raw = json_in(text)?;
    for _ in 0..WRAPPERS_MAX {
        let wrapped = Object::read(raw).unwrap_or_default();
        let inner = ["response", "result", kind.name()].map(|name| wrapped.get(name));
        match inner.into_iter().flatten().next() {
            Some(inner) => raw = inner,
            None => break,
        }
    }
    match Object::read(raw) {
        Some(object) if is_document(&object, kind) => Ok(raw),
        Some(object) => Err(what_it_is(&object, kind, text)),
        None if raw.get().trim_start().starts_with('[') => Err(list(raw, kind)),
        None => Err(not_a_document(kind)),
    }
}

/// Whether it has a member that only this kind has, or one that both have and none of the other.
fn is_document(object: &Object, kind: Kind) -> bool {
    let has_any = |names: &[&str]| names.iter().any(|name| object.has(name));
    let shared = ["lines", "amount", "total_amount", "due_date"];
    has_any(own_members(kind)) || has_any(&shared) && !has_any(own_members(other(kind)))
}

fn own_members(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Invoice => &["invoiceid", "invoice_number", "customerid", "create_date"],
        Kind::Bill => &["bill_number", "vendorid", "vendor", "issue_date"],
    }
}

fn other(kind: Kind) -> Kind {
    match kind {
        Kind::Invoice => Kind::Bill,
        Kind::Bill => Kind::Invoice,
    }
}

fn what_it_is(object: &Object, kind: Kind, text: &str) -> Vec<Problem> {
    let other = other(kind);
    if let Some(raw) = object.get(kind.list()) {
        return list(raw, kind);
    }
    let is_wrapped = object.get(other.name()).is_some();
    if is_wrapped || object.get(other.list()).is_some() || is_document(object, other) {
        let name = other.name();
        let message = format!(
            "this is {} {name}, not {} {}; use --kind {name}",
            article(other),
            article(kind),
            kind.name()
        );
        return one_problem("other-kind", message);
    }
    let errors = ["errors", "error", "errno", "error_type", "message"];
    if errors.iter().any(|name| object.get(name).is_some()) {
        return error_answer(text, kind);
    }
    not_a_document(kind)
}

fn article(kind: Kind) -> &'static str {
    match kind {
        Kind::Invoice => "an",
        Kind::Bill => "a",
    }
}

fn list(raw: &RawValue, kind: Kind) -> Vec<Problem> {
    let rows = rows(raw).unwrap_or_default();
    let is_one = |raw: &&RawValue| Object::read(raw).is_some_and(|row| is_document(&row, kind));
    let are_documents = rows.iter().all(is_one);
    let message = format!(
        "this is a list of {} {}; preview takes one {}, as FreshBooks shows it alone and with its \
         lines",
        rows.len(),
        if are_documents {
            kind.list()
        } else {
            "entries"
        },
        kind.name()
    );
    one_problem("list", message)
}

fn error_answer(text: &str, kind: Kind) -> Vec<Problem> {
    let answer = Response {
        status: 200,
        headers: Vec::new(),
        body: Body::Text(String::from(text)),
    };
    let words = read_refusal(&answer).words;
    let message = format!(
        "this is no {} but FreshBooks' answer that it refuses to show one: {}",
        kind.name(),
        quoted(&words, SHOWN_CHARS_MAX)
    );
    one_problem("error-answer", message)
}

fn not_a_document(kind: Kind) -> Vec<Problem> {
    let message = format!(
        "there is no {} in it; preview takes the JSON that FreshBooks answers when it is asked for \
         one",
        kind.name()
    );
    one_problem("not-a-document", message)
}
