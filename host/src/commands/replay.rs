//! `replay`: run again from the source.

use std::io::Write;

use ml_connector::admin::{self, AdminReply, AdminRequest};
use ml_connector::config::Settings;
use ml_connector::store::{RunId, Store};
use serde_json::json;

use super::context::{self, Context};
use super::failure::Failure;
use super::{Done, client, exit, labels, show};

/// Run again from the source: one run, or every parked one
///
/// The object is read afresh and brought across under the present settings; what is there already
/// is found and not made twice. An object with a run under way is looked at once more when that one
/// has ended. Where a service runs, it does the work; else the next `serve` does. A replay may also
/// send again what an earlier run had to leave uncertain.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
#[command(after_long_help = "\
Examples:
  ml-connector replay 42
  ml-connector replay --parked
  ml-connector replay --parked --connection acme --json")]
pub(super) struct Args {
    /// The run whose object is to run again
    #[arg(value_name = "RUN", group = "which")]
    run: Option<RunId>,
    /// Every object whose latest run is parked
    #[arg(long, group = "which")]
    parked: bool,
    /// With --parked: only of this connection
    #[arg(long, value_name = "NAME", conflicts_with = "run")]
    connection: Option<String>,
    /// Print a JSON object with the number of objects
    #[arg(long)]
    json: bool,
}

pub(super) fn run(context: &Context, args: Args, out: &mut impl Write) -> Done {
    let settings = context.settings()?;
    let request = request(&settings, args.run, args.connection)?;
    let reply = context::wait_for(client::ask(context, &settings, request))?;
    let AdminReply::Replayed { objects } = reply else {
        return Err(client::refused(reply, exit::STORE));
    };
    if args.json {
        writeln!(out, "{}", json!({ "objects": objects }))?;
    } else {
        let things = if objects == 1 {
            "1 object runs".to_string()
        } else {
            format!("{objects} objects run")
        };
        writeln!(out, "{things} again; see `ml-connector runs`.")?;
        let running = admin::is_running(&settings.config);
        if objects > 0 && !context::wait_for(async { Ok(running.await) })? {
            writeln!(out, "{}", labels::NO_SERVICE)?;
        }
    }
    Ok(exit::OK)
}

fn request(
    settings: &Settings,
    run: Option<RunId>,
    connection: Option<String>,
) -> Result<AdminRequest, Failure> {
    if let Some(name) = &connection {
        context::connection(settings, Some(name))?;
    }
    let store = context::open_store(settings)?;
    let Some(id) = run else {
        return Ok(AdminRequest::ReplayParked { connection });
    };
    let found = context::wait_for(async { Ok(store.run(id).await?) })?;
    let run = found.ok_or_else(|| show::no_such_run(id))?;
    context::connection(settings, Some(&run.connection))?;
    Ok(AdminRequest::Replay { run: id })
}
