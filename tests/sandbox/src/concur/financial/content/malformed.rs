//! Oddities of real documents that break strict readers, and ways in which a document can be
//! broken.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::json_tree::{JsonTree, NumberNotation};
use crate::random::Random;

/// Something odd about a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Oddity {
    /// `document` is a text whatever is asked for.
    Text,
    /// Zero is written `0E-8`.
    ZeroExponent,
    /// Amounts have 8 digits behind the point.
    EightDecimals,
    /// Amounts have 23 digits, drawn so when the document is approved: of no effect on those that
    /// exist already.
    LongDigits,
    /// The members of every object are in random order.
    Shuffled,
    /// Objects have members that are not documented.
    UnknownFields,
    /// Members without a value and empty lists are left out.
    MissingBlocks,
    /// Codes are padded with blanks.
    PaddedCodes,
    /// The first row has an empty account code.
    EmptyAccount,
    /// The total is not the sum of the rows.
    Unbalanced,
    /// One row names another currency.
    TwoCurrencies,
    /// It comes from a test user.
    TestUser,
    /// It is not JSON: it breaks off.
    NotJson,
    /// The first row's amount is a word.
    TextInNumber,
    /// Amounts are strings instead of numbers.
    QuotedNumbers,
    /// Its `docType` is `mileage`, which is not documented.
    UnknownDocType,
}

/// Names of a document's own total.
const TOTALS: [&str; 3] = ["totalApprovedAmount", "requestTotal", "requestAmount"];

/// Names of the amounts of its rows; payroll has no rows, only entries.
const ROWS: [&str; 2] = ["amountGross", "amount"];

/// Names of account codes.
const ACCOUNTS: [&str; 2] = ["journalAccountCode", "accountCode"];

/// Makes a document as odd as it shall be.
pub(crate) fn apply_oddities(document: &mut JsonTree, oddities: &[Oddity], random: &mut Random) {
    for oddity in oddities {
        match oddity {
            Oddity::UnknownFields => document.each_object(&mut add_unknown),
            Oddity::MissingBlocks => document.each_object(&mut |members| {
                members.retain(|(_, value)| !is_blank(value));
            }),
            Oddity::PaddedCodes => document.each_member(&mut pad_codes),
            Oddity::EmptyAccount => empty_account(document),
            Oddity::Unbalanced => raise_total(document),
            Oddity::TwoCurrencies => add_currency(document),
            Oddity::TestUser => mark_as_test(document),
            Oddity::TextInNumber => spoil_amount(document),
            _ => {}
        }
    }
    if oddities.contains(&Oddity::Shuffled) {
        document.shuffle(random);
    }
}

/// How a document with these oddities writes its numbers.
pub(crate) fn number_notation(oddities: &[Oddity]) -> NumberNotation {
    let has = |oddity| oddities.contains(&oddity);
    NumberNotation {
        eight_decimals: has(Oddity::EightDecimals) || has(Oddity::LongDigits),
        zero_exponent: has(Oddity::ZeroExponent),
        quoted: has(Oddity::QuotedNumbers),
    }
}

fn add_unknown(members: &mut Vec<(std::borrow::Cow<'static, str>, JsonTree)>) {
    let future = JsonTree::List(vec![JsonTree::Flag(true), JsonTree::from("x")]);
    members.push(("futureField".into(), future));
    members.push((
        "futureAmount".into(),
        JsonTree::Amount(Decimal::new(999, 2)),
    ));
}

fn is_blank(value: &JsonTree) -> bool {
    match value {
        JsonTree::Null => true,
        JsonTree::List(rows) => rows.is_empty(),
        _ => false,
    }
}

fn pad_codes(name: &str, value: &mut JsonTree) {
    let padded = name == "expenseTypeCode" || ACCOUNTS.contains(&name);
    if let (true, JsonTree::Text(text)) = (padded, &mut *value) {
        *value = JsonTree::from(format!("{text:<12}"));
    }
}

fn empty_account(document: &mut JsonTree) {
    change_first_member(document, &ACCOUNTS, &mut |value| {
        *value = JsonTree::from("");
    });
}

fn raise_total(document: &mut JsonTree) {
    change_first_member(document, &TOTALS, &mut |value| {
        if let JsonTree::Amount(amount) = value {
            *amount += Decimal::ONE;
        }
    });
}

fn mark_as_test(document: &mut JsonTree) {
    document.each_member(&mut |name, value| {
        if name == "isTest" {
            *value = JsonTree::from("Y");
        }
    });
}

fn spoil_amount(document: &mut JsonTree) {
    let mut spoil = |value: &mut JsonTree| *value = JsonTree::from("n/a");
    if !change_first_member(document, &ROWS, &mut spoil) {
        change_first_member(document, &["entryApprovedAmount"], &mut spoil);
    }
}

/// Changes the first member of one of these names; false if there is none.
fn change_first_member(
    document: &mut JsonTree,
    names: &[&str],
    change: &mut impl FnMut(&mut JsonTree),
) -> bool {
    let mut found = false;
    document.each_member(&mut |name, value| {
        if !found && names.contains(&name) {
            found = true;
            change(value);
        }
    });
    found
}

fn add_currency(document: &mut JsonTree) {
    let mut found = false;
    document.each_object(&mut |members| {
        let is_row = members.iter().any(|(name, _)| ROWS.contains(&&**name));
        if is_row && !found {
            found = true;
            members.push(("currencyAlphaCode".into(), JsonTree::from("XTS")));
        }
    });
}
