//! What real documents do to those who read them too strictly, and what a broken one may look like.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::tree::{Notation, Tree};
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
    /// Members stand in another order.
    Shuffled,
    /// Objects have members nobody knows.
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
    /// Amounts are quoted.
    QuotedNumbers,
    /// Its `docType` is one that nobody knows.
    UnknownDocType,
}

/// Names of a document's own total.
const TOTALS: [&str; 3] = ["totalApprovedAmount", "requestTotal", "requestAmount"];

/// Names of the amounts of its rows; payroll has no rows, only entries.
const ROWS: [&str; 2] = ["amountGross", "amount"];

/// Names of account codes.
const ACCOUNTS: [&str; 2] = ["journalAccountCode", "accountCode"];

/// Makes a document as odd as it shall be.
pub(super) fn distort(document: &mut Tree, oddities: &[Oddity], random: &mut Random) {
    for oddity in oddities {
        match oddity {
            Oddity::UnknownFields => document.each_object(&mut add_unknown),
            Oddity::MissingBlocks => document.each_object(&mut |members| {
                members.retain(|(_, value)| !is_blank(value));
            }),
            Oddity::PaddedCodes => document.each_member(&mut pad),
            Oddity::EmptyAccount => empty_account(document),
            Oddity::Unbalanced => unbalance(document),
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
pub(super) fn notation(oddities: &[Oddity]) -> Notation {
    let has = |oddity| oddities.contains(&oddity);
    Notation {
        eight_decimals: has(Oddity::EightDecimals) || has(Oddity::LongDigits),
        zero_exponent: has(Oddity::ZeroExponent),
        quoted: has(Oddity::QuotedNumbers),
    }
}

fn add_unknown(members: &mut Vec<(std::borrow::Cow<'static, str>, Tree)>) {
    let future = Tree::List(vec![Tree::Flag(true), Tree::from("x")]);
    members.push(("futureField".into(), future));
    members.push(("futureAmount".into(), Tree::Amount(Decimal::new(999, 2))));
}

fn is_blank(value: &Tree) -> bool {
    match value {
        Tree::Null => true,
        Tree::List(rows) => rows.is_empty(),
        _ => false,
    }
}

fn pad(name: &str, value: &mut Tree) {
    let padded = name == "expenseTypeCode" || ACCOUNTS.contains(&name);
    if let (true, Tree::Text(text)) = (padded, &mut *value) {
        *value = Tree::from(format!("{text:<12}"));
    }
}

fn empty_account(document: &mut Tree) {
    first(document, &ACCOUNTS, &mut |value| *value = Tree::from(""));
}

fn unbalance(document: &mut Tree) {
    first(document, &TOTALS, &mut |value| {
        if let Tree::Amount(amount) = value {
            *amount += Decimal::ONE;
        }
    });
}

fn mark_as_test(document: &mut Tree) {
    document.each_member(&mut |name, value| {
        if name == "isTest" {
            *value = Tree::from("Y");
        }
    });
}

fn spoil_amount(document: &mut Tree) {
    let mut spoil = |value: &mut Tree| *value = Tree::from("n/a");
    if !first(document, &ROWS, &mut spoil) {
        first(document, &["entryApprovedAmount"], &mut spoil);
    }
}

/// Changes the first member of one of these names; false if there is none.
fn first(document: &mut Tree, names: &[&str], change: &mut impl FnMut(&mut Tree)) -> bool {
    let mut found = false;
    document.each_member(&mut |name, value| {
        if !found && names.contains(&name) {
            found = true;
            change(value);
        }
    });
    found
}

fn add_currency(document: &mut Tree) {
    let mut found = false;
    document.each_object(&mut |members| {
        let is_row = members.iter().any(|(name, _)| ROWS.contains(&&**name));
        if is_row && !found {
            found = true;
            members.push(("currencyAlphaCode".into(), Tree::from("XTS")));
        }
    });
}
