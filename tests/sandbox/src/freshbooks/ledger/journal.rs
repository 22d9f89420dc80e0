//! The books themselves: entries, their lines and what comes of them per account. Append only,
//! because the API documents neither an update nor a deletion.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::accounts::Account;
use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::errors::ApiError;
use crate::http::Millis;
use crate::money::Currency;
use crate::random::Random;

/// Entries and lines in the order of creation, with running totals.
#[derive(Debug)]
pub(crate) struct Journal {
    random: Random,
    pub(crate) entries: Vec<JournalEntry>,
    pub(crate) details: Vec<JournalDetail>,
    by_day: BTreeMap<Date, Vec<usize>>,
    totals: BTreeMap<(usize, Currency), DebitsAndCredits>,
    pub(crate) posted: BTreeMap<(usize, Currency), DebitsAndCredits>,
    next_invoice: u64,
}

/// A posted journal entry: at least two details whose debits and credits are equal.
#[derive(Clone, Debug)]
pub(crate) struct JournalEntry {
    pub(crate) id: u64,
    pub(crate) uuid: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) number: Option<String>,
    pub(crate) day: Date,
    pub(crate) currency: Currency,
    pub(crate) details: std::ops::Range<usize>,
    pub(crate) created: Millis,
}

/// A line of an entry or of another transaction.
#[derive(Clone, Debug)]
pub(crate) struct JournalDetail {
    pub(crate) id: u64,
    pub(crate) account: usize,
    pub(crate) side: Side,
    pub(crate) amount: Decimal,
    /// What the account holds in this currency after the line.
    pub(crate) balance: Decimal,
    pub(crate) currency: Currency,
    pub(crate) day: Date,
    pub(crate) source: DetailSource,
    pub(crate) created: Millis,
}

/// What a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DetailSource {
    /// The entry at a place.
    Entry(usize),
    /// The invoice of an id.
    Invoice(u64),
    /// The expense of an id.
    Expense(u64, ExpenseLineKind),
}

/// What a line of an expense stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExpenseLineKind {
    /// What was spent, or what paid for it.
    Expense,
    /// The tax in it.
    Tax,
}

/// The side of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Debit,
    Credit,
}

impl Side {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Debit => Self::Credit,
            Self::Credit => Self::Debit,
        }
    }
}

/// An entry before it is checked.
#[derive(Debug)]
pub(crate) struct DraftEntry {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) number: Option<String>,
    pub(crate) day: Date,
    pub(crate) currency: Currency,
    pub(crate) lines: Vec<DraftLine>,
}

/// A line before it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DraftLine {
    pub(crate) account: usize,
    pub(crate) side: Side,
    pub(crate) amount: Decimal,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DebitsAndCredits {
    pub(crate) debit: Decimal,
    pub(crate) credit: Decimal,
}

