//! A financial document becomes a journal entry: acknowledged, posted once, confirmed.
//!
//! The object is the document's source (a report, a payment request, a cash advance), so that all
//! documents of one source come one after the other: a report that is recalled, corrected and
//! submitted again brings a new document, whose entry replaces the earlier one.

mod bill;
mod bills;
mod by_status;
mod confirming;
mod journal;
mod posting;
mod run;

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::cell::Cell;

use super::ambiguity;
use crate::concur::{self, DocumentType, FinancialRow, FinancialStatus};
use crate::contract::runs::{Ending, ObjectStatus};
use crate::contract::types::System;
use crate::financial;
use crate::financial::source::{Source, version};
use crate::flow::{EarlyEnd, Flow, remote_refused, unchanged};
use bills::Bills;
use journal::Journal;
use run::{FinancialRun, documents_of_source};

/// Pages of the queue that are read to find a document whose source cannot be read: a thousand
/// documents at the default of 25 a page. One that is further back is found when those before it
/// are acknowledged.
const QUEUE_PAGES_MAX: u32 = 40;
/// Brings the document of a source that is to be worked on across.
pub(super) async fn sync_financial_document(flow: &Flow) -> Result<Ending, EarlyEnd> {
    let own = flow.find_own().await;
    let ended = find_and_sync(flow, &own).await;
    match ambiguity::ambiguous_since(flow, &own, flow.settings.financial.ambiguity, true) {
        Some(since) => ambiguity::stay_ambiguous(flow, since, ended),
        None => ended,
    }
}

async fn find_and_sync(flow: &Flow, own: &ObjectStatus) -> Result<Ending, EarlyEnd> {
    let Some(source) = Source::from_id(&flow.task.object.id) else {
        let message = format!("\"{}\" names no financial document", flow.task.object.id);
        let remedy = "report this as a bug";
        return Err(flow.parked("unknown-source", message, remedy));
    };
    let (Source::Known(kind, _) | Source::Unread(kind, _)) = source;
    if !flow.settings.financial.carries(kind) {
        let message = format!("the settings bring no {} documents", kind.name());
        return Ok(unchanged("not-enabled", message));
    }
    let row = match &source {
        Source::Known(kind, id) => document_of_source(flow, *kind, id, own).await?,
        Source::Unread(kind, id) => document_in_queue(flow, *kind, id).await?,
    };
    let Some(row) = row else {
        let message = "SAP Concur shows no such document".to_string();
        return Ok(unchanged("not-there", message));
    };
    let head = financial::head(kind, &row.document).ok();
    if let Some(head) = &head {
        flow.note_facts(head.facts());
    }
    let revision = head.map(|head| head.revision);
    let run = FinancialRun {
        flow,
        kind,
        version: version(&row.id, &revision.unwrap_or_default()),
        row,
        own,
        journal: Journal { flow },
        bills: Bills { flow },
        is_known: Cell::new(false),
    };
    flow.note_version(&run.version);
    run.sync().await
}

/// The document of a source that is to be worked on: the one that is not through, else the one that
/// was posted, else the last.
async fn document_of_source(
    flow: &Flow,
    kind: DocumentType,
    source_id: &str,
    own: &ObjectStatus,
) -> Result<Option<FinancialRow>, EarlyEnd> {
    let mut rows = documents_of_source(flow, kind, source_id).await?;
    let is_open = |row: &FinancialRow| {
        matches!(
            row.status,
            FinancialStatus::Ready | FinancialStatus::Acknowledged
        )
    };
    if rows.iter().filter(|row| is_open(row)).count() > 1 {
        if let Some(head) = rows
            .iter()
            .find_map(|row| financial::head(kind, &row.document).ok())
        {
            flow.note_facts(head.facts());
        }
        return Err(several(flow, &rows));
    }
    let posted = |row: &FinancialRow| {
        let link = own.link.as_ref();
        let version = link.and_then(|link| link.version.as_deref());
        version.is_some_and(|version| version.split('/').next() == Some(row.id.as_str()))
    };
    let at = rows.iter().position(is_open);
    let at = at.or_else(|| rows.iter().position(posted));
    Ok(match at {
        Some(at) => Some(rows.swap_remove(at)),
        None => rows.pop(),
    })
}

fn several(flow: &Flow, rows: &[FinancialRow]) -> EarlyEnd {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let message = format!(
        "SAP Concur has several unfinished documents of one source: {}",
        ids.join(", ")
    );
    let remedy = "recall all but one in SAP Concur, then `ml-connector replay RUN`";
    flow.parked("several-documents", message, remedy)
}

/// A document whose source cannot be read: only the list of what is ready shows it.
async fn document_in_queue(
    flow: &Flow,
    kind: DocumentType,
    id: &str,
) -> Result<Option<FinancialRow>, EarlyEnd> {
    for page in 0..QUEUE_PAGES_MAX {
        let request = concur::list_ready(kind, page, flow.settings.financial.page_size);
        let listed = match flow.read(request, concur::read_financial_documents).await? {
            Ok(listed) => listed,
            Err(refusal) => return Err(remote_refused(flow, System::Concur, "the list", &refusal)),
        };
        let is_last = u64::from(page).saturating_add(1) >= listed.pages;
        if let Some(row) = listed.rows.into_iter().find(|row| row.id == id) {
            return Ok(Some(row));
        }
        if is_last {
            break;
        }
    }
    Ok(None)
}
