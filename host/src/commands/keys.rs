//! `keys`: the keys that seal secrets in the store.

mod forget_checkpoints;

use std::io::Write;

use clap::Subcommand;
use ml_connector::admin::audit::{self, Actor, Command};
use ml_connector::admin::{self, AdminReply, AdminRequest};
use ml_connector::config::Settings;
use ml_connector::contract::types::System;
use ml_connector::seal::Keyring;
use ml_connector::sealed::{Place, SealedText, seal_keys_lost, sealed_texts};
use ml_connector::secrets::{SecretError, Secrets};
use ml_connector::store::Store;
use serde_json::json;

use super::context::{self, Context};
use super::failure::Failure;
use super::{Done, client, exit, logging};

/// Replace the keys that seal tokens and verifiers in the store
///
/// A rotation has four steps: `keys add`, restart the service, `keys reseal`, and then remove the
/// old lines from the key file and restart once more. Between any two steps everything goes on
/// working, so that you may take your time, and begin again after an interruption. Where the key
/// file is lost for good, `keys add` makes a new one, and each side has to be connected again.
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
    ForgetCheckpoints(forget_checkpoints::Args),
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
/// Works with a running service and without one. The service does the same by itself after each
/// start. It is safe to interrupt and to repeat: each secret is sealed with the old key or with the
/// new one at any time, and both open. Exit code 4: something does not open, which is named.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector keys reseal
  ml-connector keys reseal --json")]
struct ResealArgs {
    /// Print one JSON object: how many were sealed anew, how many already were, what does not open,
    /// the newest key and the keys that may be removed
    #[arg(long)]
    json: bool,
}

pub(super) fn run(context: &Context, args: &Args, out: &mut impl Write) -> Done {
    let settings = context.settings()?;
    match &args.command {
        KeysCommand::Add(AddArgs {}) => add(&settings, out),
        KeysCommand::Reseal(args) => reseal(context, &settings, args.json, out),
        KeysCommand::ForgetCheckpoints(args) => {
            forget_checkpoints::run(context, &settings, args, out)
        }
    }
}

fn add(settings: &Settings, out: &mut impl Write) -> Done {
    let secrets = Secrets::new(settings.config.secrets_dir.clone());
    let sealed = sealed(settings)?;
    let made = checkpoint_key_ids(settings)?;
    let taken = sealed
        .iter()
        .filter_map(SealedText::key_id)
        .chain(made.iter().copied());
    let taken = taken.collect();
    logging::log_command(settings.log);
    match secrets.seal_keys() {
        Err(SecretError::Missing { .. }) => {
            let keys = Keyring::generate_beside(&taken).map_err(wrong)?;
            let file = secrets.store_seal_keys(&keys).map_err(wrong)?;
            let id = newest_id(&keyring(settings)?);
            writeln!(
                out,
                "Made {} with key {id}. Back the file up.",
                file.display()
            )?;
        }
        keys => {
            let keys = Keyring::add_key(&keys.map_err(wrong)?, &taken).map_err(wrong)?;
            let file = secrets.replace_seal_keys(&keys).map_err(wrong)?;
            writeln!(
                out,
                "Key {} is the first line of {} now. Back the file up, restart the service, and \
                 then run `ml-connector keys reseal`.",
                newest_id(&keyring(settings)?),
                file.display()
            )?;
        }
    }
    let keyring = keyring(settings)?;
    report_to_log(settings, newest_id(&keyring));
    report_lost(settings, &keyring, &sealed, out)?;
    if made
        .iter()
        .any(|id| !keyring.ids().any(|known| known == *id))
    {
        writeln!(
            out,
            "\nCheckpoints of the store were made with a key that is not there: if it is lost for \
             good, `ml-connector keys forget-checkpoints` begins them anew."
        )?;
    }
    Ok(exit::OK)
}

/// In the log of the service, where one runs.
fn report_to_log(settings: &Settings, id: u8) {
    let told = admin::tell(&settings.config, AdminRequest::KeyAdded { id });
    let told = context::wait_for(async { Ok(told.await) });
    if !told.unwrap_or_default() {
        let command = Command::new("keys add", id.to_string());
        audit::log(Actor::this_process(), &command, Ok(()));
    }
}

/// What the store holds that is sealed; nothing where there is no store yet.
fn sealed(settings: &Settings) -> Result<Vec<SealedText>, Failure> {
    if !settings.config.store.exists() {
        return Ok(Vec::new());
    }
    let store = context::open_store(settings)?;
    context::wait_for(async { Ok(sealed_texts(&store).await?) })
}

/// The keys that made the checkpoints of the store.
fn checkpoint_key_ids(settings: &Settings) -> Result<Vec<u8>, Failure> {
    if !settings.config.store.exists() {
        return Ok(Vec::new());
    }
    let store = context::open_store(settings)?;
    let heads = context::wait_for(async { Ok(store.chain_heads().await?) })?;
    let checkpoints = heads.into_iter().filter_map(|head| head.checkpoint);
    Ok(checkpoints.map(|checkpoint| checkpoint.key_id).collect())
}

