//! The queue and what can become of a document in it (source: concur-financial-status-matrix).

use std::collections::{BTreeMap, BTreeSet};

use super::config::FinancialConfig;
use super::content::Content;
use super::document::Document;
use super::options::Filing;
use super::records::{CannotDo, Ready};
use super::{DocStatus, DocType};
use crate::http::Millis;
use crate::random::Random;

/// All documents in the order of their approval, with their indices.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) random: Random,
    pub(crate) documents: Vec<Document>,
    pub(crate) sources: Vec<Source>,
    by_id: BTreeMap<String, usize>,
    by_source: BTreeMap<String, Vec<usize>>,
    ready: BTreeMap<DocType, BTreeSet<usize>>,
    delayed: BTreeSet<(Millis, usize)>,
    newly_ready: Vec<Ready>,
}

/// A report, payment request or cash advance with its documents.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) doc_type: DocType,
    pub(crate) documents: Vec<usize>,
    /// It was taken back and not submitted again.
    pub(crate) recalled: bool,
}

impl Queue {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed, "concur/financial"),
            documents: Vec::new(),
            sources: Vec::new(),
            by_id: BTreeMap::new(),
            by_source: BTreeMap::new(),
            ready: BTreeMap::new(),
            delayed: BTreeSet::new(),
            newly_ready: Vec::new(),
        }
    }

    /// The place of a document.
    pub(crate) fn position_of(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The READY documents of a type by place.
    pub(crate) fn ready(&self, doc_type: DocType) -> impl DoubleEndedIterator<Item = usize> {
        self.ready.get(&doc_type).into_iter().flatten().copied()
    }

    /// How many documents of a type are READY.
    pub(crate) fn ready_count(&self, doc_type: DocType) -> usize {
        self.ready.get(&doc_type).map_or(0, BTreeSet::len)
    }

    /// The source of that id, the first if a report has several types of document.
    pub(crate) fn source_position(&self, source_id: &str) -> Option<usize> {
        self.by_source.get(source_id)?.first().copied()
    }

    /// The source of that id and type.
    pub(crate) fn source_position_of_type(
        &self,
        source_id: &str,
        doc_type: DocType,
    ) -> Option<usize> {
        let places = self.by_source.get(source_id)?.iter();
        let mut of_type = places.filter(|at| self.sources[**at].doc_type == doc_type);
        of_type.next().copied()
    }

    /// Documents that became READY since the last call.
    pub(crate) fn take_newly_ready(&mut self) -> Vec<Ready> {
        std::mem::take(&mut self.newly_ready)
    }

    /// Since when a document waits to be announced.
    pub(crate) fn next_announcement(&self) -> Option<Millis> {
        self.newly_ready.iter().map(|ready| ready.at).min()
    }

    /// When the next delayed document becomes READY.
    pub(crate) fn next_ready(&self) -> Option<Millis> {
        self.delayed.first().map(|(due, _)| *due)
    }

    /// Makes delayed documents READY that are due.
    pub(crate) fn release_delayed(&mut self, now: Millis) {
        while let Some((due, at)) = self.delayed.first().copied().filter(|(due, _)| *due <= now) {
            self.delayed.remove(&(due, at));
            self.set_status(at, DocStatus::Ready, due);
        }
    }

    /// Files a document for something approved: the first of its source, or the next one after a
    /// resubmission.
    pub(crate) fn file_document(
        &mut self,
        content: Content,
        filing: Filing,
        revision: u32,
        now: Millis,
    ) -> usize {
        let (doc_type, source_id) = (content.doc_type(), content.source_id().to_owned());
        let source = self
            .source_position_of_type(&source_id, doc_type)
            .unwrap_or_else(|| self.add_source(doc_type, &source_id));
        let at = self.documents.len();
        let id = self.random.hex(32);
        self.by_id.insert(id.clone(), at);
        self.sources[source].documents.push(at);
        self.sources[source].recalled = false;
        let ready_at = now + filing.ready_after_ms;
        self.documents.push(Document {
            id,
            source,
            doc_type,
            status: DocStatus::Delayed,
            revision,
            content,
            filing,
            ready_at,
            system_id: None,
            postings: Vec::new(),
            payments: Vec::new(),
            audit: Vec::new(),
        });
        self.documents[at].add_audit_line(now, format!("Approved, revision {revision}."));
        self.delayed.insert((ready_at, at));
        self.release_delayed(now);
        at
    }

    /// Moves a document into another state.
    pub(crate) fn set_status(&mut self, at: usize, status: DocStatus, now: Millis) {
        let document = &mut self.documents[at];
        let ready = self.ready.entry(document.doc_type).or_default();
        self.delayed.remove(&(document.ready_at, at));
        if status == DocStatus::Ready {
            document.ready_at = now;
            ready.insert(at);
            self.newly_ready.push(Ready {
                doc_type: document.doc_type,
                source_id: document.content.source_id().to_owned(),
                at: now,
            });
        } else {
            ready.remove(&at);
        }
        document.status = status;
        document.add_audit_line(now, status.as_str());
    }

    /// A person takes the newest document of a source back.
    pub(crate) fn recall(
        &mut self,
        source: usize,
        switches: &FinancialConfig,
        now: Millis,
    ) -> Result<(), CannotDo> {
        let at = self.newest_document(source);
        let status = self.documents[at].status;
        match status {
            DocStatus::Ready | DocStatus::Delayed => self.set_status(at, DocStatus::Recalled, now),
            DocStatus::Acknowledged if switches.recall_acknowledged => {
                self.set_status(at, DocStatus::Recalled, now);
            }
            DocStatus::PostingConfirmedFailure if switches.recall_marks_failed => {
                self.set_status(at, DocStatus::Recalled, now);
            }
            DocStatus::PostingConfirmedFailure => {
                self.documents[at].add_audit_line(now, "Recalled by a person.");
            }
            _ => return Err(CannotDo::InState(status)),
        }
        self.sources[source].recalled = true;
        Ok(())
    }

    /// The newest document of a source. Every source has one from its first approval on.
    pub(crate) fn newest_document(&self, source: usize) -> usize {
        let newest = self.sources[source].documents.last();
        newest.copied().unwrap_or_default()
    }

    /// The revision of the next document of a source.
    pub(crate) fn next_revision(&self, source: Option<usize>, switches: &FinancialConfig) -> u32 {
        match source.map(|source| self.documents[self.newest_document(source)].revision) {
            None => 1,
            Some(revision) if switches.revision_stays => revision,
            Some(revision) => revision + 1,
        }
    }

    fn add_source(&mut self, doc_type: DocType, source_id: &str) -> usize {
        let at = self.sources.len();
        self.sources.push(Source {
            doc_type,
            documents: Vec::new(),
            recalled: false,
        });
        let same = self.by_source.entry(source_id.to_owned()).or_default();
        same.push(at);
        at
    }
}
