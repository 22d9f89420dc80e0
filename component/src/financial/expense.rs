//! Expense reports.
//!
//! A report has no debits and credits. Each of its rows puts its amount on its account, and the
//! other side on the party that is not the company
//! (source: concur-financial-posting-use-cases, concur-financial-samples).

mod liability;
mod tax;

use alloc::borrow::Cow;
use alloc::vec::Vec;

use rust_decimal::Decimal;

use self::liability::Liabilities;
use super::account::Account;
use super::dates::Dates;
use super::description;
use super::posting::{Basis, Posting};
use super::project_expense::Cost;
use super::report_entries::{LeftOut, is_left_out};
use crate::concur::DocumentType;
use crate::concur::document_schema::{
    Allocation, Application, Custom, CustomPlace, ExpenseDocument, ExpenseEntry, Row,
};
use crate::settings::financial::CostCodeField;

pub(super) fn basis<'a>(kind: DocumentType, document: &ExpenseDocument<'a>) -> Basis<'a> {
    let report = &document.report;
    Basis {
        is_test: report.is_test,
        kind,
        description: description::of_report(kind, document),
        currency_at: "/report/employeeCurrencyAlphaCode",
        currency: report.currency.clone(),
        dates: Dates::of_report(report, &document.entries.0),
    }
}

/// Posts the rows of a report, but for those of the entries that are left out: they count towards
/// its total, and are booked already.
pub(super) fn post<'a>(
    document: &ExpenseDocument<'a>,
    left_out: &LeftOut,
    posting: &mut Posting<'a>,
) {
    let rows = rows(document);
    let amounts: Vec<_> = rows.iter().map(|row| row.gross(posting)).collect();
    let total = total(document, posting);
    let amounts = posting.rounded(&amounts, total);
    let liabilities = Liabilities::read(document, posting);
    for (number, (row, gross)) in rows.iter().zip(amounts).enumerate() {
        match is_left_out(row.entry, left_out) {
            true => posting.count(gross),
            false => row.post(number, gross, &liabilities, posting),
        }
    }
    tax::check_reclaim(document, posting);
    for (index, application) in document.applications.0.iter().enumerate() {
        apply_cash_advance(index, document, application, &liabilities, posting);
    }
    posting.check_total(format_args!("/report/totalApprovedAmount"), total);
}

fn rows<'d, 'a>(document: &'d ExpenseDocument<'a>) -> Vec<Place<'d, 'a>> {
    let entries = document.entries.0.iter().enumerate();
    let allocations = entries.flat_map(|(e, entry)| {
        let allocations = entry.allocations.0.iter().enumerate();
        allocations.map(move |(a, allocation)| ([e, a], entry, allocation))
    });
    let rows = allocations.flat_map(|([e, a], entry, allocation)| {
        let rows = allocation.rows.0.iter().enumerate();
        rows.map(move |(r, row)| Place {
            at: [e, a, r],
            document,
            entry,
            allocation,
            row,
        })
    });
    rows.collect()
}

/// The report's total; old documents have none and state only what was approved of each entry.
pub(super) fn total(document: &ExpenseDocument, posting: &mut Posting) -> Option<Decimal> {
    let at = format_args!("/report/totalApprovedAmount");
    if !document.report.total.is_missing() {
        return posting.total(at, &document.report.total);
    }
    if document.entries.0.is_empty() {
        return None;
    }
    let entries = document.entries.0.iter().enumerate();
    let approved = entries.map(|(index, entry)| {
        let at = format_args!("/expenseEntry/{index}/entryApprovedAmount");
        posting.optional_amount(at, &entry.approved)
    });
    let approved: Option<Decimal> = approved.sum();
    approved.map(|approved| posting.round(approved))
}

/// The code in the custom field of this number.
pub(super) fn cost_code<'a>(customs: &[Custom<'a>], number: u8) -> Option<Cow<'a, str>> {
    let place = CustomPlace {
        number,
        is_code: true,
    };
    let mut codes = customs.iter().filter(|custom| custom.place == place);
    codes.find_map(|custom| custom.value.text())
}

/// Whether a part has the sign of its whole and is not larger.
pub(super) fn is_part(part: Decimal, whole: Decimal) -> bool {
    let same_sign = part.is_sign_negative() == whole.is_sign_negative();
    part.is_zero() || (same_sign && part.abs() <= whole.abs())
}

/// A row, and where it stands.
struct Place<'d, 'a> {
    at: [usize; 3],
    document: &'d ExpenseDocument<'a>,
    entry: &'d ExpenseEntry<'a>,
    allocation: &'d Allocation<'a>,
    row: &'d Row<'a>,
}

