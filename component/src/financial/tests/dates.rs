//! Which day an entry is posted on.

use super::*;
use DocumentType::{CashAdvance, Expense, Invoice};

fn day(kind: DocumentType, document: &str, settings: &Settings) -> String {
    match translate(kind, document, settings) {
        Ok(Translated::Entry(entry)) => entry.date,
        other => panic!("{other:?}"),
    }
}

fn posting_date(zone: &str, kind: &str, date: &str) -> Settings {
    let more = format!(r#", "zone": "{zone}", "posting_date": {{"{kind}": "{date}"}}"#);
    settings_with(&more, "")
}

/// A report that was processed in the last half hour of March in Toronto.
fn at_month_end() -> String {
    let dates = r#""reportUserDefinedDate": "2026-03-30T07:00:00.000Z",
        "reportCreationDate": "2026-03-27T18:00:00.000Z", "reportStartDate": null,
        "reportEndDate": "2026/03/29", "reportSubmitDate": "2026-03-31T23:10:00.000Z",
        "reportPaymentProcessingDate": "2026-04-01T03:30:00.000Z""#;
    let old = r#""reportSubmitDate": "2026-03-01T14:05:11.120Z", "reportPaymentProcessingDate": "2026-03-03T09:00:00.000Z""#;
    with(EXPENSE, old, dates)
}

#[test]
fn a_moment_is_a_day_in_the_zone_of_the_books() {
    let report = at_month_end();
    for (zone, expected) in [
        ("UTC", "2026-04-01"),
        ("America/Toronto", "2026-03-31"),
        ("Europe/Berlin", "2026-04-01"),
    ] {
        let settings = posting_date(zone, "expense", "processing");
        assert_eq!(day(Expense, &report, &settings), expected, "{zone}");
    }
    assert_eq!(day(Expense, &report, &settings()), "2026-04-01");
    let berlin = posting_date("Europe/Berlin", "expense", "submit");
    assert_eq!(day(Expense, &report, &berlin), "2026-04-01");
}

#[test]
fn a_report_is_posted_on_the_date_that_the_settings_name() {
    let report = at_month_end();
    for (date, expected) in [
        ("processing", "2026-03-31"),
        ("submit", "2026-03-31"),
        // Days are not shifted, whatever midnight they are written as.
        ("user-defined", "2026-03-30"),
        ("report-end", "2026-03-29"),
        ("created", "2026-03-27"),
        ("last-expense", "2026-02-11"),
        ("expense-month-end", "2026-02-28"),
    ] {
        let settings = posting_date("America/Toronto", "expense", date);
        assert_eq!(day(Expense, &report, &settings), expected, "{date}");
    }
}

#[test]
fn an_invoice_and_a_cash_advance_have_dates_of_their_own() {
    let dates = r#""invoiceDate": "2026/02/27", "postingDate": "2026-03-02",
        "invoiceReceivedDate": "03/01/2026", "processCompleteDate": "2026-03-04T01:00:00.000Z","#;
    let invoice = with(INVOICE, r#""invoiceDate": "02/27/2026","#, dates);
    for (date, expected) in [
        ("posting", "2026-03-02"),
        ("invoice", "2026-02-27"),
        ("received", "2026-03-01"),
        ("completed", "2026-03-03"),
        ("submit", "2026-03-01"),
        ("invoice-month-end", "2026-02-28"),
    ] {
        let settings = posting_date("America/Toronto", "invoice", date);
        assert_eq!(day(Invoice, &invoice, &settings), expected, "{date}");
    }
    for (date, expected) in [("issued", "2026-01-21"), ("requested", "2026-01-20")] {
        let settings = posting_date("UTC", "cash_advance", date);
        assert_eq!(
            day(CashAdvance, CASH_ADVANCE, &settings),
            expected,
            "{date}"
        );
    }
}

#[test]
fn a_date_that_is_missing_gives_way_and_one_that_cannot_be_read_does_not() {
    let without = with(INVOICE, r#""invoiceDate": "02/27/2026","#, "");
    assert_eq!(day(Invoice, &without, &settings()), "2026-03-01");
    for written in ["27/02/2026", "lately", "2026-02-30"] {
        let document = INVOICE.replace("02/27/2026", written);
        let (code, pointer, fix_in) = problem_of(Invoice, &document);
        assert_eq!(
            (code.as_str(), pointer.as_str()),
            ("not-a-date", "/requestHeader/invoiceDate")
        );
        // Nobody can correct it in Concur, and another date can be chosen here.
        assert_eq!(fix_in, FixIn::Settings, "{written}");
        let settings = posting_date("UTC", "invoice", "submit");
        assert_eq!(day(Invoice, &document, &settings), "2026-03-01");
    }
}

#[test]
fn one_expense_whose_date_cannot_be_read_may_be_the_last() {
    let document = with(EXPENSE, "2026-02-10T00:00:00.000Z", "32/13/2026");
    assert_eq!(day(Expense, &document, &settings()), "2026-03-03");
    for date in ["last-expense", "expense-month-end"] {
        let settings = posting_date("UTC", "expense", date);
        let (found, _) = problems(Expense, &document, &settings);
        let expected = (
            "not-a-date".to_string(),
            "/expenseEntry/0/entryDate".to_string(),
        );
        assert_eq!(found, [expected]);
    }
}

#[test]
fn a_document_without_any_date_waits_for_the_settings() {
    let document = with(
        EXPENSE,
        r#""reportSubmitDate": "2026-03-01T14:05:11.120Z", "reportPaymentProcessingDate": "2026-03-03T09:00:00.000Z","#,
        "",
    );
    let document = document.replace("entryDate", "entryDay");
    let (code, pointer, fix_in) = problem_of(Expense, &document);
    assert_eq!((code.as_str(), fix_in), ("date-missing", FixIn::Settings));
    assert_eq!(pointer, "/report/reportPaymentProcessingDate");
}
