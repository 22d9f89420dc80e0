//! Financial documents of SAP Concur as balanced FreshBooks journal entries: a pure translation
//! that gathers every problem.
//!
//! An entry balances to the cent, is in one currency, and comes to the document's own total; what
//! does not is a problem and never an entry (source: concur-financial-integration).

mod account;
mod bill;
mod cash_advance;
mod dates;
mod description;
mod entry;
mod expense;
mod head;
mod invoice;
mod outcome;
mod payroll;
mod posting;
mod project_expense;
mod report_entries;
pub(crate) mod source;

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};

use serde::Deserialize;

use crate::concur::DocumentType;
use crate::concur::document_schema::{CashAdvanceDocument, ExpenseDocument, InvoiceDocument};
use crate::contract::types::Problem;
use crate::settings::Settings;
use crate::settings::financial::Payroll;
pub(crate) use bill::{Bill, BillLine, BillOrEntry, Supplier};
pub(crate) use description::{of_reversal, with_original};
pub(crate) use entry::{Entry, Line};
pub(crate) use head::Head;
use outcome::problem;
pub(crate) use outcome::{FixIn, NOTHING_TO_POST, Translated, Untranslatable};
use posting::{Basis, Posting};
pub(crate) use project_expense::ProjectExpense;
pub(crate) use report_entries::{LeftOut, PaidBy, ReportEntry, report_entries};

/// Reads a document's head. `document` is its JSON text: the object, or a JSON string that holds
/// it.
///
/// # Errors
///
/// If it cannot be read at all, or does not say what it is about.
pub(crate) fn head(kind: DocumentType, document: &str) -> Result<Head, Problem> {
    let text = inner(document)?;
    let head = Head::new(kind, &parse(&text)?);
    if head.source_id.is_empty() {
        let message = format!("the {} document has no id", kind.name());
        return Err(problem("", "id-missing", message));
    }
    Ok(head)
}

/// Translates a document under the settings.
///
/// # Errors
///
/// Every problem found, each with its pointer and with the setting to add where one helps. To a
/// host:
///
/// ```
/// use ml_connector_component::contract::mapping::Translation;
/// use ml_connector_component::mapping::preview;
/// use ml_connector_component::settings::Settings;
///
/// # const SETTINGS: &str =
/// #     include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/settings/minimal.json"));
/// let settings = Settings::load("acme", SETTINGS).expect("is right");
/// let report = include_str!(concat!(
///     env!("CARGO_MANIFEST_DIR"),
///     "/src/financial/tests/expense.json"
/// ));
/// let problems = preview(&settings, "expense-document", report).expect_err("has problems");
/// assert!(problems.iter().any(|problem| problem.code == "account-unmapped"));
/// let accounts = r#"{"financial": {"enabled": true, "accounts": {
///     "by_code": {"6100": "61", "6200": "62", "2150": "215", "1150": "115"},
///     "by_party": {"EMPL": "1", "CBCP": "2"}, "by_tax": {"CAHST/H13": "7"}}}, "#;
/// let settings = Settings::load("acme", &SETTINGS.replacen('{', accounts, 1)).expect("is right");
/// let translations = preview(&settings, "expense-document", report).expect("translates");
/// let [Translation::Record(record)] = translations.as_slice() else {
///     panic!("a report is one entry");
/// };
/// assert_eq!(record.postings[0].label, "6100 Hotel");
/// assert_eq!(record.postings[0].amount, "120.00");
/// ```
pub(crate) fn translate(
    kind: DocumentType,
    document: &str,
    settings: &Settings,
) -> Result<Translated, Untranslatable> {
    let text = inner(document)?;
    Document::parse(kind, &text)?.translate(settings, &LeftOut::new())
}

/// The bill that a supplier's invoice becomes under the settings, or why it becomes a journal entry
/// whatever they say.
///
/// # Errors
///
/// Every problem found, as [`translate`].
pub(crate) fn bill(document: &str, settings: &Settings) -> Result<BillOrEntry, Untranslatable> {
    let text = inner(document)?;
    bill::translate(&parse(&text)?, settings)
}

/// [`translate`] without some entries of a report, and the document's head, from one reading of it.
/// The head may have no id.
///
/// # Errors
///
/// As [`translate`].
pub(crate) fn translate_with_head(
    kind: DocumentType,
    document: &str,
    settings: &Settings,
    left_out: &LeftOut,
) -> Result<(Translated, Head), Untranslatable> {
    let text = inner(document)?;
    let document = Document::parse(kind, &text)?;
    Ok((document.translate(settings, left_out)?, document.head()))
}

