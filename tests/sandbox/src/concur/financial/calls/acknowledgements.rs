//! Acknowledgements: "received", and nothing else (source: concur-financial-acknowledgement).

use serde::Deserialize;
use serde_json::{Value, json};

use super::{FinancialCall, FinancialError};
use crate::concur::Concur;
use crate::concur::financial::{DocStatus, DocType};
use crate::http::{Millis, Response};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AcknowledgementsBody {
    ids: Vec<String>,
    #[serde(default)]
    system_id: Option<String>,
}

impl Concur {
    pub(crate) fn acknowledge(&mut self, call: &FinancialCall) -> Result<Response, FinancialError> {
        let body: AcknowledgementsBody = call.read_body()?;
        let system_id = self.read_system_id(body.system_id)?;
        let items = body.ids.iter();
        let items: Vec<Value> = items
            .map(|id| self.acknowledge_one(id, call.doc_type, &system_id, call.now))
            .collect();
        Ok(Response::json(200, &items))
    }

    fn acknowledge_one(
        &mut self,
        id: &str,
        doc_type: DocType,
        system_id: &str,
        now: Millis,
    ) -> Value {
        let Some(at) = self.queue.position_of(id) else {
            return refused_item(104, id, None, "This document does not exist.");
        };
        let document = &mut self.queue.documents[at];
        let holder = document.system_id.clone();
        let held = holder.as_deref();
        if document.doc_type != doc_type {
            return refused_item(105, id, None, "This document is of another document type.");
        }
        match document.status {
            DocStatus::Ready => {}
            DocStatus::Delayed => {
                return refused_item(103, id, None, "This document is not ready.");
            }
            DocStatus::Recalled => {
                return refused_item(102, id, held, "This document was recalled.");
            }
            _ => {
                let by = held.filter(|holder| !holder.is_empty()).unwrap_or("null");
                let message =
                    format!("This document was previously acknowledged by SystemId: {by}.");
                return refused_item(101, id, held.filter(|holder| !holder.is_empty()), &message);
            }
        }
        if document.filing.not_ready_times > 0 {
            document.filing.not_ready_times -= 1;
            return refused_item(103, id, None, "This document is not ready.");
        }
        document.system_id = Some(system_id.to_owned());
        document.add_audit_line(now, format!("Acknowledged by \"{system_id}\"."));
        self.queue.set_status(at, DocStatus::Acknowledged, now);
        json!({"code": 0, "docId": id, "systemId": system_id, "acknowledgeResult": "SUCCESS",
            "errorMessage": ""})
    }
}

fn refused_item(code: u32, id: &str, system_id: Option<&str>, message: &str) -> Value {
    json!({"code": code, "docId": id, "systemId": system_id, "acknowledgeResult": "FAILURE",
        "errorMessage": message})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::concur::financial::options::{Filing, ReportOptions};
    use crate::test_support::concur::ConcurHarness;

    fn file(harness: &mut ConcurHarness, filing: Filing) -> (String, String) {
        let options = ReportOptions {
            filing,
            ..ReportOptions::default()
        };
        let filed = harness.machine.approve_report(&options, harness.now);
        (filed.source_id, filed.document_id)
    }

    #[test]
    fn every_item_has_its_own_answer() {
        let mut harness = ConcurHarness::new();
        let (source, id) = file(&mut harness, Filing::default());
        let body = json!({"ids": [id, id, source], "systemId": "FRESHBOOKS-01"});
        let reply = harness.financial("expense", "/acknowledgements", Some(body));
        assert_eq!(reply.status, 200);
        let expected = json!([
            {"code": 0, "docId": id, "systemId": "FRESHBOOKS-01", "acknowledgeResult": "SUCCESS",
                "errorMessage": ""},
            {"code": 101, "docId": id, "systemId": "FRESHBOOKS-01", "acknowledgeResult": "FAILURE",
             "errorMessage": "This document was previously acknowledged by SystemId: \
              FRESHBOOKS-01."},
            {"code": 104, "docId": source, "systemId": null, "acknowledgeResult": "FAILURE",
             "errorMessage": "This document does not exist."}]);
        assert_eq!(reply.value(), expected);
    }

    #[test]
    fn an_acknowledgement_without_a_system_is_remembered_as_null() {
        let mut harness = ConcurHarness::new();
        let (_, id) = file(&mut harness, Filing::default());
        harness.acknowledge(&[&id], "");
        let body = json!({"ids": [id], "systemId": "SAP"});
        let again = harness
            .financial("expense", "/acknowledgements", Some(body))
            .value();
        assert_eq!(
            (&again[0]["systemId"], &again[0]["errorMessage"]),
            (
                &json!(null),
                &json!("This document was previously acknowledged by SystemId: null.")
            )
        );
    }

    #[test]
    fn the_path_must_be_of_the_documents_type() {
        let mut harness = ConcurHarness::new();
        let (_, id) = file(&mut harness, Filing::default());
        let body = json!({"ids": [id], "systemId": ""});
        let reply = harness
            .financial("invoice", "/acknowledgements", Some(body))
            .value();
        assert_eq!(reply[0]["code"], 105);
        assert_eq!(harness.acknowledge(&[&id], ""), [0]);
    }

    #[test]
    fn what_is_not_ready_is_103() {
        let mut harness = ConcurHarness::new();
        let delayed = Filing {
            ready_after_ms: 1000,
            ..Filing::default()
        };
        let (_, id) = file(&mut harness, delayed);
        assert_eq!(harness.acknowledge(&[&id], ""), [103]);
        let stubborn = Filing {
            not_ready_times: 1,
            ..Filing::default()
        };
        let (_, id) = file(&mut harness, stubborn);
        assert_eq!(harness.expenses("").len(), 1);
        assert_eq!(
            (
                harness.acknowledge(&[&id], ""),
                harness.acknowledge(&[&id], "")
            ),
            (vec![103], vec![0])
        );
    }

    #[test]
    fn what_was_recalled_is_102() {
        let mut harness = ConcurHarness::new();
        let (source, id) = file(&mut harness, Filing::default());
        assert_eq!(harness.machine.recall(&source, harness.now), Ok(()));
        assert_eq!(harness.acknowledge(&[&id], ""), [102]);
    }
}
