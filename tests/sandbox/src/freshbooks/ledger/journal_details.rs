//! Lines of all transactions, the only way to read a journal entry back at the older endpoint
//! (source: freshbooks-journal-entry-details).

use jiff::civil::Date;
use serde_json::{Value, json};

use super::journal::{DetailSource, ExpenseLineKind, JournalDetail, Side};
use crate::calendar::parse_day;
use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::call::ApiCall;
use crate::freshbooks::api::errors::ApiError;
use crate::freshbooks::api::listing::{Page, SearchFilters, object_page};
use crate::http::{Pairs, Response};
use crate::money::Money;

impl FreshBooks {
    /// Routes a request on `journal_entries/journal_entry_details`.
    pub(crate) fn handle_journal_details(&mut self, call: &ApiCall) -> Result<Response, ApiError> {
        if call.method != "GET" {
            return Err(ApiError::no_route());
        }
        if !call.access.permits("journal_entries", call.method) {
            return Err(ApiError::forbidden());
        }
        self.post_invoices();
        let page = Page::read(&call.query, 15)?;
        let visible = self.journal.details_until(call.visible_until);
        let (places, total) = match self.requested_days(&call.query) {
            Some((from, to)) => {
                let mut places = self.journal.details_between(from, to);
                places.retain(|at| *at < visible);
                let total = places.len();
                let cut = self.page_places(page, total);
                (cut.map(|at| places[at]).collect::<Vec<_>>(), total)
            }
            None => (self.page_places(page, visible).collect(), visible),
        };
        let views: Vec<Value> = places
            .into_iter()
            .map(|at| self.detail_view(&self.journal.details[at]))
            .collect();
        Ok(object_page(
            "journal_entry_details",
            &views,
            page,
            total,
            &self.config,
        ))
    }

    /// The places of a page's rows among `total`, without visiting the others.
    pub(crate) fn page_places(&self, page: Page, total: usize) -> impl Iterator<Item = usize> {
        let first = (page.page - 1).saturating_mul(page.per_page).min(total);
        let end = first.saturating_add(page.per_page).min(total);
        let newest_first = self.config.newest_first;
        (first..end).map(move |at| if newest_first { total - 1 - at } else { at })
    }

    fn requested_days(&self, query: &Pairs) -> Option<(Date, Date)> {
        if !self.config.ledger.date_filters {
            return None;
        }
        let search = SearchFilters(query);
        let (min, max) = (search.value("date_min"), search.value("date_max"));
        let from = min.and_then(parse_day);
        let to = max.and_then(parse_day).map(|max| {
            if self.config.max_filter_inclusive {
                max
            } else {
                max.yesterday().unwrap_or(Date::MIN)
            }
        });
        (from.is_some() || to.is_some())
            .then(|| (from.unwrap_or(Date::MIN), to.unwrap_or(Date::MAX)))
    }

    fn detail_view(&self, detail: &JournalDetail) -> Value {
        let rows = &self.accounts.rows;
        let sub = &rows[detail.account];
        let account = sub.parent.map_or(sub, |parent| &rows[parent]);
        let money = |side| (detail.side == side).then_some(Money(detail.amount, detail.currency));
        let (name, description, kind, entry) = match detail.source {
            DetailSource::Entry(at) => {
                let entry = &self.journal.entries[at];
                (
                    entry.name.as_str(),
                    entry.description.as_str(),
                    "adjustment",
                    owning_transaction("entryid", entry.id),
                )
            }
            DetailSource::Invoice(id) => {
                ("Invoice", "", "sales", owning_transaction("invoiceid", id))
            }
            DetailSource::Expense(id, kind) => {
                let kind = match kind {
                    ExpenseLineKind::Expense => "expense",
                    ExpenseLineKind::Tax => "tax",
                };
                ("Expense", "", kind, owning_transaction("expenseid", id))
            }
        };
        json!({"id": detail.id, "detailid": detail.id,
            "accounting_systemid": self.config.account_id,
            "account": {"id": account.id, "accountid": account.id, "account_name": account.name,
            "account_number": account.number,
                "account_type": account.kind},
            "sub_account": {"id": sub.id, "sub_accountid": sub.id, "account_sub_name": sub.name,
            "account_sub_number": sub.legacy_sub_number(&self.config.ledger),
                "parentid": account.id},
            "entry": entry, "debit": money(Side::Debit), "credit": money(Side::Credit),
            "balance": Money(detail.balance, detail.currency), "detail_type": kind, "name": name,
            "description": description, "user_entered_date": detail.day.to_string()})
    }
}

