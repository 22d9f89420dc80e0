//! Which v4 call a path is, and the scope that it needs (source: concur-expense-reports).

use serde_json::json;

use super::v4::{V4Call, V4Error, V4Reply, V4Result, check_context};
use crate::concur::Concur;

impl Concur {
    /// Finds what a v4 call is for, if its token has the scope.
    pub(super) fn route_v4(&mut self, call: &V4Call) -> V4Result {
        let path = call.request.path().trim_end_matches('/');
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let method = call.request.method.as_str();
        match segments.as_slice() {
            ["expensereports", "v4", rest @ ..] => {
                call.needs_scope(scopes_of_report_call(method, rest))?;
                self.route_reports(call, method, rest)
            }
            ["expenseconfig", "v4", rest @ ..] if method == "GET" => {
                call.needs_scope(&[super::configuration::scope_of(rest)])?;
                self.route_configuration(call, rest)
            }
            ["quickexpense", "v4", rest @ ..] if method == "POST" => {
                call.needs_scope(&["quickexpense.writeonly"])?;
                call.needs_scope(&["user.read"])?;
                self.route_quick_expenses(call, rest)
            }
            _ => Err(V4Error::not_found("The requested resource was")),
        }
    }

    fn route_reports(&mut self, call: &V4Call, method: &str, rest: &[&str]) -> V4Result {
        match (method, rest) {
            ("POST", ["users", user, "context", context, "reports"]) => {
                self.create_report(call, user, context)
            }
            ("PATCH", ["users", user, "reports", report, "submit"]) => {
                let user = self.user_of_path(call, user)?.id.clone();
                self.report_of(report, Some(&user), "TRAVELER")?;
                self.submit_report_by_call(call, report)
            }
            (
                _,
                [
                    "users",
                    user,
                    "context",
                    context,
                    "reports",
                    report,
                    rest @ ..,
                ],
            ) => {
                let user = self.user_of_path(call, user)?.id.clone();
                check_context(context, &["TRAVELER", "MANAGER", "PROCESSOR", "PROXY"])?;
                self.report_of(report, Some(&user), context)?;
                self.route_report_of_user(call, method, report, context, rest)
            }
            (_, ["reports", report, rest @ ..]) => {
                call.company_only()?;
                self.report_of(report, None, "PROCESSOR")?;
                self.route_report_of_company(call, method, report, rest)
            }
            _ => Err(V4Error::not_found("The requested resource was")),
        }
    }

    fn route_report_of_user(
        &mut self,
        call: &V4Call,
        method: &str,
        report: &str,
        context: &str,
        rest: &[&str],
    ) -> V4Result {
        match (method, rest) {
            ("GET", []) => self.show_report(call, report),
            ("PATCH", []) => self.update_report(call, report),
            ("GET", ["expenses"]) => self.list_expenses(call, report),
            ("GET", ["expenses", expense]) => self.show_expense(report, expense),
            ("GET", ["expenses", _, "itemizations" | "allocations"]) => {
                Ok(V4Reply::Json(200, json!([])))
            }
            ("PATCH", ["recall"]) => self.recall_by_call(call, report, context),
            ("PATCH", ["approve"]) => self.approve_by_call(call, report, Some(context)),
            ("PATCH", ["sendBack"]) => self.send_back_by_call(call, report, Some(context)),
            _ => self.route_parts_of_report(call, method, report, rest),
        }
    }

    fn route_report_of_company(
        &mut self,
        call: &V4Call,
        method: &str,
        report: &str,
        rest: &[&str],
    ) -> V4Result {
        match (method, rest) {
            ("PATCH", []) => self.update_report_short(call, report),
            ("DELETE", []) => self.delete_report_by_call(call, report),
            ("PATCH", ["expenses", expense]) => self.update_expense(call, report, expense),
            ("DELETE", ["expenses", expense]) => self.delete_expense(call, report, expense),
            ("PATCH", ["approve"]) => self.approve_by_call(call, report, None),
            ("PATCH", ["sendBack"]) => self.send_back_by_call(call, report, None),
            _ => self.route_parts_of_report(call, method, report, rest),
        }
    }

    fn route_parts_of_report(
        &mut self,
        call: &V4Call,
        method: &str,
        report: &str,
        rest: &[&str],
    ) -> V4Result {
        match (method, rest) {
            ("GET", ["formFields"]) => self.show_form(call, report, None),
            ("GET", ["expenses", expense, "formFields"]) => {
                self.show_form(call, report, Some(expense))
            }
            (_, ["comments"]) => self.handle_comments(call, method, report, None),
            (_, ["expenses", expense, "comments"]) => {
                self.handle_comments(call, method, report, Some(expense))
            }
            (_, ["exceptions"]) => self.handle_exceptions(call, method, report, None),
            (_, ["expenses", expense, "exceptions"]) => {
                self.handle_exceptions(call, method, report, Some(expense))
            }
            _ => Err(V4Error::not_found("The requested resource was")),
        }
    }
}

fn scopes_of_report_call(method: &str, rest: &[&str]) -> &'static [&'static str] {
    match (method, rest.last()) {
        (_, Some(&("submit" | "recall" | "approve" | "sendBack"))) => {
            &["expense.report.workflowstatus.write"]
        }
        ("GET", _) => &["expense.report.read", "expense.report.readwrite"],
        _ => &["expense.report.readwrite"],
    }
}
