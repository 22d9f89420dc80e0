//! Workflows v4.

use serde_json::json;

use super::*;
use crate::concur::{CannotDo, EntryByHand, SystemApproval};

fn error_id(answer: &Response) -> Value {
    expect(answer, 400)["validationErrors"][0]["id"].clone()
}

#[test]
fn a_report_is_submitted_once_and_not_without_entries() {
    let mut harness = ConcurHarness::new();
    let report = harness.report();
    assert_eq!(
        error_id(&harness.submit(&report)),
        "error.submit.no_entries"
    );
    harness.entry(&report, json!({}));
    expect(&harness.submit(&report), 204);
    assert_eq!(
        error_id(&harness.submit(&report)),
        "error.submit.alreadySubmitted"
    );
    let shown = expect(&harness.of_sam("GET", &report, None), 200);
    assert_eq!(
        (&shown["approvalStatusId"], &shown["isSubmitted"]),
        (&json!("A_PEND"), &json!(true))
    );
    expect(&harness.of_company("DELETE", &report, None), 409);
}

#[test]
fn a_required_field_holds_the_report_back() {
    let mut harness = ConcurHarness::new();
    harness.switch(|switches| {
        if let Some(field) = switches.entry_fields.get_mut("Custom1") {
            field.required = true;
        }
    });
    let report = harness.report();
    let id = harness.entry(&report, json!({}));
    assert_eq!(
        error_id(&harness.submit(&report)),
        "error.submit.missing_reqd_fields"
    );
    expect(
        &harness.entry_call("PUT", &id, Some(json!({"Custom1": "PRJ_A"}))),
        204,
    );
    expect(&harness.submit(&report), 204);
}

#[test]
fn a_company_token_approves_under_guards() {
    let mut harness = ConcurHarness::new();
    harness.switch(|switches| switches.approval_steps = vec!["A_PEND".into(), "A_EXTV".into()]);
    let report = harness.report();
    let path = format!("{report}/approve");
    harness.entry(&report, json!({}));
    let early = harness.of_company("PATCH", &path, None);
    assert_eq!(error_id(&early), "error.workflow.invalid_action");
    expect(&harness.submit(&report), 204);
    for guard in [
        json!({"expectedStepCode": "A_EXTV"}),
        json!({"expectedStepSequence": 2}),
    ] {
        let answer = harness.of_company("PATCH", &path, Some(guard));
        assert_eq!(error_id(&answer), "error.workflow.invalid_action");
    }
    expect(
        &harness.of_company("PATCH", &path, Some(json!({"expectedStep": "x"}))),
        400,
    );
    harness.switch(|switches| switches.system_approval = SystemApproval::SystemStep);
    let answer = harness.of_company("PATCH", &path, None);
    assert_eq!(error_id(&answer), "error.workflow.invalid_action");
    harness.switch(|switches| switches.system_approval = SystemApproval::AnyStep);
    let guard = json!({"expectedStepCode": "A_PEND", "comment": "by the connector"});
    expect(&harness.of_company("PATCH", &path, Some(guard)), 204);
    harness.switch(|switches| switches.system_approval = SystemApproval::SystemStep);
    expect(
        &harness.of_company("PATCH", &path, Some(json!({"expectedStepSequence": 2}))),
        204,
    );
    let record = harness.machine.expense_report(&report).expect("the record");
    assert_eq!(
        (record.approval_status.as_str(), record.comments.len()),
        ("A_APPR", 1)
    );
}

