//! A financial document becomes a journal entry: acknowledged, posted once, confirmed.
//!
//! The object is the document's source (a report, a payment request, a cash advance), so that all
//! documents of one source come one after the other: a report that is recalled, corrected and
//! submitted again brings a new document, whose entry replaces the earlier one.

mod confirming;
mod journal;
mod posting;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{ambiguity, concur, rejected, unchanged};
use crate::concur::{self as wire, Row, Status};
use crate::contract::runs::{Confirmation, Ending, How, Link, Save, Standing};
use crate::contract::types::{ObjectRef, System};
use crate::financial::{self, DocumentType};
use crate::runs::{Flow, Halt};
use crate::text::clean;
use confirming::Acknowledged;
use journal::Journal;

/// Pages of the queue that are read to find a document whose source cannot be read.
const QUEUE_PAGES_MAX: u32 = 40;
/// What ends a document whose posting was confirmed as failed.
const CORRECT_IN_CONCUR: &str =
    "recall it in SAP Concur, correct it and submit it again: the new document comes by itself";
/// The longest source id that is taken for one. (Concur docs: 32 characters.)
const SOURCE_ID_CHARS_MAX: usize = 64;

/// Whose documents a run brings across.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A report, a payment request or a cash advance, by its id.
    Known(DocumentType, String),
    /// One document whose source cannot be read, by the document's own id.
    Unread(DocumentType, String),
}

impl Source {
    /// The source of a listed document, and the document's version.
    pub(super) fn of(kind: DocumentType, row: &Row) -> (Self, String) {
        match financial::head(kind, &row.document) {
            Ok(head) if is_id(&head.source_id) => {
                let version = version(row, &head.revision);
                (Self::Known(kind, head.source_id), version)
            }
            _ => (Self::Unread(kind, row.id.clone()), version(row, "")),
        }
    }

    fn read(id: &str) -> Option<Self> {
        let (kind, id) = id.split_once('/')?;
        let kind = DocumentType::named(kind)?;
        match id.strip_prefix("document/") {
            Some(id) => Some(Self::Unread(kind, id.to_string())),
            None => is_id(id).then(|| Self::Known(kind, id.to_string())),
        }
    }

    /// The source as the object of a run.
    pub(super) fn object(&self) -> ObjectRef {
        let id = match self {
            Self::Known(kind, id) => format!("{}/{id}", kind.name()),
            Self::Unread(kind, id) => format!("{}/document/{id}", kind.name()),
        };
        concur("financial-document", id)
    }
}

fn is_id(text: &str) -> bool {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    !text.is_empty() && text.len() <= SOURCE_ID_CHARS_MAX && text.chars().all(plain)
}

/// The document's id and revision: what an entry is posted for.
fn version(row: &Row, revision: &str) -> String {
    format!("{}/{revision}", row.id)
}

/// Brings the document of a source that is to be worked on across.
pub(super) async fn carry(flow: &Flow) -> Result<Ending, Halt> {
    let own = flow.find_own().await;
    let ended = look(flow, &own).await;
    match ambiguity::since(flow, &own, flow.settings.financial.ambiguity, true) {
        Some(since) => ambiguity::still(flow, since, ended),
        None => ended,
    }
}

async fn look(flow: &Flow, own: &Standing) -> Result<Ending, Halt> {
    let Some(source) = Source::read(&flow.task.object.id) else {
        let sentence = format!("\"{}\" names no financial document", flow.task.object.id);
        let remedy = "report this as a bug";
        return Err(Halt::Parked(flow.stop("unknown-source", sentence, remedy)));
    };
    let (Source::Known(kind, _) | Source::Unread(kind, _)) = source;
    if !flow.settings.financial.carries(kind) {
        let sentence = format!("the settings bring no {} documents", kind.name());
        return Ok(unchanged("not-enabled", sentence));
    }
    let row = match &source {
        Source::Known(kind, id) => current(flow, *kind, id, own).await?,
        Source::Unread(kind, id) => unread(flow, *kind, id).await?,
    };
    let Some(row) = row else {
        let sentence = "SAP Concur shows no such document".to_string();
        return Ok(unchanged("not-there", sentence));
    };
    let revision = financial::head(kind, &row.document).map(|head| head.revision);
    let case = Case {
        flow,
        kind,
        version: version(&row, &revision.unwrap_or_default()),
        row,
        own,
        journal: Journal { flow },
    };
    flow.looked_at(&case.version);
    case.carry().await
}

