//! `reconcile`: compares both systems through the running service, and writes to neither.

mod csv;
mod print;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use indicatif::ProgressBar;
use jiff::civil::Date;
use ml_connector::admin::{self, AdminReply, AdminRequest};
use ml_connector::config::{Config, Settings};
use ml_connector::reconcile::progress::Stand;
use ml_connector::reconcile::report::Report;

use super::context::{self, Context};
use super::failure::Failure;
use super::{Done, client, exit};

/// Compare both systems, record by record, and write to neither
///
/// Reads both sides of each flow by the records' own dates, and says per flow, currency and month
/// what is missing, doubled, different (which field, both values) or foreign. The running service
/// does the reading, with its own credentials and one request at a time, so that live runs go on.
/// What a run was parked for is counted apart, with its code. The exit code is 8 if something is
/// missing, doubled, different or parked.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector reconcile --from 2026-02-01 --to 2026-02-28
  ml-connector reconcile --from 2026-01-01 --to 2026-03-31 --csv quarter.csv
  ml-connector reconcile --from 2026-02-01 --to 2026-02-28 --flow payment-requests --json")]
pub(super) struct Args {
    /// The first day, by the records' own dates
    #[arg(long, value_name = "DATE", value_parser = day)]
    from: Date,
    /// The last day, which is compared too
    #[arg(long, value_name = "DATE", value_parser = day)]
    to: Date,
    /// Only this flow; may be given several times
    #[arg(long, value_name = "FLOW")]
    flow: Vec<String>,
    /// The connection, where the settings have several
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Write what was found into this file too, one line for each field that differs
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Between looks at a comparison.
const LOOK_PAUSE: Duration = Duration::from_millis(200);

fn day(text: &str) -> Result<Date, String> {
    text.parse()
        .map_err(|_| "expected a day such as 2026-02-28".to_owned())
}

pub(super) fn run(context: &Context, args: &Args, out: &mut impl Write) -> Done {
    if args.from > args.to {
        let message = format!(
            "--from {} is after --to {}; give the earlier day first",
            args.from, args.to
        );
        return Err(Failure::usage(message));
    }
    let settings = context.settings()?;
    let connection = context::connection(&settings, args.connection.as_deref())?;
    let request = AdminRequest::Reconcile {
        connection: connection.name.clone(),
        from: args.from.to_string(),
        to: args.to.to_string(),
        flows: args.flow.clone(),
    };
    let report = context::wait_for(ask(&settings, request))?;
    if let Some(file) = &args.csv {
        fs::write(file, csv::lines(&report)).map_err(|error| {
            let message = format!("{} cannot be written: {error}", file.display());
            Failure::new(exit::NOT_IN_ORDER, message)
        })?;
    }
    match args.json {
        true => writeln!(out, "{}", print::json(&report)?)?,
        false => print::print(&report, out)?,
    }
    Ok(match report.is_clean() {
        true => exit::OK,
        false => exit::DIFFERENCES,
    })
}

async fn ask(settings: &Settings, request: AdminRequest) -> Result<Report, Failure> {
    let config = &settings.config;
    let job = match of_service(config, &request).await? {
        AdminReply::ReconcileBegun { job } => job,
        reply => return Err(client::refused(reply, exit::USAGE)),
    };
    let spinner = ProgressBar::new_spinner();
    let ended = until_done(config, job, &spinner).await;
    spinner.finish_and_clear();
    ended
}

async fn until_done(config: &Config, job: u64, spinner: &ProgressBar) -> Result<Report, Failure> {
    let mut whole: Option<Report> = None;
    loop {
        let after = whole.as_ref().map_or(0, |report| report.findings.len());
        match of_service(config, &AdminRequest::ReconcileStand { job, after }).await? {
            AdminReply::Reconciling(stand) => {
                spinner.set_message(said(&stand));
                spinner.tick();
                tokio::time::sleep(LOOK_PAUSE).await;
            }
            AdminReply::Reconciled { report, next } => {
                let report = match whole.take() {
                    Some(mut earlier) => {
                        earlier.findings.extend(report.findings);
                        earlier
                    }
                    None => report,
                };
                if next.is_none() {
                    return Ok(report);
                }
                whole = Some(report);
            }
            reply => return Err(client::refused(reply, exit::USAGE)),
        }
    }
}

fn said(stand: &Stand) -> String {
    let Stand {
        flow,
        calls,
        records,
        waits,
    } = stand;
    let waits = match waits.as_str() {
        "" => String::new(),
        why => format!("; waits: {why}"),
    };
    format!("{flow}: {records} records, {calls} requests{waits}")
}

/// Two processes would renew one refresh token, so that only the service reads.
async fn of_service(config: &Config, request: &AdminRequest) -> Result<AdminReply, Failure> {
    let asked = admin::ask_service(config, request).await;
    let reply = asked.map_err(|error| Failure::new(exit::STORE, error.to_string()))?;
    reply.ok_or_else(|| {
        let message = "no service is running, and it is what compares: start it with \
                       `ml-connector serve`, then ask again";
        Failure::new(exit::NOT_IN_ORDER, message)
    })
}
