//! How expenses get into the books: the category's account and the tax against the account that
//! paid (source: freshbooks-journal-entry-details; which accounts these are is inferred).

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::config::ExpenseTaxBooking;
use super::journal::{DebitsAndCredits, DetailSource, DraftLine, ExpenseLineKind, Side};
use crate::freshbooks::FreshBooks;
use crate::freshbooks::accounting::expenses::Expense;
use crate::http::Millis;
use crate::money::Currency;

/// What is in the books of each expense, and what that comes to.
#[derive(Debug, Default)]
pub(crate) struct ExpenseBookings {
    booked: BTreeMap<u64, Booking>,
    totals: BTreeMap<(usize, Currency), DebitsAndCredits>,
}

/// The lines of one expense.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Booking {
    currency: Currency,
    day: Date,
    lines: Vec<(ExpenseLineKind, DraftLine)>,
}

impl ExpenseBookings {
    /// What expenses have debited and credited, per sub-account and currency: those that are there,
    /// as they are now.
    pub(crate) fn totals(&self) -> &BTreeMap<(usize, Currency), DebitsAndCredits> {
        &self.totals
    }

    fn count(&mut self, booking: &Booking, sign: Decimal) {
        for (_, line) in &booking.lines {
            let key = (line.account, booking.currency);
            let totals = self.totals.entry(key).or_default();
            totals.add(line.side, line.amount * sign);
            if totals.debit.is_zero() && totals.credit.is_zero() {
                self.totals.remove(&key);
            }
        }
    }
}

impl FreshBooks {
    /// Brings the books to what an expense says now. Nothing is taken out of them: what was booked
    /// is reversed, and booked anew.
    pub(crate) fn book_expense(&mut self, id: u64, now: Millis) {
        let booking = self.expenses.rows.get(&id).and_then(|expense| {
            let is_there = expense.head.vis_state != 1;
            is_there.then(|| self.booking_of(expense))?
        });
        let bookings = &mut self.expense_bookings;
        if bookings.booked.get(&id) == booking.as_ref() {
            return;
        }
        if let Some(before) = bookings.booked.remove(&id) {
            bookings.count(&before, Decimal::NEGATIVE_ONE);
            self.post_booking(id, &before.reversed(), now);
        }
        if let Some(booking) = booking {
            self.expense_bookings.count(&booking, Decimal::ONE);
            self.post_booking(id, &booking, now);
            self.expense_bookings.booked.insert(id, booking);
        }
    }

    fn post_booking(&mut self, id: u64, booking: &Booking, now: Millis) {
        let is_listed = self.config.ledger.expenses_in_details;
        for (kind, line) in &booking.lines {
            let source = DetailSource::Expense(id, *kind);
            let accounts = &self.accounts.rows;
            let (currency, day) = (booking.currency, booking.day);
            if is_listed {
                self.journal
                    .push_detail(accounts, *line, source, currency, day, now);
            } else {
                self.journal.add_to_totals(*line, currency);
            }
        }
    }

    /// The lines of an expense; none if the chart lacks one of the accounts.
    fn booking_of(&self, expense: &Expense) -> Option<Booking> {
        let names = &self.config.ledger.expense_accounts;
        let spent_on = self.account_of_category(expense.category)?;
        let paid_from = match expense.feed {
            Some(_) => self.sub_account_of_number(&names.bank)?,
            None => self.sub_account_of_number(&names.paid_from)?,
        };
        let is_tax_apart = self.config.ledger.expense_tax == ExpenseTaxBooking::Account;
        let taxes = expense.taxes.iter().flatten().map(|tax| tax.amount);
        let tax: Decimal = taxes.filter(|_| is_tax_apart).sum();
        let mut lines = Vec::new();
        let mut push = |kind, account, side, amount: Decimal| {
            if !amount.is_zero() {
                lines.push((kind, draft_line(account, side, amount)));
            }
        };
        let net = expense.amount - tax;
        push(ExpenseLineKind::Expense, spent_on, Side::Debit, net);
        if !tax.is_zero() {
            let account = self.sub_account_of_number(&names.tax)?;
            push(ExpenseLineKind::Tax, account, Side::Debit, tax);
        }
        let amount = expense.amount;
        push(ExpenseLineKind::Expense, paid_from, Side::Credit, amount);
        Some(Booking {
            currency: expense.currency,
            day: expense.date,
            lines,
        })
    }

    /// The place of the sub-account that a category's expenses are booked to: its own, that of the
    /// category above, or the first for operating expenses.
    fn account_of_category(&self, category: u64) -> Option<usize> {
        let own = |category: u64| {
            let row = self.category(category)?;
            let number = row.account.as_deref()?;
            self.sub_account_of_number(number)
        };
        let parent = || self.category(category)?.parent.and_then(own);
        own(category)
            .or_else(parent)
            .or_else(|| self.accounts.first_sub_account_of("operating_expense"))
    }

    fn sub_account_of_number(&self, number: &str) -> Option<usize> {
        let mut rows = self.accounts.rows.iter();
        rows.position(|row| row.number == number && row.parent.is_some())
    }
}

impl Booking {
    fn reversed(&self) -> Self {
        let mut reversed = self.clone();
        for (_, line) in &mut reversed.lines {
            line.side = line.side.other();
        }
        reversed
    }
}

