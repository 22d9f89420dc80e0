use super::*;
use DocumentType::Expense;

const SIMPLE: &str = r#"{"employee": {"employeeId": "E1"}, "report": {"reportId": "R1",
"employeeCurrencyAlphaCode": "CAD",
    "totalApprovedAmount": 10.00, "reportSubmitDate": "2026-03-01"},
    "expenseEntry": [{"expenseTypeCode": "TAXIX", "expenseTypeName": "Taxi",
    "allocation": [{"journal": [
        {"journalPayer": "COMP", "journalPayee": "EMPL", "journalAccountCode": "6200",
        "amountGross": 10.00,
         "amountNetOfReclaim": 10.00}]}]}]}"#;

#[test]
fn odd_but_right_documents_are_read() {
    let wrapped = serde_json::to_string(SIMPLE).expect("is text");
    let bom = format!("\u{feff} {SIMPLE}\n");
    let numbers = with(&with(SIMPLE, r#""6200""#, "6200"), r#""E1""#, "1");
    let strings = SIMPLE.replace("10.00", r#"" 10.00000000 ""#);
    let padded = with(
        &with(SIMPLE, r#""6200""#, r#""  6200 ""#),
        r#""EMPL""#,
        r#""EMPL  ""#,
    );
    let unknown = SIMPLE.replace(
        '{',
        r#"{"x": [{"y": [1, {"z": null}]}], "employeeOrgUnit1Code": null, "#,
    );
    let single = SIMPLE.replace(['[', ']'], "");
    let escaped =
        with(SIMPLE, r#""amountGross""#, r#""amount\u0047ross""#).replace("CAD", "C\\u0041D");
    let nulls = SIMPLE.replace(
        r#""expenseTypeCode": "TAXIX""#,
        r#""tax": null, "expenseTypeCode": null, "allocationCustom1Code": null"#,
    );
    let empty = with(
        SIMPLE,
        r#""employee": {"#,
        r#""cashAdvanceApplication": "", "employee": {"#,
    );
    let scientific = SIMPLE.replace("10.00", "1.000E1");
    for document in [
        wrapped, bom, numbers, strings, padded, unknown, single, escaped, nulls, scientific, empty,
    ] {
        assert_eq!(
            lines(Expense, &document, &settings()),
            ["62 - 10", "1 - -10"],
            "{document}"
        );
    }
}

#[test]
fn amounts_are_read_to_the_last_digit_or_not_at_all() {
    let gross = |amount: &str| SIMPLE.replace("10.00", amount);
    for amount in ["123456789012345.00000000", "\"999999999999999.99\""] {
        let found = lines(Expense, &gross(amount), &settings());
        let digits = amount.trim_matches('"').trim_end_matches(".00000000");
        assert_eq!(found, [format!("62 - {digits}"), format!("1 - -{digits}")]);
    }
    for (amount, code) in [
        ("12345678901234567890123", "not-a-number"),
        ("\"ten\"", "not-a-number"),
        ("\"1,000.00\"", "not-a-number"),
        ("true", "not-a-number"),
        ("1E400", "not-a-number"),
    ] {
        let (found, fix_in) = problems(Expense, &gross(amount), &settings());
        assert!(
            found.iter().all(|(found, _)| found == code),
            "{amount}: {found:?}"
        );
        assert_eq!((found.len(), fix_in), (3, FixIn::Nowhere));
    }
    let (code, pointer, fix_in) = problem_of(Expense, &gross("10.005"));
    assert_eq!(
        (code.as_str(), pointer.as_str(), fix_in),
        (
            "amount-precision",
            "/report/totalApprovedAmount",
            FixIn::Nowhere
        )
    );
    let (found, _) = problems(Expense, &gross("null"), &settings());
    assert_eq!(found[0].0, "amount-missing");
}

#[test]
fn a_currency_rules_its_minor_units() {
    let yen = SIMPLE.replace("CAD", "JPY");
    assert_eq!(lines(Expense, &yen, &settings()), ["62 - 10", "1 - -10"]);
    let (found, _) = problems(Expense, &yen.replace("10.00", "10.50"), &settings());
    assert_eq!(found[0].0, "amount-precision");
    let dinar = SIMPLE.replace("CAD", "KWD").replace("10.00", "10.005");
    assert_eq!(
        lines(Expense, &dinar, &settings()),
        ["62 - 10.005", "1 - -10.005"]
    );
}

#[test]
fn a_currency_must_be_one_that_is_known_and_carried_over() {
    for (currency, code, expected) in [
        ("GBP", "currency-unmapped", FixIn::Settings),
        ("XQQ", "currency-unknown", FixIn::Nowhere),
        ("CAD,USD", "currency-unknown", FixIn::Nowhere),
        ("", "currency-missing", FixIn::Nowhere),
    ] {
        let (found, pointer, fix_in) = problem_of(Expense, &with(SIMPLE, "CAD", currency));
        assert_eq!((found.as_str(), fix_in), (code, expected));
        assert_eq!(pointer, "/report/employeeCurrencyAlphaCode");
    }
}

#[test]
fn what_is_no_document_is_said() {
    for (document, code) in [
        ("", "not-json"),
        ("{", "not-json"),
        ("<xml/>", "not-json"),
        (r#""not a document""#, "not-json"),
        ("[]", "unreadable"),
        (r#"{"expenseEntry": 3}"#, "unreadable"),
        (
            r#"{"expenseEntry": [{"allocation": "none"}]}"#,
            "unreadable",
        ),
    ] {
        let (found, pointer, fix_in) = problem_of(Expense, document);
        assert_eq!(
            (found.as_str(), pointer.as_str(), fix_in),
            (code, "", FixIn::Nowhere),
            "{document}"
        );
    }
    assert_eq!(problems(Expense, "{}", &settings()).0.len(), 3);
}

#[test]
fn depth_is_no_danger() {
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    let skipped = with(
        SIMPLE,
        r#""employeeId": "E1""#,
        &format!(r#""employeeId": "E1", "deep": {deep}"#),
    );
    assert_eq!(
        lines(Expense, &skipped, &settings()),
        ["62 - 10", "1 - -10"]
    );
    let read = with(SIMPLE, r#""E1""#, &deep);
    assert_eq!(lines(Expense, &read, &settings()), ["62 - 10", "1 - -10"]);
    let nested = r#"{"expenseEntry": {"allocation": "#.repeat(50_000);
    assert_eq!(problem_of(Expense, &nested).0, "not-json");
    assert_eq!(problem_of(Expense, &deep).0, "unreadable");
}

#[test]
fn a_broken_document_of_any_size_has_an_end() {
    let row = r#"{"amountGross": "x"},"#.repeat(20_000);
    let document = format!(
        r#"{{"expenseEntry": {{"allocation": {{"journal": [{}]}}}}}}"#,
        row.trim_end_matches(',')
    );
    let (found, _) = problems(Expense, &document, &settings());
    assert_eq!(found.len(), 100);
}
