//! Webhook registrations, which FreshBooks calls callbacks.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::envelope::{page_count, result_member, result_rows};
use super::fields;
use super::requests::{PAGE_ROWS_MAX, get, segment};
use crate::contract::http::{Request, Response};
use crate::error_bodies::{self, Unread};
use crate::lax_json::Object;

/// A webhook registration: FreshBooks posts each `event` to `uri` once it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Callback {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) uri: String,
    pub(crate) verified: bool,
}

/// The collection of webhook registrations.
pub(crate) fn callbacks_path(account_id: &str) -> String {
    format!("/events/account/{}/events/callbacks", segment(account_id))
}

/// The path of one webhook registration.
pub(crate) fn callback_path(account_id: &str, id: &str) -> String {
    format!("{}/{}", callbacks_path(account_id), segment(id))
}

/// A page of the webhook registrations for an event.
pub(crate) fn list_callbacks(account_id: &str, event: &str, page: u32) -> Request {
    let path = callbacks_path(account_id);
    let event = segment(event);
    get(format!(
        "{path}?search%5Bevent%5D={event}&page={page}&per_page={PAGE_ROWS_MAX}"
    ))
}

/// A page of webhook registrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallbackPage {
    pub(crate) callbacks: Vec<Callback>,
    pub(crate) pages: u64,
}

/// Reads the registration that was asked for, made or changed.
pub(crate) fn read_callback(response: &Response) -> Result<Callback, Unread> {
    let text = error_bodies::text(response)?;
    let raw = result_member(text, "callback", response)?;
    callback(&fields::object(raw, "webhook registration")?)
        .ok_or_else(|| Unread::Garbled("a webhook registration without an id".to_string()))
}

/// Reads a page of registrations. One without an id is nobody's to change.
pub(crate) fn read_callbacks(response: &Response) -> Result<CallbackPage, Unread> {
    let (rows, members) = result_rows(response, "callbacks")?;
    Ok(CallbackPage {
        callbacks: rows.iter().filter_map(callback).collect(),
        pages: page_count(&members),
    })
}

fn callback(registered: &Object) -> Option<Callback> {
    let twin = || fields::id(registered.get("id"), &[]);
    Some(Callback {
        id: fields::id(registered.get("callbackid"), &[]).or_else(twin)?,
        event: registered.text("event").unwrap_or_default(),
        uri: registered.text("uri").unwrap_or_default(),
        verified: fields::flag(registered.get("verified")),
    })
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::error_bodies::tests::answer;

    #[test]
    fn an_id_stays_one_segment_of_the_path() {
        assert_eq!(
            callback_path("a", "2/1"),
            "/events/account/a/events/callbacks/2%2F1"
        );
    }

    #[test]
    fn a_callback_has_either_id() {
        let read = |id: &str| {
            let body = format!(
                r#"{{"response":{{"result":{{"callback":{{{id}"event":"invoice","uri":"u"}}}}}}}}"#
            );
            read_callback(&answer(&body)).map(|callback| (callback.id, callback.verified))
        };
        assert_eq!(
            read(r#""callbackid":2001,"#),
            Ok(("2001".to_string(), false))
        );
        assert_eq!(
            read(r#""id":"7","verified":true,"#),
            Ok(("7".to_string(), true))
        );
        assert!(read("").is_err());
    }
}
