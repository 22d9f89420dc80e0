//! Financial Integration v4: what is approved becomes a document in a queue, is acknowledged,
//! posted elsewhere and confirmed (source: concur-financial-integration).
//!
//! Documents come from what people do (`user_actions`): they approve reports and payment requests,
//! issue cash advances and run the payroll. `content` is what such a document is about, `document`
//! is one in the `queue`, and `calls` has one file for each call of the API.

mod announcements;
mod calls;
mod config;
pub(crate) mod content;
mod document;
mod inspect;
mod options;
mod queue;
mod records;
#[cfg(test)]
mod tests;
mod user_actions;

pub use config::{
    DocumentFormat, FinancialConfig, InvoiceDates, InvoiceGross, QueueOrder, ReportDays,
    SystemIdCheck,
};
pub use content::malformed::Oddity;
pub use options::{
    AdvanceOptions, AdvanceUse, Change, DocumentBulk, EntityOptions, Filing, InvoiceOptions,
    PayrollOptions, ReportOptions, Resubmission, Shape,
};
pub use records::{AuditLine, CannotDo, DocumentRecord, Filed, PaymentRecord, PostingDoc, Ready};

pub(crate) use calls::PREFIX;
pub(crate) use content::json_tree;
pub(crate) use queue::Queue;

use serde::{Deserialize, Serialize};

/// The types of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DocType {
    /// An expense report: `expense` in paths.
    Expense,
    /// An invoice: a payment request.
    Invoice,
    /// An issued or returned cash advance: `cashadvance` in paths.
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
    /// In the queue, to be listed and acknowledged.
    Ready,
    /// Received by a system, and out of the queue.
    Acknowledged,
    /// A system has confirmed that it posted it.
    PostingConfirmedSuccess,
    /// A system has reported that it could not post it.
    PostingConfirmedFailure,
    /// A system has confirmed that it was paid; its source is locked.
    PaymentConfirmedSuccess,
    /// Its payment was reversed.
    PaymentConfirmedReversed,
    /// Its payment is obsolete.
    PaymentConfirmedObsolete,
    /// Taken back by a person before it was posted.
    Recalled,
    /// Void; no call leads to this state, only [`crate::Concur::force_document_status`].
    Void,
    /// Cancelled; no call leads to this state either.
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
