//! Answers: read whole and bounded, or why there is none.

use std::error::Error;

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use super::body::Departure;
use crate::contract::http::{Body, Header, Response, SendError, SendErrorCode, SendOutcome};

/// The headers that are handed on; the others say nothing that a decision depends on.
const HEADERS_KEPT: [&str; 4] = [
    "content-type",
    "retry-after",
    "concur-correlationid",
    "date",
];

/// Longest value of a header that is handed on.
const HEADER_BYTES_MAX: usize = 1_024;

/// Why there is no answer.
pub(super) struct Failure {
    error: SendError,
    connecting: bool,
}

impl Failure {
    pub(super) fn timeout(timeout_ms: u64) -> Self {
        let detail = format!("no complete answer within {timeout_ms} ms");
        Self::answering(SendErrorCode::Timeout, detail)
    }

    /// What this says about the request.
    pub(super) fn outcome(self, departure: &Departure) -> SendOutcome {
        if self.connecting || !departure.may_have_begun() {
            SendOutcome::NotSent(self.error)
        } else {
            SendOutcome::MaybeSent(self.error)
        }
    }

    fn answering(code: SendErrorCode, detail: String) -> Self {
        Self {
            error: SendError { code, detail },
            connecting: false,
        }
    }
}

impl From<hyper_util::client::legacy::Error> for Failure {
    fn from(error: hyper_util::client::legacy::Error) -> Self {
        let connecting = error.is_connect();
        let code = match connecting {
            true if caused_by::<rustls::Error>(&error) => SendErrorCode::Tls,
            true => SendErrorCode::Unreachable,
            false => SendErrorCode::ConnectionLost,
        };
        let detail = root(&error);
        Self {
            error: SendError { code, detail },
            connecting,
        }
    }
}

/// Reads an answer of at most `bytes_max`.
pub(super) async fn read(
    response: hyper::Response<Incoming>,
    bytes_max: usize,
) -> Result<Response, Failure> {
    let (head, body) = response.into_parts();
    let read = Limited::new(body, bytes_max).collect().await;
    let bytes = read
        .map_err(|error| cut_short(&*error, bytes_max))?
        .to_bytes();
    let kept = HEADERS_KEPT.iter().filter_map(|name| {
        let value = head.headers.get(*name)?.to_str().ok()?;
        (value.len() <= HEADER_BYTES_MAX).then(|| Header {
            name: (*name).into(),
            value: value.into(),
        })
    });
    Ok(Response {
        status: head.status.as_u16(),
        headers: kept.collect(),
        body: text_or_bytes(bytes.into()),
    })
}

/// A body as the contract has it: text where it is UTF-8.
pub(super) fn text_or_bytes(bytes: Vec<u8>) -> Body {
    String::from_utf8(bytes).map_or_else(|error| Body::Bytes(error.into_bytes()), Body::Text)
}

fn cut_short(error: &(dyn Error + Send + Sync + 'static), bytes_max: usize) -> Failure {
    if error.is::<LengthLimitError>() {
        let detail = format!("the answer is longer than {bytes_max} bytes");
        return Failure::answering(SendErrorCode::AnswerTooLong, detail);
    }
    Failure::answering(SendErrorCode::ConnectionLost, root(error))
}

fn caused_by<T: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<T>() {
            return true;
        }
        next = beneath(error);
    }
    false
}

/// What an error wraps; an I/O error hides it from `source`.
fn beneath<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    match error.downcast_ref::<std::io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    }
}

fn root(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(inner) = beneath(error) {
        error = inner;
    }
    error.to_string()
}
