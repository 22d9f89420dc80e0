//! The demo, as a library: what the command shows, and what a test checks.

pub mod way_back;

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use ml_connector::contract::runs::{Demand, Ending, WaitReason};
use ml_connector::store::sqlite::SqliteStore;
use ml_connector::store::{Run, RunFilter, Store};
use ml_connector_sandbox::freshbooks::Bulk;
use ml_connector_sandbox::server;
use ml_connector_sandbox::{Fault, FaultRule, System};

use crate::built;
use crate::office::{Office, Pace};

const INVOICES: u32 = 170;
const BILLS: u32 = 80;
const CLIENTS: u32 = 24;
/// Left out of the settings at first, so that something has to be mended.
const LEFT_OUT: &str = "KWD";

/// How the demo ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bill {
    /// Documents that FreshBooks holds.
    pub documents: usize,
    /// Documents that a run has looked at.
    pub seen: usize,
    /// Confirmed, or already there.
    pub confirmed: usize,
    /// Nothing to do, such as drafts.
    pub unchanged: usize,
    /// A person is needed, by sentence.
    pub parked: BTreeMap<String, usize>,
    /// Documents that had to wait for a retry, a settle time or a remote.
    pub retried: usize,
    /// More than one payment request under one marker.
    pub duplicates: usize,
    /// Documents that are neither there nor explained.
    pub lost: usize,
}

/// Runs the demo and says whether its bill is in order.
///
/// # Errors
///
/// One sentence for a person.
pub async fn run() -> Result<bool, String> {
    let began = Instant::now();
    let component = built::build(&mut |what| println!("  {what}"))?;
    let binary = build_binary()?;
    let directory = built::root().join("target/demo");
    let directory = std::path::absolute(&directory).unwrap_or(directory);
    let _ = std::fs::remove_dir_all(&directory);
    let pace = Pace {
        both_ways: true,
        queue_s: 10,
        ..Pace::default()
    };
    let mut office = Office::open(&directory, &binary, &component, &pace).await?;
    leave_out(&office, true)?;
    say("FreshBooks and SAP Concur are rebuilt on this machine; ml-connector starts between them.");
    let ready = office.start().await?;
    println!(
        "  ready for the first webhook after {} ms",
        ready.as_millis()
    );
    office.connect().await?;
    office.registered().await?;
    println!(
        "  connected: consent in the browser, event subscription, company request token, webhooks registered and verified"
    );
    let bill = carry(&mut office).await?;
    show(
        "With faults on every path and two kills (SIGKILL) in the middle",
        &bill,
    );
    say(&format!(
        "{LEFT_OUT} was missing in the settings. It is added, and `ml-connector replay --parked` runs:"
    ));
    let mended = mend(&mut office).await?;
    show("After the settings were mended", &mended);
    let ledger = way_back::carry(&mut office).await?;
    way_back::show(&ledger);
    office.stop()?;
    next(&directory, &binary, began.elapsed());
    let is_in_order = mended.lost == 0 && mended.duplicates == 0 && mended.parked.is_empty();
    Ok(is_in_order && ledger.is_in_order())
}

/// Creates the documents, switches the faults on, kills the connector twice, and waits until all is
/// done.
///
/// # Errors
///
/// One sentence for a person.
pub async fn carry(office: &mut Office) -> Result<Bill, String> {
    faults(office);
    let bulk = Bulk {
        clients: CLIENTS,
        invoices: INVOICES,
        bills: BILLS,
        seed: 7,
    };
    let made = office
        .sandbox
        .shared
        .lock()
        .freshbooks
        .create_bulk(&bulk, server::now());
    made.map_err(|declined| format!("FreshBooks declined a document: {declined:?}"))?;
    office.sandbox.shared.wake();
    say(&format!(
        "{INVOICES} invoices and {BILLS} bills are created in FreshBooks, in six currencies, with awkward names."
    ));
    let bar = bar(u64::from(INVOICES + BILLS), "ended");
    for pause in [700, 900] {
        watch(Duration::from_millis(pause), async || {
            step(office, &bar).await
        })
        .await;
        office.kill();
        bar.println("  killed (SIGKILL), started again");
        office.start().await?;
    }
    wait(office, async || step(office, &bar).await).await?;
    office.sandbox.shared.lock().clear_faults();
    wait(office, async || step(office, &bar).await).await?;
    bar.finish_and_clear();
    bill(office).await
}

