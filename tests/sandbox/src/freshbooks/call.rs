//! A request that has been let in: who asks, for what, when.

use serde_json::{Map, Value};

use super::config::FreshBooksConfig;
use super::errors::{Refusal, Style};
use super::oauth::Access;
use crate::http::{Millis, Pairs, Request};

/// The parts of an authorised request that resources read.
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    pub(crate) query: Pairs,
    pub(crate) body: &'a [u8],
    pub(crate) now: Millis,
    /// Lists miss rows created later than this.
    pub(crate) visible_until: Millis,
    pub(crate) access: Access,
}

impl Call<'_> {
    /// The object under the singular key that every body wraps it in.
    pub(crate) fn body(&self, key: &'static str) -> Result<Map<String, Value>, Refusal> {
        match serde_json::from_slice(self.body) {
            Ok(Value::Object(mut body)) => match body.remove(key) {
                Some(Value::Object(fields)) => Ok(fields),
                _ => Err(Refusal::malformed(key)),
            },
            _ => Err(Refusal::malformed(key)),
        }
    }
}

/// The error style a request asks for by its version header.
pub(crate) fn style(request: &Request, config: &FreshBooksConfig) -> Style {
    let version = request.header("x-api-version").unwrap_or_default();
    Style {
        google_rpc: version >= "2022-10-31",
        errors_as_object: config.errors_as_object,
    }
}
