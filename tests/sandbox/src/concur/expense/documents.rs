//! What becomes of an approved report: a document of the financial integration, like the reports
//! that the sandbox draws (source: concur-financial-schema, concur-financial-posting-use-cases).

use rust_decimal::Decimal;

use super::config::Payer;
use super::custom_fields::code_and_value;
use super::report::{Entry, Step};
use crate::calendar::parse_day;
use crate::concur::Concur;
use crate::concur::financial::content::generate::{CLEARING, Claimant, ExpenseKind};
use crate::concur::financial::content::generate_report::personal_allocation;
use crate::concur::financial::content::report::{
    CustomField, EntryAllocation, ExpenseReport, JournalParty, JournalRow, ReportEntry,
};
use crate::concur::financial::{DocType, EntityOptions, Filed, Filing};
use crate::concur::users::user_with_id;
use crate::http::Millis;
use crate::money::Currency;

impl Concur {
    /// Files the document of an approved report: none if the integration is off, or if it has one
    /// that nobody recalled.
    pub(super) fn file_report(&mut self, id: &str, filing: &Filing, now: Millis) -> Option<Filed> {
        if !self.config.financial.enabled {
            return None;
        }
        let source = self.queue.source_position_of_type(id, DocType::Expense);
        if source.is_some_and(|source| !self.queue.sources[source].recalled) {
            return None;
        }
        let content = self.approved_report(id, now)?;
        Some(self.file_expense_content(content, filing.clone(), now))
    }

    /// A report of a person that its document is written from; none if there is no such report.
    pub(crate) fn approved_report(&mut self, id: &str, now: Millis) -> Option<ExpenseReport> {
        let report = self.expense.report(id)?.clone();
        let (_, key) = self.queue.next_draw(None);
        let owner = user_with_id(&self.config.users, &report.owner);
        let employee = owner.map(|owner| Claimant {
            id: owner.employee_number.clone().into(),
            first: owner.given_name.clone().into(),
            last: owner.family_name.clone().into(),
            login: owner.user_name.clone().into(),
        })?;
        let entries = report
            .entries
            .iter()
            .filter(|entry| self.is_in_document(entry));
        let entries: Vec<Entry> = entries.cloned().collect();
        let entries = entries.iter();
        let entries = entries.map(|entry| self.document_entry(entry, report.currency));
        let entries = entries.collect();
        Some(ExpenseReport {
            id: report.id.clone(),
            key,
            number: report.number.clone(),
            name: report.texts.get("name").cloned().unwrap_or_default(),
            employee,
            entity: EntityOptions {
                ledger: self.config.ledgers.keys().next().cloned(),
                policy: Some(report.policy.clone()),
                country: report.texts.get("countryCode").cloned(),
            },
            currency: report.currency,
            submitted: report.submitted.unwrap_or(now),
            approved: now,
            entries,
            applications: Vec::new(),
            returned: Decimal::ZERO,
        })
    }

    /// A report that was taken back by its document is approved again with it.
    pub(crate) fn approve_again(&mut self, id: &str, now: Millis) {
        if let Some(report) = self.expense.report_mut(id) {
            report.step = Step::Approved;
            report.submitted = Some(now);
            report.touch(now);
        }
    }

    /// What was rejected has no rows, nor has what an employee paid for privately.
    fn is_in_document(&self, entry: &Entry) -> bool {
        !entry.rejected && (!entry.personal || self.payer(entry) == Payer::CompanyCard)
    }

    fn document_entry(&mut self, entry: &Entry, currency: Currency) -> ReportEntry {
        let payer = journal_party(self.payer(entry));
        let allocation_id = self.expense.upper_hex(32);
        let kind = self.document_kind(entry);
        let customs = self.document_customs(entry, |name| name.strip_prefix("Custom"));
        let allocation = if entry.personal {
            personal_allocation(entry.posted(currency))
        } else {
            let copied = self.config.expense.copied_to_allocations;
            let customs = customs.iter().filter(|field| copied && field.number <= 20);
            EntryAllocation {
                share: Some((allocation_id, Decimal::ONE_HUNDRED)),
                customs: customs.cloned().collect(),
                rows: vec![journal_row(payer, &kind, entry.posted(currency))],
                taxes: Vec::new(),
            }
        };
        let day = parse_day(&entry.day).and_then(|day| day.in_tz("UTC").ok());
        let day = day.map_or(entry.created, |day| {
            day.timestamp().as_millisecond() as Millis
        });
        ReportEntry {
            id: entry.expense_id.clone(),
            legacy_id: entry.legacy_id,
            kind,
            day,
            description: Some(entry.description.clone()).filter(|text| !text.is_empty()),
            vendor: entry.vendor.clone().into(),
            customs,
            org_units: self.document_customs(entry, |name| name.strip_prefix("OrgUnit")),
            spent: entry.amount,
            spent_currency: entry.currency,
            rate: entry.rate,
            rate_divides: false,
            approved: entry.approved(currency),
            personal: entry.personal,
            billable: entry.billable,
            payer,
            liability: None,
            offset: false,
            allocations: vec![allocation],
        }
    }

    fn document_kind(&self, entry: &Entry) -> ExpenseKind {
        let kind = self.config.expense.expense_type(&entry.expense_type);
        let account = kind.map(|kind| kind.account.clone()).unwrap_or_default();
        ExpenseKind {
            code: entry.expense_type.clone().into(),
            name: kind
                .map(|kind| kind.name.clone())
                .unwrap_or_default()
                .into(),
            account: if entry.personal {
                CLEARING.into()
            } else {
                account.into()
            },
        }
    }

    fn document_customs(
        &self,
        entry: &Entry,
        number: impl Fn(&str) -> Option<&str>,
    ) -> Vec<CustomField> {
        let customs = entry.customs.iter();
        let customs = customs.filter_map(|(name, text)| {
            let number = number(name)?.parse().ok()?;
            let (code, value) = code_and_value(name, text, &self.config.expense);
            Some(CustomField {
                number,
                code,
                value,
            })
        });
        customs.collect()
    }
}

fn journal_party(payer: Payer) -> JournalParty {
    match payer {
        Payer::Employee => JournalParty::Employee,
        Payer::Company => JournalParty::CompanyPaid,
        Payer::CompanyCard => JournalParty::CompanyCard,
        Payer::IndividualCard => JournalParty::IndividualCard,
    }
}

/// Who gives money back is the payer of a negative amount (source: concur-financial-samples).
fn journal_row(party: JournalParty, kind: &ExpenseKind, gross: Decimal) -> JournalRow {
    let (payer, payee) = if gross.is_sign_negative() {
        (party, JournalParty::Company)
    } else {
        (JournalParty::Company, party)
    };
    JournalRow {
        payer,
        payee,
        account: kind.account.clone(),
        gross,
        net_of_tax: gross,
        net_of_reclaim: gross,
        card: party.is_card(),
    }
}