/// What a document's entry says of itself; nothing if the document cannot be read.
pub(crate) fn description(kind: DocumentType, document: &str) -> Option<String> {
    let text = inner(document).ok()?;
    Some(Document::parse(kind, &text).ok()?.description())
}

/// A document with its rows.
enum Document<'a> {
    Expense(ExpenseDocument<'a>),
    Invoice(Box<InvoiceDocument<'a>>),
    CashAdvance(CashAdvanceDocument<'a>),
    Payroll(ExpenseDocument<'a>),
}

impl<'a> Document<'a> {
    fn parse(kind: DocumentType, text: &'a str) -> Result<Self, Problem> {
        Ok(match kind {
            DocumentType::Expense => Self::Expense(parse(text)?),
            DocumentType::Invoice => Self::Invoice(Box::new(parse(text)?)),
            DocumentType::CashAdvance => Self::CashAdvance(parse(text)?),
            DocumentType::Payroll => Self::Payroll(parse(text)?),
        })
    }

    fn head(&self) -> Head {
        match self {
            Self::Expense(document) | Self::Payroll(document) => {
                Head::of_report(&document.report, &document.employee)
            }
            Self::Invoice(document) => Head::of_request(&document.header, &document.vendor),
            Self::CashAdvance(document) => Head::of_advance(&document.advance, &document.employee),
        }
    }

    fn description(&self) -> String {
        match self {
            Self::Expense(document) => description::of_report(DocumentType::Expense, document),
            Self::Payroll(document) => description::of_report(DocumentType::Payroll, document),
            Self::Invoice(document) => description::of_request(&document.header, &document.vendor),
            Self::CashAdvance(document) => {
                description::of_advance(&document.advance, &document.employee)
            }
        }
    }

    fn translate(
        &self,
        settings: &'a Settings,
        left_out: &LeftOut,
    ) -> Result<Translated, Untranslatable> {
        match self {
            Self::Expense(document) => {
                let basis = expense::basis(DocumentType::Expense, document);
                finish(settings, basis, |posting| {
                    expense::post(document, left_out, posting);
                })
            }
            Self::Invoice(document) => finish(settings, invoice::basis(document), |posting| {
                invoice::post(document, posting);
            }),
            Self::CashAdvance(document) => {
                finish(settings, cash_advance::basis(document), |posting| {
                    cash_advance::post(document, posting);
                })
            }
            Self::Payroll(_) if settings.financial.payroll == Payroll::Acknowledge => {
                Ok(payroll::acknowledged())
            }
            Self::Payroll(document) => {
                let basis = expense::basis(DocumentType::Payroll, document);
                finish(settings, basis, |posting| payroll::post(document, posting))
            }
        }
    }
}

fn finish<'a>(
    settings: &'a Settings,
    basis: Basis<'a>,
    post: impl FnOnce(&mut Posting<'a>),
) -> Result<Translated, Untranslatable> {
    if basis.is_test.is_yes() {
        return Ok(Translated::NotPosted {
            code: "test-document",
            message: "a test user wrote it: SAP Concur marks it as a test".to_string(),
        });
    }
    let mut posting = Posting::new(settings, &basis);
    post(&mut posting);
    posting.finish()
}

/// The document's own text where it stands in a JSON string (source: concur-financial-integration).
fn inner(document: &str) -> Result<Cow<'_, str>, Problem> {
    let document = document.trim_start_matches('\u{feff}').trim();
    if document.starts_with('"') {
        return parse::<String>(document).map(Cow::Owned);
    }
    Ok(Cow::Borrowed(document))
}

fn parse<'a, T: Deserialize<'a>>(document: &'a str) -> Result<T, Problem> {
    serde_json::from_str(document).map_err(|error| {
        let code = if error.is_data() {
            "unreadable"
        } else {
            "not-json"
        };
        let what = if error.is_data() {
            "is not built as documented"
        } else {
            "is damaged: it is no whole JSON text"
        };
        let (line, column) = (error.line(), error.column());
        let message = format!("the document {what} (line {line}, column {column})");
        problem("", code, message)
    })
}

#[cfg(test)]
pub(crate) mod tests;
