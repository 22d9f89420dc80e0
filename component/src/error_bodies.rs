//! What a remote says when it refuses: some fifteen shapes, read tolerantly into one.
//!
//! FreshBooks has seven error shapes and SAP Concur nine; any of them may come with any status, and
//! FreshBooks' first may come with 200 (source: freshbooks-errors, concur-http-status-codes).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

use crate::contract::http::{Body, Response};

/// The most characters of a remote's words that are stored: an error in full, but not the HTML page
/// that a proxy sends instead.
const WORDS_CHARS_MAX: usize = 300;

/// A definite refusal of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The HTTP status that it came with; 200 where the refusal is in the body alone.
    pub status: u16,
    /// The remote's error numbers or names, such as FreshBooks' `1012`; may be empty.
    pub codes: Vec<String>,
    /// The remote's own words, at most 300 characters; never empty.
    pub words: String,
}

impl Refusal {
    /// Whether the thing that was asked for is not there.
    #[must_use]
    pub(crate) fn is_missing(&self) -> bool {
        self.status == 404 || self.has_code("1012")
    }

    /// Whether the remote gave this code.
    #[must_use]
    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.codes.iter().any(|have| have == code)
    }
}

/// Why a 2xx answer is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It cannot be read; the payload says why.
    Garbled(String),
    /// It is a refusal in disguise.
    Refused(Refusal),
}

/// An answer's body as text.
///
/// # Errors
///
/// [`Unread::Garbled`] if it is not UTF-8.
pub(crate) fn text(response: &Response) -> Result<&str, Unread> {
    match &response.body {
        Body::Text(text) => Ok(text),
        Body::Bytes(bytes) => core::str::from_utf8(bytes)
            .map_err(|_| Unread::Garbled(String::from("the answer is not UTF-8"))),
    }
}

/// An answer that is not JSON of the expected shape.
#[must_use]
pub(crate) fn garbled(error: &serde_json::Error) -> Unread {
    Unread::Garbled(format!("the answer cannot be read: {error}"))
}

/// Reads a refusal out of an answer of any shape.
#[must_use]
pub(crate) fn read_refusal(response: &Response) -> Refusal {
    let body = text(response).unwrap_or_default();
    let mut found = Found::default();
    match serde_json::from_str::<Value>(body) {
        Ok(value) => found.search(&value, 0),
        Err(_) => found.words.extend(xml_message(body)),
    }
    Refusal {
        status: response.status,
        words: found.words_or(response.status, body),
        codes: found.codes,
    }
}

/// Reads the refusal that FreshBooks sends with status 200, if it is one.
#[must_use]
pub(crate) fn refusal_in_disguise(response: &Response) -> Option<Refusal> {
    let body = text(response).ok()?;
    let value: Value = serde_json::from_str(body).ok()?;
    let errors = value.get("response")?.get("errors")?;
    let mut found = Found::default();
    found.search(errors, 0);
    Some(Refusal {
        status: response.status,
        words: found.words_or(response.status, body),
        codes: found.codes,
    })
}

/// A remote's own words, tamed: short, without control characters, never empty.
pub(crate) fn tamed_words(response: &Response, words: &str) -> String {
    Found::default().words_or(response.status, words)
}

#[derive(Default)]
struct Found {
    words: Vec<String>,
    codes: Vec<String>,
}