impl<'a> Place<'_, 'a> {
    fn gross(&self, posting: &mut Posting<'a>) -> Decimal {
        let [e, a, r] = self.at;
        let at = format_args!("/expenseEntry/{e}/allocation/{a}/journal/{r}/amountGross");
        posting.amount(at, &self.row.gross)
    }

    fn post(
        &self,
        number: usize,
        gross: Decimal,
        liabilities: &Liabilities<'a>,
        posting: &mut Posting<'a>,
    ) {
        if self.moves_nothing(gross, posting) {
            return;
        }
        let [e, a, r] = self.at;
        let at = format_args!("/expenseEntry/{e}/allocation/{a}/journal/{r}/currencyAlphaCode");
        posting.same_currency(at, &self.row.currency);
        posting.count(gross);
        let reclaimed = self.reclaimed(gross, posting);
        let cost_code = self.cost_code(posting);
        if let Some(account) = self.account(cost_code.as_deref(), posting) {
            let cost = Cost {
                row: number,
                cost_code,
                is_billable: self.entry.is_billable.is_yes(),
                is_personal: self.entry.is_personal.is_yes(),
                amount: gross - reclaimed,
            };
            let at = format_args!("/expenseEntry/{e}/allocation/{a}");
            posting.add_cost(at, account, cost);
        }
        self.reclaim(reclaimed, posting);
        if let Some(account) = self.other_side(gross, liabilities, posting) {
            posting.add(account, None, -gross);
        }
    }

    /// A row of nothing may lack whatever a row needs.
    fn moves_nothing(&self, gross: Decimal, posting: &Posting) -> bool {
        let net = self.row.net_of_reclaim.number();
        let is_known = self.row.gross.number().is_some();
        is_known && gross.is_zero() && net.is_none_or(|net| posting.round(net).is_zero())
    }

    fn account(&self, cost_code: Option<&str>, posting: &mut Posting<'a>) -> Option<Account<'a>> {
        let [e, a, r] = self.at;
        let at = format_args!("/expenseEntry/{e}/allocation/{a}/journal/{r}/journalAccountCode");
        let name = self.name();
        if let Some(code) = self.row.account.text() {
            return posting.account_of_code(at, code, cost_code, name);
        }
        if self.entry.is_personal.is_yes() {
            return posting.account_of_personal_item(at, &self.entry.clearing_account, name);
        }
        posting.account_of_expense_type(at, &self.entry.expense_type, name)
    }

    fn name(&self) -> Cow<'a, str> {
        if self.entry.is_personal.is_yes() {
            return Cow::Borrowed("personal item");
        }
        self.entry.expense_type_name.text().unwrap_or_default()
    }

    /// From the most granular level that has it, and never from the employee
    /// (source: concur-cost-allocation).
    fn cost_code(&self, posting: &Posting) -> Option<Cow<'a, str>> {
        let financial = posting.financial();
        let of_entry = || match financial.entry_cost_code_field {
            CostCodeField::Custom(number) => cost_code(&self.entry.customs, number),
            CostCodeField::OrgUnit(number) => cost_code(&self.entry.org_units, number),
        };
        cost_code(&self.allocation.customs, financial.cost_code_field).or_else(of_entry)
    }
}

/// What was paid with an advance: the advance is used up, and the employee is owed that much less.
fn apply_cash_advance<'a>(
    index: usize,
    document: &ExpenseDocument<'a>,
    application: &Application<'a>,
    liabilities: &Liabilities<'a>,
    posting: &mut Posting<'a>,
) {
    const APPLIED: &str = "2";
    let place = format_args!("/cashAdvanceApplication/{index}");
    let at = format_args!("{place}/cashAdvanceApplicationAmount");
    let amount = posting.amount(at, &application.amount);
    let amount = posting.round(amount);
    if amount.is_zero() {
        return;
    }
    let kind = application.kind.text().unwrap_or(Cow::Borrowed(APPLIED));
    if amount.is_sign_positive() || kind != APPLIED {
        let message = "expected a negative amount of cash advance transaction type 2".into();
        return posting.report(at, "cash-advance-unclear", message);
    }
    let account_at = format_args!("{place}/cashAdvanceClearingAccountCode");
    let account = posting.account_of_advance(account_at, &application.account);
    let employee = liability::account_of_employee(at, document, liabilities, posting);
    if let (Some(account), Some(employee)) = (account, employee) {
        posting.add(account, None, amount);
        posting.add(employee, None, -amount);
    }
}