/// The document of a source that is to be worked on: the one that is not through, else the one that
/// was posted, else the last.
async fn current(
    flow: &Flow,
    kind: DocumentType,
    source_id: &str,
    own: &Standing,
) -> Result<Option<Row>, Halt> {
    let mut rows = documents(flow, kind, source_id).await?;
    let is_open = |row: &Row| matches!(row.status, Status::Ready | Status::Acknowledged);
    if rows.iter().filter(|row| is_open(row)).count() > 1 {
        return Err(several(flow, &rows));
    }
    let posted = |row: &Row| {
        let link = own.link.as_ref();
        link.is_some_and(|link| link.version.split('/').next() == Some(row.id.as_str()))
    };
    let at = rows.iter().position(is_open);
    let at = at.or_else(|| rows.iter().position(posted));
    Ok(match at {
        Some(at) => Some(rows.swap_remove(at)),
        None => rows.pop(),
    })
}

async fn documents(flow: &Flow, kind: DocumentType, source_id: &str) -> Result<Vec<Row>, Halt> {
    let request = wire::of_source(kind, source_id);
    match flow.read(request, wire::read_documents).await? {
        Ok(page) => Ok(page.rows),
        Err(refusal) if refusal.is_missing() => Ok(Vec::new()),
        Err(refusal) => Err(rejected(flow, System::Concur, "to show it", &refusal)),
    }
}

fn several(flow: &Flow, rows: &[Row]) -> Halt {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let sentence = format!(
        "SAP Concur holds several documents of one source that are not through: {}",
        ids.join(", ")
    );
    let remedy = "recall all but one in SAP Concur, then `ml-connector replay RUN`";
    Halt::Parked(flow.stop("several-documents", sentence, remedy))
}

