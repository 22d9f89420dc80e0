//! The second half of the demo: what SAP Concur approved becomes journal entries, and both books are laid side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use ml_connector::contract::runs::Ending;
use ml_connector::store::Run;
use ml_connector_sandbox::concur::{
    DocStatus, DocType, DocumentBulk, DocumentRecord, Filing, Oddity, ReportOptions, Shape,
};
use ml_connector_sandbox::{Fault, FaultRule, System, skin};
use rust_decimal::Decimal;

use super::{bar, say, table};
use crate::books::{self, Books};
use crate::office::Office;

const REPORTS: u32 = 70;
const INVOICES: u32 = 20;
const CASH_ADVANCES: u32 = 8;
const PAYROLLS: u32 = 4;
/// Payment requests that came from FreshBooks and are approved.
const OWN: usize = 30;
const BROKEN: [Oddity; 3] = [Oddity::Unbalanced, Oddity::EmptyAccount, Oddity::NotJson];

/// How the way back ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Documents that SAP Concur had ready.
    pub documents: usize,
    /// Posted as one journal entry, and confirmed.
    pub posted: usize,
    /// Came from FreshBooks: confirmed, not posted again.
    pub own: usize,
    /// Acknowledged and not posted: payroll.
    pub acknowledged: usize,
    /// Told to SAP Concur as a failed posting.
    pub told: usize,
    /// More than one entry under one marker.
    pub duplicates: usize,
    /// Neither posted nor explained.
    pub lost: usize,
    /// By currency: approved in SAP Concur, and what FreshBooks' accounts of costs hold.
    pub sums: BTreeMap<String, (Decimal, Decimal)>,
    /// Whether the debits of all entries are their credits, in every currency.
    pub balances: bool,
}

impl Ledger {
    /// Whether nothing is lost, nothing doubled, and both books agree.
    #[must_use]
    pub fn is_in_order(&self) -> bool {
        let agree = self
            .sums
            .values()
            .all(|(approved, posted)| approved == posted);
        agree && self.balances && self.lost == 0 && self.duplicates == 0
    }
}

/// Approves documents in SAP Concur, switches faults on, kills the connector once, and waits until all is done.
///
/// # Errors
///
/// One sentence for a person.
pub async fn carry(office: &mut Office) -> Result<Ledger, String> {
    faults(office);
    let count = approve(office);
    office.sandbox.shared.wake();
    say(&format!(
        "The way back: {count} documents are approved in SAP Concur and announced by events over mutual TLS: expense \
         reports of every shape, supplier invoices, cash advances, payroll, {} broken ones, and payment requests that \
         came from FreshBooks.",
        BROKEN.len()
    ));
    let bar = bar(count as u64, "through");
    watch(office, &bar, Duration::from_millis(600)).await;
    office.kill();
    bar.println("  killed (SIGKILL), started again");
    office.start().await?;
    wait(office, &bar).await?;
    office.sandbox.shared.lock().clear_faults();
    bar.finish_and_clear();
    ledger(office).await
}

fn approve(office: &Office) -> usize {
    let now = skin::now();
    let mut sandbox = office.sandbox.shared.lock();
    let concur = &mut sandbox.concur;
    let bulk = DocumentBulk {
        reports: REPORTS,
        invoices: INVOICES,
        cash_advances: CASH_ADVANCES,
        payrolls: PAYROLLS,
        currency: None,
        seed: 5,
    };
    concur.approve_bulk(&bulk, now);
    for oddity in BROKEN {
        let options = ReportOptions {
            entries: vec![Shape::Cash],
            filing: Filing {
                oddities: vec![oddity],
                ..Filing::default()
            },
            ..ReportOptions::default()
        };
        concur.approve_report(&options, now);
    }
    let requests = concur.payment_requests();
    for request in requests.iter().filter(|request| !request.deleted).take(OWN) {
        concur.approve_payment_request(&request.id, now);
    }
    concur.documents().len()
}

/// Faults on every path of the way back, a few in a hundred.
fn faults(office: &Office) {
    let mut sandbox = office.sandbox.shared.lock();
    for (system, path) in [
        (System::Concur, "/financialintegration/"),
        (System::FreshBooks, "/journal_entries/"),
    ] {
        for fault in [
            Fault::RateLimited {
                retry_after_s: Some(1),
            },
            Fault::ServerError,
            Fault::ServerErrorAfterCommit,
            Fault::ResponseLost,
            Fault::Truncated,
            Fault::Garbage,
            Fault::LateExecution { delay: 900 },
        ] {
            sandbox.add_fault(FaultRule::new(system, fault).path(path).per_mille(12));
        }
    }
    let events = &mut sandbox.concur.config_mut().events.delivery;
    events.duplicate_per_mille = 100;
    events.disorder_per_mille = 100;
}

/// Counts what became of every document, and lays both books side by side.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn ledger(office: &Office) -> Result<Ledger, String> {
    let runs = office.latest().await?;
    let by_object: BTreeMap<&str, &Run> = runs
        .iter()
        .filter(|run| run.object.kind == "financial-document")
        .map(|run| (run.object.id.as_str(), run))
        .collect();
    let sandbox = office.sandbox.shared.lock();
    let books = Books::of(&sandbox);
    let documents = sandbox.concur.documents();
    let mut ledger = Ledger {
        documents: documents.len(),
        balances: balances(&books),
        duplicates: duplicates(&books),
        ..Ledger::default()
    };
    for document in &documents {
        ledger.count(document, &books, ending(&by_object, document));
    }
    drop(documents);
    ledger.compare(&sandbox, &books);
    Ok(ledger)
}