/// Counts what became of everything.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn bill(office: &Office) -> Result<Bill, String> {
    use ml_connector_sandbox::freshbooks::RecordKind;
    let runs = office.latest().await?;
    let documents: Vec<(&str, u64)> = {
        let sandbox = office.sandbox.shared.lock();
        let of = |kind, name| {
            sandbox
                .freshbooks
                .ids(kind)
                .into_iter()
                .map(move |id| (name, id))
        };
        of(RecordKind::Invoice, "invoice")
            .chain(of(RecordKind::Bill, "bill"))
            .collect()
    };
    let by_object: BTreeMap<(String, String), &Run> = runs
        .iter()
        .map(|run| ((run.object.kind.clone(), run.object.id.clone()), run))
        .collect();
    let there = there(office);
    let mut bill = Bill {
        documents: documents.len(),
        ..Bill::default()
    };
    for (kind, id) in documents {
        let run = by_object.get(&(kind.to_string(), id.to_string()));
        bill.count(
            run.and_then(|run| run.completion.as_ref())
                .map(|done| &done.ending),
            &there.ids,
        );
    }
    bill.duplicates = there.duplicates;
    bill.retried = retried(office).await?;
    Ok(bill)
}

impl Bill {
    fn count(&mut self, ending: Option<&Ending>, there: &BTreeSet<String>) {
        let Some(ending) = ending else {
            self.lost += 1;
            return;
        };
        self.seen += 1;
        match ending {
            Ending::Confirmed(confirmed) if there.contains(&confirmed.target.id) => {
                self.confirmed += 1
            }
            Ending::Confirmed(_) => self.lost += 1,
            Ending::Unchanged(note) if note.code == "same-content" => self.confirmed += 1,
            Ending::Unchanged(_) => self.unchanged += 1,
            Ending::Parked(stop) | Ending::Rejected(stop) => {
                *self.parked.entry(stop.sentence.clone()).or_default() += 1;
            }
            Ending::Conflict(conflict) => {
                *self.parked.entry(conflict.sentence.clone()).or_default() += 1;
            }
        }
    }
}

struct There {
    ids: BTreeSet<String>,
    duplicates: usize,
}

/// The payment requests as SAP Concur holds them.
fn there(office: &Office) -> There {
    let all = office.sandbox.shared.lock().concur.payment_requests();
    let mut by_marker: BTreeMap<String, usize> = BTreeMap::new();
    for request in all.iter().filter(|request| !request.deleted) {
        let marker = request.customs.get("Custom24").cloned().unwrap_or_default();
        *by_marker.entry(marker).or_default() += 1;
    }
    There {
        ids: all.into_iter().map(|request| request.id).collect(),
        duplicates: by_marker.values().filter(|count| **count > 1).count(),
    }
}

/// Documents of which a run had to wait.
async fn retried(office: &Office) -> Result<usize, String> {
    let store = SqliteStore::open_read_only(office.directory.join("ml-connector.sqlite"));
    let store = store.map_err(|error| error.to_string())?;
    let runs = store
        .runs(RunFilter::default())
        .await
        .map_err(|error| error.to_string())?;
    let mut waited = BTreeSet::new();
    for run in runs
        .iter()
        .filter(|run| matches!(run.object.kind.as_str(), "invoice" | "bill"))
    {
        let history = store
            .history(run.id)
            .await
            .map_err(|error| error.to_string())?;
        if history.iter().any(|row| is_trouble(&row.demand)) {
            waited.insert((run.object.kind.as_str(), run.object.id.as_str()));
        }
    }
    Ok(waited.len())
}

fn is_trouble(demand: &Demand) -> bool {
    let reasons = [WaitReason::Retry, WaitReason::Settle, WaitReason::Remote];
    matches!(demand, Demand::Wait(wait) if reasons.contains(&wait.reason))
}

async fn mend(office: &mut Office) -> Result<Bill, String> {
    office.stop()?;
    leave_out(office, false)?;
    office.start().await?;
    let replayed = office
        .command(&["replay", "--parked"])
        .output()
        .map_err(|error| error.to_string())?;
    print!("{}", String::from_utf8_lossy(&replayed.stdout));
    let bar = bar(u64::from(INVOICES + BILLS), "ended");
    tokio::time::sleep(Duration::from_millis(300)).await;
    wait(office, async || step(office, &bar).await).await?;
    bar.finish_and_clear();
    bill(office).await
}

/// Faults on every path, a few in a hundred. (No 503: SAP asks clients to leave it alone for five
/// minutes then.)
fn faults(office: &Office) {
    let mut sandbox = office.sandbox.shared.lock();
    let mut add = |system, path: &str, fault, share| {
        sandbox.add_fault(FaultRule::new(system, fault).path(path).per_mille(share));
    };
    for (system, path) in [
        (System::FreshBooks, "/accounting/"),
        (System::Concur, "/api/"),
    ] {
        add(
            system,
            path,
            Fault::RateLimited {
                retry_after_s: Some(1),
            },
            8,
        );
        add(system, path, Fault::ServerError, 15);
        add(system, path, Fault::Truncated, 8);
        add(system, path, Fault::Garbage, 10);
        add(system, path, Fault::Slow { delay: 200 }, 20);
        add(system, path, Fault::ExpiredToken, 6);
    }
    for fault in [
        Fault::ResponseLost,
        Fault::RequestLost,
        Fault::ServerErrorAfterCommit,
        Fault::LateExecution { delay: 900 },
    ] {
        sandbox.add_fault(
            FaultRule::new(System::Concur, fault)
                .method("POST")
                .path("/api/")
                .per_mille(25),
        );
    }
    let webhooks = &mut sandbox.freshbooks.config_mut().webhooks;
    webhooks.duplicate_per_mille = 100;
    webhooks.disorder_per_mille = 100;
    webhooks.disorder_ms = 1_000;
    webhooks.drop_per_mille = 30;
    webhooks.retry_after_s = vec![1, 2, 4];
}

