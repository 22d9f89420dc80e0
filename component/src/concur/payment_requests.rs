//! Payment requests on the wire, v3.0 (source: concur-payment-request).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use super::json::{first_text, is_true, items, json_object, member_text};
use super::requests::{encoded, get, with_body};
use crate::contract::http::{Method, Request, Response};
use crate::error_bodies::Unread;

const PAYMENT_REQUEST: &str = "/api/v3.0/invoice/paymentrequest";

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
    use crate::error_bodies::tests::answer;

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
    fn a_deleted_request_says_so_in_text() {
        let read = read_payment_request(&answer(r#"{"ID":"A","IsPaymentRequestDeleted":"true"}"#));
        assert!(read.expect("is read").deleted);
    }
}
