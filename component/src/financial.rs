//! Financial documents of SAP Concur as balanced FreshBooks journal entries: a pure translation
//! that gathers every problem.
//!
//! An entry balances to the cent, is in one currency, and comes to the document's own total; what
//! does not is a problem and never an entry. (Concur docs, financial integration.)

mod cash_advance;
mod entry;
mod expense;
mod invoice;
mod payroll;
mod posting;
mod wire;

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::contract::types::Problem;
use crate::document::NUMBER_BOUND;
use crate::money;
use crate::settings::Settings;
use crate::settings::financial::Payroll;
pub use entry::{Entry, Line};
use posting::Posting;
use wire::{Heads, Raw, is_yes, text};

/// As much of a text is repeated in a problem's message.
const SHOWN_CHARS_MAX: usize = 60;

/// A type of financial document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DocumentType {
    /// An expense report.
    Expense,
    /// A supplier's invoice.
    Invoice,
    /// A cash advance that was issued.
    CashAdvance,
    /// What a report hands to payroll.
    Payroll,
}

impl DocumentType {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Expense,
        Self::Invoice,
        Self::CashAdvance,
        Self::Payroll,
    ];

    /// The type of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CashAdvance => "cash-advance",
            other => other.wire(),
        }
    }

    /// Its name in paths and rows. (Concur docs, financial integration.)
    #[must_use]
    pub fn wire(self) -> &'static str {
        match self {
            Self::Expense => "expense",
            Self::Invoice => "invoice",
            Self::CashAdvance => "cashadvance",
            Self::Payroll => "payroll",
        }
    }
}

/// What is known of a document before it is translated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The id of the report, invoice or cash advance: the same for every document about it.
    pub source_id: String,
    /// Counts the changes of the source; `1` unless the document says otherwise.
    pub revision: String,
    /// What people call it; may be empty.
    pub title: String,
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

/// A translation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Translated {
    /// The journal entry that it becomes.
    Entry(Entry),
    /// It is in order and becomes none.
    NotPosted {
        /// Why, stable: `test-document`, `payroll-acknowledged` or `nothing-to-post`.
        code: &'static str,
        /// Why, for people.
        sentence: String,
    },
}

/// Why a document becomes no entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untranslatable {
    /// Every problem found, with its pointer into the document; never empty.
    pub problems: Vec<Problem>,
    /// Who can mend them all.
    pub mend: Mend,
}

/// Where problems are mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mend {
    /// All of them in our settings.
    Settings,
    /// At least one only in SAP Concur.
    Document,
}

/// Reads a document's head. `document` is its JSON text: the object, or a JSON string that holds
/// it.
///
/// # Errors
///
/// If it cannot be read at all, or does not say what it is about.
pub fn head(kind: DocumentType, document: &str) -> Result<Head, Problem> {
    let text = inner(document)?;
    let heads: Heads = parse(&text)?;
    let head = Head::of(kind, &heads);
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
/// Every problem found, each with its pointer and with the setting to add where one helps.
pub fn translate(
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

/// What every document says about itself.
struct Basis<'a> {
    is_test: Raw<'a>,
    title: Raw<'a>,
    currency_at: &'static str,
    currency: Raw<'a>,
    date_at: &'static str,
    /// Where the day is looked for, best first.
    dates: Vec<Raw<'a>>,
}

fn finish<'a>(
    settings: &'a Settings,
    basis: Basis<'a>,
    post: impl FnOnce(&mut Posting<'a>),
) -> Result<Translated, Untranslatable> {
    if is_yes(basis.is_test) {
        return Ok(Translated::NotPosted {
            code: "test-document",
            sentence: "a test user wrote it: SAP Concur marks it as a test".to_string(),
        });
    }
    let mut posting = Posting::new(settings, &basis);
    post(&mut posting);
    posting.finish()
}

impl Head {
    fn of(kind: DocumentType, heads: &Heads) -> Self {
        let Heads {
            report,
            request,
            advance,
        } = heads;
        let own = |raw: Raw| text(raw).map(Cow::into_owned).unwrap_or_default();
        let (id, revision, title, is_test, currency, total) = match kind {
            DocumentType::Expense | DocumentType::Payroll => (
                report.id,
                report.revision,
                report.name,
                report.is_test,
                report.currency,
                report.total,
            ),
            DocumentType::Invoice => (
                request.id,
                request.revision,
                request.title,
                request.is_test,
                request.currency,
                request.total,
            ),
            DocumentType::CashAdvance => (
                advance.id,
                advance.revision,
                advance.name,
                advance.is_test,
                advance.currency,
                advance.amount,
            ),
        };
        let customs = request.customs.iter();
        Self {
            source_id: own(id),
            revision: text(revision).map_or_else(|| "1".to_string(), Cow::into_owned),
            title: own(title),
            is_test: is_yes(is_test),
            currency: own(currency),
            total: number(total),
            customs: customs
                .filter_map(|custom| text(Some(custom.value)).map(Cow::into_owned))
                .collect(),
        }
    }
}

/// The document's own text where it stands in a JSON string. (Concur docs, `DocumentFormatAs:
/// text`.)
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

/// A number below the bound.
fn number(raw: Raw) -> Option<Decimal> {
    money::parse(&text(raw)?).filter(|number| number.abs() < NUMBER_BOUND)
}

fn problem(pointer: &str, code: &str, message: String) -> Problem {
    Problem {
        pointer: pointer.to_string(),
        code: code.to_string(),
        message,
    }
}

impl From<Problem> for Untranslatable {
    fn from(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
            mend: Mend::Document,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