/// A document whose source cannot be read: only the list of what is ready shows it.
async fn unread(flow: &Flow, kind: DocumentType, id: &str) -> Result<Option<Row>, Halt> {
    for page in 0..QUEUE_PAGES_MAX {
        let request = wire::ready(kind, page, flow.settings.financial.page_size);
        let listed = match flow.read(request, wire::read_documents).await? {
            Ok(listed) => listed,
            Err(refusal) => return Err(rejected(flow, System::Concur, "the list", &refusal)),
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

/// A document on its way.
struct Case<'a> {
    flow: &'a Flow,
    kind: DocumentType,
    row: Row,
    /// The document's id and revision.
    version: String,
    own: &'a Standing,
    journal: Journal<'a>,
}

impl Case<'_> {
    async fn carry(&self) -> Result<Ending, Halt> {
        if !self.is_of_its_type() {
            return Err(self.unknown_type());
        }
        match &self.row.status {
            Status::Ready => match self.acknowledge().await? {
                Acknowledged::Now => self.post(false).await,
                Acknowledged::Before => self.post(true).await,
                Acknowledged::Recalled => self.withdraw().await,
            },
            Status::Acknowledged if self.row.system_id == *self.system_id() => {
                self.post(true).await
            }
            Status::Acknowledged => Err(self.acknowledged_elsewhere(&self.row.system_id)),
            Status::Posted => self.posted_before().await,
            Status::Failed => Err(self.failed_before()),
            Status::Recalled => self.withdraw().await,
            Status::Other(word) => Err(self.unknown_status(word)),
        }
    }

    /// Whether the list says of the document what was asked for, in whatever case.
    fn is_of_its_type(&self) -> bool {
        let named = self.row.doc_type.as_str();
        named.is_empty() || named.eq_ignore_ascii_case(self.kind.wire())
    }

    /// No call of its own type would be for it, so that it is not even acknowledged.
    fn unknown_type(&self) -> Halt {
        self.stop(
            "unknown-type",
            format!(
                "SAP Concur lists it among the {} documents and calls it \"{}\"",
                self.kind.name(),
                clean(&self.row.doc_type)
            ),
            "look in SAP Concur; it is left as it is there",
        )
    }

    fn system_id(&self) -> &str {
        &self.flow.settings.financial.system_id
    }

    /// Concur says that it is posted: it must be in the journal, under our marker.
    async fn posted_before(&self) -> Result<Ending, Halt> {
        if let Some(link) = self.linked() {
            let sentence = format!(
                "already posted as journal entry {} and confirmed",
                link.target.id
            );
            return Ok(unchanged("already-posted", sentence));
        }
        if let Some(origin) = self.origin().await? {
            let sentence = format!(
                "it came from FreshBooks as {} {}, and is confirmed",
                origin.kind, origin.id
            );
            return Ok(unchanged("already-confirmed", sentence));
        }
        match self.journal.find_marked(&self.marker()).await? {
            Some(id) => {
                self.link(&id, String::new()).await;
                let sentence = format!("journal entry {id} was there already, with our marker");
                Ok(self.confirmed(&id, How::Adopted, sentence))
            }
            None => Err(self.stop(
                "posted-elsewhere",
                "SAP Concur holds it as posted, but FreshBooks has no journal entry with our marker"
                    .to_string(),
                "see who else confirms financial documents of this company; enter it in FreshBooks by hand if it is missing",
            )),
        }
    }

    /// Its posting was confirmed as failed; why is what the run that did it ended with.
    fn failed_before(&self) -> Halt {
        if let Some(link) = self.linked() {
            return self.posted_but_failed(&link.target.id);
        }
        let (code, sentence) = match self.own.code.as_str() {
            "" => (
                "posting-failed",
                "SAP Concur holds its posting as failed".to_string(),
            ),
            code => (code, self.own.sentence.clone()),
        };
        self.stop(code, sentence, CORRECT_IN_CONCUR)
    }

    fn posted_but_failed(&self, entry_id: &str) -> Halt {
        self.stop(
            "posted-but-failed",
            format!(
                "journal entry {entry_id} stands in FreshBooks, but SAP Concur holds the posting as failed"
            ),
            "recall it in SAP Concur: the entry is then reversed, and the new document posted",
        )
    }

    fn unknown_status(&self, word: &str) -> Halt {
        self.stop(
            "unknown-status",
            format!("SAP Concur gives it the status \"{word}\""),
            "look in SAP Concur, then `ml-connector replay RUN`",
        )
    }

    fn acknowledged_elsewhere(&self, system_id: &str) -> Halt {
        self.stop(
            "acknowledged-elsewhere",
            format!("another system has acknowledged it: \"{system_id}\""),
            "let only one system take financial documents, or set `financial.system_id` to that name if it was this one, then `ml-connector replay RUN`",
        )
    }

    fn stop(&self, code: &str, sentence: String, remedy: &str) -> Halt {
        Halt::Parked(self.flow.stop(code, sentence, remedy))
    }

    /// The link, if it is to an entry of this very document.
    fn linked(&self) -> Option<&Link> {
        let link = self.own.link.as_ref();
        link.filter(|link| link.version == self.version)
    }

    fn marker(&self) -> String {
        self.flow.marker(&format!("journal-entry {}", self.version))
    }

    async fn link(&self, entry_id: &str, content_hash: String) {
        let link = Link {
            source: self.flow.task.object.clone(),
            target: journal::entry(entry_id),
            version: self.version.clone(),
            content_hash,
        };
        let links = [link].into();
        self.flow
            .save(Save {
                links,
                unlinks: Vec::new(),
                tasks: Vec::new(),
            })
            .await;
    }

    fn confirmed(&self, entry_id: &str, how: How, sentence: String) -> Ending {
        Ending::Confirmed(Confirmation {
            target: journal::entry(entry_id),
            how,
            sentence,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(document: &str) -> Row {
        Row {
            id: "4b7d".to_string(),
            doc_type: "expense".to_string(),
            status: Status::Ready,
            system_id: String::new(),
            document: document.to_string(),
        }
    }

    #[test]
    fn a_source_is_an_object_and_back() {
        let report = r#"{"report":{"reportId":"9E44A1C07B2F4D06A9B1","revisionNumber":"2"}}"#;
        let (source, version) = Source::of(DocumentType::Expense, &row(report));
        assert_eq!(source.object().id, "expense/9E44A1C07B2F4D06A9B1");
        assert_eq!(version, "4b7d/2");
        assert_eq!(Source::read(&source.object().id), Some(source));
    }

    #[test]
    fn a_document_whose_source_cannot_be_read_is_its_own() {
        for text in [
            "",
            "not JSON",
            "{}",
            r#"{"report":{"reportId":"../../../oauth2"}}"#,
            r#"{"report":{"reportId":"document/1"}}"#,
        ] {
            let (source, version) = Source::of(DocumentType::Expense, &row(text));
            assert_eq!(source.object().id, "expense/document/4b7d", "{text}");
            assert_eq!(version, "4b7d/");
            assert_eq!(Source::read(&source.object().id), Some(source));
        }
    }

    #[test]
    fn what_is_no_source_is_said() {
        for id in ["", "expense", "journal/1", "expense/", "expense/a/b"] {
            assert_eq!(Source::read(id), None, "{id}");
        }
    }
}
