//! What a report hands to payroll: wage types without accounts. The report's expense document
//! already carries the cost, so that it is posted only if the settings say so.

use alloc::borrow::Cow;
use alloc::string::ToString;
use alloc::vec::Vec;

use rust_decimal::Decimal;

use super::account::{Account, Party};
use super::expense::total;
use super::outcome::Translated;
use super::posting::Posting;
use crate::concur::document_schema::{Application, ExpenseDocument, PayrollData};

pub(super) fn acknowledged() -> Translated {
    Translated::NotPosted {
        code: "payroll-acknowledged",
        message: "payroll documents are acknowledged and not posted: the report's expense \
            document carries the cost; `financial.payroll = \"post\"` posts them by wage type"
            .to_string(),
    }
}

pub(super) fn post<'a>(document: &ExpenseDocument<'a>, posting: &mut Posting<'a>) {
    let mut paid = Vec::new();
    let mut recorded = Decimal::ZERO;
    for (e, entry) in document.entries.0.iter().enumerate() {
        for (p, data) in entry.payroll.0.iter().enumerate() {
            let at = format_args!("/expenseEntry/{e}/payrollData/{p}/entryApprovedAmount");
            let amount = posting.amount(at, &data.amount);
            if data.by_payroll.is_yes() {
                paid.push(([e, p], data, amount));
            } else {
                recorded += amount;
            }
        }
    }
    let total = total(document, posting);
    let amounts: Vec<_> = paid.iter().map(|(.., amount)| *amount).collect();
    let amounts = posting.rounded(&amounts, total);
    for ((at, data, _), amount) in paid.into_iter().zip(amounts) {
        post_wage(at, data, amount, posting);
    }
    for (index, application) in document.applications.0.iter().enumerate() {
        apply_cash_advance(index, application, posting);
    }
    // Of a report that payroll pays in part, the total has what it only records too.
    if total != Some(posting.rows()) {
        posting.count(posting.round(recorded));
    }
    posting.check_total(format_args!("/report/totalApprovedAmount"), total);
}

fn post_wage<'a>(
    at: [usize; 2],
    data: &PayrollData<'a>,
    amount: Decimal,
    posting: &mut Posting<'a>,
) {
    if amount.is_zero() {
        return;
    }
    let [e, p] = at;
    posting.count(amount);
    let at = format_args!("/expenseEntry/{e}/payrollData/{p}/wageType");
    let wage = posting.account_of_wage_type(at, &data.wage_type, Cow::Borrowed("wage type"));
    let clearing = clearing(posting);
    move_between(wage, clearing, amount, posting);
}

fn apply_cash_advance<'a>(index: usize, application: &Application<'a>, posting: &mut Posting<'a>) {
    let place = format_args!("/cashAdvanceApplication/{index}");
    let at = format_args!("{place}/cashAdvanceApplicationAmount");
    let amount = posting
        .optional_amount(at, &application.amount)
        .map(|amount| posting.round(amount))
        .unwrap_or_default();
    let paid = !application.by_payroll.is_no();
    if amount.is_zero() || !paid {
        return;
    }
    if amount.is_sign_positive() {
        let message = "expected a negative amount".into();
        return posting.report(at, "cash-advance-unclear", message);
    }
    let at = format_args!("{place}/cashAdvanceClearingWageType");
    let name = Cow::Borrowed("cash advance");
    let advance = posting.account_of_wage_type(at, &application.wage_type, name);
    let clearing = clearing(posting);
    move_between(advance, clearing, amount, posting);
}

fn clearing<'a>(posting: &mut Posting<'a>) -> Option<Account<'a>> {
    let party = Party::of(Cow::Borrowed("PAYROLL"), "payroll clearing");
    posting.account_of_party(format_args!("/expenseEntry"), party)
}

fn move_between<'a>(
    to: Option<Account<'a>>,
    from: Option<Account<'a>>,
    amount: Decimal,
    posting: &mut Posting<'a>,
) {
    if let (Some(to), Some(from)) = (to, from) {
        posting.add(to, None, amount);
        posting.add(from, None, -amount);
    }
}
