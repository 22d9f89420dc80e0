//! The list of all expense reports of a company, v3: v4 has none
//! (source: concur-expense-reports-v3).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::digests::next_offset;
use super::requests::{encoded, get};
use crate::contract::http::{Request, Response};
use crate::error_bodies::{self, Unread};
use crate::lax_json::{Object, rows};

const REPORTS: &str = "/api/v3.0/expense/reports";
/// Reports of a page (source: concur-v3-conventions).
const PAGE_ROWS_MAX: u32 = 100;
/// The approval status of a report that is not submitted.
const NOT_SUBMITTED: &str = "A_NOTF";

/// A report of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportRow {
    /// The id that other calls name it by.
    pub(crate) id: String,
    /// The login of its owner.
    pub(crate) login: String,
    /// The day of its last change, `YYYY-MM-DD`; none where it is not shown.
    pub(crate) modified: Option<String>,
}

/// A page of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportPage<R> {
    pub(crate) reports: Vec<R>,
    /// The next page's offset; none for the last.
    pub(crate) next: Option<String>,
}

/// A page of the reports of all employees.
pub(crate) fn list_reports(offset: Option<&str>) -> Request {
    page("", offset)
}

/// A page of the reports of all employees that are not submitted.
pub(crate) fn list_unsubmitted(offset: Option<&str>) -> Request {
    page(&format!("&approvalStatusCode={NOT_SUBMITTED}"), offset)
}

fn page(filter: &str, offset: Option<&str>) -> Request {
    let mut target = format!("{REPORTS}?user=ALL{filter}&limit={PAGE_ROWS_MAX}");
    if let Some(offset) = offset {
        target.push_str(&format!("&offset={}", encoded(offset)));
    }
    get(target)
}

/// Reads a page of reports.
pub(crate) fn read_reports(response: &Response) -> Result<ReportPage<ReportRow>, Unread> {
    read_page(response, |report| {
        let (id, login) = (report.text("ID"), report.text("OwnerLoginID"));
        let (Some(id), Some(login)) = (id, login) else {
            let why = "a report has no id or no owner".to_string();
            return Err(Unread::Garbled(why));
        };
        let modified = report.text("LastModifiedDate");
        Ok(Some(ReportRow {
            id,
            login,
            modified: modified.and_then(|moment| moment.get(..10).map(String::from)),
        }))
    })
}

/// Reads the ids of a page of reports that are not submitted. One that is listed with another
/// status is left out, since a filter may be ignored in silence.
pub(crate) fn read_unsubmitted(response: &Response) -> Result<ReportPage<String>, Unread> {
    read_page(response, |report| {
        let status = report.text("ApprovalStatusCode");
        let is_other = status.is_some_and(|status| status != NOT_SUBMITTED);
        Ok(report.text("ID").filter(|_| !is_other))
    })
}

fn read_page<R>(
    response: &Response,
    read: impl Fn(&Object) -> Result<Option<R>, Unread>,
) -> Result<ReportPage<R>, Unread> {
    let text = error_bodies::text(response)?;
    let object: Object =
        serde_json::from_str(text).map_err(|error| error_bodies::garbled(&error))?;
    let Some(listed) = object.get("Items").and_then(rows) else {
        let why = "the answer has no list `Items`".to_string();
        return Err(Unread::Garbled(why));
    };
    let reports = listed.into_iter().filter_map(Object::read);
    let reports = reports.filter_map(|report| read(&report).transpose());
    Ok(ReportPage {
        reports: reports.collect::<Result<_, _>>()?,
        next: object.text("NextPage").and_then(|next| next_offset(&next)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_bodies::tests::answer;

    #[test]
    fn a_report_of_the_list_has_an_owner() {
        let body = r#"{"Items":[{"ID":"9E44","OwnerLoginID":"ida@x.test",
            "LastModifiedDate":"2026-02-27T10:00:00"},{"ID":"9E45","OwnerLoginID":"kim@x.test"}],
            "NextPage":"https://x.test/api/v3.0/expense/reports?offset=b2"}"#;
        let page = read_reports(&answer(body)).expect("is read");
        let days: Vec<_> = page.reports.iter().map(|one| &one.modified).collect();
        assert_eq!(days, [&Some("2026-02-27".to_string()), &None]);
        assert_eq!(page.next.as_deref(), Some("b2"));
        for body in ["{}", r#"{"Items":[{"ID":"9E44"}]}"#] {
            assert!(read_reports(&answer(body)).is_err(), "{body}");
        }
    }

    #[test]
    fn reports_of_another_status_are_left_out() {
        let body = r#"{"Items":[{"ID":"A","ApprovalStatusCode":"A_NOTF"},{"ID":"B"},
            {"ID":"C","ApprovalStatusCode":"A_PEND"}],"NextPage":"https://x.test/y?offset=z"}"#;
        let page = read_unsubmitted(&answer(body)).expect("is read");
        assert_eq!(page.reports, ["A", "B"]);
        assert_eq!(page.next.as_deref(), Some("z"));
        assert!(read_unsubmitted(&answer("{}")).is_err());
    }
}
