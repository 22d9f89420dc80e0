//! The second half of the demo: what SAP Concur approved becomes journal entries, and the sums of
//! both systems are compared.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use ml_connector::contract::runs::Ending;
use ml_connector::store::Run;
use ml_connector_sandbox::concur::{
    DocStatus, DocType, DocumentBulk, DocumentRecord, Filing, Oddity, ReportOptions, Shape,
};
use ml_connector_sandbox::freshbooks::BalanceRow;
use ml_connector_sandbox::{Fault, FaultRule, System, server};
use rust_decimal::Decimal;

use super::announce;
use super::progress::{ProgressBar, keep_moving, progress_bar, until_quiet};
use super::summary::table;
use crate::books::{self, Books};
use crate::fixtures::Deployment;

const REPORTS: u32 = 70;
const INVOICES: u32 = 20;
const CASH_ADVANCES: u32 = 8;
const PAYROLLS: u32 = 4;
/// Payment requests that came from FreshBooks and are approved.
const OWN: usize = 30;
/// The currency whose accounts are shown.
const SHOWN: &str = "CAD";
const BROKEN: [Oddity; 3] = [
    Oddity::Unbalanced,
    Oddity::EmptyAccount,
    Oddity::TwoCurrencies,
];

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
    /// Reported to SAP Concur as a failed posting.
    pub reported: usize,
    /// Cannot be posted, and nobody in SAP Concur can change that: held for a person here.
    pub held: usize,
    /// More than one entry under one marker.
    pub duplicates: usize,
    /// Neither posted nor explained.
    pub lost: usize,
    /// By currency: approved in SAP Concur, and what FreshBooks' accounts of costs hold.
    pub sums: BTreeMap<String, (Decimal, Decimal)>,
    /// What FreshBooks' accounts were debited and credited, by account and currency.
    pub trial_balance: Vec<BalanceRow>,
}

impl Ledger {
    /// Whether nothing is lost, nothing doubled, and both systems come to the same sums.
    #[must_use]
    pub fn is_in_order(&self) -> bool {
        let agree = self
            .sums
            .values()
            .all(|(approved, posted)| approved == posted);
        agree && self.balances() && self.lost == 0 && self.duplicates == 0
    }

    /// Whether debits equal credits in every currency.
    #[must_use]
    pub fn balances(&self) -> bool {
        let mut differences: BTreeMap<&str, Decimal> = BTreeMap::new();
        for row in &self.trial_balance {
            *differences.entry(&row.currency).or_default() += row.debit - row.credit;
        }
        differences.values().all(Decimal::is_zero)
    }
}

/// Approves documents in SAP Concur, switches faults on, kills the connector once, and waits until
/// everything has ended.
///
/// # Errors
///
/// One sentence for a person.
pub async fn synchronize(deployment: &mut Deployment) -> Result<Ledger, String> {
    add_faults(deployment);
    let count = approve(deployment);
    deployment.sandbox.shared.wake();
    announce(&format!(
        "The way back: {count} documents are approved in SAP Concur and announced by events\n\
         over mutual TLS: expense reports of every shape, supplier invoices, cash advances,\n\
         payroll, {} broken reports, and {OWN} payment requests that came from FreshBooks.",
        BROKEN.len()
    ));
    let bar = progress_bar(count as u64, "ended");
    keep_moving(Duration::from_millis(600), async || {
        show_progress(deployment, &bar).await
    })
    .await;
    deployment.kill();
    bar.println("  killed (SIGKILL) and started again");
    deployment.start().await?;
    until_quiet(deployment, async || show_progress(deployment, &bar).await).await?;
    deployment.sandbox.shared.lock().clear_faults();
    bar.finish_and_clear();
    ledger(deployment).await
}

