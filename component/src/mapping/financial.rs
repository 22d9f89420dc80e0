//! Financial documents of SAP Concur, in whatever they came wrapped.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::one_problem;
use crate::concur::DocumentType;
use crate::contract::mapping::{Posting, Translation};
use crate::contract::types::{ObjectRef, Problem};
use crate::financial::{self, Entry, Line, Translated};
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
    for (pointer, document) in unwrapped(text) {
        match financial::translate(kind, document, settings) {
            Ok(translated) => translations.push(translation(settings, kind, translated)),
            Err(refused) => problems.extend(refused.problems.into_iter().map(|problem| Problem {
                pointer: format!("{pointer}{}", problem.pointer),
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

/// The documents inside, each with the pointer that leads to it.
fn unwrapped(text: &str) -> Vec<(String, &str)> {
    #[derive(Deserialize)]
    struct Row<'a> {
        #[serde(borrow)]
        document: Option<&'a RawValue>,
    }
    // The samples that SAP publishes still have the older envelope. (Concur docs, financial
    // integration.)
    #[derive(Deserialize)]
    struct Wrapped<'a> {
        #[serde(borrow)]
        content: Option<Vec<Row<'a>>>,
        #[serde(borrow, rename = "fIDocuments")]
        older: Option<Vec<Row<'a>>>,
        #[serde(borrow)]
        document: Option<&'a RawValue>,
    }
    // Whatever is no such object is the document itself, or for the translation to refuse.
    let Ok(wrapped) = serde_json::from_str::<Wrapped>(text) else {
        return vec![(String::new(), text)];
    };
    let (key, rows) = match (wrapped.content, wrapped.older) {
        (Some(rows), _) => ("content", rows),
        (None, Some(rows)) => ("fIDocuments", rows),
        (None, None) => {
            return match wrapped.document {
                Some(inner) => vec![("/document".to_string(), inner.get())],
                None => vec![(String::new(), text)],
            };
        }
    };
    let documents = rows.iter().enumerate().map(|(index, row)| {
        let document = row.document.map_or("null", RawValue::get);
        (format!("/{key}/{index}/document"), document)
    });
    documents.collect()
}

fn translation(settings: &Settings, kind: DocumentType, translated: Translated) -> Translation {
    match translated {
        Translated::Entry(entry) => Translation {
            target_kind: "journal-entry".to_string(),
            json: body(settings, kind, &entry),
            postings: entry
                .lines
                .iter()
                .map(|line| posting(line, &entry))
                .collect(),
        },
        Translated::NotPosted { code, sentence } => Translation {
            target_kind: "nothing".to_string(),
            json: json!({"code": code, "sentence": sentence}).to_string(),
            postings: Vec::new(),
        },
    }
}

/// The body with a marker of its own, since a preview is no record.
fn body(settings: &Settings, kind: DocumentType, entry: &Entry) -> String {
    let source = ObjectRef::concur(&format!("{}-document", kind.name()), entry.title.clone());
    let name = marker::marker_for("preview", &source, "journal-entry");
    entry.body(
        settings.financial.endpoint,
        &name,
        &entry.title,
        &entry.date,
    )
}

fn posting(line: &Line, entry: &Entry) -> Posting {
    let minor_units = money::minor_units(&entry.currency).unwrap_or(2);
    let amount = |amount: Decimal| {
        amount
            .is_sign_positive()
            .then(|| money::wire(amount, minor_units))
    };
    Posting {
        account: line.account.clone(),
        label: line.label.clone(),
        cost_code: line.cost_code.clone(),
        debit: amount(line.amount),
        credit: amount(-line.amount),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::financial::tests::{EXPENSE, PAYROLL, settings};

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
        assert_eq!(bare[0].target_kind, "journal-entry");
        assert!(
            bare[0].json.contains(r#""user_entered_date":"2026-03-03""#),
            "{}",
            bare[0].json
        );
        let text = serde_json::to_string(EXPENSE).expect("is text");
        for document in [EXPENSE, &text] {
            let row = format!(r#"{{"id": "1", "docType": "expense", "document": {document}}}"#);
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
            debit: Some("120.00".to_string()),
            credit: None,
        };
        assert_eq!(translations[0].postings[0], first);
        let credit = &translations[0].postings[2];
        assert_eq!(
            (credit.debit.as_deref(), credit.credit.as_deref()),
            (None, Some("244.50"))
        );
    }

    #[test]
    fn what_is_not_posted_says_why() {
        let translations =
            preview(&settings(), DocumentType::Payroll, PAYROLL).expect("translates");
        assert_eq!(translations[0].target_kind, "nothing");
        assert!(translations[0].json.contains("payroll-acknowledged"));
        assert!(translations[0].postings.is_empty());
    }

    #[test]
    fn problems_point_into_the_list() {
        let list = format!(
            r#"{{"content": [{{"document": {EXPENSE}}}, {{"document": null}}, {{"document": {}}}]}}"#,
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
