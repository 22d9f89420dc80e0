//! The queue of financial documents: lists what nobody has acknowledged, and starts a run of each source.
//!
//! Acknowledging takes a document off the list, so that later pages move forward while the first ones are worked on.
//! The first page is therefore read again and again as long as it shows something new, and only then the next one.
//! A run reads one page; its object's id says which: `expense`, then `expense/0` and on.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::financial_document::Source;
use super::{concur, rejected, unchanged};
use crate::concur::{self as wire, Row};
use crate::contract::runs::{
    Confirmation, Ending, EndingKind, How, NewTask, Reason, Standing, WaitReason,
};
use crate::contract::types::{Duration, System};
use crate::financial::DocumentType;
use crate::runs::{Flow, Halt};

/// How long the queue is left alone for the documents that were just found, unless the last of them ends earlier.
const DOCUMENTS_LOOK: Duration = 30_000;

/// Reads one page of the queue.
pub(super) async fn page(flow: &Flow) -> Result<Ending, Halt> {
    let Some(place) = Place::read(&flow.task.object.id) else {
        let sentence = format!("\"{}\" names no queue of documents", flow.task.object.id);
        return Err(Halt::Parked(flow.stop(
            "unknown-queue",
            sentence,
            "report this as a bug",
        )));
    };
    let settings = &flow.settings.financial;
    if !settings.carries(place.kind) {
        let sentence = format!("the settings bring no {} documents", place.kind.name());
        return Ok(unchanged("not-enabled", sentence));
    }
    let request = wire::ready(place.kind, place.page, settings.page_size);
    let page = match flow.read(request, wire::read_documents).await? {
        Ok(page) => page,
        Err(refusal) => return Err(rejected(flow, System::Concur, "the list", &refusal)),
    };
    let found = found(flow, place.kind, &page.rows).await;
    let next = place.next(!found.is_empty(), page.pages);
    let count = found.len();
    carry(flow, found).await;
    if let Some(next) = next {
        let object = concur("financial-queue", next.to_id());
        let reason = Reason::Schedule;
        flow.start([NewTask { object, reason }].into()).await;
    }
    Ok(Ending::Confirmed(Confirmation {
        target: flow.task.object.clone(),
        how: How::Checked,
        sentence: format!("{} listed, {count} new", page.rows.len()),
    }))
}

/// Starts the runs of the documents that were found, and leaves them time to take themselves off the list.
async fn carry(flow: &Flow, found: Vec<NewTask>) {
    let Some(last) = found.last().map(|task| task.object.clone()) else {
        return;
    };
    let count = found.len();
    flow.start(found).await;
    let sentence =
        format!("{count} documents are to be acknowledged before the list is read again");
    flow.wait_on(DOCUMENTS_LOOK, WaitReason::Dependency, Some(last), sentence)
        .await;
}

/// The sources of documents that no run has looked at.
async fn found(flow: &Flow, kind: DocumentType, rows: &[Row]) -> Vec<NewTask> {
    if rows.is_empty() {
        return Vec::new();
    }
    let sources: Vec<(Source, String)> = rows.iter().map(|row| Source::of(kind, row)).collect();
    let objects = sources.iter().map(|(source, _)| source.object()).collect();
    let standings = flow.find(objects).await;
    let mut tasks: Vec<NewTask> = Vec::new();
    for ((_, version), standing) in sources.into_iter().zip(standings) {
        let is_listed = tasks.iter().any(|task| task.object == standing.object);
        if !is_listed && is_new(&standing, &version) {
            tasks.push(NewTask {
                object: standing.object,
                reason: Reason::Notice,
            });
        }
    }
    tasks
}

/// A document that a run has looked at and left on the list waits for a person, or for Concur to show the truth.
fn is_new(standing: &Standing, version: &str) -> bool {
    match standing.ending {
        _ if standing.active => false,
        EndingKind::None => true,
        // A stop that did not get as far as a version waits for a person.
        EndingKind::Parked | EndingKind::Rejected | EndingKind::Conflict
            if standing.version.is_empty() =>
        {
            false
        }
        _ => standing.version != version,
    }
}

/// Where a look through a queue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    kind: DocumentType,
    page: u32,
}

impl Place {
    fn read(id: &str) -> Option<Self> {
        let (kind, page) = id.split_once('/').unwrap_or((id, "0"));
        Some(Self {
            kind: DocumentType::named(kind)?,
            page: page.parse().ok()?,
        })
    }

    fn to_id(self) -> String {
        format!("{}/{}", self.kind.name(), self.page)
    }

    fn next(self, is_news: bool, pages: u64) -> Option<Self> {
        let page = self.page.saturating_add(1);
        if is_news {
            return Some(Self { page: 0, ..self });
        }
        (u64::from(page) < pages).then_some(Self { page, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn the_first_page_is_read_until_it_shows_nothing_new() {
        let first = Place::read("expense").expect("is a place");
        assert_eq!(
            first.next(true, 3).map(Place::to_id),
            Some("expense/0".to_string())
        );
        let second = first.next(false, 3).expect("has a next page");
        assert_eq!(second.to_id(), "expense/1");
        assert_eq!(Place::read(&second.to_id()), Some(second));
        assert_eq!(second.next(true, 3), Some(first));
        assert_eq!(second.next(false, 2), None);
    }

    #[test]
    fn what_is_no_place_is_said() {
        for id in ["", "journal", "expense/", "expense/x", "expense/1/2", "/0"] {
            assert_eq!(Place::read(id), None, "{id}");
        }
    }
}
