//! Views for test oracles: reports, entries and quick expenses as they are stored.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::quick_expenses::QuickExpense;
use super::report::{Entry, Report, Step};
use crate::concur::Concur;
use crate::concur::users::user_with_id;
use crate::http::Millis;

/// An expense report as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportRecord {
    /// Its id, 20 upper-case hexadecimal digits.
    pub id: String,
    /// The login of its owner.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// The id of its policy.
    pub policy: String,
    /// Its business purpose, start, end and so on, under the names of v4.
    pub texts: BTreeMap<String, String>,
    /// Custom fields that hold something: the code of a list item, or text.
    pub customs: BTreeMap<String, String>,
    /// The currency of its total.
    pub currency: String,
    /// What its entries amount to.
    pub total: String,
    /// The code of its approval status.
    pub approval_status: String,
    /// The code of its payment status.
    pub payment_status: String,
    /// It is on its way or past it.
    pub submitted: bool,
    /// It was on its way once: no call adds an entry any more.
    pub ever_submitted: bool,
    /// It was deleted.
    pub deleted: bool,
    /// Its comments, the oldest first.
    pub comments: Vec<String>,
    /// The codes of its exceptions.
    pub exceptions: Vec<String>,
    /// Its entries, the oldest first.
    pub entries: Vec<EntryRecord>,
    /// When it was created.
    pub created: Millis,
    /// When it was last changed.
    pub modified: Millis,
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryRecord {
    /// The id of v3.
    pub id: String,
    /// The id of v4 and of documents.
    pub expense_id: String,
    /// The code of its expense type.
    pub expense_type: String,
    /// The v4 id of its payment type.
    pub payment_type: String,
    /// Its day.
    pub day: String,
    /// The amount spent.
    pub amount: String,
    /// The currency spent.
    pub currency: String,
    /// What one unit spent is worth in the report's currency.
    pub rate: String,
    /// What it is worth in the report's currency.
    pub posted: String,
    /// Its description, which pages show as business purpose.
    pub description: String,
    /// Its vendor.
    pub vendor: String,
    /// It is billable.
    pub billable: bool,
    /// It is private.
    pub personal: bool,
    /// An approver or a call rejected it.
    pub rejected: bool,
    /// Custom fields that hold something: the code of a list item, or text.
    pub customs: BTreeMap<String, String>,
    /// Its comments, the oldest first.
    pub comments: Vec<String>,
    /// The codes of its exceptions.
    pub exceptions: Vec<String>,
    /// A person made it, in the browser.
    pub by_hand: bool,
}

/// A quick expense as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuickExpenseRecord {
    /// Its id.
    pub id: String,
    /// The UUID of its user.
    pub user: String,
    /// What was sent.
    pub body: Value,
    /// The type and the size of its image in bytes.
    pub image: Option<(String, usize)>,
    /// When it was created.
    pub created: Millis,
}

impl Concur {
    /// All expense reports that were opened by calls or by hand, in the order of creation, deleted
    /// ones included.
    pub fn expense_reports(&self) -> Vec<ReportRecord> {
        let reports = self.expense.reports.iter();
        reports.map(|report| self.report_record(report)).collect()
    }

    /// The expense report of that id; none if there is none or it was deleted.
    pub fn expense_report(&self, id: &str) -> Option<ReportRecord> {
        let report = self.expense.report(id);
        report.map(|report| self.report_record(report))
    }

    /// All quick expenses in the order of creation.
    pub fn quick_expenses(&self) -> Vec<QuickExpenseRecord> {
        self.expense.quick.iter().map(quick_record).collect()
    }

    fn report_record(&self, report: &Report) -> ReportRecord {
        let owner = user_with_id(&self.config.users, &report.owner);
        let entries = report.entries.iter();
        ReportRecord {
            id: report.id.clone(),
            owner: owner
                .map(|owner| owner.user_name.clone())
                .unwrap_or_default(),
            name: report.texts.get("name").cloned().unwrap_or_default(),
            policy: report.policy.clone(),
            texts: report.texts.clone(),
            customs: report.customs.clone(),
            currency: report.currency.code().to_owned(),
            total: report.sum(|_| true).to_string(),
            approval_status: self.approval_status(report).0.to_owned(),
            payment_status: self.payment_status(report).0.to_owned(),
            submitted: report.step != Step::Open,
            ever_submitted: report.ever_submitted,
            deleted: report.deleted,
            comments: report.comments.iter().map(|one| one.text.clone()).collect(),
            exceptions: report
                .exceptions
                .iter()
                .map(|one| one.code.clone())
                .collect(),
            entries: entries.map(|entry| entry_record(report, entry)).collect(),
            created: report.created,
            modified: report.modified,
        }
    }
}

fn entry_record(report: &Report, entry: &Entry) -> EntryRecord {
    EntryRecord {
        id: entry.id.clone(),
        expense_id: entry.expense_id.clone(),
        expense_type: entry.expense_type.clone(),
        payment_type: entry.payment_type.clone(),
        day: entry.day.clone(),
        amount: entry.amount.to_string(),
        currency: entry.currency.code().to_owned(),
        rate: entry.rate.to_string(),
        posted: entry.posted(report.currency).to_string(),
        description: entry.description.clone(),
        vendor: entry.vendor.clone(),
        billable: entry.billable,
        personal: entry.personal,
        rejected: entry.rejected,
        customs: entry.customs.clone(),
        comments: entry.comments.iter().map(|one| one.text.clone()).collect(),
        exceptions: entry
            .exceptions
            .iter()
            .map(|one| one.code.clone())
            .collect(),
        by_hand: entry.by_hand,
    }
}

fn quick_record(quick: &QuickExpense) -> QuickExpenseRecord {
    QuickExpenseRecord {
        id: quick.id.clone(),
        user: quick.user.clone(),
        body: quick.body.clone().into(),
        image: quick.image.clone(),
        created: quick.created,
    }
}
