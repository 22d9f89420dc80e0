//! `runs`: a list of runs.

use std::io::Write;

use comfy_table::{Cell, CellAlignment};
use ml_connector::admin;
use ml_connector::clock::Clock;
use ml_connector::contract::portable;
use ml_connector::contract::runs::{Completion, EndingKind, WaitReason};
use ml_connector::contract::types::{Instant, ObjectRef};
use ml_connector::store::{Run, RunFilter, RunId, Store};
use serde::Serialize;
use serde_json::{Value, json};

use super::context::{self, Context};
use super::failure::Failure;
use super::labels::{self, EndingArg, StateArg};
use super::{Done, exit, facts, style, time_format};

/// List runs, newest first
///
/// A run is the work of bringing one object across. Filters add up: with several of them, a run
/// must match all.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector runs
  ml-connector runs --ending parked,rejected --latest
  ml-connector runs --object freshbooks/invoice/1234
  ml-connector runs --find northwind --latest
  ml-connector runs --state waiting --limit 500 --json")]
pub(super) struct Args {
    /// Only of this connection
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Only of this object, such as freshbooks/invoice/1234
    #[arg(long, value_name = "SYSTEM/KIND/ID", value_parser = labels::parse_object)]
    object: Option<ObjectRef>,
    /// Only of objects whose number, party, amount or id contains this text, such as an invoice's
    /// number or a part of a client's name; upper and lower case are the same
    #[arg(long, value_name = "TEXT")]
    find: Option<String>,
    /// Only in this state
    #[arg(long, value_name = "STATE")]
    state: Option<StateArg>,
    /// Only with one of these endings, separated by commas
    #[arg(long, value_name = "ENDING", value_delimiter = ',')]
    ending: Vec<EndingArg>,
    /// Only the latest run of each object
    #[arg(long)]
    latest: bool,
    /// Only runs with a smaller number, to page on
    #[arg(long, value_name = "RUN")]
    before: Option<RunId>,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

pub(super) fn run(context: &Context, args: Args, out: &mut impl Write) -> Done {
    let settings = context.settings()?;
    if let Some(name) = &args.connection {
        context::connection(&settings, Some(name))?;
    }
    let store = context::open_store(&settings)?;
    let (json, limit) = (args.json, args.limit);
    let (runs, is_running) = context::wait_for(async {
        let runs = store.runs(filter(args)).await?;
        Ok((runs, admin::is_running(&settings.config).await))
    })?;
    if json {
        let list: Vec<Value> = runs.iter().map(as_json).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&list)?)?;
    } else {
        print(&runs, limit, out)?;
        // What has not ended would go on by itself otherwise.
        if !is_running && runs.iter().any(|run| run.completion.is_none()) {
            writeln!(out, "{}", labels::NO_SERVICE)?;
        }
    }
    Ok(exit::OK)
}

fn filter(args: Args) -> RunFilter {
    RunFilter {
        connection: args.connection,
        object: args.object,
        find: args.find,
        state: args.state.map(Into::into),
        endings: args.ending.into_iter().map(Into::into).collect(),
        latest_only: args.latest,
        before: args.before,
        limit: args.limit,
    }
}

fn print(runs: &[Run], limit: u32, out: &mut impl Write) -> Result<(), Failure> {
    if runs.is_empty() {
        writeln!(out, "No run matches.")?;
        return Ok(());
    }
    let now = Clock::system().now();
    let mut heads = vec!["run", "connection", "object"];
    heads.extend(facts::HEADS);
    heads.extend(["standing", "since", "message"]);
    let mut table = style::table(&heads);
    for run in runs {
        table.add_row(row(run, now));
    }
    if let Some(amounts) = table.column_mut(5) {
        amounts.set_cell_alignment(CellAlignment::Right);
    }
    writeln!(out, "{}", table.trim_fmt())?;
    if let (true, Some(last)) = (runs.len() == limit as usize, runs.last()) {
        writeln!(out, "There may be more: --before {}", last.id)?;
    }
    Ok(())
}

fn row(run: &Run, now: Instant) -> Vec<Cell> {
    let plain = |text: String| style::cell(text, style::Tone::Plain);
    let (word, tone) = labels::standing(run.state, ending(run));
    let since = time_format::relative(run.ended.unwrap_or(run.started), now);
    let mut cells = vec![
        plain(run.id.to_string()),
        plain(run.connection.clone()),
        plain(labels::object(&run.object)),
    ];
    cells.extend(facts::columns(&facts::of_run(run)).map(plain));
    cells.extend([style::cell(word, tone), plain(since), plain(message(run))]);
    cells
}

/// How a run ended; none while it has not.
pub(super) fn ending(run: &Run) -> Option<EndingKind> {
    run.completion.as_ref().map(Completion::kind)
}

/// The sentence that says most: of the ending, of the wait, or why the run was started.
pub(super) fn message(run: &Run) -> String {
    let told = run.completion.as_ref().map(Completion::message);
    match told.unwrap_or(&run.message) {
        "" => format!("Started because {}.", labels::reason(run.reason)),
        message => message.to_owned(),
    }
}

/// A run for programs; instants are milliseconds since 1970 in UTC.
pub(super) fn as_json(run: &Run) -> Value {
    json!({
        "run": run.id,
        "connection": run.connection,
        "object": labels::object(&run.object),
        "reason": run.reason.as_str(),
        "state": run.state,
        "ending": ending(run).map(EndingKind::as_str),
        "started_ms": run.started,
        "due_ms": run.completion.is_none().then_some(run.due),
        "ended_ms": run.ended,
        "wait_reason": run.wait_reason.map(WaitReason::as_str),
        "settings_version": run.settings_version,
        "epoch": run.epoch,
        "message": message(run),
        "facts": portable(&facts::of_run(run)),
        "completion": run.completion.as_ref().map(portable),
    })
}

/// The portable form of a value of the contract; null if it had none, which no such value is.
pub(super) fn portable(value: &impl Serialize) -> Value {
    portable::to_value(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use ml_connector::contract::runs::{Facts, StartReason};
    use ml_connector::contract::types::System;
    use ml_connector::store::RunState;

    use super::*;

    #[test]
    fn a_run_that_has_said_nothing_yet_says_why_it_was_started() {
        let mut run = Run {
            id: 7,
            connection: "acme".to_owned(),
            object: ObjectRef {
                system: System::Freshbooks,
                kind: "invoice".to_owned(),
                id: "9".to_owned(),
            },
            reason: StartReason::LookAgain,
            started: 5,
            settings_version: String::new(),
            epoch: 0,
            state: RunState::Waiting,
            due: 5,
            wait_reason: None,
            woken_by_object: false,
            dirty: false,
            message: String::new(),
            completion: None,
            ended: None,
            facts: Facts::NONE,
        };
        let said = "Started because the run before it asked for another look.";
        assert_eq!(message(&run), said);
        run.message = "waits".to_owned();
        assert_eq!(message(&run), "waits");
    }
}
