//! `connect`: gives the connection its credentials.

mod secret_input;

use std::io::Write;
use std::time::{Duration, Instant};

use clap::Subcommand;
use ml_connector::admin::{self, AdminReply, AdminRequest};
use ml_connector::config::Settings;
use ml_connector::contract::credentials::{Credential, Grant};
use ml_connector::contract::types::System;
use ml_connector::secrets::Secret;
use zeroize::Zeroizing;

use super::context::{self, Context};
use super::failure::Failure;
use super::{Done, client, exit, time_format};

/// Connect to FreshBooks or SAP Concur, for the first time or again
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector connect freshbooks
  ml-connector connect concur --connection acme")]
pub(super) struct Args {
    #[command(subcommand)]
    system: SystemArg,
}

#[derive(Debug, Subcommand)]
enum SystemArg {
    Freshbooks(FreshbooksArgs),
    Concur(ConcurArgs),
}

/// Let a FreshBooks user consent
///
/// Prints the address of FreshBooks' consent page. Open it in a browser as the user whose account
/// is to be carried over, and agree. FreshBooks then redirects the browser to the running receiver,
/// and this command tells how it went. Where no service runs, or the redirect does not reach it,
/// paste the address that the browser was redirected to (or the code in it) within 5 minutes:
/// --pasted. The tokens are kept sealed in the store and renew themselves.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector connect freshbooks
  ml-connector connect freshbooks --connection acme --pasted")]
struct FreshbooksArgs {
    /// The connection; may be left out when there is only one
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Read the address that the browser was redirected to from standard input
    #[arg(long)]
    pasted: bool,
}

/// Hand over SAP Concur's company request token
///
/// An administrator of the company makes the token in SAP Concur's Company Request Token
/// Self-Service Tool; it is good for 24 hours. It is read from the environment
/// variable ML_CONNECTOR_COMPANY_REQUEST_TOKEN, else from standard input; never from an argument,
/// since arguments can be seen by others. The tokens that it is exchanged for are kept sealed in
/// the store and renew themselves. Where the settings want events, they are subscribed to first:
/// SAP adds a company to a subscription only while it is connected.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector connect concur
  ml-connector connect concur --connection acme < token.txt")]
struct ConcurArgs {
    /// The connection; may be left out when there is only one
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
}

/// How often the service is asked whether the redirect has come.
const ASK_INTERVAL: Duration = Duration::from_millis(500);

/// A person who has agreed by then, and does not see our page, needs help.
const HINT_AFTER: Duration = Duration::from_secs(60);

const HINT: &str = "\
Still waiting. If you have agreed and the browser shows an error instead of our page, the redirect
does not reach this receiver: see `ml-connector check` (redirect_uri, receiver.public_url), or end
this with Ctrl-C and use `ml-connector connect freshbooks --pasted`.";

const NOT_HERE: &str = "\
Unless something passes the browser on to it, nobody will come back: end this with Ctrl-C, and use
`ml-connector connect freshbooks --pasted`.";

const SERVICE_STOPPED: &str = "the service has stopped, so that nobody awaits the redirect; start \
    it, and begin again with `ml-connector connect freshbooks`";

pub(super) fn run(context: &Context, args: &Args, out: &mut impl Write) -> Done {
    let settings = context.settings()?;
    let connected = match &args.system {
        SystemArg::Freshbooks(args) => freshbooks(context, &settings, args, out)?,
        SystemArg::Concur(args) => concur(context, &settings, args, out)?,
    };
    report(&settings, &connected, out)?;
    Ok(exit::OK)
}

struct Connected {
    connection: String,
    credential: Credential,
    /// What is not in order for all that.
    note: Option<String>,
}

fn freshbooks(
    context: &Context,
    settings: &Settings,
    args: &FreshbooksArgs,
    out: &mut impl Write,
) -> Result<Connected, Failure> {
    let connection = context::connection(settings, args.connection.as_deref())?;
    let name = &connection.name;
    let leads_here = context::redirect_leads_here(&settings.config, connection);
    context::wait_for(async {
        let consent = AdminRequest::Consent {
            connection: name.clone(),
        };
        let reply = client::ask(context, settings, consent).await?;
        let AdminReply::Consent {
            url,
            state,
            is_awaited,
        } = reply
        else {
            return Err(client::refused(reply, exit::SETTINGS));
        };
        writeln!(
            out,
            "Open this address in a browser and agree:\n\n  {url}\n"
        )?;
        let credential = if is_awaited && !args.pasted {
            if !leads_here {
                let ours = context::redirect_uri(&settings.config);
                writeln!(out, "freshbooks.redirect_uri is not {ours}.\n{NOT_HERE}\n")?;
            }
            writeln!(
                out,
                "Waiting for FreshBooks to redirect the browser back ..."
            )?;
            out.flush()?;
            awaited(settings, state, out).await?
        } else {
            let code = pasted(args, &state, out)?;
            let handed = hand_over(context, settings, name, Grant::AuthorizationCode, &code);
            handed.await?.credential
        };
        Ok(Connected {
            connection: name.clone(),
            credential,
            note: None,
        })
    })
}

