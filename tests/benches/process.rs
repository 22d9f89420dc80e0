//! What the service costs as a process of its own: `cargo bench --workspace --bench process`.
//!
//! The program that ships runs as a child; both vendors and anyone who creates the invoices are
//! this process. Times to start, memory and processor time are the kernel's, from `/proc`. Numbers
//! of records can be given in `RECORDS`.

#![allow(clippy::float_arithmetic, reason = "ratios of times, no money")]

use std::fs;
use std::time::{Duration, Instant};

use ml_connector_sandbox::concur::{DocStatus, DocumentBulk};
use ml_connector_sandbox::server;
use ml_connector_tests::fixtures::{Deployment, Options, documents, settings};
use serde_json::json;

/// The kernel counts processor time in hundredths of a second, on every architecture of Linux.
const TICKS_PER_SECOND: f64 = 100.0;
const WAITING_RUNS: u64 = 10_000;

#[tokio::main]
async fn main() {
    match std::env::var("PART").as_deref() {
        Ok("backfill") => return records_of_before().await,
        Ok("reconcile") => return comparison().await,
        _ => {}
    }
    let (first, ready) = starts().await;
    println!("first start: ready after {first} ms, the component is compiled");
    row("later start", format!("ready after {ready} ms"), "300 ms");
    load().await;
    waiting().await;
    back_fill().await;
    records_of_before().await;
    comparison().await;
}

fn row(what: &str, measured: String, goal: &str) {
    println!("{what:<44} {measured:>32}   (goal {goal})");
}

fn memory_row(kind: &str, few: u64, many: u64) {
    let ratio = many as f64 / few as f64;
    let what = format!("peak memory: 1,000 {kind}s, 10,000, ratio");
    row(
        &what,
        format!("{}, {}, {ratio:.2}", mib(few), mib(many)),
        "1.3",
    );
}

/// Milliseconds until ready: the first time, and the fastest of five later ones.
async fn starts() -> (u128, u128) {
    let mut deployment = open().await;
    let first = deployment.start().await.expect("starts").as_millis();
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        deployment.stop().expect("stops");
        fastest = fastest.min(deployment.start().await.expect("starts"));
    }
    (first, fastest.as_millis())
}

/// Idle, and then under the load of `RECORDS` invoices.
async fn load() {
    let mut deployment = open().await;
    restarted(&mut deployment).await;
    deployment.connect().await.expect("connects");
    deployment.registered().await.expect("registers");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let pid = deployment.process_id().expect("runs");
    row("idle, connected", mib(resident(pid)), "40 MiB");
    invoices(&deployment, 500).await;
    let records = records();
    let before = (processor_time(pid), processor_time(own()));
    let took = invoices(&deployment, records).await;
    let each = |now: f64, then: f64| (now - then) * 1e6 / records as f64;
    let service = each(processor_time(pid), before.0);
    let sandbox = each(processor_time(own()), before.1);
    let rate = records as f64 / took.as_secs_f64();
    row(
        &format!("{records} invoices, webhook to record"),
        format!("{rate:.0} a second"),
        "3000",
    );
    println!(
        "processor time of each: service {service:.0} us, sandbox and creator {sandbox:.0} us"
    );
    row("peak memory under that load", mib(peak(pid)), "128 MiB");
    deployment.stop().expect("stops");
}

