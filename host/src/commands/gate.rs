//! `gate`: what holds requests back.

use std::io::Write;

use clap::{Subcommand, ValueEnum};
use ml_connector::admin::{AdminReply, AdminRequest};
use ml_connector::contract::types::System;

use super::context::{self, Context};
use super::failure::Failure;
use super::{Done, client, exit};

/// Let requests go out that are held back
///
/// A gate stands in front of each system of a connection. It closes when the system is down, asks
/// for fewer requests or refuses the token, for an hour at most, and `ml-connector status` says why
/// and until when. It opens by itself: open it by hand only if you know more than that.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector status
  ml-connector gate open acme concur")]
pub(super) struct Args {
    #[command(subcommand)]
    command: GateCommand,
}

#[derive(Debug, Subcommand)]
enum GateCommand {
    Open(OpenArgs),
}

/// Open the gate in front of a system now
///
/// What waits behind it goes on at once. If the system still refuses, the gate closes again; a
/// system that has asked for fewer requests may then hold you back for longer. A gate that waits
/// for a person to connect is opened by `ml-connector connect` and not by this. Where a service
/// runs, it does the work and logs who asked for it; else the next `serve` finds the gate open.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector gate open acme concur
  ml-connector gate open acme freshbooks")]
struct OpenArgs {
    /// The connection, as the settings name it
    #[arg(value_name = "CONNECTION")]
    connection: String,
    /// The system
    #[arg(value_name = "SYSTEM")]
    system: SystemArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SystemArg {
    /// FreshBooks
    Freshbooks,
    /// SAP Concur
    Concur,
}

impl From<SystemArg> for System {
    fn from(system: SystemArg) -> Self {
        match system {
            SystemArg::Freshbooks => Self::Freshbooks,
            SystemArg::Concur => Self::Concur,
        }
    }
}

pub(super) fn run(context: &Context, args: &Args, out: &mut impl Write) -> Done {
    let GateCommand::Open(args) = &args.command;
    open(context, args, out)
}

fn open(context: &Context, args: &OpenArgs, out: &mut impl Write) -> Done {
    let settings = context.settings()?;
    let connection = &context::connection(&settings, Some(&args.connection))?.name;
    drop(context::open_store(&settings)?);
    let system = System::from(args.system);
    let request = AdminRequest::OpenGate {
        connection: connection.clone(),
        system,
    };
    let reply = context::wait_for(client::ask(context, &settings, request))?;
    let AdminReply::GateOpened { was_held } = reply else {
        return Err(client::refused(reply, exit::CREDENTIALS));
    };
    print(connection, system, was_held, out)?;
    Ok(exit::OK)
}

fn print(
    connection: &str,
    system: System,
    was_held: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let system = system.display_name();
    if was_held {
        writeln!(
            out,
            "Requests of {connection} to {system} go out again; see `ml-connector status`."
        )?;
    } else {
        writeln!(
            out,
            "Nothing held requests of {connection} to {system} back."
        )?;
    }
    Ok(())
}
