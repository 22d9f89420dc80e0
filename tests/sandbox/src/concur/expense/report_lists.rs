//! Reports v3, of which a company reads the list: v4 has none (source: concur-expense-reports-v3).

use serde_json::{Value, json};

use super::report::Report;
use super::report_view::number;
use crate::calendar::bare_stamp;
use crate::concur::Concur;
use crate::concur::gateway::{GatewayCall, GatewayError, Reply};
use crate::concur::users::user_with_id;
use crate::http::first_value;

/// Where reports are.
pub(crate) const REPORTS: &str = "/api/v3.0/expense/reports";

impl Concur {
    /// Routes a request on `/api/v3.0/expense/reports[/{id}]`; both only read.
    pub(crate) fn handle_report_lists(&self, call: &GatewayCall) -> Result<Reply, GatewayError> {
        if call.method != "GET" {
            return Err(GatewayError::method_not_allowed(call.method));
        }
        let rest = call.path.strip_prefix(REPORTS).unwrap_or_default();
        match rest.strip_prefix('/') {
            Some(id) => {
                let user = self.user_of_call(call)?;
                let report = self.report_of_user(id, &user.id)?;
                Ok(Reply::ok("Report", self.report_row(report, &call.base_url)))
            }
            None => self.list_reports(call),
        }
    }

    fn list_reports(&self, call: &GatewayCall) -> Result<Reply, GatewayError> {
        let all = first_value(&call.query, "user") == Some("ALL") && call.login.is_none();
        let owner = if all {
            None
        } else {
            Some(&self.user_of_call(call)?.id)
        };
        let visible_until = call.now.saturating_sub(call.stale);
        let is_wanted = |report: &&Report| {
            !report.deleted
                && report.created <= visible_until
                && owner.is_none_or(|owner| *owner == report.owner)
                && is_listed(call, "approvalStatusCode", self.approval_status(report).0)
                && is_listed(call, "paymentStatusCode", self.payment_status(report).0)
        };
        let rows: Vec<&Report> = self.expense.reports.iter().filter(is_wanted).collect();
        let (range, next) = self.page_of(call, rows.len())?;
        let items = rows[range].iter();
        let items = items.map(|report| self.report_row(report, &call.base_url));
        let body = json!({"Items": items.collect::<Vec<_>>(), "NextPage": next});
        Ok(Reply::ok("Reports", body))
    }

    fn report_row(&self, report: &Report, base_url: &str) -> Value {
        let owner = user_with_id(&self.config.users, &report.owner);
        let (approval, approval_name) = self.approval_status(report);
        let (payment, payment_name) = self.payment_status(report);
        json!({
            "ID": report.id, "URI": format!("{base_url}{REPORTS}/{}", report.id),
            "Name": report.texts.get("name"), "Purpose": report.texts.get("businessPurpose"),
            "OwnerLoginID": owner.map(|owner| &owner.user_name),
            "OwnerName": owner.map(|one| format!("{}, {}", one.family_name, one.given_name)),
            "ApprovalStatusCode": approval, "ApprovalStatusName": approval_name,
            "PaymentStatusCode": payment, "PaymentStatusName": payment_name,
            "Total": number(report.sum(|_| true)), "CurrencyCode": report.currency.code(),
            "PolicyID": report.policy, "EverSentBack": report.ever_sent_back,
            "CreateDate": bare_stamp(report.created),
            "SubmitDate": report.submitted.map(bare_stamp),
            "LastModifiedDate": bare_stamp(report.modified),
        })
    }
}

/// Whether a filter is not there, or its list with commas has a code.
fn is_listed(call: &GatewayCall, name: &str, code: &str) -> bool {
    let asked = first_value(&call.query, name);
    asked.is_none_or(|codes| codes.split(',').any(|one| one.trim() == code))
}
