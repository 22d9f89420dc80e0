//! The control plane's share of Financial Integration and of the books: what people approve and
//! recall, and what the ledger holds afterwards.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::concur::{CannotDo, DocStatus, DocumentBulk, Filed, Filing, Resubmission};
use crate::freshbooks::AccountConfig;
use crate::{Millis, Sandbox};

/// What became of a control request: a reply, or why there is none.
pub(super) type ControlResult = Result<Value, String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApprovalRequest {
    id: String,
    #[serde(default)]
    filing: Filing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceRequest {
    source_id: String,
    #[serde(default)]
    options: Resubmission,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusRequest {
    id: String,
    status: DocStatus,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubAccountRequest {
    number: String,
    name: String,
}

/// Carries out a control request; none if there is no such request here.
pub(super) fn handle_document_control(
    sandbox: &mut Sandbox,
    method: &str,
    path: &str,
    body: Value,
    now: Millis,
) -> Option<ControlResult> {
    let concur = &mut sandbox.concur;
    let done = match (method, path) {
        ("POST", "/concur/reports") => read_options(body)
            .map(|options| filed_result(Some(concur.approve_report(&options, now)))),
        ("POST", "/concur/invoices") => read_options(body)
            .map(|options| filed_result(Some(concur.approve_invoice(&options, now)))),
        ("POST", "/concur/cash-advances") => read_options(body)
            .map(|options| filed_result(Some(concur.issue_cash_advance(&options, now)))),
        ("POST", "/concur/payroll") => {
            read_options(body).map(|options| filed_result(concur.run_payroll(&options, now)))
        }
        ("POST", "/concur/payment-requests/approve") => {
            read_options(body).map(|one: ApprovalRequest| {
                filed_result(concur.approve_payment_request_with(&one.id, &one.filing, now))
            })
        }
        ("POST", "/concur/recall") => read_options(body).map(|source: SourceRequest| {
            let done = concur.recall(&source.source_id, now);
            done.map(|()| json!({})).map_err(refusal_message)
        }),
        ("POST", "/concur/resubmit") => read_options(body).map(|source: SourceRequest| {
            let done = concur.resubmit(&source.source_id, &source.options, now);
            done.map(|filed| json!(filed)).map_err(refusal_message)
        }),
        ("POST", "/concur/document-status") => read_options(body).map(|forced: StatusRequest| {
            let found = concur.force_document_status(&forced.id, forced.status, now);
            found.then(|| json!({})).ok_or_else(unknown_id)
        }),
        ("POST", "/concur/bulk") => read_options(body)
            .map(|bulk: DocumentBulk| Ok(json!({"made": concur.approve_bulk(&bulk, now)}))),
        ("GET", "/concur/documents") => Ok(Ok(json!(concur.documents()))),
        ("GET", "/concur/approved") => Ok(Ok(approved(sandbox))),
        _ => return handle_ledger_control(sandbox, method, path, body, now),
    };
    Some(done.and_then(|done| done))
}

fn handle_ledger_control(
    sandbox: &mut Sandbox,
    method: &str,
    path: &str,
    body: Value,
    now: Millis,
) -> Option<ControlResult> {
    let freshbooks = &mut sandbox.freshbooks;
    let done = match (method, path) {
        ("GET", "/freshbooks/journal-entries") => Ok(json!(freshbooks.journal_entries())),
        ("GET", "/freshbooks/trial-balance") => Ok(json!(freshbooks.trial_balance())),
        ("GET", "/freshbooks/accounts") => Ok(json!(freshbooks.accounts())),
        ("POST", "/freshbooks/accounts") => read_options(body).map(|account: AccountConfig| {
            let made = freshbooks.create_account(&account, now);
            json!(made)
        }),
        ("POST", "/freshbooks/sub-accounts") => {
            read_options(body).and_then(|sub: SubAccountRequest| {
                let made = freshbooks.create_sub_account(&sub.number, &sub.name, now);
                made.map(|made| json!(made)).ok_or_else(unknown_id)
            })
        }
        _ => return None,
    };
    Some(done)
}

/// What was approved, in all and by state, per currency.
fn approved(sandbox: &Sandbox) -> Value {
    let totals = |states: &[DocStatus]| {
        let totals = sandbox.concur.approved_totals(states);
        let texts = totals
            .into_iter()
            .map(|(code, total)| (code, Value::from(total.to_string())));
        Value::Object(texts.collect())
    };
    let counts = sandbox.concur.document_counts();
    let by_state = counts
        .iter()
        .map(|(status, count)| {
            let row = json!({"count": count, "approved": totals(&[*status])});
            (status.as_str().to_owned(), row)
        })
        .collect();
    json!({"all": totals(&[]), "by_state": Value::Object(by_state)})
}

fn filed_result(filed: Option<Filed>) -> ControlResult {
    filed.map(|filed| json!(filed)).ok_or_else(unknown_id)
}

pub(super) fn unknown_id() -> String {
    "there is nothing of that id".to_owned()
}

pub(super) fn refusal_message(why: CannotDo) -> String {
    match why {
        CannotDo::Unknown => unknown_id(),
        CannotDo::InState(status) => format!("its document is {}", status.as_str()),
    }
}

/// An empty body means all defaults.
pub(super) fn read_options<T: DeserializeOwned>(body: Value) -> Result<T, String> {
    let body = if body.is_null() { json!({}) } else { body };
    serde_json::from_value(body).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SandboxConfig;

    const NOW: Millis = 1_772_463_600_000;

    fn ask(sandbox: &mut Sandbox, method: &str, path: &str, body: Value) -> ControlResult {
        handle_document_control(sandbox, method, path, body, NOW)
            .unwrap_or_else(|| panic!("no {method} {path}"))
    }

    fn sandbox() -> Sandbox {
        Sandbox::new(SandboxConfig::default(), NOW)
    }

    #[test]
    fn people_approve_everything_that_becomes_a_document() {
        let mut sandbox = sandbox();
        for (path, doc_type) in [
            ("/concur/reports", "expense"),
            ("/concur/invoices", "invoice"),
            ("/concur/cash-advances", "cashadvance"),
            ("/concur/payroll", "payroll"),
        ] {
            let filed = ask(&mut sandbox, "POST", path, json!(null)).expect("filed");
            assert_eq!(filed["doc_type"], doc_type);
            assert!(ask(&mut sandbox, "POST", path, json!({"unknown": 1})).is_err());
        }
        let report = json!({"currency": "CAD", "entries": ["taxed", "offset"],
            "advance": {"returned": true},
            "filing": {"oddities": ["zero_exponent"]}});
        let filed = ask(&mut sandbox, "POST", "/concur/reports", report).expect("filed");
        assert_eq!(filed["currency"], "CAD");
        let documents = ask(&mut sandbox, "GET", "/concur/documents", json!(null)).expect("a list");
        assert_eq!(documents[4]["status"], "READY");
        let unknown = json!({"id": "x"});
        assert!(
            ask(
                &mut sandbox,
                "POST",
                "/concur/payment-requests/approve",
                unknown
            )
            .is_err()
        );
        let bulk = json!({"reports": 3, "invoices": 2, "cash_advances": 1, "payrolls": 1});
        let made = ask(&mut sandbox, "POST", "/concur/bulk", bulk).expect("made");
        assert_eq!(made["made"], 7);
        let approved = ask(&mut sandbox, "GET", "/concur/approved", json!(null)).expect("totals");
        assert_eq!(approved["by_state"]["READY"]["count"], 12);
        assert!(approved["all"]["CAD"].is_string());
    }

    #[test]
    fn people_recall_and_resubmit() {
        let mut sandbox = sandbox();
        let filed = ask(&mut sandbox, "POST", "/concur/reports", json!({})).expect("filed");
        let source = json!({"source_id": filed["source_id"]});
        let again = json!({"source_id": filed["source_id"], "options": {"change": "amounts"}});
        let early = ask(&mut sandbox, "POST", "/concur/resubmit", again.clone());
        assert_eq!(early, Err("its document is READY".to_owned()));
        assert_eq!(
            ask(&mut sandbox, "POST", "/concur/recall", source.clone()),
            Ok(json!({}))
        );
        let second = ask(&mut sandbox, "POST", "/concur/resubmit", again).expect("filed");
        assert_ne!(second["document_id"], filed["document_id"]);
        let forced = json!({"id": second["document_id"], "status": "VOID"});
        assert!(ask(&mut sandbox, "POST", "/concur/document-status", forced).is_ok());
        assert_eq!(
            ask(&mut sandbox, "POST", "/concur/recall", source),
            Err("its document is VOID".to_owned())
        );
    }

    #[test]
    fn the_books_are_shown_and_the_chart_grows() {
        let mut sandbox = sandbox();
        let account = json!({"number": "9000", "name": "Suspense", "kind": "asset",
            "sub_type": "current_asset"});
        let made = ask(&mut sandbox, "POST", "/freshbooks/accounts", account).expect("made");
        assert_eq!(made[1]["number"], "9000-1");
        let sub = json!({"number": "9000", "name": "Second"});
        let made = ask(&mut sandbox, "POST", "/freshbooks/sub-accounts", sub).expect("made");
        assert_eq!(made["number"], "9000-2");
        for path in ["/freshbooks/journal-entries", "/freshbooks/trial-balance"] {
            assert_eq!(ask(&mut sandbox, "GET", path, json!(null)), Ok(json!([])));
        }
        let accounts =
            ask(&mut sandbox, "GET", "/freshbooks/accounts", json!(null)).expect("a list");
        assert_eq!(accounts[0]["number"], "1000");
        assert!(
            handle_document_control(&mut sandbox, "GET", "/nothing", json!(null), NOW).is_none()
        );
    }
}