/// Takes a currency out of the settings, or puts it back.
fn leave_out(office: &Office, out: bool) -> Result<(), String> {
    let file = office.settings_file();
    let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let (with, without) = (format!("\"JPY\", \"{LEFT_OUT}\""), "\"JPY\"".to_string());
    let changed = if out {
        text.replace(&with, &without)
    } else {
        text.replace(&without, &with)
    };
    std::fs::write(&file, changed).map_err(|error| error.to_string())
}

/// Waits until `is_done` says so three times in a row.
async fn wait(office: &Office, is_done: impl AsyncFn() -> bool) -> Result<(), String> {
    let began = Instant::now();
    let mut calm = 0;
    while calm < 3 {
        if began.elapsed() > Duration::from_secs(240) {
            return Err(format!(
                "the demo got stuck; see {}/service.log",
                office.directory.display()
            ));
        }
        calm = if is_done().await { calm + 1 } else { 0 };
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// Has the bar moved for so long.
async fn watch(long: Duration, step: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while began.elapsed() < long {
        step().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Moves the bar; true when all documents are done.
async fn step(office: &Office, bar: &ProgressBar) -> bool {
    let runs = office.latest().await.unwrap_or_default();
    let is_document = |run: &&Run| matches!(run.object.kind.as_str(), "invoice" | "bill");
    let ended = runs
        .iter()
        .filter(is_document)
        .filter(|run| run.completion.is_some())
        .count() as u64;
    let waiting = runs
        .iter()
        .filter(is_document)
        .filter(|run| run.completion.is_none())
        .count();
    let pending = office.sandbox.shared.lock().freshbooks.deliveries_pending();
    bar.set_position(ended);
    bar.set_message(format!("{waiting} under way, {pending} webhooks to come"));
    ended == bar.length().unwrap_or(0) && waiting == 0 && pending == 0
}

fn bar(length: u64, done: &str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    let template = format!("  {{bar:30}} {{pos}}/{{len}} {done}, {{msg}}");
    let style = ProgressStyle::with_template(&template);
    if let Ok(style) = style {
        bar.set_style(style);
    }
    if !std::io::stderr().is_terminal() {
        println!("  working ...");
    }
    bar
}

fn table(title: &str, counted: &str) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(100);
    table.set_header(vec![title.to_string(), counted.to_string()]);
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn show(title: &str, bill: &Bill) {
    let mut table = table(title, "documents");
    let rows = [
        ("in FreshBooks", bill.documents),
        ("seen", bill.seen),
        ("confirmed in SAP Concur", bill.confirmed),
        (
            "unchanged (drafts wait until they are sent)",
            bill.unchanged,
        ),
        ("parked, a person is needed", bill.parked.values().sum()),
        ("retried on the way", bill.retried),
        ("duplicates found in SAP Concur", bill.duplicates),
        ("lost", bill.lost),
    ];
    for (name, count) in rows {
        table.add_row(vec![name.to_string(), count.to_string()]);
    }
    println!("\n{table}");
    for (sentence, count) in &bill.parked {
        println!("  {count} x parked: {sentence}");
    }
}

fn next(directory: &Path, binary: &Path, took: Duration) {
    let command = format!(
        "{} --config {}/ml-connector.toml",
        binary.display(),
        directory.display()
    );
    println!(
        "\nDone in {} s. The store is left for you to look at; try next:",
        took.as_secs()
    );
    println!("  {command} status");
    println!("  {command} runs --limit 10");
    println!("  {command} show 20");
    println!("  {command} preview --help");
}

fn say(sentence: &str) {
    println!("\n{sentence}");
}

/// Builds the connector's program next to this one, with the same features, so that nothing is
/// built twice.
fn build_binary() -> Result<PathBuf, String> {
    let mut build = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_string()));
    build.args([
        "build",
        "--package",
        "ml-connector",
        "--package",
        "ml-connector-tests",
        "--bins",
    ]);
    let built = build
        .current_dir(built::root())
        .status()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    if !built.success() {
        return Err("ml-connector does not build".to_string());
    }
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let directory = here.parent().ok_or("this program has no directory")?;
    Ok(directory.join("ml-connector"))
}
