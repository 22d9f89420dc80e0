use super::*;
use DocumentType::Expense;

#[test]
fn a_report_with_every_effect_becomes_the_expected_entry() {
    let mut expected = [
        "61 PRJ_A 120",
        "7 - 26",
        "2 - -244.5",
        "61 PRJ_B 80",
        "62 PRJ_A 54",
        "1 - -54",
        "215 - 18.5",
        "215 - -18.5",
        "1 - 38.5",
        "115 - -20",
    ];
    expected.sort();
    let mut found = lines(Expense, EXPENSE, &settings());
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn the_entry_says_what_it_is() {
    let Ok(Translated::Entry(entry)) = translate(Expense, EXPENSE, &settings()) else {
        panic!("is an entry");
    };
    assert!(entry.description.contains("February travel"));
    assert_eq!(
        (entry.date.as_str(), entry.currency.as_str()),
        ("2026-03-03", "CAD")
    );
    let debits = entry.lines.iter().map(|line| line.amount);
    let debits: Decimal = debits.filter(Decimal::is_sign_positive).sum();
    assert_eq!(debits, Decimal::from(337));
    let labels: Vec<_> = entry.lines.iter().map(|line| line.label.as_str()).collect();
    let expected = [
        "6100 Hotel",
        "CAHST/H13 reclaimable tax",
        "CBCP card liability",
        "6100 Hotel",
        "6200 Taxi",
        "EMPL employee payable E1007",
        "2150 personal item",
        "2150 personal item",
        "EMPL employee payable E1007",
        "1150 cash advance",
    ];
    assert_eq!(labels, expected);
}

/// A report of one entry with these rows, this total, and whatever else the entry has.
pub(super) fn report(total: &str, rows: &str, entry: &str, allocation: &str) -> String {
    format!(
        r#"{{"employee": {{"employeeId": "E1", "employeeCustom1Code": "9999"}},
            "report": {{"reportId": "R1", "employeeCurrencyAlphaCode": "CAD",
            "totalApprovedAmount": {total},
                        "reportSubmitDate": "2026-03-01T14:05:11.120Z"}},
            "expenseEntry": [{{"expenseTypeCode": "TAXIX", "expenseTypeName": "Taxi"{entry},
                "allocation": [{{"journal": [{rows}]{allocation}}}]}}]}}"#
    )
}

pub(super) fn row(payer: &str, payee: &str, account: &str, gross: &str, net: &str) -> String {
    format!(
        r#"{{"journalPayer": "{payer}", "journalPayee": "{payee}", "journalAccountCode": {account},
            "amountGross": {gross}, "amountNetOfReclaim": {net}, "taxGuid": ["T1", "T2"]}}"#
    )
}

