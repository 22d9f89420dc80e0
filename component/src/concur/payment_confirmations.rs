//! Payments of payment requests on the wire, v4 (source: concur-invoice-payment-confirmation).
//!
//! What is paid is read by the history alone: the POST on the same path marks what it shows as
//! fetched, for everybody, and is never sent.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::json::{items, json_object, member_text};
use super::requests::{encoded, get, with_body};
use crate::contract::http::{Method, Request, Response};
use crate::error_bodies::{self, Unread};

const PAYMENTS: &str = "/invoice/payment-confirmation/v4/payments";

/// The most rows of a page.
pub(crate) const PAYMENT_ROWS_MAX: usize = 500;

/// A row of the history of payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PaymentRow {
    /// The id of the payment request.
    pub request_id: String,
    /// PAID, VOID or CANCEL.
    pub status: String,
    /// How it was paid, such as ACH; empty where Concur does not say.
    pub method: String,
    /// The day of the status; empty where Concur does not say.
    pub day: String,
}

impl PaymentRow {
    /// Whether it says that the request is paid.
    pub(crate) fn is_paid(&self) -> bool {
        self.status.eq_ignore_ascii_case("PAID")
    }
}

/// A page, from 1, of the payments of requests with this invoice number and, if it is known, vendor
/// code. The rows say whose they are.
pub(crate) fn list_payments(number: &str, vendor_code: &str, page: u32) -> Request {
    let mut target = format!("{PAYMENTS}?limit={PAYMENT_ROWS_MAX}&page={page}");
    for (name, value) in [("invoiceNumber", number), ("vendorCode", vendor_code)] {
        if !value.is_empty() {
            target.push_str(&format!("&{name}={}", encoded(value)));
        }
    }
    get(target)
}

/// Reads a page of payments: an object with the list `payments`, or the list alone.
pub(crate) fn read_payments(response: &Response) -> Result<Vec<PaymentRow>, Unread> {
    let value: Value = serde_json::from_str(error_bodies::text(response)?)
        .map_err(|error| error_bodies::garbled(&error))?;
    let rows = match &value {
        Value::Array(rows) => rows,
        other => other
            .get("payments")
            .and_then(Value::as_array)
            .ok_or_else(|| Unread::Garbled("the answer has no list `payments`".to_string()))?,
    };
    let row = |row: &Value| PaymentRow {
        request_id: member_text(row, "requestId"),
        status: member_text(row, "paymentStatus"),
        method: member_text(row, "paymentMethodType"),
        day: member_text(row, "paymentStatusDate"),
    };
    Ok(rows.iter().map(row).collect())
}

/// Says that a payment request was paid, or that its payment was taken back, on a day.
pub(crate) fn confirm_payment(request_id: &str, is_paid: bool, day: &str) -> Request {
    let status = if is_paid { "PAID" } else { "VOID" };
    let body = json!([{"requestId": request_id, "paymentStatus": status,
        "paymentMethodType": "CLIENT", "paymentStatusDate": day}]);
    let path = format!("{PAYMENTS}/bulkUpdate");
    with_body(Method::Post, &path, body.to_string())
}

/// Reads the answer to the confirmation of one payment. A payment that failed may be named under
/// 207 or 200.
pub(crate) fn read_payment_confirmed(response: &Response) -> Result<(), Unread> {
    let value = json_object(response)?;
    let failed = items(&value, "failedPayments");
    if let Some(failure) = failed.first() {
        let words = member_text(failure, "errorMessage");
        let refusal = error_bodies::refusal_of_record(response.status, Vec::new(), &words);
        return Err(Unread::Refused(refusal));
    }
    match items(&value, "successfulPayments").is_empty() {
        false => Ok(()),
        true => Err(Unread::Garbled("the answer names no payment".to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_bodies::tests::{answer, answer_with_status};

    #[test]
    fn the_history_is_read_in_both_forms_and_in_no_other() {
        let row = r#"{"requestId":"A1","paymentStatus":"PAID","paymentMethodType":"ACH"}"#;
        for body in [format!("[{row}]"), format!(r#"{{"payments":[{row}]}}"#)] {
            let rows = read_payments(&answer(&body)).expect("is read");
            assert!(rows[0].is_paid() && rows[0].request_id == "A1", "{body}");
        }
        for body in ["{}", r#"{"payments":null}"#, "null", "x"] {
            assert!(
                matches!(read_payments(&answer(body)), Err(Unread::Garbled(_))),
                "{body}"
            );
        }
    }

    #[test]
    fn a_failure_hides_in_a_207() {
        let body = r#"{"status":"MULTI_STATUS","successCount":0,"failureCount":1,
            "successfulPayments":[],"failedPayments":[{"requestId":"A1","errorMessage":"no"}]}"#;
        let Err(Unread::Refused(refusal)) = read_payment_confirmed(&answer_with_status(207, body))
        else {
            panic!("is a refusal");
        };
        assert_eq!(refusal.words, "no");
        let good = r#"{"status":"OK","successfulPayments":[{"requestId":"A1"}]}"#;
        assert_eq!(read_payment_confirmed(&answer(good)), Ok(()));
        let empty = read_payment_confirmed(&answer(r#"{"status":"OK"}"#));
        assert!(matches!(empty, Err(Unread::Garbled(_))));
    }

    #[test]
    fn queries_name_what_is_known() {
        assert_eq!(
            list_payments("20 93", "", 2).path_with_query,
            "/invoice/payment-confirmation/v4/payments?limit=500&page=2&invoiceNumber=20%2093"
        );
    }
}
