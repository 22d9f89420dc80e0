//! Submitting and approving expense reports, v4 (source: concur-expense-workflows), and the list of
//! those that are not submitted, which only v3 has (source: concur-expense-reports-v3).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::json;

use super::digests::next_offset;
use super::expense_reports::REPORTS;
use super::requests::{encoded, get, with_body};
use crate::contract::http::{Method, Request, Response};
use crate::error_bodies::{self, Unread};
use crate::lax_json::{Object, rows};

const REPORTS_V3: &str = "/api/v3.0/expense/reports";
/// Reports of a page (source: concur-v3-conventions).
const PAGE_ROWS_MAX: u32 = 100;
/// The approval status of a report that is not submitted.
const NOT_SUBMITTED: &str = "A_NOTF";

/// A page of reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportPage {
    /// The ids of those that are not submitted.
    pub(crate) ids: Vec<String>,
    /// The next page's offset; none for the last.
    pub(crate) next: Option<String>,
}

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

/// The reports of all employees that are not submitted.
pub(crate) fn list_unsubmitted(offset: Option<&str>) -> Request {
    let mut target =
        format!("{REPORTS_V3}?user=ALL&approvalStatusCode={NOT_SUBMITTED}&limit={PAGE_ROWS_MAX}");
    if let Some(offset) = offset {
        target.push_str(&format!("&offset={}", encoded(offset)));
    }
    get(target)
}

/// Reads a page of reports. One that is listed with another status is left out, since a filter may
/// be ignored in silence.
pub(crate) fn read_unsubmitted(response: &Response) -> Result<ReportPage, Unread> {
    let text = error_bodies::text(response)?;
    let object: Object =
        serde_json::from_str(text).map_err(|error| error_bodies::garbled(&error))?;
    if !object.has("Items") {
        let message = "the answer has no list `Items`".to_string();
        return Err(Unread::Garbled(message));
    }
    let listed = object.get("Items").and_then(rows).unwrap_or_default();
    let reports = listed.into_iter().filter_map(Object::read);
    let unsubmitted = reports.filter(|report| {
        let status = report.text("ApprovalStatusCode");
        status.is_none_or(|status| status == NOT_SUBMITTED)
    });
    Ok(ReportPage {
        ids: unsubmitted.filter_map(|report| report.text("ID")).collect(),
        next: object.text("NextPage").and_then(|next| next_offset(&next)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_bodies::tests::answer;

    #[test]
    fn reports_of_another_status_are_left_out() {
        let body = r#"{"Items":[{"ID":"A","ApprovalStatusCode":"A_NOTF"},{"ID":"B"},
            {"ID":"C","ApprovalStatusCode":"A_PEND"}],"NextPage":"https://x.test/y?offset=z"}"#;
        let page = read_unsubmitted(&answer(body)).expect("is read");
        assert_eq!(page.ids, ["A", "B"]);
        assert_eq!(page.next.as_deref(), Some("z"));
        assert!(read_unsubmitted(&answer("{}")).is_err());
    }
}
