//! The envelope of FreshBooks' accounting and events answers: `{"response": {"result": {...}}}`.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::contract::http::Response;
use crate::error_bodies::{self, Unread};
use crate::lax_json::{lax_text, parse};

/// The members of a result by name.
pub(super) type Members<'a> = BTreeMap<String, &'a RawValue>;

/// The number of pages that a list says it has; 0 where it does not say.
pub(super) fn page_count(members: &Members) -> u64 {
    let pages = members.get("pages").and_then(|raw| lax_text(Some(raw)));
    pages.and_then(|pages| pages.parse().ok()).unwrap_or(0)
}

/// The raw rows of the list under `key`, and the members beside it.
pub(super) fn result_rows<'a>(
    response: &'a Response,
    key: &str,
) -> Result<(Vec<&'a RawValue>, Members<'a>), Unread> {
    let members = result_members(error_bodies::text(response)?, response)?;
    let Some(rows) = members.get(key) else {
        return Err(Unread::Garbled(format!("the answer has no list `{key}`")));
    };
    Ok((parse(rows)?, members))
}

/// The object under `key` of an accounting or events answer.
pub(super) fn result_member<'a>(
    text: &'a str,
    key: &str,
    response: &Response,
) -> Result<&'a RawValue, Unread> {
    result_members(text, response)?
        .remove(key)
        .ok_or_else(|| Unread::Garbled(format!("the answer has no `{key}`")))
}

/// The members of an answer's result. HTTP 200 can be an error (source: freshbooks-errors).
pub(super) fn result_members<'a>(
    text: &'a str,
    response: &Response,
) -> Result<Members<'a>, Unread> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        response: Inner<'a>,
    }
    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow)]
        result: Option<Members<'a>>,
    }
    let envelope: Envelope = match serde_json::from_str(text) {
        Ok(envelope) => envelope,
        Err(error) => return Err(refused_or_garbled(response, &error)),
    };
    envelope.response.result.ok_or_else(|| {
        error_bodies::refusal_in_disguise(response).map_or_else(
            || Unread::Garbled("the answer has no result".to_string()),
            Unread::Refused,
        )
    })
}

fn refused_or_garbled(response: &Response, error: &serde_json::Error) -> Unread {
    error_bodies::refusal_in_disguise(response)
        .map_or_else(|| error_bodies::garbled(error), Unread::Refused)
}
