use super::*;
use DocumentType::Payroll;

fn posting() -> Settings {
    settings_with(r#", "payroll": "post""#, "")
}

#[test]
fn by_default_it_is_acknowledged_and_the_reason_names_the_setting() {
    let Ok(Translated::NotPosted { code, message }) = translate(Payroll, PAYROLL, &settings())
    else {
        panic!("is not posted");
    };
    assert_eq!(code, "payroll-acknowledged");
    assert!(message.contains("financial.payroll"), "{message}");
    assert_eq!(problem_of(Payroll, "{").0, "not-json");
}

#[test]
fn posted_it_goes_from_payroll_clearing_to_the_wage_type() {
    assert_eq!(lines(Payroll, PAYROLL, &posting()), ["8 - 54", "6 - -54"]);
    let Ok(Translated::Entry(entry)) = translate(Payroll, PAYROLL, &posting()) else {
        panic!("is an entry");
    };
    assert_eq!(entry.date, "2026-02-11");
}

#[test]
fn what_payroll_only_records_is_not_posted() {
    let more = with(
        PAYROLL,
        r#""payrollData": ["#,
        r#""payrollData": [{"entryApprovedAmount": 20, "wageType": "M999",
        "payrollPayIndicator": "N"}, "#,
    );
    assert_eq!(lines(Payroll, &more, &posting()), ["8 - 54", "6 - -54"]);
    let all = with(
        &more,
        r#""totalApprovedAmount": 54.00"#,
        r#""totalApprovedAmount": 74"#,
    );
    assert_eq!(lines(Payroll, &all, &posting()), ["8 - 54", "6 - -54"]);
    let wrong = with(
        &more,
        r#""totalApprovedAmount": 54.00"#,
        r#""totalApprovedAmount": 75"#,
    );
    let (found, fix_in) = problems(Payroll, &wrong, &posting());
    assert_eq!(
        (found[0].0.as_str(), fix_in),
        ("unbalanced", FixIn::Document)
    );
}

#[test]
fn a_wage_type_needs_its_account() {
    let other = with(PAYROLL, "M010", "M011");
    let (found, fix_in) = problems(Payroll, &other, &posting());
    let pointer = "/expenseEntry/0/payrollData/0/wageType".to_string();
    assert_eq!(
        (found.as_slice(), fix_in),
        (
            [("wage-type-unmapped".to_string(), pointer)].as_slice(),
            FixIn::Settings
        )
    );
    let none = with(PAYROLL, r#""M010""#, "null");
    let (found, fix_in) = problems(Payroll, &none, &posting());
    assert_eq!(
        (found[0].0.as_str(), fix_in),
        ("wage-type-missing", FixIn::Document)
    );
}

#[test]
fn an_advance_that_payroll_clears_is_posted_too() {
    let used = PAYROLL.replace(
        r#""cashAdvanceApplicationAmount": 0, "cashAdvanceClearingWageType": null"#,
        r#""cashAdvanceApplicationAmount": -4, "cashAdvanceClearingWageType": "M010""#,
    );
    assert_eq!(
        lines(Payroll, &used, &posting()),
        ["8 - 54", "6 - -54", "8 - -4", "6 - 4"]
    );
    let unpaid = used.replacen(
        r#""payrollPayIndicator": "Y""#,
        r#""payrollPayIndicator": "N""#,
        1,
    );
    assert_eq!(lines(Payroll, &unpaid, &posting()), ["8 - 54", "6 - -54"]);
    let (found, _) = problems(Payroll, &used.replace("-4", "4"), &posting());
    assert_eq!(found[0].0, "cash-advance-unclear");
}
