//! `check`: is everything there that `serve` needs? Writes nothing.

mod accounts;
mod connections;
mod credentials;
mod events;
mod financial;
mod integrity;
mod online;
mod placeholders;
mod scopes;
mod sealed;
mod secrets;

use std::io::Write;

use ml_connector::config::{Config, ConnectionConfig, SettingsError};
use ml_connector::contract::credentials::CredentialStatus;
use ml_connector::contract::types::System;
use ml_connector::guest::{Guest, GuestError};
use ml_connector::service;
use ml_connector::store::sqlite::{SqliteStore, check_names};
use serde::Serialize;

use super::context::{self, Context};
use super::failure::Failure;
use super::style::{self, Tone};
use super::{Done, exit};
use integrity::{ExpectedHead, Head};

/// Check settings, secrets, component, store and credentials; write nothing
///
/// Every finding is one line. The exit code is that of the first finding that keeps `serve` from
/// working: 3 for settings, secrets or the component, 6 for the store, 4 for a credential, 7 for a
/// remote. Nothing is written, and nothing is sent unless --online asks for it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  ml-connector check
  ml-connector check --online
  ml-connector check --store
  ml-connector check --config /etc/ml-connector.toml --json")]
pub(super) struct Args {
    /// Also ask every remote for an answer, with one GET and without credentials; and, where
    /// financial documents come back, FreshBooks for its accounts, to compare them with those that
    /// the settings name
    #[arg(long)]
    online: bool,
    /// Also read the whole store, and check that no history and no ending was changed or deleted
    ///
    /// Prints the head of each connection's chain of endings: write it down elsewhere, and hand it
    /// in with --head later.
    #[arg(long)]
    store: bool,
    /// With --store: check that a head that was written down before is still on its chain
    #[arg(long, value_name = "CONNECTION:NUMBER:HASH", requires = "store")]
    head: Vec<ExpectedHead>,
    /// Print a JSON array of findings
    #[arg(long)]
    json: bool,
}

/// What the check of one thing found.
#[derive(Debug, Serialize)]
struct Finding {
    /// What was looked at.
    subject: String,
    verdict: Verdict,
    /// One plain sentence that says what is wrong, and what helps.
    message: String,
    /// The end of a chain of endings, to be written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<Head>,
    /// The exit code if it is wrong.
    #[serde(skip)]
    code: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    /// In order: nothing to do.
    Ok,
    /// Legal, and hardly ever meant.
    Warning,
    /// Not there yet; a command that is named makes it.
    Later,
    /// Wrong: `serve` would not start, or would not work.
    Wrong,
}

impl Finding {
    fn new(
        subject: impl Into<String>,
        verdict: Verdict,
        code: u8,
        message: impl Into<String>,
    ) -> Self {
        Self {
            subject: subject.into(),
            verdict,
            message: message.into(),
            head: None,
            code,
        }
    }

    fn ok(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Ok, exit::OK, message)
    }

    fn wrong(subject: impl Into<String>, code: u8, message: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Wrong, code, message)
    }
}

pub(super) fn run(context: &Context, args: &Args, out: &mut impl Write) -> Done {
    let findings = match context.look() {
        Ok(looked) => match looked.settings {
            Ok(settings) => gather(&settings.config, looked.guest, args)?,
            Err(error) if args.json => {
                let mut findings = settings_faults(error);
                findings.extend(looked.guest.err().map(missing_component));
                findings
            }
            Err(error) => return Err(error.into()),
        },
        Err(error) if args.json => settings_faults(error),
        Err(error) => return Err(error.into()),
    };
    print(&findings, args.json, out)?;
    let first_wrong = findings
        .iter()
        .find(|finding| finding.verdict == Verdict::Wrong);
    Ok(first_wrong.map_or(exit::OK, |finding| finding.code))
}

/// All findings about settings that can be used. Without the component those are missing that it
/// knows.
fn gather(
    config: &Config,
    guest: Result<Guest, GuestError>,
    args: &Args,
) -> Result<Vec<Finding>, Failure> {
    let connections = counted(config.connections.len(), "connection");
    let mut findings = vec![Finding::ok(
        "settings",
        format!("{connections} without an error"),
    )];
    let (found, guest) = match guest {
        Ok(guest) => (component(config, &guest), Some(guest)),
        Err(error) => (missing_component(error), None),
    };
    findings.push(found);
    let guest = guest.as_ref();
    findings.extend(placeholders::check(config));
    findings.extend(financial::check(config));
    findings.extend(connections::exposed(config, guest)?);
    findings.extend(connections::offsetting(config));
    if let Some(guest) = guest {
        findings.extend(connections::overlapping(config, guest)?);
    }
    let mut of_store = Vec::new();
    let store = store(config, &mut of_store);
    findings.extend(secrets::secrets(config, store.as_ref()));
    let tls = config.tls.iter();
    findings.extend(tls.flat_map(|files| secrets::tls_files("receiver TLS", files)));
    findings.extend(events::check_events(config, guest)?);
    findings.extend(of_store);
    let asked = stored_and_remote(config, store.as_ref(), guest, args);
    findings.extend(context::wait_for(asked)?);
    Ok(findings)
}

