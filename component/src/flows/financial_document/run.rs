//! A run of one financial document: what every step of it needs.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::journal::{self, Journal};
use crate::concur::{self, DocumentType, FinancialRow};
use crate::contract::runs::{Change, Changes, Confirmation, Ending, Link, ObjectStatus};
use crate::contract::types::System;
use crate::financial;
use crate::financial::source::{Source, entry_kind};
use crate::flow::{EarlyEnd, Flow, remote_refused};

/// What ends a document whose posting was confirmed as failed.
pub(super) const CORRECT_IN_CONCUR: &str = "recall it in SAP Concur, correct it and submit it \
    again: the new document is then fetched automatically";

/// A run that brings one document of a source to the journal.
pub(super) struct FinancialRun<'a> {
    pub(super) flow: &'a Flow,
    pub(super) kind: DocumentType,
    pub(super) row: FinancialRow,
    /// The document's id and revision.
    pub(super) version: String,
    pub(super) own: &'a ObjectStatus,
    pub(super) journal: Journal<'a>,
}

impl FinancialRun<'_> {
    pub(super) fn system_id(&self) -> &str {
        &self.flow.settings.financial.system_id
    }

    pub(super) fn posted_but_failed(&self, entry_id: &str) -> EarlyEnd {
        self.failure(
            "posted-but-failed",
            format!(
                "journal entry {entry_id} is in FreshBooks, but SAP Concur shows the posting as \
                 failed"
            ),
            "recall it in SAP Concur: the entry is then reversed, and the new document posted",
        )
    }

    pub(super) fn acknowledged_elsewhere(&self, system_id: &str) -> EarlyEnd {
        self.failure(
            "acknowledged-elsewhere",
            format!("another system has acknowledged it: \"{system_id}\""),
            "let only one system take financial documents, or set `financial.system_id` to that \
             name if it was this one, then `ml-connector replay RUN`",
        )
    }

    pub(super) fn failure(&self, code: &str, message: String, remedy: &str) -> EarlyEnd {
        self.flow.parked(code, message, remedy)
    }

    /// The link, if it is to an entry of this very document.
    pub(super) fn linked(&self) -> Option<&Link> {
        let link = self.own.link.as_ref();
        link.filter(|link| link.version.as_deref() == Some(self.version.as_str()))
    }

    pub(super) fn marker(&self) -> String {
        self.flow.marker(&entry_kind(&self.version))
    }

    pub(super) async fn link(&self, entry_id: &str, content_hash: Option<String>) {
        let link = Link {
            source: self.flow.task.object.clone(),
            target: journal::entry_object(entry_id),
            version: Some(self.version.clone()),
            content_hash,
        };
        let links = [link].into();
        self.flow
            .save(Changes {
                links,
                unlinks: Vec::new(),
                tasks: Vec::new(),
            })
            .await;
    }

    pub(super) fn confirmed(&self, entry_id: &str, change: Change, message: String) -> Ending {
        Ending::Confirmed(Confirmation {
            target: journal::entry_object(entry_id),
            change,
            message,
        })
    }
}

/// All documents of a source, whatever their status; none if Concur does not know the source. A
/// filter may be ignored silently: what shows another source is left out.
pub(super) async fn documents_of_source(
    flow: &Flow,
    kind: DocumentType,
    source_id: &str,
) -> Result<Vec<FinancialRow>, EarlyEnd> {
    let request = concur::list_of_source(kind, source_id);
    match flow.read(request, concur::read_financial_documents).await? {
        Ok(mut page) => {
            let is_other = |row: &FinancialRow| {
                let head = financial::head(kind, &row.document).ok();
                match Source::of_document(kind, &row.id, head).0 {
                    Source::Known(_, id) => !id.eq_ignore_ascii_case(source_id),
                    Source::Unread(..) => false,
                }
            };
            page.rows.retain(|row| !is_other(row));
            Ok(page.rows)
        }
        Err(refusal) if refusal.is_missing() => Ok(Vec::new()),
        Err(refusal) => Err(remote_refused(flow, System::Concur, "to show it", &refusal)),
    }
}
