//! Payment confirmations: for expense reports only (source: concur-financial-payment-confirmation).

use serde::Deserialize;
use serde_json::{Value, json};

use super::posting_confirmations::{ItemError, text_member};
use super::{FinancialCall, FinancialError};
use crate::calendar::parse_day;
use crate::concur::Concur;
use crate::concur::financial::records::PaymentRecord;
use crate::concur::financial::{DocStatus, DocType};
use crate::http::Response;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PaymentConfirmationsBody {
    processing_confirmation: Vec<Value>,
    #[serde(default)]
    system_id: Option<String>,
}

impl Concur {
    pub(crate) fn confirm_payments(
        &mut self,
        call: &FinancialCall,
    ) -> Result<Response, FinancialError> {
        let body: PaymentConfirmationsBody = call.read_body()?;
        let system_id = self.read_system_id(body.system_id)?;
        let items = body.processing_confirmation.iter();
        let items: Vec<Value> = items
            .map(|item| {
                let answer = self.confirm_payment(item, call, &system_id);
                let (code, result, message) = match answer {
                    Ok(()) => (0, "SUCCESS", String::new()),
                    Err(refused) => refused,
                };
                json!({"code": code, "docId": text_member(item, "docId"), "systemId": system_id,
                    "paymentConfirmationResult": result, "paymentRef": payment_ref(item),
                    "errorMessage": message, "detailMessage": ""})
            })
            .collect();
        Ok(Response::json(200, &items))
    }

    fn confirm_payment(
        &mut self,
        item: &Value,
        call: &FinancialCall,
        system_id: &str,
    ) -> Result<(), ItemError> {
        let at = self.find_for_confirmation(item, call)?;
        if call.doc_type != DocType::Expense {
            return Err(invalid_input(
                "Payment confirmations are for expense reports only.",
            ));
        }
        self.check_system(at, system_id)?;
        let document = &self.queue.documents[at];
        if document.status == DocStatus::PaymentConfirmedSuccess {
            let message = "A payment confirmation exists already.";
            return Err((213, "FAILURE", message.into()));
        }
        if !document.status.is_confirmed() || document.status == DocStatus::PostingConfirmedFailure
        {
            let message = "The posting of this document has not been confirmed.";
            return Err((298, "NOT_POSTING_CONFIRMED", message.into()));
        }
        let status = next_status(text_member(item, "processingStatusCode"), document.status)?;
        check_details(item)?;
        let payment_ref = payment_ref(item);
        let known = |payment: &PaymentRecord| payment.payment_ref == payment_ref;
        if !payment_ref.is_empty() && document.payments.iter().any(known) {
            let message = "This paymentRef was confirmed already.";
            return Err((298, "NOOP", message.into()));
        }
        let payment = PaymentRecord {
            status_code: text_member(item, "processingStatusCode").to_owned(),
            payment_ref: payment_ref.to_owned(),
        };
        let document = &mut self.queue.documents[at];
        document.add_audit_line(
            call.now,
            format!("Payment {} {}.", payment.status_code, payment.payment_ref),
        );
        document.payments.push(payment);
        if status != document.status {
            self.queue.set_status(at, status, call.now);
        }
        Ok(())
    }
}

/// What a processing status leads to; a part payment leaves the state as it is.
fn next_status(code: &str, status: DocStatus) -> Result<DocStatus, ItemError> {
    match code {
        "CP" => Ok(DocStatus::PaymentConfirmedSuccess),
        "PP" => Ok(status),
        "RE" => Ok(DocStatus::PaymentConfirmedReversed),
        "OB" => Ok(DocStatus::PaymentConfirmedObsolete),
        other => Err(invalid_input(&format!(
            "processingStatusCode ({other}): must be CP, PP, RE or OB"
        ))),
    }
}

fn check_details(item: &Value) -> Result<(), ItemError> {
    for detail in clearing_details(item) {
        let day = text_member(detail, "clearingDate");
        if !is_clearing_date(day) {
            return Err(invalid_input(&format!(
                "clearingDate ({day}): has a wrong format"
            )));
        }
        let method = text_member(&detail["clearingReference"], "paymentMethod");
        if !matches!(method, "" | "E" | "C") {
            return Err(invalid_input(&format!(
                "paymentMethod ({method}): must be E or C"
            )));
        }
    }
    Ok(())
}

/// `yyyy-MM-dd'T'HH:mm:ss.SSS'Z'` or `yyyyMMdd`, and nothing else.
fn is_clearing_date(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if text.len() == 8 && digits(text) {
        let day = format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]);
        return parse_day(&day).is_some();
    }
    let form: String = text
        .chars()
        .map(|character| {
            if character.is_ascii_digit() {
                '0'
            } else {
                character
            }
        })
        .collect();
    form == "0000-00-00T00:00:00.000Z" && parse_day(&text[..10]).is_some()
}

