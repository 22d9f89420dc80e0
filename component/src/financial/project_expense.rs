//! Rows that name a project, as expenses of FreshBooks: their cost goes to the expense, and the
//! journal entry debits the account that FreshBooks credits for it instead. Reclaimed taxes and the
//! other side of the row stay in the entry, so that all accounts come to what they would without.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::Arguments;

use rust_decimal::Decimal;

use super::account::Account;
use super::posting::{Posting, SHOWN_CHARS_MAX};
use crate::money;
use crate::settings::financial::{Billable, OtherCostCodes, ProjectCosts};
use crate::text::{clean, shortened};

/// Digits after the point of every amount that FreshBooks' documentation shows, whatever the
/// currency (source: freshbooks-expenses).
const DIGITS_MAX: u32 = 2;

/// An expense that a row becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProjectExpense {
    /// The place of the row among all rows of its document, from 0; it stays the same whatever the
    /// settings.
    pub row: usize,
    /// FreshBooks' id of the project.
    pub project: String,
    /// FreshBooks' id of the client.
    pub client: Option<String>,
    /// FreshBooks' id of the expense category.
    pub category: String,
    /// Whether its client is to be billed for it.
    pub billable: bool,
    /// What SAP Concur calls the account, for people.
    pub label: String,
    /// What the row costs without the taxes that are reclaimed, above zero, in the currency of the
    /// document.
    pub amount: Decimal,
}

impl ProjectExpense {
    /// What FreshBooks stores of it, as text that is the same for the same content.
    pub(super) fn content(&self) -> String {
        let client = self.client.as_deref().unwrap_or_default();
        let billable = if self.billable { "billable" } else { "" };
        format!(
            "{} {} {client} {} {billable} {}",
            self.row,
            self.project,
            self.category,
            money::plain(self.amount)
        )
    }
}

/// What a row says of its cost.
pub(super) struct Cost<'a> {
    /// The place of the row among all rows of its document, from 0.
    pub(super) row: usize,
    pub(super) cost_code: Option<Cow<'a, str>>,
    /// Whether SAP Concur has it marked as billable.
    pub(super) is_billable: bool,
    /// Whether it is the employee's own, and no cost of the company.
    pub(super) is_personal: bool,
    /// What it costs, without the taxes that are reclaimed.
    pub(super) amount: Decimal,
}

impl<'a> Posting<'a> {
    /// Adds what a row costs to its account, or makes an expense of it and adds it to the account
    /// that FreshBooks credits for expenses. What is below zero stays in the entry, as FreshBooks
    /// documents no expenses below zero; so does what has a third digit, which expenses may lose.
    pub(super) fn add_cost(&mut self, at: Arguments, account: Account<'a>, cost: Cost<'a>) {
        let is_held = cost.amount > Decimal::ZERO && money::fits(cost.amount, DIGITS_MAX);
        if cost.is_personal || !is_held {
            return self.add(account, cost.cost_code, cost.amount);
        }
        let Some(project) = self.project_of(at, cost.cost_code.as_deref()) else {
            return self.add(account, cost.cost_code, cost.amount);
        };
        let code = cost.cost_code.as_deref().unwrap_or_default();
        let policy = &self.financial().project_expenses;
        let offset = policy.offset_account.as_deref().unwrap_or_default();
        let client = policy.clients.get(code).cloned();
        let is_marked = match policy.billable {
            Billable::AsMarked => cost.is_billable,
            Billable::Always => true,
            Billable::Never => false,
        };
        let key = account.code.to_string();
        let Some(category) = self.expense_category(at, &key, code) else {
            return;
        };
        let label = clean(&format!("{} {}", account.code, account.name));
        self.expenses.push(ProjectExpense {
            row: cost.row,
            project,
            billable: is_marked && client.is_some(),
            client,
            category,
            label: shortened(label.trim(), SHOWN_CHARS_MAX),
            amount: cost.amount.normalize(),
        });
        let account = Account {
            id: offset,
            code: Cow::Borrowed("project expenses"),
            name: Cow::Borrowed(""),
        };
        self.add(account, cost.cost_code, cost.amount);
    }

    /// FreshBooks' id of the project that a cost code stands for, if rows of projects become
    /// expenses.
    fn project_of(&mut self, at: Arguments, cost_code: Option<&str>) -> Option<String> {
        let financial = self.financial();
        if financial.project_costs != ProjectCosts::Expenses {
            return None;
        }
        let policy = &financial.project_expenses;
        let cost_code = cost_code?;
        let project = policy.projects.get(cost_code).cloned();
        if project.is_none() && policy.other_cost_codes == OtherCostCodes::Park {
            let message = format!(
                "cost code \"{}\" has no FreshBooks project; add it to \
                 `financial.project_expenses.projects`",
                shortened(cost_code, SHOWN_CHARS_MAX)
            );
            self.report_missing(at, "project-unmapped", message);
        }
        project
    }

    fn expense_category(&mut self, at: Arguments, code: &str, cost_code: &str) -> Option<String> {
        let categories = &self.financial().project_expenses.categories;
        let exact = categories.get(&format!("{code}/{cost_code}"));
        let found = exact.or_else(|| categories.get(code)).cloned();
        if found.is_none() {
            let message = format!(
                "account code or expense type \"{}\" has no FreshBooks expense category; add it \
                 to `financial.project_expenses.categories`",
                shortened(code, SHOWN_CHARS_MAX)
            );
            self.report_missing(at, "category-unmapped", message);
        }
        found
    }
}
