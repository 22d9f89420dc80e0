//! SAP Concur's side of the wire: requests, and what their answers hold.
//!
//! Answers come as arrays, as `{"LineItem": [...]}` wrappers left over from XML, or as single
//! objects; booleans and amounts come as text. All are accepted. (Concur docs, payment request, and
//! what integrators report.)

mod financial;
mod subscriptions;
mod vendors;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::contract::http::{BodyPart, Header, Method, Request, Response};
use crate::contract::types::{Duration, System};
use crate::refusals::{self, Unread};

pub(crate) use financial::{
    DocumentPage, Posting, Row, Said, Status, acknowledge, confirm_failed, confirm_posted,
    of_source, read_documents, read_said, ready,
};
pub(crate) use subscriptions::{
    Subscription, put_subscription, read_saved, read_subscription, subscription,
};
pub use vendors::{Vendor, VendorKey};
pub(crate) use vendors::{
    create_vendor, read_vendor_written, read_vendors, vendors_by_key, vendors_by_name, with_key,
};

/// Concur ends a request after 60 s itself; a client must wait longer. (Concur docs, HTTP status
/// codes.)
const TIMEOUT: Duration = 65_000;
const PAYMENT_REQUEST: &str = "/api/v3.0/invoice/paymentrequest";
const DIGESTS: &str = "/api/v3.0/invoice/paymentrequestdigests";
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A row of the list of payment requests. It has no custom fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
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
pub(crate) fn digests(invoice_number: &str, offset: Option<&str>) -> Request {
    let mut target = format!(
        "{DIGESTS}?vendorInvoiceNumber={}&limit=1000",
        query(invoice_number)
    );
    if let Some(offset) = offset {
        target.push_str("&offset=");
        target.push_str(&query(offset));
    }
    get(target)
}

/// Reads a page of digests.
pub(crate) fn read_digests(response: &Response) -> Result<DigestPage, Unread> {
    let value = json(response)?;
    let digests = listed(&value, "PaymentRequestDigest")?;
    Ok(DigestPage {
        digests: digests.into_iter().map(digest).collect::<Result<_, _>>()?,
        next: next_offset(&text(&value, "NextPage")),
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
        deleted: truth(value, "IsDeleted"),
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

/// A payment request as Concur tells it, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRequest {
    /// Its id.
    pub id: String,
    /// Whether a person deleted it.
    pub deleted: bool,
    /// All text and number members of the header, as text.
    pub header: Value,
    /// The code of the vendor it is to be paid to; empty where Concur does not tell.
    pub vendor_code: String,
    /// The address code of the vendor it is to be paid to; empty where Concur does not tell.
    pub vendor_address: String,
    /// The name of the vendor it is to be paid to.
    pub vendor_name: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// A line of a payment request as Concur tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `LineItemId`, unique inside the request.
    pub id: String,
    /// All members of the line.
    pub fields: Value,
    /// Its allocations, as they are.
    pub allocations: Vec<Value>,
}

/// One payment request in full.
pub(crate) fn payment_request(id: &str) -> Request {
    get(format!("{PAYMENT_REQUEST}/{}", query(id)))
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
pub(crate) fn read_id(response: &Response) -> Result<String, Unread> {
    let id = text(&json(response)?, "ID");
    if id.is_empty() {
        return Err(Unread::Garbled("the answer names no id".to_string()));
    }
    Ok(id)
}

/// Reads a payment request.
pub(crate) fn read_payment_request(response: &Response) -> Result<PaymentRequest, Unread> {
    let value = json(response)?;
    let id = first_text(&value, &["ID", "RequestID"]);
    if id.is_empty() {
        return Err(Unread::Garbled(
            "the answer is no payment request".to_string(),
        ));
    }
    let vendor = value.get("VendorRemitAddress").cloned().unwrap_or_default();
    let lines = items(&value, "LineItems");
    Ok(PaymentRequest {
        id,
        deleted: truth(&value, "IsPaymentRequestDeleted"),
        vendor_code: text(&vendor, "VendorCode"),
        vendor_address: text(&vendor, "AddressCode"),
        vendor_name: text(&vendor, "Name"),
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

/// A member as text; empty for null, missing, objects and arrays.
pub(crate) fn text(value: &Value, member: &str) -> String {
    match value.get(member) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(flag)) => flag.to_string(),
        _ => String::new(),
    }
}

fn first_text(value: &Value, names: &[&str]) -> String {
    names
        .iter()
        .map(|name| text(value, name))
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

fn truth(value: &Value, member: &str) -> bool {
    matches!(
        text(value, member).to_ascii_lowercase().as_str(),
        "true" | "y" | "1"
    )
}

/// The rows of a list answer: under the member that is really filled, or under the declared
/// `Items`. An answer with neither is none, and nothing may be concluded from it.
fn listed<'a>(value: &'a Value, member: &str) -> Result<Vec<&'a Value>, Unread> {
    if value.get(member).is_none() && value.get("Items").is_none() {
        return Err(Unread::Garbled(format!(
            "the answer has no list `{member}`"
        )));
    }
    let rows = items(value, member);
    if rows.is_empty() {
        return Ok(items(value, "Items"));
    }
    Ok(rows)
}

/// The items of a list in any of its three forms; none for a wrapper around nothing.
fn items<'a>(value: &'a Value, member: &str) -> Vec<&'a Value> {
    let Some(list) = value.get(member) else {
        return Vec::new();
    };
    let inner = match list {
        Value::Array(items) => return items.iter().collect(),
        Value::Object(inner) => inner,
        _ => return Vec::new(),
    };
    match inner.values().next() {
        Some(Value::Array(items)) if inner.len() == 1 => items.iter().collect(),
        Some(item @ Value::Object(_)) if inner.len() == 1 => vec![item],
        None | Some(Value::Null) if inner.len() <= 1 => Vec::new(),
        _ => vec![list],
    }
}

fn json(response: &Response) -> Result<Value, Unread> {
    let value: Value = serde_json::from_str(refusals::text(response)?)
        .map_err(|error| refusals::garbled(&error))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(Unread::Garbled("the answer is no JSON object".to_string()))
    }
}