/// The details of a confirmation: typed as a list, shown as an object.
fn clearing_details(item: &Value) -> &[Value] {
    match &item["clearingDetails"] {
        Value::Array(rows) => rows,
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
}

fn payment_ref(item: &Value) -> &str {
    let mut references = clearing_details(item)
        .iter()
        .map(|detail| &detail["clearingReference"]);
    references
        .next()
        .map_or("", |reference| text_member(reference, "paymentRef"))
}

fn invalid_input(message: &str) -> ItemError {
    (298, "FAILURE", message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::concur::financial::options::{InvoiceOptions, ReportOptions};
    use crate::test_support::concur::ConcurHarness;

    fn posted(harness: &mut ConcurHarness) -> String {
        let filed = harness
            .machine
            .approve_report(&ReportOptions::default(), harness.now);
        harness.acknowledge(&[&filed.document_id], "FRESHBOOKS-01");
        harness.confirm(&filed.document_id, true, json!({}));
        filed.document_id
    }

    fn pay(harness: &mut ConcurHarness, id: &str, code: &str, detail: Value) -> (u64, String) {
        let item = json!({"docId": id, "processingStatusCode": code, "clearingDetails": detail});
        let body = json!({"systemId": "FRESHBOOKS-01", "processingConfirmation": [item]});
        let reply = harness
            .financial("expense", "/paymentconfirmations", Some(body))
            .value();
        let result = reply[0]["paymentConfirmationResult"]
            .as_str()
            .expect("a result");
        (
            reply[0]["code"].as_u64().expect("a code"),
            result.to_owned(),
        )
    }

    fn detail(date: &str, reference: &str) -> Value {
        json!({"clearingDate": date, "clearingAmount": 15.50, "clearingCurrency": "CAD",
            "receiver": {"receiverId": "E1007", "receiverName": "Sam Doe",
            "receiverType": "EMPLOYEE"},
            "clearingReference": {"companyCode": "FB", "paymentRef": reference,
            "paymentMethod": "E"}})
    }

    fn outcome(code: u64, result: &str) -> (u64, String) {
        (code, result.to_owned())
    }

    #[test]
    fn a_part_payment_is_followed_by_the_whole() {
        let mut harness = ConcurHarness::new();
        let id = posted(&mut harness);
        let day = "20260310";
        assert_eq!(
            pay(&mut harness, &id, "PP", json!([detail(day, "R1")])),
            outcome(0, "SUCCESS")
        );
        let record = harness.machine.document(&id).expect("the document");
        assert_eq!(
            (record.status, record.locked),
            (DocStatus::PostingConfirmedSuccess, false)
        );
        assert_eq!(
            pay(&mut harness, &id, "CP", detail(day, "R1")),
            outcome(298, "NOOP")
        );
        assert_eq!(
            pay(&mut harness, &id, "CP", detail(day, "R2")),
            outcome(0, "SUCCESS")
        );
        let record = harness.machine.document(&id).expect("the document");
        assert_eq!(
            (record.payment_status, record.locked, record.payments.len()),
            ("Payment Confirmed", true, 2)
        );
        assert_eq!(
            pay(&mut harness, &id, "CP", detail(day, "R3")),
            outcome(213, "FAILURE")
        );
    }

    #[test]
    fn reversals_and_obsolete_payments_have_their_states() {
        let mut harness = ConcurHarness::new();
        for (code, status) in [
            ("RE", DocStatus::PaymentConfirmedReversed),
            ("OB", DocStatus::PaymentConfirmedObsolete),
        ] {
            let id = posted(&mut harness);
            assert_eq!(
                pay(&mut harness, &id, code, json!(null)),
                outcome(0, "SUCCESS")
            );
            assert_eq!(
                harness.machine.document(&id).expect("the document").status,
                status
            );
        }
    }

    #[test]
    fn dates_codes_and_methods_are_checked() {
        let mut harness = ConcurHarness::new();
        let id = posted(&mut harness);
        for date in [
            "2026-03-10T00:00:00.27Z",
            "2026-03-10",
            "2026-13-10T00:00:00.000Z",
            "20261332",
            "",
        ] {
            assert_eq!(
                pay(&mut harness, &id, "CP", detail(date, "R")).0,
                298,
                "{date}"
            );
        }
        assert_eq!(pay(&mut harness, &id, "XX", json!(null)).0, 298);
        let mut wire = detail("20260310", "R");
        wire["clearingReference"]["paymentMethod"] = json!("W");
        assert_eq!(pay(&mut harness, &id, "CP", wire).0, 298);
        assert_eq!(
            pay(
                &mut harness,
                &id,
                "CP",
                detail("2026-03-10T00:00:00.000Z", "R")
            )
            .0,
            0
        );
    }

    #[test]
    fn only_posted_expense_reports_are_paid() {
        let mut harness = ConcurHarness::new();
        let filed = harness
            .machine
            .approve_report(&ReportOptions::default(), harness.now);
        let id = filed.document_id;
        assert_eq!(
            pay(&mut harness, &id, "CP", json!(null)),
            outcome(298, "NOT_POSTING_CONFIRMED")
        );
        harness.acknowledge(&[&id], "SAP");
        assert_eq!(
            pay(&mut harness, &id, "CP", json!(null)),
            outcome(99, "FAILURE")
        );
        assert_eq!(
            pay(&mut harness, &filed.source_id, "CP", json!(null)),
            outcome(116, "DOCUMENT_NOT_FOUND")
        );
        let invoice = harness
            .machine
            .approve_invoice(&InvoiceOptions::default(), harness.now);
        assert_eq!(
            pay(&mut harness, &invoice.document_id, "CP", json!(null)).0,
            115
        );
        let item = json!({"docId": invoice.document_id, "processingStatusCode": "CP"});
        let body = json!({"systemId": "", "processingConfirmation": [item]});
        let reply = harness
            .financial("invoice", "/paymentconfirmations", Some(body))
            .value();
        assert_eq!(reply[0]["code"], 298);
    }
}
