//! Payment requests on the wire, v3.0 (source: concur-payment-request).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::json::{first_text, is_true, items, json_object, list_rows, member_text};
use super::requests::{encoded, get, with_body};
use crate::contract::http::{Method, Request, Response};
use crate::error_bodies::Unread;

const PAYMENT_REQUEST: &str = "/api/v3.0/invoice/paymentrequest";
const DIGESTS: &str = "/api/v3.0/invoice/paymentrequestdigests";

/// A row of the list of payment requests. It has no custom fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digest {
    /// The payment request's id.
    pub id: String,
    /// Whether it was deleted; such rows stay in the list.
    pub deleted: bool,
}

/// A page of digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DigestPage {
    pub(crate) digests: Vec<Digest>,
    pub(crate) next: Option<String>,
}

/// Payment requests with exactly this invoice number.
pub(crate) fn list_digests(invoice_number: &str, offset: Option<&str>) -> Request {
    let mut target = format!(
        "{DIGESTS}?vendorInvoiceNumber={}&limit=1000",
        encoded(invoice_number)
    );
    if let Some(offset) = offset {
        target.push_str("&offset=");
        target.push_str(&encoded(offset));
    }
    get(target)
}

/// Reads a page of digests.
pub(crate) fn read_digests(response: &Response) -> Result<DigestPage, Unread> {
    let value = json_object(response)?;
    let digests = list_rows(&value, "PaymentRequestDigest")?;
    Ok(DigestPage {
        digests: digests.into_iter().map(digest).collect::<Result<_, _>>()?,
        next: next_offset(&member_text(&value, "NextPage")),
    })
}

// A row that cannot be read may be the one that is looked for.
fn digest(value: &Value) -> Result<Digest, Unread> {
    let id = first_text(value, &["PaymentRequestId", "ID"]);
    if id.is_empty() {
        return Err(Unread::Garbled("a row without an id".to_string()));
    }
    Ok(Digest {
        id,
        deleted: is_true(value, "IsDeleted"),
    })
}

// A full URI, a bare token, null or nothing. A URI is never followed, only its offset is taken out
// of it.
fn next_offset(next: &str) -> Option<String> {
    let next = next.trim();
    if next.is_empty() {
        return None;
    }
    let Some((_, query)) = next.split_once('?') else {
        let is_token = !next.contains("://");
        return is_token.then(|| next.to_string());
    };
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let offset = pairs.into_iter().find(|(key, _)| *key == "offset")?.1;
    let decoded = percent_encoding::percent_decode_str(offset)
        .decode_utf8()
        .ok()?;
    (!decoded.is_empty()).then(|| decoded.into_owned())
}

/// A payment request as Concur shows it, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PaymentRequest {
    /// The id by which Concur reads and changes it.
    pub id: String,
    /// Whether a person deleted it.
    pub deleted: bool,
    /// All text and number members of the header, as text.
    pub header: Value,
    /// The code of the vendor it is to be paid to; empty where Concur does not show it.
    pub vendor_code: String,
    /// The address code of the vendor it is to be paid to; empty where Concur does not show it.
    pub vendor_address: String,
    /// The name of the vendor it is to be paid to.
    pub vendor_name: String,
    /// Its lines, in the order in which Concur lists them.
    pub lines: Vec<Line>,
}

/// A line of a payment request as Concur shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// `LineItemId`, unique inside the request.
    pub id: String,
    /// All members of the line.
    pub fields: Value,
    /// Its allocations, as they are.
    pub allocations: Vec<Value>,
}

/// One payment request in full.
pub(crate) fn get_payment_request(id: &str) -> Request {
    get(format!("{PAYMENT_REQUEST}/{}", encoded(id)))
}

/// Creates a payment request.
pub(crate) fn create_payment_request(json: String) -> Request {
    with_body(Method::Post, PAYMENT_REQUEST, json)
}

/// Changes a payment request; its id is in the body.
pub(crate) fn update_payment_request(json: String) -> Request {
    with_body(Method::Put, PAYMENT_REQUEST, json)
}

/// Reads the id out of the answer to a create or update.
pub(crate) fn read_written_id(response: &Response) -> Result<String, Unread> {
    let id = member_text(&json_object(response)?, "ID");
    if id.is_empty() {
        return Err(Unread::Garbled("the answer names no id".to_string()));
    }
    Ok(id)
}

