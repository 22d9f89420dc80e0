//! Requests to FreshBooks: what they all have in common.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::contract::http::{Authorization, BodyPart, Header, Method, Request};
use crate::contract::types::{Duration, System};

/// How long FreshBooks may take to answer, in milliseconds. It publishes no bound of its own.
const TIMEOUT: Duration = 30_000;
/// FreshBooks lowers larger pages to this silently (source: freshbooks-parameters).
pub(crate) const PAGE_ROWS_MAX: u32 = 100;

/// What is percent-encoded in a segment of a path: everything but letters, digits and the
/// unreserved `-`, `_` and `~`. The dot is unreserved too, but an id of `..` must not climb a path,
/// so it is encoded.
const ENCODED_IN_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

/// A read of a path with its query.
pub(crate) fn get(path_with_query: String) -> Request {
    request(Method::Get, path_with_query, Vec::new())
}

/// A request with a JSON body in parts.
pub(crate) fn with_body(method: Method, path: String, body: Vec<BodyPart>) -> Request {
    let mut request = request(method, path, body);
    request.headers.push(Header {
        name: "content-type".to_string(),
        value: "application/json".to_string(),
    });
    request
}

/// A request that asks for JSON.
pub(super) fn request(method: Method, path_with_query: String, body: Vec<BodyPart>) -> Request {
    Request {
        system: System::Freshbooks,
        authorization: Authorization::Connection,
        method,
        path_with_query,
        headers: vec![Header {
            name: "accept".to_string(),
            value: "application/json".to_string(),
        }],
        body,
        timeout: TIMEOUT,
    }
}

/// The path of a resource of the accounting family.
pub(super) fn accounting_path(account_id: &str, resource: &str) -> String {
    format!("/accounting/account/{}/{resource}", segment(account_id))
}

/// A segment of a path: ids come from webhooks, and must stay what they are.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, ENCODED_IN_SEGMENT).to_string()
}
