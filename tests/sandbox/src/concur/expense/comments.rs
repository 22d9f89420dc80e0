//! Comments and exceptions v4, of a report or of one of its expenses
//! (source: concur-expense-reports).

use serde_json::{Value, json};

use super::report::{Comment, Exception};
use super::schema::{COMMENT, EXCEPTION};
use super::v4::{V4Call, V4Error, V4Reply, V4Result, stamp};
use crate::concur::Concur;

impl Concur {
    /// GET, POST, PUT and DELETE of comments. PUT changes the newest one, DELETE removes it.
    pub(crate) fn handle_comments(
        &mut self,
        call: &V4Call,
        method: &str,
        report: &str,
        expense: Option<&str>,
    ) -> V4Result {
        let unknown = self.config.expense.unknown_fields;
        let owner = self.report_of(report, None, "PROCESSOR")?.owner.clone();
        let (comments, _) = self.remarks_mut(report, expense)?;
        if method == "GET" {
            let newest = comments.len().saturating_sub(1);
            let rows = comments
                .iter()
                .enumerate()
                .map(|(at, comment)| comment_view(comment, &owner, expense, at == newest));
            return Ok(V4Reply::Json(200, rows.collect()));
        }
        let uri = format!("{}{}", call.base_url, call.request.path());
        match method {
            "POST" => {
                let text = read_comment(call.body(&COMMENT, unknown)?.get("comment"))?;
                comments.push(Comment { text, at: call.now });
                Ok(V4Reply::Json(201, json!({"uri": uri})))
            }
            "PUT" => {
                let text = read_comment(call.body(&COMMENT, unknown)?.get("comment"))?;
                let newest = comments.last_mut();
                newest.ok_or_else(|| V4Error::not_found("comment"))?.text = text;
                Ok(V4Reply::Json(200, json!({"uri": uri})))
            }
            "DELETE" => {
                comments
                    .pop()
                    .ok_or_else(|| V4Error::not_found("comment"))?;
                Ok(V4Reply::NoContent)
            }
            _ => Err(V4Error::not_found("The requested resource was")),
        }
    }

    /// GET and PUT of exceptions; PUT needs a company token and a report that is not paid.
    pub(crate) fn handle_exceptions(
        &mut self,
        call: &V4Call,
        method: &str,
        report: &str,
        expense: Option<&str>,
    ) -> V4Result {
        if method == "GET" {
            let (_, exceptions) = self.remarks_mut(report, expense)?;
            let exceptions = exceptions.iter();
            let rows = exceptions.map(|one| {
                json!({"exceptionCode": one.code, "exceptionVisibility": one.visibility,
                    "isBlocking": false, "message": one.code, "expenseId": expense})
            });
            return Ok(V4Reply::Json(200, rows.collect()));
        }
        if method != "PUT" {
            return Err(V4Error::not_found("The requested resource was"));
        }
        call.company_only()?;
        let body = call.body(&EXCEPTION, self.config.expense.unknown_fields)?;
        self.refuse_paid(report)?;
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let exception = Exception {
            code: text("exceptionCode"),
            visibility: text("exceptionVisibility"),
        };
        let (_, exceptions) = self.remarks_mut(report, expense)?;
        exceptions.retain(|one| one.code != exception.code);
        exceptions.push(exception);
        Ok(V4Reply::Json(
            200,
            json!({"uri": format!("{}{}", call.base_url, call.request.path())}),
        ))
    }

    /// What was said about a report or one of its entries.
    fn remarks_mut(
        &mut self,
        report: &str,
        expense: Option<&str>,
    ) -> Result<(&mut Vec<Comment>, &mut Vec<Exception>), V4Error> {
        let report = self.expense.report_mut(report);
        let report = report.ok_or_else(|| V4Error::not_found("reportId"))?;
        let Some(expense) = expense else {
            return Ok((&mut report.comments, &mut report.exceptions));
        };
        let entry = report.entry_mut(expense);
        let entry = entry.ok_or_else(|| V4Error::not_found("expenseId"))?;
        Ok((&mut entry.comments, &mut entry.exceptions))
    }
}

fn read_comment(text: Option<&Value>) -> Result<String, V4Error> {
    let text = text.and_then(Value::as_str).unwrap_or_default();
    Ok(text.to_owned())
}

fn comment_view(comment: &Comment, owner: &str, expense: Option<&str>, is_latest: bool) -> Value {
    json!({"comment": comment.text, "author": {"employeeId": "SYSTEM", "employeeUuid": null},
        "createdForEmployee": {"employeeUuid": owner}, "createdForEmployeeId": owner,
        "creationDate": stamp(comment.at), "expenseId": expense, "isAuditorComment": false,
        "isLatest": is_latest, "stepInstanceId": null})
}
