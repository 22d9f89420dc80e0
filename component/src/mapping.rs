//! Translations without sending anything.

mod expense;
mod financial;
mod freshbooks;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::value::RawValue;

use crate::contract::mapping::Translation;
use crate::contract::types::Problem;
use crate::freshbooks::Kind;
pub use crate::freshbooks::check_accounts;
use crate::settings::Settings;

/// What Windows programs put before UTF-8 text.
const BYTE_ORDER_MARK: char = '\u{feff}';

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
/// let [Translation::Record(record), Translation::Record(vendor)] = translations.as_slice() else {
///     panic!("an invoice is a vendor and a payment request");
/// };
/// assert!(vendor.target_kind == "vendor" && vendor.json.contains(r#""VendorCode":"FB-C41""#));
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
    let document = document.trim_start_matches(BYTE_ORDER_MARK);
    if let Some(kind) = financial::kind(kind) {
        json_in(document)?;
        return financial::preview(settings, kind, document);
    }
    if kind == expense::KIND {
        return expense::preview(settings, document);
    }
    let Some(kind) = Kind::named(kind) else {
        return Err(one_problem(
            "unknown-kind",
            "the kind must be invoice, bill, expense, expense-document, invoice-document, \
             cash-advance-document or payroll-document"
                .to_string(),
        ));
    };
    freshbooks::preview(settings, kind, document)
}

