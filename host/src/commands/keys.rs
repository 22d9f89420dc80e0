//! `keys`: the keys that seal secrets in the store.

use std::io::Write;

use clap::Subcommand;
use ml_connector::admin::audit::{self, Actor, Command};
use ml_connector::admin::{AdminReply, AdminRequest};
use ml_connector::config::Settings;
use ml_connector::seal::{Keyring, SealError};
use ml_connector::secrets::Secrets;
use serde_json::json;

use super::context::{self, Context};
use super::failure::Failure;
use super::{Done, client, exit, logging};

/// Replace the keys that seal tokens and verifiers in the store
///
/// A rotation has four steps: `keys add`, restart the service, `keys reseal`, and then remove the
/// old lines from the key file and restart once more. Between any two steps everything goes on
/// working, so that you may take your time, and begin again after an interruption.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector keys add
  systemctl restart ml-connector
  ml-connector keys reseal")]
pub(super) struct Args {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    Add(AddArgs),
    Reseal(ResealArgs),
}

/// Put a new key before the old ones in the key file
///
/// The new key seals from the next start of the service on; the old ones open what they have
/// sealed. Back up the key file afterwards: without it the store's secrets are lost.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector keys add")]
struct AddArgs {}

/// Seal everything in the store with the newest key, and say which old keys may go
///
/// Works with a running service and without one. It is safe to interrupt and to repeat: each secret
/// is sealed with the old key or with the new one at any time, and both open.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector keys reseal
  ml-connector keys reseal --json")]
struct ResealArgs {
    /// Print one JSON object: how many were sealed anew, how many already were, the newest key and
    /// the keys that may be removed
    #[arg(long)]
    json: bool,
}

pub(super) fn run(context: &Context, args: &Args, out: &mut impl Write) -> Done {
    let settings = context.settings()?;
    match &args.command {
        KeysCommand::Add(AddArgs {}) => add(&settings, out),
        KeysCommand::Reseal(args) => reseal(context, &settings, args.json, out),
    }
}

fn add(settings: &Settings, out: &mut impl Write) -> Done {
    let secrets = Secrets::new(settings.config.secrets_dir.clone());
    let wrong = |error: String| Failure::new(exit::SETTINGS, error);
    let keys = secrets
        .seal_keys()
        .map_err(|error| wrong(error.to_string()))?;
    let keys = Keyring::add_key(&keys).map_err(|error| wrong(error.to_string()))?;
    let file = secrets
        .replace_seal_keys(&keys)
        .map_err(|error| wrong(error.to_string()))?;
    logging::log_command(settings.log);
    audit::log(Actor::this_process(), &Command::named("add-key"), Ok(()));
    let newest = newest_id(&keyring(&secrets)?);
    writeln!(
        out,
        "Key {newest} is the first line of {} now. Back the file up, restart the service, and then \
         run `ml-connector keys reseal`.",
        file.display()
    )?;
    Ok(exit::OK)
}

fn reseal(context: &Context, settings: &Settings, json: bool, out: &mut impl Write) -> Done {
    // A store that does not exist yet has nothing to seal.
    drop(context::open_store(settings)?);
    let newest = newest_id(&keyring(&Secrets::new(
        settings.config.secrets_dir.clone(),
    ))?);
    let reply = context::wait_for(client::ask(context, settings, AdminRequest::Reseal))?;
    let AdminReply::Resealed {
        resealed,
        current,
        key_ids,
    } = reply
    else {
        return Err(client::refused(reply, exit::STORE));
    };
    let Some((used, removable)) = key_ids.split_first().filter(|(used, _)| **used == newest) else {
        let message = format!(
            "the running service does not have key {newest} yet: restart it, and run this again"
        );
        return Err(Failure::new(exit::NOT_IN_ORDER, message));
    };
    if json {
        let answer = json!({
            "resealed": resealed,
            "current": current,
            "key": used,
            "removable_keys": removable,
        });
        writeln!(out, "{answer}")?;
        return Ok(exit::OK);
    }
    writeln!(
        out,
        "Sealed {resealed} anew with key {used}; {current} were already."
    )?;
    if !removable.is_empty() {
        let ids: Vec<String> = removable.iter().map(u8::to_string).collect();
        writeln!(
            out,
            "Nothing in the store needs key {} any more: remove its line from the key file. Keep \
             the file that you backed up as long as you keep older backups of the store.",
            ids.join(", ")
        )?;
    }
    Ok(exit::OK)
}

fn keyring(secrets: &Secrets) -> Result<Keyring, Failure> {
    let keys = secrets.seal_keys();
    let keys = keys.map_err(|error| Failure::new(exit::SETTINGS, error.to_string()))?;
    let keyring = Keyring::parse(&keys);
    keyring.map_err(|error: SealError| Failure::new(exit::SETTINGS, error.to_string()))
}

fn newest_id(keyring: &Keyring) -> u8 {
    keyring.ids().next().unwrap_or_default()
}
