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
    assert_eq!((code.as_str(), fix_in), ("side-unclear", FixIn::Nowhere));
    assert_eq!(pointer, "/journalData/0/debitOrCredit");
    for side in ["null", r#""dr""#, r#"" Dr ""#] {
        let document = with(CASH_ADVANCE, r#""DR""#, side);
        assert_eq!(
            lines(CashAdvance, &document, &settings()),
            ["115 - 300", "1 - -300"]
        );
    }
}

/// An advance of 300 of which so much comes back.
fn back(amount: &str) -> String {
    let document = with(
        CASH_ADVANCE,
        r#""amount": 300"#,
        &format!(r#""amount": -{amount}"#),
    );
    let document = with(&document, r#""DR""#, r#""CR""#);
    with(
        &document,
        r#""payer": "COMP", "payee": "EMPL""#,
        r#""payer": "EMPL", "payee": "COMP""#,
    )
}

#[test]
fn an_advance_that_comes_back_goes_the_other_way() {
    // Type 1 is an issue or a return to the administrator (source: concur-financial-schema).
    for kind in ["1", "2", "3", "null"] {
        for (amount, asked) in [("300", "300"), ("85", "300"), ("85", "null")] {
            let document = with(
                &back(amount),
                r#""transactionType": 1"#,
                &format!(r#""transactionType": {kind}"#),
            );
            let document = with(
                &document,
                r#""requestAmount": 300"#,
                &format!(r#""requestAmount": {asked}"#),
            );
            assert_eq!(
                lines(CashAdvance, &document, &settings()),
                [format!("115 - -{amount}"), format!("1 - {amount}")]
            );
        }
    }
}

#[test]
fn an_advance_that_is_carried_forward_is_what_its_rows_say() {
    let carried = with(
        &with(CASH_ADVANCE, r#""amount": 300"#, r#""amount": 85"#),
        r#""transactionType": 1"#,
        r#""transactionType": 3"#,
    );
    assert_eq!(
        lines(CashAdvance, &carried, &settings()),
        ["115 - 85", "1 - -85"]
    );
}

#[test]
fn an_advance_without_an_account_code_takes_the_clearing_account_else_the_settings() {
    let document = with(CASH_ADVANCE, r#""1150""#, r#""""#);
    let cleared = with(
        &document,
        r#""clearingAccountCode": null"#,
        r#""clearingAccountCode": "2150""#,
    );
    assert_eq!(lines(CashAdvance, &cleared, &settings())[0], "215 - 300");
    let (code, _, fix_in) = problem_of(CashAdvance, &document);
    assert_eq!(
        (code.as_str(), fix_in),
        ("account-code-missing", FixIn::Settings)
    );
    let settings = settings_with("", r#", "cash_advances": "116""#);
    assert_eq!(lines(CashAdvance, &document, &settings)[0], "116 - 300");
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
    for near in ["404.99", "405.01"] {
        let found = lines(CashAdvance, &foreign("1.35", near), &settings());
        assert_eq!(found[0], format!("115 - {near}"));
    }
    for (document, expected) in [
        (foreign("1.35", "300"), "rate-differs"),
        (foreign("1.35", "405.02"), "rate-differs"),
        (foreign("null", "300"), "two-currencies"),
        (foreign("0", "300"), "rate-differs"),
        (
            with(CASH_ADVANCE, r#""amount": 300"#, r#""amount": 299"#),
            "advance-differs",
        ),
        (
            with(
                CASH_ADVANCE,
                r#""requestAmount": 300"#,
                r#""requestAmount": null"#,
            ),
            "total-missing",
        ),
    ] {
        let (code, _, fix_in) = problem_of(CashAdvance, &document);
        assert_eq!((code.as_str(), fix_in), (expected, FixIn::Nowhere));
    }
}

#[test]
fn anyone_who_is_not_the_company_is_the_other_side() {
    let card = with(CASH_ADVANCE, r#""payee": "EMPL""#, r#""payee": "CBCP""#);
    assert_eq!(lines(CashAdvance, &card, &settings())[1], "2 - -300");
    let nobody = with(CASH_ADVANCE, r#""payee": "EMPL""#, r#""payee": null"#);
    assert_eq!(problem_of(CashAdvance, &nobody).0, "parties-unclear");
}
