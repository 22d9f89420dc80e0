//! Expense reports.
//!
//! A report has no debits and credits. Each of its rows puts its amount on its account, and the
//! other side on the party that is not the company
//! (source: concur-financial-posting-use-cases, concur-financial-samples).

mod tax;

use alloc::borrow::Cow;

use rust_decimal::Decimal;

use super::account::{Account, Party};
use super::dates::Dates;
use super::description;
use super::posting::{Basis, Posting};
use crate::concur::DocumentType;
use crate::concur::document_schema::{
    Allocation, Application, Custom, CustomPlace, ExpenseDocument, ExpenseEntry, Row,
};

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

pub(super) fn post<'a>(document: &ExpenseDocument<'a>, posting: &mut Posting<'a>) {
    for (e, entry) in document.entries.0.iter().enumerate() {
        for (a, allocation) in entry.allocations.0.iter().enumerate() {
            for (r, row) in allocation.rows.0.iter().enumerate() {
                Place {
                    at: [e, a, r],
                    document,
                    entry,
                    allocation,
                }
                .post(row, posting);
            }
        }
    }
    for (index, application) in document.applications.0.iter().enumerate() {
        apply_cash_advance(index, document, application, posting);
    }
    let total = total(document, posting);
    posting.check_total(format_args!("/report/totalApprovedAmount"), total);
}

/// The report's total; old documents have none and state only what was approved of each entry.
pub(super) fn total(document: &ExpenseDocument, posting: &mut Posting) -> Option<Decimal> {
    let at = format_args!("/report/totalApprovedAmount");
    if !document.report.total.is_missing() {
        return posting.optional_amount(at, &document.report.total);
    }
    if document.entries.0.is_empty() {
        return None;
    }
    let entries = document.entries.0.iter().enumerate();
    let approved = entries.map(|(index, entry)| {
        posting.optional_amount(
            format_args!("/expenseEntry/{index}/entryApprovedAmount"),
            &entry.approved,
        )
    });
    approved.sum()
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

/// Where a row stands.
struct Place<'d, 'a> {
    at: [usize; 3],
    document: &'d ExpenseDocument<'a>,
    entry: &'d ExpenseEntry<'a>,
    allocation: &'d Allocation<'a>,
}

impl<'a> Place<'_, 'a> {
    fn post(&self, row: &Row<'a>, posting: &mut Posting<'a>) {
        let [e, a, r] = self.at;
        let place = format_args!("/expenseEntry/{e}/allocation/{a}/journal/{r}");
        posting.same_currency(format_args!("{place}/currencyAlphaCode"), &row.currency);
        let gross = posting.amount(format_args!("{place}/amountGross"), &row.gross);
        posting.count(gross);
        let net = self.net_of_reclaim(row, gross, posting);
        let cost_code = self.cost_code(posting);
        let name = self.name();
        let account_at = format_args!("{place}/journalAccountCode");
        let account = posting.account(
            account_at,
            row.account.text(),
            self.entry.expense_type.text(),
            cost_code.as_deref(),
            name,
        );
        if let Some(account) = account {
            posting.add(account, cost_code, net);
        }
        self.reclaim(row, gross - net, posting);
        if let Some(account) = self.other_side(row, posting) {
            posting.add(account, None, -gross);
        }
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
        cost_code(&self.allocation.customs, financial.cost_code_field)
            .or_else(|| cost_code(&self.entry.customs, financial.entry_cost_code_field))
    }

    /// The employee, or the card that the entry was paid with.
    fn other_side(&self, row: &Row<'a>, posting: &mut Posting<'a>) -> Option<Account<'a>> {
        let [e, a, r] = self.at;
        let at = format_args!("/expenseEntry/{e}/allocation/{a}/journal/{r}/journalPayee");
        let Some(key) = Party::other_than_company(&row.payer, &row.payee) else {
            let message = "exactly one of payer and payee must be the company (COMP)".into();
            posting.report(at, "parties-unclear", message);
            return None;
        };
        if key == "EMPL" {
            let party = Party::employee(self.document.employee.id.text());
            return posting.account_of_party(at, party);
        }
        let name = Cow::Borrowed(match &*key {
            "COPD" => "company-paid liability",
            _ => "card liability",
        });
        if let Some(code) = self.entry.liability_account.text() {
            let at = format_args!("/expenseEntry/{e}/liabilityAccountCode");
            return posting.account_of_code(at, code, None, name);
        }
        let own = self.own_payment_type(posting);
        let key = own.unwrap_or(key);
        posting.account_of_party(at, Party { key, name })
    }

    /// A payment type of the customer's own that the settings know. The documented ones say no more
    /// than the row.
    fn own_payment_type(&self, posting: &Posting) -> Option<Cow<'a, str>> {
        const DOCUMENTED: [&str; 5] = ["CASH", "EMPL", "IBCP", "CBCP", "COPD"];
        let payment_type = self.entry.payment_type.text();
        payment_type.filter(|key| !DOCUMENTED.contains(&&**key) && posting.knows_party(key))
    }
}

/// What was paid with an advance: the advance is used up, and the employee is owed that much less.
fn apply_cash_advance<'a>(
    index: usize,
    document: &ExpenseDocument<'a>,
    application: &Application<'a>,
    posting: &mut Posting<'a>,
) {
    const APPLIED: &str = "2";
    let place = format_args!("/cashAdvanceApplication/{index}");
    let at = format_args!("{place}/cashAdvanceApplicationAmount");
    let amount = posting.amount(at, &application.amount);
    if amount.is_zero() {
        return;
    }
    let kind = application.kind.text().unwrap_or(Cow::Borrowed(APPLIED));
    if amount.is_sign_positive() || kind != APPLIED {
        let message = "expected a negative amount of cash advance transaction type 2".into();
        return posting.report(at, "cash-advance-unclear", message);
    }
    let account_at = format_args!("{place}/cashAdvanceClearingAccountCode");
    let name = Cow::Borrowed("cash advance");
    let account = posting.account(account_at, application.account.text(), None, None, name);
    let employee = posting.account_of_party(at, Party::employee(document.employee.id.text()));
    if let (Some(account), Some(employee)) = (account, employee) {
        posting.add(account, None, amount);
        posting.add(employee, None, -amount);
    }
}
