//! The demo, as a library: what the command shows, and what a test checks.

pub mod agreement;
pub mod expenses;
mod progress;
mod summary;
pub mod way_back;

use std::path::Path;
use std::time::{Duration, Instant};

use ml_connector::store::Run;
use ml_connector_sandbox::freshbooks::Bulk;
use ml_connector_sandbox::server;
use ml_connector_sandbox::{Fault, FaultRule, System};
use serde_json::json;

use self::progress::{ProgressBar, keep_moving, progress_bar, until_quiet};
pub use self::summary::Summary;
use crate::built;
use crate::fixtures::installation::SETTINGS_FILE;
use crate::fixtures::{Deployment, Options, settings};

const INVOICES: u32 = 170;
const BILLS: u32 = 80;
const CLIENTS: u32 = 24;
/// A currency that is missing in the settings at first, so that there is something to fix.
const MISSING_CURRENCY: &str = "KWD";

/// Runs the demo and returns whether nothing was lost, doubled or left open.
///
/// # Errors
///
/// One sentence for a person.
pub async fn run() -> Result<bool, String> {
    let began = Instant::now();
    built::build_component(&mut |what| println!("  {what}"))?;
    built::build_program()?;
    let directory = built::root().join("target/demo");
    let directory = std::path::absolute(&directory).unwrap_or(directory);
    let _ = std::fs::remove_dir_all(&directory);
    let mut deployment = Deployment::at(&directory, &every_flow()).await?;
    accept_currency(&deployment, false);
    announce(
        "Local stand-ins for FreshBooks and SAP Concur are running; \
         ml-connector starts between them.",
    );
    let ready = deployment.start().await?;
    println!(
        "  ready for the first webhook after {} ms",
        ready.as_millis()
    );
    deployment.connect().await?;
    deployment.registered().await?;
    println!(
        "  connected: consent given in the browser, webhooks registered and verified,\n  \
         company request token exchanged, events subscribed"
    );
    let summary = synchronize(&mut deployment).await?;
    summary.print("With faults on every path and two kills (SIGKILL) in the middle");
    announce(&format!(
        "{MISSING_CURRENCY} was missing in the settings. It is added now, followed by \
         `ml-connector replay --parked`:"
    ));
    let fixed = fix_and_replay(&mut deployment).await?;
    fixed.print("After the settings were fixed");
    let ledger = way_back::synchronize(&mut deployment).await?;
    way_back::print(&ledger);
    let spending = expenses::synchronize(&deployment).await?;
    spending.print();
    agreement::backfill(&deployment).await?;
    agreement::correct_broken(&deployment).await?;
    let agree = agreement::compare(&deployment)?;
    deployment.stop()?;
    print_next_steps(&directory, built::program(), began.elapsed());
    Ok(fixed.is_in_order() && ledger.is_in_order() && spending.is_in_order() && agree)
}

/// Everything there is, in both directions; a new flow is switched on here.
fn every_flow() -> Options {
    let mut options = Options::both_ways(10);
    options.connection["expense"] = settings::expense("resend");
    options.connection["payments"] = json!({"confirm": true});
    options
}

/// Creates the documents, switches the faults on, kills the connector twice, and waits until
/// everything has ended.
///
/// # Errors
///
/// One sentence for a person.
pub async fn synchronize(deployment: &mut Deployment) -> Result<Summary, String> {
    add_faults(deployment);
    let bulk = Bulk {
        clients: CLIENTS,
        invoices: INVOICES,
        bills: BILLS,
        seed: 7,
        ..Bulk::default()
    };
    let created = {
        let mut sandbox = deployment.sandbox.shared.lock();
        sandbox.freshbooks.create_bulk(&bulk, server::now())
    };
    created.map_err(|declined| format!("FreshBooks declined a document: {declined:?}"))?;
    deployment.sandbox.shared.wake();
    announce(&format!(
        "{INVOICES} invoices and {BILLS} bills are created in FreshBooks, in six currencies, \
         with awkward names."
    ));
    let bar = progress_bar(u64::from(INVOICES + BILLS), "ended");
    for pause_ms in [700, 900] {
        keep_moving(Duration::from_millis(pause_ms), async || {
            show_progress(deployment, &bar).await
        })
        .await;
        deployment.kill();
        bar.println("  killed (SIGKILL) and started again");
        deployment.start().await?;
    }
    until_quiet(deployment, async || show_progress(deployment, &bar).await).await?;
    deployment.sandbox.shared.lock().clear_faults();
    until_quiet(deployment, async || show_progress(deployment, &bar).await).await?;
    bar.finish_and_clear();
    Summary::of(deployment).await
}

