//! `preview`: a translation, or every reason why there is none.

use ml_connector_tests::fixtures::Installation;
use ml_connector_tests::fixtures::settings::MINIMAL;
use serde_json::Value;

const INVOICE: &str = include_str!("invoice.json");

#[test]
fn an_invoice_shows_what_it_becomes() {
    let installation = Installation::new();
    installation.write("invoice.json", INVOICE);
    let output = installation.run(&["preview", "invoice.json", "--json"]);
    assert_eq!(output.code, 0, "{}{}", output.out, output.err);
    let answer: Value = serde_json::from_str(&output.out).expect("JSON");
    let translations = answer["translations"].as_array().expect("translations");
    let kinds = translations.iter().map(|one| &one["target_kind"]);
    assert!(kinds.eq(["payment-request", "vendor"]), "{answer}");
    let body = &translations[0]["body"];
    assert_eq!(body["InvoiceNumber"], "2093");
    assert_eq!(body["InvoiceAmount"], "90.00");
    let plain = installation.run(&[
        "preview",
        "--connection",
        "acme",
        "--kind",
        "invoice",
        "invoice.json",
    ]);
    assert!(
        plain.out.contains("payment-request in SAP Concur:"),
        "{}",
        plain.out
    );
    assert!(
        plain
            .out
            .contains("vendor in SAP Concur, unless it is there"),
        "{}",
        plain.out
    );
    assert!(plain.out.ends_with("Nothing was sent.\n"), "{}", plain.out);
}

#[test]
fn a_document_comes_from_standard_input_too() {
    let installation = Installation::new();
    let output = installation.run_with(&["preview", "-"], &[], INVOICE);
    assert_eq!(output.code, 0, "{}{}", output.out, output.err);
}

#[test]
fn every_reason_against_a_translation_is_listed() {
    let installation = Installation::new();
    let broken = INVOICE.replace(
        "\"create_date\": \"2026-02-27\"",
        "\"create_date\": \"lately\"",
    );
    assert_ne!(broken, INVOICE);
    let output = installation.run_with(&["preview", "-"], &[], &broken);
    assert_eq!(output.code, 1, "{}{}", output.out, output.err);
    assert!(
        output.out.starts_with("It cannot be translated:\n"),
        "{}",
        output.out
    );
    let json = installation.run_with(&["preview", "-", "--json"], &[], &broken);
    let answer: Value = serde_json::from_str(&json.out).expect("JSON");
    let problem = &answer["problems"][0];
    assert_eq!(problem["pointer"], "/create_date", "{}", json.out);
    assert!(
        output
            .out
            .contains(problem["message"].as_str().expect("message"))
    );
}

#[test]
fn what_no_run_would_send_says_why() {
    let installation = Installation::new();
    let deleted = INVOICE.replace("\"vis_state\": 0", "\"vis_state\": 1");
    assert_ne!(deleted, INVOICE);
    let output = installation.run_with(&["preview", "-"], &[], &deleted);
    assert_eq!(output.code, 0, "{}{}", output.out, output.err);
    assert!(
        output
            .out
            .starts_with("Nothing is sent: the invoice is deleted in FreshBooks"),
        "{}",
        output.out
    );
    assert!(!output.out.contains("Nothing was sent"), "{}", output.out);
}

#[test]
fn a_byte_order_mark_and_a_list_are_seen_for_what_they_are() {
    let installation = Installation::new();
    let marked = format!("\u{feff}{INVOICE}");
    let output = installation.run_with(&["preview", "-"], &[], &marked);
    assert_eq!(output.code, 0, "{}{}", output.out, output.err);
    let list = r#"{"response": {"result": {"invoices": [{"invoiceid": 1}, {"invoiceid": 2}]}}}"#;
    let output = installation.run_with(&["preview", "-"], &[], list);
    assert_eq!(output.code, 1, "{}{}", output.out, output.err);
    assert!(
        output.out.contains("a list of 2 invoices"),
        "{}",
        output.out
    );
}

#[test]
fn a_document_without_its_name_needs_the_kind() {
    let installation = Installation::new();
    let output = installation.run_with(&["preview", "-"], &[], "{\"id\": 1}");
    assert_eq!(output.code, 2);
    assert!(output.err.contains("--kind"), "{}", output.err);
}

#[test]
fn an_unknown_connection_is_answered_with_the_known_ones() {
    let installation = Installation::new();
    let output = installation.run_with(&["preview", "-", "--connection", "other"], &[], INVOICE);
    assert_eq!(output.code, 2);
    assert!(
        output.err.contains("the settings have acme"),
        "{}",
        output.err
    );
}

