use super::*;
use DocumentType::Invoice;

#[test]
fn an_invoice_becomes_the_expected_entry() {
    let found = lines(Invoice, INVOICE, &settings());
    assert_eq!(
        found,
        ["64 PRJ_A 760", "7 - 130", "5 - -1130", "64 PRJ_B 240"]
    );
    let Ok(Translated::Entry(entry)) = translate(Invoice, INVOICE, &settings()) else {
        panic!("is an entry");
    };
    assert_eq!(entry.date, "2026-02-27");
    assert_eq!(entry.lines[0].label, "6400 Office supplies");
    assert_eq!(entry.lines[1].label, "H13 reclaimable tax");
    assert_eq!(entry.lines[2].label, "VENDOR Northwind Paper Ltd");
}

/// An invoice of this total and header, with one allocation for each journal.
pub(super) fn invoice(total: &str, header: &str, journals: &[&str]) -> String {
    let shares = journals
        .iter()
        .map(|journal| format!(r#"{{"allocationAccountCode": "6400", "journal": {{{journal}}}}}"#));
    let shares: Vec<_> = shares.collect();
    format!(
        r#"{{"requestHeader": {{"requestId": "Q1", "currencyAlphaCode": "CAD",
        "requestTotal": {total}, "invoiceDate": "2026-02-27"{header}}},
            "lineItem": {{"expenseTypeCode": "OFFSP  ", "allocation": [{}]}}}}"#,
        shares.join(",")
    )
}

fn amounts(document: &str) -> Vec<String> {
    let accounts = r#", "by_expense_type": {"OFFSP": "99"}"#;
    let found = lines(Invoice, document, &settings_with("", accounts));
    let debits = found.into_iter().filter(|line| !line.starts_with("5 "));
    debits
        .map(|line| line.rsplit(' ').next().unwrap_or_default().to_string())
        .collect()
}

#[test]
fn the_gross_amounts_count_if_they_come_to_the_total() {
    let document = invoice(
        "30",
        "",
        &[
            r#""amountNet": 9, "amountGross": 10"#,
            r#""amountNet": 19, "amountGross": 20"#,
        ],
    );
    assert_eq!(amounts(&document), ["30"]);
}

#[test]
fn a_gross_amount_that_repeats_the_line_s_gives_way_to_its_parts() {
    let tax = r#""tax": [{"amountTax": "1.00", "taxCode": "A"}, {"amountTax": 0.5}]"#;
    let part = format!(
        r#""accountCode": "1150", "amountNet": 8, "amountShipping": 0.5, "amountGross": 20, {tax}"#
    );
    let other = part.replace("1150", "2150");
    let document = invoice("20", "", &[&part, &other]);
    assert_eq!(amounts(&document), ["10", "10"]);
}

