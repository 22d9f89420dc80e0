//! Who is owed the other side of a row: the employee, or whoever billed the card that it was paid
//! with.
//!
//! The rows of one entry need not be owed to the one that the entry was paid with: where personal
//! items on a card are offset, a cash entry is owed to the card in part
//! (source: concur-financial-samples). What an entry says of its own liability therefore holds for
//! one of its sides only.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt::Arguments;

use rust_decimal::Decimal;

use super::Place;
use crate::concur::document_schema::{ExpenseDocument, ExpenseEntry};
use crate::financial::account::{Account, EMPLOYEE, Party};
use crate::financial::posting::Posting;

impl<'a> Place<'_, 'a> {
    /// The account of the row's other side.
    pub(super) fn other_side(
        &self,
        gross: Decimal,
        liabilities: &Liabilities<'a>,
        posting: &mut Posting<'a>,
    ) -> Option<Account<'a>> {
        let [e, a, r] = self.at;
        let at = format_args!("/expenseEntry/{e}/allocation/{a}/journal/{r}/journalPayee");
        let Some(key) = Party::other_than_company(&self.row.payer, &self.row.payee) else {
            let message = "exactly one of payer and payee must be the company (COMP)".into();
            posting.report(at, "parties-unclear", message);
            return None;
        };
        if !Party::fits_sign(&self.row.payer, gross) {
            let message = "the amount's sign does not fit who pays: the company (COMP) pays \
                           positive amounts, and is paid negative ones";
            posting.report(at, "side-unclear", message.into());
            return None;
        }
        let liability = liabilities.of_entry(e, &key);
        if key == EMPLOYEE {
            return employee(at, self.document, liability, posting);
        }
        let name = match &*key {
            "COPD" => "company-paid liability",
            _ => "card liability",
        };
        match liability {
            Some(Liability::Code(code)) => {
                let name = Cow::Borrowed(name);
                posting.account_of_code(at, code, None, name)
            }
            Some(Liability::PaymentType(key, _)) => {
                posting.account_of_party(at, Party::of(key, name))
            }
            None => posting.account_of_party(at, Party::of(key, name)),
        }
    }
}

/// The account of what the employee is owed for no entry in particular.
pub(super) fn account_of_employee<'a>(
    at: Arguments,
    document: &ExpenseDocument<'a>,
    liabilities: &Liabilities<'a>,
    posting: &mut Posting<'a>,
) -> Option<Account<'a>> {
    let liability = liabilities.of_report(EMPLOYEE);
    employee(at, document, liability, posting)
}

/// Payroll clearing where payroll reimburses, else the employee's own account, else the account
/// that Concur names, else that of all employees.
fn employee<'a>(
    at: Arguments,
    document: &ExpenseDocument<'a>,
    liability: Option<Liability<'a>>,
    posting: &mut Posting<'a>,
) -> Option<Account<'a>> {
    if document.report.by_payroll.is_yes() {
        return payroll_clearing(document, posting);
    }
    let party = Party::employee(document.employee.id.text());
    match liability {
        Some(Liability::Code(code)) if posting.own_account(&party).is_none() => {
            posting.account_of_code(at, code, None, party.name)
        }
        _ => posting.account_of_party(at, party),
    }
}

/// The account that payroll clears when it reimburses the report
/// (source: concur-financial-schema).
fn payroll_clearing<'a>(
    document: &ExpenseDocument<'a>,
    posting: &mut Posting<'a>,
) -> Option<Account<'a>> {
    const NAME: &str = "payroll clearing";
    let at = format_args!("/report/payrollPaymentClearingAccountCode");
    match document.report.payroll_account.text() {
        Some(code) => posting.account_of_code(at, code, None, Cow::Borrowed(NAME)),
        None => posting.account_of_party(at, Party::of(Cow::Borrowed("PAYROLL"), NAME)),
    }
}

/// Whom entries of an own payment type are owed to; nothing where they do not agree.
type ByType<'a> = BTreeMap<Cow<'a, str>, Option<Cow<'a, str>>>;

/// What names a liability.
#[derive(Clone)]
enum Liability<'a> {
    /// A Concur account code.
    Code(Cow<'a, str>),
    /// A payment type of the customer's own that the settings know, and its FreshBooks account.
    PaymentType(Cow<'a, str>, &'a str),
}

impl PartialEq for Liability<'_> {
    /// Several payment types may be one account.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Code(own), Self::Code(other)) => own == other,
            (Self::PaymentType(_, own), Self::PaymentType(_, other)) => own == other,
            _ => false,
        }
    }
}

/// What the entries of a report say of the liabilities to those that they were paid with.
pub(super) struct Liabilities<'a> {
    /// Each entry, in their order.
    by_entry: Vec<OwnSide<'a>>,
    /// What all entries say that were paid with the same; nothing if they do not agree.
    by_party: BTreeMap<Cow<'a, str>, Option<Liability<'a>>>,
}

/// The side of an entry that it was paid with.
struct OwnSide<'a> {
    paid_with: Cow<'a, str>,
    liability: Option<Liability<'a>>,
}

