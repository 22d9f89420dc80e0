//! `preview`: what a document would be sent as, without sending anything.

mod entry;

use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use ml_connector::config::ConnectionConfig;
use ml_connector::contract::mapping::Translation;
use ml_connector::contract::portable;
use ml_connector::contract::types::Problem;
use ml_connector::guest::GuestError;
use serde_json::{Value, json};

use super::context::{self, Checked, Context};
use super::failure::Failure;
use super::{Done, exit};

/// Show what a document would become in the other system; nothing is sent
///
/// Reads the JSON of a FreshBooks invoice or bill, as FreshBooks answers it, and prints the request
/// bodies that a run would send under the connection's mapping: the vendor, as far as the document
/// shows its client or bill vendor, and the payment request. Of a financial document, as SAP
/// Concur answers it alone or in a list, it prints the journal entry: account, debit and credit of
/// each line. If something cannot be translated, every reason is told and the exit code is 1.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector preview invoice.json
  ml-connector preview --kind bill --connection acme bill.json
  ml-connector preview --kind expense-document report.json
  curl ... | ml-connector preview -")]
pub(super) struct Args {
    /// The document, JSON; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What the document is; may be left out when it says so itself, as in {"invoice": {...}} or
    /// "docType": "expense"
    #[arg(long, value_name = "KIND")]
    kind: Option<Kind>,
    /// The connection whose mapping applies; may be left out when there is only one
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Print one JSON object: either translations, with the postings of journal entries, or
    /// problems
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// An invoice of FreshBooks
    Invoice,
    /// A bill of FreshBooks
    Bill,
    /// An expense of FreshBooks
    Expense,
    /// SAP Concur's financial document of an expense report
    ExpenseDocument,
    /// SAP Concur's financial document of an invoice
    InvoiceDocument,
    /// SAP Concur's financial document of a cash advance
    CashAdvanceDocument,
    /// SAP Concur's financial document for payroll
    PayrollDocument,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::Bill => "bill",
            Self::Expense => "expense",
            Self::ExpenseDocument => "expense-document",
            Self::InvoiceDocument => "invoice-document",
            Self::CashAdvanceDocument => "cash-advance-document",
            Self::PayrollDocument => "payroll-document",
        }
    }

    /// The kind of a financial document of this `docType`.
    fn of_type(name: &str) -> Option<Self> {
        match name {
            "expense" => Some(Self::ExpenseDocument),
            "invoice" => Some(Self::InvoiceDocument),
            "cashadvance" => Some(Self::CashAdvanceDocument),
            "payroll" => Some(Self::PayrollDocument),
            _ => None,
        }
    }
}

const DOCUMENT_BYTES_MAX: u64 = 4 * 1024 * 1024;
const BYTE_ORDER_MARK: char = '\u{feff}';

pub(super) fn run(context: &Context, args: &Args, out: &mut impl Write) -> Done {
    let checked = context.checked()?;
    let connection = context::connection(&checked.settings, args.connection.as_deref())?;
    let document = read(&args.file)?;
    let kind = args.kind.or_else(|| kind_of(&document)).ok_or_else(|| {
        Failure::usage(
            "name the kind of the document, such as --kind invoice or --kind expense-document",
        )
    })?;
    let previewed = preview(&checked, connection, kind, &document)?;
    if args.json {
        print_json(&previewed, out)?;
    } else {
        print(&previewed, kind, out)?;
    }
    Ok(if previewed.is_ok() {
        exit::OK
    } else {
        exit::NOT_IN_ORDER
    })
}

type Previewed = Result<Vec<Translation>, Vec<Problem>>;

fn preview(
    checked: &Checked,
    connection: &ConnectionConfig,
    kind: Kind,
    document: &str,
) -> Result<Previewed, GuestError> {
    let mut instance = checked.guest.instance()?;
    match instance.load_settings(&connection.name, &connection.json)? {
        Ok(settings) => instance.preview(settings, kind.name(), document),
        Err(problems) => Ok(Err(problems)),
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| match error.kind() {
        ErrorKind::InvalidData => Failure::usage(format!(
            "{} is not UTF-8 text; save it as UTF-8",
            file.display()
        )),
        _ => Failure::usage(format!("cannot read {}: {error}", file.display())),
    };
    let mut source: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(file).map_err(unreadable)?)
    };
    let mut text = String::new();
    source
        .by_ref()
        .take(DOCUMENT_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > DOCUMENT_BYTES_MAX {
        return Err(Failure::usage("the document is longer than 4 MiB"));
    }
    // What Windows programs put before UTF-8 text.
    if text.starts_with(BYTE_ORDER_MARK) {
        text.remove(0);
    }
    Ok(text)
}

