//! Views for test oracles: every document, whatever its state.

use rust_decimal::Decimal;
use std::collections::BTreeMap;

use super::document::Document;
use super::records::DocumentRecord;
use super::{DocStatus, DocType};
use crate::concur::Concur;

impl Concur {
    /// All documents in the order of their approval.
    pub fn documents(&self) -> Vec<DocumentRecord> {
        let documents = self.queue.documents.iter();
        documents
            .map(|document| self.document_record(document))
            .collect()
    }

    /// The document of that id; none if there is none.
    pub fn document(&self, id: &str) -> Option<DocumentRecord> {
        let at = self.queue.position_of(id)?;
        Some(self.document_record(&self.queue.documents[at]))
    }

    /// The document as GET would deliver it, whatever its state.
    pub fn document_text(&self, id: &str) -> Option<String> {
        let at = self.queue.position_of(id)?;
        Some(self.queue.documents[at].to_text(&self.config.financial))
    }

    /// What was approved, per currency, over all documents in these states; no states mean all.
    pub fn approved_totals(&self, states: &[DocStatus]) -> BTreeMap<String, Decimal> {
        let mut totals: BTreeMap<String, Decimal> = BTreeMap::new();
        let wanted = |document: &&Document| states.is_empty() || states.contains(&document.status);
        for document in self.queue.documents.iter().filter(wanted) {
            let total = totals.entry(document.content.currency().to_owned());
            let total = total.or_default();
            *total = total.saturating_add(document.content.approved());
        }
        totals
    }

    /// How many documents there are per state.
    pub fn document_counts(&self) -> BTreeMap<DocStatus, usize> {
        let mut counts = BTreeMap::new();
        for document in &self.queue.documents {
            *counts.entry(document.status).or_default() += 1;
        }
        counts
    }

    fn document_record(&self, document: &Document) -> DocumentRecord {
        let recalled = self.queue.sources[document.source].recalled;
        DocumentRecord {
            id: document.id.clone(),
            doc_type: document.doc_type,
            source_id: document.content.source_id().to_owned(),
            revision: document.revision,
            status: document.status,
            currency: document.content.currency().to_owned(),
            approved: document.content.approved(),
            payment_status: payment_status(document.doc_type, document.status, recalled),
            locked: document.status == DocStatus::PaymentConfirmedSuccess,
            system_id: document.system_id.clone(),
            postings: document.postings.clone(),
            payments: document.payments.clone(),
            audit: document.audit.clone(),
        }
    }
}

/// What the source of a document shows (source: concur-financial-status-matrix).
fn payment_status(doc_type: DocType, status: DocStatus, recalled: bool) -> &'static str {
    let invoice = doc_type == DocType::Invoice;
    match status {
        _ if recalled => "Not Paid",
        DocStatus::Delayed | DocStatus::Ready | DocStatus::Acknowledged if invoice => {
            "Pending Payment"
        }
        DocStatus::Delayed | DocStatus::Ready | DocStatus::Acknowledged => "Processing Payment",
        DocStatus::PostingConfirmedFailure => "Financial Posting Failed",
        DocStatus::PostingConfirmedSuccess if invoice => "Extracted",
        DocStatus::PostingConfirmedSuccess => "Sent for Payment",
        DocStatus::PaymentConfirmedSuccess => "Payment Confirmed",
        _ => "Not Paid",
    }
}