async fn fix_and_replay(deployment: &mut Deployment) -> Result<Summary, String> {
    deployment.stop()?;
    accept_currency(deployment, true);
    deployment.start().await?;
    let replayed = deployment.installation.run(&["replay", "--parked"]);
    print!("{}", replayed.out);
    let bar = progress_bar(u64::from(INVOICES + BILLS), "ended");
    until_quiet(deployment, async || show_progress(deployment, &bar).await).await?;
    bar.finish_and_clear();
    Summary::of(deployment).await
}

/// Faults on every path, a few in a hundred. (No 503: SAP asks clients to wait five minutes then.)
fn add_faults(deployment: &Deployment) {
    let mut sandbox = deployment.sandbox.shared.lock();
    for (system, path) in [
        (System::FreshBooks, "/accounting/"),
        (System::Concur, "/api/"),
    ] {
        let rate_limited = Fault::RateLimited {
            retry_after_s: Some(1),
        };
        for (fault, per_mille) in [
            (rate_limited, 8),
            (Fault::ServerError, 15),
            (Fault::Truncated, 8),
            (Fault::Garbage, 10),
            (Fault::Slow { delay: 200 }, 20),
            (Fault::ExpiredToken, 6),
        ] {
            let rule = FaultRule::new(system, fault).path(path);
            sandbox.add_fault(rule.per_mille(per_mille));
        }
    }
    for fault in [
        Fault::ResponseLost,
        Fault::RequestLost,
        Fault::ServerErrorAfterCommit,
        Fault::LateExecution { delay: 900 },
    ] {
        let rule = FaultRule::new(System::Concur, fault).method("POST");
        sandbox.add_fault(rule.path("/api/").per_mille(25));
    }
    let webhooks = &mut sandbox.freshbooks.config_mut().webhooks;
    webhooks.duplicate_per_mille = 100;
    webhooks.disorder_per_mille = 100;
    webhooks.disorder_ms = 1_000;
    webhooks.drop_per_mille = 30;
    webhooks.retry_after_s = vec![1, 2, 4];
}

/// Adds the currency to the settings, or takes it out.
fn accept_currency(deployment: &Deployment, accept: bool) {
    let (with, without) = (format!("\"JPY\", \"{MISSING_CURRENCY}\""), "\"JPY\"");
    let installation = &deployment.installation;
    let text = installation.read(SETTINGS_FILE);
    let changed = if accept {
        text.replace(without, &with)
    } else {
        text.replace(&with, without)
    };
    installation.write(SETTINGS_FILE, &changed);
}

/// Moves the bar; true when all documents have ended and no webhook is to come.
async fn show_progress(deployment: &Deployment, bar: &ProgressBar) -> bool {
    let runs = deployment.latest_runs().await.unwrap_or_default();
    let documents = runs
        .iter()
        .filter(|run| matches!(run.object.kind.as_str(), "invoice" | "bill"));
    let (ended, open): (Vec<&Run>, Vec<&Run>) = documents.partition(|run| run.completion.is_some());
    let pending = {
        let sandbox = deployment.sandbox.shared.lock();
        sandbox.freshbooks.deliveries_pending()
    };
    bar.set_position(ended.len() as u64);
    bar.set_message(format!(
        "{} under way, {pending} webhooks to come",
        open.len()
    ));
    bar.length() == Some(ended.len() as u64) && open.is_empty() && pending == 0
}

fn print_next_steps(directory: &Path, program: &Path, took: Duration) {
    let command = format!(
        "{} --config {}",
        program.display(),
        directory.join(SETTINGS_FILE).display()
    );
    println!(
        "\nDone in {} s. The store is kept, so you can look around. Try next:",
        took.as_secs()
    );
    println!("  {command} status");
    println!("  {command} runs --limit 10");
    println!("  {command} show 20");
    println!("  {command} preview --help");
}

fn announce(message: &str) {
    println!("\n{message}");
}
