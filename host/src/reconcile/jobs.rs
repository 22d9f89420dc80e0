//! Comparisons under way: begun by a command, looked at until they are done.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::compare::compare;
use super::progress::{Progress, Stand};
use super::reading::{Reader, ReconcileError};
use super::report::{Finding, Report};
use crate::contract::reconciliation::{Flow, Period};
use crate::engine::Connection;

/// Comparisons that are remembered at once; one more drops the oldest. A person starts one at a
/// time.
const JOBS_MAX: usize = 8;
/// Findings in one reply to a command: with all their fields they stay below a megabyte.
pub const FINDINGS_IN_REPLY_MAX: usize = 500;

/// What is to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The days, both included.
    pub period: Period,
    /// The names of the flows; empty for all.
    pub flows: Vec<String>,
}

/// Compares the two systems of a connection.
///
/// # Errors
///
/// [`ReconcileError`]; a record that cannot be read is a finding, and no error.
pub async fn reconcile(
    connection: &Connection,
    asked: &Asked,
    progress: &Progress,
) -> Result<Report, ReconcileError> {
    let reader = Reader::new(connection, progress);
    let mut report = Report {
        connection: connection.name.clone(),
        from: asked.period.from.clone(),
        to: asked.period.to.clone(),
        at_ms: 0,
        calls: 0,
        cut: Vec::new(),
        totals: Vec::new(),
        findings: Vec::new(),
    };
    for flow in wanted(reader.flows()?, &asked.flows)? {
        let read = reader.read(&flow, &asked.period).await?;
        let compared = compare(&flow.name, &read.sides);
        report
            .cut
            .extend(read.cut.into_iter().map(|why| why.message));
        report.totals.extend(compared.totals);
        report.findings.extend(compared.findings);
    }
    report.at_ms = connection.services.clock.now();
    report.calls = progress.stand().calls;
    Ok(report)
}

fn wanted(flows: Vec<Flow>, names: &[String]) -> Result<Vec<Flow>, ReconcileError> {
    let known: Vec<&str> = flows.iter().map(|flow| flow.name.as_str()).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        let known = match known.as_slice() {
            [] => "none".to_owned(),
            known => known.join(", "),
        };
        let name = name.clone();
        return Err(ReconcileError::UnknownFlow { name, known });
    }
    let is_wanted = |flow: &Flow| names.is_empty() || names.contains(&flow.name);
    Ok(flows.into_iter().filter(is_wanted).collect())
}

/// The comparisons of a service.
#[derive(Default)]
pub struct Reconciliations(Mutex<Jobs>);

#[derive(Default)]
struct Jobs {
    next: u64,
    known: BTreeMap<u64, Job>,
}

struct Job {
    connection: String,
    progress: Arc<Progress>,
    ended: Option<Result<Arc<Report>, Arc<ReconcileError>>>,
}

/// How a comparison stands.
#[derive(Debug)]
pub enum JobStand {
    /// It is under way.
    Reading(Stand),
    /// It is done: the report with a part of its findings, and where to go on.
    Done(Report, Option<usize>),
    /// It failed, for this reason.
    Failed(Arc<ReconcileError>),
    /// Nobody knows of it: it was forgotten, or the service was started anew.
    Unknown,
}

impl Reconciliations {
    /// Begins to compare, beside everything else, and returns the comparison's number; nothing
    /// while one of the connection is under way.
    pub fn begin(self: &Arc<Self>, connection: &Arc<Connection>, asked: Asked) -> Option<u64> {
        let mut jobs = self.lock();
        let is_busy = |job: &Job| job.connection == connection.name && job.ended.is_none();
        if jobs.known.values().any(is_busy) {
            return None;
        }
        while jobs.known.len() >= JOBS_MAX {
            jobs.known.pop_first();
        }
        let number = jobs.next;
        jobs.next += 1;
        let progress = Arc::new(Progress::default());
        let job = Job {
            connection: connection.name.clone(),
            progress: Arc::clone(&progress),
            ended: None,
        };
        jobs.known.insert(number, job);
        let (all, connection) = (Arc::clone(self), Arc::clone(connection));
        tokio::spawn(async move {
            let ended = reconcile(&connection, &asked, &progress).await;
            all.end(number, ended);
        });
        Some(number)
    }

    /// How a comparison stands. Of one that is done, the findings from this number on.
    pub fn look(&self, number: u64, after: usize) -> JobStand {
        let jobs = self.lock();
        let Some(job) = jobs.known.get(&number) else {
            return JobStand::Unknown;
        };
        match &job.ended {
            None => JobStand::Reading(job.progress.stand()),
            Some(Err(error)) => JobStand::Failed(Arc::clone(error)),
            Some(Ok(report)) => {
                let (report, next) = part(report, after);
                JobStand::Done(report, next)
            }
        }
    }

    fn end(&self, number: u64, ended: Result<Report, ReconcileError>) {
        if let Some(job) = self.lock().known.get_mut(&number) {
            job.ended = Some(ended.map(Arc::new).map_err(Arc::new));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A report with a part of its findings, and where to go on.
fn part(report: &Report, after: usize) -> (Report, Option<usize>) {
    let left = report.findings.get(after..).unwrap_or_default();
    let findings: Vec<Finding> = left.iter().take(FINDINGS_IN_REPLY_MAX).cloned().collect();
    let next = after.saturating_add(findings.len());
    let is_more = next < report.findings.len();
    // The totals are the same in each part.
    let whole = Report {
        connection: report.connection.clone(),
        from: report.from.clone(),
        to: report.to.clone(),
        cut: report.cut.clone(),
        totals: report.totals.clone(),
        findings,
        ..*report
    };
    (whole, is_more.then_some(next))
}
