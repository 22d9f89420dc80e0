//! To whom the other side of each row is owed.

use super::expense::{cash, report, row};
use super::*;
use DocumentType::Expense;

/// An entry of this payment type with rows of a payee and an amount each, and what else it has.
fn entry(payment_type: &str, rows: &[(&str, &str)], more: &str) -> String {
    let rows = rows
        .iter()
        .map(|(payee, amount)| match amount.strip_prefix('-') {
            Some(_) => row(payee, "COMP", r#""6200""#, amount, amount),
            None => row("COMP", payee, r#""6200""#, amount, amount),
        });
    let rows = rows.collect::<Vec<_>>().join(",");
    format!(
        r#"{{"reportEntryPatKey": {payment_type}{more}, "allocation": [{{"journal": [{rows}]}}]}}"#
    )
}

/// The lines of a report of these entries on other accounts than that of the expense.
fn owed(total: &str, entries: &[String], report_more: &str, settings: &Settings) -> Vec<String> {
    let document = with(
        &report(total, "", "", ""),
        r#"{"expenseTypeCode": "TAXIX", "expenseTypeName": "Taxi",
                "allocation": [{"journal": []}]}"#,
        &entries.join(","),
    );
    let document = with(
        &document,
        r#""reportId""#,
        &format!(r#"{report_more}"reportId""#),
    );
    let mut found = lines(Expense, &document, settings);
    found.retain(|line| !line.starts_with("62 "));
    found.sort();
    found
}

#[test]
fn a_card_s_liability_is_the_entry_s_else_its_payment_type_s_else_the_payee_s() {
    let of = |payment_type: &str, more: &str| {
        let entries = [entry(payment_type, &[("IBCP", "10")], more)];
        owed("10", &entries, "", &settings())
    };
    let liability = r#", "liabilityAccountCode": " 2150 ""#;
    assert_eq!(of("null", ""), ["3 - -10"]);
    assert_eq!(of("null", liability), ["215 - -10"]);
    assert_eq!(of(r#""1003""#, liability), ["215 - -10"]);
    assert_eq!(of(r#""1003""#, ""), ["33 - -10"]);
    assert_eq!(of(r#""1000""#, ""), ["3 - -10"]);
    assert_eq!(of(r#""COPD""#, liability), ["3 - -10"]);
}

#[test]
fn an_entry_s_liability_account_is_that_of_the_side_it_was_paid_with() {
    let liability = r#", "liabilityAccountCode": "2100""#;
    let both = [("EMPL", "21"), ("IBCP", "14")];
    let of = |payment_type: &str, rows: &[(&str, &str)]| {
        owed(
            "35",
            &[entry(payment_type, rows, liability)],
            "",
            &settings(),
        )
    };
    assert_eq!(of(r#""CASH""#, &both), ["210 - -21", "3 - -14"]);
    assert_eq!(of("null", &both), ["210 - -21", "3 - -14"]);
    assert_eq!(of(r#""IBCP""#, &both), ["1 - -21", "210 - -14"]);
    assert_eq!(of(r#""1003""#, &both), ["1 - -21", "210 - -14"]);
    assert_eq!(of(r#""1001""#, &[("EMPL", "35")]), ["210 - -35"]);
}

#[test]
fn the_order_of_entries_decides_no_liability() {
    let liability = r#", "liabilityAccountCode": "2100""#;
    let own = |rows: &[(&str, &str)], more: &str| entry(r#""1003""#, rows, more);
    let split = || own(&[("EMPL", "21"), ("IBCP", "14")], liability);
    let card = || own(&[("IBCP", "10")], "");
    // An entry that nothing is owed for says nothing, and entries that differ say nothing either.
    for (total, other) in [("45", own(&[], "")), ("50", own(&[("EMPL", "5")], ""))] {
        let entries = [other, card(), split()];
        let as_listed = owed(total, &entries, "", &settings());
        for shift in 1..3 {
            let mut turned = entries.clone();
            turned.rotate_left(shift);
            assert_eq!(owed(total, &turned, "", &settings()), as_listed, "{shift}");
            turned.reverse();
            assert_eq!(owed(total, &turned, "", &settings()), as_listed, "{shift}");
        }
    }
}

#[test]
fn each_side_of_an_offset_entry_goes_to_its_own_liability() {
    let hotel = |payment_type: &str| entry(payment_type, &[("IBCP", "125")], "");
    let taxi = || entry(r#""CASH""#, &[("EMPL", "21"), ("IBCP", "14")], "");
    let parking = || entry(r#""CASH""#, &[("IBCP", "5")], "");
    let own = r#""1003""#;
    let of = |total: &str, entries: &[String]| owed(total, entries, "", &settings());
    // The card of the report is one account, whichever entry is paid with it.
    assert_eq!(
        of("285", &[hotel(own), hotel(own), taxi()]),
        ["1 - -21", "33 - -264"]
    );
    assert_eq!(of("130", &[parking(), hotel(own)]), ["33 - -130"]);
    // Of two cards nobody knows which one it is.
    assert_eq!(
        of("285", &[hotel(own), hotel(r#""IBCP""#), taxi()]),
        ["1 - -21", "3 - -139", "33 - -125"]
    );
    // Two payment types of one account are one card.
    let mut two = settings();
    let by_party = &mut two.financial.accounts.by_party;
    by_party.insert("1004".to_string(), "33".to_string());
    by_party.remove("IBCP");
    assert_eq!(
        owed("285", &[hotel(own), hotel(r#""1004""#), taxi()], "", &two),
        ["1 - -21", "33 - -125", "33 - -139"]
    );
    let liability = r#", "liabilityAccountCode": "2100""#;
    let named = entry(own, &[("IBCP", "125")], liability);
    assert_eq!(of("160", &[named, taxi()]), ["1 - -21", "210 - -139"]);
    // A payment type of the customer's own that other entries show to be the employee's.
    let private = |rows: &[(&str, &str)]| entry(r#""1001""#, rows, "");
    let split = private(&[("EMPL", "21"), ("IBCP", "14")]);
    assert_eq!(
        of("170", &[hotel(own), split, private(&[("EMPL", "10")])]),
        ["1 - -31", "33 - -139"]
    );
}

#[test]
fn what_an_employee_pays_back_is_no_side_that_an_entry_was_paid_with() {
    let personal = entry(
        "null",
        &[("CBCP", "300"), ("EMPL", "-300")],
        r#", "entryIsPersonal": "Y", "liabilityAccountCode": "2100""#,
    );
    assert_eq!(
        owed("0", &[personal], "", &settings()),
        ["1 - 300", "210 - -300"]
    );
}

#[test]
fn a_sign_that_does_not_fit_the_parties_is_a_problem() {
    for (payer, payee, amount) in [
        ("EMPL", "COMP", "50"),
        ("COMP", "EMPL", "-50"),
        ("CBCP", "COMP", "50"),
        ("COMP", "CBCP", "-50"),
    ] {
        let row = row(payer, payee, r#""6200""#, amount, amount);
        let (code, pointer, fix_in) = problem_of(Expense, &report(amount, &row, "", ""));
        assert_eq!((code.as_str(), fix_in), ("side-unclear", FixIn::Nowhere));
        assert!(pointer.ends_with("/journal/0/journalPayee"), "{pointer}");
    }
    let lower = row("comp", "empl", r#""6200""#, "50", "50");
    assert_eq!(
        lines(Expense, &report("50", &lower, "", ""), &settings()),
        ["62 - 50", "1 - -50"]
    );
}

#[test]
fn payroll_reimburses_through_its_clearing_account() {
    let entries = [entry(
        r#""CASH""#,
        &[("EMPL", "100")],
        r#", "liabilityAccountCode": "2150""#,
    )];
    let of = |more: &str| owed("100", &entries, more, &settings());
    let code = r#""payrollPaymentClearingAccountCode": "2100", "#;
    let yes = r#""payrollPayIndicator": "Y", "#;
    assert_eq!(of(&format!("{yes}{code}")), ["210 - -100"]);
    assert_eq!(of(yes), ["6 - -100"]);
    let no = format!(r#""payrollPayIndicator": "N", {code}"#);
    assert_eq!(of(&no), ["215 - -100"]);
    let unmapped = report("100", &cash("100", "100"), "", "");
    let unmapped = with(
        &unmapped,
        r#""reportId""#,
        r#""payrollPayIndicator": "Y", "payrollPaymentClearingAccountCode": "CLRPAY", "reportId""#,
    );
    let (code, pointer, fix_in) = problem_of(Expense, &unmapped);
    assert_eq!(
        (code.as_str(), fix_in),
        ("account-unmapped", FixIn::Settings)
    );
    assert_eq!(pointer, "/report/payrollPaymentClearingAccountCode");
}

#[test]
fn an_employee_and_a_vendor_can_have_an_account_of_their_own() {
    let of = |party: &str| {
        with_accounts(&format!(
            r#""by_code": {{"6200": "62", "6400": "64", "1150": "115", "2100": "210"}},
            "by_party": {{{party}, "VENDOR": "5", "VENDOR/FB-10432": "51"}}"#
        ))
    };
    let document = report("10", &cash("10", "10"), "", "");
    let other = with(&document, r#""E1""#, r#""E2""#);
    let own = of(r#""EMPL": "1", "EMPL/E1": "11", "EMPL/E1007": "17""#);
    assert_eq!(lines(Expense, &document, &own)[1], "11 - -10");
    assert_eq!(lines(Expense, &other, &own)[1], "1 - -10");
    let liability = r#", "liabilityAccountCode": "2100""#;
    let named = report("10", &cash("10", "10"), liability, "");
    assert_eq!(lines(Expense, &named, &own)[1], "11 - -10");
    assert_eq!(
        lines(DocumentType::CashAdvance, CASH_ADVANCE, &own)[1],
        "17 - -300"
    );
    assert_eq!(lines(DocumentType::Invoice, INVOICE, &own)[1], "51 - -1130");
    let only = of(r#""EMPL/E1": "11""#);
    assert_eq!(lines(Expense, &document, &only)[1], "11 - -10");
    assert_eq!(problems(Expense, &other, &only).0[0].0, "account-unmapped");
}