#[test]
fn shipping_and_tax_of_the_header_close_the_gap() {
    let rows = [
        r#""accountCode": "1150", "amountGross": 10, "amountNet": 10"#,
        r#""accountCode": "2150", "amountGross": 20, "amountNet": 20"#,
        r#""accountCode": "6100", "amountGross": -3, "amountNet": -3"#,
    ];
    let shipped = invoice("28", r#", "amountShippingTotal": 1.00"#, &rows);
    assert_eq!(amounts(&shipped), ["10.33", "20.67", "-3"]);
    let taxed = invoice(
        "30",
        r#", "amountTax": 3, "amountShippingTotal": 0E-8"#,
        &rows,
    );
    assert_eq!(amounts(&taxed), ["11", "22", "-3"]);
    let both = invoice("31", r#", "amountTax": 3, "amountShippingTotal": 1"#, &rows);
    assert_eq!(amounts(&both), ["11.33", "22.67", "-3"]);
}

#[test]
fn gross_amounts_alone_take_what_of_the_header_is_not_in_them() {
    let header = r#", "amountShippingTotal": 2, "amountTax": 5"#;
    let rows = [r#""amountGross": 10"#, r#""amountGross": 20"#];
    for (total, expected) in [("30", "30"), ("32", "32"), ("35", "35"), ("37", "37")] {
        assert_eq!(amounts(&invoice(total, header, &rows)), [expected]);
    }
    let (code, _, fix_in) = problem_of(Invoice, &invoice("36", header, &rows));
    assert_eq!((code.as_str(), fix_in), ("unbalanced", FixIn::Document));
}

#[test]
fn what_one_side_of_the_header_closes_may_stand_beside_the_rows_other() {
    let row = r#""amountNet": 10, "amountShipping": 1, "tax": {"amountTax": 2}"#;
    assert_eq!(
        amounts(&invoice("16", r#", "amountTax": 5"#, &[row])),
        ["16"]
    );
    assert_eq!(
        amounts(&invoice(
            "15",
            r#", "amountShippingTotal": 3, "amountTax": 99"#,
            &[row]
        )),
        ["15"]
    );
    assert_eq!(
        amounts(&invoice(
            "20",
            r#", "amountShippingTotal": 3, "amountTax": 7"#,
            &[row]
        )),
        ["20"]
    );
}

#[test]
fn what_nothing_closes_is_a_problem_with_the_difference() {
    let document = invoice(
        "31",
        r#", "amountTax": 3"#,
        &[r#""amountGross": 10"#, r#""amountGross": 20"#],
    );
    let Err(refused) = translate(Invoice, &document, &settings()) else {
        panic!("is refused");
    };
    assert_eq!(refused.fix_in, FixIn::Document);
    let problem = refused
        .problems
        .iter()
        .find(|problem| problem.code == "unbalanced")
        .expect("is there");
    assert_eq!(
        problem.message,
        "its rows come to 30.00 CAD, its total is 31.00 CAD: a difference of 1.00"
    );
    assert_eq!(
        problem_of(Invoice, &invoice("null", "", &[r#""amountGross": 10"#])).0,
        "total-missing"
    );
}

/// Settings that know these taxes.
fn with_taxes(taxes: &str) -> Settings {
    with_accounts(&format!(
        r#""by_code": {{"6400": "64"}}, "by_party": {{"VENDOR": "5", "CARD": "55"}},
        "by_tax": {{{taxes}}}"#
    ))
}

const TAXED: &str = r#""amountNet": 1000, "amountGross": 1130,
    "tax": [{"amountTax": 130, "taxCode": "H13", "taxField": "VAT1"}]"#;

#[test]
fn tax_that_the_company_gets_back_is_split_off() {
    let document = invoice("1130", "", &[TAXED]);
    let split = ["64 - 1000", "7 - 130", "5 - -1130"];
    let whole = ["64 - 1130", "5 - -1130"];
    for (taxes, expected) in [
        (r#""H13": "7""#, &split[..]),
        (r#""CAHST/H13": "7""#, &split),
        (r#""VAT1": "7""#, &split),
        (r#""H13": "7", "A/H13": "8", "B/H13": "9""#, &split),
        (r#""A/H13": "7", "B/H13": "7""#, &split),
        ("", &whole),
        (r#""H14": "7", "H13/A": "8""#, &whole),
    ] {
        let found = lines(Invoice, &document, &with_taxes(taxes));
        assert_eq!(found, expected, "{taxes}");
    }
    let (found, fix_in) = problems(
        Invoice,
        &document,
        &with_taxes(r#""A/H13": "7", "B/H13": "8""#),
    );
    assert_eq!(
        (found[0].0.as_str(), fix_in),
        ("tax-unmapped", FixIn::Settings)
    );
}

#[test]
fn only_the_taxes_that_are_named_are_split_off_whatever_the_reading() {
    let taxes =
        r#""tax": [{"amountTax": 5, "taxCode": "GST"}, {"amountTax": 8, "taxCode": "PST"}]"#;
    let settings = with_taxes(r#""GST": "7""#);
    let split = ["64 - 108", "7 - 5", "5 - -113"];
    for journal in [
        r#""amountNet": 100, "amountGross": 113"#,
        r#""amountGross": 113"#,
        r#""amountNet": 100"#,
        r#""amountGross": 100"#,
        r#""amountNet": 90, "amountShipping": 10, "amountGross": 226"#,
        r#""amountShipping": 10, "amountGross": 90"#,
    ] {
        let document = invoice("113", "", &[&format!("{journal}, {taxes}")]);
        assert_eq!(lines(Invoice, &document, &settings), split, "{journal}");
    }
    let shipped = format!(r#""amountNet": 100, {taxes}"#);
    let document = invoice("120", r#", "amountShippingTotal": 7"#, &[&shipped]);
    assert_eq!(
        lines(Invoice, &document, &settings),
        ["64 - 115", "7 - 5", "5 - -120"]
    );
    let memo = invoice(
        "-113",
        "",
        &[r#""amountGross": -113, "tax": {"amountTax": -5, "taxCode": "GST"}"#],
    );
    assert_eq!(
        lines(Invoice, &memo, &settings),
        ["64 - -108", "7 - -5", "5 - 113"]
    );
}

#[test]
fn tax_that_is_not_in_the_amount_is_not_split_off() {
    let settings = with_taxes(r#""H13": "7""#);
    let header = r#", "amountTax": 150"#;
    for (total, header, journal) in [
        // The total is the net amount: nobody pays this tax.
        (
            "1000",
            "",
            r#""amountNet": 1000, "amountGross": 1000,
            "tax": {"amountTax": 130, "taxCode": "H13"}"#,
        ),
        // The header has another tax than the row.
        ("1150", header, TAXED),
        (
            "100",
            "",
            r#""amountGross": 100, "tax": {"amountTax": 130, "taxCode": "H13"}"#,
        ),
        (
            "100",
            "",
            r#""amountGross": 100, "tax": {"amountTax": -13, "taxCode": "H13"}"#,
        ),
    ] {
        let (found, fix_in) = problems(Invoice, &invoice(total, header, &[journal]), &settings);
        assert_eq!(
            (found[0].0.as_str(), fix_in),
            ("tax-unclear", FixIn::Document),
            "{journal}"
        );
        // What is not given back is cost, whatever it is called.
        let found = lines(
            Invoice,
            &invoice(total, header, &[journal]),
            &with_taxes(""),
        );
        assert_eq!(found, [format!("64 - {total}"), format!("5 - -{total}")]);
    }
}

#[test]
fn tax_in_up_to_four_fields_of_the_header_closes_the_gap() {
    let rows = [
        r#""amountNet": 10"#,
        r#""accountCode": "2150", "amountNet": 20"#,
    ];
    let fields = r#", "amountTax": 0, "amountVAT1": 2, "amountVAT2": "1.00", "amountVAT3": null"#;
    let document = invoice("33", fields, &rows);
    assert_eq!(
        lines(Invoice, &document, &settings()),
        ["64 - 11", "5 - -33", "215 - 22"]
    );
    let settings = settings_with("", r#", "by_expense_type": {}"#);
    let mut vat = settings.clone();
    let by_tax = &mut vat.financial.accounts.by_tax;
    by_tax.insert("VAT1".to_string(), "71".to_string());
    assert_eq!(
        lines(Invoice, &document, &vat),
        ["64 - 10.33", "5 - -33", "215 - 20.67", "71 - 2"]
    );
    // Tax that is in the rows is not there a second time.
    let document = invoice("30", fields, &rows);
    assert_eq!(
        lines(Invoice, &document, &vat),
        ["64 - 10", "5 - -30", "215 - 20"]
    );
}

#[test]
fn an_invoice_that_was_paid_by_card_is_owed_to_the_card() {
    let of = |method: &str| {
        let header = format!(r#", "payMethodType": "{method}""#);
        invoice("1", &header, &[r#""amountGross": 1"#])
    };
    let with_card = with_taxes("");
    assert_eq!(lines(Invoice, &of("CARD"), &with_card)[1], "55 - -1");
    assert_eq!(lines(Invoice, &of("CHECK"), &with_card)[1], "5 - -1");
    let (code, _, fix_in) = problem_of(Invoice, &of("CARD"));
    assert_eq!(
        (code.as_str(), fix_in),
        ("account-unmapped", FixIn::Settings)
    );
}

#[test]
fn eight_decimals_of_rows_come_to_the_invoice_s_total() {
    let third = r#""amountNet": 33.33333333"#;
    let other = r#""accountCode": "2150", "amountNet": 33.33333334"#;
    let document = invoice("100.00000000", "", &[third, other, third]);
    assert_eq!(
        lines(Invoice, &document, &settings()),
        ["64 - 66.66", "5 - -100", "215 - 33.34"]
    );
    let nothing = r#""accountCode": "7000", "amountNet": 0E-8"#;
    let document = invoice("100", "", &[third, nothing, other, third]);
    assert_eq!(
        lines(Invoice, &document, &settings()),
        ["64 - 66.66", "5 - -100", "215 - 33.34"]
    );
}

#[test]
fn a_credit_memo_goes_the_other_way() {
    let document = invoice(
        "-11",
        r#", "amountShippingTotal": -1"#,
        &[r#""amountGross": -4"#, r#""amountGross": -6"#],
    );
    assert_eq!(
        lines(Invoice, &document, &settings()),
        ["64 - -11", "5 - 11"]
    );
}

#[test]
fn the_account_is_the_journal_s_else_the_allocation_s_else_the_expense_type_s() {
    let journal = r#""accountCode": "6100", "amountGross": 1"#;
    assert_eq!(
        lines(Invoice, &invoice("1", "", &[journal]), &settings())[0],
        "61 - 1"
    );
    let without = invoice("1", "", &[r#""accountCode": "", "amountGross": 1"#]);
    assert_eq!(lines(Invoice, &without, &settings())[0], "64 - 1");
    let neither = with(&without, r#""6400""#, "null");
    let (code, _, fix_in) = problem_of(Invoice, &neither);
    assert_eq!(
        (code.as_str(), fix_in),
        ("account-code-missing", FixIn::Settings)
    );
    let settings = settings_with("", r#", "by_expense_type": {"OFFSP": "99"}"#);
    assert_eq!(lines(Invoice, &neither, &settings)[0], "99 - 1");
}

#[test]
fn all_ways_to_write_a_date_are_read() {
    for (written, expected) in [
        ("2026-02-27", "2026-02-27"),
        ("02/27/2026", "2026-02-27"),
        ("2/7/2026", "2026-02-07"),
        ("2026/02/27", "2026-02-27"),
        ("2026-02-27T23:59:59.999Z", "2026-02-27"),
    ] {
        let document = with(
            &invoice("1", "", &[r#""amountGross": 1"#]),
            "2026-02-27",
            written,
        );
        let Ok(Translated::Entry(entry)) = translate(Invoice, &document, &settings()) else {
            panic!("{written} is read");
        };
        assert_eq!(entry.date, expected);
    }
    for written in [
        "27/02/2026",
        "2026-02-30",
        "lately",
        "2026-02-271",
        "02/27/20261",
    ] {
        let document = with(
            &invoice("1", "", &[r#""amountGross": 1"#]),
            "2026-02-27",
            written,
        );
        assert_eq!(problem_of(Invoice, &document).0, "not-a-date", "{written}");
    }
}