/// Which sides have to be connected again, since no key that is left opens their tokens.
fn report_lost(
    settings: &Settings,
    keyring: &Keyring,
    sealed: &[SealedText],
    out: &mut impl Write,
) -> Result<(), Failure> {
    let lost: Vec<&SealedText> = sealed
        .iter()
        .filter(|text| text.check(keyring).is_err())
        .collect();
    if lost.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "Some of what the store holds does not open with these keys. If the earlier file turns up, \
         put its lines below the first one and restart the service. Else start the service and \
         connect again:\n"
    )?;
    for connection in &settings.config.connections {
        for system in System::ALL {
            let is_lost = |text: &&SealedText| {
                text.connection == connection.name
                    && matches!(text.place, Place::Tokens(of, _) if of == system)
            };
            if lost.iter().any(is_lost) {
                let (system, name) = (system.as_str(), &connection.name);
                writeln!(out, "  ml-connector connect {system} --connection {name}")?;
            }
        }
    }
    writeln!(
        out,
        "\nWebhooks are verified anew by themselves once FreshBooks is connected."
    )?;
    Ok(())
}

/// What came of all requests to the service together.
#[derive(Default)]
struct Resealed {
    resealed: u64,
    current: u64,
    unopened: Vec<String>,
    key_ids: Vec<u8>,
}

fn reseal(context: &Context, settings: &Settings, json: bool, out: &mut impl Write) -> Done {
    // A store that does not exist yet has nothing to seal.
    drop(context::open_store(settings)?);
    if is_nothing_sealed(settings)? && !json {
        writeln!(
            out,
            "Nothing is sealed, and there are no seal keys yet: `ml-connector serve` and \
             `ml-connector connect` make them when they are needed."
        )?;
        return Ok(exit::OK);
    }
    let newest = newest_id(&keyring(settings)?);
    let all = reseal_all(context, settings, json, newest, out)?;
    let removable = match &all.key_ids[..] {
        [_, older @ ..] if all.unopened.is_empty() => older,
        _ => &[],
    };
    let code = match all.unopened.is_empty() {
        true => exit::OK,
        false => exit::CREDENTIALS,
    };
    if json {
        let answer = json!({
            "resealed": all.resealed,
            "current": all.current,
            "unopened": all.unopened,
            "key": newest,
            "removable_keys": removable,
        });
        writeln!(out, "{answer}")?;
        return Ok(code);
    }
    print(&all, newest, removable, out)?;
    Ok(code)
}

/// Asks until no connection is left, and shows how far it is.
fn reseal_all(
    context: &Context,
    settings: &Settings,
    is_quiet: bool,
    newest: u8,
    out: &mut impl Write,
) -> Result<Resealed, Failure> {
    let (mut all, mut after) = (Resealed::default(), Some(String::new()));
    while let Some(name) = after {
        let request = AdminRequest::Reseal { after: name };
        let reply = context::wait_for(client::ask(context, settings, request))?;
        let AdminReply::Resealed {
            resealed,
            current,
            unopened,
            left,
            next,
            key_ids,
        } = reply
        else {
            return Err(client::refused(reply, exit::STORE));
        };
        if key_ids.first() != Some(&newest) {
            let message = format!(
                "the running service does not have key {newest} yet: restart it, and run this again"
            );
            return Err(Failure::new(exit::NOT_IN_ORDER, message));
        }
        all.resealed += resealed;
        all.current += current;
        all.unopened.extend(unopened);
        all.key_ids = key_ids;
        if left > 0 && !is_quiet {
            let resealed = all.resealed;
            writeln!(
                out,
                "Sealed {resealed} anew so far; {left} connections are left."
            )?;
            out.flush()?;
        }
        after = next;
    }
    Ok(all)
}

fn print(
    all: &Resealed,
    newest: u8,
    removable: &[u8],
    out: &mut impl Write,
) -> Result<(), Failure> {
    let Resealed {
        resealed,
        current,
        unopened,
        ..
    } = all;
    writeln!(
        out,
        "Sealed {resealed} anew with key {newest}; {current} were already."
    )?;
    for what in unopened {
        writeln!(out, "Does not open and stays as it is: {what}")?;
    }
    if !unopened.is_empty() {
        writeln!(
            out,
            "Put the missing key back below the first line of the key file and restart the \
             service, or connect those sides again; then run this again. Until then remove no key."
        )?;
    }
    if !removable.is_empty() {
        let ids: Vec<String> = removable.iter().map(u8::to_string).collect();
        writeln!(
            out,
            "Nothing in the store needs key {} any more: remove its line from the key file. Keep \
             the file that you backed up as long as you keep older backups of the store.",
            ids.join(", ")
        )?;
    }
    Ok(())
}

fn wrong(error: impl std::fmt::Display) -> Failure {
    Failure::new(exit::SETTINGS, error.to_string())
}

fn keyring(settings: &Settings) -> Result<Keyring, Failure> {
    let keys = Secrets::new(settings.config.secrets_dir.clone()).seal_keys();
    match keys {
        Err(SecretError::Missing { file, .. }) if !sealed(settings)?.is_empty() => {
            Err(wrong(seal_keys_lost(&file)))
        }
        keys => Keyring::parse(&keys.map_err(wrong)?).map_err(wrong),
    }
}

/// Whether there is neither a key nor anything that would need one.
fn is_nothing_sealed(settings: &Settings) -> Result<bool, Failure> {
    let keys = Secrets::new(settings.config.secrets_dir.clone()).seal_keys();
    Ok(matches!(keys, Err(SecretError::Missing { .. })) && sealed(settings)?.is_empty())
}

fn newest_id(keyring: &Keyring) -> u8 {
    keyring.ids().next().unwrap_or_default()
}