pub(super) fn cash(gross: &str, net: &str) -> String {
    row("COMP", "EMPL", r#""6200""#, gross, net)
}

fn simple(total: &str, gross: &str) -> String {
    report(total, &cash(gross, "null"), "", "")
}

#[test]
fn a_row_in_another_currency_is_a_problem() {
    let named = |currency: &str| {
        let row = format!(r#""currencyAlphaCode": "{currency}", "amountGross""#);
        with(&simple("10", "10"), r#""amountGross""#, &row)
    };
    assert_eq!(
        lines(Expense, &named("CAD"), &settings()),
        ["62 - 10", "1 - -10"]
    );
    assert_eq!(problem_of(Expense, &named("USD")).0, "two-currencies");
}

#[test]
fn the_side_that_is_not_the_company_is_the_counter_account() {
    for (payer, payee, gross, expected) in [
        ("COMP", "EMPL", "10", ["62 - 10", "1 - -10"]),
        ("EMPL", "COMP", "-10", ["62 - -10", "1 - 10"]),
        ("COMP", "CBCP", "10", ["62 - 10", "2 - -10"]),
        ("COMP", "IBCP", "10", ["62 - 10", "3 - -10"]),
        ("COPD", "COMP", "-10", ["62 - -10", "4 - 10"]),
    ] {
        let document = report(gross, &row(payer, payee, r#""6200""#, gross, gross), "", "");
        assert_eq!(
            lines(Expense, &document, &settings()),
            expected,
            "{payer} {payee}"
        );
    }
    for (payer, payee) in [("COMP", "COMP"), ("EMPL", "IBCP"), ("COMP", "")] {
        let document = report("10", &row(payer, payee, r#""6200""#, "10", "10"), "", "");
        let (code, pointer, fix_in) = problem_of(Expense, &document);
        assert_eq!((code.as_str(), fix_in), ("parties-unclear", FixIn::Nowhere));
        assert_eq!(
            pointer,
            "/expenseEntry/0/allocation/0/journal/0/journalPayee"
        );
    }
}

#[test]
fn rows_on_one_account_are_summed_and_sides_kept_apart() {
    let back = row("EMPL", "COMP", r#""6200""#, "-3.5", "-3.5");
    let rows = [cash("5", "5"), cash("55", "55"), back].join(",");
    let found = lines(Expense, &report("56.5", &rows, "", ""), &settings());
    assert_eq!(found, ["62 - 60", "1 - -60", "62 - -3.5", "1 - 3.5"]);
}

#[test]
fn a_label_names_only_what_is_true_of_all_its_rows() {
    let rows = cash("5", "5");
    let one = report("10", &rows, "", "");
    let train = r#"{"expenseTypeName": "Train", "allocation": {"journal": "#;
    let two = with(
        &one,
        r#""expenseEntry": ["#,
        &format!(r#""expenseEntry": [{train}{rows}}}}},"#),
    );
    let Ok(Translated::Entry(entry)) = translate(Expense, &two, &settings()) else {
        panic!("is an entry");
    };
    assert_eq!(entry.lines[0].label, "6200");
}

#[test]
fn a_cost_code_is_the_allocation_s_else_the_entry_s_and_never_the_employee_s() {
    let rows = cash("10", "10");
    let of = |entry: &str, allocation: &str, settings: &Settings| {
        lines(Expense, &report("10", &rows, entry, allocation), settings)[0].clone()
    };
    let (entry, allocation) = (
        r#", "entryCustom1Code": "E""#,
        r#", "allocationCustom1Code": "A", "allocationCustom1Value": "Name""#,
    );
    let settings = settings();
    assert_eq!(of(entry, allocation, &settings), "62 A 10");
    assert_eq!(of(entry, "", &settings), "62 E 10");
    assert_eq!(
        of(
            entry,
            r#", "allocationCustom1Code": " ", "allocationCustom1Value": "Name""#,
            &settings
        ),
        "62 E 10"
    );
    assert_eq!(of("", "", &settings), "62 - 10");
    let other = settings_with(
        r#", "cost_code_field": "Custom4", "entry_cost_code_field": "Custom40""#,
        "",
    );
    assert_eq!(of(entry, allocation, &other), "62 - 10");
    let org_unit = settings_with(r#", "entry_cost_code_field": "OrgUnit4""#, "");
    let units =
        r#", "entryOrgUnit4Code": "21-B", "entryOrgUnit4Value": "B", "entryOrgUnit1Code": 1"#;
    assert_eq!(of(units, "", &org_unit), "62 21-B 10");
    assert_eq!(of(units, allocation, &org_unit), "62 A 10");
    assert_eq!(
        of(entry, r#", "allocationCustom4Code": 17"#, &other),
        "62 17 10"
    );
    assert_eq!(
        of(r#", "entryCustom40Code": "F""#, allocation, &other),
        "62 F 10"
    );
}

#[test]
fn one_cost_code_of_an_account_can_have_its_own_account() {
    let accounts = r#""by_code": {"6200": "62", "6200/A": "620"}, "by_party": {"EMPL": "1"}"#;
    let settings = with_accounts(accounts);
    let of = |cost_code: &str| {
        let allocation = format!(r#", "allocationCustom1Code": "{cost_code}""#);
        lines(
            Expense,
            &report("10", &cash("10", "10"), "", &allocation),
            &settings,
        )[0]
        .clone()
    };
    assert_eq!(
        (of("A"), of("B")),
        ("620 A 10".to_string(), "62 B 10".to_string())
    );
}

const TAXES: &str = r#", "tax": [
    {"taxGuid": "T1", "taxAuthorityLabel": "CAHST", "taxCode": "H13", "amountReclaim": 1.22},
    {"taxGuid": "T2", "taxAuthorityLabel": "CAPST", "taxCode": null, "taxReclaimCode": "SG",
    "amountReclaim": 1.95},
    {"taxGuid": "T3", "taxAuthorityLabel": "CAQST", "taxCode": "Q", "amountReclaim": 9}]"#;

fn two_taxes() -> Settings {
    with_accounts(
        r#""by_code": {"6200": "62"}, "by_party": {"EMPL": "1"},
        "by_tax": {"CAHST/H13": "7", "SG": "71"}"#,
    )
}

#[test]
fn reclaimable_tax_is_split_out_by_what_each_tax_reclaims() {
    let document = report("55", &cash("55", "51.83"), "", TAXES);
    let found = lines(Expense, &document, &two_taxes());
    assert_eq!(found, ["62 - 51.83", "7 - 1.22", "71 - 1.95", "1 - -55"]);
    // Ten cents in the proportion of 1.22 to 1.95, to the cent.
    let document = report("55", &cash("55", "54.90"), "", TAXES);
    let found = lines(Expense, &document, &two_taxes());
    assert_eq!(found, ["62 - 54.9", "7 - 0.04", "71 - 0.06", "1 - -55"]);
    let document = report(
        "-55",
        &row("EMPL", "COMP", r#""6200""#, "-55", "-51.83"),
        "",
        TAXES,
    );
    let found = lines(Expense, &document, &two_taxes());
    assert_eq!(found, ["62 - -51.83", "7 - -1.22", "71 - -1.95", "1 - 55"]);
}

#[test]
fn tax_that_is_not_reclaimed_stays_in_the_expense() {
    let taxes = r#", "tax": [{"taxGuid": "T1", "taxAuthorityLabel": "DEVAT", "amountTax": 15.97,
    "amountReclaim": 0}]"#;
    let document = report("100", &cash("100", "100"), "", taxes);
    assert_eq!(
        lines(Expense, &document, &settings()),
        ["62 - 100", "1 - -100"]
    );
}

#[test]
fn a_row_s_own_difference_counts_and_not_the_taxes_amounts() {
    let taxes = r#", "tax": {"taxGuid": "T1", "taxCode": "SG", "amountReclaim": 999}"#;
    let rows = [cash("10", "9"), cash("20", "18.5")].join(",");
    for named in [r#"["T1", "T2"]"#, r#""T1""#, "[]", "null"] {
        let rows = rows.replace(r#"["T1", "T2"]"#, named);
        let found = lines(Expense, &report("30", &rows, "", taxes), &two_taxes());
        assert_eq!(found, ["62 - 27.5", "71 - 2.5", "1 - -30"], "{named}");
    }
}

#[test]
fn reclaimed_tax_must_say_which() {
    let without = report("55", &cash("55", "50"), "", "");
    let (code, pointer, fix_in) = problem_of(Expense, &without);
    assert_eq!(
        (code.as_str(), fix_in),
        ("reclaim-unclear", FixIn::Document)
    );
    assert_eq!(pointer, "/expenseEntry/0/allocation/0/journal/0/taxGuid");
    let (found, fix_in) = problems(
        Expense,
        &report("55", &cash("55", "null"), "", TAXES),
        &two_taxes(),
    );
    assert_eq!(
        (found[0].0.as_str(), fix_in),
        ("reclaim-unclear", FixIn::Document)
    );
    let (found, fix_in) = problems(
        Expense,
        &report("55", &cash("55", "51.83"), "", TAXES),
        &settings(),
    );
    assert_eq!(
        (found.len(), found[0].0.as_str(), fix_in),
        (1, "tax-unmapped", FixIn::Settings)
    );
}

#[test]
fn tax_that_contradicts_itself_is_a_problem() {
    let taxes = |reclaim: &str| {
        format!(r#", "tax": [{{"taxGuid": "T1", "taxCode": "SG", "amountReclaim": {reclaim}}}]"#)
    };
    let of = |currency: &str, net: &str, reclaim: &str| {
        let entry = format!(r#", "entryCurrAlphaCode": "{currency}""#);
        report("113", &cash("113", net), &entry, &taxes(reclaim))
    };
    for document in [
        of("CAD", "100", "5"),
        of("CAD", "100", "0"),
        of("USD", "100", "0"),
        of("CAD", "113", "13"),
        of("CAD", "120", "7"),
        of("USD", "120", "7"),
        of("USD", "-5", "118"),
    ] {
        let (found, fix_in) = problems(Expense, &document, &two_taxes());
        assert!(
            found.iter().all(|(code, _)| code == "reclaim-unclear"),
            "{found:?}"
        );
        assert_eq!(fix_in, FixIn::Document);
    }
    let expected = ["62 - 100", "71 - 13", "1 - -113"];
    for document in [
        of("CAD", "100", "13"),
        of("CAD", "100", "13.01"),
        of("CAD", "100", "null"),
        of("USD", "100", "5"),
    ] {
        assert_eq!(
            lines(Expense, &document, &two_taxes()),
            expected,
            "{document}"
        );
    }
}

#[test]
fn taxes_of_a_whole_entry_may_be_repeated_in_each_allocation() {
    let tax = r#""tax": [{"taxGuid": "T1", "taxCode": "SG", "amountReclaim": 13}]"#;
    let rows = [cash("67.80", "60"), cash("45.20", "40")];
    let allocations = rows.map(|row| format!(r#"{{"journal": [{row}], {tax}}}"#));
    let document = report("113", "", r#", "entryCurrAlphaCode": "CAD""#, "");
    let one = r#"{"journal": []}"#;
    let document = with(&document, one, &allocations.join(","));
    assert_eq!(
        lines(Expense, &document, &two_taxes()),
        ["62 - 100", "71 - 13", "1 - -113"]
    );
}

#[test]
fn a_total_that_does_not_add_up_is_a_problem_with_the_difference() {
    let Err(refused) = translate(Expense, &simple("11", "10"), &settings()) else {
        panic!("is refused");
    };
    assert_eq!(refused.fix_in, FixIn::Document);
    let problem = &refused.problems[0];
    assert_eq!(
        (problem.code.as_str(), problem.pointer.as_str()),
        ("unbalanced", "/report/totalApprovedAmount")
    );
    assert_eq!(
        problem.message,
        "its rows come to 10.00 CAD, its total is 11.00 CAD: a difference of 1.00"
    );
}

#[test]
fn without_a_total_the_approved_amounts_count() {
    let approved = |amount: &str| {
        let entry = format!(r#", "entryApprovedAmount": {amount}"#);
        report("null", &cash("10", "10"), &entry, "")
    };
    assert_eq!(
        lines(Expense, &approved("10"), &settings()),
        ["62 - 10", "1 - -10"]
    );
    assert_eq!(problem_of(Expense, &approved("9")).0, "unbalanced");
    assert_eq!(problem_of(Expense, &approved("null")).0, "total-missing");
}

#[test]
fn an_advance_that_is_used_is_taken_from_what_the_employee_gets() {
    let with = |application: &str| {
        simple("10", "10").replacen(
            '{',
            &format!(r#"{{"cashAdvanceApplication": {application}, "#),
            1,
        )
    };
    let used = r#"{"cashAdvanceApplicationAmount": -4, "cashAdvanceClearingAccountCode": "1150",
    "cashAdvanceTransactionType": 2}"#;
    let returned = used.replace("-4", "\"-6.00\"").replace(": 2}", ": \"2\"}");
    let both = with(&format!("[{used}, {returned}]"));
    let found = lines(Expense, &both, &settings());
    assert_eq!(found, ["62 - 10", "1 - -10", "115 - -10", "1 - 10"]);
    let nothing = with(&used.replace("-4", "0E-8"));
    assert_eq!(
        lines(Expense, &nothing, &settings()),
        ["62 - 10", "1 - -10"]
    );
    for (old, new, code, expected) in [
        ("-4", "4", "cash-advance-unclear", FixIn::Nowhere),
        (": 2}", ": 3}", "cash-advance-unclear", FixIn::Nowhere),
        ("\"1150\"", "null", "account-code-missing", FixIn::Settings),
    ] {
        let (found, pointer, fix_in) = problem_of(Expense, &with(&used.replace(old, new)));
        assert_eq!((found.as_str(), fix_in), (code, expected), "{new}");
        assert!(
            pointer.starts_with("/cashAdvanceApplication/0/"),
            "{pointer}"
        );
    }
    let settings = settings_with("", r#", "cash_advances": "116""#);
    let unnamed = with(&used.replace("\"1150\"", "null"));
    assert_eq!(
        lines(Expense, &unnamed, &settings),
        ["62 - 10", "1 - -10", "116 - -4", "1 - 4"]
    );
}

#[test]
fn a_row_without_an_account_code_falls_back_on_its_expense_type() {
    let document = report("10", &row("COMP", "EMPL", r#""""#, "10", "10"), "", "");
    let (code, pointer, fix_in) = problem_of(Expense, &document);
    assert_eq!(
        (code.as_str(), fix_in),
        ("account-code-missing", FixIn::Settings)
    );
    assert_eq!(
        pointer,
        "/expenseEntry/0/allocation/0/journal/0/journalAccountCode"
    );
    let settings = settings_with("", r#", "by_expense_type": {"TAXIX": "99"}"#);
    assert_eq!(lines(Expense, &document, &settings)[0], "99 - 10");
    let neither = with(&document, r#""TAXIX""#, "null");
    let (code, _, fix_in) = problem_of(Expense, &neither);
    assert_eq!(
        (code.as_str(), fix_in),
        ("expense-type-missing", FixIn::Document)
    );
}

#[test]
fn a_personal_item_without_an_account_code_is_cleared_and_no_expense() {
    let rows = [
        row("COMP", "CBCP", r#""""#, "300", "300"),
        row("EMPL", "COMP", "null", "-300", "-300"),
    ];
    let of = |entry: &str| {
        let entry = format!(r#", "entryIsPersonal": "Y", "reportEntryPatKey": "CBCP"{entry}"#);
        report("0", &rows.join(","), &entry, "")
    };
    let expense_type = r#", "by_expense_type": {"TAXIX": "99"}"#;
    let settings = settings_with("", expense_type);
    let cleared = of(r#", "clearingAccountCode": "2150""#);
    assert_eq!(
        lines(Expense, &cleared, &settings),
        ["215 - 300", "2 - -300", "215 - -300", "1 - 300"]
    );
    let (found, fix_in) = problems(Expense, &of(""), &settings);
    assert_eq!(
        (found.len(), found[0].0.as_str(), fix_in),
        (1, "account-code-missing", FixIn::Settings)
    );
    let settings = settings_with("", &format!(r#"{expense_type}, "personal_items": "216""#));
    assert_eq!(lines(Expense, &of(""), &settings)[0], "216 - 300");
    // The clearing account is for personal items: what is none has its expense type.
    let business = report(
        "10",
        &row("COMP", "CBCP", r#""""#, "10", "10"),
        r#", "entryIsPersonal": "N", "clearingAccountCode": "2150""#,
        "",
    );
    assert_eq!(lines(Expense, &business, &settings)[0], "99 - 10");
}

#[test]
fn a_row_of_nothing_needs_nothing() {
    let nothing = [
        row("COMP", "EMPL", "null", "0", "0"),
        row("COMP", "COMP", r#""7000""#, "0E-8", "0"),
        row("", "", r#""""#, "0.00", "null"),
    ];
    let rows = format!("{},{}", cash("100", "100"), nothing.join(","));
    let document = report("100", &rows, "", TAXES);
    let document = document.replace(r#""taxGuid": ["T1", "T2"]"#, r#""taxGuid": ["T9"]"#);
    assert_eq!(
        lines(Expense, &document, &settings()),
        ["62 - 100", "1 - -100"]
    );
}

#[test]
fn eight_decimals_are_rounded_to_the_total() {
    let third = cash("33.33333333", "33.33333333");
    let rest = row("COMP", "CBCP", r#""6100""#, "33.33333334", "33.33333334");
    let rows = [third.as_str(), &rest, &third].join(",");
    assert_eq!(
        lines(Expense, &report("100.00000000", &rows, "", ""), &settings()),
        ["62 - 66.66", "1 - -66.66", "61 - 33.34", "2 - -33.34"]
    );
    let short = rows.replace("33.33333334", "33.33333333");
    assert_eq!(
        lines(Expense, &report("100", &short, "", ""), &settings())[0],
        "62 - 66.67"
    );
    let (code, _, fix_in) = problem_of(Expense, &report("100.01", &rows, "", ""));
    assert_eq!(
        (code.as_str(), fix_in),
        ("rounding-difference", FixIn::Nowhere)
    );
    let one = |total: &str| problem_of(Expense, &report(total, &cash("99.99", "99.99"), "", "")).0;
    assert_eq!(one("100.00"), "rounding-difference");
    assert_eq!(one("100.01"), "unbalanced");
    let (code, _, fix_in) = problem_of(Expense, &report("101", &rows, "", ""));
    assert_eq!((code.as_str(), fix_in), ("unbalanced", FixIn::Document));
    let taxed = report("10", &cash("10.004", "8.6975"), "", TAXES);
    let found = lines(Expense, &taxed, &two_taxes());
    assert_eq!(found, ["62 - 8.69", "7 - 0.5", "71 - 0.81", "1 - -10"]);
}

#[test]
fn an_unmapped_account_is_reported_once_and_can_be_fixed_in_the_settings() {
    let rows =
        [r#""7000""#, r#""7000""#, r#""7001""#].map(|code| row("COMP", "EMPL", code, "1", "1"));
    let (found, fix_in) = problems(Expense, &report("3", &rows.join(","), "", ""), &settings());
    let pointer =
        |row: u8| format!("/expenseEntry/0/allocation/0/journal/{row}/journalAccountCode");
    let expected = [0, 2].map(|row| ("account-unmapped".to_string(), pointer(row)));
    assert_eq!(
        (found.as_slice(), fix_in),
        (expected.as_slice(), FixIn::Settings)
    );
}

#[test]
fn one_problem_of_the_document_leaves_it_to_sap_concur() {
    let rows = [
        row("COMP", "EMPL", r#""7000""#, "1", "1"),
        row("COMP", "COMP", r#""6200""#, "1", "1"),
    ];
    let of = |total: &str| {
        problems(
            Expense,
            &report(total, &rows.join(","), "", ""),
            &settings(),
        )
    };
    let (found, fix_in) = of("2");
    assert_eq!((found.len(), fix_in), (2, FixIn::Nowhere));
    let (found, fix_in) = of("5");
    assert_eq!((found.len(), fix_in), (3, FixIn::Document));
}

#[test]
fn only_what_a_person_can_correct_in_concur_is_the_document_s() {
    let code = "whatever-is-found-next-year";
    assert_eq!(FixIn::of(code), FixIn::Nowhere);
    for code in ["not-json", "unreadable", "id-missing", "amount-missing"] {
        assert_eq!(FixIn::of(code), FixIn::Nowhere, "{code}");
    }
    for code in [
        "account-unmapped",
        "account-code-missing",
        "date-missing",
        "tax-unmapped",
    ] {
        assert_eq!(FixIn::of(code), FixIn::Settings, "{code}");
    }
}

#[test]
fn a_test_user_s_report_is_not_posted() {
    let document = with(
        &simple("10", "10"),
        r#""reportId""#,
        r#""isTest": "Y", "reportId""#,
    );
    let Ok(Translated::NotPosted { code, .. }) = translate(Expense, &document, &settings()) else {
        panic!("is not posted");
    };
    assert_eq!(code, "test-document");
}

#[test]
fn a_report_of_personal_items_alone_has_a_total_of_nothing() {
    let rows = [
        row("COMP", "CBCP", r#""2150""#, "18.5", "18.5"),
        row("EMPL", "COMP", r#""2150""#, "-18.5", "-18.5"),
    ];
    let found = lines(Expense, &report("0", &rows.join(","), "", ""), &settings());
    assert_eq!(
        found,
        ["215 - 18.5", "2 - -18.5", "215 - -18.5", "1 - 18.5"]
    );
    let Ok(Translated::NotPosted { code, .. }) =
        translate(Expense, &simple("0", "0E-8"), &settings())
    else {
        panic!("is not posted");
    };
    assert_eq!(code, "nothing-to-post");
}
