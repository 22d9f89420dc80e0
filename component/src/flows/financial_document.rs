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
mod own_expenses;
mod posting;
mod project_expenses;
mod run;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::{Cell, OnceCell};

use super::ambiguity;
use crate::concur::{self, DocumentType, FinancialRow, FinancialStatus};
use crate::contract::runs::{Ending, ObjectStatus};
use crate::contract::types::System;
use crate::financial::source::{Source, version};
use crate::financial::{self, Head};
use crate::flow::{EarlyEnd, Flow, remote_refused, unchanged};
use crate::text::clean;
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
    let version = version_of(&row, head.as_ref());
    flow.note_version(&version);
    let is_of_others = is_of_others(flow, own, &row, head.as_ref());
    let run = FinancialRun {
        flow,
        kind,
        version,
        row,
        own,
        journal: Journal { flow },
        bills: Bills { flow },
        own_expenses: OnceCell::new(),
        is_known: Cell::new(false),
    };
    if is_of_others {
        return run.leave_to_others(left_to_others(head.as_ref())).await;
    }
    run.sync().await
}

fn version_of(row: &FinancialRow, head: Option<&Head>) -> String {
    version(&row.id, head.map_or("", |head| &head.revision))
}

/// The code of a document that is left to whoever takes its ledger, policy or country.
pub(super) const OTHER_LEDGER: &str = "other-ledger";

/// Whether the settings leave a document to others. One that this connection has begun with stays
/// with it, whatever the settings say since.
fn is_of_others(flow: &Flow, own: &ObjectStatus, row: &FinancialRow, head: Option<&Head>) -> bool {
    let financial = &flow.settings.financial;
    let posted = own.link.as_ref().and_then(|link| link.version.as_ref());
    let is_posted = posted == Some(&version_of(row, head));
    let is_ours = is_posted || row.system_id == financial.system_id;
    let entity = head.map(|head| head.entity.clone()).unwrap_or_default();
    !is_ours && !financial.ledgers.takes(&entity)
}

fn left_to_others(head: Option<&Head>) -> String {
    let named = head.map(|head| head.entity.shown()).unwrap_or_default();
    let named = match named.as_str() {
        "" => "it names no ledger, policy or country".to_string(),
        named => format!("it is of {}", clean(named)),
    };
    format!("{named}, which `financial.ledgers` does not take: it is left in SAP Concur untouched")
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
    let is_of_others = |row: &&FinancialRow| {
        let head = financial::head(kind, &row.document).ok();
        is_of_others(flow, own, row, head.as_ref())
    };
    let open = rows.iter().filter(|row| is_open(row));
    if open.filter(|row| !is_of_others(row)).count() > 1 {
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
