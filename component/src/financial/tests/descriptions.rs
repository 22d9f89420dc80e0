//! What an entry says of itself in FreshBooks.

use super::*;
use crate::contract::types::ObjectRef;
use crate::financial::description::DESCRIPTION_CHARS_MAX;
use DocumentType::{CashAdvance, Expense, Invoice, Payroll};

fn description_of(kind: DocumentType, document: &str) -> String {
    description(kind, document).expect("is read")
}

#[test]
fn an_entry_names_type_number_party_title_and_period() {
    for (kind, document, expected) in [
        (
            Expense,
            EXPENSE,
            "Expense report K7P2QD - Sam Doe (E1007) - February travel - 2026-02-10 to 2026-02-11",
        ),
        (
            Invoice,
            INVOICE,
            "Invoice 2093 - Northwind Paper Ltd (FB-10432) - INV-2093 Northwind Paper - 2026-02-27",
        ),
        (
            CashAdvance,
            CASH_ADVANCE,
            "Cash advance C1000000000000000000000000000001 - Sam Doe (E1007) - Trade fair",
        ),
        (
            Payroll,
            PAYROLL,
            "Payroll of expense report 9E44A1C07B2F4D06A9B1 - Sam Doe (E1007) - February travel - \
             2026-02-11",
        ),
    ] {
        assert_eq!(description_of(kind, document), expected);
    }
    let Ok(Translated::Entry(entry)) = translate(Expense, EXPENSE, &settings()) else {
        panic!("is an entry");
    };
    assert_eq!(entry.description, description_of(Expense, EXPENSE));
}

#[test]
fn what_a_document_does_not_say_is_left_out() {
    let bare = r#"{"report": {"reportId": "R1"}, "employee": {"employeeId": "E1"}}"#;
    assert_eq!(description_of(Expense, bare), "Expense report R1 - E1");
    assert_eq!(description_of(Expense, "{}"), "Expense report");
    let period = r#"{"report": {"reportId": "R1", "reportStartDate": "2026-01-31T00:00:00.000Z",
        "reportEndDate": "2026-02-27T00:00:00.000Z"}}"#;
    assert_eq!(
        description_of(Expense, period),
        "Expense report R1 - 2026-01-31 to 2026-02-27"
    );
    let vendor = r#"{"requestHeader": {"requestId": "Q1"}, "vendor": {"vendorCode": "V-1"}}"#;
    assert_eq!(description_of(Invoice, vendor), "Invoice Q1 - V-1");
}

#[test]
fn no_description_is_longer_than_freshbooks_may_take() {
    let long = "x\u{301}\n".repeat(400);
    let document = EXPENSE
        .replace("February travel", "T".repeat(400).as_str())
        .replace("Sam", "S".repeat(200).as_str())
        .replace("K7P2QD", "N".repeat(200).as_str());
    let described = description_of(Expense, &document);
    assert!(
        described.chars().count() <= DESCRIPTION_CHARS_MAX,
        "{described}"
    );
    assert!(
        described.ends_with(" - 2026-02-10 to 2026-02-11"),
        "{described}"
    );
    let original = ObjectRef::freshbooks("bill", long);
    for added in [
        with_original(&described, &original),
        of_reversal("17", Some(&described)),
    ] {
        assert!(added.chars().count() <= DESCRIPTION_CHARS_MAX, "{added}");
    }
    let original = ObjectRef::freshbooks("bill", "778120");
    let added = with_original(&described, &original);
    assert!(added.ends_with(" - from FreshBooks bill 778120"), "{added}");
}

#[test]
fn a_reversal_says_what_it_takes_back() {
    assert_eq!(
        of_reversal("17", Some("Expense report R1")),
        "Reverses journal entry 17 - Expense report R1"
    );
    assert_eq!(of_reversal("17", None), "Reverses journal entry 17");
}
