//! Financial documents of SAP Concur, in whatever they came wrapped.

mod bills;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::one_problem;
use crate::concur::{DocumentType, FinancialStatus};
use crate::contract::mapping::{Posting, Side, TranslatedRecord, Translation};
use crate::contract::types::{Note, Problem};
use crate::financial::source::{Source, entry_kind, project_expenses_kind};
use crate::financial::{self, BillOrEntry, Entry, LeftOut, Line, Translated, Untranslatable};
use crate::freshbooks::{OfDocument, expense_body};
use crate::lax_json::{Raw, lax_text};
use crate::settings::Settings;
use crate::{marker, money};

/// The type of a kind such as `expense-document`.
pub(super) fn kind(name: &str) -> Option<DocumentType> {
    DocumentType::named(name.strip_suffix("-document")?)
}

pub(super) fn preview(
    settings: &Settings,
    kind: DocumentType,
    text: &str,
) -> Result<Vec<Translation>, Vec<Problem>> {
    let mut translations = Vec::new();
    let mut problems = Vec::new();
    for listed in unwrapped(text) {
        let at = listed.at.as_str();
        match translated(settings, kind, &listed) {
            Ok(translated) => translations.extend(translated),
            Err(refused) => problems.extend(refused.problems.into_iter().map(|problem| Problem {
                pointer: format!("{at}{}", problem.pointer),
                ..problem
            })),
        }
    }
    match (problems.is_empty(), translations.is_empty()) {
        (true, false) => Ok(translations),
        (true, true) => Err(one_problem("no-document", "the list is empty".to_string())),
        (false, _) => Err(problems),
    }
}

/// A document, in whatever it came wrapped.
struct Listed<'a> {
    /// The pointer that leads to it.
    at: String,
    /// Its own id; empty if it is bare.
    id: String,
    /// The status that SAP Concur gives it; ready if it is bare.
    status: FinancialStatus,
    /// The document as JSON text.
    text: &'a str,
}

/// What may stand around documents: a list of rows, or one row.
#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow)]
    content: Option<Vec<Row<'a>>>,
    /// The envelope that the samples that SAP publishes still have
    /// (source: concur-financial-integration).
    #[serde(borrow, rename = "fIDocuments")]
    older: Option<Vec<Row<'a>>>,
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow, rename = "docStatus")]
    status: Raw<'a>,
    #[serde(borrow)]
    document: Raw<'a>,
    #[serde(rename = "report", alias = "requestHeader", alias = "cashAdvanceData")]
    _own: Option<Bare>,
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    id: Raw<'a>,
    #[serde(borrow, rename = "docStatus")]
    status: Raw<'a>,
    #[serde(borrow)]
    document: Raw<'a>,
}

/// A member that only a document has: refused, since there is nothing to unwrap in the rest.
struct Bare;

impl<'de> Deserialize<'de> for Bare {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("it is a document"))
    }
}

/// The documents in a list, or the one.
fn unwrapped(text: &str) -> Vec<Listed<'_>> {
    let listed = |at: String, id: Raw<'_>, status: Raw<'_>, text| {
        let id = lax_text(id).unwrap_or_default();
        let status = lax_text(status).map_or(FinancialStatus::Ready, |word| {
            FinancialStatus::from_word(&word)
        });
        Listed {
            at,
            id,
            status,
            text,
        }
    };
    let bare = || vec![listed(String::new(), None, None, text)];
    // Whatever is no such object is the document itself, or for the translation to refuse.
    let Ok(wrapped) = serde_json::from_str::<Wrapped>(text) else {
        return bare();
    };
    let (key, rows) = match (wrapped.content, wrapped.older, wrapped.document) {
        (Some(rows), ..) => ("content", rows),
        (None, Some(rows), _) => ("fIDocuments", rows),
        (None, None, Some(inner)) => {
            let at = "/document".to_string();
            return vec![listed(at, wrapped.id, wrapped.status, inner.get())];
        }
        (None, None, None) => return bare(),
    };
    let documents = rows.iter().enumerate().map(|(index, row)| {
        let at = format!("/{key}/{index}/document");
        let document = row.document.map_or("null", RawValue::get);
        listed(at, row.id, row.status, document)
    });
    documents.collect()
}

