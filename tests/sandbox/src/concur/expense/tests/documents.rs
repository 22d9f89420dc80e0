//! Approved reports as financial documents.

use serde_json::json;

use super::*;
use crate::concur::{EntryByHand, Filing, Resubmission};

fn approved(harness: &mut ConcurHarness, report: &str) {
    expect(&harness.submit(report), 204);
    assert!(
        harness
            .machine
            .approve_expense_report(report, &Filing::default(), harness.now)
    );
}

/// The document of a report of an employee's entry beside ours, and the ids of the two entries.
fn mixed(harness: &mut ConcurHarness) -> (String, Value, [String; 2]) {
    let report = harness.report();
    harness.entry(
        &report,
        json!({"Custom1": "PRJ_A", "Custom3": "FB:991273",
        "TransactionCurrencyCode": "USD"}),
    );
    let by_hand = EntryByHand {
        vendor: Some("City Cabs".into()),
        ..EntryByHand::default()
    };
    let now = harness.now;
    let theirs = harness
        .machine
        .add_entry_by_hand(&report, &by_hand, now)
        .expect("an entry");
    let record = harness.machine.expense_report(&report).expect("the record");
    let ours = record.entries[0].expense_id.clone();
    approved(harness, &report);
    let document = harness.expenses("").remove(0)["document"].clone();
    (report, document, [ours, theirs])
}

#[test]
fn a_mixed_report_has_both_entries_under_their_ids() {
    let mut harness = ConcurHarness::new();
    let (report, document, ids) = mixed(&mut harness);
    assert_eq!(document["report"]["reportId"], json!(report));
    assert_eq!(document["employee"]["employeeId"], "E1007");
    assert_eq!(document["employee"]["loginId"], LOGIN);
    assert_eq!(document["report"]["totalApprovedAmount"], json!(79));
    let [ours, theirs] = [&document["expenseEntry"][0], &document["expenseEntry"][1]];
    assert_eq!(
        [&ours["entryId"], &theirs["entryId"]],
        [&json!(ids[0]), &json!(ids[1])]
    );
    assert_eq!(ours["reportEntryPatKey"], "COPD");
    assert_eq!(
        (&ours["entryDescription"], &ours["entryExchangeRate"]),
        (&json!("Taxi to client"), &json!(1.35))
    );
    assert_eq!(
        (&ours["entryCustom3Code"], &ours["entryCustom3Value"]),
        (&json!(null), &json!("FB:991273"))
    );
    assert_eq!(theirs["entryVendorDescription"], "City Cabs");
    let allocation = &ours["allocation"][0];
    assert_eq!(
        (
            &allocation["allocationCustom1Code"],
            &allocation["allocationCustom1Value"]
        ),
        (&json!("PRJ_A"), &json!("Project A"))
    );
    let row = &allocation["journal"][0];
    assert_eq!(
        (&row["journalPayer"], &row["journalPayee"]),
        (&json!("COMP"), &json!("COPD"))
    );
    assert_eq!(
        (&row["journalAccountCode"], &row["amountGross"]),
        (&json!("6200"), &json!(54))
    );
    let row = &theirs["allocation"][0]["journal"][0];
    assert_eq!(
        (&row["journalPayee"], &row["amountGross"]),
        (&json!("EMPL"), &json!(25))
    );
}

#[test]
fn a_report_of_nothing_but_ours_owes_the_employee_nothing() {
    let mut harness = ConcurHarness::new();
    harness.switch(|switches| switches.copied_to_allocations = false);
    let report = harness.report();
    harness.entry(&report, json!({"Custom1": "PRJ_A"}));
    harness.entry(
        &report,
        json!({"TransactionAmount": -5, "Custom1": "PRJ_X"}),
    );
    approved(&mut harness, &report);
    let document = harness.expenses("").remove(0)["document"].clone();
    assert_eq!(document["report"]["totalApprovedAmount"], json!(35));
    let entry = &document["expenseEntry"][0];
    assert_eq!(entry["entryCustom1Code"], "PRJ_A");
    assert_eq!(entry["allocation"][0]["allocationCustom1Code"], json!(null));
    let refund = &document["expenseEntry"][1];
    let row = &refund["allocation"][0]["journal"][0];
    assert_eq!(
        (&row["journalPayer"], &row["amountGross"]),
        (&json!("COPD"), &json!(-5))
    );
    assert_eq!(
        (&refund["entryCustom1Code"], &refund["entryCustom1Value"]),
        (&json!("PRJ_X"), &json!(null))
    );
    let shown = expect(&harness.of_sam("GET", &report, None), 200);
    assert_eq!(shown["amountDueEmployee"]["value"], json!(0.0));
    assert_eq!(shown["amountCompanyPaid"]["value"], json!(35.0));
}

