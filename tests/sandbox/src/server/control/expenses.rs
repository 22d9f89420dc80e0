//! The control plane's share of Expense: what employees and approvers do in the browser, and what
//! the company holds.

use serde::Deserialize;
use serde_json::{Value, json};

use super::documents::{ControlResult, read_options, refusal_message};
use crate::concur::{Concur, EntryByHand, Filing};
use crate::{Millis, Sandbox};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewReport {
    login: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneReport {
    id: String,
    #[serde(default)]
    filing: Filing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewEntry {
    report: String,
    #[serde(default)]
    entry: EntryByHand,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneEntry {
    id: String,
    #[serde(default)]
    entry: EntryByHand,
}

/// Carries out a control request; none if there is no such request here.
pub(super) fn handle_expense_control(
    sandbox: &mut Sandbox,
    method: &str,
    path: &str,
    body: Value,
    now: Millis,
) -> Option<ControlResult> {
    let concur = &mut sandbox.concur;
    Some(match (method, path) {
        ("GET", "/concur/expense-reports") => Ok(json!(concur.expense_reports())),
        ("GET", "/concur/quick-expenses") => Ok(json!(concur.quick_expenses())),
        ("POST", "/concur/expense-reports") => read_options(body).and_then(|new: NewReport| {
            let id = concur.create_report_by_hand(&new.login, &new.name, now);
            made_id(id, "no user has that login")
        }),
        ("POST", "/concur/expense-entries") => read_options(body).and_then(|new: NewEntry| {
            let id = concur.add_entry_by_hand(&new.report, &new.entry, now);
            made_id(
                id,
                "the report is not with its owner, or the entry is wrong",
            )
        }),
        ("POST", "/concur/expense-entries/edit") => read_options(body)
            .and_then(|one: OneEntry| done(concur.edit_entry_by_hand(&one.id, &one.entry, now))),
        ("POST", "/concur/expense-entries/delete") => read_options(body)
            .and_then(|one: OneEntry| done(concur.delete_entry_by_hand(&one.id, now))),
        ("POST", path) => {
            let step = path.strip_prefix("/concur/expense-reports/")?;
            read_options(body).and_then(|one: OneReport| take_step(concur, step, &one, now))
        }
        _ => return None,
    })
}

fn take_step(concur: &mut Concur, step: &str, one: &OneReport, now: Millis) -> ControlResult {
    match step {
        "submit" => done(concur.submit_expense_report(&one.id, now)),
        "approve" => done(concur.approve_expense_report(&one.id, &one.filing, now)),
        "send-back" => done(concur.send_back_expense_report(&one.id, now)),
        "delete" => done(concur.delete_expense_report(&one.id, now)),
        "recall" => {
            let recalled = concur.recall_expense_report(&one.id, now);
            recalled.map(|()| json!({})).map_err(refusal_message)
        }
        _ => Err(format!("a report has no step {step}")),
    }
}

fn made_id(id: Option<String>, why_not: &str) -> ControlResult {
    id.map(|id| json!({"id": id}))
        .ok_or_else(|| why_not.to_owned())
}

fn done(was_possible: bool) -> ControlResult {
    let why_not = "there is none of that id, or its state does not allow it";
    was_possible
        .then(|| json!({}))
        .ok_or_else(|| why_not.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SandboxConfig;

    const NOW: Millis = 1_772_463_600_000;

    fn ask(sandbox: &mut Sandbox, method: &str, path: &str, body: Value) -> ControlResult {
        let done = handle_expense_control(sandbox, method, path, body, NOW);
        done.expect("there is such a request")
    }

    #[test]
    fn an_employee_files_a_report_and_it_becomes_a_document() {
        let mut sandbox = Sandbox::new(SandboxConfig::default(), NOW);
        let new = json!({"login": "sam.doe@example.test", "name": "March"});
        let made = ask(&mut sandbox, "POST", "/concur/expense-reports", new).expect("made");
        let entry = json!({"report": made["id"], "entry": {"amount": "12.50"}});
        let entry = ask(&mut sandbox, "POST", "/concur/expense-entries", entry).expect("made");
        let edit = json!({"id": entry["id"], "entry": {"amount": "13.00"}});
        assert!(ask(&mut sandbox, "POST", "/concur/expense-entries/edit", edit).is_ok());
        for (step, is_possible) in [
            ("approve", false),
            ("submit", true),
            ("send-back", true),
            ("submit", true),
            ("approve", true),
            ("recall", true),
            ("delete", true),
            ("delete", false),
            ("file", false),
        ] {
            let path = format!("/concur/expense-reports/{step}");
            let done = ask(&mut sandbox, "POST", &path, made.clone());
            assert_eq!(done.is_ok(), is_possible, "{step}");
        }
        assert_eq!(sandbox.concur.documents().len(), 1);
        let reports = ask(&mut sandbox, "GET", "/concur/expense-reports", json!(null));
        assert_eq!(reports.expect("a list")[0]["total"], "13.00");
        let quick = ask(&mut sandbox, "GET", "/concur/quick-expenses", json!(null));
        assert_eq!(quick, Ok(json!([])));
    }

    #[test]
    fn wrong_requests_are_refused() {
        let mut sandbox = Sandbox::new(SandboxConfig::default(), NOW);
        for (path, body) in [
            (
                "/concur/expense-reports",
                json!({"login": "nobody", "name": "March"}),
            ),
            ("/concur/expense-reports", json!({"login": "nobody"})),
            ("/concur/expense-entries", json!({"report": "none"})),
            (
                "/concur/expense-entries",
                json!({"report": "none", "entry": {"total": "1"}}),
            ),
            ("/concur/expense-entries/delete", json!({"id": "none"})),
        ] {
            assert!(
                ask(&mut sandbox, "POST", path, body.clone()).is_err(),
                "{path} {body}"
            );
        }
        let none = handle_expense_control(&mut sandbox, "GET", "/nothing", json!(null), NOW);
        assert!(none.is_none());
    }
}
