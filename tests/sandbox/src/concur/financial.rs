//! Financial Integration v4: what is approved becomes a document in a queue, is acknowledged,
//! posted elsewhere and confirmed (Concur docs, financial integration).
//!
//! Documents come from what people do, see [`Concur`](super::Concur): they approve reports and
//! payment requests, issue cash advances and run the payroll. Calls are in `calls`, one file per
//! call beside it.

mod acknowledgements;
mod advances;
mod calls;
mod document;
mod draw;
#[cfg(test)]
mod histories;
mod invoice_view;
mod invoices;
mod oddities;
mod options;
mod payments;
mod payrolls;
mod person;
mod postings;
#[cfg(test)]
mod properties;
mod queue;
mod records;
mod report_draw;
mod report_view;
mod reports;
mod switches;
mod transactions;
mod tree;

pub use oddities::Oddity;
pub use options::{
    AdvanceOptions, AdvanceUse, Change, DocumentBulk, Filing, InvoiceOptions, PayrollOptions,
    ReportOptions, Resubmission, Shape,
};
pub use records::{AuditLine, CannotDo, DocumentRecord, Filed, PaymentRecord, PostingDoc, Ready};
pub use switches::{
    DocumentFormat, FinancialSwitches, InvoiceDates, InvoiceGross, QueueOrder, SystemIdCheck,
};

pub(crate) use calls::PREFIX;
pub(crate) use draw::invoice_account;
pub(crate) use queue::Queue;

use serde::{Deserialize, Serialize};

/// The types of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DocType {
    /// An expense report.
    Expense,
    /// An invoice: a payment request.
    Invoice,
    /// A cash advance.
    CashAdvance,
    /// A report's part in the payroll.
    Payroll,
    /// What a travel request binds; never filed here.
    RequestObligation,
    /// What a report binds; never filed here.
    ReportObligation,
    /// The Swagger's extra value; never filed here.
    Obligation,
}

impl DocType {
    /// The type as paths and documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expense => "expense",
            Self::Invoice => "invoice",
            Self::CashAdvance => "cashadvance",
            Self::Payroll => "payroll",
            Self::RequestObligation => "requestobligation",
            Self::ReportObligation => "reportobligation",
            Self::Obligation => "obligation",
        }
    }

    /// The type of that name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let all = [
            Self::Expense,
            Self::Invoice,
            Self::CashAdvance,
            Self::Payroll,
            Self::RequestObligation,
            Self::ReportObligation,
            Self::Obligation,
        ];
        all.into_iter().find(|one| one.as_str() == text)
    }
}

/// The states of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DocStatus {
    /// Approved, but not in the queue yet.
    Delayed,
    /// In the queue.
    Ready,
    /// Received.
    Acknowledged,
    /// Posted.
    PostingConfirmedSuccess,
    /// Not posted.
    PostingConfirmedFailure,
    /// Paid.
    PaymentConfirmedSuccess,
    /// Its payment was reversed.
    PaymentConfirmedReversed,
    /// Its payment is obsolete.
    PaymentConfirmedObsolete,
    /// Taken back.
    Recalled,
    /// Void.
    Void,
    /// Cancelled.
    Cancel,
}

impl DocStatus {
    /// The state as documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delayed => "DELAYED",
            Self::Ready => "READY",
            Self::Acknowledged => "ACKNOWLEDGED",
            Self::PostingConfirmedSuccess => "POSTING_CONFIRMED_SUCCESS",
            Self::PostingConfirmedFailure => "POSTING_CONFIRMED_FAILURE",
            Self::PaymentConfirmedSuccess => "PAYMENT_CONFIRMED_SUCCESS",
            Self::PaymentConfirmedReversed => "PAYMENT_CONFIRMED_REVERSED",
            Self::PaymentConfirmedObsolete => "PAYMENT_CONFIRMED_OBSOLETE",
            Self::Recalled => "RECALLED",
            Self::Void => "VOID",
            Self::Cancel => "CANCEL",
        }
    }

    /// Whether a posting was confirmed, well or badly.
    pub(crate) fn is_confirmed(self) -> bool {
        matches!(
            self,
            Self::PostingConfirmedSuccess
                | Self::PostingConfirmedFailure
                | Self::PaymentConfirmedSuccess
                | Self::PaymentConfirmedReversed
                | Self::PaymentConfirmedObsolete
        )
    }
}