/// Reads a payment request.
pub(crate) fn read_payment_request(response: &Response) -> Result<PaymentRequest, Unread> {
    let value = json_object(response)?;
    let id = first_text(&value, &["ID", "RequestID"]);
    if id.is_empty() {
        return Err(Unread::Garbled(
            "the answer is not a payment request".to_string(),
        ));
    }
    let vendor = value.get("VendorRemitAddress").cloned().unwrap_or_default();
    let lines = items(&value, "LineItems");
    Ok(PaymentRequest {
        id,
        deleted: is_true(&value, "IsPaymentRequestDeleted"),
        vendor_code: member_text(&vendor, "VendorCode"),
        vendor_address: member_text(&vendor, "AddressCode"),
        vendor_name: member_text(&vendor, "Name"),
        lines: lines.into_iter().map(line).collect(),
        header: value,
    })
}

fn line(value: &Value) -> Line {
    Line {
        id: first_text(value, &["LineItemId", "LineItemID"]),
        allocations: items(value, "Allocations").into_iter().cloned().collect(),
        fields: value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::concur::vendors::read_vendors;
    use crate::error_bodies::tests::answer;
    use proptest::prelude::*;

    #[test]
    fn lists_are_read_in_all_three_forms() {
        for lines in [
            r#"[{"LineItemId":"1"}]"#,
            r#"{"LineItem":[{"LineItemId":"1"}]}"#,
            r#"{"LineItem":{"LineItemId":"1"}}"#,
            r#"{"LineItemId":"1","Description":"d"}"#,
        ] {
            let body = format!(r#"{{"ID":"A","LineItems":{lines}}}"#);
            let read = read_payment_request(&answer(&body)).expect("is read");
            assert_eq!(read.lines.len(), 1, "{lines}");
            assert_eq!(read.lines[0].id, "1", "{lines}");
        }
    }

    #[test]
    fn a_wrapper_around_nothing_holds_nothing() {
        for lines in [
            "null",
            "[]",
            "{}",
            r#"{"LineItem":null}"#,
            r#"{"LineItem":[]}"#,
            r#""""#,
        ] {
            let body = format!(r#"{{"ID":"A","LineItems":{lines}}}"#);
            let read = read_payment_request(&answer(&body)).expect("is read");
            assert_eq!(read.lines, [], "{lines}");
        }
    }

    #[test]
    fn an_answer_without_a_list_proves_nothing() {
        for body in [
            r#"{}"#,
            r#"{"Message":"busy"}"#,
            r#"{"TotalCount":0}"#,
            "[]",
            "null",
        ] {
            let answer = answer(body);
            assert!(
                matches!(read_vendors(&answer), Err(Unread::Garbled(_))),
                "{body}"
            );
            assert!(
                matches!(read_digests(&answer), Err(Unread::Garbled(_))),
                "{body}"
            );
        }
        let nameless = answer(r#"{"PaymentRequestDigest":[{"InvoiceNumber":"1"}]}"#);
        assert!(matches!(read_digests(&nameless), Err(Unread::Garbled(_))));
    }

    #[test]
    fn every_form_of_next_page_is_understood() {
        for (next, expected) in [
            ("", None),
            ("null", Some("null")),
            ("abc==", Some("abc==")),
            (
                "https://us2.api.concursolutions.com/api/v3.0/x?limit=5&offset=a%2Bb",
                Some("a+b"),
            ),
            ("https://evil.example.test/steal", None),
            ("https://us2.api.concursolutions.com/x?limit=5", None),
        ] {
            assert_eq!(next_offset(next).as_deref(), expected, "{next}");
        }
        let page = read_digests(&answer(r#"{"PaymentRequestDigest":null,"NextPage":null}"#));
        assert_eq!(page.expect("is read").next, None);
    }

    #[test]
    fn a_deleted_request_says_so_in_text() {
        let read = read_payment_request(&answer(r#"{"ID":"A","IsPaymentRequestDeleted":"true"}"#));
        assert!(read.expect("is read").deleted);
    }

    proptest! {
        #[test]
        fn queries_carry_any_text(text in ".{0,40}") {
            let target = list_digests(&text, Some(&text)).path_with_query;
            prop_assert!(target.is_ascii() && !target.contains(' ') && !target.contains('#'));
        }
    }
}
