//! A report as v4 shows it (source: concur-expense-reports).

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::config::Payer;
use super::custom_fields::v4_view;
use super::report::{Entry, Report, Step};
use super::v4::{V4Call, V4Reply, V4Result, stamp};
use crate::concur::Concur;
use crate::concur::financial::{DocStatus, DocType};
use crate::concur::users::user_with_id;
use crate::money::Currency;

impl Concur {
    /// Shows a report.
    pub(crate) fn show_report(&self, call: &V4Call, id: &str) -> V4Result {
        let report = self.report_of(id, None, "PROCESSOR")?;
        let mut view = self.report_amounts(report);
        for part in [self.report_state(report), self.report_texts(report, call)] {
            if let (Value::Object(view), Value::Object(part)) = (&mut view, part) {
                view.extend(part);
            }
        }
        Ok(V4Reply::Json(200, view))
    }

    fn report_amounts(&self, report: &Report) -> Value {
        let currency = report.currency;
        let amount = |value: Decimal| money(value, currency);
        let approved = |payers: &[Payer]| {
            let entries = report.entries.iter();
            let paid = entries.filter(|entry| payers.contains(&self.payer(entry)));
            paid.map(|entry| entry.approved(currency)).sum::<Decimal>()
        };
        let on_card = |entry: &Entry| self.payer(entry) == Payer::CompanyCard;
        let all_approved: Decimal = approved(&ALL_PAYERS);
        let total = report.sum(|_| true);
        let personal = report.sum(|entry| entry.personal);
        json!({
            "reportTotal": amount(total),
            "claimedAmount": amount(total - personal),
            "approvedAmount": amount(all_approved),
            "amountDueEmployee": amount(approved(&[Payer::Employee])),
            "amountDueCompany": amount(report.sum(|entry| entry.personal && on_card(entry))),
            "amountDueCompanyCard":
                amount(approved(&[Payer::CompanyCard, Payer::IndividualCard])),
            "amountCompanyPaid": amount(approved(&[Payer::Company])),
            "personalAmount": amount(personal),
            "amountNotApproved": amount(total - personal - all_approved),
            "paymentConfirmedAmount": amount(Decimal::ZERO),
        })
    }

    fn report_state(&self, report: &Report) -> Value {
        let (approval, approval_name) = self.approval_status(report);
        let (payment, payment_name) = self.payment_status(report);
        let is_open = report.step == Step::Open;
        json!({
            "approvalStatusId": approval, "approvalStatus": approval_name,
            "paymentStatusId": payment, "paymentStatus": payment_name,
            "canAddExpense": is_open && !report.ever_submitted,
            "canRecall": matches!(report.step, Step::Pending(_)),
            "isSubmitted": !is_open,
            "isSentBack": report.sent_back,
            "isReportEverSentBack": report.ever_sent_back,
            "isFinancialIntegrationEnabled": self.config.financial.enabled,
            "isPaperReceiptsReceived": report.paper_receipts,
            "isPaperReceiptRequired": false, "isReceiptImageRequired": false,
            "isReceiptImageAvailable": false, "isPendingDelegatorReview": false,
            "receiptStatus": "NOT_REQUIRED", "imageStatus": "NOT_REQUIRED",
            "concurAuditStatus": "NOTR", "defaultFieldAccess": "RW", "reportType": "Regular",
            "submitDate": report.submitted.map(stamp),
            "creationDate": stamp(report.created),
            "reportVersion": report.version,
        })
    }

    fn report_texts(&self, report: &Report, call: &V4Call) -> Value {
        let text = |name: &str| report.texts.get(name);
        let config = &self.config.expense;
        let policy = config.policy(&report.policy);
        let owner = user_with_id(&self.config.users, &report.owner);
        let (ledger_code, ledger) = self.config.ledgers.iter().next().unzip();
        let path = call.request.path().trim_end_matches('/');
        let link = |rel: &str, behind: &str| {
            json!({"rel": rel, "href": format!("{}{path}{behind}", call.base_url),
                "method": "GET", "isTemplated": false})
        };
        json!({
            "reportId": report.id, "reportNumber": report.number, "name": text("name"),
            "policyId": report.policy, "policy": policy.map(|policy| &policy.name),
            "businessPurpose": text("businessPurpose"),
            "countryCode": text("countryCode"),
            "countrySubDivisionCode": text("countrySubDivisionCode"),
            "startDate": text("startDate"), "endDate": text("endDate"),
            "reportDate": text("reportDate"),
            "currencyCode": report.currency.code(), "currency": report.currency.code(),
            "ledger": ledger, "ledgerId": ledger_code, "userId": report.owner,
            "employee": {"employeeId": owner.map(|owner| &owner.employee_number),
                "employeeUuid": report.owner},
            "customData": v4_view(&report.customs, &config.report_fields, &call.base_url),
            "analyticsGroupId": "1", "hierarchyNodeId": "1", "reportFormId": "1",
            "links": [link("self", ""), link("expenses", "/expenses"),
                link("comments", "/comments"), link("exceptions", "/exceptions"),
                link("formFields", "/formFields")],
        })
    }

    /// Who paid for an entry.
    pub(crate) fn payer(&self, entry: &Entry) -> Payer {
        let kind = self.config.expense.payment_type(&entry.payment_type);
        kind.map_or(Payer::Employee, |kind| kind.payer)
    }

    /// The code and the name of a report's approval status.
    pub(crate) fn approval_status(&self, report: &Report) -> (&str, &'static str) {
        match report.step {
            Step::Open if report.sent_back => ("A_RESU", "Sent Back to Employee"),
            Step::Open => ("A_NOTF", "Not Filed"),
            Step::Pending(at) => {
                let code = self.config.expense.approval_steps.get(at);
                (
                    code.map_or("A_PEND", String::as_str),
                    "Submitted & Pending Approval",
                )
            }
            Step::Approved => ("A_APPR", "Approved"),
        }
    }

    /// The code and the name of a report's payment status, which follows its document
    /// (source: concur-financial-status-matrix).
    pub(crate) fn payment_status(&self, report: &Report) -> (&'static str, &'static str) {
        let source = self
            .queue
            .source_position_of_type(&report.id, DocType::Expense);
        let source = source.filter(|_| report.step == Step::Approved);
        let newest = source.map(|source| self.queue.newest_document(source));
        match newest.map(|newest| self.queue.documents[newest].status) {
            Some(DocStatus::Ready | DocStatus::Delayed | DocStatus::Acknowledged) => {
                ("P_PROC", "Processing Payment")
            }
            Some(DocStatus::PostingConfirmedFailure) => ("P_FAIL", "Financial Posting Failed"),
            Some(DocStatus::PaymentConfirmedSuccess) => ("P_PAYC", "Payment Confirmed"),
            Some(status) if status.is_confirmed() => ("P_PAID", "Sent for Payment"),
            _ => ("P_NOTP", "Not Paid"),
        }
    }
}

const ALL_PAYERS: [Payer; 4] = [
    Payer::Employee,
    Payer::Company,
    Payer::CompanyCard,
    Payer::IndividualCard,
];

/// An amount as v4 shows it.
pub(crate) fn money(amount: Decimal, currency: Currency) -> Value {
    json!({"value": number(amount), "currencyCode": currency.code()})
}

/// A decimal as a JSON number.
pub(crate) fn number(amount: Decimal) -> Value {
    let text = amount.normalize().to_string();
    serde_json::from_str(&text).unwrap_or_default()
}
