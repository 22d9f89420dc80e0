//! The end of the demo: a back-fill, the links, and both systems compared, before and after a
//! person changes one record by hand.

use std::collections::BTreeMap;

use ml_connector_sandbox::concur::{DocStatus, DocType, DocumentRecord, Resubmission};
use ml_connector_sandbox::server;
use serde_json::{Value, json};

use super::announce;
use super::progress::{progress_bar, until_quiet};
use super::summary::table;
use crate::fixtures::{Deployment, documents};

const EARLIER: u32 = 5;
/// What people change by hand in the end.
const BY_HAND: &str = "EARLIER-3";
/// All days of the demo's documents.
const DAYS: [&str; 4] = ["--from", "2025-01-01", "--to", "2026-12-31"];

/// Brings across what was there before, without a webhook.
///
/// # Errors
///
/// One sentence for a person.
pub async fn backfill(deployment: &Deployment) -> Result<(), String> {
    announce(&format!(
        "{EARLIER} invoices of January 2025 turn up, of which no webhook tells.\n\
         `ml-connector backfill`:"
    ));
    create_earlier(deployment)?;
    let arguments = ["backfill", "--from", "2025-01-01", "--to", "2025-01-31"];
    let output = deployment.installation.run(&arguments);
    print_indented(&output.out);
    output.success()?;
    let bar = progress_bar(u64::from(EARLIER), "carried over");
    until_quiet(deployment, async || {
        let carried = request_of(deployment, "EARLIER-").len();
        bar.set_position(carried as u64);
        carried == EARLIER as usize
    })
    .await?;
    bar.finish_and_clear();
    announce("What became of what, the last three of all links. `ml-connector links --limit 3`:");
    print_indented(&deployment.installation.run(&["links", "--limit", "3"]).out);
    Ok(())
}

fn create_earlier(deployment: &Deployment) -> Result<(), String> {
    let now = server::now();
    let mut sandbox = deployment.sandbox.shared.lock();
    let freshbooks = &mut sandbox.freshbooks;
    freshbooks.config_mut().webhooks.silent = true;
    let declined = |why| format!("FreshBooks declined a record: {why:?}");
    let client = freshbooks.create_client(&documents::client(), now);
    let client = client.map_err(declined)?;
    for number in 1..=EARLIER {
        let mut invoice = documents::invoice(client, &format!("EARLIER-{number}"));
        invoice["create_date"] = json!("2025-01-15");
        freshbooks.create_invoice(&invoice, now).map_err(declined)?;
    }
    Ok(())
}

/// The payment requests whose number begins like this.
fn request_of(deployment: &Deployment, number: &str) -> Vec<String> {
    let sandbox = deployment.sandbox.shared.lock();
    let requests = sandbox.concur.payment_requests().into_iter();
    let named = requests.filter(|request| request.number.starts_with(number));
    named.map(|request| request.id).collect()
}

/// The broken reports are recalled in SAP Concur, corrected and approved again, and what was parked
/// for them is looked at again.
///
/// # Errors
///
/// One sentence for a person.
pub async fn correct_broken(deployment: &Deployment) -> Result<(), String> {
    announce(
        "The broken reports are recalled in SAP Concur, corrected and approved again.\n\
         `ml-connector replay --parked`:",
    );
    {
        let mut sandbox = deployment.sandbox.shared.lock();
        let concur = &mut sandbox.concur;
        concur.config_mut().financial.recall_acknowledged = true;
        for document in concur.documents() {
            let is_held = document.status == DocStatus::Acknowledged;
            let is_held = is_held && document.doc_type == DocType::Expense;
            if is_held || document.status == DocStatus::PostingConfirmedFailure {
                let recalled = concur.recall(&document.source_id, server::now());
                recalled.map_err(|why| format!("it cannot be recalled: {why:?}"))?;
                let again = Resubmission::default();
                let again = concur.resubmit(&document.source_id, &again, server::now());
                again.map_err(|why| format!("it cannot be approved again: {why:?}"))?;
            }
        }
    }
    let replayed = deployment.installation.run(&["replay", "--parked"]);
    print_indented(&replayed.out);
    until_quiet(deployment, async || {
        let runs = deployment.latest_runs().await.unwrap_or_default();
        let documents = deployment.sandbox.shared.lock().concur.documents();
        let is_ready = |one: &DocumentRecord| one.status == DocStatus::Ready;
        runs.iter().all(|run| run.completion.is_some()) && !documents.iter().any(is_ready)
    })
    .await
}

