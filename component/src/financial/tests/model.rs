//! Documents of every type and shape, made by chance: an entry that balances and comes to the
//! total, or a problem.

use alloc::vec;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::money;

fn all_settings() -> Settings {
    settings_with(
        r#", "payroll": "post""#,
        r#", "by_expense_type": {"TAXIX": "99"}"#,
    )
}

/// A number of cents as one of the ways in which documents write numbers.
fn written(cents: i64, way: u8) -> Value {
    let number = Decimal::new(cents, 2);
    match way % 4 {
        0 => serde_json::from_str(&number.to_string()).expect("is a number"),
        1 => json!(number.to_string()),
        2 => json!(format!("{number}000000")),
        _ => json!(format!(" {number} ")),
    }
}

fn party() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["EMPL", "CBCP", "IBCP", "COPD"][..])
}

fn payment_type() -> impl Strategy<Value = Value> {
    let types = ["CASH", "IBCP", "CBCP", "1000", "1003"].map(Value::from);
    prop::sample::select([&types[..], &[Value::Null]].concat())
}

fn code() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!("6100"),
        json!("6200  "),
        json!(2150),
        json!(""),
        Value::Null,
    ])
}

/// A row of so many cents, of which so many are reclaimed.
fn row() -> impl Strategy<Value = (i64, Value)> {
    let numbers = (-500_000_i64..500_000, 0_i64..100, any::<u8>());
    (party(), code(), numbers).prop_map(|(party, code, (cents, percent, way))| {
        let (payer, payee) = if cents < 0 {
            (party, "COMP")
        } else {
            ("COMP", party)
        };
        let reclaimed = cents * percent / 100;
        let row = json!({"journalPayer": payer, "journalPayee": payee, "journalAccountCode": code,
            "amountGross": written(cents, way), "amountNetOfReclaim": written(cents - reclaimed,
                way / 4),
            "taxGuid": ["T1", "T2"], "amountGrossCard": null});
        (cents, row)
    })
}

fn allocation() -> impl Strategy<Value = (i64, Value)> {
    let cost_code = prop::option::of("[A-C]");
    let reclaims = (1_u32..1000, 0_u32..1000);
    (prop::collection::vec(row(), 0..4), cost_code, reclaims).prop_map(
        |(rows, cost_code, (first, second))| {
            let cents = rows.iter().map(|(cents, _)| cents).sum();
            let rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
            let tax = |guid, cents| {
                json!({"taxGuid": guid, "taxAuthorityLabel": "CAHST",
            "taxCode": "H13", "amountReclaim": cents})
            };
            let allocation = json!({"allocationCustom1Code": cost_code, "journal": rows,
            "tax": [tax("T1", first), tax("T2", second)]});
            (cents, allocation)
        },
    )
}

/// A report whose total is off by so many cents, with the settled use of an advance.
fn report(off: impl Strategy<Value = i64>) -> impl Strategy<Value = (i64, String)> {
    let liability = prop::option::of(Just("2100"));
    let allocations = prop::collection::vec(allocation(), 0..3);
    let entry = (allocations, payment_type(), liability, any::<bool>());
    let entries = prop::collection::vec(entry, 0..4);
    (entries, 0_i64..10_000, off, any::<u8>()).prop_map(|(entries, advance, off, way)| {
        let allocations = entries.iter().flat_map(|entry| &entry.0);
        let cents: i64 = allocations.map(|(cents, _)| cents).sum();
        let entries: Vec<_> = entries
            .into_iter()
            .map(|(allocations, payment_type, liability, personal)| {
                let allocations: Vec<_> = allocations.into_iter().map(|(_, value)| value).collect();
                json!({"expenseTypeCode": "TAXIX", "reportEntryPatKey": payment_type,
                    "liabilityAccountCode": liability, "clearingAccountCode": "2150",
                    "entryIsPersonal": if personal { "Y" } else { "N" },
                    "allocation": allocations})
            })
            .collect();
        let document = json!({"employee": {"employeeId": "E1"},
            "report": {"reportId": "R1", "employeeCurrencyAlphaCode": "CAD",
                "reportSubmitDate": "2026-03-01T00:00:00Z",
                "payrollPayIndicator": if way % 5 == 0 { "Y" } else { "N" },
                       "totalApprovedAmount": written(cents + off, way)},
            "expenseEntry": entries,
            "cashAdvanceApplication": [{"cashAdvanceApplicationAmount": written(-advance, way),
                                        "cashAdvanceClearingAccountCode": "1150"}]});
        (cents, document.to_string())
    })
}

