//! What an answer, or the lack of one, says about the request.

use alloc::format;
use alloc::string::String;

use crate::contract::http::{Response, SendError, SendErrorCode, SendOutcome};
use crate::contract::types::System;
use crate::error_bodies::{Refusal, Unread, is_page, read_refusal};
use crate::pacing;

/// What reads an answer of the 2xx kind.
pub(crate) type Reader<T> = fn(&Response) -> Result<T, Unread>;

/// Whose failure it is: a record that may be to blame uses up its retries, a remote does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    Record,
    Remote,
    /// The host stopped meanwhile: when it happened is not known either.
    Host,
}

/// What became of a request.
pub(crate) enum Verdict<T> {
    Answered(T),
    /// A definite refusal of this request.
    Refused(Refusal),
    /// Surely not carried out, and not the record's fault.
    NotNow(NotNow),
    /// It may or may not have been carried out: why, and whose failure that is.
    Unknown(String, Blame),
}

/// Why it is to be sent again later.
pub(crate) enum NotNow {
    /// The token was refused.
    Denied(Refusal),
    /// The remote took no requests.
    NotTaken(String),
    /// Not now, or a refusal that only looks like it.
    Doubtful(Refusal, Doubt),
}

/// Why a refusal may be none of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// It is a page of somebody between us and the remote.
    Page,
    /// Its words say that requests come too fast.
    Throttled,
    /// SAP Concur's 400 without a field or a validation error may also be a limit or a deadlock,
    /// in whatever words (source: concur-http-status-codes).
    Unexplained,
}

/// Classifies an answer; `reader` reads one of the 2xx kind.
pub(crate) fn classify<T>(system: System, response: &Response, reader: Reader<T>) -> Verdict<T> {
    match response.status {
        200..=299 => match reader(response) {
            Ok(answer) => Verdict::Answered(answer),
            Err(Unread::Refused(refusal)) => Verdict::Refused(refusal),
            Err(Unread::Garbled(_)) if is_page(response) => {
                Verdict::Unknown(no_answer(response), Blame::Remote)
            }
            Err(Unread::Garbled(why)) => Verdict::Unknown(why, Blame::Record),
        },
        _ if pacing::is_denial(system, response) => {
            Verdict::NotNow(NotNow::Denied(read_refusal(response)))
        }
        429 => Verdict::NotNow(NotNow::NotTaken(String::from("rate limit (HTTP 429)"))),
        // Documented by both systems as "not now".
        503 => Verdict::NotNow(NotNow::NotTaken(String::from("maintenance (HTTP 503)"))),
        // From a gateway that cannot know; those above 519 have names at large proxies only.
        status @ (408 | 502 | 504 | 520..=530) => {
            Verdict::Unknown(format!("HTTP {status}"), Blame::Remote)
        }
        400..=499 => refused(system, read_refusal(response)),
        status => Verdict::Unknown(format!("HTTP {status}"), Blame::Record),
    }
}

fn refused<T>(system: System, refusal: Refusal) -> Verdict<T> {
    let is_plain = system == System::Concur && refusal.status == 400 && !refusal.names_field;
    let doubt = if refusal.is_page {
        Doubt::Page
    } else if refusal.says_throttled() {
        Doubt::Throttled
    } else if is_plain {
        Doubt::Unexplained
    } else {
        return Verdict::Refused(refusal);
    };
    Verdict::NotNow(NotNow::Doubtful(refusal, doubt))
}

fn no_answer(response: &Response) -> String {
    format!("it answered {}", read_refusal(response).said())
}

/// Whether a write of this outcome may have been carried out: it was answered so, or nobody can
/// know.
pub(crate) fn may_be_done(system: System, outcome: &SendOutcome) -> bool {
    match outcome {
        SendOutcome::NotSent(_) => false,
        SendOutcome::MaybeSent(_) => true,
        SendOutcome::Response(response) => matches!(
            classify(system, response, |_| Ok(())),
            Verdict::Answered(()) | Verdict::Unknown(..)
        ),
    }
}

/// A failure to send, for people.
pub(crate) fn describe_error(error: &SendError) -> String {
    let kind = match error.code {
        SendErrorCode::Unreachable => "no connection",
        SendErrorCode::Tls => "TLS handshake failed",
        SendErrorCode::Timeout => "no answer in time",
        SendErrorCode::ConnectionLost => "the connection ended early",
        SendErrorCode::AnswerTooLong => "the answer was too long",
        SendErrorCode::Interrupted => "the host stopped meanwhile",
        SendErrorCode::Withheld => "held back by the host",
    };
    if error.detail.is_empty() {
        String::from(kind)
    } else {
        format!("{kind} ({})", error.detail)
    }
}

#[cfg(test)]
mod tests;