#[test]
fn a_report_is_sent_back_with_a_comment() {
    let mut harness = ConcurHarness::new();
    let report = harness.report();
    harness.entry(&report, json!({}));
    expect(&harness.submit(&report), 204);
    let path = format!("{report}/sendBack");
    expect(&harness.of_company("PATCH", &path, Some(json!({}))), 400);
    let blank = harness.of_company("PATCH", &path, Some(json!({"comment": " "})));
    assert_eq!(error_id(&blank), "error.workflow.noComments");
    expect(
        &harness.of_company("PATCH", &path, Some(json!({"comment": "wrong month"}))),
        204,
    );
    let shown = expect(&harness.of_sam("GET", &report, None), 200);
    assert_eq!(
        (&shown["isSentBack"], &shown["isReportEverSentBack"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(shown["approvalStatusId"], "A_RESU");
    expect(&harness.submit(&report), 204);
}

#[test]
fn only_the_owner_recalls_and_only_others_approve() {
    let mut harness = ConcurHarness::new();
    let report = harness.report();
    harness.entry(&report, json!({}));
    expect(&harness.submit(&report), 204);
    expect(
        &harness.of_sam("PATCH", &format!("{report}/recall"), None),
        403,
    );
    harness.sign_in_as(LOGIN);
    let own = format!("/expensereports/v4/users/{SAM}/context/MANAGER/reports/{report}/approve");
    assert_eq!(
        error_id(&harness.send("PATCH", &own, None)),
        "cannot_approve_your_own_report"
    );
    expect(
        &harness.of_sam("PATCH", &format!("{report}/recall"), None),
        204,
    );
    let again = harness.of_sam("PATCH", &format!("{report}/recall"), None);
    assert_eq!(error_id(&again), "error.recall.cannotRecall");
    expect(&harness.submit(&report), 204);
    harness.sign_in_as("zoe.mueller@example.test");
    let other = own.replace("1007", "1012");
    expect(&harness.send("PATCH", &other, None), 204);
}

#[test]
fn rejected_entries_need_a_comment_and_are_not_approved() {
    let mut harness = ConcurHarness::new();
    let report = harness.report();
    harness.entry(&report, json!({}));
    harness.entry(&report, json!({"TransactionAmount": 10}));
    expect(&harness.submit(&report), 204);
    let record = harness.machine.expense_report(&report).expect("the record");
    let path = format!("{report}/expenses/{}", record.entries[1].expense_id);
    let reject = json!({"expenseSource": "OTHER", "isExpenseRejected": true});
    expect(&harness.of_company("PATCH", &path, Some(reject)), 204);
    let path = format!("{report}/approve");
    let refused = harness.of_company("PATCH", &path, None);
    assert_eq!(
        error_id(&refused),
        "error.workflow.rejectedExpenseMissingComments"
    );
    let comment = json!({"expenseRejectedComment": "no receipt"});
    expect(&harness.of_company("PATCH", &path, Some(comment)), 204);
    let shown = expect(&harness.of_sam("GET", &report, None), 200);
    assert_eq!(shown["approvedAmount"]["value"], json!(40.0));
    assert_eq!(shown["amountNotApproved"]["value"], json!(10.0));
}

#[test]
fn people_do_the_same_in_the_browser() {
    let mut harness = ConcurHarness::new();
    let now = harness.now;
    let machine = &mut harness.machine;
    let report = machine
        .create_report_by_hand(LOGIN, "March", now)
        .expect("a report");
    assert_eq!(machine.create_report_by_hand("nobody", "March", now), None);
    let entry = EntryByHand {
        amount: Some("12.50".into()),
        customs: [("Custom1".to_owned(), "PRJ_B".to_owned())].into(),
        ..EntryByHand::default()
    };
    let id = machine
        .add_entry_by_hand(&report, &entry, now)
        .expect("an entry");
    let wrong = EntryByHand {
        amount: Some("1,5".into()),
        ..EntryByHand::default()
    };
    assert!(!machine.edit_entry_by_hand(&id, &wrong, now));
    let change = EntryByHand {
        amount: Some("13.00".into()),
        ..EntryByHand::default()
    };
    assert!(machine.edit_entry_by_hand(&id, &change, now));
    let record = machine.expense_report(&report).expect("the record");
    assert_eq!(
        (record.total.as_str(), record.entries[0].by_hand),
        ("13.00", true)
    );
    assert!(machine.submit_expense_report(&report, now));
    assert_eq!(machine.add_entry_by_hand(&report, &entry, now), None);
    assert_eq!(machine.recall_expense_report(&report, now), Ok(()));
    assert!(machine.add_entry_by_hand(&report, &entry, now).is_some());
    assert!(machine.delete_entry_by_hand(&id, now) && !machine.delete_entry_by_hand(&id, now));
    assert!(machine.submit_expense_report(&report, now));
    assert!(machine.approve_expense_report(&report, &Default::default(), now));
    assert!(!machine.send_back_expense_report(&report, now));
    assert!(machine.delete_expense_report(&report, now));
    assert_eq!(
        machine.recall_expense_report(&report, now),
        Err(CannotDo::Unknown)
    );
}
