//! What a remote says when it refuses: some fifteen shapes, read tolerantly into one.
//!
//! FreshBooks has seven error shapes and SAP Concur nine; any of them may come with any status, and
//! FreshBooks' first may come with 200 (source: freshbooks-errors, concur-http-status-codes). What
//! is none of them, such as the page of a proxy, is no word of theirs about a record.
//!
//! - [`cause`]: whose fault a refusal is;
//! - [`page`]: answers that are not in the remote's own language;
//! - [`throttling`]: words that say "slow down".

mod cause;
mod page;
mod throttling;

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

pub(crate) use self::cause::{Cause, Lacking};
pub(crate) use self::page::is_page;
use self::throttling::say_throttled;
use crate::contract::http::{Body, Response};
use crate::text::quoted;

/// The most characters of a remote's words that are stored.
pub(crate) const WORDS_CHARS_MAX: usize = 300;

/// As much of an answer as is read: an error is short, and a body may have megabytes.
const READ_BYTES_MAX: usize = 64 * 1024;

/// A definite refusal of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The HTTP status that it came with; 200 where the refusal is in the body alone.
    pub status: u16,
    /// The remote's error numbers or names, such as FreshBooks' `1012`; may be empty.
    pub codes: Vec<String>,
    /// The remote's own words, at most 300 characters; empty if it said nothing.
    pub words: String,
    /// Whether it names a field of the request, or lists validation errors.
    pub names_field: bool,
    /// Whether the answer was a web page or other text that is not the remote's own.
    pub is_page: bool,
    /// Whether the request only asked for something.
    pub is_look_up: bool,
}

impl Refusal {
    /// Whether the thing that was asked for is not there. A page that says so is not the remote's
    /// own, and proves nothing.
    #[must_use]
    pub(crate) fn is_missing(&self) -> bool {
        (matches!(self.status, 404 | 410) && !self.is_page) || self.has_code("1012")
    }