impl Found {
    /// Collects what is under the names that both systems use for their words and codes.
    fn search(&mut self, value: &Value, depth: u32) {
        // The deepest documented shape has four levels; the bound keeps the stack small.
        const DEPTH_MAX: u32 = 8;
        if depth > DEPTH_MAX {
            return;
        }
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.search(item, depth + 1)),
            Value::Object(members) => {
                for (name, member) in members {
                    self.member(name, member, depth);
                }
            }
            _ => {}
        }
    }

    fn member(&mut self, name: &str, member: &Value, depth: u32) {
        const WORDS: [&str; 8] = [
            "Message",
            "detail",
            "description",
            "error_description",
            "errorMessage",
            "message",
            "title",
            "source",
        ];
        const CODES: [&str; 6] = ["code", "errno", "errorCode", "field", "id", "reason"];
        match scalar(member) {
            Some(text) if WORDS.contains(&name) || name == "error" => self.add_words(text),
            Some(text) if CODES.contains(&name) => self.codes.push(text),
            Some(_) => {}
            None if name == "details" && member.is_array() => self.details(member, depth),
            None => self.search(member, depth + 1),
        }
    }

    fn details(&mut self, member: &Value, depth: u32) {
        for item in member.as_array().into_iter().flatten() {
            match scalar(item) {
                Some(text) => self.add_words(text),
                None => self.search(item, depth + 1),
            }
        }
    }

    fn add_words(&mut self, text: String) {
        if !text.trim().is_empty() && !self.words.contains(&text) {
            self.words.push(text);
        }
    }

    fn words_or(&self, status: u16, body: &str) -> String {
        let words = if self.words.is_empty() {
            body.trim().to_string()
        } else {
            self.words.join("; ")
        };
        let short: String = words
            .chars()
            .filter(|character| !character.is_control())
            .take(WORDS_CHARS_MAX)
            .collect();
        if short.is_empty() {
            format!("HTTP {status} without a word")
        } else {
            short
        }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn xml_message(body: &str) -> Option<String> {
    let after = body.split_once("<Message>")?.1;
    Some(String::from(after.split_once("</Message>")?.0))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An answer with status 200.
    pub(crate) fn answer(body: &str) -> Response {
        answer_with_status(200, body)
    }

    pub(crate) fn answer_with_status(status: u16, body: &str) -> Response {
        Response {
            status,
            headers: Vec::new(),
            body: Body::Text(body.to_string()),
        }
    }

    #[test]
    fn bytes_are_read_like_text() {
        let answer = |bytes: &[u8]| Response {
            body: Body::Bytes(bytes.to_vec()),
            ..answer_with_status(400, "")
        };
        let read = read_refusal(&answer(br#"{"error":"not here"}"#));
        assert_eq!(read.words, "not here");
        assert!(text(&answer(b"\xff")).is_err());
    }

    #[test]
    fn freshbooks_first_shape_even_with_200() {
        let body = r#"{"response":{"errors":[{"errno":1012,"field":"expenseid",
        "message":"Expense not found.","object":"expense","value":"9"}]}}"#;
        let refusal = refusal_in_disguise(&answer_with_status(200, body)).expect("is a refusal");
        assert!(refusal.has_code("1012") && refusal.is_missing());
        assert_eq!(refusal.words, "Expense not found.");
        assert_eq!(
            read_refusal(&answer_with_status(404, body)).words,
            "Expense not found."
        );
    }

    #[test]
    fn a_result_is_no_refusal_in_disguise() {
        assert_eq!(
            refusal_in_disguise(&answer_with_status(200, r#"{"response":{"result":{}}}"#)),
            None
        );
    }

    #[test]
    fn an_errors_object_instead_of_an_array() {
        let body =
            r#"{"response":{"errors":{"errno":41001,"message":"Bills are not in this plan."}}}"#;
        let refusal = refusal_in_disguise(&answer_with_status(200, body)).expect("is a refusal");
        assert!(refusal.has_code("41001"));
    }

    #[test]
    fn every_documented_shape_yields_words() {
        let shapes = [
            r#"{"code":5,"message":"m","details":[{"reason":"1012",
            "metadata":{"message":"Expense not found."}}]}"#,
            r#"{"errno":422,"message":"m","details":["event: unrecognized"]}"#,
            r#"{"errors":{"message":"m","status":400,"details":[{"reason":"name: required"}]}}"#,
            r#"{"error":"not here"}"#,
            r#"{"errno":2001,"error":{"title":"required"}}"#,
            r#"{"error_type":"not_found","message":"m"}"#,
            r#"{"code":108,"error":"invalid_grant",
            "error_description":"bad or expired refresh token"}"#,
            r#"{"httpStatus":"400 - Bad Request","error":{"id":"list.deleted","message":"m"}}"#,
            r#"{"errorMessage":"m","validationErrors":[{"source":"a",
            "message":"must not be null"}]}"#,
            r#"{"Error":{"Message":"Vendor could not be matched.","Server-Time":"t","Id":"1"}}"#,
            r#"{"Content":{"Error":{"Message":"m"}}}"#,
            r#"{"Message":"m","Details":null}"#,
            "<Error><Message>m</Message><Server-Time>t</Server-Time></Error>",
            "upstream request timeout",
        ];
        for shape in shapes {
            let refusal = read_refusal(&answer_with_status(400, shape));
            assert!(
                !refusal.words.starts_with('{'),
                "{shape} gave {}",
                refusal.words
            );
            assert!(!refusal.words.is_empty());
        }
    }

    #[test]
    fn an_empty_body_still_says_something() {
        assert_eq!(
            read_refusal(&answer_with_status(403, "")).words,
            "HTTP 403 without a word"
        );
    }

    #[test]
    fn control_characters_and_length_are_tamed() {
        let refusal = read_refusal(&answer_with_status(400, &"a\u{1b}[31m".repeat(500)));
        assert!(refusal.words.chars().count() <= 300);
        assert!(!refusal.words.contains('\u{1b}'));
    }
}