/// Compares both systems, before and after a record is changed by hand; whether the first time
/// they agree, and the second time just that record is found.
///
/// # Errors
///
/// One sentence for a person.
pub fn compare(deployment: &Deployment) -> Result<bool, String> {
    announce(
        "Both systems, record by record; what employees typed into the reports is foreign. \
         `ml-connector reconcile`:",
    );
    let before = compared(deployment)?;
    print(&before);
    let findings = |report: &Value| report["findings"].as_array().cloned().unwrap_or_default();
    announce(&format!(
        "Somebody changes the amount of payment request {BY_HAND} in SAP Concur. `reconcile` again:"
    ));
    let requests = request_of(deployment, BY_HAND);
    let id = requests.first().ok_or("it is not there")?;
    deployment
        .sandbox
        .shared
        .lock()
        .concur
        .edit_payment_request(id, "InvoiceAmount", "1078.50", server::now());
    let after = compared(deployment)?;
    print(&after);
    let new: Vec<Value> = findings(&after)
        .into_iter()
        .filter(|found| !findings(&before).contains(found))
        .collect();
    let is_found = new.len() == 1 && new[0]["number"] == BY_HAND;
    Ok(before["clean"] == true && is_found)
}

fn compared(deployment: &Deployment) -> Result<Value, String> {
    let arguments = [&["reconcile", "--json"], &DAYS[..]].concat();
    let output = deployment.installation.run(&arguments);
    serde_json::from_str(&output.out).map_err(|_| format!("{}{}", output.out, output.err))
}

/// A line for each flow, and one for each finding.
fn print(report: &Value) {
    let mut flows: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for row in report["totals"].as_array().into_iter().flatten() {
        let (sources, targets) = flows
            .entry(row["flow"].as_str().unwrap_or_default())
            .or_default();
        *sources += row["sources"].as_u64().unwrap_or_default();
        *targets += row["targets"].as_u64().unwrap_or_default();
    }
    let mut counts = table("Compared, by flow", "records here / there");
    for (flow, (sources, targets)) in flows {
        counts.add_row(vec![flow.to_string(), format!("{sources} / {targets}")]);
    }
    println!("{counts}");
    let findings = report["findings"].as_array().into_iter().flatten();
    for found in findings {
        println!("  {}", sentence(found));
    }
    let of_kind = |kind: &str| {
        let findings = report["findings"].as_array().into_iter().flatten();
        findings.filter(|found| found["kind"] == kind).count()
    };
    let kinds = ["missing", "doubled", "different", "foreign", "parked"];
    let counted = kinds.map(|kind| format!("{} {kind}", of_kind(kind)));
    println!("  {}", counted.join(", "));
}

fn sentence(found: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let differences = found["differences"].as_array().into_iter().flatten();
    let differences: Vec<String> = differences
        .map(|one| {
            let (field, here) = (text(&one["field"]), text(&one["source"]));
            format!("{field} {here} -> {}", text(&one["target"]))
        })
        .collect();
    // An entry that an employee typed has no number.
    let names = ["/number", "/source", "/targets/0"].map(|at| found.pointer(at).map(text));
    let name = names.into_iter().flatten().find(|name| !name.is_empty());
    let parts = [
        format!("{}:", text(&found["kind"])),
        name.unwrap_or_default(),
        text(&found["code"]),
        differences.join(", "),
    ];
    let said = parts.into_iter().filter(|part| !part.is_empty());
    said.collect::<Vec<_>>().join(" ")
}

fn print_indented(text: &str) {
    for line in text.lines() {
        println!("  {line}");
    }
}