fn pasted(args: &FreshbooksArgs, state: &str, out: &mut impl Write) -> Result<Secret, Failure> {
    if !args.pasted {
        writeln!(out, "No service runs here that the redirect could reach.")?;
    }
    writeln!(out, "Paste the address that the browser was redirected to:")?;
    out.flush()?;
    secret_input::authorization_code(state)
}

/// Asks the service that awaits the redirect until it tells what came of it, which it does after a
/// quarter of an hour at the latest.
async fn awaited(
    settings: &Settings,
    state: String,
    out: &mut impl Write,
) -> Result<Credential, Failure> {
    let mut hint_at = Some(Instant::now() + HINT_AFTER);
    loop {
        tokio::time::sleep(ASK_INTERVAL).await;
        let consented = AdminRequest::Consented {
            state: state.clone(),
        };
        let reply = admin::ask_service(&settings.config, &consented).await;
        match reply.map_err(|error| Failure::new(exit::STORE, error.to_string()))? {
            Some(AdminReply::Waiting) => {}
            Some(AdminReply::Connected { credential, .. }) => return Ok(credential),
            Some(reply) => return Err(client::refused(reply, exit::CREDENTIALS)),
            None => return Err(Failure::new(exit::CREDENTIALS, SERVICE_STOPPED)),
        }
        if hint_at.take_if(|at| *at <= Instant::now()).is_some() {
            writeln!(out, "{HINT}")?;
            out.flush()?;
        }
    }
}

fn concur(
    context: &Context,
    settings: &Settings,
    args: &ConcurArgs,
    out: &mut impl Write,
) -> Result<Connected, Failure> {
    let name = &context::connection(settings, args.connection.as_deref())?.name;
    let token = secret_input::company_request_token(out)?;
    let handed = hand_over(context, settings, name, Grant::CompanyRequestToken, &token);
    context::wait_for(handed)
}

async fn hand_over(
    context: &Context,
    settings: &Settings,
    connection: &str,
    grant: Grant,
    secret: &Secret,
) -> Result<Connected, Failure> {
    let request = AdminRequest::Connect {
        connection: connection.to_string(),
        grant,
        secret: Zeroizing::new(secret.reveal().to_string()),
    };
    match client::ask(context, settings, request).await? {
        AdminReply::Connected { credential, note } => Ok(Connected {
            connection: connection.to_string(),
            credential,
            note,
        }),
        reply => Err(client::refused(reply, exit::CREDENTIALS)),
    }
}

fn report(settings: &Settings, connected: &Connected, out: &mut impl Write) -> Result<(), Failure> {
    let Connected {
        connection,
        credential,
        note,
    } = connected;
    let system = credential.system.display_name();
    writeln!(
        out,
        "{system} is connected for {connection}. The access renews itself."
    )?;
    if let Some(at) = credential.refresh_expires {
        writeln!(
            out,
            "If it cannot renew itself, it ends on {}.",
            time_format::day(at)
        )?;
    }
    if let Some(note) = note {
        writeln!(out, "Its events do not arrive yet: {note}.")?;
    }
    let (next, other) = match credential.system {
        System::Freshbooks => ("Webhooks are registered next, by themselves", "concur"),
        System::Concur => ("What waited for SAP Concur goes on by itself", "freshbooks"),
    };
    let several = settings.config.connections.len() > 1;
    let which = if several {
        format!(" --connection {connection}")
    } else {
        String::new()
    };
    let running = admin::is_running(&settings.config);
    match context::wait_for(async { Ok(running.await) })? {
        true => writeln!(out, "{next}.")?,
        false => writeln!(out, "{next}, as soon as `ml-connector serve` runs.")?,
    }
    writeln!(
        out,
        "See `ml-connector status{which}`; the other side: `ml-connector connect {other}{which}`."
    )?;
    Ok(())
}
