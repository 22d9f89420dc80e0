//! What became of the invoices and bills.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use ml_connector::contract::runs::{Demand, Ending, WaitReason};
use ml_connector::store::{Run, RunFilter, Store};
use ml_connector_sandbox::freshbooks::RecordKind;

use crate::fixtures::Deployment;

/// How many documents ended in which way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Documents that FreshBooks holds.
    pub documents: usize,
    /// Documents that a run has read.
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

impl Summary {
    /// Counts what became of every invoice and bill.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn of(deployment: &Deployment) -> Result<Self, String> {
        let runs = deployment.latest_runs().await?;
        let by_object: BTreeMap<(&str, &str), &Run> = runs
            .iter()
            .map(|run| ((run.object.kind.as_str(), run.object.id.as_str()), run))
            .collect();
        let documents = documents(deployment);
        let created = Created::in_concur(deployment);
        let mut summary = Self {
            documents: documents.len(),
            duplicates: created.duplicates,
            retried: retried(deployment).await?,
            ..Self::default()
        };
        for (kind, id) in &documents {
            let run = by_object.get(&(*kind, id.as_str()));
            let completion = run.and_then(|run| run.completion.as_ref());
            let ending = completion.map(|completion| &completion.ending);
            summary.count(ending, &created.ids);
        }
        Ok(summary)
    }

    /// Whether nothing is lost, nothing doubled, and nobody is needed.
    #[must_use]
    pub fn is_in_order(&self) -> bool {
        self.lost == 0 && self.duplicates == 0 && self.parked.is_empty()
    }

    fn count(&mut self, ending: Option<&Ending>, created: &BTreeSet<String>) {
        let Some(ending) = ending else {
            self.lost += 1;
            return;
        };
        self.seen += 1;
        match ending {
            Ending::Confirmed(confirmed) if created.contains(&confirmed.target.id) => {
                self.confirmed += 1;
            }
            Ending::Confirmed(_) => self.lost += 1,
            Ending::Unchanged(note) if note.code == "same-content" => self.confirmed += 1,
            Ending::Unchanged(_) => self.unchanged += 1,
            Ending::Parked(stop) | Ending::Rejected(stop) => {
                *self.parked.entry(stop.message.clone()).or_default() += 1;
            }
            Ending::Conflict(conflict) => {
                *self.parked.entry(conflict.message.clone()).or_default() += 1;
            }
        }
    }

    pub(super) fn print(&self, title: &str) {
        let mut table = table(title, "documents");
        for (name, count) in [
            ("in FreshBooks", self.documents),
            ("read by ml-connector", self.seen),
            ("confirmed in SAP Concur", self.confirmed),
            (
                "unchanged (drafts wait until they are sent)",
                self.unchanged,
            ),
            ("parked: a person is needed", self.parked.values().sum()),
            ("retried on the way", self.retried),
            ("duplicates found in SAP Concur", self.duplicates),
            ("lost", self.lost),
        ] {
            table.add_row(vec![name.to_string(), count.to_string()]);
        }
        println!("\n{table}");
        for (sentence, count) in &self.parked {
            println!("  {count} x parked: {sentence}");
        }
    }
}

fn documents(deployment: &Deployment) -> Vec<(&'static str, String)> {
    let sandbox = deployment.sandbox.shared.lock();
    let ids = |kind, name| {
        let ids = sandbox.freshbooks.ids(kind).into_iter();
        ids.map(move |id| (name, id.to_string()))
    };
    ids(RecordKind::Invoice, "invoice")
        .chain(ids(RecordKind::Bill, "bill"))
        .collect()
}

/// The payment requests in SAP Concur.
struct Created {
    ids: BTreeSet<String>,
    duplicates: usize,
}

impl Created {
    fn in_concur(deployment: &Deployment) -> Self {
        let all = deployment.sandbox.shared.lock().concur.payment_requests();
        let mut by_marker: BTreeMap<String, usize> = BTreeMap::new();
        for request in all.iter().filter(|request| !request.deleted) {
            let marker = request.customs.get("Custom24").cloned().unwrap_or_default();
            *by_marker.entry(marker).or_default() += 1;
        }
        Self {
            ids: all.into_iter().map(|request| request.id).collect(),
            duplicates: by_marker.values().filter(|count| **count > 1).count(),
        }
    }
}

/// How many documents had a run that had to wait.
async fn retried(deployment: &Deployment) -> Result<usize, String> {
    let store = deployment.installation.store()?;
    let runs = store.runs(RunFilter::default()).await;
    let runs = runs.map_err(|error| error.to_string())?;
    let mut waited = BTreeSet::new();
    for run in runs
        .iter()
        .filter(|run| matches!(run.object.kind.as_str(), "invoice" | "bill"))
    {
        let history = store.history(run.id).await;
        let history = history.map_err(|error| error.to_string())?;
        if history.iter().any(|row| is_wait_for_trouble(&row.demand)) {
            waited.insert((run.object.kind.as_str(), run.object.id.as_str()));
        }
    }
    Ok(waited.len())
}

fn is_wait_for_trouble(demand: &Demand) -> bool {
    let reasons = [WaitReason::Retry, WaitReason::Settle, WaitReason::Remote];
    matches!(demand, Demand::Wait(wait) if reasons.contains(&wait.reason))
}

pub(super) fn table(title: &str, counted: &str) -> Table {
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
