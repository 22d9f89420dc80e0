//! Requests to SAP Concur: what they all have in common.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::contract::http::{Authorization, BodyPart, Header, Method, Request};
use crate::contract::types::{Duration, System};

/// Concur ends a request after 60 s itself; a client must wait longer
/// (source: concur-http-status-codes).
const TIMEOUT: Duration = 65_000;
/// Everything but the unreserved characters. (RFC 3986, section 2.3.)
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A read of a path with its query.
pub(super) fn get(path_with_query: String) -> Request {
    Request {
        system: System::Concur,
        authorization: Authorization::Connection,
        method: Method::Get,
        path_with_query,
        headers: vec![accept()],
        body: Vec::new(),
        timeout: TIMEOUT,
    }
}

/// A request with a JSON body.
pub(super) fn with_body(method: Method, path: &str, json: String) -> Request {
    Request {
        system: System::Concur,
        authorization: Authorization::Connection,
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

/// A value of a query, or a segment of a path: percent-encoded but for the unreserved characters.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}
