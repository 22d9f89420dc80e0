//! A document in the queue: what it is about, its state, and how it is written.

use super::config::FinancialConfig;
use super::content::Content;
use super::content::cash_advance::advance_view;
use super::content::invoice_view::invoice_view;
use super::content::json_tree::WriteOptions;
use super::content::malformed::{apply_oddities, number_notation};
use super::content::payroll::payroll_view;
use super::content::report_view::report_view;
use super::options::Filing;
use super::records::{AuditLine, PaymentRecord, PostingDoc};
use super::{DocStatus, DocType, Oddity};
use crate::http::Millis;
use crate::random::Random;

/// A document on its way through the queue: its content, its state, and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) id: String,
    pub(crate) source: usize,
    pub(crate) doc_type: DocType,
    pub(crate) status: DocStatus,
    pub(crate) revision: u32,
    pub(crate) content: Content,
    pub(crate) filing: Filing,
    /// When it became READY, or will.
    pub(crate) ready_at: Millis,
    /// What the acknowledgement named; none before it.
    pub(crate) system_id: Option<String>,
    pub(crate) postings: Vec<PostingDoc>,
    pub(crate) payments: Vec<PaymentRecord>,
    pub(crate) audit: Vec<AuditLine>,
}

impl Document {
    /// The document as text, odd as it is.
    pub(crate) fn to_text(&self, switches: &FinancialConfig) -> String {
        let oddities = self.oddities(switches);
        let header = WriteOptions {
            revision: self.revision,
            nulls: switches.null_fields,
            report_days: switches.report_days,
            by_payroll: switches.reports_by_payroll,
            personal_accounts: !switches.personal_items_without_account,
        };
        let mut tree = match &self.content {
            Content::Expense(report) => report_view(report, &header),
            Content::Invoice(invoice) => invoice_view(invoice, &header, switches),
            Content::CashAdvance(advance) => advance_view(advance, &header, switches),
            Content::Payroll(payroll) => payroll_view(payroll, &header),
        };
        apply_oddities(&mut tree, &oddities, &mut Random::new(0, &self.id));
        let mut text = tree.write(number_notation(&oddities));
        if oddities.contains(&Oddity::NotJson) {
            let end = (text.len() / 2..text.len()).find(|at| text.is_char_boundary(*at));
            text.truncate(end.unwrap_or_default());
        }
        text
    }

    /// Its oddities and those of every document.
    pub(crate) fn oddities(&self, switches: &FinancialConfig) -> Vec<Oddity> {
        [switches.always.as_slice(), &self.filing.oddities].concat()
    }

    /// Adds a line to its audit trail.
    pub(crate) fn add_audit_line(&mut self, at: Millis, text: impl Into<String>) {
        let text = text.into();
        self.audit.push(AuditLine { at, text });
    }
}
