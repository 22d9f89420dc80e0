//! Which FreshBooks account an amount goes to.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use core::fmt::Arguments;

use super::{Posting, SHOWN_CHARS_MAX};
use crate::concur::document_schema::Code;
use crate::financial::account::{Account, Party};
use crate::text::shortened;

impl<'a> Posting<'a> {
    /// The account of a Concur account code, else that of the expense type.
    pub(in crate::financial) fn account(
        &mut self,
        at: Arguments,
        code: Option<Cow<'a, str>>,
        expense_type: Option<Cow<'a, str>>,
        cost_code: Option<&str>,
        name: Cow<'a, str>,
    ) -> Option<Account<'a>> {
        match (code, expense_type) {
            (Some(code), _) => self.account_of_code(at, code, cost_code, name),
            (None, Some(expense_type)) => self.account_of_expense_type(at, expense_type, name),
            (None, None) => {
                let message = "the row has no account code".into();
                self.report(at, "account-code-missing", message);
                None
            }
        }
    }

    /// The account of a Concur account code, where nothing else can stand in.
    pub(in crate::financial) fn account_of_code(
        &mut self,
        at: Arguments,
        code: Cow<'a, str>,
        cost_code: Option<&str>,
        name: Cow<'a, str>,
    ) -> Option<Account<'a>> {
        let by_code = &self.settings.financial.accounts.by_code;
        let exact = cost_code.and_then(|cost_code| by_code.get(&format!("{code}/{cost_code}")));
        match exact.or_else(|| by_code.get(&*code)) {
            Some(id) => Some(Account { id, code, name }),
            None => {
                self.report_unmapped(at, "account-unmapped", "account code", &code, "by_code");
                None
            }
        }
    }

    fn account_of_expense_type(
        &mut self,
        at: Arguments,
        expense_type: Cow<'a, str>,
        name: Cow<'a, str>,
    ) -> Option<Account<'a>> {
        let by_expense_type = &self.settings.financial.accounts.by_expense_type;
        let id = by_expense_type.get(&*expense_type);
        if id.is_none() {
            let message = format!(
                "the row has no account code; add one to expense type \"{}\" in SAP Concur, or add \
                 the expense type to `financial.accounts.by_expense_type`",
                shown(&expense_type)
            );
            self.report(at, "account-code-missing", message);
        }
        id.map(|id| Account {
            id,
            code: expense_type,
            name,
        })
    }

    /// The account of the other party.
    pub(in crate::financial) fn account_of_party(
        &mut self,
        at: Arguments,
        party: Party<'a>,
    ) -> Option<Account<'a>> {
        let by_party = &self.settings.financial.accounts.by_party;
        let id = self.look_up(by_party, &party.key);
        if id.is_none() {
            self.report_unmapped(
                at,
                "account-unmapped",
                "payer or payee",
                &party.key,
                "by_party",
            );
        }
        id.map(|id| Account {
            id,
            code: party.key,
            name: party.name,
        })
    }

    /// Whether the settings have an account for this party.
    pub(in crate::financial) fn knows_party(&self, key: &str) -> bool {
        self.settings.financial.accounts.by_party.contains_key(key)
    }

    /// The account of a tax: by authority and code, else by the code alone.
    pub(in crate::financial) fn account_of_tax(
        &mut self,
        at: Arguments,
        authority: Option<Cow<'a, str>>,
        code: Option<Cow<'a, str>>,
    ) -> Option<Account<'a>> {
        let by_tax = &self.settings.financial.accounts.by_tax;
        let alone = code
            .clone()
            .or_else(|| authority.clone())
            .unwrap_or_default();
        let both = match (authority, code) {
            (Some(authority), Some(code)) => Cow::Owned(format!("{authority}/{code}")),
            _ => alone.clone(),
        };
        let id = by_tax.get(&*both).or_else(|| by_tax.get(&*alone));
        if id.is_none() {
            self.report_unmapped(at, "tax-unmapped", "tax", &both, "by_tax");
        }
        id.map(|id| Account {
            id,
            code: both,
            name: Cow::Borrowed("reclaimable tax"),
        })
    }

    /// The account of a wage type.
    pub(in crate::financial) fn account_of_wage_type(
        &mut self,
        at: Arguments,
        wage_type: &Code<'a>,
        name: Cow<'a, str>,
    ) -> Option<Account<'a>> {
        let Some(code) = wage_type.text() else {
            let message = "the row has no wage type".into();
            self.report(at, "wage-type-missing", message);
            return None;
        };
        let id = self.look_up(&self.settings.financial.accounts.by_wage_type, &code);
        if id.is_none() {
            self.report_unmapped(at, "wage-type-unmapped", "wage type", &code, "by_wage_type");
        }
        id.map(|id| Account { id, code, name })
    }

    fn look_up(&self, table: &'a BTreeMap<String, String>, key: &str) -> Option<&'a str> {
        table.get(key).map(String::as_str)
    }

    fn report_unmapped(&mut self, at: Arguments, code: &str, noun: &str, key: &str, table: &str) {
        let message = format!(
            "{noun} \"{}\" has no FreshBooks account; add it to `financial.accounts.{table}`",
            shown(key)
        );
        self.report_missing(at, code, message);
    }
}

fn shown(code: &str) -> String {
    shortened(code, SHOWN_CHARS_MAX)
}
