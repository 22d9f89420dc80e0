//! Translations without sending anything.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::contract::mapping::Translation;
use crate::contract::types::{ObjectRef, Problem, System};
use crate::document::{Document, Kind};
use crate::refusals::Unread;
use crate::settings::Settings;
use crate::{marker, payment_request, vendor};

/// Translates a FreshBooks document. See `wit/mapping.wit`.
///
/// # Errors
///
/// Every problem found.
pub fn preview(
    settings: &Settings,
    kind: &str,
    document: &str,
) -> Result<Vec<Translation>, Vec<Problem>> {
    let Some(kind) = Kind::named(kind) else {
        return Err(one(
            "unknown-kind",
            "the kind must be invoice or bill".to_string(),
        ));
    };
    let raw = unwrapped(document, kind.name())?;
    let document = Document::read(kind, raw).map_err(unreadable)?;
    let source = ObjectRef {
        system: System::Freshbooks,
        kind: kind.name().to_string(),
        id: document.id.clone(),
    };
    let marker = marker::of("preview", &source, "payment-request");
    let translated = payment_request::translate(&document, settings, &marker)?;
    let key = vendor::key_of(&document.party, settings);
    Ok(vec![Translation {
        target_kind: "payment-request".to_string(),
        json: translated.to_create(&key),
    }])
}

/// The object itself, bare, under its key, or in FreshBooks' envelope.
fn unwrapped<'a>(text: &'a str, key: &str) -> Result<&'a RawValue, Vec<Problem>> {
    #[derive(Deserialize)]
    struct Wrapped<'a> {
        #[serde(borrow)]
        response: Option<&'a RawValue>,
        #[serde(borrow)]
        result: Option<&'a RawValue>,
        #[serde(borrow)]
        invoice: Option<&'a RawValue>,
        #[serde(borrow)]
        bill: Option<&'a RawValue>,
    }
    let not_json = |error: serde_json::Error| one("not-json", error.to_string());
    let raw: &RawValue = serde_json::from_str(text).map_err(not_json)?;
    let wrapped: Wrapped = serde_json::from_str(raw.get()).map_err(not_json)?;
    let own = if key == "invoice" {
        wrapped.invoice
    } else {
        wrapped.bill
    };
    match wrapped.response.or(wrapped.result).or(own) {
        Some(inner) => unwrapped(inner.get(), key),
        None => Ok(raw),
    }
}

fn unreadable(why: Unread) -> Vec<Problem> {
    match why {
        Unread::Garbled(why) => one("unreadable", why),
        Unread::Refused(refusal) => one("refusal", refusal.words),
    }
}

fn one(code: &str, message: String) -> Vec<Problem> {
    vec![Problem {
        pointer: String::new(),
        code: code.to_string(),
        message,
    }]
}
