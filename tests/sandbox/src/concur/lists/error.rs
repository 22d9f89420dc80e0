//! Refusals of list calls: an id in the service's own words, and the fields that are wrong.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::calendar::zulu_stamp;
use crate::concur::v4::{V4Call, V4Refusal};
use crate::http::{Millis, Response};

/// The id of a refusal because of what was sent.
pub(crate) const INVALID: &str = "request.validation.error";

/// A refused call, or a refused request of a bulk call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListError {
    pub(crate) status: u16,
    pub(crate) id: &'static str,
    pub(crate) message: String,
    /// Fields with what is wrong with them.
    validation: Vec<(String, String)>,
}

impl ListError {
    /// A refusal with a status, an id and a sentence.
    pub(crate) fn new(status: u16, id: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            id,
            message: message.into(),
            validation: Vec::new(),
        }
    }

    /// HTTP 400 because of one field.
    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        let mut error = Self::new(400, INVALID, "Request validation failed");
        error.validation.push((field.to_owned(), message.into()));
        error
    }

    /// The refusal as an answer.
    pub(crate) fn response(&self, path: &str, now: Millis) -> Response {
        let mut body = json!({"timestamp": zulu_stamp(now), "httpStatus": phrase(self.status),
            "error": {"id": self.id, "message": self.message}, "path": path});
        if !self.validation.is_empty() {
            let rows = self.validation.iter();
            let rows = rows.map(|(field, message)| json!({"source": field, "message": message}));
            body["validationErrors"] = rows.collect();
        }
        let response = Response::json(self.status, &body);
        match self.status {
            429 => response.with_header("retry-after", "0"),
            _ => response,
        }
    }
}

/// The answer to a call that was not let in.
pub(crate) fn entry_response(refusal: V4Refusal, path: &str, now: Millis) -> Response {
    match refusal {
        V4Refusal::Answered(response) => response,
        V4Refusal::Said(status, why) => {
            ListError::new(status, "security.access.denied", why).response(path, now)
        }
    }
}

/// The body of a call. Fields that the page does not name are errors.
pub(crate) fn read_body<T: DeserializeOwned>(call: &V4Call) -> Result<T, ListError> {
    if !call.has_json_body() {
        let why = "Content type is not supported";
        return Err(ListError::new(415, "unsupported.media.type", why));
    }
    let body: Value = serde_json::from_slice(&call.request.body)
        .map_err(|error| ListError::new(400, INVALID, error.to_string()))?;
    serde_json::from_value(body).map_err(|error| ListError::invalid("body", error.to_string()))
}

fn phrase(status: u16) -> String {
    let phrase = match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        415 => "Unsupported Media Type",
        _ => "Too Many Requests",
    };
    format!("{status} - {phrase}")
}