/// The transaction a line belongs to: one of its ids is set.
fn owning_transaction(name: &str, id: u64) -> Value {
    let mut entry = json!({"entryid": null, "clientid": null, "creditid": null, "expenseid": null,
        "incomeid": null,
        "invoiceid": null, "paymentid": null, "categoryid": null});
    entry[name] = json!(id);
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::freshbooks::FreshBooksHarness;

    const PATH: &str = "journal_entries/journal_entry_details";

    fn post(harness: &mut FreshBooksHarness, name: &str, day: &str) {
        let accounts = harness.machine.accounts();
        let subs: Vec<u64> = accounts
            .iter()
            .filter_map(|one| one.sub_account_id)
            .collect();
        let details = json!([{"sub_accountid": subs[0], "debit": "1"}, {"sub_accountid": subs[1],
            "credit": "1"}]);
        let entry = json!({"name": name, "user_entered_date": day, "currency_code": "EUR",
            "details": details});
        harness.accounting(
            "POST",
            "journal_entries/journal_entries",
            Some(json!({"journal_entry": entry})),
        );
    }

    fn invoice(harness: &mut FreshBooksHarness) {
        let client = harness.client();
        let lines = json!([{"name": "Work", "unit_cost": "100"}]);
        let fields = json!({"customerid": client, "create_date": "2026-03-01", "lines": lines});
        harness
            .machine
            .create_invoice(&fields, harness.now)
            .expect("an invoice");
    }

    fn total(harness: &mut FreshBooksHarness, query: &str, stale: u64) -> u64 {
        let path = format!("/accounting/account/zQ7pLm/{PATH}{query}");
        let request = harness.request("GET", &path, None);
        let answer = harness.machine.handle(&request, harness.now, stale).value();
        answer["response"]["result"]["total"]
            .as_u64()
            .expect("a total")
    }

    #[test]
    fn pages_hold_15_and_at_most_100() {
        let mut harness = FreshBooksHarness::new();
        for at in 0..60 {
            post(&mut harness, &format!("E{at}"), "2026-03-01");
        }
        assert_eq!(harness.listed(PATH, "journal_entry_details").len(), 15);
        let page = |harness: &mut FreshBooksHarness, number: u32| {
            let path = format!("{PATH}?per_page=500&page={number}");
            harness.listed(&path, "journal_entry_details")
        };
        let (first, second) = (page(&mut harness, 1), page(&mut harness, 2));
        assert_eq!(
            (first.len(), second.len(), page(&mut harness, 3).len()),
            (100, 20, 0)
        );
        assert_eq!(
            (&first[0]["name"], &second[19]["name"]),
            (&json!("E59"), &json!("E0"))
        );
        harness.machine.config.newest_first = false;
        assert_eq!(page(&mut harness, 1)[0]["name"], "E0");
    }

    #[test]
    fn lines_tell_their_entry_account_and_type() {
        let mut harness = FreshBooksHarness::new();
        invoice(&mut harness);
        post(&mut harness, "E", "2026-03-01");
        let rows = harness.listed(PATH, "journal_entry_details");
        let kinds: Vec<&str> = rows
            .iter()
            .filter_map(|row| row["detail_type"].as_str())
            .collect();
        assert_eq!(kinds, ["adjustment", "adjustment", "sales", "sales"]);
        assert_eq!(rows[1]["debit"], json!({"amount": "1.00", "code": "EUR"}));
        assert_eq!(
            (
                &rows[0]["debit"],
                &rows[1]["sub_account"]["account_sub_number"]
            ),
            (&json!(null), &json!("1000-1"))
        );
        assert!(rows[0]["entry"]["entryid"].is_u64() && rows[2]["entry"]["invoiceid"].is_u64());
        assert_eq!(
            (&rows[0]["balance"]["amount"], &rows[1]["balance"]["amount"]),
            (&json!("-1.00"), &json!("1.00"))
        );
    }

    #[test]
    fn filters_are_ignored_unless_switched() {
        let mut harness = FreshBooksHarness::new();
        harness.machine.config.ledger.invoices_in_details = false;
        invoice(&mut harness);
        for day in ["2026-02-27", "2026-02-28", "2026-03-01"] {
            post(&mut harness, "E", day);
        }
        let days = "?search[date_min]=2026-02-28&search[date_max]=2026-03-01";
        assert_eq!(total(&mut harness, days, 0), 6);
        harness.machine.config.ledger.date_filters = true;
        assert_eq!(total(&mut harness, days, 0), 2);
        harness.machine.config.max_filter_inclusive = true;
        assert_eq!(total(&mut harness, days, 0), 4);
        assert_eq!(total(&mut harness, "?search[date_min]=2026-03-01", 0), 2);
        assert_eq!(
            total(
                &mut harness,
                "?search[date_min]=2026-03-02&search[date_max]=2026-03-01",
                0
            ),
            0
        );
        assert_eq!(total(&mut harness, "?search[name]=X", 0), 6);
    }

    #[test]
    fn stale_look_ups_miss_the_youngest_lines() {
        let mut harness = FreshBooksHarness::new();
        post(&mut harness, "old", "2026-03-01");
        harness.now += 10;
        post(&mut harness, "young", "2026-03-01");
        let totals = [0, 9, 11].map(|stale| total(&mut harness, "", stale));
        assert_eq!(totals, [4, 2, 0]);
        harness.machine.config.ledger.date_filters = true;
        assert_eq!(total(&mut harness, "?search[date_min]=2026-03-01", 9), 2);
    }
}
