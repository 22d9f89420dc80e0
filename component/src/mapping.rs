//! Translations without sending anything.

mod financial;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::contract::mapping::{TranslatedRecord, Translation};
use crate::contract::types::{ObjectRef, Problem};
use crate::error_bodies::Unread;
pub use crate::freshbooks::check_accounts;
use crate::freshbooks::{Document, Kind};
use crate::settings::Settings;
use crate::{marker, payment_request, vendor};

/// Translates a document. See `wit/mapping.wit`.
///
/// # Errors
///
/// Every problem found.
///
/// ```
/// use ml_connector_component::contract::mapping::Translation;
/// use ml_connector_component::mapping::preview;
/// use ml_connector_component::settings::Settings;
///
/// # const SETTINGS: &str =
/// #     include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/settings/minimal.json"));
/// let settings = Settings::load("acme", SETTINGS).expect("is right");
/// let invoice = r#"{"id": 7, "invoice_number": "2093", "customerid": 41, "country": "CA",
///     "create_date": "2026-02-27", "currency_code": "CAD",
///     "amount": {"amount": "5.00", "code": "CAD"},
///     "lines": [{"name": "Paper", "unit_cost": {"amount": "5.00", "code": "CAD"}}]}"#;
/// let translations = preview(&settings, "invoice", invoice).expect("translates");
/// let [Translation::Record(record)] = translations.as_slice() else {
///     panic!("an invoice is one record");
/// };
/// assert_eq!(record.target_kind, "payment-request");
/// // Marker included: it is the very body that a run sends.
/// assert!(record.json.contains(r#""Custom24":"mlc-"#));
/// let problems = preview(&settings, "invoice", "{").expect_err("is no document");
/// assert_eq!(problems[0].code, "not-json");
/// ```
pub fn preview(
    settings: &Settings,
    kind: &str,
    document: &str,
) -> Result<Vec<Translation>, Vec<Problem>> {
    if let Some(kind) = financial::kind(kind) {
        return financial::preview(settings, kind, document);
    }
    let Some(kind) = Kind::named(kind) else {
        return Err(one_problem(
            "unknown-kind",
            "the kind must be invoice, bill, expense-document, invoice-document, \
             cash-advance-document or payroll-document"
                .to_string(),
        ));
    };
    let raw = unwrapped(document, kind)?;
    let document = Document::read(kind, raw).map_err(unreadable)?;
    let source = ObjectRef::freshbooks(kind.name(), document.id.clone());
    let marker = marker::marker_for(&settings.connection, &source, "payment-request");
    let translated = payment_request::translate(&document, settings, &marker)?;
    let key = vendor::key_of(&document.party, settings);
    Ok(vec![Translation::Record(TranslatedRecord {
        target_kind: "payment-request".to_string(),
        json: translated.to_create(&key),
        postings: Vec::new(),
    })])
}

/// The object itself, bare, under its key, or in FreshBooks' envelope.
fn unwrapped(text: &str, kind: Kind) -> Result<&RawValue, Vec<Problem>> {
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
    // `response`, `result` and the object's own key: the whole envelope.
    const WRAPPERS_MAX: usize = 3;
    let not_json = |error: serde_json::Error| one_problem("not-json", not_json_message(&error));
    let mut raw: &RawValue = serde_json::from_str(text).map_err(not_json)?;
    for _ in 0..WRAPPERS_MAX {
        let Ok(wrapped) = serde_json::from_str::<Wrapped>(raw.get()) else {
            break;
        };
        let own = match kind {
            Kind::Invoice => wrapped.invoice,
            Kind::Bill => wrapped.bill,
        };
        match wrapped.response.or(wrapped.result).or(own) {
            Some(inner) => raw = inner,
            None => break,
        }
    }
    Ok(raw)
}

/// Where a document stops being JSON, without a parser's words.
fn not_json_message(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    format!("the document is not JSON (line {line}, column {column})")
}

fn unreadable(why: Unread) -> Vec<Problem> {
    match why {
        Unread::Garbled(why) => one_problem("unreadable", why),
        Unread::Refused(refusal) => one_problem("unreadable", refusal.said()),
    }
}

fn one_problem(code: &str, message: String) -> Vec<Problem> {
    vec![Problem {
        pointer: String::new(),
        code: code.to_string(),
        message,
    }]
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::settings::tests::MINIMAL;
    use alloc::format;

    const INVOICE: &str = r#"{"id": 7, "invoice_number": "2093", "customerid": 41, "country": "CA",
        "create_date": "2026-02-27", "currency_code": "CAD", "amount": {"amount": "5.00",
        "code": "CAD"},
        "lines": [{"name": "N", "unit_cost": {"amount": "5.00", "code": "CAD"}}]}"#;

    pub(crate) fn only_record(translations: &[Translation]) -> &TranslatedRecord {
        match translations {
            [Translation::Record(record)] => record,
            other => panic!("is not one record: {other:?}"),
        }
    }

    fn settings() -> Settings {
        Settings::load("acme", MINIMAL).expect("is right")
    }

    fn codes(kind: &str, document: &str) -> Vec<String> {
        let problems = preview(&settings(), kind, document).expect_err("has problems");
        problems.into_iter().map(|problem| problem.code).collect()
    }

    #[test]
    fn every_wrapping_gives_the_same_translation() {
        let bare = preview(&settings(), "invoice", INVOICE).expect("translates");
        let record = only_record(&bare);
        assert_eq!(record.target_kind, "payment-request");
        assert!(record.json.contains(r#""VendorCode":"FB-C41""#));
        for wrapped in [
            format!(r#"{{"invoice": {INVOICE}}}"#),
            format!(r#"{{"result": {{"invoice": {INVOICE}}}}}"#),
            format!(r#"{{"response": {{"result": {{"invoice": {INVOICE}}}}}}}"#),
        ] {
            assert_eq!(preview(&settings(), "invoice", &wrapped), Ok(bare.clone()));
        }
    }

    #[test]
    fn what_cannot_be_previewed_is_said() {
        assert_eq!(codes("expense", INVOICE), ["unknown-kind"]);
        assert_eq!(codes("invoice", "{"), ["not-json"]);
        assert_eq!(codes("invoice", "3"), ["unreadable"]);
        assert_eq!(codes("invoice", r#"{"lines": 3}"#), ["unreadable"]);
        assert!(codes("bill", INVOICE).contains(&"party-missing".to_string()));
    }

    #[test]
    fn a_deep_text_is_no_danger() {
        let deep = format!(
            "{}1{}",
            r#"{"response":"#.repeat(100_000),
            "}".repeat(100_000)
        );
        assert!(!codes("invoice", &deep).is_empty());
    }
}
