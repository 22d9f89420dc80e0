//! The queue of financial documents and the journal, as far as the flows need them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::{answer, done, parameter};
use crate::contract::http::{Method, SendOutcome};

/// A document in the queue.
#[derive(Debug, Clone)]
pub(in crate::flows::tests) struct Document {
    pub(in crate::flows::tests) id: String,
    pub(in crate::flows::tests) source_id: String,
    pub(in crate::flows::tests) status: &'static str,
    pub(in crate::flows::tests) system_id: Option<String>,
    pub(in crate::flows::tests) text: String,
    /// The confirmations that were taken, as they were sent.
    pub(in crate::flows::tests) confirmed: Vec<Value>,
}

/// Both sides of the way back.
#[derive(Debug, Default)]
pub(in crate::flows::tests) struct Books {
    pub(in crate::flows::tests) documents: Vec<Document>,
    /// Journal entries as they were sent.
    pub(in crate::flows::tests) entries: Vec<Value>,
    /// What an acknowledgement or confirmation is answered with instead, once each.
    pub(in crate::flows::tests) codes: Vec<u32>,
    /// Rows of a page of the list; 0 for all.
    pub(in crate::flows::tests) page_rows: usize,
    /// Whether what was listed is acknowledged by the time of the next list.
    pub(in crate::flows::tests) leaves_after_listing: bool,
}

impl Books {
    pub(in crate::flows::tests) fn document(&self, id: &str) -> &Document {
        let mut documents = self.documents.iter();
        documents
            .find(|document| document.id == id)
            .expect("is there")
    }

    /// The names of the entries.
    pub(in crate::flows::tests) fn names(&self) -> Vec<&str> {
        let entries = self.entries.iter();
        entries.filter_map(|entry| entry["name"].as_str()).collect()
    }

    pub(super) fn handle_concur(
        &mut self,
        method: Method,
        path: &str,
        query: &str,
        body: &str,
    ) -> SendOutcome {
        match method {
            Method::Get => self.list(query),
            _ if path.ends_with("/acknowledgements") => {
                let wanted: Value = serde_json::from_str(body).expect("is JSON");
                let id = wanted["ids"][0].as_str().expect("names one");
                self.acknowledge(id, &wanted["systemId"])
            }
            _ => {
                let wanted: Value = serde_json::from_str(body).expect("is JSON");
                self.confirm(&wanted["postingConfirmations"][0])
            }
        }
    }

    fn list(&mut self, query: &str) -> SendOutcome {
        let source_id = parameter(query, "docId");
        let wanted = self.documents.iter().filter(|document| {
            if source_id.is_empty() {
                document.status == "READY"
            } else {
                document.source_id == source_id
            }
        });
        let page: usize = parameter(query, "page").parse().unwrap_or_default();
        let page_rows = if self.page_rows == 0 {
            usize::MAX
        } else {
            self.page_rows
        };
        let wanted: Vec<&Document> = wanted.collect();
        let pages = wanted.len().div_ceil(page_rows);
        let shown = wanted
            .into_iter()
            .skip(page.saturating_mul(page_rows))
            .take(page_rows);
        let rows: Vec<Value> = shown
            .map(|document| {
                json!({"id": document.id, "docStatus": document.status,
                    "erpSystemId": document.system_id,
                       "document": document.text})
            })
            .collect();
        if self.leaves_after_listing && source_id.is_empty() {
            for row in &rows {
                let id = row["id"].as_str().unwrap_or_default();
                self.find(id).status = "ACKNOWLEDGED";
            }
        }
        done(&json!({"content": rows, "page": {"totalPages": pages, "number": page}}))
    }

    fn acknowledge(&mut self, id: &str, system_id: &Value) -> SendOutcome {
        if let Some(code) = self.codes.pop() {
            return said(code);
        }
        let document = self.find(id);
        let code = match document.status {
            "READY" => 0,
            "RECALLED" => 102,
            _ => 101,
        };
        if code == 0 {
            document.status = "ACKNOWLEDGED";
            document.system_id = system_id.as_str().map(ToString::to_string);
        }
        said(code)
    }

    fn confirm(&mut self, confirmation: &Value) -> SendOutcome {
        if let Some(code) = self.codes.pop() {
            // Somebody else has confirmed it as failed.
            if code == 113 {
                self.find(confirmation["docId"].as_str().expect("names one"))
                    .status = "POSTING_CONFIRMED_FAILURE";
            }
            return said(code);
        }
        let is_success = confirmation["overallPostingStatusCode"] == "success";
        let document = self.find(confirmation["docId"].as_str().expect("names one"));
        let code = match document.status {
            "ACKNOWLEDGED" => 0,
            "READY" => 111,
            "RECALLED" => 112,
            _ => 113,
        };
        if code == 0 {
            document.confirmed.push(confirmation.clone());
            document.status = if is_success {
                "POSTING_CONFIRMED_SUCCESS"
            } else {
                "POSTING_CONFIRMED_FAILURE"
            };
        }
        said(code)
    }

    fn find(&mut self, id: &str) -> &mut Document {
        let mut documents = self.documents.iter_mut();
        documents
            .find(|document| document.id == id)
            .expect("is there")
    }

    pub(super) fn handle_freshbooks(&mut self, method: Method, body: &str) -> SendOutcome {
        if method == Method::Get {
            return self.lines();
        }
        let wanted: Value = serde_json::from_str(body).expect("is JSON");
        self.entries.push(wanted["journal_entry"].clone());
        let id = self.entries.len();
        done(&json!({"response": {"result": {"journal_entry": {"id": id, "entryid": id}}}}))
    }

    fn lines(&self) -> SendOutcome {
        let mut rows = Vec::new();
        for (id, entry) in (1..).zip(&self.entries) {
            for detail in entry["details"].as_array().into_iter().flatten() {
                let money = |side: &str| match &detail[side] {
                    Value::Null => Value::Null,
                    amount => json!({"amount": amount, "code": entry["currency_code"]}),
                };
                rows.push(json!({
                    "entry": {"entryid": id}, "name": entry["name"],
                    "sub_account": {"sub_accountid": detail["sub_accountid"]},
                    "debit": money("debit"), "credit": money("credit"),
                }));
            }
        }
        done(
            &json!({"response": {"result": {"journal_entry_details": rows, "page": 1,
                "pages": 1}}}),
        )
    }
}

fn said(code: u32) -> SendOutcome {
    let words = if code == 0 { "" } else { "no" };
    answer(
        200,
        &format!(r#"[{{"code":{code},"docId":"d","errorMessage":"{words}"}}]"#),
    )
}
