//! `show`: one run from start to end.

use std::io::Write;

use ml_connector::clock::Clock;
use ml_connector::component_record::{self, ComponentRecord};
use ml_connector::contract::runs::{Completion, Ending, Failure as RunFailure};
use ml_connector::engine::numbered_remedy;
use ml_connector::secret_addresses::redacted;
use ml_connector::store::{HistoryRow, LinkChange, LinkChangeFilter, Run, RunId, RunState, Store};

use super::context::{self, Context};
use super::failure::Failure;
use super::timeline::{self, Bodies};
use super::{Done, exit, facts, history, labels, links, runs, style, time_format};

/// Show one run: what it asked, what came back, why it waited, how it ended and what to do
///
/// Times are UTC. A run that was started over, after an upgrade for instance, shows its earlier
/// history too.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector show 42
  ml-connector show 42 --bodies
  ml-connector show 42 --json | jq .completion")]
pub(super) struct Args {
    /// The run's number, as `ml-connector runs` lists it
    #[arg(value_name = "RUN")]
    run: RunId,
    /// Show the bodies of requests and answers too; they hold what the documents hold
    #[arg(long)]
    bodies: bool,
    /// Print the whole portable history, as `ml-connector history export` writes it
    #[arg(long)]
    json: bool,
}

pub(super) fn run(context: &Context, args: &Args, out: &mut impl Write) -> Done {
    let settings = context.settings()?;
    let store = context::open_store(&settings)?;
    let (run, history, components, changes) = context::wait_for(async {
        let run = store.run(args.run).await?;
        let run = run.ok_or_else(|| no_such_run(args.run))?;
        let components = component_record::recorded(&store).await?;
        let changes = store.link_changes(changes_of(&run)).await?;
        Ok((run, store.history(args.run).await?, components, changes))
    })?;
    let bodies = if args.bodies {
        Bodies::Shown
    } else {
        Bodies::Left
    };
    if args.json {
        let file = history::collect(context, &settings, args.run)?;
        let text = serde_json::to_string_pretty(&file)?;
        writeln!(out, "{}", redacted(&text))?;
    } else {
        let components = history::ran(&components, &run, &history);
        let mut text = Vec::new();
        print(
            &run,
            (&history[..], bodies),
            components,
            &changes,
            &mut text,
        )?;
        write!(out, "{}", redacted(&String::from_utf8_lossy(&text)))?;
    }
    Ok(exit::OK)
}

/// The failure for a number that no run has.
pub(super) fn no_such_run(run: RunId) -> Failure {
    Failure::usage(format!(
        "there is no run {run}; `ml-connector runs` lists them"
    ))
}

/// Changes of the link of one object that are shown with its runs: a person makes few.
const CHANGES_SHOWN: u32 = 10;

fn changes_of(run: &Run) -> LinkChangeFilter {
    LinkChangeFilter {
        connection: run.connection.clone(),
        source: Some(run.object.clone()),
        before: None,
        limit: CHANGES_SHOWN,
    }
}

/// What a person did to the link of the run's object, one line.
fn link_change(change: &LinkChange) -> String {
    format!(
        "Link to {} was {} {} by {}.",
        labels::object(&change.target),
        change.act.as_str(),
        time_format::date_time(change.at),
        links::author(&change.author)
    )
}

fn print(
    run: &Run,
    (history, bodies): (&[HistoryRow], Bodies),
    components: &[ComponentRecord],
    changes: &[LinkChange],
    out: &mut impl Write,
) -> Result<(), Failure> {
    let (word, tone) = labels::standing(run.state, runs::ending(run));
    let word = style::coloured(word, tone);
    writeln!(
        out,
        "Run {}: {} of connection {}, {word}",
        run.id,
        labels::object(&run.object),
        run.connection
    )?;
    let called = facts::line(&facts::of_run(run));
    if !called.is_empty() {
        writeln!(out, "{called}")?;
    }
    writeln!(
        out,
        "Started {} because {}.",
        time_format::date_time(run.started),
        labels::reason(run.reason)
    )?;
    writeln!(out, "Settings version {}.", run.settings_version)?;
    for component in components {
        writeln!(out, "{}", labels::component(component))?;
    }
    for change in changes {
        writeln!(out, "{}", link_change(change))?;
    }
    timeline::print(history, bodies, out)?;
    writeln!(out)?;
    match &run.completion {
        Some(completion) => print_completion(completion, run, out),
        None => print_open(run, out),
    }
}

fn print_open(run: &Run, out: &mut impl Write) -> Result<(), Failure> {
    let now = Clock::system().now();
    match run.wait_reason {
        Some(reason) if run.state == RunState::Waiting => writeln!(
            out,
            "Waits {} until {} ({}).",
            labels::wait_reason(reason),
            time_format::date_time(run.due),
            time_format::relative(run.due, now)
        )?,
        _ => writeln!(
            out,
            "Due {} ({}).",
            time_format::date_time(run.due),
            time_format::relative(run.due, now)
        )?,
    }
    if !run.message.is_empty() {
        writeln!(out, "{}", run.message)?;
    }
    Ok(())
}

fn print_completion(
    completion: &Completion,
    run: &Run,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let (word, tone) = labels::standing(RunState::Ended, Some(completion.kind()));
    let at = time_format::date_time(run.ended.unwrap_or(run.due));
    writeln!(
        out,
        "Ended {at}: {}. {}",
        style::coloured(word, tone),
        completion.message()
    )?;
    match &completion.ending {
        Ending::Confirmed(confirmation) => {
            let target = labels::object(&confirmation.target);
            writeln!(out, "{target} was {}.", labels::change(confirmation.change))?;
        }
        Ending::Unchanged(_) => {}
        Ending::Rejected(failure) | Ending::Parked(failure) => {
            print_failure(failure, run.id, out)?;
        }
        Ending::Conflict(conflict) => {
            for target in &conflict.targets {
                writeln!(out, "  {}", labels::object(target))?;
            }
            let remedy = numbered_remedy(&conflict.remedy, run.id);
            writeln!(out, "What to do: {remedy}")?;
        }
    }
    Ok(())
}

fn print_failure(failure: &RunFailure, run: RunId, out: &mut impl Write) -> Result<(), Failure> {
    for problem in &failure.problems {
        writeln!(
            out,
            "  {}: {} ({})",
            problem.pointer, problem.message, problem.code
        )?;
    }
    writeln!(
        out,
        "Code: {}. Stopped first {}.",
        failure.code,
        time_format::date_time(failure.since)
    )?;
    let remedy = numbered_remedy(&failure.remedy, run);
    writeln!(out, "What to do: {remedy}")?;
    if let Some(at) = failure.look_again {
        writeln!(
            out,
            "It looks again by itself {}.",
            time_format::date_time(at)
        )?;
    }
    writeln!(out, "Then: ml-connector replay {run}")?;
    Ok(())
}