/// What the store holds, with the keys that open it, and what the remotes say.
async fn stored_and_remote(
    config: &Config,
    store: Option<&SqliteStore>,
    guest: Option<&Guest>,
    args: &Args,
) -> Result<Vec<Finding>, Failure> {
    let keys = context::keyring(config);
    let keyring = keys.as_ref().ok();
    let mut findings = integrity::check(store, keyring, args.store, &args.head).await?;
    findings.extend(connections::orphaned(config, store).await?);
    let keys = keys.as_ref().map_err(String::as_str);
    for connection in &config.connections {
        findings.push(redirect(config, connection, store).await?);
    }
    if let Some(guest) = guest {
        findings.extend(credentials::check(config, store, keys, guest).await?);
        findings.extend(scopes::check(config, store, guest).await?);
    }
    findings.extend(sealed::check(config, store, keyring).await?);
    if let (true, Some(guest)) = (args.online, guest) {
        findings.extend(online::ask(config, store, guest).await?);
        findings.extend(accounts::compare(config, store, keyring, guest).await?);
    }
    Ok(findings)
}

/// Each fault of a settings file by itself, for programs.
fn settings_faults(error: SettingsError) -> Vec<Finding> {
    let faults = match error {
        SettingsError::Unreadable { .. } => {
            return vec![Finding::wrong(
                "settings",
                exit::SETTINGS,
                error.to_string(),
            )];
        }
        SettingsError::Wrong { file, faults } => faults.into_iter().map(move |fault| {
            let faults = vec![fault];
            SettingsError::Wrong {
                file: file.clone(),
                faults,
            }
        }),
    };
    let finding = |fault: SettingsError| {
        let message = fault.to_string();
        Finding::wrong("settings", exit::SETTINGS, message)
    };
    faults.map(finding).collect()
}

fn missing_component(error: GuestError) -> Finding {
    Finding::wrong("component", exit::SETTINGS, error.to_string())
}

fn component(config: &Config, guest: &Guest) -> Finding {
    let pinned = match config.component_sha256 {
        Some(_) => ", as component.sha256 wants",
        None => "",
    };
    let message = format!(
        "{} fits this program: contract {}, SHA-256 {}{pinned}",
        config.component.display(),
        guest.contract_version(),
        guest.sha256_hex()
    );
    Finding::ok("component", message)
}

async fn redirect(
    config: &Config,
    connection: &ConnectionConfig,
    store: Option<&SqliteStore>,
) -> Result<Finding, Failure> {
    let subject = format!("redirect_uri of {}", connection.name);
    if context::redirect_leads_here(config, connection) {
        return Ok(Finding::ok(subject, "leads to this receiver"));
    }
    let stored = credentials::stored(store, &connection.name, System::Freshbooks).await?;
    let is_live = stored.is_some_and(|one| one.credential.status == CredentialStatus::Live);
    let ours = context::redirect_uri(config);
    let elsewhere = format!("does not lead to this receiver ({ours})");
    Ok(match is_live {
        true => {
            let message = format!(
                "{elsewhere}; FreshBooks is connected, and the next time it takes `connect \
                 freshbooks --pasted` again"
            );
            Finding::ok(subject, message)
        }
        false => {
            let message = format!("{elsewhere}: connect with `connect freshbooks --pasted`");
            Finding::new(subject, Verdict::Later, exit::OK, message)
        }
    })
}

fn store(config: &Config, findings: &mut Vec<Finding>) -> Option<SqliteStore> {
    const SUBJECT: &str = "store";
    let path = &config.store;
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    if directory.is_some_and(|directory| !directory.is_dir()) {
        let message = format!(
            "there is no directory for {}; make it, or correct store.path",
            path.display()
        );
        findings.push(Finding::wrong(SUBJECT, exit::STORE, message));
        return None;
    }
    let exists = service::check_store_is_not_lost(config).and_then(|()| SqliteStore::exists(path));
    if let Err(error) = exists {
        findings.push(Finding::wrong(SUBJECT, exit::STORE, error.to_string()));
        return None;
    }
    if exists == Ok(false) {
        let message = format!("the first `serve` or `connect` makes {}", path.display());
        findings.push(Finding::new(SUBJECT, Verdict::Later, exit::OK, message));
        return None;
    }
    match SqliteStore::open_read_only(path) {
        Ok(store) => {
            findings.push(match check_names(path) {
                Ok(()) => Finding::ok(SUBJECT, format!("{} can be read", path.display())),
                Err(error) => Finding::wrong(SUBJECT, exit::STORE, error.to_string()),
            });
            Some(store)
        }
        Err(error) => {
            findings.push(Finding::wrong(SUBJECT, exit::STORE, error.to_string()));
            None
        }
    }
}

fn print(findings: &[Finding], json: bool, out: &mut impl Write) -> Result<(), Failure> {
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(findings)?)?;
        return Ok(());
    }
    for finding in findings {
        let word = match finding.verdict {
            Verdict::Ok => style::coloured("ok   ", Tone::Good),
            Verdict::Warning => style::coloured("warn ", Tone::Waiting),
            Verdict::Later => style::coloured("later", Tone::Waiting),
            Verdict::Wrong => style::coloured("wrong", Tone::Bad),
        };
        writeln!(out, "{word}  {}: {}", finding.subject, finding.message)?;
    }
    Ok(())
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}
