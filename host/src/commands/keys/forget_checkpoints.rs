//! `keys forget-checkpoints`: checkpoints whose key is lost for good.

use std::io::Write;

use ml_connector::admin::{AdminReply, AdminRequest};
use ml_connector::config::Settings;
use serde_json::json;

use super::super::context::{self, Context};
use super::super::{Done, client, exit};

/// Begin checkpoints anew that do not hold, such as after their key was lost for good
///
/// A checkpoint vouches, with a key that is not in the store, for how every run before it has
/// ended. This replaces each that cannot be checked, that was changed, or that is not on its chain,
/// and leaves the others as they are. What is lost: whether anything before the new checkpoint was
/// changed is found only by comparing it with the heads that were written down. So run
/// `ml-connector check --store` with --head first. Works with a running service and without one.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector check --store --head acme:1047:5d1b...
  ml-connector keys forget-checkpoints
  ml-connector keys forget-checkpoints --connection acme --json")]
pub(super) struct Args {
    /// Only that of this connection
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Print one JSON object: by the name of each connection whose checkpoint was begun anew, why
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    context: &Context,
    settings: &Settings,
    args: &Args,
    out: &mut impl Write,
) -> Done {
    drop(context::open_store(settings)?);
    let request = AdminRequest::ForgetCheckpoints {
        connection: args.connection.clone(),
    };
    let reply = context::wait_for(client::ask(context, settings, request))?;
    let AdminReply::CheckpointsBegun { begun } = reply else {
        return Err(client::refused(reply, exit::STORE));
    };
    if args.json {
        writeln!(out, "{}", json!({ "begun": begun }))?;
        return Ok(exit::OK);
    }
    for (name, why) in &begun {
        writeln!(out, "Begun anew: the checkpoint of {name}, since {why}.")?;
    }
    let next = match begun.is_empty() {
        true => "Every checkpoint holds: nothing was changed.",
        false => {
            "Write down the heads that `ml-connector check --store` prints: they alone vouch for \
             what came before."
        }
    };
    writeln!(out, "{next}")?;
    Ok(exit::OK)
}
