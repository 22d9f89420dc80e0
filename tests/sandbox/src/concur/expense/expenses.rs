//! Expenses v4: entries read, changed in a few fields and deleted
//! (source: concur-expense-expenses).

use serde_json::{Value, json};

use super::custom_fields::{v4_view, write_v4};
use super::report::{Entry, Report, Step};
use super::report_view::{money, number};
use super::schema::UPDATE_EXPENSE;
use super::v4::{V4Call, V4Error, V4Reply, V4Result, stamp};
use crate::concur::Concur;

impl Concur {
    /// The expenses of a report as a bare array.
    pub(crate) fn list_expenses(&self, call: &V4Call, id: &str) -> V4Result {
        let report = self.report_of(id, None, "PROCESSOR")?;
        let visible_until = call.now.saturating_sub(call.stale);
        let entries = report.entries.iter();
        let entries = entries.filter(|entry| entry.created <= visible_until);
        let rows = entries.map(|entry| self.expense_view(report, entry, false));
        Ok(V4Reply::Json(200, rows.collect()))
    }

    /// One expense with its details.
    pub(crate) fn show_expense(&self, id: &str, expense: &str) -> V4Result {
        let report = self.report_of(id, None, "PROCESSOR")?;
        let entry = report.entry(expense);
        let entry = entry.ok_or_else(|| V4Error::not_found("expenseId"))?;
        Ok(V4Reply::Json(200, self.expense_view(report, entry, true)))
    }

    /// Changes the few fields that a company token may, until the report is paid.
    pub(crate) fn update_expense(&mut self, call: &V4Call, id: &str, expense: &str) -> V4Result {
        let body = call.body(&UPDATE_EXPENSE, self.config.expense.unknown_fields)?;
        self.refuse_paid(id)?;
        let entry = self.expense.report_mut(id);
        let entry = entry.and_then(|report| report.entry_mut(expense));
        let entry = entry.ok_or_else(|| V4Error::not_found("expenseId"))?;
        let mut changed = entry.clone();
        if let Some(rows) = body.get("customData") {
            let config = &self.config.expense;
            write_v4(rows, &config.entry_fields, config, &mut changed.customs)?;
        }
        if let Some(text) = body.get("businessPurpose") {
            changed.description = text.as_str().unwrap_or_default().to_owned();
        }
        let flag = |name: &str| body.get(name).and_then(Value::as_bool);
        changed.rejected = flag("isExpenseRejected").unwrap_or(changed.rejected);
        changed.paper_receipt = flag("isPaperReceiptReceived").unwrap_or(changed.paper_receipt);
        changed.modified = call.now;
        *entry = changed;
        if let Some(report) = self.expense.report_mut(id) {
            report.touch(call.now);
        }
        Ok(V4Reply::NoContent)
    }

    /// Deletes an expense of a report that is with its owner.
    pub(crate) fn delete_expense(&mut self, call: &V4Call, id: &str, expense: &str) -> V4Result {
        let Some(report) = self.expense.report_mut(id) else {
            return Err(V4Error::not_found("reportId"));
        };
        if report.entry(expense).is_none() {
            return Err(V4Error::not_found("expenseId"));
        }
        if report.step != Step::Open {
            let message = "The report is submitted: the expense cannot be deleted";
            return Err(V4Error::new(409, message));
        }
        report.entries.retain(|entry| entry.expense_id != expense);
        report.touch(call.now);
        Ok(V4Reply::NoContent)
    }

    fn expense_view(&self, report: &Report, entry: &Entry, detailed: bool) -> Value {
        let config = &self.config.expense;
        let kind = config.expense_type(&entry.expense_type);
        let payment = config.payment_type(&entry.payment_type);
        let currency = report.currency;
        let (posted, approved) = (entry.posted(currency), entry.approved(currency));
        let claimed = if entry.personal {
            Default::default()
        } else {
            posted
        };
        let text = |text: &String| (!text.is_empty()).then(|| text.clone());
        let mut view = json!({
            "expenseId": entry.expense_id, "parentExpenseId": null,
            "transactionAmount": money(entry.amount, entry.currency),
            "postedAmount": money(posted, currency), "claimedAmount": money(claimed, currency),
            "approvedAmount": money(approved, currency),
            "approverAdjustedAmount": money(claimed, currency),
            "exchangeRate": {"value": number(entry.rate), "operation": "MULTIPLY"},
            "expenseType": {"id": entry.expense_type, "code": entry.expense_type,
                "name": kind.map(|kind| &kind.name), "isDeleted": false},
            "paymentType": {"id": entry.payment_type, "code": entry.payment_type,
                "name": payment.map(|payment| &payment.name)},
            "vendor": {"id": text(&entry.vendor_item), "name": null,
                "description": text(&entry.vendor)},
            "transactionDate": entry.day, "businessPurpose": text(&entry.description),
            "allocationState": "NOT_ALLOCATED", "allocationSetId": null,
            "isPersonalExpense": entry.personal, "canDelete": report.step == Step::Open,
            "hasBlockingExceptions": false, "hasExceptions": !entry.exceptions.is_empty(),
            "hasMissingReceiptDeclaration": false, "isAutoCreated": false,
            "isImageRequired": false, "isPaperReceiptRequired": false, "links": [],
        });
        if let (true, Value::Object(members)) = (detailed, &mut view) {
            let base_url = self.home_url();
            let customs = v4_view(&entry.customs, &config.entry_fields, &base_url);
            members.insert("customData".into(), customs.into());
            members.insert("isExpenseBillable".into(), entry.billable.into());
            members.insert("isExpenseRejected".into(), entry.rejected.into());
            members.insert("isPaperReceiptReceived".into(), entry.paper_receipt.into());
            members.insert("isExcludedFromCashAdvanceByUser".into(), false.into());
            members.insert("canAllocate".into(), (report.step == Step::Open).into());
            members.insert("receiptType".into(), json!({"id": entry.receipt_type}));
            members.insert("taxRateLocation".into(), "HOME".into());
            members.insert("lastModifiedDate".into(), stamp(entry.modified).into());
        }
        view
    }
}
