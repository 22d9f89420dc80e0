//! What both systems hold of financial documents, and what must be true of it.

use std::collections::BTreeMap;

use ml_connector_component::contract::runs::Ending;
use ml_connector_component::contract::types::{ObjectRef, System};
use ml_connector_component::marker;
use ml_connector_sandbox::Sandbox;
use ml_connector_sandbox::concur::{DocStatus, DocType, DocumentRecord, Filed};
use ml_connector_sandbox::freshbooks::EntryRecord;
use rust_decimal::Decimal;

use crate::sim::Sim;

/// FreshBooks' journal, every entry of which is known to balance.
pub struct Books {
    /// Entries in the order of their creation.
    pub entries: Vec<EntryRecord>,
}

impl Books {
    /// Reads the journal.
    ///
    /// # Panics
    ///
    /// If an entry does not balance.
    #[must_use]
    pub fn of(sandbox: &Sandbox) -> Self {
        let entries = sandbox.freshbooks.journal_entries();
        for entry in &entries {
            let sum: Decimal = entry
                .lines
                .iter()
                .map(|line| line.debit - line.credit)
                .sum();
            assert!(
                sum.is_zero() && entry.lines.len() > 1,
                "does not balance: {entry:?}"
            );
        }
        Self { entries }
    }

    /// The entries that carry the marker of a document.
    #[must_use]
    pub fn marked(&self, document: &DocumentRecord) -> Vec<&EntryRecord> {
        let marker = marker_of(document);
        let entries = self.entries.iter();
        entries
            .filter(|entry| entry.name.contains(&marker))
            .collect()
    }

    /// Asserts that a document has one entry, which comes to what was approved, and one
    /// confirmation, which names that entry.
    ///
    /// # Panics
    ///
    /// If one of that is not so.
    pub fn assert_posted(&self, sim: &Sim, filed: &Filed) {
        let document = document(sim, filed);
        let ending = ending(sim, filed);
        let [entry] = self.marked(&document)[..] else {
            panic!("not one entry: {document:?} ended as {ending:?}");
        };
        assert_eq!(
            document.status,
            DocStatus::PostingConfirmedSuccess,
            "{ending:?}"
        );
        let [posting] = &document.postings[..] else {
            panic!("not one posting: {document:?}");
        };
        let number = [entry.id.to_string(), entry.uuid.clone()];
        assert!(number.contains(&posting.document_number), "{posting:?}");
        assert_eq!(
            (&posting.posting_date, &entry.currency),
            (&entry.day, &filed.currency)
        );
        let costs = match filed.doc_type {
            DocType::Expense | DocType::Invoice | DocType::Payroll => costs(entry),
            _ => entry.lines.iter().map(|line| line.debit).sum(),
        };
        assert_eq!(costs, filed.approved, "{entry:?}");
    }

    /// What all entries come to on accounts of costs, reclaimed taxes and clearing, by currency.
    #[must_use]
    pub fn costs(&self) -> BTreeMap<String, Decimal> {
        let mut sums = BTreeMap::new();
        for entry in &self.entries {
            *sums.entry(entry.currency.clone()).or_default() += costs(entry);
        }
        sums.retain(|_, sum: &mut Decimal| !sum.is_zero());
        sums
    }
}

/// What an entry comes to on accounts of costs, reclaimed taxes and clearing.
#[must_use]
pub fn costs(entry: &EntryRecord) -> Decimal {
    let is_cost = |number: &str| number.starts_with(['6', '7']) || number.starts_with("1200");
    let lines = entry.lines.iter();
    lines
        .filter(|line| is_cost(&line.account_number) || line.account_name == "Card Clearing")
        .map(|line| line.debit - line.credit)
        .sum()
}

/// What was approved in documents of these types that are posted, by currency.
#[must_use]
pub fn approved(sandbox: &Sandbox, types: &[DocType]) -> BTreeMap<String, Decimal> {
    let mut sums = BTreeMap::new();
    for document in sandbox.concur.documents() {
        if types.contains(&document.doc_type)
            && document.status == DocStatus::PostingConfirmedSuccess
        {
            *sums.entry(document.currency).or_default() += document.approved;
        }
    }
    sums.retain(|_, sum: &mut Decimal| !sum.is_zero());
    sums
}

/// The document as Concur holds it.
///
/// # Panics
///
/// If it is not there.
#[must_use]
pub fn document(sim: &Sim, filed: &Filed) -> DocumentRecord {
    sim.sandbox
        .concur
        .document(&filed.document_id)
        .expect("is there")
}

/// The object of a document's source.
#[must_use]
pub fn object(filed: &Filed) -> ObjectRef {
    source(filed.doc_type, &filed.source_id)
}

/// The object of a source.
#[must_use]
pub fn source(doc_type: DocType, source_id: &str) -> ObjectRef {
    let kind = match doc_type {
        DocType::CashAdvance => "cash-advance",
        other => other.as_str(),
    };
    ObjectRef {
        system: System::Concur,
        kind: "financial-document".to_string(),
        id: format!("{kind}/{source_id}"),
    }
}

/// The marker of a document's entry.
#[must_use]
pub fn marker_of(document: &DocumentRecord) -> String {
    let object = source(document.doc_type, &document.source_id);
    let target = format!("journal-entry {}/{}", document.id, document.revision);
    marker::marker_for("acme", &object, &target)
}

/// How the latest run of a document's source ended.
///
/// # Panics
///
/// If it has not.
#[must_use]
pub fn ending(sim: &Sim, filed: &Filed) -> Ending {
    let object = object(filed);
    let ending = sim.store.ending(&object.kind, &object.id);
    ending.unwrap_or_else(|| panic!("{} has not ended: {:?}", object.id, sim.store.endings()))
}

/// The same where the source could not be read.
///
/// # Panics
///
/// If neither has ended.
#[must_use]
pub fn ending_of_document(sim: &Sim, filed: &Filed) -> Ending {
    let id = format!("{}/document/{}", filed.doc_type.as_str(), filed.document_id);
    let unread = sim.store.ending("financial-document", &id);
    unread.unwrap_or_else(|| ending(sim, filed))
}

/// The code of an ending.
///
/// # Panics
///
/// If it has none.
#[must_use]
pub fn code(ending: &Ending) -> &str {
    match ending {
        Ending::Parked(stop) | Ending::Rejected(stop) => &stop.code,
        Ending::Unchanged(note) => &note.code,
        other => panic!("has no code: {other:?}"),
    }
}
