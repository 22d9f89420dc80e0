//! A document in the queue: what it is about, its state, and how it is written.

use rust_decimal::Decimal;

use super::advances::{Advance, advance_view, extend_advance};
use super::invoice_view::invoice_view;
use super::invoices::{Invoice, extend_invoice};
use super::oddities::{distort, notation};
use super::options::Filing;
use super::payrolls::{Payroll, payroll_view};
use super::records::{AuditLine, PaymentRecord, PostingDoc};
use super::report_draw::extend_report;
use super::report_view::report_view;
use super::reports::Report;
use super::switches::FinancialSwitches;
use super::{DocStatus, DocType, Oddity};
use crate::http::Millis;
use crate::random::Random;

/// A document.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) id: String,
    pub(super) source: usize,
    pub(super) doc_type: DocType,
    pub(super) status: DocStatus,
    pub(super) revision: u32,
    pub(super) content: Content,
    pub(super) filing: Filing,
    /// When it became READY, or will.
    pub(super) ready_at: Millis,
    /// What the acknowledgement named; none before it.
    pub(super) system_id: Option<String>,
    pub(super) postings: Vec<PostingDoc>,
    pub(super) payments: Vec<PaymentRecord>,
    pub(super) audit: Vec<AuditLine>,
}

/// What a document is about.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Expense(Report),
    Invoice(Invoice),
    CashAdvance(Advance),
    Payroll(Payroll),
}

/// What is written besides the content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) revision: u32,
    /// Numbered fields without a value are written as null.
    pub(super) nulls: bool,
}

impl Content {
    /// The type of its document.
    pub(super) fn doc_type(&self) -> DocType {
        match self {
            Self::Expense(_) => DocType::Expense,
            Self::Invoice(_) => DocType::Invoice,
            Self::CashAdvance(_) => DocType::CashAdvance,
            Self::Payroll(_) => DocType::Payroll,
        }
    }

    /// The source id: of the report, the payment request or the cash advance.
    pub(super) fn source_id(&self) -> &str {
        match self {
            Self::Expense(report) => &report.id,
            Self::Invoice(invoice) => &invoice.id,
            Self::CashAdvance(advance) => &advance.id,
            Self::Payroll(payroll) => &payroll.report.id,
        }
    }

    /// The currency of its amounts.
    pub(super) fn currency(&self) -> &str {
        match self {
            Self::Expense(report) => report.currency.code(),
            Self::Invoice(invoice) => invoice.currency.code(),
            Self::CashAdvance(advance) => advance.currency.code(),
            Self::Payroll(payroll) => payroll.report.currency.code(),
        }
    }

    /// What was approved, before it becomes rows.
    pub(super) fn approved(&self) -> Decimal {
        match self {
            Self::Expense(report) => report.total(),
            Self::Invoice(invoice) => invoice.total,
            Self::CashAdvance(advance) => advance.amount,
            Self::Payroll(payroll) => payroll.report.total(),
        }
    }

    /// Changes its total, as a person does who corrects it.
    pub(super) fn correct(&mut self, seed: u64, now: Millis) {
        match self {
            Self::Expense(report) => extend_report(report, seed, now),
            Self::Invoice(invoice) => extend_invoice(invoice, seed, now),
            Self::CashAdvance(advance) => extend_advance(advance, now),
            Self::Payroll(payroll) => extend_report(&mut payroll.report, seed, now),
        }
    }
}

impl Document {
    /// The document as text, odd as it is.
    pub(super) fn text(&self, switches: &FinancialSwitches) -> String {
        let oddities = self.oddities(switches);
        let header = Header {
            revision: self.revision,
            nulls: switches.null_fields,
        };
        let mut tree = match &self.content {
            Content::Expense(report) => report_view(report, &header),
            Content::Invoice(invoice) => invoice_view(invoice, &header, switches),
            Content::CashAdvance(advance) => advance_view(advance, &header),
            Content::Payroll(payroll) => payroll_view(payroll, &header),
        };
        distort(&mut tree, &oddities, &mut Random::new(0, &self.id));
        let mut text = tree.write(notation(&oddities));
        if oddities.contains(&Oddity::NotJson) {
            let end = (text.len() / 2..text.len()).find(|at| text.is_char_boundary(*at));
            text.truncate(end.unwrap_or_default());
        }
        text
    }

    /// Its oddities and those of every document.
    pub(super) fn oddities(&self, switches: &FinancialSwitches) -> Vec<Oddity> {
        [switches.always.as_slice(), &self.filing.oddities].concat()
    }

    /// Adds a line to its audit trail.
    pub(super) fn note(&mut self, at: Millis, text: impl Into<String>) {
        let text = text.into();
        self.audit.push(AuditLine { at, text });
    }
}
