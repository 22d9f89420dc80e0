//! Submitting and approving expense reports, v4 (source: concur-expense-workflows).

use alloc::format;
use alloc::string::ToString;

use serde_json::json;

use super::expense_reports::REPORTS;
use super::requests::{encoded, get, with_body};
use crate::contract::http::{Method, Request, Response};
use crate::error_bodies::Unread;

/// Submits a report for its user.
pub(crate) fn submit_report(user: &str, id: &str) -> Request {
    let (user, id) = (encoded(user), encoded(id));
    let mut request = get(format!("{REPORTS}/users/{user}/reports/{id}/submit"));
    request.method = Method::Patch;
    request
}

/// Approves the step at which a report is, with a comment that its employee sees. Only a company
/// token may call it like this.
pub(crate) fn approve_report(id: &str, comment: &str) -> Request {
    let path = format!("{REPORTS}/reports/{}/approve", encoded(id));
    with_body(
        Method::Patch,
        &path,
        json!({ "comment": comment }).to_string(),
    )
}

/// Reads the answer to either: 204 with nothing in it.
pub(crate) fn read_moved_on(_: &Response) -> Result<(), Unread> {
    Ok(())
}
