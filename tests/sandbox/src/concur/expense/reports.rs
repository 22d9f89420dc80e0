//! Reports v4: creating, changing and deleting them, and the form (source: concur-expense-reports).

use serde_json::{Map, Value, json};

use super::Creation;
use super::config::FormField;
use super::custom_fields::{v4_name, write_v4};
use super::report::{Comment, Report, Step};
use super::schema::{NEW_REPORT, UPDATE_REPORT, UPDATE_REPORT_SHORT};
use super::v4::{V4Call, V4Error, V4Reply, V4Result, check_context};
use crate::concur::Concur;
use crate::concur::users::User;
use crate::http::Millis;
use crate::money::Currency;

/// Members that are text and stored as they are.
const TEXTS: [&str; 7] = [
    "name",
    "businessPurpose",
    "countryCode",
    "countrySubDivisionCode",
    "startDate",
    "endDate",
    "reportDate",
];

impl Concur {
    /// Creates a report for a user, once for each `idempotency-id`.
    pub(crate) fn create_report(&mut self, call: &V4Call, user: &str, context: &str) -> V4Result {
        check_context(context, &["TRAVELER", "PROXY"])?;
        let user = self.user_of_path(call, user)?.clone();
        if !user.active {
            return Err(V4Error::new(400, "User does not have proper role"));
        }
        let key = call.request.header("idempotency-id");
        if let Some(reply) = self.earlier_creation(key, call.now) {
            return reply;
        }
        let body = call.body(&NEW_REPORT, self.config.expense.unknown_fields)?;
        let report = self.new_report(&user, &body, call.now)?;
        let uri = format!(
            "{}/expensereports/v4/users/{}/context/{context}/reports/{}",
            call.base_url, user.id, report.id
        );
        self.expense.add_report(report);
        if let Some(key) = key {
            let creation = Creation {
                at: call.now,
                uri: uri.clone(),
            };
            self.expense.creations.insert(key.to_owned(), creation);
        }
        Ok(V4Reply::Json(201, json!({"uri": uri})))
    }

    /// What an earlier call with the same `idempotency-id` led to.
    fn earlier_creation(&self, key: Option<&str>, now: Millis) -> Option<V4Result> {
        let creation = self.expense.creations.get(key?)?;
        let age = now.saturating_sub(creation.at);
        let switches = &self.config.expense;
        if age >= switches.idempotency_life_ms {
            return None;
        }
        if age < switches.creation_takes_ms {
            let message = "Your previous request having this idempotency-id is still in-progress. \
                Please retry your request after sometime to get the resource link (URI)";
            return Some(Err(V4Error::new(409, message)));
        }
        Some(Ok(V4Reply::Json(201, json!({"uri": creation.uri}))))
    }

    fn new_report(
        &mut self,
        user: &User,
        body: &Map<String, Value>,
        now: Millis,
    ) -> Result<Report, V4Error> {
        let policy = body["policyId"].as_str().unwrap_or_default();
        if self.config.expense.policy(policy).is_none() {
            return Err(V4Error::invalid_field(
                "policyId",
                "is not a policy of the user",
            ));
        }
        let mut report = self.empty_report(user, policy, now);
        write_members(&mut report, body, now);
        if let Some(rows) = body.get("customData") {
            let config = &self.config.expense;
            write_v4(rows, &config.report_fields, config, &mut report.customs)?;
        }
        Ok(report)
    }

    /// A report of a user without anything in it.
    pub(crate) fn empty_report(&mut self, user: &User, policy: &str, now: Millis) -> Report {
        let random = &mut self.expense.random;
        Report {
            id: random.text(b"0123456789ABCDEF", 20),
            number: random.text(b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 6),
            owner: user.id.clone(),
            currency: Currency::parse(&user.reimbursement_currency).unwrap_or(Currency::euro()),
            policy: policy.to_owned(),
            texts: Default::default(),
            customs: Default::default(),
            paper_receipts: false,
            step: Step::Open,
            ever_submitted: false,
            sent_back: false,
            ever_sent_back: false,
            submitted: None,
            created: now,
            modified: now,
            version: 1,
            deleted: false,
            entries: Vec::new(),
            comments: Vec::new(),
            exceptions: Vec::new(),
        }
    }

