//! A run of one financial document: what every step of it needs.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, OnceCell};

use super::bills::Bills;
use super::journal::Journal;
use super::own_expenses::OwnExpense;
use crate::concur::{self, DocumentType, FinancialRow};
use crate::contract::runs::{Change, Confirmation, Ending, Link, ObjectStatus};
use crate::contract::types::{ObjectRef, System};
use crate::financial;
use crate::financial::source::{Source, bill_kind, entry_kind};
use crate::flow::{EarlyEnd, Flow, remote_refused};
use crate::remedy::{Replay, after_settings};

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
    pub(super) bills: Bills<'a>,
    /// The entries of it that are expenses of ours, once they were looked up.
    pub(super) own_expenses: OnceCell<Vec<OwnExpense>>,
    /// What an earlier run could not know is known: its bill was found, and taken back.
    pub(super) is_known: Cell<bool>,
}

impl FinancialRun<'_> {
    pub(super) fn system_id(&self) -> &str {
        &self.flow.settings.financial.system_id
    }

    pub(super) fn posted_but_failed(&self, number: &str) -> EarlyEnd {
        self.failure(
            "posted-but-failed",
            format!("it is in FreshBooks as {number}, but SAP Concur shows the posting as failed"),
            "recall it in SAP Concur: what was posted is then taken back, and the new document \
             posted",
        )
    }

    pub(super) fn acknowledged_elsewhere(&self, system_id: &str) -> EarlyEnd {
        self.failure(
            "acknowledged-elsewhere",
            format!("another system has acknowledged it: \"{system_id}\""),
            after_settings(
                "let only one system take financial documents, or set `financial.system_id` to \
                 that name if it was this one",
                Replay::Run,
            ),
        )
    }

    pub(super) fn failure(
        &self,
        code: &str,
        message: String,
        remedy: impl Into<String>,
    ) -> EarlyEnd {
        self.flow.parked(code, message, remedy)
    }

    /// The link, if it is to an entry of this very document.
    pub(super) fn linked(&self) -> Option<&Link> {
        let link = self.own.link.as_ref();
        link.filter(|link| link.version.as_deref() == Some(self.version.as_str()))
    }

    pub(super) fn bill_marker(&self) -> String {
        self.flow.marker(&bill_kind(&self.version))
    }

    pub(super) fn marker(&self) -> String {
        self.flow.marker(&entry_kind(&self.version))
    }

    /// Links the document and what it became, which a bill knows by to stay out of SAP Concur.
    pub(super) async fn link(&self, posted: &ObjectRef, content_hash: Option<String>) {
        let source = self.flow.task.object.clone();
        let link = |source: &ObjectRef, target: &ObjectRef| Link {
            source: source.clone(),
            target: target.clone(),
            version: Some(self.version.clone()),
            content_hash: content_hash.clone(),
        };
        let mut links = vec![link(&source, posted)];
        if is_bill(posted) {
            links.push(link(posted, &source));
        }
        self.flow.save_links(links).await;
    }

    pub(super) fn confirmed(&self, posted: &ObjectRef, change: Change, message: String) -> Ending {
        Ending::Confirmed(Confirmation {
            target: posted.clone(),
            change,
            message,
        })
    }
}

/// What was posted, for people: such as `bill 12`.
pub(super) fn shown(posted: &ObjectRef) -> String {
    let noun = if is_bill(posted) {
        "bill"
    } else {
        "journal entry"
    };
    format!("{noun} {}", posted.id)
}

pub(super) fn is_bill(posted: &ObjectRef) -> bool {
    posted.kind == "bill"
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
