//! A request with a valid token: its method, query and body, and what the token permits.

use serde_json::{Map, Value};

use super::errors::{ApiError, ErrorStyle};
use crate::freshbooks::config::FreshBooksConfig;
use crate::freshbooks::oauth::AccessToken;
use crate::http::{Millis, Pairs, Request};

/// An authorised request, with what resources read of it.
pub(crate) struct ApiCall<'a> {
    pub(crate) method: &'a str,
    pub(crate) query: Pairs,
    pub(crate) body: &'a [u8],
    pub(crate) now: Millis,
    /// Lists miss rows created later than this.
    pub(crate) visible_until: Millis,
    pub(crate) access: AccessToken,
}

impl ApiCall<'_> {
    /// The object under the singular key that every body wraps it in.
    pub(crate) fn body(&self, key: &'static str) -> Result<Map<String, Value>, ApiError> {
        match serde_json::from_slice(self.body) {
            Ok(Value::Object(mut body)) => match body.remove(key) {
                Some(Value::Object(fields)) => Ok(fields),
                _ => Err(ApiError::malformed(key)),
            },
            _ => Err(ApiError::malformed(key)),
        }
    }
}

/// The error style a request asks for by its version header.
pub(crate) fn error_style(request: &Request, config: &FreshBooksConfig) -> ErrorStyle {
    let version = request.header("x-api-version").unwrap_or_default();
    ErrorStyle {
        google_rpc: version >= "2022-10-31",
        errors_as_object: config.errors_as_object,
    }
}
