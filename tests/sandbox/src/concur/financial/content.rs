//! What documents are about, before and while they are written as JSON: expense reports, invoices,
//! cash advances and payrolls, all of them generated but for the invoices of payment requests.

pub(crate) mod cash_advance;
pub(crate) mod generate;
pub(crate) mod generate_report;
pub(crate) mod invoice;
pub(crate) mod invoice_view;
pub(crate) mod json_tree;
pub(crate) mod malformed;
pub(crate) mod payroll;
pub(crate) mod report;
pub(crate) mod report_view;

use cash_advance::{CashAdvance, extend_advance};
use generate_report::extend_report;
use invoice::{ApprovedInvoice, extend_invoice};
use payroll::Payroll;
use report::ExpenseReport;

use super::DocType;
use crate::http::Millis;
use rust_decimal::Decimal;

/// What a document is about.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Expense(ExpenseReport),
    Invoice(ApprovedInvoice),
    CashAdvance(CashAdvance),
    Payroll(Payroll),
}

impl Content {
    /// The type of its document.
    pub(crate) fn doc_type(&self) -> DocType {
        match self {
            Self::Expense(_) => DocType::Expense,
            Self::Invoice(_) => DocType::Invoice,
            Self::CashAdvance(_) => DocType::CashAdvance,
            Self::Payroll(_) => DocType::Payroll,
        }
    }

    /// The source id: of the report, the payment request or the cash advance.
    pub(crate) fn source_id(&self) -> &str {
        match self {
            Self::Expense(report) => &report.id,
            Self::Invoice(invoice) => &invoice.id,
            Self::CashAdvance(advance) => &advance.id,
            Self::Payroll(payroll) => &payroll.report.id,
        }
    }

    /// The currency of its amounts.
    pub(crate) fn currency(&self) -> &str {
        match self {
            Self::Expense(report) => report.currency.code(),
            Self::Invoice(invoice) => invoice.currency.code(),
            Self::CashAdvance(advance) => advance.currency.code(),
            Self::Payroll(payroll) => payroll.report.currency.code(),
        }
    }

    /// What was approved, before it becomes rows.
    pub(crate) fn approved(&self) -> Decimal {
        match self {
            Self::Expense(report) => report.total(),
            Self::Invoice(invoice) => invoice.total,
            Self::CashAdvance(advance) => advance.amount,
            Self::Payroll(payroll) => payroll.report.total(),
        }
    }

    /// Changes its total, as a person does who corrects it.
    pub(crate) fn change_total(&mut self, seed: u64, now: Millis) {
        match self {
            Self::Expense(report) => extend_report(report, seed, now),
            Self::Invoice(invoice) => extend_invoice(invoice, seed, now),
            Self::CashAdvance(advance) => extend_advance(advance, now),
            Self::Payroll(payroll) => extend_report(&mut payroll.report, seed, now),
        }
    }
}