fn approve(deployment: &Deployment) -> usize {
    let now = server::now();
    let mut sandbox = deployment.sandbox.shared.lock();
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
fn add_faults(deployment: &Deployment) {
    let mut sandbox = deployment.sandbox.shared.lock();
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

/// Counts what became of every document, and adds up both systems.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn ledger(deployment: &Deployment) -> Result<Ledger, String> {
    let runs = deployment.latest_runs().await?;
    let by_object: BTreeMap<&str, &Run> = runs
        .iter()
        .filter(|run| run.object.kind == "financial-document")
        .map(|run| (run.object.id.as_str(), run))
        .collect();
    let sandbox = deployment.sandbox.shared.lock();
    let books = Books::of(&sandbox);
    let documents = sandbox.concur.documents();
    let mut ledger = Ledger {
        documents: documents.len(),
        trial_balance: sandbox.freshbooks.trial_balance(),
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
                self.reported += 1;
            }
            (DocStatus::Acknowledged, Some(Ending::Parked(failure)))
                if entries == 0 && !failure.problems.is_empty() =>
            {
                self.held += 1;
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

fn duplicates(books: &Books) -> usize {
    let mut names = BTreeSet::new();
    let entries = books.entries.iter();
    entries.filter(|entry| !names.insert(&entry.name)).count()
}

/// Moves the bar; true when nothing is on the list and nothing is under way.
async fn show_progress(deployment: &Deployment, bar: &ProgressBar) -> bool {
    let runs = deployment.latest_runs().await.unwrap_or_default();
    let ours = runs
        .iter()
        .filter(|run| run.object.kind == "financial-document");
    let under_way = ours.filter(|run| run.completion.is_none()).count();
    let (backend, ready) = {
        let sandbox = deployment.sandbox.shared.lock();
        let documents = sandbox.concur.documents();
        let open = [DocStatus::Ready, DocStatus::Delayed];
        let ready = documents
            .iter()
            .filter(|document| open.contains(&document.status));
        let ready = ready.count();
        (documents.len() - ready, ready)
    };
    bar.set_position(backend.saturating_sub(under_way) as u64);
    bar.set_message(format!("{under_way} under way, {ready} on the list"));
    under_way == 0 && ready == 0
}

/// Prints the counts, the trial balance, and both systems' sums side by side.
pub fn print(ledger: &Ledger) {
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
        (
            "broken: reported to SAP Concur with the reason",
            ledger.reported,
        ),
        ("broken: held for a person with the reason", ledger.held),
        ("duplicate entries found in FreshBooks", ledger.duplicates),
        ("lost", ledger.lost),
    ] {
        counts.add_row(vec![name.to_string(), count.to_string()]);
    }
    println!("\n{counts}");
    println!("\n  Trial balance of FreshBooks, in {SHOWN}:");
    println!("{}", trial_balance(ledger));
    println!("\n  Both systems side by side:");
    println!("{}", sums(ledger));
    let verdict = if ledger.balances() {
        "debits equal credits"
    } else {
        "debits DO NOT equal credits"
    };
    println!("  In every currency {verdict}.");
}

/// The accounts in one currency, with the totals.
fn trial_balance(ledger: &Ledger) -> Table {
    let mut table = amounts(["account", "debit", "credit"]);
    let (mut debit, mut credit) = (Decimal::ZERO, Decimal::ZERO);
    let rows = ledger.trial_balance.iter();
    for row in rows.filter(|row| row.currency == SHOWN) {
        debit += row.debit;
        credit += row.credit;
        let account = format!("{} {}", row.account_number, row.account_name);
        table.add_row([account, shown(row.debit), shown(row.credit)]);
    }
    table.add_row(["total".to_string(), shown(debit), shown(credit)]);
    table
}

fn shown(amount: Decimal) -> String {
    if amount.is_zero() {
        String::new()
    } else {
        amount.to_string()
    }
}

/// What was approved beside what was posted, by currency.
fn sums(ledger: &Ledger) -> Table {
    let mut table = amounts([
        "",
        "approved in SAP Concur",
        "costs and taxes in FreshBooks",
    ]);
    for (currency, (approved, posted)) in &ledger.sums {
        let verdict = if approved == posted {
            "equal"
        } else {
            "DIFFERENT"
        };
        let first = format!("{currency}, {verdict}");
        table.add_row([first, approved.to_string(), posted.to_string()]);
    }
    table
}

fn amounts(header: [&str; 3]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header(header);
    for column in 1..3 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
