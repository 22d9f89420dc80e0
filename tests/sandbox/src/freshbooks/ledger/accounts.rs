//! The chart of accounts: accounts with sub-accounts under two kinds of id, and their legacy list
//! (source: freshbooks-journal-entry-accounts).

use super::records::AccountRecord;
use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::config::{AccountConfig, AccountKind, LedgerConfig};
use crate::calendar::eastern_stamp;
use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::call::ApiCall;
use crate::freshbooks::api::errors::ApiError;
use crate::freshbooks::api::listing::{Page, object_page};
use crate::http::{Millis, Response};
use crate::money::{Currency, Money};
use crate::random::Random;

/// 2024-01-02T03:04:05Z: when the account was opened.
const OPENED: Millis = 1_704_164_645_000;

/// All accounts and sub-accounts in the order of creation.
#[derive(Debug)]
pub(crate) struct Accounts {
    random: Random,
    pub(crate) rows: Vec<Account>,
    by_sub_id: BTreeMap<u64, usize>,
    by_uuid: BTreeMap<String, usize>,
    next_id: u64,
    next_sub_id: u64,
}

/// An account or a sub-account.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// `accountid`, or of a sub-account its `sub_accountid`: the legacy ids.
    pub(crate) id: u64,
    pub(crate) uuid: String,
    pub(crate) number: String,
    pub(crate) name: String,
    pub(crate) kind: AccountKind,
    pub(crate) sub_type: String,
    /// The account above a sub-account.
    pub(crate) parent: Option<usize>,
    pub(crate) subs: Vec<usize>,
    pub(crate) created: Millis,
}

impl Account {
    /// The number of a sub-account as the legacy lists write it.
    pub(crate) fn legacy_sub_number(&self, switches: &LedgerConfig) -> &str {
        match self.number.rsplit_once('-') {
            Some((_, own)) if switches.brief_sub_numbers => own,
            _ => &self.number,
        }
    }
}

impl Accounts {
    /// The chart as configured.
    pub(crate) fn new(seed: u64, chart: &[AccountConfig]) -> Self {
        let mut accounts = Self {
            random: Random::new(seed, "freshbooks/accounts"),
            rows: Vec::new(),
            by_sub_id: BTreeMap::new(),
            by_uuid: BTreeMap::new(),
            next_id: 501,
            next_sub_id: 631,
        };
        for account in chart {
            accounts.add_account(account, OPENED);
        }
        accounts
    }

    /// The sub-account with a legacy id.
    pub(crate) fn sub_account_position(&self, id: u64) -> Option<usize> {
        self.by_sub_id.get(&id).copied()
    }

    /// The account or sub-account with a UUID.
    pub(crate) fn position_of_uuid(&self, uuid: &str) -> Option<usize> {
        self.by_uuid.get(uuid).copied()
    }

    /// The first sub-account of the first account of a sub-type.
    pub(crate) fn first_sub_account_of(&self, sub_type: &str) -> Option<usize> {
        let account = self
            .rows
            .iter()
            .find(|row| row.sub_type == sub_type && row.parent.is_none());
        account.and_then(|account| account.subs.first().copied())
    }

    pub(crate) fn add_account(&mut self, account: &AccountConfig, now: Millis) -> usize {
        let at = self.push_account(account, &account.name, None, now);
        let own_name = std::slice::from_ref(&account.name);
        let subs: &[String] = if account.subs.is_empty() {
            own_name
        } else {
            &account.subs
        };
        for name in subs {
            self.push_account(account, name, Some(at), now);
        }
        at
    }

    pub(crate) fn push_account(
        &mut self,
        account: &AccountConfig,
        name: &str,
        parent: Option<usize>,
        now: Millis,
    ) -> usize {
        let at = self.rows.len();
        let number = match parent.and_then(|parent| self.rows.get_mut(parent)) {
            Some(parent) => {
                parent.subs.push(at);
                format!("{}-{}", parent.number, parent.subs.len())
            }
            None => account.number.clone(),
        };
        let counter = if parent.is_some() {
            &mut self.next_sub_id
        } else {
            &mut self.next_id
        };
        let id = *counter;
        *counter += 1;
        let uuid = self.random.uuid();
        if parent.is_some() {
            self.by_sub_id.insert(id, at);
        }
        self.by_uuid.insert(uuid.clone(), at);
        self.rows.push(Account {
            id,
            uuid,
            number,
            name: name.to_owned(),
            kind: account.kind,
            sub_type: account.sub_type.clone(),
            parent,
            subs: Vec::new(),
            created: now,
        });
        at
    }

    pub(crate) fn record_at(&self, at: usize) -> AccountRecord {
        let row = &self.rows[at];
        AccountRecord {
            account_id: row.parent.map_or(row.id, |parent| self.rows[parent].id),
            sub_account_id: row.parent.map(|_| row.id),
            uuid: row.uuid.clone(),
            number: row.number.clone(),
            name: row.name.clone(),
            kind: row.kind,
        }
    }
}