/// Runs that wait for their client to become a vendor, which it cannot: SAP Concur is not
/// connected.
async fn waiting() {
    let mut deployment = open().await;
    restarted(&mut deployment).await;
    deployment.connect_freshbooks().await.expect("connects");
    deployment.registered().await.expect("registers");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let pid = deployment.process_id().expect("runs");
    let before = resident(pid);
    create(&deployment, WAITING_RUNS);
    let began = Instant::now();
    while deployment.progress().await.expect("is read").1 < WAITING_RUNS {
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "all are taken up"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let added = resident(pid).saturating_sub(before);
    row("10,000 waiting runs add", mib(added), "64 MiB");
    deployment.stop().expect("stops");
}

/// Documents of 30 KiB that SAP Concur has ready, until each is posted and confirmed; in a fresh
/// process each time.
async fn back_fill() {
    let (_, few) = posted(1_000).await;
    let (rate, many) = posted(10_000).await;
    row(
        "10,000 expense documents, listed to confirmed",
        format!("{rate:.0} a second"),
        "none",
    );
    memory_row("document", few, many);
}

/// Invoices and expenses that were there before, brought across by the command `backfill`; in a
/// fresh process each time.
async fn records_of_before() {
    for kind in ["invoice", "expense"] {
        let (_, few) = back_filled(kind, 1_000).await;
        let (rate, many) = back_filled(kind, 10_000).await;
        row(
            &format!("back-fill of 10,000 {kind}s"),
            format!("{rate:.0} a second"),
            "none",
        );
        memory_row(kind, few, many);
    }
}

/// Records a second, and the peak memory of the service in KiB.
async fn back_filled(kind: &str, records: u64) -> (f64, u64) {
    let mut deployment = before(kind, records).await;
    let pid = deployment.process_id().expect("runs");
    let began = Instant::now();
    back_fill_all(&deployment, kind, records);
    let rate = records as f64 / began.elapsed().as_secs_f64();
    let peak = peak(pid);
    deployment.stop().expect("stops");
    (rate, peak)
}

/// A service, and records in FreshBooks that nobody has announced.
async fn before(kind: &str, records: u64) -> Deployment {
    let mut options = Options::default();
    options.connection["sweep"]["interval_s"] = 86_400.into();
    if kind == "expense" {
        options.connection["expense"] = settings::expense("resend");
    }
    let deployment = Deployment::new(&options).await;
    let mut deployment = deployment.expect("is set up");
    restarted(&mut deployment).await;
    deployment.connect().await.expect("connects");
    deployment.registered().await.expect("registers");
    {
        let mut sandbox = deployment.sandbox.shared.lock();
        sandbox.freshbooks.config_mut().webhooks.silent = true;
    }
    match kind {
        "expense" => create_expenses(&deployment, records),
        _ => create(&deployment, records),
    }
    deployment
}

/// Runs the command until all records are there.
fn back_fill_all(deployment: &Deployment, kind: &str, records: u64) {
    let command = ["backfill", "--from", "2025-01-01", "--kind", kind];
    let done = tokio::task::block_in_place(|| deployment.installation.run(&command));
    let sandbox = deployment.sandbox.shared.lock();
    let there = match kind {
        "expense" => {
            let reports = sandbox.concur.expense_reports();
            reports.iter().map(|report| report.entries.len()).sum()
        }
        _ => sandbox.concur.payment_request_count(),
    };
    assert_eq!(
        there as u64, records,
        "nothing is lost or doubled: {done:?}"
    );
}

/// Both systems compared, with `RECORDS` invoices a side or 100,000: how long, how many requests,
/// and the peak memory of the service, which is started anew before it.
async fn comparison() {
    let records = given_records().unwrap_or(100_000);
    let mut deployment = before("invoice", records).await;
    back_fill_all(&deployment, "invoice", records);
    deployment.stop().expect("stops");
    deployment.start().await.expect("starts");
    let pid = deployment.process_id().expect("runs");
    let (idle, began) = (resident(pid), Instant::now());
    let command = [
        "reconcile",
        "--from",
        "2025-01-01",
        "--to",
        "2030-12-31",
        "--json",
    ];
    let done = tokio::task::block_in_place(|| deployment.installation.run(&command));
    let took = began.elapsed();
    let peak = peak(pid);
    assert_eq!(done.code, 0, "both agree: {}", done.err);
    let report: serde_json::Value = serde_json::from_str(&done.out).expect("is JSON");
    println!(
        "{records} records a side: {} requests, one after the other",
        report["calls"]
    );
    row(
        "read and compared, most of it the sandbox's answers",
        format!("{:.0} s", took.as_secs_f64()),
        "none",
    );
    row(
        "peak memory of reading and comparing, idle before",
        format!("{}, {}", mib(peak), mib(idle)),
        "256 MiB",
    );
    deployment.stop().expect("stops");
}

/// Documents a second, and the peak memory of the service in KiB.
async fn posted(documents: u32) -> (f64, u64) {
    let deployment = Deployment::new(&Options::both_ways(1)).await;
    let mut deployment = deployment.expect("is set up");
    restarted(&mut deployment).await;
    deployment.connect().await.expect("connects");
    deployment.registered().await.expect("registers");
    let pid = deployment.process_id().expect("runs");
    let bulk = DocumentBulk {
        reports: documents,
        ..DocumentBulk::default()
    };
    approve(&deployment, &bulk);
    let began = Instant::now();
    let confirmed = || {
        let counts = deployment.sandbox.shared.lock().concur.document_counts();
        counts.get(&DocStatus::PostingConfirmedSuccess).copied()
    };
    while confirmed().unwrap_or_default() < documents as usize {
        assert!(began.elapsed() < Duration::from_secs(600), "all are posted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let rate = f64::from(documents) / began.elapsed().as_secs_f64();
    let entries = deployment
        .sandbox
        .shared
        .lock()
        .freshbooks
        .journal_entry_count();
    assert_eq!(entries, documents as usize, "nothing is lost or doubled");
    let peak = peak(pid);
    deployment.stop().expect("stops");
    (rate, peak)
}

/// Approves documents without announcing them: one by one it would be no back-fill.
fn approve(deployment: &Deployment, bulk: &DocumentBulk) {
    let mut sandbox = deployment.sandbox.shared.lock();
    sandbox.concur.config_mut().events.delivery.silent = true;
    sandbox.concur.approve_bulk(bulk, server::now());
}

async fn open() -> Deployment {
    let deployment = Deployment::new(&Options::default()).await;
    deployment.expect("is set up")
}

/// A start that compiles nothing.
async fn restarted(deployment: &mut Deployment) {
    deployment.start().await.expect("starts");
    deployment.stop().expect("stops");
    deployment.start().await.expect("starts");
}

/// Creates invoices and waits until each is a payment request; tells how long that took.
async fn invoices(deployment: &Deployment, count: u64) -> Duration {
    let there = || {
        let sandbox = deployment.sandbox.shared.lock();
        sandbox.concur.payment_request_count() as u64
    };
    let expected = there() + count;
    let began = Instant::now();
    create(deployment, count);
    while there() < expected {
        assert!(began.elapsed() < Duration::from_secs(300), "all arrive");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = began.elapsed();
    until_all_ended(deployment).await;
    assert_eq!(there(), expected, "nothing is doubled");
    took
}

/// The last records are there before the service has stored that they are.
async fn until_all_ended(deployment: &Deployment) {
    let began = Instant::now();
    loop {
        let (ended, all) = deployment.progress().await.expect("is read");
        if ended == all {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "every run ends");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn create(deployment: &Deployment, count: u64) {
    let shared = &deployment.sandbox.shared;
    let client = shared
        .lock()
        .freshbooks
        .create_client(&documents::client(), server::now())
        .expect("is created");
    for number in 0..count {
        let invoice = documents::invoice(client, &format!("{client}-{number}"));
        let made = shared
            .lock()
            .freshbooks
            .create_invoice(&invoice, server::now());
        made.expect("is created");
        shared.wake();
    }
}

/// Expenses of somebody who is paid in their currency, in 24 months: no report has very many.
fn create_expenses(deployment: &Deployment, count: u64) {
    let shared = &deployment.sandbox.shared;
    for number in 0..count {
        let month = number % 24;
        let expense = json!({"staffid": 2, "categoryid": 3344,
            "date": format!("{}-{:02}-{:02}", 2025 + month / 12, month % 12 + 1, number % 28 + 1),
            "vendor": format!("Cab {number}"), "amount": {"amount": "40.00", "code": "CAD"}});
        let made = shared
            .lock()
            .freshbooks
            .create_expense(&expense, server::now());
        made.expect("is created");
    }
    shared.wake();
}

fn records() -> u64 {
    given_records().unwrap_or(20_000)
}

fn given_records() -> Option<u64> {
    let given = std::env::var("RECORDS").ok()?;
    Some(given.parse().expect("a number"))
}

fn own() -> u32 {
    std::process::id()
}

/// Seconds of user and system time.
fn processor_time(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("is read");
    // The name in parentheses may hold spaces; what follows it begins with field 3.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let fields = fields.split_whitespace().skip(11).take(2);
    let ticks: u32 = fields.filter_map(|field| field.parse::<u32>().ok()).sum();
    f64::from(ticks) / TICKS_PER_SECOND
}

fn resident(pid: u32) -> u64 {
    status_kib(pid, "VmRSS:")
}

fn peak(pid: u32) -> u64 {
    status_kib(pid, "VmHWM:")
}

fn status_kib(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("is read");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .expect("is told")
}

fn mib(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}
