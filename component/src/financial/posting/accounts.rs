//! Which FreshBooks account an amount goes to.

use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use core::fmt::Arguments;

use super::{Posting, SHOWN_CHARS_MAX};
use crate::concur::document_schema::Code;
use crate::financial::account::{Account, Party};
use crate::text::shortened;

impl<'a> Posting<'a> {
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

    /// The account of an expense type, for a row without an account code.
    pub(in crate::financial) fn account_of_expense_type(
        &mut self,
        at: Arguments,
        expense_type: &Code<'a>,
        name: Cow<'a, str>,
    ) -> Option<Account<'a>> {
        let Some(code) = expense_type.text() else {
            let message = "the row has neither an account code nor an expense type; give it an \
                           expense type in SAP Concur";
            self.report(at, "expense-type-missing", message.into());
            return None;
        };
        let by_expense_type = &self.settings.financial.accounts.by_expense_type;
        let id = self.look_up(by_expense_type, &code);
        if id.is_none() {
            let message = format!(
                "the row has no account code; add its expense type \"{}\" to \
                 `financial.accounts.by_expense_type`",
                shown(&code)
            );
            self.report_missing(at, "account-code-missing", message);
        }
        id.map(|id| Account { id, code, name })
    }

    /// The account of a personal item without an account code: that through which the card's
    /// personal items are cleared, and never that of an expense.
    pub(in crate::financial) fn account_of_personal_item(
        &mut self,
        at: Arguments,
        clearing: &Code<'a>,
        name: Cow<'a, str>,
    ) -> Option<Account<'a>> {
        if let Some(code) = clearing.text() {
            return self.account_of_code(at, code, None, name);
        }
        let personal_items = self.settings.financial.accounts.personal_items.as_deref();
        let noun = "a personal item has no account code and no clearing account code";
        self.account_of_setting(at, personal_items, "personal_items", noun)
    }

    /// The account of a cash advance.
    pub(in crate::financial) fn account_of_advance(
        &mut self,
        at: Arguments,
        code: &Code<'a>,
    ) -> Option<Account<'a>> {
        if let Some(code) = code.text() {
            return self.account_of_code(at, code, None, Cow::Borrowed("cash advance"));
        }
        let cash_advances = self.settings.financial.accounts.cash_advances.as_deref();
        let noun = "a cash advance has no account code";
        self.account_of_setting(at, cash_advances, "cash_advances", noun)
    }

    fn account_of_setting(
        &mut self,
        at: Arguments,
        id: Option<&'a str>,
        setting: &'static str,
        noun: &str,
    ) -> Option<Account<'a>> {
        if id.is_none() {
            let message =
                format!("{noun}; set `financial.accounts.{setting}` to the account that it is for");
            self.report_missing(at, "account-code-missing", message);
        }
        id.map(|id| Account {
            id,
            code: Cow::Owned(setting.replace('_', " ")),
            name: Cow::Borrowed(""),
        })
    }

    /// The account of the other party: its own, such as that of `EMPL/E1007`, else that of its
    /// kind.
    pub(in crate::financial) fn account_of_party(
        &mut self,
        at: Arguments,
        party: Party<'a>,
    ) -> Option<Account<'a>> {
        let id = self.own_account(&party);
        let id = id.or_else(|| self.id_of_party(&party.key));
        if id.is_none() {
            let noun = "payer or payee";
            self.report_unmapped(at, "account-unmapped", noun, &party.key, "by_party");
        }
        id.map(|id| Account {
            id,
            code: party.key,
            name: party.name,
        })
    }

    /// The account that the settings have for this one employee or vendor.
    pub(in crate::financial) fn own_account(&self, party: &Party) -> Option<&'a str> {
        self.id_of_party(&format!("{}/{}", party.key, party.id.as_deref()?))
    }

    /// The account that the settings have under this name.
    pub(in crate::financial) fn id_of_party(&self, key: &str) -> Option<&'a str> {
        self.look_up(&self.settings.financial.accounts.by_party, key)
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

    /// The account of an invoice's tax that the company gets back: by its code, else by its field
    /// such as `VAT1`, else by the one authority that has this code, since invoices name none. A
    /// tax that the settings do not have is not given back.
    pub(in crate::financial) fn account_of_invoice_tax(
        &mut self,
        at: Arguments,
        code: Option<Cow<'a, str>>,
        field: Option<Cow<'a, str>>,
    ) -> Option<Account<'a>> {
        let by_tax = &self.settings.financial.accounts.by_tax;
        let name = Cow::Borrowed("reclaimable tax");
        for key in [&code, &field].into_iter().flatten() {
            if let Some(id) = self.look_up(by_tax, key) {
                let code = key.clone();
                return Some(Account { id, code, name });
            }
        }
        let code = code?;
        let has_code = |key: &&String| {
            key.rsplit_once('/')
                .is_some_and(|(_, of_key)| of_key == code)
        };
        let accounts = by_tax.iter().filter(|(key, _)| has_code(key));
        let accounts: BTreeSet<&'a str> = accounts.map(|(_, id)| id.as_str()).collect();
        if accounts.len() > 1 {
            self.report_unmapped(
                at,
                "tax-unmapped",
                "tax of several authorities",
                &code,
                "by_tax",
            );
        }
        let id = accounts.first()?;
        Some(Account { id, code, name })
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