/// Settings with the way back, to the accounts that these documents need.
fn with_accounts() -> Installation {
    let accounts = "
[connections.acme.financial]
enabled = true

[connections.acme.financial.accounts]
by_code = { \"6100\" = \"635\" }
by_party = { \"EMPL\" = \"641\", \"CBCP\" = \"642\" }
";
    Installation::with_settings(&format!("{MINIMAL}{accounts}"))
}

const REPORT: &str = r#"{"id": "4b7d", "docType": "expense", "document": {
    "employee": {"employeeId": "E1"},
    "report": {"reportId": "R1", "reportName": "February travel",
    "employeeCurrencyAlphaCode": "CAD",
               "totalApprovedAmount": 1120.5, "reportSubmitDate": "2026-03-01T14:05:11.120Z"},
    "expenseEntry": [{"expenseTypeName": "Hotel",
    "allocation": [{"allocationCustom1Code": "PRJ_A", "journal": [
        {"journalPayer": "COMP", "journalPayee": "EMPL", "journalAccountCode": "6100",
        "amountGross": 20.50},
        {"journalPayer": "COMP", "journalPayee": "CBCP", "journalAccountCode": "6100",
        "amountGross": 1100}]}]}]}}"#;

#[test]
fn a_financial_document_shows_its_entry() {
    let installation = with_accounts();
    let output = installation.run_with(&["preview", "-"], &[], REPORT);
    let expected = "\
journal-entry in FreshBooks, \"Expense report R1 - E1 - February travel\", 2026-03-01, in CAD:
 ACCOUNT  NAME                      COST CODE    DEBIT   CREDIT
 635      6100 Hotel                PRJ_A      1120.50
 641      EMPL employee payable E1                        20.50
 642      CBCP card liability                           1100.00
 total                                         1120.50  1120.50
Nothing was sent.
";
    let lines: Vec<_> = output.out.lines().map(str::trim).collect();
    let expected: Vec<_> = expected.lines().map(str::trim).collect();
    assert_eq!(lines, expected, "{}{}", output.out, output.err);
    let named = ["preview", "-", "--kind", "expense-document"];
    assert_eq!(installation.run_with(&named, &[], REPORT).out, output.out);
}

#[test]
fn the_entry_of_a_financial_document_comes_as_json_too() {
    let installation = with_accounts();
    let list = format!(r#"{{"content": [{REPORT}], "page": {{}}}}"#);
    let output = installation.run_with(&["preview", "-", "--json"], &[], &list);
    let answer: Value = serde_json::from_str(&output.out).expect("JSON");
    let entry = &answer["translations"][0];
    assert_eq!(entry["target_kind"], "journal-entry");
    assert_eq!(
        entry["body"]["journal_entry"]["details"][0]["debit"],
        "1120.50"
    );
    let posting = &entry["postings"][2];
    assert_eq!(
        [&posting["account"], &posting["side"], &posting["amount"]],
        ["642", "credit", "1100.00"]
    );
}

#[test]
fn a_financial_document_that_cannot_be_posted_says_why() {
    let installation = with_accounts();
    let output = installation.run_with(&["preview", "-"], &[], &REPORT.replace("6100", "6200"));
    assert_eq!(output.code, 1);
    assert!(
        output.out.contains("financial.accounts.by_code"),
        "{}",
        output.out
    );
    let payroll = REPORT.replace(r#""docType": "expense""#, r#""docType": "payroll""#);
    let output = installation.run_with(&["preview", "-"], &[], &payroll);
    assert_eq!(output.code, 0);
    assert!(
        output.out.starts_with("Nothing is posted: "),
        "{}",
        output.out
    );
}

#[test]
fn an_invoice_that_becomes_a_bill_shows_what_is_booked() {
    let bills = "
[connections.acme.financial]
enabled = true
invoices = \"bill\"

[connections.acme.financial.bills]
categories = { \"6400\" = \"3341\" }
taxes = { \"H13\" = \"13% HST\" }
";
    let installation = Installation::with_settings(&format!("{MINIMAL}{bills}"));
    let invoice = r#"{"id": "4b7d", "docType": "invoice", "document": {
        "requestHeader": {"requestId": "Q1", "currencyAlphaCode": "CAD", "requestTotal": 1130,
            "vendorInvoiceNumber": "2093", "invoiceDate": "2026-02-27",
            "paymentDueDate": "2026-03-29"},
        "vendor": {"vendorCode": "V-2001", "vendorName": "Northwind"},
        "lineItem": [{"lineItemDescription": "Paper", "allocation": [{"journal": {
            "accountCode": "6400", "amountGross": 1130,
            "tax": [{"amountTax": 130, "taxCode": "H13"}]}}]}]}}"#;
    let output = installation.run_with(&["preview", "-"], &[], invoice);
    let expected = "\
bill in FreshBooks, \"2093\", 2026-02-27, due after 30 days, in CAD:
 ACCOUNT                NAME                       COST CODE    DEBIT   CREDIT
 category 3341          Paper                                 1000.00
 tax HST                HST                                    130.00
 bill vendor Northwind  Northwind                                      1130.00
 total                                                        1130.00  1130.00
Nothing was sent.
";
    let words = |text: &str| -> Vec<String> {
        let lines = text.lines();
        lines
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    };
    assert_eq!(
        words(&output.out),
        words(expected),
        "{}{}",
        output.out,
        output.err
    );
}