fn debit_minus_credit(entry: &Entry) -> Decimal {
    entry.lines.iter().map(|line| line.amount).sum()
}

/// What an entry leaves on these accounts.
fn left_on(entry: &Entry, accounts: &[&str]) -> Decimal {
    let lines = entry
        .lines
        .iter()
        .filter(|line| accounts.contains(&line.account.as_str()));
    lines.map(|line| line.amount).sum()
}

fn check_shape(entry: &Entry) {
    assert!(debit_minus_credit(entry).is_zero(), "{entry:?}");
    assert!(entry.lines.len() >= 2);
    for line in &entry.lines {
        assert!(
            !line.amount.is_zero() && money::fits(line.amount, 2),
            "{line:?}"
        );
    }
    let mut sides: Vec<_> = entry
        .lines
        .iter()
        .map(|line| {
            (
                &line.account,
                &line.label,
                &line.cost_code,
                line.amount.is_sign_positive(),
            )
        })
        .collect();
    sides.sort();
    sides.dedup_by_key(|side| (side.0, side.2, side.3, side.1));
    assert_eq!(
        sides.len(),
        entry.lines.len(),
        "one line for each side: {entry:?}"
    );
}

/// The total of an invoice of nets, with shipping and tax in the rows or in the header, and the tax
/// in the rows that the company gets back.
fn invoice(off: impl Strategy<Value = i64>) -> impl Strategy<Value = (i64, i64, String)> {
    let rows = prop::collection::vec((1_i64..100_000, 0_i64..500, 0_i64..500), 1..6);
    (rows, 0..4_u8, off, any::<u8>()).prop_map(|(rows, shape, off, way)| {
        let sum = |of: fn(&(i64, i64, i64)) -> i64| rows.iter().map(of).sum::<i64>();
        let total = sum(|row| row.0 + row.1 + row.2);
        let (shipping, tax) = (sum(|row| row.1), sum(|row| row.2));
        let reclaimed = sum(|row| if row.2 % 2 == 0 { row.2 } else { 0 });
        let reclaimed = if shape & 2 == 0 { reclaimed } else { 0 };
        let allocations: Vec<_> = rows
            .iter()
            .map(|(net, shipping, tax)| {
                let mut journal = json!({"accountCode": "6400", "amountNet": written(*net, way)});
                if shape & 1 == 0 {
                    journal["amountShipping"] = written(*shipping, way);
                }
                if shape & 2 == 0 {
                    let code = if tax % 2 == 0 { "H13" } else { "OTHER" };
                    journal["tax"] = json!([{"amountTax": written(*tax, way), "taxCode": code}]);
                }
                json!({"journal": journal})
            })
            .collect();
        let document = json!({"requestHeader": {"requestId": "Q1", "currencyAlphaCode": "CAD",
            "invoiceDate": "02/27/2026",
                "requestTotal": written(total + off, way), "amountShippingTotal": written(shipping,
                    way),
                "amountTax": written(tax, way)},
            "lineItem": [{"allocation": allocations}]});
        (total, reclaimed, document.to_string())
    })
}

/// A text with one piece of it replaced by another.
fn damaged() -> impl Strategy<Value = String> {
    let documents = prop::sample::select(&[EXPENSE, INVOICE, CASH_ADVANCE, PAYROLL][..]);
    let pieces = prop::sample::select(
        &[
            "",
            "null",
            "{",
            "]",
            "\"",
            "0E-8",
            "1e999",
            "-",
            "[[[",
            "\\u0000",
            "é",
            "99999999999999999999",
        ][..],
    );
    (documents, any::<prop::sample::Index>(), 0..12_usize, pieces).prop_map(
        |(document, at, length, piece)| {
            let characters: Vec<char> = document.chars().collect();
            let at = at.index(characters.len());
            let rest = characters.iter().skip(at + length);
            let begin: String = characters.iter().take(at).collect();
            begin + piece + &rest.collect::<String>()
        },
    )
}