impl Journal {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed, "freshbooks/journal"),
            entries: Vec::new(),
            details: Vec::new(),
            by_day: BTreeMap::new(),
            totals: BTreeMap::new(),
            posted: BTreeMap::new(),
            next_invoice: 0,
        }
    }

    /// What an account holds in a currency, all transactions considered.
    pub(crate) fn balance(&self, account: &Account, at: usize, currency: Currency) -> Decimal {
        let totals = self.totals.get(&(at, currency)).copied();
        totals.unwrap_or_default().balance(account)
    }

    /// How many lines were created up to an instant; later ones do not show up in lists yet.
    pub(crate) fn details_until(&self, visible_until: Millis) -> usize {
        self.details
            .partition_point(|detail| detail.created <= visible_until)
    }

    /// How many entries were created up to an instant; later ones do not show up in lists yet.
    pub(crate) fn entries_until(&self, visible_until: Millis) -> usize {
        self.entries
            .partition_point(|entry| entry.created <= visible_until)
    }

    /// The places of lines whose day is in a range, in the order of creation.
    pub(crate) fn details_between(&self, from: Date, to: Date) -> Vec<usize> {
        if from > to {
            return Vec::new();
        }
        let days = self.by_day.range(from..=to);
        let mut places: Vec<usize> = days.flat_map(|(_, places)| places.clone()).collect();
        places.sort_unstable();
        places
    }

    fn post_draft(&mut self, accounts: &[Account], draft: DraftEntry, now: Millis) -> usize {
        let (at, first) = (self.entries.len(), self.details.len());
        for line in &draft.lines {
            let posted = self.posted.entry((line.account, draft.currency));
            posted.or_default().add(line.side, line.amount);
            self.push_detail(
                accounts,
                *line,
                DetailSource::Entry(at),
                draft.currency,
                draft.day,
                now,
            );
        }
        self.entries.push(JournalEntry {
            id: 88_001 + at as u64,
            uuid: self.random.uuid(),
            name: draft.name,
            description: draft.description,
            number: draft.number,
            day: draft.day,
            currency: draft.currency,
            details: first..self.details.len(),
            created: self.never_before(now),
        });
        at
    }

    /// Counts a line without listing it.
    pub(crate) fn add_to_totals(
        &mut self,
        line: DraftLine,
        currency: Currency,
    ) -> DebitsAndCredits {
        let totals = self.totals.entry((line.account, currency)).or_default();
        totals.add(line.side, line.amount);
        *totals
    }

    /// Counts a line and lists it.
    pub(crate) fn push_detail(
        &mut self,
        accounts: &[Account],
        line: DraftLine,
        source: DetailSource,
        currency: Currency,
        day: Date,
        now: Millis,
    ) {
        let totals = self.add_to_totals(line, currency);
        let balance = totals.balance(&accounts[line.account]);
        let at = self.details.len();
        self.by_day.entry(day).or_default().push(at);
        self.details.push(JournalDetail {
            id: 540_001 + at as u64,
            account: line.account,
            side: line.side,
            amount: line.amount,
            balance,
            currency,
            day,
            source,
            created: self.never_before(now),
        });
    }

    /// Rows are looked up by age, so none may be older than the one before.
    fn never_before(&self, now: Millis) -> Millis {
        let last = self.details.last().map_or(0, |detail| detail.created);
        now.max(last)
    }
}

impl DebitsAndCredits {
    pub(crate) fn add(&mut self, side: Side, amount: Decimal) {
        match side {
            Side::Debit => self.debit = self.debit.saturating_add(amount),
            Side::Credit => self.credit = self.credit.saturating_add(amount),
        }
    }

    fn balance(self, account: &Account) -> Decimal {
        if account.kind.debit_is_plus() {
            self.debit - self.credit
        } else {
            self.credit - self.debit
        }
    }
}

impl FreshBooks {
    /// Checks an entry and posts it; returns its place.
    pub(crate) fn post_entry(
        &mut self,
        mut draft: DraftEntry,
        now: Millis,
    ) -> Result<usize, ApiError> {
        self.check_draft(&mut draft)?;
        self.post_invoices();
        Ok(self.journal.post_draft(&self.accounts.rows, draft, now))
    }

    /// Brings invoices into the books that are not in there yet: noise among the details, as in a
    /// real account.
    pub(crate) fn post_invoices(&mut self) {
        let ends = (
            self.accounts.first_sub_account_of("accounts_receivable"),
            self.accounts.first_sub_account_of("income"),
        );
        let (true, (Some(receivable), Some(sales))) =
            (self.config.ledger.invoices_in_details, ends)
        else {
            return;
        };
        for (id, invoice) in self.invoices.rows.range(self.journal.next_invoice..) {
            self.journal.next_invoice = id + 1;
            let (amount, source) = (invoice.totals.total(), DetailSource::Invoice(*id));
            for (account, side) in [(receivable, Side::Debit), (sales, Side::Credit)] {
                let line = DraftLine {
                    account,
                    side,
                    amount,
                };
                self.journal.push_detail(
                    &self.accounts.rows,
                    line,
                    source,
                    invoice.currency,
                    invoice.create_date,
                    invoice.head.created,
                );
            }
        }
    }

