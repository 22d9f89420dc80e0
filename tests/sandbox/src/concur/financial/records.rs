//! Records for test oracles, and why a person cannot do something.

use rust_decimal::Decimal;
use serde::Serialize;

use super::{DocStatus, DocType};
use crate::http::Millis;
use crate::money::as_text;

/// What an approval led to: a document in the queue, or on its way into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Filed {
    /// The type of document.
    pub doc_type: DocType,
    /// The id of the report, payment request or cash advance: what `docId` of GET means.
    pub source_id: String,
    /// The id of the document: what `docId` of every POST means.
    pub document_id: String,
    /// The currency of its amounts.
    pub currency: String,
    /// The total that was approved, exact and unrounded.
    #[serde(serialize_with = "as_text")]
    pub approved: Decimal,
}

/// A document that became READY: a reason for an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ready {
    /// The type of document.
    pub doc_type: DocType,
    /// The id of the report, payment request or cash advance.
    pub source_id: String,
    /// When it became READY.
    pub at: Millis,
}

/// A document and its state at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DocumentRecord {
    /// The id of the document.
    pub id: String,
    /// The type of document.
    pub doc_type: DocType,
    /// The id of the report, payment request or cash advance.
    pub source_id: String,
    /// Its revision; the first is 1.
    pub revision: u32,
    /// Its state, such as `ACKNOWLEDGED`.
    pub status: DocStatus,
    /// The currency of its amounts.
    pub currency: String,
    /// The total that was approved, whatever its rows say.
    #[serde(serialize_with = "as_text")]
    pub approved: Decimal,
    /// What its source shows as payment status.
    pub payment_status: &'static str,
    /// The source is paid and can no longer be changed.
    pub locked: bool,
    /// The system that acknowledged it; empty if that named none.
    pub system_id: Option<String>,
    /// Where it was posted.
    pub postings: Vec<PostingDoc>,
    /// How it was paid.
    pub payments: Vec<PaymentRecord>,
    /// What happened to it.
    pub audit: Vec<AuditLine>,
}

/// Where a document was posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PostingDoc {
    /// The company of the ledger.
    pub company_id: String,
    /// The number of the posting.
    pub document_number: String,
    /// The day of the posting, YYYY-MM-DD; empty if none was given.
    pub posting_date: String,
}

/// A payment as a system confirmed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PaymentRecord {
    /// CP, PP, RE or OB.
    pub status_code: String,
    /// The reference of the payment; empty if none was given.
    pub payment_ref: String,
}

/// A line of an audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditLine {
    /// The instant at which it happened.
    pub at: Millis,
    /// What happened, such as `Acknowledged by "FRESHBOOKS-01".`
    pub text: String,
}

/// Why a person cannot do that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CannotDo {
    /// There is nothing of that id.
    Unknown,
    /// The newest document is in a state that does not let it.
    InState(DocStatus),
}
