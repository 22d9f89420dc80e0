//! The list of payment requests on the wire, v3.0 (source: concur-payment-request-digest).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jiff::civil::Date;
use serde_json::Value;

use super::json::{first_text, is_true, json_object, list_rows, member_text};
use super::requests::{encoded, get};
use crate::contract::http::{Request, Response};
use crate::error_bodies::Unread;

const DIGESTS: &str = "/api/v3.0/invoice/paymentrequestdigests";

/// A row of the list of payment requests. It has no custom fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digest {
    /// The payment request's id.
    pub id: String,
    /// `InvoiceNumber`; empty where Concur shows none.
    pub number: String,
    /// The code of its vendor; empty where Concur shows none: real answers have it, the API
    /// description does not.
    pub vendor_code: String,
    /// The name of its vendor; empty where Concur shows none.
    pub vendor_name: String,
    /// `Total`, as Concur writes it.
    pub total: String,
    /// The currency of the total.
    pub currency: String,
    /// The invoice's own date, as Concur writes it.
    pub date: String,
    /// Whether it was deleted; such rows stay in the list.
    pub deleted: bool,
}

/// A page of digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DigestPage {
    pub(crate) digests: Vec<Digest>,
    pub(crate) next: Option<String>,
}

/// Payment requests with exactly this invoice number. A filter may be ignored silently, so the rows
/// say which number they have.
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

/// Payment requests between two days by their invoices' own dates, both included. Whether the
/// filter includes its own day is not documented, so that a day more is asked for on either side
/// (source: concur-payment-request-digest); nothing for what is no day.
pub(crate) fn list_digests_of_days(
    first: &str,
    last: &str,
    offset: Option<&str>,
) -> Option<Request> {
    let (first, last): (Date, Date) = (first.parse().ok()?, last.parse().ok()?);
    let before = last.tomorrow().unwrap_or(last);
    let after = first.yesterday().unwrap_or(first);
    let mut target =
        format!("{DIGESTS}?userDefinedDateAfter={after}&userDefinedDateBefore={before}&limit=1000");
    if let Some(offset) = offset {
        target.push_str("&offset=");
        target.push_str(&encoded(offset));
    }
    Some(get(target))
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
        number: member_text(value, "InvoiceNumber"),
        vendor_code: member_text(value, "VendorCode"),
        vendor_name: member_text(value, "VendorName"),
        total: member_text(value, "Total"),
        currency: member_text(value, "CurrencyCode"),
        date: member_text(value, "UserDefinedDate"),
        deleted: is_true(value, "IsDeleted"),
    })
}

// A full URI, a bare token, null or nothing. A URI is never followed, only its offset is taken out
// of it.
pub(super) fn next_offset(next: &str) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::concur::vendors::read_vendors;
    use crate::error_bodies::tests::answer;
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn queries_carry_any_text(text in ".{0,40}") {
            let target = list_digests(&text, Some(&text)).path_with_query;
            prop_assert!(target.is_ascii() && !target.contains(' ') && !target.contains('#'));
        }
    }
}