fn translated(
    settings: &Settings,
    kind: DocumentType,
    listed: &Listed,
) -> Result<Vec<Translation>, Untranslatable> {
    let mut translations = entry_or_bill(settings, kind, &listed.id, listed.text)?;
    // What is there can still be compared with what the document makes.
    translations.extend(why_nothing(&listed.status).map(Translation::Nothing));
    Ok(translations)
}

/// What a document makes, whatever its status.
fn entry_or_bill(
    settings: &Settings,
    kind: DocumentType,
    id: &str,
    text: &str,
) -> Result<Vec<Translation>, Untranslatable> {
    if kind == DocumentType::Invoice && settings.financial.makes_bills() {
        // What becomes no bill becomes a journal entry.
        if let BillOrEntry::Bill(bill) = financial::bill(text, settings)? {
            let head = financial::head(kind, text)?;
            return Ok(vec![bills::translation(settings, id, head, &bill)]);
        }
    }
    let (translated, head) = financial::translate_with_head(kind, text, settings, &LeftOut::new())?;
    let (source, version) = Source::of_document(kind, id, Some(head));
    let marker =
        |target_kind: &str| marker::marker_for(&settings.connection, &source.object(), target_kind);
    let expenses = match &translated {
        Translated::Entry(entry) => {
            expenses_of(settings, entry, &marker(&project_expenses_kind(&version)))
        }
        Translated::NotPosted { .. } => Vec::new(),
    };
    let mut translations = vec![translation(
        settings,
        &marker(&entry_kind(&version)),
        translated,
    )];
    translations.extend(expenses);
    Ok(translations)
}

/// The expenses that rows of projects become beside the entry.
fn expenses_of(settings: &Settings, entry: &Entry, marker: &str) -> Vec<Translation> {
    let day = settings.financial.posting_day(&entry.date);
    let day = day.unwrap_or_else(|_| entry.date.clone());
    let of = OfDocument {
        currency: &entry.currency,
        date: &day,
        description: &entry.description,
        marker,
    };
    let records = entry.expenses.iter().map(|expense| {
        Translation::Record(TranslatedRecord {
            target_kind: "expense".to_string(),
            json: expense_body(settings, expense, &of),
            postings: Vec::new(),
        })
    });
    records.collect()
}

/// Why a run posts nothing of a document of this status.
fn why_nothing(status: &FinancialStatus) -> Option<Note> {
    let (code, message) = match status {
        FinancialStatus::Posted => (
            "already-posted",
            "SAP Concur says that this document is posted already, so a run makes nothing of it \
             again",
        ),
        FinancialStatus::Failed => (
            "posting-failed",
            "SAP Concur says that its posting has failed; a run posts the document that follows \
             when its processor has recalled and corrected this one",
        ),
        FinancialStatus::Recalled => (
            "recalled",
            "SAP Concur says that it is recalled; a run takes back what was posted of it",
        ),
        FinancialStatus::Ready | FinancialStatus::Acknowledged | FinancialStatus::Other(_) => {
            return None;
        }
    };
    Some(Note {
        code: code.to_string(),
        message: message.to_string(),
    })
}

fn translation(settings: &Settings, marker: &str, translated: Translated) -> Translation {
    match translated {
        Translated::Entry(entry) => Translation::Record(TranslatedRecord {
            target_kind: "journal-entry".to_string(),
            json: body(settings, marker, &entry),
            postings: entry
                .lines
                .iter()
                .map(|line| posting(line, &entry))
                .collect(),
        }),
        Translated::NotPosted { code, message } => Translation::Nothing(Note {
            code: code.to_string(),
            message,
        }),
    }
}

/// The body that a run sends first: with the document's marker, and on the day that it posts on, or
/// would if the books were open.
fn body(settings: &Settings, marker: &str, entry: &Entry) -> String {
    let day = settings.financial.posting_day(&entry.date);
    let day = day.unwrap_or_else(|_| entry.date.clone());
    entry.body(&settings.financial, marker, &day)
}

