//! Quick expenses on the wire, v4: they are created, and never shown again
//! (source: concur-quick-expense).

use alloc::format;
use alloc::string::{String, ToString};

use super::json::{json_object, member_text};
use super::requests::{encoded, with_body};
use crate::contract::http::{Method, Request, Response};
use crate::error_bodies::Unread;

/// Creates a quick expense of a user.
pub(crate) fn create_quick_expense(user: &str, json: String) -> Request {
    let user = encoded(user);
    let path = format!("/quickexpense/v4/users/{user}/context/TRAVELER/quickexpenses");
    with_body(Method::Post, &path, json)
}

/// Reads the id of what was created: the last part of its address, which is not followed.
pub(crate) fn read_created_quick_expense(response: &Response) -> Result<String, Unread> {
    let uri = member_text(&json_object(response)?, "quickExpenseIdUri");
    let id = uri.rsplit('/').next().unwrap_or_default();
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if id.is_empty() || !id.bytes().all(is_id) {
        let message = "the answer names no quick expense".to_string();
        return Err(Unread::Garbled(message));
    }
    Ok(id.to_string())
}