    fn check_draft(&self, draft: &mut DraftEntry) -> Result<(), ApiError> {
        let refused = |errno: u32, field: &str, message: &str| {
            Err(ApiError::field(422, errno, "journal_entry", field, message))
        };
        if draft.lines.len() < 2 {
            return refused(1004, "details", "At least two details are required.");
        }
        let switches = &self.config.ledger;
        let mut sums = DebitsAndCredits::default();
        for line in &mut draft.lines {
            let rounded = draft.currency.round(line.amount);
            if rounded != line.amount && !switches.round_amounts {
                return refused(1004, "amount", "The amount has too many decimals.");
            }
            line.amount = rounded;
            if rounded.is_sign_negative() && !rounded.is_zero() {
                return refused(1025, "amount", "The amount may not be negative.");
            }
            if rounded.is_zero() && !switches.zero_lines_allowed {
                return refused(1004, "amount", "The amount may not be zero.");
            }
            sums.add(line.side, rounded);
        }
        if sums.debit != sums.credit {
            return refused(1040, "details", "Debits and credits are not equal.");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::test_support::freshbooks::FreshBooksHarness;

    fn post(harness: &mut FreshBooksHarness, amount: &str, currency: &str) {
        let accounts = harness.machine.accounts();
        let id = |number: &str| {
            let found = accounts.iter().find(|account| account.number == number);
            found.and_then(|account| account.sub_account_id)
        };
        let details = json!([{"sub_accountid": id("6100-1"), "debit": amount},
            {"sub_accountid": id("2000-2"), "credit": amount}]);
        let entry = json!({"name": "N", "user_entered_date": "2026-03-01",
            "currency_code": currency, "details": details});
        let answer = harness.accounting(
            "POST",
            "journal_entries/journal_entries",
            Some(json!({"journal_entry": entry})),
        );
        assert_eq!(answer.status, 200, "{}", answer.value());
    }

    #[test]
    fn the_trial_balance_adds_up_per_account_and_currency() {
        let mut harness = FreshBooksHarness::new();
        let client = harness.client();
        let lines = json!([{"name": "Work", "unit_cost": "100"}]);
        let invoice = json!({"customerid": client, "create_date": "2026-03-01", "lines": lines});
        harness
            .machine
            .create_invoice(&invoice, harness.now)
            .expect("an invoice");
        for (amount, currency) in [("10.10", "EUR"), ("5.05", "EUR"), ("700", "JPY")] {
            post(&mut harness, amount, currency);
        }
        let rows = harness.machine.trial_balance();
        let brief: Vec<String> = rows
            .iter()
            .map(|row| {
                format!(
                    "{} {} {} {}",
                    row.account_number, row.currency, row.debit, row.credit
                )
            })
            .collect();
        assert_eq!(
            brief,
            [
                "2000-2 EUR 0 15.15",
                "2000-2 JPY 0 700",
                "6100-1 EUR 15.15 0",
                "6100-1 JPY 700 0"
            ]
        );
        let entries = harness.machine.journal_entries();
        assert_eq!(
            (entries.len(), harness.machine.journal_entry_count()),
            (3, 3)
        );
        assert_eq!(json!(entries[2])["lines"][1]["credit"], "700");
    }

    #[test]
    fn balances_follow_the_type_of_account() {
        let mut harness = FreshBooksHarness::new();
        post(&mut harness, "10.10", "EUR");
        let rows = harness.listed(
            "journal_entry_accounts/journal_entry_accounts?per_page=100",
            "journal_entry_accounts",
        );
        let balance = |number: &str| {
            let found = rows.iter().find(|row| row["account_number"] == number);
            found.expect("the account")["balance"].clone()
        };
        assert_eq!(
            (balance("6100"), balance("2000")),
            (json!("10.10"), json!("10.10"))
        );
    }
}
