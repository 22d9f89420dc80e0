use alloc::vec;

use super::*;
use crate::concur::document_schema::ExpenseDocument;
use crate::money;
use crate::settings::financial::Endpoint;

fn entry() -> Entry {
    let line = |account: &str, cost_code: Option<&str>, amount: i64| Line {
        account: account.to_string(),
        label: "label".to_string(),
        cost_code: cost_code.map(ToString::to_string),
        amount: Decimal::new(amount, 1),
    };
    Entry {
        description: "what it is".to_string(),
        date: "2026-01-31".to_string(),
        currency: "EUR".to_string(),
        lines: vec![
            line("635", Some("A"), 1190),
            line("635", Some("B"), 10),
            line("641", None, -1200),
        ],
        expenses: Vec::new(),
    }
}

fn apart() -> Settings {
    settings_with(r#", "entry_lines": "apart""#, "")
}

#[test]
fn lines_of_one_account_and_side_are_one_line_unless_the_settings_want_them_apart() {
    let mut entry = entry();
    let mut credit = entry.lines[0].clone();
    credit.amount = -credit.amount;
    entry.lines.push(credit);
    let body = entry.body(&settings().financial, "mlc-x", "2026-02-01");
    let details = r#""details":[{"sub_accountid":635,"debit":"120.00"},{"sub_accountid":641,"credit":"120.00"},{"sub_accountid":635,"credit":"119.00"}]"#;
    assert!(body.contains(details), "{body}");
    let body = entry.body(&apart().financial, "mlc-x", "2026-02-01");
    assert_eq!(body.matches("sub_accountid").count(), 4, "{body}");
    // What is posted is known by its accounts and sides alone.
    assert_eq!(entry.merged().content_hash(), entry.content_hash());
    assert_eq!(entry.merged().merged(), entry.merged());
}

#[test]
fn the_legacy_body_has_decimal_strings_on_one_side_each() {
    let body = entry().body(&apart().financial, "mlc-x", "2026-02-01");
    let expected = r#"{"journal_entry":{"name":"mlc-x","description":"what it is","user_entered_date":"2026-02-01","currency_code":"EUR","details":[{"sub_accountid":635,"debit":"119.00"},{"sub_accountid":635,"debit":"1.00"},{"sub_accountid":641,"credit":"120.00"}]}}"#;
    assert_eq!(body, expected);
}

#[test]
fn the_new_body_has_exact_numbers_and_a_date_in_parts() {
    let mut entry = entry();
    for line in &mut entry.lines {
        line.account = "1b9e0f6a-1c2d-4e3f-8a9b-0c1d2e3f4a5b".to_string();
    }
    entry.lines[0].amount = money::parse("123456789012345.67").expect("is a number");
    let mut settings = apart();
    settings.financial.endpoint = Endpoint::New;
    let body = entry.body(&settings.financial, "mlc-x", "2026-02-01");
    let expected = r#"{"manualJournalEntry":{"userEnteredDate":{"year":2026,"month":2,"day":1},"name":"mlc-x","description":"what it is","details":[{"accountId":"1b9e0f6a-1c2d-4e3f-8a9b-0c1d2e3f4a5b","amount":{"amount":123456789012345.67,"code":"EUR"},"type":"TYPE_DEBIT"}"#;
    assert!(body.starts_with(expected), "{body}");
    assert!(
        body.contains(r#""amount":{"amount":120.00,"code":"EUR"},"type":"TYPE_CREDIT""#),
        "{body}"
    );
}

#[test]
fn a_reversed_entry_takes_the_first_one_back() {
    let reversed = entry().reversed();
    let sum: Decimal = entry()
        .lines
        .iter()
        .chain(&reversed.lines)
        .map(|line| line.amount)
        .sum();
    assert!(
        sum.is_zero()
            && reversed
                .lines
                .iter()
                .map(|line| line.amount)
                .sum::<Decimal>()
                .is_zero()
    );
    assert_eq!(reversed.lines[2].amount, Decimal::from(120));
    assert_eq!(reversed.reversed(), entry());
}

#[test]
fn the_hash_follows_what_freshbooks_keeps_of_the_amounts() {
    let hash = entry().content_hash();
    let mut same = entry();
    same.lines.reverse();
    same.date = "2026-03-01".to_string();
    same.lines[1].cost_code = None;
    assert_eq!(same.content_hash(), hash);
    for change in [
        |entry: &mut Entry| entry.currency = "USD".to_string(),
        |entry: &mut Entry| entry.lines[0].account = "636".to_string(),
        |entry: &mut Entry| entry.lines[0].amount += Decimal::ONE,
        |entry: &mut Entry| *entry = entry.reversed(),
    ] {
        let mut other = entry();
        change(&mut other);
        assert_ne!(other.content_hash(), hash);
    }
}

#[test]
fn an_entry_that_does_not_balance_is_never_finished() {
    let settings = settings();
    let text =
        r#"{"report": {"employeeCurrencyAlphaCode": "CAD", "reportSubmitDate": "2026-01-01"}}"#;
    let document = parse::<ExpenseDocument>(text).expect("is read");
    let mut posting = Posting::new(
        &settings,
        &crate::financial::expense::basis(DocumentType::Expense, &document),
    );
    let party = account::Party::employee(None);
    let account = posting
        .account_of_party(format_args!(""), party)
        .expect("is mapped");
    posting.add(account, None, Decimal::ONE);
    let refused = posting.finish().expect_err("is refused");
    assert_eq!(
        (refused.problems[0].code.as_str(), refused.fix_in),
        ("entry-unbalanced", FixIn::Nowhere)
    );
}
