//! Financial documents of SAP Concur as balanced FreshBooks journal entries: a pure translation
//! that gathers every problem.
//!
//! An entry balances to the cent, is in one currency, and comes to the document's own total; what
//! does not is a problem and never an entry (source: concur-financial-integration).

mod account;
mod cash_advance;
mod entry;
mod expense;
mod invoice;
mod outcome;
mod payroll;
mod posting;
pub(crate) mod source;

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::concur::DocumentType;
use crate::concur::document_schema::{Amount, Code, Heads, Vendor};
use crate::contract::types::Problem;
use crate::settings::Settings;
use crate::settings::financial::Payroll;
use crate::text::non_empty;
pub(crate) use entry::{Entry, Line};
use outcome::problem;
pub(crate) use outcome::{FixIn, Translated, Untranslatable};
use posting::{Basis, Posting};

/// What is known of a document before it is translated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// The id of the report, invoice or cash advance: the same for every document about it.
    pub source_id: String,
    /// Counts the changes of the source; `1` unless the document says otherwise.
    pub revision: String,
    /// What people call it; may be empty.
    pub title: String,
    /// Whom it is about: the employee or the vendor, by name, else by id.
    pub party: Option<String>,
    /// Its own day, `YYYY-MM-DD`, as far as the head says.
    pub date: Option<String>,
    /// Whether a test user wrote it.
    pub is_test: bool,
    /// The currency of its amounts, ISO 4217; may be empty.
    pub currency: String,
    /// Its own total, if there is one that can be read.
    pub total: Option<Decimal>,
    /// Every custom field value of an invoice's header, codes and names: one of them may be our
    /// marker.
    pub customs: Vec<String>,
}

/// Reads a document's head. `document` is its JSON text: the object, or a JSON string that holds
/// it.
///
/// # Errors
///
/// If it cannot be read at all, or does not say what it is about.
pub(crate) fn head(kind: DocumentType, document: &str) -> Result<Head, Problem> {
    let text = inner(document)?;
    let heads: Heads = parse(&text)?;
    let head = Head::new(kind, &heads);
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
    match kind {
        DocumentType::Expense => {
            let document = parse(&text)?;
            finish(settings, expense::basis(&document), |posting| {
                expense::post(&document, posting);
            })
        }
        DocumentType::Invoice => {
            let document = parse(&text)?;
            finish(settings, invoice::basis(&document), |posting| {
                invoice::post(&document, posting);
            })
        }
        DocumentType::CashAdvance => {
            let document = parse(&text)?;
            finish(settings, cash_advance::basis(&document), |posting| {
                cash_advance::post(&document, posting);
            })
        }
        DocumentType::Payroll => {
            let document = parse(&text)?;
            if settings.financial.payroll == Payroll::Acknowledge {
                return Ok(payroll::acknowledged());
            }
            finish(settings, expense::basis(&document), |posting| {
                payroll::post(&document, posting);
            })
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

impl Head {
    fn new(kind: DocumentType, heads: &Heads) -> Self {
        let Heads {
            report,
            request,
            advance,
            ..
        } = heads;
        let own = |code: &Code| code.text().map(Cow::into_owned).unwrap_or_default();
        let (id, revision, title, is_test, currency, total) = match kind {
            DocumentType::Expense | DocumentType::Payroll => (
                &report.id,
                &report.revision,
                &report.name,
                report.is_test,
                &report.currency,
                &report.total,
            ),
            DocumentType::Invoice => (
                &request.id,
                &request.revision,
                &request.title,
                request.is_test,
                &request.currency,
                &request.total,
            ),
            DocumentType::CashAdvance => (
                &advance.id,
                &advance.revision,
                &advance.name,
                advance.is_test,
                &advance.currency,
                &advance.amount,
            ),
        };
        let customs = request.customs.iter();
        Self {
            source_id: own(id),
            revision: revision
                .text()
                .map_or_else(|| "1".to_string(), Cow::into_owned),
            title: own(title),
            party: party(kind, heads),
            date: date(kind, heads),
            is_test: is_test.is_yes(),
            currency: own(currency),
            total: Amount::number(total),
            customs: customs
                .filter_map(|custom| custom.value.text().map(Cow::into_owned))
                .collect(),
        }
    }
}

/// The employee or vendor of a document.
fn party(kind: DocumentType, heads: &Heads) -> Option<String> {
    let employee = match kind {
        DocumentType::Invoice => {
            let Vendor { code, name } = &heads.vendor;
            return name.text().or(code.text()).map(Cow::into_owned);
        }
        DocumentType::CashAdvance => &heads.advance_employee,
        DocumentType::Expense | DocumentType::Payroll => &heads.employee,
    };
    let names = [&employee.first_name, &employee.last_name];
    let names: Vec<Cow<'_, str>> = names.into_iter().filter_map(Code::text).collect();
    non_empty(names.join(" ")).or_else(|| employee.id.text().map(Cow::into_owned))
}

/// The day of a document: the first of those that its entry would be posted on.
fn date(kind: DocumentType, heads: &Heads) -> Option<String> {
    let Heads {
        report,
        request,
        advance,
        ..
    } = heads;
    let days = match kind {
        DocumentType::Expense | DocumentType::Payroll => vec![
            &report.processed,
            &report.submitted,
            &report.ended,
            &report.created,
        ],
        DocumentType::Invoice => vec![
            &request.posted,
            &request.invoiced,
            &request.completed,
            &request.submitted,
        ],
        DocumentType::CashAdvance => vec![&advance.issued, &advance.requested],
    };
    days.into_iter().find_map(|day| day.0.clone())
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
        problem("", code, format!("the document cannot be read: {error}"))
    })
}

#[cfg(test)]
pub(crate) mod tests;