proptest! {
    #[test]
    fn a_report_s_entry_balances_and_comes_to_the_total((cents, document) in report(Just(0))) {
        match translate(DocumentType::Expense, &document, &all_settings()) {
            Ok(Translated::Entry(entry)) => {
                check_shape(&entry);
                // Everything but parties, personal items and advances: the expenses and taxes.
                let parties = left_on(&entry, &["1", "2", "3", "4", "6", "33", "115", "210"]);
                prop_assert_eq!(parties, -Decimal::new(cents, 2));
            }
            Ok(Translated::NotPosted { code, .. }) => prop_assert_eq!(code, "nothing-to-post"),
            Err(refused) => prop_assert!(false, "{:?}", refused),
        }
    }

    #[test]
    fn a_report_whose_total_is_off_is_never_posted((_, document) in report(1_i64..5)) {
        let refused = translate(DocumentType::Expense, &document, &all_settings()).expect_err("is \
                refused");
        let code = refused.problems[0].code.as_str();
        prop_assert!(["unbalanced", "rounding-difference"].contains(&code), "{}", code);
        prop_assert_eq!(refused.fix_in, FixIn::of(code));
    }

    #[test]
    fn rows_of_eight_decimals_come_to_the_total(
        rows in prop::collection::vec((party(), 1_i64..500_000_000_000), 1..9),
        digits in 3_u32..9,
    ) {
        let exact: Vec<_> = rows.iter().map(|(_, number)| Decimal::new(*number, digits)).collect();
        let sum: Decimal = exact.iter().sum();
        let total = money::round(sum, 2);
        let journal: Vec<_> = rows.iter().zip(&exact).map(|((party, _), amount)| json!({
            "journalPayer": "COMP", "journalPayee": party, "journalAccountCode": "6200",
            "amountGross": amount.to_string(), "amountNetOfReclaim": amount.to_string(),
        })).collect();
        let document = json!({"report": {"reportId": "R1", "employeeCurrencyAlphaCode": "CAD",
            "reportSubmitDate": "2026-03-01", "totalApprovedAmount": total.to_string()},
            "expenseEntry": [{"allocation": [{"journal": journal}]}]}).to_string();
        match translate(DocumentType::Expense, &document, &all_settings()) {
            Ok(Translated::Entry(entry)) => {
                check_shape(&entry);
                prop_assert_eq!(left_on(&entry, &["62"]), total);
                let cent = Decimal::new(1, 2);
                let parties = [("1", "EMPL"), ("2", "CBCP"), ("3", "IBCP"), ("4", "COPD")];
                for (account, party) in parties {
                    let own = rows.iter().zip(&exact).filter(|((found, _), _)| *found == party);
                    let own: Vec<Decimal> = own.map(|(_, amount)| *amount).collect();
                    let off = left_on(&entry, &[account]) + own.iter().sum::<Decimal>();
                    prop_assert!(off.abs() < cent * Decimal::from(own.len().max(1)), "{}", off);
                }
            }
            Ok(Translated::NotPosted { code, .. }) => {
                prop_assert_eq!((code, total), ("nothing-to-post", Decimal::ZERO));
            }
            Err(refused) => prop_assert!(false, "{:?}", refused),
        }
    }

    #[test]
    fn an_invoice_s_entry_balances_and_comes_to_the_total(
        (cents, reclaimed, document) in invoice(Just(0)),
    ) {
        match translate(DocumentType::Invoice, &document, &all_settings()) {
            Ok(Translated::Entry(entry)) => {
                check_shape(&entry);
                prop_assert_eq!(left_on(&entry, &["5"]), -Decimal::new(cents, 2));
                prop_assert_eq!(left_on(&entry, &["7"]), Decimal::new(reclaimed, 2));
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn an_invoice_of_eight_decimals_comes_to_its_total(
        rows in prop::collection::vec((1_i64..50_000_000_000, 0_i64..5_000_000_000), 1..9),
        digits in 3_u32..9,
    ) {
        let number = |number: i64| Decimal::new(number, digits);
        let allocations: Vec<_> = rows.iter().map(|(net, tax)| json!({"journal": {
            "accountCode": "6400", "amountNet": number(*net).to_string(),
            "tax": [{"amountTax": number(*tax).to_string(), "taxCode": "H13"}],
        }})).collect();
        let sum: Decimal = rows.iter().map(|(net, tax)| number(net + tax)).sum();
        let total = money::round(sum, 2);
        let document = json!({"requestHeader": {"requestId": "Q1", "currencyAlphaCode": "CAD",
            "invoiceDate": "2026-02-27", "requestTotal": total.to_string()},
            "lineItem": [{"allocation": allocations}]}).to_string();
        match translate(DocumentType::Invoice, &document, &all_settings()) {
            Ok(Translated::Entry(entry)) => {
                check_shape(&entry);
                prop_assert_eq!(left_on(&entry, &["5"]), -total);
            }
            Ok(Translated::NotPosted { code, .. }) => prop_assert_eq!(code, "nothing-to-post"),
            // A cent of tax in an amount that was rounded to nothing.
            Err(refused) => prop_assert_eq!(&refused.problems[0].code, "tax-unclear"),
        }
    }

    #[test]
    fn a_cash_advance_goes_the_way_that_its_rows_say(
        cents in 1_i64..500_000, comes_back in any::<bool>(), kind in 1_u8..4, way in any::<u8>(),
    ) {
        let (sign, side) = if comes_back { (-1, "cr") } else { (1, "DR") };
        let document = json!({"employeeData": {"employeeId": "E1"},
            "cashAdvanceData": {"cashAdvanceId": "C1", "employeeCurrencyAlphaCode": "CAD",
                "currencyAlphaCode": "CAD", "requestAmount": written(cents, way),
                "transactionType": kind, "issuedDate": "2026-01-21"},
            "journalData": [{"accountCode": "1150", "amount": written(sign * cents, way / 4),
                "debitOrCredit": side, "payer": "COMP", "payee": "EMPL"}]}).to_string();
        match translate(DocumentType::CashAdvance, &document, &all_settings()) {
            Ok(Translated::Entry(entry)) => {
                check_shape(&entry);
                prop_assert_eq!(left_on(&entry, &["115"]), Decimal::new(sign * cents, 2));
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn an_invoice_whose_total_is_more_than_its_parts_is_never_posted(
        (.., document) in invoice(1_000_i64..2_000),
    ) {
        let refused = translate(DocumentType::Invoice, &document, &all_settings()).expect_err("is \
                refused");
        prop_assert_eq!(&refused.problems[0].code, "unbalanced");
    }

    #[test]
    fn the_order_of_members_and_entries_changes_nothing((_, document) in report(Just(0))) {
        let mut value: Value = serde_json::from_str(&document).expect("is JSON");
        if let Some(entries) = value["expenseEntry"].as_array_mut() {
            entries.reverse();
        }
        let settings = all_settings();
        let hash = |document: &str| match translate(DocumentType::Expense, document, &settings) {
            Ok(Translated::Entry(entry)) => Some(entry.content_hash()),
            _ => None,
        };
        prop_assert_eq!(hash(&value.to_string()), hash(&document));
    }

    #[test]
    fn damage_ends_in_a_balanced_entry_or_a_problem(document in damaged()) {
        for kind in DocumentType::ALL {
            let _ = head(kind, &document);
            match translate(kind, &document, &all_settings()) {
                Ok(Translated::Entry(entry)) => check_shape(&entry),
                Ok(Translated::NotPosted { .. }) => {}
                Err(refused) => prop_assert!(!refused.problems.is_empty()),
            }
        }
    }

    #[test]
    fn garbage_never_panics(document in ".{0,80}|[\\[\\]{}:,\"0-9a-z]{0,80}") {
        for kind in DocumentType::ALL {
            let _ = head(kind, &document);
            let _ = translate(kind, &document, &all_settings());
        }
    }
}
