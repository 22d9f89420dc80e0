//! Expense reports on the wire, v4 (source: concur-expense-reports).

use alloc::format;
use alloc::string::{String, ToString};

use serde_json::{Value, json};

use super::json::{is_true, json_object, member_text};
use super::requests::{encoded, get, with_body};
use crate::contract::http::{Header, Method, Request, Response};
use crate::error_bodies::Unread;

const REPORTS: &str = "/expensereports/v4";

/// A report that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewReport<'a> {
    /// What people call it.
    pub(crate) name: &'a str,
    /// The id of its policy.
    pub(crate) policy_id: &'a str,
    /// Its business purpose; empty for none.
    pub(crate) purpose: &'a str,
    /// Its first and last day, `YYYY-MM-DD`.
    pub(crate) days: [&'a str; 2],
}

/// A report as SAP Concur shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// Its id, which v3 calls name it by too.
    pub(crate) id: String,
    /// Whether it is with an approver, or through.
    pub(crate) submitted: bool,
    /// Whether an entry may be added. None may, once it has ever been submitted
    /// (source: concur-expense-reports).
    pub(crate) open: bool,
    /// The currency in which its employee is paid; empty where it is not shown.
    pub(crate) currency: String,
}

/// Creates a report of a user, once for each `key` (source: concur-expense-reports).
pub(crate) fn create_report(user: &str, report: &NewReport, key: &str) -> Request {
    let [start, end] = report.days;
    let mut body = json!({
        "name": report.name,
        "policyId": report.policy_id,
        "startDate": start,
        "endDate": end,
    });
    if !report.purpose.is_empty() {
        body["businessPurpose"] = json!(report.purpose);
    }
    let mut request = with_body(Method::Post, &of_user(user), body.to_string());
    request.headers.push(Header {
        name: "idempotency-id".to_string(),
        value: key.to_string(),
    });
    request
}

/// Reads the id of the report that was created: the last part of its address, which is not
/// followed.
pub(crate) fn read_created_report(response: &Response) -> Result<String, Unread> {
    let uri = member_text(&json_object(response)?, "uri");
    let id = uri.rsplit('/').next().unwrap_or_default();
    if id.is_empty()
        || !id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return Err(Unread::Garbled("the answer names no report".to_string()));
    }
    Ok(id.to_string())
}

/// A report of a user.
pub(crate) fn get_report(user: &str, id: &str) -> Request {
    get(format!("{}/{}", of_user(user), encoded(id)))
}

/// Reads the answer that shows a report.
pub(crate) fn read_report(response: &Response) -> Result<Report, Unread> {
    let report = json_object(response)?;
    let id = member_text(&report, "reportId");
    if id.is_empty() {
        return Err(Unread::Garbled("the answer is not a report".to_string()));
    }
    Ok(Report {
        id,
        submitted: is_true(&report, "isSubmitted"),
        open: is_open(&report),
        currency: member_text(&report, "currencyCode"),
    })
}

fn is_open(report: &Value) -> bool {
    let was_submitted = ["isSubmitted", "isSentBack", "isReportEverSentBack"];
    let status = member_text(report, "approvalStatusId");
    let takes_none = member_text(report, "canAddExpense") == "false";
    let is_new = status.is_empty() || status == "A_NOTF";
    is_new && !takes_none && !was_submitted.iter().any(|member| is_true(report, member))
}

/// Takes an entry out of a report that is not submitted. `expense_id` is its v4 id.
pub(crate) fn delete_expense(report_id: &str, expense_id: &str) -> Request {
    let (report, expense) = (encoded(report_id), encoded(expense_id));
    let mut request = get(format!("{REPORTS}/reports/{report}/expenses/{expense}"));
    request.method = Method::Delete;
    request
}

fn of_user(user: &str) -> String {
    format!("{REPORTS}/users/{}/context/TRAVELER/reports", encoded(user))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_bodies::tests::answer;

    fn report(members: &str) -> Report {
        let body = format!(r#"{{"reportId":"9E44A1C07B2F4D06A9B1"{members}}}"#);
        read_report(&answer(&body)).expect("is read")
    }

    #[test]
    fn what_was_ever_submitted_is_not_open() {
        for members in [
            "",
            r#","isSubmitted":false,"canAddExpense":true,"approvalStatusId":"A_NOTF""#,
        ] {
            assert!(report(members).open, "{members}");
        }
        for members in [
            r#","isSubmitted":true"#,
            r#","canAddExpense":false"#,
            r#","isSentBack":true"#,
            r#","isReportEverSentBack":"true""#,
            r#","approvalStatusId":"A_RESU""#,
        ] {
            assert!(!report(members).open, "{members}");
        }
    }

    #[test]
    fn a_created_report_is_named_by_the_end_of_its_address() {
        let read = |uri: &str| read_created_report(&answer(&format!(r#"{{"uri":"{uri}"}}"#)));
        let uri = "https://us2.api.concursolutions.com/expensereports/v4/x/reports/9E44";
        assert_eq!(read(uri), Ok("9E44".into()));
        for none in ["", "https://us2.api.concursolutions.com/", "reports/a?b"] {
            assert!(read(none).is_err(), "{none}");
        }
    }
}
