//! Answers: read whole and bounded, or why there is none.

use std::error::Error;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::http::response::Parts;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

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

/// Bytes of an answer that is no success, or cannot be read, that are handed on, and so stored: 16
/// KiB. What the remotes say of an error has less than 1 KiB; longer ones are pages for people, or
/// worse, and each try brings another.
const FAILED_BYTES_MAX: usize = 16 * 1024;

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

    /// What went wrong.
    pub(super) fn into_error(self) -> SendError {
        self.error
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

/// Reads an answer of at most `bytes_max`. Of a failed one the beginning is handed on, with a note
/// of its length and hash: what the component decides on is exactly what its history stores.
pub(super) async fn read(
    response: hyper::Response<Incoming>,
    bytes_max: usize,
) -> Result<Response, Failure> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, bytes_max);
    let read = match head.status.is_success() {
        true => read_whole(body).await,
        false => read_beginning(body).await,
    };
    let bytes = read.map_err(|error| cut_short(&*error, bytes_max))?;
    Ok(self::response(&head, bytes))
}

/// A response as the contract has it.
pub(super) fn response(head: &Parts, bytes: Vec<u8>) -> Response {
    let kept = HEADERS_KEPT.iter().filter_map(|name| {
        let value = head.headers.get(*name)?.to_str().ok()?;
        (value.len() <= HEADER_BYTES_MAX).then(|| Header {
            name: (*name).into(),
            value: value.into(),
        })
    });
    Response {
        status: head.status.as_u16(),
        headers: kept.collect(),
        body: text_or_bytes(bytes),
    }
}

/// Reads a body of at most `bytes_max` for as long as it comes; what has come stays in `bytes`.
pub(super) async fn read_into(
    bytes: &mut Vec<u8>,
    body: Incoming,
    bytes_max: usize,
) -> Result<(), Failure> {
    let mut body = Limited::new(body, bytes_max);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| cut_short(&*error, bytes_max))?;
        bytes.extend(frame.into_data().unwrap_or_default());
    }
    Ok(())
}

type BodyError = Box<dyn Error + Send + Sync>;

/// A success, whole unless it is no JSON, which all that is asked for is.
async fn read_whole(body: Limited<Incoming>) -> Result<Vec<u8>, BodyError> {
    let bytes = body.collect().await?.to_bytes();
    if bytes.len() <= FAILED_BYTES_MAX || serde_json::from_slice::<IgnoredAny>(&bytes).is_ok() {
        return Ok(bytes.into());
    }
    let mut beginning = Beginning::default();
    beginning.add(&bytes);
    Ok(beginning.end())
}

async fn read_beginning(mut body: Limited<Incoming>) -> Result<Vec<u8>, BodyError> {
    let mut beginning = Beginning::default();
    while let Some(frame) = body.frame().await {
        if let Ok(bytes) = frame?.into_data() {
            beginning.add(&bytes);
        }
    }
    Ok(beginning.end())
}

/// The beginning of a body, and what is to be said of the whole.
#[derive(Default)]
struct Beginning {
    kept: Vec<u8>,
    length: usize,
    hash: Sha256,
}

impl Beginning {
    fn add(&mut self, bytes: &Bytes) {
        let room = FAILED_BYTES_MAX - self.kept.len();
        self.kept.extend(bytes.iter().take(room));
        self.length += bytes.len();
        self.hash.update(bytes);
    }

    /// A cut text stays a text; with the note after it nothing takes it for whole JSON.
    fn end(mut self) -> Vec<u8> {
        if self.length == self.kept.len() {
            return self.kept;
        }
        if let Err(error) = std::str::from_utf8(&self.kept)
            && error.error_len().is_none()
        {
            self.kept.truncate(error.valid_up_to());
        }
        let hash = base16ct::lower::encode_string(&self.hash.finalize());
        let (kept, length) = (self.kept.len(), self.length);
        let note =
            format!("\n(cut by ml-connector after {kept} of {length} bytes; SHA-256 {hash})");
        self.kept.extend(note.into_bytes());
        self.kept
    }
}

/// A body as the contract has it: text where it is UTF-8.
pub(crate) fn text_or_bytes(bytes: Vec<u8>) -> Body {
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