/// The text, if it is JSON.
fn json_in(text: &str) -> Result<&RawValue, Vec<Problem>> {
    serde_json::from_str(text).map_err(|error| {
        let message = match text.trim_start().chars().next() {
            None => "there is nothing in it".to_string(),
            Some('<') => {
                "this is a web page or XML, not JSON; was the answer a sign-in page?".to_string()
            }
            Some(_) if error.is_eof() => "this JSON is cut off; is the file whole?".to_string(),
            Some(_) => format!(
                "this is not JSON: it cannot be read from line {}, column {} on",
                error.line(),
                error.column()
            ),
        };
        one_problem("not-json", message)
    })
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
    use crate::contract::mapping::TranslatedRecord;
    use crate::settings::tests::MINIMAL;

    /// The last of the records of an invoice or bill.
    pub(crate) fn payment_request_in(translations: &[Translation]) -> &TranslatedRecord {
        match translations {
            [Translation::Record(request), Translation::Record(vendor)] => {
                assert_eq!(vendor.target_kind, "vendor");
                assert_eq!(request.target_kind, "payment-request");
                request
            }
            other => panic!("is not a vendor and a payment request: {other:?}"),
        }
    }

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
        let record = payment_request_in(&bare);
        assert!(record.json.contains(r#""VendorCode":"FB-C41""#));
        for wrapped in [
            format!(r#"{{"invoice": {INVOICE}}}"#),
            format!(r#"{{"result": {{"invoice": {INVOICE}}}}}"#),
            format!(r#"{{"response": {{"result": {{"invoice": {INVOICE}}}}}}}"#),
        ] {
            assert_eq!(preview(&settings(), "invoice", &wrapped), Ok(bare.clone()));
        }
    }

    fn said(kind: &str, document: &str) -> (String, String) {
        let mut problems = preview(&settings(), kind, document).expect_err("has problems");
        assert_eq!(problems.len(), 1, "{problems:?}");
        let problem = problems.remove(0);
        for word in ["expected", "struct", "missing field", "duplicate"] {
            assert!(!problem.message.contains(word), "{}", problem.message);
        }
        (problem.code, problem.message)
    }

    #[test]
    fn what_is_no_document_is_said_in_one_sentence() {
        let bill = r#"{"id": 1, "vendorid": 2, "bill_number": "3", "lines": []}"#;
        for (kind, document, code, part) in [
            ("receipt", INVOICE, "unknown-kind", "invoice, bill, expense"),
            ("expense", INVOICE, "not-a-document", "no expense"),
            ("invoice", "{", "not-json", "cut off"),
            ("expense-document", "{", "not-json", "cut off"),
            ("bill", "{]", "not-json", "line 1, column 2"),
            ("invoice", " \n", "not-json", "nothing"),
            ("invoice", "<html>Sign in</html>", "not-json", "web page"),
            ("invoice", "3", "not-a-document", "no invoice"),
            ("invoice", "{}", "not-a-document", "no invoice"),
            (
                "invoice",
                r#"{"response": {"result": {}}}"#,
                "not-a-document",
                "no invoice",
            ),
            (
                "bill",
                r#"{"client": {"id": 1}}"#,
                "not-a-document",
                "no bill",
            ),
            ("bill", INVOICE, "other-kind", "an invoice"),
            ("invoice", bill, "other-kind", "a bill"),
            (
                "invoice",
                &format!(r#"{{"bill": {bill}}}"#),
                "other-kind",
                "a bill",
            ),
            ("invoice", &format!("[{INVOICE}, {INVOICE}]"), "list", "2"),
            (
                "invoice",
                &format!(r#"{{"response": {{"result": {{"invoices": [{INVOICE}], "page": 1}}}}}}"#),
                "list",
                "1 ",
            ),
            (
                "bill",
                r#"{"response": {"errors": [{"errno": 1012, "message": "Bill not found."}]}}"#,
                "error-answer",
                "Bill not found.",
            ),
            (
                "invoice",
                r#"{"error": "invalid_token", "error_description": "It has expired."}"#,
                "error-answer",
                "It has expired.",
            ),
        ] {
            let (found, message) = said(kind, document);
            assert_eq!(found, code, "{document}: {message}");
            assert!(message.contains(part), "{document}: {message}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        let bare = preview(&settings(), "invoice", INVOICE);
        let marked = format!("{BYTE_ORDER_MARK}{INVOICE}");
        assert_eq!(preview(&settings(), "invoice", &marked), bare);
    }

    #[test]
    fn of_what_no_run_sends_nothing_is_shown() {
        for (member, code) in [
            (r#""vis_state": 1"#, "deleted"),
            (r#""vis_state": "1""#, "deleted"),
            (r#""status": 1"#, "draft"),
            (r#""v3_status": "draft""#, "draft"),
        ] {
            let document = INVOICE.replacen('{', &format!("{{{member}, "), 1);
            let translations = preview(&settings(), "invoice", &document);
            match translations.as_deref() {
                Ok([Translation::Nothing(note)]) => assert_eq!(note.code, code),
                other => panic!("{member}: {other:?}"),
            }
        }
        let json = MINIMAL.replacen('{', r#"{"invoice": {"drafts": true}, "#, 1);
        let settings = Settings::load("acme", &json).expect("is right");
        let draft = INVOICE.replacen('{', r#"{"status": 1, "#, 1);
        let shown = preview(&settings, "invoice", &draft).expect("translates");
        payment_request_in(&shown);
    }

    #[test]
    fn a_preview_shows_the_vendor_as_the_document_shows_it() {
        let street = r#""street": "1 Mill Lane", "province": "Ontario", "lines""#;
        let invoice = INVOICE.replace(r#""lines""#, street);
        let shown = preview(&settings(), "invoice", &invoice).expect("translates");
        payment_request_in(&shown);
        let Translation::Record(vendor) = &shown[1] else {
            panic!("is a record");
        };
        let vendor: serde_json::Value = serde_json::from_str(&vendor.json).expect("is JSON");
        let vendor = &vendor["Vendor"][0];
        for (member, expected) in [
            ("VendorCode", "FB-C41"),
            ("AddressCode", "MAIN"),
            ("CountryCode", "CA"),
            ("CurrencyCode", "CAD"),
            ("Address1", "1 Mill Lane"),
            ("State", "ON"),
        ] {
            assert_eq!(vendor[member], expected, "{member}");
        }
        // A run reads the client itself: what the invoice leaves out is no problem.
        assert!(vendor.get("VendorName").is_none(), "{vendor}");
        let nothing = INVOICE.replace(
            r#""amount": "5.00",
        "code""#,
            r#""amount": "0.00", "code""#,
        );
        let shown = preview(&settings(), "invoice", &nothing);
        match shown.as_deref() {
            Ok([Translation::Nothing(note)]) => assert_eq!(note.code, "nothing-to-pay"),
            other => panic!("{other:?}"),
        }
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