/// How the run of a document's source ended, or that of the document alone.
fn ending<'a>(runs: &BTreeMap<&str, &'a Run>, document: &DocumentRecord) -> Option<&'a Ending> {
    let source = books::source(document.doc_type, &document.source_id).id;
    let alone = format!("{}/document/{}", document.doc_type.as_str(), document.id);
    let run = runs
        .get(alone.as_str())
        .or_else(|| runs.get(source.as_str()))?;
    run.completion.as_ref().map(|completion| &completion.ending)
}

impl Ledger {
    fn count(&mut self, document: &DocumentRecord, books: &Books, ending: Option<&Ending>) {
        let entries = books.marked(document).len();
        match (document.status, ending) {
            (DocStatus::PostingConfirmedSuccess, Some(ending))
                if entries == 1 && is_posted(ending) =>
            {
                self.posted += 1;
            }
            (DocStatus::PostingConfirmedSuccess, Some(ending))
                if entries == 0 && is_own(ending) =>
            {
                self.own += 1;
            }
            (DocStatus::Acknowledged, Some(Ending::Unchanged(_))) if entries == 0 => {
                self.acknowledged += 1;
            }
            (DocStatus::PostingConfirmedFailure, Some(Ending::Parked(_))) if entries == 0 => {
                self.told += 1;
            }
            _ => self.lost += 1,
        }
    }

    /// What was approved in documents that were posted, beside what the entries come to.
    fn compare(&mut self, sandbox: &ml_connector_sandbox::Sandbox, books: &Books) {
        let costly = [DocType::Expense, DocType::Invoice];
        for document in sandbox.concur.documents() {
            if costly.contains(&document.doc_type) && books.marked(&document).len() == 1 {
                self.sums.entry(document.currency).or_default().0 += document.approved;
            }
        }
        for (currency, sum) in books.costs() {
            self.sums.entry(currency).or_default().1 += sum;
        }
    }
}

fn is_own(ending: &Ending) -> bool {
    match ending {
        Ending::Confirmed(confirmed) => confirmed.target.kind != "journal-entry",
        Ending::Unchanged(note) => note.code == "already-confirmed",
        _ => false,
    }
}

fn is_posted(ending: &Ending) -> bool {
    match ending {
        Ending::Confirmed(_) => true,
        // Looked at once more after it was through.
        Ending::Unchanged(note) => note.code == "already-posted",
        _ => false,
    }
}

fn balances(books: &Books) -> bool {
    let lines = books.entries.iter().flat_map(|entry| &entry.lines);
    let difference: Decimal = lines.map(|line| line.debit - line.credit).sum();
    difference.is_zero()
}

fn duplicates(books: &Books) -> usize {
    let mut names = BTreeSet::new();
    let entries = books.entries.iter();
    entries.filter(|entry| !names.insert(&entry.name)).count()
}

async fn wait(office: &Office, bar: &ProgressBar) -> Result<(), String> {
    let began = Instant::now();
    let mut calm = 0;
    while calm < 3 {
        if began.elapsed() > Duration::from_secs(180) {
            return Err(format!(
                "the way back got stuck; see {}/service.log",
                office.directory.display()
            ));
        }
        let done = step(office, bar).await;
        calm = if done { calm + 1 } else { 0 };
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

async fn watch(office: &Office, bar: &ProgressBar, long: Duration) {
    let began = Instant::now();
    while began.elapsed() < long {
        step(office, bar).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Moves the bar; true when nothing is on the list and nothing is under way.
async fn step(office: &Office, bar: &ProgressBar) -> bool {
    let runs = office.latest().await.unwrap_or_default();
    let ours = runs
        .iter()
        .filter(|run| run.object.kind == "financial-document");
    let under_way = ours.filter(|run| run.completion.is_none()).count();
    let (through, ready) = {
        let sandbox = office.sandbox.shared.lock();
        let documents = sandbox.concur.documents();
        let open = [DocStatus::Ready, DocStatus::Delayed];
        let ready = documents
            .iter()
            .filter(|document| open.contains(&document.status));
        let ready = ready.count();
        (documents.len() - ready, ready)
    };
    bar.set_position(through.saturating_sub(under_way) as u64);
    bar.set_message(format!("{under_way} under way, {ready} on the list"));
    under_way == 0 && ready == 0
}

/// Prints the ledger.
pub fn show(ledger: &Ledger) {
    let mut counts = table(
        "The way back, with faults on every path and a kill in the middle",
        "documents",
    );
    for (name, count) in [
        ("approved in SAP Concur", ledger.documents),
        ("posted as one journal entry each, confirmed", ledger.posted),
        (
            "came from FreshBooks: confirmed, not posted again",
            ledger.own,
        ),
        (
            "payroll: acknowledged, posted with the report",
            ledger.acknowledged,
        ),
        ("broken: told to SAP Concur with the reason", ledger.told),
        ("doubled entries found in FreshBooks", ledger.duplicates),
        ("lost", ledger.lost),
    ] {
        counts.add_row(vec![name.to_string(), count.to_string()]);
    }
    println!("\n{counts}");
    let mut books = comfy_table::Table::new();
    books.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
    books.set_header(vec![
        "",
        "approved in SAP Concur",
        "costs and taxes in FreshBooks",
        "",
    ]);
    for (currency, (approved, posted)) in &ledger.sums {
        let verdict = if approved == posted {
            "equal"
        } else {
            "DIFFERENT"
        };
        books.add_row(vec![
            currency.clone(),
            approved.to_string(),
            posted.to_string(),
            verdict.to_string(),
        ]);
    }
    for column in 1..3 {
        if let Some(column) = books.column_mut(column) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    println!("{books}");
    let verdict = if ledger.balances {
        "balance"
    } else {
        "DO NOT BALANCE"
    };
    println!("  All journal entries {verdict}: debits are credits, in every currency.");
}
