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
pub(crate) struct ReportPage {
    pub(crate) reports: Vec<ReportRow>,
    /// The next page's offset; none for the last.
    pub(crate) next: Option<String>,
}

/// A page of the reports of all employees.
pub(crate) fn list_reports(offset: Option<&str>) -> Request {
    let mut target = format!("{REPORTS}?user=ALL&limit={PAGE_ROWS_MAX}");
    if let Some(offset) = offset {
        target.push_str(&format!("&offset={}", encoded(offset)));
    }
    get(target)
}

/// Reads a page of reports.
pub(crate) fn read_reports(response: &Response) -> Result<ReportPage, Unread> {
    let text = error_bodies::text(response)?;
    let object: Object =
        serde_json::from_str(text).map_err(|error| error_bodies::garbled(&error))?;
    let Some(listed) = object.get("Items").and_then(rows) else {
        let why = "the answer has no list `Items`".to_string();
        return Err(Unread::Garbled(why));
    };
    let reports = listed.into_iter().filter_map(Object::read).map(|report| {
        let (id, login) = (report.text("ID"), report.text("OwnerLoginID"));
        let (Some(id), Some(login)) = (id, login) else {
            let why = "a report has no id or no owner".to_string();
            return Err(Unread::Garbled(why));
        };
        let modified = report.text("LastModifiedDate");
        Ok(ReportRow {
            id,
            login,
            modified: modified.and_then(|moment| moment.get(..10).map(String::from)),
        })
    });
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
}