    /// Whether the remote gave this code.
    #[must_use]
    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.codes.iter().any(|have| have == code)
    }

    /// Whether its words mean "slow down". One that names a field is about its record, whatever
    /// words it uses; 401 is about the token, and 404, 410 and 422 are about what was asked for or
    /// sent.
    #[must_use]
    pub(crate) fn says_throttled(&self) -> bool {
        let can_be = !self.names_field && !matches!(self.status, 401 | 404 | 410 | 422);
        let said = self.codes.iter().chain([&self.words]);
        can_be && said.into_iter().any(|text| say_throttled(text))
    }

    /// Status and words, to follow what was refused: `(HTTP 400): "Vendor is missing"`.
    #[must_use]
    pub(crate) fn said(&self) -> String {
        let (status, words) = (self.status, quoted(&self.words, WORDS_CHARS_MAX));
        match (self.is_page, self.words.is_empty()) {
            (_, true) => format!("(HTTP {status}) without a word"),
            (true, _) => format!("(HTTP {status}) with a page that is not its own: {words}"),
            (false, _) => format!("(HTTP {status}): {words}"),
        }
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

/// An answer that is not JSON of the expected shape. What a parser says of it is for programmers.
#[must_use]
pub(crate) fn garbled(error: &serde_json::Error) -> Unread {
    Unread::Garbled(String::from(match error.classify() {
        serde_json::error::Category::Data => "the answer has another form than is documented",
        _ => "the answer is not JSON",
    }))
}

/// Reads a refusal out of an answer of any shape.
#[must_use]
pub(crate) fn read_refusal(response: &Response) -> Refusal {
    let body = match &response.body {
        Body::Text(text) => Cow::Borrowed(text.as_str()),
        Body::Bytes(bytes) => String::from_utf8_lossy(bytes),
    };
    let body = &body[..body.floor_char_boundary(READ_BYTES_MAX)];
    let is_page = is_page(response);
    let mut found = Found::default();
    match serde_json::from_str::<Value>(body) {
        Ok(Value::String(text)) => found.add_words(text),
        Ok(value) => found.search(&value, 0),
        Err(_) if is_page => found.add_words(page::words(body)),
        Err(_) => found.words.extend(page::xml_message(body)),
    }
    if found.words.is_empty() && !is_page {
        found.add_words(body.to_string());
    }
    found.refusal(response.status, is_page)
}

/// Reads the refusal that FreshBooks sends with status 200, if it is one.
#[must_use]
pub(crate) fn refusal_in_disguise(response: &Response) -> Option<Refusal> {
    let body = text(response).ok()?;
    let value: Value = serde_json::from_str(body).ok()?;
    let errors = value.get("response")?.get("errors")?;
    let mut found = Found::default();
    found.search(errors, 0);
    Some(found.refusal(response.status, false))
}

/// The refusal of one record of a batch, under a status that says nothing of it.
#[must_use]
pub(crate) fn refusal_of_record(status: u16, codes: Vec<String>, words: &str) -> Refusal {
    Refusal {
        status,
        codes,
        words: tamed(words),
        names_field: true,
        ..Refusal::default()
    }
}

/// A remote's own words without control characters, and short.
pub(crate) fn tamed(words: &str) -> String {
    words
        .trim()
        .chars()
        .filter(|character| !character.is_control())
        .take(WORDS_CHARS_MAX)
        .collect()
}

#[derive(Default)]
struct Found {
    words: Vec<String>,
    codes: Vec<String>,
    names_field: bool,
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
        const WORDS: [&str; 9] = [
            "Message",
            "detail",
            "description",
            "error_description",
            "errorMessage",
            "ErrorMessage",
            "message",
            "title",
            "source",
        ];
        const CODES: [&str; 10] = [
            "code",
            "errno",
            "errorCode",
            "ErrorCode",
            "error_type",
            "field",
            "fiReturnCode",
            "id",
            "reason",
            "scimType",
        ];
        self.names_field |= names_field(name, member);
        match scalar(member) {
            Some(text) if name == "error" => {
                if !text.contains(' ') {
                    self.codes.push(text.clone());
                }
                self.add_words(text);
            }
            Some(text) if WORDS.contains(&name) => self.add_words(text),
            Some(text) if CODES.contains(&name) => self.codes.push(text),
            Some(_) => {}
            None if matches!(name, "details" | "errors") && member.is_array() => {
                self.details(member, depth);
            }
            None if name == "error" => self.error(member, depth),
            None => self.search(member, depth + 1),
        }
    }

    fn details(&mut self, member: &Value, depth: u32) {
        for item in member.as_array().into_iter().flatten() {
            match scalar(item) {
                // The details of events are "field: reason".
                Some(text) => {
                    self.names_field |= text.contains(": ");
                    self.add_words(text);
                }
                None => self.search(item, depth + 1),
            }
        }
    }

    /// An error as an object: `{"id", "message"}`, or by field as projects have it.
    fn error(&mut self, member: &Value, depth: u32) {
        let before = self.words.len();
        self.search(member, depth + 1);
        let fields = member.as_object().filter(|_| self.words.len() == before);
        for (field, reason) in fields.into_iter().flatten() {
            if let Some(reason) = scalar(reason) {
                self.names_field = true;
                self.add_words(format!("{field}: {reason}"));
            }
        }
    }

    fn add_words(&mut self, text: String) {
        if !text.trim().is_empty() && !self.words.contains(&text) {
            self.words.push(text);
        }
    }

    fn refusal(self, status: u16, is_page: bool) -> Refusal {
        Refusal {
            status,
            words: tamed(&self.words.join("; ")),
            codes: self.codes,
            names_field: self.names_field,
            is_page,
            is_look_up: false,
        }
    }
}

/// Whether a member says which part of the request is wrong.
fn names_field(name: &str, member: &Value) -> bool {
    match name {
        "field" | "FieldCode" => scalar(member).is_some_and(|field| !field.is_empty()),
        "validationErrors" | "fieldViolations" => {
            member.as_array().is_some_and(|errors| !errors.is_empty())
        }
        // "A field of this business is not valid." (FreshBooks, projects.)
        "errno" => scalar(member).is_some_and(|errno| errno == "2001"),
        _ => false,
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
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
        let refusal = read_refusal(&answer_with_status(403, ""));
        assert_eq!(refusal.said(), "(HTTP 403) without a word");
    }

    #[test]
    fn quotes_in_a_remote_s_words_are_not_doubled_and_a_page_is_called_one() {
        let quoting = answer_with_status(400, r#"{"message":"\"A1\" is no code"}"#);
        assert_eq!(
            read_refusal(&quoting).said(),
            "(HTTP 400): \"'A1' is no code\""
        );
        let page = answer_with_status(404, "<html><title>Not Found</title></html>");
        let page = read_refusal(&page);
        assert_eq!(
            page.said(),
            "(HTTP 404) with a page that is not its own: \"Not Found\""
        );
        assert!(!page.is_missing());
    }

    #[test]
    fn a_project_s_error_names_its_field() {
        let body = r#"{"errno":2001,"error":{"updated_since":"not a date"}}"#;
        let refusal = read_refusal(&answer_with_status(422, body));
        assert_eq!(refusal.words, "updated_since: not a date");
        assert!(refusal.names_field);
    }

    #[test]
    fn control_characters_and_length_are_tamed() {
        let refusal = read_refusal(&answer_with_status(400, &"a\u{1b}[31m".repeat(500)));
        assert!(refusal.words.chars().count() <= 300);
        assert!(!refusal.words.contains('\u{1b}'));
    }
}
