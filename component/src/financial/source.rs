//! The source of financial documents: a report, a payment request or a cash advance.

use alloc::format;
use alloc::string::{String, ToString};

use super::Head;
use crate::concur::DocumentType;
use crate::contract::types::ObjectRef;

/// The longest source id that is taken for one: twice the documented 32 characters, so that a
/// longer text is no id but damage.
const SOURCE_ID_CHARS_MAX: usize = 64;

/// Whose documents a run brings across.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A report, a payment request or a cash advance, by its id.
    Known(DocumentType, String),
    /// One document whose source cannot be read, by the document's own id.
    Unread(DocumentType, String),
}

impl Source {
    /// The source of the document with this id, and the document's version.
    pub(crate) fn of_document(kind: DocumentType, id: &str, head: Option<Head>) -> (Self, String) {
        match head {
            Some(head) if is_id(&head.source_id) => {
                let version = version(id, &head.revision);
                (Self::Known(kind, head.source_id), version)
            }
            _ => (Self::Unread(kind, id.to_string()), version(id, "")),
        }
    }

    /// The source that the id of a run's object names.
    pub(crate) fn from_id(id: &str) -> Option<Self> {
        let (kind, id) = id.split_once('/')?;
        let kind = DocumentType::named(kind)?;
        match id.strip_prefix("document/") {
            Some(id) => Some(Self::Unread(kind, id.to_string())),
            None => is_id(id).then(|| Self::Known(kind, id.to_string())),
        }
    }

    /// The source as the object of a run.
    pub(crate) fn object(&self) -> ObjectRef {
        let id = match self {
            Self::Known(kind, id) => format!("{}/{id}", kind.name()),
            Self::Unread(kind, id) => format!("{}/document/{id}", kind.name()),
        };
        ObjectRef::concur("financial-document", id)
    }
}

fn is_id(text: &str) -> bool {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    !text.is_empty() && text.len() <= SOURCE_ID_CHARS_MAX && text.chars().all(plain)
}

/// The target kind in the marker of the entry of a document version.
pub(crate) fn entry_kind(version: &str) -> String {
    format!("journal-entry {version}")
}

/// The target kind in the marker of the expenses of projects of a document version.
pub(crate) fn project_expenses_kind(version: &str) -> String {
    format!("project-expenses {version}")
}

/// The target kind in the marker of the bill of a document version.
pub(crate) fn bill_kind(version: &str) -> String {
    format!("bill {version}")
}

/// The document's id and revision: what an entry is posted for.
pub(crate) fn version(id: &str, revision: &str) -> String {
    format!("{id}/{revision}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::financial::head;

    fn source_of(document: &str) -> (Source, String) {
        let head = head(DocumentType::Expense, document).ok();
        Source::of_document(DocumentType::Expense, "4b7d", head)
    }

    #[test]
    fn a_source_is_an_object_and_back() {
        let report = r#"{"report":{"reportId":"9E44A1C07B2F4D06A9B1","revisionNumber":"2"}}"#;
        let (source, version) = source_of(report);
        assert_eq!(source.object().id, "expense/9E44A1C07B2F4D06A9B1");
        assert_eq!(version, "4b7d/2");
        assert_eq!(Source::from_id(&source.object().id), Some(source));
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
            let (source, version) = source_of(text);
            assert_eq!(source.object().id, "expense/document/4b7d", "{text}");
            assert_eq!(version, "4b7d/");
            assert_eq!(Source::from_id(&source.object().id), Some(source));
        }
    }

    #[test]
    fn what_is_no_source_is_said() {
        for id in ["", "expense", "journal/1", "expense/", "expense/a/b"] {
            assert_eq!(Source::from_id(id), None, "{id}");
        }
    }
}