fn get(path_with_query: String) -> Request {
    Request {
        system: System::Concur,
        bearer: None,
        method: Method::Get,
        path_with_query,
        headers: vec![accept()],
        body: Vec::new(),
        timeout: TIMEOUT,
    }
}

fn with_body(method: Method, path: &str, json: String) -> Request {
    Request {
        system: System::Concur,
        bearer: None,
        method,
        path_with_query: path.to_string(),
        headers: vec![
            accept(),
            Header {
                name: "content-type".to_string(),
                value: "application/json".to_string(),
            },
        ],
        body: vec![BodyPart::Text(json)],
        timeout: TIMEOUT,
    }
}

// Without it the answers are XML. (Integrators.)
fn accept() -> Header {
    Header {
        name: "accept".to_string(),
        value: "application/json".to_string(),
    }
}

fn query(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::http::Body;
    use proptest::prelude::*;

    fn answer(body: &str) -> Response {
        Response {
            status: 200,
            headers: Vec::new(),
            body: Body::Text(body.to_string()),
        }
    }

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
    fn rows_are_found_under_either_member() {
        for body in [
            r#"{"Vendor":[{"VendorCode":"A"}],"Items":null}"#,
            r#"{"Vendor":null,"Items":[{"VendorCode":"A"}]}"#,
            r#"{"Items":{"Vendor":{"VendorCode":"A"}}}"#,
        ] {
            assert_eq!(
                read_vendors(&answer(body)).expect("is read").len(),
                1,
                "{body}"
            );
        }
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
    fn a_refused_vendor_hides_in_a_200() {
        let body = r#"{"Vendor":[{"VendorCode":"FB-1","StatusList":[{"Code":9,"Message":"State is missing","Type":"WARNING"}]}]}"#;
        let Err(Unread::Refused(refusal)) = read_vendor_written(&answer(body)) else {
            panic!("is a refusal");
        };
        assert_eq!(refusal.words, "State is missing");
        let wordless = r#"{"Vendor":[{"VendorCode":"FB-1","StatusList":[{"Type":"ERROR"}]}]}"#;
        let Err(Unread::Refused(refusal)) = read_vendor_written(&answer(wordless)) else {
            panic!("is a refusal");
        };
        assert!(!refusal.words.is_empty());
    }

    #[test]
    fn a_deleted_request_says_so_in_text() {
        let read = read_payment_request(&answer(r#"{"ID":"A","IsPaymentRequestDeleted":"true"}"#));
        assert!(read.expect("is read").deleted);
    }

    #[test]
    fn keys_are_compared_without_case() {
        let vendors = vec![Vendor {
            key: VendorKey {
                code: "fb-c1".to_string(),
                address: "main".to_string(),
            },
            name: String::new(),
            address1: String::new(),
            postal_code: String::new(),
        }];
        let key = VendorKey {
            code: "FB-C1".to_string(),
            address: "MAIN".to_string(),
        };
        assert!(with_key(vendors, &key).is_some());
    }

    proptest! {
        #[test]
        fn a_vendor_key_survives_as_an_id(code in ".{1,32}", address in ".{1,32}") {
            let key = VendorKey { code, address };
            prop_assert_eq!(VendorKey::from_id(&key.to_id()), Some(key));
        }

        #[test]
        fn queries_carry_any_text(text in ".{0,40}") {
            let target = digests(&text, Some(&text)).path_with_query;
            prop_assert!(target.is_ascii() && !target.contains(' ') && !target.contains('#'));
        }
    }
}
