//! The command line: one module for each command, and what they share.

mod backfill;
mod backup;
mod check;
mod client;
mod completions;
mod connect;
mod context;
mod exit;
mod facts;
mod failure;
mod gate;
mod history;
mod keys;
mod labels;
mod logging;
mod preview;
mod printable;
mod replay;
mod runs;
mod serve;
mod show;
mod status;
mod style;
mod time_format;
mod timeline;
mod webhooks;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use context::Context;
use failure::Failure;
use printable::Printable;

/// What a command returns: the exit code for a result that is no failure.
type Done = Result<u8, Failure>;

const LONG_ABOUT: &str = "\
Keeps FreshBooks and SAP Concur in step: invoices and bills of FreshBooks become vendors and \
payment requests in SAP Concur, exactly where they belong, never silently twice and never silently \
lost.

Everything is set up in one settings file; ml-connector.example.toml explains every key.";

const AFTER_LONG_HELP: &str = "\
First steps:
  ml-connector check                      what is still missing, with the file and line
  ml-connector serve                      receive webhooks and carry documents over
  ml-connector connect freshbooks         let a FreshBooks user consent
  ml-connector connect concur             hand over SAP Concur's company request token
  ml-connector status                     how it stands, and who is needed by when

Exit codes:
  0  done
  1  looked at and not in order: a document with problems, a check that failed, \
     a history that differs
  2  the command line is wrong, or names something that does not exist
  3  the settings file, a secret or the component is wrong or missing
  4  a credential needs a person: connect again
  5  runs are parked and need a person (status --check)
  6  the store cannot be opened, read or written
  7  a remote did not answer or refused

Colour is used on a terminal only, and never when NO_COLOR is set. Times are UTC.";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "ml-connector",
    version,
    about = "Keeps FreshBooks and SAP Concur in step"
)]
#[command(long_about = LONG_ABOUT, after_long_help = AFTER_LONG_HELP)]
struct Cli {
    /// The settings file (TOML)
    #[arg(long, global = true, value_name = "FILE", env = "ML_CONNECTOR_CONFIG")]
    #[arg(default_value = "ml-connector.toml")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Connect(connect::Args),
    Status(status::Args),
    Runs(runs::Args),
    Show(show::Args),
    History(history::Args),
    Replay(replay::Args),
    Backfill(backfill::Args),
    Gate(gate::Args),
    Webhooks(webhooks::Args),
    Preview(preview::Args),
    Keys(keys::Args),
    Check(check::Args),
    Backup(backup::BackupArgs),
    Restore(backup::RestoreArgs),
    Completions(completions::Args),
}

/// Parses the command line, runs its command, and returns the exit code.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let context = Context::new(cli.config);
    let coloured = style::is_coloured(&io::stdout());
    let mut out = Printable::new(io::stdout().lock(), coloured);
    let done = dispatch(&context, cli.command, &mut out);
    let flushed = out.flush().map_err(Failure::from);
    match done.and_then(|code| flushed.map(|()| code)) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => failure.report(),
    }
}

fn dispatch(context: &Context, command: Command, out: &mut impl Write) -> Done {
    match command {
        Command::Serve(serve::Args {}) => serve::run(context, out),
        Command::Connect(args) => connect::run(context, &args, out),
        Command::Status(args) => status::run(context, &args, out),
        Command::Runs(args) => runs::run(context, args, out),
        Command::Show(args) => show::run(context, &args, out),
        Command::History(args) => history::run(context, &args, out),
        Command::Replay(args) => replay::run(context, args, out),
        Command::Backfill(args) => backfill::run(context, &args, out),
        Command::Gate(args) => gate::run(context, &args, out),
        Command::Webhooks(args) => webhooks::run(context, &args, out),
        Command::Keys(args) => keys::run(context, &args, out),
        Command::Preview(args) => preview::run(context, &args, out),
        Command::Check(args) => check::run(context, &args, out),
        Command::Backup(args) => backup::run_backup(context, &args, out),
        Command::Restore(args) => backup::run_restore(context, &args, out),
        Command::Completions(args) => completions::run(&args, out),
    }
}
