//! `webhooks`: where FreshBooks' webhooks arrive.

use std::io::Write;

use clap::Subcommand;
use ml_connector::admin::{self, AdminReply, AdminRequest};

use super::context::{self, Context};
use super::failure::Failure;
use super::{Done, client, exit};

/// Change the secret address at which FreshBooks' webhooks arrive
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector webhooks new-address
  ml-connector webhooks new-address --connection acme")]
pub(super) struct Args {
    #[command(subcommand)]
    command: WebhooksCommand,
}

#[derive(Debug, Subcommand)]
enum WebhooksCommand {
    NewAddress(NewAddressArgs),
}

/// Make a new address, since somebody else knows the present one
///
/// The next start of the service receives at the new address and registers it with FreshBooks;
/// FreshBooks is answered 404 at the old one from then on, and gives it up. Nothing is lost: what
/// changes in between is found by the sweep.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector webhooks new-address --connection acme
  systemctl restart ml-connector")]
struct NewAddressArgs {
    /// The connection; may be left out when there is only one
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
}

pub(super) fn run(context: &Context, args: &Args, out: &mut impl Write) -> Done {
    let WebhooksCommand::NewAddress(args) = &args.command;
    let settings = context.settings()?;
    let name = &context::connection(&settings, args.connection.as_deref())?.name;
    drop(context::open_store(&settings)?);
    let request = AdminRequest::ChangeWebhookAddress {
        connection: name.clone(),
    };
    let reply = context::wait_for(client::ask(context, &settings, request))?;
    let AdminReply::WebhookAddressChanged = reply else {
        return Err(client::refused(reply, exit::SETTINGS));
    };
    let next = next_step(context::wait_for(async {
        Ok::<_, Failure>(admin::is_running(&settings.config).await)
    })?);
    writeln!(out, "Webhooks of {name} have a new address. {next}")?;
    Ok(exit::OK)
}

fn next_step(is_running: bool) -> &'static str {
    match is_running {
        true => {
            "Restart the service now: until then it goes on at the old one, and then it registers \
             the new one by itself."
        }
        false => "The service registers it by itself when it is started.",
    }
}
