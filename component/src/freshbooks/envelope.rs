//! The envelope of FreshBooks' accounting and events answers: `{"response": {"result": {...}}}`.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use serde_json::value::RawValue;

use crate::contract::http::Response;
use crate::error_bodies::{self, Unread};
use crate::lax_json::{Object, rows};

/// The number of pages that a list says it has; 0 where it does not say.
pub(super) fn page_count(members: &Object) -> u64 {
    let pages = members.text("pages");
    pages.and_then(|pages| pages.parse().ok()).unwrap_or(0)
}

/// The rows of the list under `key`, and the members beside it. What is no object is no row.
pub(super) fn result_rows<'a>(
    response: &'a Response,
    key: &str,
) -> Result<(Vec<Object<'a>>, Object<'a>), Unread> {
    let members = result_members(error_bodies::text(response)?, response)?;
    let Some(rows) = members.get(key).and_then(rows) else {
        return Err(Unread::Garbled(format!("the answer has no list `{key}`")));
    };
    let rows = rows.into_iter().filter_map(Object::read).collect();
    Ok((rows, members))
}

/// The object under `key` of an accounting or events answer.
pub(super) fn result_member<'a>(
    text: &'a str,
    key: &str,
    response: &Response,
) -> Result<&'a RawValue, Unread> {
    result_members(text, response)?
        .get(key)
        .ok_or_else(|| Unread::Garbled(format!("the answer has no `{key}`")))
}

/// The members of an answer's result. HTTP 200 can be an error (source: freshbooks-errors).
pub(super) fn result_members<'a>(text: &'a str, response: &Response) -> Result<Object<'a>, Unread> {
    let result = serde_json::from_str::<Object>(text)
        .ok()
        .and_then(|envelope| Object::read(envelope.get("response")?))
        .and_then(|inner| Object::read(inner.get("result")?));
    result.ok_or_else(|| {
        error_bodies::refusal_in_disguise(response).map_or_else(|| garbled(text), Unread::Refused)
    })
}

fn garbled(text: &str) -> Unread {
    let why = match serde_json::from_str::<&RawValue>(text) {
        Ok(_) => "the answer has no result",
        Err(_) => "the answer cannot be read: it is not JSON of FreshBooks' API",
    };
    Unread::Garbled(why.to_string())
}
