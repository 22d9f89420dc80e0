//! Posting confirmations: posted or not, once (source: concur-financial-posting-confirmation).

use serde::Deserialize;
use serde_json::{Value, json};

use super::{FinancialCall, FinancialError};
use crate::calendar::parse_day;
use crate::concur::Concur;
use crate::concur::financial::config::SystemIdCheck;
use crate::concur::financial::records::PostingDoc;
use crate::concur::financial::{DocStatus, DocType};
use crate::http::Response;

/// The longest text of a message.
const MESSAGE_MAX: usize = 1300;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostingConfirmationsBody {
    posting_confirmations: Vec<Value>,
    #[serde(default)]
    system_id: Option<String>,
}

/// Why an item is refused: code, result and sentence.
pub(crate) type ItemError = (u32, &'static str, String);

impl Concur {
    pub(crate) fn confirm_postings(
        &mut self,
        call: &FinancialCall,
    ) -> Result<Response, FinancialError> {
        let body: PostingConfirmationsBody = call.read_body()?;
        let system_id = self.read_system_id(body.system_id)?;
        let items = body.posting_confirmations.iter();
        let items: Vec<Value> = items
            .map(|item| {
                let answer = self.confirm_posting(item, call, &system_id);
                let (code, result, message) = match answer {
                    Ok(()) => (0, "SUCCESS", String::new()),
                    Err(refused) => refused,
                };
                json!({"code": code, "docId": text_member(item, "docId"), "systemId": system_id,
                    "postingConfirmationResult": result, "errorMessage": message,
                    "detailMessage": ""})
            })
            .collect();
        Ok(Response::json(200, &items))
    }

    fn confirm_posting(
        &mut self,
        item: &Value,
        call: &FinancialCall,
        system_id: &str,
    ) -> Result<(), ItemError> {
        let at = self.find_for_confirmation(item, call)?;
        self.check_state(at, system_id)?;
        let success = match text_member(item, "overallPostingStatusCode") {
            "success" => true,
            "error" => false,
            other => {
                return Err(invalid_input(&format!(
                    "overallPostingStatusCode ({other}): must be success or error"
                )));
            }
        };
        let postings = self.read_postings(item, success)?;
        let messages = read_messages(item)?;
        let document = &mut self.queue.documents[at];
        if document.filing.unknown_error_times > 0 {
            document.filing.unknown_error_times -= 1;
            return Err((199, "SYSTEM_ERROR_OCCURRED", "Unknown error.".into()));
        }
        for posting in &postings {
            let number = &posting.document_number;
            document.add_audit_line(
                call.now,
                format!("Posted as {number} in {}.", posting.company_id),
            );
        }
        for message in messages {
            document.add_audit_line(call.now, message);
        }
        document.postings = postings;
        let status = if success {
            DocStatus::PostingConfirmedSuccess
        } else {
            DocStatus::PostingConfirmedFailure
        };
        self.queue.set_status(at, status, call.now);
        if success && call.doc_type == DocType::Invoice {
            let request = self.queue.documents[at].content.source_id().to_owned();
            self.extract_payment_request(&request, call.now);
        }
        Ok(())
    }

    /// The document that an item names, if it is of the path's type.
    pub(crate) fn find_for_confirmation(
        &self,
        item: &Value,
        call: &FinancialCall,
    ) -> Result<usize, ItemError> {
        let id = text_member(item, "docId");
        if id.is_empty() {
            return Err(invalid_input("docId (): may not be blank"));
        }
        let missing = || {
            (
                116,
                "DOCUMENT_NOT_FOUND",
                "This document does not exist.".into(),
            )
        };
        let at = self.queue.position_of(id).ok_or_else(missing)?;
        if self.queue.documents[at].doc_type != call.doc_type {
            return Err((
                115,
                "FAILURE",
                "This document is of another document type.".into(),
            ));
        }
        Ok(at)
    }

    /// Refuses a call of a system that did not acknowledge the document.
    pub(crate) fn check_system(&self, at: usize, system_id: &str) -> Result<(), ItemError> {
        let holder = self.queue.documents[at]
            .system_id
            .as_deref()
            .unwrap_or_default();
        let checked = match self.config.financial.system_id_check {
            SystemIdCheck::WhenStored => !holder.is_empty(),
            SystemIdCheck::Always => true,
            SystemIdCheck::Never => false,
        };
        if checked && holder != system_id {
            let message = format!("This document was acknowledged by SystemId: {holder}.");
            return Err((99, "FAILURE", message));
        }
        Ok(())
    }

    fn check_state(&self, at: usize, system_id: &str) -> Result<(), ItemError> {
        let status = self.queue.documents[at].status;
        match status {
            DocStatus::Delayed | DocStatus::Ready => {
                let message = "This document has not been acknowledged.";
                return Err((111, "NOT_YET_ACKNOWLEDGED", message.into()));
            }
            DocStatus::Recalled => {
                return Err((112, "WAS_RECALLED", "This document was recalled.".into()));
            }
            DocStatus::Void | DocStatus::Cancel => {
                return Err((
                    114,
                    "FAILURE",
                    "This document is not in a known state.".into(),
                ));
            }
            _ => {}
        }
        self.check_system(at, system_id)?;
        let again = self.config.financial.success_after_failure
            && status == DocStatus::PostingConfirmedFailure;
        if status.is_confirmed() && !again {
            let message = "A posting confirmation exists already.";
            return Err((113, "FAILURE", message.into()));
        }
        Ok(())
    }

    fn read_postings(&self, item: &Value, success: bool) -> Result<Vec<PostingDoc>, ItemError> {
        let rows = item["postingDocs"].as_array().cloned().unwrap_or_default();
        let blank_allowed = self.config.financial.blank_posting_docs_allowed;
        if success && rows.is_empty() && !blank_allowed {
            return Err(invalid_input("postingDocs (): may not be blank"));
        }
        rows.iter().map(read_posting).collect()
    }
}

fn read_posting(row: &Value) -> Result<PostingDoc, ItemError> {
    let company = text_member(row, "companyId");
    if company.is_empty() {
        return Err(invalid_input("postingDocs.companyId (): may not be blank"));
    }
    for (name, max) in [("companyId", 32), ("documentNumber", 80)] {
        if text_member(row, name).chars().count() > max {
            return Err(invalid_input(&format!(
                "postingDocs.{name}: is longer than {max}"
            )));
        }
    }
    let day = text_member(row, "postingDate");
    if !day.is_empty() && parse_day(day).is_none() {
        return Err(invalid_input(&format!(
            "postingDocs.postingDate ({day}): must be YYYY-MM-DD"
        )));
    }
    Ok(PostingDoc {
        company_id: company.to_owned(),
        document_number: text_member(row, "documentNumber").to_owned(),
        posting_date: day.to_owned(),
    })
}

/// The messages as the audit trail shows them.
fn read_messages(item: &Value) -> Result<Vec<String>, ItemError> {
    let mut messages = Vec::new();
    for row in item["systemMessages"].as_array().into_iter().flatten() {
        let (short, long) = (
            text_member(row, "messageShortText"),
            text_member(row, "messageLongText"),
        );
        if [short, long]
            .iter()
            .any(|text| text.chars().count() > MESSAGE_MAX)
        {
            return Err(invalid_input(&format!(
                "systemMessages: a text is longer than {MESSAGE_MAX}"
            )));
        }
        let message = format!("{}: {short} {long}", text_member(row, "messageId"));
        messages.push(message.trim().to_owned());
    }
    Ok(messages)
}

/// A text member, empty if it is none.
pub(crate) fn text_member<'v>(item: &'v Value, name: &str) -> &'v str {
    item[name].as_str().unwrap_or_default()
}

