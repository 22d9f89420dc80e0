//! Which of its dates a document is posted on.

use crate::concur::DocumentType;
use crate::settings::reader::Reader;

/// A date of a document. What is not said is the date that SAP Concur gives that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostingDate {
    /// When a report was handed on for payment: its final approval.
    Processing,
    /// When a report or an invoice was submitted.
    Submit,
    /// The date that its author gave a report.
    UserDefined,
    /// The last day that a report is about.
    ReportEnd,
    /// When a report was begun.
    Created,
    /// The day of a report's last expense.
    LastExpense,
    /// The last day of the month of a report's last expense.
    ExpenseMonthEnd,
    /// The posting date of an invoice.
    Posting,
    /// The date on an invoice.
    Invoice,
    /// When an invoice was received.
    Received,
    /// When the approval of an invoice was complete.
    Completed,
    /// The last day of the month of the date on an invoice.
    InvoiceMonthEnd,
    /// When a cash advance was issued.
    Issued,
    /// When a cash advance was asked for.
    Requested,
}

use PostingDate::{
    Completed, Created, ExpenseMonthEnd, Invoice, InvoiceMonthEnd, Issued, LastExpense, Posting,
    Processing, Received, ReportEnd, Requested, Submit, UserDefined,
};

/// A report's dates, best first.
const OF_REPORTS: [(&str, PostingDate); 7] = [
    ("processing", Processing),
    ("submit", Submit),
    ("user-defined", UserDefined),
    ("report-end", ReportEnd),
    ("created", Created),
    ("last-expense", LastExpense),
    ("expense-month-end", ExpenseMonthEnd),
];

/// An invoice's dates, best first.
const OF_INVOICES: [(&str, PostingDate); 6] = [
    ("posting", Posting),
    ("invoice", Invoice),
    ("completed", Completed),
    ("submit", Submit),
    ("received", Received),
    ("invoice-month-end", InvoiceMonthEnd),
];

/// A cash advance's dates, best first.
const OF_CASH_ADVANCES: [(&str, PostingDate); 2] = [("issued", Issued), ("requested", Requested)];

impl PostingDate {
    /// The dates that documents of a type have, by their names in the settings, best first.
    #[must_use]
    pub fn of(kind: DocumentType) -> &'static [(&'static str, Self)] {
        match kind {
            DocumentType::Expense | DocumentType::Payroll => &OF_REPORTS,
            DocumentType::Invoice => &OF_INVOICES,
            DocumentType::CashAdvance => &OF_CASH_ADVANCES,
        }
    }
}

/// Which date each type of document is posted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostingDates {
    expense: PostingDate,
    invoice: PostingDate,
    cash_advance: PostingDate,
    payroll: PostingDate,
}

impl PostingDates {
    pub(super) fn read(table: &mut Reader) -> Self {
        Self {
            expense: choice(table, "expense", DocumentType::Expense),
            invoice: choice(table, "invoice", DocumentType::Invoice),
            cash_advance: choice(table, "cash_advance", DocumentType::CashAdvance),
            payroll: choice(table, "payroll", DocumentType::Payroll),
        }
    }

    /// The date that documents of a type are posted on where they have it.
    #[must_use]
    pub fn of(&self, kind: DocumentType) -> PostingDate {
        match kind {
            DocumentType::Expense => self.expense,
            DocumentType::Invoice => self.invoice,
            DocumentType::CashAdvance => self.cash_advance,
            DocumentType::Payroll => self.payroll,
        }
    }
}

fn choice(table: &mut Reader, key: &str, kind: DocumentType) -> PostingDate {
    let dates = PostingDate::of(kind);
    let names: alloc::vec::Vec<&'static str> = dates.iter().map(|(name, _)| *name).collect();
    let chosen = table.choice(key, &names);
    let chosen = dates.iter().find(|(name, _)| *name == chosen);
    chosen.map_or(dates[0].1, |(_, date)| *date)
}