#[test]
fn every_payment_type_has_its_party_and_private_items_theirs() {
    let mut harness = ConcurHarness::new();
    let report = harness.report();
    let now = harness.now;
    for (payment, personal) in [
        ("CASH", true),
        ("CBCP", true),
        ("CBCP", false),
        ("IBCP", false),
    ] {
        let entry = EntryByHand {
            payment_type: Some(payment.into()),
            personal: Some(personal),
            ..EntryByHand::default()
        };
        harness
            .machine
            .add_entry_by_hand(&report, &entry, now)
            .expect("an entry");
    }
    approved(&mut harness, &report);
    let document = harness.expenses("").remove(0)["document"].clone();
    let entries = document["expenseEntry"].as_array().expect("entries");
    let parties: Vec<&Value> = entries
        .iter()
        .map(|entry| &entry["allocation"][0]["journal"][0]["journalPayee"])
        .collect();
    assert_eq!(parties, ["CBCP", "CBCP", "IBCP"]);
    let private = entries[0]["allocation"][0]["journal"]
        .as_array()
        .map(Vec::len);
    assert_eq!(
        (private, &entries[0]["entryApprovedAmount"]),
        (Some(2), &json!(0))
    );
    assert_eq!(document["report"]["totalApprovedAmount"], json!(50));
}

#[test]
fn the_payment_status_follows_the_document() {
    let mut harness = ConcurHarness::new();
    let (report, _, [ours, _]) = mixed(&mut harness);
    let status = |harness: &ConcurHarness| {
        harness
            .machine
            .expense_report(&report)
            .expect("the record")
            .payment_status
    };
    assert_eq!(status(&harness), "P_PROC");
    let document = harness.expenses("").remove(0)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    harness.acknowledge(&[&document], "FRESHBOOKS-01");
    harness.confirm(&document, true, json!({}));
    assert_eq!(status(&harness), "P_PAID");
    let path = format!("{report}/expenses/{ours}");
    let change = json!({"expenseSource": "OTHER", "businessPurpose": "x"});
    expect(&harness.of_company("PATCH", &path, Some(change)), 400);
    expect(
        &harness.of_company("PATCH", &report, Some(json!({"name": "x"}))),
        400,
    );
}

#[test]
fn a_failed_report_is_recalled_corrected_and_comes_back_in_a_new_document() {
    let mut harness = ConcurHarness::new();
    let (report, _, [_, theirs]) = mixed(&mut harness);
    let first = harness.expenses("").remove(0)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    harness.acknowledge(&[&first], "FRESHBOOKS-01");
    harness.confirm(&first, false, json!({}));
    let now = harness.now;
    assert_eq!(
        harness
            .machine
            .expense_report(&report)
            .expect("it")
            .payment_status,
        "P_FAIL"
    );
    assert_eq!(harness.machine.recall_expense_report(&report, now), Ok(()));
    let record = harness.machine.expense_report(&report).expect("the record");
    assert_eq!(
        (record.submitted, record.payment_status.as_str()),
        (false, "P_NOTP")
    );
    expect(&harness.post_entry(&report, json!({})), 400);
    assert!(harness.machine.delete_entry_by_hand(&theirs, now));
    approved(&mut harness, &report);
    let second = harness.expenses("").remove(0);
    assert_ne!(second["id"], json!(first));
    assert_eq!(
        second["document"]["report"]["totalApprovedAmount"],
        json!(54)
    );
    assert_eq!(harness.machine.recall(&report, now), Ok(()));
    assert!(
        !harness
            .machine
            .expense_report(&report)
            .expect("it")
            .submitted
    );
    let again = Resubmission::default();
    harness
        .machine
        .resubmit(&report, &again, now)
        .expect("filed");
    assert!(
        harness
            .machine
            .expense_report(&report)
            .expect("it")
            .submitted
    );
    assert_eq!(harness.expenses("").len(), 1);
}

#[test]
fn without_the_integration_there_is_no_document() {
    let mut harness = ConcurHarness::new();
    harness.machine.config.financial.enabled = false;
    let report = harness.report();
    harness.entry(&report, json!({}));
    approved(&mut harness, &report);
    assert!(harness.machine.documents().is_empty());
    let shown = expect(&harness.of_sam("GET", &report, None), 200);
    assert_eq!(shown["isFinancialIntegrationEnabled"], json!(false));
}