    /// Changes a report that is not submitted.
    pub(crate) fn update_report(&mut self, call: &V4Call, id: &str) -> V4Result {
        let body = call.body(&UPDATE_REPORT, self.config.expense.unknown_fields)?;
        if self.report_of(id, None, "PROCESSOR")?.step != Step::Open {
            let message = "The report is submitted and cannot be changed";
            return Err(V4Error::new(400, message));
        }
        let policy = body.get("policyId").and_then(Value::as_str);
        if policy.is_some_and(|policy| self.config.expense.policy(policy).is_none()) {
            let message = "is not a policy of the user";
            return Err(V4Error::invalid_field("policyId", message));
        }
        self.write_report(call, id, &body)
    }

    /// Changes the few fields that a company token may, until the report is paid.
    pub(crate) fn update_report_short(&mut self, call: &V4Call, id: &str) -> V4Result {
        let body = call.body(&UPDATE_REPORT_SHORT, self.config.expense.unknown_fields)?;
        self.refuse_paid(id)?;
        self.write_report(call, id, &body)
    }

    fn write_report(&mut self, call: &V4Call, id: &str, body: &Map<String, Value>) -> V4Result {
        let Some(report) = self.expense.report_mut(id) else {
            return Err(V4Error::not_found("reportId"));
        };
        let mut customs = report.customs.clone();
        if let Some(rows) = body.get("customData") {
            let config = &self.config.expense;
            write_v4(rows, &config.report_fields, config, &mut customs)?;
        }
        report.customs = customs;
        write_members(report, body, call.now);
        report.touch(call.now);
        Ok(V4Reply::NoContent)
    }

    /// Deletes a report that is not submitted.
    pub(crate) fn delete_report_by_call(&mut self, call: &V4Call, id: &str) -> V4Result {
        let Some(report) = self.expense.report_mut(id) else {
            return Err(V4Error::not_found("reportId"));
        };
        if report.step != Step::Open {
            let message = "The report is submitted and cannot be deleted";
            return Err(V4Error::new(409, message));
        }
        report.deleted = true;
        report.touch(call.now);
        Ok(V4Reply::NoContent)
    }

    /// The fields of the report form, or of the entry form.
    pub(crate) fn show_form(&self, call: &V4Call, id: &str, expense: Option<&str>) -> V4Result {
        let report = self.report_of(id, None, "PROCESSOR")?;
        let form = match expense {
            Some(expense) if report.entry(expense).is_none() => {
                return Err(V4Error::not_found("expenseId"));
            }
            Some(_) => &self.config.expense.entry_fields,
            None => &self.config.expense.report_fields,
        };
        let asked = crate::http::first_value(&call.query, "expenseTypeId");
        if asked.is_some_and(|code| self.config.expense.expense_type(code).is_none()) {
            return Err(V4Error::invalid_field(
                "expenseTypeId",
                "is not an expense type",
            ));
        }
        let fields = form.iter().map(|(name, field)| field_view(name, field));
        Ok(V4Reply::Json(200, fields.collect()))
    }

    /// Refuses what nobody may do once a report is paid.
    pub(crate) fn refuse_paid(&self, id: &str) -> Result<(), V4Error> {
        let report = self.report_of(id, None, "PROCESSOR")?;
        if matches!(self.payment_status(report).0, "P_PAID" | "P_PAYC") {
            let message = "Cannot perform the operation as the report is already paid";
            return Err(V4Error::new(400, message));
        }
        Ok(())
    }
}

fn write_members(report: &mut Report, body: &Map<String, Value>, now: Millis) {
    for name in TEXTS {
        match body.get(name) {
            Some(Value::String(text)) => {
                report.texts.insert(name.to_owned(), text.clone());
            }
            // A merge patch empties what is null (RFC 7386).
            Some(Value::Null) => _ = report.texts.remove(name),
            _ => {}
        }
    }
    if let Some(policy) = body.get("policyId").and_then(Value::as_str) {
        report.policy = policy.to_owned();
    }
    if let Some(received) = body.get("isPaperReceiptsReceived").and_then(Value::as_bool) {
        report.paper_receipts = received;
    }
    if let Some(text) = body.get("comment").and_then(Value::as_str) {
        report.comments.push(Comment {
            text: text.to_owned(),
            at: now,
        });
    }
}

fn field_view(name: &str, field: &FormField) -> Value {
    let list = field.list.as_ref();
    json!({"fieldId": v4_name(name), "fieldName": field.name,
        "dataType": if list.is_some() { "LIST" } else { "VARCHAR" },
        "controlType": if list.is_some() { "LIST" } else { "EDIT" }, "fieldAccess": "RW",
        "isRequired": field.required, "maximumLength": 48,
        "listId": list.map(|list| &list.id), "listLevel": list.map(|_| 1),
        "parentFieldId": null, "isExternalList": false})
}