fn invalid_input(what: &str) -> ItemError {
    (198, "FAILURE", format!("Invalid input value [{what}]"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::concur::financial::options::{Filing, ReportOptions};
    use crate::test_support::concur::ConcurHarness;

    fn file(harness: &mut ConcurHarness) -> (String, String) {
        let filed = harness
            .machine
            .approve_report(&ReportOptions::default(), harness.now);
        (filed.source_id, filed.document_id)
    }

    fn acknowledged(harness: &mut ConcurHarness) -> (String, String) {
        let (source, id) = file(harness);
        assert_eq!(harness.acknowledge(&[&id], "FRESHBOOKS-01"), [0]);
        (source, id)
    }

    fn status(harness: &ConcurHarness, id: &str) -> (DocStatus, &'static str) {
        let record = harness.machine.document(id).expect("the document");
        (record.status, record.payment_status)
    }

    #[test]
    fn a_success_is_told_once() {
        let mut harness = ConcurHarness::new();
        let (_, id) = acknowledged(&mut harness);
        let answer = harness.confirm(&id, true, json!({}));
        let expected = json!({"code": 0, "docId": id, "systemId": "FRESHBOOKS-01",
            "postingConfirmationResult": "SUCCESS",
            "errorMessage": "", "detailMessage": ""});
        assert_eq!(answer, expected);
        assert_eq!(
            status(&harness, &id),
            (DocStatus::PostingConfirmedSuccess, "Sent for Payment")
        );
        let record = harness.machine.document(&id).expect("the document");
        assert_eq!(record.postings[0].document_number, "JE-1");
        for success in [true, false] {
            assert_eq!(harness.confirm(&id, success, json!({}))["code"], 113);
        }
    }

    #[test]
    fn a_failure_shows_its_messages_on_the_report() {
        let mut harness = ConcurHarness::new();
        let (_, id) = acknowledged(&mut harness);
        assert_eq!(harness.confirm(&id, false, json!({}))["code"], 0);
        assert_eq!(
            status(&harness, &id),
            (
                DocStatus::PostingConfirmedFailure,
                "Financial Posting Failed"
            )
        );
        let record = harness.machine.document(&id).expect("the document");
        assert!(
            record
                .audit
                .iter()
                .any(|line| line.text == "FB-MAP: Not mapped."),
            "{:?}",
            record.audit
        );
        assert_eq!(harness.confirm(&id, true, json!({}))["code"], 113);
        harness.machine.config.financial.success_after_failure = true;
        assert_eq!(harness.confirm(&id, true, json!({}))["code"], 0);
    }

    #[test]
    fn blank_posting_documents_are_refused_on_success() {
        let mut harness = ConcurHarness::new();
        let (_, id) = acknowledged(&mut harness);
        for blank in [json!([]), json!(null)] {
            let answer = harness.confirm(&id, true, json!({"postingDocs": blank}));
            assert_eq!(
                (&answer["code"], &answer["postingConfirmationResult"]),
                (&json!(198), &json!("FAILURE"))
            );
            assert_eq!(
                answer["errorMessage"],
                "Invalid input value [postingDocs (): may not be blank]"
            );
        }
        harness.machine.config.financial.blank_posting_docs_allowed = true;
        assert_eq!(
            harness.confirm(&id, true, json!({"postingDocs": []}))["code"],
            0
        );
    }

    #[test]
    fn documents_are_acknowledged_first_and_of_the_paths_type() {
        let mut harness = ConcurHarness::new();
        let (source, id) = file(&mut harness);
        let mut answer = |id: &str| {
            let answer = harness.confirm(id, true, json!({}));
            (
                answer["code"].clone(),
                answer["postingConfirmationResult"].clone(),
            )
        };
        assert_eq!(answer(&id), (json!(111), json!("NOT_YET_ACKNOWLEDGED")));
        assert_eq!(answer(&source), (json!(116), json!("DOCUMENT_NOT_FOUND")));
        assert_eq!(answer(""), (json!(198), json!("FAILURE")));
        let item = json!({"docId": id, "overallPostingStatusCode": "success"});
        let body = json!({"systemId": "", "postingConfirmations": [item]});
        let reply = harness
            .financial("invoice", "/postingconfirmations", Some(body))
            .value();
        assert_eq!(reply[0]["code"], 115);
    }

    #[test]
    fn recalled_and_void_documents_cannot_be_confirmed() {
        let mut harness = ConcurHarness::new();
        let (source, id) = acknowledged(&mut harness);
        assert!(harness.machine.recall(&source, harness.now).is_err());
        harness.machine.config.financial.recall_acknowledged = true;
        assert_eq!(harness.machine.recall(&source, harness.now), Ok(()));
        let answer = harness.confirm(&id, true, json!({}));
        assert_eq!(
            (&answer["code"], &answer["postingConfirmationResult"]),
            (&json!(112), &json!("WAS_RECALLED"))
        );
        assert!(
            harness
                .machine
                .force_document_status(&id, DocStatus::Void, harness.now)
        );
        assert_eq!(harness.confirm(&id, true, json!({}))["code"], 114);
    }

    #[test]
    fn another_system_is_99_by_switch() {
        let mut harness = ConcurHarness::new();
        for (switch, named, unnamed) in [
            (SystemIdCheck::WhenStored, 99, 0),
            (SystemIdCheck::Always, 99, 99),
            (SystemIdCheck::Never, 0, 0),
        ] {
            harness.machine.config.financial.system_id_check = switch;
            for (holder, code) in [("SAP", named), ("", unnamed), ("FRESHBOOKS-01", 0)] {
                let (_, id) = file(&mut harness);
                harness.acknowledge(&[&id], holder);
                assert_eq!(
                    harness.confirm(&id, true, json!({}))["code"],
                    code,
                    "{switch:?} {holder}"
                );
            }
        }
    }

    #[test]
    fn invalid_items_are_198_and_change_nothing() {
        let mut harness = ConcurHarness::new();
        let (_, id) = acknowledged(&mut harness);
        let posting = |name: &str, value: Value| {
            let mut row =
                json!({"companyId": "FB", "documentNumber": "1", "postingDate": "2026-03-04"});
            row[name] = value;
            json!({"postingDocs": [row]})
        };
        let long = "x".repeat(1301);
        for changes in [
            json!({"overallPostingStatusCode": "SUCCESS"}),
            posting("companyId", json!("")),
            posting("companyId", json!("x".repeat(33))),
            posting("documentNumber", json!("x".repeat(81))),
            posting("postingDate", json!("04.03.2026")),
            json!({"systemMessages": [{"messageShortText": long}]}),
        ] {
            assert_eq!(
                harness.confirm(&id, true, changes.clone())["code"],
                198,
                "{changes}"
            );
        }
        assert_eq!(
            status(&harness, &id),
            (DocStatus::Acknowledged, "Processing Payment")
        );
        assert_eq!(
            harness.confirm(&id, true, json!({"systemMessages": null}))["code"],
            0
        );
    }

    #[test]
    fn unknown_errors_pass() {
        let mut harness = ConcurHarness::new();
        let filing = Filing {
            unknown_error_times: 1,
            ..Filing::default()
        };
        let options = ReportOptions {
            filing,
            ..ReportOptions::default()
        };
        let id = harness
            .machine
            .approve_report(&options, harness.now)
            .document_id;
        harness.acknowledge(&[&id], "FRESHBOOKS-01");
        let answer = harness.confirm(&id, true, json!({}));
        assert_eq!(
            (&answer["code"], &answer["postingConfirmationResult"]),
            (&json!(199), &json!("SYSTEM_ERROR_OCCURRED"))
        );
        assert_eq!(harness.confirm(&id, true, json!({}))["code"], 0);
    }
}