/// A line whose amount is above zero: what is below changes sides.
fn draft_line(account: usize, side: Side, amount: Decimal) -> DraftLine {
    let side = if amount.is_sign_negative() {
        side.other()
    } else {
        side
    };
    DraftLine {
        account,
        side,
        amount: amount.abs(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::freshbooks::RecordKind;
    use crate::test_support::freshbooks::{FreshBooksHarness, NOW};

    fn expense(amount: &str, code: &str, tax: Option<&str>) -> Value {
        let mut fields = json!({"amount": {"amount": amount, "code": code}, "categoryid": 3345,
            "staffid": 1, "date": "2026-02-27"});
        if let Some(tax) = tax {
            fields["taxName1"] = json!("MwSt");
            fields["taxAmount1"] = json!({"amount": tax, "code": code});
        }
        fields
    }

    fn create(harness: &mut FreshBooksHarness, fields: &Value) -> u64 {
        let made = harness.machine.create_expense(fields, NOW);
        made.expect("an expense")
    }

    fn balance(harness: &FreshBooksHarness) -> Vec<String> {
        let rows = harness.machine.trial_balance_with_expenses();
        let row = |row: &crate::freshbooks::BalanceRow| {
            let (debit, credit) = (row.debit.normalize(), row.credit.normalize());
            format!("{} {} {debit} {credit}", row.account_number, row.currency)
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn the_net_the_tax_and_the_payer_are_booked() {
        let mut harness = FreshBooksHarness::new();
        create(&mut harness, &expense("119.00", "EUR", Some("19.00")));
        create(&mut harness, &expense("20.00", "USD", None));
        assert_eq!(
            balance(&harness),
            [
                "1000-2 EUR 0 119",
                "1000-2 USD 0 20",
                "2200-1 EUR 19 0",
                "6100-1 EUR 100 0",
                "6100-1 USD 20 0"
            ]
        );
        assert!(harness.machine.trial_balance().is_empty());
        let path = "journal_entries/journal_entry_details";
        let rows = harness.listed(path, "journal_entry_details");
        let kinds: Vec<&Value> = rows.iter().map(|row| &row["detail_type"]).collect();
        assert_eq!(kinds, ["expense", "expense", "expense", "tax", "expense"]);
        assert!(rows[0]["entry"]["expenseid"].is_u64());
        let accounts = "journal_entry_accounts/journal_entry_accounts?per_page=100";
        let rows = harness.listed(accounts, "journal_entry_accounts");
        let lodging = rows.iter().find(|row| row["account_number"] == "6100");
        assert_eq!(lodging.expect("the account")["balance"], "100.00");
    }

    #[test]
    fn changes_and_deletions_are_reversed() {
        let mut harness = FreshBooksHarness::new();
        let id = create(&mut harness, &expense("119.00", "EUR", Some("19.00")));
        let update = |harness: &mut FreshBooksHarness, fields: Value| {
            let done = harness
                .machine
                .update(RecordKind::Expense, id, &fields, NOW);
            done.expect("changed");
        };
        let lines = |harness: &FreshBooksHarness| harness.machine.journal.details.len();
        update(&mut harness, json!({"notes": "n"}));
        assert_eq!(lines(&harness), 3);
        update(&mut harness, json!({"categoryid": 3346, "taxName1": null}));
        assert_eq!(balance(&harness), ["1000-2 EUR 0 119", "6800-1 EUR 119 0"]);
        assert_eq!(lines(&harness), 3 + 3 + 2);
        harness.machine.delete(RecordKind::Expense, id, NOW);
        assert!(balance(&harness).is_empty());
        harness.machine.restore(RecordKind::Expense, id, NOW);
        assert_eq!(balance(&harness).len(), 2);
    }

    #[test]
    fn imports_are_paid_by_the_bank_and_refunds_change_sides() {
        let mut harness = FreshBooksHarness::new();
        harness.machine.config.expenses.negative_allowed = true;
        let refund = expense("-119.00", "EUR", Some("-19.00"));
        let made = harness.machine.import_expense(&refund, "Bank", NOW);
        made.expect("an expense");
        assert_eq!(
            balance(&harness),
            ["1000-1 EUR 119 0", "2200-1 EUR 0 19", "6100-1 EUR 0 100"]
        );
    }

    #[test]
    fn by_switch_tax_stays_in_the_expense_and_lines_are_not_listed() {
        let mut harness = FreshBooksHarness::new();
        harness.machine.config.ledger.expense_tax = ExpenseTaxBooking::Category;
        harness.machine.config.ledger.expenses_in_details = false;
        create(&mut harness, &expense("119.00", "EUR", Some("19.00")));
        assert_eq!(balance(&harness), ["1000-2 EUR 0 119", "6100-1 EUR 119 0"]);
        assert!(harness.machine.journal.details.is_empty());
    }

    #[test]
    fn a_category_of_a_person_is_booked_where_the_one_above_is() {
        let mut harness = FreshBooksHarness::new();
        for (fields, account) in [
            (json!({"category": "Inns", "parentid": 3345}), "6100-1"),
            (json!({"category": "Misc"}), "6000-1"),
        ] {
            let machine = &mut harness.machine;
            let made = machine.create(RecordKind::Category, &fields, NOW);
            let at = machine.account_of_category(made.expect("a category"));
            let number = at.map(|at| machine.accounts.rows[at].number.as_str());
            assert_eq!(number, Some(account));
        }
    }
}