impl<'a> Liabilities<'a> {
    pub(super) fn read(document: &ExpenseDocument<'a>, posting: &Posting<'a>) -> Self {
        let entries = &document.entries.0;
        let owed: Vec<_> = entries.iter().map(Owed::read).collect();
        let mut by_type = ByType::new();
        for (entry, owed) in entries.iter().zip(&owed) {
            if let (Some(own), Some(party)) = (own_payment_type(entry), owed.to_one()) {
                let known = by_type.entry(own).or_insert_with(|| Some(party.clone()));
                if known.as_ref() != Some(&party) {
                    *known = None;
                }
            }
        }
        let by_entry = entries.iter().zip(&owed);
        let by_entry = by_entry.map(|(entry, owed)| OwnSide::new(entry, owed, &by_type, posting));
        let by_entry: Vec<_> = by_entry.collect();
        let mut by_party = BTreeMap::new();
        for side in &by_entry {
            let known = by_party.entry(side.paid_with.clone());
            let known = known.or_insert_with(|| side.liability.clone());
            if *known != side.liability {
                *known = None;
            }
        }
        Self { by_entry, by_party }
    }

    /// What names the liability of this entry to this party: the entry itself, where it was paid
    /// with it, else the report.
    fn of_entry(&self, entry: usize, party: &str) -> Option<Liability<'a>> {
        match self.by_entry.get(entry) {
            Some(side) if side.paid_with == party => side.liability.clone(),
            _ => self.of_report(party),
        }
    }

    fn of_report(&self, party: &str) -> Option<Liability<'a>> {
        self.by_party.get(party).cloned().flatten()
    }
}

impl<'a> OwnSide<'a> {
    fn new(
        entry: &ExpenseEntry<'a>,
        owed: &Owed<'a>,
        by_type: &ByType<'a>,
        posting: &Posting<'a>,
    ) -> Self {
        let paid_with = paid_with(entry, owed, by_type);
        // The documented payment types say no more than the row, and an own one is a card.
        let payment_type = || {
            let own = own_payment_type(entry).filter(|_| paid_with != EMPLOYEE)?;
            let account = posting.id_of_party(&own)?;
            Some(Liability::PaymentType(own, account))
        };
        let code = entry.liability_account.text().map(Liability::Code);
        Self {
            liability: code.or_else(payment_type),
            paid_with,
        }
    }
}

/// The one that an entry was paid with: by its payment type, else by its rows, else by those of
/// another entry of the same payment type.
fn paid_with<'a>(entry: &ExpenseEntry<'a>, owed: &Owed<'a>, by_type: &ByType<'a>) -> Cow<'a, str> {
    let of_rows = || owed.to_one();
    let found = match own_payment_type(entry) {
        Some(own) => {
            let of_others = || by_type.get(&own).cloned().flatten();
            of_rows().or_else(of_others).or_else(|| owed.to_one_card())
        }
        None => match entry.payment_type.text() {
            Some(documented) => Some(documented).filter(|documented| documented != "CASH"),
            None => of_rows(),
        },
    };
    found.unwrap_or(Cow::Borrowed(EMPLOYEE))
}

fn own_payment_type<'a>(entry: &ExpenseEntry<'a>) -> Option<Cow<'a, str>> {
    const DOCUMENTED: [&str; 5] = ["CASH", EMPLOYEE, "IBCP", "CBCP", "COPD"];
    let payment_type = entry.payment_type.text();
    payment_type.filter(|key| !DOCUMENTED.contains(&&**key))
}

/// To whom the rows of an entry are owed.
#[derive(Default)]
struct Owed<'a> {
    /// The company reimburses the employee for a part of it.
    employee: bool,
    /// The first card that a part of it is owed for.
    card: Option<Cow<'a, str>>,
    /// Parts of it are owed for several cards.
    several: bool,
}

impl<'a> Owed<'a> {
    fn read(entry: &ExpenseEntry<'a>) -> Self {
        let mut owed = Self::default();
        let allocations = entry.allocations.0.iter();
        for row in allocations.flat_map(|allocation| &allocation.rows.0) {
            let gross = row.gross.number().unwrap_or_default();
            match Party::other_than_company(&row.payer, &row.payee) {
                _ if gross.is_zero() => {}
                // What an employee pays back is personal, or a refund: no part of what is owed.
                Some(key) if key == EMPLOYEE => owed.employee |= gross.is_sign_positive(),
                Some(key) => {
                    owed.several |= owed.card.as_ref().is_some_and(|card| *card != key);
                    owed.card.get_or_insert(key);
                }
                None => {}
            }
        }
        owed
    }

    /// The one that all of the entry is owed to; nothing if it is owed to several, or to nobody.
    fn to_one(&self) -> Option<Cow<'a, str>> {
        match (self.to_one_card(), self.employee) {
            (Some(card), false) => Some(card),
            (None, true) if self.card.is_none() => Some(Cow::Borrowed(EMPLOYEE)),
            _ => None,
        }
    }

    fn to_one_card(&self) -> Option<Cow<'a, str>> {
        self.card.clone().filter(|_| !self.several)
    }
}