impl FreshBooks {
    /// Routes a request on `journal_entry_accounts/journal_entry_accounts`.
    pub(crate) fn handle_accounts(&mut self, call: &ApiCall) -> Result<Response, ApiError> {
        if call.method != "GET" {
            return Err(ApiError::no_route());
        }
        if !call.access.permits("journal_entries", call.method) {
            return Err(ApiError::forbidden());
        }
        self.post_invoices();
        let page = Page::read(&call.query, 15)?;
        let visible = |row: &&Account| row.parent.is_none() && row.created <= call.visible_until;
        let (rows, total) = page.select(self.accounts.rows.iter().filter(visible));
        let views: Vec<Value> = rows.into_iter().map(|row| self.account_view(row)).collect();
        Ok(object_page(
            "journal_entry_accounts",
            &views,
            page,
            total,
            &self.config,
        ))
    }

    fn account_view(&self, account: &Account) -> Value {
        let sub = |at: &usize| {
            let row = &self.accounts.rows[*at];
            json!({"id": row.id, "sub_accountid": row.id, "account_sub_name": row.name,
                "account_sub_number": row.legacy_sub_number(&self.config.ledger),
                "parentid": account.id, "account_type": row.kind, "balance": self.balance_text(*at),
                "custom": false,
                "transaction_posted": true, "currency_code": self.config.currency,
                "created_at": eastern_stamp(row.created)})
        };
        let subs: Vec<Value> = account.subs.iter().map(sub).collect();
        let balance: Decimal = account.subs.iter().map(|at| self.balance(*at)).sum();
        json!({"id": account.id, "accountid": account.id, "account_name": account.name,
            "account_number": account.number,
            "account_type": account.kind, "balance": self.amount_text(balance),
            "currency_code": self.config.currency,
            "created_at": eastern_stamp(account.created), "sub_accounts": subs})
    }

    /// What a sub-account holds in the business' own currency, positive on the side that its type
    /// grows on.
    pub(crate) fn balance(&self, at: usize) -> Decimal {
        Currency::parse(&self.config.currency).map_or(Decimal::ZERO, |currency| {
            self.journal.balance(&self.accounts.rows[at], at, currency)
        })
    }

    /// The same as text.
    pub(crate) fn balance_text(&self, at: usize) -> String {
        self.amount_text(self.balance(at))
    }

    /// An amount in the business' own currency as text.
    pub(crate) fn amount_text(&self, amount: Decimal) -> String {
        let currency = Currency::parse(&self.config.currency).unwrap_or(Currency::euro());
        Money(amount, currency).text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::freshbooks::FreshBooksHarness;

    const PATH: &str = "journal_entry_accounts/journal_entry_accounts";

    #[test]
    fn accounts_are_listed_with_their_sub_accounts() {
        let mut harness = FreshBooksHarness::new();
        let rows = harness.listed(&format!("{PATH}?per_page=100"), "journal_entry_accounts");
        assert_eq!(rows.len(), harness.machine.config.ledger.accounts.len());
        let advances = rows
            .iter()
            .find(|row| row["account_number"] == "1150")
            .expect("the account");
        let sub = &advances["sub_accounts"][0];
        assert_eq!(
            (&sub["account_sub_number"], &sub["parentid"]),
            (&json!("1150-1"), &advances["accountid"])
        );
        assert_eq!(
            (&sub["balance"], &sub["account_type"]),
            (&json!("0.00"), &json!("asset"))
        );
        assert_eq!(harness.listed(PATH, "journal_entry_accounts").len(), 15);
    }

    #[test]
    fn added_accounts_are_listed_when_they_are_no_longer_young() {
        let mut harness = FreshBooksHarness::new();
        let account = AccountConfig {
            number: "9000".into(),
            name: "Suspense".into(),
            kind: AccountKind::Asset,
            sub_type: "current_asset".into(),
            subs: Vec::new(),
        };
        let made = harness.machine.create_account(&account, harness.now);
        assert_eq!((made.len(), made[1].number.as_str()), (2, "9000-1"));
        let sub = harness
            .machine
            .create_sub_account("9000", "Second", harness.now)
            .expect("a sub-account");
        assert_eq!(
            (sub.number.as_str(), sub.account_id),
            ("9000-2", made[0].account_id)
        );
        let path = format!("/accounting/account/zQ7pLm/{PATH}?per_page=100");
        let request = harness.request("GET", &path, None);
        let mut total = |stale| {
            let answer = harness.machine.handle(&request, harness.now, stale).value();
            answer["response"]["result"]["total"]
                .as_u64()
                .expect("a total")
        };
        assert_eq!(total(0), total(1) + 1);
    }
}