fn posting(line: &Line, entry: &Entry) -> Posting {
    let minor_units = money::minor_units(&entry.currency).unwrap_or(2);
    let (amount, is_debit) = line.side();
    Posting {
        account: line.account.clone(),
        label: line.label.clone(),
        cost_code: line.cost_code.clone(),
        side: if is_debit { Side::Debit } else { Side::Credit },
        amount: money::wire(amount, minor_units),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::financial::tests::{EXPENSE, PAYROLL, settings};
    use crate::mapping::tests::only_record;

    fn codes(kind: &str, text: &str) -> Vec<(String, String)> {
        let problems = super::super::preview(&settings(), kind, text).expect_err("has problems");
        let pairs = problems
            .into_iter()
            .map(|problem| (problem.code, problem.pointer));
        pairs.collect()
    }

    #[test]
    fn every_wrapping_gives_the_same_translation() {
        let preview = |text: &str| super::super::preview(&settings(), "expense-document", text);
        let bare = preview(EXPENSE).expect("translates");
        let record = only_record(&bare);
        assert_eq!(record.target_kind, "journal-entry");
        assert!(
            record.json.contains(r#""user_entered_date":"2026-03-03""#),
            "{}",
            record.json
        );
        let text = serde_json::to_string(EXPENSE).expect("is text");
        for document in [EXPENSE, &text] {
            let row = format!(r#"{{"docType": "expense", "document": {document}}}"#);
            for wrapped in [
                document.to_string(),
                row.clone(),
                format!(r#"{{"links": [], "content": [{row}], "page": {{}}}}"#),
                format!(r#"{{"fIDocuments": [{row}], "nextPage": null}}"#),
            ] {
                assert_eq!(preview(&wrapped), Ok(bare.clone()));
            }
            let two = format!(r#"{{"content": [{row}, {row}]}}"#);
            assert_eq!(preview(&two).map(|both| both.len()), Ok(2));
        }
    }

    #[test]
    fn postings_have_one_side_each_in_the_currency_s_digits() {
        let translations =
            preview(&settings(), DocumentType::Expense, EXPENSE).expect("translates");
        let first = Posting {
            account: "61".to_string(),
            label: "6100 Hotel".to_string(),
            cost_code: Some("PRJ_A".to_string()),
            side: Side::Debit,
            amount: "120.00".to_string(),
        };
        let postings = &only_record(&translations).postings;
        assert_eq!(postings[0], first);
        assert_eq!(
            (postings[2].side, postings[2].amount.as_str()),
            (Side::Credit, "244.50")
        );
    }

    #[test]
    fn what_is_not_posted_says_why() {
        let translations =
            preview(&settings(), DocumentType::Payroll, PAYROLL).expect("translates");
        let [Translation::Nothing(note)] = translations.as_slice() else {
            panic!("is posted: {translations:?}");
        };
        assert_eq!(note.code, "payroll-acknowledged");
    }

    #[test]
    fn what_sap_concur_says_is_done_is_not_posted_again() {
        for (status, code) in [
            ("POSTING_CONFIRMED_SUCCESS", "already-posted"),
            ("PAID", "already-posted"),
            ("POSTING_CONFIRMED_FAILURE", "posting-failed"),
            ("RECALLED", "recalled"),
        ] {
            let row = format!(r#"{{"docStatus": "{status}", "document": {EXPENSE}}}"#);
            for wrapped in [row.clone(), format!(r#"{{"content": [{row}]}}"#)] {
                let shown = super::super::preview(&settings(), "expense-document", &wrapped);
                match shown.as_deref() {
                    Ok([Translation::Record(_), Translation::Nothing(note)]) => {
                        assert_eq!(note.code, code);
                    }
                    other => panic!("{status}: {other:?}"),
                }
            }
        }
        for status in ["READY", "ACKNOWLEDGED", "DELAYED"] {
            let row = format!(r#"{{"docStatus": "{status}", "document": {EXPENSE}}}"#);
            let shown = super::super::preview(&settings(), "expense-document", &row);
            only_record(&shown.expect("translates"));
        }
    }

    #[test]
    fn problems_point_into_the_list() {
        let list = format!(
            r#"{{"content": [{{"document": {EXPENSE}}}, {{"document": null}},
            {{"document": {}}}]}}"#,
            EXPENSE.replace("280.00", "281.00")
        );
        let expected = [
            ("unreadable", "/content/1/document"),
            (
                "unbalanced",
                "/content/2/document/report/totalApprovedAmount",
            ),
        ];
        let expected = expected.map(|(code, at)| (code.to_string(), at.to_string()));
        assert_eq!(codes("expense-document", &list), expected);
        assert_eq!(
            codes("expense-document", r#"{"content": []}"#)[0].0,
            "no-document"
        );
        assert_eq!(codes("expense-document", "{")[0].0, "not-json");
        assert_eq!(codes("obligation-document", "{}")[0].0, "unknown-kind");
    }
}
