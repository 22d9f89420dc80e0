//! What people do with expense reports in the browser.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::entry_body::company_rate;
use super::report::{Entry, Step};
use crate::concur::users::user_with_login;
use crate::concur::{CannotDo, Concur, Filing};
use crate::http::Millis;
use crate::money::{Currency, parse_decimal};

/// An entry that a person types, or what of one they change; what is left out has its default, or
/// stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EntryByHand {
    /// The code of the expense type; `TAXIX` if none is given.
    pub expense_type: Option<String>,
    /// The v4 id of the payment type; `CASH` if none is given.
    pub payment_type: Option<String>,
    /// The day, `YYYY-MM-DD`; 2026-03-02 if none is given.
    pub day: Option<String>,
    /// The amount spent, a plain decimal; `25.00` if none is given.
    pub amount: Option<String>,
    /// The currency spent; that of the report if none is given.
    pub currency: Option<String>,
    /// The business purpose.
    pub description: Option<String>,
    /// The vendor.
    pub vendor: Option<String>,
    /// It is private.
    pub personal: Option<bool>,
    /// Custom fields by the names of v3: the code of a list item, or text; an empty one empties it.
    pub customs: BTreeMap<String, String>,
}

impl Concur {
    /// A person opens a report under the default policy; its id, or none if nobody has that login.
    pub fn create_report_by_hand(
        &mut self,
        login: &str,
        name: &str,
        now: Millis,
    ) -> Option<String> {
        let user = user_with_login(&self.config.users, login)?.clone();
        let policy = self.config.expense.policies.first()?.id.clone();
        let mut report = self.empty_report(&user, &policy, now);
        report.texts.insert("name".into(), name.into());
        let id = report.id.clone();
        self.expense.add_report(report);
        Some(id)
    }

    /// A person adds an entry to a report that is with its owner, even if it was submitted before;
    /// its v4 id, or none if that is impossible.
    pub fn add_entry_by_hand(
        &mut self,
        report: &str,
        entry: &EntryByHand,
        now: Millis,
    ) -> Option<String> {
        let open = self
            .expense
            .report(report)
            .filter(|report| report.step == Step::Open)?;
        let currency = open.currency;
        let mut made = self.empty_entry(currency, now);
        made.expense_type = "TAXIX".into();
        made.payment_type = "CASH".into();
        made.day = "2026-03-02".into();
        made.amount = Decimal::new(2500, 2);
        made.by_hand = true;
        self.apply_by_hand(entry, &mut made)?;
        made.rate = company_rate(made.currency, currency, &self.config.expense).ok()?;
        let expense_id = made.expense_id.clone();
        self.add_entry(report, made);
        Some(expense_id)
    }

    /// A person changes an entry, by its v4 id, whatever the state of its report; false if there is
    /// none or the change is impossible.
    pub fn edit_entry_by_hand(&mut self, id: &str, change: &EntryByHand, now: Millis) -> bool {
        let Some((report, at)) = self.place_by_hand(id) else {
            return false;
        };
        let mut entry = self.expense.reports[report].entries[at].clone();
        if self.apply_by_hand(change, &mut entry).is_none() {
            return false;
        }
        entry.modified = now;
        self.expense.reports[report].entries[at] = entry;
        self.expense.reports[report].touch(now);
        true
    }

    /// A person deletes an entry, by its v4 id; false if there is none.
    pub fn delete_entry_by_hand(&mut self, id: &str, now: Millis) -> bool {
        let Some((report, at)) = self.place_by_hand(id) else {
            return false;
        };
        self.expense.reports[report].entries.remove(at);
        self.expense.reports[report].touch(now);
        true
    }

    /// A person deletes a report with all its entries; false if there is none.
    pub fn delete_expense_report(&mut self, id: &str, now: Millis) -> bool {
        let Some(report) = self.expense.report_mut(id) else {
            return false;
        };
        report.deleted = true;
        report.touch(now);
        true
    }

    /// The owner submits a report; false if it cannot be submitted.
    pub fn submit_expense_report(&mut self, id: &str, now: Millis) -> bool {
        self.submit(id, now).is_ok()
    }

    /// Everyone who has to approves a report; it becomes a document, if the company has the
    /// integration. False if it is not submitted.
    pub fn approve_expense_report(&mut self, id: &str, filing: &Filing, now: Millis) -> bool {
        let mut approved = false;
        while self.approve_step(id, filing, now).is_ok() {
            approved = true;
        }
        approved
    }

    /// The approver sends a report back to its owner; false if it is not waiting.
    pub fn send_back_expense_report(&mut self, id: &str, now: Millis) -> bool {
        let report = self.expense.report(id);
        let is_pending = report.is_some_and(|report| matches!(report.step, Step::Pending(_)));
        if is_pending {
            self.reopen(id, true, now);
        }
        is_pending
    }

    /// The owner recalls a report, or the processor does while its document allows it.
    pub fn recall_expense_report(&mut self, id: &str, now: Millis) -> Result<(), CannotDo> {
        self.recall_report(id, now)
    }

    fn place_by_hand(&self, expense_id: &str) -> Option<(usize, usize)> {
        let mut reports = self.expense.reports.iter().enumerate();
        reports.find_map(|(report, one)| {
            let mut entries = one.entries.iter().filter(|_| !one.deleted);
            let at = entries.position(|entry| entry.expense_id == expense_id)?;
            Some((report, at))
        })
    }

    fn apply_by_hand(&self, change: &EntryByHand, entry: &mut Entry) -> Option<()> {
        let config = &self.config.expense;
        if let Some(code) = &change.expense_type {
            entry.expense_type = config.expense_type(code)?.code.clone();
        }
        if let Some(id) = &change.payment_type {
            entry.payment_type = config.payment_type(id)?.id.clone();
        }
        if let Some(code) = &change.currency {
            entry.currency = Currency::parse(code)?;
        }
        if let Some(amount) = &change.amount {
            entry.amount = parse_decimal(amount)?;
        }
        let texts = [
            (&change.day, &mut entry.day),
            (&change.description, &mut entry.description),
            (&change.vendor, &mut entry.vendor),
        ];
        for (text, field) in texts {
            if let Some(text) = text {
                field.clone_from(text);
            }
        }
        entry.personal = change.personal.unwrap_or(entry.personal);
        for (name, text) in &change.customs {
            config.entry_fields.get(name)?;
            entry.customs.insert(name.clone(), text.clone());
        }
        entry.customs.retain(|_, text| !text.is_empty());
        Some(())
    }
}
