//! Views for test oracles: what a FreshBooks account really holds, whatever its API would show.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;

use super::FreshBooks;
use super::accounting::bills::Bill;
use super::accounting::expenses::Expense;
use super::accounting::invoices::Invoice;
use super::api::resource::{Resource, ViewContext};
use super::ledger::journal::{DebitsAndCredits, JournalDetail, JournalEntry, Side};
use super::ledger::records::{AccountRecord, BalanceRow, EntryRecord, LineRecord};
use super::user_actions::RecordKind;
use crate::http::Millis;
use crate::money::Currency;

impl FreshBooks {
    /// Every secret that a client was ever given: tokens, codes, verifiers, client secrets and the
    /// tokens of uploads. For oracles that search logs and stores for them.
    pub fn secrets(&self) -> Vec<String> {
        let verifiers = self
            .callbacks
            .rows
            .values()
            .map(|callback| callback.verifier.clone());
        let clients = self.config.apps.iter().map(|app| app.client_secret.clone());
        self.oauth
            .secrets()
            .into_iter()
            .chain(verifiers)
            .chain(clients)
            .chain(self.uploads.secrets())
            .collect()
    }

    /// How many refresh tokens are alive; at most one per app.
    pub fn live_refresh_tokens(&self) -> usize {
        self.oauth.live_refresh_tokens()
    }

    /// How often a refresh token was presented after it was spent, of the one that was presented
    /// most often.
    pub fn spent_token_presentations_max(&self) -> u32 {
        self.oauth.spent_token_presentations_max()
    }

    /// Callback ids, each with its event and whether it is verified.
    pub fn callback_states(&self) -> Vec<(u64, String, bool)> {
        let rows = self.callbacks.rows.values();
        rows.map(|callback| (callback.id, callback.event.clone(), callback.verified))
            .collect()
    }

    /// The verifier of each callback, by its id.
    pub fn verifiers(&self) -> BTreeMap<u64, String> {
        let rows = self.callbacks.rows.values();
        rows.map(|callback| (callback.id, callback.verifier.clone()))
            .collect()
    }

    /// How many webhooks were sent, accepted and lost so far.
    pub fn delivery_counts(&self) -> super::DeliveryCounts {
        self.webhooks.counts
    }

    /// How many deliveries wait or are under way.
    pub fn deliveries_pending(&self) -> usize {
        self.webhooks.pending()
    }

    /// All ids of a kind, deleted ones included.
    pub fn ids(&self, kind: RecordKind) -> Vec<u64> {
        match kind {
            RecordKind::Client => self.clients.rows.keys().copied().collect(),
            RecordKind::Invoice => self.invoices.rows.keys().copied().collect(),
            RecordKind::Bill => self.bills.rows.keys().copied().collect(),
            RecordKind::BillVendor => self.bill_vendors.rows.keys().copied().collect(),
            RecordKind::Payment => self.payments.rows.keys().copied().collect(),
            RecordKind::BillPayment => self.bill_payments.rows.keys().copied().collect(),
            RecordKind::Expense => self.expenses.rows.keys().copied().collect(),
            RecordKind::Category => self.categories.rows.keys().copied().collect(),
            RecordKind::Tax => self.taxes.rows.keys().copied().collect(),
            RecordKind::Service => self.services.rows.keys().copied().collect(),
            RecordKind::Task => self.tasks.rows.keys().copied().collect(),
            RecordKind::Project => self.projects.rows.keys().copied().collect(),
        }
    }

    /// An invoice as the API would show it now, lines included.
    pub fn invoice(&self, id: u64, now: Millis) -> Option<Value> {
        self.row_as_shown::<Invoice>(id, now)
    }

    /// A bill as the API would show it now.
    pub fn bill(&self, id: u64, now: Millis) -> Option<Value> {
        self.row_as_shown::<Bill>(id, now)
    }

    /// An expense as the API would show it now, its attachment included.
    pub fn expense(&self, id: u64, now: Millis) -> Option<Value> {
        self.row_as_shown::<Expense>(id, now)
    }

    /// All accounts and sub-accounts.
    pub fn accounts(&self) -> Vec<AccountRecord> {
        (0..self.accounts.rows.len())
            .map(|at| self.accounts.record_at(at))
            .collect()
    }

    /// All journal entries in the order of creation.
    pub fn journal_entries(&self) -> Vec<EntryRecord> {
        let entries = self.journal.entries.iter();
        entries.map(|entry| self.entry_record(entry)).collect()
    }

    /// How many journal entries there are.
    pub fn journal_entry_count(&self) -> usize {
        self.journal.entries.len()
    }

    /// What journal entries have posted, per sub-account and currency, by account number. Other
    /// transactions, such as invoices and expenses, are left out.
    pub fn trial_balance(&self) -> Vec<BalanceRow> {
        self.balance_rows(&self.journal.posted)
    }

    /// What journal entries have posted and expenses are booked to, per sub-account and currency,
    /// by account number. Deleted expenses count for nothing.
    pub fn trial_balance_with_expenses(&self) -> Vec<BalanceRow> {
        let mut totals = self.journal.posted.clone();
        for (key, spent) in self.expense_bookings.totals() {
            let sum = totals.entry(*key).or_default();
            sum.add(Side::Debit, spent.debit);
            sum.add(Side::Credit, spent.credit);
        }
        self.balance_rows(&totals)
    }

    fn balance_rows(
        &self,
        totals: &BTreeMap<(usize, Currency), DebitsAndCredits>,
    ) -> Vec<BalanceRow> {
        let row = |((at, currency), totals): (&(usize, Currency), &DebitsAndCredits)| BalanceRow {
            account_number: self.accounts.rows[*at].number.clone(),
            account_name: self.accounts.rows[*at].name.clone(),
            currency: currency.code().to_owned(),
            debit: totals.debit,
            credit: totals.credit,
        };
        let mut rows: Vec<BalanceRow> = totals.iter().map(row).collect();
        rows.sort_by(|a, b| {
            (&a.account_number, &a.currency).cmp(&(&b.account_number, &b.currency))
        });
        rows
    }

    fn row_as_shown<R: Resource>(&self, id: u64, now: Millis) -> Option<Value> {
        let include = |key: &str| ("include[]".to_owned(), key.to_owned());
        let query = ["lines", "vendor", "attachment"].map(include).to_vec();
        let showing = ViewContext {
            machine: self,
            query: &query,
            now,
            single: true,
            written: false,
        };
        R::table(self)
            .rows
            .get(&id)
            .and_then(|row| serde_json::to_value(row.view(&showing)).ok())
    }

    fn entry_record(&self, entry: &JournalEntry) -> EntryRecord {
        let line = |detail: &JournalDetail| {
            let account = &self.accounts.rows[detail.account];
            let on = |side| {
                if detail.side == side {
                    detail.amount
                } else {
                    Decimal::ZERO
                }
            };
            LineRecord {
                account_number: account.number.clone(),
                account_name: account.name.clone(),
                debit: on(Side::Debit),
                credit: on(Side::Credit),
            }
        };
        let details = &self.journal.details[entry.details.clone()];
        EntryRecord {
            id: entry.id,
            uuid: entry.uuid.clone(),
            name: entry.name.clone(),
            description: entry.description.clone(),
            number: entry.number.clone(),
            day: entry.day.to_string(),
            currency: entry.currency.code().to_owned(),
            lines: details.iter().map(line).collect(),
            created: entry.created,
        }
    }
}
