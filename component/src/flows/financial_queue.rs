//! The queue of financial documents: lists what nobody has acknowledged, and starts a run of each
//! source.
//!
//! Acknowledging takes a document off the list, so that later pages move forward while the first
//! ones are worked on. The first page is therefore read again and again as long as it shows
//! something new, and only then the next one.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::financial_document::OTHER_LEDGER;
use super::looks_changed;
use crate::concur::{self, DocumentType, FinancialPage, FinancialRow};
use crate::contract::runs::{
    Change, Confirmation, Ending, NewTask, ObjectStatus, StartReason, WaitReason,
};
use crate::contract::types::{Duration, ObjectRef, System};
use crate::financial;
use crate::financial::source::Source;
use crate::flow::{EarlyEnd, Flow, remote_refused, unchanged};
use crate::settings::financial::Entity;
use crate::text::clean;

/// How long the queue is left alone for the documents that were just found, in milliseconds, unless
/// the last of them ends earlier: a document takes a few requests, so half a minute is plenty.
const DOCUMENTS_LOOK: Duration = 30_000;
/// Pages with something new that one run reads; the next run goes on, so that no history grows
/// without bound.
const NEW_PAGES_MAX: u32 = 4;
/// Pages that one run reads in all: at the default of 25 documents, 2 500 of them. The bound ends a
/// list whose number of pages is wrong.
const PAGES_MAX: u32 = 100;

/// Legal entities that are named of what is left: enough to see which setting to look at.
const ENTITIES_MAX: usize = 3;

/// Reads the queue of a type until it shows nothing new.
pub(super) async fn read_queue(flow: &Flow) -> Result<Ending, EarlyEnd> {
    let id = &flow.task.object.id;
    let Some(kind) = DocumentType::named(id) else {
        let message = format!("\"{id}\" names no queue of documents");
        let remedy = "report this as a bug";
        return Err(flow.parked("unknown-queue", message, remedy));
    };
    if !flow.settings.financial.carries(kind) {
        let message = format!("the settings bring no {} documents", kind.name());
        return Ok(unchanged("not-enabled", message));
    }
    let (mut page, mut found, mut new_pages) = (0, 0, 0);
    let mut left = BTreeMap::new();
    for _ in 0..PAGES_MAX {
        let listed = read_page(flow, kind, page).await?;
        let rows = listed.rows.iter();
        let documents: Vec<_> = rows.map(|row| QueuedDocument::new(kind, row)).collect();
        let tasks = new_sources(flow, &documents).await;
        let of_others = documents.into_iter().filter(|one| !one.is_taken(flow));
        left.extend(of_others.map(|one| (one.id, one.entity)));
        if tasks.is_empty() {
            page += 1;
            if u64::from(page) >= listed.pages {
                break;
            }
            continue;
        }
        page = 0;
        new_pages += 1;
        found += tasks.len();
        start_and_wait(flow, tasks).await;
        if new_pages == NEW_PAGES_MAX {
            read_again_later(flow).await;
            break;
        }
    }
    Ok(Ending::Confirmed(Confirmation {
        target: flow.task.object.clone(),
        change: Change::Checked,
        message: message(found, &left),
    }))
}

/// `left` has the legal entity of each document that is left to others, by the document's id.
fn message(found: usize, left: &BTreeMap<String, Entity>) -> String {
    let plural = if found == 1 { "" } else { "s" };
    let found = format!("{found} new document{plural} found");
    if left.is_empty() {
        return found;
    }
    let named: BTreeSet<String> = left.values().map(Entity::shown).collect();
    let shown = named.iter().filter(|named| !named.is_empty());
    let shown: Vec<&str> = shown.take(ENTITIES_MAX).map(String::as_str).collect();
    let of = match shown.as_slice() {
        [] => String::new(),
        shown => format!(", such as of {}", clean(&shown.join(", "))),
    };
    format!(
        "{found}; {} left that `financial.ledgers` does not take{of}",
        left.len()
    )
}

/// A document in the queue, as far as its head says.
struct QueuedDocument {
    id: String,
    /// Its source, which its run is about.
    object: ObjectRef,
    version: String,
    /// Whose books it belongs to.
    entity: Entity,
}

impl QueuedDocument {
    fn new(kind: DocumentType, row: &FinancialRow) -> Self {
        let head = financial::head(kind, &row.document).ok();
        let entity = head.as_ref().map(|head| head.entity.clone());
        let (source, version) = Source::of_document(kind, &row.id, head);
        Self {
            id: row.id.clone(),
            object: source.object(),
            version,
            entity: entity.unwrap_or_default(),
        }
    }

    fn is_taken(&self, flow: &Flow) -> bool {
        flow.settings.financial.ledgers.takes(&self.entity)
    }
}

async fn read_page(flow: &Flow, kind: DocumentType, page: u32) -> Result<FinancialPage, EarlyEnd> {
    let request = concur::list_ready(kind, page, flow.settings.financial.page_size);
    match flow.read(request, concur::read_financial_documents).await? {
        Ok(page) => Ok(page),
        Err(refusal) => Err(remote_refused(flow, System::Concur, "the list", &refusal)),
    }
}

/// Has this queue read once more when this run has ended.
async fn read_again_later(flow: &Flow) {
    let object = flow.task.object.clone();
    let reason = StartReason::Schedule;
    flow.start([NewTask { object, reason }].into()).await;
}

/// Starts the runs of the documents that were found, and leaves them time to take themselves off
/// the list.
async fn start_and_wait(flow: &Flow, found: Vec<NewTask>) {
    let Some(last) = found.last().map(|task| task.object.clone()) else {
        return;
    };
    let count = found.len();
    flow.start(found).await;
    let message = format!("{count} documents are to be acknowledged before the list is read again");
    flow.wait_on(DOCUMENTS_LOOK, WaitReason::Dependency, Some(last), message)
        .await;
}

/// The sources of documents that no run has looked at.
async fn new_sources(flow: &Flow, documents: &[QueuedDocument]) -> Vec<NewTask> {
    if documents.is_empty() {
        return Vec::new();
    }
    let objects = documents.iter().map(|document| document.object.clone());
    let statuses = flow.find(objects.collect()).await;
    let mut tasks: Vec<NewTask> = Vec::new();
    for (document, status) in documents.iter().zip(statuses) {
        let is_listed = tasks.iter().any(|task| task.object == status.object);
        let was_left = document.is_taken(flow) && was_left_to_others(&status);
        if !is_listed && (was_left || is_new(&status, &document.version)) {
            tasks.push(NewTask {
                object: status.object,
                reason: StartReason::Listed,
            });
        }
    }
    tasks
}

/// Whether the settings did not take the document when a run last looked at it.
fn was_left_to_others(status: &ObjectStatus) -> bool {
    let last = status.last.as_ref().and_then(|last| last.code.as_deref());
    !status.active && last == Some(OTHER_LEDGER)
}

/// A document that a run has looked at and left on the list waits for a person, or for Concur to
/// show the truth.
fn is_new(status: &ObjectStatus, version: &str) -> bool {
    !status.active && looks_changed(status, version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_document_is_no_documents() {
        for (found, said) in [
            (0, "0 new documents"),
            (1, "1 new document "),
            (2, "2 new documents"),
        ] {
            let message = message(found, &BTreeMap::new());
            assert!(message.starts_with(said), "{message}");
        }
    }
}
