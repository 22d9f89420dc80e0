use super::*;
use DocumentType::CashAdvance;

#[test]
fn an_advance_becomes_the_expected_entry() {
    assert_eq!(
        lines(CashAdvance, CASH_ADVANCE, &settings()),
        ["115 - 300", "1 - -300"]
    );
    let Ok(Translated::Entry(entry)) = translate(CashAdvance, CASH_ADVANCE, &settings()) else {
        panic!("is an entry");
    };
    assert!(entry.description.contains("Trade fair"));
    assert_eq!(entry.date, "2026-01-21");
}

#[test]
fn sign_and_side_must_agree() {
    let credit = with(CASH_ADVANCE, r#""DR""#, r#""CR""#);
    let (code, pointer, fix_in) = problem_of(CashAdvance, &credit);
    assert_eq!((code.as_str(), fix_in), ("side-unclear", FixIn::Document));
    assert_eq!(pointer, "/journalData/0/debitOrCredit");
    let unsaid = with(CASH_ADVANCE, r#""DR""#, "null");
    assert_eq!(
        lines(CashAdvance, &unsaid, &settings()),
        ["115 - 300", "1 - -300"]
    );
}

#[test]
fn an_advance_that_is_taken_back_goes_the_other_way() {
    let back = with(
        &with(CASH_ADVANCE, r#""amount": 300"#, r#""amount": -300"#),
        r#""DR""#,
        r#""CR""#,
    );
    assert_eq!(problem_of(CashAdvance, &back).0, "unbalanced");
    let back = with(&back, r#""transactionType": 1"#, r#""transactionType": 3"#);
    assert_eq!(
        lines(CashAdvance, &back, &settings()),
        ["115 - -300", "1 - 300"]
    );
}

#[test]
fn rows_are_in_the_employee_s_currency_at_the_document_s_rate() {
    let foreign = |rate: &str, amount: &str| {
        let document = with(
            CASH_ADVANCE,
            r#""currencyAlphaCode": "CAD""#,
            r#""currencyAlphaCode": "USD""#,
        );
        let document = with(
            &document,
            r#""exchangeRate": 1"#,
            &format!(r#""exchangeRate": {rate}"#),
        );
        with(
            &document,
            r#""amount": 300"#,
            &format!(r#""amount": {amount}"#),
        )
    };
    assert_eq!(
        lines(CashAdvance, &foreign("1.35", "405"), &settings())[0],
        "115 - 405"
    );
    assert_eq!(
        lines(CashAdvance, &foreign("0.74", "405.41"), &settings())[0],
        "115 - 405.41"
    );
    assert_eq!(
        problem_of(CashAdvance, &foreign("1.35", "300")).0,
        "unbalanced"
    );
    assert_eq!(
        problem_of(CashAdvance, &foreign("null", "300")).0,
        "two-currencies"
    );
    assert_eq!(
        problem_of(CashAdvance, &foreign("0", "300")).0,
        "unbalanced"
    );
    assert_eq!(
        problem_of(
            CashAdvance,
            &with(CASH_ADVANCE, r#""amount": 300"#, r#""amount": 299"#)
        )
        .0,
        "unbalanced"
    );
}

#[test]
fn anyone_who_is_not_the_company_is_the_other_side() {
    let card = with(CASH_ADVANCE, r#""payee": "EMPL""#, r#""payee": "CBCP""#);
    assert_eq!(lines(CashAdvance, &card, &settings())[1], "2 - -300");
    let nobody = with(CASH_ADVANCE, r#""payee": "EMPL""#, r#""payee": null"#);
    assert_eq!(problem_of(CashAdvance, &nobody).0, "parties-unclear");
}
