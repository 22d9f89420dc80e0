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
use ml_connector_tests::fixtures::{Deployment, Options, documents};

/// The kernel counts processor time in hundredths of a second, on every architecture of Linux.
const TICKS_PER_SECOND: f64 = 100.0;
const WAITING_RUNS: u64 = 10_000;

#[tokio::main]
async fn main() {
    if std::env::var("PART").is_ok_and(|part| part == "backfill") {
        return invoices_of_before().await;
    }
    let (first, ready) = starts().await;
    println!("first start: ready after {first} ms, the component is compiled");
    row("later start", format!("ready after {ready} ms"), "300 ms");
    load().await;
    waiting().await;
    back_fill().await;
    invoices_of_before().await;
}

fn row(what: &str, measured: String, goal: &str) {
    println!("{what:<44} {measured:>32}   (goal {goal})");
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
    row(
        "peak memory: 1,000 documents, 10,000, ratio",
        format!(
            "{}, {}, {:.2}",
            mib(few),
            mib(many),
            many as f64 / few as f64
        ),
        "1.3",
    );
}

/// Invoices that were there before, brought across by the command `backfill`; in a fresh process
/// each time.
async fn invoices_of_before() {
    let (_, few) = back_filled(1_000).await;
    let (rate, many) = back_filled(10_000).await;
    row(
        "back-fill of 10,000 invoices",
        format!("{rate:.0} a second"),
        "none",
    );
    row(
        "peak memory: 1,000 invoices, 10,000, ratio",
        format!(
            "{}, {}, {:.2}",
            mib(few),
            mib(many),
            many as f64 / few as f64
        ),
        "1.3",
    );
}

/// Invoices a second, and the peak memory of the service in KiB.
async fn back_filled(invoices: u64) -> (f64, u64) {
    let mut options = Options::default();
    options.connection["sweep"]["interval_s"] = 86_400.into();
    let deployment = Deployment::new(&options).await;
    let mut deployment = deployment.expect("is set up");
    restarted(&mut deployment).await;
    deployment.connect().await.expect("connects");
    deployment.registered().await.expect("registers");
    let pid = deployment.process_id().expect("runs");
    {
        let mut sandbox = deployment.sandbox.shared.lock();
        sandbox.freshbooks.config_mut().webhooks.silent = true;
    }
    create(&deployment, invoices);
    let began = Instant::now();
    let command = ["backfill", "--from", "2026-01-01", "--kind", "invoice"];
    let done = tokio::task::block_in_place(|| deployment.installation.run(&command));
    let rate = invoices as f64 / began.elapsed().as_secs_f64();
    let there = deployment
        .sandbox
        .shared
        .lock()
        .concur
        .payment_request_count() as u64;
    assert_eq!(there, invoices, "nothing is lost or doubled: {done:?}");
    let peak = peak(pid);
    deployment.stop().expect("stops");
    (rate, peak)
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

fn records() -> u64 {
    let given = std::env::var("RECORDS").ok();
    given.map_or(20_000, |text| text.parse().expect("a number"))
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