/// What a document that says so itself is.
fn kind_of(document: &str) -> Option<Kind> {
    let mut value: Value = serde_json::from_str(document).ok()?;
    for list in ["content", "fIDocuments"] {
        if let Some(first) = value.pointer_mut(&format!("/{list}/0")) {
            value = first.take();
        }
    }
    if let Some(name) = value.get("docType").and_then(Value::as_str) {
        return Kind::of_type(name);
    }
    for wrapping in ["response", "result"] {
        if let Some(inner) = value.get_mut(wrapping) {
            value = inner.take();
        }
    }
    let kinds = [
        (Kind::Invoice, "invoices"),
        (Kind::Bill, "bills"),
        (Kind::Expense, "expenses"),
    ];
    kinds
        .into_iter()
        .find(|(kind, list)| value.get(kind.name()).or(value.get(*list)).is_some())
        .map(|(kind, _)| kind)
}

fn print(previewed: &Previewed, kind: Kind, out: &mut impl Write) -> Result<(), Failure> {
    match previewed {
        Ok(translations) => {
            for translation in translations {
                print_one(translation, kind, out)?;
            }
            // A note that nothing is sent has said so already.
            if translations
                .iter()
                .any(|one| matches!(one, Translation::Record(_)))
            {
                writeln!(out, "Nothing was sent.")?;
            }
        }
        Err(problems) => {
            writeln!(out, "It cannot be translated:")?;
            for problem in problems {
                let place = if problem.pointer.is_empty() {
                    "the document"
                } else {
                    &problem.pointer
                };
                writeln!(out, "  {place}: {} ({})", problem.message, problem.code)?;
            }
        }
    }
    Ok(())
}

fn print_one(translation: &Translation, kind: Kind, out: &mut impl Write) -> Result<(), Failure> {
    match translation {
        Translation::Nothing(note) => {
            let done = match kind {
                Kind::Invoice | Kind::Bill | Kind::Expense => "sent",
                _ => "posted",
            };
            writeln!(out, "Nothing is {done}: {} ({})", note.message, note.code)?;
        }
        Translation::Record(record) => {
            let body: Value = serde_json::from_str(&record.json)?;
            if record.postings.is_empty() {
                let unless = match record.target_kind.as_str() {
                    "vendor" => ", unless it is there, of its own record in FreshBooks",
                    _ => "",
                };
                let system = match kind {
                    Kind::Invoice | Kind::Bill | Kind::Expense => "SAP Concur",
                    _ => "FreshBooks",
                };
                writeln!(out, "{} in {system}{unless}:", record.target_kind)?;
                writeln!(out, "{}", serde_json::to_string_pretty(&body)?)?;
            } else {
                entry::print(&record.target_kind, &body, &record.postings, out)?;
            }
        }
    }
    Ok(())
}

fn print_json(previewed: &Previewed, out: &mut impl Write) -> Result<(), Failure> {
    let answer = match previewed {
        Ok(translations) => {
            let bodies = translations.iter().map(as_json);
            json!({"translations": bodies.collect::<Result<Vec<_>, serde_json::Error>>()?})
        }
        Err(problems) => json!({"problems": problems}),
    };
    writeln!(out, "{}", serde_json::to_string_pretty(&answer)?)?;
    Ok(())
}

fn as_json(translation: &Translation) -> Result<Value, serde_json::Error> {
    let record = match translation {
        Translation::Nothing(note) => {
            return Ok(json!({"nothing": {"code": note.code, "message": note.message}}));
        }
        Translation::Record(record) => record,
    };
    let body: Value = serde_json::from_str(&record.json)?;
    let mut one = json!({"target_kind": record.target_kind, "body": body});
    if !record.postings.is_empty() {
        one["postings"] = portable::to_value(&record.postings)?;
    }
    Ok(one)
}
